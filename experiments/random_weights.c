/* A Powerful Generative Model Using Random Weights for the Deep Image Representation.
 * Kun He, Yan Wang, John Hopcroft. NIPS 2016.
 *
 * Reproduced here: pictures from the features of a VGG-19 with random weights (ranVGG): inversion (Fig. 2 to 6),
 * textures (Fig. 8), style transfer (Fig. 9 and 10), with layers weighted by their impact on the picture (eq. 4 and 8)
 * and weights chosen layer by layer (the "stacked" ranVGG). notes/papers/random_weights.md has what the paper leaves
 * open.
 *
 * Weights. Equations 4 and 8 want the gradient at F(x') = 0, where both the ReLUs and the Gram matrix pass nothing on.
 * What is meant is the largest gradient that a layer can send: here that of the loss between the picture and features
 * of zero, back through the picture's own activations. */
#include "base/log.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "ops/scale.h"
#include "run/paper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nx_tensor *zeros(nx_graph *g, nx_shape shape)
{
    float *values = nx_alloc(nx_shape_count(shape) * sizeof *values);
    nx_tensor *t = nx_constant(g, shape, values);
    free(values);
    return t;
}

/* 1 over what a layer's loss sends into the picture. */
static bool weigh(perception *p, nx_device *device, const nx_image *image, const char *layer, bool style, double *out,
                  nx_error *err)
{
    nx_graph *g = nx_graph_new(&p->info);
    nx_shape shape = {1, image->height, image->width, 3};
    nx_tensor *x = nx_input(g, shape, "picture"), *features, *gradient;
    nx_plan *plan = NULL;
    double content_factor, style_factor, sum = 0;
    bool ok = vgg19_record(p->vgg, g, perception_center(p, g, x), &layer, 1, &features, err);
    if (ok) {
        objective_factors(p->c, features->shape, &content_factor, &style_factor);
        nx_tensor *loss =
            style ? nx_style_loss(g, features, zeros(g, (nx_shape){1, 1, features->shape.c, features->shape.c}), 0)
                  : nx_content_loss(g, features, zeros(g, features->shape));
        nx_gradient(g, nx_scale(g, loss, (float)(style ? style_factor : content_factor)), &x, 1, &gradient);
        nx_keep(gradient);
        ok = nx_plan_new(&plan, g, err);
    }
    if (ok) {
        size_t count = nx_shape_count(shape);
        float *values = nx_alloc(count * sizeof *values);
        nx_plan_realize(plan, device);
        nx_plan_write(plan, x, image->rgb);
        nx_plan_run(plan);
        nx_plan_read(plan, gradient, values);
        for (size_t i = 0; i < count; i++)
            sum += p->c->loss.balance == BALANCE_MEAN ? fabs((double)values[i]) : (double)values[i];
        *out = (double)count / fabs(sum);
        free(values);
        if (!isfinite(*out)) ok = nx_fail(err, "%s sends no gradient into the picture, it cannot be weighted", layer);
        nx_info("%s of %s: weighted by %.4g", style ? "style" : "content", layer, *out);
    }
    nx_plan_free(plan);
    nx_graph_free(g);
    return ok;
}

static bool balance(perception *p, nx_device *device, const nx_image *content, int style, int styles,
                    double *content_balance, double *style_balance, nx_error *err)
{
    const config_list *contents = &p->c->descriptor.content_layers, *layers = &p->c->descriptor.style_layers;
    bool ok = true;
    if (p->c->loss.balance == BALANCE_NONE) return true;
    for (int i = 0; ok && content && i < contents->count; i++)
        ok = weigh(p, device, content, contents->items[i], false, &content_balance[i], err);
    for (int k = 0; ok && k < styles; k++)
        for (int i = 0; ok && i < layers->count; i++)
            ok = weigh(p, device, &p->style[style + k], layers->items[i], true, &style_balance[k * layers->count + i],
                       err);
    return ok;
}

static bool check(const config *c, nx_error *err)
{
    return !strcmp(c->descriptor.weights, "random") ||
           nx_fail(err,
                   "[descriptor] weights: the paper random_weights has weights = random; trained ones are gatys's");
}

const paper random_weights = {.name = "random_weights", .check = check, .balance = balance};
