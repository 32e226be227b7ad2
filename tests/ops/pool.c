/* Tests of framework/ops/pool. */
#include "ops/pool.h"

#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

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
