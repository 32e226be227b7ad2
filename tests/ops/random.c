/* Tests of framework/ops/random: the device draws the host's numbers. */
#include "ops/random.h"

#include "base/rng.h"
#include "graph/plan.h"
#include "harness.h"

#if __has_include(<Random123/philox.h>)
#include <Random123/philox.h>
#define HAVE_RANDOM123
#endif

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const nx_shape shape = {2, 5, 7, 3};
enum { COUNT = 2 * 5 * 7 * 3 };
static const uint64_t seed = 0x123456789abcdef0u;
/* The last but one's 53 blocks of uniform numbers pass 2^32 in the middle of a vector. */
static const uint64_t steps[] = {0, 1, 0x100000000u / 53, 0x300000007u};

static float *drawn(nx_graph *g, nx_tensor *state, nx_tensor *noise, uint64_t step)
{
    float bits[4];
    nx_random_state(bits, seed, step);
    return test_run(test_device(), g, &state, (float *[]){bits}, 1, noise);
}

void random_uniform_is_the_hosts(void **unused)
{
    (void)unused;
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_tensor *state = nx_input(g, NX_RANDOM_STATE, "state"), *other = nx_uniform(g, shape, state);
        nx_tensor *noise = nx_uniform(g, shape, state);
        assert_true(nx_random_stream(noise) != nx_random_stream(other));
        float *got = drawn(g, state, noise, steps[s]), want[COUNT];
        nx_rng rng = nx_rng_new(seed, nx_random_stream(noise));
        rng.index = steps[s] * nx_random_draws(noise);
        for (int i = 0; i < COUNT; i++) want[i] = nx_rng_uniform(&rng);
        assert_memory_equal(got, want, sizeof want);
        free(got);
        nx_graph_free(g);
    }
}

void random_normal_is_the_hosts(void **unused)
{
    (void)unused;
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *state = nx_input(g, NX_RANDOM_STATE, "state"), *noise = nx_normal(g, shape, state);
    float *got = drawn(g, state, noise, steps[3]);
    double want[COUNT];
    nx_rng rng = nx_rng_new(seed, nx_random_stream(noise));
    rng.index = steps[3] * nx_random_draws(noise);
    for (int i = 0; i < COUNT; i++) want[i] = (double)nx_rng_normal(&rng);
    assert_true(test_close("normal numbers", got, want, shape, 1e-6));
    free(got);
    nx_graph_free(g);
}

/* Moments of a million: mean 0, variance 1, kurtosis 3, within five standard errors. */
void random_normal_is_normal(void **unused)
{
    (void)unused;
    enum { MANY = 1 << 20 };
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *state = nx_input(g, NX_RANDOM_STATE, "state");
    float *got = drawn(g, state, nx_normal(g, NX_VECTOR(MANY), state), 5);
    double mean = 0, square = 0, fourth = 0;
    for (int i = 0; i < MANY; i++) {
        double v = (double)got[i];
        mean += v / MANY, square += v * v / MANY, fourth += v * v * v * v / MANY;
    }
    assert_true(fabs(mean) < 5 / 1024.0 && fabs(square - 1) < 5 * sqrt(2) / 1024 &&
                fabs(fourth - 3) < 5 * sqrt(96) / 1024);
    free(got);
    nx_graph_free(g);
}

void random_is_philox(void **unused)
{
    (void)unused;
#ifdef HAVE_RANDOM123
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t counter[4] = {i, i * 7u, ~i, i << 20}, key[2] = {i * 2654435761u, i};
        philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
        philox4x32_key_t k = {{key[0], key[1]}};
        c = philox4x32_R(10, c, k);
        nx_philox(counter, key);
        assert_memory_equal(counter, c.v, sizeof counter);
    }
#else
    print_message("Random123 is not installed\n");
    skip();
#endif
}
