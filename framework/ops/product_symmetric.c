/* A^T A on CPUs, of which a Gram matrix is the one case there is: in chunks of rows that are copied so that both
 * operands of a register tile lie in a core's first cache (cl/gemm.cl). As they lie, a tile's 12 and 32 numbers of each
 * row are in lines of the cache that meet in few of its places, and come from the second one for each tile anew. */
#include "base/blocks.h"
#include "ops/product.h"

#include <stdio.h>

enum { CHUNK = 64 };                                /* rows of A at a time */
enum { SPLITS_UNIT = 4, LEAST = 2 * CHUNK };        /* splits of the sum for a core; terms of one */
static const size_t most_floats = (size_t)64 << 20; /* of all parts */

typedef struct division {
    size_t panel, panels; /* columns of a panel, panels of a row */
    size_t splits, depth; /* of the sum; terms of each but the last */
    size_t groups;        /* of panels */
} division;

static division divide(const nx_device_info *info, const nx_gemm_problem *p)
{
    size_t panel = 2 * (size_t)nx_device_lanes(info), panels = nx_blocks((size_t)p->n, panel), k = (size_t)p->k;
    size_t images = (size_t)nx_product_images(p), wanted = nx_blocks(SPLITS_UNIT * info->units, images);
    size_t part = (size_t)p->n * (size_t)p->n, most = most_floats / part / images;
    if (wanted > most) wanted = most > 1 ? most : 1;
    if (wanted > nx_blocks(k, LEAST)) wanted = nx_blocks(k, LEAST);
    size_t depth = nx_round_up(nx_blocks(k, wanted), CHUNK), splits = nx_blocks(k, depth);
    size_t groups = nx_blocks(2 * info->units, splits * images);
    return (division){panel, panels, splits, depth, groups < panels ? groups : panels};
}

static void plan_product(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    division d = divide(nx_plan_info(plan), p);
    size_t items = d.splits * (size_t)nx_product_images(p), side = (size_t)p->n;
    NX_CHECK(job->a == job->b, "gemm: symmetric, but of two operands");
    nx_plan_scratch(plan, node, job->slot + NX_PRODUCT_PANELS,
                    items * d.groups * d.panels * d.panel * CHUNK * sizeof(float));
    nx_plan_scratch(plan, node, job->slot + NX_PRODUCT_PARTS, items * side * side * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    division d = divide(nx_plan_info(plan), p);
    char defines[64];
    /* half of the registers hold sums: so many rows divide a panel */
    snprintf(defines, sizeof defines, "-DCHUNK=%d -DROWS=%d", CHUNK, nx_plan_lanes(plan) / 2);
    nx_range range = {.dims = 2, .global = {d.groups, d.splits * (size_t)nx_product_images(p)}, .local = {1, 1}};
    nx_step *step =
        nx_plan_launch(plan, node, "gemm", "gemm_symmetric", defines, range,
                       NX_ARGS({"a", .t = job->a}, {"parts", .t = node->scratch[job->slot + NX_PRODUCT_PARTS]},
                               {"scratch", .t = node->scratch[job->slot + NX_PRODUCT_PANELS]}, {"n", .i = p->n},
                               {"k", .i = p->k}, {"splits", .i = d.splits}, {"depth", .i = d.depth}));
    step->flops = nx_product_flops(p);
    step->bytes = nx_product_bytes(p);
    nx_product_reduce(plan, node, job, (int)d.splits, true);
}

static bool can(const nx_device_info *info, const nx_question *q)
{
    return (void)info, q->product.symmetric && q->product.transpose_a && !q->product.transpose_b;
}

const nx_algorithm nx_product_symmetric = {.name = "symmetric",
                                           .family = NX_FAMILY_CPU,
                                           .works = 1u << NX_WORK_PRODUCT,
                                           .can = can,
                                           .plan = plan_product,
                                           .bind = bind};
