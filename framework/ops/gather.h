/* Some of the pixels of a tensor, each with all its channels, in the order asked for: a sample of positions.
 *
 *     nx_tensor *rows = nx_input(g, NX_VECTOR(400), "rows");
 *     nx_tensor *some = nx_gather(g, features, rows);                              1 x 1 x 400 x c
 */
#ifndef NX_OPS_GATHER_H
#define NX_OPS_GATHER_H

#include "graph/graph.h"

/* rows: 1 x 1 x 1 x count whole numbers, all different, each (image * h + y) * w + x of a pixel of x. Gives
 * 1 x 1 x count x c. Differentiable by x, whose gradient is 0 at all other pixels. */
nx_tensor *nx_gather(nx_graph *g, nx_tensor *x, nx_tensor *rows);

#endif
