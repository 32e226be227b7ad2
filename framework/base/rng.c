/* Philox 4x32-10: key = seed, counter = (index / 4, stream); the four words of a block are four numbers in a row. */
#include "base/rng.h"

#include <math.h>

void nx_philox(uint32_t counter[4], const uint32_t key[2])
{
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        uint64_t a = (uint64_t)0xD2511F53u * counter[0], b = (uint64_t)0xCD9E8D57u * counter[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ counter[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ counter[3] ^ k1,
                            (uint32_t)a};
        for (int i = 0; i < 4; i++) counter[i] = next[i];
    }
}

uint64_t nx_stream(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

nx_rng nx_rng_new(uint64_t seed, uint64_t stream) { return (nx_rng){.seed = seed, .stream = stream}; }

uint32_t nx_rng_u32(nx_rng *rng)
{
    uint64_t block = rng->index / 4;
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng->stream,
                           (uint32_t)(rng->stream >> 32)};
    uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
    nx_philox(counter, key);
    return counter[rng->index++ % 4];
}

float nx_rng_uniform(nx_rng *rng) { return ((float)(nx_rng_u32(rng) >> 8) + 0.5f) * 0x1p-24f; }

float nx_rng_normal(nx_rng *rng)
{
    float radius = sqrtf(-2.f * logf(nx_rng_uniform(rng)));
    return radius * cosf(6.28318530718f * nx_rng_uniform(rng));
}

uint32_t nx_rng_below(nx_rng *rng, uint32_t limit) { return (uint32_t)(((uint64_t)nx_rng_u32(rng) * limit) >> 32); }
