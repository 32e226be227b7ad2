/* What is asked of an HDF5 file before it is trusted: that its structure makes sense, and that libhdf5, which crashes
 * on damaged files, lives through it. Of io/hdf5; not a header for users. */
#ifndef NX_IO_HDF5_WALK_H
#define NX_IO_HDF5_WALK_H

#include "io/hdf5.h"

#include <hdf5.h>

/* Walks the whole file of so many bytes in a child process, by the calls that read it. False with a line that says what
 * is wrong with the file: damaged, links out of it or in circles, data in other files, more data than it can hold. */
bool nx_h5_survives(const char *path, uint64_t bytes, nx_error *err);

/* nx_h5_open without that, for the walk itself. */
bool nx_h5_open_unwalked(nx_h5 **out, const char *path, bool writable, nx_error *err);
hid_t nx_h5_id(const nx_h5 *file);

/* The bytes of an array of that extent, SIZE_MAX if they are too many. */
size_t nx_h5_extent(hid_t space, size_t each);

/* Whether `stored` bytes can be so many ones: packed they are at most 1032 times as many, and a little may stand for
 * nothing, as fill values. */
bool nx_h5_bounded(size_t bytes, size_t stored);

/* True if the bytes of a dataset lie in other files. */
bool nx_h5_elsewhere(hid_t dataset);

#endif
