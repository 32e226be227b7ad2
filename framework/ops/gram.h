/* The Gram matrix of features, which describes texture: S = factor F^T F for each image, F its (h w) x c matrix of
 * activations (Gatys et al., CVPR 2016, eq. 3; there F is transposed and the factor 1).
 *
 * Which factor goes with which published loss: 1 (the paper), 1 / (h w) (as Gatys ran it), 1 / (c h w) (neural-style,
 * texture networks).
 *
 *     nx_tensor *s = nx_gram(g, features, 1.f / (c * h * w));        n x 1 x c x c
 */
#ifndef NX_OPS_GRAM_H
#define NX_OPS_GRAM_H

#include "graph/graph.h"

nx_tensor *nx_gram(nx_graph *g, nx_tensor *x, float factor); /* factor != 0 */

#endif
