/* y = factor x, in place where nothing else reads x.
 *
 *     nx_tensor *y = nx_scale(g, x, 1 / 255.f);
 */
#ifndef NX_OPS_SCALE_H
#define NX_OPS_SCALE_H

#include "graph/graph.h"

nx_tensor *nx_scale(nx_graph *g, nx_tensor *x, float factor);

#endif
