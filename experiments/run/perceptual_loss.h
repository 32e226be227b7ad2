/* How pictures are judged: the descriptor of a config, its style pictures, and the losses of a generated picture.
 *
 *     perceptual_loss *p;
 *     if (!perceptual_new(&p, c, &info, (perceptual_style[]){{.path = c->data.style}}, 1, &err)) ...
 *     picture_loss j = {.output = y, .content = x, .style = 0, .weight = 1, .prefix = ""};
 *     if (!perceptual_record(p, g, &j, &o, &err)) ...
 *     perceptual_prepare(p, device, &err);                    before a plan of g is realized
 *
 * The features of what never changes, the style's Gram matrices among them, are computed once, in memory that the steps
 * use again.
 */
#ifndef RUN_PERCEPTUAL_LOSS_H
#define RUN_PERCEPTUAL_LOSS_H

#include "io/image.h"
#include "networks/descriptor_scale.h"
#include "run/objective.h"
#include "runfile/checkpoint.h"

enum { PERCEPTUAL_STYLES = 32 };

typedef struct perceptual_style {
    const char *path;
    int size;   /* pixels of its longer side; 0: its own */
    int part;   /* 2: half of that, and so on; 0: 1 */
    int coarse; /* the [data] coarse that it goes with; 0: none */
} perceptual_style;

/* One of the sets of random weights of a layer, and a factor on it. */
typedef struct perceptual_choice {
    int set;
    float scale;
} perceptual_choice;

typedef struct perceptual_loss {
    const config *c;
    nx_device_info info;
    descriptor *descriptor;
    nx_image style[PERCEPTUAL_STYLES];
    int styles;
    nx_image mask[PERCEPTUAL_STYLES]; /* [data] masks: where the style of the same number goes */
    int masks;                        /* 0: every style goes everywhere */
    nx_image calibration;             /* what random weights are scaled on; no pixels: they are not scaled */
    int chosen;                       /* layers of random weights for which a set was chosen, the first ones; 0: none */
    perceptual_choice choice[DESCRIPTOR_LAYERS];
} perceptual_loss;

/* Reads weights and style pictures, and checks layers and sizes; no device is touched. An error is the user's. */
bool perceptual_new(perceptual_loss **out, const config *c, const nx_device_info *info, const perceptual_style *styles,
                    int count, nx_error *err);
void perceptual_free(perceptual_loss *p); /* before nx_device_free */

/* One generated picture and what it is held against. */
typedef struct picture_loss {
    nx_tensor *output;   /* RGB from 0 to 255 minus the descriptor's mean */
    nx_tensor *content;  /* the picture whose content it keeps, RGB from 0 to 255; NULL: none */
    bool centered;       /* content is minus the mean too */
    int style;           /* which style picture; -1: none */
    int styles;          /* how many from there on; 0: 1 */
    double weight;       /* on all its terms */
    double style_weight; /* on its style terms beside that; 0: 1 */
    double style_ratio;  /* on them once more, what [loss] stage_style_ratios came to; 0: 1 */
    const char *prefix;  /* of their names, such as "stage1/" */
    bool dry;            /* nothing will run: of masks the size alone counts */

    /* Factors on the weights, one a content layer, and one a style layer of each style picture; NULL: 1 each. */
    const double *content_balance, *style_balance;
} picture_loss;

/* The descriptor of a config, with all that the layers need. An error is the user's. */
bool perceptual_open_descriptor(descriptor **out, const config *c, const char *const *layers, size_t count,
                                nx_error *err);

/* Appends the descriptor and the losses of [loss], total variation included. */
bool perceptual_record(perceptual_loss *p, nx_graph *g, const picture_loss *j, objective *o, nx_error *err);

/* Whether a picture that is judged has pixels enough for every layer. An error is the user's, and says what would do.
 */
bool perceptual_check_size(const perceptual_loss *p, int height, int width, nx_error *err);

/* The config's content layers, then its style layers; the array is owned by the caller. */
const char **perceptual_layers(const config *c, size_t *count);

/* The choice as a part of a checkpoint, and back. Without one in it, or with one for other layers, there is none. */
void perceptual_put_choice(const perceptual_loss *p, checkpoint *k);
void perceptual_get_choice(perceptual_loss *p, const checkpoint *k);

/* Puts the descriptor's weights on the device, random ones scaled on the first style picture (or on noise where there
 * is none) as [descriptor] rescale asks. */
bool perceptual_prepare(perceptual_loss *p, nx_device *device, nx_error *err);

/* What that takes of the device for a while, beside the descriptor's parameters. */
uint64_t perceptual_bytes_before(perceptual_loss *p);

#endif
