/* Training of a generator: two graphs over the same parameters, one for a step, one for validation.
 *
 * What batch and what noise a step sees are functions of the seed and the step alone, so a run that resumes continues
 * bit for bit. */
#include "run/train.h"

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "config/sweep_points.h"
#include "graph/recompute.h"
#include "ops/random.h"
#include "run/interrupt.h"
#include "runfile/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool suits(const paper *p, nx_error *err)
{
    return p->trains || nx_fail(err, "[experiment] task: the paper %s optimizes a picture: task = optimize", p->name);
}

static int batch(const task *t) { return t->c->data.batch; }

/* ---- recording ---- */

bool train_record(trainer *t, side *s, nx_params *params, int size, int batch, bool training, nx_error *err)
{
    const config *c = t->task.c;
    nx_graph *g = s->g = nx_graph_new(&t->task.info);
    nx_scope scope = {.g = g,
                      .params = params,
                      .seed = (uint64_t)c->experiment.seed,
                      .training = training,
                      .undrawn = params != t->params || t->restored};
    nx_shape shape = {batch, size, size, 3};
    picture_loss losses[PAPER_STAGES];
    s->batch = batch;
    s->objective.count = 0;
    s->content = t->texture ? NULL : nx_input(g, shape, "content");
    if (s->content && training) nx_ahead(s->content);
    s->random = nx_input(g, NX_RANDOM_STATE, "random");
    nx_graph_label(g, "generator");
    generator_inputs in = {.shape = shape, .content = s->content, .random = s->random};
    int stages = paper_generate(t->task.paper, c, &scope, &in, losses);
    s->output = nx_keep(losses[stages - 1].output);
    s->n_before = training ? 0 : stages - 1;
    for (int k = 0; k < s->n_before; k++) s->before[k] = nx_keep(losses[k].output);
    nx_graph_label(g, NULL);
    int ratios = c->loss.stage_style_ratios.count;
    if (ratios && ratios != stages)
        return nx_fail(err, "[loss] stage_style_ratios: %d numbers, and the generator makes %d pictures", ratios,
                       stages);
    for (int i = 0; i < stages; i++) {
        picture_loss *j = &losses[i];
        j->style_ratio = t->balance[i];
        if (!(t->balance[i] > 0)) j->style = -1;
        if (!perceptual_record(t->task.perceptual, g, j, &s->objective, err)) return false;
    }
    if (batch > 1) objective_entropy(&s->objective, g, c, s->output);
    objective_total(&s->objective, g);
    return true;
}

void train_free_side(side *s)
{
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
    *s = (side){0};
}

/* Both graphs and their plans for a size, over a store of parameters. */
static bool build(trainer *t, int size, nx_params *params, side *train, side *valid, nx_optimizer **optimizer,
                  finite_check **watch, nx_error *err)
{
    const config *c = t->task.c;
    nx_optimizer_options options = {.method = c->optimizer.method == METHOD_SGD ? NX_OPTIMIZER_SGD : NX_OPTIMIZER_ADAM,
                                    .beta1 = (float)c->optimizer.beta1,
                                    .beta2 = (float)c->optimizer.beta2,
                                    .epsilon = (float)c->optimizer.epsilon};
    if (!train_record(t, train, params, size, c->data.batch, true, err)) return false;
    *optimizer = nx_optimizer_new(train->g, train->objective.total, params, options);
    if (c->log.debug) {
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

static void close_all(task *base)
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
    nx_file_list_free(&t->content);
    nx_file_list_free(&t->validation);
}

/* ---- memory ---- */

/* Parameters, moments and three counters (the step, the data's and the noise's); rows and the learning rate; pictures
 * of contents, of outputs and of those on the way. */
static task_stored stored_of(const trainer *t, const nx_params *params, const nx_params *state, const side *train,
                             const side *valid)
{
    const config *c = t->task.c;
    uint64_t steps = (uint64_t)c->experiment.steps;
    task_stored s = {.numbers = nx_params_numbers(params, false) + nx_params_numbers(state, false),
                     .arrays = params->count + state->count,
                     .counters = 3,
                     .rows = task_metrics(&train->objective) + 1};
    if (!valid->plan) return s;
    s.looks = task_metrics(&valid->objective) + (t->texture ? 2 : 0);
    size_t pixels = (size_t)c->data.size * (size_t)c->data.size;
    for (int n = 0; n < train_shown(&t->task); n++) {
        if (!t->texture && c->log.images) task_store_series(&s, c, 0, pixels);
        task_store_series(&s, c, steps, pixels);
        for (int k = 0; k < valid->n_before; k++) {
            nx_shape shape = valid->before[k]->shape;
            task_store_series(&s, c, steps, (size_t)shape.h * (size_t)shape.w);
        }
    }
    return s;
}

static bool measure(task *base, int size, task_needs *out, nx_error *err)
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
    train_free_side(&train);
    train_free_side(&valid);
    finite_check_free(watch);
    nx_optimizer_free(optimizer);
    nx_params_free(params);
    return ok;
}

static void sizes(const task *t, int *now, int *multiple, int *most)
{
    *now = t->c->data.size;
    const generator_network *network = generator_network_of(t->c);
    *multiple = network->multiple(t->c);
    *most = network->one_size ? *multiple : TASK_MOST_SIZE;
}

static size_t bad_pictures(const trainer *t)
{
    return nx_loader_bad(t->loader) + (t->held_out ? nx_loader_bad(t->held_out) : 0);
}

static bool print(task *base, nx_error *err)
{
    trainer *t = (trainer *)base;
    const config *c = t->task.c;
    side train = {0};
    nx_params *params = nx_params_new();
    bool ok = train_record(t, &train, params, c->data.size, c->data.batch, true, err);
    if (ok) {
        nx_shape out = train.output->shape;
        if (!t->texture)
            printf("content   %d x %d x %d x %d from %zu pictures, validation on %zu\n", out.n, c->data.size,
                   c->data.size, 3, t->content.count, t->validation.count);
        size_t bad = t->texture ? 0 : bad_pictures(t);
        if (bad) printf("          %zu of them are broken or too small and will be left out\n", bad);
        for (int i = 0; i < t->task.perceptual->styles; i++)
            printf("style     %d x %d\n", t->task.perceptual->style[i].width, t->task.perceptual->style[i].height);
        printf("output    %d x %d x %d x %d\n", out.n, out.h, out.w, out.c);
        task_print_params("generator", params);
        printf("  of them trained: %zu\n", nx_params_numbers(params, true));
    }
    train_free_side(&train);
    nx_params_free(params);
    return ok;
}

/* ---- on the device ---- */

void train_write_random(const trainer *t, side *s, const char *stream, uint64_t step)
{
    float bits[4];
    nx_random_state(bits, (uint64_t)t->task.c->experiment.seed ^ nx_stream(stream), step);
    nx_plan_write(s->plan, s->random, bits);
}

static bool prepare(task *base, const checkpoint *k, const char *path, nx_error *err)
{
    trainer *t = (trainer *)base;
    nx_device *device = base->device;
    t->restored = k;
    if (!perceptual_prepare(base->perceptual, device, err)) return false;
    if (interrupt_wanted()) return true;
    if (!train_set_balance(t, err)) return false;
    if (interrupt_wanted()) return true;
    if (!build(t, base->c->data.size, t->params, &t->train, &t->valid, &t->optimizer, &t->finite, err) ||
        (k && (!checkpoint_get_params(k, "parameters", t->params, path, err) ||
               !checkpoint_get_params(k, "optimizer", t->optimizer->state, path, err))))
        return false;
    nx_params_realize(t->params, device);
    nx_params_realize(t->optimizer->state, device);
    nx_plan_realize(t->train.plan, device);
    if (t->valid.plan && !interrupt_wanted()) nx_plan_realize(t->valid.plan, device);
    finite_check_realize(t->finite, device);
    if (!t->texture) t->pixels = nx_alloc(nx_shape_count(t->train.content->shape) * sizeof(float));
    return true;
}

/* ---- steps ---- */

/* Each picture's contrast is multiplied by a number of its own, around its mean colour. */
static void change_contrast(const trainer *t, uint64_t step, float *pixels)
{
    size_t size = (size_t)t->task.c->data.size * (size_t)t->task.c->data.size;
    nx_rng rng = nx_rng_new((uint64_t)t->task.c->experiment.seed, nx_stream("contrast"));
    rng.index = step * (uint64_t)t->task.c->data.batch;
    for (int n = 0; n < t->task.c->data.batch; n++, pixels += 3 * size) {
        float factor = 1 - (float)t->task.c->data.contrast * nx_rng_uniform(&rng);
        for (int k = 0; k < 3; k++) {
            double mean = 0;
            for (size_t i = 0; i < size; i++) mean += (double)pixels[3 * i + k] / (double)size;
            for (size_t i = 0; i < size; i++)
                pixels[3 * i + k] = (float)mean + (pixels[3 * i + k] - (float)mean) * factor;
        }
    }
}

/* Diversity is what noise alone changes, so the batch is its first picture again and again. */
static void repeat_picture(const trainer *t, float *pixels)
{
    size_t numbers = (size_t)t->task.c->data.size * (size_t)t->task.c->data.size * 3;
    for (int n = 1; n < t->task.c->data.batch; n++)
        memcpy(pixels + (size_t)n * numbers, pixels, numbers * sizeof *pixels);
}

/* Says what the next run of the step sees: batch `step` (the first is 0). */
static bool feed(trainer *t, uint64_t step, nx_error *err)
{
    if (t->texture) return true;
    if (!nx_loader_batch(t->loader, step, t->pixels, err)) return false;
    if (t->task.c->data.contrast > 0) change_contrast(t, step, t->pixels);
    if (t->task.c->loss.diversity > 0) repeat_picture(t, t->pixels);
    nx_plan_write(t->train.plan, t->train.content, t->pixels);
    return true;
}

/* One update; rate 0 only evaluates. The next batch is fed while the device works; where it cannot be read, the step
 * that needs it finds that out. */
static task_did step(task *base, uint64_t step, double rate, double *value, nx_error *err)
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

static task_graph graph(const task *base)
{
    const trainer *t = (const trainer *)base;
    return (task_graph){t->train.plan, &t->train.objective, t->finite, t->train.gradient};
}

/* ---- what is kept ---- */

static void put_state(const task *base, checkpoint *k, uint64_t step)
{
    const trainer *t = (const trainer *)base;
    checkpoint_put_params(k, "parameters", t->params);
    checkpoint_put_params(k, "optimizer", t->optimizer->state);
    checkpoint_put_counter(k, "data_cursor", step); /* the next batch */
    checkpoint_put_counter(k, "random", step);      /* the next draw of noise */
}

static void log_inputs(const task *base, runfile *file)
{
    const trainer *t = (const trainer *)base;
    if (t->texture) return;
    runfile_set_int(file, "/data", "pictures", (int64_t)(t->content.count + t->validation.count));
    runfile_set_int(file, "/data", "bad_pictures", (int64_t)bad_pictures(t));
}

static bool save_model(const task *base, const char *run, nx_error *err)
{
    const trainer *t = (const trainer *)base;
    const float *mean = t->task.perceptual->descriptor->mean;
    char *generator = config_text(t->task.c, "generator"), *network = config_get(t->task.c, "generator", "network"),
         *options = nx_format("[experiment]\npaper = %s\ntask = %s\n\n%s", t->task.paper->name,
                              t->texture ? "texture" : "train", generator);
    model m = {.network = network,
               .options = options,
               .input = {.order = "rgb", .scale = 1. / 255},
               .output = {.order = "rgb", .scale = 1, .mean = {(double)mean[0], (double)mean[1], (double)mean[2]}}};
    char *path = path_beside(run, ".model.h5");
    bool ok = model_save(path, &m, t->params, err);
    free(path);
    free(generator);
    free(options);
    free(network);
    return ok;
}

const task_kind training = {.bytes = sizeof(trainer),
                            .suits = suits,
                            .open = train_open_inputs,
                            .close = close_all,
                            .remedy = "lower [data] batch or [generator] channels",
                            .sizes = sizes,
                            .batch = batch,
                            .shown = train_shown,
                            .validates = true,
                            .measure = measure,
                            .print = print,
                            .adam_rate = 0.001,
                            .rows_of_loss = 50,
                            .prepare = prepare,
                            .step = step,
                            .graph = graph,
                            .look = train_look,
                            .log_inputs = log_inputs,
                            .put_state = put_state,
                            .save_model = save_model};
