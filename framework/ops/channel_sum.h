/* y[c] = the sum over n, h and w of x[n, h, w, c], or of a[n, h, w, c] b[n, h, w, c]: from NHWC to 1x1x1xC. The
 * gradients of a bias and of a scale per channel.
 *
 * Two stages in a fixed order, so that two runs give the same bits; no sum runs over more than some hundred numbers
 * one by one.
 *
 *     nx_tensor *dbias = nx_channel_sum(g, dy);
 */
#ifndef NX_OPS_CHANNEL_SUM_H
#define NX_OPS_CHANNEL_SUM_H

#include "graph/graph.h"

nx_tensor *nx_channel_sum(nx_graph *g, nx_tensor *x);
nx_tensor *nx_channel_dot(nx_graph *g, nx_tensor *a, nx_tensor *b); /* shapes equal; not differentiable */

#endif
