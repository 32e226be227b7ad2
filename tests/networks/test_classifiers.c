/* The classifiers against their twins in double (tests/reference/classifiers.py), and what their table and options say.
 */
#include "base/log.h"
#include "base/text.h"
#include "formulas.h"
#include "networks/classifiers.h"
#include "nn/optimizer.h"
#include "ops/cross_entropy.h"
#include "ops/random.h"
#include "planned.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { BATCH = 3, CLASSES = 7, STEPS = 8 };
static const float smoothing = 0.1f;
static const double tolerance = 2e-5;

static config *config_of(const char *keys)
{
    nx_error err = {""};
    config *c;
    char *text = nx_format("[classifier]\n%s", keys);
    if (!config_parse(&c, "classifier.ini", text, ".", NULL, 0, &err)) fail_msg("%s", err.text);
    free(text);
    return c;
}

/* ---- the protocol ---- */

static const struct variant {
    const char *network, *norm, *head;
    int side;
} variants[] = {{"alexnet", "none", "full", 95},     {"alexnet", "batch", "full", 95},
                {"alexnet", "instance", "full", 95}, {"alexnet", "instance", "average", 95},
                {"vgg16", "batch", "average", 32},   {"vgg16", "none", "full", 32}};

static config *config_of_variant(const struct variant *v)
{
    char *text = nx_format("network = %s\nnorm = %s\nhead = %s\nwidth = 0.125\nhidden = 128\ndropout = 0\n", v->network,
                           v->norm, v->head);
    config *c = config_of(text);
    free(text);
    return c;
}

static void fill_batch(int number, int side, float *pixels, float *labels)
{
    for (int n = 0; n < BATCH; n++) {
        int m = BATCH * number + n;
        labels[n] = (float)((3 * m + 2) % CLASSES);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++)
                for (int c = 0; c < 3; c++) *pixels++ = (float)lrint(255 * formula_picture(m, y, x, c));
    }
}

/* Where element i of the order output, input, row, column lies on the device. */
static size_t place_of(const nx_param *p, size_t i)
{
    size_t taps = p->rank == 4 ? (size_t)(p->shape.n * p->shape.h) : 1, in = (size_t)p->shape.w;
    return (i % taps * in + i / taps % in) * (size_t)p->shape.c + i / taps / in;
}

/* Trained parameters come in the order of the network, so that the last weight is the last layer's. */
static void fill_parameters(nx_params *params)
{
    uint32_t number = 0, trained = 0;
    for (size_t k = 0; k < params->count; k++) trained += params->items[k]->trained;
    for (size_t k = 0; k < params->count; k++) {
        nx_param *p = params->items[k];
        if (!p->trained) continue;
        size_t count = nx_shape_count(p->shape), inputs = count / (size_t)p->shape.c;
        float *values = nx_alloc(count * sizeof *values);
        bool weight = strstr(p->name, ".weight") != NULL, last = number == trained - 2;
        for (size_t i = 0; i < count; i++) {
            double r = formula_mixed(number, (uint32_t)i);
            values[i] = (float)(p->rank > 1 ? r * sqrt((last ? 1 : 6) / (double)inputs)
                                : weight    ? 1 + 0.2 * r
                                            : 0.1 * r);
        }
        nx_param_import(p, values);
        free(values);
        number++;
    }
}

/* ---- a network in training, with its loss ---- */

typedef struct scene {
    nx_graph *g;
    nx_tensor *pixels, *labels, *logits, *loss;
} scene;

static scene record(const config *c, nx_params *params, int side, bool training)
{
    scene s = {.g = nx_graph_new(&test_device()->info)};
    nx_scope scope = {.g = s.g, .params = params, .training = training};
    s.pixels = nx_input(s.g, (nx_shape){BATCH, side, side, 3}, "pixels");
    s.labels = nx_input(s.g, (nx_shape){BATCH, 1, 1, 1}, "labels");
    classifier_inputs in = {.pixels = s.pixels, .random = nx_input(s.g, NX_RANDOM_STATE, "random"), .classes = CLASSES};
    s.logits = nx_keep(classifier_record(c, &scope, &in));
    s.loss = nx_keep(nx_cross_entropy(s.g, s.logits, s.labels, smoothing));
    return s;
}

static void write_batch(nx_plan *plan, const scene *s, int number)
{
    float *pixels = nx_alloc(nx_shape_count(s->pixels->shape) * sizeof *pixels), labels[BATCH];
    fill_batch(number, s->pixels->shape.h, pixels, labels);
    nx_plan_write(plan, s->pixels, pixels);
    nx_plan_write(plan, s->labels, labels);
    free(pixels);
}

static bool check(reference *r, const char *prefix, const char *quantity, double got, double scale)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", prefix, quantity);
    return reference_check(r, name, got, scale, tolerance);
}

static bool check_logits(reference *r, const char *prefix, const char *what, const float *logits)
{
    char name[32];
    double largest = 0;
    bool good = true;
    for (int k = 0; k < BATCH * CLASSES; k++) worsen(&largest, fabs((double)logits[k]));
    for (int k = 0; k < BATCH * CLASSES; k++) {
        snprintf(name, sizeof name, "%s.%d", what, k);
        good &= check(r, prefix, name, (double)logits[k], largest);
    }
    return good;
}

static bool check_gradient(reference *r, const char *prefix, const char *which, const nx_param *p, const float *values)
{
    char name[64];
    size_t count = nx_shape_count(p->shape), at[] = {0, count / 2, count - 1};
    double l2 = 0;
    for (size_t i = 0; i < count; i++) l2 += (double)values[i] * (double)values[i];
    l2 = sqrt(l2);
    snprintf(name, sizeof name, "grad.%s.l2", which);
    bool good = check(r, prefix, name, l2, 0);
    for (int k = 0; k < 3; k++) {
        snprintf(name, sizeof name, "grad.%s.at%d", which, k);
        good &= check(r, prefix, name, (double)values[place_of(p, at[k])], l2);
    }
    return good;
}

/* Logits, the loss and gradients in training, then logits by running statistics. */
static bool check_one_pass(reference *r, const char *prefix, const config *c, int side)
{
    static const char *const which[] = {"first.weight", "second.weight", "second.bias", "last.weight", "last.bias"};
    enum { SELECTED = sizeof which / sizeof *which };
    nx_params *params = nx_params_new();
    scene s = record(c, params, side, true);
    nx_tensor *wrt[SELECTED], *gradient[SELECTED];
    size_t trained = 0;
    nx_param *all[256];
    for (size_t i = 0; i < params->count; i++)
        if (params->items[i]->trained) all[trained++] = params->items[i];
    size_t selected[SELECTED] = {0, 2, 3, trained - 2, trained - 1};
    fill_parameters(params);
    for (int i = 0; i < SELECTED; i++) wrt[i] = nx_use(s.g, all[selected[i]]);
    nx_gradient(s.g, s.loss, wrt, SELECTED, gradient);
    for (int i = 0; i < SELECTED; i++) nx_keep(gradient[i]);
    nx_params_realize(params, test_device());
    nx_plan *plan = planned(s.g);
    write_batch(plan, &s, 0);
    nx_plan_run(plan);
    float *logits = values_of(plan, s.logits);
    bool good = check(r, prefix, "parameters", (double)nx_params_numbers(params, true), 0) &
                check_logits(r, prefix, "logits", logits) &
                check(r, prefix, "loss", (double)scalar_of(plan, s.loss), 0);
    free(logits);
    for (int i = 0; i < SELECTED; i++) {
        float *values = values_of(plan, gradient[i]);
        good &= check_gradient(r, prefix, which[i], wrt[i]->param, values);
        free(values);
    }
    nx_plan_free(plan);
    nx_graph_free(s.g);

    s = record(c, params, side, false);
    plan = planned(s.g);
    write_batch(plan, &s, 0);
    nx_plan_run(plan);
    logits = values_of(plan, s.logits);
    good &= check_logits(r, prefix, "eval", logits);
    free(logits);
    nx_plan_free(plan);
    nx_graph_free(s.g);
    nx_params_free(params);
    return good;
}

static bool check_updates(reference *r, const char *prefix, const config *c, int side)
{
    nx_params *params = nx_params_new();
    scene s = record(c, params, side, true);
    fill_parameters(params);
    nx_optimizer *o = nx_optimizer_new(
        s.g, s.loss, params, (nx_optimizer_options){.method = NX_OPTIMIZER_SGD, .beta1 = .9f, .weight_decay = .01f});
    nx_params_realize(params, test_device());
    nx_params_realize(o->state, test_device());
    nx_plan *plan = planned(s.g);
    bool good = true;
    for (int t = 0; t < STEPS; t++) {
        char name[16];
        write_batch(plan, &s, t);
        nx_optimizer_rate(o, plan, (uint64_t)t + 1, .01 * (1 + cos(acos(-1) * t / STEPS)) / 2);
        nx_plan_run(plan);
        snprintf(name, sizeof name, "step.%d", t);
        good &= check(r, prefix, name, (double)scalar_of(plan, s.loss), 0);
    }
    nx_plan_free(plan);
    nx_optimizer_free(o);
    nx_graph_free(s.g);
    nx_params_free(params);
    return good;
}

static void agrees_with_the_twin(void **state)
{
    const struct variant *v = *state;
    char prefix[64], all[72];
    snprintf(prefix, sizeof prefix, "%s.%s.%s", v->network, v->norm, v->head);
    snprintf(all, sizeof all, "%s.", prefix);
    reference *r = reference_open("classifiers.txt");
    config *c = config_of_variant(v);
    bool good = check_one_pass(r, prefix, c, v->side) & check_updates(r, prefix, c, v->side);
    print_message("%s: largest difference %.2g, %s\n", prefix, r->worst, r->worst_name);
    assert_true(good);
    assert_int_equal(reference_unused(r, all), 0);
    config_free(c);
    reference_free(r);
}

/* ---- the tables ---- */

/* As torchvision calls them, with and without normalization; and the published numbers of parameters. */
static void parameters_are_those_of_torchvision(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int side;
        size_t numbers;
        const char *first, *last;
    } cases[] = {
        {"network = alexnet\nnorm = none", 224, 61100840, "features.0.weight", "classifier.6.bias"},
        {"network = vgg16\nnorm = none", 224, 138357544, "features.0.weight", "classifier.6.bias"},
        {"network = vgg16\nnorm = batch", 224, 138365992, "features.0.weight", "classifier.6.bias"},
        {"network = vgg19\nnorm = batch\nhead = average", 32, 20035392 + 512 * 1000 + 1000, "features.0.weight",
         "classifier.1.bias"},
    };
    static const char *const names[][3] = {{"features.10.weight", "classifier.1.weight", "classifier.4.weight"},
                                           {"features.28.weight", "classifier.0.weight", "classifier.3.weight"},
                                           {"features.40.weight", "features.41.running_var", "classifier.3.weight"},
                                           {"features.49.weight", "features.50.bias", "classifier.1.weight"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config *c = config_of(cases[i].keys);
        nx_params *params = nx_params_new();
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_scope scope = {.g = g, .params = params, .undrawn = true};
        classifier_inputs in = {.pixels = nx_input(g, (nx_shape){1, cases[i].side, cases[i].side, 3}, "x"),
                                .classes = 1000};
        nx_tensor *y = classifier_record(c, &scope, &in);
        assert_true(nx_shape_equal(y->shape, (nx_shape){1, 1, 1, 1000}));
        assert_int_equal(nx_params_numbers(params, true), cases[i].numbers);
        assert_string_equal(params->items[0]->name, cases[i].first);
        assert_string_equal(params->items[params->count - 1]->name, cases[i].last);
        for (int k = 0; k < 3; k++)
            if (!nx_params_find(params, names[i][k])) fail_msg("no %s", names[i][k]);
        nx_graph_free(g);
        nx_params_free(params);
        config_free(c);
    }
}

/* The least side that the error names will do, and one less will not. */
static void small_pictures_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int least;
    } cases[] = {{"network = alexnet\nnorm = batch", 63},
                 {"network = alexnet\nnorm = instance", 63},
                 {"network = vgg16\nnorm = none", 32},
                 {"network = vgg16\nnorm = instance", 32}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_error err;
        char wanted[32];
        config *c = config_of(cases[i].keys);
        assert_true(classifier_check_size(c, cases[i].least, &err));
        assert_false(classifier_check_size(c, cases[i].least - 1, &err));
        snprintf(wanted, sizeof wanted, "%d pixels a side", cases[i].least);
        if (!strstr(err.text, wanted)) fail_msg("%s", err.text);
        config_free(c);
    }
}

/* Dropout is there in training alone, and another in every step. */
static void dropout_is_of_training(void **state)
{
    (void)state;
    config *c = config_of("network = vgg16\nnorm = none\nhead = full\nwidth = 0.05\nhidden = 640\ndropout = 0.5");
    nx_params *params = nx_params_new();
    float out[4][CLASSES];
    float *pixels = random_values("pixels", 32 * 32 * 3, 0, 255);
    for (int training = 0; training < 2; training++) {
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_scope scope = {.g = g, .params = params, .seed = 4, .training = training};
        classifier_inputs in = {.pixels = nx_input(g, (nx_shape){1, 32, 32, 3}, "pixels"),
                                .random = nx_input(g, NX_RANDOM_STATE, "random"),
                                .classes = CLASSES};
        nx_tensor *y = nx_keep(classifier_record(c, &scope, &in));
        if (!training) nx_params_realize(params, test_device());
        nx_plan *plan = planned(g);
        nx_plan_write(plan, in.pixels, pixels);
        for (int step = 0; step < 2; step++) {
            float bits[4];
            nx_random_state(bits, 1, (uint64_t)step);
            if (training) nx_plan_write(plan, in.random, bits);
            nx_plan_run(plan);
            nx_plan_read(plan, y, out[2 * training + step]);
        }
        nx_plan_free(plan);
        nx_graph_free(g);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    assert_memory_not_equal(out[2], out[3], sizeof out[0]);
    assert_memory_not_equal(out[0], out[2], sizeof out[0]);
    free(pixels);
    nx_params_free(params);
    config_free(c);
}

int main(void)
{
    enum { VARIANTS = sizeof variants / sizeof *variants, OTHERS = 3 };
    nx_log_set(NX_LOG_WARN);
    struct CMUnitTest tests[VARIANTS + OTHERS] = {cmocka_unit_test(parameters_are_those_of_torchvision),
                                                  cmocka_unit_test(small_pictures_are_refused),
                                                  cmocka_unit_test(dropout_is_of_training)};
    for (int i = 0; i < VARIANTS; i++)
        tests[OTHERS + i] = (struct CMUnitTest){
            nx_format("agrees_with_the_twin: %s, %s, %s", variants[i].network, variants[i].norm, variants[i].head),
            agrees_with_the_twin, NULL, NULL, (void *)&variants[i]};
    int failed = cmocka_run_group_tests_name("classifiers", tests, NULL, NULL);
    for (int i = 0; i < VARIANTS; i++) free((char *)tests[OTHERS + i].name);
    test_device_close();
    return failed != 0;
}
