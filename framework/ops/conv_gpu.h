/* Convolution on GPUs, for ops/conv: not a header for users of operations.
 *
 * Implicit matrix products in tiles of local memory (cl/conv_gpu.cl, ops/tile); with many channels and 3 x 3 kernels
 * Winograd's F(4 x 4, 3 x 3) in strips of bounded memory, whose 36 products are those of ops/gemm_gpu. Which, with
 * which tile and how many splits, ops/choice says. Where the device was opened for tf32, all products are those of
 * tensor cores and Winograd is left out: its transforms lose what tf32 has not to spare.
 *
 *     if (on_gpu(plan)) nx_conv_gpu_plan(plan, node, &it);    in plan()
 *     if (on_gpu(plan)) nx_conv_gpu_bind(plan, node, &it);    in bind(); sets the launches' flops too
 *
 * The node's inputs are x, the weights w (HWIO) and, if there is a third, the bias. Uses scratch slots 0 to 3.
 */
#ifndef NX_OPS_CONV_GPU_H
#define NX_OPS_CONV_GPU_H

#include "graph/plan.h"
#include "ops/activation.h"
#include "ops/pad.h"

/* A gather, as in cl/conv.cl: output o and tap k read (o * up + k - pad) / down. */
typedef struct nx_conv_gpu {
    nx_shape x, y;
    int kh, kw, up, down, pad_y, pad_x;
    int zoom;     /* x is read enlarged so many times, to the nearest */
    bool rotated; /* w is that of a convolution from y's channels to x's, turned by 180 degrees */
    nx_padding padding;
    nx_activation activation;
    float slope; /* of LeakyReLU */
} nx_conv_gpu;

void nx_conv_gpu_plan(nx_plan *plan, nx_node *node, const nx_conv_gpu *it);
void nx_conv_gpu_bind(nx_plan *plan, nx_node *node, const nx_conv_gpu *it);

/* The gradient by w: the node's inputs are x and the gradient by y, its output is that by w. `up` is the stride. */
void nx_conv_gpu_plan_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it);
void nx_conv_gpu_bind_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it);

#endif
