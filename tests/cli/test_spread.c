/* nstx sweep over several devices, which PoCL makes of one processor: each point on one of them, with the results of
 * one alone; and with a device that takes no work.
 *
 * That device is made by this program, which is the nstx of its tests: as `nstx run` on the device that BROKEN names it
 * dies, anything else it leaves to nstx. */
#include "cli.h"

#include "commands/cli.h"
#include "machine/device.h"

#include <signal.h>

extern const command sweep_command;

#define SWEEP TINY "[experiment]\nsteps = 2\n[log]\nevery = 1\nimages = 0\n[sweep]\nexperiment.seed = 1..4\n"

/* ---- the nstx of these tests ---- */

static int act(int argc, char **argv)
{
    static const command *const commands[] = {&sweep_command};
    const char *broken = getenv("BROKEN"), *device = getenv("NSTX_DEVICE"), *real = getenv("REAL_BINARY");
    if (!strcmp(argv[1], "sweep")) return cli_main(commands, 1, argc, argv); /* whose points run this program */
    if (broken && device && !strcmp(broken, device)) kill(getpid(), SIGKILL);
    execv(real, argv);
    return 127;
}

static int open_all(void **state)
{
    static char self[4096];
    if (cli_open(state) || readlink("/proc/self/exe", self, sizeof self - 1) < 0) return -1;
    setenv("REAL_BINARY", getenv("NSTX_BINARY"), true);
    setenv("NSTX_BINARY", self, true);
    write_text("four.ini", SWEEP);
    return 0;
}

/* ---- tests ---- */

/* Devices of PoCL, separated by blanks; skips the test where they are not the best there are. */
static void take_devices(const char *devices, const char *part, int count)
{
    setenv("POCL_DEVICES", devices, true);
    unsetenv("NSTX_DEVICE");
    nstx(0, "devices");
    int found = 0;
    for (const char *at = said_out; (at = strstr(at, part)); at++) found++;
    if (found != count) {
        print_message("POCL_DEVICES=\"%s\" does not make %d devices here\n", devices, count);
        skip();
    }
}

static int count_said(const char *part)
{
    int count = 0;
    for (const char *at = said_err; (at = strstr(at, part)); at++) count++;
    return count;
}

static void points_are_spread(void **state)
{
    (void)state;
    nstx(0, "sweep four.ini -o one/s.h5 -j 1 -s device.name=#1");
    assert_null(strstr(said_err, " on #"));
    take_devices("pthread pthread", "pthread-", 2);
    nstx(0, "sweep four.ini -o two/s.h5 -j 2");
    assert_said(said_err, "4 points, 2 at a time");
    assert_said(said_err, "1 of 4: seed=1 runs on #1 pthread-");
    assert_said(said_err, "2 of 4: seed=2 runs on #2 pthread-");
    assert_int_equal(count_said("is done on #1 ") + count_said("is done on #2 "), 4);
    /* What comes out does not depend on it, in which order points end neither. */
    char *first = shell("sed 's/,[^,]*$//' one/s.csv"),
         *second = shell("sed 's/,[^,]*$//' two/s.csv"); /* but seconds */
    assert_string_equal(first, second);
    free(first);
    free(second);
    for (int i = 1; i <= 4; i++) {
        char *one = nx_format("one/s-seed=%d.h5", i), *two = nx_format("two/s-seed=%d.h5", i);
        assert_same_run(one, two);
        free(one);
        free(two);
    }
    nstx(0, "sweep four.ini -o two/s.h5"); /* the same config: none has to be run again */
    assert_said(said_err, "4 of 4 points are done already");
}

static void a_list_and_a_name_choose(void **state)
{
    (void)state;
    take_devices("basic pthread", "basic-", 1);
    static const struct {
        const char *name, *of_config, *chosen; /* NSTX_DEVICE, [device] name */
        int count;
    } rows[] = {
        {"", "", "pthread-", 1},          {"", "basic, pthread", "pthread-", 2}, {"", "#2", "basic-", 1},
        {"#2,#1", "", "pthread-", 2},     {"basic", "#1,#2", "basic-", 1},       {"#2", "pthread,basic", "basic-", 1},
        {"#2", "pthread", "pthread-", 1}, {"none", "#2", "basic-", 1},           {"", "portable", "pthread-", 1},
        {"portable#2", "", "basic-", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_device_info *list;
        size_t count;
        nx_error err;
        setenv("NSTX_DEVICE", rows[i].name, true);
        if (!device_matching(&list, &count, rows[i].of_config, &err)) fail_msg("%s", err.text);
        assert_ptr_equal(strstr(list->name, rows[i].chosen), list->name);
        assert_int_equal(count, rows[i].count);
        free(list);
    }
    setenv("NSTX_DEVICE", "#1,#3", true);
    refused("no device is called \"#3\"; there are: #1 pthread-", "sweep four.ini -o none.h5");
}

static void a_broken_device_gets_one_point(void **state)
{
    (void)state;
    take_devices("pthread pthread", "pthread-", 2);
    setenv("BROKEN", "#2", true);
    nstx(0, "sweep four.ini -o broken/s.h5 -j 2");
    assert_int_equal(count_said(" runs on #2 "), 1);
    assert_said(said_err, "seed=2 failed on #2 pthread-");
    assert_int_equal(count_said("tried once more on another device"), 1);
    assert_int_equal(count_said(" is done on #1 "), 4);
    assert_same_run("one/s-seed=2.h5", "broken/s-seed=2.h5");
    unsetenv("BROKEN");
}

/* A point that fails everywhere is the point's fault: the others still get both devices. */
static void a_bad_point_costs_no_device(void **state)
{
    (void)state;
    write_text("bad.ini", TINY "[experiment]\nsteps = 2\n[log]\nevery = 1\nimages = 0\n"
                               "[sweep]\nmode = zip\nloss.style_weight = 1e300 1 1 1 1\nexperiment.seed = 1..5\n");
    take_devices("pthread pthread", "pthread-", 2);
    nstx(1, "sweep bad.ini -o bad/s.h5 -j 2");
    assert_int_equal(count_said("style_weight=1e+300 seed=1 runs on #"), 2);
    assert_int_equal(count_said("nstx: style_weight=1e+300 seed=1 failed: "), 1);
    assert_said(said_err, "4 of 5 points are done");
    assert_true(count_said(" is done on #1 ") > 0 && count_said(" is done on #2 ") > 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) return act(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_spread),
        cmocka_unit_test(a_list_and_a_name_choose),
        cmocka_unit_test(a_broken_device_gets_one_point),
        cmocka_unit_test(a_bad_point_costs_no_device),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
