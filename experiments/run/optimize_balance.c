/* The balance of an optimisation, before its first step: what pulls at noise.
 *
 * Not at the picture that it starts from. There the content may be met already (init = content) or the style (init =
 * style), and at grey a Gram matrix pulls at almost nothing, while it holds the picture with all its weight later on.
 * Noise about as strong as a photograph has nothing of either. */
#include "run/optimize.h"

#include "base/memory.h"
#include "base/rng.h"
#include "graph/recompute.h"
#include "run/interrupt.h"

#define DEVIATION 50 /* grey levels */

static void draw(nx_param *picture, uint64_t seed)
{
    nx_rng rng = nx_rng_new(seed, nx_stream("balance"));
    for (size_t i = 0; i < nx_shape_count(picture->shape); i++) picture->initial[i] = DEVIATION * nx_rng_normal(&rng);
}

/* Recomputed as a step is, of whose graph it is a part: so it fits wherever that does. */
static bool measure(optimizer *t, int side, nx_error *err)
{
    nx_graph *g = nx_graph_new(&t->task.info);
    nx_params *params = nx_params_new();
    nx_plan *plan = NULL;
    pull p;
    int height, width;
    optimize_shape(t, t->size, &height, &width);
    nx_param *picture = nx_param_add(params, "picture", (nx_shape){1, height, width, 3}, 4);
    draw(picture, (uint64_t)t->task.c->experiment.seed);
    picture_loss j = optimize_losses(t, g, nx_use(g, picture), t->stages - 1, false);
    bool ok = pull_record(&p, t->task.perceptual, g, &j, side, err);
    if (ok && pull_is_any(&p)) {
        nx_recompute(g, t->task.recompute);
        ok = nx_plan_new(&plan, g, err);
    }
    if (ok && plan) {
        nx_params_realize(params, t->task.device);
        nx_plan_realize(plan, t->task.device);
        nx_plan_run(plan);
        pull_read(&p, plan, 1, &t->task.pulls);
    }
    nx_plan_free(plan);
    nx_graph_free(g);
    nx_params_free(params);
    return ok;
}

bool optimize_measure_pulls(optimizer *t, nx_error *err)
{
    const config *c = t->task.c;
    bool ok = true;
    if (!pull_matters(c, t->content.rgb && c->descriptor.content_layers.count,
                      t->styles && c->descriptor.style_layers.count))
        return true;
    for (int side = 0; ok && side < PULL_SIDES; side++) ok = interrupt_wanted() || measure(t, side, err);
    t->task.pulls.where = "at noise";
    return ok;
}
