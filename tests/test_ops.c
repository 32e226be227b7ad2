/* Every operator case of tests/cases.h, forward and gradient, then the operations' own tests.
 *
 *     test_ops [NAME]      those whose "op/case" contains NAME
 */
#include "base/log.h"
#include "base/text.h"
#include "cases.h"
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void forward(void **state) { assert_true(test_forward(test_device(), *state)); }
static void gradient(void **state) { assert_true(test_gradient(test_device(), *state)); }

/* The operations' own tests, defined in tests/ops/. */
/* clang-format off */
#define OP_TESTS(TEST) \
    TEST(tanh_is_accurate_everywhere) \
    TEST(pool_gradient_of_equal_pixels) \
    TEST(resize_of_a_row) \
    TEST(norm_updates_running_statistics) \
    TEST(norm_by_statistics_of_a_convolution) \
    TEST(entropy_gradient_as_released) \
    TEST(gradient_norm_of_one_path) \
    TEST(gradient_norm_is_not_overwritten) \
    TEST(random_uniform_is_the_hosts) \
    TEST(random_normal_is_the_hosts) \
    TEST(random_normal_is_normal) \
    TEST(random_is_philox) \
    TEST(conv_gpu_tiles_fit_the_device) \
    TEST(conv_gpu_tiles_agree) \
    TEST(conv_gpu_strips_agree) \
    TEST(choice_texts_read_back) \
    TEST(choice_candidates_are_known) \
    TEST(choice_candidates_are_right) \
    TEST(choice_algorithms_are_right)
/* clang-format on */

#define DECLARE(name) void name(void **state);
#define ENTRY(name)   cmocka_unit_test(name),
OP_TESTS(DECLARE)
static const struct CMUnitTest own_tests[] = {OP_TESTS(ENTRY){NULL, NULL, NULL, NULL, NULL}};

static struct CMUnitTest tests[2 * sizeof op_cases / sizeof *op_cases + sizeof own_tests / sizeof *own_tests];

int main(int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : "";
    size_t n = 0;
    nx_log_set(NX_LOG_WARN);
    for (size_t i = 0; i < op_case_count; i++) {
        const op_case *c = &op_cases[i];
        char *name = nx_format("%s/%s", c->op, c->name);
        if (!c->timed && nx_contains(name, filter)) {
            bool smooth = c->no_gradient != NO_GRADIENT;
            tests[n++] = (struct CMUnitTest){name, forward, NULL, NULL, (void *)c};
            if (smooth)
                tests[n++] = (struct CMUnitTest){nx_format("%s gradient", name), gradient, NULL, NULL, (void *)c};
        } else {
            free(name);
        }
    }
    for (const struct CMUnitTest *t = own_tests; t->name; t++)
        if (nx_contains(t->name, filter)) tests[n++] = *t;
    int failed = _cmocka_run_group_tests("operations", tests, n, NULL, NULL);
    test_device_close();
    return failed != 0;
}
