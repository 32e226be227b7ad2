/* Padding of rows and columns: zeros, the image mirrored at its border pixels, the border pixels repeated, or the image
 * itself as on a torus.
 *
 *     nx_tensor *y = nx_pad(g, x, (nx_pad_options){1, 1, 1, 1, .mode = NX_PADDING_REFLECT});
 */
#ifndef NX_OPS_PAD_H
#define NX_OPS_PAD_H

#include "graph/graph.h"

typedef enum nx_padding { /* the values of PAD_* in cl/prelude.cl */
                          NX_PADDING_ZERO,
                          NX_PADDING_REFLECT, /* c b | a b c | b a: less than the size of the image */
                          NX_PADDING_REPLICATE,
                          NX_PADDING_CIRCULAR /* at most the size of the image */
} nx_padding;

typedef struct nx_pad_options {
    int top, bottom, left, right; /* pixels, 0 or more */
    nx_padding mode;
} nx_pad_options;

/* n x h x w x c to n x (top + h + bottom) x (left + w + right) x c. */
nx_tensor *nx_pad(nx_graph *g, nx_tensor *x, nx_pad_options options);

/* The gradient by x, of shape x_shape, from that of the padded tensor: every pixel of dy is added to the pixel of x
 * that it was copied from (the adjoint of nx_pad). */
nx_tensor *nx_pad_gradient(nx_graph *g, nx_tensor *dy, nx_shape x_shape, nx_pad_options options);

#endif
