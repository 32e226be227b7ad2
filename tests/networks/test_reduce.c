/* A narrow descriptor made of a wide one: with as many channels as the teacher it is the teacher, with fewer it keeps
 * more of the kernel than chance does. */
#include "../given.h"

#include "networks/descriptor_reduce.h"
#include "ops/affine.h"
#include "ops/scale.h"
#include "planned.h"

enum { SIDE = 64, BATCH = 2, LAYERS = 3 };
#define INPUT_SCALE 60.f

static const char *const layers[LAYERS] = {"relu1_1", "relu1_2", "relu2_1"};

static descriptor *network(float width, uint64_t seed)
{
    descriptor *d;
    nx_error err;
    descriptor_options options = {.init = INIT_HE, .width = width, .seed = seed, .padding = DESCRIPTOR_PADDING_REFLECT};
    if (!descriptor_new(&d, &options, layers, LAYERS, &err)) fail_msg("%s", err.text);
    return d;
}

/* Smooth pictures with edges. */
static bool read_pictures(void *context, size_t batch, float *pixels, nx_error *err)
{
    nx_rng rng = nx_rng_new(batch, nx_stream("pictures"));
    (void)context, (void)err;
    for (int n = 0; n < BATCH; n++) {
        float a = nx_rng_uniform(&rng) * .4f, b = nx_rng_uniform(&rng) * .4f, c = nx_rng_uniform(&rng) * SIDE;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                for (int k = 0; k < 3; k++)
                    *pixels++ = 128 + 60 * sinf(a * (float)x + b * (float)(y * (k + 1))) + ((float)x > c ? 40 : -40) +
                                20 * nx_rng_uniform(&rng);
    }
    return true;
}

static const descriptor_images images = {.shape = {BATCH, SIDE, SIDE, 3}, .batches = 8, .read = read_pictures};
static const descriptor_reduction options = {.floor = 1000, .input_scale = INPUT_SCALE, .border = 4};

/* The features of a layer on pictures that were not learned from; owned by the caller. */
static float *features_of(descriptor *d, nx_device *device, const char *layer, const float mean[3], float scale,
                          nx_shape *shape)
{
    nx_error err;
    nx_graph *g = nx_graph_new(&device->info);
    float one[3] = {1, 1, 1}, shift[3] = {-mean[0], -mean[1], -mean[2]};
    nx_tensor *x = nx_input(g, images.shape, "x"), *y;
    nx_tensor *in = nx_affine(g, x, nx_constant(g, NX_VECTOR(3), one), nx_constant(g, NX_VECTOR(3), shift));
    if (!descriptor_record(d, g, nx_scale(g, in, scale), &layer, 1, &y, &err)) fail_msg("%s", err.text);
    nx_keep(y);
    nx_params_realize(d->params, device);
    nx_plan *plan = planned(g);
    float *pixels = nx_alloc(nx_shape_count(images.shape) * sizeof *pixels);
    read_pictures(NULL, 100, pixels, NULL);
    nx_plan_write(plan, x, pixels);
    nx_plan_run(plan);
    float *values = values_of(plan, y);
    *shape = y->shape;
    free(pixels);
    nx_plan_free(plan);
    nx_graph_free(g);
    return values;
}

/* 1 - the cosine of both kernels between some positions. */
static double kernels_differ(descriptor *student, descriptor *teacher, nx_device *device, const char *layer)
{
    enum { SOME = 60, STEP = 17 };
    nx_shape s, t;
    float *a = features_of(student, device, layer, teacher->mean, 1 / INPUT_SCALE, &s),
          *b = features_of(teacher, device, layer, teacher->mean, 1, &t),
          *scales = nx_alloc((size_t)t.c * sizeof *scales);
    for (size_t i = 0; i < nx_shape_count(t); i++) scales[i % (size_t)t.c] += b[i] * b[i];
    descriptor_scales_of(scales, t.c, options.floor, scales);
    double dot = 0, aa = 0, bb = 0;
    for (int p = 0; p < SOME; p++)
        for (int q = 0; q < SOME; q++) {
            double ka = 0, kb = 0;
            for (int c = 0; c < s.c; c++) ka += (double)a[p * STEP * s.c + c] * (double)a[q * STEP * s.c + c];
            for (int c = 0; c < t.c; c++)
                kb += (double)(scales[c] * b[p * STEP * t.c + c]) * (double)(scales[c] * b[q * STEP * t.c + c]);
            dot += ka * kb, aa += ka * ka, bb += kb * kb;
        }
    free(scales);
    free(b);
    free(a);
    return 1 - dot / sqrt(aa * bb);
}

static void reduced(float width, float teacher_width, double *after, double *before)
{
    nx_device *device = test_device();
    nx_error err;
    descriptor *teacher = network(teacher_width, 1), *student = network(width, 2);
    if (before)
        for (int i = 0; i < LAYERS; i++) before[i] = kernels_differ(student, teacher, device, layers[i]);
    if (!descriptor_reduce(student, teacher, device, &images, &options, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < LAYERS; i++) {
        after[i] = kernels_differ(student, teacher, device, layers[i]);
        print_message("%s: 1 - cosine of the kernels %.2g\n", layers[i], after[i]);
    }
    descriptor_free(student);
    descriptor_free(teacher);
}

static void test_same_width_is_the_teacher(void **state)
{
    double after[LAYERS];
    (void)state;
    reduced(0.125f, 0.125f, after, NULL);
    for (int i = 0; i < LAYERS; i++) assert_true(after[i] < 1e-3);
}

static void test_fewer_channels_keep_the_kernel(void **state)
{
    double after[LAYERS], before[LAYERS];
    (void)state;
    reduced(0.0625f, 0.25f, after, before);
    for (int i = 0; i < LAYERS; i++) assert_true(after[i] < before[i] / 2);
}

static void test_wider_student(void **state)
{
    double after[LAYERS];
    (void)state;
    reduced(0.125f, 0.0625f, after, NULL);
    for (int i = 0; i < LAYERS; i++) assert_true(after[i] < 1e-3);
}

static void test_scales(void **state)
{
    const float squares[4] = {4, 1, 0, 1e-8f};
    float scales[4];
    double energy = 0;
    (void)state;
    descriptor_scales_of(squares, 4, 0.1, scales);
    for (int k = 0; k < 4; k++) energy += (double)(scales[k] * scales[k] * squares[k]) / 4;
    assert_true(fabs(energy - 1) < 1e-6);
    assert_true(fabsf(scales[1] / scales[0] - 2) < 1e-5f); /* over the roots, 2 and 1 */
    assert_true(scales[2] == scales[3]);                   /* the floor */
    descriptor_scales_of(squares, 4, 1000, scales);
    for (int k = 1; k < 4; k++) assert_true(fabsf(scales[k] / scales[0] - 1) < 1e-6f);
    descriptor_scales_of((float[]){0, 0}, 2, 0.1, scales);
    assert_true(scales[0] == 1 && scales[1] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_width_is_the_teacher),
                                       cmocka_unit_test(test_fewer_channels_keep_the_kernel),
                                       cmocka_unit_test(test_wider_student), cmocka_unit_test(test_scales)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_device_close();
    return failed;
}
