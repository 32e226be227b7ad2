/* The run file. Everything is kept in lists in memory, each the image of a part of the file; a save writes them all and
 * a resumption reads them back, up to the row at which the checkpoint was taken. */
#include "runfile/runfile.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "config/sweep_points.h"
#include "io/files.h"
#include "io/tensors.h"
#include "runfile/atomic.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVE_EVERY 30.0 /* seconds between saves that bring no checkpoint */
#define SAVE_SHARE 20.0 /* and at least this many times what one takes */

#define CONFIG     "/config"
#define METRICS    "/metrics"
#define IMAGES     "/images"
#define DEBUG      "/debug"
#define CHECKPOINT "/checkpoint"
#define ROWS       "checkpoint_rows" /* attribute: rows that were there when the checkpoint was taken */

typedef struct metric {
    char *name;
    double weight;
    size_t rows, kept; /* kept: the rows that belong to the checkpoint */
    int64_t *step;
    double *time, *value;
} metric;

typedef struct pictures {
    char *name;
    int height, width;
    size_t count, kept;
    int64_t *step;
    uint8_t *rgb;
} pictures;

typedef struct attribute {
    char *path, *name;
    enum { IS_TEXT, IS_INT, IS_REAL } kind;
    char *text;
    int64_t integer;
    double real;
} attribute;

struct runfile {
    char *path, *config;
    char *lock_path;
    int lock;
    double began;             /* nx_now() at second 0 of the run */
    double saved, save_costs; /* when the last save ended, and how long it took */
    bool there;               /* what lies at path is of this run, not of one before */
    bool kept;                /* with a checkpoint, of this step */
    uint64_t kept_step;
    size_t metrics, series, attributes;
    metric *metric;
    pictures *pictures;
    attribute *attribute;
    checkpoint *arrays;    /* /debug and the like, by full path */
    checkpoint *newest;    /* NULL while there is none */
    double newest_seconds; /* when it was taken */
    nx_image waiting;      /* for the first save: the picture beside the file; no pixels: none */
};

/* ---- one program at a time ---- */

/* Takes the lock of the file at lock_path. Its holder deletes it at the end, so a lock on a file that has meanwhile
 * lost its name is void and the next one is tried. */
static bool lock_run(runfile *run, nx_error *err)
{
    for (;;) {
        int file = open(run->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) return nx_fail(err, "%s: cannot write there: %s", run->path, strerror(errno));
        if (flock(file, LOCK_EX | LOCK_NB)) {
            /* File systems without locks go without. */
            if (errno != EWOULDBLOCK) return run->lock = file, true;
            char owner[32] = "";
            if (read(file, owner, sizeof owner - 1) < 0) *owner = 0;
            close(file);
            return nx_fail(err, "%s: another nstx (process %ld) is writing this run", run->path,
                           strtol(owner, NULL, 10));
        }
        struct stat held, named;
        if (!fstat(file, &held) && !stat(run->lock_path, &named) && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev) {
            run->lock = file;
            if (!ftruncate(file, 0)) dprintf(file, "%ld\n", (long)getpid());
            return true;
        }
        close(file);
    }
}

static void unlock_run(runfile *run)
{
    if (run->lock < 0) return;
    unlink(run->lock_path);
    close(run->lock);
}

/* Removes PATH.tmp.PID: with the run's lock in hand every draft is one that a killed program left. */
static void remove_drafts_of(const char *path)
{
    char *folder = nx_path_folder(path);
    const char *slash = strrchr(path, '/');
    char *start = nx_format("%s.tmp.", slash ? slash + 1 : path);
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        const char *number = entry->d_name + strlen(start);
        if (strncmp(entry->d_name, start, strlen(start)) || !*number || number[strspn(number, "0123456789")]) continue;
        char *draft = nx_format("%s/%s", folder, entry->d_name);
        unlink(draft);
        free(draft);
    }
    if (list) closedir(list);
    free(start);
    free(folder);
}

/* Of the run file and of what a run leaves beside it. */
static void remove_drafts(const char *path)
{
    static const char *const endings[] = {".h5", ".png", ".model.h5"};
    int stem = (int)(strlen(path) - (nx_ends_with(path, ".h5") ? 3 : 0));
    for (int i = 0; i < 3; i++) {
        char *file = nx_format("%.*s%s", stem, path, endings[i]);
        remove_drafts_of(file);
        free(file);
    }
    if (!path[stem]) remove_drafts_of(path); /* a run file of another ending */
}

/* ---- beginning ---- */

/* True if a run of nstx may stand at path from now on: nothing is there, or a run file. */
static bool check_place(const char *path, nx_error *err)
{
    if (nx_folder_exists(path)) return nx_fail(err, "%s: a folder, where the run file is to be written", path);
    if (!nx_file_exists(path)) return true;
    nx_h5 *file;
    bool ours = nx_h5_open(&file, path, false, NULL);
    ours = ours && nx_h5_has_attribute(file, "/", "nstx_version") && nx_h5_exists(file, CONFIG);
    if (file) nx_h5_close(file, NULL);
    return ours || nx_fail(err, "%s: there is a file that is no run file of nstx: choose another name", path);
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
    const char *weights = info->config->descriptor.weights;
    char hash[33];
    if (!strcmp(weights, "random") || !nx_file_hash(weights, hash, NULL)) return;
    runfile_set_text(run, "/descriptor", "weights", weights);
    runfile_set_text(run, "/descriptor", "weights_xxh3", hash);
}

bool runfile_new(runfile **out, const char *path, const runfile_info *info, nx_error *err)
{
    *out = NULL;
    char *folder = nx_path_folder(path);
    bool fine = nx_folder_make(folder, err) && check_place(path, err);
    free(folder);
    if (!fine) return false;
    runfile *run = nx_alloc(sizeof *run);
    *run = (runfile){.path = nx_copy_text(path),
                     .config = config_text(info->config, NULL),
                     .lock_path = nx_format("%s.lock", path),
                     .lock = -1,
                     .began = nx_now(),
                     .saved = nx_now(),
                     .arrays = checkpoint_new()};
    if (!lock_run(run, err)) {
        runfile_free(run);
        return false;
    }
    remove_drafts(path);
    set_heading(run, info);
    *out = run;
    return true;
}

static void metric_free(metric *m)
{
    free(m->name);
    free(m->step);
    free(m->time);
    free(m->value);
}

static void pictures_free(pictures *p)
{
    free(p->name);
    free(p->step);
    free(p->rgb);
}

static void attribute_free(attribute *a)
{
    free(a->path);
    free(a->name);
    free(a->text);
}

void runfile_free(runfile *run)
{
    if (!run) return;
    unlock_run(run);
    for (size_t i = 0; i < run->metrics; i++) metric_free(&run->metric[i]);
    for (size_t i = 0; i < run->series; i++) pictures_free(&run->pictures[i]);
    for (size_t i = 0; i < run->attributes; i++) attribute_free(&run->attribute[i]);
    free(run->metric);
    free(run->pictures);
    free(run->attribute);
    checkpoint_free(run->arrays);
    checkpoint_free(run->newest);
    nx_image_free(&run->waiting);
    free(run->lock_path);
    free(run->config);
    free(run->path);
    free(run);
}

const checkpoint *runfile_checkpoint(const runfile *run) { return run->newest; }

bool runfile_kept(const runfile *run, uint64_t *step)
{
    if (run->kept) *step = run->kept_step;
    return run->kept;
}

double runfile_seconds(const runfile *run) { return nx_now() - run->began; }

/* ---- logging ---- */

static metric *find_metric(runfile *run, const char *name)
{
    for (size_t i = 0; i < run->metrics; i++)
        if (!strcmp(run->metric[i].name, name)) return &run->metric[i];
    NX_GROW(run->metric, run->metrics);
    run->metric[run->metrics] = (metric){.name = nx_copy_text(name)};
    return &run->metric[run->metrics++];
}

void runfile_metric(runfile *run, const char *name, double weight, int64_t step, double time, double value)
{
    metric *m = find_metric(run, name);
    m->weight = weight;
    NX_GROW(m->step, m->rows);
    NX_GROW(m->time, m->rows);
    NX_GROW(m->value, m->rows);
    m->step[m->rows] = step, m->time[m->rows] = time, m->value[m->rows] = value;
    m->rows++;
}

static pictures *find_pictures(runfile *run, const char *name, int height, int width)
{
    for (size_t i = 0; i < run->series; i++) {
        pictures *p = &run->pictures[i];
        if (strcmp(p->name, name)) continue;
        NX_CHECK(p->height == height && p->width == width, "pictures %s of %dx%d and of %dx%d pixels", name, p->width,
                 p->height, width, height);
        return p;
    }
    NX_GROW(run->pictures, run->series);
    run->pictures[run->series] = (pictures){.name = nx_copy_text(name), .height = height, .width = width};
    return &run->pictures[run->series++];
}

static size_t picture_bytes(const pictures *p) { return (size_t)p->height * (size_t)p->width * 3; }

/* Drops every second picture. */
static void thin(pictures *p)
{
    size_t bytes = picture_bytes(p), left = (p->count + 1) / 2;
    for (size_t i = 1; i < left; i++) {
        p->step[i] = p->step[2 * i];
        memcpy(p->rgb + i * bytes, p->rgb + 2 * i * bytes, bytes);
    }
    p->count = left, p->kept = (p->kept + 1) / 2;
}

void runfile_image(runfile *run, const char *name, int64_t step, int height, int width, const uint8_t *rgb)
{
    pictures *p = find_pictures(run, name, height, width);
    size_t bytes = picture_bytes(p);
    if (p->count > 1 && (p->count + 1) * bytes > RUNFILE_IMAGE_BYTES) thin(p);
    p->step = nx_realloc(p->step, (p->count + 1) * sizeof *p->step);
    p->rgb = nx_realloc(p->rgb, (p->count + 1) * bytes);
    p->step[p->count] = step;
    memcpy(p->rgb + p->count * bytes, rgb, bytes);
    p->count++;
}

static bool write_picture(const runfile *run, const nx_image *image, nx_error *err)
{
    char *path = path_beside(run->path, ".png");
    bool fine = nx_image_save_png(image, path, err);
    free(path);
    return fine;
}

bool runfile_picture(runfile *run, const nx_image *image, nx_error *err)
{
    if (run->there || !nx_file_exists(run->path)) return write_picture(run, image, err);
    nx_image_free(&run->waiting);
    run->waiting = nx_image_crop(image, 0, 0, image->height, image->width);
    return true;
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

static attribute *fresh_attribute(runfile *run, const char *path, const char *name)
{
    attribute *a = NULL;
    for (size_t i = 0; i < run->attributes && !a; i++)
        if (!strcmp(run->attribute[i].path, path) && !strcmp(run->attribute[i].name, name)) a = &run->attribute[i];
    if (a) {
        attribute_free(a);
    } else {
        NX_GROW(run->attribute, run->attributes);
        a = &run->attribute[run->attributes++];
    }
    *a = (attribute){.path = nx_copy_text(path), .name = nx_copy_text(name)};
    return a;
}

void runfile_set_text(runfile *run, const char *path, const char *name, const char *value)
{
    attribute *a = fresh_attribute(run, path, name);
    a->kind = IS_TEXT, a->text = nx_copy_text(value);
}

void runfile_set_int(runfile *run, const char *path, const char *name, int64_t value)
{
    attribute *a = fresh_attribute(run, path, name);
    a->kind = IS_INT, a->integer = value;
}

void runfile_set_real(runfile *run, const char *path, const char *name, double value)
{
    attribute *a = fresh_attribute(run, path, name);
    a->kind = IS_REAL, a->real = value;
}

/* ---- saving ---- */

static bool write_attribute(nx_h5 *file, const attribute *a, nx_error *err)
{
    if (strcmp(a->path, "/") && !nx_h5_group(file, a->path, err)) return false;
    switch (a->kind) {
    case IS_TEXT:
        return nx_h5_set_string(file, a->path, a->name, a->text, err);
    case IS_INT:
        return nx_h5_set_int(file, a->path, a->name, a->integer, err);
    case IS_REAL:
        return nx_h5_set_double(file, a->path, a->name, a->real, err);
    }
    return false;
}

static bool write_metric(nx_h5 *file, const metric *m, nx_error *err)
{
    char *group = nx_format(METRICS "/%s", m->name), *step = nx_format("%s/step", group);
    char *time = nx_format("%s/time", group), *value = nx_format("%s/value", group);
    bool fine = nx_h5_append_int64(file, step, m->step, m->rows, err) &&
                nx_h5_append_double(file, time, m->time, m->rows, err) &&
                nx_h5_append_double(file, value, m->value, m->rows, err) &&
                nx_h5_set_double(file, group, "weight", m->weight, err) &&
                nx_h5_set_int(file, group, ROWS, (int64_t)m->kept, err);
    free(group);
    free(step);
    free(time);
    free(value);
    return fine;
}

static bool write_pictures(nx_h5 *file, const pictures *p, nx_error *err)
{
    char *path = nx_format(IMAGES "/%s", p->name);
    bool fine = true;
    for (size_t i = 0; fine && i < p->count; i++)
        fine = nx_h5_append_image(file, path, p->rgb + i * picture_bytes(p), p->height, p->width, err);
    fine = fine && nx_h5_set_ints(file, path, "step", p->step, p->count, err) &&
           nx_h5_set_int(file, path, ROWS, (int64_t)p->kept, err);
    free(path);
    return fine;
}

static bool write_run(nx_h5 *file, const void *context, nx_error *err)
{
    const runfile *run = context;
    bool fine = nx_h5_write_text(file, CONFIG, run->config, err) && nx_h5_group(file, METRICS, err) &&
                nx_h5_group(file, IMAGES, err);
    for (size_t i = 0; fine && i < run->arrays->arrays; i++) {
        const checkpoint_array *a = &run->arrays->array[i];
        fine = nx_h5_write_float(file, a->name, a->values, a->rank, a->dims, err);
    }
    for (size_t i = 0; fine && i < run->attributes; i++) fine = write_attribute(file, &run->attribute[i], err);
    for (size_t i = 0; fine && i < run->metrics; i++) fine = write_metric(file, &run->metric[i], err);
    for (size_t i = 0; fine && i < run->series; i++) fine = write_pictures(file, &run->pictures[i], err);
    if (!fine || !run->newest) return fine;
    return checkpoint_write(run->newest, file, CHECKPOINT, err) &&
           nx_h5_set_double(file, CHECKPOINT, "seconds", run->newest_seconds, err);
}

/* What is in memory is on disk as well. */
static void note_kept(runfile *run)
{
    run->there = true;
    run->kept = run->newest && checkpoint_get_counter(run->newest, "step", &run->kept_step, run->path, NULL);
}

bool runfile_due(const runfile *run)
{
    double wait = SAVE_SHARE * run->save_costs;
    return nx_now() - run->saved >= (wait > SAVE_EVERY ? wait : SAVE_EVERY);
}

bool runfile_save(runfile *run, checkpoint *c, nx_error *err)
{
    if (c && !checkpoint_finite(c, err)) {
        checkpoint_free(c);
        return false;
    }
    if (c) {
        checkpoint_free(run->newest);
        run->newest = c, run->newest_seconds = runfile_seconds(run);
        for (size_t i = 0; i < run->metrics; i++) run->metric[i].kept = run->metric[i].rows;
        for (size_t i = 0; i < run->series; i++) run->pictures[i].kept = run->pictures[i].count;
    }
    double start = nx_now();
    bool fine = atomic_write_h5(run->path, write_run, run, err);
    run->saved = nx_now(), run->save_costs = run->saved - start;
    if (fine) note_kept(run);
    if (fine && run->waiting.rgb) {
        fine = write_picture(run, &run->waiting, err);
        nx_image_free(&run->waiting);
    }
    return fine;
}

bool runfile_finish(runfile *run, const char *status, checkpoint *c, nx_error *err)
{
    char date[32];
    bool good = !c || checkpoint_finite(c, err);
    if (!good) {
        checkpoint_free(c);
        c = NULL, status = "failed";
    }
    if (strcmp(status, "finished") && !c && !run->there && !run->newest && nx_file_exists(run->path)) return good;
    runfile_set_text(run, "/", "status", status);
    runfile_set_text(run, "/", "finished", nx_date(date));
    return runfile_save(run, c, good ? err : NULL) && good;
}

/* ---- resuming ---- */

static bool read_rows(const nx_h5 *file, const char *path, size_t *rows, nx_error *err)
{
    int64_t value;
    if (!nx_h5_get_int(file, path, ROWS, &value, err)) return false;
    *rows = value > 0 ? (size_t)value : 0;
    return true;
}

static bool read_metric(runfile *run, const nx_h5 *file, const char *group, nx_error *err)
{
    metric m = {.name = nx_copy_text(group + strlen(METRICS) + 1)};
    char *step = nx_format("%s/step", group), *time = nx_format("%s/time", group);
    char *value = nx_format("%s/value", group);
    size_t steps = 0, times = 0, values = 0;
    bool fine = read_rows(file, group, &m.kept, err) && nx_h5_get_double(file, group, "weight", &m.weight, err) &&
                nx_h5_read_int64(file, step, &m.step, &steps, err) &&
                nx_h5_read_double(file, time, &m.time, &times, err) &&
                nx_h5_read_double(file, value, &m.value, &values, err);
    if (fine && (steps != times || steps != values || m.kept > steps))
        fine = nx_fail(err, "%s: %s has %zu steps, %zu times and %zu values", run->path, group, steps, times, values);
    for (size_t i = 0; fine && i < m.kept; i++) runfile_metric(run, m.name, m.weight, m.step[i], m.time[i], m.value[i]);
    metric_free(&m);
    free(step);
    free(time);
    free(value);
    return fine;
}

static bool read_pictures(runfile *run, const nx_h5 *file, const char *path, nx_error *err)
{
    uint8_t *rgb = NULL;
    int64_t *steps = NULL;
    int rank, shape[NX_H5_RANK_MAX];
    size_t kept, count;
    bool fine = read_rows(file, path, &kept, err) && nx_h5_get_ints(file, path, "step", &steps, &count, err) &&
                nx_h5_read_uint8(file, path, &rgb, &rank, shape, err);
    if (fine && (rank != 4 || shape[3] != 3 || kept > (size_t)shape[0] || kept > count))
        fine = nx_fail(err, "%s: %s does not hold pictures", run->path, path);
    for (size_t i = 0; fine && i < kept; i++) {
        size_t bytes = (size_t)shape[1] * (size_t)shape[2] * 3;
        runfile_image(run, path + strlen(IMAGES) + 1, steps[i], shape[1], shape[2], rgb + i * bytes);
    }
    free(steps);
    free(rgb);
    return fine;
}

/* Walks the groups below path, a group with a value being a metric. */
static bool read_log(runfile *run, const nx_h5 *file, const char *path, nx_error *err)
{
    nx_h5_kind kind = nx_h5_kind_of(file, path);
    bool images = !strncmp(path, IMAGES "/", strlen(IMAGES "/")), fine = true;
    if (kind == NX_H5_INTEGERS && images) return read_pictures(run, file, path, err);
    if (kind == NX_H5_FLOATS && !strncmp(path, DEBUG, strlen(DEBUG))) {
        float *values;
        int rank, dims[NX_H5_RANK_MAX];
        if (!nx_h5_read_float(file, path, &values, &rank, dims, err)) return false;
        runfile_array(run, path, rank, dims, values);
        free(values);
        return true;
    }
    if (kind != NX_H5_GROUP) return true;
    char *value = nx_format("%s/value", path);
    if (!strncmp(path, METRICS, strlen(METRICS)) && nx_h5_exists(file, value)) fine = read_metric(run, file, path, err);
    free(value);
    nx_h5_names inside;
    if (!fine || !nx_h5_children(file, path, &inside, err)) return false;
    for (size_t i = 0; fine && i < inside.count; i++) {
        char *below = nx_format("%s/%s", path, inside.names[i]);
        fine = read_log(run, file, below, err);
        free(below);
    }
    nx_h5_names_free(&inside);
    return fine;
}

/* All of a run file up to its checkpoint; nothing if it has none. */
static bool read_run(runfile *run, const nx_h5 *file, const config *c, nx_error *err)
{
    char *stored = NULL, *started = NULL;
    bool fine = nx_h5_read_text(file, CONFIG, &stored, err) && config_continues(c, run->path, stored, err);
    free(stored);
    if (!fine || !nx_h5_exists(file, CHECKPOINT)) return fine;
    fine = checkpoint_read(&run->newest, file, CHECKPOINT, err) &&
           nx_h5_get_double(file, CHECKPOINT, "seconds", &run->newest_seconds, err) &&
           nx_h5_get_string(file, "/", "started", &started, err) && read_log(run, file, METRICS, err) &&
           read_log(run, file, IMAGES, err);
    if (fine && nx_h5_exists(file, DEBUG)) fine = read_log(run, file, DEBUG, err);
    if (fine) runfile_set_text(run, "/", "started", started);
    free(started);
    run->began = nx_now() - run->newest_seconds;
    for (size_t i = 0; i < run->metrics; i++) run->metric[i].kept = run->metric[i].rows;
    for (size_t i = 0; i < run->series; i++) run->pictures[i].kept = run->pictures[i].count;
    return fine;
}

bool runfile_resume(runfile **out, const char *path, const runfile_info *info, nx_error *err)
{
    if (!runfile_new(out, path, info, err)) return false;
    if (!nx_file_exists(path)) return true;
    nx_h5 *file;
    bool fine = nx_h5_open(&file, path, false, err);
    fine = fine && read_run(*out, file, info->config, err);
    if (fine) note_kept(*out);
    if (file) nx_h5_close(file, NULL);
    if (!fine) {
        runfile_free(*out);
        *out = NULL;
    }
    return fine;
}

/* ---- looking at runs ---- */

bool runfile_is_finished(const char *path, const config *c)
{
    nx_h5 *file;
    if (!nx_h5_open(&file, path, false, NULL)) return false;
    char *status = NULL, *stored = NULL, *text = config_text(c, NULL);
    bool finished = nx_h5_get_string(file, "/", "status", &status, NULL) &&
                    nx_h5_read_text(file, CONFIG, &stored, NULL) && !strcmp(status, "finished") &&
                    !strcmp(stored, text);
    free(text);
    free(stored);
    free(status);
    nx_h5_close(file, NULL);
    return finished;
}

bool runfile_continues(const char *path, const config *c)
{
    nx_h5 *file;
    if (!nx_h5_open(&file, path, false, NULL)) return !nx_file_exists(path);
    char *stored;
    bool same = nx_h5_read_text(file, CONFIG, &stored, NULL);
    nx_h5_close(file, NULL);
    if (!same) return false;
    same = config_continues(c, path, stored, NULL);
    free(stored);
    return same;
}

bool runfile_last(const char *path, const char *metric, double *value, nx_error *err)
{
    nx_h5 *file;
    if (!nx_h5_open(&file, path, false, err)) return false;
    char *dataset = nx_format(METRICS "/%s/value", metric);
    double *values = NULL;
    size_t rows = 0;
    bool fine = nx_h5_read_double(file, dataset, &values, &rows, err);
    if (fine && !rows) fine = nx_fail(err, "%s: %s is empty", path, dataset);
    if (fine) *value = values[rows - 1];
    free(values);
    free(dataset);
    nx_h5_close(file, NULL);
    return fine;
}
