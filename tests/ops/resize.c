/* Reference of framework/ops/resize. */
#include "ops/resize.h"

#include "harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static double place(int o, int n, int out) { return fmax((o + .5) * n / out - .5, 0); }

void resize_reference(const op_case *c, const double *const *in, double *out)
{
    nx_shape s = c->in[0];
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++) {
                    double v = place(i, s.h, c->out.h), u = place(j, s.w, c->out.w);
                    int y = (int)v, x = (int)u, below = y + 1 < s.h ? y + 1 : y, right = x + 1 < s.w ? x + 1 : x;
                    double a = in[0][at(s, n, y, x, k)], b = in[0][at(s, n, y, right, k)];
                    double d = in[0][at(s, n, below, x, k)], e = in[0][at(s, n, below, right, k)];
                    out[at(c->out, n, i, j, k)] =
                        (1 - v + y) * ((1 - u + x) * a + (u - x) * b) + (v - y) * ((1 - u + x) * d + (u - x) * e);
                }
}

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
