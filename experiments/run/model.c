/* Model files: attributes from a table, parameters as a checkpoint of their own. */
#include "run/model.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "run/aside.h"

#include <stdlib.h>
#include <string.h>

#define GROUP      "/model"
#define OPTIONS    GROUP "/options"
#define PARAMETERS "parameters"

static const char *const means[] = {"mean_r", "mean_g", "mean_b"};

/* ---- writing ---- */

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
                write_pixels(file, "output", &s->m->output, err);
    checkpoint_free(arrays);
    return fine;
}

bool model_save(const char *path, const model *m, const nx_params *params, nx_error *err)
{
    return aside_write(path, write_model, &(saving){m, params}, err);
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
           read_pixels(file, m->file, "output", &m->output, err) && checkpoint_read(&m->arrays, file, GROUP, err);
}

bool model_open(model **out, const char *path, nx_error *err)
{
    *out = NULL;
    nx_h5 *file;
    if (!nx_h5_open(&file, path, false, err)) return false;
    model *m = nx_alloc(sizeof *m);
    m->file = nx_copy_text(path);
    bool fine = read_model(m, file, err);
    nx_h5_close(file, NULL);
    if (fine)
        *out = m;
    else
        model_free(m);
    return fine;
}

void model_free(model *m)
{
    if (!m) return;
    checkpoint_free(m->arrays);
    free(m->options);
    free(m->network);
    free(m->file);
    free(m);
}

bool model_params(const model *m, nx_params *params, nx_error *err)
{
    return checkpoint_get_params(m->arrays, PARAMETERS, params, m->file, err);
}
