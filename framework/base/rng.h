/* Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A number is a function of (seed, stream, index) alone, so host and device, one thread or many, give the same bits.
 * A stream is one use of randomness: the initialisation of one parameter, the crops of the training set, the noise of
 * one input. cl/random.cl is the same function.
 *
 *     nx_rng rng = nx_rng_new(seed, nx_stream("conv1.weight"));
 *     float u = nx_rng_uniform(&rng);
 */
#ifndef NX_BASE_RNG_H
#define NX_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Ten rounds on counter, in place. */
void nx_philox(uint32_t counter[4], const uint32_t key[2]);

/* A stream number from a name: FNV-1a, 64 bits. */
uint64_t nx_stream(const char *name);

/* The state is plain data: copy it to save it. */
typedef struct nx_rng {
    uint64_t seed, stream, index; /* index: numbers drawn so far */
} nx_rng;

nx_rng nx_rng_new(uint64_t seed, uint64_t stream);
uint32_t nx_rng_u32(nx_rng *rng);
float nx_rng_uniform(nx_rng *rng);                  /* in (0, 1): (u32 >> 8) + 0.5, over 2^24 */
float nx_rng_normal(nx_rng *rng);                   /* Box-Muller; takes two numbers */
uint32_t nx_rng_below(nx_rng *rng, uint32_t limit); /* 0 .. limit-1 */

/* Moves `count` of the n items, each as likely as any other, to the front. */
void nx_rng_choose(nx_rng *rng, int *items, int n, int count);

/* The next `count` of nx_rng_normal, bit for bit, in a quarter of the time. */
void nx_rng_normals(nx_rng *rng, float *out, size_t count);

#endif
