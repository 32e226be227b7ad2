/* Model files: attributes from a table, parameters as a checkpoint of their own. */
#include "runfile/model.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "io/files.h"
#include "io/image.h"
#include "io/pth.h"
#include "io/tensors.h"
#include "networks/pyramid_import.h"
#include "networks/stylenet_import.h"
#include "runfile/atomic.h"
#include "runfile/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP      "/model"
#define OPTIONS    GROUP "/options"
#define CLASSES    GROUP "/classes"
#define PARAMETERS "parameters"

static const char *const means[] = {"mean_r", "mean_g", "mean_b"};

model_pixels model_input(const config *c)
{
    model_pixels input = {.order = "rgb", .scale = 1. / 255, .mean = GENERATOR_MEAN};
    if (c->generator.input == INPUT_UNIT) memset(input.mean, 0, sizeof input.mean);
    return input;
}

void model_set_options(model *m, const config *c, const char *section)
{
    char *paper = config_get(c, "experiment", "paper"), *task = config_get(c, "experiment", "task"),
         *text = config_text(c, section);
    m->network = config_get(c, section, "network");
    m->options = nx_format("[experiment]\npaper = %s\ntask = %s\n\n%s", paper, task, text);
    free(paper);
    free(task);
    free(text);
}

/* ---- writing ---- */

static void note_pixels(runfile *run, const char *side, const model_pixels *pixels)
{
    char *order = nx_format("%s_order", side), *scale = nx_format("%s_scale", side);
    runfile_set_text(run, GROUP, order, pixels->order);
    runfile_set_real(run, GROUP, scale, pixels->scale);
    for (int i = 0; i < 3; i++) {
        char *mean = nx_format("%s_%s", side, means[i]);
        runfile_set_real(run, GROUP, mean, pixels->mean[i]);
        free(mean);
    }
    free(order);
    free(scale);
}

void model_note(runfile *run, const model *m)
{
    runfile_set_text(run, GROUP, "network", m->network);
    runfile_set_text(run, GROUP, "options", m->options);
    if (m->classes) runfile_set_text(run, GROUP, "classes", m->classes);
    note_pixels(run, "input", &m->input);
    if (!m->classes) note_pixels(run, "output", &m->output);
}

static bool write_number(nx_h5 *file, const char *side, const char *what, double value, nx_error *err)
{
    char *name = nx_format("%s_%s", side, what);
    bool fine = nx_h5_set_double(file, GROUP, name, value, err);
    free(name);
    return fine;
}

static bool write_pixels(nx_h5 *file, const char *side, const model_pixels *pixels, nx_error *err)
{
    char *name = nx_format("%s_order", side);
    bool fine = nx_h5_set_string(file, GROUP, name, pixels->order, err);
    free(name);
    fine = fine && write_number(file, side, "scale", pixels->scale, err);
    for (int i = 0; fine && i < 3; i++) fine = write_number(file, side, means[i], pixels->mean[i], err);
    return fine;
}

typedef struct saving {
    const model *m;
    const nx_params *params;
} saving;

static bool write_model(nx_h5 *file, const void *context, nx_error *err)
{
    const saving *s = context;
    checkpoint *arrays = checkpoint_new();
    checkpoint_put_params(arrays, PARAMETERS, s->params);
    bool fine = checkpoint_write(arrays, file, GROUP, err) &&
                nx_h5_set_string(file, GROUP, "network", s->m->network, err) &&
                nx_h5_set_string(file, GROUP, "nstx_version", nx_version, err) &&
                nx_h5_write_text(file, OPTIONS, s->m->options, err) && write_pixels(file, "input", &s->m->input, err) &&
                (s->m->classes ? nx_h5_write_text(file, CLASSES, s->m->classes, err)
                               : write_pixels(file, "output", &s->m->output, err));
    checkpoint_free(arrays);
    return fine;
}

bool model_save(const char *path, const model *m, const nx_params *params, nx_error *err)
{
    return atomic_write_h5(path, write_model, &(saving){m, params}, err);
}

/* ---- reading ---- */

static bool read_number(const nx_h5 *file, const char *side, const char *what, double *value, nx_error *err)
{
    char *name = nx_format("%s_%s", side, what);
    bool fine = nx_h5_get_double(file, GROUP, name, value, err);
    free(name);
    return fine;
}

static bool read_pixels(const nx_h5 *file, const char *path, const char *side, model_pixels *pixels, nx_error *err)
{
    char *name = nx_format("%s_order", side), *order = NULL;
    bool fine = nx_h5_get_string(file, GROUP, name, &order, err);
    if (fine && strcmp(order, "rgb") && strcmp(order, "bgr"))
        fine = nx_fail(err, "%s: %s is '%s', neither rgb nor bgr", path, name, order);
    if (fine) strcpy(pixels->order, order);
    fine = fine && read_number(file, side, "scale", &pixels->scale, err);
    if (fine && !(pixels->scale < 0 || pixels->scale > 0)) fine = nx_fail(err, "%s: %s_scale is 0", path, side);
    for (int i = 0; fine && i < 3; i++) fine = read_number(file, side, means[i], &pixels->mean[i], err);
    free(order);
    free(name);
    return fine;
}

static bool read_model(model *m, const nx_h5 *file, nx_error *err)
{
    if (nx_h5_kind_of(file, GROUP) != NX_H5_GROUP)
        return nx_fail(err, "%s: not a model file: there is no " GROUP " in it", m->file);
    return nx_h5_get_string(file, GROUP, "network", &m->network, err) &&
           nx_h5_read_text(file, OPTIONS, &m->options, err) && read_pixels(file, m->file, "input", &m->input, err) &&
           (nx_h5_exists(file, CLASSES) ? nx_h5_read_text(file, CLASSES, &m->classes, err)
                                        : read_pixels(file, m->file, "output", &m->output, err)) &&
           checkpoint_read(&m->arrays, file, GROUP, err);
}

/* A run that has noted no model: it trains none, or is older than such notes. */
static bool no_model(const model *m, const nx_h5 *file, nx_error *err)
{
    char *text;
    if (!nx_h5_read_text(file, RUNFILE_CONFIG, &text, err)) return false;
    bool picture = strstr(text, "\ntask = optimize\n"), weights = strstr(text, "\ntask = distil\n");
    free(text);
    if (picture)
        return nx_fail(err, "%s: a run that optimises a picture, which is in it and beside it: it trains no model",
                       m->file);
    if (weights)
        return nx_fail(err, "%s: a run that distils a descriptor, whose weights are beside it: it trains no model",
                       m->file);
    return nx_fail(err,
                   "%s: a run of which no model is kept in it: it has no checkpoint, or is of an nstx that kept it "
                   "beside it alone, as .model.h5",
                   m->file);
}

/* The newest checkpoint of a run. */
static bool read_run(model *m, const nx_h5 *file, nx_error *err)
{
    if (nx_h5_kind_of(file, GROUP) != NX_H5_GROUP || nx_h5_kind_of(file, RUNFILE_CHECKPOINT) != NX_H5_GROUP)
        return no_model(m, file, err);
    bool classes = nx_h5_has_attribute(file, GROUP, "classes");
    bool fine = nx_h5_get_string(file, GROUP, "network", &m->network, err) &&
                nx_h5_get_string(file, GROUP, "options", &m->options, err) &&
                read_pixels(file, m->file, "input", &m->input, err) &&
                (classes ? nx_h5_get_string(file, GROUP, "classes", &m->classes, err)
                         : read_pixels(file, m->file, "output", &m->output, err)) &&
                checkpoint_read(&m->arrays, file, RUNFILE_CHECKPOINT, err);
    if (fine) checkpoint_keep(m->arrays, PARAMETERS);
    return fine;
}

/* What the first bytes of a file that is there are. */
static const char *first_bytes(const char *path)
{
    unsigned char bytes[512];
    FILE *file = fopen(path, "rb");
    if (!file) return "a file that cannot be read";
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t i = 0; i < count; i++)
        if (bytes[i] < ' ' && !memchr("\t\n\r\f", bytes[i], 4)) return "a file of no known format";
    return count ? "a text" : "an empty file";
}

/* Of what is no file of HDF5. */
static bool another_kind(const char *path, nx_error *err)
{
    static const char wanted[] = "where a model is wanted: NAME.model.h5, a run file, safetensors, or a network of "
                                 "others, .pth, .onnx or .t7";
    int height, width;
    if (nx_folder_exists(path)) return nx_fail(err, "%s: a folder, %s", path, wanted);
    if (!nx_file_exists(path)) return nx_fail(err, "%s: no such file", path);
    if (nx_image_size(path, &height, &width, err))
        return nx_fail(err, "%s: a picture of %d x %d pixels, %s", path, width, height, wanted);
    return nx_fail(err, "%s: %s, %s", path, first_bytes(path), wanted);
}

static bool read_hdf5(model *m, nx_error *err)
{
    nx_h5 *file;
    if (!nx_h5_is_file(m->file)) return another_kind(m->file, err);
    if (!nx_h5_open(&file, m->file, false, err)) return false;
    bool fine = nx_h5_exists(file, RUNFILE_CONFIG) ? read_run(m, file, err) : read_model(m, file, err);
    nx_h5_close(file, NULL);
    return fine;
}

/* ---- safetensors ---- */

static char *pixels_text(const model_pixels *p)
{
    return nx_format("%s, 0 to 255, minus %.9g,%.9g,%.9g (R,G,B), times %.9g", p->order, p->mean[0], p->mean[1],
                     p->mean[2], p->scale);
}

static bool parse_pixels(const nx_tensor_file *file, const char *path, const char *key, model_pixels *out,
                         nx_error *err)
{
    const char *text = nx_tensor_file_metadata(file, key);
    double *mean = out->mean;
    bool fine = text && sscanf(text, "%3[rgb], 0 to 255, minus %lf,%lf,%lf (R,G,B), times %lf", out->order, &mean[0],
                               &mean[1], &mean[2], &out->scale) == 5;
    fine = fine && (!strcmp(out->order, "rgb") || !strcmp(out->order, "bgr")) && (out->scale < 0 || out->scale > 0);
    return fine || nx_fail(err, "%s: metadata %s is \"%s\", where nstx writes how pixels are scaled", path, key,
                           text ? text : "");
}

/* What the authors of Texture Networks trained: RGB from 0 to 1 in, BGR minus the mean of ImageNet out. */
static void describe_released(model *m, const pyramid_options *o, int channels)
{
    m->network = nx_copy_text("pyramid");
    m->options = nx_format("[experiment]\npaper = texture_networks\ntask = %s\n\n[generator]\nnetwork = pyramid\n"
                           "scales = %d\npointwise = %s\n",
                           channels == 3 ? "texture" : "train", o->scales, o->pointwise_left_out ? "false" : "true");
    m->input = (model_pixels){.order = "rgb", .scale = 1. / 255};
    m->output = (model_pixels){.order = "bgr", .scale = 1, .mean = {123.68, 116.779, 103.939}};
}

static bool read_description(model *m, const nx_tensor_file *file, nx_error *err)
{
    const char *options = nx_tensor_file_metadata(file, "options"), *network = nx_tensor_file_metadata(file, "network"),
               *classes = nx_tensor_file_metadata(file, "classes");
    pyramid_options o;
    int channels;
    if (options && network) {
        m->options = nx_copy_text(options);
        m->network = nx_copy_text(network);
        m->classes = nx_copy_text(classes);
        return parse_pixels(file, m->file, "pixels_in", &m->input, err) &&
               (classes || parse_pixels(file, m->file, "pixels_out", &m->output, err));
    }
    if (!pyramid_described(file, &o, &channels))
        return nx_fail(err, "%s: not a model: neither written by nstx nor a network of Texture Networks", m->file);
    describe_released(m, &o, channels);
    return true;
}

static bool read_tensors(model *m, nx_error *err)
{
    nx_tensor_file *file;
    if (!nx_tensor_file_open(&file, m->file, err)) return false;
    bool fine = read_description(m, file, err);
    if (fine && nx_tensor_file_count(file) > CHECKPOINT_ARRAYS)
        fine = nx_fail(err, "%s: more than %d arrays, which no network has", m->file, CHECKPOINT_ARRAYS);
    m->arrays = checkpoint_new();
    for (size_t i = 0; fine && i < nx_tensor_file_count(file); i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        if (!strncmp(e->name, "golden.", 7)) continue; /* what `nstx check` compares */
        char *name = nx_format(PARAMETERS "/%s", e->name);
        fine = e->rank <= NX_H5_RANK_MAX || nx_fail(err, "%s: %s has %d dimensions", m->file, e->name, e->rank);
        if (fine) checkpoint_put_array(m->arrays, name, e->rank, e->shape, e->data);
        free(name);
    }
    nx_tensor_file_free(file);
    return fine;
}

bool model_exportable(const model *m, nx_error *err)
{
    const checkpoint *c = m->arrays;
    for (size_t i = 0; i < c->arrays; i++)
        if (strncmp(c->array[i].name, PARAMETERS "/", strlen(PARAMETERS "/")))
            return nx_fail(err, "%s: %s in it is no parameter", m->file, c->array[i].name);
    return c->arrays || nx_fail(err, "%s: there is no parameter in it", m->file);
}

bool model_export(const char *path, const model *m, nx_error *err)
{
    char hash[33];
    size_t n = 0;
    if (!model_exportable(m, err)) return false;
    nx_tensor_entry *entries = nx_alloc((m->arrays->arrays + 1) * sizeof *entries);
    for (size_t i = 0; i < m->arrays->arrays; i++) {
        const checkpoint_array *a = &m->arrays->array[i];
        entries[n] = (nx_tensor_entry){.name = a->name + strlen(PARAMETERS "/"), .rank = a->rank, .data = a->values};
        memcpy(entries[n++].shape, a->dims, (size_t)a->rank * sizeof *a->dims);
    }
    nx_tensors_hash(entries, n, hash);
    char *input = pixels_text(&m->input), *output = m->classes ? NULL : pixels_text(&m->output);
    const nx_metadata metadata[] = {{"format", "pt"},
                                    {"network", m->network},
                                    {"options", m->options},
                                    {"pixels_in", input},
                                    {m->classes ? "classes" : "pixels_out", m->classes ? m->classes : output},
                                    {"source", m->file},
                                    {"tensors_xxh3", hash}};
    bool fine = nx_tensors_save_safetensors(path, entries, n, metadata, sizeof metadata / sizeof *metadata, err);
    free(input);
    free(output);
    free(entries);
    return fine;
}

/* ---- any file ---- */

static bool finish(model **out, model *m, bool fine)
{
    *out = fine ? m : NULL;
    if (!fine) model_free(m);
    return fine;
}

/* ---- networks of others ---- */

static bool import_pyramid(model *m, nx_params *params, const nx_t7 *root, nx_error *err)
{
    pyramid_options o;
    int channels;
    if (!pyramid_import(params, &o, &channels, root, m->file, err)) return false;
    describe_released(m, &o, channels);
    m->origin = "a network of Texture Networks";
    return true;
}

/* What stylenet_import made of c. */
static void describe_stylenet(model *m, const config *c, const char *origin)
{
    model_set_options(m, c, "generator");
    m->input = model_input(c);
    m->output = (model_pixels){.order = "rgb", .scale = 1, .mean = GENERATOR_MEAN};
    m->origin = origin;
}

/* Of the file m->file, or of that file, open. */
typedef bool importer(model *m, config *c, nx_params *params, const nx_tensor_file *tensors, nx_error *err);

static bool import_t7(model *m, config *c, nx_params *params, const nx_tensor_file *none, nx_error *err)
{
    nx_t7_file *file;
    (void)none;
    if (!nx_t7_open(&file, m->file, err)) return false;
    const nx_t7 *root = nx_t7_root(file);
    bool style = stylenet_is_t7(root),
         fine = style ? stylenet_import_t7(params, c, root, m->file, err) : import_pyramid(m, params, root, err);
    if (fine && style) describe_stylenet(m, c, "a network of fast-neural-style");
    nx_t7_free(file);
    return fine;
}

static const char transformer[] = "a style transfer network of pytorch/examples";

static bool import_onnx(model *m, config *c, nx_params *params, const nx_tensor_file *none, nx_error *err)
{
    nx_onnx *file;
    (void)none;
    if (!nx_onnx_open(&file, m->file, err)) return false;
    bool fine = stylenet_import_onnx(params, c, file, m->file, err);
    if (fine) describe_stylenet(m, c, transformer);
    nx_onnx_free(file);
    return fine;
}

static bool import_tensors(model *m, config *c, nx_params *params, const nx_tensor_file *tensors, nx_error *err)
{
    if (!stylenet_import_tensors(params, c, tensors, m->file, err)) return false;
    describe_stylenet(m, c, transformer);
    return true;
}

static bool import(model **out, const char *path, importer *read, const nx_tensor_file *tensors, nx_error *err)
{
    nx_params *params = nx_params_new();
    config *c = NULL;
    model *m = nx_alloc(sizeof *m);
    m->file = nx_copy_text(path);
    m->arrays = checkpoint_new();
    bool fine = config_parse(&c, path, "[generator]\nnetwork = stylenet\n", ".", NULL, 0, err) &&
                read(m, c, params, tensors, err);
    if (fine) checkpoint_put_params(m->arrays, PARAMETERS, params);
    config_free(c);
    nx_params_free(params);
    return finish(out, m, fine);
}

bool model_of_others(const char *path) { return nx_ends_with(path, ".t7") || nx_ends_with(path, ".onnx"); }

bool model_of_tensors(model **out, const nx_tensor_file *tensors, const char *path, nx_error *err)
{
    *out = NULL;
    return !stylenet_released(tensors) || import(out, path, import_tensors, tensors, err);
}

static bool open_pth(model **out, const char *path, nx_error *err)
{
    nx_tensor_file *file;
    *out = NULL;
    if (!nx_tensor_file_open(&file, path, err)) return false;
    bool fine = import(out, path, import_tensors, file, err);
    nx_tensor_file_free(file);
    return fine;
}

bool model_open(model **out, const char *path, nx_error *err)
{
    if (nx_ends_with(path, ".t7")) return import(out, path, import_t7, NULL, err);
    if (nx_ends_with(path, ".onnx")) return import(out, path, import_onnx, NULL, err);
    if (nx_pth_is_file(path)) return open_pth(out, path, err);
    model *m = nx_alloc(sizeof *m);
    m->file = nx_copy_text(path);
    bool tensors = nx_ends_with(path, ".safetensors");
    return finish(out, m, tensors ? read_tensors(m, err) : read_hdf5(m, err));
}

void model_free(model *m)
{
    if (!m) return;
    checkpoint_free(m->arrays);
    free(m->options);
    free(m->classes);
    free(m->network);
    free(m->file);
    free(m);
}

bool model_params(const model *m, nx_params *params, nx_error *err)
{
    return checkpoint_get_params(m->arrays, PARAMETERS, params, m->file, err);
}
