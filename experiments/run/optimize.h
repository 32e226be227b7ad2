/* Optimisation of one picture, cut along its jobs: what it reads (optimize_inputs), the graph of one size
 * (optimize_stage), what pulls at the picture (optimize_balance); steps, state and the table that run/loop runs are
 * optimize.c's.
 *
 * Coarse to fine is a row of stages, each with a graph of its own. What a stage starts from is a function of the config
 * and of the picture before, so a run that resumes needs the picture and the optimiser's state alone.
 */
#ifndef RUN_OPTIMIZE_H
#define RUN_OPTIMIZE_H

#include "nn/optimizer.h"
#include "run/task.h"

/* The graph of one size. */
typedef struct stage {
    int height, width;
    nx_graph *g;
    nx_plan *plan;
    nx_params *params;
    nx_param *picture;   /* RGB from 0 to 255 minus the descriptor's mean */
    nx_tensor *gradient; /* of the total by the picture; NULL where nothing asks for it */
    objective objective;
    nx_optimizer *optimizer; /* one of the two */
    nx_lbfgs *lbfgs;
    finite_check *finite; /* of the picture and the optimizer's state */
} stage;

typedef struct optimizer {
    task task;
    nx_image content, init; /* empty: none */
    nx_profile profile;     /* of the content or, without one, of the style */
    double frame;           /* height over width */
    int size, own_style;    /* of the longer side: of the picture, of the style if it has no size of its own */
    int styles;             /* pictures of each stage */
    int stages;             /* the coarse ones and the last */
    int current;
    stage stage;
    double *content_balance, *style_balance;
    bool evaluated; /* the picture as it is: the line search did */
} optimizer;

/* ---- optimize_inputs ---- */

bool optimize_open_inputs(task *base, nx_error *err);

/* The picture at another size; owned by the caller. */
nx_image optimize_resized(const nx_image *image, int height, int width);

/* ---- optimize_stage ---- */

int optimize_size(const optimizer *t, int k);             /* of stage k: its longer side */
int optimize_stage_at(const optimizer *t, uint64_t step); /* the stage that makes the update after `step` */
uint64_t optimize_first_step(const optimizer *t, int k);
void optimize_shape(const optimizer *t, int size, int *height, int *width);

/* What picture x of stage k is held against. dry: whatever the content's values. */
picture_loss optimize_losses(optimizer *t, nx_graph *g, nx_tensor *x, int k, bool dry);

/* Records stage k at a size. dry: for the plan's size alone, whatever the content's values. */
bool optimize_record(optimizer *t, stage *s, int k, int size, bool dry, nx_error *err);
void optimize_free_stage(stage *s);

/* The picture, height x width x 3, minus the descriptor's mean. Owned by the caller. */
nx_image optimize_picture(const stage *s);

/* What the first stage starts from, likewise. */
nx_image optimize_initial(const optimizer *t, int height, int width);

/* Replaces the stage, if there is one, by the k-th, which goes on from its picture; the first one from [data] init, or
 * from nothing where the picture is about to be restored. */
bool optimize_enter(optimizer *t, int k, bool restored, nx_error *err);

/* ---- optimize_balance ---- */

/* Measures the task's pulls, at noise of the last stage's size; the descriptor is on the device, no stage is. */
bool optimize_measure_pulls(optimizer *t, nx_error *err);

#endif
