/* The device of the tests, and short ways to run on it. */
#include "harness.h"

#include "base/memory.h"
#include "op_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nx_device *shared;

/* Whether PoCL compiles quickly: without optimising, and once for groups of any size. */
static void compile_quickly(bool wanted)
{
    static const char *const settings[][2] = {{"POCL_EXTRA_BUILD_FLAGS", "-cl-opt-disable"},
                                              {"POCL_WORK_GROUP_SPECIALIZATION", "0"}};
    static bool quickly;
    for (size_t i = 0; wanted != quickly && i < sizeof settings / sizeof *settings; i++)
        wanted ? setenv(settings[i][0], settings[i][1], true) : unsetenv(settings[i][0]);
    quickly = wanted;
}

nx_device_options test_options(const char *kernels)
{
    compile_quickly(kernels && !strcmp(kernels, "gpu"));
    return (nx_device_options){.name = getenv("NSTX_DEVICE"),
                               .kernels = kernels,
                               .sources = getenv("NSTX_CL"),
                               .poison = getenv("NSTX_POISON") != NULL};
}

nx_device *test_device(void)
{
    nx_error err = {""};
    const char *kernels = getenv("NSTX_TEST_KERNELS");
    nx_device_options options = test_options(kernels ? kernels : "cpu");
    if (!shared && !nx_device_open(&shared, &options, &err)) nx_die("%s", err.text);
    return shared;
}

void test_device_close(void)
{
    nx_device_free(shared);
    shared = NULL;
}

bool test_close(const char *what, const float *got, const double *want, nx_shape s, double tolerance)
{
    size_t place = 0;
    double off = op_difference(got, want, nx_shape_count(s), &place);
    if (off <= tolerance) return true;
    fprintf(stderr, "%s: off by %.2g of the largest (allowed %.2g) at %zu: %.9g, should be %.9g\n", what, off,
            tolerance, place, (double)got[place], want[place]);
    return false;
}

float *test_run(nx_device *device, nx_graph *g, nx_tensor *const *in, float *const *values, int count, nx_tensor *y)
{
    nx_keep(y);
    nx_plan *plan = op_plan(device, g);
    for (int i = 0; i < count; i++) nx_plan_write(plan, in[i], values[i]);
    nx_plan_run(plan);
    float *out = nx_alloc(nx_shape_count(y->shape) * sizeof *out);
    nx_plan_read(plan, y, out);
    nx_plan_free(plan);
    return out;
}

static const op_strictness strict = {.in_place = true};

static bool passed(const op_case *c, op_finding f)
{
    if (!f.good) fprintf(stderr, "%s %s%s\n", c->name, f.wrong, f.where);
    return f.good;
}

bool test_forward(nx_device *device, const op_case *c) { return passed(c, op_check_forward(device, c, &strict)); }
bool test_gradient(nx_device *device, const op_case *c) { return passed(c, op_check_gradient(device, c, &strict)); }
