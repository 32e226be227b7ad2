/* Whether numbers that live on the device are still numbers: one small graph that tells of every parameter in some
 * stores whether all of it is finite, and reads back a single number while it is.
 *
 * A gradient that is infinite or no number reaches the parameter and its moments in the update that uses it, so
 * watching these watches the gradients. Not here: losses (task_finite) and what a checkpoint holds (checkpoint_finite).
 *
 *     finite_check *w;
 *     if (!finite_check_new(&w, &info, (const nx_params *[]){params, optimizer->state}, 2, &err)) ...
 *     finite_check_realize(w, device);                         the stores are realized before
 *     const char *bad = finite_check_look(w, &count);          after any step; NULL: all is finite
 *     finite_check_free(w);
 */
#ifndef RUN_FINITE_CHECK_H
#define RUN_FINITE_CHECK_H

#include "graph/param.h"
#include "graph/plan.h"

typedef struct finite_check finite_check;

/* Plans the graph; no device is touched. The stores outlive the check; NULL ones are skipped. */
bool finite_check_new(finite_check **out, const nx_device_info *info, const nx_params *const *stores, int count,
                      nx_error *err);
void finite_check_free(finite_check *w); /* before nx_device_free */

uint64_t finite_check_bytes(const finite_check *w);                /* on the device */
void finite_check_programs(finite_check *w, nx_program_list *out); /* adds them; before it is realized */
void finite_check_realize(finite_check *w, nx_device *device);

/* The first parameter, in the order of the stores, that holds an infinity or a NaN now, and how many do; NULL and 0 if
 * none does. Waits for the device. The name is the parameter's. */
const char *finite_check_look(finite_check *w, size_t *count);

#endif
