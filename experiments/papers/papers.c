/* The papers, in the order of [experiment] paper. */
#include "run/paper.h"

#define ROW(name) extern const paper name;
PAPERS(ROW)
#undef ROW

#define ROW(name) &name,
static const paper *const papers[] = {PAPERS(ROW)};

nx_padding paper_padding(const config *c)
{
    static const nx_padding paddings[] = {[PADDING_REPLICATE] = NX_PADDING_REPLICATE,
                                          [PADDING_REFLECT] = NX_PADDING_REFLECT,
                                          [PADDING_ZERO] = NX_PADDING_ZERO,
                                          [PADDING_CIRCULAR] = NX_PADDING_CIRCULAR};
    return paddings[c->generator.padding];
}

const paper *paper_of(const config *c) { return papers[c->experiment.paper]; }
