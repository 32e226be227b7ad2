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

/* Numbers of others: CIELAB of sRGB red, green and blue under D65 (Lindbloom). */
static void test_lab(void **state)
{
    (void)state;
    /* lightness of pure green is 87.73, of white 100, of black 0; their colours put on it */
    float out[] = {255, 255, 255, 0, 0, 0, 0, 255, 0}, content[] = {119, 119, 119, 119, 119, 119, 119, 119, 119};
    color_keep_lab(out, content, 3);
    const float wanted[] = {255, 255, 255, 0, 0, 0, 220, 220, 220}; /* grey 220 has L = 87.6, 221 has 88.0 */
    for (int i = 0; i < 9; i++) assert_float_equal(out[i], wanted[i], 1);

    float same[3 * PIXELS], before[3 * PIXELS];
    fill(same, 3, 0, 255);
    memcpy(before, same, sizeof same);
    color_keep_lab(same, before, PIXELS); /* a picture's own colours leave it as it is */
    for (int i = 0; i < 3 * PIXELS; i++) assert_float_equal(same[i], before[i], 0.01);
}

static void test_match(void **state)
{
    (void)state;
    float stylized[3 * PIXELS], content[3 * PIXELS];
    color_statistics from = {0}, to = {0}, after = {0};
    fill(stylized, 4, 30, 90);
    fill(content, 5, 0, 255);
    color_gather(&from, stylized, PIXELS / 2); /* in two parts */
    color_gather(&from, stylized + 3 * (PIXELS / 2), PIXELS - PIXELS / 2);
    color_gather(&to, content, PIXELS);
    color_map map = color_match(&from, &to);
    color_apply(&map, stylized, PIXELS);
    color_gather(&after, stylized, PIXELS);
    for (int i = 0; i < 3; i++) {
        assert_float_equal(after.mean[i], to.mean[i], 1e-3);
        for (int j = 0; j < 3; j++)
            assert_float_equal(after.squares[i][j] / PIXELS, to.squares[i][j] / PIXELS,
                               1e-3 * fabs(to.squares[i][i]) / PIXELS);
        for (int j = 0; j < i; j++) assert_true(fabs(map.matrix[i][j] - map.matrix[j][i]) < 2); /* no rotation */
    }
    double mean = 0;
    for (int i = 0; i < PIXELS; i++) mean += (double)content[3 * i] / PIXELS;
    assert_float_equal(to.mean[0], mean, 1e-6 * PIXELS);
}

/* A grey picture has no spread of colours to be widened: nothing becomes infinite. */
static void test_grey(void **state)
{
    (void)state;
    float grey[3 * PIXELS], content[3 * PIXELS];
    color_statistics from = {0}, to = {0};
    fill(content, 6, 0, 255);
    for (int i = 0; i < 3 * PIXELS; i++) grey[i] = (float)(i / 3 % 200);
    color_gather(&from, grey, PIXELS);
    color_gather(&to, content, PIXELS);
    color_map map = color_match(&from, &to);
    color_apply(&map, grey, PIXELS);
    for (int i = 0; i < 3 * PIXELS; i++) assert_true(fabsf(grey[i]) < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yuv),
        cmocka_unit_test(test_lab),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_grey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
