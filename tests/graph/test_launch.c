/* Launches: arguments by name, ranges beyond what a GPU takes along an axis, and what is known of a device's caches. */
#include "base/memory.h"
#include "device/program.h"
#include "graph/plan.h"
#include "harness.h"
#include "ops/affine.h"
#include "ops/conv.h"
#include "ops/pad.h"
#include "ops/total_variation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void parameters_are_read(void **state)
{
    (void)state;
    nx_parameter p[NX_MAX_PARAMETERS];
    assert_int_equal(nx_kernel_parameters("random", "random_normal", p), 4);
    assert_string_equal(p[0].name, "state");
    assert_int_equal(p[0].type, NX_PARAMETER_BUFFER);
    assert_string_equal(p[2].name, "stream");
    assert_int_equal(p[2].type, NX_PARAMETER_ULONG);
    assert_int_equal(nx_kernel_parameters("conv", "conv", p), 24);
    assert_string_equal(p[4].name, "h");
    assert_int_equal(p[4].type, NX_PARAMETER_INT);
    assert_string_equal(p[17].name, "slope");
    assert_int_equal(p[17].type, NX_PARAMETER_FLOAT);
}

static void long_axes_come_first(void **state)
{
    (void)state;
    const nx_device_info gpu = {.family = NX_FAMILY_GPU}, cpu = {.family = NX_FAMILY_CPU};
    enum { MANY = NX_MOST_GROUPS + 1 };
    static const struct {
        nx_range range;
        bool fits;
    } rows[] = {
        {{.dims = 3, .global = {(size_t)1 << 30, NX_MOST_GROUPS, NX_MOST_GROUPS}}, true},
        {{.dims = 2, .global = {1, MANY}}, false},
        {{.dims = 3, .global = {1, 1, MANY}}, false},
        {{.dims = 2, .global = {64, 64 * MANY}, .local = {1, 64}}, false},
        {{.dims = 2, .global = {64, 64 * NX_MOST_GROUPS}, .local = {1, 64}}, true},
        {{.dims = 3, .global = {1, 1, MANY}, .apart = true}, true},
        {{.dims = 3, .global = {1, MANY, 1}, .apart = true}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(nx_range_fits(&gpu, &rows[i].range), rows[i].fits);
        assert_true(nx_range_fits(&cpu, &rows[i].range));
    }
}

static void caches_are_what_is_told(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    nx_device_info info = {.family = NX_FAMILY_CPU, .type = CL_DEVICE_TYPE_CPU};
    assert_int_equal(nx_device_cache(&info), 32 * MIB);
    assert_int_equal(nx_device_core_cache(&info), MIB);
    info.cache = 8 * MIB, info.core_cache = 2 * MIB;
    assert_int_equal(nx_device_cache(&info), 8 * MIB);
    assert_int_equal(nx_device_core_cache(&info), 2 * MIB);
    info.cache = MIB; /* of a core */
    assert_int_equal(nx_device_cache(&info), 32 * MIB);
    info.cache = 32 * MIB;
    assert_int_equal(nx_device_cache(&info), 32 * MIB);
    info.cache = 260 * MIB; /* of a host */
    assert_int_equal(nx_device_cache(&info), 32 * MIB);
    info.family = NX_FAMILY_GPU; /* its kernels, on a processor */
    assert_int_equal(nx_device_cache(&info), 32 * MIB);
    info.type = CL_DEVICE_TYPE_GPU, info.cache = 4 * MIB; /* of all first levels together */
    assert_int_equal(nx_device_cache(&info), 32 * MIB);
    info.cache = 64 * MIB;
    assert_int_equal(nx_device_cache(&info), 64 * MIB);
}

/* ---- long pictures, with the kernels of GPUs ---- */

enum { ROWS = NX_MOST_GROUPS + 3 };

static float *counting(size_t count)
{
    float *values = nx_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = (float)(i % 1021);
    return values;
}

/* What `op` makes of a column of `rows` pixels that count. Owned by the caller. */
static float *made(int rows, const nx_device_info *info, nx_tensor *(*op)(nx_graph *g, nx_tensor *x))
{
    nx_graph *g = nx_graph_new(info);
    nx_tensor *x = nx_input(g, (nx_shape){1, rows, 1, 1}, "x"), *y = op(g, x);
    float *values = counting((size_t)rows);
    float *got = test_run(test_device(), g, &x, &values, 1, y);
    free(values);
    nx_graph_free(g);
    return got;
}

static nx_tensor *one(nx_graph *g, nx_shape shape, float value)
{
    size_t count = nx_shape_count(shape);
    float *values = nx_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = value;
    nx_tensor *t = nx_constant(g, shape, values);
    free(values);
    return t;
}

/* A launch cut in two, each row in its place. */
static nx_tensor *padded(nx_graph *g, nx_tensor *x)
{
    return nx_pad(g, x, (nx_pad_options){1, 0, 0, 0, NX_PADDING_ZERO});
}

static void rows_are_launched_apart(void **state)
{
    (void)state;
    float *got = made(ROWS, &test_device()->info, padded);
    assert_true(got[0] == 0);
    for (size_t i = 0; i < ROWS; i++) assert_true(got[i + 1] == (float)(i % 1021));
    free(got);
}

static nx_tensor *variation_gradient(nx_graph *g, nx_tensor *x)
{
    nx_tensor *dx;
    nx_gradient(g, nx_total_variation(g, x, NX_VARIATION_L2), &x, 1, &dx);
    return dx;
}

static void flat_rows_are_launched_apart(void **state)
{
    (void)state;
    float *got = made(ROWS, &test_device()->info, variation_gradient), last = (float)((ROWS - 1) % 1021);
    assert_true(got[NX_MOST_GROUPS] == 0); /* between two neighbours, as far from one as from the other */
    assert_true(got[ROWS - 1] == 2 * (last - (last - 1)));
    free(got);
}

/* In the smallest tiles, so that there are many. */
static nx_tensor *doubled(nx_graph *g, nx_tensor *x)
{
    return nx_conv(g, x, one(g, (nx_shape){1, 1, 1, 1}, 2), NULL, (nx_conv_options){0});
}

static void tiles_are_counted_through(void **state)
{
    (void)state;
    enum { PIXELS = 16 * ROWS };
    nx_device_info info = test_device()->info;
    info.max_group = 16;
    float *got = made(PIXELS, &info, doubled);
    for (size_t i = 0; i < PIXELS; i++) assert_true(got[i] == 2 * (float)(i % 1021));
    free(got);
}

static nx_tensor *shifted(nx_graph *g, nx_tensor *x)
{
    return nx_affine(g, x, one(g, NX_SCALAR, 3), one(g, NX_SCALAR, 1));
}

static void affine_takes_runs(void **state)
{
    (void)state;
    enum { PIXELS = 4 * ROWS };
    float *got = made(PIXELS, &test_device()->info, shifted);
    for (size_t i = 0; i < PIXELS; i++) assert_true(got[i] == 3 * (float)(i % 1021) + 1);
    free(got);
}

int main(void)
{
    setenv("NSTX_TEST_KERNELS", "gpu", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_read),
        cmocka_unit_test(long_axes_come_first),
        cmocka_unit_test(caches_are_what_is_told),
        cmocka_unit_test(rows_are_launched_apart),
        cmocka_unit_test(flat_rows_are_launched_apart),
        cmocka_unit_test(tiles_are_counted_through),
        cmocka_unit_test(affine_takes_runs),
    };
    int failed = cmocka_run_group_tests_name("launches", tests, NULL, NULL);
    test_device_close();
    return failed;
}
