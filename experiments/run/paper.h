/* What a paper brings to a run that trains a generator: the network, and what each picture that it makes is held
 * against. Everything else is the run's business.
 *
 * A paper is one file in experiments/, which defines one of these and is listed in experiments/papers.c.
 */
#ifndef RUN_PAPER_H
#define RUN_PAPER_H

#include "nn/layer.h"
#include "run/config.h"
#include "run/perception.h"

enum { PAPER_STAGES = 4 };

typedef struct paper {
    const char *name; /* as [experiment] paper */

    /* Appends the generator and fills judges with the pictures it makes, the final one last; gives their number.
     * shape: of the final picture, n x h x w x 3. content: RGB from 0 to 255, of that shape; NULL for textures. random:
     * the state of random operations. The pictures are RGB from 0 to 255 minus the descriptor's mean. */
    int (*generate)(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random, judge *judges);

    /* The generator as `nstx stylize` applies it, where that is not the last picture of generate; else NULL. */
    nx_tensor *(*apply)(const config *c, nx_scope *s, nx_tensor *content, nx_tensor *random);

    /* Finds what the paper cannot train in a config; NULL: nothing. */
    bool (*check)(const config *c, nx_error *err);

    /* The style pictures that judges refer to by number; gives how many. */
    int (*styles)(const config *c, perception_style *styles);

    int (*multiple)(const config *c); /* picture sides that the generator makes are multiples of this */

    bool (*one_size)(const config *c); /* it makes squares of exactly that side; NULL: never */
} paper;

/* The paper of a config. */
const paper *paper_of(const config *c);

#endif
