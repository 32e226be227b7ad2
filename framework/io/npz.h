/* NumPy's .npz: a zip of arrays, as numpy.savez writes it. For io/tensors, which is what programs use.
 *
 *     nx_array_take take;
 *     bool ok = nx_npz_is_file(path) && nx_npz_read(path, take, context, err);
 *
 * Not here: single .npy files, and arrays of objects, which are Python's and would have to be run.
 */
#ifndef NX_IO_NPZ_H
#define NX_IO_NPZ_H

#include "io/array.h"

/* True if the file begins like a zip. */
bool nx_npz_is_file(const char *path);

/* Gives every array to take, without .npy at the end of its name, in the order of the file. A zip without arrays, one
 * that is cut short or damaged, and arrays of another kind are errors that name the file and the array. */
bool nx_npz_read(const char *path, nx_array_take *take, void *context, nx_error *err);

#endif
