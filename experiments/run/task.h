/* What a config's [experiment] task asks for, behind one door: training (run/train) of a generator, a descriptor or a
 * classifier, or optimisation of a picture (run/optimize). Here is what they have in common before anything runs: what
 * a config can get wrong, and memory that is known before the first kernel. run/loop runs a task.
 *
 *     task *t;
 *     if (!task_new(&t, c, &err)) return fail_with(&err, EXIT_FAILED);          reads every input; no device is touched
 *     if (!task_fits(t, &err)) ...
 *     ... loop_run (run/loop.h) ...
 *     task_free(t);
 *
 * A kind of task is one file, which ends with a table of functions over a struct that begins with a task, and one row
 * in task.c.
 */
#ifndef RUN_TASK_H
#define RUN_TASK_H

#include "run/finite_check.h"
#include "run/paper.h"
#include "run/pull.h"
#include "runfile/runfile.h"

enum { TASK_MOST_SIZE = 16384 };

typedef struct task_kind task_kind;

typedef struct task {
    const task_kind *kind;
    const config *c;
    const paper *paper;
    nx_device_info info;         /* its memory: as much of it as this process may have (machine/available_memory.h) */
    bool limited;                /* which is less than the device's */
    nx_device *device;           /* while it runs */
    perceptual_loss *perceptual; /* NULL: it is no such loss that is minimised */
    pulls pulls;                 /* at the start of a fresh run (run/pull.h) */
    int recompute;               /* the level at which graphs are planned: the config's, unless another is tried out */
    nx_program_list *listed;     /* where measure() adds the programs of a step; NULL: nobody asks */
} task;

/* Chooses the device's description, reads pictures and weights. An error is the user's. */
bool task_new(task **out, const config *c, nx_error *err);
void task_free(task *t);

/* What a run allocates on the device at its peak, by kind. */
void task_bytes(task *t, uint64_t bytes[NX_MEMORY_KINDS]);

/* Adds the programs that its steps launch; before and beside them there may be others. */
void task_programs(task *t, nx_program_list *out);

/* The total of it at a level of recomputation (graph/recompute), whatever the config's; 0: that cannot be planned. */
uint64_t task_bytes_at(task *t, int level);

/* Refuses a config that the device has no memory for, naming the largest [data] size that fits and the level of
 * recomputation with which this one would. Warns of one that fits, but not into what is left of it now. */
bool task_fits(task *t, nx_error *err);

/* The largest [data] size, up to TASK_MOST_SIZE, for which everything fits; 0 if none does. */
int task_largest_size(task *t);

/* What the run file takes on disk at the end, within a few percent: the checkpoint and rows as they are stored,
 * pictures over time as they usually compress. */
uint64_t task_disk_bytes(task *t);

/* What the pictures in files take beside it, likewise, and how many files there are; 0: [log] pictures asks for none.
 */
uint64_t task_pictures_bytes(task *t, uint64_t *files);

/* Prints what `nstx plan` shows of sizes and memory, on standard output. */
void task_print_plan(task *t);

/* How many of the last rows of the total loss a run's own loss is the mean of. */
int task_rows_of_loss(const config *c);

/* ---- for the kinds ---- */

/* What a run file holds at the end. */
typedef struct task_stored {
    uint64_t numbers;       /* of the checkpoint's arrays, float32 each */
    uint64_t short_numbers; /* and bfloat16 */
    size_t arrays;          /* of them */
    int counters;           /* of the checkpoint */
    int rows, looks;        /* metrics with a row every [log] every steps, and every [log] validation */
    size_t series;          /* of pictures */
    uint64_t pictures;      /* bytes of them, before compression */
    uint64_t files, filed;  /* pictures in a folder, and bytes of them, likewise */
} task_stored;

/* The memory of a run at some size: bytes of its steps, and `before`, those of what is done before there is one; how
 * the arena of a step is used, and what is kept of it on disk. The parameters of a perceptual loss's descriptor come on
 * top. */
typedef struct task_needs {
    uint64_t bytes[NX_MEMORY_KINDS], before, arena, tensors;
    size_t nodes;
    task_stored stored;
} task_needs;

/* Metrics of an objective: its terms and the sums of rows_log. */
int task_metrics(const objective *o);

/* Adds a series of pictures to what is stored, in files, too, where [log] pictures asks for them: one at every [log]
 * images of `steps` steps, and at the end. */
void task_store_series(task_stored *s, const config *c, uint64_t steps, size_t pixels);

/* The graph that a step ran, for the row of that step. */
typedef struct task_graph {
    nx_plan *plan; /* NULL before prepare */
    const objective *objective;
    finite_check *finite;
    nx_tensor *gradient; /* of the total by a picture, where [log] debug asks for it */
} task_graph;

/* Where a row or a picture of the log belongs. */
typedef struct task_row {
    uint64_t step;
    double seconds;
} task_row;

/* How a part of a run ended. */
typedef enum task_did {
    TASK_DID,
    TASK_LEFT,   /* the user interrupted it; nothing of it is in the log, it is to be made again */
    TASK_UNREAD, /* an input could not be read, which err names; the state is what it was before */
    TASK_BROKEN  /* err says why; the newest checkpoint stays what it is */
} task_did;

struct task_kind {
    size_t bytes;                                 /* of the struct */
    bool starts;                                  /* it may begin from a model: [experiment] start */
    bool (*suits)(const paper *p, nx_error *err); /* the paper has this kind of task; NULL: each has */
    bool (*open)(task *t, nx_error *err);         /* checks and reads; c, paper and info are there */
    void (*close)(task *t);                       /* also after an open that failed */

    /* ---- what it takes ---- */
    const char *remedy; /* what helps where not even the smallest size fits */
    void (*sizes)(const task *t, int *now, int *multiple, int *most);
    int (*batch)(const task *t); /* pictures of a step; NULL: there is one */
    int (*shown)(const task *t); /* pictures that are logged at a time; NULL: one */
    bool validates;              /* [log] validation */
    bool (*measure)(task *t, int size, task_needs *out, nx_error *err);
    bool (*print)(task *t, nx_error *err);

    /* Whether it goes on with what checkpoint k of the file path was made from; NULL: the config says enough. */
    bool (*continues)(const task *t, const checkpoint *k, const char *path, nx_error *err);

    /* ---- how it runs: run/loop ---- */
    double adam_rate; /* the usual learning rate of Adam */
    int rows_of_loss; /* see task_rows_of_loss */
    bool closes;      /* the state after the last update is evaluated, logged and shown, too */

    /* The device is open. k: the checkpoint of the file path to go on from; NULL: from the start. An interrupt may
     * leave it unfinished: then no step is made. */
    bool (*prepare)(task *t, const checkpoint *k, const char *path, nx_error *err);

    /* Evaluates the state at `step`, for a row; and moves it on where there is no update. rate 0: stays. *value is the
     * total where the kind has it at hand. */
    task_did (*step)(task *t, uint64_t step, double rate, double *value, nx_error *err);

    /* Moves the state on from what `step` evaluated; NULL: that did. *end says why it cannot be moved any more. */
    bool (*update)(task *t, uint64_t step, double rate, double *value, const char **end, nx_error *err);

    /* Another graph from `step` on: true where that is due, and the change itself, after a picture of before. NULL:
     * never. */
    bool (*turns)(const task *t, uint64_t step);
    bool (*turn)(task *t, uint64_t step, nx_error *err);

    /* Of a last step that was reached, what about it is not as it should be, in words that the caller owns; NULL:
     * nothing. Totals of the first and the last state; first is NaN where it is not known. */
    char *(*doubt)(const task *t, double first, double last);

    task_graph (*graph)(const task *t);

    /* Metrics of the row beside those of the objective; NULL: there are none. */
    void (*log_row)(const task *t, runfile *file, task_row row);

    /* What [log] validation and images ask for, of the state at the row's step; pictures: the latter, too. */
    task_did (*look)(task *t, runfile *file, task_row row, bool pictures, nx_error *err);

    /* What the log says of the pictures that were read, before it is saved; NULL: nothing. */
    void (*log_inputs)(const task *t, runfile *file);

    /* What of its state a checkpoint holds; the loop adds how far it is. finished: of a run that did all its steps,
     * which need not go on. */
    void (*put_state)(const task *t, checkpoint *k, uint64_t step, bool finished);

    /* Beside each checkpoint of the run file at path; NULL: there is no more to write. */
    bool (*save_model)(const task *t, const char *path, nx_error *err);
};
extern const task_kind training, optimization, distillation, classification;

/* Pixels of which `mean` was taken away, as bytes. mean may be NULL. */
uint8_t *task_bytes_of(const float *pixels, const float mean[3], size_t count);

void task_print_params(const char *what, const nx_params *params);

#endif
