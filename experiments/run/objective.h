/* What a run minimises: terms, each raw, with the weight that it enters the total with. Their names are those of the
 * run file's /metrics; what a term is says its kind.
 *
 *     objective o = {0};
 *     objective_add(&o, OBJECTIVE_STYLE, "style/relu1_1", e, weight);
 *     nx_gradient(g, objective_total(&o, g), &x, 1, &dx);
 */
#ifndef RUN_OBJECTIVE_H
#define RUN_OBJECTIVE_H

#include "config/config.h"
#include "graph/plan.h"

enum { OBJECTIVE_TERMS = 60 };

typedef enum objective_kind {
    OBJECTIVE_CONTENT,
    OBJECTIVE_STYLE,
    OBJECTIVE_VARIATION,
    OBJECTIVE_ENTROPY,
    OBJECTIVE_KERNEL,  /* of a distillation */
    OBJECTIVE_READOUT, /* likewise */
    OBJECTIVE_CLASSES, /* of a classification */
    OBJECTIVE_KINDS
} objective_kind;

typedef struct objective_term {
    objective_kind kind;
    char name[64];
    nx_tensor *value; /* scalar, kept */
    nx_tensor *unit;  /* scalar, kept: what the value was divided by; NULL: by nothing */
    double weight;
} objective_term;

typedef struct objective {
    objective_term term[OBJECTIVE_TERMS];
    int count;
    nx_tensor *total; /* scalar, kept */
} objective;

void objective_add(objective *o, objective_kind kind, const char *name, nx_tensor *value, double weight);

/* A loss of which the value is relative to unit, a scalar (nx_relative_loss); NULL: as it is. */
void objective_add_relative(objective *o, nx_graph *g, objective_kind kind, const char *name, nx_tensor *loss,
                            nx_tensor *unit, double weight);

/* Whether a term is of one of these kinds. */
bool objective_has(const objective *o, objective_kind one, objective_kind other);

/* The sum of weight times value, in order. */
nx_tensor *objective_total(objective *o, nx_graph *g);

/* ---- weights ---- */

/* What multiplies the terms of one picture beside the keys of [loss] that name their kind and layer. */
typedef struct objective_factors {
    double picture;        /* of the picture among several: all its terms */
    double style;          /* its style terms */
    double share;          /* of the style picture among several: its style terms */
    const double *balance; /* one a layer, of the content or of the style layers; NULL: 1 each */
} objective_factors;

/* The weight of a term of a kind, where all of them are composed. Of content and style: which of their layers, and the
 * convention's factor for it (objective_convention). */
double objective_weight(const config *c, objective_kind kind, const objective_factors *f, int layer, double convention);

/* Whether the config's convention has losses in units of their targets' energies. */
bool objective_is_relative(const config *c);

/* The factors of the config's convention for a layer's features. */
void objective_convention(const config *c, nx_shape features, double *content, double *style);

/* ---- terms ---- */

/* The terms of [loss] on features of the picture that is judged: content against targets, one a content layer; style
 * against Gram matrices, one a style layer; the picture's total variation, over that of its target where that is not
 * NULL, and what entropy asks, where [loss] weighs them. prefix goes before the names. */
void objective_content(objective *o, nx_graph *g, const config *c, const char *prefix, const objective_factors *f,
                       nx_tensor *const *features, nx_tensor *const *targets);
void objective_style(objective *o, nx_graph *g, const config *c, const char *prefix, const objective_factors *f,
                     nx_tensor *const *features, nx_tensor *const *grams);
void objective_variation(objective *o, nx_graph *g, const config *c, const char *prefix, const objective_factors *f,
                         nx_tensor *picture, nx_tensor *target);
void objective_entropy(objective *o, nx_graph *g, const config *c, nx_tensor *pictures);

/* ---- values ---- */

/* Of the last run of the plan: term[i] of the terms, raw, and their units (1: none), the total, and of each kind the
 * sum as it entered it. */
typedef struct objective_values {
    float term[OBJECTIVE_TERMS], unit[OBJECTIVE_TERMS], total;
    double sum[OBJECTIVE_KINDS];
} objective_values;
void objective_read(const objective *o, nx_plan *plan, objective_values *out);

#endif
