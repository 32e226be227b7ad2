/* Tests of framework/ops/activation. */
#include "ops/activation.h"

#include "base/memory.h"
#include "harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every magnitude from 1e-30 to 100, both signs: the five units in the last place that OpenCL allows, and never
 * beyond 1. */
void tanh_is_accurate_everywhere(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    nx_device *device = test_device();
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *x = nx_input(g, NX_VECTOR(COUNT), "x");
    float *values = nx_alloc(COUNT * sizeof *values);
    for (int i = 0; i < COUNT; i++) {
        double exponent = i % 2 ? -30 + 32. * i / COUNT : -1 + 3. * i / COUNT;
        values[i] = (float)(pow(10, exponent) * (i % 4 < 2 ? 1 : -1));
    }
    float *y = test_run(device, g, &x, &values, 1, nx_tanh(g, x));
    for (int i = 0; i < COUNT; i++) {
        double want = tanh(values[i]), error = fabs(y[i] - want) / fabs(want);
        if (!(error < 6e-7) || !(fabsf(y[i]) <= 1)) fail_msg("tanh(%.9g) = %.9g, not %.9g", values[i], y[i], want);
    }
    free(y);
    free(values);
    nx_graph_free(g);
}
