/* VGG-19: one table of layers; weights from a file or from a seed. */
#include "networks/vgg19.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/plan.h"
#include "io/tensors.h"
#include "nn/init.h"
#include "ops/affine.h"
#include "ops/channel_sum.h"
#include "ops/conv.h"
#include "ops/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { CONV, POOL, LINEAR } kind;

static const struct layer {
    kind kind;
    const char *name;
    int channels;
    const char *torchvision, *keras; /* the file's names of this layer */
} table[] = {
    {CONV, "conv1_1", 64, "features.0", "block1_conv1"},
    {CONV, "conv1_2", 64, "features.2", "block1_conv2"},
    {POOL, "pool1", 0, NULL, NULL},
    {CONV, "conv2_1", 128, "features.5", "block2_conv1"},
    {CONV, "conv2_2", 128, "features.7", "block2_conv2"},
    {POOL, "pool2", 0, NULL, NULL},
    {CONV, "conv3_1", 256, "features.10", "block3_conv1"},
    {CONV, "conv3_2", 256, "features.12", "block3_conv2"},
    {CONV, "conv3_3", 256, "features.14", "block3_conv3"},
    {CONV, "conv3_4", 256, "features.16", "block3_conv4"},
    {POOL, "pool3", 0, NULL, NULL},
    {CONV, "conv4_1", 512, "features.19", "block4_conv1"},
    {CONV, "conv4_2", 512, "features.21", "block4_conv2"},
    {CONV, "conv4_3", 512, "features.23", "block4_conv3"},
    {CONV, "conv4_4", 512, "features.25", "block4_conv4"},
    {POOL, "pool4", 0, NULL, NULL},
    {CONV, "conv5_1", 512, "features.28", "block5_conv1"},
    {CONV, "conv5_2", 512, "features.30", "block5_conv2"},
    {CONV, "conv5_3", 512, "features.32", "block5_conv3"},
    {CONV, "conv5_4", 512, "features.34", "block5_conv4"},
    {POOL, "pool5", 0, NULL, NULL},
    {LINEAR, "fc6", 4096, "classifier.0", "fc1"},
    {LINEAR, "fc7", 4096, "classifier.3", "fc2"},
};
enum { LAYERS = sizeof table / sizeof *table };

static const float caffe_mean[3] = {123.68f, 116.779f, 103.939f}; /* RGB; of the Oxford model */
static const float torchvision_mean[3] = {0.485f * 255, 0.456f * 255, 0.406f * 255};
static const float torchvision_std[3] = {0.229f, 0.224f, 0.225f};

/* conv1_1 and relu1_1 are one thing, so are fc6 and fc1. -1: no such layer. */
static int layer_index(const char *name)
{
    for (int i = 0; i < LAYERS; i++) {
        const struct layer *l = &table[i];
        if (!strcmp(name, l->name) ||
            (l->kind == CONV && !strncmp(name, "relu", 4) && !strcmp(name + 4, l->name + 4)) ||
            (l->kind == LINEAR && !strcmp(name, l->keras)))
            return i;
    }
    return -1;
}

static const char *layer_name(size_t i, const void *context) { return (void)context, table[i].name; }

/* The deepest of the layers, or -1 with an error. */
static int deepest(const char *const *layers, size_t count, nx_error *err)
{
    int last = -1;
    for (size_t i = 0; i < count; i++) {
        int index = layer_index(layers[i]);
        const char *near = nx_nearest(layers[i], LAYERS, layer_name, NULL);
        if (index < 0)
            return nx_fail(err,
                           "VGG-19 has no layer \"%s\"%s%s; there are conv1_1 to conv5_4, relu1_1 to relu5_4, pool1 to "
                           "pool5, fc6 and fc7",
                           layers[i], near ? ": did you mean " : "", near ? near : ""),
                   -1;
        if (index > last) last = index;
    }
    return last;
}

size_t vgg19_weighted(const char *const *layers, size_t count, const char *out[VGG19_LAYERS])
{
    int last = deepest(layers, count, NULL);
    size_t n = 0;
    for (int i = 0; i <= last; i++)
        if (table[i].kind != POOL) out[n++] = table[i].name;
    return n;
}

int vgg19_smallest_image(const char *const *layers, size_t count, bool unpadded)
{
    int side = 1;
    for (int i = deepest(layers, count, NULL); i >= 0; i--) {
        if (table[i].kind == POOL) side *= 2;
        if (table[i].kind == CONV && unpadded) side += 2;
    }
    return side;
}

static nx_param *add(vgg19 *vgg, const struct layer *l, const char *part, nx_shape shape, int rank)
{
    char *name = nx_format("%s.%s", l->name, part);
    nx_param *p = nx_param_add(vgg->params, name, shape, rank);
    p->frozen = true;
    p->trained = false;
    free(name);
    return p;
}

static nx_param *find(const vgg19 *vgg, const struct layer *l, const char *part)
{
    char *name = nx_format("%s.%s", l->name, part);
    nx_param *p = nx_params_find(vgg->params, name);
    free(name);
    return p;
}

/* ---- random weights ---- */

static void init_weight(const vgg19 *vgg, nx_param *w, uint64_t set)
{
    const vgg19_options *o = &vgg->options;
    float he = sqrtf(2.f / (float)(w->shape.n * w->shape.h * w->shape.w));
    nx_init_normal(w, o->seed + (set << 32),
                   o->init == VGG19_INIT_HE ? he : o->sigma); /* a config's seed has 31 bits */
}

static void draw(vgg19 *vgg, const struct layer *l, nx_shape shape, int rank)
{
    init_weight(vgg, add(vgg, l, "weight", shape, rank), 0);
    add(vgg, l, "bias", NX_VECTOR(shape.c), 1);
}

void vgg19_draw(vgg19 *vgg, const char *layer, int set, float scale)
{
    nx_param *w = find(vgg, &table[layer_index(layer)], "weight");
    NX_CHECK(vgg->random && w, "no random weights of %s to draw", layer);
    nx_params *store = nx_params_new();
    nx_param *fresh = nx_param_add(store, w->name, w->shape, w->rank);
    init_weight(vgg, fresh, (uint64_t)set);
    size_t count = nx_shape_count(w->shape);
    float *values = nx_alloc(count * sizeof *values);
    nx_param_export(fresh, values);
    for (size_t i = 0; i < count; i++) values[i] *= scale;
    nx_param_import(w, values);
    free(values);
    nx_params_free(store);
}

static int scaled(const vgg19 *vgg, int channels)
{
    int c = (int)lrintf((float)channels * (vgg->options.width ? vgg->options.width : 1));
    return c < 1 ? 1 : c;
}

/* ---- weights from a file ---- */

/* Entry "NAME.part" (torchvision) or the one of that rank in group NAME (Keras). */
static const nx_tensor_entry *find_entry(const nx_tensor_file *file, const struct layer *l, bool keras, bool weight)
{
    char name[64];
    snprintf(name, sizeof name, keras ? "%s/" : weight ? "%s.weight" : "%s.bias", keras ? l->keras : l->torchvision);
    if (!keras) return nx_tensor_file_find(file, name);
    for (size_t i = 0; i < nx_tensor_file_count(file); i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        if (!strncmp(e->name, name, strlen(name)) && (weight ? e->rank > 1 : e->rank == 1)) return e;
    }
    return NULL;
}

static char *shape_text(const nx_tensor_entry *e, char out[64])
{
    int used = 0;
    out[0] = 0;
    for (int i = 0; i < e->rank && used < 48; i++)
        used += snprintf(out + used, 64 - (size_t)used, i ? "x%d" : "%d", e->shape[i]);
    return out;
}

/* One layer's weights into HWIO; in is its number of input channels (or numbers), *out becomes that of its outputs. */
static bool read_layer(vgg19 *vgg, const nx_tensor_file *file, const struct layer *l, bool keras, int in, int *out,
                       nx_error *err)
{
    const char *path = vgg->options.weights, *group = keras ? l->keras : l->torchvision;
    const nx_tensor_entry *w = find_entry(file, l, keras, true), *b = find_entry(file, l, keras, false);
    if (!w || !b)
        return nx_fail(err, "%s: no weights of %s (%s): choose shallower layers, or a file that has it", path, l->name,
                       group);
    int rank = l->kind == CONV ? 4 : 2, o = 0, i = 0;
    bool square = true;
    if (w->rank == rank) {
        o = keras ? w->shape[rank - 1] : w->shape[0];
        i = keras ? w->shape[rank - 2] : w->shape[1];
        if (rank == 4) square = keras ? w->shape[0] == 3 && w->shape[1] == 3 : w->shape[2] == 3 && w->shape[3] == 3;
    }
    if (w->rank != rank || !square || i != in || b->rank != 1 || b->shape[0] != o) {
        char have[64], bias[64], wanted[64];
        const char *form =
            rank == 4 ? (keras ? "3x3x%dxoutputs" : "outputsx%dx3x3") : (keras ? "%dxoutputs" : "outputsx%d");
        snprintf(wanted, sizeof wanted, form, in);
        return nx_fail(err, "%s: %s is %s with a bias of %s; %s wants %s with a bias of as many outputs", path, w->name,
                       shape_text(w, have), shape_text(b, bias), l->name, wanted);
    }
    nx_param *weight = add(vgg, l, "weight", rank == 4 ? (nx_shape){3, 3, in, o} : (nx_shape){1, 1, in, o}, rank);
    if (keras)
        memcpy(weight->initial, w->data, nx_tensor_entry_size(w) * sizeof(float));
    else
        nx_param_import(weight, w->data);
    nx_param_import(add(vgg, l, "bias", NX_VECTOR(o), 1), b->data);
    *out = o;
    return true;
}

/* torchvision flattens pool5 as channel, row, column; here it is row, column, channel. */
static void reorder_flattened(nx_param *weight, int channels)
{
    size_t in = (size_t)weight->shape.w, out = (size_t)weight->shape.c, pixels = in / (size_t)channels;
    float *old = nx_copy(weight->initial, in * out * sizeof(float));
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < (size_t)channels; c++)
            memcpy(weight->initial + (p * (size_t)channels + c) * out, old + (c * pixels + p) * out,
                   out * sizeof(float));
    free(old);
}

/* The way back, in a file's layout: [out][in] with row, column, channel in each in. */
static void flatten_like_torchvision(float *weight, size_t out, size_t in, size_t channels)
{
    size_t pixels = in / channels;
    float *row = nx_alloc(in * sizeof *row);
    for (size_t o = 0; o < out; o++, weight += in) {
        memcpy(row, weight, in * sizeof *row);
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < channels; c++) weight[c * pixels + p] = row[p * channels + c];
    }
    free(row);
}

/* conv1_1 takes RGB, 0 to 255, minus mean: swaps BGR, divides by 255 std. */
static void fold_preprocessing(vgg19 *vgg, bool bgr, const float *std)
{
    nx_param *w = nx_params_find(vgg->params, "conv1_1.weight");
    size_t out = (size_t)w->shape.c;
    for (size_t tap = 0; tap < 9; tap++)
        for (size_t o = 0; o < out; o++) {
            float *red = &w->initial[tap * 3 * out + o], *green = red + out, *blue = green + out, swap = *red;
            if (bgr) *red = *blue, *blue = swap;
            if (std) *red /= 255 * std[0], *green /= 255 * std[1], *blue /= 255 * std[2];
        }
}

static bool metadata_choice(const char *path, const char *key, const char *value, const char *const *names, int count,
                            int *out, nx_error *err)
{
    for (int i = 0; value && i < count; i++)
        if (!strcmp(value, names[i])) return *out = i, true;
    return !value ||
           nx_fail(err, "%s: metadata %s = \"%s\", which is none of %s, %s ...", path, key, value, names[0], names[1]);
}

static bool read_metadata(vgg19 *vgg, const nx_tensor_file *file, bool keras, nx_error *err)
{
    static const char *const pools[] = {"max", "average"}, *const paddings[] = {"zero", "reflect", "replicate",
                                                                                "circular"};
    const vgg19_options *o = &vgg->options;
    int pool = NX_POOL_MAX, padding = NX_PADDING_ZERO;
    if (!metadata_choice(o->weights, "pool", nx_tensor_file_metadata(file, "pool"), pools, 2, &pool, err) ||
        !metadata_choice(o->weights, "padding", nx_tensor_file_metadata(file, "padding"), paddings, 4, &padding, err))
        return false;
    vgg->pooling = (nx_pool_kind)pool;
    vgg->padding = (nx_padding)padding;

    const char *input = nx_tensor_file_metadata(file, "input"), *mean = nx_tensor_file_metadata(file, "mean");
    vgg19_preprocessing p = o->preprocessing;
    if (p == VGG19_PREPROCESSING_FILE && keras) p = VGG19_PREPROCESSING_CAFFE;
    if (p == VGG19_PREPROCESSING_CAFFE) {
        memcpy(vgg->mean, caffe_mean, sizeof caffe_mean);
        fold_preprocessing(vgg, true, NULL);
        return true;
    }
    if (p == VGG19_PREPROCESSING_TORCHVISION) {
        memcpy(vgg->mean, torchvision_mean, sizeof torchvision_mean);
        fold_preprocessing(vgg, false, torchvision_std);
        return true;
    }
    if (!input || !mean)
        return nx_fail(err,
                       "%s: its metadata does not say how pictures are prepared: set [descriptor] preprocessing to "
                       "torchvision (RGB, mean, std) or caffe (BGR, 0 to 255, mean)",
                       o->weights);
    if (sscanf(mean, "%f,%f,%f", &vgg->mean[0], &vgg->mean[1], &vgg->mean[2]) != 3)
        return nx_fail(err, "%s: metadata mean = \"%s\": three numbers were expected", o->weights, mean);
    if (!strncmp(input, "BGR, 0 to 255", 13)) {
        float blue = vgg->mean[0];
        vgg->mean[0] = vgg->mean[2], vgg->mean[2] = blue;
        fold_preprocessing(vgg, true, NULL);
        return true;
    }
    return !strncmp(input, "RGB, 0 to 255", 13) || nx_fail(err,
                                                           "%s: metadata input = \"%s\": \"RGB, 0 to 255, minus mean\" "
                                                           "or \"BGR, 0 to 255, minus mean\" were expected",
                                                           o->weights, input);
}

static bool read_weights(vgg19 *vgg, int last, nx_error *err)
{
    nx_tensor_file *file;
    if (!nx_tensor_file_open(&file, vgg->options.weights, err)) return false;
    bool keras = find_entry(file, &table[0], true, true) != NULL, ok = true;
    if (!keras && !find_entry(file, &table[0], false, true))
        ok = nx_fail(
            err, "%s: no VGG-19: neither features.0.weight (torchvision's names) nor block1_conv1 (Keras's) is in it",
            vgg->options.weights);
    int channels = 3, pool5 = 0;
    for (int i = 0; ok && i <= last; i++) {
        const struct layer *l = &table[i];
        if (l->kind == POOL) continue;
        bool flattened = l->kind == LINEAR && table[i - 1].kind == POOL;
        if (flattened) pool5 = channels;
        ok = read_layer(vgg, file, l, keras, flattened ? 49 * channels : channels, &channels, err);
        if (ok && flattened && !keras) reorder_flattened(find(vgg, l, "weight"), pool5);
    }
    ok = ok && read_metadata(vgg, file, keras, err);
    nx_tensor_file_free(file);
    return ok;
}

const char *vgg19_file_deepest(const char *path, float *width, nx_error *err)
{
    nx_tensor_file *file;
    const char *last = NULL;
    if (!nx_tensor_file_open(&file, path, err)) return NULL;
    bool keras = find_entry(file, &table[0], true, true) != NULL;
    for (int i = 0; i < LAYERS; i++) {
        if (table[i].kind == POOL) continue;
        const nx_tensor_entry *weight = find_entry(file, &table[i], keras, true),
                              *bias = find_entry(file, &table[i], keras, false);
        if (!weight || !bias) break;
        if (!i && width) *width = (float)bias->shape[0] / (float)table[i].channels;
        last = table[i].name;
    }
    nx_tensor_file_free(file);
    if (!last)
        nx_fail(err,
                "%s: no VGG-19: neither features.0.weight (torchvision's names) nor block1_conv1 (Keras's) is in it",
                path);
    return last;
}

bool vgg19_save(const vgg19 *vgg, const char *path, const nx_metadata *more, size_t count, nx_error *err)
{
    static const char *const paddings[] = {[NX_PADDING_ZERO] = "zero",
                                           [NX_PADDING_REFLECT] = "reflect",
                                           [NX_PADDING_REPLICATE] = "replicate",
                                           [NX_PADDING_CIRCULAR] = "circular"};
    nx_tensor_entry entries[2 * LAYERS];
    char mean[64], hash[33];
    size_t n = 0, channels = 0;
    for (int i = 0; i < LAYERS; i++)
        for (int part = 0; part < 2 && table[i].kind != POOL; part++) {
            const nx_param *p = find(vgg, &table[i], part ? "bias" : "weight");
            if (!p) continue;
            size_t dims[4];
            float *data = nx_alloc(nx_shape_count(p->shape) * sizeof *data);
            nx_param_export(p, data);
            if (table[i].kind == CONV) channels = (size_t)p->shape.c;
            if (!part && table[i].kind == LINEAR && table[i - 1].kind == POOL)
                flatten_like_torchvision(data, (size_t)p->shape.c, (size_t)p->shape.w, channels);
            entries[n] = (nx_tensor_entry){.name = nx_format("%s.%s", table[i].torchvision, part ? "bias" : "weight"),
                                           .rank = nx_param_dims(p, dims),
                                           .data = data};
            for (int d = 0; d < entries[n].rank; d++) entries[n].shape[d] = (int)dims[d];
            n++;
        }
    nx_tensors_hash(entries, n, hash);
    snprintf(mean, sizeof mean, "%.9g,%.9g,%.9g", (double)vgg->mean[0], (double)vgg->mean[1], (double)vgg->mean[2]);
    const nx_metadata own[] = {{"format", "pt"},
                               {"input", "RGB, 0 to 255, minus mean"},
                               {"mean", mean},
                               {"pool", vgg->pooling == NX_POOL_MAX ? "max" : "average"},
                               {"padding", paddings[vgg->padding]},
                               {"tensors_xxh3", hash}};
    enum { OWN = sizeof own / sizeof *own };
    nx_metadata *all = nx_alloc((OWN + count) * sizeof *all);
    memcpy(all, own, sizeof own);
    if (count) memcpy(all + OWN, more, count * sizeof *all);
    bool ok = nx_tensors_save_safetensors(path, entries, n, all, OWN + count, err);
    for (size_t i = 0; i < n; i++) {
        free((char *)entries[i].name);
        free((float *)entries[i].data);
    }
    free(all);
    return ok;
}

/* ---- life ---- */

bool vgg19_new(vgg19 **out, const vgg19_options *options, const char *const *layers, size_t count, nx_error *err)
{
    int last = deepest(layers, count, err), channels = 3;
    if (last < 0) return false;
    vgg19 *vgg = nx_alloc(sizeof *vgg);
    *vgg = (vgg19){
        .params = nx_params_new(), .options = *options, .random = !options->weights, .pooling = NX_POOL_AVERAGE};
    memcpy(vgg->mean, caffe_mean, sizeof caffe_mean);
    bool ok = true;
    if (!vgg->random) ok = read_weights(vgg, last, err);
    for (int i = 0; vgg->random && i <= last; i++) {
        if (table[i].kind != CONV) continue; /* the fully connected ones are drawn when the image's size is known */
        int c = scaled(vgg, table[i].channels);
        draw(vgg, &table[i], (nx_shape){3, 3, channels, c}, 4);
        channels = c;
    }
    vgg->options.weights = NULL; /* the caller's */
    if (options->pooling != VGG19_POOLING_FILE)
        vgg->pooling = options->pooling == VGG19_POOLING_MAX ? NX_POOL_MAX : NX_POOL_AVERAGE;
    vgg->unpadded = options->padding == VGG19_PADDING_NONE;
    if (options->padding >= 0) vgg->padding = (nx_padding)options->padding;
    if (ok)
        *out = vgg;
    else
        vgg19_free(vgg);
    return ok;
}

void vgg19_free(vgg19 *vgg)
{
    if (!vgg) return;
    nx_params_free(vgg->params);
    free(vgg);
}

bool vgg19_record(vgg19 *vgg, nx_graph *g, nx_tensor *x, const char *const *layers, size_t count, nx_tensor **out,
                  nx_error *err)
{
    int last = deepest(layers, count, err);
    if (last < 0) return false;
    for (int i = 0; i <= last; i++) {
        const struct layer *l = &table[i];
        char *label = nx_format("descriptor/%s", l->name);
        nx_graph_label(g, label);
        free(label);
        int needed = l->kind == POOL ? 2 : l->kind == CONV && vgg->unpadded ? 3 : 1;
        if (x->shape.h < needed || x->shape.w < needed)
            return nx_fail(err, "an image of this size has no pixel left at %s: at least %d pixels a side are needed",
                           l->name, vgg19_smallest_image(layers, count, vgg->unpadded));
        if (l->kind == POOL) {
            x = nx_pool(g, x, (nx_pool_options){.kind = vgg->pooling, .size = 2, .stride = 2});
        } else {
            int in = l->kind == LINEAR ? x->shape.h * x->shape.w * x->shape.c : x->shape.c;
            if (!find(vgg, l, "weight")) draw(vgg, l, (nx_shape){1, 1, in, scaled(vgg, l->channels)}, 2);
            nx_tensor *w = nx_use(g, find(vgg, l, "weight")), *b = nx_use(g, find(vgg, l, "bias"));
            if (l->kind == LINEAR && w->shape.w != in)
                return nx_fail(err,
                               "%s takes %d numbers, and this image gives %d: it wants the size it was made with (224 "
                               "pixels for trained weights)",
                               l->name, w->shape.w, in);
            x = l->kind == CONV
                    ? nx_conv(g, x, w, b,
                              (nx_conv_options){
                                  .pad = !vgg->unpadded, .padding = vgg->padding, .activation = NX_ACTIVATION_RELU})
                    : nx_linear(g, x, w, b, NX_ACTIVATION_RELU, 0);
        }
        for (size_t k = 0; k < count; k++)
            if (layer_index(layers[k]) == i) out[k] = x;
    }
    nx_graph_label(g, NULL);
    return true;
}

/* ---- rescaling ---- */

/* The mean activation of every channel of every convolution and fully connected layer up to last, one after another. */
static bool mean_activations(vgg19 *vgg, nx_device *device, const vgg19_images *images, int last, float **means,
                             nx_error *err)
{
    const char *names[LAYERS];
    nx_tensor *features[LAYERS] = {NULL};
    size_t n = 0;
    for (int i = 0; i <= last; i++)
        if (table[i].kind != POOL) names[n++] = table[i].name;
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *input = nx_input(g, images->shape, "image"), *x;
    float scale[3] = {1, 1, 1}, shift[3] = {-vgg->mean[0], -vgg->mean[1], -vgg->mean[2]};
    x = nx_affine(g, input, nx_constant(g, NX_VECTOR(3), scale), nx_constant(g, NX_VECTOR(3), shift));
    nx_plan *plan = NULL;
    bool ok = vgg19_record(vgg, g, x, names, n, features, err);
    for (size_t i = 0; ok && i < n; i++) features[i] = nx_keep(nx_channel_sum(g, features[i]));
    ok = ok && nx_plan_new(&plan, g, err);
    if (ok) {
        nx_params_realize(vgg->params, device);
        nx_plan_realize(plan, device);
    }
    float *pixels = nx_alloc(nx_shape_count(images->shape) * sizeof *pixels), *sums = nx_alloc(4096 * sizeof *sums);
    for (size_t i = 0; ok && i < n; i++) {
        NX_CHECK(features[i]->shape.c <= 4096, "%s has %d channels", names[i], features[i]->shape.c);
        means[i] = nx_alloc((size_t)features[i]->shape.c * sizeof(float));
    }
    for (size_t b = 0; ok && b < images->batches; b++) {
        if (!(ok = images->read(images->context, b, pixels, err))) break;
        nx_plan_write(plan, input, pixels);
        nx_plan_run(plan);
        for (size_t i = 0; i < n; i++) {
            nx_shape s = features[i]->producer->in[0]->shape;
            nx_plan_read(plan, features[i], sums);
            for (int k = 0; k < s.c; k++)
                means[i][k] += sums[k] / ((float)s.n * (float)s.h * (float)s.w) / (float)images->batches;
        }
    }
    for (size_t i = 0; !ok && i < n; i++) {
        free(means[i]);
        means[i] = NULL;
    }
    free(sums);
    free(pixels);
    nx_plan_free(plan);
    nx_graph_free(g);
    return ok;
}

bool vgg19_rescale_on(vgg19 *vgg, nx_device *device, const vgg19_images *images, const char *const *layers,
                      size_t count, bool by_channel, nx_error *err)
{
    int last = deepest(layers, count, err);
    float *means[LAYERS] = {NULL};
    if (last < 0 || !mean_activations(vgg, device, images, last, means, err)) return false;
    size_t m = 0, channels = 3;
    float *before = nx_alloc(3 * sizeof(float));
    for (int c = 0; c < 3; c++) before[c] = 1;
    for (int i = 0; i <= last; i++) {
        if (table[i].kind == POOL) continue;
        nx_param *w = find(vgg, &table[i], "weight"), *b = find(vgg, &table[i], "bias");
        size_t out = (size_t)w->shape.c, in = (size_t)w->shape.w, taps = (size_t)(w->shape.n * w->shape.h);
        float *now = means[m++], sum = 0;
        for (size_t k = 0; k < out; k++) sum += now[k] / (float)out;
        for (size_t k = 0; k < out; k++) {
            if (!by_channel) now[k] = sum;
            if (!(now[k] > 0)) now[k] = 1; /* dead */
        }
        float *weight = nx_alloc(taps * in * out * sizeof(float)), *bias = nx_alloc(out * sizeof(float));
        nx_param_export(w, weight); /* [out][in][taps] */
        nx_param_export(b, bias);
        for (size_t k = 0; k < out; k++) {
            for (size_t j = 0; j < in; j++)
                for (size_t t = 0; t < taps; t++)
                    weight[(k * in + j) * taps + t] *= before[j % channels] / now[k]; /* fc6: channels are innermost */
            bias[k] /= now[k];
        }
        nx_param_import(w, weight);
        nx_param_import(b, bias);
        free(weight);
        free(bias);
        free(before);
        before = now;
        channels = out;
    }
    free(before);
    return true;
}

/* One batch that lies in memory. */
typedef struct one_batch {
    const float *pixels;
    size_t bytes;
} one_batch;

static bool read_one(void *context, size_t batch, float *pixels, nx_error *err)
{
    const one_batch *one = context;
    (void)batch, (void)err;
    memcpy(pixels, one->pixels, one->bytes);
    return true;
}

bool vgg19_rescale(vgg19 *vgg, nx_device *device, const float *images, nx_shape shape, const char *const *layers,
                   size_t count, bool by_channel, nx_error *err)
{
    one_batch one = {images, nx_shape_count(shape) * sizeof *images};
    vgg19_images all = {.shape = shape, .batches = 1, .read = read_one, .context = &one};
    return vgg19_rescale_on(vgg, device, &all, layers, count, by_channel, err);
}

bool vgg19_measure(vgg19 *vgg, nx_device *device, const vgg19_images *images, const char *layer, vgg19_activation *out,
                   size_t *count, nx_error *err)
{
    int last = deepest(&layer, 1, err);
    float *means[LAYERS] = {NULL};
    *count = 0;
    if (last < 0 || !mean_activations(vgg, device, images, last, means, err)) return false;
    for (int i = 0; i <= last; i++) {
        if (table[i].kind == POOL) continue;
        vgg19_activation *a = &out[*count];
        *a = (vgg19_activation){.layer = table[i].name, .channels = find(vgg, &table[i], "weight")->shape.c};
        float *now = means[(*count)++];
        for (int k = 0; k < a->channels; k++) {
            double m = (double)now[k];
            if (isnan(m) || m > a->most || !k) a->most = isnan(a->most) ? a->most : m;
            a->mean += m / a->channels;
            a->dead += m == 0;
        }
        free(now);
    }
    return true;
}
