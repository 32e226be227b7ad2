/* The first use of kernels on a device: tested once, remembered by device, driver and version; what is wrong is
 * refused. */
#include "harness.h"

#include "../io/scratch.h"
#include "machine/device.h"

#include "machine/first_use.h"

#include "base/memory.h"
#include "graph/plan.h"
#include "ops/scale.h"

#include <errno.h>
#include <setjmp.h>
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

static void end(void)
{
    first_use_over();
    nx_programs_watch(NULL);
    setenv("NSTX_SELFTEST", "off", true);
}

static void assert_gone(pid_t process)
{
    assert_int_equal(kill(process, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* The names of programs as a list. */
#define PROGRAMS(...)                                                                                                  \
    (nx_program_list) { (char *[]){__VA_ARGS__}, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *) }
#define ADD   "add/add"
#define SCALE "scale/scale"

/* The first of all tests, since the processes that it forks go on to use OpenCL. They are asked twice. */
static void test_aside(void **state)
{
    (void)state;
    nx_error err;
    begin("aside");
    pid_t process = first_use_prepare(NULL);
    assert_true(process > 0);
    nx_device_info info = chosen();
    assert_int_equal(kill(process, 0), 0);
    if (!first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD), &err)) fail_msg("%s", err.text);
    assert_int_equal(first_use_known(&info), 1);
    assert_int_equal(kill(process, 0), 0);
    if (!first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD, SCALE), &err)) fail_msg("%s", err.text);
    assert_int_equal(first_use_known(&info), 2);
    first_use_over();
    assert_gone(process);
    end();
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
    assert_false(first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD), &err));
    assert_non_null(strstr(err.text, "interrupted in its self-test"));
    assert_int_equal(first_use_known(&info), 0);
    assert_gone(process);
    first_use_prepare(NULL);
    end();
}

static void test_crash(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    begin("crash");
    pid_t process = first_use_prepare(NULL);
    assert_int_equal(kill(process, SIGKILL), 0); /* other signals the driver of this process may handle */
    assert_false(first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD), &err));
    assert_message(&err, info.name, "its driver crashed in the self-test (Killed)");
    assert_message(&err, "nstx doctor", "NSTX_SELFTEST=off");
    assert_int_equal(first_use_known(&info), 0);
    assert_gone(process);
    end();
}

static void test_remembered(void **state)
{
    (void)state;
    nx_device_info info = chosen(), other = info;
    nx_error err;
    begin("cache");
    assert_int_equal(first_use_known(&info), 0);
    if (!first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD), &err)) fail_msg("%s", err.text);
    assert_int_equal(first_use_known(&info), 1);
    snprintf(other.driver, sizeof other.driver, "%s", "another");
    assert_int_equal(first_use_known(&other), 0);
    /* It is known now: nothing is opened, not even what cannot be; for another program, or driver, it is. */
    const nx_device_options none = {.name = "no such device"};
    assert_true(first_use(&info, &none, &PROGRAMS(ADD), &err));
    assert_false(first_use(&info, &none, &PROGRAMS(ADD, SCALE), &err));
    assert_false(first_use(&other, &none, &PROGRAMS(ADD), &err));
    setenv("NSTX_SELFTEST", "off", true);
    assert_true(first_use(&other, &none, &PROGRAMS(ADD), &err));
    assert_int_equal(first_use_known(&other), 0);
    end();
}

static void test_refused(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    selftest_result wrong = {
        .cases = 9, .failed = 2, .failures = {{1, "product: off by 0.1"}, {4, "pooling: off by 3"}}};
    setenv("NSTX_KERNEL_CACHES", scratch("refused"), true);
    assert_false(first_use_judge(&info, &PROGRAMS(ADD), &wrong, 1, &err));
    assert_message(&err, info.name, "2 of 9: product: off by 0.1");
    assert_message(&err, "nstx doctor", "NSTX_SELFTEST=off");
    assert_int_equal(first_use_known(&info), 0);
    wrong.failed = 0;
    assert_true(first_use_judge(&info, &PROGRAMS(ADD), &wrong, 1, &err));
    assert_int_equal(first_use_known(&info), 1);
}

/* A cache that cannot be written is no reason to refuse a device that is right; only this process remembers it. */
static void test_no_cache(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    scratch_write(scratch("file"), "", 0);
    setenv("NSTX_KERNEL_CACHES", scratch("file/below"), true);
    snprintf(info.driver, sizeof info.driver, "%s", "of no cache");
    assert_true(first_use_judge(&info, &PROGRAMS(ADD), &(selftest_result){.cases = 1}, 1, &err));
    assert_int_equal(first_use_known(&info), 1);
    nx_device_info other = chosen();
    assert_int_equal(first_use_known(&other), 0);
    assert_int_equal(first_use_known(&info), 0);
}

/* ---- a kernel that is wrong ---- */

/* From here on the kernels are those of a folder, in which c = factor a is a little more than that. */
static void spoil_scale(void)
{
    char *command = nx_format("cp -r '%s/cl' '%s' && sed -i 's/factor \\*/1.01f * factor */' '%s/scale.cl'",
                              NSTX_SOURCE, scratch("cl"), scratch("cl"));
    assert_int_equal(system(command), 0);
    free(command);
    setenv("NSTX_CL", scratch("cl"), true);
}

static void test_wrong(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    spoil_scale();
    begin("wrong");
    if (!first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD), &err)) fail_msg("%s", err.text);
    assert_false(first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD, SCALE), &err));
    assert_message(&err, info.name, "fails its self-test, 1 of 1: scale/");
    assert_message(&err, "nstx doctor", "NSTX_SELFTEST=off");
    assert_int_equal(first_use_known(&info), 1);
    end();
}

/* ---- what is announced ---- */

static jmp_buf died;
static char *last_words;

static void survive(const char *message, void *user)
{
    (void)user;
    last_words = nx_copy_text(message);
    longjmp(died, 1);
}

/* A plan of a program that nobody told of before. */
static void run_scale(nx_device *device)
{
    nx_error err;
    nx_plan *plan;
    nx_graph *g = nx_graph_new(&device->info);
    nx_keep(nx_scale(g, nx_input(g, NX_VECTOR(300), "x"), 2));
    assert_true(nx_plan_new(&plan, g, &err));
    if (!setjmp(died)) nx_plan_realize(plan, device);
    nx_plan_free(plan);
    nx_graph_free(g);
}

static nx_device *opened(void)
{
    nx_device *device;
    nx_error err;
    if (!device_open(&device, (nx_device_options){0}, &err)) fail_msg("%s", err.text);
    return device;
}

/* Tested when a plan first needs it; a wrong one is never launched. */
static void test_announced(void **state)
{
    (void)state;
    nx_device_info info = chosen();
    nx_error err;
    begin("announced");
    nx_error_hook_set(survive, NULL);
    for (int spoiled = 1; spoiled >= 0; spoiled--) {
        if (!spoiled) unsetenv("NSTX_CL");
        nx_device *device = opened();
        if (!first_use(&info, &(nx_device_options){0}, &PROGRAMS(ADD), &err)) fail_msg("%s", err.text);
        run_scale(device);
        nx_device_free(device);
        assert_int_equal(first_use_known(&info), spoiled ? 1 : 2);
        assert_true(!spoiled == !last_words);
        if (spoiled) assert_non_null(strstr(last_words, "fails its self-test, 1 of 1: scale/"));
        free(last_words);
        last_words = NULL;
    }
    nx_error_hook_set(NULL, NULL);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aside),      cmocka_unit_test(test_interrupt), cmocka_unit_test(test_crash),
        cmocka_unit_test(test_remembered), cmocka_unit_test(test_refused),   cmocka_unit_test(test_no_cache),
        cmocka_unit_test(test_wrong),      cmocka_unit_test(test_announced),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
