/* Quantiles by linear interpolation. */
#include "base/quantile.h"

#include "base/error.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void nx_sort(double *values, size_t count)
{
    if (count) qsort(values, count, sizeof *values, by_value);
}

double nx_quantile(const double *ascending, size_t count, double q)
{
    NX_CHECK(count && q >= 0 && q <= 1, "quantile %g of %zu values", q, count);
    double at = q * (double)(count - 1);
    size_t i = (size_t)at;
    double share = at - (double)i;
    return share > 0 ? ascending[i] + share * (ascending[i + 1] - ascending[i]) : ascending[i];
}
