/* Losses of what is held out.
 *
 * A validation that is cut off by an interrupt has logged nothing, so what is seen of its first batch waits for the
 * last one. */
#include "run/train.h"

#include "base/memory.h"
#include "run/interrupt.h"
#include "run/rows.h"

#include <math.h>
#include <stdlib.h>

task_did train_validate(trainer *t, train_each each, void *context, objective_values *mean, nx_error *err)
{
    side *s = &t->valid;
    uint64_t batches = (uint64_t)(train_validation_count(t) / s->batch);
    float *pixels = s->content ? nx_alloc(nx_shape_count(s->content->shape) * sizeof(float)) : NULL;
    double total = 0, sums[OBJECTIVE_TERMS] = {0};
    task_did did = TASK_DID;
    *mean = (objective_values){0};
    for (int i = 0; i < s->objective.count; i++) mean->unit[i] = INFINITY;
    for (uint64_t k = 0; did == TASK_DID && k < batches; k++) {
        objective_values v;
        if (interrupt_wanted()) {
            did = TASK_LEFT;
        } else if (pixels && !nx_loader_batch(t->held_out, k, pixels, err)) {
            did = TASK_UNREAD;
        } else {
            if (pixels) nx_plan_write(s->plan, s->content, pixels);
            train_write_random(t, s, "validation", k);
            nx_plan_run(s->plan);
            objective_read(&s->objective, s->plan, &v);
            for (int i = 0; i < s->objective.count; i++) {
                sums[i] += (double)v.term[i];
                mean->unit[i] = fminf(mean->unit[i], v.unit[i]);
            }
            for (int i = 0; i < OBJECTIVE_KINDS; i++) mean->sum[i] += v.sum[i] / (double)batches;
            total += (double)v.total;
            if (each) each(t, context, k, pixels);
        }
    }
    for (int i = 0; i < s->objective.count; i++) mean->term[i] = (float)(sums[i] / (double)batches);
    mean->total = (float)(total / (double)batches);
    free(pixels);
    return did;
}

bool train_log_picture(runfile *file, const char *name, const nx_image *picture, task_row row, nx_error *err)
{
    uint8_t *bytes = task_bytes_of(picture->rgb, NULL, (size_t)picture->height * (size_t)picture->width);
    bool ok = runfile_image(file, name, (int64_t)row.step, picture->height, picture->width, bytes, err);
    free(bytes);
    return ok && runfile_picture(file, picture, err);
}

bool train_log_validation(trainer *t, runfile *file, const objective_values *mean, task_row row, nx_error *err)
{
    if (!rows_finite(&t->valid.objective, mean, "validation/", row.step, err)) return false;
    rows_log(file, &t->valid.objective, mean, "validation/", row);
    return true;
}
