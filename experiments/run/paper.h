/* What a paper brings to a run. To one that trains a generator: the network, and what each picture that it makes is
 * held against. To one that optimizes a picture: what it does with the descriptor before. Everything else is the run's
 * business.
 *
 * A paper is one file in experiments/, which defines one of these and is listed in experiments/papers.c.
 */
#ifndef RUN_PAPER_H
#define RUN_PAPER_H

#include "config/config.h"
#include "nn/layer.h"
#include "nn/lbfgs.h"
#include "run/perceptual_loss.h"

enum { PAPER_STAGES = 4 };

typedef struct paper {
    const char *name; /* as [experiment] paper */

    /* Finds what the paper cannot do in a config; NULL: nothing. */
    bool (*check)(const config *c, nx_error *err);

    /* ---- training ---- */

    /* Appends the generator and fills losses with the pictures it makes, the final one last; gives their number.
     * shape: of the final picture, n x h x w x 3. content: RGB from 0 to 255, of that shape; NULL for textures. random:
     * the state of random operations. The pictures are RGB from 0 to 255 minus the descriptor's mean. NULL: the paper
     * trains nothing. */
    int (*generate)(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random,
                    picture_loss *losses);

    /* The generator as `nstx stylize` applies it, where that is not the last picture of generate; else NULL. */
    nx_tensor *(*apply)(const config *c, nx_scope *s, nx_tensor *content, nx_tensor *random);

    /* The style pictures that losses refer to by number; gives how many. */
    int (*styles)(const config *c, perceptual_style *styles);

    int (*multiple)(const config *c); /* picture sides that the generator makes are multiples of this */

    /* How far from a pixel of the picture that is applied the network looks, a multiple of that; 0 or NULL: everywhere,
     * so that a picture cannot be made in tiles. */
    int (*reach)(const config *c);

    bool (*one_size)(const config *c); /* it makes squares of exactly that side; NULL: never */

    /* ---- optimizing; NULL: nothing ---- */

    /* Changes the descriptor, whose weights are on the device. content: the picture, NULL if there is none. */
    bool (*choose)(perceptual_loss *p, nx_device *device, const nx_image *content, nx_error *err);

    /* Sets the factors that a judge has as its balance: one a content layer, one a style layer of each of the style
     * pictures from number `style` on; both are 1 before. */
    bool (*balance)(perceptual_loss *p, nx_device *device, const nx_image *content, int style, int styles,
                    double *content_balance, double *style_balance, nx_error *err);
} paper;

/* L-BFGS as [optimizer] has it, on a picture from 0 to 255. */
nx_lbfgs_options paper_lbfgs(const config *c);

/* [generator] padding, for networks. */
nx_padding paper_padding(const config *c);

/* The paper of a config. */
const paper *paper_of(const config *c);

#endif
