/* The classifiers, in the order of [classifier] network: a walk along the table, then the head. */
#include "networks/classifiers.h"

#include "ops/affine.h"
#include "ops/dropout.h"

#include <math.h>
#include <stdio.h>

#define NETWORK(name) extern const classifier_network name##_classifier;
CLASSIFIERS(NETWORK)
#undef NETWORK

#define NETWORK(name) &name##_classifier,
static const classifier_network *const networks[] = {CLASSIFIERS(NETWORK)};

const classifier_network *classifier_network_of(const config *c) { return networks[c->classifier.network]; }

/* ---- the table ---- */

/* Layer i; false past the last one. */
static bool layer_at(const classifier_network *n, int i, classifier_layer *out)
{
    if (n->layers) return i < n->count && (*out = n->layers[i], true);
    const descriptor_layer *l = i < n->like->count ? &n->like->layers[i] : NULL;
    if (!l || l->kind == LAYER_LINEAR) return false;
    *out =
        l->kind == LAYER_CONV ? (classifier_layer){l->channels, 3, 1, 1} : (classifier_layer){.size = 2, .stride = 2};
    return true;
}

/* Pixels a side at the last layer's end and, *least, at the smallest normalized layer. */
static int side_after(const classifier_network *n, int side, int *least)
{
    classifier_layer l;
    *least = side;
    for (int i = 0; side > 0 && layer_at(n, i, &l); i++) {
        int spare = side + 2 * l.pad - l.size;
        side = spare < 0 ? 0 : spare / l.stride + 1;
        if (l.channels && side < *least) *least = side;
    }
    return side;
}

/* An instance of one pixel is its own mean: nothing would be left of it. */
static bool fits(const config *c, int side)
{
    int least, last = side_after(classifier_network_of(c), side, &least);
    return last > 0 && (c->classifier.norm != CLASSIFIER_NORM_INSTANCE || least > 1);
}

bool classifier_check_size(const config *c, int side, nx_error *err)
{
    int least = 1;
    if (fits(c, side)) return true;
    while (!fits(c, least)) least++;
    return nx_fail(err, "%s%s takes pictures of %d pixels a side at least", classifier_network_of(c)->name,
                   c->classifier.norm == CLASSIFIER_NORM_INSTANCE ? " with norm = instance" : "", least);
}

/* ---- recording ---- */

/* Uniform in +-sqrt(6 / inputs), of variance 2 / inputs: He et al. 2015, for layers that a ReLU ends. */
static float relu_gain(void) { return sqrtf(6); }

/* Deviations around the mean of ImageNet in units of its deviation, as torchvision's networks take them. */
static nx_tensor *standardize(nx_graph *g, nx_tensor *pixels)
{
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    float scale[3], shift[3];
    for (int k = 0; k < 3; k++) scale[k] = 1 / (255 * deviation[k]), shift[k] = -mean[k] / deviation[k];
    return nx_affine(g, pixels, nx_constant(g, NX_VECTOR(3), scale), nx_constant(g, NX_VECTOR(3), shift));
}

static int scaled(const config *c, int channels)
{
    int k = (int)lrint(channels * c->classifier.width);
    return k < 1 ? 1 : k;
}

/* What is trained is called by its number, in which ReLUs, poolings and dropouts count. */
typedef struct place {
    const char *part;
    int number;
} place;

static const char *next_name(place *at, char out[32])
{
    snprintf(out, 32, "%s.%d", at->part, at->number++);
    return out;
}

static nx_tensor *convolve(const config *c, nx_scope *s, place *at, const classifier_layer *l, nx_tensor *x)
{
    char name[32];
    bool bare = c->classifier.norm == CLASSIFIER_NORM_NONE;
    nx_conv_options options = {
        .stride = l->stride, .pad = l->pad, .activation = bare ? NX_ACTIVATION_RELU : NX_ACTIVATION_NONE};
    x = nx_layer_conv(s, next_name(at, name), x, scaled(c, l->channels), l->size, options);
    if (c->classifier.norm == CLASSIFIER_NORM_INSTANCE)
        x = nx_layer_instance_norm(s, next_name(at, name), x, NX_ACTIVATION_RELU, NULL);
    if (c->classifier.norm == CLASSIFIER_NORM_BATCH)
        x = nx_layer_batch_norm(s, next_name(at, name), x, NX_ACTIVATION_RELU, NULL);
    at->number++;
    return x;
}

static nx_tensor *drop(const config *c, nx_scope *s, place *at, nx_tensor *x, nx_tensor *random)
{
    at->number++;
    return s->training ? nx_dropout(s->g, x, (float)c->classifier.dropout, random) : x;
}

static nx_tensor *hidden(const config *c, nx_scope *s, place *at, nx_tensor *x)
{
    char name[32];
    x = nx_layer_linear(s, next_name(at, name), x, scaled(c, c->classifier.hidden), NX_ACTIVATION_RELU);
    at->number++;
    return x;
}

/* Two hidden layers and one of classes on all of the features, or that one alone on their mean over the picture. */
static nx_tensor *classify(const config *c, nx_scope *s, nx_tensor *x, const classifier_inputs *in)
{
    bool first = classifier_network_of(c)->drops_first;
    place at = {"classifier", 0};
    char name[32];
    if (c->classifier.head == HEAD_AVERAGE) {
        x = drop(c, s, &at, nx_pool_all(s->g, x), in->random);
    } else {
        for (int k = 0; k < 2; k++) {
            if (first) x = drop(c, s, &at, x, in->random);
            x = hidden(c, s, &at, x);
            if (!first) x = drop(c, s, &at, x, in->random);
        }
    }
    nx_scope last = *s;
    last.gain = 1;
    return nx_layer_linear(&last, next_name(&at, name), x, in->classes, NX_ACTIVATION_NONE);
}

nx_tensor *classifier_record(const config *c, nx_scope *s, const classifier_inputs *in)
{
    const classifier_network *n = classifier_network_of(c);
    nx_scope scope = *s;
    classifier_layer l;
    place at = {"features", 0};
    scope.gain = relu_gain();
    nx_tensor *x = standardize(s->g, in->pixels);
    for (int i = 0; layer_at(n, i, &l); i++) {
        if (l.channels)
            x = convolve(c, &scope, &at, &l, x);
        else
            x = nx_pool(s->g, x, (nx_pool_options){.kind = NX_POOL_MAX, .size = l.size, .stride = l.stride}),
            at.number++;
    }
    return classify(c, &scope, x, in);
}
