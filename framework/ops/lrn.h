/* Local response normalisation across channels (Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
 * convolutional neural networks", NIPS 2012, section 3.3, with the mean over the window instead of its sum, as in Caffe
 * and Torch):
 *
 *     y[c] = x[c] / (k + alpha / size * sum of x[j]^2)^beta,   j within the window of `size` channels around c
 *
 *     nx_tensor *y = nx_lrn(g, x, (nx_lrn_options){.size = 5});
 */
#ifndef NX_OPS_LRN_H
#define NX_OPS_LRN_H

#include "graph/graph.h"

typedef struct nx_lrn_options {
    int size;             /* channels of a window, odd; 0: 5 */
    float alpha, beta, k; /* 0: 1e-4, 0.75 and 1 */
} nx_lrn_options;

nx_tensor *nx_lrn(nx_graph *g, nx_tensor *x, nx_lrn_options options);

#endif
