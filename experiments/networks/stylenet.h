/* StyleNet: the stylization network of Improved Texture Networks (Ulyanov, Vedaldi, Lempitsky 2017), after Johnson et
 * al.
 *
 *     nx_tensor *y = stylenet_record(&options, &scope, x);
 *
 * x is [n, h, w, 3 + noise], RGB in [0, 1] and any noise channels after it. y is [n, h, w, 3], linear, RGB from 0 to
 * 255 minus the descriptor's mean, with h and w rounded up to multiples of STYLENET_MULTIPLE: convolutions of stride 2
 * round up, and each enlargement is by two. With the defaults 1 672 323 parameters.
 *
 * The networks of Johnson et al.'s fast-neural-style are StyleNets, too (`place`, `tanh`, `upsample_norm`).
 */
#ifndef NETWORKS_STYLENET_H
#define NETWORKS_STYLENET_H

#include "networks/generators.h"

enum { STYLENET_MULTIPLE = 4 };

extern const generator_network stylenet_network; /* its row */

typedef enum stylenet_norm {
    STYLENET_INSTANCE,       /* instance normalization everywhere */
    STYLENET_BATCH,          /* batch normalization everywhere */
    STYLENET_INSTANCE_FIRST, /* instance normalization of the input, batch normalization everywhere else */
    STYLENET_LRN_FIRST       /* local response normalization of the input, batch normalization everywhere else */
} stylenet_norm;

typedef enum stylenet_place {                          /* where `padding` is */
                              STYLENET_PLACE_EACH,     /* around every convolution's input */
                              STYLENET_PLACE_START,    /* around x alone, by what residual blocks without padding take
                                                          away; else zeros */
                              STYLENET_PLACE_UNSTRIDED /* around the inputs of convolutions of stride 1; zeros around
                                                          the others */
} stylenet_place;

typedef struct stylenet_options {
    stylenet_norm norm;
    int channels;       /* of the first layer: 32 in the paper; the next ones have twice and four times as many */
    int blocks;         /* residual: 5 in the paper */
    bool nearest;       /* nearest upsampling and a convolution instead of a transposed convolution */
    bool upsample_norm; /* normalization and a ReLU before each upsampling, which the paper's network has not */
    nx_padding padding; /* replication in the paper, circular for textures */
    stylenet_place place;
    bool tanh;       /* of the last convolution */
    int output_size; /* of the last convolution, odd: 3 in the paper (0: that too), 9 in Johnson et al. */
} stylenet_options;

/* A pixel of y depends on none of x that is farther away than this; a multiple of STYLENET_MULTIPLE. What normalization
 * measures is left out. */
int stylenet_reach(const stylenet_options *options);

/* The smallest h and w: no smaller x can be reflected as far, or go around a torus, which takes multiples alone. */
int stylenet_least(const stylenet_options *options);

nx_tensor *stylenet_record(const stylenet_options *options, nx_scope *s, nx_tensor *x);

#endif
