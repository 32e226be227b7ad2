/* How long a user waits: from the start of `nstx run` to the end of a run of one step, kernels compiled before.
 *
 *     measure_times t;
 *     if (!first_step_measure(&t, &err)) ...
 *
 * The run is a Gatys optimisation at 256 pixels with the whole VGG-19 to conv5_1, of random weights, on two pictures of
 * noise; what it writes lies in a temporary folder and goes away. */
#ifndef BENCH_FIRST_STEP_H
#define BENCH_FIRST_STEP_H

#include "machine/measure.h"

/* An error says which program failed. */
bool first_step_measure(measure_times *out, nx_error *err);

#endif
