/* Arrays as another program's file has them: what io/npz and io/pth give out, and io/tensors makes floats of.
 *
 *     static bool take(void *context, const nx_array *a, nx_error *err)
 *     {
 *         ... keep what is wanted of it ...
 *         return true;
 *     }
 */
#ifndef NX_IO_ARRAY_H
#define NX_IO_ARRAY_H

#include "base/error.h"

#include <stddef.h>

enum { NX_ARRAY_RANK_MAX = 8 };

typedef struct nx_array {
    const char *name;
    const char *type; /* as safetensors calls it: F16, BF16, F32, F64, I64 and so on */
    int rank, shape[NX_ARRAY_RANK_MAX];
    size_t bytes;
    const void *data; /* row-major, little-endian */
} nx_array;

/* Is given an array and copies what it keeps. False with an error: no more of them. */
typedef bool nx_array_take(void *context, const nx_array *a, nx_error *err);

/* a's numbers row by row, of which number (i, j, ...) lies at a->data + (i stride[0] + j stride[1] + ...) numbers.
 * Owned by the caller; NULL: too large for the memory. */
void *nx_array_rows(const nx_array *a, const size_t *stride);

#endif
