/* Cases of framework/ops/row_moments; options: the first column and how many, floats. */
#include "ops/row_moments.h"

#include "op_case.h"

static nx_tensor *row_moments_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_row_moments(g, in[0], nx_constant(g, NX_VECTOR(2), c->options));
}

static void row_moments_reference(const op_case *c, const double *const *in, double *out)
{
    const float *columns = c->options;
    int first = (int)columns[0], count = (int)columns[1];
    nx_shape s = c->in[0];
    for (int n = 0; n < s.n; n++)
        for (int h = 0; h < s.h; h++)
            for (int k = 0; k < s.c; k++) {
                double sum = 0, squares = 0;
                for (int w = first; w < first + count; w++) sum += in[0][at(s, n, h, w, k)];
                for (int w = first; w < first + count; w++) {
                    double d = in[0][at(s, n, h, w, k)] - sum / count;
                    squares += d * d;
                }
                out[at(c->out, n, h, 0, k)] = sum / count;
                out[at(c->out, n, h, 1, k)] = squares;
            }
}

static const op_case rows[] = {
    ROW(row_moments, "3 channels, some columns", .in = {{2, 5, 9, 3}}, .out = {2, 5, 2, 3},
        .options = &(const float[]){2, 6}, .no_gradient = NO_GRADIENT, .doctor = true),
    ROW(row_moments, "far from 0", .in = {{1, 3, 40, 19}}, .out = {1, 3, 2, 19}, .options = &(const float[]){0, 40},
        .range = {{.low = 99, .high = 101}}, .no_gradient = NO_GRADIENT),
    ROW(row_moments, "one column", .in = {{1, 4, 4, 32}}, .out = {1, 4, 2, 32}, .options = &(const float[]){3, 1},
        .no_gradient = NO_GRADIENT),
};

OP_TABLE(row_moments, rows);
