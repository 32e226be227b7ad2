/* The stages of an optimisation: sizes, and the graph of one of them. */
#include "run/optimize.h"

#include "base/memory.h"
#include "base/rng.h"
#include "device/memory.h"
#include "graph/recompute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first step moves some pixel by a quarter: single precision at 255 has steps of 1.5e-5, and the first change of
 * the gradient has to tell something about its curvature. */
nx_lbfgs_options paper_lbfgs(const config *c, const float mean[3])
{
    nx_lbfgs_options o = {.history = c->optimizer.history,
                          .float32 = c->optimizer.history_precision == HISTORY_PRECISION_FLOAT32,
                          .wolfe = c->optimizer.line_search == LINE_SEARCH_WOLFE,
                          .first = .25f,
                          .longest = (float)c->optimizer.longest_step,
                          .tolerance = c->optimizer.tolerance};
    if (c->optimizer.bounds == BOUNDS_NONE) return o;
    o.channels = 3;
    for (int k = 0; k < 3; k++) o.lower[k] = -mean[k], o.upper[k] = 255 - mean[k];
    return o;
}

/* Where there are bounds the picture starts within them: a resized picture may be a little beyond black or white, noise
 * far beyond. */
static void start_within(const config *c, const float mean[3], nx_image *image)
{
    nx_lbfgs_options o = paper_lbfgs(c, mean);
    for (size_t i = 0; o.channels && i < (size_t)image->height * (size_t)image->width * 3; i++)
        image->rgb[i] = fminf(fmaxf(image->rgb[i], o.lower[i % 3]), o.upper[i % 3]);
}

/* ---- sizes ---- */

int optimize_size(const optimizer *t, int k)
{
    return k < t->stages - 1 ? (int)t->task.c->data.coarse.items[k] : t->size;
}

int optimize_stage_at(const optimizer *t, uint64_t step)
{
    uint64_t k = step / (uint64_t)t->task.c->data.coarse_steps;
    return k < (uint64_t)t->stages - 1 ? (int)k : t->stages - 1;
}

uint64_t optimize_first_step(const optimizer *t, int k) { return (uint64_t)k * (uint64_t)t->task.c->data.coarse_steps; }

void optimize_shape(const optimizer *t, int size, int *height, int *width)
{
    *height = t->frame > 1 ? size : (int)lround(size * t->frame);
    *width = t->frame > 1 ? (int)lround(size / t->frame) : size;
    if (*height < 1) *height = 1;
    if (*width < 1) *width = 1;
}

/* ---- a stage ---- */

picture_loss optimize_losses(optimizer *t, nx_graph *g, nx_tensor *x, int k, bool dry)
{
    picture_loss j = {.output = x,
                      .style = t->styles ? k * t->styles : -1,
                      .styles = t->styles,
                      .weight = 1,
                      .prefix = "",
                      .dry = dry,
                      .content_balance = t->content_balance,
                      .style_balance = t->style_balance};
    if (t->content.rgb && t->task.c->descriptor.content_layers.count) {
        nx_image content = dry ? (nx_image){0} : optimize_resized(&t->content, x->shape.h, x->shape.w);
        j.content = nx_constant(g, x->shape, content.rgb);
        nx_image_free(&content);
    }
    return j;
}

bool optimize_record(optimizer *t, stage *s, int k, int size, bool dry, nx_error *err)
{
    const config *c = t->task.c;
    optimize_shape(t, size, &s->height, &s->width);
    nx_graph *g = s->g = nx_graph_new(&t->task.info);
    nx_shape shape = {1, s->height, s->width, 3};
    s->params = nx_params_new();
    s->picture = nx_param_add(s->params, "picture", shape, 4);
    nx_tensor *x = nx_use(g, s->picture);
    picture_loss j = optimize_losses(t, g, x, k, dry);
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
    nx_lbfgs_options o = paper_lbfgs(c, t->task.perceptual->descriptor->mean);
    if (lbfgs) {
        s->lbfgs = nx_lbfgs_new(nx_shape_count(shape), o);
    } else {
        s->optimizer = nx_optimizer_new(g, s->objective.total, s->params, options);
        if (o.channels) nx_optimizer_bound(g, s->picture, o.channels, o.lower, o.upper);
    }
    nx_recompute(g, t->task.recompute);
    const nx_params *stores[] = {s->params, s->optimizer ? s->optimizer->state : NULL};
    return nx_plan_new(&s->plan, g, err) && finite_check_new(&s->finite, &t->task.info, stores, 2, err);
}

void optimize_free_stage(stage *s)
{
    finite_check_free(s->finite);
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
    nx_lbfgs_free(s->lbfgs);
    nx_optimizer_free(s->optimizer);
    nx_params_free(s->params);
    *s = (stage){0};
}

nx_image optimize_picture(const stage *s)
{
    nx_image image = nx_image_new(s->height, s->width);
    nx_buffer_read(s->picture->device, s->picture->buffer, image.rgb,
                   nx_shape_count(s->picture->shape) * sizeof(float));
    return image;
}

nx_image optimize_initial(const optimizer *t, int height, int width)
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
    nx_image image = optimize_resized(from, height, width);
    for (size_t i = 0; i < (size_t)height * (size_t)width * 3; i++)
        image.rgb[i] -= t->task.perceptual->descriptor->mean[i % 3];
    return image;
}

bool optimize_enter(optimizer *t, int k, bool restored, nx_error *err)
{
    int height, width;
    stage *s = &t->stage;
    nx_image start = {0};
    optimize_shape(t, optimize_size(t, k), &height, &width);
    if (s->plan) {
        nx_image before = optimize_picture(s);
        start = optimize_resized(&before, height, width);
        nx_image_free(&before);
    }
    optimize_free_stage(s);
    if (!start.rgb && !restored) start = optimize_initial(t, height, width);
    if (start.rgb) start_within(t->task.c, t->task.perceptual->descriptor->mean, &start);
    t->current = k;
    bool ok = optimize_record(t, s, k, optimize_size(t, k), false, err);
    if (ok) {
        if (start.rgb) memcpy(s->picture->initial, start.rgb, nx_shape_count(s->picture->shape) * sizeof(float));
        nx_params_realize(s->params, t->task.device);
        if (s->optimizer) nx_params_realize(s->optimizer->state, t->task.device);
        if (s->lbfgs) nx_lbfgs_realize(s->lbfgs, t->task.device);
        nx_plan_realize(s->plan, t->task.device);
        finite_check_realize(s->finite, t->task.device);
    }
    nx_image_free(&start);
    return ok;
}
