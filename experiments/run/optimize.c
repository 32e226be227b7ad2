/* Optimisation of one picture: the picture is a parameter, trained by Adam or gradient descent as part of the graph, or
 * moved by L-BFGS between runs of it. */
#include "run/optimize.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/memory.h"
#include "run/interrupt.h"
#include "run/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool suits(const paper *p, nx_error *err)
{
    return !p->trains || nx_fail(err,
                                 "[experiment] task = optimize: the paper %s trains a generator; gatys and "
                                 "random_weights optimize a picture",
                                 p->name);
}

static void close_all(task *base)
{
    optimizer *t = (optimizer *)base;
    optimize_free_stage(&t->stage);
    nx_image_free(&t->content);
    nx_image_free(&t->init);
    nx_profile_free(&t->profile);
    free(t->content_balance);
    free(t->style_balance);
}

/* ---- memory ---- */

static void sizes(const task *t, int *now, int *multiple, int *most)
{
    *now = ((const optimizer *)t)->size;
    *multiple = 1;
    *most = TASK_MOST_SIZE;
}

/* The picture, moments or the history; rows and the learning rate; pictures of every stage. */
static task_stored stored_of(const optimizer *t, const stage *s)
{
    const config *c = t->task.c;
    uint64_t steps = (uint64_t)c->experiment.steps, first = optimize_first_step(t, t->stages - 1);
    steps = steps > first ? steps - first : 0;
    size_t numbers = nx_shape_count(s->picture->shape);
    task_stored out = {.numbers = numbers, .arrays = 1, .counters = 2, .rows = task_metrics(&s->objective) + 1};
    if (s->optimizer) {
        out.numbers += nx_params_numbers(s->optimizer->state, false);
        out.arrays += s->optimizer->state->count;
    } else if (c->log.keep_state) {
        size_t vectors = nx_lbfgs_vectors_after(steps, paper_lbfgs(c, t->task.perceptual->descriptor->mean));
        *(c->optimizer.history_precision == HISTORY_PRECISION_FLOAT32 ? &out.numbers : &out.short_numbers) +=
            vectors * numbers;
        out.arrays += vectors;
        out.counters += NX_LBFGS_NUMBERS;
    }
    for (int k = 0; k < t->stages; k++) {
        int height, width;
        optimize_shape(t, optimize_size(t, k), &height, &width);
        task_store_series(&out, c, k < t->stages - 1 ? (uint64_t)c->data.coarse_steps : steps,
                          (size_t)height * (size_t)width);
    }
    return out;
}

/* Of the device, beside the descriptor's, before there is a stage. */
static uint64_t bytes_before(optimizer *t, int size)
{
    const paper *paper = t->task.paper;
    nx_image picture = {0};
    optimize_shape(t, size, &picture.height, &picture.width);
    return !paper->bytes_before ? 0
                                : paper->bytes_before(t->task.perceptual, t->content.rgb ? &picture : NULL,
                                                      (t->stages - 1) * t->styles, t->styles);
}

static bool measure(task *base, int size, task_needs *out, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    stage s = {0};
    bool ok = optimize_record(t, &s, t->stages - 1, size, true, err);
    if (ok) {
        out->bytes[NX_MEMORY_PARAMETERS] = nx_params_bytes(s.params);
        out->bytes[NX_MEMORY_OPTIMIZER] =
            s.optimizer ? nx_params_bytes(s.optimizer->state)
                        : nx_lbfgs_bytes(nx_shape_count(s.picture->shape),
                                         paper_lbfgs(base->c, base->perceptual->descriptor->mean), &base->info);
        out->arena = nx_plan_bytes(s.plan);
        out->bytes[NX_MEMORY_ARENA] = out->arena + finite_check_bytes(s.finite);
        out->before = bytes_before(t, size);
        out->tensors = nx_plan_sum(s.plan);
        out->nodes = s.g->n_nodes;
        out->stored = stored_of(t, &s);
    }
    if (ok && base->listed) {
        nx_plan_programs(s.plan, base->listed);
        finite_check_programs(s.finite, base->listed);
        if (!s.optimizer)
            nx_lbfgs_programs(paper_lbfgs(base->c, base->perceptual->descriptor->mean), &base->info, base->listed);
    }
    optimize_free_stage(&s);
    return ok;
}

static bool print(task *base, nx_error *err)
{
    const optimizer *t = (const optimizer *)base;
    (void)err;
    for (int k = 0; k < t->stages; k++) {
        int height, width;
        optimize_shape(t, optimize_size(t, k), &height, &width);
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
    if (!checkpoint_get_counter(k, numbers[0].name, &values[0], path, NULL)) {
        nx_warn("%s was finished, and keeps no history of L-BFGS, which begins anew: [log] keep_state = true keeps it",
                path);
        return true;
    }
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

static void put_state(const task *base, checkpoint *k, uint64_t step, bool finished)
{
    const stage *s = &((const optimizer *)base)->stage;
    (void)step; /* the state says it all */
    perceptual_put_choice(base->perceptual, k);
    checkpoint_put_params(k, "parameters", s->params);
    if (s->optimizer) checkpoint_put_params(k, "optimizer", s->optimizer->state);
    if (s->lbfgs && (!finished || base->c->log.keep_state)) put_lbfgs(k, s);
}

static bool restore(optimizer *t, const checkpoint *k, const char *path, nx_error *err)
{
    uint64_t step;
    if (!checkpoint_get_counter(k, "step", &step, path, err) ||
        !optimize_enter(t, optimize_stage_at(t, step), true, err))
        return false;
    stage *s = &t->stage;
    return checkpoint_get_params(k, "parameters", s->params, path, err) &&
           (!s->optimizer || checkpoint_get_params(k, "optimizer", s->optimizer->state, path, err)) &&
           (!s->lbfgs || get_lbfgs(k, s, path, err));
}

/* What the paper does with the descriptor before. */
static bool ask_paper(optimizer *t, nx_error *err)
{
    const paper *paper = t->task.paper;
    perceptual_loss *p = t->task.perceptual;
    const nx_image *content = t->content.rgb ? &t->content : NULL;
    nx_image fitted = {0};
    if (content) {
        int height, width;
        optimize_shape(t, t->size, &height, &width);
        fitted = optimize_resized(content, height, width);
        content = &fitted;
    }
    bool ok = (!paper->choose || paper->choose(p, t->task.device, content, err)) &&
              (!paper->balance || paper->balance(p, t->task.device, content, (t->stages - 1) * t->styles, t->styles,
                                                 t->content_balance, t->style_balance, err));
    nx_image_free(&fitted);
    return ok;
}

static bool prepare(task *base, const checkpoint *k, const char *path, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    if (k) perceptual_get_choice(base->perceptual, k);
    if (!perceptual_prepare(base->perceptual, base->device, err) || !ask_paper(t, err)) return false;
    if (interrupt_wanted()) return true;
    if (k) return restore(t, k, path, err);
    if (!optimize_measure_pulls(t, err)) return false;
    return interrupt_wanted() || optimize_enter(t, 0, false, err);
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

static task_did step(task *base, uint64_t step, double rate, double *value, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    (void)err;
    if (!t->evaluated) {
        uint64_t of_stage = step - optimize_first_step(t, t->current) + 1;
        if (t->stage.optimizer) nx_optimizer_rate(t->stage.optimizer, t->stage.plan, of_stage, rate);
        *value = evaluate(&t->stage);
    }
    return TASK_DID;
}

/* With L-BFGS; the plan's run made any other already. */
static bool update(task *base, uint64_t step, double rate, double *value, const char **end, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    stage *s = &t->stage;
    if (!s->lbfgs) return true;
    nx_lbfgs_function f = {.x = s->picture, .gradient = s->gradient, .evaluate = evaluate, .context = s};
    nx_lbfgs_end why = nx_lbfgs_step(s->lbfgs, &f, value, rate);
    if (why == NX_LBFGS_MOVED) {
        t->evaluated = base->c->optimizer.line_search == LINE_SEARCH_WOLFE;
        return true;
    }
    *end = nx_lbfgs_end_text(why);
    objective_values v;
    objective_read(&s->objective, s->plan, &v);
    return rows_finite(&s->objective, &v, "", step, err) &&
           (why != NX_LBFGS_NOT_FINITE ||
            nx_fail(err,
                    "step %llu: the losses are finite, their gradient by the picture is not: lower the weights in "
                    "[loss]",
                    (unsigned long long)step));
}

static bool turns(const task *base, uint64_t step)
{
    const optimizer *t = (const optimizer *)base;
    return optimize_stage_at(t, step) != t->current;
}

static bool turn(task *base, uint64_t step, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    t->evaluated = false;
    return optimize_enter(t, optimize_stage_at(t, step), false, err);
}

static task_graph graph(const task *base)
{
    const stage *s = &((const optimizer *)base)->stage;
    return (task_graph){s->plan, &s->objective, s->finite, s->gradient};
}

/* The picture into the run file, by the name of its size before the last stage, and beside it. */
static task_did look(task *base, runfile *file, task_row row, bool pictures, nx_error *err)
{
    const optimizer *t = (const optimizer *)base;
    const stage *s = &t->stage;
    if (!pictures) return TASK_DID;
    nx_image image = optimize_picture(s);
    size_t pixels = (size_t)s->height * (size_t)s->width;
    uint8_t *bytes = task_bytes_of(image.rgb, base->perceptual->descriptor->mean, pixels);
    char name[32] = "picture";
    if (t->current < t->stages - 1) snprintf(name, sizeof name, "picture%d", optimize_size(t, t->current));
    runfile_profile(file, &t->profile);
    bool ok = runfile_image(file, name, (int64_t)row.step, s->height, s->width, bytes, err);
    for (size_t i = 0; i < 3 * pixels; i++) image.rgb[i] = bytes[i];
    ok = ok && runfile_picture(file, &image, err);
    free(bytes);
    nx_image_free(&image);
    return ok ? TASK_DID : TASK_BROKEN;
}

/* How far the picture is from where it began, in grey levels: a root mean square. */
static double moved(const optimizer *t)
{
    const stage *s = &t->stage;
    int height, width;
    optimize_shape(t, optimize_size(t, 0), &height, &width);
    nx_image first = optimize_initial(t, height, width), start = optimize_resized(&first, s->height, s->width),
             now = optimize_picture(s);
    size_t count = (size_t)s->height * (size_t)s->width * 3;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)now.rgb[i] - (double)start.rgb[i];
        sum += d * d;
    }
    nx_image_free(&first);
    nx_image_free(&start);
    nx_image_free(&now);
    return sqrt(sum / (double)count);
}

#define UNSEEN    2.   /* grey levels that nobody sees */
#define UNCHANGED 0.99 /* of the first loss */
enum { FEW_STEPS = 10 };

/* A picture that stays what it was, or a loss that does. Where the loss falls and the picture stays, what it falls by
 * is in a few pixels: a channel that hardly ever fires, scaled up as if it always did, outweighs every other. */
static char *doubt(const task *base, double first, double last)
{
    const optimizer *t = (const optimizer *)base;
    const config *c = base->c;
    bool known = t->stages == 1 && isfinite(first); /* of coarser pictures a loss is another */
    if (c->experiment.steps < FEW_STEPS) return NULL;
    double far = moved(t);
    if (far < UNSEEN && known && last < first / 2)
        return nx_format(
            "the picture hardly changed, by %.2g grey levels, while its loss fell from %.3g to %.3g: a few "
            "pixels decide it: look at the scale of the descriptor's channels (nstx weights verify FILE)",
            far, first, last);
    if (far < UNSEEN)
        return nx_format("the picture hardly changed, by %.2g grey levels in %d steps: %s", far, c->experiment.steps,
                         c->optimizer.method == METHOD_LBFGS
                             ? "look at the weights in [loss], and at the scale of the descriptor's (nstx weights "
                               "verify FILE)"
                             : "raise [optimizer] learning_rate or take more steps");
    if (known && last > UNCHANGED * first)
        return nx_format("the loss hardly fell, from %.3g to %.3g: %s", first, last,
                         c->optimizer.method != METHOD_LBFGS            ? "lower [optimizer] learning_rate"
                         : c->optimizer.line_search == LINE_SEARCH_NONE ? "optimizer.line_search = wolfe may help"
                                                                        : "look at the weights in [loss]");
    return NULL;
}

const task_kind optimization = {.bytes = sizeof(optimizer),
                                .suits = suits,
                                .open = optimize_open_inputs,
                                .close = close_all,
                                .remedy = "lower [optimizer] history, or choose shallower layers",
                                .sizes = sizes,
                                .measure = measure,
                                .print = print,
                                .adam_rate = 10, /* a picture's numbers are larger than a network's */
                                .rows_of_loss = 1,
                                .closes = true,
                                .prepare = prepare,
                                .step = step,
                                .update = update,
                                .turns = turns,
                                .turn = turn,
                                .doubt = doubt,
                                .graph = graph,
                                .look = look,
                                .put_state = put_state};
