/* The pyramid of Texture Networks: its numbers of parameters, and the authors' networks through `nstx check`. */
#include "base/text.h"
#include "networks/pyramid.h"
#include "planned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

static size_t parameters(pyramid_options options, int channels)
{
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_params *params = nx_params_new();
    nx_scope s = {.g = g, .params = params};
    nx_tensor *x[PYRAMID_MOST_SCALES];
    for (int i = 0; i < options.scales; i++) x[i] = nx_input(g, (nx_shape){1, 4 << i, 4 << i, channels}, "x");
    nx_tensor *y = pyramid_record(&options, &s, x);
    assert_int_equal(y->shape.h, 4 << (options.scales - 1));
    assert_int_equal(y->shape.c, 3);
    size_t numbers = nx_params_numbers(params, false);
    nx_params_free(params);
    nx_graph_free(g);
    return numbers;
}

static void counts(void **state)
{
    (void)state;
    assert_int_equal(parameters((pyramid_options){.scales = 5}, 3), 71659);
    assert_int_equal(parameters((pyramid_options){.scales = 6}, 3), 116915);
    assert_int_equal(parameters((pyramid_options){.scales = 5}, 6), 72739);
    assert_int_equal(parameters((pyramid_options){.scales = 5, .pointwise_left_out = true}, 6), 68507);
}

/* A texture on a torus: noise shifted by whole pixels of the coarsest scale gives the picture shifted as far. */
static void shifts(void **state)
{
    (void)state;
    enum { SCALES = 3, SIDE = 16, SHIFT = 4 };
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_params *params = nx_params_new();
    nx_scope s = {.g = g, .params = params, .seed = 3};
    nx_tensor *x[SCALES];
    for (int i = 0; i < SCALES; i++)
        x[i] = nx_input(g, (nx_shape){1, SIDE >> (SCALES - 1 - i), SIDE >> (SCALES - 1 - i), 3}, "x");
    nx_tensor *y = nx_keep(pyramid_record(&(pyramid_options){.scales = SCALES}, &s, x));
    nx_params_realize(params, test_device());
    nx_plan *plan = planned(g);
    float *out[2];
    for (int moved = 0; moved < 2; moved++) {
        for (int i = 0; i < SCALES; i++) {
            int side = x[i]->shape.h, by = moved ? SHIFT >> (SCALES - 1 - i) : 0;
            char *name = nx_format("noise %d", i);
            float *noise = random_values(name, nx_shape_count(x[i]->shape), 0, 1);
            float *placed = nx_alloc(nx_shape_count(x[i]->shape) * sizeof(float));
            for (int r = 0; r < side; r++)
                for (int c = 0; c < 3 * side; c++) placed[(r + by) % side * 3 * side + c] = noise[r * 3 * side + c];
            nx_plan_write(plan, x[i], placed);
            free(placed);
            free(noise);
            free(name);
        }
        nx_plan_run(plan);
        out[moved] = values_of(plan, y);
    }
    size_t row = 3 * SIDE, all = row * SIDE;
    float *back = nx_alloc(all * sizeof(float));
    for (size_t i = 0; i < all; i++) back[i] = out[1][(i + SHIFT * row) % all];
    assert_true(largest_difference(back, out[0], all) < 1e-5);
    assert_true(largest_difference(out[1], out[0], all) > 1e-2);
    free(back);
    free(out[0]);
    free(out[1]);
    nx_plan_free(plan);
    nx_params_free(params);
    nx_graph_free(g);
}

static int check_exit(const char *path)
{
    char *command = nx_format("'%s' check '%s' >/dev/null 2>&1", getenv("NSTX_BINARY"), path);
    int status = system(command);
    free(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void golden(void **state)
{
    (void)state;
    static const char *const names[] = {"bricks", "red_peppers", "mosaic", "starry_night"};
    const char *data = getenv("NSTX_TEST_DATA");
    if (!data) {
        print_message("NSTX_TEST_DATA is not set: no networks of the authors\n");
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = nx_format("%s/texture_networks/%s.safetensors", data, names[i]);
        assert_int_equal(check_exit(path), 0);
        free(path);
    }
    char *path = nx_format("%s/weights/vgg19_slim_to_conv5_1.safetensors", data);
    assert_int_equal(check_exit(path), 2); /* weights, but no texture network */
    free(path);
    assert_int_equal(check_exit("/nowhere.safetensors"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(shifts), cmocka_unit_test(golden)};
    int failed = cmocka_run_group_tests_name("pyramid", tests, NULL, NULL);
    test_device_close();
    return failed;
}
