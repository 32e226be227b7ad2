/* Initialisation. */
#include "nn/init.h"

#include "base/memory.h"
#include "base/rng.h"

#include <stdlib.h>

static float uniform(nx_rng *rng, float bound) { return (2 * nx_rng_uniform(rng) - 1) * bound; }
static float unit(nx_rng *rng, float bound) { return nx_rng_uniform(rng) * bound; }
static float normal(nx_rng *rng, float sigma) { return nx_rng_normal(rng) * sigma; }
static float constant(nx_rng *rng, float value) { return (void)rng, value; }

static void fill(nx_param *param, uint64_t seed, float (*draw)(nx_rng *rng, float scale), float scale)
{
    nx_rng rng = nx_rng_new(seed, nx_stream(param->name));
    size_t count = nx_shape_count(param->shape);
    float *values = nx_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = draw(&rng, scale);
    nx_param_import(param, values);
    free(values);
}

void nx_init_uniform(nx_param *param, uint64_t seed, float bound) { fill(param, seed, uniform, bound); }
void nx_init_unit(nx_param *param, uint64_t seed, float bound) { fill(param, seed, unit, bound); }
void nx_init_normal(nx_param *param, uint64_t seed, float sigma) { fill(param, seed, normal, sigma); }
void nx_init_constant(nx_param *param, uint64_t seed, float value) { fill(param, seed, constant, value); }
