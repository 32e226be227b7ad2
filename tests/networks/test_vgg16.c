/* A second descriptor: VGG-16 from conv1_1 to fc8 against its twin in double (tests/reference/vgg16.py), from files of
 * torchvision and of Keras; and files of one network told from those of another. */
#include "../given.h"
#include "../io/scratch.h"

#include "base/log.h"
#include "io/hdf5.h"
#include "io/tensors.h"
#include "networks/descriptor_files.h"
#include "nn/loss.h"
#include "ops/affine.h"
#include "ops/weighted_sum.h"
#include "planned.h"
#include "reference.h"

/* The twin's: torchvision's number, Keras's group, outputs. */
enum { LAYERS = 16, CONVOLUTIONS = 13, SIDE = 224, POOL5_PIXELS = 49 };
static const struct {
    const char *name, *torchvision, *keras;
    int out;
} file_layers[LAYERS] = {
    {"conv1_1", "features.0", "block1_conv1", 3},
    {"conv1_2", "features.2", "block1_conv2", 4},
    {"conv2_1", "features.5", "block2_conv1", 5},
    {"conv2_2", "features.7", "block2_conv2", 4},
    {"conv3_1", "features.10", "block3_conv1", 6},
    {"conv3_2", "features.12", "block3_conv2", 5},
    {"conv3_3", "features.14", "block3_conv3", 6},
    {"conv4_1", "features.17", "block4_conv1", 7},
    {"conv4_2", "features.19", "block4_conv2", 6},
    {"conv4_3", "features.21", "block4_conv3", 7},
    {"conv5_1", "features.24", "block5_conv1", 6},
    {"conv5_2", "features.26", "block5_conv2", 7},
    {"conv5_3", "features.28", "block5_conv3", 5},
    {"fc6", "classifier.0", "fc1", 12},
    {"fc7", "classifier.3", "fc2", 10},
    {"fc8", "classifier.6", "predictions", 8},
};
static const char *const layers[] = {"conv1_1", "conv1_2", "pool1",   "conv2_1", "conv2_2", "pool2",   "conv3_1",
                                     "conv3_2", "conv3_3", "pool3",   "conv4_1", "conv4_2", "conv4_3", "pool4",
                                     "conv5_1", "conv5_2", "conv5_3", "pool5",   "fc6",     "fc7",     "fc8"};
enum { FEATURES = sizeof layers / sizeof *layers };

static const descriptor_network *network_named(const char *name)
{
    for (size_t i = 0;; i++) {
        const descriptor_network *n = descriptor_network_at(i);
        if (!n || !strcmp(n->name, name)) return n;
    }
}

static double number(uint32_t tensor, uint32_t i)
{
    uint32_t u = i * 2654435761u + tensor * 40503u;
    u ^= u >> 16;
    u *= 2246822519u;
    u ^= u >> 13;
    return u / 4294967296. - .5;
}

static int inputs_of(int i) { return !i ? 3 : file_layers[i - 1].out * (i == CONVOLUTIONS ? POOL5_PIXELS : 1); }
static int taps_of(int i) { return i < CONVOLUTIONS ? 9 : 1; }

/* In PyTorch's order. Owned by the caller. */
static float *file_weight(int i)
{
    int inputs = inputs_of(i) * taps_of(i), count = inputs * file_layers[i].out;
    float *out = nx_alloc((size_t)count * sizeof *out);
    for (int k = 0; k < count; k++) out[k] = (float)(2 * number(2 * (uint32_t)i, (uint32_t)k) * sqrt(6. / inputs));
    return out;
}

static float *file_bias(int i)
{
    float *out = nx_alloc((size_t)file_layers[i].out * sizeof *out);
    for (int k = 0; k < file_layers[i].out; k++) out[k] = (float)(.2 * number(2 * (uint32_t)i + 1, (uint32_t)k));
    return out;
}

/* The first `count` layers under torchvision's names. */
static void write_torchvision(const char *path, int count)
{
    static const nx_metadata metadata[] = {{"input", "RGB, 0 to 255, minus mean"}, {"mean", "124,117,104"}};
    nx_tensor_entry entries[2 * LAYERS];
    char names[2 * LAYERS][32];
    nx_error err = {""};
    for (int i = 0; i < count; i++) {
        snprintf(names[2 * i], sizeof *names, "%s.weight", file_layers[i].torchvision);
        snprintf(names[2 * i + 1], sizeof *names, "%s.bias", file_layers[i].torchvision);
        entries[2 * i] = (nx_tensor_entry){
            names[2 * i], i < CONVOLUTIONS ? 4 : 2, {file_layers[i].out, inputs_of(i), 3, 3}, file_weight(i)};
        entries[2 * i + 1] = (nx_tensor_entry){names[2 * i + 1], 1, {file_layers[i].out}, file_bias(i)};
    }
    if (!nx_tensors_save_safetensors(path, entries, 2 * (size_t)count, metadata, 2, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < 2 * count; i++) free((float *)entries[i].data);
}

/* The same as Keras has it: kernels HWIO, and fc1 takes pool5 as row, column, channel. */
static void write_keras(const char *path, int count)
{
    nx_error err = {""};
    nx_h5 *file;
    bool good = nx_h5_create(&file, path, &err);
    for (int i = 0; good && i < count; i++) {
        int in = inputs_of(i), out = file_layers[i].out, taps = taps_of(i);
        int shape[4] = {3, 3, in, out}, channels = i == CONVOLUTIONS ? in / POOL5_PIXELS : in;
        float *theirs = file_weight(i), *bias = file_bias(i),
              *keras = nx_alloc((size_t)(taps * in * out) * sizeof *keras);
        for (int o = 0; o < out; o++)
            for (int k = 0; k < in; k++)
                for (int tap = 0; tap < taps; tap++) {
                    int place = k % (in / channels) * channels + k / (in / channels);
                    keras[(tap * in + place) * out + o] = theirs[(o * in + k) * taps + tap];
                }
        char *name = nx_format("/%s/%s_W_1:0", file_layers[i].keras, file_layers[i].keras);
        good = nx_h5_write_float(file, name, keras, taps == 9 ? 4 : 2, taps == 9 ? shape : shape + 2, &err);
        free(name);
        name = nx_format("/%s/%s_b_1:0", file_layers[i].keras, file_layers[i].keras);
        good = good && nx_h5_write_float(file, name, bias, 1, &out, &err);
        free(name);
        free(theirs);
        free(keras);
        free(bias);
    }
    if (!good || !nx_h5_close(file, &err)) fail_msg("%s", err.text);
}

static float *picture(void)
{
    float *rgb = nx_alloc(SIDE * SIDE * 3 * sizeof *rgb), *at = rgb;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) *at++ = (float)((7 * y * y + 13 * x + 101 * c + (x * y * (c + 3)) % 97) % 256);
    return rgb;
}

static bool check(reference *r, const char *input, const char *of, const char *quantity, double got, double scale)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s.%s", input, of, quantity);
    return reference_check(r, name, got, scale, 1e-4);
}

/* Values at the twin's places, relative to scale. */
static bool check_places(reference *r, const char *input, const char *of, const float *v, nx_shape s, double scale)
{
    bool good = true;
    for (int k = 0; k < 4; k++) {
        char name[8];
        snprintf(name, sizeof name, "at%d", k);
        int at = ((37 * k + 5) % s.h * s.w + (53 * k + 11) % s.w) * s.c + (7 * k + 3) % s.c;
        good &= check(r, input, of, name, (double)v[at], scale);
    }
    return good;
}

static bool check_features(reference *r, const char *input, const char *layer, const float *v, nx_shape s)
{
    size_t count = nx_shape_count(s);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += (double)v[i], squares += (double)v[i] * (double)v[i];
    double rms = sqrt(squares / (double)count);
    return check(r, input, layer, "mean", sum / (double)count, rms) & check(r, input, layer, "l2", sqrt(squares), 0) &
           check_places(r, input, layer, v, s, rms);
}

static bool check_gradient(reference *r, const char *input, const float *v, nx_shape s)
{
    double l2 = 0, l1 = 0, most = 0;
    for (size_t i = 0; i < nx_shape_count(s); i++) {
        double d = fabs((double)v[i]);
        l2 += d * d, l1 += d;
        most = fmax(most, d);
    }
    return check(r, input, "grad", "l2", sqrt(l2), 0) & check(r, input, "grad", "l1", l1, 0) &
           check(r, input, "grad", "max", most, 0) & check_places(r, input, "grad", v, s, most);
}

static bool agrees(reference *r, const char *input, const char *path, config_preprocessing preprocessing)
{
    static const char *const compared[] = {"conv1_2", "conv3_3", "conv5_3", "fc6", "fc7", "fc8"};
    enum { TERMS = sizeof compared / sizeof *compared };
    nx_error err = {""};
    descriptor *d;
    descriptor_options options = {.network = network_named("vgg16"), .weights = path, .preprocessing = preprocessing};
    if (!descriptor_new(&d, &options, layers, FEATURES, &err)) fail_msg("%s", err.text);
    nx_params_realize(d->params, test_device());
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_shape shape = {1, SIDE, SIDE, 3};
    float one[3] = {1, 1, 1}, shift[3] = {-d->mean[0], -d->mean[1], -d->mean[2]}, weights[TERMS];
    nx_tensor *x = nx_input(g, shape, "x"), *features[FEATURES], *terms[TERMS], *gradient;
    nx_tensor *centered = nx_affine(g, x, nx_constant(g, NX_VECTOR(3), one), nx_constant(g, NX_VECTOR(3), shift));
    if (!descriptor_record(d, g, centered, layers, FEATURES, features, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < FEATURES; i++) nx_keep(features[i]);
    for (int k = 0; k < TERMS; k++)
        for (int i = 0; i < FEATURES; i++) {
            if (strcmp(layers[i], compared[k])) continue;
            float *zeros = nx_alloc(nx_shape_count(features[i]->shape) * sizeof *zeros);
            terms[k] = nx_content_loss(g, features[i], nx_constant(g, features[i]->shape, zeros));
            weights[k] = 1;
            free(zeros);
        }
    nx_gradient(g, nx_weighted_sum(g, terms, weights, TERMS), &x, 1, &gradient);
    nx_keep(gradient);
    nx_plan *plan = planned(g);
    float *rgb = picture();
    nx_plan_write(plan, x, rgb);
    nx_plan_run(plan);
    bool good = true;
    for (int i = 0; i < FEATURES; i++) {
        float *values = values_of(plan, features[i]);
        good &= check_features(r, input, layers[i], values, features[i]->shape);
        free(values);
    }
    float *values = values_of(plan, gradient);
    good &= check_gradient(r, input, values, shape);
    free(values);
    free(rgb);
    nx_plan_free(plan);
    nx_graph_free(g);
    descriptor_free(d);
    return good;
}

static void agrees_with_the_twin(void **state)
{
    (void)state;
    const char *theirs = scratch("vgg16.safetensors"), *keras = scratch("vgg16.h5");
    reference *r = reference_open("vgg16.txt");
    write_torchvision(theirs, LAYERS);
    write_keras(keras, LAYERS);
    bool good = agrees(r, "torchvision", theirs, PREPROCESSING_TORCHVISION);
    good &= agrees(r, "caffe", theirs, PREPROCESSING_CAFFE);
    good &= agrees(r, "caffe", keras, PREPROCESSING_FILE);
    print_message("largest difference %.2g, %s\n", r->worst, r->worst_name);
    assert_true(good);
    assert_int_equal(reference_unused(r, ""), 0);
    reference_free(r);
}

/* Written again with torchvision's names, fc6 to fc8 included, it is the same network. */
static void saving_keeps_every_bit(void **state)
{
    (void)state;
    const char *keras = scratch("bits.h5"), *saved = scratch("bits.safetensors"), *deepest = "fc8";
    nx_error err = {""};
    descriptor *a, *b;
    descriptor_options options = {.network = network_named("vgg16"), .weights = keras};
    write_keras(keras, LAYERS);
    if (!descriptor_new(&a, &options, &deepest, 1, &err) || !descriptor_save(a, saved, NULL, 0, &err))
        fail_msg("%s", err.text);
    options.weights = saved;
    if (!descriptor_new(&b, &options, &deepest, 1, &err)) fail_msg("%s", err.text);
    assert_int_equal(a->params->count, 2 * LAYERS);
    assert_int_equal(b->params->count, 2 * LAYERS);
    for (size_t i = 0; i < a->params->count; i++) {
        const nx_param *p = a->params->items[i], *q = b->params->items[i];
        assert_string_equal(p->name, q->name);
        assert_memory_equal(p->initial, q->initial, nx_shape_count(p->shape) * sizeof(float));
    }
    descriptor_free(a);
    descriptor_free(b);
}

/* ---- whose file it is ---- */

/* Layers of 2 channels by their names in a file; a star: a batch normalization. */
static void write_names(const char *path, const char *const *names, bool keras)
{
    nx_tensor_entry entries[64];
    float values[3 * 2 * 9] = {0};
    char text[64][48];
    nx_error err = {""};
    nx_h5 *file = NULL;
    if (keras && !nx_h5_create(&file, path, &err)) fail_msg("%s", err.text);
    size_t n = 0;
    int in = 3, two = 2;
    for (int i = 0; names[i]; i++) {
        bool norm = *names[i] == '*';
        int dims[4] = {2, in, 3, 3}, hwio[4] = {3, 3, in, 2};
        for (int part = 0; part < 2; part++) {
            snprintf(text[n], sizeof *text, keras ? "/%s/%s_1:0" : "%s.%s", names[i] + norm,
                     keras ? (part ? "b" : "W") : (part ? "bias" : "weight"));
            if (keras && !nx_h5_write_float(file, text[n], values, part ? 1 : 4, part ? &two : hwio, &err))
                fail_msg("%s", err.text);
            entries[n] = (nx_tensor_entry){text[n], part || norm ? 1 : 4, {2}, values};
            if (!part && !norm) memcpy(entries[n].shape, dims, sizeof dims);
            n++;
        }
        in = 2;
    }
    bool ok = keras ? nx_h5_close(file, &err) : nx_tensors_save_safetensors(path, entries, n, NULL, 0, &err);
    if (!ok) fail_msg("%s", err.text);
}

#define TO_3_3 "features.0", "features.2", "features.5", "features.7", "features.10", "features.12", "features.14"
#define BLOCKS "block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2", "block3_conv1", "block3_conv2"

static void files_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *names[24];
        bool keras;
        const char *network, *deepest; /* or: */
        const char *refused;
    } cases[] = {
        {{TO_3_3, "features.16", "features.19"}, false, "vgg19", "conv4_1", NULL},
        {{TO_3_3, "features.17", "features.19", "features.21"}, false, "vgg16", "conv4_3", NULL},
        {{TO_3_3}, false, "vgg19", "conv3_3", NULL}, /* the same in both */
        {{BLOCKS, "block3_conv3", "block3_conv4", "block4_conv1"}, true, "vgg19", "conv4_1", NULL},
        {{BLOCKS, "block3_conv3", "block4_conv1"}, true, "vgg16", "conv4_1", NULL},
        {{"features.0", "*features.1", "features.3", "*features.4", "features.7", "*features.8", "features.10",
          "features.14", "features.17", "features.20", "features.24"},
         false,
         NULL,
         NULL,
         "a VGG-16 with batch normalization (torchvision's vgg16_bn)"},
        {{"features.0", "*features.1", "features.3", "*features.4", "features.7", "features.10", "features.14",
          "features.17", "features.20", "features.23"},
         false,
         NULL,
         NULL,
         "a VGG-19 with batch normalization (torchvision's vgg19_bn)"},
        {{"features.0", "features.3", "features.6", "features.8"},
         false,
         NULL,
         NULL,
         "features.3.weight is of no layer of VGG-19 or VGG-16"}, /* VGG-11 */
        {{"features.0", "features.5", "features.7"}, false, NULL, NULL, "no weights of conv1_2, and of deeper layers"},
        {{"conv1", "conv2"}, false, NULL, NULL, "no VGG-19 or VGG-16: none of features.0.weight, "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = scratch(cases[i].keras ? "names.h5" : "names.safetensors");
        nx_error err = {""};
        descriptor_file found;
        write_names(path, cases[i].names, cases[i].keras);
        bool ok = descriptor_file_look(&found, path, &err);
        if (cases[i].refused) {
            assert_false(ok);
            assert_message(&err, path, cases[i].refused);
            continue;
        }
        if (!ok) fail_msg("%s", err.text);
        assert_string_equal(found.network->name, cases[i].network);
        assert_string_equal(found.deepest, cases[i].deepest);
    }
}

/* As the weights of the other network a file is refused, however shallow the layers; one that could be either is not.
 */
static void another_networks_file_is_refused(void **state)
{
    (void)state;
    static const char *const vgg16[] = {TO_3_3, "features.17", NULL}, *const both[] = {TO_3_3, NULL},
                             *const blocks[] = {BLOCKS, "block3_conv3", "block4_conv1", NULL},
                             *const bn[] = {"features.0", "*features.1", "features.3", NULL}, *const layer = "relu1_1";
    static const struct {
        const char *const *names;
        bool keras;
        const char *wanted, *refused;
    } cases[] = {
        {vgg16, false, "vgg19", "the weights of a VGG-16, not of a VGG-19: set [descriptor] network = vgg16"},
        {blocks, true, "vgg19", "the weights of a VGG-16, not of a VGG-19: set [descriptor] network = vgg16"},
        {bn, false, "vgg16", "with batch normalization"},
        {vgg16, false, "vgg16", NULL},
        {blocks, true, "vgg16", NULL},
        {both, false, "vgg19", NULL},
        {both, false, "vgg16", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = scratch(cases[i].keras ? "other.h5" : "other.safetensors");
        nx_error err = {""};
        descriptor *d = NULL;
        descriptor_options options = {
            .network = network_named(cases[i].wanted), .weights = path, .preprocessing = PREPROCESSING_CAFFE};
        write_names(path, cases[i].names, cases[i].keras);
        bool ok = descriptor_new(&d, &options, &layer, 1, &err);
        if (ok != !cases[i].refused) fail_msg("case %zu: %s", i, err.text);
        if (cases[i].refused) assert_message(&err, path, cases[i].refused);
        if (ok) descriptor_free(d);
    }
}

/* The trained networks that are given, each for what it is. */
static void trained_files_are_told_apart(void **state)
{
    (void)state;
    static const char *const files[][3] = {{"vgg16_full", "vgg16", "conv5_3"},
                                           {"vgg19_slim_to_conv5_1", "vgg19", "conv5_1"},
                                           {"vgg19_normalised_to_conv3_1", "vgg19", "conv3_1"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = nx_format("%s/weights/%s.safetensors", given_data(), files[i][0]);
        nx_error err = {""};
        descriptor_file found;
        if (!descriptor_file_look(&found, path, &err)) fail_msg("%s", err.text);
        assert_string_equal(found.network->name, files[i][1]);
        assert_string_equal(found.deepest, files[i][2]);
        free(path);
    }
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_twin),         cmocka_unit_test(saving_keeps_every_bit),
        cmocka_unit_test(files_are_told_apart),         cmocka_unit_test(another_networks_file_is_refused),
        cmocka_unit_test(trained_files_are_told_apart),
    };
    int failed = cmocka_run_group_tests_name("vgg16", tests, scratch_open, scratch_close);
    test_device_close();
    return failed != 0;
}
