/* y = a + b, element by element, shapes equal. The sum of a residual block (no activation after it). */
#ifndef NX_OPS_ADD_H
#define NX_OPS_ADD_H

#include "graph/graph.h"

nx_tensor *nx_add(nx_graph *g, nx_tensor *a, nx_tensor *b);

#endif
