/* One metric of a run file, read back: for commands that look at runs.
 *
 *     series s;
 *     if (!series_read(&s, file, "validation/total", &err)) return false;
 *     for (size_t i = 0; i < s.rows; i++) plot(s.step[i], s.value[i]);
 *     series_free(&s);
 */
#ifndef RUNFILE_SERIES_H
#define RUNFILE_SERIES_H

#include "io/hdf5.h"

typedef struct series {
    char *name;
    double weight;
    size_t rows;
    int64_t *step;
    double *time, *value; /* time: seconds since the start of the run */
} series;

/* Fails if the run has no such metric or its columns differ in length. Owned by the caller: series_free. */
bool series_read(series *out, const nx_h5 *file, const char *name, nx_error *err);
void series_free(series *s); /* leaves *s empty */

/* The names of all metrics, sorted by bytes; free with nx_h5_names_free. */
bool series_names(const nx_h5 *file, nx_h5_names *out, nx_error *err);

#endif
