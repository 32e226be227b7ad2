/* What a run minimises: named terms, each raw, with the weight that it enters the total with. The names are those of
 * the run file's /metrics.
 *
 *     objective o = {0};
 *     objective_add(&o, "style/relu1_1", e, weight);
 *     nx_gradient(g, objective_total(&o, g), &x, 1, &dx);
 */
#ifndef RUN_OBJECTIVE_H
#define RUN_OBJECTIVE_H

#include "config/config.h"
#include "graph/plan.h"

enum { OBJECTIVE_TERMS = 60 };

typedef struct objective_term {
    char name[64];
    nx_tensor *value; /* scalar, kept */
    double weight;
} objective_term;

typedef struct objective {
    objective_term term[OBJECTIVE_TERMS];
    int count;
    nx_tensor *total; /* scalar, kept */
} objective;

void objective_add(objective *o, const char *name, nx_tensor *value, double weight);

/* The sum of weight times value, in order. */
nx_tensor *objective_total(objective *o, nx_graph *g);

/* The terms of [loss] on features of the picture that is judged: content against targets (one a content layer) and
 * style against Gram matrices (one a style layer), with the factors of its convention, times the weights: one a
 * layer each; either may be NULL with nothing to compare. prefix goes before the names. */
typedef struct objective_weights {
    const double *content, *style;
} objective_weights;
void objective_perceptual(objective *o, nx_graph *g, const config *c, const char *prefix, objective_weights weights,
                          nx_tensor *const *content, nx_tensor *const *content_target, nx_tensor *const *style,
                          nx_tensor *const *style_gram);

/* The factors of the config's convention for a layer's features. */
void objective_factors(const config *c, nx_shape features, double *content, double *style);

/* Total variation of the picture, where [loss] asks for it. */
void objective_variation(objective *o, nx_graph *g, const config *c, const char *prefix, double weight,
                         nx_tensor *picture);

/* The values of the last run of the plan: values[i] of term[i], values[count] the total, and in the sums content and
 * style weighted as they entered the total. */
typedef struct objective_values {
    float term[OBJECTIVE_TERMS], total;
    double content, style;
} objective_values;
void objective_read(const objective *o, nx_plan *plan, objective_values *out);

#endif
