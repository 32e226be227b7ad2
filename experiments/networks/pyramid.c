/* The pyramid: at each scale a block on the fresh input, joined with what came from below, and a block on both. */
#include "networks/pyramid.h"

#include "ops/concat.h"
#include "ops/pool.h"
#include "ops/random.h"
#include "ops/scale.h"
#include "ops/upsample.h"

#include <stdio.h>

enum { STEP = 8, NOISE = 3 }; /* channels that each scale adds; of noise */
static const float slope = 0.01f;
static const int kernels[] = {3, 3, 1}; /* of a block's convolutions */

/* Convolution, normalization and LeakyReLU, twice with 3x3 and once with 1x1. */
static nx_tensor *block(const pyramid_options *o, nx_scope *s, int scale, const char *part, nx_tensor *x, int channels)
{
    char name[48];
    for (int i = 0; i < (o->pointwise_left_out ? 2 : 3); i++) {
        nx_conv_options options = {.pad = kernels[i] / 2, .padding = NX_PADDING_CIRCULAR};
        snprintf(name, sizeof name, "scale%d.%s.conv%d", scale, part, i + 1);
        x = nx_layer_conv(s, name, x, channels, kernels[i], options);
        snprintf(name, sizeof name, "scale%d.%s.bn%d", scale, part, i + 1);
        x = nx_layer_batch_statistics(s, name, x, NX_ACTIVATION_LEAKY_RELU, slope);
    }
    return x;
}

static nx_tensor *normalized(nx_scope *s, int scale, const char *part, nx_tensor *x)
{
    char name[48];
    snprintf(name, sizeof name, "scale%d.join.%s", scale, part);
    return nx_layer_batch_statistics(s, name, x, NX_ACTIVATION_NONE, 0);
}

nx_tensor *pyramid_record(const pyramid_options *o, nx_scope *s, nx_tensor *const *inputs)
{
    NX_CHECK(o->scales >= 1 && o->scales <= PYRAMID_MOST_SCALES, "a pyramid of %d scales", o->scales);
    nx_tensor *x = block(o, s, 1, "branch", inputs[0], STEP);
    for (int scale = 2; scale <= o->scales; scale++) {
        nx_tensor *lower = nx_upsample(s->g, normalized(s, scale, "lower", x), 2);
        nx_tensor *branch = normalized(s, scale, "branch", block(o, s, scale, "branch", inputs[scale - 1], STEP));
        x = block(o, s, scale, "merge", nx_concat(s->g, (nx_tensor *[]){lower, branch}, 2), STEP * scale);
    }
    return nx_layer_conv(s, "output", x, 3, 1, (nx_conv_options){0});
}

nx_tensor *pyramid_generate(const pyramid_options *o, nx_scope *s, nx_shape shape, nx_tensor *content,
                            nx_tensor *random, float noise_scale)
{
    nx_tensor *inputs[PYRAMID_MOST_SCALES];
    for (int i = 0; i < o->scales; i++) {
        int ratio = 1 << (o->scales - 1 - i);
        nx_shape size = {shape.n, shape.h / ratio, shape.w / ratio, NOISE};
        nx_pool_options mean = {.kind = NX_POOL_AVERAGE, .size = ratio};
        inputs[i] = nx_scale(s->g, nx_uniform(s->g, size, random), noise_scale);
        if (!content) continue;
        nx_tensor *small = ratio > 1 ? nx_pool(s->g, content, mean) : content;
        inputs[i] = nx_concat(s->g, (nx_tensor *[]){small, inputs[i]}, 2);
    }
    return pyramid_record(o, s, inputs);
}

/* The longest way begins at the coarsest input: a block at each scale, of two 3x3 convolutions, and enlargements, each
 * of which begins at the left of a larger pixel. */
int pyramid_reach(const pyramid_options *o)
{
    int reach = 0, coarsest = 1 << (o->scales - 1);
    for (int unit = coarsest; unit; unit /= 2) reach += 3 * unit;
    return (reach + coarsest - 1) / coarsest * coarsest;
}

/* ---- as a generator ---- */

static pyramid_options options_of(const config *c)
{
    return (pyramid_options){.scales = c->generator.scales, .pointwise_left_out = !c->generator.pointwise};
}

static generator_pictures record(const config *c, nx_scope *s, const generator_inputs *in)
{
    pyramid_options options = options_of(c);
    nx_tensor *picture = in->content ? generator_scaled(c, s->g, in->content) : NULL;
    return generator_picture(
        c, s, pyramid_generate(&options, s, in->shape, picture, in->random, (float)c->generator.noise_scale));
}

static int multiple(const config *c) { return 1 << (c->generator.scales - 1); }

static int reach(const config *c)
{
    pyramid_options options = options_of(c);
    return pyramid_reach(&options);
}

const generator_network pyramid_network = {.name = "pyramid",
                                           .record = record,
                                           .multiple = multiple,
                                           .reach = reach,
                                           .torus = generator_always,
                                           .noise = generator_always};
