/* One point of a config from its inputs to its finished run file, as `nstx run` and `nstx figure` do it: the device
 * announced, memory checked, resumed or begun afresh, and a line where something went wrong.
 *
 *     point_outcome o;
 *     int code = point_run(&p.point[i], resume, "nstx run a.ini --resume", &o);     EXIT_DONE, ...
 */
#ifndef RUN_POINT_RUN_H
#define RUN_POINT_RUN_H

#include "run/points.h"
#include "run/task.h"

typedef struct point_outcome {
    task_result result;
    bool reused; /* it was finished; seconds and bytes of the result are not known */
} point_outcome;

/* What a program that is to run points does at its start, before OpenCL is touched: it takes a cache of kernels, has a
 * process ready for the self-test of a device, and watches for interrupts. */
void point_run_prepare(void);

/* Gives an exit code, after one line on standard error where it is not EXIT_DONE. resume: take up what is there, also
 * where it is finished. again: the command that continues it when it was interrupted. */
int point_run(const point *p, bool resume, const char *again, point_outcome *out);

#endif
