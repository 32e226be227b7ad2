/* Philox 4x32-10: key = seed, counter = (index / 4, stream); the four words of a block are four numbers in a row. */
#include "base/rng.h"

#include <math.h>

void nx_philox(uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
    }
    counter[0] = c0, counter[1] = c1, counter[2] = c2, counter[3] = c3;
}

uint64_t nx_stream(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

nx_rng nx_rng_new(uint64_t seed, uint64_t stream) { return (nx_rng){.seed = seed, .stream = stream}; }

static void block_of(const nx_rng *rng, uint32_t words[4])
{
    uint64_t block = rng->index / 4;
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng->stream,
                           (uint32_t)(rng->stream >> 32)};
    uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
    nx_philox(counter, key);
    for (int i = 0; i < 4; i++) words[i] = counter[i];
}

uint32_t nx_rng_u32(nx_rng *rng)
{
    uint32_t words[4];
    block_of(rng, words);
    return words[rng->index++ % 4];
}

static float uniform_of(uint32_t word) { return ((float)(word >> 8) + 0.5f) * 0x1p-24f; }

static float normal_of(uint32_t first, uint32_t second)
{
    return sqrtf(-2.f * logf(uniform_of(first))) * cosf(6.28318530718f * uniform_of(second));
}

float nx_rng_uniform(nx_rng *rng) { return uniform_of(nx_rng_u32(rng)); }

float nx_rng_normal(nx_rng *rng)
{
    uint32_t first = nx_rng_u32(rng);
    return normal_of(first, nx_rng_u32(rng));
}

/* Whole blocks of four words, two normals each, with single ones before and after. */
void nx_rng_normals(nx_rng *rng, float *out, size_t count)
{
    size_t i = 0;
    while (i < count && rng->index % 4) out[i++] = nx_rng_normal(rng);
    for (; count - i >= 2 && !(rng->index % 4); i += 2, rng->index += 4) {
        uint32_t words[4];
        block_of(rng, words);
        out[i] = normal_of(words[0], words[1]);
        out[i + 1] = normal_of(words[2], words[3]);
    }
    while (i < count) out[i++] = nx_rng_normal(rng);
}

uint32_t nx_rng_below(nx_rng *rng, uint32_t limit) { return (uint32_t)(((uint64_t)nx_rng_u32(rng) * limit) >> 32); }

void nx_rng_choose(nx_rng *rng, int *items, int n, int count)
{
    for (int i = 0; i < count; i++) {
        int other = i + (int)nx_rng_below(rng, (uint32_t)(n - i)), item = items[other];
        items[other] = items[i];
        items[i] = item;
    }
}
