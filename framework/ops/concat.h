/* Tensors side by side along the channels: n x h x w x (c1 + c2 + ...).
 *
 *     nx_tensor *y = nx_concat(g, (nx_tensor *[]){coarse, fine}, 2);
 */
#ifndef NX_OPS_CONCAT_H
#define NX_OPS_CONCAT_H

#include "graph/graph.h"

nx_tensor *nx_concat(nx_graph *g, nx_tensor *const *x, int count); /* at most NX_MAX_INPUTS, all n x h x w x any */

#endif
