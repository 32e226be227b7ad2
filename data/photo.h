/* Photograph-like scenes in 16 motifs: the same numbers give the same picture. */
#ifndef PHOTO_H
#define PHOTO_H

#include "scene.h"

/* Picture `number` of the collection, w x h, sRGB in [0, 1]; the caller frees it. */
picture photo_take(uint64_t seed, int number, int w, int h);

enum { PHOTO_MOTIFS = 16 };
int photo_motif(const char *name); /* its number; one that is not there is a bug */

/* A picture of a motif, all else drawn from r. */
picture photo_of(int motif, nx_rng *r, int w, int h);

/* An empty scene with air and film drawn from r, for others to furnish. */
scene photo_scene(nx_rng *r);

#endif
