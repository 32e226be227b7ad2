/* A metric is a group with a dataset "value"; its name may have slashes, so groups are walked. */
#include "runfile/series.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define METRICS "/metrics"

bool series_read(series *out, const nx_h5 *file, const char *name, nx_error *err)
{
    *out = (series){.name = nx_copy_text(name)};
    char *group = nx_format(METRICS "/%s", name), *step = nx_format("%s/step", group);
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

static bool collect(const nx_h5 *file, const char *path, nx_h5_names *out, nx_error *err)
{
    nx_h5_names inside;
    if (!nx_h5_children(file, path, &inside, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < inside.count; i++) {
        char *below = nx_format("%s/%s", path, inside.names[i]), *value = nx_format("%s/value", below);
        if (nx_h5_kind_of(file, below) == NX_H5_GROUP) {
            if (nx_h5_exists(file, value)) {
                NX_GROW(out->names, out->count);
                out->names[out->count++] = nx_copy_text(below + strlen(METRICS "/"));
            }
            fine = collect(file, below, out, err);
        }
        free(below);
        free(value);
    }
    nx_h5_names_free(&inside);
    return fine;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

bool series_names(const nx_h5 *file, nx_h5_names *out, nx_error *err)
{
    *out = (nx_h5_names){0};
    if (!collect(file, METRICS, out, err)) return nx_h5_names_free(out), false;
    if (out->count) qsort(out->names, out->count, sizeof *out->names, by_name);
    return true;
}
