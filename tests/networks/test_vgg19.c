/* The descriptor: its losses and gradients against their twin in double (tests/reference/improved_texnet.py, with the
 * trained weights of NSTX_TEST_DATA), rescaling, names, shapes, and what files of weights may look like. */
#include "../given.h"
#include "../io/pth.h"
#include "../io/scratch.h"

#include "base/log.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "io/tensors.h"
#include "networks/descriptor_files.h"
#include "networks/descriptor_scale.h"
#include "nn/loss.h"
#include "ops/affine.h"
#include "ops/weighted_sum.h"
#include "planned.h"
#include "reference.h"

static descriptor *vgg_new(const descriptor_options *options, const char *const *layers, size_t count)
{
    nx_error err = {""};
    descriptor *vgg;
    if (!descriptor_new(&vgg, options, layers, count, &err)) fail_msg("%s", err.text);
    return vgg;
}

static void record(descriptor *vgg, nx_graph *g, nx_tensor *x, const char *const *layers, size_t count, nx_tensor **out)
{
    nx_error err = {""};
    if (!descriptor_record(vgg, g, x, layers, count, out, &err)) fail_msg("%s", err.text);
}

/* From RGB, 0 to 255. */
static nx_tensor *minus_mean(const descriptor *vgg, nx_graph *g, nx_tensor *x)
{
    float one[3] = {1, 1, 1}, shift[3] = {-vgg->mean[0], -vgg->mean[1], -vgg->mean[2]};
    return nx_affine(g, x, nx_constant(g, NX_VECTOR(3), one), nx_constant(g, NX_VECTOR(3), shift));
}

/* ---- the twin in double ---- */

enum { MOST_STYLES = 4, MOST_LAYERS = MOST_STYLES + 1, MOST_TERMS = MOST_LAYERS + 1 };

static const struct network {
    const char *name, *file, *content, *style[MOST_STYLES];
    size_t styles;
} networks[] = {
    {"slim", "vgg19_slim_to_conv5_1", "relu4_2", {"relu1_1", "relu2_1", "relu3_1", "relu4_1"}, 4},
    {"normalised", "vgg19_normalised_to_conv3_1", "relu3_1", {"relu1_1", "relu2_1", "relu3_1"}, 3},
};

typedef struct picture {
    int h, w;
    float *rgb;
} picture;

static picture formula(bool b, int h, int w)
{
    picture p = {h, w, nx_alloc((size_t)h * (size_t)w * 3 * sizeof(float))};
    float *at = p.rgb;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                *at++ = (float)(b ? (29 * y + 5 * x * x + 67 * c + (x * y * (c + 2)) % 89) % 256
                                  : (7 * y * y + 13 * x + 101 * c + (x * y * (c + 3)) % 97) % 256);
    return p;
}

static picture photo(const char *folder, const char *name)
{
    enum { SIDE = 128 };
    nx_error err = {""};
    nx_image whole;
    char *path = nx_format("%s/%s", folder, name);
    if (!nx_image_load(&whole, path, &err)) fail_msg("%s", err.text);
    nx_image centre = nx_image_crop(&whole, (whole.height - SIDE) / 2, (whole.width - SIDE) / 2, SIDE, SIDE);
    nx_image_free(&whole);
    free(path);
    return (picture){SIDE, SIDE, centre.rgb};
}

static double mean_of(picture p)
{
    size_t count = (size_t)p.h * (size_t)p.w * 3;
    double mean = 0;
    for (size_t i = 0; i < count; i++) mean += (double)p.rgb[i] / (double)count;
    return mean;
}

static bool check(reference *r, const char *prefix, const char *quantity, double got, double scale)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", prefix, quantity);
    return reference_check(r, name, got, scale, 1e-4);
}

/* All quantities of the gradient of the total. */
static bool check_gradient(reference *r, const char *prefix, const float *v, int h, int w)
{
    size_t count = (size_t)h * (size_t)w * 3;
    double l2 = 0, l1 = 0, largest = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)v[i];
        l2 += d * d, l1 += fabs(d), sum += d;
        if (fabs(d) > largest) largest = fabs(d);
    }
    bool good = check(r, prefix, "grad.l2", sqrt(l2), 0) & check(r, prefix, "grad.l1", l1, 0) &
                check(r, prefix, "grad.max", largest, 0) & check(r, prefix, "grad.sum", sum, l1);
    for (int k = 0; k < 10; k++) {
        char name[16];
        snprintf(name, sizeof name, "grad.at%d", k);
        size_t at = ((size_t)((37 * k + 5) % h) * (size_t)w + (size_t)((53 * k + 11) % w)) * 3 + (size_t)(k % 3);
        good &= check(r, prefix, name, (double)v[at], largest);
    }
    return good;
}

static double l2_of(const float *v, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

/* Pictures: the image x, the style picture a, the content target p. */
static bool check_block(reference *r, const char *prefix, const struct network *n, const char *weights,
                        config_pooling pooling, config_descriptor_padding padding, const picture pictures[3])
{
    const char *layers[MOST_LAYERS];
    nx_tensor *input[3], *features[3][MOST_LAYERS], *term[MOST_TERMS], *gradient[MOST_TERMS];
    float factor[MOST_TERMS];
    memcpy(layers, n->style, sizeof n->style);
    layers[n->styles] = n->content;
    size_t total = n->styles + 1; /* terms: the styles, the content, their total */
    descriptor *vgg =
        vgg_new(&(descriptor_options){.weights = weights, .pooling = pooling, .padding = padding}, layers, total);
    nx_params_realize(vgg->params, test_device());
    nx_graph *g = nx_graph_new(&test_device()->info);
    for (int i = 0; i < 3; i++) {
        input[i] = nx_input(g, (nx_shape){1, pictures[i].h, pictures[i].w, 3}, "picture");
        record(vgg, g, minus_mean(vgg, g, input[i]), layers, total, features[i]);
    }
    for (size_t i = 0; i < n->styles; i++) {
        term[i] = nx_style_loss(g, features[0][i], nx_gram_matrix(g, features[1][i]), 0);
        factor[i] = 10;
    }
    term[n->styles] = nx_content_loss(g, features[0][n->styles], features[2][n->styles]);
    factor[n->styles] = 1;
    term[total] = nx_weighted_sum(g, term, factor, (int)total);
    for (size_t i = 0; i <= total; i++) {
        nx_gradient(g, term[i], &input[0], 1, &gradient[i]);
        nx_keep(term[i]);
        nx_keep(gradient[i]);
    }
    nx_plan *plan = planned(g);
    for (int i = 0; i < 3; i++) nx_plan_write(plan, input[i], pictures[i].rgb);
    nx_plan_run(plan);

    bool good = true;
    for (size_t i = 0; i <= total; i++) {
        char name[64], quantity[96];
        snprintf(name, sizeof name, "%s%s", i < n->styles ? "E." : "",
                 i < n->styles ? layers[i]
                 : i < total   ? "D"
                               : "total");
        good &= check(r, prefix, name, (double)scalar_of(plan, term[i]), 0);
        float *values = values_of(plan, gradient[i]);
        snprintf(quantity, sizeof quantity, "grad.%s.l2", name);
        good &= i < total ? check(r, prefix, quantity, l2_of(values, nx_shape_count(gradient[i]->shape)), 0)
                          : check_gradient(r, prefix, values, pictures[0].h, pictures[0].w);
        free(values);
    }
    nx_plan_free(plan);
    nx_graph_free(g);
    descriptor_free(vgg);
    return good;
}

typedef struct block {
    const struct network *network;
    const char *picture;
} block;

static void agrees_with_the_twin(void **state)
{
    static const struct {
        const char *name;
        config_pooling pooling;
    } pools[] = {{"max", POOLING_MAX}, {"avg", POOLING_AVERAGE}};
    static const struct {
        const char *name;
        config_descriptor_padding padding;
    } pads[] = {{"reflect", DESCRIPTOR_PADDING_REFLECT}, {"zero", DESCRIPTOR_PADDING_ZERO}};
    const block *b = *state;
    const char *folder = given_data();
    char prefix[96], *weights = nx_format("%s/weights/%s.safetensors", folder, b->network->file);
    reference *r = reference_open("improved_texnet.txt");
    picture pictures[3];
    if (!strcmp(b->picture, "photo")) {
        pictures[0] = photo(folder, "content/tubingen.jpg");
        for (int i = 1; i < 3; i++) pictures[i] = photo(folder, "style/starry_night_crop.png");
    } else {
        bool odd = !strcmp(b->picture, "odd");
        pictures[0] = formula(false, odd ? 61 : 64, odd ? 47 : 64);
        pictures[1] = formula(true, odd ? 53 : 64, odd ? 66 : 64);
        pictures[2] = formula(true, odd ? 61 : 64, odd ? 47 : 64);
    }
    snprintf(prefix, sizeof prefix, "pixels.%s", b->picture);
    bool good = check(r, prefix, "x", mean_of(pictures[0]), 0) & check(r, prefix, "a", mean_of(pictures[1]), 0);
    for (int pool = 0; pool < 2; pool++)
        for (int pad = 0; pad < 2; pad++) {
            snprintf(prefix, sizeof prefix, "%s.%s.%s.%s", b->network->name, b->picture, pools[pool].name,
                     pads[pad].name);
            good &= check_block(r, prefix, b->network, weights, pools[pool].pooling, pads[pad].padding, pictures);
        }
    print_message("%s: largest difference %.2g, %s\n", b->picture, r->worst, r->worst_name);
    assert_true(good);
    snprintf(prefix, sizeof prefix, "%s.%s.", b->network->name, b->picture);
    assert_int_equal(reference_unused(r, prefix), 0);
    for (int i = 0; i < 3; i++) free(pictures[i].rgb);
    reference_free(r);
    free(weights);
}

/* What their metadata says is what one gets who asks for nothing. */
static void trained_files_say_how_they_are_used(void **state)
{
    (void)state;
    const char *folder = given_data();
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        char *weights = nx_format("%s/weights/%s.safetensors", folder, networks[i].file);
        descriptor_options options = {.weights = weights};
        descriptor *vgg = vgg_new(&options, &networks[i].content, 1);
        assert_int_equal(vgg->pooling, NX_POOL_MAX);
        assert_int_equal(vgg->padding, NX_PADDING_REFLECT);
        assert_false(vgg->random);
        descriptor_free(vgg);
        free(weights);
    }
}

/* ---- rescaling ---- */

enum { CONVOLUTIONS = 9, TO_FC7 = 18 };
static const char *const every_layer[TO_FC7] = {"conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2",
                                                "conv3_3", "conv3_4", "conv4_1", "conv4_2", "conv4_3", "conv4_4",
                                                "conv5_1", "conv5_2", "conv5_3", "conv5_4", "fc6",     "fc7"};

/* The features of some layers for images of RGB, 0 to 255. */
static void features_of(descriptor *vgg, float *images, nx_shape shape, const char *const *layers, size_t count,
                        float **out, nx_shape *shapes)
{
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *x = nx_input(g, shape, "x"), *features[TO_FC7];
    record(vgg, g, minus_mean(vgg, g, x), layers, count, features);
    for (size_t i = 0; i < count; i++) nx_keep(features[i]);
    nx_params_realize(vgg->params, test_device());
    nx_plan *plan = planned(g);
    nx_plan_write(plan, x, images);
    nx_plan_run(plan);
    for (size_t i = 0; i < count; i++) {
        out[i] = values_of(plan, features[i]);
        shapes[i] = features[i]->shape;
    }
    nx_plan_free(plan);
    nx_graph_free(g);
}

/* The mean of each channel; channels is how many. */
static double *channel_means(const float *v, nx_shape s)
{
    size_t channels = (size_t)s.c, rows = nx_shape_count(s) / channels;
    double *out = nx_alloc(channels * sizeof *out);
    for (size_t i = 0; i < rows * channels; i++) out[i % channels] += (double)v[i] / (double)rows;
    return out;
}

/* Random weights with random biases, and channel 2 of conv2_1 and channel 0 of conv4_4 dead. */
static descriptor *biased(config_pooling pooling, size_t count)
{
    descriptor_options options = {.init = INIT_HE, .width = 1 / 16.f, .pooling = pooling, .seed = 5};
    descriptor *vgg = vgg_new(&options, every_layer, count);
    for (size_t i = 0; i < vgg->params->count; i++) {
        nx_param *p = vgg->params->items[i];
        if (p->rank != 1) continue;
        float *bias = random_values(p->name, nx_shape_count(p->shape), -3, 3);
        if (!strcmp(p->name, "conv2_1.bias")) bias[2] = -1e9f;
        if (!strcmp(p->name, "conv4_4.bias")) bias[0] = -1e9f;
        nx_param_import(p, bias);
        free(bias);
    }
    return vgg;
}

/* What a channel of this mean is divided by: a dead one by 1, one that hardly ever fires by a bound. */
static double factor_of(double mean, double layer)
{
    return mean > 0 ? fmax(mean, (double)DESCRIPTOR_FLOOR * layer) : 1;
}

/* Gatys' normalisation, or the same by layer: for any image new feature times m is the old one, m the old mean (of its
 * channel or layer; see factor_of) on the calibration images, and on those the new mean is one. Relative to the
 * layer's largest old feature and mean: what is left of a channel that is all but dead is known no better than that. */
static void check_rescaling(config_pooling pooling, size_t count, bool by_channel)
{
    const nx_shape calibration = {3, 64, 64, 3}, other = {1, 64, 64, 3};
    nx_error err = {""};
    float *images = random_values("calibration", nx_shape_count(calibration), 0, 255);
    float *x = random_values("x", nx_shape_count(other), 0, 255);
    float *old[TO_FC7], *was[TO_FC7], *now[TO_FC7], *new[TO_FC7];
    nx_shape shapes[TO_FC7], batch[TO_FC7];
    double worst = 0, worst_mean = 0;
    size_t dead = 0, rare = 0;
    descriptor *vgg = biased(pooling, count);
    features_of(vgg, images, calibration, every_layer, count, was, batch);
    features_of(vgg, x, other, every_layer, count, old, shapes);
    if (!descriptor_rescale(vgg, test_device(), images, calibration, every_layer, count, by_channel, &err))
        fail_msg("%s", err.text);
    features_of(vgg, images, calibration, every_layer, count, now, batch);
    features_of(vgg, x, other, every_layer, count, new, shapes);
    for (size_t i = 0; i < count; i++) {
        size_t channels = (size_t)shapes[i].c, values = nx_shape_count(shapes[i]);
        double *m = channel_means(was[i], batch[i]), *one = channel_means(now[i], batch[i]);
        double layer = 0, layer_now = 0, largest = 0, largest_mean = 0;
        for (size_t k = 0; k < channels; k++) {
            layer += m[k] / (double)channels;
            layer_now += one[k] / (double)channels;
            worsen(&largest_mean, m[k]);
        }
        for (size_t k = 0; k < values; k++) worsen(&largest, (double)old[i][k]);
        for (size_t k = 0; k < values; k++) {
            double factor = by_channel ? factor_of(m[k % channels], layer) : layer;
            worsen(&worst, fabs((double)new[i][k] * factor - (double)old[i][k]) / largest);
        }
        for (size_t k = 0; by_channel && k < channels; k++) {
            assert_true(m[k] > 0 || one[k] == 0);
            worsen(&worst_mean, fabs(one[k] * factor_of(m[k], layer) - m[k]) / largest_mean);
            dead += !(m[k] > 0);
            rare += m[k] > 0 && m[k] < DESCRIPTOR_FLOOR * layer;
        }
        if (!by_channel) worsen(&worst_mean, fabs(layer_now - 1));
        free(m);
        free(one);
        free(was[i]);
        free(old[i]);
        free(now[i]);
        free(new[i]);
    }
    print_message("rescaled by %s: features differ by %.2g, means by %.2g; %zu dead channels, %zu that hardly fire\n",
                  by_channel ? "channel" : "layer", worst, worst_mean, dead, rare);
    assert_true(worst < 1e-5 && worst_mean < 1e-5);
    assert_true(dead >= 2 || !by_channel); /* those of conv2_1 and conv4_4 */
    free(images);
    free(x);
    descriptor_free(vgg);
}

static void rescaling_only_scales(void **state)
{
    (void)state;
    for (int by_channel = 0; by_channel < 2; by_channel++) {
        check_rescaling(POOLING_AVERAGE, TO_FC7, by_channel);
        check_rescaling(POOLING_MAX, TO_FC7, by_channel);
    }
}

/* As published: N(0, 0.015^2) without rescaling vanishes with depth, with it every layer has mean one. */
static void random_weights_become_usable(void **state)
{
    (void)state;
    const nx_shape shape = {1, 64, 64, 3};
    nx_error err = {""};
    float *image = random_values("usable", nx_shape_count(shape), 0, 255), *features[CONVOLUTIONS];
    nx_shape shapes[CONVOLUTIONS];
    descriptor_options options = {.sigma = .015f, .width = .25f, .seed = 1};
    descriptor *vgg = vgg_new(&options, every_layer, CONVOLUTIONS);
    double mean[2][CONVOLUTIONS] = {{0}};
    for (int k = 0; k < 2; k++) {
        features_of(vgg, image, shape, every_layer, CONVOLUTIONS, features, shapes);
        for (size_t i = 0; i < CONVOLUTIONS; i++) {
            double *m = channel_means(features[i], shapes[i]);
            for (int c = 0; c < shapes[i].c; c++) mean[k][i] += m[c] / shapes[i].c;
            free(m);
            free(features[i]);
        }
        if (!k && !descriptor_rescale(vgg, test_device(), image, shape, every_layer, CONVOLUTIONS, false, &err))
            fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < CONVOLUTIONS; i++) assert_true(fabs(mean[1][i] - 1) < 1e-5);
    assert_true(mean[0][CONVOLUTIONS - 1] < 1e-3 * mean[0][0]);
    free(image);
    descriptor_free(vgg);
}

/* Weights are a function of seed and layer alone: a deeper or second network has the same ones. */
static void random_weights_are_reproducible(void **state)
{
    (void)state;
    const nx_shape shape = {1, 16, 16, 3};
    float *image = random_values("x", nx_shape_count(shape), 0, 255), *features[4];
    nx_shape s;
    descriptor_options options = {.init = INIT_HE, .width = .125f, .seed = 7};
    for (int k = 0; k < 4; k++) {
        options.seed = k < 3 ? 7 : 8;
        descriptor *vgg = vgg_new(&options, every_layer, k == 1 ? 10 : 3);
        features_of(vgg, image, shape, &every_layer[2], 1, &features[k], &s);
        descriptor_free(vgg);
    }
    assert_memory_equal(features[0], features[1], nx_shape_count(s) * sizeof(float));
    assert_memory_equal(features[0], features[2], nx_shape_count(s) * sizeof(float));
    assert_true(memcmp(features[0], features[3], nx_shape_count(s) * sizeof(float)));
    for (int k = 0; k < 4; k++) free(features[k]);
    free(image);
}

/* One layer drawn again, on the device too: set 0 is what was there, others are not, a scale is a factor on its
 * features and a power of two one without rounding. No other layer changes. */
static void one_layer_is_drawn_again(void **state)
{
    (void)state;
    const nx_shape shape = {1, 16, 16, 3};
    static const struct {
        int set;
        float scale;
    } draws[] = {{0, 1}, {3, 1}, {3, .25f}, {0, 1}};
    enum { DRAWS = sizeof draws / sizeof *draws };
    float *image = random_values("x", nx_shape_count(shape), 0, 255), *before[DRAWS], *layer[DRAWS];
    nx_shape s, narrow;
    descriptor *vgg = vgg_new(&(descriptor_options){.sigma = .015f, .width = .125f, .seed = 7}, every_layer, 3);
    for (int k = 0; k < DRAWS; k++) {
        if (k) descriptor_draw(vgg, "conv1_2", draws[k].set, draws[k].scale);
        features_of(vgg, image, shape, &every_layer[0], 1, &before[k], &narrow);
        features_of(vgg, image, shape, &every_layer[1], 1, &layer[k], &s);
    }
    size_t count = nx_shape_count(s);
    for (int k = 1; k < DRAWS; k++) assert_memory_equal(before[0], before[k], nx_shape_count(narrow) * sizeof(float));
    assert_true(memcmp(layer[0], layer[1], count * sizeof(float)));
    for (size_t i = 0; i < count; i++) assert_true(layer[2][i] == .25f * layer[1][i]);
    assert_memory_equal(layer[0], layer[3], count * sizeof(float));
    for (int k = 0; k < DRAWS; k++) free(before[k]), free(layer[k]);
    free(image);
    descriptor_free(vgg);
}

/* ---- names and shapes ---- */

static void layers_with_weights_are_listed(void **state)
{
    (void)state;
    static const char *const first[] = {"pool1", "relu1_1"}, *const last[] = {"fc7"};
    const char *names[DESCRIPTOR_LAYERS];
    assert_int_equal(descriptor_weighted(descriptor_network_at(0), first, 2, names), 2);
    assert_string_equal(names[0], "conv1_1");
    assert_string_equal(names[1], "conv1_2");
    assert_int_equal(descriptor_weighted(descriptor_network_at(0), last, 1, names), TO_FC7);
    assert_string_equal(names[TO_FC7 - 1], "fc7");
}

static void layers_have_several_names(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"conv1_1", "relu1_1"}, {"conv3_4", "relu3_4"}, {"conv5_4", "relu5_4"},
                                           {"fc6", "fc1"},         {"fc7", "fc2"},         {"pool4", "pool4"}};
    descriptor_options options = {.sigma = .015f, .width = 1 / 16.f};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        nx_graph *g = nx_graph_new(&test_device()->info);
        descriptor *vgg = vgg_new(&options, pairs[i], 2);
        nx_tensor *x = nx_input(g, (nx_shape){1, 32, 32, 3}, "x"), *out[2] = {NULL};
        record(vgg, g, x, pairs[i], 2, out);
        assert_non_null(out[0]);
        assert_ptr_equal(out[0], out[1]);
        nx_graph_free(g);
        descriptor_free(vgg);
    }
}

static void an_unknown_layer_has_a_neighbour(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"conv3_5", "did you mean conv3_"},  {"pool6", "did you mean pool"},
        {"relu", "conv1_1 to conv5_4"},      {"", "conv1_1 to conv5_4"},
        {"Conv4_2", "did you mean conv4_2"}, {"a layer that does not exist", "there are conv1_1"},
        {"conv1_1 ", "did you mean conv1_1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_error err = {""};
        descriptor *vgg = NULL;
        assert_false(descriptor_new(&vgg, &(descriptor_options){.sigma = 1}, cases[i], 1, &err));
        assert_message(&err, cases[i][0], cases[i][1]);
        assert_message(&err, "VGG-19 has no layer", "");
    }
}

/* Every layer of an odd image at half width: convolutions keep the size, pooling halves it and rounds down. */
static void shapes_follow_the_image(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int halvings, channels;
    } cases[] = {{"conv1_1", 0, 32}, {"conv1_2", 0, 32},  {"pool1", 1, 32},    {"conv2_1", 1, 64},  {"conv2_2", 1, 64},
                 {"pool2", 2, 64},   {"conv3_1", 2, 128}, {"conv3_2", 2, 128}, {"conv3_3", 2, 128}, {"conv3_4", 2, 128},
                 {"pool3", 3, 128},  {"conv4_1", 3, 256}, {"conv4_2", 3, 256}, {"conv4_3", 3, 256}, {"conv4_4", 3, 256},
                 {"pool4", 4, 256},  {"conv5_1", 4, 256}, {"conv5_2", 4, 256}, {"conv5_3", 4, 256}, {"conv5_4", 4, 256},
                 {"pool5", 5, 256}};
    enum { COUNT = sizeof cases / sizeof *cases };
    const char *layers[COUNT];
    nx_tensor *out[COUNT] = {NULL};
    for (int i = 0; i < COUNT; i++) layers[i] = cases[i].name;
    descriptor *vgg = vgg_new(&(descriptor_options){.sigma = .015f, .width = .5f}, layers, COUNT);
    nx_graph *g = nx_graph_new(&test_device()->info);
    record(vgg, g, nx_input(g, (nx_shape){2, 61, 103, 3}, "x"), layers, COUNT, out);
    for (int i = 0; i < COUNT; i++) {
        nx_shape want = {2, 61 >> cases[i].halvings, 103 >> cases[i].halvings, cases[i].channels};
        if (!nx_shape_equal(out[i]->shape, want))
            fail_msg("%s is %d x %d", layers[i], out[i]->shape.h, out[i]->shape.w);
        assert_int_equal(descriptor_smallest_image(vgg, &layers[i], 1), 1 << cases[i].halvings);
        if (!cases[i].halvings) continue;
        nx_error err = {""};
        nx_tensor *too_small = nx_input(g, (nx_shape){1, 64, (1 << cases[i].halvings) - 1, 3}, "x"), *unused;
        assert_false(descriptor_record(vgg, g, too_small, &layers[i], 1, &unused, &err));
        char *part = nx_format("at least %d pixels", 1 << cases[i].halvings);
        assert_message(&err, "pixels at pool", part);
        free(part);
    }
    nx_graph_free(g);
    descriptor_free(vgg);
}

/* What a layer takes beside: 2 pixels a side to reflect a border of one, 3 to lose it; the smallest image has them. */
static void borders_take_pixels(void **state)
{
    (void)state;
    static const struct {
        config_descriptor_padding padding;
        const char *layer;
        int least;
    } cases[] = {{DESCRIPTOR_PADDING_ZERO, "conv3_1", 4},      {DESCRIPTOR_PADDING_REPLICATE, "pool3", 8},
                 {DESCRIPTOR_PADDING_REFLECT, "conv1_1", 2},   {DESCRIPTOR_PADDING_REFLECT, "pool1", 2},
                 {DESCRIPTOR_PADDING_REFLECT, "conv3_1", 8},   {DESCRIPTOR_PADDING_REFLECT, "conv5_4", 32},
                 {DESCRIPTOR_PADDING_CIRCULAR, "conv5_1", 16}, {DESCRIPTOR_PADDING_NONE, "conv1_2", 5},
                 {DESCRIPTOR_PADDING_NONE, "conv2_1", 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_error err = {""};
        nx_tensor *out;
        descriptor *vgg = vgg_new(&(descriptor_options){.sigma = .015f, .width = 1 / 16.f, .padding = cases[i].padding},
                                  &cases[i].layer, 1);
        nx_graph *g = nx_graph_new(&test_device()->info);
        int least = cases[i].least;
        assert_int_equal(descriptor_smallest_image(vgg, &cases[i].layer, 1), least);
        record(vgg, g, nx_input(g, (nx_shape){1, least, 40, 3}, "x"), &cases[i].layer, 1, &out);
        if (least > 1) {
            assert_false(descriptor_record(vgg, g, nx_input(g, (nx_shape){1, 40, least - 1, 3}, "x"), &cases[i].layer,
                                           1, &out, &err));
            char *part = nx_format("at least %d pixels a side", least);
            assert_message(&err, "a picture of ", part);
            free(part);
        }
        nx_graph_free(g);
        descriptor_free(vgg);
    }
}

/* ---- files of weights ---- */

/* A very narrow network. Files end at conv2_2 unless a test says otherwise. */
enum { FILE_LAYERS = 18, UP_TO_CONV2_2 = 4, CONVOLUTIONS_OF_FILE = 16, POOL5_PIXELS = 49 };
static const struct {
    const char *torchvision, *keras;
    int out;
} file_layers[FILE_LAYERS] = {
    {"features.0", "block1_conv1", 5},  {"features.2", "block1_conv2", 6},  {"features.5", "block2_conv1", 7},
    {"features.7", "block2_conv2", 4},  {"features.10", "block3_conv1", 3}, {"features.12", "block3_conv2", 4},
    {"features.14", "block3_conv3", 3}, {"features.16", "block3_conv4", 4}, {"features.19", "block4_conv1", 3},
    {"features.21", "block4_conv2", 4}, {"features.23", "block4_conv3", 3}, {"features.25", "block4_conv4", 4},
    {"features.28", "block5_conv1", 3}, {"features.30", "block5_conv2", 4}, {"features.32", "block5_conv3", 3},
    {"features.34", "block5_conv4", 5}, {"classifier.0", "fc1", 6},         {"classifier.3", "fc2", 9},
};
static const char *const deep[] = {"conv1_1", "conv1_2", "pool1", "conv2_1", "conv2_2"};
enum { DEEP = sizeof deep / sizeof *deep };

/* Numbers that go into output channel 0, but for the 3x3 of a kernel. */
static int inputs_of(size_t i)
{
    return !i ? 3 : file_layers[i - 1].out * (i == CONVOLUTIONS_OF_FILE ? POOL5_PIXELS : 1);
}

static int taps_of(size_t i) { return i < CONVOLUTIONS_OF_FILE ? 9 : 1; }

/* As torchvision has them: [out][in][3][3], or [out][in]. */
static float *file_weight(size_t i)
{
    size_t count = (size_t)(taps_of(i) * inputs_of(i) * file_layers[i].out);
    return random_values(file_layers[i].torchvision, count, -.3f, .4f);
}

static float *file_bias(size_t i) { return random_values(file_layers[i].keras, (size_t)file_layers[i].out, -2, 2); }

typedef struct change {            /* of a file from what it should be */
    size_t layers;                 /* how many; 0: up to conv2_2 */
    int conv1_2_side, conv1_2_out; /* of its kernel; 0: 3 and as it should be */
    const nx_metadata *metadata;
    size_t metadata_count;
} change;

/* Under torchvision's names. */
static void write_safetensors(const char *path, change c)
{
    nx_tensor_entry entries[2 * FILE_LAYERS];
    char names[2 * FILE_LAYERS][32];
    float *values[2 * FILE_LAYERS];
    nx_error err = {""};
    size_t n = 0, layers = c.layers ? c.layers : UP_TO_CONV2_2;
    for (size_t i = 0; i < layers; i++) {
        int side = i == 1 && c.conv1_2_side ? c.conv1_2_side : 3;
        int out = i == 1 && c.conv1_2_out ? c.conv1_2_out : file_layers[i].out, in = inputs_of(i);
        values[n] = side == 3 && out == file_layers[i].out ? file_weight(i)
                                                           : random_values("w", (size_t)(side * side * in * out), 0, 1);
        snprintf(names[n], sizeof names[n], "%s.weight", file_layers[i].torchvision);
        entries[n] = (nx_tensor_entry){names[n], i < CONVOLUTIONS_OF_FILE ? 4 : 2, {out, in, side, side}, values[n]};
        n++;
        values[n] = file_bias(i);
        snprintf(names[n], sizeof names[n], "%s.bias", file_layers[i].torchvision);
        entries[n] = (nx_tensor_entry){names[n], 1, {file_layers[i].out}, values[n]};
        n++;
    }
    if (!nx_tensors_save_safetensors(path, entries, n, c.metadata, c.metadata_count, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++) free(values[i]);
}

/* As Keras does: /block1_conv1/block1_conv1_W_1:0 and so on, kernels HWIO, BGR; fc1 takes pool5 as row, column, channel
 * where torchvision takes channel, row, column. */
static void write_keras(const char *path, size_t layers)
{
    nx_error err = {""};
    nx_h5 *file;
    bool good = nx_h5_create(&file, path, &err);
    for (size_t i = 0; good && i < layers; i++) {
        int in = inputs_of(i), out = file_layers[i].out, taps = taps_of(i), rank = taps == 9 ? 4 : 2;
        float *theirs = file_weight(i), *bias = file_bias(i),
              *keras = nx_alloc((size_t)(taps * in * out) * sizeof *keras);
        int channels = i == CONVOLUTIONS_OF_FILE ? in / POOL5_PIXELS : in;
        for (int o = 0; o < out; o++)
            for (int k = 0; k < in; k++)
                for (int tap = 0; tap < taps; tap++) {
                    int place = i == CONVOLUTIONS_OF_FILE ? k % POOL5_PIXELS * channels + k / POOL5_PIXELS : k;
                    keras[(tap * in + place) * out + o] = theirs[(o * in + k) * taps + tap];
                }
        int shape[4] = {3, 3, in, out};
        char *name = nx_format("/%s/%s_W_1:0", file_layers[i].keras, file_layers[i].keras);
        good = nx_h5_write_float(file, name, keras, rank, rank == 4 ? shape : shape + 2, &err);
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

/* Where a place outside 0 .. size - 1 is reflected to; -1: nowhere. */
static int reflected(int at, int size, bool reflect)
{
    if (at >= 0 && at < size) return at;
    return !reflect ? -1 : at < 0 ? -at : 2 * (size - 1) - at;
}

/* conv1_1 in double on channels prepared by hand. Zeros around them, or they themselves, reflected. */
static double *first_layer(const double *prepared, int h, int w, bool reflect)
{
    float *weight = file_weight(0), *bias = file_bias(0);
    int out = file_layers[0].out;
    double *y = nx_alloc((size_t)(h * w * out) * sizeof *y);
    for (int at = 0; at < h * w * out; at++) {
        int o = at % out, column = at / out % w, row = at / out / w;
        double sum = (double)bias[o];
        for (int k = 0; k < 3; k++)
            for (int tap = 0; tap < 9; tap++) {
                int r = reflected(row + tap / 3 - 1, h, reflect), c = reflected(column + tap % 3 - 1, w, reflect);
                if (r >= 0 && c >= 0) sum += (double)weight[(o * 3 + k) * 9 + tap] * prepared[(r * w + c) * 3 + k];
            }
        y[at] = sum > 0 ? sum : 0;
    }
    free(weight);
    free(bias);
    return y;
}

#define RGB_INPUT "RGB, 0 to 255, minus mean"
#define RGB_MEAN  "123.68,116.779,103.939"
static const nx_metadata rgb_metadata[] = {{"input", RGB_INPUT}, {"mean", RGB_MEAN}};
static const nx_metadata bgr_metadata[] = {{"input", "BGR, 0 to 255, minus mean"}, {"mean", "103.939,116.779,123.68"}};

/* However a file wants its pictures, features of an RGB picture are those of one that was prepared by hand. */
static void preprocessing_is_folded_in(void **state)
{
    (void)state;
    enum { H = 7, W = 10 };
    static const double caffe[3] = {123.68, 116.779, 103.939}, mean[3] = {.485, .456, .406},
                        std[3] = {.229, .224, .225};
    static const struct {
        const char *name;
        config_preprocessing preprocessing;
        bool keras, bgr, torchvision;
        change file;
    } cases[] = {
        {"keras.h5", PREPROCESSING_FILE, true, true, false, {0}},
        {"caffe.safetensors", PREPROCESSING_CAFFE, false, true, false, {0}},
        {"bgr.safetensors", PREPROCESSING_FILE, false, true, false, {.metadata = bgr_metadata, .metadata_count = 2}},
        {"rgb.safetensors", PREPROCESSING_FILE, false, false, false, {.metadata = rgb_metadata, .metadata_count = 2}},
        {"torchvision.safetensors", PREPROCESSING_TORCHVISION, false, false, true, {0}},
    };
    const nx_shape shape = {1, H, W, 3};
    float *image = random_values("picture", H * W * 3, 0, 255);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = scratch(cases[i].name);
        if (cases[i].keras)
            write_keras(path, UP_TO_CONV2_2);
        else
            write_safetensors(path, cases[i].file);
        double prepared[H * W * 3];
        for (int at = 0; at < H * W * 3; at++) {
            int c = cases[i].bgr ? 2 - at % 3 : at % 3;
            double v = (double)image[at - at % 3 + c];
            prepared[at] = cases[i].torchvision ? (v / 255 - mean[c]) / std[c] : v - caffe[c];
        }
        double *want = first_layer(prepared, H, W, false);
        descriptor *vgg =
            vgg_new(&(descriptor_options){.weights = path, .preprocessing = cases[i].preprocessing}, deep, 1);
        float *got;
        nx_shape s;
        features_of(vgg, image, shape, deep, 1, &got, &s);
        assert_true(test_close(cases[i].name, got, want, s, 2e-6));
        free(got);
        free(want);
        descriptor_free(vgg);
    }
    free(image);
}

/* ---- namings ---- */

static void refused(const char *path, const char *const *layers, size_t count, const char *part)
{
    nx_error err = {""};
    descriptor *vgg = NULL;
    assert_false(descriptor_new(&vgg, &(descriptor_options){.weights = path}, layers, count, &err));
    assert_message(&err, path, part);
    assert_null(vgg);
}

/* All 16 convolutions as a .pth, layer i called names[i]; and, unless it is NULL, a convolution of 1x1 before them. */
static void write_named(const char *path, const char *const *names, const float *first, const float *first_bias)
{
    nx_tensor_entry entries[2 + 2 * CONVOLUTIONS_OF_FILE];
    char text[2 * CONVOLUTIONS_OF_FILE][40];
    size_t n = 0, begin = first ? 2 : 0;
    if (first) {
        entries[n++] = (nx_tensor_entry){"0.weight", 4, {3, 3, 1, 1}, first};
        entries[n++] = (nx_tensor_entry){"0.bias", 1, {3}, first_bias};
    }
    for (size_t i = 0; i < CONVOLUTIONS_OF_FILE; i++) {
        int out = file_layers[i].out;
        for (int part = 0; part < 2; part++)
            snprintf(text[2 * i + (size_t)part], sizeof *text, "%s.%s", names[i], part ? "bias" : "weight");
        entries[n++] = (nx_tensor_entry){text[2 * i], 4, {out, inputs_of(i), 3, 3}, file_weight(i)};
        entries[n++] = (nx_tensor_entry){text[2 * i + 1], 1, {out}, file_bias(i)};
    }
    assert_true(write_pth(path, entries, n, false));
    for (size_t i = begin; i < n; i++) free((float *)entries[i].data);
}

/* What AdaIN's sequence begins with: RGB from 0 to 1 to BGR from 0 to 255 minus the mean. */
static const float to_bgr[9] = {0, 0, 255, 0, 255, 0, 255, 0, 0}, minus_bgr[3] = {-103.939f, -116.779f, -123.68f};

#define SIXTEEN(before, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                                \
    {                                                                                                                  \
        before #a, before #b, before #c, before #d, before #e, before #f, before #g, before #h, before #i, before #j,  \
            before #k, before #l, before #m, before #n, before #o, before #p                                           \
    }
#define NUMBERS(before) SIXTEEN(before, 0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)

/* Whatever its layers are called, a file's network is the same, bit for bit. */
static void every_naming_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *names[CONVOLUTIONS_OF_FILE];
        config_preprocessing preprocessing;
        bool first;
    } rows[] = {
        {NUMBERS("features."), PREPROCESSING_CAFFE, false},
        {NUMBERS("features.module."), PREPROCESSING_CAFFE, false},
        {NUMBERS("module.features."), PREPROCESSING_CAFFE, false},
        {NUMBERS("module."), PREPROCESSING_CAFFE, false},
        {NUMBERS(""), PREPROCESSING_CAFFE, false},
        {SIXTEEN("conv", 1_1, 1_2, 2_1, 2_2, 3_1, 3_2, 3_3, 3_4, 4_1, 4_2, 4_3, 4_4, 5_1, 5_2, 5_3, 5_4),
         PREPROCESSING_FILE, false},
        {SIXTEEN("", 2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51), PREPROCESSING_FILE, true},
    };
    const char *const deepest = "conv5_4";
    descriptor *first = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = scratch("named.pth");
        nx_error err = {""};
        descriptor_file found;
        write_named(path, rows[i].names, rows[i].first ? to_bgr : NULL, minus_bgr);
        if (!descriptor_file_look(&found, path, &err)) fail_msg("%s", err.text);
        assert_string_equal(found.network->name, "vgg19");
        assert_string_equal(found.deepest, deepest);
        descriptor *d =
            vgg_new(&(descriptor_options){.weights = path, .preprocessing = rows[i].preprocessing}, &deepest, 1);
        assert_int_equal(d->padding, rows[i].first ? NX_PADDING_REFLECT : NX_PADDING_ZERO);
        assert_int_equal(d->pooling, NX_POOL_MAX);
        if (!first) first = d;
        assert_memory_equal(d->mean, first->mean, sizeof d->mean);
        assert_int_equal(d->params->count, 2 * CONVOLUTIONS_OF_FILE);
        for (size_t k = 0; k < d->params->count; k++) {
            const nx_param *p = d->params->items[k], *q = first->params->items[k];
            assert_string_equal(p->name, q->name);
            for (size_t v = 0; v < nx_shape_count(p->shape); v++) assert_true(p->initial[v] == q->initial[v]);
        }
        if (d != first) descriptor_free(d);
    }
    descriptor_free(first);

    /* the sequence prepares its pictures itself; elsewhere somebody has to say */
    const char *path = scratch("said.pth");
    nx_error err = {""};
    descriptor *d;
    write_named(path, rows[6].names, to_bgr, minus_bgr);
    assert_false(descriptor_new(&d, &(descriptor_options){.weights = path, .preprocessing = PREPROCESSING_CAFFE},
                                &deepest, 1, &err));
    assert_message(&err, path, "its first convolution prepares pictures itself");
    write_named(path, rows[4].names, NULL, NULL);
    refused(path, &deepest, 1, "set [descriptor] preprocessing to torchvision");
}

/* A convolution of 1x1 that the sequence begins with, whatever it does, is folded into the first of 3x3. */
static void a_first_convolution_is_folded_in(void **state)
{
    (void)state;
    enum { H = 7, W = 10 };
    static const char *const names[] = SIXTEEN("", 2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51);
    const nx_shape shape = {1, H, W, 3};
    const char *path = scratch("first.pth");
    float *image = random_values("picture", H * W * 3, 0, 255), *a = random_values("matrix", 9, -2, 2),
          *b = random_values("shift", 3, -1, 1), *got;
    double prepared[H * W * 3];
    for (int at = 0; at < H * W * 3; at++) {
        prepared[at] = (double)b[at % 3];
        for (int c = 0; c < 3; c++) prepared[at] += (double)a[at % 3 * 3 + c] * (double)image[at - at % 3 + c] / 255;
    }
    write_named(path, names, a, b);
    descriptor *vgg = vgg_new(&(descriptor_options){.weights = path}, deep, 1);
    double *want = first_layer(prepared, H, W, true);
    nx_shape s;
    features_of(vgg, image, shape, deep, 1, &got, &s);
    assert_true(test_close("first.pth", got, want, s, 2e-6));
    descriptor_free(vgg);
    free(got);
    free(want);
    free(image);
    free(a);
    free(b);
}

/* The same weights as Keras's HDF5 (HWIO, BGR) and as safetensors of torchvision's names. */
static void keras_and_torchvision_agree(void **state)
{
    (void)state;
    const nx_shape shape = {2, 13, 10, 3};
    const char *paths[] = {scratch("vgg.h5"), scratch("vgg.safetensors")};
    float *image = random_values("both", nx_shape_count(shape), 0, 255), *features[2][DEEP];
    nx_shape shapes[DEEP];
    write_keras(paths[0], UP_TO_CONV2_2);
    write_safetensors(paths[1], (change){.metadata = bgr_metadata, .metadata_count = 2});
    for (int k = 0; k < 2; k++) {
        descriptor *vgg = vgg_new(&(descriptor_options){.weights = paths[k]}, deep, DEEP);
        descriptor_file found;
        assert_true(descriptor_file_look(&found, paths[k], NULL));
        assert_string_equal(found.deepest, "conv2_2");
        assert_true(found.width == (float)file_layers[0].out / 64);
        assert_int_equal(vgg->pooling, NX_POOL_MAX); /* where the file is silent */
        assert_int_equal(vgg->padding, NX_PADDING_ZERO);
        assert_float_equal(vgg->mean[0], 123.68, 1e-4);
        assert_float_equal(vgg->mean[2], 103.939, 1e-4);
        features_of(vgg, image, shape, deep, DEEP, features[k], shapes);
        descriptor_free(vgg);
    }
    for (int i = 0; i < DEEP; i++) {
        assert_memory_equal(features[0][i], features[1][i], nx_shape_count(shapes[i]) * sizeof(float));
        free(features[0][i]);
        free(features[1][i]);
    }
    free(image);
}

/* Up to fc7, at the size that they want; another size is answered. */
static void fully_connected_layers_agree(void **state)
{
    (void)state;
    const nx_shape shape = {1, 224, 224, 3};
    const char *paths[] = {scratch("whole.h5"), scratch("whole.safetensors")}, *const layers[] = {"pool5", "fc6",
                                                                                                  "fc7"};
    float *image = random_values("whole", nx_shape_count(shape), 0, 255), *features[2][3];
    nx_shape shapes[3];
    write_keras(paths[0], FILE_LAYERS);
    write_safetensors(paths[1], (change){.layers = FILE_LAYERS, .metadata = bgr_metadata, .metadata_count = 2});
    for (int k = 0; k < 2; k++) {
        nx_error err = {""};
        descriptor *vgg = vgg_new(&(descriptor_options){.weights = paths[k]}, layers, 3);
        features_of(vgg, image, shape, layers, 3, features[k], shapes);
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_tensor *unused[3];
        assert_false(descriptor_record(vgg, g, nx_input(g, (nx_shape){1, 128, 128, 3}, "x"), layers, 3, unused, &err));
        assert_message(&err, "fc6 takes 245 numbers, and a picture of 128 x 128 gives 80", "224");
        nx_graph_free(g);
        descriptor_free(vgg);
    }
    assert_true(nx_shape_equal(shapes[0], (nx_shape){1, 7, 7, 5}) && nx_shape_equal(shapes[1], NX_VECTOR(6)) &&
                nx_shape_equal(shapes[2], NX_VECTOR(9)));

    /* fc6 by hand, in torchvision's order of pool5 */
    float *weight = file_weight(CONVOLUTIONS_OF_FILE), *bias = file_bias(CONVOLUTIONS_OF_FILE);
    double want[6];
    for (int o = 0; o < 6; o++) {
        want[o] = (double)bias[o];
        for (int k = 0; k < 5 * POOL5_PIXELS; k++)
            want[o] += (double)weight[o * 5 * POOL5_PIXELS + k] *
                       (double)features[0][0][k % POOL5_PIXELS * 5 + k / POOL5_PIXELS];
        want[o] = want[o] > 0 ? want[o] : 0;
    }
    assert_true(test_close("fc6", features[0][1], want, NX_VECTOR(6), 2e-6));
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(features[0][i], features[1][i], nx_shape_count(shapes[i]) * sizeof(float));
        free(features[0][i]);
        free(features[1][i]);
    }
    free(weight);
    free(bias);
    free(image);
}

static void metadata_chooses_pooling_and_padding(void **state)
{
    (void)state;
    static const nx_metadata metadata[] = {
        {"input", "RGB, 0 to 255, minus mean"}, {"mean", "1,2,3"}, {"pool", "average"}, {"padding", "replicate"}};
    const char *path = scratch("choices.safetensors");
    write_safetensors(path, (change){.metadata = metadata, .metadata_count = 4});
    descriptor *vgg = vgg_new(&(descriptor_options){.weights = path}, deep, DEEP);
    assert_int_equal(vgg->pooling, NX_POOL_AVERAGE);
    assert_int_equal(vgg->padding, NX_PADDING_REPLICATE);
    assert_float_equal(vgg->mean[2], 3, 0);
    descriptor_free(vgg);
    vgg =
        vgg_new(&(descriptor_options){.weights = path, .pooling = POOLING_MAX, .padding = DESCRIPTOR_PADDING_CIRCULAR},
                deep, DEEP);
    assert_int_equal(vgg->pooling, NX_POOL_MAX);
    assert_int_equal(vgg->padding, NX_PADDING_CIRCULAR);
    descriptor_free(vgg);
}

static void mistakes_in_files_are_answered(void **state)
{
    (void)state;
    static const nx_metadata pool[] = {{"input", RGB_INPUT}, {"mean", RGB_MEAN}, {"pool", "stochastic"}},
                             padding[] = {{"input", RGB_INPUT}, {"mean", RGB_MEAN}, {"padding", "valid"}},
                             mean[] = {{"input", RGB_INPUT}, {"mean", "123.68,116.779"}},
                             input[] = {{"input", "YUV"}, {"mean", RGB_MEAN}}, no_mean[] = {{"input", RGB_INPUT}};
    static const struct {
        change file;
        const char *part;
    } cases[] = {
        {{.layers = 3, .metadata = rgb_metadata, .metadata_count = 2}, "no weights of conv2_2 (features.7)"},
        {{.conv1_2_side = 5, .metadata = rgb_metadata, .metadata_count = 2},
         "features.2.weight is 6x5x5x5 with a bias of 6; conv1_2 wants outputsx5x3x3"},
        {{.conv1_2_out = 9, .metadata = rgb_metadata, .metadata_count = 2},
         "features.2.weight is 9x5x3x3 with a bias of 6"},
        {{0}, "set [descriptor] preprocessing to torchvision"},
        {{.metadata = no_mean, .metadata_count = 1}, "set [descriptor] preprocessing to torchvision"},
        {{.metadata = pool, .metadata_count = 3}, "pool = \"stochastic\""},
        {{.metadata = padding, .metadata_count = 3}, "padding = \"valid\""},
        {{.metadata = mean, .metadata_count = 2}, "three numbers were expected"},
        {{.metadata = input, .metadata_count = 2}, "input = \"YUV\""},
    };
    const char *path = scratch("mistake.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_safetensors(path, cases[i].file);
        refused(path, deep, DEEP, cases[i].part);
    }
    write_safetensors(path, (change){.metadata = rgb_metadata, .metadata_count = 2});
    refused(path, (const char *[]){"conv5_1"}, 1, "no weights of conv3_1 (features.10)"); /* the first that lacks */
}

/* Cuts the file at path to a part of its length. */
static void truncate_to(const char *path, double part)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, (off_t)((double)info.st_size * part)), 0);
}

static void damaged_files_are_answered(void **state)
{
    (void)state;
    const char *path = scratch("damaged.safetensors"), *h5 = scratch("damaged.h5"),
               *other = scratch("other.safetensors");
    static const double parts[] = {0, .01, .3, .9, .999};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        write_safetensors(path, (change){.metadata = rgb_metadata, .metadata_count = 2});
        truncate_to(path, parts[i]);
        refused(path, deep, DEEP, "");
        write_keras(h5, UP_TO_CONV2_2);
        truncate_to(h5, parts[i]);
        refused(h5, deep, DEEP, "");
    }
    refused(scratch("missing.safetensors"), deep, DEEP, "");
    nx_error err = {""};
    nx_tensor_entry entry = {"conv1.weight", 1, {2}, (float[]){1, 2}};
    assert_true(nx_tensors_save_safetensors(other, &entry, 1, NULL, 0, &err));
    refused(other, deep, DEEP, "no VGG-19");
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    static block blocks[] = {{&networks[0], "photo"}, {&networks[0], "square"}, {&networks[0], "odd"},
                             {&networks[1], "photo"}, {&networks[1], "square"}, {&networks[1], "odd"}};
    struct CMUnitTest tests[] = {
        {"agrees_with_the_twin: slim photo", agrees_with_the_twin, NULL, NULL, &blocks[0]},
        {"agrees_with_the_twin: slim square", agrees_with_the_twin, NULL, NULL, &blocks[1]},
        {"agrees_with_the_twin: slim odd", agrees_with_the_twin, NULL, NULL, &blocks[2]},
        {"agrees_with_the_twin: normalised photo", agrees_with_the_twin, NULL, NULL, &blocks[3]},
        {"agrees_with_the_twin: normalised square", agrees_with_the_twin, NULL, NULL, &blocks[4]},
        {"agrees_with_the_twin: normalised odd", agrees_with_the_twin, NULL, NULL, &blocks[5]},
        cmocka_unit_test(trained_files_say_how_they_are_used),
        cmocka_unit_test(rescaling_only_scales),
        cmocka_unit_test(random_weights_become_usable),
        cmocka_unit_test(random_weights_are_reproducible),
        cmocka_unit_test(one_layer_is_drawn_again),
        cmocka_unit_test(layers_with_weights_are_listed),
        cmocka_unit_test(layers_have_several_names),
        cmocka_unit_test(an_unknown_layer_has_a_neighbour),
        cmocka_unit_test(shapes_follow_the_image),
        cmocka_unit_test(borders_take_pixels),
        cmocka_unit_test(preprocessing_is_folded_in),
        cmocka_unit_test(keras_and_torchvision_agree),
        cmocka_unit_test(every_naming_is_known),
        cmocka_unit_test(a_first_convolution_is_folded_in),
        cmocka_unit_test(fully_connected_layers_agree),
        cmocka_unit_test(metadata_chooses_pooling_and_padding),
        cmocka_unit_test(mistakes_in_files_are_answered),
        cmocka_unit_test(damaged_files_are_answered),
    };
    int failed = cmocka_run_group_tests_name("vgg19", tests, scratch_open, scratch_close);
    test_device_close();
    return failed != 0;
}
