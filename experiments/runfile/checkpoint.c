/* Checkpoints. Names have slashes and so become groups of HDF5; reading walks the groups and puts the names together
 * again. */
#include "runfile/checkpoint.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS "counters/"

checkpoint *checkpoint_new(void) { return nx_alloc(sizeof(checkpoint)); }

void checkpoint_free(checkpoint *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->arrays; i++) {
        free(c->array[i].name);
        free(c->array[i].values);
    }
    for (size_t i = 0; i < c->counters; i++) free(c->counter[i].name);
    free(c->array);
    free(c->counter);
    free(c);
}

void checkpoint_keep(checkpoint *c, const char *prefix)
{
    size_t kept = 0, length = strlen(prefix);
    for (size_t i = 0; i < c->arrays; i++) {
        checkpoint_array *a = &c->array[i];
        if (!strncmp(a->name, prefix, length) && a->name[length] == '/') {
            c->array[kept++] = *a;
        } else {
            free(a->name);
            free(a->values);
        }
    }
    c->arrays = kept;
    for (size_t i = 0; i < c->counters; i++) free(c->counter[i].name);
    c->counters = 0;
}

static size_t product(int rank, const int *dims)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    return count;
}

/* ---- putting ---- */

/* Takes the values over. */
static void add_array(checkpoint *c, char *name, int rank, const int *dims, float *values)
{
    NX_CHECK(!checkpoint_find(c, name), "two arrays of a checkpoint are called %s", name);
    NX_GROW(c->array, c->arrays);
    checkpoint_array *a = &c->array[c->arrays++];
    *a = (checkpoint_array){.name = name, .rank = rank, .values = values};
    memcpy(a->dims, dims, (size_t)rank * sizeof *dims);
}

void checkpoint_put_array(checkpoint *c, const char *name, int rank, const int *dims, const float *values)
{
    NX_CHECK(rank >= 0 && rank <= NX_H5_RANK_MAX, "%s: rank %d", name, rank);
    add_array(c, nx_copy_text(name), rank, dims, nx_copy(values, product(rank, dims) * sizeof *values));
}

static int file_dims(const nx_param *param, int dims[4])
{
    size_t wide[4];
    int rank = nx_param_dims(param, wide);
    for (int i = 0; i < rank; i++) dims[i] = (int)wide[i];
    return rank;
}

void checkpoint_put_params(checkpoint *c, const char *prefix, const nx_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        int dims[4], rank = file_dims(params->items[i], dims);
        float *values = nx_alloc(nx_shape_count(params->items[i]->shape) * sizeof *values);
        nx_param_export(params->items[i], values);
        add_array(c, nx_format("%s/%s", prefix, params->items[i]->name), rank, dims, values);
    }
}

void checkpoint_put_counter(checkpoint *c, const char *name, uint64_t value)
{
    for (size_t i = 0; i < c->counters; i++)
        NX_CHECK(strcmp(c->counter[i].name, name), "two counters of a checkpoint are called %s", name);
    NX_GROW(c->counter, c->counters);
    c->counter[c->counters++] = (checkpoint_counter){.name = nx_copy_text(name), .value = value};
}

/* ---- getting ---- */

bool checkpoint_finite(const checkpoint *c, nx_error *err)
{
    uint64_t step = 0;
    for (size_t i = 0; i < c->arrays; i++) {
        const checkpoint_array *a = &c->array[i];
        float sign = 0; /* stays 0 while all are finite: quicker than a look at each */
        for (size_t k = 0, count = product(a->rank, a->dims); k < count; k++) sign += a->values[k] - a->values[k];
        if (sign == 0) continue;
        if (!checkpoint_get_counter(c, "step", &step, "the checkpoint", err)) return false;
        return nx_fail(err,
                       "step %llu: %s holds an infinity or NaN, and such a checkpoint is not saved: lower [optimizer] "
                       "learning_rate",
                       (unsigned long long)step, a->name);
    }
    return true;
}

const checkpoint_array *checkpoint_find(const checkpoint *c, const char *name)
{
    for (size_t i = 0; i < c->arrays; i++)
        if (!strcmp(c->array[i].name, name)) return &c->array[i];
    return NULL;
}

bool checkpoint_get_counter(const checkpoint *c, const char *name, uint64_t *value, const char *file, nx_error *err)
{
    for (size_t i = 0; i < c->counters; i++)
        if (!strcmp(c->counter[i].name, name)) return *value = c->counter[i].value, true;
    return nx_fail(err, "%s: there is no counter %s in it", file, name);
}

/* "[32, 3, 9, 9]" */
static const char *dims_text(char out[128], int rank, const int *dims)
{
    int used = snprintf(out, 128, "[");
    for (int i = 0; i < rank; i++) used += snprintf(out + used, 128 - (size_t)used, "%s%d", i ? ", " : "", dims[i]);
    snprintf(out + used, 128 - (size_t)used, "]");
    return out;
}

static bool check_param(const checkpoint_array *a, const nx_param *param, const char *file, nx_error *err)
{
    char want[128], has[128];
    int dims[4], rank = file_dims(param, dims);
    dims_text(want, rank, dims);
    if (!a) return nx_fail(err, "%s: there is no parameter %s in it, expected with shape %s", file, param->name, want);
    if (a->rank == rank && !memcmp(a->dims, dims, (size_t)rank * sizeof *dims)) return true;
    return nx_fail(err, "%s: the parameter %s has shape %s, expected %s", file, param->name,
                   dims_text(has, a->rank, a->dims), want);
}

bool checkpoint_get_params(const checkpoint *c, const char *prefix, nx_params *params, const char *file, nx_error *err)
{
    const checkpoint_array **from = nx_alloc((params->count + 1) * sizeof *from);
    bool fine = true;
    for (size_t i = 0; fine && i < params->count; i++) {
        char *name = nx_format("%s/%s", prefix, params->items[i]->name);
        from[i] = checkpoint_find(c, name);
        fine = check_param(from[i], params->items[i], file, err);
        free(name);
    }
    size_t length = strlen(prefix);
    for (size_t i = 0; fine && i < c->arrays; i++) {
        const char *name = c->array[i].name;
        if (strncmp(name, prefix, length) || name[length] != '/') continue;
        if (!nx_params_find(params, name + length + 1))
            fine = nx_fail(err, "%s: the parameter %s in it has no place in the network", file, name + length + 1);
    }
    for (size_t i = 0; fine && i < params->count; i++) nx_param_import(params->items[i], from[i]->values);
    free(from);
    return fine;
}

/* ---- in a file ---- */

/* True if bfloat16 holds all its numbers as they are. */
static bool is_short(const checkpoint_array *a)
{
    uint32_t lost = 0;
    for (size_t i = 0, count = product(a->rank, a->dims); i < count && !(lost & 0xffff); i++) {
        uint32_t bits;
        memcpy(&bits, &a->values[i], sizeof bits);
        lost |= bits;
    }
    return !(lost & 0xffff);
}

bool checkpoint_write(const checkpoint *c, nx_h5 *file, const char *group, nx_error *err)
{
    bool fine = nx_h5_group(file, group, err);
    for (size_t i = 0; fine && i < c->arrays; i++) {
        const checkpoint_array *a = &c->array[i];
        char *path = nx_format("%s/%s", group, a->name);
        fine = (is_short(a) ? nx_h5_write_bfloat16 : nx_h5_write_float)(file, path, a->values, a->rank, a->dims, err);
        free(path);
    }
    for (size_t i = 0; fine && i < c->counters; i++) {
        char *path = nx_format("%s/" COUNTERS "%s", group, c->counter[i].name);
        fine = nx_h5_append_uint64(file, path, &c->counter[i].value, 1, err);
        free(path);
    }
    return fine;
}

/* The object GROUP/NAME and, if it is a group, everything below. */
static bool read_object(checkpoint *c, const nx_h5 *file, const char *group, const char *name, nx_error *err)
{
    char *path = nx_format("%s%s%s", group, *name ? "/" : "", name);
    bool fine = true;
    nx_h5_kind kind = nx_h5_kind_of(file, path);
    if (kind == NX_H5_GROUP) {
        nx_h5_names inside;
        fine = nx_h5_children(file, path, &inside, err);
        for (size_t i = 0; fine && i < inside.count; i++) {
            char *below = nx_format("%s%s%s", name, *name ? "/" : "", inside.names[i]);
            fine = read_object(c, file, group, below, err);
            free(below);
        }
        nx_h5_names_free(&inside);
    } else if (kind == NX_H5_FLOATS) {
        float *values;
        int rank, dims[NX_H5_RANK_MAX];
        fine = (c->arrays < CHECKPOINT_ARRAYS ||
                nx_fail(err, "%s: more than %d arrays, which no network has", path, CHECKPOINT_ARRAYS)) &&
               nx_h5_read_float(file, path, &values, &rank, dims, err);
        if (fine) add_array(c, nx_copy_text(name), rank, dims, values);
    } else if (kind == NX_H5_INTEGERS && !strncmp(name, COUNTERS, strlen(COUNTERS))) {
        uint64_t *values;
        size_t count;
        fine = (c->counters < CHECKPOINT_ARRAYS ||
                nx_fail(err, "%s: more than %d counters, which no run has", path, CHECKPOINT_ARRAYS)) &&
               nx_h5_read_uint64(file, path, &values, &count, err);
        if (fine && count == 1) checkpoint_put_counter(c, name + strlen(COUNTERS), values[0]);
        if (fine) free(values);
    }
    free(path);
    return fine;
}

bool checkpoint_read(checkpoint **out, const nx_h5 *file, const char *group, nx_error *err)
{
    *out = checkpoint_new();
    if (read_object(*out, file, group, "", err)) return true;
    checkpoint_free(*out);
    *out = NULL;
    return false;
}
