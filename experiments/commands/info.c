/* nstx info: what a file holds, told apart by content. */
#include "commands/info.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/cli.h"
#include "commands/json.h"
#include "commands/terminal.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "io/packed.h"
#include "io/tensors.h"
#include "runfile/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The attributes of an object, one a line; what has lines itself, as the names of classes, on that one. */
static bool print_attributes(const nx_h5 *file, const char *path, nx_error *err)
{
    nx_h5_names names;
    if (!nx_h5_attributes(file, path, &names, err)) return false;
    for (size_t i = 0; i < names.count; i++) {
        char *text;
        int64_t whole;
        double real;
        nx_error none;
        terminal_print("  %-28s ", names.names[i]);
        if (nx_h5_get_string(file, path, names.names[i], &text, &none)) {
            for (char *end = text; (end = strchr(end, '\n'));) *end = ' ';
            terminal_print("%s", text);
            putchar('\n');
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
            terminal_print("  %-44s", child);
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
    static const char *const groups[] = {"/device", "/data", "/memory"}, *const logs[] = {"/metrics", "/images",
                                                                                          "/checkpoint"};
    char *text;
    printf("a run\n");
    if (!print_attributes(file, "/", err)) return false;
    for (size_t i = 0; i < 3; i++) {
        if (!nx_h5_exists(file, groups[i])) continue;
        printf("%s\n", groups[i] + 1);
        if (!print_attributes(file, groups[i], err)) return false;
    }
    for (size_t i = 0; i < 3; i++)
        if (nx_h5_exists(file, logs[i]) && !print_datasets(file, logs[i], err)) return false;
    if (!nx_h5_read_text(file, "/config", &text, err)) return false;
    printf("config\n");
    terminal_lines(text);
    free(text);
    return true;
}

static bool print_model(const nx_h5 *file, nx_error *err)
{
    char *text;
    printf("a model\n");
    if (!print_attributes(file, "/model", err) || !nx_h5_read_text(file, "/model/options", &text, err)) return false;
    printf("options\n");
    terminal_lines(text);
    free(text);
    if (nx_h5_exists(file, "/model/classes")) {
        if (!nx_h5_read_text(file, "/model/classes", &text, err)) return false;
        printf("classes\n");
        terminal_lines(text);
        free(text);
    }
    return print_datasets(file, "/model/parameters", err);
}

static const char *const keys[] = {"network", "input",       "mean",       "std",
                                   "pool",    "padding",     "normalised", "imported_preprocessing",
                                   "source",  "source_xxh3", "origin",     "licence"};

void print_weights(const nx_tensor_file *file)
{
    printf("weights\n");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (nx_tensor_file_metadata(file, keys[i])) {
            terminal_print("  %-28s %s", keys[i], nx_tensor_file_metadata(file, keys[i]));
            putchar('\n');
        }
    size_t numbers = 0;
    for (size_t i = 0; i < nx_tensor_file_count(file); i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        terminal_print("  %-44s", e->name);
        for (int d = 0; d < e->rank; d++) printf(d ? " x %d" : " %d", e->shape[d]);
        putchar('\n');
        numbers += nx_tensor_entry_size(e);
    }
    printf("  %zu numbers\n", numbers);
}

/* A network of another tool, as nstx reads it. */
static void print_foreign(const model *m)
{
    printf("%s\n  %-28s %s\noptions\n", m->origin, "network", m->network);
    terminal_lines(m->options);
    for (size_t i = 0; i < m->arrays->arrays; i++) {
        const checkpoint_array *a = &m->arrays->array[i];
        printf("  /model/%-37s", a->name);
        for (int d = 0; d < a->rank; d++) printf(d ? " x %d" : " %d", a->dims[d]);
        putchar('\n');
    }
}

/* Opens a network of another tool, or weights: the other one is NULL. The caller frees both. */
static bool open_others(model **m, nx_tensor_file **weights, const char *path, nx_error *err)
{
    *m = NULL, *weights = NULL;
    if (model_of_others(path)) return model_open(m, path, err);
    if (!nx_tensor_file_open(weights, path, err)) return false;
    bool fine = model_of_tensors(m, *weights, path, err);
    if (fine && !*m) return true;
    nx_tensor_file_free(*weights);
    *weights = NULL;
    return fine;
}

static bool print_others(const char *path, nx_error *err)
{
    model *m;
    nx_tensor_file *weights;
    if (!open_others(&m, &weights, path, err)) return false;
    if (m)
        print_foreign(m);
    else
        print_weights(weights);
    model_free(m);
    nx_tensor_file_free(weights);
    return true;
}

/* ---- the same as JSON ---- */

/* Every dataset of path and below: its shape, and the last value of a series of numbers. */
static void add_datasets(cJSON *all, const nx_h5 *file, const char *path)
{
    nx_h5_names names;
    if (!nx_h5_children(file, path, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++) {
        char *child = nx_format("%s/%s", strcmp(path, "/") ? path : "", names.names[i]);
        int rank, shape[NX_H5_RANK_MAX];
        double *values;
        size_t count;
        if (nx_h5_kind_of(file, child) == NX_H5_GROUP) {
            add_datasets(all, file, child);
        } else if (nx_h5_shape(file, child, &rank, shape, NULL)) {
            cJSON *one = cJSON_AddObjectToObject(all, child);
            cJSON_AddItemToObject(one, "shape", cJSON_CreateIntArray(shape, rank));
            if (rank == 1 && !strcmp(names.names[i], "value") &&
                nx_h5_read_double(file, child, &values, &count, NULL)) {
                if (count) cJSON_AddNumberToObject(one, "last", values[count - 1]);
                free(values);
            }
        }
        free(child);
    }
    nx_h5_names_free(&names);
}

static void add_text(cJSON *json, const char *name, const nx_h5 *file, const char *path)
{
    char *text;
    if (!nx_h5_read_text(file, path, &text, NULL)) return;
    cJSON_AddStringToObject(json, name, text);
    free(text);
}

static cJSON *hdf5_json(const nx_h5 *file, const char *kind, const char *root)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", kind);
    cJSON_AddItemToObject(json, "attributes", attributes_json(file, root));
    add_text(json, "config", file, "/config");
    add_text(json, "options", file, "/model/options");
    add_text(json, "classes", file, "/model/classes");
    if (nx_h5_exists(file, "/device")) cJSON_AddItemToObject(json, "device", attributes_json(file, "/device"));
    if (nx_h5_exists(file, "/data")) cJSON_AddItemToObject(json, "data", attributes_json(file, "/data"));
    if (nx_h5_exists(file, "/memory")) cJSON_AddItemToObject(json, "memory", attributes_json(file, "/memory"));
    add_datasets(cJSON_AddObjectToObject(json, "datasets"), file, root);
    return json;
}

static cJSON *weights_json(const nx_tensor_file *file)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", "weights");
    cJSON *metadata = cJSON_AddObjectToObject(json, "attributes"), *all = cJSON_AddObjectToObject(json, "datasets");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (nx_tensor_file_metadata(file, keys[i]))
            cJSON_AddStringToObject(metadata, keys[i], nx_tensor_file_metadata(file, keys[i]));
    for (size_t i = 0; i < nx_tensor_file_count(file); i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        cJSON_AddItemToObject(cJSON_AddObjectToObject(all, e->name), "shape", cJSON_CreateIntArray(e->shape, e->rank));
    }
    return json;
}

static cJSON *foreign_json(const model *m)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", "model");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "attributes"), "network", m->network);
    cJSON_AddStringToObject(json, "options", m->options);
    cJSON *all = cJSON_AddObjectToObject(json, "datasets");
    for (size_t i = 0; i < m->arrays->arrays; i++) {
        const checkpoint_array *a = &m->arrays->array[i];
        char *name = nx_format("/model/%s", a->name);
        cJSON_AddItemToObject(cJSON_AddObjectToObject(all, name), "shape", cJSON_CreateIntArray(a->dims, a->rank));
        free(name);
    }
    return json;
}

static cJSON *others_json(const char *path, nx_error *err)
{
    model *m;
    nx_tensor_file *weights;
    if (!open_others(&m, &weights, path, err)) return NULL;
    cJSON *json = m ? foreign_json(m) : weights_json(weights);
    model_free(m);
    nx_tensor_file_free(weights);
    return json;
}

/* All of it is decoded: what is corrupt in the middle shows nowhere else. */
static bool check_picture(const char *path, nx_error *err)
{
    nx_image image;
    bool ok = nx_image_load(&image, path, err);
    if (ok) nx_image_free(&image);
    return ok;
}

/* NULL after a message. */
static cJSON *file_json(const char *path, nx_error *err)
{
    int h, w;
    if (nx_h5_is_file(path)) {
        nx_h5 *file;
        if (!nx_h5_open(&file, path, false, err)) return NULL;
        cJSON *json = nx_packed_is_file(path)         ? hdf5_json(file, "dataset", "/")
                      : nx_h5_exists(file, "/config") ? hdf5_json(file, "run", "/")
                      : nx_h5_exists(file, "/model")  ? hdf5_json(file, "model", "/model")
                                                      : NULL;
        nx_h5_close(file, NULL);
        if (json) return json;
    } else if (nx_image_size(path, &h, &w, err)) {
        if (!check_picture(path, err)) return NULL;
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "kind", "picture");
        cJSON_AddNumberToObject(json, "height", h);
        cJSON_AddNumberToObject(json, "width", w);
        return json;
    } else if (nx_is_image_name(path)) { /* one that cannot be read: the error says what it is */
        return NULL;
    }
    return others_json(path, err);
}

static int command_info(int argc, char **argv)
{
    nx_error err;
    int h, w;
    bool as_json = false;
    const char *path = NULL;
    int files = 0;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--json"))
            as_json = true;
        else
            path = argv[i], files++;
    if (files != 1) return usage_error("info", "one file is named, not %d", files);
    if (!nx_file_exists(path)) {
        nx_fail(&err, nx_folder_exists(path) ? "%s: a folder, where a file is expected" : "%s: there is no such file",
                path);
        return fail_with(&err, EXIT_REQUEST);
    }
    if (as_json) {
        cJSON *json = file_json(path, &err);
        if (!json) return fail_with(&err, EXIT_REQUEST);
        print_json(json);
        cJSON_Delete(json);
        return EXIT_DONE;
    }
    bool ok;
    if (nx_packed_is_file(path)) {
        ok = print_dataset(path, &err);
    } else if (nx_h5_is_file(path)) {
        nx_h5 *file;
        if (!nx_h5_open(&file, path, false, &err)) return fail_with(&err, EXIT_REQUEST);
        bool run = nx_h5_exists(file, "/config"), model = nx_h5_exists(file, "/model");
        ok = run ? print_run(file, &err) : model ? print_model(file, &err) : true;
        nx_error late;
        nx_h5_close(file, &late);
        if (ok && !run && !model) ok = print_others(path, &err);
    } else if (nx_image_size(path, &h, &w, &err)) {
        ok = check_picture(path, &err);
        if (ok) printf("a picture of %d x %d pixels\n", w, h);
    } else if (nx_is_image_name(path)) { /* one that cannot be read: the error says what it is */
        ok = false;
    } else {
        ok = print_others(path, &err);
    }
    return ok ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}

const command info_command = {
    .name = "info",
    .run = command_info,
    .usage = "info FILE [--json]",
    .does = "what a run, model, weight or picture file holds",
};
