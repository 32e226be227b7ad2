/* Tests of framework/ops/resize. */
#include "ops/resize.h"

#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The row 0 1 2 at twice the width, by hand: centres at -1/4, 1/4, 3/4, ... */
void resize_of_a_row(void **state)
{
    (void)state;
    nx_device *device = test_device();
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *x = nx_input(g, (nx_shape){1, 1, 3, 1}, "x");
    nx_tensor *y = nx_resize(g, x, 1, 6);
    float *got = test_run(device, g, &x, (float *[]){(float[]){0, 1, 2}}, 1, y);
    assert_true(test_close("row", got, (double[]){0, .25, .75, 1.25, 1.75, 2}, y->shape, 0));
    free(got);
    nx_graph_free(g);
}
