/* The nearest-neighbour (Kozachenko-Leonenko) entropy of a batch of images, as a term of a loss to be minimised: MINUS
 * the entropy, so that minimising it drives samples apart (Ulyanov et al., CVPR 2017, eq. 10).
 *
 * With N images of D elements, d_ij the squared Euclidean distance of images i and j, and j(i) the nearest other image:
 *
 *   as released (the default):  value     -(D / N) sum_i ln d_i,j(i)
 *                               gradient  of the DIFFERENT function -sum_i ln(d_i,j(i) + epsilon), without the factor
 *                                         D / N: -1 / (d + epsilon) * 2 (x_i - x_j) goes to x_i, its negative to x_j.
 *                                         Weights of 5000 to 10000 in the authors' commands are meant for this one.
 *   literal (eq. 10):           value     -(1 / N) sum_i ln |x_i - x_j(i)|, and its true gradient (with epsilon unused)
 *
 * Two equal images have the value infinity; in the literal form their gradient is 0, by which they stay equal.
 *
 *     nx_tensor *term = nx_entropy(g, samples, (nx_entropy_options){0});
 */
#ifndef NX_OPS_ENTROPY_H
#define NX_OPS_ENTROPY_H

#include "graph/graph.h"

typedef struct nx_entropy_options {
    bool literal;
    float epsilon; /* 0: 0.1 */
} nx_entropy_options;

nx_tensor *nx_entropy(nx_graph *g, nx_tensor *x, nx_entropy_options options); /* 2 images and more */

#endif
