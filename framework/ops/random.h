/* Noise, drawn on the device: the very numbers of base/rng, Philox 4x32-10.
 *
 * Each operation recorded in a graph has a stream of its own (nx_random_stream), so that two of them differ. The step's
 * seed and number come from an input of four floats, whose bits the host writes before each run; step s draws the next
 * numbers of the stream after those of step s - 1, so that any step can be repeated by itself.
 *
 *     nx_tensor *state = nx_input(g, NX_RANDOM_STATE, "random");
 *     nx_tensor *z = nx_uniform(g, (nx_shape){4, 256, 256, 3}, state);
 *     ...
 *     float bits[4];
 *     nx_random_state(bits, seed, step);
 *     nx_plan_write(plan, state, bits);
 */
#ifndef NX_OPS_RANDOM_H
#define NX_OPS_RANDOM_H

#include "graph/graph.h"

#define NX_RANDOM_STATE NX_VECTOR(4)

typedef struct nx_random_attr { /* of the node "random", for who reads a graph */
    uint64_t stream;
    bool normal;
} nx_random_attr;

nx_tensor *nx_uniform(nx_graph *g, nx_shape shape, nx_tensor *state); /* in (0, 1), bit for bit nx_rng_uniform's */
nx_tensor *nx_normal(nx_graph *g, nx_shape shape, nx_tensor *state);  /* nx_rng_normal's, but for the last bits */

/* The four floats of the state input; their bits are the seed and the step, they mean nothing as numbers. */
void nx_random_state(float bits[4], uint64_t seed, uint64_t step);

/* Where the host finds the same numbers: element i in step s is draw s * nx_random_draws(noise) + i (normal: two draws
 * each, + 2 i) of nx_rng_new(seed, nx_random_stream(noise)). */
uint64_t nx_random_stream(const nx_tensor *noise);
uint64_t nx_random_draws(const nx_tensor *noise); /* of a step, a multiple of 4 */

#endif
