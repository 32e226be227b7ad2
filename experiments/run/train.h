/* Training of a generator, cut along its jobs: what it reads (train_inputs), what its pictures weigh against each other
 * (train_balance), what is looked at on the way (train_look); its graphs, steps and state are train.c's, and so is the
 * table that run/loop runs. */
#ifndef RUN_TRAIN_H
#define RUN_TRAIN_H

#include "io/files.h"
#include "io/loader.h"
#include "nn/optimizer.h"
#include "run/task.h"

/* One of the two graphs. */
typedef struct side {
    nx_graph *g;
    nx_plan *plan;
    int batch;
    nx_tensor *content, *random, *output; /* content: NULL for textures; random: the state of noise */
    nx_tensor *before[PAPER_STAGES - 1];  /* pictures on the way to output; validation alone */
    int n_before;
    nx_tensor *gradient; /* of the total by the output; training with [log] debug alone */
    objective objective;
} side;

typedef struct trainer {
    task task;
    nx_file_list content, validation;
    bool texture;                 /* [experiment] task: made from noise alone */
    double balance[PAPER_STAGES]; /* factors on the style weight of each picture */
    nx_params *params;            /* the generator's */
    nx_optimizer *optimizer;
    finite_check *finite; /* of params and the optimizer's state */
    side train, valid;
    nx_loader *loader, *held_out;
    float *pixels; /* of a batch of content; NULL for textures */
    bool restored; /* params are about to be filled from a checkpoint */
    bool fed;      /* the next step's batch is on its way */
} trainer;

/* ---- train_inputs ---- */

bool train_open_inputs(task *base, nx_error *err);

/* How many pictures validation looks at: those held out, or samples of a texture; and how many at once, a divisor of
 * that, so that each counts once. */
int train_validation_count(const trainer *t);
int train_validation_batch(const trainer *t);

/* ---- train_balance ---- */

bool train_asks_for_balance(const config *c);

/* Sets the balance to what [loss] stage_style_ratios asks for, with the first parameters and the first batch: the same
 * in a run that resumes. */
bool train_set_balance(trainer *t, nx_error *err);

/* ---- train_look ---- */

/* Pictures that are shown at a time, of the first validation batch. */
int train_shown(const task *base);

/* Means over the held-out pictures, and pictures of the first batch where asked for. */
task_did train_look(task *base, runfile *file, task_row row, bool pictures, nx_error *err);

/* ---- train ---- */

/* Records the generator, the descriptor on what it makes, and the losses, for crops of `size`. Parameters are drawn
 * only where a run begins with them. */
bool train_record(trainer *t, side *s, nx_params *params, int size, int batch, bool training, nx_error *err);
void train_free_side(side *s);

/* What noise sees next: a function of the seed, the stream and the step. */
void train_write_random(const trainer *t, side *s, const char *stream, uint64_t step);

#endif
