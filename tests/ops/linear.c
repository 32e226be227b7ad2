/* Reference of framework/ops/linear. */
#include "ops/linear.h"

#include "op_case.h"

#include <math.h>

void linear_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_activation *activation = c->options;
    size_t inputs = (size_t)c->in[1].w, outputs = (size_t)c->out.c;
    for (size_t n = 0; n < (size_t)c->out.n; n++)
        for (size_t o = 0; o < outputs; o++) {
            double sum = op_inputs(c) > 2 ? in[2][o] : 0;
            for (size_t i = 0; i < inputs; i++) sum += in[0][n * inputs + i] * in[1][i * outputs + o];
            if (*activation == NX_ACTIVATION_RELU) sum = fmax(sum, 0);
            if (*activation == NX_ACTIVATION_LEAKY_RELU) sum = sum > 0 ? sum : 0.25 * sum;
            if (*activation == NX_ACTIVATION_TANH) sum = tanh(sum);
            out[n * outputs + o] = sum;
        }
}
