#include "figures/figure.h"

const figure texture_networks_figures[] = {{0}};
