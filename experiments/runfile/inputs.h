/* The files that a run reads, held against those it began with: their names may change, not what is in them.
 *
 * Of each key that names files or folders a hash is kept in the run file, /inputs SECTION.KEY: of every file's name,
 * its size and its first and last bytes, in their order. So a folder of pictures that has moved to another disk is
 * known again, and one with a picture more or less is another.
 */
#ifndef RUNFILE_INPUTS_H
#define RUNFILE_INPUTS_H

#include "config/config.h"
#include "io/hdf5.h"

#define RUNFILE_INPUTS "/inputs"

/* The hash as 32 hexadecimal digits; false where something cannot be read. */
bool inputs_hash(const config_paths *paths, char out[33]);

/* True if the run file of that name may be continued as c (config_continues), moved inputs included. */
bool inputs_continue(const config *c, const nx_h5 *file, const char *name, nx_error *err);

#endif
