/* What the layers of a descriptor make of pictures, and weights scaled by it.
 *
 *     descriptor_images images = {.shape = {4, 224, 224, 3}, .batches = 50, .read = next, .context = loader};
 *     if (!descriptor_rescale_on(d, device, &images, &deepest, 1, true, DESCRIPTOR_FLOOR, NULL, &err)) return false;
 */
#ifndef NETWORKS_DESCRIPTOR_SCALE_H
#define NETWORKS_DESCRIPTOR_SCALE_H

#include "device/device.h"
#include "networks/descriptor.h"

/* Images that come in batches of one shape, [n, h, w, 3], RGB, 0 to 255. */
typedef struct descriptor_images {
    nx_shape shape; /* of a batch */
    size_t batches;
    bool (*read)(void *context, size_t batch, float *pixels, nx_error *err);
    void *context;
} descriptor_images;

/* Rescales the layers up to the deepest given so that on these images the mean activation after every ReLU is one: by
 * channel, Gatys' normalisation (W[k,j] <- W[k,j] m[l-1,j] / m[l,k], b[k] <- b[k] / m[l,k]; a dead channel stays as it
 * is, and one that hardly ever fires, with a mean below `floor` of its layer's, is scaled by that bound: its mean is a
 * chance of these images, and its factor would make the rare pixel where it fires outweigh all other channels; 0: none
 * is), or by layer, which keeps random weights random and only sets their scale. Both leave what the network
 * computes unchanged but for those factors. Its parameters are on the device afterwards. *rare, which may be NULL: such
 * channels. With a floor of a thousandth, pictures made with a wide VGG-16 stay grey (notes/papers/gatys.md). */
#define DESCRIPTOR_FLOOR 0.1f
bool descriptor_rescale_on(descriptor *d, nx_device *device, const descriptor_images *images, const char *const *layers,
                           size_t count, bool by_channel, float floor, size_t *rare, nx_error *err);

/* The same on one batch that lies in memory, with DESCRIPTOR_FLOOR. */
bool descriptor_rescale(descriptor *d, nx_device *device, const float *images, nx_shape shape,
                        const char *const *layers, size_t count, bool by_channel, nx_error *err);

/* What that takes of the device beside the parameters. */
uint64_t descriptor_rescale_bytes(descriptor *d, const nx_device_info *info, nx_shape shape, const char *const *layers,
                                  size_t count);

/* The mean square of every channel of some layers on these images: out[i] has those of layers[i], owned by the caller.
 * Its parameters are on the device afterwards. */
bool descriptor_mean_squares(descriptor *d, nx_device *device, const descriptor_images *images,
                             const char *const *layers, size_t count, float **out, nx_error *err);

/* What the channels of a layer give on images. */
typedef struct descriptor_activation {
    const char *layer;
    int channels, dead; /* dead: 0 everywhere */
    double mean, most;  /* over the channels' means; NaN where a number is none */
} descriptor_activation;

/* Measures every layer with weights up to the given one; out has room for DESCRIPTOR_LAYERS. */
bool descriptor_measure(descriptor *d, nx_device *device, const descriptor_images *images, const char *layer,
                        descriptor_activation *out, size_t *count, nx_error *err);

#endif
