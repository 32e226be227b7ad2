#include "figures/figure.h"

const figure multimodal_figures[] = {{0}};
