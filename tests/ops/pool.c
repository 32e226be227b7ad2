/* Reference of framework/ops/pool. */
#include "ops/pool.h"

#include "harness.h"
#include "ops/add.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static double pooled(const op_case *c, const double *x, int n, int y0, int x0, int k)
{
    const nx_pool_options *o = c->options;
    nx_shape s = c->in[0];
    double largest = -INFINITY, sum = 0;
    int count = 0;
    for (int i = y0; i < y0 + o->size && i < s.h; i++)
        for (int j = x0; j < x0 + o->size && j < s.w; j++) {
            double value = x[at(s, n, i, j, k)];
            largest = fmax(largest, value);
            sum += value;
            count++;
        }
    return o->kind == NX_POOL_MAX ? largest : sum / count;
}

void pool_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_pool_options *o = c->options;
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++)
                    out[at(c->out, n, i, j, k)] = pooled(c, in[0], n, i * o->stride, j * o->stride, k);
}

/* A square of equal pixels: the gradient of the maximum goes to the first, whole. */
void pool_gradient_of_equal_pixels(void **state)
{
    (void)state;
    nx_device *device = test_device();
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *x = nx_input(g, (nx_shape){1, 2, 2, 1}, "x"), *dx;
    nx_tensor *y = nx_pool(g, x, (nx_pool_options){.kind = NX_POOL_MAX});
    assert_true(nx_shape_equal(y->shape, NX_SCALAR));
    nx_gradient(g, y, &x, 1, &dx);
    float *got = test_run(device, g, &x, (float *[]){(float[]){.5f, .5f, .5f, .5f}}, 1, dx);
    assert_true(test_close("gradient", got, (double[]){1, 0, 0, 0}, x->shape, 0));
    free(got);
    nx_graph_free(g);
}
