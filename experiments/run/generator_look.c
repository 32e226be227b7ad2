/* What is looked at while a generator trains: the losses of held-out pictures, and pictures. */
#include "run/generator_training.h"

#include "base/memory.h"
#include "io/image.h"
#include "run/sample_diversity.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN = 6, GAP = 4 };

int generator_shown(const task *base)
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

static uint8_t *read_pictures(const generator_training *t, const side *s, const nx_tensor *pictures, int count)
{
    nx_shape shape = pictures->shape;
    float *values = nx_alloc(nx_shape_count(shape) * sizeof(float));
    nx_plan_read(s->plan, pictures, values);
    uint8_t *bytes = task_bytes_of(values, t->trainer.task.perceptual->descriptor->mean,
                                   (size_t)count * (size_t)shape.h * (size_t)shape.w);
    free(values);
    return bytes;
}

static shown read_shown(const generator_training *t, const side *s, const float *content)
{
    shown p = {.count = s->batch < SHOWN ? s->batch : SHOWN, .size = s->output->shape.h};
    size_t pixels = (size_t)p.size * (size_t)p.size;
    p.output = read_pictures(t, s, s->output, p.count);
    if (content) p.content = task_bytes_of(content, NULL, (size_t)p.count * pixels);
    const generator_pictures_before *before = s->own;
    for (int k = 0; k < before->count; k++) {
        p.shape[k] = before->picture[k]->shape;
        p.before[k] = read_pictures(t, s, before->picture[k], p.count);
    }
    return p;
}

static void free_shown(shown *p)
{
    free(p->content);
    free(p->output);
    for (int k = 0; k < PAPER_STAGES - 1; k++) free(p->before[k]);
}

static bool log_series(runfile *file, const char *name, uint64_t step, int count, nx_shape shape, const uint8_t *rgb,
                       nx_error *err)
{
    size_t bytes = (size_t)shape.h * (size_t)shape.w * 3;
    bool ok = true;
    for (int n = 0; ok && n < count; n++) {
        char full[48];
        snprintf(full, sizeof full, "%s%d", name, n);
        ok = runfile_image(file, full, (int64_t)step, shape.h, shape.w, rgb + (size_t)n * bytes, err);
    }
    return ok;
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
    bool ok = (!p->content || step || log_series(file, "content", 0, p->count, shape, p->content, err)) &&
              log_series(file, "output", step, p->count, shape, p->output, err);
    for (int k = 0; ok && k < PAPER_STAGES - 1 && p->before[k]; k++) {
        char name[32];
        snprintf(name, sizeof name, "stage%d_output", k + 1);
        ok = log_series(file, name, step, p->count, p->shape[k], p->before[k], err);
    }
    nx_image grid = grid_of(p);
    ok = ok && runfile_picture(file, &grid, err);
    nx_image_free(&grid);
    return ok;
}

/* ---- validation ---- */

/* What a validation shows. */
typedef struct findings {
    bool pictures;  /* they are asked for */
    float *samples; /* of a texture, all of them; else NULL */
    shown shown;    /* of the first batch, where pictures are asked for */
} findings;

static void find(trainer *base, void *context, uint64_t batch, const float *pixels)
{
    generator_training *t = (generator_training *)base;
    findings *f = context;
    side *s = &base->valid;
    if (f->samples) nx_plan_read(s->plan, s->output, f->samples + batch * nx_shape_count(s->output->shape));
    if (!batch && f->pictures) f->shown = read_shown(t, s, pixels);
}

static void log_variety(const trainer *t, runfile *file, const float *samples, task_row row)
{
    size_t count = (size_t)train_validation_count(t), side = (size_t)t->task.c->data.size;
    sample_diversity v = sample_diversity_of(samples, count, side * side);
    if (count > 1) runfile_metric(file, "samples/neighbour", 1, (int64_t)row.step, row.seconds, v.neighbour);
    runfile_metric(file, "samples/contrast", 1, (int64_t)row.step, row.seconds, v.contrast);
}

task_did generator_look(task *base, runfile *file, task_row row, bool pictures, nx_error *err)
{
    trainer *t = (trainer *)base;
    findings f = {.pictures = pictures};
    objective_values mean;
    if (!t->valid.plan) return TASK_DID;
    if (((generator_training *)t)->texture) {
        size_t numbers = nx_shape_count(t->valid.output->shape) / (size_t)t->valid.batch;
        f.samples = nx_alloc((size_t)train_validation_count(t) * numbers * sizeof(float));
    }
    task_did did = train_validate(t, find, &f, &mean, err);
    if (did == TASK_DID && pictures && !log_shown(&f.shown, file, row.step, err)) did = TASK_BROKEN;
    if (did == TASK_DID && !train_log_validation(t, file, &mean, row, err)) did = TASK_BROKEN;
    if (did == TASK_DID && f.samples) log_variety(t, file, f.samples, row);
    free_shown(&f.shown);
    free(f.samples);
    return did;
}
