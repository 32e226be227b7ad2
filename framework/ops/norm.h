/* Instance and batch normalisation, y = activation(gamma (x - mean) / sqrt(variance + epsilon) + beta) + residual, all
 * in one pass.
 *
 * Instance: mean and (biased) variance over h * w of each image and channel, in training and after (Ulyanov et al.,
 * CVPR 2017). Batch: over n * h * w of each channel in training; otherwise the running ones. Both are the same kernels:
 * a tensor is `groups` of rows of c channels, n groups of h * w rows, or one of n * h * w.
 *
 *     nx_tensor *y = nx_instance_norm(g, x, gamma, beta, (nx_norm_options){.activation = NX_ACTIVATION_RELU});
 *     nx_tensor *z = nx_batch_norm(g, x, gamma, beta, mean, variance, (nx_norm_options){.training = true});
 */
#ifndef NX_OPS_NORM_H
#define NX_OPS_NORM_H

#include "ops/activation.h"

typedef struct nx_norm_options {
    float epsilon;  /* 0: 1e-5 */
    float momentum; /* of running statistics: new = (1 - momentum) old + momentum batch; 0: 0.1 */
    bool training;  /* batch statistics; ignored by instance normalisation */
    nx_activation activation;
    float slope;         /* of the leaky ReLU, > 0 */
    nx_tensor *residual; /* of x's shape, where there is no activation: the sum of a residual block; NULL: none */
} nx_norm_options;

/* Of the node "norm", for who reads a graph. Its inputs: x, gamma and beta where it is affine, running mean and
 * variance where those are used, the residual; its outputs: y, statistics. */
typedef struct nx_norm_attr {
    nx_norm_options o; /* without the residual */
    bool instance, affine, residual;
} nx_norm_attr;

/* x: n x h x w x c; gamma and beta: c numbers, or both NULL (1 and 0). Differentiable by these and the residual. */
nx_tensor *nx_instance_norm(nx_graph *g, nx_tensor *x, nx_tensor *gamma, nx_tensor *beta, nx_norm_options options);

/* running_mean and running_variance: c numbers each; in training both may be NULL, and none are kept. In training every
 * run of the plan updates them in place (the variance unbiased, as Torch), so they are parameters that are not frozen;
 * otherwise they are read, and gradients treat them as constants. */
nx_tensor *nx_batch_norm(nx_graph *g, nx_tensor *x, nx_tensor *gamma, nx_tensor *beta, nx_tensor *running_mean,
                         nx_tensor *running_variance, nx_norm_options options);

#endif
