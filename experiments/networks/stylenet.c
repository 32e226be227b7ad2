/* StyleNet, as the table of the paper's released model: rows are layers, channels in units of the first one's. */
#include "networks/stylenet.h"

#include "ops/concat.h"
#include "ops/lrn.h"
#include "ops/random.h"
#include "ops/scale.h"
#include "ops/slice.h"

#include <stdio.h>

typedef enum kind { DOWN, RESIDUAL, UP, OUTPUT } kind;

static const struct row {
    kind kind;
    int channels, size, stride; /* channels: times options->channels; size 0: options->output_size */
} rows[] = {
    {DOWN, 1, 9, 1}, {DOWN, 2, 3, 2}, {DOWN, 4, 3, 2},   {RESIDUAL, 4, 3, 1},
    {UP, 2, 3, 2},   {UP, 1, 3, 2},   {OUTPUT, 0, 0, 1},
};

static nx_tensor *normalize(const stylenet_options *o, nx_scope *s, const char *name, nx_tensor *x,
                            nx_activation activation, nx_tensor *residual)
{
    return o->norm == STYLENET_INSTANCE ? nx_layer_instance_norm(s, name, x, activation, residual)
                                        : nx_layer_batch_norm(s, name, x, activation, residual);
}

static int size_of(const stylenet_options *o, const struct row *r)
{
    int output = o->output_size ? o->output_size : 3;
    return r->size ? r->size : output;
}

static bool starts(const stylenet_options *o) { return o->place == STYLENET_PLACE_START; }

/* Whether a convolution has zeros around its input, whatever the padding. */
static bool plain(const stylenet_options *o, const struct row *r)
{
    return starts(o) || (o->place == STYLENET_PLACE_UNSTRIDED && r->kind == DOWN && r->stride > 1);
}

/* What a convolution's options say of its border. */
static nx_conv_options border_of(const stylenet_options *o, const struct row *r)
{
    return (nx_conv_options){.pad = starts(o) && r->kind == RESIDUAL ? 0 : size_of(o, r) / 2,
                             .padding = plain(o, r) ? NX_PADDING_ZERO : o->padding};
}

static nx_tensor *convolve(const stylenet_options *o, nx_scope *s, const char *name, nx_tensor *x, int channels,
                           const struct row *r)
{
    nx_conv_options options = border_of(o, r);
    options.stride = r->stride;
    if (r->kind == OUTPUT && o->tanh) options.activation = NX_ACTIVATION_TANH;
    return nx_layer_conv(s, name, x, channels, size_of(o, r), options);
}

static nx_tensor *upscale(const stylenet_options *o, nx_scope *s, const char *name, nx_tensor *x, int channels,
                          const struct row *r)
{
    if (!o->nearest)
        return nx_layer_conv_transposed(s, name, x, channels, r->size,
                                        (nx_conv_options){.stride = r->stride, .pad = 1, .output_pad = 1});
    nx_conv_options options = border_of(o, r);
    options.upsample = r->stride;
    return nx_layer_conv(s, name, x, channels, r->size, options);
}

/* What two convolutions without padding leave of their input. */
static nx_tensor *shaved(nx_graph *g, nx_tensor *x, const struct row *r)
{
    int border = 2 * (r->size / 2);
    return nx_slice(g, x,
                    (nx_slice_options){.h = {border, x->shape.h - 2 * border}, .w = {border, x->shape.w - 2 * border}});
}

/* A block, whose output has x's size, or what STYLENET_PLACE_START leaves of it. */
static nx_tensor *residual(const stylenet_options *o, nx_scope *s, int index, nx_tensor *x, const struct row *r)
{
    char name[32];
    nx_tensor *y = x;
    if (starts(o)) x = shaved(s->g, x, r);
    for (int half = 1; half <= 2; half++) {
        snprintf(name, sizeof name, "block%d.conv%d", index, half);
        y = convolve(o, s, name, y, x->shape.c, r);
        snprintf(name, sizeof name, "block%d.norm%d", index, half);
        y = half == 1 ? normalize(o, s, name, y, NX_ACTIVATION_RELU, NULL)
                      : normalize(o, s, name, y, NX_ACTIVATION_NONE, x);
    }
    return y;
}

/* Pixels of x that blocks without padding take away on each side. */
static int frame_of(const stylenet_options *o)
{
    const struct row *r = rows;
    int unit = 1;
    for (; r->kind != RESIDUAL; r++) unit *= r->stride;
    return 2 * o->blocks * (r->size / 2) * unit;
}

nx_tensor *stylenet_record(const stylenet_options *o, nx_scope *s, nx_tensor *x)
{
    NX_CHECK(o->padding != NX_PADDING_CIRCULAR ||
                 (x->shape.h % STYLENET_MULTIPLE == 0 && x->shape.w % STYLENET_MULTIPLE == 0),
             "StyleNet: a torus of %d x %d, not a multiple of %d", x->shape.h, x->shape.w, STYLENET_MULTIPLE);
    char name[32], norm[32], before[32];
    if (o->norm == STYLENET_INSTANCE_FIRST) x = nx_layer_instance_norm(s, "norm0", x, NX_ACTIVATION_NONE, NULL);
    if (o->norm == STYLENET_LRN_FIRST) x = nx_lrn(s->g, x, (nx_lrn_options){0});
    if (starts(o)) {
        int frame = frame_of(o);
        x = nx_pad(s->g, x, (nx_pad_options){frame, frame, frame, frame, .mode = o->padding});
    }
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
            snprintf(before, sizeof before, "upsample_norm%d", number);
            if (o->upsample_norm) x = normalize(o, s, before, x, NX_ACTIVATION_RELU, NULL);
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

static int rounded_up(int pixels) { return (pixels + STYLENET_MULTIPLE - 1) / STYLENET_MULTIPLE * STYLENET_MULTIPLE; }

/* A border is at most as wide as what it repeats of a torus, and less wide than what it mirrors. The sides of what is
 * mirrored are those of x, rounded up by each stride. */
int stylenet_least(const stylenet_options *o)
{
    bool mirror = o->padding == NX_PADDING_REFLECT;
    int least = STYLENET_MULTIPLE, unit = 1;
    if (!mirror && o->padding != NX_PADDING_CIRCULAR) return least;
    if (starts(o)) return frame_of(o) < least ? least : frame_of(o) + 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        if (r->kind == UP) unit /= r->stride;
        int needed = (size_of(o, r) / 2 + mirror) * unit;
        if (r->kind == UP || r->kind == OUTPUT) needed = rounded_up(needed);
        if (mirror) needed -= (r->kind == UP || r->kind == OUTPUT ? STYLENET_MULTIPLE : unit) - 1;
        if (r->kind == DOWN) unit *= r->stride;
        if (needed > least) least = needed;
    }
    return mirror ? least : rounded_up(least);
}

/* Sums what every convolution reads on one side, in pixels of x; unit: those of one pixel of the layer's input. A layer
 * that enlarges begins at the left of a larger pixel, which is one such pixel more. */
int stylenet_reach(const stylenet_options *o)
{
    int reach = 0, unit = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        int convolutions = r->kind == RESIDUAL ? 2 * o->blocks : 1;
        reach += size_of(o, r) / 2 * unit * convolutions;
        if (r->kind == DOWN) unit *= r->stride;
        if (r->kind == UP) reach += unit, unit /= r->stride;
    }
    return rounded_up(reach);
}

/* ---- as a generator ---- */

static stylenet_options options_of(const config *c)
{
    static const stylenet_norm norms[] = {[NORM_INSTANCE] = STYLENET_INSTANCE,
                                          [NORM_BATCH] = STYLENET_BATCH,
                                          [NORM_INSTANCE_FIRST] = STYLENET_INSTANCE_FIRST,
                                          [NORM_LRN_FIRST] = STYLENET_LRN_FIRST};
    static const stylenet_place places[] = {[PADDING_PLACE_EACH] = STYLENET_PLACE_EACH,
                                            [PADDING_PLACE_START] = STYLENET_PLACE_START,
                                            [PADDING_PLACE_UNSTRIDED] = STYLENET_PLACE_UNSTRIDED};
    return (stylenet_options){.norm = norms[c->generator.norm],
                              .channels = c->generator.channels,
                              .blocks = c->generator.blocks,
                              .nearest = c->generator.upsample == UPSAMPLE_NEAREST,
                              .upsample_norm = c->generator.upsample_norm,
                              .padding = generator_padding(c),
                              .place = places[c->generator.padding_place],
                              .tanh = c->generator.output == OUTPUT_TANH,
                              .output_size = c->generator.output_size};
}

static bool check(const config *c, nx_error *err)
{
    if (c->generator.output_size % 2 == 0)
        return nx_fail(err,
                       "[generator] output_size = %d: a convolution is as large on both sides of its middle, such "
                       "as 3 or 9",
                       c->generator.output_size);
    if (c->generator.padding == PADDING_CIRCULAR && c->generator.padding_place != PADDING_PLACE_EACH)
        return nx_fail(err,
                       "[generator] padding_place = %s: there is nothing of a torus behind it, circular padding is "
                       "that of each convolution",
                       c->generator.padding_place == PADDING_PLACE_START ? "start" : "unstrided");
    return c->experiment.task != TASK_TEXTURE || c->generator.noise ||
           nx_fail(err, "[generator] noise = 0: a texture from stylenet is made from noise, such as 3 channels");
}

/* On a picture and noise, or for textures on noise alone. */
static generator_pictures record(const config *c, nx_scope *s, const generator_inputs *in)
{
    stylenet_options options = options_of(c);
    nx_tensor *x = in->content ? generator_scaled(c, s->g, in->content) : NULL;
    if (c->generator.noise) {
        nx_shape shape = in->shape;
        shape.c = c->generator.noise;
        nx_tensor *noise = nx_scale(s->g, nx_uniform(s->g, shape, in->random), (float)c->generator.noise_scale);
        x = x ? nx_concat(s->g, (nx_tensor *[]){x, noise}, 2) : noise;
    }
    return generator_picture(c, s, stylenet_record(&options, s, x));
}

static int multiple(const config *c) { return (void)c, STYLENET_MULTIPLE; }

static int least(const config *c)
{
    stylenet_options options = options_of(c);
    return stylenet_least(&options);
}

/* A transposed convolution sees zeros beyond the border even where everything else goes around, so that a tile there is
 * unlike one within. */
static int reach(const config *c)
{
    stylenet_options options = options_of(c);
    return options.padding == NX_PADDING_CIRCULAR && !options.nearest ? 0 : stylenet_reach(&options);
}

static bool uneven(const config *c) { return !generator_circular(c); }

static bool draws(const config *c) { return c->generator.noise > 0; }

const generator_network stylenet_network = {.name = "stylenet",
                                            .check = check,
                                            .record = record,
                                            .multiple = multiple,
                                            .least = least,
                                            .uneven = uneven,
                                            .reach = reach,
                                            .torus = generator_circular,
                                            .noise = draws};
