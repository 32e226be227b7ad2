/* Training of a generator, cut along its jobs: what its pictures weigh against each other (generator_balance), what is
 * looked at on the way (generator_look); the rest, and the table that run/loop runs, is generator_training.c's.
 */
#ifndef RUN_GENERATOR_TRAINING_H
#define RUN_GENERATOR_TRAINING_H

#include "run/train.h"

typedef struct generator_training {
    trainer trainer;
    bool texture;                 /* [experiment] task: made from noise alone */
    double balance[PAPER_STAGES]; /* factors on the style weight of each picture */
} generator_training;

/* A side's own: the pictures on the way to its output; of validation alone. */
typedef struct generator_pictures_before {
    nx_tensor *picture[PAPER_STAGES - 1];
    int count;
} generator_pictures_before;

/* ---- generator_balance ---- */

bool generator_asks_for_balance(const config *c);

/* With the first parameters and the first batch: sets the balance to what [loss] stage_style_ratios asks for, the same
 * in a run that resumes; and of a fresh run the task's pulls, of all its pictures together. */
bool generator_set_balance(generator_training *t, bool fresh, nx_error *err);

/* ---- generator_look ---- */

/* Pictures that are shown at a time, of the first validation batch. */
int generator_shown(const task *base);

/* Means over the held-out pictures, and pictures of the first batch where asked for. */
task_did generator_look(task *base, runfile *file, task_row row, bool pictures, nx_error *err);

#endif
