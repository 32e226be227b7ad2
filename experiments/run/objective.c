/* The objective. */
#include "run/objective.h"

#include "nn/loss.h"
#include "ops/total_variation.h"
#include "ops/weighted_sum.h"

#include <stdio.h>
#include <string.h>

void objective_add(objective *o, const char *name, nx_tensor *value, double weight)
{
    NX_CHECK(o->count < OBJECTIVE_TERMS, "an objective of more than %d terms", OBJECTIVE_TERMS);
    objective_term *t = &o->term[o->count++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->value = nx_keep(value);
    t->weight = weight;
}

nx_tensor *objective_total(objective *o, nx_graph *g)
{
    nx_tensor *values[OBJECTIVE_TERMS];
    float weights[OBJECTIVE_TERMS];
    for (int i = 0; i < o->count; i++) values[i] = o->term[i].value, weights[i] = (float)o->term[i].weight;
    return o->total = nx_keep(nx_weighted_sum(g, values, weights, o->count));
}

void objective_factors(const config *c, nx_shape features, double *content, double *style)
{
    static const nx_convention conventions[] = {[CONVENTION_GATYS] = NX_CONVENTION_GATYS,
                                                [CONVENTION_MEAN] = NX_CONVENTION_MEAN,
                                                [CONVENTION_CHW] = NX_CONVENTION_CHW,
                                                [CONVENTION_SUM] = NX_CONVENTION_SUM};
    nx_loss_factors(conventions[c->loss.convention], features, content, style);
}

void objective_perceptual(objective *o, nx_graph *g, const config *c, const char *prefix, objective_weights weights,
                          nx_tensor *const *content, nx_tensor *const *content_target, nx_tensor *const *style,
                          nx_tensor *const *style_gram)
{
    const config_list *content_layers = &c->descriptor.content_layers, *style_layers = &c->descriptor.style_layers;
    char name[64];
    double content_factor, style_factor;
    for (int i = 0; content && i < content_layers->count; i++) {
        objective_factors(c, content[i]->shape, &content_factor, &style_factor);
        double w = weights.content[i] * c->loss.content_weight * content_factor *
                   config_layer_weight(&c->loss.content_layer_weights, i, content_layers->count);
        snprintf(name, sizeof name, "%scontent/%s", prefix, content_layers->items[i]);
        objective_add(o, name, nx_content_loss(g, content[i], content_target[i]), w);
    }
    for (int i = 0; style && i < style_layers->count; i++) {
        objective_factors(c, style[i]->shape, &content_factor, &style_factor);
        double w = weights.style[i] * c->loss.style_weight *
                   config_layer_weight(&c->loss.style_layer_weights, i, style_layers->count);
        float norm = c->loss.normalize_gradients ? (float)w : 0; /* of the gradient, whatever the convention's factor */
        snprintf(name, sizeof name, "%sstyle/%s", prefix, style_layers->items[i]);
        objective_add(o, name, nx_style_loss(g, style[i], style_gram[i], norm), w * style_factor);
    }
}

void objective_variation(objective *o, nx_graph *g, const config *c, const char *prefix, double weight,
                         nx_tensor *picture)
{
    if (!(c->loss.tv_weight > 0)) return;
    nx_variation kind = c->loss.tv == TV_L1 ? NX_VARIATION_L1 : NX_VARIATION_L2;
    char name[64];
    snprintf(name, sizeof name, "%stv", prefix);
    objective_add(o, name, nx_total_variation(g, picture, kind), weight * c->loss.tv_weight);
}

void objective_read(const objective *o, nx_plan *plan, objective_values *out)
{
    out->content = out->style = 0;
    for (int i = 0; i < o->count; i++) {
        const objective_term *t = &o->term[i];
        nx_plan_read(plan, t->value, &out->term[i]);
        if (strstr(t->name, "content/")) out->content += t->weight * (double)out->term[i];
        if (strstr(t->name, "style/")) out->style += t->weight * (double)out->term[i];
    }
    nx_plan_read(plan, o->total, &out->total);
}
