/* Files of weights. Which network's a file is, its names tell: torchvision numbers the layers, ReLUs, poolings and
 * batch normalizations included, others name or count them by block, so that a network's file has names that another
 * lacks or leaves a gap in another's. How files name layers is a table. */
#include "networks/descriptor_files.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float torchvision_mean[3] = {0.485f * 255, 0.456f * 255, 0.406f * 255};
static const float torchvision_std[3] = {0.229f, 0.224f, 0.225f};

/* ---- names ---- */

enum { NAME = 64 };

typedef enum key_kind {
    NUMBERED, /* torchvision's numbers, which count ReLUs and poolings */
    PADDED,   /* of a sequence that also counts the paddings, which reflect, before its convolutions of 3x3, and begins
               * with a convolution of 1x1 that makes what the network takes of RGB from 0 to 1 */
    NAMED,    /* conv1_1 */
    BLOCKS    /* block1_conv1 */
} key_kind;

/* How files of one kind name layers and keep their weights. */
typedef struct naming {
    const char *conv, *linear; /* what stands before a layer's key; NULL: there are no such layers */
    key_kind key;
    const char *like; /* how the keys of convolutions begin, where not with a number */
    bool hwio;        /* the one of its rank in GROUP/, and pool5 flattened as row, column, channel; else GROUP.weight
                       * as OIHW, and as channel, row, column */
    config_preprocessing preprocessing; /* of a file that does not say; PREPROCESSING_FILE: unknown */
} naming;

static const naming namings[] = {
    {"features.", "classifier.", NUMBERED, NULL, false, PREPROCESSING_FILE}, /* torchvision's, and what nstx writes */
    {"features.module.", "classifier.", NUMBERED, NULL, false, PREPROCESSING_FILE}, /* features in a DataParallel */
    {"module.features.", "module.classifier.", NUMBERED, NULL, false, PREPROCESSING_FILE}, /* all of it */
    {"", NULL, PADDED, NULL, false, PREPROCESSING_FILE},                                   /* AdaIN's */
    {"", NULL, NUMBERED, NULL, false, PREPROCESSING_FILE}, /* torchvision's features alone */
    {"module.", NULL, NUMBERED, NULL, false, PREPROCESSING_FILE},
    {"", "", NAMED, "conv", false, PREPROCESSING_CAFFE},  /* Gatys's for PyTorch */
    {"", "", BLOCKS, "block", true, PREPROCESSING_CAFFE}, /* Keras's */
};
enum { NAMINGS = sizeof namings / sizeof *namings };

/* Of a convolution that has one. */
static int number_of(const naming *names, const descriptor_network *n, const descriptor_layer *layer)
{
    int number = 2; /* behind the 1x1 and a padding */
    if (names->key == NUMBERED) return layer->torchvision;
    for (const descriptor_layer *l = n->layers; l < layer; l++) number += l->kind == LAYER_POOL ? 1 : 3;
    return number;
}

/* "features.0" of torchvision's, "block1_conv1" of Keras's; NULL: there is no such layer. */
static const char *group_name(const naming *names, const descriptor_network *n, const descriptor_layer *l,
                              char out[NAME])
{
    bool conv = l->kind == LAYER_CONV;
    const char *before = conv ? names->conv : names->linear;
    if (!before) return NULL;
    if (names->key == NUMBERED || names->key == PADDED)
        snprintf(out, NAME, "%s%d", before, conv ? number_of(names, n, l) : l->torchvision);
    else
        snprintf(out, NAME, "%s%s", before, names->key == NAMED ? l->name : l->keras);
    return out;
}

static const nx_tensor_entry *find_entry(const nx_tensor_file *file, const naming *names, const descriptor_network *n,
                                         const descriptor_layer *l, bool weight)
{
    char group[NAME], name[NAME + 8];
    if (!group_name(names, n, l, group)) return NULL;
    snprintf(name, sizeof name, names->hwio ? "%s/" : weight ? "%s.weight" : "%s.bias", group);
    if (!names->hwio) return nx_tensor_file_find(file, name);
    for (size_t i = 0; i < nx_tensor_file_count(file); i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        if (!strncmp(e->name, name, strlen(name)) && (weight ? e->rank > 1 : e->rank == 1)) return e;
    }
    return NULL;
}

static bool has_layer(const nx_tensor_file *file, const naming *names, const descriptor_network *n,
                      const descriptor_layer *l)
{
    return find_entry(file, names, n, l, true) && find_entry(file, names, n, l, false);
}

/* The convolution of 1x1 that a padded sequence begins with. */
static bool find_first(const nx_tensor_file *file, const nx_tensor_entry **weight, const nx_tensor_entry **bias)
{
    static const int shape[4] = {3, 3, 1, 1};
    *weight = nx_tensor_file_find(file, "0.weight"), *bias = nx_tensor_file_find(file, "0.bias");
    return *weight && *bias && (*weight)->rank == 4 && !memcmp((*weight)->shape, shape, sizeof shape) &&
           (*bias)->rank == 1 && (*bias)->shape[0] == 3;
}

/* The naming under which a network's first layer is there; NULL: none. */
static const naming *naming_of(const nx_tensor_file *file, const descriptor_network *n)
{
    const nx_tensor_entry *weight, *bias;
    for (const naming *names = namings; names < namings + NAMINGS; names++)
        if (find_entry(file, names, n, &n->layers[0], true) &&
            (names->key != PADDED || find_first(file, &weight, &bias)))
            return names;
    return NULL;
}

/* ---- whose file it is ---- */

/* How a file fits a network. */
typedef struct fit {
    const naming *names;  /* NULL: it lacks the first layer, under any name */
    int last;             /* layer up to which it has all with weights; -1: not even the first */
    const char *missing;  /* a layer that it lacks before deeper ones; NULL: none */
    const char *stranger; /* a tensor that is named as of a convolution, and of none of the network's; NULL: none */
} fit;

/* Whether an entry is of one of the network's convolutions, or not named like one at all. normalized: in the variant
 * with a batch normalization after each convolution, which takes a number more. */
static bool belongs(const nx_tensor_entry *e, const naming *names, const descriptor_network *n, bool normalized)
{
    int at, end = 0, convolutions = 0;
    size_t before = strlen(names->conv);
    const char *key = e->name + before;
    if (strncmp(e->name, names->conv, before)) return true;
    if (names->like ? strncmp(key, names->like, strlen(names->like)) : sscanf(key, "%d.%n", &at, &end) != 1 || !end)
        return true;
    if (names->key == PADDED && !at) return true;
    for (int i = 0; i < n->count; i++) {
        char group[NAME];
        const descriptor_layer *l = &n->layers[i];
        if (l->kind != LAYER_CONV) continue;
        if (names->like) {
            size_t length = strlen(group_name(names, n, l, group));
            if (!strncmp(e->name, group, length) && e->name[length] == (names->hwio ? '/' : '.')) return true;
        } else {
            int own = number_of(names, n, l) + (normalized ? convolutions : 0);
            if (at == own || (normalized && at == own + 1 && e->rank == 1)) return true;
        }
        convolutions++;
    }
    return false;
}

static const char *first_stranger(const nx_tensor_file *file, const naming *names, const descriptor_network *n,
                                  bool normalized)
{
    for (size_t i = 0; i < nx_tensor_file_count(file); i++)
        if (!belongs(nx_tensor_file_at(file, i), names, n, normalized)) return nx_tensor_file_at(file, i)->name;
    return NULL;
}

static fit fit_of(const nx_tensor_file *file, const descriptor_network *n)
{
    fit f = {.names = naming_of(file, n), .last = -1};
    if (!f.names) return f;
    f.stranger = first_stranger(file, f.names, n, false);
    const char *gap = NULL;
    for (int i = 0; i < n->count; i++) {
        const descriptor_layer *l = &n->layers[i];
        if (l->kind == LAYER_POOL) continue;
        bool there = has_layer(file, f.names, n, l);
        if (there && !gap) f.last = i;
        if (there && gap && l->kind == LAYER_CONV) f.missing = gap;
        if (!there && !gap) gap = l->name;
    }
    return f;
}

static bool fits(const fit *f) { return f->last >= 0 && !f->missing && !f->stranger; }

/* "VGG-19 or VGG-16". Owned by the caller. */
static char *all_titles(void)
{
    char *text = nx_copy_text(descriptor_network_at(0)->title);
    for (size_t i = 1; descriptor_network_at(i); i++) {
        char *longer =
            nx_format("%s%s%s", text, descriptor_network_at(i + 1) ? ", " : " or ", descriptor_network_at(i)->title);
        free(text);
        text = longer;
    }
    return text;
}

/* "features.0.weight, 0.weight, block1_conv1": a network's first layer by all its names. Owned by the caller. */
static char *all_names(const descriptor_network *n)
{
    char *text = nx_copy_text("");
    for (const naming *names = namings; names < namings + NAMINGS; names++) {
        char group[NAME], *shorter = text;
        text = nx_format("%s%s%s%s", shorter, *shorter ? ", " : "", group_name(names, n, &n->layers[0], group),
                         names->hwio ? "" : ".weight");
        free(shorter);
    }
    return text;
}

/* The reason why a file is none of the networks'; `wanted`, which may be NULL, is the one that it should be. */
static bool refuse(const nx_tensor_file *file, const char *path, const descriptor_network *wanted, nx_error *err)
{
    const descriptor_network *first = descriptor_network_at(0), *n;
    fit own = fit_of(file, wanted ? wanted : first);
    char *titles = all_titles();
    if (!own.names) {
        char *names = all_names(first);
        nx_fail(err, "%s: no %s: none of %s is in it", path, titles, names);
        free(names);
        free(titles);
        return false;
    }
    const char *stranger = own.stranger;
    for (size_t i = 0; stranger && (n = descriptor_network_at(i)); i++)
        if (!first_stranger(file, own.names, n, true)) {
            nx_fail(err,
                    "%s: a %s with batch normalization (torchvision's %s_bn): there is no descriptor of that kind, "
                    "take the weights of %s itself",
                    path, n->title, n->name, n->title);
            free(titles);
            return false;
        }
    if (stranger)
        nx_fail(err, "%s: %s is of no layer of %s", path, stranger, wanted ? wanted->title : titles);
    else
        nx_fail(err, "%s: no weights of %s, and of deeper layers: not a whole %s", path,
                own.missing ? own.missing : first->layers[0].name, wanted ? wanted->title : titles);
    free(titles);
    return false;
}

bool descriptor_file_seen(descriptor_file *out, const nx_tensor_file *file, const char *path, nx_error *err)
{
    const descriptor_network *n;
    *out = (descriptor_file){0};
    for (size_t i = 0; !out->network && (n = descriptor_network_at(i)); i++) {
        fit f = fit_of(file, n);
        if (!fits(&f)) continue;
        const nx_tensor_entry *bias = find_entry(file, f.names, n, &n->layers[0], false);
        int channels = bias->rank == 1 ? bias->shape[0] : 0;
        *out = (descriptor_file){n, n->layers[f.last].name, (float)channels / (float)n->layers[0].channels};
    }
    return out->network || refuse(file, path, NULL, err);
}

bool descriptor_file_look(descriptor_file *out, const char *path, nx_error *err)
{
    nx_tensor_file *file;
    if (!nx_tensor_file_open(&file, path, err)) return false;
    bool ok = descriptor_file_seen(out, file, path, err);
    nx_tensor_file_free(file);
    return ok;
}

/* Whether a file can be one of the network: another that it fits better is named. */
static bool check_network(const nx_tensor_file *file, const char *path, const descriptor_network *wanted, nx_error *err)
{
    const descriptor_network *n;
    fit own = fit_of(file, wanted);
    if (fits(&own)) return true;
    for (size_t i = 0; (n = descriptor_network_at(i)); i++) {
        fit f = fit_of(file, n);
        if (fits(&f))
            return nx_fail(err, "%s: the weights of a %s, not of a %s: set [descriptor] network = %s", path, n->title,
                           wanted->title, n->name);
    }
    return (own.names && !own.stranger) || refuse(file, path, wanted, err);
}

/* ---- reading ---- */

static char *shape_text(const nx_tensor_entry *e, char out[64])
{
    int used = 0;
    out[0] = 0;
    for (int i = 0; i < e->rank && used < 48; i++)
        used += snprintf(out + used, 64 - (size_t)used, i ? "x%d" : "%d", e->shape[i]);
    return out;
}

/* One layer's weights into HWIO; in is its number of input channels (or numbers), *out becomes that of its outputs. */
static bool read_layer(descriptor *d, const nx_tensor_file *file, const descriptor_layer *l, const naming *names,
                       int in, int *out, nx_error *err)
{
    char group[NAME];
    const char *path = d->options.weights, *called = group_name(names, d->network, l, group);
    const nx_tensor_entry *w = find_entry(file, names, d->network, l, true),
                          *b = find_entry(file, names, d->network, l, false);
    if (!w || !b)
        return nx_fail(err, "%s: no weights of %s (%s): choose shallower layers, or a file that has it", path, l->name,
                       called ? called : "fully connected");
    int rank = l->kind == LAYER_CONV ? 4 : 2, o = 0, i = 0;
    bool square = true;
    if (w->rank == rank) {
        o = names->hwio ? w->shape[rank - 1] : w->shape[0];
        i = names->hwio ? w->shape[rank - 2] : w->shape[1];
        if (rank == 4)
            square = names->hwio ? w->shape[0] == 3 && w->shape[1] == 3 : w->shape[2] == 3 && w->shape[3] == 3;
    }
    if (w->rank != rank || !square || i != in || o < 1 || b->rank != 1 || b->shape[0] != o) {
        char have[64], bias[64], wanted[64];
        const char *form = rank == 4 ? (names->hwio ? "3x3x%dxoutputs" : "outputsx%dx3x3")
                                     : (names->hwio ? "%dxoutputs" : "outputsx%d");
        snprintf(wanted, sizeof wanted, form, in);
        return nx_fail(err, "%s: %s is %s with a bias of %s; %s wants %s with a bias of as many outputs", path, w->name,
                       shape_text(w, have), shape_text(b, bias), l->name, wanted);
    }
    nx_param *weight =
        descriptor_add(d, l, "weight", rank == 4 ? (nx_shape){3, 3, in, o} : (nx_shape){1, 1, in, o}, rank);
    if (names->hwio)
        memcpy(weight->initial, w->data, nx_tensor_entry_size(w) * sizeof(float));
    else
        nx_param_import(weight, w->data);
    nx_param_import(descriptor_add(d, l, "bias", NX_VECTOR(o), 1), b->data);
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

/* The first layer takes RGB, 0 to 255, minus mean: swaps BGR, divides by 255 std. */
static void fold_preprocessing(descriptor *d, bool bgr, const float *std)
{
    nx_param *w = descriptor_param(d, &d->network->layers[0], "weight");
    size_t out = (size_t)w->shape.c;
    for (size_t tap = 0; tap < 9; tap++)
        for (size_t o = 0; o < out; o++) {
            float *red = &w->initial[tap * 3 * out + o], *green = red + out, *blue = green + out, swap = *red;
            if (bgr) *red = *blue, *blue = swap;
            if (std) *red /= 255 * std[0], *green /= 255 * std[1], *blue /= 255 * std[2];
        }
}

/* The first layer takes RGB, 0 to 255, minus mean: before, it took A (picture / 255) + b, which a convolution of 1x1
 * made of it. That is A / 255 times what it takes now, plus what is the same at every pixel, those of a reflected
 * border included, and goes into the bias. */
static void fold_first(descriptor *d, const float *a, const float *b)
{
    nx_param *w = descriptor_param(d, &d->network->layers[0], "weight"),
             *bias = descriptor_param(d, &d->network->layers[0], "bias");
    size_t out = (size_t)w->shape.c;
    double same[3];
    for (int k = 0; k < 3; k++) {
        same[k] = (double)b[k];
        for (int c = 0; c < 3; c++) same[k] += (double)a[3 * k + c] * (double)d->mean[c] / 255;
    }
    for (size_t o = 0; o < out; o++) {
        double more = (double)bias->initial[o];
        for (size_t tap = 0; tap < 9; tap++) {
            double old[3], new[3] = {0};
            float *at = &w->initial[tap * 3 * out + o];
            for (size_t k = 0; k < 3; k++) old[k] = (double)at[k * out];
            for (size_t k = 0; k < 3; k++) {
                more += old[k] * same[k];
                for (size_t c = 0; c < 3; c++) new[c] += old[k] * (double)a[3 * k + c] / 255;
            }
            for (size_t c = 0; c < 3; c++) at[c * out] = (float)new[c];
        }
        bias->initial[o] = (float)more;
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

/* What the file says, or its kind, of how it is to be used. */
static bool read_metadata(descriptor *d, const nx_tensor_file *file, const naming *names, nx_error *err)
{
    static const char *const pools[] = {"max", "average"}, *const paddings[] = {"zero", "reflect", "replicate",
                                                                                "circular"};
    const descriptor_options *o = &d->options;
    bool padded = names->key == PADDED;
    int pool = (int)d->network->pool, padding = padded ? NX_PADDING_REFLECT : (int)d->network->padding;
    if (!metadata_choice(o->weights, "pool", nx_tensor_file_metadata(file, "pool"), pools, 2, &pool, err) ||
        !metadata_choice(o->weights, "padding", nx_tensor_file_metadata(file, "padding"), paddings, 4, &padding, err))
        return false;
    d->pooling = (nx_pool_kind)pool;
    d->padding = (nx_padding)padding;

    const char *input = nx_tensor_file_metadata(file, "input"), *mean = nx_tensor_file_metadata(file, "mean");
    config_preprocessing p = o->preprocessing;
    if (padded && p != PREPROCESSING_FILE)
        return nx_fail(err,
                       "%s: its first convolution prepares pictures itself: leave [descriptor] preprocessing = file",
                       o->weights);
    if (padded) {
        const nx_tensor_entry *weight, *bias;
        find_first(file, &weight, &bias);
        fold_first(d, weight->data, bias->data);
        return true;
    }
    if (p == PREPROCESSING_FILE && !input) p = names->preprocessing;
    if (p == PREPROCESSING_CAFFE) {
        memcpy(d->mean, d->network->mean, sizeof d->mean);
        fold_preprocessing(d, true, NULL);
        return true;
    }
    if (p == PREPROCESSING_TORCHVISION) {
        memcpy(d->mean, torchvision_mean, sizeof torchvision_mean);
        fold_preprocessing(d, false, torchvision_std);
        return true;
    }
    if (!input || !mean)
        return nx_fail(err,
                       "%s: its metadata does not say how pictures are prepared: set [descriptor] preprocessing to "
                       "torchvision (RGB, mean, std) or caffe (BGR, 0 to 255, mean)",
                       o->weights);
    if (sscanf(mean, "%f,%f,%f", &d->mean[0], &d->mean[1], &d->mean[2]) != 3)
        return nx_fail(err, "%s: metadata mean = \"%s\": three numbers were expected", o->weights, mean);
    if (!strncmp(input, "BGR, 0 to 255", 13)) {
        float blue = d->mean[0];
        d->mean[0] = d->mean[2], d->mean[2] = blue;
        fold_preprocessing(d, true, NULL);
        return true;
    }
    return !strncmp(input, "RGB, 0 to 255", 13) || nx_fail(err,
                                                           "%s: metadata input = \"%s\": \"RGB, 0 to 255, minus mean\" "
                                                           "or \"BGR, 0 to 255, minus mean\" were expected",
                                                           o->weights, input);
}

bool descriptor_read(descriptor *d, int last, nx_error *err)
{
    nx_tensor_file *opened = NULL;
    const descriptor_layer *layers = d->network->layers;
    if (!d->options.tensors && !nx_tensor_file_open(&opened, d->options.weights, err)) return false;
    const nx_tensor_file *file = opened ? opened : d->options.tensors;
    const naming *names = naming_of(file, d->network);
    bool ok = check_network(file, d->options.weights, d->network, err);
    int channels = 3, pool5 = 0;
    for (int i = 0; ok && i <= last; i++) {
        const descriptor_layer *l = &layers[i];
        if (l->kind == LAYER_POOL) continue;
        bool flattened = l->kind == LAYER_LINEAR && layers[i - 1].kind == LAYER_POOL;
        if (flattened) pool5 = channels;
        ok = read_layer(d, file, l, names, flattened ? 49 * channels : channels, &channels, err);
        if (ok && flattened && !names->hwio) reorder_flattened(descriptor_param(d, l, "weight"), pool5);
    }
    ok = ok && read_metadata(d, file, names, err);
    nx_tensor_file_free(opened);
    return ok;
}

/* ---- writing ---- */

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

bool descriptor_save(const descriptor *d, const char *path, const nx_metadata *more, size_t count, nx_error *err)
{
    static const char *const paddings[] = {[NX_PADDING_ZERO] = "zero",
                                           [NX_PADDING_REFLECT] = "reflect",
                                           [NX_PADDING_REPLICATE] = "replicate",
                                           [NX_PADDING_CIRCULAR] = "circular"};
    nx_tensor_entry entries[2 * DESCRIPTOR_LAYERS];
    const descriptor_layer *layers = d->network->layers;
    char mean[64], hash[33], group[NAME];
    size_t n = 0, channels = 0;
    for (int i = 0; i < d->network->count; i++)
        for (int part = 0; part < 2 && layers[i].kind != LAYER_POOL; part++) {
            const nx_param *p = descriptor_param(d, &layers[i], part ? "bias" : "weight");
            if (!p) continue;
            size_t dims[4];
            float *data = nx_alloc(nx_shape_count(p->shape) * sizeof *data);
            nx_param_export(p, data);
            if (layers[i].kind == LAYER_CONV) channels = (size_t)p->shape.c;
            if (!part && layers[i].kind == LAYER_LINEAR && layers[i - 1].kind == LAYER_POOL)
                flatten_like_torchvision(data, (size_t)p->shape.c, (size_t)p->shape.w, channels);
            entries[n] =
                (nx_tensor_entry){.name = nx_format("%s.%s", group_name(&namings[0], d->network, &layers[i], group),
                                                    part ? "bias" : "weight"),
                                  .rank = nx_param_dims(p, dims),
                                  .data = data};
            for (int k = 0; k < entries[n].rank; k++) entries[n].shape[k] = (int)dims[k];
            n++;
        }
    nx_tensors_hash(entries, n, hash);
    snprintf(mean, sizeof mean, "%.9g,%.9g,%.9g", (double)d->mean[0], (double)d->mean[1], (double)d->mean[2]);
    const nx_metadata own[] = {{"format", "pt"},
                               {"input", "RGB, 0 to 255, minus mean"},
                               {"mean", mean},
                               {"pool", d->pooling == NX_POOL_MAX ? "max" : "average"},
                               {"padding", paddings[d->padding]},
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
