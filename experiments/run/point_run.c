/* The run of a point. */
#include "run/point_run.h"

#include "base/log.h"
#include "commands.h"
#include "run/first_use.h"
#include "run/interrupt.h"
#include "run/kernel_cache.h"

#include <math.h>
#include <stdio.h>

static bool read_result(const char *path, task_result *result, nx_error *err)
{
    *result = (task_result){.validation = NAN, .style = NAN, .content = NAN, .variety = {NAN, NAN}};
    if (!runfile_last(path, "total", &result->loss, err)) return false;
    nx_error none;
    runfile_last(path, "validation/total", &result->validation, &none);
    runfile_last(path, "validation/style", &result->style, &none);
    runfile_last(path, "validation/content", &result->content, &none);
    return true;
}

/* A run is not continued to a step that lies behind it. */
static bool check_step(const runfile *file, const config *c, const char *path, nx_error *err)
{
    const checkpoint *k = runfile_checkpoint(file);
    uint64_t step;
    if (!k) return true;
    return checkpoint_get_counter(k, "step", &step, path, err) &&
           (step <= (uint64_t)c->experiment.steps ||
            nx_fail(err,
                    "%s: the run is at step %llu, beyond [experiment] steps = %d: raise it, or start afresh without "
                    "--resume",
                    path, (unsigned long long)step, c->experiment.steps));
}

/* The process is forked before the watch starts its thread, and finds the cache in its environment. */
void point_run_prepare(void)
{
    kernel_cache_take();
    first_use_prepare();
    interrupt_watch();
}

int point_run(const point *p, bool resume, const char *again, point_outcome *out)
{
    nx_error err;
    const config *c = p->config;
    *out = (point_outcome){0};
    if (resume && runfile_is_finished(p->path, c)) {
        nx_info("%s is finished", p->path);
        out->reused = true;
        return read_result(p->path, &out->result, &err) ? EXIT_DONE : fail_with(&err, EXIT_FAILED);
    }
    task *t;
    if (!task_new(&t, c, &err)) return fail_with(&err, EXIT_REQUEST);
    const nx_device_info *device = &t->info;
    nx_info("device: %s (%s, driver %s), %s kernels", device->name, device->platform, device->driver,
            device->family == NX_FAMILY_CPU ? "CPU" : "GPU");
    runfile_info info = {command_line, c, device};
    runfile *file = NULL;
    int code = EXIT_REQUEST;
    if (task_fits(t, &err) &&
        (resume ? runfile_resume(&file, p->path, &info, &err) : runfile_new(&file, p->path, &info, &err)) &&
        check_step(file, c, p->path, &err)) {
        task_end end = task_run(t, file, p->path, &out->result, &err);
        code = end == TASK_FINISHED ? EXIT_DONE : end == TASK_INTERRUPTED ? INTERRUPT_EXIT : EXIT_FAILED;
    }
    if (code == EXIT_FAILED || code == EXIT_REQUEST) fail_with(&err, code);
    if (code == INTERRUPT_EXIT)
        fprintf(stderr, "nstx: interrupted at step %llu; `%s` continues %s\n", (unsigned long long)out->result.step,
                again, p->path);
    runfile_free(file);
    task_free(t);
    return code;
}
