/* Convolutions in bfloat16, where the device can. */
#include "base/error.h"
#include "harness.h"
#include "op_check.h"
#include "ops/conv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Every case of a convolution, whose gradients are convolutions too, twice for the same bits; and something is rounded.
 * Behind ReLU there is no gradient to hold it against: a unit near zero may be on the other side. */
void bf16_convolutions(void **state);
void bf16_convolutions(void **state)
{
    (void)state;
    nx_device *device;
    nx_error err;
    nx_device_options options = test_options("cpu");
    options.precision = NX_BF16;
    if (!nx_device_open(&device, &options, &err)) {
        printf("%s\n", err.text);
        skip();
    }
    double most = 0;
    size_t wrong = 0;
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        if (c->timed || !op_is_convolution(c)) continue;
        for (int gradient = 0; gradient < 2; gradient++) {
            if (gradient && ((const nx_conv_options *)c->options)->activation == NX_ACTIVATION_RELU) continue;
            op_strictness strictness = {.in_place = true};
            op_finding f = (gradient ? op_check_gradient : op_check_forward)(device, c, &strictness);
            if (f.error > most) most = f.error;
            if (f.good) continue;
            wrong++;
            fprintf(stderr, "%s %s%s\n", c->name, f.wrong, f.where);
        }
    }
    nx_device_free(device);
    assert_int_equal(wrong, 0);
    assert_true(most > 1e-4);
}
