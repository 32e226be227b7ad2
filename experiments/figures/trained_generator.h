/* What figures do with the generator of a finished training: apply it, and hold pictures, its own or any others,
 * against the style of that training, with the training's descriptor and losses.
 *
 *     trained *t;
 *     if (!trained_open(&t, &p->point[0], NULL, &err)) ...
 *     trained_sample(t, 256, 512, (generator_options){.noise_scale = GENERATOR_NOISE_AS_TRAINED}, &picture, &err);
 *     trained_losses(t, &picture, NULL, &losses, &err);
 *     trained_free(t);
 *
 * Not here: running the training (figure_run), and the drawing (page.h).
 */
#ifndef FIGURES_TRAINED_GENERATOR_H
#define FIGURES_TRAINED_GENERATOR_H

#include "apply/generator.h"
#include "config/sweep_points.h"

typedef struct trained trained;

/* Opens the device of the point's config and the model beside its run, or `model` where that is not NULL: any generator
 * of pictures, for which the point lends its losses. p must live as long. */
bool trained_open(trained **out, const sweep_point *p, const char *model, nx_error *err);
void trained_free(trained *t); /* NULL is fine */

generator_facts trained_facts(const trained *t); /* bytes and seconds are of the last picture */

/* What a picture of that size takes of the device, planned alone. */
bool trained_bytes(trained *t, int height, int width, uint64_t *bytes, nx_error *err);

/* As generator_apply and generator_sample; the picture is the caller's. */
bool trained_apply(trained *t, const nx_image *content, generator_options o, nx_image *out, nx_error *err);
bool trained_sample(trained *t, int height, int width, generator_options o, nx_image *out, nx_error *err);

/* From now on pictures are held against another of the training's style pictures: number 0, as at first, is the first
 * that its paper counts. */
void trained_against(trained *t, int style);

typedef struct trained_loss {
    double total, content, style; /* weighted, as they enter the training's total */
    double layer[16];             /* the raw style loss of each style layer */
    int layers;
} trained_loss;

/* The losses of a picture of any size; content: what it was made of, of that size, or NULL. */
bool trained_losses(trained *t, const nx_image *picture, const nx_image *content, trained_loss *out, nx_error *err);

/* ---- pictures ---- */

/* Picture k of the config's validation, or of the content_count of its content, counted from the end, where those are
 * that no training saw; its longer side is `side` pixels. k goes around where there are fewer. */
bool trained_content(const sweep_point *p, size_t k, int side, nx_image *out, nx_error *err);

/* The style picture, as large as the training sees it. */
bool trained_style(const sweep_point *p, nx_image *out, nx_error *err);

#endif
