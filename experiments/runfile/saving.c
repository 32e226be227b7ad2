/* A run file to the disk, whole each time. */
#include "runfile/state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "runfile/atomic.h"

#include <stdlib.h>
#include <string.h>

#define SAVE_EVERY 30.0 /* seconds between saves that bring no checkpoint */
#define SAVE_SHARE 20.0 /* and at least this many times what one takes */

static bool write_attribute(nx_h5 *file, const run_attribute *a, nx_error *err)
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

static bool write_metric(nx_h5 *file, const run_metric *m, nx_error *err)
{
    char *group = nx_format(RUNFILE_METRICS "/%s", m->name), *step = nx_format("%s/step", group);
    char *time = nx_format("%s/time", group), *value = nx_format("%s/value", group);
    bool fine = nx_h5_append_int64(file, step, m->step, m->rows, err) &&
                nx_h5_append_double(file, time, m->time, m->rows, err) &&
                nx_h5_append_double(file, value, m->value, m->rows, err) &&
                nx_h5_set_double(file, group, "weight", m->weight, err) &&
                nx_h5_set_int(file, group, RUNFILE_ROWS, (int64_t)m->kept, err);
    free(group);
    free(step);
    free(time);
    free(value);
    return fine;
}

static bool write_pictures(nx_h5 *file, const run_pictures *p, nx_error *err)
{
    char *path = nx_format(RUNFILE_IMAGES "/%s", p->name);
    bool fine = true;
    for (size_t i = 0; fine && i < p->count; i++)
        fine = nx_h5_append_image(file, path, p->rgb + i * run_picture_bytes(p), p->height, p->width, err);
    fine = fine && nx_h5_set_ints(file, path, "step", p->step, p->count, err) &&
           nx_h5_set_int(file, path, RUNFILE_ROWS, (int64_t)p->kept, err);
    free(path);
    return fine;
}

static bool write_run(nx_h5 *file, const void *context, nx_error *err)
{
    const runfile *run = context;
    bool fine = nx_h5_write_text(file, RUNFILE_CONFIG, run->config, err) && nx_h5_group(file, RUNFILE_METRICS, err) &&
                nx_h5_group(file, RUNFILE_IMAGES, err);
    for (size_t i = 0; fine && i < run->arrays->arrays; i++) {
        const checkpoint_array *a = &run->arrays->array[i];
        fine = nx_h5_write_float(file, a->name, a->values, a->rank, a->dims, err);
    }
    for (size_t i = 0; fine && i < run->attributes; i++) fine = write_attribute(file, &run->attribute[i], err);
    for (size_t i = 0; fine && i < run->metrics; i++) fine = write_metric(file, &run->metric[i], err);
    for (size_t i = 0; fine && i < run->series; i++) fine = write_pictures(file, &run->pictures[i], err);
    if (!fine || !run->newest) return fine;
    return checkpoint_write(run->newest, file, RUNFILE_CHECKPOINT, err) &&
           nx_h5_set_double(file, RUNFILE_CHECKPOINT, "seconds", run->newest_seconds, err);
}

void runfile_note_kept(runfile *run)
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
    if (fine) runfile_note_kept(run);
    return fine && runfile_write_waiting(run, err);
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
