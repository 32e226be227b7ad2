/* Dropout (Srivastava et al. 2014): in training each number becomes 0 with a probability, and the others grow in
 * return, so that nothing is scaled afterwards.
 *
 *     nx_tensor *state = nx_input(g, NX_RANDOM_STATE, "random");
 *     nx_tensor *y = nx_dropout(g, x, 0.5f, state);
 *
 * What falls is a function of the seed and the step (ops/random), and the same in the gradient.
 */
#ifndef NX_OPS_DROPOUT_H
#define NX_OPS_DROPOUT_H

#include "graph/graph.h"

/* y = x [u >= rate] / (1 - rate) with u uniform in (0, 1), the second input of y's node; 0 <= rate < 1, and x itself
 * for a rate of 0. state: as nx_uniform takes it. Differentiable by x. */
nx_tensor *nx_dropout(nx_graph *g, nx_tensor *x, float rate, nx_tensor *state);

#endif
