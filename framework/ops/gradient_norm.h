/* The identity, whose gradient is normalised: g becomes strength g / (|g|_1 + 1e-8), the L1 norm taken over the whole
 * tensor, all images of the batch (texture networks' normalize_gradients).
 *
 * Put between a layer and its loss, it makes that loss's own gradient by the layer of L1 norm `strength`, before the
 * gradient of deeper layers is added. Reported losses stay as they are, so what is optimised is no longer their sum.
 *
 *     nx_tensor *loss = nx_mse(g, nx_gram(g, nx_normalize_gradient(g, features, 1), factor), target);
 */
#ifndef NX_OPS_GRADIENT_NORM_H
#define NX_OPS_GRADIENT_NORM_H

#include "graph/graph.h"

/* The result has x's values and shares its buffer: nothing is copied. */
nx_tensor *nx_normalize_gradient(nx_graph *g, nx_tensor *x, float strength);

#endif
