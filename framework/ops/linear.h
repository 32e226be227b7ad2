/* A fully connected layer: y = activation(x W + b), for each image of x by itself.
 *
 *     nx_tensor *y = nx_linear(g, z, weight, bias, NX_ACTIVATION_RELU, 0);
 */
#ifndef NX_OPS_LINEAR_H
#define NX_OPS_LINEAR_H

#include "ops/activation.h"

/* x: n x h x w x c, read as n rows of h * w * c numbers in NHWC order. weight: 1 x 1 x (h w c) x outputs. bias: outputs
 * numbers, or NULL. slope: of the leaky ReLU. Gives n x 1 x 1 x outputs. Differentiable by all three. */
nx_tensor *nx_linear(nx_graph *g, nx_tensor *x, nx_tensor *weight, nx_tensor *bias, nx_activation activation,
                     float slope);

#endif
