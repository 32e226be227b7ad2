/* Textures that tile: their right edge meets their left, and the bottom the top. */
#ifndef TEXTURE_H
#define TEXTURE_H

#include "art.h"

enum { TEXTURES = 8 };
const char *texture_name(int which);
int texture_named(const char *name); /* its number; one that is not there is a bug */

/* 256 x 256, sRGB in [0, 1]; the caller frees it. */
picture texture_make(int which, uint32_t seed);

/* A part of a texture: side x side pixels show `span` of its tile, turned by `turn` radians; the place, the colours and
 * the depth are drawn from r. */
picture texture_view(int which, nx_rng *r, float span, float turn, int side);

#endif
