/* The papers, in the order of [experiment] paper. */
#include "run/paper.h"

extern const paper improved_texnet;

const paper *paper_of(const config *c)
{
    static const paper *const papers[] = {[PAPER_IMPROVED_TEXNET] = &improved_texnet};
    return papers[c->experiment.paper];
}
