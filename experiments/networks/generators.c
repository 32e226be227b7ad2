/* The generators, in the order of [generator] network. */
#include "networks/generators.h"

#include "ops/affine.h"
#include "ops/scale.h"

#define NETWORK(name) extern const generator_network name##_network;
GENERATORS(NETWORK)
#undef NETWORK

#define NETWORK(name) &name##_network,
static const generator_network *const networks[] = {GENERATORS(NETWORK)};

const generator_network *generator_network_of(const config *c) { return networks[c->generator.network]; }

int generator_least(const config *c)
{
    const generator_network *n = generator_network_of(c);
    return n->least ? n->least(c) : n->multiple(c);
}

static int no_less_than_least(const config *c, int pixels)
{
    int least = generator_least(c);
    return pixels > least ? pixels : least;
}

int generator_multiple(const config *c, int pixels)
{
    int multiple = generator_network_of(c)->multiple(c);
    return (no_less_than_least(c, pixels) + multiple - 1) / multiple * multiple;
}

int generator_side(const config *c, int pixels)
{
    const generator_network *n = generator_network_of(c);
    return n->uneven && n->uneven(c) ? no_less_than_least(c, pixels) : generator_multiple(c, pixels);
}

nx_padding generator_padding(const config *c)
{
    static const nx_padding paddings[] = {[PADDING_REPLICATE] = NX_PADDING_REPLICATE,
                                          [PADDING_REFLECT] = NX_PADDING_REFLECT,
                                          [PADDING_ZERO] = NX_PADDING_ZERO,
                                          [PADDING_CIRCULAR] = NX_PADDING_CIRCULAR};
    return paddings[c->generator.padding];
}

nx_tensor *generator_scaled(const config *c, nx_graph *g, nx_tensor *content)
{
    static const double mean[3] = GENERATOR_MEAN;
    float scale[3], shift[3];
    if (c->generator.input == INPUT_UNIT) return nx_scale(g, content, 1.f / 255);
    for (int i = 0; i < 3; i++) scale[i] = 1.f / 255, shift[i] = (float)(-mean[i] / 255);
    return nx_affine(g, content, nx_constant(g, NX_VECTOR(3), scale), nx_constant(g, NX_VECTOR(3), shift));
}

generator_pictures generator_picture(const config *c, nx_scope *s, nx_tensor *y)
{
    if (c->generator.output_scale != 1) y = nx_scale(s->g, y, (float)c->generator.output_scale);
    return (generator_pictures){.count = 1, .output = {y}};
}

bool generator_circular(const config *c) { return c->generator.padding == PADDING_CIRCULAR; }
bool generator_always(const config *c) { return (void)c, true; }
bool generator_never(const config *c) { return (void)c, false; }
