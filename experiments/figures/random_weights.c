#include "figures/figure.h"

const figure random_weights_figures[] = {{0}};
