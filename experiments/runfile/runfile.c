/* A run file from its beginning to its end, and the log in between. */
#include "runfile/state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "config/sweep_points.h"
#include "io/files.h"
#include "io/tensors.h"
#include "runfile/inputs.h"
#include "runfile/own.h"

#include <stdlib.h>
#include <string.h>

bool runfile_may_stand(const char *path, nx_error *err)
{
    nx_h5 *file;
    if (!may_write(path, err)) return false;
    if (!nx_file_exists(path)) return true;
    bool run = nx_h5_is_file(path) && nx_h5_open(&file, path, false, NULL);
    if (run) {
        run = nx_h5_exists(file, RUNFILE_CONFIG);
        nx_h5_close(file, NULL);
    }
    return run || nx_fail(err, "%s: there is a file that is no run file of nstx: choose another name", path);
}

static void set_inputs(runfile *run, const config *c)
{
    config_paths p;
    char hash[33];
    for (size_t i = 0; config_paths_at(c, i, &p); i++) {
        char *key = nx_format("%s.%s", p.section, p.key);
        if (p.count && inputs_hash(&p, hash)) runfile_set_text(run, RUNFILE_INPUTS, key, hash);
        free(key);
    }
}

static void set_heading(runfile *run, const runfile_info *info)
{
    char date[32];
    runfile_set_text(run, "/", "nstx_version", nx_version);
    runfile_set_text(run, "/", "revision", nx_revision);
    runfile_set_text(run, "/", "command", info->command);
    runfile_set_text(run, "/", "started", nx_date(date));
    runfile_set_text(run, "/", "status", "running");
    runfile_set_int(run, "/", "seed", info->config->experiment.seed);
    runfile_set_text(run, "/device", "platform", info->device->platform);
    runfile_set_text(run, "/device", "name", info->device->name);
    runfile_set_text(run, "/device", "driver", info->device->driver);
    runfile_set_text(run, "/device", "opencl_version", info->device->version);
    char hash[33], *weights, *precision = config_get(info->config, "device", "precision");
    runfile_set_text(run, RUNFILE_PRECISION, precision);
    free(precision);
    if (config_weights(info->config, &weights, NULL) && weights && nx_file_hash(weights, hash, NULL)) {
        runfile_set_text(run, "/descriptor", "weights", weights);
        runfile_set_text(run, "/descriptor", "weights_xxh3", hash);
    }
    free(weights);
}

bool runfile_new(runfile **out, const char *path, const runfile_info *info, nx_error *err)
{
    *out = NULL;
    char *folder = nx_path_folder(path);
    bool fine = nx_folder_make(folder, err) && runfile_may_stand(path, err);
    free(folder);
    if (!fine) return false;
    runfile *run = nx_alloc(sizeof *run);
    *run = (runfile){.path = nx_copy_text(path),
                     .config = config_text(info->config, NULL),
                     .folder = info->config->log.pictures == LOG_PICTURES_FOLDER ? runfile_pictures_folder(path) : NULL,
                     .began = nx_now(),
                     .saved = nx_now(),
                     .arrays = checkpoint_new()};
    if (!run_lock_take(&run->lock, path, err)) {
        runfile_free(run);
        return false;
    }
    set_heading(run, info);
    set_inputs(run, info->config);
    *out = run;
    return true;
}

static void metric_free(run_metric *m)
{
    free(m->name);
    free(m->step);
    free(m->time);
    free(m->value);
}

static void pictures_free(run_pictures *p)
{
    free(p->name);
    free(p->step);
    free(p->rgb);
}

static void attribute_free(run_attribute *a)
{
    free(a->path);
    free(a->name);
    free(a->text);
}

void runfile_free(runfile *run)
{
    if (!run) return;
    run_lock_release(run->lock);
    for (size_t i = 0; i < run->metrics; i++) metric_free(&run->metric[i]);
    for (size_t i = 0; i < run->series; i++) pictures_free(&run->pictures[i]);
    for (size_t i = 0; i < run->attributes; i++) attribute_free(&run->attribute[i]);
    free(run->metric);
    free(run->pictures);
    free(run->attribute);
    checkpoint_free(run->arrays);
    checkpoint_free(run->newest);
    runfile_forget_waiting(run);
    free(run->folder);
    free(run->config);
    free(run->path);
    free(run);
}

void runfile_abandon(const runfile *run) { run_lock_abandon(run->lock, run->path); }

const checkpoint *runfile_checkpoint(const runfile *run) { return run->newest; }

bool runfile_kept(const runfile *run, uint64_t *step)
{
    if (run->kept) *step = run->kept_step;
    return run->kept;
}

double runfile_seconds(const runfile *run) { return nx_now() - run->began; }

/* ---- logging ---- */

static run_metric *find_metric(runfile *run, const char *name)
{
    for (size_t i = 0; i < run->metrics; i++)
        if (!strcmp(run->metric[i].name, name)) return &run->metric[i];
    NX_GROW(run->metric, run->metrics);
    run->metric[run->metrics] = (run_metric){.name = nx_copy_text(name)};
    return &run->metric[run->metrics++];
}

void runfile_metric(runfile *run, const char *name, double weight, int64_t step, double time, double value)
{
    run_metric *m = find_metric(run, name);
    m->weight = weight;
    NX_GROW(m->step, m->rows);
    NX_GROW(m->time, m->rows);
    NX_GROW(m->value, m->rows);
    m->step[m->rows] = step, m->time[m->rows] = time, m->value[m->rows] = value;
    m->rows++;
}

static run_pictures *find_pictures(runfile *run, const char *name, int height, int width)
{
    for (size_t i = 0; i < run->series; i++) {
        run_pictures *p = &run->pictures[i];
        if (strcmp(p->name, name)) continue;
        NX_CHECK(p->height == height && p->width == width, "pictures %s of %dx%d and of %dx%d pixels", name, p->width,
                 p->height, width, height);
        return p;
    }
    NX_GROW(run->pictures, run->series);
    run->pictures[run->series] = (run_pictures){.name = nx_copy_text(name), .height = height, .width = width};
    return &run->pictures[run->series++];
}

size_t run_picture_bytes(const run_pictures *p) { return (size_t)p->height * (size_t)p->width * 3; }

/* Drops every second picture. */
static void thin(run_pictures *p)
{
    size_t bytes = run_picture_bytes(p), left = (p->count + 1) / 2;
    for (size_t i = 1; i < left; i++) {
        p->step[i] = p->step[2 * i];
        memcpy(p->rgb + i * bytes, p->rgb + 2 * i * bytes, bytes);
    }
    p->count = left, p->kept = (p->kept + 1) / 2;
}

void runfile_add_image(runfile *run, const char *name, int64_t step, int height, int width, const uint8_t *rgb)
{
    run_pictures *p = find_pictures(run, name, height, width);
    size_t bytes = run_picture_bytes(p);
    if (p->count > 1 && (p->count + 1) * bytes > RUNFILE_IMAGE_BYTES) thin(p);
    p->step = nx_realloc(p->step, (p->count + 1) * sizeof *p->step);
    p->rgb = nx_realloc(p->rgb, (p->count + 1) * bytes);
    p->step[p->count] = step;
    memcpy(p->rgb + p->count * bytes, rgb, bytes);
    p->count++;
}

uint64_t runfile_images_kept(size_t bytes, uint64_t times)
{
    uint64_t most = RUNFILE_IMAGE_BYTES / bytes > 2 ? RUNFILE_IMAGE_BYTES / bytes : 2, half = (most + 1) / 2;
    return times <= most ? times : half + 1 + (times - most - 1) % (most - half);
}

void runfile_array(runfile *run, const char *path, int rank, const int *dims, const float *values)
{
    checkpoint *rest = checkpoint_new();
    for (size_t i = 0; i < run->arrays->arrays; i++) {
        const checkpoint_array *a = &run->arrays->array[i];
        if (strcmp(a->name, path)) checkpoint_put_array(rest, a->name, a->rank, a->dims, a->values);
    }
    checkpoint_put_array(rest, path, rank, dims, values);
    checkpoint_free(run->arrays);
    run->arrays = rest;
}

static run_attribute *fresh_attribute(runfile *run, const char *path, const char *name)
{
    run_attribute *a = NULL;
    for (size_t i = 0; i < run->attributes && !a; i++)
        if (!strcmp(run->attribute[i].path, path) && !strcmp(run->attribute[i].name, name)) a = &run->attribute[i];
    if (a) {
        attribute_free(a);
    } else {
        NX_GROW(run->attribute, run->attributes);
        a = &run->attribute[run->attributes++];
    }
    *a = (run_attribute){.path = nx_copy_text(path), .name = nx_copy_text(name)};
    return a;
}

void runfile_set_text(runfile *run, const char *path, const char *name, const char *value)
{
    run_attribute *a = fresh_attribute(run, path, name);
    a->kind = IS_TEXT, a->text = nx_copy_text(value);
}

void runfile_set_int(runfile *run, const char *path, const char *name, int64_t value)
{
    run_attribute *a = fresh_attribute(run, path, name);
    a->kind = IS_INT, a->integer = value;
}

void runfile_set_real(runfile *run, const char *path, const char *name, double value)
{
    run_attribute *a = fresh_attribute(run, path, name);
    a->kind = IS_REAL, a->real = value;
}
