/* The same numbers under another shape: nothing is copied.
 *
 *     nx_tensor *y = nx_reshape(g, x, (nx_shape){x->shape.n, 4, 4, 512});      of n x 1 x 1 x 8192
 */
#ifndef NX_OPS_RESHAPE_H
#define NX_OPS_RESHAPE_H

#include "graph/graph.h"

nx_tensor *nx_reshape(nx_graph *g, nx_tensor *x, nx_shape shape); /* as many numbers, read in NHWC order */

#endif
