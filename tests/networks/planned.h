/* What the tests of whole graphs share: a graph on its way through the device, and fixed random numbers.
 *
 *     nx_plan *plan = planned(g);                  on test_device()
 *     nx_plan_write(plan, x, values);
 *     nx_plan_run(plan);
 *     float *y = values_of(plan, kept);            owned by the caller
 */
#ifndef NX_TESTS_NETWORKS_PLANNED_H
#define NX_TESTS_NETWORKS_PLANNED_H

#include "base/memory.h"
#include "base/rng.h"
#include "graph/plan.h"
#include "harness.h"

#include <math.h>

/* Every parameter of g must be on the device already. */
static inline nx_plan *planned(nx_graph *g)
{
    nx_error err = {""};
    nx_plan *plan;
    if (!nx_plan_new(&plan, g, &err)) nx_die("%s", err.text);
    nx_plan_realize(plan, test_device());
    return plan;
}

/* How many chunks the plan of g has: every buffer has its place in one. */
static inline int chunks_of(const nx_graph *g)
{
    int chunks = 0;
    for (size_t i = 0; i < g->n_tensors; i++) {
        const nx_tensor *t = g->tensors[i];
        if (t->role != NX_ROLE_PARAM && t->root == t && t->first >= 0 && t->chunk >= chunks) chunks = t->chunk + 1;
    }
    return chunks;
}

static inline float *values_of(nx_plan *plan, const nx_tensor *kept)
{
    float *out = nx_alloc(nx_shape_count(kept->shape) * sizeof *out);
    nx_plan_read(plan, kept, out);
    return out;
}

static inline float scalar_of(nx_plan *plan, const nx_tensor *kept)
{
    float value;
    nx_plan_read(plan, kept, &value);
    return value;
}

/* count numbers in (low, high), a function of name alone. Owned by the caller. */
static inline float *random_values(const char *name, size_t count, float low, float high)
{
    float *out = nx_alloc(count * sizeof *out);
    nx_rng rng = nx_rng_new(1, nx_stream(name));
    for (size_t i = 0; i < count; i++) out[i] = low + (high - low) * nx_rng_uniform(&rng);
    return out;
}

/* Raises *worst to off; what is no number counts as infinitely far off. */
static inline void worsen(double *worst, double off)
{
    if (isnan(off)) off = INFINITY;
    if (off > *worst) *worst = off;
}

/* The largest |a - b| over the largest |b|. */
static inline double largest_difference(const float *a, const float *b, size_t count)
{
    double difference = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        worsen(&difference, fabs((double)a[i] - (double)b[i]));
        worsen(&largest, fabs((double)b[i]));
    }
    return difference > 0 ? difference / largest : 0;
}

#endif
