/* MT-Net against its twin in double (tests/reference/mtnet.py): numbers of parameters, the three pictures, and the
 * gradients of the last picture's loss and of the hierarchical loss, down to the first subnet and the picture. */
#include "base/log.h"
#include "formulas.h"
#include "networks/mtnet.h"
#include "ops/hold.h"
#include "ops/mse.h"
#include "ops/weighted_sum.h"
#include "planned.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIZE = 64, BATCH = 2, CHANNELS = 8, FULL = 32, SCALE = 100 };
static const nx_shape image_shape = {BATCH, SIZE, SIZE, 3};

/* Single precision moves the twin's own pictures by 4e-4 and its gradients by 1e-2. */
static const double picture_tolerance = 2e-3, gradient_tolerance = 3e-2;

static const struct variant {
    const char *name;
    mtnet_subnets subnets;
    int refine;
} variants[] = {{"two_branches", MTNET_TWO_BRANCHES, 1},
                {"fullfanta", MTNET_FULLFANTA, 1},
                {"felime", MTNET_FELIME, 1},
                {"quarters", MTNET_TWO_BRANCHES, 2}};

static mtnet_options options_of(const struct variant *v, int channels)
{
    return (mtnet_options){
        .subnets = v->subnets, .channels = channels, .output_scale = SCALE, .padding = NX_PADDING_REPLICATE};
}

/* ---- the protocol's formulas ---- */

static double target_formula(int n, int y, int x, int c) { return SCALE * formula_wave(n, y, x, c); }

static void fill_parameters(nx_params *params)
{
    for (size_t k = 0; k < params->count; k++) {
        nx_param *p = params->items[k];
        size_t count = nx_shape_count(p->shape);
        float *values = nx_alloc(count * sizeof *values);
        bool norm = strstr(p->name, ".norm") != NULL, weight = strstr(p->name, ".weight") != NULL;
        double fan_in = (double)count / p->shape.c;
        for (size_t i = 0; i < count; i++) {
            double r = formula_mixed((uint32_t)k, (uint32_t)i);
            values[i] = (float)(norm && weight ? 1 + 0.2 * r : weight ? r / sqrt(fan_in) : 0.1 * r);
        }
        nx_param_import(p, values);
        free(values);
    }
}

/* ---- comparing ---- */

static bool check(reference *r, const char *prefix, const char *quantity, double got, double scale, double tolerance)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", prefix, quantity);
    return reference_check(r, name, got, scale, tolerance);
}

static bool check_picture(reference *r, const char *prefix, const float *y, nx_shape s)
{
    size_t count = nx_shape_count(s);
    double mean = 0, variance = 0;
    for (size_t i = 0; i < count; i++) mean += (double)y[i] / (double)count;
    for (size_t i = 0; i < count; i++) variance += ((double)y[i] - mean) * ((double)y[i] - mean) / (double)count;
    double spread = sqrt(variance);
    bool good = check(r, prefix, "mean", mean, spread, picture_tolerance) &
                check(r, prefix, "std", spread, 0, picture_tolerance);
    for (int k = 0; k < 10; k++) {
        char name[8];
        snprintf(name, sizeof name, "at%d", k);
        int row = (37 * k + 5) % s.h, column = (53 * k + 11) % s.w;
        good &= check(r, prefix, name, (double)y[((k % 2 * s.h + row) * s.w + column) * 3 + k % 3], spread,
                      picture_tolerance);
    }
    return good;
}

/* Where element i of the protocol's order (out, in, row, column; n, c, row, column) lies on the device. */
static size_t place_of(nx_shape s, bool image, size_t i)
{
    size_t n = (size_t)s.n, h = (size_t)s.h, w = (size_t)s.w, c = (size_t)s.c;
    if (image) return (i / (c * h * w) * h * w + i % (h * w)) * c + i / (h * w) % c;
    return (i % (n * h) * w + i / (n * h) % w) * c + i / (n * h * w);
}

static bool check_gradient(reference *r, const char *prefix, const float *v, nx_shape s, bool image)
{
    size_t count = nx_shape_count(s), at[] = {0, count / 2, count - 1};
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)v[i] * (double)v[i];
    bool good = check(r, prefix, "l2", sqrt(sum), 0, gradient_tolerance);
    for (int k = 0; k < 3; k++) {
        char name[8];
        snprintf(name, sizeof name, "at%d", k);
        good &= check(r, prefix, name, (double)v[place_of(s, image, at[k])], sqrt(sum), gradient_tolerance);
    }
    return good;
}

/* ---- the tests ---- */

static void parameters_are_counted(void **state)
{
    const struct variant *v = *state;
    static const char *const subnets[] = {"style.", "enhance.", "refine."};
    reference *r = reference_open("mtnet.txt");
    char name[96];
    mtnet_options options = options_of(v, FULL);
    nx_params *params = nx_params_new();
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_scope scope = {.g = g, .params = params};
    mtnet_record(&options, &scope, nx_input(g, image_shape, "x"), v->refine);
    snprintf(name, sizeof name, "%s.parameters", v->name);
    assert_true(check(r, name, "full", (double)nx_params_numbers(params, true), 0, 1e-12));
    for (int k = 0; k < MTNET_SUBNETS; k++) {
        size_t numbers = 0;
        for (size_t i = 0; i < params->count; i++)
            if (!strncmp(params->items[i]->name, subnets[k], strlen(subnets[k])))
                numbers += nx_shape_count(params->items[i]->shape);
        snprintf(name, sizeof name, "%s.parameters.full.%.*s", v->name, (int)strlen(subnets[k]) - 1, subnets[k]);
        assert_true(reference_check(r, name, (double)numbers, 0, 1e-12));
    }
    nx_graph_free(g);
    nx_params_free(params);
    reference_free(r);
}

/* The protocol's names of parameters whose gradients are compared; not every variant has all. */
static const struct {
    const char *reference, *name;
} selected[] = {{"style.rgb.conv1.weight", "style.rgb.conv1.weight"},
                {"style.luminance.conv1.weight", "style.luminance.conv1.weight"},
                {"style.trunk.norm2.gamma", "style.trunk.norm2.weight"},
                {"style.output.weight", "style.output.weight"},
                {"enhance.rgb.conv4.weight", "enhance.rgb.conv4.weight"},
                {"enhance.rgb.norm5.beta", "enhance.rgb.norm5.bias"},
                {"enhance.output.weight", "enhance.output.weight"},
                {"refine.rgb.conv9.weight", "refine.rgb.conv9.weight"},
                {"refine.trunk.conv2.weight", "refine.trunk.conv2.weight"},
                {"refine.output.weight", "refine.output.weight"}};
enum { SELECTED = sizeof selected / sizeof *selected, LAST = 0, TOTAL = 1 };

static void agrees_with_the_twin(void **state)
{
    static const char *const losses[] = {[LAST] = "last", [TOTAL] = "total"};
    static const float weights[MTNET_SUBNETS] = {1, .5f, .25f};
    const struct variant *v = *state;
    char prefix[80];
    reference *r = reference_open("mtnet.txt");
    mtnet_options options = options_of(v, CHANNELS);
    nx_params *params = nx_params_new();
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_scope scope = {.g = g, .params = params, .training = true};
    nx_tensor *x = nx_input(g, image_shape, "x"), *part[MTNET_SUBNETS], *loss[2];
    mtnet_pictures p = mtnet_record(&options, &scope, x, v->refine);
    fill_parameters(params);
    for (int k = 0; k < MTNET_SUBNETS; k++) {
        float *target = formula_fill(p.output[k]->shape, target_formula);
        part[k] = nx_mse(g, nx_keep(p.output[k]), nx_constant(g, p.output[k]->shape, target));
        free(target);
    }
    loss[LAST] = nx_keep(part[MTNET_SUBNETS - 1]);
    loss[TOTAL] = nx_keep(nx_weighted_sum(g, part, weights, MTNET_SUBNETS));
    nx_tensor *wrt[SELECTED + 1], *gradient[2][SELECTED + 1];
    for (int i = 0; i < SELECTED; i++) {
        nx_param *param = nx_params_find(params, selected[i].name);
        assert_non_null(param);
        wrt[i] = nx_use(g, param);
    }
    wrt[SELECTED] = x;
    for (int l = 0; l < 2; l++) {
        nx_gradient(g, loss[l], wrt, SELECTED + 1, gradient[l]);
        for (int i = 0; i <= SELECTED; i++) nx_keep(gradient[l][i]);
    }

    nx_params_realize(params, test_device());
    nx_plan *plan = planned(g);
    float *image = formula_fill(image_shape, formula_picture);
    nx_plan_write(plan, x, image);
    nx_plan_run(plan);
    bool good = true;
    for (int k = 0; k < MTNET_SUBNETS; k++) {
        float *y = values_of(plan, p.output[k]);
        snprintf(prefix, sizeof prefix, "%s.y%d", v->name, k + 1);
        good &= check_picture(r, prefix, y, p.output[k]->shape);
        free(y);
    }
    print_message("%s: pictures differ by %.2g at most, %s\n", v->name, r->worst, r->worst_name);
    r->worst = 0;
    for (int l = 0; l < 2; l++) {
        snprintf(prefix, sizeof prefix, "%s.loss", v->name);
        good &= check(r, prefix, losses[l], (double)scalar_of(plan, loss[l]), 0, 1e-4);
        for (int i = 0; i <= SELECTED; i++) {
            float *values = values_of(plan, gradient[l][i]);
            snprintf(prefix, sizeof prefix, "%s.%s.%s", v->name, losses[l], i < SELECTED ? selected[i].reference : "x");
            good &= check_gradient(r, prefix, values, wrt[i]->shape, i == SELECTED);
            free(values);
        }
    }
    print_message("%s: gradients differ by %.2g at most, %s\n", v->name, r->worst, r->worst_name);
    assert_true(good);
    for (int l = 0; l < 2; l++) {
        snprintf(prefix, sizeof prefix, "%s.%s.", v->name, losses[l]);
        assert_int_equal(reference_unused(r, prefix), 0);
    }
    snprintf(prefix, sizeof prefix, "%s.y", v->name);
    assert_int_equal(reference_unused(r, prefix), 0);
    free(image);
    nx_plan_free(plan);
    nx_graph_free(g);
    nx_params_free(params);
    reference_free(r);
}

/* A target that is held sends nothing back: the gradient of mean (y - hold(x))^2 by x is y's way alone. */
static void a_held_target_stays(void **state)
{
    (void)state;
    enum { COUNT = 2 * 3 * 5 };
    const nx_shape shape = {1, 2, 3, 5};
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *x = nx_input(g, shape, "x"), *y = nx_input(g, shape, "y"), *dx[2], *dy[2];
    nx_gradient(g, nx_mse(g, y, nx_hold(g, x)), (nx_tensor *[]){x, y}, 2, dx);
    nx_gradient(g, nx_mse(g, y, x), (nx_tensor *[]){x, y}, 2, dy);
    assert_null(dx[0]);
    assert_non_null(dy[0]);
    for (int i = 0; i < 2; i++) nx_keep(i ? dx[1] : dy[1]);
    nx_plan *plan = planned(g);
    float *values[2] = {random_values("x", COUNT, -1, 1), random_values("y", COUNT, -1, 1)};
    nx_plan_write(plan, x, values[0]);
    nx_plan_write(plan, y, values[1]);
    nx_plan_run(plan);
    float *held = values_of(plan, dx[1]), *free_one = values_of(plan, dy[1]);
    for (int i = 0; i < COUNT; i++) assert_float_equal(held[i], 2 * (values[1][i] - values[0][i]) / COUNT, 1e-6);
    assert_memory_equal(held, free_one, COUNT * sizeof *held);
    free(held);
    free(free_one);
    free(values[0]);
    free(values[1]);
    nx_plan_free(plan);
    nx_graph_free(g);
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    enum { VARIANTS = sizeof variants / sizeof *variants };
    struct CMUnitTest tests[2 * VARIANTS + 1];
    for (int i = 0; i < VARIANTS; i++) {
        tests[i] =
            (struct CMUnitTest){"parameters_are_counted", parameters_are_counted, NULL, NULL, (void *)&variants[i]};
        tests[VARIANTS + i] =
            (struct CMUnitTest){"agrees_with_the_twin", agrees_with_the_twin, NULL, NULL, (void *)&variants[i]};
    }
    tests[2 * VARIANTS] = (struct CMUnitTest)cmocka_unit_test(a_held_target_stays);
    int failed = cmocka_run_group_tests_name("mtnet", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
