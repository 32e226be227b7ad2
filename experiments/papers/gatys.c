/* Image Style Transfer Using Convolutional Neural Networks.
 * Leon A. Gatys, Alexander S. Ecker, Matthias Bethge. CVPR 2016.
 *
 * Reproduced here: a picture that keeps the content of one picture and the style of another (Fig. 2 to 7), and its two
 * halves, reconstruction of a content and synthesis of a texture (Fig. 1), by L-BFGS or Adam on the pixels. All of it
 * is the run's: run/optimize. The presets are configs/gatys*.ini; notes/papers/gatys.md has the paper against the code
 * that its authors and others published. */
#include "run/paper.h"

const paper gatys = {.name = "gatys"};
