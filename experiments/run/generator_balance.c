/* The balance between a generator's pictures, and between what pulls at them: from the gradients of content, style and
 * the rest by each, at the first parameters and the first batch. */
#include "run/generator_training.h"

#include "base/log.h"
#include "base/memory.h"
#include "graph/recompute.h"
#include "ops/random.h"
#include "run/interrupt.h"

#include <math.h>
#include <stdlib.h>

bool generator_asks_for_balance(const config *c)
{
    return c->loss.stage_style_ratios.count || c->loss.stage_style_ratios.mean;
}

/* What was found: of each picture as if its weight were 1, and of the batch's entropy. */
typedef struct findings {
    int stages;
    double weight[PAPER_STAGES];
    pulls pictures[PAPER_STAGES], entropy;
} findings;

/* The same before the plan runs. */
typedef struct recording {
    pull pictures[PAPER_STAGES], entropy;
    bool any;
} recording;

static bool record_side(const generator_training *t, nx_graph *g, const picture_loss *losses, int stages, int number,
                        recording *r, nx_error *err)
{
    objective diversity = {0};
    nx_tensor *output = losses[stages - 1].output;
    for (int k = 0; k < stages; k++) {
        picture_loss j = losses[k];
        j.weight = 1;
        if (!pull_record(&r->pictures[k], t->trainer.task.perceptual, g, &j, number, err)) return false;
        r->any = r->any || pull_is_any(&r->pictures[k]);
    }
    if (!number && output->shape.n > 1) objective_entropy(&diversity, g, t->trainer.task.c, output);
    pull_record_kind(&r->entropy, g, &diversity, PULL_REST, output);
    r->any = r->any || pull_is_any(&r->entropy);
    return true;
}

/* Recomputed as a step is, of whose graph it is a part: so it fits wherever that does. */
static bool find_side(generator_training *t, int number, float *pixels, findings *f, nx_error *err)
{
    trainer *r = &t->trainer;
    const config *c = r->task.c;
    nx_params *params = nx_params_new();
    nx_graph *g = nx_graph_new(&r->task.info);
    nx_plan *plan = NULL;
    nx_shape shape = {c->data.batch, c->data.size, c->data.size, 3};
    side s = {.g = g,
              .training = true,
              .content = pixels ? nx_input(g, shape, "content") : NULL,
              .random = nx_input(g, NX_RANDOM_STATE, "random")};
    nx_scope scope = train_scope(r, &s, params);
    scope.undrawn = false; /* these parameters are a first step's */
    recording pulls = {0};
    picture_loss losses[PAPER_STAGES];
    generator_inputs in = {.shape = shape, .content = s.content, .random = s.random};
    f->stages = paper_generate(r->task.paper, c, &scope, &in, losses);
    bool ok = record_side(t, g, losses, f->stages, number, &pulls, err);
    if (ok && pulls.any) {
        nx_recompute(g, r->task.recompute);
        ok = nx_plan_new(&plan, g, err);
    }
    if (ok && plan) {
        s.plan = plan;
        nx_params_realize(params, r->task.device);
        nx_plan_realize(plan, r->task.device);
        if (s.content) nx_plan_write(plan, s.content, pixels);
        train_write_random(r, &s, "training", 0);
        nx_plan_run(plan);
        for (int k = 0; k < f->stages; k++) {
            f->weight[k] = losses[k].weight;
            pull_read(&pulls.pictures[k], plan, 1, &f->pictures[k]);
        }
        pull_read(&pulls.entropy, plan, 1, &f->entropy);
    }
    nx_plan_free(plan);
    nx_graph_free(g);
    nx_params_free(params);
    return ok;
}

static bool find(generator_training *t, findings *f, nx_error *err)
{
    trainer *r = &t->trainer;
    const config *c = r->task.c;
    size_t count = (size_t)c->data.batch * (size_t)c->data.size * (size_t)c->data.size * 3;
    float *pixels = t->texture ? NULL : nx_alloc(count * sizeof *pixels);
    bool ok = t->texture || nx_loader_batch(r->loader, 0, pixels, err);
    if (ok && pixels) r->subject->alter(r, 0, pixels);
    for (int side = 0; ok && side < PULL_SIDES; side++) ok = interrupt_wanted() || find_side(t, side, pixels, f, err);
    free(pixels);
    return ok;
}

/* Style over content of each picture, as [loss] stage_style_ratios says. */
static bool set_ratios(generator_training *t, const findings *f, nx_error *err)
{
    const config_numbers *ratios = &t->trainer.task.c->loss.stage_style_ratios;
    for (int k = 0; k < f->stages; k++) {
        double content = f->pictures[k].norm[PULL_CONTENT], style = f->pictures[k].norm[PULL_STYLE],
               ratio = config_layer_weight(ratios, k, f->stages);
        if (!f->pictures[k].there[PULL_CONTENT] || !f->pictures[k].there[PULL_STYLE]) continue;
        if (!(content > 0 && style > 0 && isfinite(content / style)))
            return nx_fail(err, "[loss] stage_style_ratios: picture %d has a gradient of %g by content and %g by style",
                           k + 1, content, style);
        t->balance[k] = ratio * content / style;
        nx_info("picture %d: style gradient %.4g of content's, weight times %.4g", k + 1, style / content,
                t->balance[k]);
    }
    return true;
}

/* Of all pictures, as they enter the total. */
static pulls sum_of(const generator_training *t, const findings *f)
{
    pulls sum = f->entropy;
    for (int i = 0; i < PULL_KINDS; i++)
        for (int k = 0; k < f->stages; k++) {
            double factor = f->weight[k] * (i == PULL_STYLE ? t->balance[k] : 1);
            sum.norm[i] += factor * f->pictures[k].norm[i];
            sum.there[i] = sum.there[i] || (f->pictures[k].there[i] && factor > 0);
        }
    sum.where = "at the start";
    return sum;
}

bool generator_set_balance(generator_training *t, bool fresh, nx_error *err)
{
    task *base = &t->trainer.task;
    const config *c = base->c;
    findings f = {0};
    bool asks = generator_asks_for_balance(c),
         tells = fresh &&
                 pull_matters(c, !t->texture && c->descriptor.content_layers.count, c->descriptor.style_layers.count);
    if (!asks && !tells) return true;
    if (!find(t, &f, err) || interrupt_wanted()) return interrupt_wanted();
    if (asks && !set_ratios(t, &f, err)) return false;
    if (tells) base->pulls = sum_of(t, &f);
    return true;
}
