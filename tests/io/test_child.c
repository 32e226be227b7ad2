/* Tasks in a child process: what they answer, and each way in which they may not come to an answer. */
#include "io/child.h"

#include "scratch.h"

#include <fcntl.h>
#include <signal.h>

static const nx_child_limits limits = {256 << 20, 1};

static bool says_yes(const void *context, nx_error *err)
{
    (void)err;
    return *(const int *)context == 7;
}

static bool says_no(const void *context, nx_error *err) { return nx_fail(err, "%s: no", (const char *)context); }

static bool crashes(const void *context, nx_error *err)
{
    (void)context, (void)err;
    return !raise(SIGSEGV);
}

static bool dies(const void *context, nx_error *err)
{
    (void)context, (void)err;
    nx_die("as a check does");
}

static bool never_ends(const void *context, nx_error *err)
{
    (void)context, (void)err;
    volatile bool going = true;
    while (going) continue;
    return true;
}

static bool writes(const void *context, nx_error *err)
{
    (void)err;
    int file = open(context, O_WRONLY | O_CREAT, 0666);
    return file >= 0 && write(file, "x", 1) == 1;
}

static int handled;
static void at_the_end(void) { handled++; }

static void answers_come_back(void **state)
{
    (void)state;
    nx_error err = {0};
    assert_int_equal(nx_child_run(says_yes, &(int){7}, &limits, &err), NX_CHILD_FINE);
    assert_int_equal(nx_child_run(says_no, "file", &limits, &err), NX_CHILD_REFUSED);
    assert_string_equal(err.text, "file: no");
}

static void deaths_are_told(void **state)
{
    (void)state;
    nx_error err = {0};
    atexit(at_the_end); /* is the parent's: a child that dies must not run it */
    assert_int_equal(nx_child_run(crashes, NULL, &limits, &err), NX_CHILD_DIED);
    assert_int_equal(nx_child_run(dies, NULL, &limits, &err), NX_CHILD_DIED);
    assert_int_equal(nx_child_run(never_ends, NULL, &limits, &err), NX_CHILD_ENDLESS);
    assert_int_equal(handled, 0);
}

static void nothing_is_written(void **state)
{
    (void)state;
    nx_error err = {0};
    assert_int_equal(nx_child_run(writes, scratch("by the child"), &limits, &err), NX_CHILD_REFUSED);
}

/* The pipe then takes one of the three usual places. */
static void standard_streams_may_be_closed(void **state)
{
    (void)state;
    nx_error err = {0};
    int kept = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    nx_child_end fine = nx_child_run(says_yes, &(int){7}, &limits, &err);
    dup2(kept, STDIN_FILENO);
    close(kept);
    assert_int_equal(fine, NX_CHILD_FINE);
}

/* The programs that embed the library may collect children themselves. */
static void others_may_collect(void **state)
{
    (void)state;
    nx_error err = {0};
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(nx_child_run(says_yes, &(int){7}, &limits, &err), NX_CHILD_FINE);
    assert_int_equal(nx_child_run(crashes, NULL, &limits, &err), NX_CHILD_DIED);
    signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_back),  cmocka_unit_test(deaths_are_told),
        cmocka_unit_test(nothing_is_written), cmocka_unit_test(standard_streams_may_be_closed),
        cmocka_unit_test(others_may_collect),
    };
    return cmocka_run_group_tests_name("child", tests, scratch_open, scratch_close);
}
