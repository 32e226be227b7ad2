/* Convolution by Winograd's F(4 x 4, 3 x 3) on CPUs, for ops/conv: not a header for users of operations.
 *
 * 3 x 3 kernels in steps of one pixel, some 2.5 times as fast as the sum itself at 64 channels and more, with twice its
 * rounding error (about 2e-6 of the largest output at 512 channels). Transformed weights take four times the memory.
 *
 *     if (nx_winograd_suits(info, &it)) nx_winograd_plan(plan, node, &it);    in plan()
 *     if (nx_winograd_suits(info, &it)) return nx_winograd_bind(plan, node, &it);   in bind()
 *
 * The node's inputs are x, the weights w (HWIO) and, if there is a third, the bias. Uses scratch slots 0 to 2.
 */
#ifndef NX_OPS_WINOGRAD_H
#define NX_OPS_WINOGRAD_H

#include "graph/plan.h"
#include "ops/activation.h"
#include "ops/pad.h"

typedef struct nx_winograd {
    nx_shape x, y; /* y of any size: what lies outside x is read by the padding mode */
    int pad;       /* rows and columns before the first of x that the first of y reads; may be negative */
    int zoom;      /* x is read enlarged so many times, to the nearest */
    bool rotated;  /* w is that of a convolution from y's channels to x's, turned by 180 degrees */
    nx_padding padding;
    nx_activation activation;
    float slope;  /* of LeakyReLU */
    bool weights; /* what is asked for is the gradient by w */
} nx_winograd;

bool nx_winograd_suits(const nx_device_info *info, const nx_winograd *it);
void nx_winograd_plan(nx_plan *plan, nx_node *node, const nx_winograd *it);
nx_step *nx_winograd_bind(nx_plan *plan, nx_node *node, const nx_winograd *it);

/* After its plan(): nx_conv_statistics of a convolution by this algorithm. */
nx_tensor *nx_winograd_statistics(nx_plan *plan, nx_node *node, const nx_winograd *it, int groups, int *segments);

/* The gradient by w, where it suits: the node's inputs are x and the gradient by y, its output is that by w. */
void nx_winograd_plan_gradient(nx_plan *plan, nx_node *node, const nx_winograd *it);
void nx_winograd_bind_gradient(nx_plan *plan, nx_node *node, const nx_winograd *it);

#endif
