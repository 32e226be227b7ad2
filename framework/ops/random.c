/* One work-item draws whole blocks of four words, so a step takes a multiple of four draws. */
#include "ops/random.h"

#include "base/rng.h"
#include "graph/plan.h"

#include <string.h>

uint64_t nx_random_stream(const nx_tensor *noise) { return ((const nx_random_attr *)noise->producer->attr)->stream; }

uint64_t nx_random_draws(const nx_tensor *noise)
{
    const nx_random_attr *a = noise->producer->attr;
    uint64_t draws = nx_shape_count(noise->shape) * (a->normal ? 2 : 1);
    return (draws + 3) / 4 * 4;
}

void nx_random_state(float bits[4], uint64_t seed, uint64_t step)
{
    uint32_t words[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)step, (uint32_t)(step >> 32)};
    memcpy(bits, words, sizeof words);
}

static void bind(nx_plan *plan, nx_node *node)
{
    const nx_random_attr *a = node->attr;
    nx_tensor *y = node->out[0];
    nx_step *step = nx_plan_launch(plan, node, "random", a->normal ? "random_normal" : "random_uniform", NULL,
                                   nx_range_flat(plan, nx_shape_count(y->shape)),
                                   NX_ARGS({"state", .t = node->in[0]}, {"y", .t = y}, {"stream", .i = a->stream},
                                           {"blocks", .i = nx_random_draws(y) / 4}));
    step->bytes = (double)y->bytes;
}

static const nx_op op = {.name = "random", .cost = NX_COST_LOW, .bind = bind};

static nx_tensor *noise(nx_graph *g, nx_shape shape, nx_tensor *state, bool normal)
{
    NX_CHECK(nx_shape_equal(state->shape, NX_RANDOM_STATE), "random: the state is four floats");
    nx_random_attr a = {nx_stream("noise") + g->stream++, normal};
    return nx_node_single(g, &op, &a, sizeof a, shape, state, NULL, NULL, NULL);
}

nx_tensor *nx_uniform(nx_graph *g, nx_shape shape, nx_tensor *state) { return noise(g, shape, state, false); }
nx_tensor *nx_normal(nx_graph *g, nx_shape shape, nx_tensor *state) { return noise(g, shape, state, true); }
