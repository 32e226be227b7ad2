/* Descriptors: a walk along a network's table of layers; random weights, each a function of the seed and the name. */
#include "networks/descriptor.h"

#include "base/memory.h"
#include "base/text.h"
#include "networks/descriptor_files.h"
#include "nn/init.h"
#include "ops/affine.h"
#include "ops/conv.h"
#include "ops/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- networks ---- */

#define NETWORK(name) extern const descriptor_network name##_network;
DESCRIPTORS(NETWORK)
#undef NETWORK

#define NETWORK(name) &name##_network,
static const descriptor_network *const networks[] = {DESCRIPTORS(NETWORK) NULL};

const descriptor_network *descriptor_network_at(size_t i)
{
    return i < sizeof networks / sizeof *networks ? networks[i] : NULL;
}

enum { NAMES = 1 + sizeof((descriptor_layer){0}.also) / sizeof(char *) }; /* of a layer, at most */

/* Name k of a layer; NULL: it has fewer. */
static const char *name_of(const descriptor_layer *l, size_t k) { return k ? l->also[k - 1] : l->name; }

int descriptor_find(const descriptor_network *network, const char *name)
{
    for (int i = 0; i < network->count; i++)
        for (size_t k = 0; k < NAMES; k++) {
            const char *known = name_of(&network->layers[i], k);
            if (known && !strcmp(name, known)) return i;
        }
    return -1;
}

const char *config_layer_at(config_descriptor_network network, size_t i)
{
    const descriptor_network *n = networks[network];
    for (size_t at = 0; at < (size_t)n->count * NAMES; at++) {
        const char *name = name_of(&n->layers[at / NAMES], at % NAMES);
        if (name && !i--) return name;
    }
    return NULL;
}

static const char *layer_name(size_t i, const void *network)
{
    return ((const descriptor_network *)network)->layers[i].name;
}

int descriptor_deepest(const descriptor_network *n, const char *const *layers, size_t count, nx_error *err)
{
    int last = -1;
    for (size_t i = 0; i < count; i++) {
        int index = descriptor_find(n, layers[i]);
        const char *near = nx_nearest(layers[i], (size_t)n->count, layer_name, n);
        if (index < 0)
            return nx_fail(err, "%s has no layer \"%s\"%s%s; there are %s", n->title, layers[i],
                           near ? ": did you mean " : "", near ? near : "", n->listing),
                   -1;
        if (index > last) last = index;
    }
    return last;
}

static size_t list_weighted(const descriptor_network *network, int last, bool linear, const char **out)
{
    size_t n = 0;
    for (int i = 0; i <= last; i++) {
        layer_kind kind = network->layers[i].kind;
        if (kind == LAYER_CONV || (kind == LAYER_LINEAR && linear)) out[n++] = network->layers[i].name;
    }
    return n;
}

size_t descriptor_weighted(const descriptor_network *network, const char *const *layers, size_t count,
                           const char *out[DESCRIPTOR_LAYERS])
{
    return list_weighted(network, descriptor_deepest(network, layers, count, NULL), true, out);
}

size_t descriptor_convolutions(const descriptor_network *network, const char *const *layers, size_t count,
                               const char *out[DESCRIPTOR_LAYERS])
{
    return list_weighted(network, descriptor_deepest(network, layers, count, NULL), false, out);
}

/* ---- parameters ---- */

nx_param *descriptor_add(descriptor *d, const descriptor_layer *l, const char *part, nx_shape shape, int rank)
{
    char *name = nx_format("%s.%s", l->name, part);
    nx_param *p = nx_param_add(d->params, name, shape, rank);
    p->frozen = true;
    p->trained = false;
    free(name);
    return p;
}

nx_param *descriptor_param(const descriptor *d, const descriptor_layer *l, const char *part)
{
    char *name = nx_format("%s.%s", l->name, part);
    nx_param *p = nx_params_find(d->params, name);
    free(name);
    return p;
}

static void init_weight(const descriptor *d, nx_param *w, uint64_t set)
{
    const descriptor_options *o = &d->options;
    float he = sqrtf(2.f / (float)(w->shape.n * w->shape.h * w->shape.w));
    nx_init_normal(w, o->seed + (set << 32), o->init == INIT_HE ? he : o->sigma); /* a config's seed has 31 bits */
}

static void draw(descriptor *d, const descriptor_layer *l, nx_shape shape, int rank)
{
    init_weight(d, descriptor_add(d, l, "weight", shape, rank), 0);
    descriptor_add(d, l, "bias", NX_VECTOR(shape.c), 1);
}

void descriptor_draw(descriptor *d, const char *layer, int set, float scale)
{
    nx_param *w = descriptor_param(d, &d->network->layers[descriptor_find(d->network, layer)], "weight");
    NX_CHECK(d->random && w, "no random weights of %s to draw", layer);
    nx_params *store = nx_params_new();
    nx_param *fresh = nx_param_add(store, w->name, w->shape, w->rank);
    init_weight(d, fresh, (uint64_t)set);
    size_t count = nx_shape_count(w->shape);
    float *values = nx_alloc(count * sizeof *values);
    nx_param_export(fresh, values);
    for (size_t i = 0; i < count; i++) values[i] *= scale;
    nx_param_import(w, values);
    free(values);
    nx_params_free(store);
}

static int scaled(const descriptor *d, int channels)
{
    int c = (int)lrintf((float)channels * (d->options.width ? d->options.width : 1));
    return c < 1 ? 1 : c;
}

/* ---- life ---- */

/* The fully connected layers are drawn when the image's size is known. */
static void draw_convolutions(descriptor *d, int last)
{
    int channels = 3;
    for (int i = 0; i <= last; i++) {
        const descriptor_layer *l = &d->network->layers[i];
        if (l->kind != LAYER_CONV) continue;
        int c = scaled(d, l->channels);
        draw(d, l, (nx_shape){3, 3, channels, c}, 4);
        channels = c;
    }
}

bool descriptor_new(descriptor **out, const descriptor_options *options, const char *const *layers, size_t count,
                    nx_error *err)
{
    static const nx_padding paddings[] = {[DESCRIPTOR_PADDING_ZERO] = NX_PADDING_ZERO,
                                          [DESCRIPTOR_PADDING_REFLECT] = NX_PADDING_REFLECT,
                                          [DESCRIPTOR_PADDING_REPLICATE] = NX_PADDING_REPLICATE,
                                          [DESCRIPTOR_PADDING_CIRCULAR] = NX_PADDING_CIRCULAR};
    const descriptor_network *network = options->network ? options->network : networks[0];
    int last = descriptor_deepest(network, layers, count, err);
    if (last < 0) return false;
    NX_CHECK(network->count <= DESCRIPTOR_LAYERS, "%s has %d layers", network->name, network->count);
    descriptor *d = nx_alloc(sizeof *d);
    *d = (descriptor){.network = network,
                      .params = nx_params_new(),
                      .padding = network->padding,
                      .pooling = options->weights ? network->pool : network->random_pool,
                      .options = *options,
                      .random = !options->weights};
    memcpy(d->mean, network->mean, sizeof d->mean);
    bool ok = d->random || descriptor_read(d, last, err);
    if (d->random) draw_convolutions(d, last);
    d->options.weights = NULL, d->options.tensors = NULL; /* the caller's */
    if (options->pooling != POOLING_FILE) d->pooling = options->pooling == POOLING_MAX ? NX_POOL_MAX : NX_POOL_AVERAGE;
    d->unpadded = options->padding == DESCRIPTOR_PADDING_NONE;
    if (options->padding != DESCRIPTOR_PADDING_FILE && !d->unpadded) d->padding = paddings[options->padding];
    if (ok)
        *out = d;
    else
        descriptor_free(d);
    return ok;
}

void descriptor_free(descriptor *d)
{
    if (!d) return;
    nx_params_free(d->params);
    free(d);
}

/* ---- sizes ---- */

/* Pixels a side that a layer takes. */
static int taken(const descriptor *d, const descriptor_layer *l)
{
    if (l->kind == LAYER_POOL) return 2;
    if (l->kind == LAYER_LINEAR) return 1;
    return d->unpadded ? 3 : d->padding == NX_PADDING_REFLECT ? 2 : 1;
}

int descriptor_smallest_image(const descriptor *d, const char *const *layers, size_t count)
{
    int side = 1;
    for (int i = descriptor_deepest(d->network, layers, count, NULL); i >= 0; i--) {
        const descriptor_layer *l = &d->network->layers[i];
        if (l->kind == LAYER_POOL) side *= 2;
        if (l->kind == LAYER_CONV && d->unpadded) side += 2;
        if (side < taken(d, l)) side = taken(d, l);
    }
    return side;
}

bool descriptor_check_size(const descriptor *d, int height, int width, const char *const *layers, size_t count,
                           nx_error *err)
{
    int last = descriptor_deepest(d->network, layers, count, err), h = height, w = width, channels = 3;
    for (int i = 0; i <= last; i++) {
        const descriptor_layer *l = &d->network->layers[i];
        const nx_param *weight = l->kind == LAYER_POOL ? NULL : descriptor_param(d, l, "weight");
        if (h < taken(d, l) || w < taken(d, l))
            return nx_fail(
                err,
                "a picture of %d x %d is %d x %d pixels at %s, which takes %d a side%s: at least %d pixels a "
                "side are needed",
                width, height, w, h, l->name, taken(d, l),
                l->kind == LAYER_CONV && !d->unpadded ? " to reflect its border" : "",
                descriptor_smallest_image(d, layers, count));
        if (l->kind == LAYER_LINEAR && weight && weight->shape.w != h * w * channels)
            return nx_fail(err,
                           "%s takes %d numbers, and a picture of %d x %d gives %d: it wants the size it was made with "
                           "(%d pixels for trained weights)",
                           l->name, weight->shape.w, width, height, h * w * channels, d->network->side);
        if (l->kind == LAYER_POOL) h /= 2, w /= 2;
        if (l->kind == LAYER_CONV && d->unpadded) h -= 2, w -= 2;
        if (l->kind == LAYER_LINEAR) h = w = 1;
        if (weight) channels = weight->shape.c;
    }
    return last >= 0;
}

/* ---- recording ---- */

nx_tensor *descriptor_center(const descriptor *d, nx_graph *g, nx_tensor *picture)
{
    float one[3] = {1, 1, 1}, shift[3] = {-d->mean[0], -d->mean[1], -d->mean[2]};
    return nx_affine(g, picture, nx_constant(g, NX_VECTOR(3), one), nx_constant(g, NX_VECTOR(3), shift));
}

static nx_tensor *record_layer(descriptor *d, nx_graph *g, const descriptor_layer *l, nx_tensor *x)
{
    if (l->kind == LAYER_POOL) return nx_pool(g, x, (nx_pool_options){.kind = d->pooling, .size = 2, .stride = 2});
    int in = l->kind == LAYER_LINEAR ? x->shape.h * x->shape.w * x->shape.c : x->shape.c;
    if (!descriptor_param(d, l, "weight")) draw(d, l, (nx_shape){1, 1, in, scaled(d, l->channels)}, 2);
    nx_tensor *w = nx_use(g, descriptor_param(d, l, "weight")), *b = nx_use(g, descriptor_param(d, l, "bias"));
    nx_activation activation = l->bare ? NX_ACTIVATION_NONE : NX_ACTIVATION_RELU;
    if (l->kind == LAYER_LINEAR) return nx_linear(g, x, w, b, activation, 0);
    nx_conv_options options = {.pad = !d->unpadded, .padding = d->padding, .activation = activation};
    return nx_conv(g, x, w, b, options);
}

bool descriptor_record(descriptor *d, nx_graph *g, nx_tensor *x, const char *const *layers, size_t count,
                       nx_tensor **out, nx_error *err)
{
    int last = descriptor_deepest(d->network, layers, count, err);
    if (last < 0 || !descriptor_check_size(d, x->shape.h, x->shape.w, layers, count, err)) return false;
    for (int i = 0; i <= last; i++) {
        const descriptor_layer *l = &d->network->layers[i];
        char *label = nx_format("descriptor/%s", l->name);
        nx_graph_label(g, label);
        free(label);
        x = record_layer(d, g, l, x);
        for (size_t k = 0; k < count; k++)
            if (descriptor_find(d->network, layers[k]) == i) out[k] = x;
    }
    nx_graph_label(g, NULL);
    return true;
}
