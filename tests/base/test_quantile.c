/* Quantiles against numbers that NumPy 2.4's quantile() gave. */
#include "base/quantile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ASKED = 7, MOST = 10 };

static void quantiles_are_numpys(void **state)
{
    (void)state;
    static const double q[ASKED] = {0, .1, .25, .5, .75, .9, 1};
    static const struct {
        size_t count;
        double values[MOST], wanted[ASKED];
    } cases[] = {
        {1, {7.5}, {7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 7.5}},
        {2, {3, -1}, {-1, -.6, 0, 1, 2, 2.6, 3}},
        {3, {2, 9, 4}, {2, 2.4, 3, 4, 6.5, 8, 9}},
        {7, {.5, 8, -3.25, 1e3, 2, 2, 16}, {-3.25, -1, 1.25, 2, 12, 409.6, 1e3}},
        {10, {43.8, 49.7, 6.9, 9.3, .67, 1.66, 5.7, 6.7, 14.4, 12.5}, {.67, 1.561, 5.95, 8.1, 13.925, 44.39, 49.7}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double values[MOST];
        memcpy(values, cases[i].values, sizeof values);
        nx_sort(values, cases[i].count);
        for (size_t k = 1; k < cases[i].count; k++) assert_true(values[k - 1] <= values[k]);
        for (int k = 0; k < ASKED; k++) {
            double off = nx_quantile(values, cases[i].count, q[k]) - cases[i].wanted[k];
            if (off > 1e-12 || off < -1e-12) fail_msg("quantile %g of case %zu is off by %g", q[k], i, off);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles_are_numpys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
