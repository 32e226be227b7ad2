/* Tests of framework/ops/gradient_norm. */
#include "ops/gradient_norm.h"

#include "base/rng.h"
#include "harness.h"
#include "ops/add.h"
#include "ops/mse.h"
#include "ops/scale.h"
#include "ops/weighted_sum.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COUNT = 2 * 3 * 5 * 7 };
static const nx_shape shape = {2, 3, 5, 7};

static void fill(float *values, uint64_t stream)
{
    nx_rng rng = nx_rng_new(1, stream);
    for (int i = 0; i < COUNT; i++) values[i] = nx_rng_uniform(&rng) - .5f;
}

/* Of two losses of x, the first behind the normalisation: its gradient alone is normalised, then the other is added. */
void gradient_norm_of_one_path(void **state)
{
    (void)state;
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *x = nx_input(g, shape, "x"), *t = nx_input(g, shape, "t"), *u = nx_input(g, shape, "u"), *dx;
    nx_tensor *losses[] = {nx_mse(g, nx_normalize_gradient(g, x, 3), t), nx_mse(g, x, u)};
    nx_gradient(g, nx_weighted_sum(g, losses, (float[]){2, 1}, 2), &x, 1, &dx);
    float values[3][COUNT];
    for (int i = 0; i < 3; i++) fill(values[i], (uint64_t)i);
    double want[COUNT], norm = 0;
    for (int i = 0; i < COUNT; i++) norm += fabs(4 * ((double)values[0][i] - (double)values[1][i]) / COUNT);
    for (int i = 0; i < COUNT; i++)
        want[i] = 3 * 4 * ((double)values[0][i] - (double)values[1][i]) / COUNT / (norm + 1e-8) +
                  2 * ((double)values[0][i] - (double)values[2][i]) / COUNT;
    float *got =
        test_run(test_device(), g, (nx_tensor *[]){x, t, u}, (float *[]){values[0], values[1], values[2]}, 3, dx);
    assert_true(test_close("normalised gradient", got, want, shape, 2e-6));
    free(got);
    nx_graph_free(g);
}

/* The result shares x's buffer, so nothing may work in place on either while the other is still read. */
void gradient_norm_is_not_overwritten(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_tensor *half = nx_input(g, shape, "half"), *x = nx_add(g, half, half);
        nx_tensor *same = nx_normalize_gradient(g, x, 1);
        nx_tensor *twice = nx_scale(g, order ? x : same, 2);
        nx_tensor *y = nx_add(g, twice, order ? same : x);
        float values[COUNT];
        double want[COUNT];
        fill(values, 9);
        for (int i = 0; i < COUNT; i++) want[i] = 6 * (double)values[i];
        float *got = test_run(test_device(), g, &half, (float *[]){values}, 1, y);
        assert_true(test_close("three times x", got, want, shape, 1e-6));
        free(got);
        nx_graph_free(g);
    }
}
