/* A metric is a group with a dataset "value", pictures are a dataset; names may have slashes, so groups are walked. */
#include "runfile/reader.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 12 }; /* of names: links of a damaged file may lead in a circle */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_metric(const nx_h5 *file, const char *path)
{
    char *value = nx_format("%s/value", path);
    bool is = nx_h5_kind_of(file, path) == NX_H5_GROUP && nx_h5_exists(file, value);
    free(value);
    return is;
}

static bool is_pictures(const nx_h5 *file, const char *path) { return nx_h5_kind_of(file, path) == NX_H5_INTEGERS; }

/* Everything below path that is one, by its path behind the first `skip` bytes. */
static bool collect(const nx_h5 *file, const char *path, size_t skip, bool (*is)(const nx_h5 *file, const char *path),
                    int depth, nx_h5_names *out, nx_error *err)
{
    nx_h5_names inside;
    if (depth > DEPTH_MOST) return nx_fail(err, "%s: groups in groups, more than %d deep", path, DEPTH_MOST);
    if (!nx_h5_children(file, path, &inside, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < inside.count; i++) {
        char *below = nx_format("%s/%s", path, inside.names[i]);
        if (is(file, below)) {
            NX_GROW(out->names, out->count);
            out->names[out->count++] = nx_copy_text(below + skip);
        }
        if (nx_h5_kind_of(file, below) == NX_H5_GROUP) fine = collect(file, below, skip, is, depth + 1, out, err);
        free(below);
    }
    nx_h5_names_free(&inside);
    return fine;
}

static bool names_below(const nx_h5 *file, const char *path, bool (*is)(const nx_h5 *file, const char *path),
                        nx_h5_names *out, nx_error *err)
{
    *out = (nx_h5_names){0};
    if (!collect(file, path, strlen(path) + 1, is, 0, out, err)) return nx_h5_names_free(out), false;
    if (out->count) qsort(out->names, out->count, sizeof *out->names, by_name);
    return true;
}

bool read_kept_step(const nx_h5 *file, uint64_t *step)
{
    uint64_t *values;
    size_t count;
    if (!nx_h5_exists(file, RUNFILE_STEP) || !nx_h5_read_uint64(file, RUNFILE_STEP, &values, &count, NULL))
        return false;
    *step = count ? values[0] : 0;
    free(values);
    return true;
}

/* ---- metrics ---- */

bool series_read(series *out, const nx_h5 *file, const char *name, nx_error *err)
{
    *out = (series){.name = nx_copy_text(name)};
    char *group = nx_format(RUNFILE_METRICS "/%s", name), *step = nx_format("%s/step", group);
    char *time = nx_format("%s/time", group), *value = nx_format("%s/value", group);
    size_t times = 0, values = 0;
    bool fine = nx_h5_get_double(file, group, "weight", &out->weight, err) &&
                nx_h5_read_int64(file, step, &out->step, &out->rows, err) &&
                nx_h5_read_double(file, time, &out->time, &times, err) &&
                nx_h5_read_double(file, value, &out->value, &values, err);
    if (fine && (out->rows != times || out->rows != values))
        fine = nx_fail(err, "%s has %zu steps, %zu times and %zu values", group, out->rows, times, values);
    if (!fine) series_free(out);
    free(group);
    free(step);
    free(time);
    free(value);
    return fine;
}

void series_free(series *s)
{
    free(s->name);
    free(s->step);
    free(s->time);
    free(s->value);
    *s = (series){0};
}

bool series_read_from(series *out, const char *path, const char *name, nx_error *err)
{
    nx_h5 *file;
    *out = (series){0};
    if (!nx_h5_open(&file, path, false, err)) return false;
    bool fine = series_read(out, file, name, err);
    if (fine && !out->rows) fine = nx_fail(err, "%s: nothing was logged under %s", path, name);
    if (!fine) series_free(out);
    nx_h5_close(file, NULL);
    return fine;
}

double series_mean(const series *s, size_t rows)
{
    double mean = s->rows ? 0 : NAN;
    if (rows > s->rows) rows = s->rows;
    for (size_t i = s->rows - rows; i < s->rows; i++) mean += s->value[i] / (double)rows;
    return mean;
}

bool series_names(const nx_h5 *file, nx_h5_names *out, nx_error *err)
{
    return names_below(file, RUNFILE_METRICS, is_metric, out, err);
}

/* ---- pictures over time ---- */

bool picture_series_read(picture_series *out, const nx_h5 *file, const char *name, nx_error *err)
{
    int rank, shape[NX_H5_RANK_MAX];
    *out = (picture_series){.name = nx_copy_text(name)};
    char *path = nx_format(RUNFILE_IMAGES "/%s", name);
    bool fine = nx_h5_get_ints(file, path, "step", &out->step, &out->count, err) &&
                nx_h5_read_uint8(file, path, &out->rgb, &rank, shape, err);
    if (fine && (rank != 4 || shape[3] != 3 || !out->count || out->count != (size_t)shape[0]))
        fine = nx_fail(err, "%s is not a row of pictures", path);
    if (fine)
        out->height = shape[1], out->width = shape[2];
    else
        picture_series_free(out);
    free(path);
    return fine;
}

void picture_series_free(picture_series *p)
{
    free(p->name);
    free(p->step);
    free(p->rgb);
    *p = (picture_series){0};
}

bool picture_series_names(const nx_h5 *file, nx_h5_names *out, nx_error *err)
{
    *out = (nx_h5_names){0};
    return !nx_h5_exists(file, RUNFILE_IMAGES) || names_below(file, RUNFILE_IMAGES, is_pictures, out, err);
}
