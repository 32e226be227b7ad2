/* The values of an objective as rows of a run file, and whether they are numbers at all.
 *
 *     objective_read(&o, plan, &v);
 *     if (!rows_finite(&o, &v, "validation/", step, err)) return TASK_BROKEN;
 *     rows_log(file, &o, &v, "validation/", (task_row){step, runfile_seconds(file)});
 */
#ifndef RUN_ROWS_H
#define RUN_ROWS_H

#include "run/task.h"

/* total, of a perceptual loss the sums content and style, and every term with its weight; prefix goes before the names.
 */
void rows_log(runfile *file, const objective *o, const objective_values *v, const char *prefix, task_row row);

/* A loss that is infinite or no number is an error, with the step and the term, by name its layer. */
bool rows_finite(const objective *o, const objective_values *v, const char *prefix, uint64_t step, nx_error *err);

#endif
