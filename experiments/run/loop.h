/* The loop of a run: the one place that knows when a row, a picture, a validation or a checkpoint is due, and how a run
 * begins, is taken up again and ends. What a step, a picture or a state is, the kind of task says (run/task.h).
 *
 *     task_end end = loop_run(t, file, path, &result, &err);
 */
#ifndef RUN_LOOP_H
#define RUN_LOOP_H

#include "run/task.h"

typedef enum task_end { TASK_FINISHED, TASK_INTERRUPTED, TASK_FAILED } task_end;

typedef struct task_result {
    double seconds;
    uint64_t step, planned_bytes, measured_bytes;
} task_result;

/* Opens the device and goes from file's checkpoint to the config's number of steps, or until the user interrupts; logs
 * into file, whose path is given, and finishes it. Beside it: STEM.png, and after a training, with each checkpoint,
 * STEM.model.h5. On TASK_FAILED err says why; where an input could not be read, the state before is kept. */
task_end loop_run(task *t, runfile *file, const char *path, task_result *result, nx_error *err);

#endif
