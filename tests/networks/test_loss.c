/* The losses against what the papers and their code print, in double on random tensors: every convention as a factor on
 * one canonical quantity, their gradients, normalised gradients, total variation, diversity. */
#include "base/log.h"
#include "nn/loss.h"
#include "ops/entropy.h"
#include "ops/total_variation.h"
#include "ops/weighted_sum.h"
#include "planned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- in double ---- */

typedef struct features { /* [M][C] of each of n images, and the same in double */
    nx_shape s;
    float *f;
    double *d;
} features;

static features features_new(const char *name, nx_shape s, float low, float high)
{
    size_t count = nx_shape_count(s);
    features out = {s, random_values(name, count, low, high), nx_alloc(count * sizeof(double))};
    for (size_t i = 0; i < count; i++) out.d[i] = (double)out.f[i];
    return out;
}

static void features_free(features *f)
{
    free(f->f);
    free(f->d);
}

static size_t pixels_of(nx_shape s) { return (size_t)s.h * (size_t)s.w; }
static const double *image_of(const features *f, int n) { return f->d + (size_t)n * pixels_of(f->s) * (size_t)f->s.c; }

/* S = F F^T of one image, not divided by anything: [C][C]. Owned by the caller. */
static double *plain_gram(const features *f, int n)
{
    size_t c = (size_t)f->s.c;
    double *s = nx_alloc(c * c * sizeof *s);
    for (size_t m = 0; m < pixels_of(f->s); m++) {
        const double *pixel = image_of(f, n) + m * c;
        for (size_t i = 0; i < c; i++)
            for (size_t j = 0; j < c; j++) s[i * c + j] += pixel[i] * pixel[j];
    }
    return s;
}

/* sum (S / s_divisor - A / a_divisor)^2 of one image. */
static double gram_distance(const features *x, int n, const features *a, double s_divisor, double a_divisor)
{
    double *s = plain_gram(x, n), *t = plain_gram(a, 0), sum = 0;
    for (int i = 0; i < x->s.c * x->s.c; i++) {
        double d = s[i] / s_divisor - t[i] / a_divisor;
        sum += d * d;
    }
    free(s);
    free(t);
    return sum;
}

static double square_distance(const features *x, int n, const features *p)
{
    double sum = 0;
    for (size_t i = 0; i < pixels_of(x->s) * (size_t)x->s.c; i++) {
        double d = image_of(x, n)[i] - image_of(p, 0)[i];
        sum += d * d;
    }
    return sum;
}

/* ---- the table of conventions: what each source prints, for one image ---- */

enum { NO_CONVENTION = -1 };
#define C ((double)x->s.c)
#define M ((double)pixels_of(x->s))

static double gatys_style(const features *x, const features *a)
{
    return gram_distance(x, 0, a, 1, 1) / (4 * C * C * M * M);
}
static double gatys_content(const features *x, const features *p) { return square_distance(x, 0, p) / 2; }
static double as_run_style(const features *x, const features *a) { return gram_distance(x, 0, a, M, M) / (C * C); }
static double mean_content(const features *x, const features *p) { return square_distance(x, 0, p) / (C * M); }
static double deep_textures_style(const features *x, const features *a)
{
    return 1e9 / 4 * gram_distance(x, 0, a, M, M) / (C * C);
}
static double pytorch_style(const features *x, const features *a)
{
    return 1e3 / (C * C) * gram_distance(x, 0, a, M, M) / (C * C);
}
static double johnson_style(const features *x, const features *a)
{
    return gram_distance(x, 0, a, C * M, C * M) / (C * C);
}
static double texture_networks_style(const features *x, const features *a) { return gram_distance(x, 0, a, 1, 1); }
static double texture_networks_content(const features *x, const features *p) { return square_distance(x, 0, p); }
static double random_weights_content(const features *x, const features *p)
{
    return square_distance(x, 0, p) / (2 * C * M);
}

static double factor_of_one(const features *x) { return (void)x, 1; }
static double factor_of_half(const features *x) { return (void)x, .5; }
static double factor_deep_textures(const features *x) { return (void)x, 1e9; }
static double factor_pytorch(const features *x) { return 4e3 / (C * C); }

static const struct convention {
    const char *source;
    int convention; /* of nx_loss_factors, or NO_CONVENTION: the factors below */
    double (*content)(const features *x, const features *p);
    double (*style)(const features *x, const features *a);
    double (*content_factor)(const features *x);
    double (*style_factor)(const features *x);
} conventions[] = {
    {"Gatys 2016", NX_CONVENTION_GATYS, gatys_content, gatys_style, NULL, NULL},
    {"NeuralImageSynthesis", NX_CONVENTION_MEAN, mean_content, as_run_style, NULL, NULL},
    {"neural-style, texture_nets", NX_CONVENTION_CHW, mean_content, johnson_style, NULL, NULL},
    {"Texture Networks", NX_CONVENTION_SUM, texture_networks_content, texture_networks_style, NULL, NULL},
    {"DeepTextures", NO_CONVENTION, NULL, deep_textures_style, NULL, factor_deep_textures},
    {"PytorchNeuralStyleTransfer", NO_CONVENTION, mean_content, pytorch_style, factor_of_one, factor_pytorch},
    {"He, Wang, Hopcroft 2016", NO_CONVENTION, random_weights_content, gatys_style, factor_of_half, factor_of_one},
};

#undef C
#undef M

/* D and E of the device, and their gradients by the features where asked for. */
typedef struct measured {
    double content, style;
    float *content_gradient, *style_gradient;
} measured;

static measured measure(const features *x, const features *p, const features *a, float strength)
{
    measured out;
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *input = nx_input(g, x->s, "x"), *style = nx_input(g, a->s, "a"), *target = nx_input(g, p->s, "p");
    nx_tensor *d = nx_keep(nx_content_loss(g, input, target));
    nx_tensor *e = nx_keep(nx_style_loss(g, input, nx_gram_matrix(g, style), strength)), *dd, *de;
    nx_gradient(g, d, &input, 1, &dd);
    nx_gradient(g, e, &input, 1, &de);
    nx_keep(dd);
    nx_keep(de);
    nx_plan *plan = planned(g);
    nx_plan_write(plan, input, x->f);
    nx_plan_write(plan, style, a->f);
    nx_plan_write(plan, target, p->f);
    nx_plan_run(plan);
    out.content = (double)scalar_of(plan, d);
    out.style = (double)scalar_of(plan, e);
    out.content_gradient = values_of(plan, dd);
    out.style_gradient = values_of(plan, de);
    nx_plan_free(plan);
    nx_graph_free(g);
    return out;
}

static void measured_free(measured *m)
{
    free(m->content_gradient);
    free(m->style_gradient);
}

static void assert_near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fabs(want))) fail_msg("%s: %.9g, should be %.9g", what, got, want);
}

static const struct sizes {
    int h, w, c;
} sizes[] = {{5, 7, 3}, {1, 1, 8}, {16, 12, 20}, {9, 31, 64}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void every_convention_is_a_factor(void **state)
{
    (void)state;
    double worst = 0;
    for (int k = 0; k < SIZES; k++) {
        nx_shape s = {1, sizes[k].h, sizes[k].w, sizes[k].c};
        features x = features_new("x", s, -.5f, 2), p = features_new("p", s, -1, 2), a = features_new("a", s, 0, 3);
        measured m = measure(&x, &p, &a, 0);
        for (size_t i = 0; i < sizeof conventions / sizeof *conventions; i++) {
            const struct convention *v = &conventions[i];
            double content = v->content_factor ? v->content_factor(&x) : 0;
            double style = v->style_factor ? v->style_factor(&x) : 0;
            if (v->convention != NO_CONVENTION) nx_loss_factors((nx_convention)v->convention, s, &content, &style);
            if (v->content) worsen(&worst, fabs(content * m.content / v->content(&x, &p) - 1));
            worsen(&worst, fabs(style * m.style / v->style(&x, &a) - 1));
            if (v->content) assert_near(v->source, content * m.content, v->content(&x, &p), 1e-5);
            assert_near(v->source, style * m.style, v->style(&x, &a), 1e-5);
        }
        measured_free(&m);
        features_free(&x);
        features_free(&p);
        features_free(&a);
    }
    print_message("conventions: largest difference %.2g\n", worst);
}

/* Style and image of different sizes: each Gram matrix is divided by its own number of pixels. A batch: the mean over
 * its images, all against one target. */
static void losses_of_batches_are_means(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        nx_shape s = {3, sizes[k].h, sizes[k].w, sizes[k].c}, one = s, other = {1, 11, 4, sizes[k].c};
        one.n = 1;
        features x = features_new("x", s, -1, 2), p = features_new("p", one, -1, 2), a = features_new("a", other, 0, 3);
        measured m = measure(&x, &p, &a, 0);
        double pixels = (double)pixels_of(s), channels = s.c, content = 0, style = 0;
        for (int n = 0; n < s.n; n++) {
            content += square_distance(&x, n, &p) / (pixels * channels) / s.n;
            style += gram_distance(&x, n, &a, pixels, (double)pixels_of(other)) / (4 * channels * channels) / s.n;
        }
        assert_near("content", m.content, content, 1e-5);
        assert_near("style", m.style, style, 1e-5);
        measured_free(&m);
        features_free(&x);
        features_free(&p);
        features_free(&a);
    }
}

/* dE/dF = (S - A) F / (C^2 M^2) with S = F F^T, dD/dF = 2 (F - P) / (C M); of a batch both over n. Owned by the caller.
 */
static double *style_gradient(const features *x, const features *a)
{
    size_t c = (size_t)x->s.c, pixels = pixels_of(x->s);
    double *out = nx_alloc(nx_shape_count(x->s) * sizeof *out), *t = plain_gram(a, 0);
    double m = (double)pixels, ratio = m / (double)pixels_of(a->s), scale = (double)(c * c) * m * m * x->s.n;
    for (int n = 0; n < x->s.n; n++) {
        double *s = plain_gram(x, n);
        for (size_t i = 0; i < pixels; i++)
            for (size_t j = 0; j < c; j++) {
                double sum = 0;
                for (size_t k = 0; k < c; k++) sum += (s[j * c + k] - ratio * t[j * c + k]) * image_of(x, n)[i * c + k];
                out[((size_t)n * pixels + i) * c + j] = sum / scale;
            }
        free(s);
    }
    free(t);
    return out;
}

static double *content_gradient(const features *x, const features *p)
{
    size_t count = nx_shape_count(x->s), image = count / (size_t)x->s.n;
    double *out = nx_alloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++) out[i] = 2 * (x->d[i] - p->d[i % image]) / (double)count;
    return out;
}

static void gradients_are_the_papers(void **state)
{
    (void)state;
    bool good = true;
    for (int k = 0; k < SIZES; k++)
        for (int n = 1; n <= 3; n += 2) {
            nx_shape s = {n, sizes[k].h, sizes[k].w, sizes[k].c}, one = s, other = {1, 11, 4, sizes[k].c};
            one.n = 1;
            features x = features_new("x", s, -1, 2), p = features_new("p", one, -1, 2),
                     a = features_new("a", other, 0, 3);
            measured m = measure(&x, &p, &a, 0);
            double *content = content_gradient(&x, &p), *style = style_gradient(&x, &a);
            good &= test_close("content gradient", m.content_gradient, content, s, 1e-5);
            good &= test_close("style gradient", m.style_gradient, style, s, 1e-5);
            free(content);
            free(style);
            measured_free(&m);
            features_free(&x);
            features_free(&p);
            features_free(&a);
        }
    assert_true(good);
}

/* strength g / (|g|_1 + 1e-8), the norm over the whole batch; the reported loss stays; what comes from elsewhere is
 * added untouched. Also where the 1e-8 counts, as with weights that let activations vanish. */
static void normalized_gradients_have_norm_strength(void **state)
{
    (void)state;
    static const float scales[] = {1, 1e-2f, 2e-3f};
    const float strength = 7;
    bool good = true;
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        float scale = scales[k];
        nx_shape s = {2, 8, 6, 5}, one = {1, 8, 6, 5};
        features x = features_new("x", s, -scale, 2 * scale), p = features_new("p", one, -scale, scale),
                 a = features_new("a", one, 0, 3 * scale);
        measured plain = measure(&x, &p, &a, 0), normal = measure(&x, &p, &a, strength);
        double *want = style_gradient(&x, &a), norm = 0, reached = 0;
        size_t count = nx_shape_count(s);
        for (size_t i = 0; i < count; i++) norm += fabs(want[i]);
        for (size_t i = 0; i < count; i++) want[i] *= (double)strength / (norm + 1e-8);
        for (size_t i = 0; i < count; i++) reached += fabs((double)normal.style_gradient[i]);
        good &= test_close("normalised gradient", normal.style_gradient, want, s, 1e-5);
        assert_true(plain.style == normal.style);
        print_message("|g| of %.2g is made %.7g of %g\n", norm, reached, (double)strength);

        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_tensor *in[] = {nx_input(g, s, "x"), nx_input(g, one, "a"), nx_input(g, one, "p")}, *dx;
        nx_tensor *terms[] = {nx_style_loss(g, in[0], nx_gram_matrix(g, in[1]), strength),
                              nx_content_loss(g, in[0], in[2])};
        nx_gradient(g, nx_weighted_sum(g, terms, (float[]){1, 3}, 2), &in[0], 1, &dx);
        float *both = test_run(test_device(), g, in, (float *[]){x.f, a.f, p.f}, 3, dx);
        double *content = content_gradient(&x, &p);
        for (size_t i = 0; i < count; i++) want[i] += 3 * content[i];
        good &= test_close("with the content's gradient", both, want, s, 1e-5);
        free(both);
        free(content);
        nx_graph_free(g);
        measured_free(&plain);
        measured_free(&normal);
        free(want);
        features_free(&x);
        features_free(&p);
        features_free(&a);
    }
    assert_true(good);
}

/* sum A^2 / (4 C^2) of S = F^T F / M, and mean P^2. */
static double style_energy(const features *a)
{
    double *t = plain_gram(a, 0), sum = 0, m = (double)pixels_of(a->s), c = a->s.c;
    for (int i = 0; i < a->s.c * a->s.c; i++) sum += t[i] * t[i] / (m * m);
    free(t);
    return sum / (4 * c * c);
}

static double content_energy(const features *p)
{
    double sum = 0;
    for (size_t i = 0; i < nx_shape_count(p->s); i++) sum += p->d[i] * p->d[i];
    return sum / (double)nx_shape_count(p->s);
}

/* (F - P)^2 over P^2 and (S - A)^2 over A^2, as sums: their gradients are those of D and E over the energies, which are
 * constants even to a gradient by the target. A batch of targets has one energy. */
static void relative_losses_are_in_units_of_the_target(void **state)
{
    (void)state;
    bool good = true;
    for (int k = 0; k < SIZES; k++)
        for (int n = 1; n <= 3; n += 2) {
            nx_shape s = {n, sizes[k].h, sizes[k].w, sizes[k].c}, other = {1, 11, 4, sizes[k].c};
            features x = features_new("x", s, -1, 2), p = features_new("p", s, -1, 2),
                     a = features_new("a", other, 0, 3);
            size_t count = nx_shape_count(s);
            double d = 0, e = 0, m = (double)pixels_of(s), c = s.c, energy = content_energy(&p);
            for (size_t i = 0; i < count; i++) d += (x.d[i] - p.d[i]) * (x.d[i] - p.d[i]) / (double)count;
            for (int i = 0; i < n; i++)
                e += gram_distance(&x, i, &a, m, (double)pixels_of(other)) / (4 * c * c) / n / style_energy(&a);

            nx_graph *g = nx_graph_new(&test_device()->info);
            nx_tensor *in[] = {nx_input(g, s, "x"), nx_input(g, s, "p"), nx_input(g, other, "a")}, *by[2], *style_by;
            nx_tensor *gram = nx_gram_matrix(g, in[2]),
                      *content = nx_relative_loss(g, nx_content_loss(g, in[0], in[1]), nx_content_energy(g, in[1])),
                      *style = nx_relative_loss(g, nx_style_loss(g, in[0], gram, 0), nx_style_energy(g, gram));
            nx_gradient(g, nx_keep(content), in, 2, by);
            nx_gradient(g, nx_keep(style), in, 1, &style_by);
            nx_keep(by[0]), nx_keep(by[1]), nx_keep(style_by);
            nx_plan *plan = planned(g);
            nx_plan_write(plan, in[0], x.f), nx_plan_write(plan, in[1], p.f), nx_plan_write(plan, in[2], a.f);
            nx_plan_run(plan);
            assert_near("relative content", (double)scalar_of(plan, content), d / energy, 1e-5);
            assert_near("relative style", (double)scalar_of(plan, style), e, 1e-5);
            double *want = nx_alloc(count * sizeof *want), *slope = style_gradient(&x, &a);
            for (int side = 0; side < 2; side++) {
                for (size_t i = 0; i < count; i++)
                    want[i] = (side ? -2 : 2) * (x.d[i] - p.d[i]) / (double)count / energy;
                float *got = values_of(plan, by[side]);
                good &= test_close(side ? "relative content by the target" : "relative content", got, want, s, 1e-5);
                free(got);
            }
            for (size_t i = 0; i < count; i++) slope[i] /= style_energy(&a);
            float *got = values_of(plan, style_by);
            good &= test_close("relative style", got, slope, s, 1e-5);
            free(got);
            free(want);
            free(slope);
            nx_plan_free(plan);
            nx_graph_free(g);
            features_free(&x);
            features_free(&p);
            features_free(&a);
        }
    assert_true(good);
}

/* A scalar of x and its gradient by x. */
static void scalar_and_gradient(nx_graph *g, nx_tensor *x, nx_tensor *y, const float *values, double *value,
                                float **gradient)
{
    nx_tensor *dx;
    nx_gradient(g, nx_keep(y), &x, 1, &dx);
    nx_keep(dx);
    nx_plan *plan = planned(g);
    nx_plan_write(plan, x, values);
    nx_plan_run(plan);
    *value = (double)scalar_of(plan, y);
    *gradient = values_of(plan, dx);
    nx_plan_free(plan);
    nx_graph_free(g);
}

/* ---- total variation ---- */

static void total_variation_is_the_sum_of_differences(void **state)
{
    (void)state;
    bool good = true;
    for (int kind = 0; kind < 2; kind++)
        for (int k = 0; k < SIZES; k++) {
            nx_shape s = {2, sizes[k].h, sizes[k].w, k ? 3 : 1};
            features x = features_new("tv", s, -120, 130);
            size_t count = nx_shape_count(s), row = (size_t)(s.w * s.c);
            double sum = 0, *want = nx_alloc(count * sizeof *want), value;
            for (size_t i = 0; i < count; i++)
                for (int down = 0; down < 2; down++) {
                    size_t column = i % row / (size_t)s.c, line = i / row % (size_t)s.h;
                    if (down ? line + 1 == (size_t)s.h : column + 1 == (size_t)s.w) continue;
                    size_t next = i + (down ? row : (size_t)s.c);
                    double d = x.d[next] - x.d[i], slope = kind == NX_VARIATION_L1 ? (d > 0) - (d < 0) : 2 * d;
                    sum += (kind == NX_VARIATION_L1 ? fabs(d) : d * d) / s.n;
                    want[next] += slope / s.n;
                    want[i] -= slope / s.n;
                }
            float *got;
            nx_graph *g = nx_graph_new(&test_device()->info);
            nx_tensor *in = nx_input(g, s, "x");
            scalar_and_gradient(g, in, nx_total_variation(g, in, (nx_variation)kind), x.f, &value, &got);
            if (sum > 0)
                assert_near("total variation", value, sum, 1e-5);
            else
                assert_true(value == 0);
            good &= test_close("gradient of total variation", got, want, s, 1e-5);
            free(got);
            free(want);
            features_free(&x);
        }
    assert_true(good);
}

/* ---- diversity ---- */

/* Minus the entropy of texture networks with N images of D numbers, as it was released and as eq. 10 says. */
static void diversity_is_the_entropy_of_neighbours(void **state)
{
    (void)state;
    enum { N = 5 };
    nx_shape s = {N, 6, 7, 3};
    features x = features_new("samples", s, -100, 120);
    size_t count = nx_shape_count(s), image = count / N;
    bool good = true;
    for (int literal = 0; literal < 2; literal++) {
        double sum = 0, *want = nx_alloc(count * sizeof *want), value;
        for (int i = 0; i < N; i++) {
            int near = -1;
            double least = INFINITY;
            for (int j = 0; j < N; j++) {
                double distance = 0;
                for (size_t k = 0; k < image; k++) {
                    double d = image_of(&x, i)[k] - image_of(&x, j)[k];
                    distance += d * d;
                }
                if (j != i && distance < least) least = distance, near = j;
            }
            sum += literal ? -log(sqrt(least)) / N : -(double)image / N * log(least);
            for (size_t k = 0; k < image; k++) {
                double d = image_of(&x, i)[k] - image_of(&x, near)[k];
                double slope = literal ? -d / least / N : -2 * d / (least + 0.1);
                want[(size_t)i * image + k] += slope;
                want[(size_t)near * image + k] -= slope;
            }
        }
        float *got;
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_tensor *in = nx_input(g, s, "x");
        nx_tensor *term = nx_entropy(g, in, (nx_entropy_options){.literal = literal});
        scalar_and_gradient(g, in, term, x.f, &value, &got);
        assert_near(literal ? "literal entropy" : "released entropy", value, sum, 1e-5);
        good &= test_close(literal ? "literal gradient" : "released gradient", got, want, s, 1e-5);
        free(got);
        free(want);
    }
    features_free(&x);
    assert_true(good);
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_convention_is_a_factor),
        cmocka_unit_test(losses_of_batches_are_means),
        cmocka_unit_test(gradients_are_the_papers),
        cmocka_unit_test(normalized_gradients_have_norm_strength),
        cmocka_unit_test(relative_losses_are_in_units_of_the_target),
        cmocka_unit_test(total_variation_is_the_sum_of_differences),
        cmocka_unit_test(diversity_is_the_entropy_of_neighbours),
    };
    int failed = cmocka_run_group_tests_name("losses", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
