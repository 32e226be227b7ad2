/* The pyramid of Texture Networks (Ulyanov, Lebedev, Vedaldi, Lempitsky 2016), their released "TextureNet V1".
 *
 *     nx_tensor *y = pyramid_record(&(pyramid_options){.scales = 5}, &scope, inputs);
 *
 * inputs[0 .. scales-1], the coarsest first, each [n, h, w, c] and twice as large as the one before: noise, or a
 * picture and noise. y is as large as the last, [n, h, w, 3], linear; circular padding, batch statistics in training
 * and after. Parameters are named as in the released networks: scaleI.branch.convJ, scaleI.join.lower, output and so
 * on. With three input channels 71 659 parameters at five scales and 116 915 at six.
 */
#ifndef NETWORKS_PYRAMID_H
#define NETWORKS_PYRAMID_H

#include "networks/generators.h"

enum { PYRAMID_MOST_SCALES = 8 };

extern const generator_network pyramid_network; /* its row */

typedef struct pyramid_options {
    int scales;              /* K of the paper: 1 .. PYRAMID_MOST_SCALES */
    bool pointwise_left_out; /* without the 1x1 convolution that ends each block, as the released stylizations are */
} pyramid_options;

/* A pixel of y depends on none of the finest input that is farther away than this, nor of the others in proportion; a
 * multiple of 2 to the power scales - 1. What normalization measures is left out. */
int pyramid_reach(const pyramid_options *options);

nx_tensor *pyramid_record(const pyramid_options *options, nx_scope *s, nx_tensor *const *inputs);

/* The same on the inputs of the paper, for a picture of `shape`: at each scale three channels of noise, uniform in
 * (0, noise_scale), after the content where there is one (RGB in [0, 1]; NULL for textures), averaged down. random: the
 * state of random operations. */
nx_tensor *pyramid_generate(const pyramid_options *options, nx_scope *s, nx_shape shape, nx_tensor *content,
                            nx_tensor *random, float noise_scale);

#endif
