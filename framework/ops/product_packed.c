/* Matrix products on CPUs in register tiles, with b in panels where that pays (cl/gemm.cl, device/gemm). A long sum is
 * cut in splits whose parts are added in a fixed order; of a symmetric product only the tiles on and above the diagonal
 * are computed. */
#include "base/blocks.h"
#include "ops/product.h"

#include <stdio.h>

enum { DEEP = 16 }; /* rows of b that a work-item packs */

static void plan_product(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    nx_gemm_cut cut = nx_gemm_cut_packed(nx_plan_info(plan), p);
    if (cut.packed_bytes) {
        const char *tag = p->transpose_b ? "gemm_transposed" : "gemm";
        nx_tensor *packed = nx_plan_derived(plan, node, job->slot + NX_PRODUCT_PANELS, job->b, tag, cut.packed_bytes);
        NX_CHECK(packed->bytes >= cut.packed_bytes, "gemm: one operand is used as matrices of different sizes");
    }
    if (cut.scratch_bytes) nx_plan_scratch(plan, node, job->slot + NX_PRODUCT_PARTS, cut.scratch_bytes);
}

static void bind(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    nx_gemm_cut cut = nx_gemm_cut_packed(nx_plan_info(plan), p);
    int panels_at = job->slot + NX_PRODUCT_PANELS;
    size_t panel = 2 * (size_t)nx_plan_lanes(plan), panels = nx_blocks((size_t)p->n, panel);
    size_t batch = (size_t)nx_product_images(p), rows = nx_blocks((size_t)p->m, (size_t)cut.rows);
    char defines[64];
    if (cut.packed && nx_plan_derives(plan, node, panels_at)) {
        snprintf(defines, sizeof defines, "-DDEEP=%d", DEEP);
        nx_step *step =
            nx_plan_launch_derived(plan, node, panels_at, "gemm", "gemm_pack", defines,
                                   nx_range_lanes(plan, (int)(panels * panel), nx_blocks((size_t)p->k, DEEP), batch),
                                   NX_ARGS({"b", .t = job->b}, {"packed", .t = node->scratch[panels_at]},
                                           {"n", .i = p->n}, {"k", .i = p->k}, {"transposed", .i = p->transpose_b}));
        step->bytes = 8.0 * p->n * p->k * (double)batch;
    }
    bool parts = cut.splits > 1 || p->symmetric;
    snprintf(defines, sizeof defines, "-DROWS=%d%s%s", cut.rows, p->transpose_a ? " -DTRANSPOSE_A" : "",
             cut.packed ? " -DPACKED" : "");
    size_t part = (size_t)cut.depth * (size_t)p->n * sizeof(float); /* of b: it stays in a core's cache, or a does */
    bool panels_first = part <= nx_device_core_cache(nx_plan_info(plan)) / 2;
    nx_range tiles = {
        .dims = 3,
        .global = {panels_first ? panels : rows, panels_first ? rows : panels, batch * (size_t)cut.splits},
        .local = {1, 1, 1}};
    nx_step *step = nx_plan_launch(
        plan, node, "gemm", "gemm_tile", defines, tiles,
        NX_ARGS({"a", .t = job->a}, {"b", .t = cut.packed ? node->scratch[panels_at] : job->b},
                {"c", .t = parts ? node->scratch[job->slot + NX_PRODUCT_PARTS] : job->c}, {"m", .i = p->m},
                {"n", .i = p->n}, {"k", .i = p->k}, {"splits", .i = cut.splits}, {"depth", .i = cut.depth},
                {"panels_first", .i = panels_first}, {"upper", .i = p->symmetric},
                {"alpha", .f = parts ? 1 : nx_product_alpha(p)}, {"add", .i = p->add && !parts}));
    step->flops = nx_product_flops(p);
    step->bytes = nx_product_bytes(p);
    if (parts) nx_product_reduce(plan, node, job, cut.splits, p->symmetric);
}

const nx_algorithm nx_product_packed = {
    .name = "packed", .family = NX_FAMILY_CPU, .works = 1u << NX_WORK_PRODUCT, .plan = plan_product, .bind = bind};
