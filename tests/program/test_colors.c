/* The colours of a content on a stylized picture: what each way promises, on random pixels. */
#include "../io/scratch.h"

#include "apply/colors.h"
#include "base/rng.h"

#include <math.h>

enum { PIXELS = 500 };

/* Numbers between `low` and `high`, the channels leaning on each other. */
static void fill(float *rgb, uint64_t seed, float low, float high)
{
    nx_rng rng = nx_rng_new(seed, 0);
    for (int i = 0; i < PIXELS; i++) {
        float shared = nx_rng_uniform(&rng);
        for (int k = 0; k < 3; k++)
            rgb[3 * i + k] = low + (high - low) * (0.6f * shared + 0.4f * nx_rng_uniform(&rng) * (float)(k + 1) / 3);
    }
}

static double luma(const float *p) { return 0.299 * (double)p[0] + 0.587 * (double)p[1] + 0.114 * (double)p[2]; }

static void test_yuv(void **state)
{
    (void)state;
    float stylized[3 * PIXELS], content[3 * PIXELS], out[3 * PIXELS];
    fill(stylized, 1, 0, 255);
    fill(content, 2, 0, 255);
    memcpy(out, stylized, sizeof out);
    color_keep_yuv(out, content, PIXELS);
    for (int i = 0; i < 3 * PIXELS; i += 3) {
        assert_float_equal(luma(out + i), luma(stylized + i), 1e-3);
        double u = (double)out[i + 2] - luma(out + i), v = (double)out[i] - luma(out + i);
        assert_float_equal(u, (double)content[i + 2] - luma(content + i), 1e-3);
        assert_float_equal(v, (double)content[i] - luma(content + i), 1e-3);
    }
}

/* Lightness alone, by numbers of others: CIELAB of sRGB under D65 (Lindbloom) gives white, black, red, green and blue L
 * = 100, 0, 53.24, 87.73 and 32.30, which greys of these values have too. */
static void test_lab(void **state)
{
    (void)state;
    float out[] = {255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255}, content[15];
    static const float wanted[5] = {255, 0, 127.12f, 219.93f, 75.95f};
    for (int i = 0; i < 15; i++) content[i] = 119;
    color_keep_lab(out, content, 5);
    for (int i = 0; i < 15; i++) assert_float_equal(out[i], wanted[i / 3], 0.05);

    /* the colours of red on the grey of its lightness are red again */
    float grey[] = {127.12f, 127.12f, 127.12f};
    color_keep_lab(grey, (const float[]){255, 0, 0}, 1);
    for (int k = 0; k < 3; k++) assert_float_equal(grey[k], k ? 0 : 255, 0.5);

    float same[3 * PIXELS], before[3 * PIXELS];
    fill(same, 3, 0, 255);
    memcpy(before, same, sizeof same);
    color_keep_lab(same, before, PIXELS); /* a picture's own colours leave it as it is */
    for (int i = 0; i < 3 * PIXELS; i++) assert_float_equal(same[i], before[i], 0.01);
}

/* ---- matching ---- */

/* Mean and covariance in two passes, as their definitions say. */
static void statistics_of(const float *rgb, int pixels, double mean[3], double covariance[3][3])
{
    for (int k = 0; k < 3; k++) {
        mean[k] = 0;
        for (int i = 0; i < pixels; i++) mean[k] += (double)rgb[3 * i + k] / pixels;
    }
    for (int k = 0; k < 3; k++)
        for (int l = 0; l < 3; l++) {
            covariance[k][l] = 0;
            for (int i = 0; i < pixels; i++)
                covariance[k][l] += ((double)rgb[3 * i + k] - mean[k]) * ((double)rgb[3 * i + l] - mean[l]) / pixels;
        }
}

static void test_gather(void **state)
{
    (void)state;
    float rgb[3 * PIXELS];
    color_statistics s = {0};
    double mean[3], covariance[3][3];
    fill(rgb, 4, 30, 90);
    color_gather(&s, rgb, PIXELS / 3); /* in two parts */
    color_gather(&s, rgb + 3 * (PIXELS / 3), PIXELS - PIXELS / 3);
    statistics_of(rgb, PIXELS, mean, covariance);
    assert_float_equal(s.count, PIXELS, 0);
    for (int k = 0; k < 3; k++) {
        assert_float_equal(s.mean[k], mean[k], 1e-9 * mean[k]);
        for (int l = 0; l < 3; l++)
            assert_float_equal(s.squares[k][l] / PIXELS, covariance[k][l], 1e-9 * covariance[k][k]);
    }
}

static void test_match(void **state)
{
    (void)state;
    float stylized[3 * PIXELS], content[3 * PIXELS];
    color_statistics from = {0}, to = {0};
    double mean[2][3], covariance[2][3][3], before[3], spread[3][3];
    fill(stylized, 4, 30, 90);
    fill(content, 5, 0, 255);
    statistics_of(stylized, PIXELS, before, spread);
    color_gather(&from, stylized, PIXELS);
    color_gather(&to, content, PIXELS);
    color_map map = color_match(&from, &to);
    color_apply(&map, stylized, PIXELS);
    statistics_of(stylized, PIXELS, mean[0], covariance[0]);
    statistics_of(content, PIXELS, mean[1], covariance[1]);
    for (int i = 0; i < 3; i++) {
        assert_true(fabs(before[i] - mean[1][i]) > 10); /* there was something to do */
        assert_true(covariance[1][i][i] > 4 * spread[i][i]);
        assert_float_equal(mean[0][i], mean[1][i], 1e-4);
        for (int j = 0; j < 3; j++)
            assert_float_equal(covariance[0][i][j], covariance[1][i][j],
                               1e-5 * sqrt(covariance[1][i][i] * covariance[1][j][j]));
    }
}

/* The root that is taken is the symmetric one: colours that spread alike in all directions are stretched and not
 * turned, and those that are right already stay where they are. */
static void test_root(void **state)
{
    (void)state;
    float even[3 * 6] = {110, 100, 90, 90, 100, 90, 100, 110, 90, 100, 90, 90, 100, 100, 100, 100, 100, 80};
    float content[3 * PIXELS], same[3 * PIXELS];
    color_statistics from = {0}, to = {0};
    fill(content, 5, 0, 255);
    color_gather(&from, even, 6);
    color_gather(&to, content, PIXELS);
    color_map map = color_match(&from, &to);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < i; j++) {
            assert_float_equal(map.matrix[i][j], map.matrix[j][i], 1e-9);
            assert_true(map.matrix[i][j] > 0.1); /* the channels lean on each other */
        }
    memcpy(same, content, sizeof same);
    map = color_match(&to, &to);
    color_apply(&map, same, PIXELS);
    for (int i = 0; i < 3 * PIXELS; i++) assert_float_equal(same[i], content[i], 1e-3);
}

/* A grey picture has no spread of colours to be widened: it is spread along one direction as much as the content is
 * along grey, and not further. */
static void test_grey(void **state)
{
    (void)state;
    float grey[3 * PIXELS], content[3 * PIXELS];
    color_statistics from = {0}, to = {0};
    double mean[2][3], covariance[2][3][3], along = 0, all = 0;
    fill(content, 6, 0, 255);
    for (int i = 0; i < 3 * PIXELS; i++) grey[i] = (float)(i / 3 % 200);
    color_gather(&from, grey, PIXELS);
    color_gather(&to, content, PIXELS);
    color_map map = color_match(&from, &to);
    color_apply(&map, grey, PIXELS);
    statistics_of(grey, PIXELS, mean[0], covariance[0]);
    statistics_of(content, PIXELS, mean[1], covariance[1]);
    for (int i = 0; i < 3; i++) {
        assert_float_equal(mean[0][i], mean[1][i], 1e-3);
        all += covariance[0][i][i];
        for (int j = 0; j < 3; j++) along += covariance[1][i][j] / 3;
    }
    assert_float_equal(all, along, 1e-4 * along);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yuv),   cmocka_unit_test(test_lab),  cmocka_unit_test(test_gather),
        cmocka_unit_test(test_match), cmocka_unit_test(test_root), cmocka_unit_test(test_grey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
