/* NumPy's .npz: a zip of arrays, as numpy.savez writes it. For io/tensors, which is what programs use.
 *
 *     static bool take(void *context, const nx_npz_array *a, nx_error *err)
 *     {
 *         ... keep what is wanted of it ...
 *         return true;
 *     }
 *
 *     bool ok = nx_npz_is_file(path) && nx_npz_read(path, take, context, err);
 *
 * Not here: single .npy files, and arrays of objects, which are Python's and would have to be run.
 */
#ifndef NX_IO_NPZ_H
#define NX_IO_NPZ_H

#include "base/error.h"

#include <stddef.h>

enum { NX_NPZ_RANK_MAX = 8 };

typedef struct nx_npz_array {
    const char *name; /* without .npy */
    const char *type; /* as safetensors calls it: F16, F32, F64, I64 and so on */
    int rank, shape[NX_NPZ_RANK_MAX];
    size_t bytes;
    const void *data; /* row-major, little-endian, whatever the file has */
} nx_npz_array;

/* True if the file begins like a zip. */
bool nx_npz_is_file(const char *path);

/* Gives every array to take, which copies what it keeps, in the order of the file. A zip without arrays, one that is
 * cut short or damaged, and arrays of another kind are errors that name the file and the array. */
bool nx_npz_read(const char *path, bool (*take)(void *context, const nx_npz_array *a, nx_error *err), void *context,
                 nx_error *err);

#endif
