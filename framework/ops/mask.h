/* Every pixel times a number of its own, the same for all its channels: features of a part of a picture.
 *
 *     nx_tensor *y = nx_mask(g, features, nx_constant(g, (nx_shape){1, h, w, 1}, weights));
 *
 * x is n x h x w x c, the mask 1 x h x w x 1. Differentiable by x; the mask counts as a constant.
 */
#ifndef NX_OPS_MASK_H
#define NX_OPS_MASK_H

#include "graph/graph.h"

nx_tensor *nx_mask(nx_graph *g, nx_tensor *x, nx_tensor *mask);

#endif
