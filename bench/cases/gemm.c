/* Cases of framework/ops/gemm. */
#include "ops/gemm.h"

#include "op_case.h"

static nx_tensor *gemm_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_gemm_options *o = c->options;
    return nx_gemm(g, in[0], in[1], *o);
}

static void gemm_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_gemm_options *o = c->options;
    size_t m = (size_t)c->out.w, n = (size_t)c->out.c, k = nx_shape_count(c->in[0]) / m / (size_t)c->out.n;
    double alpha = o->alpha != 0.f ? (double)o->alpha : 1;
    for (size_t image = 0; image < (size_t)c->out.n; image++)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                const double *a = in[0] + image * m * k, *b = in[1] + image * k * n;
                double sum = 0;
                for (size_t l = 0; l < k; l++)
                    sum +=
                        (o->transpose_a ? a[l * m + i] : a[i * k + l]) * (o->transpose_b ? b[j * k + l] : b[l * n + j]);
                out[(image * m + i) * n + j] = alpha * sum;
            }
}

#define GEMM(...)                                                                                                      \
    .options = &(const nx_gemm_options) { __VA_ARGS__ }

static const op_case rows[] = {
    ROW(gemm, "plain", .in = {{1, 5, 7, 33}, {1, 1, 33, 70}}, .out = {1, 1, 35, 70}, GEMM(.alpha = 0.5f),
        .doctor = true),
    ROW(gemm, "whole tiles", .in = {{1, 1, 48, 64}, {1, 1, 64, 64}}, .out = {1, 1, 48, 64}, GEMM(0)),
    ROW(gemm, "b transposed, batch", .in = {{3, 1, 13, 20}, {3, 1, 17, 20}}, .out = {3, 1, 13, 17},
        GEMM(.transpose_b = true), .doctor = true),
    ROW(gemm, "a transposed, batch", .in = {{2, 1, 20, 13}, {2, 1, 20, 64}}, .out = {2, 1, 13, 64},
        GEMM(.transpose_a = true), .doctor = true),
    ROW(gemm, "both transposed, a long sum", .in = {{2, 1, 1100, 5}, {2, 1, 3, 1100}}, .out = {2, 1, 5, 3},
        GEMM(.transpose_a = true, .transpose_b = true)),
    ROW(gemm, "a longer sum", .in = {{1, 1, 14, 2500}, {1, 1, 2500, 32}}, .out = {1, 1, 14, 32}, GEMM(0)),
    ROW(gemm, "both transposed, in fours", .in = {{2, 1, 36, 20}, {2, 1, 24, 36}}, .out = {2, 1, 20, 24},
        GEMM(.transpose_a = true, .transpose_b = true, .alpha = 2)),
    ROW(gemm, "one number", .in = {{1, 1, 1, 1}, {1, 1, 1, 1}}, .out = {1, 1, 1, 1}, GEMM(0)),
    ROW(gemm, "large", .in = {{1, 1, 1200, 96}, {1, 1, 96, 1216}}, .out = {1, 1, 1200, 1216}, GEMM(0),
        .no_gradient = NO_GRADIENT, .doctor = true),
    ROW(gemm, "a transposed, a sum of 9000", .in = {{1, 1, 9000, 24}, {1, 1, 9000, 40}}, .out = {1, 1, 24, 40},
        GEMM(.transpose_a = true), .no_gradient = NO_GRADIENT, .doctor = true),
    ROW(gemm, "1024 cubed", .in = {{1, 1, 1024, 1024}, {1, 1, 1024, 1024}}, .out = {1, 1, 1024, 1024}, GEMM(0),
        .timed = true),
    ROW(gemm, "the gradient of a Gram matrix, 64 channels of 512 x 512", .in = {{1, 512, 512, 64}, {1, 1, 64, 64}},
        .out = {1, 512, 512, 64}, GEMM(0), .timed = true),
    ROW(gemm, "the gradient of a Gram matrix, 512 channels of 64 x 64", .in = {{1, 64, 64, 512}, {1, 1, 512, 512}},
        .out = {1, 64, 64, 512}, GEMM(0), .timed = true),
};

OP_TABLE(gemm, rows);
