/* C = alpha op(A) op(B). With D the gradient of C: of A it is alpha D op(B)^T, of B alpha op(A)^T D; transposed where
 * the operand is. */
#include "ops/gemm.h"

#include "ops/gemm_gpu.h"

#include <stdio.h>

enum { PACK_ROWS = 16, CACHED = 1 << 19 }; /* DEEP of cl/gemm.cl; bytes of B that stay in a core's cache */

static int divide_up(int a, int b) { return (a + b - 1) / b; }
static int images(const nx_gemm_problem *p) { return p->batch ? p->batch : 1; }
static float alpha_of(const nx_gemm_problem *p) { return p->alpha != 0.f ? p->alpha : 1.f; }

/* ---- for operations ---- */

static bool on_gpu(const nx_plan *plan) { return nx_plan_info(plan)->family == NX_FAMILY_GPU; }

static nx_choice choice_of(const nx_plan *plan, const nx_gemm_problem *p)
{
    return nx_choose(nx_plan_info(plan), &(nx_question){.work = NX_WORK_PRODUCT, .product = *p});
}

void nx_gemm_plan(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *problem, nx_tensor *b)
{
    NX_CHECK(problem->m > 0 && problem->n > 0 && problem->k > 0, "gemm: %d x %d x %d", problem->m, problem->n,
             problem->k);
    NX_CHECK(!problem->symmetric || problem->m == problem->n, "gemm: symmetric, but %d x %d", problem->m, problem->n);
    if (on_gpu(plan)) {
        nx_choice choice = choice_of(plan, problem);
        nx_gemm_gpu_plan(plan, node, slot + 1, problem, &choice);
        return;
    }
    nx_gemm_cut cut = nx_gemm_cut_packed(nx_plan_info(plan), problem);
    if (cut.packed_bytes) {
        const char *tag = problem->transpose_b ? "gemm_transposed" : "gemm";
        nx_tensor *packed = nx_plan_derived(plan, node, slot, b, tag, cut.packed_bytes);
        NX_CHECK(packed->bytes >= cut.packed_bytes, "gemm: one operand is used as matrices of different sizes");
    }
    if (cut.scratch_bytes) nx_plan_scratch(plan, node, slot + 1, cut.scratch_bytes);
}

void nx_gemm_reduce(nx_plan *plan, nx_node *node, const nx_gemm_problem *p, int parts, bool upper, nx_tensor *scratch,
                    nx_tensor *c)
{
    nx_step *step = nx_plan_launch(
        plan, node, "gemm", "gemm_reduce", NULL,
        nx_range_lanes(plan, p->n, (size_t)divide_up(p->m, nx_plan_lanes(plan)), (size_t)images(p)),
        NX_ARGS({"parts", .t = scratch}, {"c", .t = c}, {"m", .i = p->m}, {"n", .i = p->n}, {"splits", .i = parts},
                {"upper", .i = upper}, {"alpha", .f = alpha_of(p)}, {"add", .i = p->add}));
    step->bytes = 4.0 * (parts + 1.0) * p->m * p->n * images(p);
}

void nx_gemm_bind(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *p, nx_tensor *a, nx_tensor *b,
                  nx_tensor *c)
{
    if (on_gpu(plan)) {
        nx_choice choice = choice_of(plan, p);
        nx_gemm_gpu_bind(plan, node, slot + 1, p, &choice, a, b, c);
        return;
    }
    nx_gemm_cut cut = nx_gemm_cut_packed(nx_plan_info(plan), p);
    int panel = 2 * nx_plan_lanes(plan), panels = divide_up(p->n, panel);
    size_t batch = (size_t)images(p);
    if (cut.packed && nx_plan_derives(plan, node, slot)) {
        nx_step *step =
            nx_plan_launch_derived(plan, node, slot, "gemm", "gemm_pack", NULL,
                                   nx_range_lanes(plan, panels * panel, (size_t)divide_up(p->k, PACK_ROWS), batch),
                                   NX_ARGS({"b", .t = b}, {"packed", .t = node->scratch[slot]}, {"n", .i = p->n},
                                           {"k", .i = p->k}, {"transposed", .i = p->transpose_b}));
        step->bytes = 8.0 * p->n * p->k * (double)batch;
    }
    bool parts = cut.splits > 1 || p->symmetric;
    char defines[64];
    snprintf(defines, sizeof defines, "-DROWS=%d%s%s", cut.rows, p->transpose_a ? " -DTRANSPOSE_A" : "",
             cut.packed ? " -DPACKED" : "");
    size_t rows = (size_t)divide_up(p->m, cut.rows);
    bool panels_first = (size_t)cut.depth * (size_t)p->n * sizeof(float) <= CACHED;
    nx_range tiles = {
        3,
        {panels_first ? (size_t)panels : rows, panels_first ? rows : (size_t)panels, batch * (size_t)cut.splits},
        {1, 1, 1}};
    nx_step *step =
        nx_plan_launch(plan, node, "gemm", "gemm_tile", defines, tiles,
                       NX_ARGS({"a", .t = a}, {"b", .t = cut.packed ? node->scratch[slot] : b},
                               {"c", .t = parts ? node->scratch[slot + 1] : c}, {"m", .i = p->m}, {"n", .i = p->n},
                               {"k", .i = p->k}, {"splits", .i = cut.splits}, {"depth", .i = cut.depth},
                               {"panels_first", .i = panels_first}, {"upper", .i = p->symmetric},
                               {"alpha", .f = parts ? 1.0 : (double)alpha_of(p)}, {"add", .i = p->add && !parts}));
    step->flops = (p->symmetric ? 1.0 : 2.0) * p->m * p->n * p->k * (double)batch; /* of what is needed */
    step->bytes = 4.0 * (double)batch * ((double)p->m * p->k + (double)p->k * p->n + (double)p->m * p->n);
    if (parts) nx_gemm_reduce(plan, node, p, cut.splits, p->symmetric, node->scratch[slot + 1], c);
}

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

static void plan_op(nx_plan *plan, nx_node *node) { nx_gemm_plan(plan, node, 0, node->attr, node->in[1]); }
static void bind(nx_plan *plan, nx_node *node)
{
    nx_gemm_bind(plan, node, 0, node->attr, node->in[0], node->in[1], node->out[0]);
}

static const nx_op op = {.name = "gemm", .gradient = gradient, .plan = plan_op, .bind = bind};

nx_tensor *nx_gemm_shaped(nx_graph *g, nx_tensor *a, nx_tensor *b, nx_gemm_problem problem, nx_shape shape)
{
    const nx_gemm_problem *p = &problem;
    size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k, batch = (size_t)images(p);
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
