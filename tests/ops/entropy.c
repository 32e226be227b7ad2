/* Reference of framework/ops/entropy, and the released gradient, which is not that of the released value. */
#include "ops/entropy.h"

#include "base/memory.h"
#include "base/rng.h"
#include "harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static double distance(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static size_t nearest(const double *x, size_t n, size_t count, size_t i)
{
    size_t best = i == 0;
    for (size_t j = 0; j < n; j++)
        if (j != i && distance(x + i * count, x + j * count, count) < distance(x + i * count, x + best * count, count))
            best = j;
    return best;
}

void entropy_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_entropy_options *o = c->options;
    size_t n = (size_t)c->in[0].n, count = nx_shape_count(c->in[0]) / n;
    for (size_t i = 0; i < n; i++) {
        double d = distance(in[0] + i * count, in[0] + nearest(in[0], n, count, i) * count, count);
        out[0] -= o->literal ? log(sqrt(d)) / (double)n : (double)count / (double)n * log(d);
    }
}

void entropy_gradient_as_released(void **state)
{
    (void)state;
    enum { N = 5, COUNT = 3 * 5 * 3 };
    nx_shape shape = {N, 3, 5, 3};
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *x = nx_input(g, shape, "x"), *dx;
    nx_gradient(g, nx_entropy(g, x, (nx_entropy_options){.epsilon = 0.5f}), &x, 1, &dx);
    float values[N * COUNT];
    double doubles[N * COUNT], want[N * COUNT] = {0};
    nx_rng rng = nx_rng_new(1, 2);
    for (int i = 0; i < N * COUNT; i++) doubles[i] = values[i] = nx_rng_uniform(&rng);
    for (size_t i = 0; i < N; i++) {
        size_t j = nearest(doubles, N, COUNT, i);
        double d = distance(doubles + i * COUNT, doubles + j * COUNT, COUNT);
        for (size_t k = 0; k < COUNT; k++) {
            double part = -2 / (d + .5) * (doubles[i * COUNT + k] - doubles[j * COUNT + k]);
            want[i * COUNT + k] += part;
            want[j * COUNT + k] -= part;
        }
    }
    float *got = test_run(test_device(), g, &x, (float *[]){values}, 1, dx);
    assert_true(test_close("entropy gradient", got, want, shape, 2e-6));
    free(got);
    nx_graph_free(g);
}
