/* Bilinear resampling to any size, larger or smaller, without a filter before shrinking. Pixel centres lie at half
 * coordinates (align_corners=False and antialias=False of PyTorch's interpolate); beyond the outermost centres the
 * border pixel is repeated.
 *
 *     nx_tensor *y = nx_resize(g, x, 2 * x->shape.h, 2 * x->shape.w);
 */
#ifndef NX_OPS_RESIZE_H
#define NX_OPS_RESIZE_H

#include "graph/graph.h"

nx_tensor *nx_resize(nx_graph *g, nx_tensor *x, int h, int w); /* to n x h x w x c; h and w at most 16384 */

#endif
