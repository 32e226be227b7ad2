/* The descriptor: VGG-19 (Simonyan and Zisserman 2015, configuration E), whose features every loss here compares.
 *
 *     vgg19 *vgg;
 *     if (!vgg19_new(&vgg, &(vgg19_options){.weights = "vgg19.safetensors"}, layers, n_layers, &err)) return false;
 *     nx_params_realize(vgg->params, device);
 *     if (!vgg19_record(vgg, g, x, layers, n_layers, features, &err)) return false;
 *
 * Layers: convB_I and reluB_I (both mean the values after the ReLU, as in every paper here), poolB, fc6 and fc7 (after
 * the ReLU; also called fc1 and fc2). Its input x is RGB, 0 to 255, minus vgg->mean: what a file wants otherwise (BGR,
 * a division by std) is folded into the weights of conv1_1 when it is read.
 */
#ifndef NETWORKS_VGG19_H
#define NETWORKS_VGG19_H

#include "graph/graph.h"
#include "io/tensors.h"
#include "ops/pad.h"
#include "ops/pool.h"

#include <stdint.h>

typedef enum vgg19_pooling { VGG19_POOLING_FILE, VGG19_POOLING_MAX, VGG19_POOLING_AVERAGE } vgg19_pooling;

enum { VGG19_PADDING_FILE = -1, VGG19_PADDING_NONE = -2 }; /* else an nx_padding */

typedef enum vgg19_preprocessing {
    VGG19_PREPROCESSING_FILE,       /* as the file's metadata says; Keras's files are Caffe's */
    VGG19_PREPROCESSING_CAFFE,      /* BGR, 0 to 255, minus mean */
    VGG19_PREPROCESSING_TORCHVISION /* RGB, 0 to 1, minus mean, over std */
} vgg19_preprocessing;

typedef enum vgg19_init { VGG19_INIT_PAPER, VGG19_INIT_HE } vgg19_init;

typedef struct vgg19_options {
    const char *weights;               /* a file of weights; NULL: random */
    vgg19_preprocessing preprocessing; /* of the file */
    vgg19_pooling pooling;             /* FILE: the file's metadata; where it is silent max, random weights average */
    int padding; /* VGG19_PADDING_FILE: the file's metadata, where it is silent zero; NONE: convolutions inside alone */
    vgg19_init init; /* random: N(0, sigma^2) (He, Wang, Hopcroft 2016) or N(0, 2 / (9 in)); bias 0 */
    float sigma;     /* of the paper's init */
    float width;     /* random: channels as a fraction of 64, 128, 256, 512, 512; 0: 1 */
    uint64_t seed;
} vgg19_options;

typedef struct vgg19 {
    nx_params *params; /* conv1_1.weight and so on, frozen */
    nx_padding padding;
    bool unpadded; /* every convolution takes a pixel off each side of the picture */
    nx_pool_kind pooling;
    float mean[3]; /* RGB, 0 to 255 */
    bool random;
    vgg19_options options;
} vgg19;

/* With all that the layers need. An unknown layer, a file that lacks one, or weights of another shape: an error. */
bool vgg19_new(vgg19 **out, const vgg19_options *options, const char *const *layers, size_t count, nx_error *err);
void vgg19_free(vgg19 *vgg);

/* Appends the network up to the deepest of the layers; out[i] is the feature tensor of layers[i]. The fully connected
 * layers of a file want the image size that they were trained with: the error says so. */
bool vgg19_record(vgg19 *vgg, nx_graph *g, nx_tensor *x, const char *const *layers, size_t count, nx_tensor **out,
                  nx_error *err);

/* The side of the smallest image that still has a pixel at every one of the layers. */
int vgg19_smallest_image(const char *const *layers, size_t count, bool unpadded);

/* Rescales the layers up to the deepest given so that on these images ([n, h, w, 3], RGB, 0 to 255) the mean activation
 * after every ReLU is one: by channel, Gatys' normalisation (W[k,j] <- W[k,j] m[l-1,j] / m[l,k], b[k] <- b[k] /
 * m[l,k]; a dead channel stays as it is), or by layer, which keeps random weights random and only sets their scale.
 * Both leave what the network computes unchanged but for those factors. Its parameters are on the device afterwards. */
bool vgg19_rescale(vgg19 *vgg, nx_device *device, const float *images, nx_shape shape, const char *const *layers,
                   size_t count, bool by_channel, nx_error *err);

enum { VGG19_LAYERS = 18 }; /* with weights */

/* The layers with weights up to the deepest of those given, in order; how many. */
size_t vgg19_weighted(const char *const *layers, size_t count, const char *out[VGG19_LAYERS]);

/* Random weights: draws those of one layer again, times scale, wherever they are by now. Set 0 are the first ones. */
void vgg19_draw(vgg19 *vgg, const char *layer, int set, float scale);

/* Images that come in batches of one shape. */
typedef struct vgg19_images {
    nx_shape shape; /* of a batch */
    size_t batches;
    bool (*read)(void *context, size_t batch, float *pixels, nx_error *err);
    void *context;
} vgg19_images;

/* vgg19_rescale over more images than fit in one batch. */
bool vgg19_rescale_on(vgg19 *vgg, nx_device *device, const vgg19_images *images, const char *const *layers,
                      size_t count, bool by_channel, nx_error *err);

/* What the channels of a layer give on images. */
typedef struct vgg19_activation {
    const char *layer;
    int channels, dead; /* dead: 0 everywhere */
    double mean, most;  /* over the channels' means; NaN where a number is none */
} vgg19_activation;

/* Measures every layer with weights up to the given one; out has room for VGG19_LAYERS. */
bool vgg19_measure(vgg19 *vgg, nx_device *device, const vgg19_images *images, const char *layer, vgg19_activation *out,
                   size_t *count, nx_error *err);

/* ---- files ---- */

/* The deepest layer with weights up to which a file has all, "conv5_4" or "fc7"; NULL with an error. width, which may
 * be NULL: its first layer's channels as a fraction of VGG-19's. */
const char *vgg19_file_deepest(const char *path, float *width, nx_error *err);

/* Writes all layers that were read as safetensors with torchvision's names, with what reading them needs (input, mean,
 * pool, padding), a hash of the tensors and more metadata. Read again it gives the same bits. */
bool vgg19_save(const vgg19 *vgg, const char *path, const nx_metadata *more, size_t count, nx_error *err);

#endif
