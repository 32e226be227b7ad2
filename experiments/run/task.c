/* Tasks: everything that a config can get wrong is found in task_new and task_fits, before any device work. */
#include "run/task.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/memory.h"
#include "graph/recompute.h"
#include "graph/wisdom.h"
#include "machine/device_options.h"
#include "machine/first_use.h"
#include "machine/measure.h"
#include "machine/wisdom_file.h"

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
    *t = (task){.kind = kind, .c = c, .paper = paper_of(c), .recompute = c->device.recompute};
    nx_device_options device = device_options(c);
    bool ok = check(t, err) && nx_device_choose(&t->info, &device, err);
    if (ok) wisdom_file_use(&t->info);
    ok = ok && kind->open(t, err);
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
    perceptual_free(t->perceptual);
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
    out->bytes[NX_MEMORY_PARAMETERS] += nx_params_bytes(t->perceptual->vgg->params);
    return true;
}

/* The same at a level of recomputation that is not the config's. */
static bool measure_at(task *t, int level, int size, task_needs *out)
{
    int configured = t->recompute;
    t->recompute = level;
    bool planned = measure(t, size, out, NULL);
    t->recompute = configured;
    return planned;
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

/* The lowest level of recomputation above the config's with which it fits; 0: none. */
static int level_that_fits(task *t)
{
    task_needs needs;
    for (int level = t->recompute + 1; level <= NX_RECOMPUTE_MOST; level++)
        if (measure_at(t, level, size_of(t), &needs) && total_of(needs.bytes) <= t->info.memory) return level;
    return 0;
}

bool task_fits(task *t, nx_error *err)
{
    task_needs needs;
    nx_error reason;
    char need[16], have[16], batch[32] = "", remedy[128];
    bool planned = measure(t, size_of(t), &needs, &reason);
    if (planned && total_of(needs.bytes) <= t->info.memory) return true;
    int largest = task_largest_size(t), level = level_that_fits(t);
    if (largest && level)
        snprintf(remedy, sizeof remedy,
                 "the largest [data] size that fits is %d; with device.recompute = %d this one does", largest, level);
    else if (level)
        snprintf(remedy, sizeof remedy, "with device.recompute = %d it does", level);
    else if (largest)
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

/* Pictures that are made at a time: of the first of a batch, or the one that is optimized. */
static int pictures_at_a_time(const task *t)
{
    enum { MOST = 6 };
    int count = t->c->data.validation_count < t->c->data.batch ? t->c->data.validation_count : t->c->data.batch;
    return t->kind == &optimization ? 1 : count < MOST ? count : MOST;
}

uint64_t task_disk_bytes(task *t)
{
    const config *c = t->c;
    task_needs needs = {0};
    enum { CHUNK = 1024, ROW = 24, OWN = 1 << 17 }; /* rows HDF5 makes room for at a time, bytes of one, HDF5's own */
    uint64_t side = (uint64_t)size_of(t), steps = (uint64_t)c->experiment.steps, bytes = OWN;
    uint64_t terms = (uint64_t)(c->descriptor.content_layers.count + c->descriptor.style_layers.count + 4);
    if (t->kind->measure(t, size_of(t), &needs, NULL))
        bytes += needs.bytes[NX_MEMORY_PARAMETERS] + needs.bytes[NX_MEMORY_OPTIMIZER];
    if (c->log.images) {
        uint64_t times = steps / (uint64_t)c->log.images + 2, series = 3 * side * side * times;
        bytes += (uint64_t)pictures_at_a_time(t) * (series < RUNFILE_IMAGE_BYTES ? series : RUNFILE_IMAGE_BYTES);
    }
    const int every[] = {c->log.every, t->kind == &optimization ? 0 : c->log.validation};
    for (int k = 0; k < 2; k++)
        if (every[k]) bytes += terms * ROW * CHUNK * (steps / (uint64_t)every[k] / CHUNK + 1);
    return bytes;
}

uint64_t task_bytes_at(task *t, int level)
{
    task_needs needs;
    return measure_at(t, level, size_of(t), &needs) ? total_of(needs.bytes) : 0;
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
        task_print_params("descriptor", t->perceptual->vgg->params);
        printf("\nmemory on the device\n");
        for (int k = 0; k < NX_MEMORY_KINDS; k++)
            printf("  %-28s %9s\n", nx_memory_kind_name(k), nx_bytes_text(a, (double)needs.bytes[k]));
        printf("  %-28s %9s of %s\n", "total", nx_bytes_text(a, (double)total_of(needs.bytes)),
               nx_bytes_text(b, (double)t->info.memory));
        printf("  total_bytes %llu\n", (unsigned long long)total_of(needs.bytes));
        printf("  the arena of a step holds %s of tensors in %s\n", nx_bytes_text(a, (double)needs.tensors),
               nx_bytes_text(b, (double)needs.arena));
        printf("  nodes of a step: %zu\n", needs.nodes);
        for (int level = 0; level <= NX_RECOMPUTE_MOST; level++)
            if (measure_at(t, level, size_of(t), &needs))
                printf("  total with device.recompute = %d %9s, %zu nodes%s\n", level,
                       nx_bytes_text(a, (double)total_of(needs.bytes)), needs.nodes,
                       level == t->recompute ? " (the config's)" : "");
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
    } sums[] = {
        {"total", (double)v->total}, {"content", v->sum[OBJECTIVE_CONTENT]}, {"style", v->sum[OBJECTIVE_STYLE]}};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, sums[i].name);
        runfile_metric(file, name, 1, (int64_t)r.step, r.seconds, sums[i].value);
    }
    for (int i = 0; i < o->count; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, o->term[i].name);
        runfile_metric(file, name, o->term[i].weight, (int64_t)r.step, r.seconds, (double)v->term[i]);
    }
}

bool task_finite(const objective *o, const objective_values *v, const char *prefix, uint64_t step, nx_error *err)
{
    unsigned long long number = step;
    for (int i = 0; i < o->count; i++)
        if (!isfinite(v->term[i]))
            return nx_fail(err, "step %llu: %s%s is %f: lower [optimizer] learning_rate", number, prefix,
                           o->term[i].name, (double)v->term[i]);
    return isfinite(v->total) ||
           nx_fail(err, "step %llu: the %stotal loss is %f, its terms are finite: lower the weights in [loss]", number,
                   prefix, (double)v->total);
}

bool task_sound(finite_check *w, uint64_t step, nx_error *err)
{
    size_t count;
    const char *first = finite_check_look(w, &count);
    return !first || nx_fail(err,
                             "step %llu: the losses are finite, and the update leaves %s with an infinity or NaN (%zu "
                             "such in all): the gradient is too large: lower [optimizer] learning_rate or the weights "
                             "in [loss]",
                             (unsigned long long)step, first, count);
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
    nx_device_options options = device_options(t->c);
    return first_use(&t->info, &options, err) && nx_device_open(&t->device, &options, err);
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
    measure_roof roof = measure_peaks(t->device);
    runfile_set_real(file, "/profile", "peak_gflops", roof.flops * 1e-9);
    runfile_set_real(file, "/profile", "stream_gbytes_per_second", roof.bytes * 1e-9);
    for (size_t i = 0; i < count; i++) {
        const nx_plan_line *l = &lines[i];
        if (!l->calls) continue; /* the first step compiles and is not timed */
        char *group = nx_format("/profile/%s", l->name);
        runfile_set_int(file, group, "calls", (int64_t)l->calls);
        runfile_set_real(file, group, "seconds", l->seconds);
        if (l->seconds > 0) {
            runfile_set_real(file, group, "gflops", l->flops / l->seconds * 1e-9);
            runfile_set_real(file, group, "gbytes_per_second", l->bytes / l->seconds * 1e-9);
            runfile_set_real(file, group, "peak_share", l->flops / l->seconds / roof.flops);
            runfile_set_real(file, group, "stream_share", l->bytes / l->seconds / roof.bytes);
        }
        free(group);
    }
}

/* To the reason of a failure, what is left to go on from. */
static void name_kept(const runfile *file, nx_error *err)
{
    nx_error reason = *err;
    uint64_t step;
    if (runfile_kept(file, &step))
        nx_fail(err, "%s; the checkpoint of step %llu is kept", reason.text, (unsigned long long)step);
}

task_end task_run(task *t, runfile *file, const char *path, task_result *result, nx_error *err)
{
    uint64_t step = 0, steps = (uint64_t)t->c->experiment.steps;
    bool done = false;
    *result = (task_result){.validation = NAN, .loss = NAN, .style = NAN, .content = NAN, .diversity = {NAN, NAN}};
    if (nx_wisdom_count()) runfile_set_text(file, "/device", "wisdom", nx_wisdom_signature());
    bool ok = open_device(t, err) && perceptual_prepare(t->perceptual, t->device, err) && t->kind->prepare(t, err) &&
              restore(t, file, path, &step, err) && t->kind->loop(t, file, path, &step, &done, result, err);
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
    if (!ok) name_kept(file, err);
    return !ok ? TASK_FAILED : finished ? TASK_FINISHED : TASK_INTERRUPTED;
}
