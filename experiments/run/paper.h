/* What a paper brings to a run. To one that trains a generator: which networks, and what each picture that they make is
 * held against. To one that optimizes a picture: what it does with the descriptor before. Everything else is the run's
 * business.
 *
 * A paper is one file in papers/, which defines one of these, and is listed in config/keys.h.
 */
#ifndef RUN_PAPER_H
#define RUN_PAPER_H

#include "networks/generators.h"
#include "nn/lbfgs.h"
#include "run/perceptual_loss.h"

enum { PAPER_STAGES = GENERATOR_PICTURES };

/* A network that a paper trains. */
typedef struct paper_network {
    const char *name; /* as [generator] network */
    bool textures;    /* with the task texture alone */
} paper_network;

typedef struct paper {
    const char *name; /* as [experiment] paper */

    /* Finds what the paper cannot do in a config, beside what `trains` says; NULL: nothing. */
    bool (*check)(const config *c, nx_error *err);

    /* ---- training ---- */

    const paper_network *trains; /* ends with one without a name; NULL: the paper trains nothing */

    /* Fills losses with what the generator's pictures are held against, the final one last; gives their number.
     * content: RGB from 0 to 255; NULL for textures. */
    int (*losses)(const config *c, nx_scope *s, const generator_pictures *y, nx_tensor *content, picture_loss *losses);

    /* The style pictures that losses refer to by number; gives how many. */
    int (*styles)(const config *c, perceptual_style *styles);

    /* ---- optimizing; NULL: nothing ---- */

    /* Changes the descriptor, whose weights are on the device. content: the picture, NULL if there is none. */
    bool (*choose)(perceptual_loss *p, nx_device *device, const nx_image *content, nx_error *err);

    /* Sets the factors that a picture_loss has as its balance: one a content layer, one a style layer of each of the
     * style pictures from number `style` on; both are 1 before. */
    bool (*balance)(perceptual_loss *p, nx_device *device, const nx_image *content, int style, int styles,
                    double *content_balance, double *style_balance, nx_error *err);

    /* Bytes that choose and balance take of the device, beside the descriptor's. Of the content its size counts. */
    uint64_t (*bytes_before)(perceptual_loss *p, const nx_image *content, int style, int styles);
} paper;

/* L-BFGS as [optimizer] has it, on a picture from 0 to 255 minus the mean. */
nx_lbfgs_options paper_lbfgs(const config *c, const float mean[3]);

/* The paper of a config. */
const paper *paper_of(const config *c);

/* Finds what the paper or the network that it trains cannot do. An error is the user's. */
bool paper_check(const paper *p, const config *c, nx_error *err);

/* Appends the generator and fills losses with the pictures it makes; gives their number. */
int paper_generate(const paper *p, const config *c, nx_scope *s, const generator_inputs *in, picture_loss *losses);

/* The usual of a paper's losses and styles: the final picture alone, against the content; [data] style. */
int paper_final_picture(const config *c, nx_scope *s, const generator_pictures *y, nx_tensor *content,
                        picture_loss *losses);
int paper_one_style(const config *c, perceptual_style *styles);

#endif
