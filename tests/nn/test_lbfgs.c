/* L-BFGS against liblbfgs where it is installed, within bounds against SciPy's L-BFGS-B (tests/reference/bounds.py),
 * and against its promises: scale does not matter, a state that is saved and restored goes on bit for bit, every end
 * has its reason. (Against the textbook: bench/cases/lbfgs.c.) */
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "device/memory.h"
#include "harness.h"
#include "nn/lbfgs.h"

#include "../networks/reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef HAVE_LIBLBFGS
#include <lbfgs.h>
#endif

/* ---- functions, in double ---- */

typedef struct problem {
    size_t count;
    double scale;
    double (*value)(const struct problem *p, const double *x, double *gradient); /* of scale 1 */
    double (*start)(size_t i);
} problem;

static double curvature(size_t i) { return pow(10, -3. * (double)(i % 97) / 96); }
static double centre(size_t i) { return 3 * sin((double)i); }

static double quadratic(const problem *p, const double *x, double *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < p->count; i++) {
        double off = x[i] - centre(i);
        sum += curvature(i) * off * off / 2;
        gradient[i] = curvature(i) * off;
    }
    return sum;
}

static double rosenbrock(const problem *p, const double *x, double *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < p->count; i += 2) {
        double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
        sum += a * a + 100 * b * b;
        gradient[i] = -2 * a - 400 * x[i] * b;
        gradient[i + 1] = 200 * b;
    }
    return sum;
}

/* The two of tests/reference/bounds.py. */
static double bound_bowl(const problem *p, const double *x, double *gradient)
{
    double sum = quadratic(p, x, gradient);
    for (size_t i = 0; i + 1 < p->count; i++) {
        double rise = x[i + 1] - x[i];
        sum += rise * rise / 20;
        gradient[i] -= rise / 10;
        gradient[i + 1] += rise / 10;
    }
    return sum;
}

static double bound_valley(const problem *p, const double *x, double *gradient)
{
    double sum = 0;
    memset(gradient, 0, p->count * sizeof *gradient);
    for (size_t i = 0; i + 1 < p->count; i++) {
        double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
        sum += a * a + 100 * b * b;
        gradient[i] += -2 * a - 400 * x[i] * b;
        gradient[i + 1] += 200 * b;
    }
    return sum;
}

static double slope_only(const problem *p, const double *x, double *gradient)
{
    for (size_t i = 0; i < p->count; i++) gradient[i] = 1;
    return (void)x, 5;
}

static double plane(const problem *p, const double *x, double *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < p->count; i++) sum += x[i], gradient[i] = 1;
    return sum;
}

static double no_number(const problem *p, const double *x, double *gradient)
{
    for (size_t i = 0; i < p->count; i++) gradient[i] = NAN;
    return (void)x, 1;
}

static double at_zero(size_t i) { return (void)i, 0; }
static double far(size_t i) { return i % 2 ? 1 : -1.2; }
static double inside(size_t i) { return i % 2 ? 1 : 0.5; }
static double one(size_t i) { return (void)i, 1; }
static double large(size_t i) { return (void)i, 1e8; }

/* ---- on the device ---- */

typedef struct run {
    const problem *p;
    nx_params *params;
    nx_tensor gradient;
    nx_lbfgs_function f;
    nx_lbfgs *o;
    double value;
    nx_lbfgs_end end;
    uint64_t evaluations;
} run;

static double evaluate(void *context)
{
    run *r = context;
    size_t count = r->p->count;
    float *x = nx_alloc(count * sizeof *x);
    double *wide = nx_alloc(count * sizeof *wide), *gradient = nx_alloc(count * sizeof *gradient);
    nx_buffer_read(test_device(), r->f.x->buffer, x, count * sizeof *x);
    for (size_t i = 0; i < count; i++) wide[i] = (double)x[i];
    double value = r->p->value(r->p, wide, gradient) * r->p->scale;
    for (size_t i = 0; i < count; i++) x[i] = (float)(gradient[i] * r->p->scale);
    nx_buffer_write(test_device(), r->gradient.buffer, x, count * sizeof *x);
    free(x);
    free(wide);
    free(gradient);
    r->evaluations++;
    return value;
}

static void begin(run *r, const problem *p, nx_lbfgs_options options)
{
    nx_device *device = test_device();
    *r = (run){.p = p, .params = nx_params_new()};
    nx_param *x = nx_param_add(r->params, "x", NX_VECTOR((int)p->count), 1);
    for (size_t i = 0; i < p->count; i++) x->initial[i] = (float)p->start(i);
    nx_params_realize(r->params, device);
    r->gradient.buffer = nx_buffer_new(device, p->count * sizeof(float), NX_MEMORY_ARENA);
    r->f = (nx_lbfgs_function){x, &r->gradient, evaluate, r};
    r->o = nx_lbfgs_new(p->count, options);
    nx_lbfgs_realize(r->o, device);
}

/* At most so many steps; with the line search the value is known after each. */
static void go(run *r, int steps, bool wolfe, double rate)
{
    for (int i = 0; i < steps && !r->end; i++) {
        if (!i || !wolfe) r->value = evaluate(r);
        r->end = nx_lbfgs_step(r->o, &r->f, &r->value, rate);
    }
}

static float *x_of(const run *r)
{
    float *x = nx_alloc(r->p->count * sizeof *x);
    nx_buffer_read(test_device(), r->f.x->buffer, x, r->p->count * sizeof *x);
    return x;
}

static void end(run *r)
{
    nx_lbfgs_free(r->o);
    nx_buffer_free(test_device(), r->gradient.buffer);
    nx_params_free(r->params);
}

static const problem bowl = {5000, 1, quadratic, at_zero}, valley = {400, 1, rosenbrock, far};

/* The same bits for a function of any scale: a power of two, for rounding is then the same. */
static void test_scale(void **state)
{
    (void)state;
    problem tiny = bowl;
    tiny.scale = ldexp(1, -53); /* 1e-16 */
    for (int variant = 0; variant < 4; variant++) {
        bool wolfe = variant & 1, float32 = variant & 2;
        run a, b;
        begin(&a, &bowl, (nx_lbfgs_options){.history = 20, .float32 = float32, .wolfe = wolfe});
        begin(&b, &tiny, (nx_lbfgs_options){.history = 20, .float32 = float32, .wolfe = wolfe});
        go(&a, 60, wolfe, 1);
        go(&b, 60, wolfe, 1);
        assert_int_equal(a.end, NX_LBFGS_MOVED);
        assert_int_equal(b.end, NX_LBFGS_MOVED);
        float *x = x_of(&a), *y = x_of(&b);
        assert_memory_equal(x, y, bowl.count * sizeof(float));
        double first = 0;
        for (size_t i = 0; i < bowl.count; i++) first += curvature(i) * centre(i) * centre(i) / 2;
        double last = evaluate(&b) / tiny.scale;
        if (!(last < 1e-4 * first)) print_error("from %g to %g\n", first, last);
        assert_true(last < 1e-4 * first);
        free(x);
        free(y);
        end(&a);
        end(&b);
    }
}

/* No step is longer than the bound, some are as long, and the minimum is found all the same. */
static void test_longest(void **state)
{
    (void)state;
    const float longest = .05f;
    run r;
    begin(&r, &bowl, (nx_lbfgs_options){.history = 20, .longest = longest});
    double most = 0, first = 0, last = 0;
    for (int k = 0; k < 150; k++) {
        float *before = x_of(&r);
        go(&r, 1, false, 1);
        float *after = x_of(&r);
        double sum = 0;
        for (size_t i = 0; i < bowl.count; i++) sum += pow((double)after[i] - (double)before[i], 2);
        most = fmax(most, sqrt(sum / (double)bowl.count));
        last = r.value;
        if (!k) first = last;
        free(before), free(after);
    }
    assert_true(most <= 1.0001 * (double)longest);
    assert_true(most >= 0.999 * (double)longest);
    assert_true(last < 1e-3 * first);
    end(&r);
}

/* Those that the line search asked for, of what is saved. */
static uint64_t evaluations_of(const nx_lbfgs *o)
{
    nx_lbfgs_number numbers[NX_LBFGS_NUMBERS];
    nx_lbfgs_numbers(o, numbers);
    for (int i = 0; i < NX_LBFGS_NUMBERS; i++)
        if (!strcmp(numbers[i].name, "lbfgs_evaluations")) return numbers[i].value;
    fail_msg("there is no lbfgs_evaluations");
    return 0;
}

static void test_valley(void **state)
{
    (void)state;
    for (int float32 = 0; float32 < 2; float32++) {
        run r;
        begin(&r, &valley, (nx_lbfgs_options){.history = 10, .float32 = float32, .wolfe = true});
        go(&r, 80, true, 1);
        float *x = x_of(&r);
        for (size_t i = 0; i < valley.count; i++) assert_float_equal(x[i], 1, 1e-3);
        assert_true(r.evaluations < 120);
        assert_int_equal(evaluations_of(r.o) + 1 + (r.end == NX_LBFGS_NO_DESCENT), r.evaluations);
        free(x);
        end(&r);
    }
}

/* ---- bounds ---- */

static const struct bounded {
    const char *name;
    problem p;
    nx_lbfgs_options options;
    double tolerance; /* of a number at the minimum */
} bounded[] = {
    {"bowl",
     {240, 1, bound_bowl, at_zero},
     {.history = 20, .channels = 3, .lower = {-1, -2, -0.5f}, .upper = {1.5f, 0.5f, 2}},
     1e-4},
    {"valley",
     {60, 1, bound_valley, inside},
     {.history = 20, .channels = 4, .lower = {-1.5f, 0.3f, -1.5f, 0.2f}, .upper = {0.9f, 2, 0.7f, 1.5f}},
     1e-4},
};

/* How many numbers stand at a bound; fails if one is beyond. */
static int count_held(const run *r, const nx_lbfgs_options *o, const float *x)
{
    int held = 0;
    for (size_t i = 0; i < r->p->count; i++) {
        float low = o->lower[i % (size_t)o->channels], high = o->upper[i % (size_t)o->channels];
        assert_true(x[i] >= low && x[i] <= high);
        held += x[i] <= low || x[i] >= high;
    }
    return held;
}

/* SciPy's minimum, from the same start. */
static void test_bounds(void **state)
{
    (void)state;
    reference *r = reference_open("bounds.txt");
    bool good = true;
    for (size_t k = 0; k < sizeof bounded / sizeof *bounded; k++)
        for (int variant = 0; variant < 4; variant++) {
            const struct bounded *b = &bounded[k];
            nx_lbfgs_options options = b->options;
            options.wolfe = variant & 1;
            options.float32 = variant & 2;
            run own;
            begin(&own, &b->p, options);
            go(&own, 300, options.wolfe, 1);
            float *x = x_of(&own);
            char name[32];
            snprintf(name, sizeof name, "%s.value", b->name);
            double value = evaluate(&own);
            print_message("%s, %s, %s: %.10g after %d evaluations\n", b->name, options.float32 ? "float32" : "bfloat16",
                          options.wolfe ? "wolfe" : "none", value, (int)own.evaluations);
            good &= reference_check(r, name, value, 0, 1e-6);
            snprintf(name, sizeof name, "%s.held", b->name);
            good &= reference_check(r, name, count_held(&own, &options, x), 0, 0);
            for (size_t i = 0; i < b->p.count; i += 7) {
                snprintf(name, sizeof name, "%s.at%zu", b->name, i);
                good &= reference_check(r, name, (double)x[i], 1, b->tolerance);
            }
            free(x);
            end(&own);
        }
    print_message("largest difference: %.2g of %s\n", r->worst, r->worst_name);
    assert_int_equal(reference_unused(r, ""), 0);
    assert_true(good);
    reference_free(r);
}

#ifdef HAVE_LIBLBFGS
static double distance(const float *x, const double *want, size_t n)
{
    double worst = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)x[i] - want[i]));
        most = fmax(most, fabs(want[i]));
    }
    return worst / most;
}

typedef struct theirs {
    const problem *p;
    int evaluations;
} theirs;

static lbfgsfloatval_t their_evaluate(void *context, const lbfgsfloatval_t *x, lbfgsfloatval_t *gradient, int n,
                                      lbfgsfloatval_t step)
{
    theirs *t = context;
    (void)n, (void)step;
    t->evaluations++;
    return t->p->value(t->p, x, gradient);
}
#endif

/* The same minimum with as many evaluations, give or take those of the line search. */
static void test_liblbfgs(void **state)
{
    (void)state;
#ifdef HAVE_LIBLBFGS
    const problem *problems[] = {&bowl, &valley};
    for (int k = 0; k < 2; k++) {
        const problem *p = problems[k];
        theirs t = {.p = p};
        lbfgs_parameter_t options;
        lbfgs_parameter_init(&options);
        options.m = 10;
        options.epsilon = 1e-5;
        lbfgsfloatval_t *x = lbfgs_malloc((int)p->count), value;
        for (size_t i = 0; i < p->count; i++) x[i] = p->start(i);
        assert_int_equal(lbfgs((int)p->count, x, &value, their_evaluate, NULL, &t, &options), 0);
        for (int float32 = 0; float32 < 2; float32++) {
            run r;
            begin(&r, p, (nx_lbfgs_options){.history = 10, .float32 = float32, .wolfe = true, .tolerance = 1e-5});
            go(&r, 300, true, 1);
            float *mine = x_of(&r);
            print_message("%s: %llu evaluations, liblbfgs %d; x is off by %.2g\n", float32 ? "float32" : "bfloat16",
                          (unsigned long long)r.evaluations, t.evaluations, distance(mine, x, p->count));
            assert_true(distance(mine, x, p->count) < 2e-2); /* where the gradient is 1e-5 and curvature 1e-3 */
            assert_true(r.evaluations < 2 * (uint64_t)t.evaluations);
            free(mine);
            end(&r);
        }
        lbfgs_free(x);
    }
#else
    print_message("liblbfgs is not installed (liblbfgs-dev)\n");
    skip();
#endif
}

/* With the history in one buffer or in many, interrupted or not: the same bits. */
static void test_resume(void **state)
{
    (void)state;
    nx_device *device = test_device();
    uint64_t largest = device->info.max_alloc;
    for (int variant = 0; variant < 8; variant++)
        for (int at = 1; at < 14; at += 4) {
            bool wolfe = variant & 1;
            nx_lbfgs_options options = {.history = 5, .float32 = variant & 2, .wolfe = wolfe};
            if (variant & 4) options.channels = 2, options.lower[0] = -2, options.upper[0] = .8f, options.upper[1] = 2;
            run whole, first, second;
            begin(&whole, &valley, options);
            go(&whole, 20, wolfe, 1);
            device->info.max_alloc = 4 * 2048;
            begin(&first, &valley, options);
            begin(&second, &valley, options);
            device->info.max_alloc = largest;
            go(&first, at, wolfe, 1);

            nx_lbfgs_number numbers[NX_LBFGS_NUMBERS];
            uint64_t values[NX_LBFGS_NUMBERS];
            float *vector = x_of(&first);
            nx_buffer_write(device, second.f.x->buffer, vector, valley.count * sizeof(float));
            nx_lbfgs_numbers(first.o, numbers);
            for (int i = 0; i < NX_LBFGS_NUMBERS; i++) values[i] = numbers[i].value;
            assert_true(nx_lbfgs_set_numbers(second.o, values));
            assert_int_equal(nx_lbfgs_vectors(second.o), nx_lbfgs_vectors(first.o));
            for (size_t i = 0; i < nx_lbfgs_vectors(first.o); i++) {
                nx_lbfgs_read(first.o, i, vector);
                nx_lbfgs_write(second.o, i, vector);
            }
            nx_lbfgs_restored(second.o);
            go(&second, 20 - at, wolfe, 1);
            float *x = x_of(&whole), *y = x_of(&second);
            assert_memory_equal(x, y, valley.count * sizeof(float));
            assert_int_equal(evaluations_of(second.o), evaluations_of(whole.o));
            values[2] = 6;
            assert_false(nx_lbfgs_set_numbers(second.o, values));
            free(vector), free(x), free(y);
            end(&whole), end(&first), end(&second);
        }
}

static void test_ends(void **state)
{
    (void)state;
    const struct {
        problem p;
        bool wolfe;
        double tolerance, least_change, rate;
        nx_lbfgs_end end;
        int channels; /* 1: from -50 to 50 */
    } cases[] = {
        {{300, 1, rosenbrock, one}, false, 0, 0, 1, NX_LBFGS_FLAT, 0},
        {{300, 1, no_number, one}, false, 0, 0, 1, NX_LBFGS_NOT_FINITE, 0},
        {{300, 1, slope_only, one}, true, 0, 0, 1, NX_LBFGS_NO_DESCENT, 0},
        {{300, 1, slope_only, large}, false, 0, 0, 1, NX_LBFGS_STILL, 0},
        {{300, 1, quadratic, at_zero}, true, 1e-3, 0, 1, NX_LBFGS_FLAT, 0},
        {{300, 1, quadratic, at_zero}, true, 0, 1e-3, 1, NX_LBFGS_STILL, 0},
        {{300, 1, plane, one}, false, 0, 0, 1, NX_LBFGS_FLAT, 1}, /* all held */
        {{300, 1, plane, one}, true, 0, 0, 1, NX_LBFGS_FLAT, 1},
        {{300, 1, no_number, one}, false, 0, 0, 1, NX_LBFGS_NOT_FINITE, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run r;
        begin(&r, &cases[i].p,
              (nx_lbfgs_options){.history = 10,
                                 .wolfe = cases[i].wolfe,
                                 .tolerance = cases[i].tolerance,
                                 .least_change = cases[i].least_change,
                                 .channels = cases[i].channels,
                                 .lower = {-50},
                                 .upper = {50}});
        go(&r, 100, cases[i].wolfe, cases[i].rate);
        if (r.end != cases[i].end) print_error("case %zu: %s\n", i, nx_lbfgs_end_text(r.end));
        assert_int_equal(r.end, cases[i].end);
        end(&r);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    nx_device *device = test_device();
    for (size_t count = 100; count < 200000; count *= 9) {
        nx_lbfgs_options options = {.history = 7, .float32 = count % 2, .channels = count % 4 ? 3 : 0};
        uint64_t before = device->bytes[NX_MEMORY_OPTIMIZER];
        nx_lbfgs *o = nx_lbfgs_new(count, options);
        nx_lbfgs_realize(o, device);
        assert_int_equal(device->bytes[NX_MEMORY_OPTIMIZER] - before, nx_lbfgs_bytes(count, options, &device->info));
        nx_lbfgs_free(o);
        assert_int_equal(device->bytes[NX_MEMORY_OPTIMIZER], before);
    }
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale),   cmocka_unit_test(test_valley), cmocka_unit_test(test_liblbfgs),
        cmocka_unit_test(test_resume),  cmocka_unit_test(test_ends),   cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_longest), cmocka_unit_test(test_bounds),
    };
    int failed = cmocka_run_group_tests_name("L-BFGS", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
