/* The mean of squares over all elements, a scalar: the energy that a difference is held against.
 *
 *     nx_tensor *relative = nx_quotient(g, nx_mse(g, features, target), nx_mean_square(g, target));
 */
#ifndef NX_OPS_MEAN_SQUARE_H
#define NX_OPS_MEAN_SQUARE_H

#include "graph/graph.h"

/* Over all n h w c elements of x. Differentiable. */
nx_tensor *nx_mean_square(nx_graph *g, nx_tensor *x);

#endif
