/* What the points of a sweep came to, side by side: read from their finished run files, printed as a table, kept as
 * STEM.md and STEM.csv and as one picture of their pictures. Points that differ in nothing but [experiment] seed are
 * summed up as mean and deviation.
 *
 *     comparison *t = comparison_new();
 *     for (size_t i = 0; i < p.count; i++) fine = comparison_add(t, &p.point[i], &err);
 *     comparison_print(t, stdout);
 *     fine = comparison_save(t, "out/sweep.h5", &err);
 *     comparison_free(t);
 */
#ifndef SWEEPS_COMPARISON_H
#define SWEEPS_COMPARISON_H

#include "config/sweep_points.h"

#include <stdio.h>

typedef struct comparison comparison;

comparison *comparison_new(void);
void comparison_free(comparison *t);

/* A row from the run file of p, which must outlive the table. A file without a logged loss is an error. */
bool comparison_add(comparison *t, const sweep_point *p, nx_error *err);
size_t comparison_count(const comparison *t);

/* A row for each point, and where points share a group a second table of means and deviations. A column that no point
 * has a value for is left out. */
void comparison_print(const comparison *t, FILE *out);

/* True if what comparison_save and comparison_picture write has its places: runfile/own. c: of the whole sweep. */
bool comparison_may_write(const config *c, const char *run, nx_error *err);

/* The same as Markdown and as comma-separated values, beside the run file of the whole. In the latter, `row` is point,
 * mean or deviation, and every key that is swept has a column. */
bool comparison_save(const comparison *t, const char *run, nx_error *err);

/* The pictures of all points below each other, the content of the first above them where they have any; its path is
 * printed to out, if that is not NULL. Points without a picture, or with pictures of several sizes, are no error: a
 * message says so. */
bool comparison_picture(const comparison *t, bool content, const char *run, FILE *out, nx_error *err);

#endif
