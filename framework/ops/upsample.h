/* Enlargement by a whole factor: every pixel becomes factor x factor equal ones (nearest neighbour).
 *
 *     nx_tensor *y = nx_upsample(g, x, 2);
 *
 * Before a convolution nx_conv_options.upsample does it without writing the large picture.
 */
#ifndef NX_OPS_UPSAMPLE_H
#define NX_OPS_UPSAMPLE_H

#include "graph/graph.h"

nx_tensor *nx_upsample(nx_graph *g, nx_tensor *x, int factor); /* n x h x w x c to n x factor h x factor w x c */

/* Its gradient by x: sums of factor x factor pixels of dy. */
nx_tensor *nx_upsample_gradient(nx_graph *g, nx_tensor *dy, int factor);

#endif
