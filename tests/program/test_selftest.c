/* Which rows of bench/cases/ the self-test of a first use takes. */
#include "harness.h"

#include "machine/selftest.h"

#include "base/memory.h"
#include "base/text.h"
#include "op_case.h"
#include "op_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A device with the kernels of one family, not opened. */
static nx_device_info of_family(nx_family family)
{
    nx_device_info info = test_device()->info;
    info.family = family;
    return info;
}

static bool has_row(const selftest_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!strcmp(rows->items[i].c->name, name)) return true;
    return false;
}

/* What the rows launch, as they are to be tested. */
static nx_program_list launched(const nx_device_info *info, const selftest_rows *rows)
{
    nx_program_list all = {0};
    for (size_t i = 0; i < rows->count; i++) op_case_programs(info, rows->items[i].c, rows->items[i].no_gradient, &all);
    return all;
}

/* Forward alone where nothing asks for more, and nothing is built that was not asked for. */
static void the_least_is_taken(void **state)
{
    (void)state;
    nx_device_info info = of_family(NX_FAMILY_CPU);
    nx_program_list forward = {0}, both = {0};
    const op_case *row = op_case_named("pool/average, 2x2, even");
    op_case_programs(&info, row, NO_GRADIENT, &forward);
    op_case_programs(&info, row, 0, &both);
    assert_true(forward.count < both.count);
    for (int k = 0; k < 2; k++) {
        const nx_program_list *wanted = k ? &both : &forward;
        selftest_rows rows = selftest_covering(&info, wanted, false);
        assert_int_equal(rows.count, 1);
        assert_int_equal(op_has_gradient(rows.items[0].c, rows.items[0].no_gradient), k);
        assert_int_equal(rows.programs.count, wanted->count);
        selftest_rows_free(&rows);
    }
    nx_program_list_free(&forward);
    nx_program_list_free(&both);
}

/* Of a new device one thing more is asked than of its kernels. */
static void a_fresh_device_is_asked_for_a_long_loop(void **state)
{
    (void)state;
    static char name[] = "add/add", *names[] = {name};
    for (nx_family family = NX_FAMILY_CPU; family <= NX_FAMILY_GPU; family++) {
        nx_device_info info = of_family(family);
        for (int fresh = 0; fresh < 2; fresh++) {
            selftest_rows rows = selftest_covering(&info, &(nx_program_list){names, 1}, fresh);
            assert_int_equal(has_row(&rows, "conv/1x1, 70000 to 8, one long loop"), fresh);
            selftest_rows_free(&rows);
        }
    }
}

/* Whichever process had which row. */
static void failures_are_told_in_the_order_of_rows(void **state)
{
    (void)state;
    selftest_result even = {.cases = 6, .failed = 2, .failures = {{0, "a"}, {4, "c"}}},
                    odd = {.cases = 5, .failed = 1, .failures = {{3, "b"}}}, sum = {0}, many = {0};
    selftest_add(&sum, &odd);
    selftest_add(&sum, &even);
    char *which = selftest_failures(&sum);
    assert_string_equal(which, "a; b; c");
    assert_true(sum.cases == 11 && sum.failed == 3);
    free(which);
    for (size_t row = 30; row-- > 27;) {
        selftest_result last = {.cases = 1, .failed = 1, .failures = {{row, "late"}}};
        selftest_add(&many, &last);
    }
    for (int k = 0; k < 3; k++) selftest_add(&many, &sum);
    which = selftest_failures(&many);
    assert_string_equal(which, "a; a; a; b; b; b; c; c; and 4 more");
    free(which);
}

/* The same kernel with other defines, where no row has these. */
static void another_define_stands_for_one(void **state)
{
    (void)state;
    static char odd[] = "pool/pool_max -DSIZE=77 -DSTRIDE=5", none[] = "pool/pool_best", *names[] = {odd, none};
    nx_device_info info = of_family(NX_FAMILY_CPU);
    selftest_rows rows = selftest_covering(&info, &(nx_program_list){names, 2}, false);
    nx_program_list all = launched(&info, &rows);
    assert_int_equal(rows.count, 1);
    assert_true(nx_program_listed(&rows.programs, odd));
    assert_false(nx_program_listed(&all, odd));
    assert_true(nx_contains(all.names[0], "pool/pool_max "));
    nx_program_list_free(&all);
    selftest_rows_free(&rows);
}

/* Those of peaks, and of what asks the compiler, which are files; and those that no rule chooses but `nstx tune` may,
 * which holds them against sums in double itself. */
static bool is_tested(const char *program)
{
    static const char *const others[] = {"prelude/",
                                         "bench/",
                                         "mma/",
                                         "bf16/",
                                         "winograd/winograd_strip_output_adjoint",
                                         "winograd/winograd_strip_weights_adjoint"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strncmp(program, others[i], strlen(others[i]))) return false;
    return true;
}

/* "void NAME(" behind a line that begins a kernel: whether any row launches it, with any defines. */
static void assert_launched(const nx_source *source, const char *at, const nx_program_list *all)
{
    const char *name = strstr(at, "void ") + 5;
    char *program = nx_format("%s/%.*s", source->name, (int)strcspn(name, "("), name);
    bool found = !is_tested(program);
    for (size_t i = 0; i < all->count && !found; i++)
        found = !strncmp(all->names[i], program, strlen(program)) && strchr(" ", all->names[i][strlen(program)]);
    if (!found) fail_msg("no row launches %s: no run could trust it", program);
    free(program);
}

static void every_kernel_has_a_row(void **state)
{
    (void)state;
    nx_program_list all = {0};
    nx_device_info infos[] = {of_family(NX_FAMILY_CPU), of_family(NX_FAMILY_CPU), of_family(NX_FAMILY_GPU)};
    infos[1].precision = NX_BF16, infos[1].amx = true;
    for (size_t d = 0; d < sizeof infos / sizeof *infos; d++)
        for (size_t i = 0; i < op_case_count(); i++)
            if (!op_case_at(i)->timed) op_case_programs(&infos[d], op_case_at(i), 0, &all);
    for (size_t i = 0; i < nx_source_count; i++) {
        const char *text = nx_sources[i].text;
        for (const char *at = text; at; at = strchr(at, '\n')) {
            at += *at == '\n';
            if (!strncmp(at, "__kernel", 8) || !strncmp(at, "KERNEL", 6)) assert_launched(&nx_sources[i], at, &all);
        }
    }
    nx_program_list_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_taken),
        cmocka_unit_test(failures_are_told_in_the_order_of_rows),
        cmocka_unit_test(a_fresh_device_is_asked_for_a_long_loop),
        cmocka_unit_test(another_define_stands_for_one),
        cmocka_unit_test(every_kernel_has_a_row),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
