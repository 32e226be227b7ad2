/* MT-Net: the hierarchical network of Multimodal Transfer, three subnets that stylize one picture at growing sizes.
 *
 *     mtnet_pictures p = mtnet_record(&options, &scope, x, 1);
 *     nx_tensor *y1 = p.output[0], *y2 = p.output[1], *y3 = p.output[2];
 *
 * Not here: the losses of the three pictures (experiments/papers/multimodal.c).
 *
 * x is [n, h, w, 3], RGB in [0, 1]; h and w are multiples of MTNET_MULTIPLE. y3 is as large as x. y2 is smaller by the
 * factor `refine`, 1 or 2, and y1 is half of y2: at refine = 2 a quarter, a half and the whole of x, which is how the
 * paper stylizes (256, 512, 1024 pixels); at refine = 1, how it trains, a half, the whole and the whole (256, 512,
 * 512). Parameters are the same for both.
 *
 * Outputs are linear, RGB from 0 to 255 minus the descriptor's mean. In between they are fed on divided by 255, still
 * without the mean: instance normalization takes out any constant. */
#ifndef NETWORKS_MTNET_H
#define NETWORKS_MTNET_H

#include "nn/layer.h"

enum { MTNET_SUBNETS = 3, MTNET_MULTIPLE = 16 };

typedef enum mtnet_subnets {
    MTNET_TWO_BRANCHES, /* 8 464 329 parameters: the paper's text, every width that it leaves out chosen */
    MTNET_FULLFANTA,    /* 8 342 217: as fullfanta/multimodal_transfer */
    MTNET_FELIME        /* 10 429 929: as FeliMe/multimodal_style_transfer */
} mtnet_subnets;

typedef struct mtnet_options {
    mtnet_subnets subnets;
    int channels;       /* of the refine subnet's first layer: 32; every other width in proportion */
    float output_scale; /* factor on the last layer of each subnet; 1 in the paper */
    nx_padding padding; /* not zero: instance normalization could not take out constants at the border */
    int stages;         /* subnets, from the first on; the last one's picture is as large as x. 0: all three */
} mtnet_options;

typedef struct mtnet_pictures {
    nx_tensor *input[MTNET_SUBNETS];  /* what each subnet is given: x made smaller, RGB in [0, 1]; then the outputs
                                         before, made as large as needed, in the outputs' units */
    nx_tensor *output[MTNET_SUBNETS]; /* y1, y2, y3; of as many stages as there are */
} mtnet_pictures;

/* With refine = 2, a pixel of y3 depends on none of x that is farther away than this; a multiple of MTNET_MULTIPLE.
 * What normalization measures is left out. */
int mtnet_reach(const mtnet_options *options);

mtnet_pictures mtnet_record(const mtnet_options *options, nx_scope *s, nx_tensor *x, int refine);

/* Bilinear resizing by a power of two; downwards in halves, each of which is the mean of 2x2 pixels. */
nx_tensor *mtnet_resized(nx_graph *g, nx_tensor *x, int h, int w);

#endif
