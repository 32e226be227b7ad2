/* The first use of a device: tested once, remembered by device, driver and program; one that is wrong is refused. */
#include "harness.h"

#include "../io/scratch.h"

#include "run/first_use.h"

#include <unistd.h>

static nx_device_info chosen(void)
{
    nx_device_info info;
    nx_error err;
    if (!nx_device_choose(&info, &(nx_device_options){0}, &err)) fail_msg("%s", err.text);
    return info;
}

static void test_remembered(void **state)
{
    (void)state;
    nx_device_info info = chosen(), other = info;
    nx_error err;
    setenv("NSTX_KERNEL_CACHES", scratch("cache"), true);
    setenv("NSTX_SELFTEST", "on", true);
    assert_false(first_use_known(&info));
    if (!first_use(&info, &(nx_device_options){0}, &err)) fail_msg("%s", err.text);
    assert_true(first_use_known(&info));
    snprintf(other.driver, sizeof other.driver, "%s", "another");
    assert_false(first_use_known(&other));
    /* It is known now: nothing is opened, not even what cannot be. */
    assert_true(first_use(&info, &(nx_device_options){.name = "no such device"}, &err));
    assert_false(first_use(&other, &(nx_device_options){.name = "no such device"}, &err));
    setenv("NSTX_SELFTEST", "off", true);
    assert_true(first_use(&other, &(nx_device_options){.name = "no such device"}, &err));
    assert_false(first_use_known(&other));
}

static void test_refused(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    selftest_result wrong = {.cases = 9, .failed = 2, .failures = "product: off by 0.1; pooling: off by 3"};
    setenv("NSTX_KERNEL_CACHES", scratch("refused"), true);
    assert_false(first_use_judge(&info, &wrong, 1, &err));
    assert_message(&err, info.name, "2 of 9: product: off by 0.1");
    assert_message(&err, "nstx doctor", "NSTX_SELFTEST=off");
    assert_false(first_use_known(&info));
    wrong.failed = 0;
    assert_true(first_use_judge(&info, &wrong, 1, &err));
    assert_true(first_use_known(&info));
}

/* A cache that cannot be written is no reason to refuse a device that is right. */
static void test_no_cache(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    scratch_write(scratch("file"), "", 0);
    setenv("NSTX_KERNEL_CACHES", scratch("file/below"), true);
    assert_true(first_use_judge(&info, &(selftest_result){.cases = 1}, 1, &err));
    assert_false(first_use_known(&info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_cache),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
