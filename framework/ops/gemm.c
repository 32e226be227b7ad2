/* C = alpha op(A) op(B). With D the gradient of C: of A it is alpha D op(B)^T, of B alpha op(A)^T D; transposed where
 * the operand is. */
#include "ops/gemm.h"

#include "ops/product.h"

void nx_gemm_plan(nx_plan *plan, nx_node *node, const nx_gemm_problem *p, nx_tensor *a, nx_tensor *b, nx_tensor *c)
{
    NX_CHECK(p->m > 0 && p->n > 0 && p->k > 0, "gemm: %d x %d x %d", p->m, p->n, p->k);
    NX_CHECK(!p->symmetric || p->m == p->n, "gemm: symmetric, but %d x %d", p->m, p->n);
    nx_job_plan(plan, node, (nx_job){.q = {.work = NX_WORK_PRODUCT, .product = *p}, .a = a, .b = b, .c = c});
}

void nx_gemm_bind(nx_plan *plan, nx_node *node) { nx_job_bind(plan, node); }

/* ---- the operation ---- */

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    const nx_gemm_problem *p = node->attr;
    nx_tensor *a = node->in[0], *b = node->in[1];
    nx_gemm_problem q = {.alpha = p->alpha, .batch = p->batch};
    if (want[0] && !p->transpose_a) {
        q.m = p->m, q.n = p->k, q.k = p->n, q.transpose_a = false, q.transpose_b = !p->transpose_b;
        dx[0] = nx_gemm_shaped(g, dy[0], b, q, a->shape);
    } else if (want[0]) {
        q.m = p->k, q.n = p->m, q.k = p->n, q.transpose_a = p->transpose_b, q.transpose_b = true;
        dx[0] = nx_gemm_shaped(g, b, dy[0], q, a->shape);
    }
    if (want[1] && !p->transpose_b) {
        q.m = p->k, q.n = p->n, q.k = p->m, q.transpose_a = !p->transpose_a, q.transpose_b = false;
        dx[1] = nx_gemm_shaped(g, a, dy[0], q, b->shape);
    } else if (want[1]) {
        q.m = p->n, q.n = p->k, q.k = p->m, q.transpose_a = true, q.transpose_b = p->transpose_a;
        dx[1] = nx_gemm_shaped(g, dy[0], a, q, b->shape);
    }
}

static void plan_op(nx_plan *plan, nx_node *node)
{
    nx_gemm_plan(plan, node, node->attr, node->in[0], node->in[1], node->out[0]);
}

static const nx_op op = {.name = "gemm", .gradient = gradient, .plan = plan_op, .bind = nx_gemm_bind};

nx_tensor *nx_gemm_shaped(nx_graph *g, nx_tensor *a, nx_tensor *b, nx_gemm_problem problem, nx_shape shape)
{
    const nx_gemm_problem *p = &problem;
    size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k, batch = (size_t)nx_product_images(p);
    NX_CHECK(nx_shape_count(a->shape) == batch * m * k && nx_shape_count(b->shape) == batch * k * n &&
                 nx_shape_count(shape) == batch * m * n && !p->add,
             "gemm: %d x %d x %d, batch %zu, does not fit its operands", p->m, p->n, p->k, batch);
    return nx_node_single(g, &op, &problem, sizeof problem, shape, a, b, NULL, NULL);
}

nx_tensor *nx_gemm(nx_graph *g, nx_tensor *a, nx_tensor *b, nx_gemm_options options)
{
    int a_rows = a->shape.h * a->shape.w, b_rows = b->shape.h * b->shape.w;
    nx_gemm_problem p = {.m = options.transpose_a ? a->shape.c : a_rows,
                         .n = options.transpose_b ? b_rows : b->shape.c,
                         .k = options.transpose_a ? a_rows : a->shape.c,
                         .transpose_a = options.transpose_a,
                         .transpose_b = options.transpose_b,
                         .alpha = options.alpha,
                         .batch = a->shape.n};
    NX_CHECK(p.k == (options.transpose_b ? b->shape.c : b_rows) && a->shape.n == b->shape.n,
             "gemm: inner sizes or batches differ");
    return nx_gemm_shaped(g, a, b, p, (nx_shape){a->shape.n, 1, p.m, p.n});
}
