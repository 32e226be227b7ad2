/* Durations. Both ways read the times of a run file's rows. */
#include "run/duration.h"
#include "runfile/inputs.h"
#include "runfile/reader.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/hdf5.h"
#include "run/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- an earlier run ---- */

static bool same_run(const nx_h5 *file, const char *path, const config *c, const nx_device_info *device)
{
    char *name = NULL;
    bool same = inputs_continue(c, file, path, NULL) && nx_h5_get_string(file, "/device", "name", &name, NULL) &&
                !strcmp(name, device->name);
    free(name);
    return same;
}

bool duration_of_run(duration *out, const char *path, const config *c, const nx_device_info *device)
{
    nx_h5 *file;
    series s = {0};
    if (!nx_h5_open(&file, path, false, NULL)) return false;
    bool ok = same_run(file, path, c, device) && series_read(&s, file, "total", NULL) && s.rows > 1 &&
              s.step[s.rows - 1] > s.step[0] && s.time[s.rows - 1] > s.time[0];
    if (ok) {
        double step = (s.time[s.rows - 1] - s.time[0]) / (double)(s.step[s.rows - 1] - s.step[0]);
        int steps = c->experiment.steps;
        *out = (duration){.step = step, .total = s.time[0] + step * steps, .steps = steps, .run = path};
    }
    series_free(&s);
    nx_h5_close(file, NULL);
    return ok;
}

/* ---- steps made for it ---- */

/* The first half of the steps compiles and warms up, and is not measured. Short steps are made again, some seconds
 * long: caches, clocks and the device's memory then are as in the middle of a run. */
enum { LEAST_STEPS = 4, MOST_STEPS = 400 };
#define SECONDS 2.

/* The same config, short and with no more on disk than it takes; rows as often as it has them, for they wait for the
 * device. */
static config shortened(const config *c, int steps)
{
    config s = *c;
    s.experiment.steps = steps;
    s.log.every = c->log.every && c->log.every < steps / 2 ? c->log.every : steps / 2;
    s.log.images = s.log.validation = s.log.checkpoint = 0;
    s.log.pictures = LOG_PICTURES_FILE;
    s.log.debug = s.device.profile = false;
    s.data.coarse = (config_numbers){0};
    return s;
}

/* The share of all steps' work that the coarse stages leave, in steps of the last size. */
static double steps_of_last_size(const config *c)
{
    double steps = c->experiment.steps;
    for (int k = 0; c->data.size && k < c->data.coarse.count; k++) {
        double side = c->data.coarse.items[k] / c->data.size;
        steps -= c->data.coarse_steps * (1 - side * side);
    }
    return steps;
}

static void read_measured(duration *out, const config *c, int steps, const task *t, const char *path,
                          const task_result *result)
{
    series s;
    if (!series_read_from(&s, path, "total", NULL)) return;
    size_t warm = 0, last = s.rows - 1;
    while (warm < last && s.step[warm] < steps / 2) warm++;
    if (warm < last) {
        double step = (s.time[last] - s.time[warm]) / (double)(s.step[last] - s.step[warm]),
               end = result->seconds - s.time[last];
        double between = !t->kind->validates || !c->log.validation
                             ? 0
                             : end / c->log.validation; /* what came after the last row was a validation */
        *out = (duration){.step = step + between, .steps = c->experiment.steps};
        out->total = s.time[0] + end + (step + between) * steps_of_last_size(c);
    }
    series_free(&s);
}

static bool measure_steps(duration *out, const config *c, int steps, nx_error *err)
{
    const char *temporary = getenv("TMPDIR");
    char *folder = nx_format("%s/nstx-plan-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    config s = shortened(c, steps);
    task *t = NULL;
    runfile *file = NULL;
    task_result result;
    *out = (duration){0};
    if (!mkdtemp(folder)) {
        nx_fail(err, "%s: cannot make a folder there: %s", folder, strerror(errno));
        free(folder);
        return false;
    }
    char *path = nx_format("%s/steps.h5", folder);
    bool ok = task_new(&t, &s, err) && task_fits(t, err) &&
              runfile_new(&file, path, &(runfile_info){"nstx plan", &s, &t->info}, err);
    if (ok) {
        task_end end = loop_run(t, file, path, &result, err);
        ok = end == TASK_FINISHED || (end == TASK_INTERRUPTED && nx_fail(err, "interrupted"));
    }
    if (ok) read_measured(out, c, steps, t, path, &result);
    ok = ok && (out->step > 0 || nx_fail(err, "the run ended before its steps could be measured"));
    runfile_free(file);
    task_free(t);
    static const char *const leaves[] = {"steps.h5", "steps.png", "steps.model.h5"};
    for (int i = 0; i < 3; i++) {
        char *leaf = nx_format("%s/%s", folder, leaves[i]);
        unlink(leaf);
        free(leaf);
    }
    rmdir(folder);
    free(path);
    free(folder);
    return ok;
}

bool duration_measure(duration *out, const config *c, nx_error *err)
{
    if (!measure_steps(out, c, LEAST_STEPS, err)) return false;
    double steps = SECONDS / out->step;
    if (steps < 2 * LEAST_STEPS) return true;
    return measure_steps(out, c, steps < MOST_STEPS ? (int)steps : MOST_STEPS, err);
}

char *duration_text(char out[256], const duration *d)
{
    int64_t total = (int64_t)(d->total + 0.5);
    snprintf(out, 256, "%lld:%02d:%02d for %d steps of %.3g s (%s%s)", (long long)(total / 3600),
             (int)(total / 60 % 60), (int)(total % 60), d->steps, d->step, d->run ? "as in " : "measured now",
             d->run ? d->run : "");
    return out;
}
