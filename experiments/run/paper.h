/* What a paper brings to a run: the network that it trains. Everything else is the run's business.
 *
 * A paper is one file in experiments/, which defines one of these and is listed in papers (experiments/papers.c).
 */
#ifndef RUN_PAPER_H
#define RUN_PAPER_H

#include "nn/layer.h"
#include "run/config.h"

typedef struct paper {
    const char *name; /* as [experiment] paper */

    /* Appends the generator: content [n, h, w, 3] RGB from 0 to 255, noise_counter the input of random operations; the
     * result [n, h, w, 3] is RGB from 0 to 255 minus the descriptor's mean. The paper's inputs are scaled here. */
    nx_tensor *(*generate)(const config *c, nx_scope *s, nx_tensor *content, nx_tensor *noise_counter);

    int multiple; /* image sides that the generator takes are multiples of this */
} paper;

/* The paper of a config. */
const paper *paper_of(const config *c);

#endif
