/* Shapes. Activations are NHWC: n images, h rows, w columns, c channels. Weights are HWIO in the same four numbers:
 * n = kernel height, h = kernel width, w = input channels, c = output channels. A vector is 1x1x1xc, a scalar 1x1x1x1.
 */
#ifndef NX_GRAPH_SHAPE_H
#define NX_GRAPH_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct nx_shape {
    int n, h, w, c;
} nx_shape;

#define NX_SCALAR    ((nx_shape){1, 1, 1, 1})
#define NX_VECTOR(c) ((nx_shape){1, 1, 1, (c)})

static inline size_t nx_shape_count(nx_shape s) { return (size_t)s.n * (size_t)s.h * (size_t)s.w * (size_t)s.c; }
static inline bool nx_shape_equal(nx_shape a, nx_shape b)
{
    return a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c;
}

#endif
