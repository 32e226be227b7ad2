/* Training of a generator: the inputs of a config, the graphs of a step and of a validation, their memory, the loop.
 *
 *     trainer *t;
 *     if (!trainer_new(&t, c, &err)) return fail(&err);       reads every input, plans every byte; no device is touched
 *     trainer_bytes(t, bytes);
 *     trainer_run(t, file, ...);
 *     trainer_free(t);
 */
#ifndef RUN_TRAIN_H
#define RUN_TRAIN_H

#include "device/device.h"
#include "run/config.h"
#include "run/runfile.h"

typedef struct trainer trainer;

/* Chooses the device's description, reads pictures and weights, records and plans. An error is the user's. */
bool trainer_new(trainer **out, const config *c, nx_error *err);
void trainer_free(trainer *t);

const nx_device_info *trainer_device(const trainer *t);

/* What a run allocates on the device at its peak, by kind. */
void trainer_bytes(const trainer *t, uint64_t bytes[NX_MEMORY_KINDS]);

/* Refuses a config that the device has no memory for, naming the largest [data] size that fits. */
bool trainer_fits(trainer *t, nx_error *err);

/* The largest [data] size, a multiple of the network's, up to 16384, for which everything fits; 0 if none does. */
int trainer_largest_size(trainer *t);

/* Prints what `nstx plan` shows, on standard output. */
void trainer_print_plan(trainer *t);

typedef enum trainer_end { TRAINER_FINISHED, TRAINER_INTERRUPTED, TRAINER_FAILED } trainer_end;

typedef struct trainer_result {
    double loss;       /* mean of the last rows of the training loss, at most 50 */
    double validation; /* the last validation's total, style and content parts as they entered it; NaN without one */
    double style, content;
    double seconds;
    uint64_t step, planned_bytes, measured_bytes;

} trainer_result;

/* Opens the device and trains from file's checkpoint to the config's number of steps, or until the user interrupts;
 * logs into file, whose path is given, and finishes it. Beside it: STEM.png, pictures and what becomes of them, and
 * STEM.model.h5 after the last step. On TRAINER_FAILED err says why. */
trainer_end trainer_run(trainer *t, runfile *file, const char *path, trainer_result *result, nx_error *err);

#endif
