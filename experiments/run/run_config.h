/* One point of a config from its inputs to its finished run file, as `nstx run` and `nstx figure` do it: the device
 * announced, memory checked, resumed or begun afresh, and a line where something went wrong.
 *
 *     run_outcome o;
 *     run_request r = {.command = line, .again = "nstx run a.ini --resume", .resume = true};
 *     int code = run_config(&p.point[i], &r, &o, &err);                             EXIT_DONE, ...
 */
#ifndef RUN_RUN_CONFIG_H
#define RUN_RUN_CONFIG_H

#include "config/sweep_points.h"
#include "run/exit_code.h"
#include "run/loop.h"
#include "run/sample_diversity.h"

typedef struct run_request {
    const char *command; /* the command line, for the run file */
    const char *again;   /* the one that continues the run when it was interrupted */
    bool resume;         /* take up what is there, also where it is finished */
    bool overwrite;      /* replace what is there; of neither, an unfinished or another run is refused */
} run_request;

/* Of a run that is finished: what its file says, the same whenever it is asked. NaN: it has none of that. */
typedef struct run_outcome {
    double loss;                /* training: mean of the last rows, at most 50; a picture: of its last step */
    double validation;          /* the last validation's total */
    double top1, top5;          /* of the last validation: right answers, as a share */
    double style, content;      /* parts of it, or of loss, as they entered it */
    sample_diversity diversity; /* of the last validation's samples of a texture */
    task_result result;
    bool reused; /* it was finished before; the result is not known */
} run_outcome;

/* What a program that is to run points does at its start, before OpenCL is touched: it takes a cache of kernels, has a
 * process ready for the self-test of a device, and watches for interrupts. */
void run_config_prepare(void);

/* Whether what the point's run writes has its places, and what is there of it may be taken up or replaced: asked of all
 * points before the first is run. An error is the user's. */
bool run_config_may_write(const sweep_point *p, const run_request *r, nx_error *err);

/* Gives an exit code (run/exit_code.h); err holds the one line that says why where it is not EXIT_DONE. */
int run_config(const sweep_point *p, const run_request *r, run_outcome *out, nx_error *err);

/* What one run takes of the device. */
typedef struct run_needs {
    uint64_t bytes, memory; /* planned, and what the device has */
    bool cpu;               /* the device is the processor itself: one run uses all of its cores */
} run_needs;

/* Reads the inputs of a run and plans its memory without touching the device. An error is the user's. */
bool run_config_check(const config *c, run_needs *needs, nx_error *err);

#endif
