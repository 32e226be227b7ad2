/* Training, whatever is trained: what it reads (train_inputs), its graphs, steps and state (train), what is held out
 * for validation (train_validation). What differs is a subject: a generator (run/generator_training), a descriptor that
 * learns from another (run/distillation), a classifier (run/classification). Each is a file that ends with a task_kind
 * made of the functions here and its own, over a struct that begins with a trainer.
 */
#ifndef RUN_TRAIN_H
#define RUN_TRAIN_H

#include "io/files.h"
#include "io/loader.h"
#include "nn/layer.h"
#include "nn/optimizer.h"
#include "run/task.h"
#include "runfile/model.h"

/* One of the two graphs. */
typedef struct side {
    nx_graph *g;
    nx_plan *plan;
    int batch;
    bool training;
    nx_tensor *content;  /* the pictures, [batch, size, size, 3], RGB from 0 to 255; NULL: there are none */
    nx_tensor *random;   /* the state of noise; NULL: there is none */
    nx_tensor *output;   /* what is looked at, [batch, h, w, c]; NULL: nothing */
    nx_tensor *gradient; /* of the total by the output; training with [log] debug alone */
    objective objective;
    void *own; /* the subject's other tensors, in one block of memory; freed with the side */
} side;

typedef struct trainer trainer;

/* What is trained, as far as the steps care. */
typedef struct train_subject {
    /* Appends what is trained and its objective to s->g, for crops of `size`, and fills the side. Parameters are made
     * in params, drawn as train_undrawn says. */
    bool (*record)(trainer *t, side *s, nx_params *params, int size, nx_error *err);

    /* Changes the pictures of a training batch, [batch][size][size][3]; NULL: they stay. A function of the seed and the
     * step. */
    void (*alter)(const trainer *t, uint64_t step, float *pixels);

    /* Writes what a run of the side sees beside pictures and noise; NULL: nothing. */
    void (*feed)(const trainer *t, side *s, const char *stream, uint64_t step);

    /* Adds to what is stored beside parameters, moments and rows; NULL: nothing. valid->plan is NULL without one. */
    void (*store)(const trainer *t, const nx_params *params, const side *valid, task_stored *s);
} train_subject;

struct trainer {
    task task;
    const train_subject *subject;
    nx_file_list content, validation;
    const int *labels, *held_labels; /* of content and of validation; NULL: they have none */
    int samples;                     /* without pictures: how many validation looks at */
    nx_params *params;               /* what is trained */
    nx_optimizer *optimizer;
    finite_check *finite; /* of params and the optimizer's state */
    side train, valid;
    nx_loader *loader, *held_out;
    float *pixels; /* of a batch of content; NULL without */
    model *start;  /* whose parameters are taken at the first step; NULL: random ones, or that is done */
    bool restored; /* params are about to be filled from a checkpoint or that model */
    bool fed;      /* the next step's batch is on its way */
};

/* ---- train_inputs ---- */

/* Crops have a size: one that is usual for what is trained, for the error. */
bool train_check_crops(const config *c, int usual, nx_error *err);

/* The pictures of path i of [data] content or validation, which `paths` is: of content those that content_count leaves.
 * nx_file_list_free. */
bool train_pictures_at(nx_file_list *out, const config *c, const config_list *paths, int i, nx_error *err);

/* Reads the lists of [data] content and validation, and opens them. */
bool train_read_pictures(trainer *t, nx_error *err);
bool train_open_pictures(trainer *t, nx_error *err);

/* How many pictures validation looks at, and how many at once: a divisor of that, so that each counts once. */
int train_validation_count(const trainer *t);
int train_validation_batch(const trainer *t);

size_t train_bad_pictures(const trainer *t);

/* [data] contrast on a training batch. */
void train_change_contrast(const trainer *t, uint64_t step, float *pixels);

/* What `nstx plan` says of them. */
void train_print_pictures(const trainer *t);

/* ---- train_start ---- */

/* Reads the model that [experiment] start names, if it does: one that, but for its parameters, is `like` the model that
 * is trained, with every key of the section as here. */
bool train_open_start(trainer *t, const char *section, const model *like, nx_error *err);

/* ---- train_validation ---- */

/* What is done with a batch of validation after it ran. pixels: of the batch, NULL without pictures. */
typedef void (*train_each)(trainer *t, void *context, uint64_t batch, const float *pixels);

/* The means of the objective over all that is held out, and the least units; each may be NULL. */
task_did train_validate(trainer *t, train_each each, void *context, objective_values *mean, nx_error *err);

/* Puts them into the log, if they are numbers. */
bool train_log_validation(trainer *t, runfile *file, const objective_values *mean, task_row row, nx_error *err);

/* A picture of what is trained: into the run file under a name, and beside it. */
bool train_log_picture(runfile *file, const char *name, const nx_image *picture, task_row row, nx_error *err);

/* ---- train: what kinds of task are made of ---- */

/* Whether parameters that a side makes stay undrawn: for a plan alone, or about to be restored. */
bool train_undrawn(const trainer *t, const nx_params *params);

/* Where the layers of what is trained find, or make, their parameters: the config's seed and norm_init. */
nx_scope train_scope(const trainer *t, const side *s, nx_params *params);

/* A side recorded over params, for a look at it without a plan; and freed. */
bool train_record(trainer *t, side *s, nx_params *params, int size, int batch, bool training, nx_error *err);
void train_free_side(side *s);

/* Whether what is trained can be recorded at the config's size; the error names it. */
bool train_check_size(trainer *t, nx_error *err);

void train_close(task *base);
bool train_measure(task *base, int size, task_needs *out, nx_error *err);
int train_batch(const task *base);
bool train_prepare(task *base, const checkpoint *k, const char *path, nx_error *err);
task_did train_step(task *base, uint64_t step, double rate, double *value, nx_error *err);
task_graph train_graph(const task *base);
void train_put_state(const task *base, checkpoint *k, uint64_t step, bool finished);
void train_log_inputs(const task *base, runfile *file);

/* What the task_kind of every training has; each adds its own. */
#define TRAIN_KIND                                                                                                     \
    .batch = train_batch, .validates = true, .adam_rate = 0.001, .rows_of_loss = 50, .step = train_step,               \
    .graph = train_graph

/* What noise, and whatever the subject feeds, sees next: a function of the seed, the stream and the step. */
void train_write_random(const trainer *t, side *s, const char *stream, uint64_t step);

#endif
