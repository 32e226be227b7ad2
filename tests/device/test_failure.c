/* Device failures that do not end the process: the hook is told, the host leaves through it, frees what it had, and
 * computes on the device again. */
#include "../io/scratch.h"

#include "device/memory.h"
#include "device/program.h"
#include "graph/plan.h"
#include "harness.h"
#include "ops/add.h"

#include <sys/wait.h>

enum { NUMBERS = 48 };

/* ---- the host ---- */

static jmp_buf away;
static char told[1 << 15];
static int times;

static void leave(const char *message, void *user)
{
    snprintf(told, sizeof told, "%s", message);
    ++*(int *)user;
    longjmp(away, 1);
}

/* Runs what must die, and comes back. */
static void fails(void (*what)(void *context), void *context)
{
    times = 0;
    nx_error_hook_set(leave, &times);
    if (!setjmp(away)) {
        what(context);
        nx_error_hook_set(NULL, NULL);
        fail_msg("nothing failed");
    }
    nx_error_hook_set(NULL, NULL);
    assert_int_equal(times, 1);
}

static void assert_told(const char *part)
{
    if (!strstr(told, part)) fail_msg("\"%s\" is not in: %s", part, told);
}

/* ---- what it computes ---- */

typedef struct work {
    nx_device *device;
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *x, *y;
} work;

static work begin(const char *sources)
{
    nx_error err;
    work w = {0};
    nx_device_options options = test_options("cpu");
    if (sources) options.sources = sources;
    if (!nx_device_open(&w.device, &options, &err)) fail_msg("%s", err.text);
    w.g = nx_graph_new(&w.device->info);
    w.x = nx_input(w.g, (nx_shape){1, 4, 4, 3}, "x");
    w.y = nx_keep(nx_add(w.g, w.x, w.x));
    if (!nx_plan_new(&w.plan, w.g, &err)) fail_msg("%s", err.text);
    return w;
}

static void end(work *w)
{
    nx_plan_free(w->plan);
    nx_graph_free(w->g);
    nx_device_free(w->device);
}

static void realize(void *context)
{
    work *w = context;
    nx_plan_realize(w->plan, w->device);
}

static void assert_computes(work *w)
{
    float values[NUMBERS], got[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) values[i] = (float)i;
    nx_plan_write(w->plan, w->x, values);
    nx_plan_run(w->plan);
    nx_plan_read(w->plan, w->y, got);
    for (int i = 0; i < NUMBERS; i++) assert_float_equal(got[i], 2 * i, 0);
}

static void assert_still_computes(void)
{
    work w = begin(NULL);
    realize(&w);
    assert_computes(&w);
    end(&w);
}

/* ---- the tests ---- */

static void too_much(void *context)
{
    work *w = context;
    nx_buffer_new(w->device, (size_t)1 << 50, NX_MEMORY_OPTIMIZER);
}

/* The device has no room: what it held before is still there. */
static void test_memory(void **state)
{
    (void)state;
    work w = begin(NULL);
    realize(&w);
    uint64_t before = nx_memory_total(w.device);
    fails(too_much, &w);
    assert_told("memory.c:");
    assert_told(" of optimizer memory on ");
    assert_told(": CL_");
    assert_null(strstr(told, "nstx"));
    assert_int_equal(nx_memory_total(w.device), before);
    end(&w);
    assert_still_computes();
}

/* A folder of sources in which add.cl has this text. */
static void write_add(const char *text)
{
    char *prelude;
    size_t bytes;
    nx_error err;
    assert_true(nx_folder_make(scratch("cl"), &err));
    assert_true(nx_file_read(NSTX_SOURCE "/cl/prelude.cl", &prelude, &bytes, &err));
    assert_true(nx_file_write(scratch("cl/prelude.cl"), prelude, bytes, &err));
    assert_true(nx_file_write(scratch("cl/add.cl"), text, strlen(text), &err));
    free(prelude);
}

/* A kernel does not compile: the compiler's log is part of what is told, with the line of the file. */
static void test_kernel(void **state)
{
    (void)state;
    write_add("KERNEL void other(__global float *y)\n{\n    if (*y) { y[0] = 1; }\n}\n\n"
              "KERNEL void add(__global float *y) { y[0] = no_such_variable; }\n");
    work w = begin(scratch("cl"));
    fails(realize, &w);
    assert_told("add.cl:6:");
    assert_told("add.cl does not build on ");
    assert_told("CL_BUILD_PROGRAM_FAILURE");
    assert_told("no_such_variable");
    end(&w);
    assert_still_computes();
}

/* Of a file with several kernels, only what is launched is compiled. */
static void test_one_kernel(void **state)
{
    (void)state;
    write_add("static float twice(float x) { return 2 * x; }\n"
              "__kernel\nvoid broken(__global float *y) { while (*y) { y[0] = no_such_variable; } }\n"
              "KERNEL void add(__global const float *a, __global const float *b, __global float *y)\n"
              "{\n    FLAT_FOR(i) for (int k = 0; k < LANES; k++) { y[i + k] = twice(a[i + k]); }\n}\n"
              "KERNEL void broken_too(__global float *y)\n{\n    y[0] = no_such_variable;\n}\n");
    work w = begin(scratch("cl"));
    realize(&w);
    assert_computes(&w);
    end(&w);
}

static void launch_nothing(void *context)
{
    work *w = context;
    cl_kernel kernel = nx_kernel_new(w->device, "add", "add", NULL);
    nx_launch l = {.kernel = kernel, .name = "add", .dims = 1, .global = {7}, .local = {2}};
    nx_launch_run(w->device, &l, NULL); /* without arguments, and 2 does not divide 7 */
}

/* A launch is refused: the device itself is as good as before. */
static void test_launch(void **state)
{
    (void)state;
    work w = begin(NULL);
    realize(&w);
    fails(launch_nothing, &w);
    assert_told("kernel add, 7 x 0 x 0 work-items in groups of 2 x 0 x 0, on ");
    assert_computes(&w);
    end(&w);
    assert_still_computes();
}

/* ---- without leaving ---- */

static void say(const char *message, void *user) { fprintf(stderr, "%s: %s", (const char *)user, message); }

/* What a child that dies says on standard error, and its exit code. */
static int death(void (*hook)(const char *message, void *user), char *said, size_t room)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        dup2(ends[1], STDERR_FILENO);
        nx_error_hook_set(hook, "host");
        nx_die("%d is %s", 7, "odd");
    }
    close(ends[1]);
    ssize_t got = read(ends[0], said, room - 1);
    said[got > 0 ? got : 0] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Told or not, a process that stays ends with 1. */
static void test_staying(void **state)
{
    (void)state;
    char said[256], *colon;
    assert_int_equal(death(NULL, said, sizeof said), 1);
    assert_non_null(colon = strstr(said, "test_failure.c:"));
    assert_non_null(strstr(colon, ": 7 is odd\n"));
    assert_int_equal(death(say, said, sizeof said), 1);
    assert_int_equal(strncmp(said, "host: ", 6), 0);
    assert_non_null(strstr(said, ": 7 is odd"));
    assert_null(strchr(said, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_staying), /* before any driver has threads, which a fork leaves behind */
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_one_kernel), cmocka_unit_test(test_launch),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
