/* The perceptual losses of this field, on features of a descriptor: one canonical quantity each, raw, before any
 * weight.
 *
 *     nx_tensor *d = nx_content_loss(g, features, target_features);
 *     nx_tensor *e = nx_style_loss(g, features, target_gram, 0);
 *     nx_tensor *relative = nx_relative_loss(g, e, nx_style_energy(g, target_gram));
 *
 * With F the features of one image as a matrix of M = h w rows by C columns, S = F^T F / M and A = that of the style:
 *     content   D = mean (F - P)^2                       over pixels, channels and images
 *     style     E = sum (S - A)^2 / (4 C^2)              mean over images
 * E is Gatys, Ecker, Bethge 2016 eq. 4, where S is not divided by M and E is by 4 C^2 M^2: the same number, and still
 * defined when style and image differ in size. Papers differ by factors alone: nx_loss_factors has them.
 *
 * What they are where the features vanish is the target's energy, mean P^2 and sum A^2 / (4 C^2). In units of that a
 * loss means the same whatever the weights' scale, the layer and the style: 1 where nothing is there of the target. */
#ifndef NX_NN_LOSS_H
#define NX_NN_LOSS_H

#include "graph/graph.h"

/* Scalars. target: features of the same shape, or of batch 1; gram: [1, 1, C, C] as nx_gram_matrix gives it. strength
 * > 0 replaces the gradient that this loss sends into the features by strength g / (|g|_1 + 1e-8), as Texture Networks'
 * released code does. */
nx_tensor *nx_content_loss(nx_graph *g, nx_tensor *features, nx_tensor *target);
nx_tensor *nx_style_loss(nx_graph *g, nx_tensor *features, nx_tensor *gram, float strength);

/* The energies, scalars; and a loss over one, (F - P)^2 / P^2 and (S - A)^2 / A^2 of the sums. The energy counts as a
 * constant, also where the target depends on what is trained. One of 0 gives what the device's division gives. */
nx_tensor *nx_content_energy(nx_graph *g, nx_tensor *target);
nx_tensor *nx_style_energy(nx_graph *g, nx_tensor *gram);
nx_tensor *nx_relative_loss(nx_graph *g, nx_tensor *loss, nx_tensor *energy);

/* F^T F / M, [n, 1, C, C]. */
nx_tensor *nx_gram_matrix(nx_graph *g, nx_tensor *features);

/* What a paper or its code minimises, as factors on D and E of a layer with C channels and M pixels. */
typedef enum nx_convention {
    NX_CONVENTION_GATYS,   /* the paper: 1/2 sum (F - P)^2 and E */
    NX_CONVENTION_MEAN,    /* as Gatys et al. ran it: mean (F - P)^2 and sum (S - A)^2 / C^2 */
    NX_CONVENTION_CHW,     /* neural-style, texture_nets: mean (F - P)^2 and mean (S - A)^2 of S = F^T F / (C M) */
    NX_CONVENTION_SUM,     /* Texture Networks, eq. 5 and 6: plain sums over F and F^T F */
    NX_CONVENTION_RELATIVE /* nobody's paper: 1 on D and E in units of the target's energy (nx_relative_loss) */
} nx_convention;
void nx_loss_factors(nx_convention convention, nx_shape features, double *content, double *style);

#endif
