/* Generators: what the rest of the program knows of the networks that are trained, a row each.
 *
 *     const generator_network *n = generator_network_of(c);
 *     generator_inputs in = {.shape = shape, .content = x, .random = state};
 *     generator_pictures y = n->record(c, &scope, &in);
 *
 * A network is a file of its own here, which ends with its row: how a config's [generator] is its options. It is listed
 * in config/keys.h.
 */
#ifndef NETWORKS_GENERATORS_H
#define NETWORKS_GENERATORS_H

#include "config/config.h"
#include "nn/layer.h"

enum { GENERATOR_PICTURES = 4 };

/* Of R, G and B: that of ImageNet, which VGG's descriptors subtract. */
#define GENERATOR_MEAN                                                                                                 \
    {                                                                                                                  \
        123.68, 116.779, 103.939                                                                                       \
    }

typedef struct generator_inputs {
    nx_shape shape;     /* of the final picture, n x h x w x 3 */
    nx_tensor *content; /* RGB from 0 to 255, of that shape; NULL for textures */
    nx_tensor *random;  /* the state of random operations */
    bool applied;       /* as `nstx stylize` applies it, where that is unlike training */
} generator_inputs;

/* What a network makes, the final picture last, RGB from 0 to 255 minus the descriptor's mean. */
typedef struct generator_pictures {
    int count;
    nx_tensor *output[GENERATOR_PICTURES];
    nx_tensor *input[GENERATOR_PICTURES]; /* the picture that this one was made from, as large; NULL: the content */
} generator_pictures;

typedef struct generator_network {
    const char *name; /* as [generator] network */

    /* Finds what the network cannot do in a config; NULL: nothing. */
    bool (*check)(const config *c, nx_error *err);

    generator_pictures (*record)(const config *c, nx_scope *s, const generator_inputs *in);

    int (*multiple)(const config *c); /* picture sides are multiples of this */
    int (*least)(const config *c);    /* and of no fewer pixels than this; NULL: than one multiple */
    bool one_size;                    /* it makes squares of exactly that side */

    /* It takes content of any sides from the least on, and makes of it a picture whose sides are these rounded up to
     * multiples; NULL: it takes multiples alone. */
    bool (*uneven)(const config *c);

    /* How far from a pixel of the picture that is applied the network looks, a multiple of that; 0: everywhere, so that
     * a picture cannot be made in tiles. */
    int (*reach)(const config *c);

    bool (*torus)(const config *c); /* its pictures go on at the opposite border */
    bool (*noise)(const config *c); /* it draws: two pictures from one content may differ */
} generator_network;

/* The smallest side of its pictures. */
int generator_least(const config *c);

/* The smallest side of a picture that it is trained on, or that is a sample, of so many pixels a side or more: a
 * multiple, no fewer than the least. */
int generator_multiple(const config *c, int pixels);

/* The side of what it is given for a picture of so many pixels a side: such a multiple, or where the network takes any,
 * no fewer than the least. */
int generator_side(const config *c, int pixels);

/* The network of a config. */
const generator_network *generator_network_of(const config *c);

/* ---- for the networks ---- */

/* [generator] padding. */
nx_padding generator_padding(const config *c);

/* The content as [generator] input says: RGB from 0 to 1, or that minus GENERATOR_MEAN. */
nx_tensor *generator_scaled(const config *c, nx_graph *g, nx_tensor *content);

/* The one picture of a network, times [generator] output_scale. */
generator_pictures generator_picture(const config *c, nx_scope *s, nx_tensor *y);

/* What a row's torus and noise may be: circular padding; always; never. */
bool generator_circular(const config *c);
bool generator_always(const config *c);
bool generator_never(const config *c);

#endif
