/* Recomputation: less memory for more time. Values of the forward part that the gradient needs again are made a second
 * time just before it needs them, instead of being kept.
 *
 *     nx_gradient(g, loss, wrt, n, gradient);        or nx_optimizer_new
 *     nx_recompute(g, 1);                            after every gradient, before
 *     nx_plan_new(&plan, g, &err);                   which places the copies like any other node
 *
 * Level 0: nothing. Level 1: what costs little: activations, normalizations, poolings, paddings, upsampling, and sums
 * over at most 64 weights (the first convolution of a picture). Level 2: convolutions too, from the nearest value that
 * is small or joins two paths: the output of a pooling, of a strided convolution, of a residual block. All of a segment
 * between two such values is made again when the gradient enters it.
 *
 * The bits of every result are those of level 0: the same kernels on the same values. Only nodes of a known cost
 * (nx_op.cost) are copied, and none after the first update of parameters; what is kept, an input or computed once is
 * there anyway. It is not a search for the best set: a value is dropped where the inputs that must be kept for it
 * instead, and would otherwise not be, are smaller (a walk from the last node to the first, Chen et al. 2016 with
 * segments given by the network's own narrow places).
 */
#ifndef NX_GRAPH_RECOMPUTE_H
#define NX_GRAPH_RECOMPUTE_H

#include "graph/graph.h"

enum { NX_RECOMPUTE_MOST = 2 }; /* the highest level */

/* Gives the number of nodes that were added. */
size_t nx_recompute(nx_graph *g, int level);

#endif
