/* The first use of a device: tested once, remembered by device, driver and program; one that is wrong is refused. */
#include "harness.h"

#include "../io/scratch.h"
#include "machine/device.h"

#include "machine/first_use.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static nx_device_info chosen(void)
{
    nx_device_info info;
    nx_error err;
    if (!device_choose(&info, (nx_device_options){0}, &err)) fail_msg("%s", err.text);
    return info;
}

static void begin(const char *cache)
{
    setenv("NSTX_KERNEL_CACHES", scratch(cache), true);
    setenv("NSTX_SELFTEST", "on", true);
}

static void assert_gone(pid_t process)
{
    assert_int_equal(kill(process, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* The first of all tests, since the process that it forks goes on to use OpenCL. */
static void test_aside(void **state)
{
    (void)state;
    nx_error err;
    begin("aside");
    pid_t process = first_use_prepare(NULL);
    assert_true(process > 0);
    nx_device_info info = chosen();
    assert_int_equal(kill(process, 0), 0);
    if (!first_use(&info, &(nx_device_options){0}, &err)) fail_msg("%s", err.text);
    assert_true(first_use_known(&info));
    assert_gone(process);
    process = first_use_prepare(NULL); /* not needed, it ends */
    assert_true(first_use(&info, &(nx_device_options){0}, &err));
    assert_gone(process);
    setenv("NSTX_SELFTEST", "off", true);
    assert_int_equal(first_use_prepare(NULL), -1);
}

static bool at_once(void) { return true; }

/* A test that an interrupt cuts off says so, is not remembered, and leaves no process. */
static void test_interrupt(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    begin("interrupted");
    pid_t process = first_use_prepare(at_once);
    assert_false(first_use(&info, &(nx_device_options){0}, &err));
    assert_non_null(strstr(err.text, "interrupted in its self-test"));
    assert_false(first_use_known(&info));
    assert_gone(process);
    setenv("NSTX_SELFTEST", "off", true);
}

static void test_crash(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    begin("crash");
    pid_t process = first_use_prepare(NULL);
    assert_int_equal(kill(process, SIGKILL), 0); /* other signals the driver of this process may handle */
    assert_false(first_use(&info, &(nx_device_options){0}, &err));
    assert_message(&err, info.name, "its driver crashed in the self-test (Killed)");
    assert_message(&err, "nstx doctor", "NSTX_SELFTEST=off");
    assert_false(first_use_known(&info));
    assert_gone(process);
}

static void test_remembered(void **state)
{
    (void)state;
    nx_device_info info = chosen(), other = info;
    nx_error err;
    begin("cache");
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
        cmocka_unit_test(test_aside),      cmocka_unit_test(test_interrupt), cmocka_unit_test(test_crash),
        cmocka_unit_test(test_remembered), cmocka_unit_test(test_refused),   cmocka_unit_test(test_no_cache),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
