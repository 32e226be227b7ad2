/* Textures that tile: their right edge meets their left, and the bottom the top. */
#ifndef TEXTURE_H
#define TEXTURE_H

#include "art.h"

extern const int texture_count;
const char *texture_name(int which);

/* 256 x 256, sRGB in [0, 1]; the caller frees it. */
picture texture_make(int which, uint32_t seed);

#endif
