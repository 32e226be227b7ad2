/* An HDF5 file written all or nothing: put together in memory, written under a draft's name, flushed to the disk, then
 * renamed. */
#ifndef RUNFILE_ATOMIC_H
#define RUNFILE_ATOMIC_H

#include "io/hdf5.h"

/* write fills the fresh file. On failure (a full disk, a folder that cannot be written) one line names path and the
 * reason, and what was at path is untouched. */
bool atomic_write_h5(const char *path, bool (*write)(nx_h5 *file, const void *context, nx_error *err),
                     const void *context, nx_error *err);

#endif
