/* Training of a generator: two graphs over the same parameters, one for a step, one for validation.
 *
 * What batch and what noise a step sees are functions of the seed and the step alone, so a run that resumes continues
 * bit for bit. */
#include "run/task.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "config/sweep_points.h"
#include "device/memory.h"
#include "graph/recompute.h"
#include "io/files.h"
#include "io/image.h"
#include "io/loader.h"
#include "io/packed.h"
#include "nn/optimizer.h"
#include "ops/random.h"
#include "run/finite_check.h"
#include "run/interrupt.h"
#include "run/progress.h"
#include "run/sample_diversity.h"
#include "runfile/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of the two graphs. */
typedef struct side {
    nx_graph *g;
    nx_plan *plan;
    int batch;
    nx_tensor *content, *random, *output; /* content: NULL for textures; random: the state of noise */
    nx_tensor *before[PAPER_STAGES - 1];  /* pictures on the way to output; validation alone */
    int n_before;
    nx_tensor *gradient; /* of the total by the output; training with [log] debug alone */
    objective objective;
} side;

typedef struct trainer {
    task task;
    nx_file_list content, validation;
    bool texture;                 /* [experiment] task: made from noise alone */
    double balance[PAPER_STAGES]; /* factors on the style weight of each picture */
    nx_params *params;            /* the generator's */
    nx_optimizer *optimizer;
    finite_check *finite; /* of params and the optimizer's state */
    side train, valid;
    nx_loader *loader, *held_out;
} trainer;

/* ---- recording ---- */

/* Records the generator, the descriptor on what it makes, and the losses, for crops of `size`. */
static bool record(trainer *t, side *s, nx_params *params, int size, int batch, bool training, nx_error *err)
{
    const config *c = t->task.c;
    nx_graph *g = s->g = nx_graph_new(&t->task.info);
    nx_scope scope = {.g = g, .params = params, .seed = (uint64_t)c->experiment.seed, .training = training};
    nx_shape shape = {batch, size, size, 3};
    picture_loss losses[PAPER_STAGES];
    s->batch = batch;
    s->objective.count = 0;
    s->content = t->texture ? NULL : nx_input(g, shape, "content");
    if (s->content && training) nx_ahead(s->content);
    s->random = nx_input(g, NX_RANDOM_STATE, "random");
    nx_graph_label(g, "generator");
    int stages = t->task.paper->generate(c, &scope, shape, s->content, s->random, losses);
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

static void free_side(side *s)
{
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
    *s = (side){0};
}

/* How many pictures validation looks at: those held out, or samples of a texture. */
static int validation_count(const trainer *t)
{
    return t->texture ? t->task.c->data.validation_count : (int)t->validation.count;
}

/* The batch of validation divides the number of its pictures, so that each counts once. */
static int validation_batch(const trainer *t)
{
    int batch = t->task.c->data.batch, count = validation_count(t);
    while (count % batch) batch--;
    return batch;
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
    if (!record(t, train, params, size, c->data.batch, true, err)) return false;
    *optimizer = nx_optimizer_new(train->g, train->objective.total, params, options);
    if (c->log.debug) {
        nx_gradient(train->g, train->objective.total, &train->output, 1, &train->gradient);
        nx_keep(train->gradient);
    }
    nx_recompute(train->g, t->task.recompute);
    const nx_params *stores[] = {params, (*optimizer)->state};
    if (!nx_plan_new(&train->plan, train->g, err) || !finite_check_new(watch, &t->task.info, stores, 2, err))
        return false;
    if (!validation_count(t)) return true;
    return record(t, valid, params, size, validation_batch(t), false, err) && nx_plan_new(&valid->plan, valid->g, err);
}

/* ---- inputs ---- */

static bool read_content(trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    if (t->texture) return true;
    if (!config_need(c, "data", "content", err)) return false;
    nx_file_list *lists[] = {&t->content, &t->validation};
    const config_list *paths[] = {&c->data.content, &c->data.validation};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < paths[k]->count; i++) {
            nx_file_list found;
            if (!nx_packed_images(&found, paths[k]->items[i], err)) return false;
            lists[k]->paths = nx_realloc(lists[k]->paths, (lists[k]->count + found.count) * sizeof(char *));
            memcpy(lists[k]->paths + lists[k]->count, found.paths, found.count * sizeof(char *));
            lists[k]->count += found.count;
            free(found.paths);
        }
    size_t wanted = (size_t)c->data.validation_count;
    if (c->data.validation.count) {
        for (; wanted && t->validation.count > wanted; t->validation.count--)
            free(t->validation.paths[t->validation.count - 1]);
        return true;
    }
    if (wanted >= t->content.count)
        return nx_fail(err, "[data] validation_count = %zu leaves nothing to train on: content has %zu pictures",
                       wanted, t->content.count);
    t->content.count -= wanted;
    t->validation.count = wanted;
    t->validation.paths = nx_copy(t->content.paths + t->content.count, wanted * sizeof(char *));
    return true;
}

static bool open_loaders(trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    if (t->texture) return true;
    nx_loader_options options = {.paths = t->content.paths,
                                 .count = t->content.count,
                                 .crop = c->data.size,
                                 .batch = c->data.batch,
                                 .seed = (uint64_t)c->experiment.seed,
                                 .resize_short = c->data.resize};
    if (!nx_loader_new(&t->loader, &options, err)) return false;
    if (!t->validation.count) return true;
    options.paths = t->validation.paths;
    options.count = t->validation.count;
    options.batch = validation_batch(t);
    options.center = true;
    return nx_loader_new(&t->held_out, &options, err);
}

static bool asks_for_balance(const config *c)
{
    return c->loss.stage_style_ratios.count || c->loss.stage_style_ratios.mean;
}

static bool one_size(const trainer *t) { return t->task.paper->one_size && t->task.paper->one_size(t->task.c); }

static bool check(const trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    if (c->data.size < 1) return nx_fail(err, "[data] size = 0: training needs crops of one size, such as 256");
    int multiple = t->task.paper->multiple(c);
    if (one_size(t) && c->data.size != multiple)
        return nx_fail(err,
                       "[data] size = %d: this generator makes pictures of %d alone: size = %d, or another "
                       "[generator] scales",
                       c->data.size, multiple, multiple);
    if (c->data.size % multiple)
        return nx_fail(err, "[data] size = %d: the generator takes multiples of %d, such as %d", c->data.size, multiple,
                       c->data.size / multiple * multiple + multiple);
    if (asks_for_balance(c) &&
        (t->texture || !c->descriptor.content_layers.count || !c->descriptor.style_layers.count ||
         !(c->loss.content_weight > 0 && c->loss.style_weight > 0)))
        return nx_fail(err, "[loss] stage_style_ratios weighs style against content: it needs both");
    return !(c->loss.diversity > 0) || c->data.batch > 1 ||
           nx_fail(err, "[loss] diversity compares outputs of one batch: it needs [data] batch of 2 or more");
}

static bool open_inputs(task *base, nx_error *err)
{
    trainer *t = (trainer *)base;
    const config *c = t->task.c;
    perceptual_style styles[PERCEPTUAL_STYLES];
    t->texture = c->experiment.task == TASK_TEXTURE;
    t->params = nx_params_new();
    for (int k = 0; k < PAPER_STAGES; k++) t->balance[k] = 1;
    return check(t, err) && config_need(c, "data", "style", err) && read_content(t, err) &&
           perceptual_new(&t->task.perceptual, c, &t->task.info, styles, t->task.paper->styles(c, styles), err) &&
           open_loaders(t, err);
}

static void close_all(task *base)
{
    trainer *t = (trainer *)base;
    nx_loader_free(t->loader);
    nx_loader_free(t->held_out);
    free_side(&t->train);
    free_side(&t->valid);
    finite_check_free(t->finite);
    nx_optimizer_free(t->optimizer);
    nx_params_free(t->params);
    nx_file_list_free(&t->content);
    nx_file_list_free(&t->validation);
}

/* ---- memory ---- */

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
    }
    free_side(&train);
    free_side(&valid);
    finite_check_free(watch);
    nx_optimizer_free(optimizer);
    nx_params_free(params);
    return ok;
}

static void sizes(const task *t, int *now, int *multiple, int *most)
{
    *now = t->c->data.size;
    *multiple = t->paper->multiple(t->c);
    *most = one_size((const trainer *)t) ? *multiple : TASK_MOST_SIZE;
}

static bool print(task *base, nx_error *err)
{
    trainer *t = (trainer *)base;
    const config *c = t->task.c;
    side train = {0};
    nx_params *params = nx_params_new();
    bool ok = record(t, &train, params, c->data.size, c->data.batch, true, err);
    if (ok) {
        nx_shape out = train.output->shape;
        if (!t->texture)
            printf("content   %d x %d x %d x %d from %zu pictures, validation on %zu\n", out.n, c->data.size,
                   c->data.size, 3, t->content.count, t->validation.count);
        for (int i = 0; i < t->task.perceptual->styles; i++)
            printf("style     %d x %d\n", t->task.perceptual->style[i].width, t->task.perceptual->style[i].height);
        printf("output    %d x %d x %d x %d\n", out.n, out.h, out.w, out.c);
        task_print_params("generator", params);
        printf("  of them trained: %zu\n", nx_params_numbers(params, true));
    }
    free_side(&train);
    nx_params_free(params);
    return ok;
}

/* ---- on the device ---- */

static void write_random(const trainer *t, side *s, const char *stream, uint64_t step)
{
    float bits[4];
    nx_random_state(bits, (uint64_t)t->task.c->experiment.seed ^ nx_stream(stream), step);
    nx_plan_write(s->plan, s->random, bits);
}

/* The gradients of one picture's losses by the picture. */
typedef struct pull {
    objective content, style;
    nx_tensor *by_content, *by_style;
} pull;

static bool record_pull(trainer *t, nx_graph *g, const picture_loss *j, pull *p, nx_error *err)
{
    picture_loss content = *j, style = *j;
    if (!j->content || j->style < 0) return true;
    content.style = -1;
    style.content = NULL;
    content.weight = style.weight = 1;
    if (!perceptual_record(t->task.perceptual, g, &content, &p->content, err) ||
        !perceptual_record(t->task.perceptual, g, &style, &p->style, err))
        return false;
    nx_gradient(g, objective_total(&p->content, g), &content.output, 1, &p->by_content);
    nx_gradient(g, objective_total(&p->style, g), &style.output, 1, &p->by_style);
    nx_keep(p->by_content);
    nx_keep(p->by_style);
    return true;
}

static double magnitude(nx_plan *plan, const nx_tensor *gradient)
{
    size_t count = nx_shape_count(gradient->shape);
    float *values = nx_alloc(count * sizeof *values);
    nx_plan_read(plan, gradient, values);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += fabs((double)values[i]);
    free(values);
    return sum;
}

/* Sets the balance to what [loss] stage_style_ratios asks for, with the first parameters and the first batch: the same
 * in a run that resumes. */
static bool set_balance(trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    const config_numbers *ratios = &c->loss.stage_style_ratios;
    if (!asks_for_balance(c)) return true;
    nx_params *params = nx_params_new();
    nx_graph *g = nx_graph_new(&t->task.info);
    nx_plan *plan = NULL;
    nx_scope scope = {.g = g, .params = params, .seed = (uint64_t)c->experiment.seed, .training = true};
    nx_shape shape = {c->data.batch, c->data.size, c->data.size, 3};
    side s = {.g = g, .content = nx_input(g, shape, "content"), .random = nx_input(g, NX_RANDOM_STATE, "random")};
    picture_loss losses[PAPER_STAGES];
    pull pulls[PAPER_STAGES] = {0};
    float *pixels = nx_alloc(nx_shape_count(shape) * sizeof *pixels);
    int stages = t->task.paper->generate(c, &scope, shape, s.content, s.random, losses);
    bool ok = nx_loader_batch(t->loader, 0, pixels, err);
    for (int k = 0; ok && k < stages; k++) ok = record_pull(t, g, &losses[k], &pulls[k], err);
    nx_recompute(g, t->task.recompute);
    ok = ok && nx_plan_new(&plan, g, err);
    if (ok) {
        s.plan = plan;
        nx_params_realize(params, t->task.device);
        nx_plan_realize(plan, t->task.device);
        nx_plan_write(plan, s.content, pixels);
        write_random(t, &s, "training", 0);
        nx_plan_run(plan);
    }
    for (int k = 0; ok && k < stages; k++) {
        if (!pulls[k].by_content) continue;
        double content = magnitude(plan, pulls[k].by_content), style = magnitude(plan, pulls[k].by_style);
        double ratio = config_layer_weight(ratios, k, stages);
        if (!(content > 0 && style > 0 && isfinite(content / style)))
            ok = nx_fail(err, "[loss] stage_style_ratios: picture %d has a gradient of %g by content and %g by style",
                         k + 1, content, style);
        t->balance[k] = ratio * content / style;
        nx_info("picture %d: style gradient %.4g of content's, weight times %.4g", k + 1, style / content,
                t->balance[k]);
    }
    free(pixels);
    nx_plan_free(plan);
    nx_graph_free(g);
    nx_params_free(params);
    return ok;
}

static bool prepare(task *base, nx_error *err)
{
    trainer *t = (trainer *)base;
    if (!set_balance(t, err) ||
        !build(t, t->task.c->data.size, t->params, &t->train, &t->valid, &t->optimizer, &t->finite, err))
        return false;
    nx_params_realize(t->params, t->task.device);
    nx_params_realize(t->optimizer->state, t->task.device);
    nx_plan_realize(t->train.plan, t->task.device);
    if (t->valid.plan) nx_plan_realize(t->valid.plan, t->task.device);
    finite_check_realize(t->finite, t->task.device);
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
static bool feed(trainer *t, uint64_t step, float *pixels, nx_error *err)
{
    if (t->texture) return true;
    if (!nx_loader_batch(t->loader, step, pixels, err)) return false;
    if (t->task.c->data.contrast > 0) change_contrast(t, step, pixels);
    if (t->task.c->loss.diversity > 0) repeat_picture(t, pixels);
    nx_plan_write(t->train.plan, t->train.content, pixels);
    return true;
}

/* One update with what was fed; rate 0 only evaluates. */
static void run_step(trainer *t, uint64_t step, double rate)
{
    write_random(t, &t->train, "training", step);
    nx_optimizer_rate(t->optimizer, t->train.plan, step + 1, rate);
    nx_plan_run(t->train.plan);
}

/* The pictures on the way to the output, into the run file as stage1_output0 and so on. */
static void log_stages(trainer *t, side *s, runfile *file, int count, uint64_t step)
{
    for (int k = 0; k < s->n_before; k++) {
        nx_shape shape = s->before[k]->shape;
        size_t pixels = (size_t)shape.h * (size_t)shape.w * 3;
        float *values = nx_alloc(nx_shape_count(shape) * sizeof(float));
        nx_plan_read(s->plan, s->before[k], values);
        uint8_t *bytes = task_bytes_of(values, t->task.perceptual->vgg->mean, (size_t)count * pixels / 3);
        for (int n = 0; n < count; n++) {
            char name[32];
            snprintf(name, sizeof name, "stage%d_output%d", k + 1, n);
            runfile_image(file, name, (int64_t)step, shape.h, shape.w, bytes + (size_t)n * pixels);
        }
        free(bytes);
        free(values);
    }
}

/* The first pictures of a batch and what the generator makes of them: into the run file, and beside it as one picture,
 * content above (there is none for textures), output below. */
static bool log_pictures(trainer *t, side *s, runfile *file, const float *content, uint64_t step, nx_error *err)
{
    enum { MOST = 6, GAP = 4 };
    int size = s->output->shape.h, count = s->batch < MOST ? s->batch : MOST, n_rows = content ? 2 : 1;
    size_t pixels = (size_t)size * (size_t)size * 3;
    float *output = nx_alloc((size_t)s->batch * pixels * sizeof(float));
    nx_plan_read(s->plan, s->output, output);
    uint8_t *made = task_bytes_of(output, t->task.perceptual->vgg->mean, (size_t)count * pixels / 3);
    uint8_t *shown = content ? task_bytes_of(content, NULL, (size_t)count * pixels / 3) : NULL,
            *rows[] = {content ? shown : made, made};
    nx_image grid = nx_image_new(n_rows * (size + GAP) - GAP, count * (size + GAP) - GAP);
    for (int k = 0; k < n_rows; k++)
        for (int n = 0; n < count; n++)
            for (int y = 0; y < size; y++)
                for (int x = 0; x < 3 * size; x++)
                    grid.rgb[((size_t)(k * (size + GAP) + y) * (size_t)grid.width + (size_t)(n * (size + GAP))) * 3 +
                             (size_t)x] = rows[k][(size_t)n * pixels + (size_t)y * (size_t)size * 3 + (size_t)x];
    for (int n = 0; n < count; n++) {
        char name[32];
        snprintf(name, sizeof name, "content%d", n);
        if (content && !step) runfile_image(file, name, 0, size, size, shown + (size_t)n * pixels);
        snprintf(name, sizeof name, "output%d", n);
        runfile_image(file, name, (int64_t)step, size, size, made + (size_t)n * pixels);
    }
    log_stages(t, s, file, count, step);
    bool ok = runfile_picture(file, &grid, err);
    free(shown);
    free(made);
    free(output);
    nx_image_free(&grid);
    return ok;
}

static void log_variety(const trainer *t, runfile *file, const float *samples, task_row r, task_result *result)
{
    size_t count = (size_t)validation_count(t), side = (size_t)t->task.c->data.size;
    sample_diversity v = result->diversity = sample_diversity_of(samples, count, side * side);
    if (count > 1) runfile_metric(file, "samples/neighbour", 1, (int64_t)r.step, r.seconds, v.neighbour);
    runfile_metric(file, "samples/contrast", 1, (int64_t)r.step, r.seconds, v.contrast);
}

/* Means over the held-out pictures, and pictures of the first batch where asked for. */
static bool validate(trainer *t, runfile *file, task_row r, bool pictures, task_result *result, nx_error *err)
{
    side *s = &t->valid;
    if (!s->plan) return true;
    uint64_t batches = (uint64_t)(validation_count(t) / s->batch);
    size_t numbers = nx_shape_count(s->output->shape);
    float *pixels = t->texture ? NULL : nx_alloc(nx_shape_count(s->content->shape) * sizeof(float));
    float *samples = t->texture ? nx_alloc(batches * numbers * sizeof(float)) : NULL;
    objective_values mean = {0}, v;
    double total = 0, sums[OBJECTIVE_TERMS] = {0};
    bool ok = true;
    for (uint64_t k = 0; ok && k < batches; k++) {
        if (!t->texture) {
            ok = nx_loader_batch(t->held_out, k, pixels, err);
            if (!ok) break;
            nx_plan_write(s->plan, s->content, pixels);
        }
        write_random(t, s, "validation", k);
        nx_plan_run(s->plan);
        objective_read(&s->objective, s->plan, &v);
        for (int i = 0; i < s->objective.count; i++) sums[i] += (double)v.term[i];
        total += (double)v.total;
        for (int i = 0; i < OBJECTIVE_KINDS; i++) mean.sum[i] += v.sum[i] / (double)batches;
        if (samples) nx_plan_read(s->plan, s->output, samples + k * numbers);
        if (!k && pictures) ok = log_pictures(t, s, file, pixels, r.step, err);
    }
    for (int i = 0; i < s->objective.count; i++) mean.term[i] = (float)(sums[i] / (double)batches);
    mean.total = (float)(total / (double)batches);
    if (ok && (ok = task_finite(&s->objective, &mean, "validation/", r.step, err))) {
        task_log(file, &s->objective, &mean, "validation/", r);
        result->validation = (double)mean.total;
        result->style = mean.sum[OBJECTIVE_STYLE];
        result->content = mean.sum[OBJECTIVE_CONTENT];
        if (samples) log_variety(t, file, samples, r, result);
    }
    free(pixels);
    free(samples);
    return ok;
}

/* ---- the loop ---- */

static checkpoint *take_checkpoint(task *base, uint64_t step)
{
    const trainer *t = (const trainer *)base;
    checkpoint *k = checkpoint_new();
    checkpoint_put_params(k, "parameters", t->params);
    checkpoint_put_params(k, "optimizer", t->optimizer->state);
    checkpoint_put_counter(k, "step", step);
    checkpoint_put_counter(k, "data_cursor", step); /* the next batch */
    checkpoint_put_counter(k, "random", step);      /* the next draw of noise */
    return k;
}

static bool restore(task *base, const checkpoint *k, const char *path, nx_error *err)
{
    trainer *t = (trainer *)base;
    return checkpoint_get_params(k, "parameters", t->params, path, err) &&
           checkpoint_get_params(k, "optimizer", t->optimizer->state, path, err);
}

/* The gradient of the total loss by the generator's output, first picture. */
static void log_gradient(trainer *t, runfile *file)
{
    nx_shape s = t->train.gradient->shape;
    float *values = nx_alloc(nx_shape_count(s) * sizeof(float));
    nx_plan_read(t->train.plan, t->train.gradient, values);
    runfile_array(file, "/debug/gradient", 3, (int[]){s.h, s.w, s.c}, values);
    free(values);
}

static bool save_model(const trainer *t, const char *path, nx_error *err)
{
    const float *mean = t->task.perceptual->vgg->mean;
    char *generator = config_text(t->task.c, "generator"), *network = config_get(t->task.c, "generator", "network"),
         *options = nx_format("[experiment]\npaper = %s\ntask = %s\n\n%s", t->task.paper->name,
                              t->texture ? "texture" : "train", generator);
    model m = {.network = network,
               .options = options,
               .input = {.order = "rgb", .scale = 1. / 255},
               .output = {.order = "rgb", .scale = 1, .mean = {(double)mean[0], (double)mean[1], (double)mean[2]}}};
    bool ok = model_save(path, &m, t->params, err);
    free(generator);
    free(options);
    free(network);
    return ok;
}

/* The losses of step `step`, before its update, and what goes with them. */
static bool log_step(trainer *t, runfile *file, uint64_t step, objective_values *v, nx_error *err)
{
    task_row r = {step, runfile_seconds(file)};
    objective_read(&t->train.objective, t->train.plan, v);
    if (!task_finite(&t->train.objective, v, "", step, err) || !task_sound(t->finite, step, err)) return false;
    task_log(file, &t->train.objective, v, "", r);
    runfile_metric(file, "learning_rate", 1, (int64_t)step, r.seconds, task_rate(t->task.c, step));
    if (!step && t->train.gradient) log_gradient(t, file);
    return true;
}

/* Steps from *step to the last, or until the user interrupts. */
static bool loop(task *base, runfile *file, const char *path, uint64_t *step, bool *done, task_result *result,
                 nx_error *err)
{
    (void)done;
    trainer *t = (trainer *)base;
    const config *c = t->task.c;
    uint64_t steps = (uint64_t)c->experiment.steps;
    double recent[50];
    size_t n = 0;
    float *pixels = t->texture ? NULL : nx_alloc(nx_shape_count(t->train.content->shape) * sizeof(float));
    char *model = path_beside(path, ".model.h5");
    objective_values v = {0};
    progress p = progress_begin((int64_t)*step, (int64_t)steps, c->log.every);
    /* A checkpoint, even of step 0, comes with the rows of that validation. */
    bool ok = runfile_checkpoint(file) ||
              validate(t, file, (task_row){0, runfile_seconds(file)}, c->log.images != 0, result, err);
    bool fed = (steps && *step == steps) || feed(t, *step, pixels, err);
    while (ok && *step < steps && !interrupt_wanted()) {
        if (!(ok = fed)) break;
        run_step(t, *step, task_rate(c, *step));
        fed = *step + 1 == steps || feed(t, *step + 1, pixels, err); /* while the device works */
        if (task_due(c->log.every, *step, steps - 1)) {
            ok = log_step(t, file, *step, &v, err);
            recent[n++ % 50] = (double)v.total;
        }
        if (!ok) break;
        ++*step;
        progress_step(&p, (int64_t)*step, (double)v.total);
        bool pictures = task_due(c->log.images, *step, steps);
        if (pictures || task_due(c->log.validation, *step, steps))
            ok = validate(t, file, (task_row){*step, runfile_seconds(file)}, pictures, result, err);
        if (ok && *step < steps && task_due(c->log.checkpoint, *step, steps))
            ok = runfile_save(file, take_checkpoint(base, *step), err);
        else if (ok && runfile_due(file))
            ok = runfile_save(file, NULL, err);
    }
    if (ok && !steps) {
        if (fed) run_step(t, 0, 0);
        ok = fed && log_step(t, file, 0, &v, err);
        recent[n++] = (double)v.total;
    }
    progress_end(&p);
    free(pixels);
    if (ok && steps && *step == steps) ok = save_model(t, model, err);
    free(model);
    size_t rows = n < 50 ? n : 50;
    for (size_t i = 0; i < rows; i++) result->loss = (i ? result->loss : 0) + recent[i] / (double)rows;
    return ok;
}

static nx_plan *plan(const task *base) { return ((const trainer *)base)->train.plan; }

const task_kind training = {.bytes = sizeof(trainer),
                            .remedy = "lower [data] batch or [generator] channels",
                            .open = open_inputs,
                            .close = close_all,
                            .sizes = sizes,
                            .measure = measure,
                            .print = print,
                            .prepare = prepare,
                            .restore = restore,
                            .take_checkpoint = take_checkpoint,
                            .loop = loop,
                            .plan = plan};
