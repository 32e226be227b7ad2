/* Files of a descriptor's weights, in any format of io/tensors, under torchvision's names, those of DataParallel, of
 * sequences, of Caffe or of Keras (data/README.md).
 *
 *     descriptor_file found;
 *     if (!descriptor_file_look(&found, "vgg19.h5", &err)) return false;
 *     const char *title = found.network->title, *deepest = found.deepest;              "VGG-19", "fc8"
 */
#ifndef NETWORKS_DESCRIPTOR_FILES_H
#define NETWORKS_DESCRIPTOR_FILES_H

#include "io/tensors.h"
#include "networks/descriptor.h"

/* What a file holds. */
typedef struct descriptor_file {
    const descriptor_network *network; /* of several that it could be, the first */
    const char *deepest;               /* the layer with weights up to which it has all, "conv5_4" or "fc7" */
    float width;                       /* its first layer's channels as a fraction of the network's */
} descriptor_file;

/* A file that is none of the networks', or has gaps, is an error that says what it is. */
bool descriptor_file_look(descriptor_file *out, const char *path, nx_error *err);

/* The same of an open file; path is for messages. */
bool descriptor_file_seen(descriptor_file *out, const nx_tensor_file *file, const char *path, nx_error *err);

/* Fills d, which options.weights is named in, up to layer number `last`. For descriptor_new. */
bool descriptor_read(descriptor *d, int last, nx_error *err);

/* Writes all layers that were read as safetensors with torchvision's names, with what reading them needs (input, mean,
 * pool, padding), a hash of the tensors and more metadata. Read again it gives the same bits. */
bool descriptor_save(const descriptor *d, const char *path, const nx_metadata *more, size_t count, nx_error *err);

#endif
