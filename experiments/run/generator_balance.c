/* The balance between a generator's pictures, from the gradients that content and style send into each. */
#include "run/generator_training.h"

#include "base/log.h"
#include "base/memory.h"
#include "graph/recompute.h"
#include "ops/random.h"

#include <math.h>
#include <stdlib.h>

bool generator_asks_for_balance(const config *c)
{
    return c->loss.stage_style_ratios.count || c->loss.stage_style_ratios.mean;
}

/* The gradients of one picture's losses by the picture. */
typedef struct pull {
    objective content, style;
    nx_tensor *by_content, *by_style;
} pull;

static bool record_pull(generator_training *t, nx_graph *g, const picture_loss *j, pull *p, nx_error *err)
{
    picture_loss content = *j, style = *j;
    if (!j->content || j->style < 0) return true;
    content.style = -1;
    style.content = NULL;
    content.weight = style.weight = 1;
    if (!perceptual_record(t->trainer.task.perceptual, g, &content, &p->content, err) ||
        !perceptual_record(t->trainer.task.perceptual, g, &style, &p->style, err))
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

bool generator_set_balance(generator_training *t, nx_error *err)
{
    const config *c = t->trainer.task.c;
    const config_numbers *ratios = &c->loss.stage_style_ratios;
    if (!generator_asks_for_balance(c)) return true;
    nx_params *params = nx_params_new();
    nx_graph *g = nx_graph_new(&t->trainer.task.info);
    nx_plan *plan = NULL;
    nx_scope scope = {.g = g, .params = params, .seed = (uint64_t)c->experiment.seed, .training = true};
    nx_shape shape = {c->data.batch, c->data.size, c->data.size, 3};
    side s = {.g = g, .content = nx_input(g, shape, "content"), .random = nx_input(g, NX_RANDOM_STATE, "random")};
    picture_loss losses[PAPER_STAGES];
    pull pulls[PAPER_STAGES] = {0};
    float *pixels = nx_alloc(nx_shape_count(shape) * sizeof *pixels);
    generator_inputs in = {.shape = shape, .content = s.content, .random = s.random};
    int stages = paper_generate(t->trainer.task.paper, c, &scope, &in, losses);
    bool ok = nx_loader_batch(t->trainer.loader, 0, pixels, err);
    for (int k = 0; ok && k < stages; k++) ok = record_pull(t, g, &losses[k], &pulls[k], err);
    nx_recompute(g, t->trainer.task.recompute);
    ok = ok && nx_plan_new(&plan, g, err);
    if (ok) {
        s.plan = plan;
        nx_params_realize(params, t->trainer.task.device);
        nx_plan_realize(plan, t->trainer.task.device);
        nx_plan_write(plan, s.content, pixels);
        train_write_random(&t->trainer, &s, "training", 0);
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
