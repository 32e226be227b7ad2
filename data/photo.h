/* Photograph-like scenes by number: the same seed and number give the same picture. */
#ifndef PHOTO_H
#define PHOTO_H

#include "scene.h"

/* Picture `number` of the collection, w x h, sRGB in [0, 1]; the caller frees it. */
picture photo_take(uint64_t seed, int number, int w, int h);

#endif
