/* The descriptor: a fixed network whose features every loss here compares, with weights from a file or from a seed.
 *
 *     descriptor *d;
 *     descriptor_options options = {.weights = "vgg19.safetensors"};
 *     if (!descriptor_new(&d, &options, layers, n_layers, &err)) return false;
 *     nx_params_realize(d->params, device);
 *     if (!descriptor_record(d, g, x, layers, n_layers, features, &err)) return false;
 *
 * A network is a table of its layers, one after another (networks/vgg.c), and a row in config/keys.h. Its input x is
 * RGB, 0 to 255, minus d->mean: what a file wants otherwise (BGR, a division by std) is folded into the weights of the
 * first layer when it is read.
 *
 * Not here: what files of weights look like (networks/descriptor_files.h), what the layers make of pictures
 * (networks/descriptor_scale.h).
 */
#ifndef NETWORKS_DESCRIPTOR_H
#define NETWORKS_DESCRIPTOR_H

#include "config/config.h"
#include "graph/graph.h"
#include "io/tensors.h"
#include "ops/pad.h"
#include "ops/pool.h"

#include <stdint.h>

/* ---- networks ---- */

typedef enum layer_kind { LAYER_CONV, LAYER_POOL, LAYER_LINEAR } layer_kind;

/* A convolution of 3x3, a pooling that halves, or a fully connected layer; a ReLU ends those with weights. */
typedef struct descriptor_layer {
    layer_kind kind;
    const char *name, *also[2]; /* relu1_1 is conv1_1: both mean the values after the ReLU, as in every paper here */
    int channels;
    int torchvision;   /* its number there: features.N of a convolution, classifier.N of a fully connected layer */
    const char *keras; /* its group there */
    bool bare;         /* without a ReLU */
} descriptor_layer;

enum { DESCRIPTOR_LAYERS = 32 }; /* at most */

typedef struct descriptor_network {
    const char *name, *title; /* as [descriptor] network, and for people */
    const char *listing;      /* the layers' names, for messages */
    const descriptor_layer *layers;
    int count;
    int side; /* of the pictures that the fully connected layers of trained weights take */

    /* Of random weights, and of files that do not say. */
    float mean[3]; /* RGB, 0 to 255 */
    nx_padding padding;
    nx_pool_kind pool, random_pool;
} descriptor_network;

/* Network i in the order of [descriptor] network; NULL past the last one. */
const descriptor_network *descriptor_network_at(size_t i);

/* The layer of one of its names, or -1. */
int descriptor_find(const descriptor_network *network, const char *name);

/* The deepest of the layers, or -1 with an error that names what is near. */
int descriptor_deepest(const descriptor_network *network, const char *const *layers, size_t count, nx_error *err);

/* The layers with weights up to the deepest of those given, in order; how many. */
size_t descriptor_weighted(const descriptor_network *network, const char *const *layers, size_t count,
                           const char *out[DESCRIPTOR_LAYERS]);

/* Of them the convolutions alone: the fully connected layers take pictures of one size. */
size_t descriptor_convolutions(const descriptor_network *network, const char *const *layers, size_t count,
                               const char *out[DESCRIPTOR_LAYERS]);

/* ---- one with its weights ---- */

typedef struct descriptor_options {
    const descriptor_network *network;  /* NULL: the first one */
    const char *weights;                /* a file of weights; NULL: random */
    const nx_tensor_file *tensors;      /* that file, open; NULL: it is opened */
    config_preprocessing preprocessing; /* of the file */
    config_pooling pooling;
    config_descriptor_padding padding;
    config_init init; /* random: N(0, sigma^2) (He, Wang, Hopcroft 2016) or N(0, 2 / (9 in)); bias 0 */
    float sigma;      /* of the paper's init */
    float width;      /* random: channels as a fraction of the network's; 0: 1 */
    uint64_t seed;
} descriptor_options;

typedef struct descriptor {
    const descriptor_network *network;
    nx_params *params; /* conv1_1.weight and so on, frozen */
    nx_padding padding;
    bool unpadded; /* every convolution takes a pixel off each side of the picture */
    nx_pool_kind pooling;
    float mean[3]; /* RGB, 0 to 255 */
    bool random;
    descriptor_options options;
} descriptor;

/* With all that the layers need. An unknown layer, a file that lacks one or is another network's, or weights of another
 * shape: an error. */
bool descriptor_new(descriptor **out, const descriptor_options *options, const char *const *layers, size_t count,
                    nx_error *err);
void descriptor_free(descriptor *d);

/* The side of the smallest image that has as many pixels at every layer up to these as that takes. */
int descriptor_smallest_image(const descriptor *d, const char *const *layers, size_t count);

/* Whether an image has: a convolution that reflects its border takes 2 pixels a side, one without padding 3, and the
 * fully connected layers of a file the image size that they were trained with. The error says where not, and what image
 * would do. */
bool descriptor_check_size(const descriptor *d, int height, int width, const char *const *layers, size_t count,
                           nx_error *err);

/* What the network takes, of a picture in RGB from 0 to 255: that minus d->mean. */
nx_tensor *descriptor_center(const descriptor *d, nx_graph *g, nx_tensor *picture);

/* Appends the network up to the deepest of the layers; out[i] is the feature tensor of layers[i]. Checks x's size
 * before. */
bool descriptor_record(descriptor *d, nx_graph *g, nx_tensor *x, const char *const *layers, size_t count,
                       nx_tensor **out, nx_error *err);

/* Random weights: draws those of one layer again, times scale, wherever they are by now. Set 0 are the first ones. */
void descriptor_draw(descriptor *d, const char *layer, int set, float scale);

/* A layer's parameter, "weight" or "bias", to be made or found; NULL: there is none. */
nx_param *descriptor_add(descriptor *d, const descriptor_layer *l, const char *part, nx_shape shape, int rank);
nx_param *descriptor_param(const descriptor *d, const descriptor_layer *l, const char *part);

#endif
