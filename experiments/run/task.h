/* What a config's [experiment] task asks for, behind one door: training of a generator (run/train) or optimisation of a
 * picture (run/optimize). Here is what they have in common: the device, the descriptor, memory that is known before the
 * first kernel runs, the log, and how a run begins and ends.
 *
 *     task *t;
 *     if (!task_new(&t, c, &err)) return fail_with(&err, EXIT_FAILED);          reads every input; no device is touched
 *     if (!task_fits(t, &err)) ...
 *     task_run(t, file, path, &result, &err);
 *     task_free(t);
 *
 * A kind of task is a table of functions over a struct that begins with a task.
 */
#ifndef RUN_TASK_H
#define RUN_TASK_H

#include "run/finite_check.h"
#include "run/paper.h"
#include "run/sample_diversity.h"
#include "runfile/runfile.h"

enum { TASK_MOST_SIZE = 16384 };

typedef struct task_kind task_kind;

typedef struct task {
    const task_kind *kind;
    const config *c;
    const paper *paper;
    nx_device_info info;
    nx_device *device; /* while it runs */
    perceptual_loss *perceptual;
    int recompute; /* the level at which graphs are planned: the config's, unless another is tried out */
} task;

/* Chooses the device's description, reads pictures and weights. An error is the user's. */
bool task_new(task **out, const config *c, nx_error *err);
void task_free(task *t);

/* What a run allocates on the device at its peak, by kind. */
void task_bytes(task *t, uint64_t bytes[NX_MEMORY_KINDS]);

/* The total of it at a level of recomputation (graph/recompute), whatever the config's; 0: that cannot be planned. */
uint64_t task_bytes_at(task *t, int level);

/* Refuses a config that the device has no memory for, naming the largest [data] size that fits and the level of
 * recomputation with which this one would. */
bool task_fits(task *t, nx_error *err);

/* The largest [data] size, up to TASK_MOST_SIZE, for which everything fits; 0 if none does. */
int task_largest_size(task *t);

/* About what the run file takes on disk: checkpoint, pictures over time before compression, rows. */
uint64_t task_disk_bytes(task *t);

/* Prints what `nstx plan` shows of sizes and memory, on standard output. */
void task_print_plan(task *t);

typedef enum task_end { TASK_FINISHED, TASK_INTERRUPTED, TASK_FAILED } task_end;

typedef struct task_result {
    double loss;                /* training: mean of the last rows, at most 50; a picture: of its last step */
    double validation;          /* the last validation's total; NaN without one */
    double style, content;      /* parts of it, or of loss, as they entered it */
    sample_diversity diversity; /* of the last validation's samples of a texture, else NaN */
    double seconds;
    uint64_t step, planned_bytes, measured_bytes;
} task_result;

/* Opens the device and goes from file's checkpoint to the config's number of steps, or until the user interrupts; logs
 * into file, whose path is given, and finishes it. Beside it: STEM.png, and after a training STEM.model.h5. On
 * TASK_FAILED err says why. */
task_end task_run(task *t, runfile *file, const char *path, task_result *result, nx_error *err);

/* ---- for the kinds ---- */

/* The memory of a run at some size; beside its bytes how the arena of a step is used. The descriptor's parameters come
 * on top. */
typedef struct task_needs {
    uint64_t bytes[NX_MEMORY_KINDS], arena, tensors;
    size_t nodes;
} task_needs;

struct task_kind {
    size_t bytes;                         /* of the struct */
    const char *remedy;                   /* what helps where not even the smallest size fits */
    bool (*open)(task *t, nx_error *err); /* checks and reads; c, paper and info are there */
    void (*close)(task *t);               /* also after an open that failed */
    void (*sizes)(const task *t, int *now, int *multiple, int *most);
    bool (*measure)(task *t, int size, task_needs *out, nx_error *err);
    bool (*print)(task *t, nx_error *err);
    bool (*prepare)(task *t, nx_error *err); /* the device is open, the descriptor on it */
    bool (*restore)(task *t, const checkpoint *k, const char *path, nx_error *err);
    checkpoint *(*take_checkpoint)(task *t, uint64_t step);
    /* From *step to the last, or to where it ends by itself (*done), or until the user interrupts. */
    bool (*loop)(task *t, runfile *file, const char *path, uint64_t *step, bool *done, task_result *result,
                 nx_error *err);
    nx_plan *(*plan)(const task *t); /* of a step; NULL before prepare */
};
extern const task_kind training, optimization;

/* A row of the log. */
typedef struct task_row {
    uint64_t step;
    double seconds;
} task_row;
void task_log(runfile *file, const objective *o, const objective_values *v, const char *prefix, task_row r);

/* A loss that is infinite or no number is an error, with the step and the term, by name its layer; the newest
 * checkpoint stays what it is. prefix goes before the terms' names. */
bool task_finite(const objective *o, const objective_values *v, const char *prefix, uint64_t step, nx_error *err);

/* The same for parameters and moments after the update of a step, and so for the gradients that made it. */
bool task_sound(finite_check *w, uint64_t step, nx_error *err);

/* The learning rate of a step, the method's usual one where the config leaves it open. */
double task_rate(const config *c, uint64_t step);

/* True every so many steps (0: never) and at the last. */
bool task_due(int every, uint64_t step, uint64_t steps);

/* Pixels of which `mean` was taken away, as bytes. mean may be NULL. */
uint8_t *task_bytes_of(const float *pixels, const float mean[3], size_t count);

void task_print_params(const char *what, const nx_params *params);

#endif
