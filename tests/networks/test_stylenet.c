/* StyleNet against its twin in double (tests/reference/stylenet.py), and what instance normalization promises. */
#include "base/log.h"
#include "formulas.h"
#include "networks/stylenet.h"
#include "ops/lrn.h"
#include "planned.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIZE = 64, BATCH = 2 };
static const nx_shape image_shape = {BATCH, SIZE, SIZE, 3};
static const double tolerance = 1e-4;

static const stylenet_options paper = {.channels = 32, .blocks = 5, .padding = NX_PADDING_REPLICATE};
static const struct variant {
    const char *name;
    stylenet_norm norm;
} variants[] = {{"in", STYLENET_INSTANCE},
                {"bn", STYLENET_BATCH},
                {"in_first", STYLENET_INSTANCE_FIRST},
                {"lrn_first", STYLENET_LRN_FIRST}};

/* ---- the protocol's formulas ---- */

static double lrn_formula(int n, int y, int x, int c) { return (7 * y * y + 13 * x + 101 * c + 59 * n) % 256; }
static double lrn_weight(int n, int y, int x, int c) { return formula_wave(n, y, x, c) / (2 * 7 * 5 * 8); }
static double image_weight(int n, int y, int x, int c) { return formula_wave(n, y, x, c) / (BATCH * SIZE * SIZE * 3); }

/* ---- parameters in the protocol's order: output channel, input channel, row, column ---- */

typedef struct axes {
    bool transposed;
    size_t out, in, side;
} axes;

/* The two transposed convolutions keep their output channels where the others have the input's. */
static axes axes_of(const nx_param *p)
{
    bool transposed = !strcmp(p->name, "conv4.weight") || !strcmp(p->name, "conv5.weight");
    size_t w = (size_t)p->shape.w, c = (size_t)p->shape.c;
    return (axes){transposed, transposed ? w : c, transposed ? c : w, (size_t)p->shape.n};
}

/* Where element i of the protocol's order lies in the file's order (file) or on the device. */
static size_t place_of(axes a, size_t i, bool file)
{
    size_t taps = a.side * a.side, tap = i % taps, in = i / taps % a.in, out = i / taps / a.in;
    size_t rows = a.transposed ? out : in, columns = a.transposed ? in : out, n_rows = a.transposed ? a.out : a.in,
           n_columns = a.transposed ? a.in : a.out;
    return file ? (columns * n_rows + rows) * taps + tap : (tap * n_rows + rows) * n_columns + columns;
}

static void fill_parameters(nx_params *params)
{
    uint32_t number = 0;
    for (size_t k = 0; k < params->count; k++) {
        nx_param *p = params->items[k];
        if (!p->trained) continue;
        axes a = axes_of(p);
        size_t count = nx_shape_count(p->shape);
        float *values = nx_alloc(count * sizeof *values);
        bool norm = strstr(p->name, "norm") != NULL, weight = strstr(p->name, ".weight") != NULL;
        for (size_t i = 0; i < count; i++) {
            double r = formula_mixed(number, (uint32_t)i);
            values[place_of(a, i, true)] = (float)(norm && weight ? 1 + 0.2 * r
                                                   : weight       ? r / sqrt((double)(a.side * a.side * a.in))
                                                                  : 0.1 * r);
        }
        nx_param_import(p, values);
        free(values);
        number++;
    }
}

/* ---- a loss whose gradient is known: sum(y w); its value is the host's business ---- */

static void weighted_gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)g, (void)dy, (void)want;
    dx[0] = node->in[1];
}

static void weighted_bind(nx_plan *plan, nx_node *node) { (void)plan, (void)node; }

static const nx_op weighted_op = {.name = "weighted", .gradient = weighted_gradient, .bind = weighted_bind};

static nx_tensor *weighted(nx_graph *g, nx_tensor *y, double (*weight)(int n, int y, int x, int c))
{
    float *values = formula_fill(y->shape, weight);
    nx_tensor *w = nx_constant(g, y->shape, values);
    free(values);
    return nx_node_single(g, &weighted_op, NULL, 0, NX_SCALAR, y, w, NULL, NULL);
}

/* ---- comparing ---- */

static double l2_of(const float *v, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

static bool check(reference *r, const char *prefix, const char *quantity, double got, double scale)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", prefix, quantity);
    return reference_check(r, name, got, scale, tolerance);
}

/* at0 .. at9 of an image; scale is what they are relative to. */
static bool check_points(reference *r, const char *prefix, const float *v, double scale)
{
    bool good = true;
    for (int k = 0; k < 10; k++) {
        char name[8];
        snprintf(name, sizeof name, "at%d", k);
        int row = (37 * k + 5) % SIZE, column = (53 * k + 11) % SIZE;
        good &= check(r, prefix, name, (double)v[((k % 2 * SIZE + row) * SIZE + column) * 3 + k % 3], scale);
    }
    return good;
}

/* l2 and the first, middle and last element of a parameter's values, or of its gradient. */
static bool check_three(reference *r, const char *prefix, const nx_param *p, const float *values, bool file)
{
    size_t count = nx_shape_count(p->shape), at[] = {0, count / 2, count - 1};
    double l2 = l2_of(values, count);
    bool good = check(r, prefix, "l2", l2, 0);
    for (int k = 0; k < 3; k++) {
        char name[8];
        snprintf(name, sizeof name, "at%d", k);
        good &= check(r, prefix, name, (double)values[place_of(axes_of(p), at[k], file)], l2);
    }
    return good;
}

static bool check_output(reference *r, const char *prefix, const float *y)
{
    char name[96];
    size_t count = nx_shape_count(image_shape);
    double mean = 0, variance = 0, loss = 0;
    for (size_t i = 0; i < count; i++) mean += (double)y[i] / (double)count;
    for (size_t i = 0; i < count; i++) variance += ((double)y[i] - mean) * ((double)y[i] - mean) / (double)count;
    for (size_t i = 0; i < count; i++) {
        int pixel = (int)(i / 3);
        loss += (double)y[i] / (double)count *
                formula_wave(pixel / (SIZE * SIZE), pixel / SIZE % SIZE, pixel % SIZE, (int)(i % 3));
    }
    bool good = check(r, prefix, "loss", loss, 0);
    snprintf(name, sizeof name, "%s.y", prefix);
    good &= check(r, name, "mean", mean, 0);
    good &= check(r, name, "std", sqrt(variance), 0);
    return good & check_points(r, name, y, sqrt(variance));
}

/* ---- the reference ---- */

/* The protocol's names of some parameters. */
static const struct {
    const char *reference, *name;
} selected[] = {{"conv1.weight", "conv1.weight"},
                {"conv1.gamma", "norm1.weight"},
                {"res3.conv2.weight", "block3.conv2.weight"},
                {"res3.conv2.gamma", "block3.norm2.weight"},
                {"res5.conv1.beta", "block5.norm1.bias"},
                {"up1.weight", "conv4.weight"},
                {"out.bias", "output.bias"},
                {"conv1.bias", "conv1.bias"}};
enum { SELECTED = sizeof selected / sizeof *selected, WITH_GRADIENT = SELECTED - 1 };

static bool check_training(reference *r, const struct variant *v, nx_params *params, const float *image)
{
    char prefix[96];
    stylenet_options options = paper;
    options.norm = v->norm;
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_scope scope = {.g = g, .params = params, .training = true};
    nx_tensor *x = nx_input(g, image_shape, "x"), *y = nx_keep(stylenet_record(&options, &scope, x));
    nx_tensor *loss = weighted(g, y, image_weight), *wrt[WITH_GRADIENT + 1], *gradient[WITH_GRADIENT + 1];
    fill_parameters(params);
    for (int i = 0; i < WITH_GRADIENT; i++) wrt[i] = nx_use(g, nx_params_find(params, selected[i].name));
    wrt[WITH_GRADIENT] = x;
    nx_gradient(g, loss, wrt, WITH_GRADIENT + 1, gradient);
    for (int i = 0; i <= WITH_GRADIENT; i++) nx_keep(gradient[i]);

    snprintf(prefix, sizeof prefix, "%s.train", v->name);
    bool good = check(r, prefix, "parameters", (double)nx_params_numbers(params, true), 0);
    if (v->norm == STYLENET_INSTANCE)
        for (int i = 0; i < SELECTED; i++) {
            const char *name = selected[i].reference;
            if (!strncmp(name, "res", 3)) continue; /* the reference has the others */
            const nx_param *p = nx_params_find(params, selected[i].name);
            float *values = nx_alloc(nx_shape_count(p->shape) * sizeof *values);
            nx_param_export(p, values);
            snprintf(prefix, sizeof prefix, "fill.%s", name);
            good &= check_three(r, prefix, p, values, true);
            free(values);
        }

    nx_params_realize(params, test_device());
    nx_plan *plan = planned(g);
    nx_plan_write(plan, x, image);
    nx_plan_run(plan);
    float *output = values_of(plan, y);
    snprintf(prefix, sizeof prefix, "%s.train", v->name);
    good &= check_output(r, prefix, output);
    free(output);
    for (int i = 0; i <= WITH_GRADIENT; i++) {
        float *values = values_of(plan, gradient[i]);
        snprintf(prefix, sizeof prefix, "%s.train.grad.%s", v->name, i < WITH_GRADIENT ? selected[i].reference : "x");
        if (i < WITH_GRADIENT) {
            good &= check_three(r, prefix, wrt[i]->param, values, false);
        } else {
            double l2 = l2_of(values, nx_shape_count(image_shape));
            good &= check(r, prefix, "l2", l2, 0) & check_points(r, prefix, values, l2);
        }
        free(values);
    }
    nx_plan_free(plan);
    nx_graph_free(g);
    return good;
}

static bool check_evaluation(reference *r, const struct variant *v, nx_params *params, const float *image)
{
    char prefix[96];
    stylenet_options options = paper;
    options.norm = v->norm;
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_scope scope = {.g = g, .params = params};
    nx_tensor *x = nx_input(g, image_shape, "x"), *y = stylenet_record(&options, &scope, x);
    float *output = test_run(test_device(), g, &x, (float *[]){(float *)image}, 1, y);
    snprintf(prefix, sizeof prefix, "%s.eval", v->name);
    bool good = check_output(r, prefix, output);
    free(output);
    nx_graph_free(g);

    static const struct {
        const char *reference, *name;
    } running[] = {{"conv1.mean", "norm1.running_mean"},
                   {"conv1.variance", "norm1.running_var"},
                   {"up2.mean", "norm5.running_mean"},
                   {"up2.variance", "norm5.running_var"}};
    for (size_t i = 0; v->norm == STYLENET_BATCH && i < sizeof running / sizeof *running; i++) {
        const nx_param *p = nx_params_find(params, running[i].name);
        size_t count = nx_shape_count(p->shape);
        float *values = nx_alloc(count * sizeof *values);
        nx_param_export(p, values);
        snprintf(prefix, sizeof prefix, "bn.eval.running.%s", running[i].reference);
        double l2 = l2_of(values, count);
        good &= check(r, prefix, "l2", l2, 0) & check(r, prefix, "at0", (double)values[0], l2);
        free(values);
    }
    return good;
}

/* The gradient of a network of ReLUs jumps where one of its million activations crosses zero, and for the few that are
 * zero but for rounding, rounding decides: it moves the gradients by up to half a percent, also those of the twin. So
 * the picture is nudged by less than that, and one of the nudged pictures must agree in everything. */
static void agrees_with_the_twin(void **state)
{
    enum { TRIES = 24 };
    const struct variant *v = *state;
    char prefix[96];
    float *exact = formula_fill(image_shape, formula_picture);
    size_t count = nx_shape_count(image_shape);
    bool good = false;
    for (int k = 0; !good && k < TRIES; k++) {
        reference *r = reference_open("stylenet.txt");
        r->quiet = k < TRIES - 1;
        nx_params *params = nx_params_new();
        snprintf(prefix, sizeof prefix, "nudge%d", k);
        float *image = random_values(prefix, count, -3e-7f, 3e-7f);
        for (size_t i = 0; i < count; i++) image[i] = exact[i] + (k ? image[i] : 0);
        good = check_training(r, v, params, image) & check_evaluation(r, v, params, image);
        snprintf(prefix, sizeof prefix, "%s.", v->name);
        if (good) print_message("%s: largest difference %.2g, %s, try %d\n", v->name, r->worst, r->worst_name, k);
        assert_int_equal(reference_unused(r, prefix), 0);
        if (v->norm == STYLENET_INSTANCE) assert_int_equal(reference_unused(r, "fill."), 0);
        free(image);
        nx_params_free(params);
        reference_free(r);
    }
    free(exact);
    assert_true(good);
}

static void response_norm_agrees_with_the_twin(void **state)
{
    (void)state;
    const nx_shape s = {2, 7, 5, 8};
    reference *r = reference_open("stylenet.txt");
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *x = nx_input(g, s, "x"), *y = nx_keep(nx_lrn(g, x, (nx_lrn_options){0})), *dx;
    nx_gradient(g, weighted(g, y, lrn_weight), &x, 1, &dx);
    nx_keep(dx);
    nx_plan *plan = planned(g);
    float *image = formula_fill(s, lrn_formula), *values[] = {NULL, NULL};
    nx_plan_write(plan, x, image);
    nx_plan_run(plan);
    bool good = true;
    values[0] = values_of(plan, y);
    values[1] = values_of(plan, dx);
    for (int i = 0; i < 2; i++) {
        const char *prefix = i ? "lrn.grad.x" : "lrn.y";
        double l2 = l2_of(values[i], nx_shape_count(s));
        good &= check(r, prefix, "l2", l2, 0);
        for (int k = 0; k < 10; k++) {
            char name[8];
            snprintf(name, sizeof name, "at%d", k);
            int at = ((k % 2 * s.h + 3 * k % 7) * s.w + 2 * k % 5) * s.c + 5 * k % 8;
            good &= check(r, prefix, name, (double)values[i][at], l2);
        }
        free(values[i]);
    }
    print_message("lrn: largest difference %.2g, %s\n", r->worst, r->worst_name);
    assert_true(good);
    assert_int_equal(reference_unused(r, "lrn."), 0);
    free(image);
    nx_plan_free(plan);
    nx_graph_free(g);
    reference_free(r);
}

/* ---- properties, on a small network ---- */

/* The output of a small network in training; the parameters are made in the first call over a store. */
static float *small_output(stylenet_norm norm, nx_padding padding, bool nearest, nx_params *params, float *image,
                           nx_shape shape)
{
    stylenet_options options = {.norm = norm, .channels = 4, .blocks = 2, .nearest = nearest, .padding = padding};
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_scope scope = {.g = g, .params = params, .seed = 3, .training = true};
    nx_tensor *x = nx_input(g, shape, "x"), *y = stylenet_record(&options, &scope, x);
    assert_true(nx_shape_equal(y->shape, shape));
    nx_params_realize(params, test_device());
    float *out = test_run(test_device(), g, &x, &image, 1, y);
    nx_graph_free(g);
    return out;
}

/* The root of the mean square of a - b, or where b is NULL of a minus the mean of its channel. */
static double spread(const float *a, const float *b, nx_shape s)
{
    size_t count = nx_shape_count(s), channels = (size_t)s.c;
    double sum = 0;
    for (size_t c = 0; c < channels; c++) {
        double mean = 0;
        for (size_t i = c; i < count; i += channels) mean += (double)a[i] * (double)channels / (double)count;
        for (size_t i = c; i < count; i += channels) {
            double d = (double)a[i] - (b ? (double)b[i] : mean);
            sum += d * d / (double)count;
        }
    }
    return sqrt(sum);
}

/* How far the output of one picture of a batch moves, relative to its contrast, when the contrast of that picture falls
 * to 0.4 and it becomes brighter. */
static double contrast_effect(stylenet_norm norm, nx_padding padding)
{
    const nx_shape batch = {2, 24, 32, 3}, one = {1, 24, 32, 3};
    size_t count = nx_shape_count(one);
    nx_params *params = nx_params_new();
    float *images = random_values("contrast", 2 * count, 0, 1);
    float *y = small_output(norm, padding, false, params, images, batch);
    for (size_t i = count; i < 2 * count; i++) images[i] = .4f * images[i] + .2f;
    float *z = small_output(norm, padding, false, params, images, batch);
    double moved = spread(z + count, y + count, one) / spread(y + count, NULL, one);
    free(images);
    free(y);
    free(z);
    nx_params_free(params);
    return moved;
}

/* Up to epsilon over the variance: with padding that repeats what is there, a x + b only scales and shifts channels. */
static void instance_norm_ignores_contrast(void **state)
{
    (void)state;
    static const nx_padding paddings[] = {NX_PADDING_REPLICATE, NX_PADDING_REFLECT, NX_PADDING_CIRCULAR};
    for (size_t i = 0; i < sizeof paddings / sizeof *paddings; i++) {
        double everywhere = contrast_effect(STYLENET_INSTANCE, paddings[i]),
               first = contrast_effect(STYLENET_INSTANCE_FIRST, paddings[i]),
               batch = contrast_effect(STYLENET_BATCH, paddings[i]),
               response = contrast_effect(STYLENET_LRN_FIRST, paddings[i]);
        print_message("contrast moves in %.2g, in_first %.2g, bn %.2g, lrn_first %.2g\n", everywhere, first, batch,
                      response);
        assert_true(everywhere < 2e-3 && first < 2e-3);
        assert_true(batch > .1 && response > .1);
    }
    assert_true(contrast_effect(STYLENET_INSTANCE, NX_PADDING_ZERO) > .1); /* a border of zeros betrays brightness */
}

static void instance_norm_is_batch_norm_of_one_image(void **state)
{
    (void)state;
    const nx_shape shape = {1, 24, 32, 3};
    size_t count = nx_shape_count(shape);
    float *image = random_values("one image", count, 0, 1);
    for (int nearest = 0; nearest < 2; nearest++) {
        nx_params *params = nx_params_new();
        float *a = small_output(STYLENET_INSTANCE, NX_PADDING_REPLICATE, nearest, params, image, shape);
        float *b = small_output(STYLENET_BATCH, NX_PADDING_REPLICATE, nearest, params, image, shape);
        assert_true(largest_difference(a, b, count) < 1e-5);
        free(a);
        free(b);
        nx_params_free(params);
    }
    free(image);
}

/* Numbers of parameters from the table of layers of the paper's released model, and what the options add. */
static void parameters_are_counted(void **state)
{
    (void)state;
    static const struct {
        stylenet_options options;
        int noise;
        size_t numbers;
    } cases[] = {
        {{.norm = STYLENET_INSTANCE, .channels = 32, .blocks = 5}, 0, 1672323},
        {{.norm = STYLENET_BATCH, .channels = 32, .blocks = 5}, 0, 1672323},
        {{.norm = STYLENET_LRN_FIRST, .channels = 32, .blocks = 5}, 0, 1672323},
        {{.norm = STYLENET_INSTANCE_FIRST, .channels = 32, .blocks = 5}, 0, 1672323 + 6},
        {{.norm = STYLENET_INSTANCE, .channels = 32, .blocks = 5, .nearest = true}, 0, 1672323},
        {{.norm = STYLENET_INSTANCE, .channels = 32, .blocks = 5}, 3, 1672323 + 9 * 9 * 3 * 32},
        {{.norm = STYLENET_INSTANCE, .channels = 32, .blocks = 4}, 0, 1672323 - 295168 - 512},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_params *params = nx_params_new();
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_scope scope = {.g = g, .params = params};
        stylenet_record(&cases[i].options, &scope, nx_input(g, (nx_shape){1, 16, 16, 3 + cases[i].noise}, "x"));
        assert_int_equal(nx_params_numbers(params, true), cases[i].numbers);
        nx_graph_free(g);
        nx_params_free(params);
    }
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    struct CMUnitTest tests[] = {
        {"agrees_with_the_twin: in", agrees_with_the_twin, NULL, NULL, (void *)&variants[0]},
        {"agrees_with_the_twin: bn", agrees_with_the_twin, NULL, NULL, (void *)&variants[1]},
        {"agrees_with_the_twin: in_first", agrees_with_the_twin, NULL, NULL, (void *)&variants[2]},
        {"agrees_with_the_twin: lrn_first", agrees_with_the_twin, NULL, NULL, (void *)&variants[3]},
        cmocka_unit_test(response_norm_agrees_with_the_twin),
        cmocka_unit_test(instance_norm_ignores_contrast),
        cmocka_unit_test(instance_norm_is_batch_norm_of_one_image),
        cmocka_unit_test(parameters_are_counted),
    };
    int failed = cmocka_run_group_tests_name("stylenet", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
