/* Initialisation. */
#include "nn/init.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* How values are drawn: `takes` numbers of a stream for each, so that any part of them can be drawn by itself. */
typedef struct distribution {
    int takes;
    void (*draw)(nx_rng *rng, float *out, size_t count, float scale);
} distribution;

static void draw_uniform(nx_rng *rng, float *out, size_t count, float bound)
{
    for (size_t i = 0; i < count; i++) out[i] = (2 * nx_rng_uniform(rng) - 1) * bound;
}

static void draw_unit(nx_rng *rng, float *out, size_t count, float bound)
{
    for (size_t i = 0; i < count; i++) out[i] = nx_rng_uniform(rng) * bound;
}

static void draw_normal(nx_rng *rng, float *out, size_t count, float sigma)
{
    nx_rng_normals(rng, out, count);
    for (size_t i = 0; i < count; i++) out[i] *= sigma;
}

static void draw_constant(nx_rng *rng, float *out, size_t count, float value)
{
    (void)rng;
    for (size_t i = 0; i < count; i++) out[i] = value;
}

static const distribution uniform = {1, draw_uniform}, unit = {1, draw_unit}, normal = {2, draw_normal},
                          constant = {0, draw_constant};

typedef struct share { /* of a thread */
    const distribution *d;
    nx_rng rng;
    float *out, scale;
    size_t count;
} share;

static void *draw_share(void *context)
{
    share *s = context;
    s->d->draw(&s->rng, s->out, s->count, s->scale);
    return NULL;
}

/* Large parameters by several threads: a number is a function of its place in the stream, whoever draws it. */
static void fill(nx_param *param, uint64_t seed, const distribution *d, float scale)
{
    enum { THREADS = 8, LEAST = 1 << 16 };
    size_t count = nx_shape_count(param->shape), threads = count / LEAST + 1;
    size_t cores = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (threads > cores) threads = cores;
    if (threads > THREADS) threads = THREADS;
    float *values = nx_alloc(count * sizeof *values);
    share shares[THREADS];
    pthread_t ids[THREADS];
    for (size_t t = 0; t < threads; t++) {
        size_t from = count * t / threads, to = count * (t + 1) / threads;
        shares[t] = (share){d, nx_rng_new(seed, nx_stream(param->name)), values + from, scale, to - from};
        shares[t].rng.index = from * (size_t)d->takes;
        if (t) NX_CHECK(!pthread_create(&ids[t], NULL, draw_share, &shares[t]), "no thread for %s", param->name);
    }
    draw_share(&shares[0]);
    for (size_t t = 1; t < threads; t++) pthread_join(ids[t], NULL);
    nx_param_import(param, values);
    free(values);
}

void nx_init_uniform(nx_param *param, uint64_t seed, float bound) { fill(param, seed, &uniform, bound); }
void nx_init_unit(nx_param *param, uint64_t seed, float bound) { fill(param, seed, &unit, bound); }
void nx_init_normal(nx_param *param, uint64_t seed, float sigma) { fill(param, seed, &normal, sigma); }
void nx_init_constant(nx_param *param, uint64_t seed, float value) { fill(param, seed, &constant, value); }
