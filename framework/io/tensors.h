/* Files of named float tensors: weights in, weights out. One door for safetensors, HDF5 (Keras or plain), NumPy's .npz
 * and PyTorch's .pth, told apart by content.
 *
 * It knows names and shapes, not what they mean: layouts (OIHW or HWIO) are the caller's business.
 *
 *     nx_tensor_file *weights;
 *     if (!nx_tensor_file_open(&weights, "vgg16.safetensors", err)) return false;
 *     const nx_tensor_entry *kernel = nx_tensor_file_find(weights, "features.0.weight");
 *     ... kernel->rank, kernel->shape, kernel->data ...
 *     nx_tensor_file_free(weights);
 */
#ifndef NX_IO_TENSORS_H
#define NX_IO_TENSORS_H

#include "base/error.h"

#include <stddef.h>

#define NX_TENSOR_RANK_MAX 8

typedef struct nx_tensor_entry {
    const char *name;
    int rank; /* 0: a scalar */
    int shape[NX_TENSOR_RANK_MAX];
    const float *data; /* row-major */
} nx_tensor_entry;

/* The product of the shape. */
size_t nx_tensor_entry_size(const nx_tensor_entry *entry);

typedef struct nx_tensor_file nx_tensor_file;

/* Reads all of a file.
 * safetensors: F32, and F16, BF16 and F64 converted; tensors of integers (counters) are passed over. The header is
 * checked in full: its length, offsets, shapes against byte ranges, no overlap, no hole, no byte missing at the end.
 * HDF5: every dataset of floats below any group, named by its path without the leading '/'; other datasets are passed
 * over. .npz: every array of floats, by its name, column-major ones turned into row-major. .pth, .pt: every tensor of
 * floats of the state dict in it (io/pth.h), of which nothing is executed.
 * Tensors are in the order of the file (safetensors: by offset; HDF5: by name). A file without a tensor of
 * floats is an error. */
bool nx_tensor_file_open(nx_tensor_file **out, const char *path, nx_error *err);
void nx_tensor_file_free(nx_tensor_file *file);

size_t nx_tensor_file_count(const nx_tensor_file *file);
const nx_tensor_entry *nx_tensor_file_at(const nx_tensor_file *file, size_t i);

/* NULL if there is none. Entries live as long as the file. */
const nx_tensor_entry *nx_tensor_file_find(const nx_tensor_file *file, const char *name);

/* safetensors' __metadata__, or HDF5's string attributes of the root. NULL if there is none. */
const char *nx_tensor_file_metadata(const nx_tensor_file *file, const char *key);

typedef struct nx_metadata {
    const char *key, *value;
} nx_metadata;

/* Writes F32 tensors in the given order, aside and then renamed. Names must differ. metadata may be NULL with 0. */
bool nx_tensors_save_safetensors(const char *path, const nx_tensor_entry *entries, size_t count,
                                 const nx_metadata *metadata, size_t metadata_count, nx_error *err);

/* XXH3, 128 bits, of the names, shapes and values in this order, as 32 hexadecimal digits: the same whatever file they
 * are in. */
void nx_tensors_hash(const nx_tensor_entry *entries, size_t count, char out[33]);

/* XXH3, 128 bits, of the file's bytes as 32 hexadecimal digits: an identity for logs, not a proof against malice. */
bool nx_file_hash(const char *path, char out[33], nx_error *err);

#endif
