/* A weighted sum of scalars, in the order given: the total of the terms of a loss.
 *
 *     nx_tensor *total = nx_weighted_sum(g, (nx_tensor *[]){content, style}, (float[]){1, 10}, 2);
 */
#ifndef NX_OPS_WEIGHTED_SUM_H
#define NX_OPS_WEIGHTED_SUM_H

#include "graph/graph.h"

/* 1 <= n <= NX_MAX_INPUTS scalars; weights are copied. Differentiable by every scalar. */
nx_tensor *nx_weighted_sum(nx_graph *g, nx_tensor *const *scalars, const float *weights, int n);

/* The same of any number of scalars, n >= 1: as many at once as a node takes. */
nx_tensor *nx_weighted_total(nx_graph *g, nx_tensor *const *scalars, const float *weights, size_t n);

#endif
