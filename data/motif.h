/* Pictures in classes, for a network that learns to tell them apart: places, things and surfaces. Of a class the kind
 * of thing is given, and all else is drawn: colours, weather and light, place, size and direction. */
#ifndef MOTIF_H
#define MOTIF_H

#include "art.h"

enum { MOTIFS = 16 };
const char *motif_name(int which);

/* w x h (surfaces: square, of w), sRGB in [0, 1]; the caller frees it. */
picture motif_draw(int which, nx_rng *r, int w, int h);

#endif
