/* Initialisation of parameters, before they are on the device. Each number depends on the seed and the parameter's name
 * alone, so that one more layer changes no other. The numbers are drawn in the file's order (OIHW). */
#ifndef NX_NN_INIT_H
#define NX_NN_INIT_H

#include "graph/param.h"

void nx_init_uniform(nx_param *param, uint64_t seed, float bound);  /* in (-bound, bound) */
void nx_init_unit(nx_param *param, uint64_t seed, float bound);     /* in (0, bound) */
void nx_init_normal(nx_param *param, uint64_t seed, float sigma);   /* mean 0 */
void nx_init_constant(nx_param *param, uint64_t seed, float value); /* the seed does not matter */

#endif
