/* A box cut out of a tensor, along all four axes.
 *
 *     nx_tensor *half = nx_slice(g, x, (nx_slice_options){.c = {.first = 32, .size = 32}});
 */
#ifndef NX_OPS_SLICE_H
#define NX_OPS_SLICE_H

#include "graph/plan.h"

typedef struct nx_interval {
    int first, size; /* size 0: up to the end of the axis */
} nx_interval;

typedef struct nx_slice_options {
    nx_interval n, h, w, c;
} nx_slice_options;

nx_tensor *nx_slice(nx_graph *g, nx_tensor *x, nx_slice_options options);

/* For operations: appends the launch that copies a box of `size` from one place of a tensor to another of another. The
 * places are the first element: {n, h, w, c}. */
void nx_slice_copy(nx_plan *plan, nx_node *node, nx_tensor *from, nx_shape from_place, nx_tensor *to, nx_shape to_place,
                   nx_shape size);

#endif
