/* The generators of textures, the pyramid and TextureNetV2: their numbers of parameters, a twin in double
 * (tests/reference/pyramid.py), and the authors' networks. */
#include "../given.h"
#include "base/log.h"
#include "base/text.h"
#include "io/tensors.h"
#include "networks/pyramid_import.h"
#include "networks/texturenet_v2.h"
#include "ops/gemm.h"
#include "planned.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    assert_int_equal(parameters((pyramid_options){.scales = 6}, 6), 118211);
    assert_int_equal(parameters((pyramid_options){.scales = 5, .pointwise_left_out = true}, 6), 68507);
    assert_int_equal(parameters((pyramid_options){.scales = 6, .pointwise_left_out = true}, 6), 111443);
}

static void counts_of_v2(void **state)
{
    (void)state;
    static const struct {
        texturenet_v2_options options;
        int side;
        size_t numbers;
    } cases[] = {{{512, 6}, 256, 7133619}, {{256, 6}, 256, 3983795}, {{64, 4}, 64, 887811}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_params *params = nx_params_new();
        nx_scope s = {.g = g, .params = params};
        nx_tensor *z = nx_input(g, (nx_shape){2, 1, 1, TEXTURENET_V2_NOISE}, "z");
        nx_tensor *y = texturenet_v2_record(&cases[i].options, &s, z);
        assert_true(nx_shape_equal(y->shape, (nx_shape){2, cases[i].side, cases[i].side, 3}));
        assert_int_equal(nx_params_numbers(params, true), cases[i].numbers);
        nx_params_free(params);
        nx_graph_free(g);
    }
}

/* At first, whatever is drawn, the output has about the contrast of a picture. */
static void v2_begins_with_contrast(void **state)
{
    (void)state;
    double variance = 0;
    enum { DRAWS = 4, BATCH = 4 };
    for (int draw = 0; draw < DRAWS; draw++) {
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_params *params = nx_params_new();
        nx_scope s = {.g = g, .params = params, .seed = (uint64_t)draw};
        nx_tensor *z = nx_input(g, (nx_shape){BATCH, 1, 1, TEXTURENET_V2_NOISE}, "z");
        nx_tensor *y = nx_keep(texturenet_v2_record(&(texturenet_v2_options){64, 4}, &s, z));
        nx_params_realize(params, test_device());
        nx_plan *plan = planned(g);
        float *noise = random_values("z", BATCH * TEXTURENET_V2_NOISE, -1.7f, 1.7f);
        nx_plan_write(plan, z, noise);
        nx_plan_run(plan);
        float *out = values_of(plan, y);
        size_t count = nx_shape_count(y->shape);
        for (size_t i = 0; i < count; i++) variance += (double)out[i] * (double)out[i] / (double)count / DRAWS;
        free(out);
        free(noise);
        nx_plan_free(plan);
        nx_params_free(params);
        nx_graph_free(g);
    }
    print_message("v2 begins with a standard deviation of %.1f\n", sqrt(variance));
    assert_true(sqrt(variance) > 30 && sqrt(variance) < 80);
}

/* ---- the twin ---- */

static const double tolerance = 2e-4;

/* Parameters in the protocol's order and filling; the store's order is the network's. */
static void fill(nx_params *params)
{
    for (size_t k = 0; k < params->count; k++) {
        nx_param *p = params->items[k];
        size_t dims[4], count = nx_shape_count(p->shape);
        nx_param_dims(p, dims);
        bool weight = strstr(p->name, ".weight"), norm = p->rank == 1;
        float *values = nx_alloc(count * sizeof *values);
        for (size_t i = 0; i < count; i++) {
            uint32_t h = (uint32_t)k * 2654435761u + (uint32_t)i * 40503u + 12345u;
            h ^= h >> 16, h *= 0x7feb352du, h ^= h >> 15, h *= 0x846ca68bu, h ^= h >> 16;
            double r = 2 * ((double)(h >> 8) + 0.5) / (1 << 24) - 1;
            values[i] = (float)(!weight ? 0.1 * r : norm ? 1 + 0.2 * r : r / sqrt((double)count / (double)dims[0]));
        }
        nx_param_import(p, values);
        free(values);
    }
}

static double pattern(int n, int y, int x, int c) { return cos(0.02 * x + 0.03 * y + 0.7 * c + 0.4 * n); }

static double scale_input(int i, int n, int y, int x, int c)
{
    return (double)((7 * y * y + 13 * x + 101 * c + 59 * n + 17 * i + (x * y * (c + 3 + n)) % 97) % 256) / 255;
}

static double vector_input(int i, int n, int y, int x, int k)
{
    (void)i, (void)y, (void)x;
    return (double)((37 * k * k + 11 * k + 101 * n) % 256) / 128 - 1;
}

static float *filled(nx_shape s, int i, double (*formula)(int i, int n, int y, int x, int c), double factor)
{
    float *out = nx_alloc(nx_shape_count(s) * sizeof *out), *at = out;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) *at++ = (float)(factor * formula(i, n, y, x, c));
    return out;
}

static double loss_weight(int i, int n, int y, int x, int c) { return (void)i, pattern(n, y, x, c); }

static bool check(reference *r, const char *prefix, const char *quantity, double got, double scale)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", prefix, quantity);
    return reference_check(r, name, got, scale, tolerance);
}

static bool check_output(reference *r, const char *variant, nx_shape s, const float *y)
{
    char name[96], at[8];
    size_t count = nx_shape_count(s);
    double mean = 0, variance = 0, loss = 0;
    float *weight = filled(s, 0, loss_weight, 1);
    for (size_t i = 0; i < count; i++) mean += (double)y[i] / (double)count;
    for (size_t i = 0; i < count; i++) variance += ((double)y[i] - mean) * ((double)y[i] - mean) / (double)count;
    for (size_t i = 0; i < count; i++) loss += (double)y[i] * (double)weight[i] / (double)count;
    free(weight);
    snprintf(name, sizeof name, "%s.y", variant);
    bool good = check(r, variant, "loss", loss, 0) & check(r, name, "mean", mean, sqrt(variance)) &
                check(r, name, "std", sqrt(variance), 0);
    for (int k = 0; k < 10; k++) {
        snprintf(at, sizeof at, "at%d", k);
        int row = (37 * k + 5) % s.h, column = (53 * k + 11) % s.w;
        good &= check(r, name, at, (double)y[((k % 2 * s.h + row) * s.w + column) * 3 + k % 3], sqrt(variance));
    }
    return good;
}

/* values: of the parameter's gradient, as on the device. */
static bool check_gradient(reference *r, const char *variant, nx_param *p, const float *values)
{
    char name[96], at[8];
    size_t count = nx_shape_count(p->shape), places[] = {0, count / 2, count - 1};
    double l2 = 0;
    nx_params *order = nx_params_new(); /* which puts them into the file's order */
    nx_param *like = nx_param_add(order, p->name, p->shape, p->rank);
    float *sorted = nx_alloc(count * sizeof *sorted);
    memcpy(like->initial, values, count * sizeof *values);
    nx_param_export(like, sorted);
    for (size_t i = 0; i < count; i++) l2 += (double)sorted[i] * (double)sorted[i];
    snprintf(name, sizeof name, "%s.grad.%s", variant, p->name);
    bool good = check(r, name, "l2", sqrt(l2), 0);
    for (int k = 0; k < 3; k++) {
        snprintf(at, sizeof at, "at%d", k);
        good &= check(r, name, at, (double)sorted[places[k]], sqrt(l2));
    }
    free(sorted);
    nx_params_free(order);
    return good;
}

static nx_tensor *record_variant(const char *variant, nx_scope *s, nx_tensor **in, int *count)
{
    enum { BATCH = 2 };
    if (!strcmp(variant, "v2")) {
        *count = 1;
        in[0] = nx_input(s->g, (nx_shape){BATCH, 1, 1, TEXTURENET_V2_NOISE}, "z");
        return texturenet_v2_record(&(texturenet_v2_options){32, 3}, s, in[0]);
    }
    bool style = !strcmp(variant, "style");
    pyramid_options options = {.scales = style ? 3 : 4, .pointwise_left_out = style};
    *count = options.scales;
    for (int i = 0; i < options.scales; i++) {
        int side = (style ? 16 : 4) << i;
        in[i] = nx_input(s->g, (nx_shape){BATCH, side, side, style ? 6 : 3}, "scale");
    }
    return pyramid_record(&options, s, in);
}

/* One comparison of everything, with inputs as they are (nudged 0), or moved by a rounding error. */
static bool compare(const char *variant, reference *r, int nudged)
{
    char prefix[96];
    int count;
    nx_params *params = nx_params_new();
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_scope scope = {.g = g, .params = params, .training = true};
    nx_tensor *in[PYRAMID_MOST_SCALES], *y = nx_keep(record_variant(variant, &scope, in, &count));
    fill(params);
    int numbers = (int)nx_shape_count(y->shape);
    float *weight = filled(y->shape, 0, loss_weight, 1 / (double)numbers);
    nx_tensor *w = nx_constant(g, y->shape, weight);
    nx_tensor *dot = nx_gemm_shaped(g, y, w, (nx_gemm_problem){.m = 1, .n = 1, .k = numbers}, NX_SCALAR);
    nx_tensor **wrt = nx_alloc(params->count * sizeof *wrt), **gradients = nx_alloc(params->count * sizeof *gradients);
    for (size_t i = 0; i < params->count; i++) wrt[i] = nx_use(g, params->items[i]);
    nx_gradient(g, dot, wrt, params->count, gradients);
    for (size_t i = 0; i < params->count; i++) nx_keep(gradients[i]);
    nx_params_realize(params, test_device());
    nx_plan *plan = planned(g);
    for (int i = 0; i < count; i++) {
        float *values = filled(in[i]->shape, i + 1, strcmp(variant, "v2") ? scale_input : vector_input, 1);
        snprintf(prefix, sizeof prefix, "nudge %d of scale %d", nudged, i);
        float *nudge = random_values(prefix, nx_shape_count(in[i]->shape), -3e-7f, 3e-7f);
        for (size_t k = 0; nudged && k < nx_shape_count(in[i]->shape); k++) values[k] += nudge[k];
        nx_plan_write(plan, in[i], values);
        free(nudge);
        free(values);
    }
    nx_plan_run(plan);
    float *out = values_of(plan, y);
    bool good = check(r, variant, "parameters", (double)nx_params_numbers(params, false), 0);
    good &= check_output(r, variant, y->shape, out);
    for (size_t i = 0; i < params->count; i++) {
        snprintf(prefix, sizeof prefix, "%s.grad.%s.l2", variant, params->items[i]->name);
        if (!reference_has(r, prefix)) continue;
        float *values = values_of(plan, gradients[i]);
        good &= check_gradient(r, variant, params->items[i], values);
        free(values);
    }
    free(out);
    free(weight);
    free(wrt);
    free(gradients);
    nx_plan_free(plan);
    nx_graph_free(g);
    nx_params_free(params);
    return good;
}

/* The gradient jumps where an activation crosses zero, and for those that are zero but for rounding, rounding decides:
 * so the inputs are nudged by about that much, and one of the nudged inputs must agree in everything. */
static void agrees_with_the_twin(void **state)
{
    enum { TRIES = 24 };
    const char *variant = *state;
    char prefix[96];
    bool good = false;
    snprintf(prefix, sizeof prefix, "%s.", variant);
    for (int k = 0; !good && k < TRIES; k++) {
        reference *r = reference_open("pyramid.txt");
        r->quiet = k < TRIES - 1;
        good = compare(variant, r, k);
        if (good) print_message("%s: largest difference %.2g, %s, try %d\n", variant, r->worst, r->worst_name, k);
        assert_int_equal(reference_unused(r, prefix), 0);
        reference_free(r);
    }
    assert_true(good);
}

/* ---- on a torus ---- */

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
    const char *data = given_data();
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

/* What their authors released and what was converted from it, by other means, hold the same numbers. */
static void imports_are_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int scales, channels;
        bool pointwise;
        size_t numbers;
    } cases[] = {{"bricks", 6, 3, true, 116915}, {"starry_night", 5, 6, false, 68507}};
    const char *data = given_data();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char *t7 = nx_format("%s/texture_networks/%s.t7", data, cases[k].name),
             *converted = nx_format("%s/texture_networks/%s.safetensors", data, cases[k].name);
        nx_error err = {""};
        nx_params *params = nx_params_new();
        pyramid_options options, described;
        nx_tensor_file *file;
        int channels, same;
        nx_t7_file *torch;
        if (!nx_t7_open(&torch, t7, &err) ||
            !pyramid_import(params, &options, &channels, nx_t7_root(torch), t7, &err) ||
            !nx_tensor_file_open(&file, converted, &err))
            fail_msg("%s", err.text);
        nx_t7_free(torch);
        assert_true(options.scales == cases[k].scales && options.pointwise_left_out == !cases[k].pointwise);
        assert_true(channels == cases[k].channels && nx_params_numbers(params, false) == cases[k].numbers);
        assert_true(pyramid_described(file, &described, &same) && same == channels);
        assert_true(described.scales == options.scales && described.pointwise_left_out == options.pointwise_left_out);
        for (size_t i = 0; i < params->count; i++) {
            size_t count = nx_shape_count(params->items[i]->shape);
            float *values = nx_alloc(count * sizeof *values);
            nx_param_export(params->items[i], values);
            const nx_tensor_entry *e = nx_tensor_file_find(file, params->items[i]->name);
            assert_non_null(e);
            assert_int_equal(nx_tensor_entry_size(e), count);
            assert_memory_equal(values, e->data, count * sizeof *values);
            free(values);
        }
        nx_tensor_file_free(file);
        nx_params_free(params);
        free(t7);
        free(converted);
    }
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    static char texture[] = "texture", style[] = "style", v2[] = "v2";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(counts_of_v2),
        cmocka_unit_test(v2_begins_with_contrast),
        {"agrees_with_the_twin: texture", agrees_with_the_twin, NULL, NULL, texture},
        {"agrees_with_the_twin: style", agrees_with_the_twin, NULL, NULL, style},
        {"agrees_with_the_twin: v2", agrees_with_the_twin, NULL, NULL, v2},
        cmocka_unit_test(shifts),
        cmocka_unit_test(golden),
        cmocka_unit_test(imports_are_the_same),
    };
    int failed = cmocka_run_group_tests_name("pyramid", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
