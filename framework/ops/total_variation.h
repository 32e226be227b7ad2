/* Total variation, a scalar that is small for smooth images. With d over all pairs of neighbours, right and below, of
 * the whole h x w grid and every channel:
 *
 *     NX_VARIATION_L2: R = sum d^2       (Johnson's module takes half of it, on a grid without the last row and column)
 *     NX_VARIATION_L1: R = sum |d|       (its gradient where d = 0 is 0)
 *
 * summed over all images and divided by their number n.
 *
 *     nx_tensor *tv = nx_total_variation(g, image, NX_VARIATION_L2);
 */
#ifndef NX_OPS_TOTAL_VARIATION_H
#define NX_OPS_TOTAL_VARIATION_H

#include "graph/graph.h"

typedef enum nx_variation { NX_VARIATION_L2, NX_VARIATION_L1 } nx_variation;

nx_tensor *nx_total_variation(nx_graph *g, nx_tensor *x, nx_variation kind);

#endif
