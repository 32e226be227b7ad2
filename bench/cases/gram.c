/* Cases of framework/ops/gram; options: the factor, a float. */
#include "ops/gram.h"

#include "op_case.h"

static nx_tensor *gram_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const float *factor = c->options;
    return nx_gram(g, in[0], *factor);
}

static void gram_reference(const op_case *c, const double *const *in, double *out)
{
    const float *factor = c->options;
    nx_shape s = c->in[0];
    for (int n = 0; n < s.n; n++)
        for (int a = 0; a < s.c; a++)
            for (int b = 0; b < s.c; b++) {
                double sum = 0;
                for (int h = 0; h < s.h; h++)
                    for (int w = 0; w < s.w; w++) sum += in[0][at(s, n, h, w, a)] * in[0][at(s, n, h, w, b)];
                out[at(c->out, n, 0, a, b)] = (double)*factor * sum;
            }
}

static const op_case rows[] = {
    ROW(gram, "3 channels", .in = {{2, 5, 7, 3}}, .out = {2, 1, 3, 3}, .options = &(const float){0.01f}),
    ROW(gram, "16 channels", .in = {{1, 9, 8, 16}}, .out = {1, 1, 16, 16}, .options = &(const float){1}),
    ROW(gram, "17 channels, many pixels", .in = {{2, 36, 31, 17}}, .out = {2, 1, 17, 17},
        .options = &(const float){0.125f}, .probes = 6, .doctor = true),
    ROW(gram, "64 channels, many pixels", .in = {{1, 33, 35, 64}}, .out = {1, 1, 64, 64},
        .options = &(const float){0.001f}, .probes = 6),
    ROW(gram, "64 channels of 512 x 512", .in = {{1, 512, 512, 64}}, .out = {1, 1, 64, 64},
        .options = &(const float){1}, .timed = true),
    ROW(gram, "512 channels of 64 x 64", .in = {{1, 64, 64, 512}}, .out = {1, 1, 512, 512},
        .options = &(const float){1}, .timed = true),
};

OP_TABLE(gram, rows);
