/* The run of a point. */
#include "run/run_config.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/made.h"
#include "machine/first_use.h"
#include "machine/kernel_cache.h"
#include "run/interrupt.h"
#include "runfile/lock.h"
#include "runfile/own.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NaN if there is no such metric. */
static double mean_of_last(const nx_h5 *file, const char *metric, size_t rows)
{
    series s;
    if (!series_read(&s, file, metric, NULL)) return NAN;
    double mean = series_mean(&s, rows);
    series_free(&s);
    return mean;
}

static bool read_outcome(const char *path, const config *c, run_outcome *out, nx_error *err)
{
    nx_h5 *file;
    int rows = task_rows_of_loss(c);
    if (!nx_h5_open(&file, path, false, err)) return false;
    const char *const parts[2][2] = {{"validation/style", "validation/content"}, {"style", "content"}};
    const char *const *part = parts[rows == 1];
    out->loss = mean_of_last(file, "total", (size_t)rows);
    out->validation = mean_of_last(file, "validation/total", 1);
    out->top1 = mean_of_last(file, "validation/top1", 1);
    out->top5 = mean_of_last(file, "validation/top5", 1);
    out->style = mean_of_last(file, part[0], 1);
    out->content = mean_of_last(file, part[1], 1);
    out->diversity = (sample_diversity){.neighbour = mean_of_last(file, "samples/neighbour", 1),
                                        .contrast = mean_of_last(file, "samples/contrast", 1)};
    nx_h5_close(file, NULL);
    return !isnan(out->loss) || nx_fail(err, "%s: a finished run without a row of its total loss", path);
}

/* A run is not continued to a step that lies behind it. */
static bool check_step(const checkpoint *k, const config *c, const char *path, nx_error *err)
{
    uint64_t step;
    return checkpoint_get_counter(k, "step", &step, path, err) &&
           (step <= (uint64_t)c->experiment.steps ||
            nx_fail(err,
                    "%s: the run is at step %llu, beyond [experiment] steps = %d: raise it, or start afresh without "
                    "--resume",
                    path, (unsigned long long)step, c->experiment.steps));
}

/* Whether the task is what the checkpoint, if there is one, was made from. */
static bool check_checkpoint(const task *t, const runfile *file, const char *path, nx_error *err)
{
    const checkpoint *k = runfile_checkpoint(file);
    return !k || (check_step(k, t->c, path, err) && (!t->kind->continues || t->kind->continues(t, k, path, err)));
}

/* A message has room for a command of this length; a longer one would be cut off. */
enum { LONGEST_COMMAND = 600 };

/* Where a run stopped, and how it goes on; gives the exit code. */
static int say_interrupted(const runfile *file, const char *path, const run_request *r, uint64_t step, nx_error *err)
{
    const char *fault = interrupt_fault();
    uint64_t kept;
    char *where = runfile_kept(file, &kept) ? nx_format("at step %llu", (unsigned long long)step)
                                            : nx_copy_text("before its first step"),
         *again = strlen(r->again) > LONGEST_COMMAND ? nx_copy_text("the same command with --resume")
                                                     : nx_format("`%s`", r->again);
    if (fault)
        nx_fail(err, "%s: stopped %s: %s; %s continues it", path, where, fault, again);
    else
        nx_fail(err, "interrupted %s; %s continues %s", where, again, path);
    free(again);
    free(where);
    return fault ? EXIT_FAILED : EXIT_INTERRUPTED;
}

/* What is to be said and taken away where the program ends before the first step is made. */
typedef struct farewell {
    const runfile *file;
    nx_error said;
} farewell;

static void leave(void *context)
{
    const farewell *f = context;
    runfile_abandon(f->file);
    nx_progress("%s", "");
    fprintf(stderr, "nstx: %s\n", f->said.text);
}

/* The process is forked before the watch starts its thread, and finds the cache in its environment. */
void run_config_prepare(void)
{
    kernel_cache_take();
    first_use_prepare(interrupt_wanted);
    interrupt_watch();
    made_interruptible(interrupt_wanted);
}

/* What a run writes has its places, and hours of another are not replaced unasked. */
static bool check_places(const sweep_point *p, const run_request *r, runfile_found *found, nx_error *err)
{
    static const char *const beside[] = {".png", ".model.h5"};
    uint64_t step;
    *found = RUNFILE_NOTHING;
    if (!may_write_of(p->config, p->path, err) || !runfile_may_stand(p->path, err)) return false;
    for (int i = 0; i < 2; i++)
        if (!may_write_beside(p->config, p->path, beside[i], err)) return false;
    if (!runfile_may_write_pictures(p->path, p->config, err)) return false;
    if (run_lock_is_held(p->path)) return true; /* which is refused where the lock is taken */
    if (!r->overwrite) *found = runfile_look(p->path, p->config, &step);
    if (*found == RUNFILE_BEGUN && !r->resume)
        return nx_fail(err,
                       "%s: there is a run of this config, at step %llu: go on with it by --resume, or replace it by "
                       "--overwrite",
                       p->path, (unsigned long long)step);
    return *found != RUNFILE_OTHER || r->resume || /* which says what differs */
           nx_fail(err, "%s: there is a run of another config: name another file with -o, or replace it by --overwrite",
                   p->path);
}

bool run_config_may_write(const sweep_point *p, const run_request *r, nx_error *err)
{
    runfile_found found;
    return check_places(p, r, &found, err);
}

int run_config(const sweep_point *p, const run_request *r, run_outcome *out, nx_error *err)
{
    const config *c = p->config;
    runfile_found found;
    *out = (run_outcome){0};
    if (!check_places(p, r, &found, err)) return EXIT_REQUEST;
    if (found == RUNFILE_FINISHED) {
        nx_info("%s is finished%s", p->path, r->resume ? "" : "; --overwrite runs it again");
        out->reused = true;
        return read_outcome(p->path, c, out, err) ? EXIT_DONE : EXIT_FAILED;
    }
    task *t;
    if (!task_new(&t, c, err)) return interrupt_code(EXIT_REQUEST);
    const nx_device_info *device = &t->info;
    nx_info("device: %s (%s, driver %s), %s kernels", device->name, device->platform, device->driver,
            device->family == NX_FAMILY_CPU ? "CPU" : "GPU");
    runfile_info info = {r->command, c, device};
    runfile *file = NULL;
    int code = EXIT_REQUEST;
    if (task_fits(t, err) &&
        (r->resume ? runfile_resume(&file, p->path, &info, err) : runfile_new(&file, p->path, &info, err)) &&
        check_checkpoint(t, file, p->path, err)) {
        farewell f = {.file = file};
        uint64_t step = 0;
        runfile_kept(file, &step);
        say_interrupted(file, p->path, r, step, &f.said);
        interrupt_let_go(leave, &f);
        task_end end = loop_run(t, file, p->path, &out->result, err);
        code = end == TASK_FINISHED ? EXIT_DONE : end == TASK_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    if (code == EXIT_INTERRUPTED) code = say_interrupted(file, p->path, r, out->result.step, err);
    runfile_free(file);
    task_free(t);
    if (code == EXIT_DONE && !read_outcome(p->path, c, out, err)) code = EXIT_FAILED;
    return code;
}

bool run_config_check(const config *c, run_needs *needs, nx_error *err)
{
    task *t;
    uint64_t bytes[NX_MEMORY_KINDS];
    *needs = (run_needs){0};
    if (!task_new(&t, c, err)) return false;
    bool ok = task_fits(t, err);
    if (ok) task_bytes(t, bytes);
    for (int k = 0; ok && k < NX_MEMORY_KINDS; k++) needs->bytes += bytes[k];
    needs->memory = t->info.memory;
    needs->cpu = t->info.type == CL_DEVICE_TYPE_CPU;
    task_free(t);
    return ok;
}
