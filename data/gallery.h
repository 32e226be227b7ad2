/* Paintings by number, of any subject in any manner: the same numbers give the same picture. */
#ifndef GALLERY_H
#define GALLERY_H

#include "art.h"

/* Painting `number`, side x side, sRGB in [0, 1]; the caller frees it. */
picture gallery_paint(uint64_t seed, int number, int side);

#endif
