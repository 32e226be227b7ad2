/* The mean of squared differences, a scalar: the content loss D = mean (F - P)^2, and with Gram matrices the style
 * loss.
 *
 *     nx_tensor *loss = nx_mse(g, features, target);
 */
#ifndef NX_OPS_MSE_H
#define NX_OPS_MSE_H

#include "graph/graph.h"

/* Over all n h w c elements of x. target has the shape of x, or is of batch 1 and shared by all images of x.
 * Differentiable by both. */
nx_tensor *nx_mse(nx_graph *g, nx_tensor *x, nx_tensor *target);

#endif
