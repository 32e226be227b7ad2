#include "figures/figure.h"

const figure gatys_figures[] = {{0}};
