/* nstx info: what a file holds, told apart by content. */
#include "base/memory.h"
#include "base/text.h"
#include "commands.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "io/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The attributes of an object, one a line. */
static bool print_attributes(const nx_h5 *file, const char *path, nx_error *err)
{
    nx_h5_names names;
    if (!nx_h5_attributes(file, path, &names, err)) return false;
    for (size_t i = 0; i < names.count; i++) {
        char *text;
        int64_t whole;
        double real;
        nx_error none;
        printf("  %-28s ", names.names[i]);
        if (nx_h5_get_string(file, path, names.names[i], &text, &none)) {
            printf("%s\n", text);
            free(text);
        } else if (nx_h5_get_int(file, path, names.names[i], &whole, &none)) {
            printf("%lld\n", (long long)whole);
        } else if (nx_h5_get_double(file, path, names.names[i], &real, &none)) {
            printf("%g\n", real);
        } else {
            printf("(another type)\n");
        }
    }
    nx_h5_names_free(&names);
    return true;
}

/* Every dataset of path and below with its shape, and the last value of a series of numbers. */
static bool print_datasets(const nx_h5 *file, const char *path, nx_error *err)
{
    nx_h5_names names;
    if (!nx_h5_children(file, path, &names, err)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < names.count; i++) {
        char *child = nx_format("%s/%s", strcmp(path, "/") ? path : "", names.names[i]);
        nx_h5_kind kind = nx_h5_kind_of(file, child);
        if (kind == NX_H5_GROUP) {
            ok = print_datasets(file, child, err);
        } else if (kind == NX_H5_FLOATS || kind == NX_H5_INTEGERS) {
            int rank, shape[NX_H5_RANK_MAX];
            double *values;
            size_t count;
            nx_error none;
            ok = nx_h5_shape(file, child, &rank, shape, err);
            if (!ok) break;
            printf("  %-44s", child);
            for (int d = 0; d < rank; d++) printf(d ? " x %d" : " %d", shape[d]);
            if (rank == 1 && !strcmp(names.names[i], "value") &&
                nx_h5_read_double(file, child, &values, &count, &none)) {
                if (count) printf(", last %g", values[count - 1]);
                free(values);
            }
            putchar('\n');
        }
        free(child);
    }
    nx_h5_names_free(&names);
    return ok;
}

static bool print_run(const nx_h5 *file, nx_error *err)
{
    static const char *const groups[] = {"/device", "/memory"}, *const logs[] = {"/metrics", "/images", "/checkpoint"};
    char *text;
    printf("a run\n");
    if (!print_attributes(file, "/", err)) return false;
    for (size_t i = 0; i < 2; i++) {
        if (!nx_h5_exists(file, groups[i])) continue;
        printf("%s\n", groups[i] + 1);
        if (!print_attributes(file, groups[i], err)) return false;
    }
    for (size_t i = 0; i < 3; i++)
        if (nx_h5_exists(file, logs[i]) && !print_datasets(file, logs[i], err)) return false;
    if (!nx_h5_read_text(file, "/config", &text, err)) return false;
    printf("config\n%s", text);
    free(text);
    return true;
}

static bool print_model(const nx_h5 *file, nx_error *err)
{
    char *text;
    printf("a model\n");
    if (!print_attributes(file, "/model", err) || !nx_h5_read_text(file, "/model/options", &text, err)) return false;
    printf("options\n%s", text);
    free(text);
    return print_datasets(file, "/model/parameters", err);
}

static bool print_weights(const char *path, nx_error *err)
{
    static const char *const keys[] = {"input", "mean", "std", "pool", "padding", "origin", "licence"};
    nx_tensor_file *file;
    if (!nx_tensor_file_open(&file, path, err)) return false;
    printf("weights\n");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (nx_tensor_file_metadata(file, keys[i]))
            printf("  %-28s %s\n", keys[i], nx_tensor_file_metadata(file, keys[i]));
    size_t numbers = 0;
    for (size_t i = 0; i < nx_tensor_file_count(file); i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        printf("  %-44s", e->name);
        for (int d = 0; d < e->rank; d++) printf(d ? " x %d" : " %d", e->shape[d]);
        putchar('\n');
        numbers += nx_tensor_entry_size(e);
    }
    printf("  %zu numbers\n", numbers);
    nx_tensor_file_free(file);
    return true;
}

int command_info(int argc, char **argv)
{
    nx_error err;
    int h, w;
    if (argc != 2) return usage_error("info FILE", "one file is named, not %d", argc - 1);
    const char *path = argv[1];
    if (!nx_file_exists(path)) {
        nx_fail(&err, "%s: there is no such file", path);
        return fail_with(&err, EXIT_REQUEST);
    }
    bool ok;
    if (nx_h5_is_file(path)) {
        nx_h5 *file;
        if (!nx_h5_open(&file, path, false, &err)) return fail_with(&err, EXIT_REQUEST);
        bool run = nx_h5_exists(file, "/config"), model = nx_h5_exists(file, "/model");
        ok = run ? print_run(file, &err) : model ? print_model(file, &err) : true;
        nx_error late;
        nx_h5_close(file, &late);
        if (ok && !run && !model) ok = print_weights(path, &err);
    } else if (nx_image_size(path, &h, &w, &err)) {
        printf("a picture of %d x %d pixels\n", w, h);
        ok = true;
    } else {
        ok = print_weights(path, &err);
    }
    return ok ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}
