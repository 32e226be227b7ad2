/* A run file from the disk, up to the rows at which its checkpoint was taken. */
#include "runfile/state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "runfile/inputs.h"

#include <stdlib.h>
#include <string.h>

static bool read_rows(const nx_h5 *file, const char *group, const char *name, size_t most, size_t *rows, nx_error *err)
{
    int64_t value;
    char *path = nx_format("%s/%s", group, name);
    bool fine = nx_h5_get_int(file, path, RUNFILE_ROWS, &value, err);
    if (fine && (value < 0 || (uint64_t)value > most))
        fine = nx_fail(err, "%s has %zu rows, and the checkpoint counts %lld", path, most, (long long)value);
    *rows = fine ? (size_t)value : 0;
    free(path);
    return fine;
}

static bool read_metric(runfile *run, const nx_h5 *file, const char *name, nx_error *err)
{
    series s;
    size_t kept;
    if (!series_read(&s, file, name, err)) return false;
    bool fine = read_rows(file, RUNFILE_METRICS, name, s.rows, &kept, err);
    for (size_t i = 0; fine && i < kept; i++) runfile_metric(run, name, s.weight, s.step[i], s.time[i], s.value[i]);
    series_free(&s);
    return fine;
}

static bool read_pictures(runfile *run, const nx_h5 *file, const char *name, nx_error *err)
{
    picture_series p;
    size_t kept;
    if (!picture_series_read(&p, file, name, err)) return false;
    bool fine = read_rows(file, RUNFILE_IMAGES, name, p.count, &kept, err);
    size_t bytes = (size_t)p.height * (size_t)p.width * 3;
    for (size_t i = 0; fine && i < kept; i++)
        runfile_add_image(run, name, p.step[i], p.height, p.width, p.rgb + i * bytes);
    picture_series_free(&p);
    return fine;
}

static bool read_all(runfile *run, const nx_h5 *file, bool (*names)(const nx_h5 *file, nx_h5_names *out, nx_error *err),
                     bool (*read)(runfile *run, const nx_h5 *file, const char *name, nx_error *err), nx_error *err)
{
    nx_h5_names all;
    if (!names(file, &all, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < all.count; i++) fine = read(run, file, all.names[i], err);
    nx_h5_names_free(&all);
    return fine;
}

static bool read_arrays(runfile *run, const nx_h5 *file, nx_error *err)
{
    nx_h5_names inside;
    if (!nx_h5_exists(file, RUNFILE_DEBUG)) return true;
    if (!nx_h5_children(file, RUNFILE_DEBUG, &inside, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < inside.count; i++) {
        char *path = nx_format(RUNFILE_DEBUG "/%s", inside.names[i]);
        float *values;
        int rank, dims[NX_H5_RANK_MAX];
        fine = nx_h5_read_float(file, path, &values, &rank, dims, err);
        if (fine) {
            runfile_array(run, path, rank, dims, values);
            free(values);
        }
        free(path);
    }
    nx_h5_names_free(&inside);
    return fine;
}

/* What was said of the start. */
static bool read_balance(runfile *run, const nx_h5 *file, nx_error *err)
{
    nx_h5_names all;
    double value;
    if (!nx_h5_exists(file, RUNFILE_BALANCE)) return true;
    if (!nx_h5_attributes(file, RUNFILE_BALANCE, &all, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < all.count; i++) {
        fine = nx_h5_get_double(file, RUNFILE_BALANCE, all.names[i], &value, err);
        if (fine) runfile_set_real(run, RUNFILE_BALANCE, all.names[i], value);
    }
    nx_h5_names_free(&all);
    return fine;
}

/* A run may go on in another precision, to bits that no config alone gives; so it is said, and kept. */
static bool read_precision(runfile *run, const nx_h5 *file, const config *c, nx_error *err)
{
    char *before;
    uint64_t step;
    if (!nx_h5_has_attribute(file, RUNFILE_PRECISION) || !read_kept_step(file, &step)) return true;
    if (!nx_h5_get_string(file, RUNFILE_PRECISION, &before, err)) return false;
    char *now = config_get(c, "device", "precision"), *comma = strrchr(before, ','), *last = comma ? comma + 1 : before;
    last += strspn(last, " ");
    size_t length = strcspn(last, " ");
    if (length == strlen(now) && !strncmp(last, now, length)) {
        runfile_set_text(run, RUNFILE_PRECISION, before);
    } else {
        char *all = nx_format("%s, %s from step %llu", before, now, (unsigned long long)step);
        nx_text_printable(all);
        nx_warn("%s: [device] precision = %s: to other bits than either alone", run->path, all);
        runfile_set_text(run, RUNFILE_PRECISION, all);
        free(all);
    }
    free(now);
    free(before);
    return true;
}

/* All of a run file up to its checkpoint; nothing if it has none. */
static bool read_run(runfile *run, const nx_h5 *file, const config *c, nx_error *err)
{
    char *started = NULL;
    bool fine = inputs_continue(c, file, run->path, err);
    if (!fine || !nx_h5_exists(file, RUNFILE_CHECKPOINT)) return fine;
    fine = checkpoint_read(&run->newest, file, RUNFILE_CHECKPOINT, err) &&
           nx_h5_get_double(file, RUNFILE_CHECKPOINT, "seconds", &run->newest_seconds, err) &&
           nx_h5_get_string(file, "/", "started", &started, err) &&
           read_all(run, file, series_names, read_metric, err) &&
           read_all(run, file, picture_series_names, read_pictures, err) && read_arrays(run, file, err) &&
           read_balance(run, file, err) && read_precision(run, file, c, err);
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
    if (fine) runfile_note_kept(*out);
    (*out)->taken_up = (*out)->newest;
    if (file) nx_h5_close(file, NULL);
    if (!fine) {
        runfile_free(*out);
        *out = NULL;
    }
    return fine;
}
