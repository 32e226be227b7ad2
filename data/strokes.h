/* A painter's tools: a canvas over an underpainting, and strokes and dots that cover it.
 *
 *     canvas c = canvas_new(under_of(sunset, seed, 1024), rgb(0xB08A5A), seed);
 *     read_forms(&c, NULL);
 *     cover(&c, (layer[]){{.022f, .12f, 2.2f, .06f, 0, .95f, .8f}}, 1);
 *     picture p = finish(&c, .3f, .01f);                                              512 x 512 */
#ifndef STROKES_H
#define STROKES_H

#include "art.h"

typedef struct layer {
    float width, length; /* of a stroke, in parts of the picture */
    float cover;         /* strokes laid over each spot, on average */
    float jitter;        /* of the colour */
    float detail;        /* 0: strokes everywhere; 1: where the picture differs most from its surroundings */
    float opaque;
    float relief;
} layer;

typedef struct canvas {
    int side;             /* pixels: twice the final size */
    picture under, paint; /* what is meant, and what is painted so far */
    float *height, *angle, *busy;
    int *mark; /* the last stroke on each pixel */
    int strokes;
    uint32_t seed;
} canvas;

typedef v3 under_function(float x, float y, uint32_t seed);    /* sRGB at a place, both in 0 to 1 */
typedef float angle_function(float x, float y, uint32_t seed); /* direction of strokes; NULL: along the forms */

typedef struct dots {
    float radius; /* pixels of the canvas */
    float cover;  /* dots laid over each spot, on average */
} dots;

v3 rgb(int rrggbb);                               /* 0xRRGGBB, as sRGB values */
v3 scale_of(const int *hues, int count, float t); /* a colour on a line of colours, t from 0 to 1 */

/* The underpainting of a function, side x side. */
picture under_of(under_function *f, uint32_t seed, int side);

/* A canvas of one colour over an underpainting, which is square and becomes the canvas's. */
canvas canvas_new(picture under, v3 ground, uint32_t seed);

/* Directions across the gradient of the smoothed underpainting, or as `given` says, and how busy each place is. To be
 * read before cover. */
void read_forms(canvas *c, angle_function *given);

/* Lays strokes, layer by layer. */
void cover(canvas *c, const layer *layers, int count);

/* Dots of pure colours that mix in the eye to the colour meant: each is pushed away from grey, some to the opposite. */
void dot_over(canvas *c, const dots *sizes, int count);

/* Lights the ridges of the paint, adds a varnish's glints and makes the final size, half of the canvas's. Frees the
 * canvas. */
picture finish(canvas *c, float relief, float weave);

#endif
