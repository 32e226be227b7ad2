/* Tasks: everything that a config can get wrong is found in task_new and task_fits, before any device work. */
#include "run/task.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const task_kind *const kinds[] = {
    [TASK_TRAIN] = &training, [TASK_TEXTURE] = &training, [TASK_OPTIMIZE] = &optimization};

/* ---- life ---- */

static bool check(const task *t, nx_error *err)
{
    if (t->paper->generate && t->kind == &optimization)
        return nx_fail(err,
                       "[experiment] task = optimize: the paper %s trains a generator; gatys and random_weights "
                       "optimize a picture",
                       t->paper->name);
    if (!t->paper->generate && t->kind != &optimization)
        return nx_fail(err, "[experiment] task: the paper %s optimizes a picture: task = optimize", t->paper->name);
    return !t->paper->check || t->paper->check(t->c, err);
}

bool task_new(task **out, const config *c, nx_error *err)
{
    const task_kind *kind = kinds[c->experiment.task];
    task *t = nx_alloc(kind->bytes);
    *t = (task){.kind = kind, .c = c, .paper = paper_of(c)};
    char *kernels = config_get(c, "device", "kernels");
    nx_device_options device = {.name = c->device.name, .kernels = kernels};
    bool ok = check(t, err) && nx_device_choose(&t->info, &device, err) && kind->open(t, err);
    free(kernels);
    if (ok)
        *out = t;
    else
        task_free(t);
    return ok;
}

void task_free(task *t)
{
    if (!t) return;
    t->kind->close(t);
    perception_free(t->perception);
    nx_device_free(t->device);
    free(t);
}

/* ---- memory ---- */

static uint64_t total_of(const uint64_t bytes[NX_MEMORY_KINDS])
{
    uint64_t total = 0;
    for (int k = 0; k < NX_MEMORY_KINDS; k++) total += bytes[k];
    return total;
}

static bool measure(task *t, int size, task_needs *out, nx_error *err)
{
    *out = (task_needs){0};
    if (!t->kind->measure(t, size, out, err)) return false;
    out->bytes[NX_MEMORY_PARAMETERS] += nx_params_bytes(t->perception->vgg->params);
    return true;
}

static bool fits_at(task *t, int size)
{
    task_needs needs;
    return measure(t, size, &needs, NULL) && total_of(needs.bytes) <= t->info.memory;
}

/* Doubles until it does not fit and halves between: what is far too large is never planned. */
int task_largest_size(task *t)
{
    int now, step, most;
    t->kind->sizes(t, &now, &step, &most);
    int low = 0, high = now / step > 0 ? now / step : 1, end = most / step + 1; /* in steps: low fits, end does not */
    while (high < end && fits_at(t, high * step)) {
        low = high;
        high = 2 * high;
    }
    if (high > end) high = end;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (fits_at(t, middle * step))
            low = middle;
        else
            high = middle;
    }
    return low * step;
}

static int size_of(const task *t)
{
    int now, step, most;
    t->kind->sizes(t, &now, &step, &most);
    return now;
}

bool task_fits(task *t, nx_error *err)
{
    task_needs needs;
    nx_error reason;
    char need[16], have[16], batch[32] = "", remedy[128];
    bool planned = measure(t, size_of(t), &needs, &reason);
    if (planned && total_of(needs.bytes) <= t->info.memory) return true;
    int largest = task_largest_size(t);
    if (largest)
        snprintf(remedy, sizeof remedy, "the largest [data] size that fits is %d", largest);
    else
        snprintf(remedy, sizeof remedy, "no [data] size fits: %s", t->kind->remedy);
    if (t->kind == &training) snprintf(batch, sizeof batch, " with batch = %d", t->c->data.batch);
    if (!planned) return nx_fail(err, "%s; %s", reason.text, remedy);
    return nx_fail(err, "%s: [data] size = %d%s needs %s, and the device has %s; %s", t->info.name, size_of(t), batch,
                   nx_bytes_text(need, (double)total_of(needs.bytes)), nx_bytes_text(have, (double)t->info.memory),
                   remedy);
}

void task_bytes(task *t, uint64_t bytes[NX_MEMORY_KINDS])
{
    task_needs needs;
    NX_CHECK(measure(t, size_of(t), &needs, NULL), "a plan that did fit");
    memcpy(bytes, needs.bytes, sizeof needs.bytes);
}

void task_print_params(const char *what, const nx_params *params)
{
    char bytes[16];
    printf("\n%s: %zu parameters\n", what, nx_params_numbers(params, false));
    for (size_t i = 0; i < params->count; i++) {
        size_t dims[4];
        char shape[64] = "";
        for (int d = 0, rank = nx_param_dims(params->items[i], dims); d < rank; d++)
            sprintf(shape + strlen(shape), d ? " x %zu" : "%zu", dims[d]);
        printf("  %-28s %-20s %9s\n", params->items[i]->name, shape,
               nx_bytes_text(bytes, 4. * (double)nx_shape_count(params->items[i]->shape)));
    }
}

void task_print_plan(task *t)
{
    task_needs needs;
    nx_error err;
    char a[16], b[16];
    if (measure(t, size_of(t), &needs, &err) && t->kind->print(t, &err)) {
        task_print_params("descriptor", t->perception->vgg->params);
        printf("\nmemory on the device\n");
        for (int k = 0; k < NX_MEMORY_KINDS; k++)
            printf("  %-28s %9s\n", nx_memory_kind_name(k), nx_bytes_text(a, (double)needs.bytes[k]));
        printf("  %-28s %9s of %s\n", "total", nx_bytes_text(a, (double)total_of(needs.bytes)),
               nx_bytes_text(b, (double)t->info.memory));
        printf("  total_bytes %llu\n", (unsigned long long)total_of(needs.bytes));
        printf("  the arena of a step holds %s of tensors in %s\n", nx_bytes_text(a, (double)needs.tensors),
               nx_bytes_text(b, (double)needs.arena));
        printf("  nodes of a step: %zu\n", needs.nodes);
    } else {
        printf("this size cannot be planned: %s\n", err.text);
    }
    if (t->kind == &training) printf("\nlargest [data] size that fits at batch %d: ", t->c->data.batch);
    if (t->kind != &training) printf("\nlargest [data] size that fits: ");
    printf("%d\n", task_largest_size(t));
}

/* ---- what the kinds share ---- */

void task_log(runfile *file, const objective *o, const objective_values *v, const char *prefix, task_row r)
{
    char name[96];
    const struct {
        const char *name;
        double value;
    } sums[] = {{"total", (double)v->total}, {"content", v->content}, {"style", v->style}};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, sums[i].name);
        runfile_metric(file, name, 1, (int64_t)r.step, r.seconds, sums[i].value);
    }
    for (int i = 0; i < o->count; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, o->term[i].name);
        runfile_metric(file, name, o->term[i].weight, (int64_t)r.step, r.seconds, (double)v->term[i]);
    }
}

bool task_finite(const objective *o, const objective_values *v, uint64_t step, nx_error *err)
{
    for (int i = 0; i < o->count; i++)
        if (!isfinite(v->term[i]))
            return nx_fail(err, "step %llu: %s is %f; the newest checkpoint is kept: lower [optimizer] learning_rate",
                           (unsigned long long)step, o->term[i].name, (double)v->term[i]);
    return isfinite(v->total) ||
           nx_fail(err, "step %llu: the total loss is %f, its terms are finite: lower the weights in [loss]",
                   (unsigned long long)step, (double)v->total);
}

double task_rate(const config *c, uint64_t step)
{
    static const double usual[] = {[METHOD_ADAM] = 0.001, [METHOD_SGD] = 0.001, [METHOD_LBFGS] = 1};
    int every = c->optimizer.decay_every;
    double rate = c->optimizer.learning_rate;
    if (!(rate > 0)) rate = usual[c->optimizer.method];
    if (!(c->optimizer.learning_rate > 0) && c->optimizer.method == METHOD_ADAM && c->experiment.task == TASK_OPTIMIZE)
        rate = 10; /* a picture's numbers are larger than a network's */
    if (c->optimizer.method == METHOD_LBFGS) return rate;
    return rate * (every ? pow(c->optimizer.decay, (double)(step / (uint64_t)every)) : 1);
}

bool task_due(int every, uint64_t step, uint64_t steps)
{
    return step == steps || (every && step % (uint64_t)every == 0);
}

uint8_t *task_bytes_of(const float *pixels, const float mean[3], size_t count)
{
    uint8_t *bytes = nx_alloc(3 * count);
    for (size_t i = 0; i < 3 * count; i++) {
        float v = pixels[i] + (mean ? mean[i % 3] : 0);
        bytes[i] = (uint8_t)lrintf(v < 0 || isnan(v) ? 0 : v > 255 ? 255 : v);
    }
    return bytes;
}

/* ---- a run ---- */

static bool open_device(task *t, nx_error *err)
{
    char *kernels = config_get(t->c, "device", "kernels");
    nx_device_options options = {.name = t->c->device.name, .kernels = kernels, .profile = t->c->device.profile};
    bool ok = nx_device_open(&t->device, &options, err);
    free(kernels);
    return ok;
}

static bool restore(task *t, const runfile *file, const char *path, uint64_t *step, nx_error *err)
{
    const checkpoint *k = runfile_checkpoint(file);
    return !k || (checkpoint_get_counter(k, "step", step, path, err) && t->kind->restore(t, k, path, err));
}

static void log_memory(task *t, runfile *file, task_result *result)
{
    uint64_t planned[NX_MEMORY_KINDS];
    struct rusage usage;
    char name[64];
    task_bytes(t, planned);
    for (int k = 0; k < NX_MEMORY_KINDS; k++) {
        snprintf(name, sizeof name, "planned_%s", nx_memory_kind_name(k));
        runfile_set_int(file, "/memory", name, (int64_t)planned[k]);
        snprintf(name, sizeof name, "measured_%s", nx_memory_kind_name(k));
        runfile_set_int(file, "/memory", name, (int64_t)t->device->peak_bytes[k]);
    }
    result->planned_bytes = total_of(planned);
    result->measured_bytes = t->device->peak_total;
    getrusage(RUSAGE_SELF, &usage);
    runfile_set_int(file, "/memory", "planned_total", (int64_t)result->planned_bytes);
    runfile_set_int(file, "/memory", "measured_total", (int64_t)result->measured_bytes);
    runfile_set_int(file, "/memory", "host_peak", (int64_t)usage.ru_maxrss * 1024);
}

static void log_profile(task *t, runfile *file)
{
    size_t count;
    if (!t->device->profile) return;
    const nx_plan_line *lines = nx_plan_profile(t->kind->plan(t), &count);
    for (size_t i = 0; i < count; i++) {
        const nx_plan_line *l = &lines[i];
        if (!l->calls) continue; /* the first step compiles and is not timed */
        char *group = nx_format("/profile/%s", l->name);
        runfile_set_int(file, group, "calls", (int64_t)l->calls);
        runfile_set_real(file, group, "seconds", l->seconds);
        if (l->seconds > 0) {
            runfile_set_real(file, group, "gflops", l->flops / l->seconds * 1e-9);
            runfile_set_real(file, group, "gbytes_per_second", l->bytes / l->seconds * 1e-9);
        }
        free(group);
    }
}

task_end task_run(task *t, runfile *file, const char *path, task_result *result, nx_error *err)
{
    uint64_t step = 0, steps = (uint64_t)t->c->experiment.steps;
    bool done = false;
    *result = (task_result){.validation = NAN, .loss = NAN, .style = NAN, .content = NAN, .variety = {NAN, NAN}};
    char *stem = nx_copy_text(path);
    if (nx_ends_with(stem, ".h5")) stem[strlen(stem) - 3] = 0;
    bool ok = open_device(t, err) && perception_prepare(t->perception, t->device, err) && t->kind->prepare(t, err) &&
              restore(t, file, path, &step, err) && t->kind->loop(t, file, stem, &step, &done, result, err);
    free(stem);
    if (t->kind->plan(t)) {
        log_memory(t, file, result);
        log_profile(t, file);
    }
    bool finished = ok && (done || step == steps);
    result->seconds = runfile_seconds(file);
    result->step = step;
    nx_error late;
    const char *status = !ok ? "failed" : finished ? "finished" : "interrupted";
    /* After a failure the newest checkpoint stays what it is; an evaluation of step 0 is nothing to go on from. */
    if (!runfile_finish(file, status, ok && steps ? t->kind->take_checkpoint(t, step) : NULL, &late)) {
        if (ok) *err = late;
        ok = false;
    }
    return !ok ? TASK_FAILED : finished ? TASK_FINISHED : TASK_INTERRUPTED;
}
