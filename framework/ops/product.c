/* What the algorithms of products share. */
#include "ops/product.h"

#include "base/blocks.h"

int nx_product_images(const nx_gemm_problem *p) { return p->batch ? p->batch : 1; }
float nx_product_alpha(const nx_gemm_problem *p) { return p->alpha != 0.f ? p->alpha : 1.f; }

double nx_product_flops(const nx_gemm_problem *p)
{
    return (p->symmetric ? 1.0 : 2.0) * p->m * p->n * p->k * nx_product_images(p);
}

double nx_product_bytes(const nx_gemm_problem *p)
{
    return 4.0 * nx_product_images(p) * ((double)p->m * p->k + (double)p->k * p->n + (double)p->m * p->n);
}

void nx_product_reduce(nx_plan *plan, nx_node *node, const nx_job *job, int parts, bool upper)
{
    const nx_gemm_problem *p = &job->q.product;
    size_t lines = nx_blocks((size_t)p->m, (size_t)nx_plan_lanes(plan));
    nx_step *step = nx_plan_launch(
        plan, node, "gemm", "gemm_reduce", NULL, nx_range_lanes(plan, p->n, lines, (size_t)nx_product_images(p)),
        NX_ARGS({"parts", .t = node->scratch[job->slot + NX_PRODUCT_PARTS]}, {"c", .t = job->c}, {"m", .i = p->m},
                {"n", .i = p->n}, {"splits", .i = parts}, {"upper", .i = upper}, {"alpha", .f = nx_product_alpha(p)},
                {"add", .i = p->add}));
    step->bytes = 4.0 * (parts + 1.0) * p->m * p->n * nx_product_images(p);
}
