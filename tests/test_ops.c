/* Every operator case of bench/cases/, forward and gradient, then the operations' own tests.
 *
 *     test_ops [NAME]      those whose name, such as "conv/1x1", contains NAME
 *     test_ops --doctor    the rows of the doctor alone, in which every operation and kernel file is
 */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "harness.h"
#include "op_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    TEST(gradient_norm_of_one_path) \
    TEST(gradient_norm_is_not_overwritten) \
    TEST(random_uniform_is_the_hosts) \
    TEST(random_normal_is_the_hosts) \
    TEST(random_normal_is_normal) \
    TEST(random_is_philox) \
    TEST(conv_gpu_tiles_fit_the_device) \
    TEST(conv_gpu_tiles_agree) \
    TEST(conv_gpu_strips_agree) \
    TEST(conv_large_kernels_agree) \
    TEST(choice_texts_read_back) \
    TEST(choice_candidates_are_known) \
    TEST(choice_candidates_are_right) \
    TEST(choice_algorithms_are_right)
/* clang-format on */

static size_t noun_length(const op_case *c) { return (size_t)(strchr(c->name, '/') - c->name); }

/* Every operation is in the self-test of devices. */
static void the_doctor_sees_every_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i), *like;
        bool seen = false;
        for (size_t k = 0; k < op_case_count() && !seen; k++) {
            like = op_case_at(k);
            seen = (like->doctor || like->first_use) && !strncmp(like->name, c->name, noun_length(c) + 1);
        }
        if (!seen) fail_msg("no row of %.*s is for the doctor", (int)noun_length(c), c->name);
    }
}

static void note(void *context, const op_case *c, const char *what)
{
    char **said = context, *longer = nx_format("%s%s: %s\n", *said, c->name, what);
    free(*said);
    *said = longer;
}

/* A check that takes long says what it is at: each time that something may be compiled. */
static void a_check_says_its_steps(void **state)
{
    (void)state;
    char *said = nx_copy_text("");
    const op_strictness strictness = {.next = note, .context = &said};
    assert_true(op_check_forward(test_device(), op_case_named("add/odd"), &strictness).good);
    assert_string_equal(said, "add/odd: compiling\nadd/odd: compiling, running\nadd/odd: running again\n"
                              "add/odd: comparing\n");
    free(said);
}

#define DECLARE(name) void name(void **state);
#define ENTRY(name)   cmocka_unit_test(name),
OP_TESTS(DECLARE)
static const struct CMUnitTest own_tests[] = {OP_TESTS(ENTRY) cmocka_unit_test(the_doctor_sees_every_operation),
                                              cmocka_unit_test(a_check_says_its_steps),
                                              {NULL, NULL, NULL, NULL, NULL}};

int main(int argc, char **argv)
{
    bool doctor = argc > 1 && !strcmp(argv[1], "--doctor");
    const char *filter = argc > 1 && !doctor ? argv[1] : "";
    static struct CMUnitTest *tests; /* which keeps their names */
    tests = nx_alloc((2 * op_case_count() + sizeof own_tests / sizeof *own_tests) * sizeof *tests);
    size_t n = 0;
    nx_log_set(NX_LOG_WARN);
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        if (c->timed || !nx_contains(c->name, filter) || (doctor && !c->doctor && !c->first_use)) continue;
        tests[n++] = (struct CMUnitTest){c->name, forward, NULL, NULL, (void *)c};
        if (op_has_gradient(c, 0))
            tests[n++] = (struct CMUnitTest){nx_format("%s gradient", c->name), gradient, NULL, NULL, (void *)c};
    }
    for (const struct CMUnitTest *t = own_tests; t->name && !doctor; t++)
        if (nx_contains(t->name, filter)) tests[n++] = *t;
    int failed = _cmocka_run_group_tests("operations", tests, n, NULL, NULL);
    test_device_close();
    return failed != 0;
}
