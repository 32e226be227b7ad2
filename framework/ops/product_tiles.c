/* Matrix products on GPUs in tiles of local memory (cl/conv_gpu.cl, ops/tile), with transposed operands as they lie. A
 * long sum is cut in splits whose parts are added in a fixed order; of a symmetric product only the tiles on and above
 * the diagonal are computed. Never by tensor cores. */
#include "ops/product.h"

#include <stdio.h>

enum { WIDTH = 4 }; /* floats fetched at a time */

typedef struct cut {
    const nx_tile *tile;
    nx_sums sums;
    nx_splits splits;
    bool parts; /* are added up by another kernel, which mirrors what is symmetric too */
} cut;

static nx_sums sums_of(const nx_gemm_problem *p)
{
    return (nx_sums){(size_t)p->m, (size_t)p->n, (size_t)nx_product_images(p), (size_t)p->k, false};
}

static cut cut_of(const nx_plan *plan, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    const nx_choice *choice = &job->choice;
    cut c = {.sums = sums_of(p)};
    if (choice->splits == 1) c.sums.terms = 0;
    c.tile = choice->tile ? choice->tile : nx_tile_choose(nx_plan_info(plan), &c.sums);
    c.splits = choice->splits ? nx_splits_into((size_t)p->k, (size_t)choice->splits)
                              : nx_tile_splits(nx_plan_info(plan), c.tile, &c.sums, NX_SPLIT_GROUPS);
    c.parts = c.splits.count > 1 || p->symmetric;
    return c;
}

static void plan_product(nx_plan *plan, nx_node *node, const nx_job *job)
{
    cut t = cut_of(plan, job);
    size_t numbers = (size_t)t.splits.count * t.sums.products * t.sums.rows * t.sums.columns;
    if (t.parts) nx_plan_scratch(plan, node, job->slot + NX_PRODUCT_PARTS, numbers * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    cut t = cut_of(plan, job);
    int line_a = p->transpose_a ? p->m : p->k, line_b = p->transpose_b ? p->k : p->n;
    bool wide = line_a % WIDTH == 0 && line_b % WIDTH == 0 && p->n % WIDTH == 0;
    char defines[200], more[48];
    snprintf(more, sizeof more, "%s%s", p->transpose_a ? " -DTRANSPOSE_A" : "", p->transpose_b ? " -DTRANSPOSE_B" : "");
    nx_tile_defines(defines, sizeof defines, t.tile, &t.sums, wide ? WIDTH : 1, more);
    nx_step *step = nx_plan_launch(
        plan, node, "conv_gpu", "product", defines, nx_tile_range(t.tile, &t.sums, (size_t)t.splits.count),
        NX_ARGS({"first", .t = job->a}, {"second", .t = job->b},
                {"c", .t = t.parts ? node->scratch[job->slot + NX_PRODUCT_PARTS] : job->c}, {"m", .i = p->m},
                {"n", .i = p->n}, {"k", .i = p->k}, {"splits", .i = t.splits.count}, {"depth", .i = t.splits.depth},
                {"upper", .i = p->symmetric}, {"alpha", .f = t.parts ? 1 : nx_product_alpha(p)},
                {"add", .i = p->add && !t.parts}));
    step->flops = nx_product_flops(p);
    step->bytes = nx_product_bytes(p);
    if (t.parts) nx_product_reduce(plan, node, job, t.splits.count, p->symmetric);
}

static size_t variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out)
{
    nx_sums sums = sums_of(&q->product);
    return nx_tile_variants(info, &sums, true, plain, out);
}

const nx_algorithm nx_product_tiles = {.name = "tiles",
                                       .family = NX_FAMILY_GPU,
                                       .works = 1u << NX_WORK_PRODUCT,
                                       .variants = variants,
                                       .plan = plan_product,
                                       .bind = bind};
