/* MT-Net, as tables: a subnet is its branches, which go down, and its trunk, which comes up again. */
#include "networks/mtnet.h"

#include "networks/generators.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/resize.h"
#include "ops/scale.h"

#include <stdio.h>

enum { UNIT = 32, LAYERS = 4 };

typedef struct branch {
    int channels[LAYERS]; /* 9x9, then 3x3 with stride 2; 0 ends */
    int blocks;           /* residual, after them */
} branch;

typedef struct subnet {
    const char *name;
    branch rgb, luminance; /* side by side; no channels: there is none */
    int blocks;            /* residual, after both */
    int up[LAYERS];        /* each: nearest neighbours twice as large, then 3x3; 0 ends */
    bool identity;         /* the input is added to the output */
} subnet;

/* clang-format off */
#define STYLE  {"style", .rgb = {{16, 32, 64}, 3}, .luminance = {{16, 32, 64}, 3}, .blocks = 3, .up = {64, 32}}
#define REFINE {"refine", .rgb = {{32, 64, 128}, 3}, .up = {64, 32}, .identity = true}
static const subnet tables[][MTNET_SUBNETS] = {
    [MTNET_TWO_BRANCHES] = {
        STYLE,
        {"enhance", .rgb = {{16, 32, 64, 128}, 3}, .luminance = {{16, 32, 64, 128}, 3}, .blocks = 3,
         .up = {128, 64, 32}},
        REFINE},
    [MTNET_FULLFANTA] = {
        {"style", .rgb = {{32, 64, 128}, 3}, .luminance = {{32, 64, 128}, 3}, .blocks = 3, .up = {128, 64}},
        {"enhance", .rgb = {{32, 64, 128, 128}, 3}, .up = {128, 64, 32}},
        {"refine", .rgb = {{32, 64, 128}, 3}, .up = {64, 32}}},
    [MTNET_FELIME] = {
        STYLE,
        {"enhance", .rgb = {{32, 64, 128, 256}, 6}, .up = {128, 64, 32}},
        REFINE},
};
/* clang-format on */

typedef struct builder {
    const mtnet_options *o;
    nx_scope *s;
    const char *subnet, *part;
} builder;

static nx_tensor *convolve(const builder *b, const char *name, nx_tensor *x, int channels, int size,
                           nx_conv_options options)
{
    options.pad = size / 2;
    options.padding = b->o->padding;
    return nx_layer_conv(b->s, name, x, channels, size, options);
}

/* A convolution with its normalization: SUBNET.PART.convN and SUBNET.PART.normN. */
static nx_tensor *layer(const builder *b, int number, nx_tensor *x, int channels, int size, nx_conv_options options,
                        nx_activation activation, nx_tensor *residual)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s.conv%d", b->subnet, b->part, number);
    x = convolve(b, name, x, channels, size, options);
    snprintf(name, sizeof name, "%s.%s.norm%d", b->subnet, b->part, number);
    return nx_layer_instance_norm(b->s, name, x, activation, residual);
}

static int width(const builder *b, int units)
{
    int channels = units * b->o->channels / UNIT;
    return channels > 0 ? channels : 1;
}

/* Residual blocks, their layers numbered on from `number`. */
static nx_tensor *residual(const builder *b, int blocks, int number, nx_tensor *x)
{
    for (int i = 0; i < blocks; i++) {
        nx_tensor *y = layer(b, number++, x, x->shape.c, 3, (nx_conv_options){0}, NX_ACTIVATION_RELU, NULL);
        x = layer(b, number++, y, x->shape.c, 3, (nx_conv_options){0}, NX_ACTIVATION_NONE, x);
    }
    return x;
}

static nx_tensor *record_branch(builder *b, const branch *t, const char *part, nx_tensor *x)
{
    b->part = part;
    int number = 0;
    for (; number < LAYERS && t->channels[number]; number++)
        x = layer(b, number + 1, x, width(b, t->channels[number]), number ? 3 : 9,
                  (nx_conv_options){.stride = number ? 2 : 1}, NX_ACTIVATION_RELU, NULL);
    return residual(b, t->blocks, number + 1, x);
}

static nx_tensor *luminance_of(nx_graph *g, nx_tensor *rgb)
{
    static const float weights[] = {0.299f, 0.587f, 0.114f};
    return nx_conv(g, rgb, nx_constant(g, (nx_shape){1, 1, 3, 1}, weights), NULL, (nx_conv_options){0});
}

/* x in any linear scale. The picture, in the outputs' units, without the input. */
static nx_tensor *record_subnet(const mtnet_options *o, nx_scope *s, const subnet *t, nx_tensor *x)
{
    char name[64];
    builder b = {o, s, t->name, NULL};
    nx_tensor *y = record_branch(&b, &t->rgb, "rgb", x);
    if (t->luminance.channels[0]) {
        nx_tensor *l = record_branch(&b, &t->luminance, "luminance", luminance_of(s->g, x));
        y = nx_concat(s->g, (nx_tensor *[]){y, l}, 2);
    }
    b.part = "trunk";
    y = residual(&b, t->blocks, 1, y);
    for (int i = 0; i < LAYERS && t->up[i]; i++)
        y = layer(&b, 2 * t->blocks + 1 + i, y, width(&b, t->up[i]), 3, (nx_conv_options){.upsample = 2},
                  NX_ACTIVATION_RELU, NULL);
    snprintf(name, sizeof name, "%s.output", t->name);
    y = convolve(&b, name, y, 3, 3, (nx_conv_options){0});
    return o->output_scale == 1 ? y : nx_scale(s->g, y, o->output_scale);
}

nx_tensor *mtnet_resized(nx_graph *g, nx_tensor *x, int h, int w)
{
    while (x->shape.h > h) x = nx_resize(g, x, x->shape.h / 2, x->shape.w / 2);
    return x->shape.h == h ? x : nx_resize(g, x, h, w);
}

static int stages_of(const mtnet_options *o) { return o->stages ? o->stages : MTNET_SUBNETS; }

/* The sides of x over those of picture k: each is twice the one before, but y3 at refine = 1. */
static int shrink(int stages, int refine, int k)
{
    int full = stages == MTNET_SUBNETS && refine == 1 ? stages - 2 : stages - 1;
    return k < full ? 1 << (full - k) : 1;
}

mtnet_pictures mtnet_record(const mtnet_options *o, nx_scope *s, nx_tensor *x, int refine)
{
    int h = x->shape.h, w = x->shape.w;
    NX_CHECK(h % MTNET_MULTIPLE == 0 && w % MTNET_MULTIPLE == 0, "MT-Net: an image of %d x %d, not a multiple of %d", h,
             w, MTNET_MULTIPLE);
    NX_CHECK(refine == 1 || refine == 2, "MT-Net: refine = %d", refine);
    mtnet_pictures p;
    for (int k = 0; k < stages_of(o); k++) {
        const subnet *t = &tables[o->subnets][k];
        int smaller = shrink(stages_of(o), refine, k);
        p.input[k] = mtnet_resized(s->g, k ? p.output[k - 1] : x, h / smaller, w / smaller);
        nx_tensor *y = record_subnet(o, s, t, k ? nx_scale(s->g, p.input[k], 1.f / 255) : p.input[k]);
        p.output[k] = t->identity ? nx_add(s->g, y, p.input[k]) : y;
    }
    return p;
}

/* ---- how far a pixel sees: sums of what every convolution reads on one side ---- */

static int branch_reach(const branch *t, int *unit)
{
    int reach = 0, n = 0;
    for (; n < LAYERS && t->channels[n]; n++) {
        reach += n ? *unit : 4;
        if (n) *unit *= 2;
    }
    return reach + 2 * t->blocks * *unit;
}

/* In pixels of the subnet's input. An enlarged pixel begins at the left of a larger one, which is one such pixel more.
 */
static int subnet_reach(const subnet *t)
{
    int unit = 1, other = 1, rgb = branch_reach(&t->rgb, &unit), luminance = branch_reach(&t->luminance, &other);
    int reach = (rgb > luminance ? rgb : luminance) + 2 * t->blocks * unit;
    for (int i = 0; i < LAYERS && t->up[i]; i++, unit /= 2) reach += unit + unit / 2;
    return reach + 1;
}

int mtnet_reach(const mtnet_options *o)
{
    int reach = 0;
    for (int k = 0; k < stages_of(o); k++) {
        int scale = shrink(stages_of(o), 2, k);
        reach += scale * (subnet_reach(&tables[o->subnets][k]) + 2); /* resizing reads one pixel beside */
    }
    return (reach + MTNET_MULTIPLE - 1) / MTNET_MULTIPLE * MTNET_MULTIPLE;
}

/* ---- as a generator ---- */

static mtnet_options options_of(const config *c)
{
    static const mtnet_subnets subnets[] = {[SUBNETS_TWO_BRANCHES] = MTNET_TWO_BRANCHES,
                                            [SUBNETS_FULLFANTA] = MTNET_FULLFANTA,
                                            [SUBNETS_FELIME] = MTNET_FELIME};
    return (mtnet_options){.subnets = subnets[c->generator.subnets],
                           .channels = c->generator.channels,
                           .output_scale = (float)c->generator.output_scale,
                           .padding = generator_padding(c),
                           .stages = c->generator.stages};
}

static bool check(const config *c, nx_error *err)
{
    if (c->generator.norm != NORM_INSTANCE)
        return nx_fail(err, "[generator] norm: mtnet has instance normalization alone");
    return c->generator.padding != PADDING_ZERO ||
           nx_fail(err, "[generator] padding: mtnet takes replicate, reflect or circular");
}

static generator_pictures record(const config *c, nx_scope *s, const generator_inputs *in)
{
    mtnet_options options = options_of(c);
    nx_tensor *x = generator_scaled(c, s->g, in->content);
    mtnet_pictures p = mtnet_record(&options, s, x, in->applied ? 2 : c->generator.refine);
    generator_pictures out = {.count = c->generator.stages};
    for (int k = 0; k < out.count; k++) {
        out.output[k] = p.output[k];
        out.input[k] = k ? p.input[k] : NULL;
    }
    return out;
}

static int multiple(const config *c) { return (void)c, MTNET_MULTIPLE; }

static int reach(const config *c)
{
    mtnet_options options = options_of(c);
    return mtnet_reach(&options);
}

const generator_network mtnet_network = {.name = "mtnet",
                                         .check = check,
                                         .record = record,
                                         .multiple = multiple,
                                         .reach = reach,
                                         .torus = generator_circular,
                                         .noise = generator_never};
