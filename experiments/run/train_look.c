/* What is looked at while a generator trains: the losses of held-out pictures, and pictures.
 *
 * A look that is cut off by an interrupt has logged nothing, so what the first batch shows waits for the last one. */
#include "run/train.h"

#include "base/memory.h"
#include "base/rng.h"
#include "io/image.h"
#include "run/interrupt.h"
#include "run/rows.h"
#include "run/sample_diversity.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN = 6, GAP = 4 };

int train_shown(const task *base)
{
    const config *c = base->c;
    int count = c->data.validation_count < c->data.batch ? c->data.validation_count : c->data.batch;
    return count < SHOWN ? count : SHOWN;
}

/* ---- pictures ---- */

/* The first pictures of a batch and what the generator makes of them, as bytes. */
typedef struct shown {
    int count, size;
    uint8_t *content, *output;         /* content: NULL for textures */
    uint8_t *before[PAPER_STAGES - 1]; /* on the way to the output */
    nx_shape shape[PAPER_STAGES - 1];
} shown;

static uint8_t *read_pictures(const trainer *t, const side *s, const nx_tensor *pictures, int count)
{
    nx_shape shape = pictures->shape;
    float *values = nx_alloc(nx_shape_count(shape) * sizeof(float));
    nx_plan_read(s->plan, pictures, values);
    uint8_t *bytes =
        task_bytes_of(values, t->task.perceptual->descriptor->mean, (size_t)count * (size_t)shape.h * (size_t)shape.w);
    free(values);
    return bytes;
}

static shown read_shown(const trainer *t, const side *s, const float *content)
{
    shown p = {.count = s->batch < SHOWN ? s->batch : SHOWN, .size = s->output->shape.h};
    size_t pixels = (size_t)p.size * (size_t)p.size;
    p.output = read_pictures(t, s, s->output, p.count);
    if (content) p.content = task_bytes_of(content, NULL, (size_t)p.count * pixels);
    for (int k = 0; k < s->n_before; k++) {
        p.shape[k] = s->before[k]->shape;
        p.before[k] = read_pictures(t, s, s->before[k], p.count);
    }
    return p;
}

static void free_shown(shown *p)
{
    free(p->content);
    free(p->output);
    for (int k = 0; k < PAPER_STAGES - 1; k++) free(p->before[k]);
}

static void log_series(runfile *file, const char *name, uint64_t step, int count, nx_shape shape, const uint8_t *rgb)
{
    size_t bytes = (size_t)shape.h * (size_t)shape.w * 3;
    for (int n = 0; n < count; n++) {
        char full[48];
        snprintf(full, sizeof full, "%s%d", name, n);
        runfile_image(file, full, (int64_t)step, shape.h, shape.w, rgb + (size_t)n * bytes);
    }
}

/* Content above (there is none for textures), output below. */
static nx_image grid_of(const shown *p)
{
    const uint8_t *rows[] = {p->content ? p->content : p->output, p->output};
    int n_rows = p->content ? 2 : 1, size = p->size, pitch = size + GAP;
    size_t pixels = (size_t)size * (size_t)size * 3;
    nx_image grid = nx_image_new(n_rows * pitch - GAP, p->count * pitch - GAP);
    for (int k = 0; k < n_rows; k++)
        for (int n = 0; n < p->count; n++)
            for (int y = 0; y < size; y++) {
                const uint8_t *from = rows[k] + (size_t)n * pixels + (size_t)y * (size_t)size * 3;
                float *to = grid.rgb + ((size_t)(k * pitch + y) * (size_t)grid.width + (size_t)(n * pitch)) * 3;
                for (int x = 0; x < 3 * size; x++) to[x] = from[x];
            }
    return grid;
}

/* Into the run file, those on the way as stage1_output0 and so on, and beside it as one picture. */
static bool log_shown(const shown *p, runfile *file, uint64_t step, nx_error *err)
{
    nx_shape shape = {1, p->size, p->size, 3};
    if (p->content && !step) log_series(file, "content", 0, p->count, shape, p->content);
    log_series(file, "output", step, p->count, shape, p->output);
    for (int k = 0; k < PAPER_STAGES - 1 && p->before[k]; k++) {
        char name[32];
        snprintf(name, sizeof name, "stage%d_output", k + 1);
        log_series(file, name, step, p->count, p->shape[k], p->before[k]);
    }
    nx_image grid = grid_of(p);
    bool ok = runfile_picture(file, &grid, err);
    nx_image_free(&grid);
    return ok;
}

/* ---- validation ---- */

/* What a validation comes to. */
typedef struct findings {
    objective_values mean;
    float *samples; /* of a texture, all of them; else NULL */
    shown shown;    /* of the first batch, where pictures are asked for */
} findings;

static task_did validate(trainer *t, bool pictures, findings *f, nx_error *err)
{
    side *s = &t->valid;
    uint64_t batches = (uint64_t)(train_validation_count(t) / s->batch);
    size_t numbers = nx_shape_count(s->output->shape);
    float *pixels = t->texture ? NULL : nx_alloc(nx_shape_count(s->content->shape) * sizeof(float));
    double total = 0, sums[OBJECTIVE_TERMS] = {0};
    task_did did = TASK_DID;
    if (t->texture) f->samples = nx_alloc(batches * numbers * sizeof(float));
    for (uint64_t k = 0; did == TASK_DID && k < batches; k++) {
        objective_values v;
        if (interrupt_wanted()) {
            did = TASK_LEFT;
        } else if (!t->texture && !nx_loader_batch(t->held_out, k, pixels, err)) {
            did = TASK_UNREAD;
        } else {
            if (!t->texture) nx_plan_write(s->plan, s->content, pixels);
            train_write_random(t, s, "validation", k);
            nx_plan_run(s->plan);
            objective_read(&s->objective, s->plan, &v);
            for (int i = 0; i < s->objective.count; i++) sums[i] += (double)v.term[i];
            for (int i = 0; i < OBJECTIVE_KINDS; i++) f->mean.sum[i] += v.sum[i] / (double)batches;
            total += (double)v.total;
            if (f->samples) nx_plan_read(s->plan, s->output, f->samples + k * numbers);
            if (!k && pictures) f->shown = read_shown(t, s, pixels);
        }
    }
    for (int i = 0; i < s->objective.count; i++) f->mean.term[i] = (float)(sums[i] / (double)batches);
    f->mean.total = (float)(total / (double)batches);
    free(pixels);
    return did;
}

static void log_variety(const trainer *t, runfile *file, const float *samples, task_row row)
{
    size_t count = (size_t)train_validation_count(t), side = (size_t)t->task.c->data.size;
    sample_diversity v = sample_diversity_of(samples, count, side * side);
    if (count > 1) runfile_metric(file, "samples/neighbour", 1, (int64_t)row.step, row.seconds, v.neighbour);
    runfile_metric(file, "samples/contrast", 1, (int64_t)row.step, row.seconds, v.contrast);
}

task_did train_look(task *base, runfile *file, task_row row, bool pictures, nx_error *err)
{
    trainer *t = (trainer *)base;
    const objective *o = &t->valid.objective;
    findings f = {0};
    if (!t->valid.plan) return TASK_DID;
    task_did did = validate(t, pictures, &f, err);
    if (did == TASK_DID && pictures && !log_shown(&f.shown, file, row.step, err)) did = TASK_BROKEN;
    if (did == TASK_DID && !rows_finite(o, &f.mean, "validation/", row.step, err)) did = TASK_BROKEN;
    if (did == TASK_DID) {
        rows_log(file, o, &f.mean, "validation/", row);
        if (f.samples) log_variety(t, file, f.samples, row);
    }
    free_shown(&f.shown);
    free(f.samples);
    return did;
}
