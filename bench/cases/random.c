/* Cases of framework/ops/random: the device draws the host's numbers. No inputs; options: the step. */
#include "ops/random.h"

#include "base/rng.h"
#include "op_case.h"

static const uint64_t seed = 0x123456789abcdef0u;

typedef nx_tensor *draw(nx_graph *g, nx_shape shape, nx_tensor *state);

/* The second noise of a graph, which has another stream than the first. */
static nx_tensor *second(nx_graph *g, const op_case *c, draw *drawn)
{
    float bits[4];
    nx_random_state(bits, seed, *(const uint64_t *)c->options);
    nx_tensor *state = nx_constant(g, NX_RANDOM_STATE, bits);
    drawn(g, c->out, state);
    return drawn(g, c->out, state);
}

/* The host's numbers of it, from their first on. */
static nx_rng host(const op_case *c, draw *drawn)
{
    nx_graph *g = nx_graph_new(&(nx_device_info){0});
    nx_tensor *noise = second(g, c, drawn);
    nx_rng rng = nx_rng_new(seed, nx_random_stream(noise));
    rng.index = *(const uint64_t *)c->options * nx_random_draws(noise);
    nx_graph_free(g);
    return rng;
}

static nx_tensor *uniform_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return (void)in, second(g, c, nx_uniform);
}

static void uniform_reference(const op_case *c, const double *const *in, double *out)
{
    (void)in;
    nx_rng rng = host(c, nx_uniform);
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = (double)nx_rng_uniform(&rng);
}

static nx_tensor *normal_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return (void)in, second(g, c, nx_normal);
}

static void normal_reference(const op_case *c, const double *const *in, double *out)
{
    (void)in;
    nx_rng rng = host(c, nx_normal);
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = (double)nx_rng_normal(&rng);
}

/* A late step, which takes all 64 bits of a counter. */
#define STEP .options = &(const uint64_t){0x300000007u}, .no_gradient = NO_GRADIENT

static const op_case rows[] = {
    ROW(uniform, "to the bit", .out = {1, 20, 50, 5}, STEP, .tolerance = 1e-12, .doctor = true),
    ROW(normal, "a late step", .out = {1, 20, 50, 5}, STEP, .doctor = true),
};

OP_TABLE(random, rows);
