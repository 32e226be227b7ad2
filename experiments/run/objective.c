/* The objective. What a term weighs is said in one place, objective_weight, from factors that their owners only name.
 */
#include "run/objective.h"

#include "nn/loss.h"
#include "ops/entropy.h"
#include "ops/total_variation.h"
#include "ops/weighted_sum.h"

#include <stdio.h>

void objective_add(objective *o, objective_kind kind, const char *name, nx_tensor *value, double weight)
{
    NX_CHECK(o->count < OBJECTIVE_TERMS, "an objective of more than %d terms", OBJECTIVE_TERMS);
    objective_term *t = &o->term[o->count++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->kind = kind;
    t->value = nx_keep(value);
    t->unit = NULL;
    t->weight = weight;
}

void objective_add_relative(objective *o, nx_graph *g, objective_kind kind, const char *name, nx_tensor *loss,
                            nx_tensor *unit, double weight)
{
    objective_add(o, kind, name, unit ? nx_relative_loss(g, loss, nx_keep(unit)) : loss, weight);
    o->term[o->count - 1].unit = unit;
}

bool objective_has(const objective *o, objective_kind one, objective_kind other)
{
    for (int i = 0; i < o->count; i++)
        if (o->term[i].kind == one || o->term[i].kind == other) return true;
    return false;
}

nx_tensor *objective_total(objective *o, nx_graph *g)
{
    nx_tensor *values[OBJECTIVE_TERMS];
    float weights[OBJECTIVE_TERMS];
    for (int i = 0; i < o->count; i++) values[i] = o->term[i].value, weights[i] = (float)o->term[i].weight;
    return o->total = nx_keep(nx_weighted_sum(g, values, weights, o->count));
}

/* ---- weights ---- */

double objective_weight(const config *c, objective_kind kind, const objective_factors *f, int layer, double convention)
{
    double balance = f->balance ? f->balance[layer] : 1;
    switch (kind) {
    case OBJECTIVE_CONTENT:
        return f->picture * balance * c->loss.content_weight * convention *
               config_layer_weight(&c->loss.content_layer_weights, layer, c->descriptor.content_layers.count);
    case OBJECTIVE_STYLE:
        return f->picture * f->style * f->share * balance * c->loss.style_weight *
               config_layer_weight(&c->loss.style_layer_weights, layer, c->descriptor.style_layers.count) * convention;
    case OBJECTIVE_VARIATION:
        return f->picture * c->loss.tv_weight;
    case OBJECTIVE_ENTROPY:
        return c->loss.diversity;
    case OBJECTIVE_KERNEL: /* a distillation's own */
    case OBJECTIVE_READOUT:
    case OBJECTIVE_CLASSES: /* the one of a classification */
    case OBJECTIVE_KINDS:
        break;
    }
    return 0;
}

void objective_convention(const config *c, nx_shape features, double *content, double *style)
{
    static const nx_convention conventions[] = {[CONVENTION_GATYS] = NX_CONVENTION_GATYS,
                                                [CONVENTION_MEAN] = NX_CONVENTION_MEAN,
                                                [CONVENTION_CHW] = NX_CONVENTION_CHW,
                                                [CONVENTION_SUM] = NX_CONVENTION_SUM,
                                                [CONVENTION_RELATIVE] = NX_CONVENTION_RELATIVE};
    nx_loss_factors(conventions[c->loss.convention], features, content, style);
}

bool objective_is_relative(const config *c) { return c->loss.convention == CONVENTION_RELATIVE; }

/* ---- terms ---- */

void objective_content(objective *o, nx_graph *g, const config *c, const char *prefix, const objective_factors *f,
                       nx_tensor *const *features, nx_tensor *const *targets)
{
    const config_list *layers = &c->descriptor.content_layers;
    char name[64];
    for (int i = 0; i < layers->count; i++) {
        double content, style;
        objective_convention(c, features[i]->shape, &content, &style);
        snprintf(name, sizeof name, "%scontent/%s", prefix, layers->items[i]);
        objective_add_relative(o, g, OBJECTIVE_CONTENT, name, nx_content_loss(g, features[i], targets[i]),
                               objective_is_relative(c) ? nx_content_energy(g, targets[i]) : NULL,
                               objective_weight(c, OBJECTIVE_CONTENT, f, i, content));
    }
}

/* A normalized gradient has the size of the weight, whatever the convention's factor. */
void objective_style(objective *o, nx_graph *g, const config *c, const char *prefix, const objective_factors *f,
                     nx_tensor *const *features, nx_tensor *const *grams)
{
    const config_list *layers = &c->descriptor.style_layers;
    char name[64];
    for (int i = 0; i < layers->count; i++) {
        double content, style;
        objective_convention(c, features[i]->shape, &content, &style);
        float norm = c->loss.normalize_gradients ? (float)objective_weight(c, OBJECTIVE_STYLE, f, i, 1) : 0;
        snprintf(name, sizeof name, "%sstyle/%s", prefix, layers->items[i]);
        objective_add_relative(o, g, OBJECTIVE_STYLE, name, nx_style_loss(g, features[i], grams[i], norm),
                               objective_is_relative(c) ? nx_style_energy(g, grams[i]) : NULL,
                               objective_weight(c, OBJECTIVE_STYLE, f, i, style));
    }
}

/* Pairs of neighbours of one image, channel by channel. */
static double pairs_of(nx_shape s) { return ((double)s.h * (s.w - 1) + (double)(s.h - 1) * s.w) * s.c; }

/* The total variation that `picture` would have if it were as rough as target, and by a grey level rougher: what a flat
 * target, a crop of the sky, is divided by, too. */
static nx_tensor *variation_unit(nx_graph *g, nx_tensor *picture, nx_tensor *target, nx_variation kind)
{
    float one = 1;
    double pairs = pairs_of(picture->shape), own = pairs_of(target->shape);
    nx_tensor *parts[] = {nx_constant(g, NX_SCALAR, &one), nx_total_variation(g, target, kind)};
    return nx_weighted_sum(g, parts, (float[]){(float)pairs, own > 0 ? (float)(pairs / own) : 0}, 2);
}

void objective_variation(objective *o, nx_graph *g, const config *c, const char *prefix, const objective_factors *f,
                         nx_tensor *picture, nx_tensor *target)
{
    if (!(c->loss.tv_weight > 0)) return;
    nx_variation kind = c->loss.tv == TV_L1 ? NX_VARIATION_L1 : NX_VARIATION_L2;
    char name[64];
    snprintf(name, sizeof name, "%stv", prefix);
    objective_add_relative(o, g, OBJECTIVE_VARIATION, name, nx_total_variation(g, picture, kind),
                           target ? variation_unit(g, picture, target, kind) : NULL,
                           objective_weight(c, OBJECTIVE_VARIATION, f, 0, 1));
}

void objective_entropy(objective *o, nx_graph *g, const config *c, nx_tensor *pictures)
{
    if (!(c->loss.diversity > 0)) return;
    nx_entropy_options options = {.literal = c->loss.diversity_form == DIVERSITY_LITERAL};
    objective_add(o, OBJECTIVE_ENTROPY, "entropy", nx_entropy(g, pictures, options),
                  objective_weight(c, OBJECTIVE_ENTROPY, &(objective_factors){0}, 0, 1));
}

/* ---- values ---- */

void objective_read(const objective *o, nx_plan *plan, objective_values *out)
{
    for (int k = 0; k < OBJECTIVE_KINDS; k++) out->sum[k] = 0;
    for (int i = 0; i < o->count; i++) {
        const objective_term *t = &o->term[i];
        nx_plan_read(plan, t->value, &out->term[i]);
        out->unit[i] = 1;
        if (t->unit) nx_plan_read(plan, t->unit, &out->unit[i]);
        out->sum[t->kind] += t->weight * (double)out->term[i];
    }
    nx_plan_read(plan, o->total, &out->total);
}
