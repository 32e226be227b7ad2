/* Tasks: everything that a config can get wrong is found in task_new and task_fits, before any device work. */
#include "run/task.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/recompute.h"
#include "machine/available_memory.h"
#include "machine/device.h"
#include "machine/wisdom_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const task_kind *const kinds[] = {[TASK_TRAIN] = &training,
                                         [TASK_TEXTURE] = &training,
                                         [TASK_OPTIMIZE] = &optimization,
                                         [TASK_DISTIL] = &distillation,
                                         [TASK_CLASSIFY] = &classification};

/* ---- life ---- */

static void limit_memory(task *t)
{
    uint64_t allowed = allowed_memory(&t->info, &system_memory);
    t->limited = allowed < t->info.memory;
    t->info.memory = allowed;
}

bool task_new(task **out, const config *c, nx_error *err)
{
    const task_kind *kind = kinds[c->experiment.task];
    task *t = nx_alloc(kind->bytes);
    *t = (task){.kind = kind, .c = c, .paper = paper_of(c), .recompute = c->device.recompute};
    nx_device_options device = device_options(c);
    bool ok = (kind->starts || !*c->experiment.start ||
               nx_fail(err, "[experiment] start: training a generator or a classifier begins from a model; this task "
                            "does not")) &&
              (!kind->suits || kind->suits(t->paper, err)) && paper_check(t->paper, c, err) &&
              device_choose(&t->info, device, err);
    if (ok) limit_memory(t), wisdom_file_use(&t->info);
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

/* Where what comes before takes more than the steps, the arena has the rest of it. */
static bool measure(task *t, int size, task_needs *out, nx_error *err)
{
    *out = (task_needs){0};
    if (!t->kind->measure(t, size, out, err)) return false;
    uint64_t scaling = t->perceptual ? perceptual_bytes_before(t->perceptual) : 0, steps = total_of(out->bytes);
    if (scaling > out->before) out->before = scaling;
    if (out->before > steps) out->bytes[NX_MEMORY_ARENA] += out->before - steps;
    if (t->perceptual) out->bytes[NX_MEMORY_PARAMETERS] += nx_params_bytes(t->perceptual->descriptor->params);
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

static void warn_if_taken(const task *t, uint64_t needs)
{
    char need[16], have[16];
    uint64_t left = available_memory(&t->info, &system_memory);
    if (needs > left)
        nx_warn("[data] size = %d needs %s, and %s are left of the memory of %s: other programs have the rest",
                size_of(t), nx_bytes_text(need, (double)needs), nx_bytes_text(have, (double)left), t->info.name);
}

bool task_fits(task *t, nx_error *err)
{
    task_needs needs;
    nx_error reason;
    char need[16], have[16], batch[32] = "", remedy[128];
    bool planned = measure(t, size_of(t), &needs, &reason);
    if (planned && total_of(needs.bytes) <= t->info.memory) return warn_if_taken(t, total_of(needs.bytes)), true;
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
    if (t->kind->batch) snprintf(batch, sizeof batch, " with batch = %d", t->kind->batch(t));
    if (!planned) return nx_fail(err, "%s; %s", reason.text, remedy);
    return nx_fail(err, "%s: [data] size = %d%s needs %s, and %s %s; %s", t->info.name, size_of(t), batch,
                   nx_bytes_text(need, (double)total_of(needs.bytes)),
                   t->limited ? "this process may have" : "the device has", nx_bytes_text(have, (double)t->info.memory),
                   remedy);
}

void task_bytes(task *t, uint64_t bytes[NX_MEMORY_KINDS])
{
    task_needs needs;
    NX_CHECK(measure(t, size_of(t), &needs, NULL), "a plan that did fit");
    memcpy(bytes, needs.bytes, sizeof needs.bytes);
}

void task_store_series(task_stored *s, const config *c, uint64_t steps, size_t pixels)
{
    uint64_t every = (uint64_t)c->log.images, times = every ? (steps + every - 1) / every + 1 : 1;
    s->series++;
    s->pictures += 3 * pixels * runfile_images_kept(3 * pixels, times);
    if (c->log.pictures != LOG_PICTURES_FOLDER) return;
    s->files += times;
    s->filed += 3 * pixels * times;
}

int task_metrics(const objective *o)
{
    return o->count + (objective_has(o, OBJECTIVE_CONTENT, OBJECTIVE_STYLE) ? 3 : 1);
}

/* What HDF5 takes, in bytes. Rows are chunks of 1024 numbers; a metric has steps, times and values. */
enum { CHUNK = 1024, COLUMNS = 3, DATASET = 416, CHUNKED = 2096, PICTURES = 3656, GROUP = 1040, OWN = 14 << 10 };

static uint64_t bytes_of_metrics(int metrics, int every, uint64_t steps)
{
    uint64_t rows = every ? steps / (uint64_t)every + 2 : 2, chunks = (rows + CHUNK - 1) / CHUNK;
    return (uint64_t)metrics * (GROUP + COLUMNS * (DATASET + CHUNKED + chunks * CHUNK * 8));
}

#define PACKED 0.85 /* of deflated pictures: from 0.7, of smooth ones, to 0.9 */

uint64_t task_pictures_bytes(task *t, uint64_t *files)
{
    task_needs needs = {0};
    bool fine = t->kind->measure(t, size_of(t), &needs, NULL);
    *files = fine ? needs.stored.files : 0;
    return fine ? (uint64_t)((double)needs.stored.filed * PACKED) : 0;
}

uint64_t task_disk_bytes(task *t)
{
    const config *c = t->c;
    task_needs needs = {0};
    if (!t->kind->measure(t, size_of(t), &needs, NULL)) return 0;
    const task_stored *s = &needs.stored;
    uint64_t steps = (uint64_t)c->experiment.steps, bytes = OWN;
    bytes += s->numbers * sizeof(float) + s->short_numbers * sizeof(uint16_t) + s->arrays * DATASET +
             (uint64_t)s->counters * (DATASET + CHUNKED + CHUNK * 8);
    bytes += (uint64_t)((double)s->pictures * PACKED) + s->series * (DATASET + PICTURES);
    return bytes + bytes_of_metrics(s->rows, c->log.every, steps) +
           bytes_of_metrics(s->looks, c->log.validation, steps);
}

void task_programs(task *t, nx_program_list *out)
{
    task_needs needs = {0};
    t->listed = out;
    t->kind->measure(t, size_of(t), &needs, NULL);
    t->listed = NULL;
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
        if (t->perceptual) task_print_params("descriptor", t->perceptual->descriptor->params);
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
    printf("\nlargest [data] size that fits");
    if (t->kind->batch) printf(" at batch %d", t->kind->batch(t));
    printf(": %d\n", task_largest_size(t));
}

/* ---- what the kinds share ---- */

int task_rows_of_loss(const config *c) { return kinds[c->experiment.task]->rows_of_loss; }

uint8_t *task_bytes_of(const float *pixels, const float mean[3], size_t count)
{
    uint8_t *bytes = nx_alloc(3 * count);
    for (size_t i = 0; i < 3 * count; i++) {
        float v = pixels[i] + (mean ? mean[i % 3] : 0);
        bytes[i] = (uint8_t)lrintf(v < 0 || isnan(v) ? 0 : v > 255 ? 255 : v);
    }
    return bytes;
}
