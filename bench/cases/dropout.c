/* Cases of framework/ops/dropout, by the host's random numbers; options: the rate. */
#include "ops/dropout.h"

#include "base/rng.h"
#include "op_case.h"
#include "ops/random.h"

static const uint64_t seed = 0x123456789abcdef0u, step = 3;

static nx_tensor *dropout_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    float bits[4];
    nx_random_state(bits, seed, step);
    return nx_dropout(g, in[0], *(const float *)c->options, nx_constant(g, NX_RANDOM_STATE, bits));
}

/* The host's numbers of the noise, from the step's first on. */
static nx_rng host(const op_case *c)
{
    nx_graph *g = nx_graph_new(&(nx_device_info){0});
    nx_tensor *x = nx_input(g, c->in[0], "x"), *noise = dropout_build(g, &x, c)->producer->in[1];
    nx_rng rng = nx_rng_new(seed, nx_random_stream(noise));
    rng.index = step * nx_random_draws(noise);
    nx_graph_free(g);
    return rng;
}

static void dropout_reference(const op_case *c, const double *const *in, double *out)
{
    float rate = *(const float *)c->options;
    nx_rng rng = host(c);
    for (size_t i = 0; i < nx_shape_count(c->out); i++)
        out[i] = nx_rng_uniform(&rng) >= rate ? in[0][i] / (1 - (double)rate) : 0;
}

#define RATE(rate)                                                                                                     \
    .options = &(const float) { rate }

static const op_case rows[] = {
    ROW(dropout, "half", .in = {{3, 1, 1, 300}}, .out = {3, 1, 1, 300}, RATE(0.5f), .doctor = true),
    ROW(dropout, "a fifth, odd", .in = {{2, 5, 7, 3}}, .out = {2, 5, 7, 3}, RATE(0.2f)),
    ROW(dropout, "large", .in = {{128, 1, 1, 4096}}, .out = {128, 1, 1, 4096}, RATE(0.5f), .timed = true),
};

OP_TABLE(dropout, rows);
