/* Mean and squared deviations of every row and channel of a tensor, over some of its columns: what the statistics of
 * a picture are put together from when it is worked on in parts, which overlap.
 *
 *     nx_tensor *columns = nx_input(g, NX_VECTOR(2), "columns");
 *     nx_tensor *m = nx_keep(nx_row_moments(g, x, columns));
 *     nx_plan_write(plan, columns, (float[]){64, 512});                columns 64 to 575
 *
 * x is n x h x w x c, m is n x h x 2 x c: the mean, and the sum of squared differences from it. Sets of them are merged
 * by the formula of Chan et al. without a difference of large sums. Not differentiable.
 */
#ifndef NX_OPS_ROW_MOMENTS_H
#define NX_OPS_ROW_MOMENTS_H

#include "graph/graph.h"

nx_tensor *nx_row_moments(nx_graph *g, nx_tensor *x, nx_tensor *columns); /* columns: the first, and how many: 1 .. w */

#endif
