/* Optimisation of one picture: the picture is a parameter, trained by Adam or gradient descent as part of the graph, or
 * moved by L-BFGS between runs of it.
 *
 * Coarse to fine is a row of stages, each with a graph of its own. What a stage starts from is a function of the config
 * and of the picture before, so a run that resumes needs the picture and the optimiser's state alone.
 */
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "device/memory.h"
#include "graph/recompute.h"
#include "nn/lbfgs.h"
#include "nn/optimizer.h"
#include "run/interrupt.h"
#include "run/progress.h"
#include "run/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first step moves some pixel by a quarter: single precision at 255 has steps of 1.5e-5, and the first change of
 * the gradient has to tell something about its curvature. */
nx_lbfgs_options paper_lbfgs(const config *c)
{
    return (nx_lbfgs_options){.history = c->optimizer.history,
                              .float32 = c->optimizer.history_precision == HISTORY_PRECISION_FLOAT32,
                              .wolfe = c->optimizer.line_search == LINE_SEARCH_WOLFE,
                              .first = .25f,
                              .longest = (float)c->optimizer.longest_step};
}

/* The graph of one size. */
typedef struct stage {
    int height, width;
    nx_graph *g;
    nx_plan *plan;
    nx_params *params;
    nx_param *picture;   /* RGB from 0 to 255 minus the descriptor's mean */
    nx_tensor *gradient; /* of the total by the picture; NULL where nothing asks for it */
    objective objective;
    nx_optimizer *optimizer; /* one of the two */
    nx_lbfgs *lbfgs;
    finite_check *finite; /* of the picture and the optimizer's state */
} stage;

typedef struct optimizer {
    task task;
    nx_image content, init; /* empty: none */
    double frame;           /* height over width */
    int size, own_style;    /* of the longer side: of the picture, of the style if it has no size of its own */
    int styles;             /* pictures of each stage */
    int stages;             /* the coarse ones and the last */
    int current;
    stage stage;
    double *content_balance, *style_balance;
    checkpoint *last; /* of the last step, from before its evaluation */
    bool logged;      /* the row of the newest checkpoint's step is in the log */
} optimizer;

/* ---- sizes ---- */

static int size_of_stage(const optimizer *t, int k)
{
    return k < t->stages - 1 ? (int)t->task.c->data.coarse.items[k] : t->size;
}

/* The stage that makes the update after `step`. */
static int stage_at(const optimizer *t, uint64_t step)
{
    uint64_t k = step / (uint64_t)t->task.c->data.coarse_steps;
    return k < (uint64_t)t->stages - 1 ? (int)k : t->stages - 1;
}

static uint64_t first_step(const optimizer *t, int k) { return (uint64_t)k * (uint64_t)t->task.c->data.coarse_steps; }

static void shape_for(const optimizer *t, int size, int *height, int *width)
{
    *height = t->frame > 1 ? size : (int)lround(size * t->frame);
    *width = t->frame > 1 ? (int)lround(size / t->frame) : size;
    if (*height < 1) *height = 1;
    if (*width < 1) *width = 1;
}

static int longer(int height, int width) { return height > width ? height : width; }

static nx_image resized(const nx_image *image, int height, int width)
{
    if (image->height != height || image->width != width) return nx_image_resize(image, height, width, NX_BICUBIC);
    nx_image same = nx_image_new(height, width);
    memcpy(same.rgb, image->rgb, (size_t)height * (size_t)width * 3 * sizeof(float));
    return same;
}

/* ---- inputs ---- */

static bool read_pictures(optimizer *t, nx_error *err)
{
    const config *c = t->task.c;
    int height, width;
    bool file = strcmp(c->data.init, "noise") && strcmp(c->data.init, "content") && strcmp(c->data.init, "style");
    if (c->data.content.count > 1)
        return nx_fail(err, "[data] content: one picture is optimized at a time, and %d are named",
                       c->data.content.count);
    if (c->data.content.count && !nx_image_load(&t->content, c->data.content.items[0], err)) return false;
    if (file && !nx_image_load(&t->init, c->data.init, err)) return false;
    if (!c->data.content.count && !*c->data.style)
        return nx_fail(err, "[data] has neither content nor style: nothing to compare the picture with");
    if (!c->data.content.count && !strcmp(c->data.init, "content"))
        return nx_fail(err, "[data] init = content, and there is no content");
    if (!*c->data.style && !strcmp(c->data.init, "style"))
        return nx_fail(err, "[data] init = style, and there is no style");
    if (!*c->data.style && c->data.more_styles.count)
        return nx_fail(err, "[data] more_styles: the first style picture goes into style");
    if (*c->data.style && !nx_image_size(c->data.style, &height, &width, err)) return false;
    if (*c->data.style) t->own_style = longer(height, width);
    if (t->content.rgb) height = t->content.height, width = t->content.width;
    t->frame = (double)height / width;
    t->size = c->data.size;
    if (!t->size) t->size = !t->content.rgb && c->data.style_size ? c->data.style_size : longer(height, width);
    return true;
}

static bool check_stages(optimizer *t, nx_error *err)
{
    const config *c = t->task.c;
    uint64_t steps = (uint64_t)c->experiment.steps, coarse = first_step(t, c->data.coarse.count);
    if (c->data.coarse.mean) return nx_fail(err, "[data] coarse = mean: sizes were expected, such as 128 256");
    t->stages = c->data.coarse.count + 1;
    for (int k = 0; k < t->stages - 1; k++)
        if (size_of_stage(t, k) >= size_of_stage(t, k + 1))
            return nx_fail(err, "[data] coarse: sizes grow up to that of the picture, and %d comes before %d",
                           size_of_stage(t, k), size_of_stage(t, k + 1));
    return !steps || steps > coarse ||
           nx_fail(err,
                   "[experiment] steps = %d: the coarse sizes alone take %llu ([data] coarse_steps), the last one "
                   "needs some more",
                   c->experiment.steps, (unsigned long long)coarse);
}

/* The style pictures of every stage, as large beside the picture as in the last one. */
static bool open_perception(optimizer *t, nx_error *err)
{
    const config *c = t->task.c;
    perceptual_style styles[PERCEPTUAL_STYLES];
    int n = t->styles = *c->data.style ? 1 + c->data.more_styles.count : 0, shares = c->loss.style_shares.count;
    if (n * t->stages > PERCEPTUAL_STYLES)
        return nx_fail(err, "[data] %d style pictures at %d sizes are more than %d", n, t->stages, PERCEPTUAL_STYLES);
    if (shares && shares != n) return nx_fail(err, "[loss] style_shares: %d numbers for %d style pictures", shares, n);
    for (int k = 0; k < t->stages; k++)
        for (int i = 0; i < n; i++) {
            const char *path = i ? c->data.more_styles.items[i - 1] : c->data.style;
            int size = c->data.style_size, height, width;
            if (!size && !nx_image_size(path, &height, &width, err)) return false;
            if (!size) size = longer(height, width);
            size = (int)lround((double)size * size_of_stage(t, k) / t->size);
            styles[k * n + i] = (perceptual_style){.path = path, .size = size > 1 ? size : 1};
        }
    return perceptual_new(&t->task.perceptual, c, &t->task.info, styles, n * t->stages, err);
}

static double *ones(int count)
{
    double *out = nx_alloc((size_t)(count + 1) * sizeof *out);
    for (int i = 0; i < count; i++) out[i] = 1;
    return out;
}

static bool open_inputs(task *base, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    const config *c = base->c;
    if (!read_pictures(t, err) || !check_stages(t, err) || !open_perception(t, err)) return false;
    t->content_balance = ones(c->descriptor.content_layers.count);
    t->style_balance = ones(t->styles * c->descriptor.style_layers.count);
    bool content = t->content.rgb && c->descriptor.content_layers.count,
         style = t->styles && c->descriptor.style_layers.count;
    return content || style ||
           nx_fail(err, "[descriptor] %s: nothing to compare the picture with",
                   t->content.rgb ? "content_layers is empty" : "style_layers is empty");
}

/* ---- a stage ---- */

/* dry: for the plan's size alone, whatever the content's values. */
static bool record(optimizer *t, stage *s, int k, int size, bool dry, nx_error *err)
{
    const config *c = t->task.c;
    shape_for(t, size, &s->height, &s->width);
    nx_graph *g = s->g = nx_graph_new(&t->task.info);
    nx_shape shape = {1, s->height, s->width, 3};
    s->params = nx_params_new();
    s->picture = nx_param_add(s->params, "picture", shape, 4);
    nx_tensor *x = nx_use(g, s->picture);
    picture_loss j = {.output = x,
                      .style = t->styles ? k * t->styles : -1,
                      .styles = t->styles,
                      .weight = 1,
                      .prefix = "",
                      .content_balance = t->content_balance,
                      .style_balance = t->style_balance};
    if (t->content.rgb && c->descriptor.content_layers.count) {
        nx_image content = dry ? (nx_image){0} : resized(&t->content, s->height, s->width);
        j.content = nx_constant(g, shape, content.rgb);
        nx_image_free(&content);
    }
    if (!perceptual_record(t->task.perceptual, g, &j, &s->objective, err)) return false;
    objective_total(&s->objective, g);
    nx_optimizer_options options = {.method = c->optimizer.method == METHOD_SGD ? NX_OPTIMIZER_SGD : NX_OPTIMIZER_ADAM,
                                    .beta1 = (float)c->optimizer.beta1,
                                    .beta2 = (float)c->optimizer.beta2,
                                    .epsilon = (float)c->optimizer.epsilon};
    bool lbfgs = c->optimizer.method == METHOD_LBFGS;
    if (lbfgs || c->log.debug) {
        nx_gradient(g, s->objective.total, &x, 1, &s->gradient);
        nx_keep(s->gradient);
    }
    if (lbfgs)
        s->lbfgs = nx_lbfgs_new(nx_shape_count(shape), paper_lbfgs(c));
    else
        s->optimizer = nx_optimizer_new(g, s->objective.total, s->params, options);
    nx_recompute(g, t->task.recompute);
    const nx_params *stores[] = {s->params, s->optimizer ? s->optimizer->state : NULL};
    return nx_plan_new(&s->plan, g, err) && finite_check_new(&s->finite, &t->task.info, stores, 2, err);
}

static void free_stage(stage *s)
{
    finite_check_free(s->finite);
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
    nx_lbfgs_free(s->lbfgs);
    nx_optimizer_free(s->optimizer);
    nx_params_free(s->params);
    *s = (stage){0};
}

/* The picture, height x width x 3. Owned by the caller. */
static nx_image read_picture(const stage *s)
{
    nx_image image = nx_image_new(s->height, s->width);
    nx_buffer_read(s->picture->device, s->picture->buffer, image.rgb,
                   nx_shape_count(s->picture->shape) * sizeof(float));
    return image;
}

/* What the first stage starts from. Owned by the caller. */
static nx_image initial(const optimizer *t, int height, int width)
{
    const config *c = t->task.c;
    if (!strcmp(c->data.init, "noise")) {
        nx_image noise = nx_image_new(height, width);
        nx_rng rng = nx_rng_new((uint64_t)c->experiment.seed, nx_stream("picture"));
        for (size_t i = 0; i < (size_t)height * (size_t)width * 3; i++)
            noise.rgb[i] = (float)c->data.init_noise * nx_rng_normal(&rng);
        return noise;
    }
    const nx_image *from = !strcmp(c->data.init, "content") ? &t->content
                           : !strcmp(c->data.init, "style") ? &t->task.perceptual->style[0]
                                                            : &t->init;
    nx_image image = resized(from, height, width);
    for (size_t i = 0; i < (size_t)height * (size_t)width * 3; i++)
        image.rgb[i] -= t->task.perceptual->vgg->mean[i % 3];
    return image;
}

/* Replaces the stage, if there is one, by the k-th, which goes on from its picture. */
static bool enter(optimizer *t, int k, nx_error *err)
{
    int height, width;
    stage *s = &t->stage;
    nx_image start = {0};
    shape_for(t, size_of_stage(t, k), &height, &width);
    if (s->plan) {
        nx_image before = read_picture(s);
        start = resized(&before, height, width);
        nx_image_free(&before);
    }
    free_stage(s);
    if (!start.rgb) start = initial(t, height, width);
    t->current = k;
    bool ok = record(t, s, k, size_of_stage(t, k), false, err);
    if (ok) {
        memcpy(s->picture->initial, start.rgb, nx_shape_count(s->picture->shape) * sizeof(float));
        nx_params_realize(s->params, t->task.device);
        if (s->optimizer) nx_params_realize(s->optimizer->state, t->task.device);
        if (s->lbfgs) nx_lbfgs_realize(s->lbfgs, t->task.device);
        nx_plan_realize(s->plan, t->task.device);
        finite_check_realize(s->finite, t->task.device);
    }
    nx_image_free(&start);
    return ok;
}

static void close_all(task *base)
{
    optimizer *t = (optimizer *)base;
    free_stage(&t->stage);
    nx_image_free(&t->content);
    nx_image_free(&t->init);
    free(t->content_balance);
    free(t->style_balance);
    checkpoint_free(t->last);
}

/* ---- memory ---- */

static void sizes(const task *t, int *now, int *multiple, int *most)
{
    *now = ((const optimizer *)t)->size;
    *multiple = 1;
    *most = TASK_MOST_SIZE;
}

static bool measure(task *base, int size, task_needs *out, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    stage s = {0};
    bool ok = record(t, &s, t->stages - 1, size, true, err);
    if (ok) {
        out->bytes[NX_MEMORY_PARAMETERS] = nx_params_bytes(s.params);
        out->bytes[NX_MEMORY_OPTIMIZER] =
            s.optimizer ? nx_params_bytes(s.optimizer->state)
                        : nx_lbfgs_bytes(nx_shape_count(s.picture->shape), paper_lbfgs(base->c), &base->info);
        out->arena = nx_plan_bytes(s.plan);
        out->bytes[NX_MEMORY_ARENA] = out->arena + finite_check_bytes(s.finite);
        out->tensors = nx_plan_sum(s.plan);
        out->nodes = s.g->n_nodes;
    }
    free_stage(&s);
    return ok;
}

static bool print(task *base, nx_error *err)
{
    const optimizer *t = (const optimizer *)base;
    (void)err;
    for (int k = 0; k < t->stages; k++) {
        int height, width;
        shape_for(t, size_of_stage(t, k), &height, &width);
        printf("picture   %d x %d", width, height);
        for (int i = 0; i < t->styles; i++) {
            const nx_image *style = &base->perceptual->style[k * t->styles + i];
            printf("%s%d x %d", i ? ", " : ", style ", style->width, style->height);
        }
        if (k < t->stages - 1) printf(", %d steps", base->c->data.coarse_steps);
        printf("\n");
    }
    return true;
}

/* ---- checkpoints ---- */

static bool prepare(task *base, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    const paper *paper = base->paper;
    const nx_image *content = t->content.rgb ? &t->content : NULL;
    nx_image fitted = {0};
    if (content) {
        int height, width;
        shape_for(t, t->size, &height, &width);
        fitted = resized(content, height, width);
        content = &fitted;
    }
    bool ok = (!paper->choose || paper->choose(base->perceptual, base->device, content, err)) &&
              (!paper->balance || paper->balance(base->perceptual, base->device, content, (t->stages - 1) * t->styles,
                                                 t->styles, t->content_balance, t->style_balance, err));
    nx_image_free(&fitted);
    return ok && enter(t, 0, err);
}

static void put_lbfgs(checkpoint *k, const stage *s)
{
    nx_lbfgs_number numbers[NX_LBFGS_NUMBERS];
    float *values = nx_alloc(nx_shape_count(s->picture->shape) * sizeof *values);
    int dims[] = {s->height, s->width, 3};
    nx_lbfgs_numbers(s->lbfgs, numbers);
    for (int i = 0; i < NX_LBFGS_NUMBERS; i++) checkpoint_put_counter(k, numbers[i].name, numbers[i].value);
    for (size_t i = 0; i < nx_lbfgs_vectors(s->lbfgs); i++) {
        char *name = nx_format("optimizer/lbfgs/%zu", i);
        nx_lbfgs_read(s->lbfgs, i, values);
        checkpoint_put_array(k, name, 3, dims, values);
        free(name);
    }
    free(values);
}

static bool get_lbfgs(const checkpoint *k, stage *s, const char *path, nx_error *err)
{
    nx_lbfgs_number numbers[NX_LBFGS_NUMBERS];
    uint64_t values[NX_LBFGS_NUMBERS];
    nx_lbfgs_numbers(s->lbfgs, numbers);
    for (int i = 0; i < NX_LBFGS_NUMBERS; i++)
        if (!checkpoint_get_counter(k, numbers[i].name, &values[i], path, err)) return false;
    if (!nx_lbfgs_set_numbers(s->lbfgs, values))
        return nx_fail(err, "%s: the state of L-BFGS in it belongs to another [optimizer] history", path);
    for (size_t i = 0; i < nx_lbfgs_vectors(s->lbfgs); i++) {
        char *name = nx_format("optimizer/lbfgs/%zu", i);
        const checkpoint_array *a = checkpoint_find(k, name);
        bool ok = a && a->rank == 3 && a->dims[0] == s->height && a->dims[1] == s->width && a->dims[2] == 3;
        if (!ok) nx_fail(err, "%s: there is no %s of %d x %d x 3 in it", path, name, s->height, s->width);
        if (ok) nx_lbfgs_write(s->lbfgs, i, a->values);
        free(name);
        if (!ok) return false;
    }
    nx_lbfgs_restored(s->lbfgs);
    return true;
}

static checkpoint *state_at(const optimizer *t, uint64_t step, bool logged)
{
    const stage *s = &t->stage;
    checkpoint *k = checkpoint_new();
    checkpoint_put_params(k, "parameters", s->params);
    if (s->optimizer) checkpoint_put_params(k, "optimizer", s->optimizer->state);
    if (s->lbfgs) put_lbfgs(k, s);
    checkpoint_put_counter(k, "step", step);
    checkpoint_put_counter(k, "logged", logged);
    return k;
}

static checkpoint *take_checkpoint(task *base, uint64_t step)
{
    optimizer *t = (optimizer *)base;
    checkpoint *k = t->last ? t->last : state_at(t, step, false);
    t->last = NULL;
    return k;
}

static bool restore(task *base, const checkpoint *k, const char *path, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    uint64_t step, logged;
    if (!checkpoint_get_counter(k, "step", &step, path, err) ||
        !checkpoint_get_counter(k, "logged", &logged, path, err))
        return false;
    t->logged = logged;
    if (stage_at(t, step) && !enter(t, stage_at(t, step), err)) return false;
    stage *s = &t->stage;
    return checkpoint_get_params(k, "parameters", s->params, path, err) &&
           (!s->optimizer || checkpoint_get_params(k, "optimizer", s->optimizer->state, path, err)) &&
           (!s->lbfgs || get_lbfgs(k, s, path, err));
}

/* ---- steps ---- */

static double evaluate(void *context)
{
    stage *s = context;
    float total;
    nx_plan_run(s->plan);
    nx_plan_read(s->plan, s->objective.total, &total);
    return (double)total;
}

/* The losses of the picture before update `step`, as the plan computed them last. */
static bool log_step(optimizer *t, runfile *file, uint64_t step, task_result *result, nx_error *err)
{
    stage *s = &t->stage;
    objective_values v;
    task_row r = {step, runfile_seconds(file)};
    objective_read(&s->objective, s->plan, &v);
    if (!task_finite(&s->objective, &v, "", step, err) || !task_sound(s->finite, step, err)) return false;
    task_log(file, &s->objective, &v, "", r);
    runfile_metric(file, "learning_rate", 1, (int64_t)step, r.seconds, task_rate(t->task.c, step));
    result->loss = (double)v.total;
    result->content = v.sum[OBJECTIVE_CONTENT];
    result->style = v.sum[OBJECTIVE_STYLE];
    if (!step && t->task.c->log.debug) {
        float *values = nx_alloc(nx_shape_count(s->gradient->shape) * sizeof(float));
        nx_plan_read(s->plan, s->gradient, values);
        runfile_array(file, "/debug/gradient", 3, (int[]){s->height, s->width, 3}, values);
        free(values);
    }
    return true;
}

/* The picture into the run file, by the name of its size before the last stage, and beside it. */
static bool log_picture(optimizer *t, runfile *file, uint64_t step, nx_error *err)
{
    const stage *s = &t->stage;
    const float *mean = t->task.perceptual->vgg->mean;
    nx_image image = read_picture(s);
    size_t pixels = (size_t)s->height * (size_t)s->width;
    uint8_t *bytes = task_bytes_of(image.rgb, mean, pixels);
    char name[32] = "picture";
    if (t->current < t->stages - 1) snprintf(name, sizeof name, "picture%d", size_of_stage(t, t->current));
    runfile_image(file, name, (int64_t)step, s->height, s->width, bytes);
    for (size_t i = 0; i < 3 * pixels; i++) image.rgb[i] = bytes[i];
    bool ok = runfile_picture(file, &image, err);
    free(bytes);
    nx_image_free(&image);
    return ok;
}

/* An update with L-BFGS, or the one that the plan's run made already. *end says why there was none. */
static bool update(optimizer *t, runfile *file, uint64_t step, double *value, const char **end, nx_error *err)
{
    stage *s = &t->stage;
    if (!s->lbfgs) return true;
    nx_lbfgs_function f = {.x = s->picture, .gradient = s->gradient, .evaluate = evaluate, .context = s};
    nx_lbfgs_end why = nx_lbfgs_step(s->lbfgs, &f, value, task_rate(t->task.c, step));
    if (why == NX_LBFGS_MOVED) return true;
    *end = nx_lbfgs_end_text(why);
    objective_values v;
    objective_read(&s->objective, s->plan, &v);
    if (!task_finite(&s->objective, &v, "", step, err)) return false;
    if (why == NX_LBFGS_NOT_FINITE)
        return nx_fail(err,
                       "step %llu: the losses are finite, their gradient by the picture is not: lower the weights "
                       "in [loss]",
                       (unsigned long long)step);
    nx_info("ended at step %llu: %s", (unsigned long long)step, *end);
    runfile_set_text(file, "/", "ended", *end);
    return true;
}

static bool loop(task *base, runfile *file, const char *path, uint64_t *step, bool *done, task_result *result,
                 nx_error *err)
{
    (void)path; /* the picture is all there is beside the run file, and the run file's */
    optimizer *t = (optimizer *)base;
    const config *c = base->c;
    uint64_t steps = (uint64_t)c->experiment.steps;
    bool wolfe = c->optimizer.method == METHOD_LBFGS && c->optimizer.line_search == LINE_SEARCH_WOLFE;
    bool known = false, logged = t->logged; /* the value, at *step; its row */
    bool ok = runfile_checkpoint(file) || !c->log.images || log_picture(t, file, 0, err);
    double value = NAN;
    const char *end = NULL;
    progress p = progress_begin((int64_t)*step, (int64_t)steps, c->log.every);
    while (ok && !interrupt_wanted()) {
        bool last = *step == steps;
        if (last && steps) t->last = state_at(t, *step, true);
        if (!known) {
            double rate = last ? 0 : task_rate(c, *step);
            uint64_t t_of_stage = *step - first_step(t, t->current) + 1;
            if (t->stage.optimizer) nx_optimizer_rate(t->stage.optimizer, t->stage.plan, t_of_stage, rate);
            value = evaluate(&t->stage);
        }
        if (!logged && task_due(c->log.every, *step, steps)) {
            ok = log_step(t, file, *step, result, err);
            logged = true;
        }
        if (!ok || last) break;
        ok = update(t, file, *step, &value, &end, err);
        if (!ok || end) break;
        known = wolfe;
        logged = false;
        ++*step;
        progress_step(&p, (int64_t)*step, value);
        bool moves = *step < steps && stage_at(t, *step) != t->current;
        if (moves || (*step < steps && task_due(c->log.images, *step, steps))) ok = log_picture(t, file, *step, err);
        if (ok && moves) {
            ok = enter(t, stage_at(t, *step), err);
            known = false;
        }
        if (ok && *step < steps && task_due(c->log.checkpoint, *step, steps))
            ok = runfile_save(file, state_at(t, *step, false), err);
        else if (ok && runfile_due(file))
            ok = runfile_save(file, NULL, err);
    }
    progress_end(&p);
    if (ok && end) {
        *done = true;
        if (!logged) ok = log_step(t, file, *step, result, err);
        t->last = state_at(t, *step, true);
    }
    if (ok && (end || *step == steps)) ok = log_picture(t, file, *step, err);
    return ok;
}

static nx_plan *plan(const task *base) { return ((const optimizer *)base)->stage.plan; }

const task_kind optimization = {.bytes = sizeof(optimizer),
                                .remedy = "lower [optimizer] history, or choose shallower layers",
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
