/* Pooling: the largest number, or the mean, of every window of each channel.
 *
 *     nx_tensor *y = nx_pool(g, x, (nx_pool_options){.kind = NX_POOL_AVERAGE, .size = 2, .stride = 2});
 *     nx_tensor *z = nx_pool_all(g, x);
 */
#ifndef NX_OPS_POOL_H
#define NX_OPS_POOL_H

#include "graph/graph.h"

typedef enum nx_pool_kind { NX_POOL_MAX, NX_POOL_AVERAGE } nx_pool_kind;

typedef struct nx_pool_options {
    nx_pool_kind kind;
    int size;   /* of the window, in rows and columns; 0: 2 */
    int stride; /* 0: as size */
    bool ceil;  /* windows that reach over the lower or right border count too, as in Caffe; they hold fewer pixels */
} nx_pool_options;

/* n x h x w x c to n x h' x w' x c with h' = (h - size) / stride + 1, rounded down, or with ceil up (but every window
 * begins inside). A mean is over the pixels inside. The gradient of a maximum goes to the first of equal pixels, in the
 * order of rows. */
nx_tensor *nx_pool(nx_graph *g, nx_tensor *x, nx_pool_options options);

/* The mean over all pixels of each image, n x 1 x 1 x c: global average pooling (Lin, Chen, Yan 2014). */
nx_tensor *nx_pool_all(nx_graph *g, nx_tensor *x);

#endif
