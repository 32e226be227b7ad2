/* Training of a generator: the losses of the pictures that it makes. */
#include "run/generator_training.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/made.h"
#include "config/sweep_points.h"
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

/* ---- recording ---- */

/* The generator, the descriptor on what it makes, and the losses. */
static bool record(trainer *base, side *s, nx_params *params, int size, nx_error *err)
{
    generator_training *t = (generator_training *)base;
    const config *c = base->task.c;
    nx_graph *g = s->g;
    nx_scope scope = train_scope(base, s, params);
    picture_loss losses[PAPER_STAGES];
    generator_pictures_before *before = s->own = nx_alloc(sizeof *before);
    s->random = nx_input(g, NX_RANDOM_STATE, "random");
    nx_graph_label(g, "generator");
    generator_inputs in = {.shape = {s->batch, size, size, 3}, .content = s->content, .random = s->random};
    int stages = paper_generate(base->task.paper, c, &scope, &in, losses);
    s->output = nx_keep(losses[stages - 1].output);
    before->count = s->training ? 0 : stages - 1;
    for (int k = 0; k < before->count; k++) before->picture[k] = nx_keep(losses[k].output);
    nx_graph_label(g, NULL);
    int ratios = c->loss.stage_style_ratios.count;
    if (ratios && ratios != stages)
        return nx_fail(err, "[loss] stage_style_ratios: %d numbers, and the generator makes %d pictures", ratios,
                       stages);
    for (int i = 0; i < stages; i++) {
        picture_loss *j = &losses[i];
        j->style_ratio = t->balance[i];
        if (!(t->balance[i] > 0)) j->style = -1;
        if (!perceptual_record(base->task.perceptual, g, j, &s->objective, err)) return false;
    }
    if (s->batch > 1) objective_entropy(&s->objective, g, c, s->output);
    return true;
}

/* Pictures of contents, of outputs and of those on the way. */
static void store(const trainer *base, const nx_params *params, const side *valid, task_stored *s)
{
    const generator_training *t = (const generator_training *)base;
    const config *c = base->task.c;
    uint64_t steps = (uint64_t)c->experiment.steps;
    size_t pixels = (size_t)c->data.size * (size_t)c->data.size;
    (void)params;
    if (!valid->plan) return;
    const generator_pictures_before *before = valid->own;
    s->looks += t->texture ? 2 : 0;
    for (int n = 0; n < generator_shown(&base->task); n++) {
        if (!t->texture && c->log.images) task_store_series(s, c, 0, pixels);
        task_store_series(s, c, steps, pixels);
        for (int k = 0; k < before->count; k++) {
            nx_shape shape = before->picture[k]->shape;
            task_store_series(s, c, steps, (size_t)shape.h * (size_t)shape.w);
        }
    }
}

/* ---- pictures ---- */

/* Diversity is what noise alone changes, so the batch is its first picture again and again. */
static void repeat_picture(const trainer *t, float *pixels)
{
    size_t numbers = (size_t)t->task.c->data.size * (size_t)t->task.c->data.size * 3;
    for (int n = 1; n < t->task.c->data.batch; n++)
        memcpy(pixels + (size_t)n * numbers, pixels, numbers * sizeof *pixels);
}

static void alter(const trainer *t, uint64_t step, float *pixels)
{
    train_change_contrast(t, step, pixels);
    if (t->task.c->loss.diversity > 0) repeat_picture(t, pixels);
}

/* ---- what it reads ---- */

static bool check(const generator_training *t, nx_error *err)
{
    const config *c = t->trainer.task.c;
    if (!train_check_crops(c, 256, err)) return false;
    const generator_network *network = generator_network_of(c);
    int multiple = network->multiple(c), side = generator_multiple(c, c->data.size);
    if (network->one_size && c->data.size != multiple)
        return nx_fail(err,
                       "[data] size = %d: this generator makes pictures of %d alone: size = %d, or another "
                       "[generator] scales",
                       c->data.size, multiple, multiple);
    if (c->data.size % multiple)
        return nx_fail(err, "[data] size = %d: the generator takes multiples of %d, such as %d", c->data.size, multiple,
                       side);
    if (c->data.size < side)
        return nx_fail(err, "[data] size = %d: the generator's padding takes pictures of at least %d pixels a side",
                       c->data.size, side);
    if (generator_asks_for_balance(c) &&
        (t->texture || !c->descriptor.content_layers.count || !c->descriptor.style_layers.count ||
         !(c->loss.content_weight > 0 && c->loss.style_weight > 0)))
        return nx_fail(err, "[loss] stage_style_ratios weighs style against content: it needs both");
    return !(c->loss.diversity > 0) || c->data.batch > 1 ||
           nx_fail(err, "[loss] diversity compares outputs of one batch: it needs [data] batch of 2 or more");
}

/* What is trained, but for its network's name and options. */
static model description(const task *base)
{
    const float *mean = base->perceptual->descriptor->mean;
    return (model){.input = model_input(base->c),
                   .output = {.order = "rgb", .scale = 1, .mean = {(double)mean[0], (double)mean[1], (double)mean[2]}}};
}

static bool open_start(generator_training *t, nx_error *err)
{
    model like = description(&t->trainer.task);
    return train_open_start(&t->trainer, "generator", &like, err);
}

static const train_subject subject = {.record = record, .alter = alter, .store = store};

static bool open_inputs(task *base, nx_error *err)
{
    generator_training *t = (generator_training *)base;
    trainer *r = &t->trainer;
    const config *c = base->c;
    perceptual_style styles[PERCEPTUAL_STYLES];
    t->texture = c->experiment.task == TASK_TEXTURE;
    r->subject = &subject;
    r->params = nx_params_new();
    if (t->texture) r->samples = c->data.validation_count;
    for (int k = 0; k < PAPER_STAGES; k++) t->balance[k] = 1;
    return check(t, err) && config_need(c, "data", "style", err) && made_of_config(c, err) &&
           (t->texture || train_read_pictures(r, err)) &&
           perceptual_new(&base->perceptual, c, &base->info, styles, base->paper->styles(c, styles), err) &&
           open_start(t, err) && train_check_size(r, err) && (t->texture || train_open_pictures(r, err));
}

/* ---- memory ---- */

static void sizes(const task *t, int *now, int *multiple, int *most)
{
    *now = t->c->data.size;
    const generator_network *network = generator_network_of(t->c);
    *multiple = network->multiple(t->c);
    *most = network->one_size ? *multiple : TASK_MOST_SIZE;
}

static bool print(task *base, nx_error *err)
{
    generator_training *t = (generator_training *)base;
    trainer *r = &t->trainer;
    const config *c = base->c;
    side train = {0};
    nx_params *params = nx_params_new();
    bool ok = train_record(r, &train, params, c->data.size, c->data.batch, true, err);
    if (ok) {
        nx_shape out = train.output->shape;
        train_print_pictures(r);
        for (int i = 0; i < base->perceptual->styles; i++)
            printf("style     %d x %d\n", base->perceptual->style[i].width, base->perceptual->style[i].height);
        printf("output    %d x %d x %d x %d\n", out.n, out.h, out.w, out.c);
        task_print_params("generator", params);
        printf("  of them trained: %zu\n", nx_params_numbers(params, true));
    }
    train_free_side(&train);
    nx_params_free(params);
    return ok;
}

/* ---- how it runs ---- */

static bool prepare(task *base, const checkpoint *k, const char *path, nx_error *err)
{
    if (!perceptual_prepare(base->perceptual, base->device, err)) return false;
    if (interrupt_wanted()) return true;
    if (!generator_set_balance((generator_training *)base, !k, err)) return false;
    return interrupt_wanted() || train_prepare(base, k, path, err);
}

static bool save_model(const task *base, const char *run, nx_error *err)
{
    model m = description(base);
    model_set_options(&m, base->c, "generator");
    char *path = path_beside(run, ".model.h5");
    bool ok = model_save(path, &m, ((const trainer *)base)->params, err);
    free(path);
    free(m.options);
    free(m.network);
    return ok;
}

static void log_inputs(const task *base, runfile *file)
{
    model m = description(base);
    model_set_options(&m, base->c, "generator");
    train_log_inputs(base, file);
    model_note(file, &m);
    free(m.options);
    free(m.network);
}

const task_kind training = {TRAIN_KIND,
                            .starts = true,
                            .bytes = sizeof(generator_training),
                            .suits = suits,
                            .open = open_inputs,
                            .close = train_close,
                            .remedy = "lower [data] batch or [generator] channels",
                            .sizes = sizes,
                            .shown = generator_shown,
                            .measure = train_measure,
                            .print = print,
                            .prepare = prepare,
                            .look = generator_look,
                            .log_inputs = log_inputs,
                            .put_state = train_put_state,
                            .save_model = save_model};
