/* What pulls at a picture: the gradients by it of its content's losses, of its style's, and of the rest (total
 * variation, entropy), each as its L1 norm, sum |dL/dx|. They say what the weights of [loss] come to.
 *
 * Content and style are measured in a graph each, which is a part of what a step runs and takes no more memory; the
 * rest goes with the content where there is one.
 *
 *     pulls found = {0};
 *     for (int side = 0; side < PULL_SIDES; side++) {
 *         pull p;
 *         if (!pull_record(&p, perceptual, g, &j, side, &err)) ...
 *         ... where pull_is_any(&p), the plan of g runs ...
 *         pull_read(&p, plan, 1, &found);
 *     }
 */
#ifndef RUN_PULL_H
#define RUN_PULL_H

#include "run/perceptual_loss.h"
#include "runfile/runfile.h"

enum { PULL_SIDES = 2 };

typedef enum pull_kind { PULL_CONTENT, PULL_STYLE, PULL_REST, PULL_KINDS } pull_kind;

typedef struct pull {
    nx_tensor *gradient[PULL_KINDS]; /* kept; NULL: nothing of a weight pulls that way */
} pull;

/* Whether a config weighs more than one of the three, for pictures with a content and a style or without: only then is
 * there a balance. */
bool pull_matters(const config *c, bool content, bool style);

/* Appends one side of a picture's losses and their gradients by j->output. An error is the user's. */
bool pull_record(pull *out, perceptual_loss *p, nx_graph *g, const picture_loss *j, int side, nx_error *err);

/* Sets the gradient by a picture of an objective's terms of one kind. */
void pull_record_kind(pull *out, nx_graph *g, const objective *o, pull_kind kind, nx_tensor *picture);

bool pull_is_any(const pull *p);

/* What was found: of some pictures together, at the start of a run. */
typedef struct pulls {
    bool there[PULL_KINDS];
    double norm[PULL_KINDS];
    const char *where; /* "at noise"; NULL: nothing was looked for */
} pulls;

/* Adds the norms, of the last run of the plan, times a factor. */
void pull_read(const pull *p, nx_plan *plan, double factor, pulls *out);

/* Says on one line how they share the gradient, and where one is less than a hundredth of another which key would mend
 * that, and how far; puts the shares into the run file as attributes of /balance. Nothing where they are no numbers. */
void pulls_log(const pulls *p, const config *c, runfile *file);

#endif
