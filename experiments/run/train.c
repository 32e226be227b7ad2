/* Training: two graphs over the same parameters, one for a step, one for validation.
 *
 * What batch and what noise a step sees are functions of the seed and the step alone, so a run that resumes continues
 * bit for bit. */
#include "run/train.h"

#include "base/memory.h"
#include "base/rng.h"
#include "graph/recompute.h"
#include "ops/random.h"
#include "run/interrupt.h"

#include <stdlib.h>
#include <string.h>

int train_batch(const task *t) { return t->c->data.batch; }

/* ---- recording ---- */

bool train_undrawn(const trainer *t, const nx_params *params) { return params != t->params || t->restored; }

nx_scope train_scope(const trainer *t, const side *s, nx_params *params)
{
    const config *c = t->task.c;
    return (nx_scope){.g = s->g,
                      .params = params,
                      .seed = (uint64_t)c->experiment.seed,
                      .training = s->training,
                      .undrawn = train_undrawn(t, params),
                      .unit_gamma = c->experiment.norm_init == NORM_INIT_ONE};
}

bool train_record(trainer *t, side *s, nx_params *params, int size, int batch, bool training, nx_error *err)
{
    *s = (side){.g = nx_graph_new(&t->task.info), .batch = batch, .training = training};
    if (t->content.count) {
        s->content = nx_input(s->g, (nx_shape){batch, size, size, 3}, "content");
        if (training) nx_ahead(s->content);
    }
    if (!t->subject->record(t, s, params, size, err)) return false;
    objective_total(&s->objective, s->g);
    return true;
}

void train_free_side(side *s)
{
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
    free(s->own);
    *s = (side){0};
}

bool train_check_size(trainer *t, nx_error *err)
{
    side s;
    nx_params *params = nx_params_new();
    nx_error reason;
    bool ok = train_record(t, &s, params, t->task.c->data.size, 1, true, &reason) ||
              nx_fail(err, "[data] size = %d: %s", t->task.c->data.size, reason.text);
    train_free_side(&s);
    nx_params_free(params);
    return ok;
}

/* Both graphs and their plans for a size, over a store of parameters. */
static bool build(trainer *t, int size, nx_params *params, side *train, side *valid, nx_optimizer **optimizer,
                  finite_check **watch, nx_error *err)
{
    const config *c = t->task.c;
    nx_optimizer_options options = {.method = c->optimizer.method == METHOD_SGD ? NX_OPTIMIZER_SGD : NX_OPTIMIZER_ADAM,
                                    .beta1 = (float)c->optimizer.beta1,
                                    .beta2 = (float)c->optimizer.beta2,
                                    .epsilon = (float)c->optimizer.epsilon,
                                    .clip = (float)c->optimizer.clip,
                                    .weight_decay = (float)c->optimizer.weight_decay};
    if (!train_record(t, train, params, size, c->data.batch, true, err)) return false;
    *optimizer = nx_optimizer_new(train->g, train->objective.total, params, options);
    if (c->log.debug && train->output) {
        nx_gradient(train->g, train->objective.total, &train->output, 1, &train->gradient);
        nx_keep(train->gradient);
    }
    nx_recompute(train->g, t->task.recompute);
    const nx_params *stores[] = {params, (*optimizer)->state};
    if (!nx_plan_new(&train->plan, train->g, err) || !finite_check_new(watch, &t->task.info, stores, 2, err))
        return false;
    if (!train_validation_count(t)) return true;
    return train_record(t, valid, params, size, train_validation_batch(t), false, err) &&
           nx_plan_new(&valid->plan, valid->g, err);
}

void train_close(task *base)
{
    trainer *t = (trainer *)base;
    nx_loader_free(t->loader);
    nx_loader_free(t->held_out);
    free(t->pixels);
    train_free_side(&t->train);
    train_free_side(&t->valid);
    finite_check_free(t->finite);
    nx_optimizer_free(t->optimizer);
    nx_params_free(t->params);
    model_free(t->start);
    nx_file_list_free(&t->content);
    nx_file_list_free(&t->validation);
}

/* ---- memory ---- */

/* Parameters, moments and three counters (the step, the data's and the noise's); rows and the learning rate. */
static task_stored stored_of(const trainer *t, const nx_params *params, const nx_params *state, const side *train,
                             const side *valid)
{
    task_stored s = {.numbers = nx_params_numbers(params, false) + nx_params_numbers(state, false),
                     .arrays = params->count + state->count,
                     .counters = 3,
                     .rows = task_metrics(&train->objective) + 1};
    if (valid->plan) s.looks = task_metrics(&valid->objective);
    if (t->subject->store) t->subject->store(t, params, valid, &s);
    return s;
}

bool train_measure(task *base, int size, task_needs *out, nx_error *err)
{
    trainer *t = (trainer *)base;
    side train = {0}, valid = {0};
    nx_params *params = nx_params_new();
    nx_optimizer *optimizer = NULL;
    finite_check *watch = NULL;
    bool ok = build(t, size, params, &train, &valid, &optimizer, &watch, err);
    if (ok) {
        out->bytes[NX_MEMORY_PARAMETERS] = nx_params_bytes(params);
        out->bytes[NX_MEMORY_OPTIMIZER] = nx_params_bytes(optimizer->state);
        out->bytes[NX_MEMORY_ARENA] =
            nx_plan_bytes(train.plan) + (valid.plan ? nx_plan_bytes(valid.plan) : 0) + finite_check_bytes(watch);
        out->arena = nx_plan_bytes(train.plan);
        out->tensors = nx_plan_sum(train.plan);
        out->nodes = train.g->n_nodes;
        out->stored = stored_of(t, params, optimizer->state, &train, &valid);
    }
    if (ok && base->listed) {
        nx_plan_programs(train.plan, base->listed);
        if (valid.plan) nx_plan_programs(valid.plan, base->listed);
        finite_check_programs(watch, base->listed);
    }
    train_free_side(&train);
    train_free_side(&valid);
    finite_check_free(watch);
    nx_optimizer_free(optimizer);
    nx_params_free(params);
    return ok;
}

/* ---- on the device ---- */

void train_write_random(const trainer *t, side *s, const char *stream, uint64_t step)
{
    float bits[4];
    if (s->random) {
        nx_random_state(bits, (uint64_t)t->task.c->experiment.seed ^ nx_stream(stream), step);
        nx_plan_write(s->plan, s->random, bits);
    }
    if (t->subject->feed) t->subject->feed(t, s, stream, step);
}

bool train_prepare(task *base, const checkpoint *k, const char *path, nx_error *err)
{
    trainer *t = (trainer *)base;
    nx_device *device = base->device;
    t->restored = k || t->start;
    if (!build(t, base->c->data.size, t->params, &t->train, &t->valid, &t->optimizer, &t->finite, err) ||
        (k && (!checkpoint_get_params(k, "parameters", t->params, path, err) ||
               !checkpoint_get_params(k, "optimizer", t->optimizer->state, path, err))) ||
        (!k && t->start && !model_params(t->start, t->params, err)))
        return false;
    model_free(t->start);
    t->start = NULL;
    nx_params_realize(t->params, device);
    nx_params_realize(t->optimizer->state, device);
    nx_plan_realize(t->train.plan, device);
    if (t->valid.plan && !interrupt_wanted()) nx_plan_realize(t->valid.plan, device);
    finite_check_realize(t->finite, device);
    if (t->train.content) t->pixels = nx_alloc(nx_shape_count(t->train.content->shape) * sizeof(float));
    return true;
}

/* ---- steps ---- */

/* Says what the next run of the step sees: batch `step` (the first is 0). */
static bool feed(trainer *t, uint64_t step, nx_error *err)
{
    if (!t->train.content) return true;
    if (!nx_loader_batch(t->loader, step, t->pixels, err)) return false;
    if (t->subject->alter) t->subject->alter(t, step, t->pixels);
    nx_plan_write(t->train.plan, t->train.content, t->pixels);
    return true;
}

/* One update; rate 0 only evaluates. The next batch is fed while the device works; where it cannot be read, the step
 * that needs it finds that out. */
task_did train_step(task *base, uint64_t step, double rate, double *value, nx_error *err)
{
    trainer *t = (trainer *)base;
    (void)value; /* stays that of the newest row: reading it would wait for the device */
    if (!t->fed && !feed(t, step, err)) return TASK_UNREAD;
    train_write_random(t, &t->train, "training", step);
    nx_optimizer_rate(t->optimizer, t->train.plan, step + 1, rate);
    nx_plan_run(t->train.plan);
    t->fed = step + 1 < (uint64_t)base->c->experiment.steps && feed(t, step + 1, NULL);
    return TASK_DID;
}

task_graph train_graph(const task *base)
{
    const trainer *t = (const trainer *)base;
    return (task_graph){t->train.plan, &t->train.objective, t->finite, t->train.gradient};
}

/* ---- what is kept ---- */

void train_put_state(const task *base, checkpoint *k, uint64_t step, bool finished)
{
    const trainer *t = (const trainer *)base;
    (void)finished; /* its moments are small */
    checkpoint_put_params(k, "parameters", t->params);
    checkpoint_put_params(k, "optimizer", t->optimizer->state);
    checkpoint_put_counter(k, "data_cursor", step); /* the next batch */
    checkpoint_put_counter(k, "random", step);      /* the next draw of noise */
}

void train_log_inputs(const task *base, runfile *file)
{
    const trainer *t = (const trainer *)base;
    if (!t->loader) return;
    runfile_set_int(file, "/data", "pictures", (int64_t)(t->content.count + t->validation.count));
    runfile_set_int(file, "/data", "bad_pictures", (int64_t)train_bad_pictures(t));
}
