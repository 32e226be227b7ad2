/* The papers, in the order of [experiment] paper. */
#include "run/paper.h"

#define ROW(name) extern const paper name;
PAPERS(ROW)
#undef ROW

#define ROW(name) &name,
static const paper *const papers[] = {PAPERS(ROW)};

const paper *paper_of(const config *c) { return papers[c->experiment.paper]; }
