/* Convolution and transposed convolution, NHWC by HWIO, with bias and activation fused into the store.
 *
 *     y = nx_conv(g, x, w, b, (nx_conv_options){.stride = 2, .pad = 1, .padding = NX_PADDING_REPLICATE,
 *                                              .activation = NX_ACTIVATION_RELU});
 *
 * Convolution: x [n, h, w, ci], weights [kh, kw, ci, co], y [n, (h + 2 pad - kh) / stride + 1, ..., co],
 *     y[o] = sum over k of x[o * stride + k - pad] w[k]      (a correlation, as the whole field calls it)
 * and what lies outside x is read by the padding mode. With upsample x is enlarged first (ops/upsample), as it is read
 * wherever Winograd's algorithm is at work: the large picture is never written there.
 *
 * Transposed convolution: the gradient of a convolution by its input, as a layer of its own. The weights are those of
 * that convolution: x [n, h, w, co], weights [kh, kw, ci, co], y [n, (h - 1) stride - 2 pad + kh + output_pad, ...,
 * ci]. In files OIHW is then Torch's (in, out, h, w). Zero padding only.
 *
 * b is 1x1x1 x (y's channels), or NULL. Gradients by x, w and b. Any kernel size and stride; reflection needs pad < h,
 * w.
 */
#ifndef NX_OPS_CONV_H
#define NX_OPS_CONV_H

#include "graph/graph.h"
#include "ops/activation.h"
#include "ops/pad.h"

typedef struct nx_conv_options {
    int stride;     /* 0: 1 */
    int pad;        /* pixels on each side */
    int upsample;   /* x is read enlarged so many times, every pixel a square of equal ones; 0: 1. Not transposed */
    int output_pad; /* transposed only: extra rows and columns at the end ("adj" in Torch) */
    nx_padding padding;
    nx_activation activation;
    float slope; /* of LeakyReLU */
} nx_conv_options;

typedef struct nx_conv_attr { /* of the node "conv", for who reads a graph */
    nx_conv_options o;
    bool transposed;
} nx_conv_attr;

nx_tensor *nx_conv(nx_graph *g, nx_tensor *x, nx_tensor *w, nx_tensor *b, nx_conv_options options);
nx_tensor *nx_conv_transposed(nx_graph *g, nx_tensor *x, nx_tensor *w, nx_tensor *b, nx_conv_options options);

/* In plan() and bind() of a node that normalizes its first input in `groups` groups of images, one each or all in one:
 * asks what made that input to leave statistics of what it stores, parts [groups][segments][3][c] (cl/norm.cl) that are
 * alive until this node ran. NULL: they are not to be had, or would not pay. */
nx_tensor *nx_conv_statistics(nx_plan *plan, const nx_node *reader, int groups, int *segments);

#endif
