/* Cases of framework/ops/cross_entropy. */
#include "ops/cross_entropy.h"

#include "op_case.h"

#include <math.h>

typedef struct asked {
    const float *labels;
    float smoothing;
} asked;

static nx_tensor *cross_entropy_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const asked *o = c->options;
    return nx_cross_entropy(g, in[0], nx_constant(g, (nx_shape){c->in[0].n, 1, 1, 1}, o->labels), o->smoothing);
}

static void cross_entropy_reference(const op_case *c, const double *const *in, double *out)
{
    const asked *o = c->options;
    int images = c->in[0].n, classes = c->in[0].c;
    for (int n = 0; n < images; n++) {
        const double *x = in[0] + n * classes;
        double sum = 0, smoothing = (double)o->smoothing;
        for (int k = 0; k < classes; k++) sum += exp(x[k]);
        for (int k = 0; k < classes; k++) {
            double q = smoothing / classes + (k == (int)o->labels[n] ? 1 - smoothing : 0);
            out[0] -= q * (x[k] - log(sum)) / images;
        }
    }
}

/* labels, smoothing */
#define ASKED(...)                                                                                                     \
    .options = &(const asked) { __VA_ARGS__ }
#define LABELS(...)                                                                                                    \
    (const float[]) { __VA_ARGS__ }

static const op_case rows[] = {
    ROW(cross_entropy, "5 classes", .in = {{3, 1, 1, 5}}, .out = {1, 1, 1, 1}, ASKED(LABELS(4, 0, 2), 0),
        .doctor = true),
    ROW(cross_entropy, "two classes, one image", .in = {{1, 1, 1, 2}}, .out = {1, 1, 1, 1}, ASKED(LABELS(1), 0)),
    ROW(cross_entropy, "smoothed, 131 classes", .in = {{4, 1, 1, 131}}, .out = {1, 1, 1, 1},
        ASKED(LABELS(130, 64, 7, 7), 0.1f)),
    ROW(cross_entropy, "large logits", .in = {{2, 1, 1, 17}}, .out = {1, 1, 1, 1}, ASKED(LABELS(3, 16), 0.1f),
        .range = {{.low = -90, .high = 90}}),
    ROW(cross_entropy, "large", .in = {{256, 1, 1, 1000}}, .out = {1, 1, 1, 1}, ASKED((const float[256]){0}, 0.1f),
        .timed = true),
};

OP_TABLE(cross_entropy, rows);
