/* Cases of framework/ops/weighted_sum. */
#include "ops/weighted_sum.h"

#include "op_case.h"

/* Input i weighs (i + 1) / 4, minus one for the second. */
static float weight_of(int i) { return i == 1 ? -1.f : (float)(i + 1) / 4; }

static nx_tensor *weighted_sum_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    float weights[NX_MAX_INPUTS];
    nx_tensor *scalars[NX_MAX_INPUTS];
    int n = op_inputs(c), twice = 2 * n; /* every input twice: more than one launch takes */
    for (int i = 0; i < twice; i++) {
        weights[i] = weight_of(i);
        scalars[i] = in[i % n];
    }
    return nx_weighted_sum(g, scalars, weights, twice);
}

static void weighted_sum_reference(const op_case *c, const double *const *in, double *out)
{
    int n = op_inputs(c);
    for (int i = 0; i < 2 * n; i++) out[0] += (double)weight_of(i) * in[i % n][0];
}

static const op_case rows[] = {
    ROW(weighted_sum, "ten", .in = {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}},
        .out = {1, 1, 1, 1}, .doctor = true),
};

OP_TABLE(weighted_sum, rows);
