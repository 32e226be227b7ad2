/* y[n, h, w, c] = scale[c] x[n, h, w, c] + shift[c], in place where nothing else reads x: the conversion of images to
 * the range that a network was trained with, batch normalisation with fixed statistics.
 *
 *     nx_tensor *y = nx_affine(g, x, nx_constant(g, NX_VECTOR(3), (float[]){255, 255, 255}), minus_mean);
 */
#ifndef NX_OPS_AFFINE_H
#define NX_OPS_AFFINE_H

#include "graph/plan.h"

nx_tensor *nx_affine(nx_graph *g, nx_tensor *x, nx_tensor *scale, nx_tensor *shift); /* both 1x1x1xC */

/* For operations: appends the launch of y = scale x + shift, where x or scale may be NULL (a factor of 1 instead; both
 * NULL: y = shift everywhere) and shift may be NULL (0). y may share x's buffer. */
nx_step *nx_affine_launch(nx_plan *plan, nx_node *node, nx_tensor *x, nx_tensor *scale, nx_tensor *shift, nx_tensor *y);

#endif
