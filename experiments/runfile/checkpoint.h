/* A checkpoint: named float arrays and named counters, on the host; what a run needs to go on bit for bit.
 *
 * Not a file: runfile/runfile keeps the newest one of a run, runfile/model writes one of parameters alone.
 *
 *     checkpoint *c = checkpoint_new();
 *     checkpoint_put_params(c, "parameters", params);
 *     checkpoint_put_params(c, "optimizer", optimizer->state);
 *     checkpoint_put_counter(c, "step", step);
 *     runfile_save(run, c, &err);                        takes it over
 */
#ifndef RUNFILE_CHECKPOINT_H
#define RUNFILE_CHECKPOINT_H

#include "graph/param.h"
#include "io/hdf5.h"

typedef struct checkpoint_array {
    char *name; /* "parameters/conv1.weight" */
    int rank, dims[NX_H5_RANK_MAX];
    float *values;
} checkpoint_array;

typedef struct checkpoint_counter {
    char *name;
    uint64_t value;
} checkpoint_counter;

typedef struct checkpoint {
    size_t arrays, counters;
    checkpoint_array *array;
    checkpoint_counter *counter;
} checkpoint;

enum { CHECKPOINT_ARRAYS = 10000 }; /* the most that are read, and counters */

checkpoint *checkpoint_new(void);
void checkpoint_free(checkpoint *c);

/* Copies. A name that is there already is a bug. Parameters are kept in the file's layout (OIHW) as PREFIX/NAME. */
void checkpoint_put_array(checkpoint *c, const char *name, int rank, const int *dims, const float *values);
void checkpoint_put_params(checkpoint *c, const char *prefix, const nx_params *params);
void checkpoint_put_counter(checkpoint *c, const char *name, uint64_t value);

/* Leaves the arrays PREFIX/..., and nothing else. */
void checkpoint_keep(checkpoint *c, const char *prefix);

/* False, naming the step (the counter "step") and the array, if a number is infinite or NaN. */
bool checkpoint_finite(const checkpoint *c, nx_error *err);

/* NULL if there is none. */
const checkpoint_array *checkpoint_find(const checkpoint *c, const char *name);

/* False, naming the file, if there is none. */
bool checkpoint_get_counter(const checkpoint *c, const char *name, uint64_t *value, const char *file, nx_error *err);

/* Fills every parameter of the store from PREFIX/NAME. One that is missing, has another shape or belongs to none of
 * them is an error that names the file, the parameter and both shapes; then nothing was changed. */
bool checkpoint_get_params(const checkpoint *c, const char *prefix, nx_params *params, const char *file, nx_error *err);

/* In an HDF5 file: arrays as GROUP/NAME, in bfloat16 where that loses nothing, counters as GROUP/counters/NAME, uint64
 * [1]. Reading takes what is there; *out is owned by the caller. */
bool checkpoint_write(const checkpoint *c, nx_h5 *file, const char *group, nx_error *err);
bool checkpoint_read(checkpoint **out, const nx_h5 *file, const char *group, nx_error *err);

#endif
