/* What is in a run file, read back: its metrics and its pictures over time. For commands and figures that look at runs,
 * and for a run that is resumed.
 *
 *     series s;
 *     if (!series_read(&s, file, "validation/total", &err)) return false;
 *     for (size_t i = 0; i < s.rows; i++) plot(s.step[i], s.value[i]);
 *     series_free(&s);
 */
#ifndef RUNFILE_READER_H
#define RUNFILE_READER_H

#include "io/hdf5.h"

#define RUNFILE_CONFIG     "/config"
#define RUNFILE_METRICS    "/metrics"
#define RUNFILE_IMAGES     "/images"
#define RUNFILE_BALANCE    "/balance"
#define RUNFILE_CHECKPOINT "/checkpoint"
#define RUNFILE_STEP       RUNFILE_CHECKPOINT "/counters/step"

/* An attribute: the precision of the start, and each change with its step. */
#define RUNFILE_PRECISION "/device", "precision"

/* The step of its newest checkpoint; false: it has none, or a damaged one. */
bool read_kept_step(const nx_h5 *file, uint64_t *step);

/* ---- metrics ---- */

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

/* The same from the file at path; one without a row is an error. */
bool series_read_from(series *out, const char *path, const char *name, nx_error *err);

/* The mean of its last `rows`, or of as many as there are; NaN of none. */
double series_mean(const series *s, size_t rows);

/* The names of all metrics, sorted by bytes; free with nx_h5_names_free. */
bool series_names(const nx_h5 *file, nx_h5_names *out, nx_error *err);

/* ---- pictures over time ---- */

typedef struct picture_series {
    char *name;
    int height, width;
    size_t count;
    int64_t *step;
    uint8_t *rgb; /* [count][height][width][3] */
} picture_series;

/* Fails if the run has no such pictures. Owned by the caller: picture_series_free. */
bool picture_series_read(picture_series *out, const nx_h5 *file, const char *name, nx_error *err);
void picture_series_free(picture_series *p); /* leaves *p empty */

/* The names of all of them, sorted by bytes; free with nx_h5_names_free. A file without /images has none. */
bool picture_series_names(const nx_h5 *file, nx_h5_names *out, nx_error *err);

#endif
