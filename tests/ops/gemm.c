/* Reference of framework/ops/gemm: three loops. */
#include "ops/gemm.h"

#include "op_case.h"

void gemm_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_gemm_options *o = c->options;
    size_t m = (size_t)c->out.w, n = (size_t)c->out.c, k = nx_shape_count(c->in[0]) / m / (size_t)c->out.n;
    double alpha = o->alpha != 0.f ? (double)o->alpha : 1;
    for (size_t image = 0; image < (size_t)c->out.n; image++)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                const double *a = in[0] + image * m * k, *b = in[1] + image * k * n;
                double sum = 0;
                for (size_t l = 0; l < k; l++)
                    sum +=
                        (o->transpose_a ? a[l * m + i] : a[i * k + l]) * (o->transpose_b ? b[j * k + l] : b[l * n + j]);
                out[(image * m + i) * n + j] = alpha * sum;
            }
}
