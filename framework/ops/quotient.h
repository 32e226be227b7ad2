/* y = a / b, of two scalars: a loss in units of another.
 *
 *     nx_tensor *relative = nx_quotient(g, nx_mse(g, features, target), nx_mean_square(g, target));
 */
#ifndef NX_OPS_QUOTIENT_H
#define NX_OPS_QUOTIENT_H

#include "graph/graph.h"

/* b = 0 gives what the device's division gives. Differentiable by both. */
nx_tensor *nx_quotient(nx_graph *g, nx_tensor *a, nx_tensor *b);

#endif
