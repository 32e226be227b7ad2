/* StyleNet, as the table of the paper's released model: rows are layers, channels in units of the first one's. */
#include "networks/stylenet.h"

#include "ops/add.h"
#include "ops/lrn.h"

#include <stdio.h>

typedef enum kind { DOWN, RESIDUAL, UP, OUTPUT } kind;

static const struct row {
    kind kind;
    int channels, size, stride; /* channels: times options->channels */
} rows[] = {
    {DOWN, 1, 9, 1}, {DOWN, 2, 3, 2}, {DOWN, 4, 3, 2},   {RESIDUAL, 4, 3, 1},
    {UP, 2, 3, 2},   {UP, 1, 3, 2},   {OUTPUT, 0, 3, 1},
};

static nx_tensor *normalize(const stylenet_options *o, nx_scope *s, const char *name, nx_tensor *x,
                            nx_activation activation, nx_tensor *residual)
{
    return o->norm == STYLENET_INSTANCE ? nx_layer_instance_norm(s, name, x, activation, residual)
                                        : nx_layer_batch_norm(s, name, x, activation, residual);
}

static nx_tensor *convolve(const stylenet_options *o, nx_scope *s, const char *name, nx_tensor *x, int channels,
                           const struct row *r)
{
    return nx_layer_conv(s, name, x, channels, r->size,
                         (nx_conv_options){.stride = r->stride, .pad = r->size / 2, .padding = o->padding});
}

static nx_tensor *upscale(const stylenet_options *o, nx_scope *s, const char *name, nx_tensor *x, int channels,
                          const struct row *r)
{
    if (!o->nearest)
        return nx_layer_conv_transposed(s, name, x, channels, r->size,
                                        (nx_conv_options){.stride = r->stride, .pad = 1, .output_pad = 1});
    return nx_layer_conv(s, name, x, channels, r->size,
                         (nx_conv_options){.upsample = r->stride, .pad = r->size / 2, .padding = o->padding});
}

static nx_tensor *residual(const stylenet_options *o, nx_scope *s, int index, nx_tensor *x, const struct row *r)
{
    char name[32];
    nx_tensor *y = x;
    for (int half = 1; half <= 2; half++) {
        snprintf(name, sizeof name, "block%d.conv%d", index, half);
        y = convolve(o, s, name, y, x->shape.c, r);
        snprintf(name, sizeof name, "block%d.norm%d", index, half);
        y = half == 1 ? normalize(o, s, name, y, NX_ACTIVATION_RELU, NULL)
                      : normalize(o, s, name, y, NX_ACTIVATION_NONE, x);
    }
    return y;
}

nx_tensor *stylenet_record(const stylenet_options *o, nx_scope *s, nx_tensor *x)
{
    NX_CHECK(x->shape.h % STYLENET_MULTIPLE == 0 && x->shape.w % STYLENET_MULTIPLE == 0,
             "StyleNet: an image of %d x %d, not a multiple of %d", x->shape.h, x->shape.w, STYLENET_MULTIPLE);
    char name[32], norm[32];
    if (o->norm == STYLENET_INSTANCE_FIRST) x = nx_layer_instance_norm(s, "norm0", x, NX_ACTIVATION_NONE, NULL);
    if (o->norm == STYLENET_LRN_FIRST) x = nx_lrn(s->g, x, (nx_lrn_options){0});
    int number = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        int channels = r->channels * o->channels;
        snprintf(name, sizeof name, "conv%d", number);
        snprintf(norm, sizeof norm, "norm%d", number);
        switch (r->kind) {
        case DOWN:
            x = normalize(o, s, norm, convolve(o, s, name, x, channels, r), NX_ACTIVATION_RELU, NULL);
            break;
        case UP:
            x = normalize(o, s, norm, upscale(o, s, name, x, channels, r), NX_ACTIVATION_RELU, NULL);
            break;
        case OUTPUT:
            return convolve(o, s, "output", x, 3, r);
        case RESIDUAL:
            for (int block = 1; block <= o->blocks; block++) x = residual(o, s, block, x, r);
            continue; /* blocks have numbers of their own */
        }
        number++;
    }
    nx_die("a table without an output");
}

/* Sums what every convolution reads on one side, in pixels of x; unit: those of one pixel of the layer's input. A layer
 * that enlarges begins at the left of a larger pixel, which is one such pixel more. */
int stylenet_reach(const stylenet_options *o)
{
    int reach = 0, unit = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        int convolutions = r->kind == RESIDUAL ? 2 * o->blocks : 1;
        reach += r->size / 2 * unit * convolutions;
        if (r->kind == DOWN) unit *= r->stride;
        if (r->kind == UP) reach += unit, unit /= r->stride;
    }
    return (reach + STYLENET_MULTIPLE - 1) / STYLENET_MULTIPLE * STYLENET_MULTIPLE;
}
