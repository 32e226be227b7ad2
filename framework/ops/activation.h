/* Activations, element by element, in place where nothing else reads x: max(x, 0), max(x, 0) + slope min(x, 0), tanh.
 *
 * Their gradients need the output alone, so that no pre-activation is ever stored; operations that fuse an activation
 * (convolution, normalisation) apply the same words in their kernels and call nx_activation_gradient.
 *
 *     nx_tensor *y = nx_relu(g, x);
 *     nx_tensor *z = nx_activate(g, x, NX_ACTIVATION_LEAKY_RELU, 0.2f);
 */
#ifndef NX_OPS_ACTIVATION_H
#define NX_OPS_ACTIVATION_H

#include "graph/graph.h"

typedef enum nx_activation {
    NX_ACTIVATION_NONE, /* kernels with a fused activation know these numbers */
    NX_ACTIVATION_RELU,
    NX_ACTIVATION_LEAKY_RELU,
    NX_ACTIVATION_TANH
} nx_activation;

nx_tensor *nx_relu(nx_graph *g, nx_tensor *x);
nx_tensor *nx_leaky_relu(nx_graph *g, nx_tensor *x, float slope); /* slope >= 0, of the negative side */
nx_tensor *nx_tanh(nx_graph *g, nx_tensor *x);

/* The one of that kind; NX_ACTIVATION_NONE gives x itself. slope is that of the leaky ReLU, ignored by the others. */
nx_tensor *nx_activate(nx_graph *g, nx_tensor *x, nx_activation kind, float slope);

/* The gradient by x, from the output y and its gradient dy (in place on dy where nothing else reads it);
 * NX_ACTIVATION_NONE gives dy itself. At the kink of a ReLU it is that of the negative side. */
nx_tensor *nx_activation_gradient(nx_graph *g, nx_tensor *y, nx_tensor *dy, nx_activation kind, float slope);

#endif
