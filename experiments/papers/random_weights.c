/* A Powerful Generative Model Using Random Weights for the Deep Image Representation.
 * Kun He, Yan Wang, John Hopcroft. NIPS 2016.
 *
 * Reproduced here: pictures from the features of a VGG-19 with random weights (ranVGG): inversion (Fig. 2 to 7),
 * textures (Fig. 8), style transfer (Fig. 9 and 10), with layers weighted by their impact on the picture (eq. 4 and 8)
 * and weights chosen layer by layer (the "stacked" ranVGG). notes/papers/random_weights.md has what the paper leaves
 * open.
 *
 * Weights. Equations 4 and 8 want the gradient at F(x') = 0, where both the ReLUs and the Gram matrix pass nothing on.
 * What is meant is the largest gradient that a layer can send: here that of the loss between the picture and features
 * of zero, back through the picture's own activations.
 *
 * Stacking. From the first layer to the deepest that is needed, sets of weights are drawn for one layer, each inverts
 * the reference picture from the same noise, and the set with the least loss is kept. With biases of zero the scale of
 * a set changes nothing but the loss, so losses are compared relative to the features' own energy. */
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "graph/recompute.h"
#include "nn/loss.h"
#include "ops/scale.h"
#include "run/interrupt.h"
#include "run/paper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights of layers ---- */

/* A layer's loss of a picture, and what it sends into it. */
typedef struct weighing {
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *picture, *gradient;
} weighing;

/* Of the image its size alone counts. Recomputed as far as it goes: it runs once. */
static bool weighing_new(weighing *out, perceptual_loss *p, const nx_image *image, const char *layer, bool style,
                         nx_error *err)
{
    nx_graph *g = nx_graph_new(&p->info);
    nx_tensor *x = nx_input(g, (nx_shape){1, image->height, image->width, 3}, "picture"), *features;
    double content_factor, style_factor;
    *out = (weighing){.g = g, .picture = x};
    if (!descriptor_record(p->descriptor, g, descriptor_center(p->descriptor, g, x), &layer, 1, &features, err))
        return false;
    nx_shape gram = {1, 1, features->shape.c, features->shape.c};
    objective_convention(p->c, features->shape, &content_factor, &style_factor);
    nx_tensor *loss = style ? nx_style_loss(g, features, nx_constant(g, gram, NULL), 0)
                            : nx_content_loss(g, features, nx_constant(g, features->shape, NULL));
    if (objective_is_relative(p->c)) /* the picture is the target */
        loss = nx_relative_loss(
            g, loss, style ? nx_style_energy(g, nx_gram_matrix(g, features)) : nx_content_energy(g, features));
    nx_gradient(g, nx_scale(g, loss, (float)(style ? style_factor : content_factor)), &x, 1, &out->gradient);
    nx_keep(out->gradient);
    nx_recompute(g, NX_RECOMPUTE_MOST);
    return nx_plan_new(&out->plan, g, err);
}

static void weighing_free(weighing *w)
{
    nx_plan_free(w->plan);
    nx_graph_free(w->g);
}

/* 1 over what a layer's loss sends into the picture. */
static bool weigh(perceptual_loss *p, nx_device *device, const nx_image *image, const char *layer, bool style,
                  double *out, nx_error *err)
{
    weighing w;
    bool ok = weighing_new(&w, p, image, layer, style, err);
    if (ok) {
        size_t count = nx_shape_count(w.picture->shape);
        float *values = nx_alloc(count * sizeof *values);
        double sum = 0;
        nx_plan_realize(w.plan, device);
        nx_plan_write(w.plan, w.picture, image->rgb);
        nx_plan_run(w.plan);
        nx_plan_read(w.plan, w.gradient, values);
        for (size_t i = 0; i < count; i++)
            sum += p->c->loss.balance == BALANCE_MEAN ? fabs((double)values[i]) : (double)values[i];
        *out = (double)count / fabs(sum);
        free(values);
        if (!isfinite(*out)) ok = nx_fail(err, "%s sends no gradient into the picture, it cannot be weighted", layer);
        nx_info("%s of %s: weighted by %.4g", style ? "style" : "content", layer, *out);
    }
    weighing_free(&w);
    return ok;
}

static bool balance(perceptual_loss *p, nx_device *device, const nx_image *content, int style, int styles,
                    double *content_balance, double *style_balance, nx_error *err)
{
    const config_list *contents = &p->c->descriptor.content_layers, *layers = &p->c->descriptor.style_layers;
    bool ok = true;
    if (p->c->loss.balance == BALANCE_NONE) return true;
    for (int i = 0; ok && content && i < contents->count && !interrupt_wanted(); i++)
        ok = weigh(p, device, content, contents->items[i], false, &content_balance[i], err);
    for (int k = 0; ok && k < styles; k++)
        for (int i = 0; ok && i < layers->count && !interrupt_wanted(); i++)
            ok = weigh(p, device, &p->style[style + k], layers->items[i], true, &style_balance[k * layers->count + i],
                       err);
    return ok;
}

/* ---- stacking ---- */

/* The reference from the features of one layer; before the noise is drawn, only its size counts. */
typedef struct inversion {
    nx_graph *g;
    nx_plan *plan;
    nx_params *params;
    nx_param *picture;
    nx_tensor *target, *loss, *gradient;
} inversion;

static bool inversion_new(inversion *out, perceptual_loss *p, const nx_image *reference, const char *layer,
                          nx_error *err)
{
    const config *c = p->c;
    nx_shape shape = {1, reference->height, reference->width, 3};
    nx_graph *g = nx_graph_new(&p->info);
    nx_tensor *features;
    *out = (inversion){.g = g, .params = nx_params_new()};
    out->picture = nx_param_add(out->params, "picture", shape, 4);
    nx_tensor *x = nx_use(g, out->picture),
              *known = descriptor_center(p->descriptor, g, nx_constant(g, shape, reference->rgb));
    if (!descriptor_record(p->descriptor, g, known, &layer, 1, &out->target, err) ||
        !descriptor_record(p->descriptor, g, x, &layer, 1, &features, err))
        return false;
    nx_keep(out->target);
    out->loss = nx_keep(nx_content_loss(g, features, out->target));
    nx_gradient(g, out->loss, &x, 1, &out->gradient);
    nx_keep(out->gradient);
    nx_recompute(g, c->device.recompute);
    return nx_plan_new(&out->plan, g, err);
}

static void draw_noise(nx_param *picture, const config *c)
{
    nx_rng rng = nx_rng_new((uint64_t)c->experiment.seed, nx_stream("picture"));
    for (size_t i = 0; i < nx_shape_count(picture->shape); i++)
        picture->initial[i] = (float)c->data.init_noise * nx_rng_normal(&rng);
}

static void inversion_free(inversion *v)
{
    nx_plan_free(v->plan);
    nx_graph_free(v->g);
    nx_params_free(v->params);
}

static double evaluate(void *context)
{
    inversion *v = context;
    float loss;
    nx_plan_run(v->plan);
    nx_plan_read(v->plan, v->loss, &loss);
    return (double)loss;
}

/* The mean and the mean square of the features to be inverted. */
static void measure(const inversion *v, double *mean, double *energy)
{
    size_t count = nx_shape_count(v->target->shape);
    float *values = nx_alloc(count * sizeof *values);
    nx_plan_read(v->plan, v->target, values);
    *mean = *energy = 0;
    for (size_t i = 0; i < count; i++) {
        *mean += (double)values[i] / (double)count;
        *energy += (double)values[i] * (double)values[i] / (double)count;
    }
    free(values);
}

/* What is left of the features' energy after [descriptor] stacked_steps updates, and the features' mean. */
static bool invert(perceptual_loss *p, nx_device *device, const nx_image *reference, const char *layer, double *left,
                   double *mean, nx_error *err)
{
    const config *c = p->c;
    inversion v;
    bool ok = inversion_new(&v, p, reference, layer, err);
    if (ok) {
        double value, energy;
        nx_lbfgs *o = nx_lbfgs_new(nx_shape_count(v.picture->shape), paper_lbfgs(c, p->descriptor->mean));
        nx_lbfgs_function f = {.x = v.picture, .gradient = v.gradient, .evaluate = evaluate, .context = &v};
        draw_noise(v.picture, c);
        nx_params_realize(v.params, device);
        nx_lbfgs_realize(o, device);
        nx_plan_realize(v.plan, device);
        value = evaluate(&v);
        for (int i = 0; i < c->descriptor.stacked_steps; i++) {
            if (interrupt_wanted() || nx_lbfgs_step(o, &f, &value, 1) != NX_LBFGS_MOVED) break;
            if (c->optimizer.line_search == LINE_SEARCH_NONE) value = evaluate(&v);
        }
        measure(&v, mean, &energy);
        *left = value / energy;
        nx_lbfgs_free(o);
        if (!isfinite(*left)) ok = nx_fail(err, "%s gives nothing on the reference picture", layer);
    }
    inversion_free(&v);
    return ok;
}

/* The set of weights of one layer that inverts best stays. */
static bool choose_layer(perceptual_loss *p, nx_device *device, const nx_image *reference, const char *layer,
                         perceptual_choice *out, nx_error *err)
{
    int kept = 0, sets = p->c->descriptor.stacked;
    double least = INFINITY, most = 0, scale = 1;
    for (int set = 0; set < sets && !interrupt_wanted(); set++) {
        double left, mean;
        descriptor_draw(p->descriptor, layer, set, 1);
        if (!invert(p, device, reference, layer, &left, &mean, err)) return false;
        most = fmax(most, left);
        if (left >= least) continue;
        least = left;
        kept = set;
        if (p->c->descriptor.rescale) scale = 1 / mean;
    }
    *out = (perceptual_choice){kept, (float)scale};
    descriptor_draw(p->descriptor, layer, out->set, out->scale);
    nx_info("%s: set %d of %d leaves %.3g of the features' energy, the worst %.3g", layer, kept + 1, sets, least, most);
    return true;
}

/* A resumed run has its choice from the checkpoint. An interrupt ends this with no choice at all: the run itself then
 * stops before its first step. */
static bool choose(perceptual_loss *p, nx_device *device, const nx_image *content, nx_error *err)
{
    const config *c = p->c;
    const nx_image *picture = content ? content : &p->style[0];
    const char *weighted[DESCRIPTOR_LAYERS];
    nx_image own = {0}, reference = {0};
    if (!c->descriptor.stacked) return true;
    if (*c->descriptor.reference && !p->chosen) {
        if (!nx_image_load(&own, c->descriptor.reference, err)) return false;
        reference = nx_image_resize(&own, picture->height, picture->width, NX_BICUBIC);
    }
    size_t count;
    const char **layers = perceptual_layers(c, &count);
    size_t n = descriptor_weighted(p->descriptor->network, layers, count, weighted);
    bool ok = true;
    for (int i = 0; i < p->chosen; i++)
        descriptor_draw(p->descriptor, weighted[i], p->choice[i].set, p->choice[i].scale);
    for (size_t i = 0; ok && !p->chosen && i < n && !interrupt_wanted(); i++)
        ok = choose_layer(p, device, reference.rgb ? &reference : picture, weighted[i], &p->choice[i], err);
    if (ok && !interrupt_wanted()) p->chosen = (int)n;
    free(layers);
    nx_image_free(&own);
    nx_image_free(&reference);
    return ok;
}

/* ---- memory ---- */

static uint64_t weighing_bytes(perceptual_loss *p, const nx_image *image, const char *layer, bool style)
{
    weighing w;
    uint64_t bytes = weighing_new(&w, p, image, layer, style, NULL) ? nx_plan_bytes(w.plan) : 0;
    weighing_free(&w);
    return bytes;
}

static uint64_t inversion_bytes(perceptual_loss *p, const nx_image *reference, const char *layer)
{
    inversion v;
    uint64_t bytes = 0;
    if (inversion_new(&v, p, reference, layer, NULL))
        bytes = nx_plan_bytes(v.plan) + nx_params_bytes(v.params) +
                nx_lbfgs_bytes(nx_shape_count(v.picture->shape), paper_lbfgs(p->c, p->descriptor->mean), &p->info);
    inversion_free(&v);
    return bytes;
}

static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* One after another. */
static uint64_t bytes_before(perceptual_loss *p, const nx_image *content, int style, int styles)
{
    const config_list *contents = &p->c->descriptor.content_layers, *layers = &p->c->descriptor.style_layers;
    uint64_t bytes = 0;
    if (p->c->loss.balance != BALANCE_NONE) {
        for (int i = 0; content && i < contents->count; i++)
            bytes = most(bytes, weighing_bytes(p, content, contents->items[i], false));
        for (int k = 0; k < styles; k++)
            for (int i = 0; i < layers->count; i++)
                bytes = most(bytes, weighing_bytes(p, &p->style[style + k], layers->items[i], true));
    }
    if (p->c->descriptor.stacked) {
        const char *weighted[DESCRIPTOR_LAYERS];
        size_t count;
        const char **used = perceptual_layers(p->c, &count);
        size_t n = descriptor_weighted(p->descriptor->network, used, count, weighted);
        for (size_t i = 0; i < n; i++)
            bytes = most(bytes, inversion_bytes(p, content ? content : &p->style[0], weighted[i]));
        free(used);
    }
    return bytes;
}

static bool check(const config *c, nx_error *err)
{
    if (strcmp(c->descriptor.weights, "random"))
        return nx_fail(err,
                       "[descriptor] weights: the paper random_weights has weights = random; trained ones are gatys's");
    return !c->descriptor.stacked || c->optimizer.method == METHOD_LBFGS ||
           nx_fail(err, "[descriptor] stacked: sets of weights are compared with [optimizer] method = lbfgs");
}

const paper random_weights = {
    .name = "random_weights", .check = check, .choose = choose, .balance = balance, .bytes_before = bytes_before};
