/* Pictures in six manners of painting, for use as styles. Each begins as an underpainting, a plain function of place or
 * a scene, and is then painted over with strokes that follow its forms, from broad to fine. */
#ifndef PAINTING_H
#define PAINTING_H

#include "art.h"

typedef struct painting {
    const char *name;
    picture (*paint)(uint32_t seed); /* 512 x 512, sRGB in [0, 1]; the caller frees it */
} painting;

enum { PAINTINGS = 6 };
extern const painting paintings[PAINTINGS];

#endif
