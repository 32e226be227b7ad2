/* How convolution is divided: whatever a device allows, and whichever division is chosen, the sums are the same. */
#include "ops/choice.h"

#include "base/memory.h"
#include "base/rng.h"
#include "harness.h"
#include "ops/conv.h"
#include "ops/mse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t groups[] = {16, 64, 128, 256, 1024};
enum { GROUPS = sizeof groups / sizeof *groups };

void conv_gpu_tiles_fit_the_device(void **state);
void conv_gpu_tiles_fit_the_device(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 16, 27, 100, 5000};
    for (int i = 0; i < GROUPS; i++)
        for (nx_precision p = NX_FP32; p < NX_PRECISIONS; p++)
            for (int r = 0; r < 5; r++)
                for (int k = 0; k < 5; k++) {
                    nx_device_info info = {.units = 8, .max_group = groups[i], .local = 16384};
                    if (p != NX_FP32 && info.max_group < 64) continue; /* no tensor core has so small groups */
                    nx_tile t = *nx_tile_choose(&info, &(nx_sums){sizes[r], sizes[k], 1, 0, p});
                    size_t items = (size_t)(t.pixels / t.rows * (t.channels / t.columns));
                    assert_true(items <= info.max_group && (t.pixels + t.channels) * 64 <= 16384);
                    if (p != NX_FP32) assert_int_equal((size_t)(t.pixels * t.channels), 32 * items);
                }
    nx_device_info large = {.units = 100, .max_group = 1024, .local = 49152};
    assert_int_equal(nx_tile_choose(&large, &(nx_sums){100000, 256, 1, 0, NX_FP32})->channels, 128);
    assert_int_equal(nx_tile_choose(&large, &(nx_sums){100000, 3, 1, 0, NX_FP32})->channels, 16);
    assert_true(nx_tile_choose(&large, &(nx_sums){1000, 256, 1, 0, NX_FP32})->pixels <
                128); /* a few large tiles leave units idle */
}

static float *noise(nx_shape s, const char *name)
{
    float *values = nx_alloc(nx_shape_count(s) * sizeof *values);
    nx_rng rng = nx_rng_new(1, nx_stream(name));
    for (size_t i = 0; i < nx_shape_count(s); i++) values[i] = 2 * nx_rng_uniform(&rng) - 1;
    return values;
}

typedef enum result { FORWARD, BY_WEIGHTS, BY_INPUT, RESULTS } result;

/* The convolution, or a gradient of it, as a device with such limits would compute it. */
static float *convolved(const nx_device_info *info, nx_shape x, nx_shape w, nx_conv_options o, result r, size_t *count)
{
    nx_graph *g = nx_graph_new(info);
    nx_tensor *in[] = {nx_input(g, x, "x"), nx_input(g, w, "w")}, *gradient[2];
    nx_tensor *y = nx_conv(g, in[0], in[1], NULL, o);
    float *zero = nx_alloc(nx_shape_count(y->shape) * sizeof *zero), *values[] = {noise(x, "x"), noise(w, "w")};
    nx_gradient(g, nx_mse(g, y, nx_constant(g, y->shape, zero)), in, 2, gradient);
    nx_tensor *out = r == FORWARD ? y : gradient[r == BY_WEIGHTS];
    *count = nx_shape_count(out->shape);
    float *got = test_run(test_device(), g, in, values, 2, out);
    for (int i = 0; i < 2; i++) free(values[i]);
    free(zero);
    nx_graph_free(g);
    return got;
}

static void assert_near(const float *got, const float *want, size_t count, float tolerance)
{
    float largest = 0;
    for (size_t k = 0; k < count; k++) largest = fmaxf(largest, fabsf(want[k]));
    for (size_t k = 0; k < count; k++) assert_true(fabsf(got[k] - want[k]) <= tolerance * largest);
}

void conv_gpu_tiles_agree(void **state);
void conv_gpu_tiles_agree(void **state)
{
    (void)state;
    if (test_device()->info.family != NX_FAMILY_GPU) skip();
    static const nx_conv_options o = {.stride = 2, .pad = 1, .padding = NX_PADDING_REFLECT};
    static const nx_shape shapes[][2] = {{{2, 21, 38, 8}, {3, 5, 8, 132}}, {{1, 20, 23, 5}, {5, 3, 5, 34}}};
    for (int s = 0; s < 2; s++)
        for (result r = FORWARD; r <= BY_WEIGHTS; r++) {
            float *want = NULL;
            for (int i = 0; i < GROUPS; i++) {
                nx_device_info info = test_device()->info;
                size_t count;
                info.max_group = groups[i];
                info.units = i < GROUPS - 1 ? 1 : 16; /* the last: smaller tiles, and more splits */
                float *got = convolved(&info, shapes[s][0], shapes[s][1], o, r, &count);
                if (!i) {
                    want = got;
                    continue;
                }
                if (r == FORWARD) assert_memory_equal(got, want, count * sizeof *got); /* the same sums in one order */
                assert_near(got, want, count, 2e-6f);
                free(got);
            }
            free(want);
        }
}

/* Of so many tiles Winograd's takes two strips. */
void conv_gpu_strips_agree(void **state);
void conv_gpu_strips_agree(void **state)
{
    (void)state;
    if (test_device()->info.family != NX_FAMILY_GPU) skip();
    static const char *const answers[] = {"direct", "winograd"};
    for (result r = FORWARD; r <= BY_WEIGHTS; r++) {
        float *got[2];
        size_t count;
        nx_wisdom_forget();
        for (int i = 0; i < 2; i++) {
            nx_wisdom_set("conv 3x3, 1x1x8000x64 to 1x1x8000x64, zoom 1", answers[i]);
            nx_wisdom_set("weights 3x3, 1x1x8000x64 to 1x1x8000x64, zoom 1", answers[i]);
            got[i] = convolved(&test_device()->info, (nx_shape){1, 1, 8000, 64}, (nx_shape){3, 3, 64, 64},
                               (nx_conv_options){.pad = 1}, r, &count);
        }
        assert_memory_not_equal(got[0], got[1], count * sizeof(float)); /* other algorithms, other last bits */
        assert_near(got[1], got[0], count, 5e-6f);
        for (int i = 0; i < 2; i++) free(got[i]);
    }
    nx_wisdom_forget();
}

/* Whether the convolution is planned with that kernel. */
static bool launches(const nx_device_info *info, nx_shape x, nx_shape w, nx_conv_options o, const char *kernel)
{
    nx_graph *g = nx_graph_new(info);
    nx_plan *plan;
    nx_error err;
    nx_program_list list = {0};
    bool found = false;
    nx_keep(nx_conv(g, nx_input(g, x, "x"), nx_input(g, w, "w"), NULL, o));
    if (!nx_plan_new(&plan, g, &err)) fail_msg("%s", err.text);
    nx_plan_programs(plan, &list);
    for (size_t i = 0; i < list.count; i++) found = found || strstr(list.names[i], kernel);
    nx_program_list_free(&list);
    nx_plan_free(plan);
    nx_graph_free(g);
    return found;
}

/* On processors Winograd's algorithm keeps the transformed kernel or makes it anew for each strip of tiles. Strips,
 * cores that share one, and a strip that is not full give the same bits. */
void conv_large_kernels_agree(void **state);
void conv_large_kernels_agree(void **state)
{
    (void)state;
    if (test_device()->info.family != NX_FAMILY_CPU) skip();
    static const nx_conv_options o = {.pad = 1, .padding = NX_PADDING_REFLECT, .activation = NX_ACTIVATION_RELU};
    static const uint64_t caches[] = {32 << 20, 4 << 20, 4 << 20, 4 << 20};
    static const unsigned units[] = {2, 2, 3, 40};
    static const char *const answers[] = {"winograd", "winograd 6x6"};
    nx_shape x = {2, 66, 50, 136}, w = {3, 3, 136, 200};
    nx_wisdom_forget();
    for (size_t a = 0; a < 2; a++) {
        nx_wisdom_set("conv 3x3, 2x66x50x136 to 2x66x50x200, zoom 1", answers[a]);
        nx_wisdom_set("conv 3x3, 2x66x50x200 to 2x68x52x136, zoom 1",
                      answers[a]); /* the gradient by the input, padded */
        for (result r = FORWARD; r < RESULTS; r += BY_INPUT) {
            float *want = NULL;
            for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
                nx_device_info info = test_device()->info;
                size_t count;
                info.cache = caches[i];
                info.units = units[i];
                assert_true(launches(&info, x, w, o, "winograd_large") == (i > 0));
                float *got = convolved(&info, x, w, o, r, &count);
                if (want) assert_memory_equal(got, want, count * sizeof *got);
                if (want) free(got);
                want = want ? want : got;
            }
            free(want);
        }
    }
    nx_wisdom_forget();
}
