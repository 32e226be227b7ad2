/* nstx weights: files that come in keep every bit of what the network computes, damage is found, and normalisation
 * changes nothing but the scale of each channel. */
#include "cli.h"

#include "graph/plan.h"
#include "networks/vgg19.h"
#include "nn/init.h"
#include "ops/affine.h"

#include <math.h>

enum { SIDE = 32, LAYERS = 3 };

static const char *const layers[LAYERS] = {"conv1_1", "conv1_2", "conv2_1"};

/* A VGG-19 to conv2_1 of random weights with torchvision's names and no metadata. */
static void write_weights(const char *name)
{
    static const int in[LAYERS] = {3, 5, 6}, out[LAYERS] = {5, 6, 7};
    static const char *const names[LAYERS] = {"features.0", "features.2", "features.5"};
    nx_tensor_entry entries[2 * LAYERS];
    nx_rng rng = nx_rng_new(3, 0);
    nx_error err = {0};
    for (int i = 0; i < LAYERS; i++) {
        size_t count = (size_t)(9 * in[i] * out[i]);
        float *weight = nx_alloc(count * sizeof *weight), *bias = nx_alloc((size_t)out[i] * sizeof *bias);
        for (size_t k = 0; k < count; k++) weight[k] = nx_rng_normal(&rng) * sqrtf(2.f / (9 * (float)in[i]));
        for (int k = 0; k < out[i]; k++) bias[k] = 0.1f * nx_rng_uniform(&rng);
        entries[2 * i] = (nx_tensor_entry){nx_format("%s.weight", names[i]), 4, {out[i], in[i], 3, 3}, weight};
        entries[2 * i + 1] = (nx_tensor_entry){nx_format("%s.bias", names[i]), 1, {out[i]}, bias};
    }
    if (!nx_tensors_save_safetensors(at(name), entries, 2 * LAYERS, NULL, 0, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < 2 * LAYERS; i++) {
        free((char *)entries[i].name);
        free((float *)entries[i].data);
    }
}

static vgg19 *open_vgg(const char *name, vgg19_preprocessing preprocessing)
{
    vgg19 *vgg;
    nx_error err = {0};
    vgg19_options options = {.weights = at(name), .preprocessing = preprocessing, .padding = VGG19_PADDING_FILE};
    if (!vgg19_new(&vgg, &options, layers, LAYERS, &err)) fail_msg("%s", err.text);
    return vgg;
}

static void imports_keep_every_bit(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        vgg19_preprocessing preprocessing;
    } kinds[] = {{"caffe", VGG19_PREPROCESSING_CAFFE}, {"torchvision", VGG19_PREPROCESSING_TORCHVISION}};
    write_weights("raw.safetensors");
    refused("--preprocessing", "weights import raw.safetensors -o x.safetensors --preprocessing keras");
    refused("its metadata does not say how pictures are prepared", "weights import raw.safetensors -o x.safetensors");
    for (int i = 0; i < 2; i++) {
        nstx(0, "weights import raw.safetensors -o %s.safetensors --preprocessing %s", kinds[i].word, kinds[i].word);
        assert_said(said_out, "VGG-19 to conv2_1");
        char *name = nx_format("%s.safetensors", kinds[i].word);
        vgg19 *raw = open_vgg("raw.safetensors", kinds[i].preprocessing);
        vgg19 *imported = open_vgg(name, VGG19_PREPROCESSING_FILE);
        assert_memory_equal(raw->mean, imported->mean, sizeof raw->mean);
        assert_int_equal(raw->params->count, 2 * LAYERS);
        for (size_t k = 0; k < raw->params->count; k++) {
            const nx_param *a = raw->params->items[k], *b = imported->params->items[k];
            assert_string_equal(a->name, b->name);
            assert_memory_equal(a->initial, b->initial, nx_shape_count(a->shape) * sizeof(float));
        }
        vgg19_free(raw);
        vgg19_free(imported);
        free(name);
    }
    nstx(0, "weights info caffe.safetensors");
    assert_said(said_out, "features.0.weight");
    assert_said(said_out, "RGB, 0 to 255, minus mean");
    assert_said(said_out, "source_xxh3");
    assert_said(said_out, "as the file says");
}

static void damage_is_found(void **state)
{
    (void)state;
    char *data;
    size_t bytes;
    nstx(0, "weights verify caffe.safetensors");
    assert_said(said_out, "VGG-19 to conv2_1");
    assert_said(said_out, "every number is finite");
    assert_true(nx_file_read(at("caffe.safetensors"), &data, &bytes, NULL));
    data[bytes - 30] ^= 1;
    scratch_write(at("flipped.safetensors"), data, bytes);
    nstx(1, "weights verify flipped.safetensors");
    assert_said(said_err, "it was damaged or changed");
    nstx(1, "weights info flipped.safetensors");
    free(data);

    assert_true(nx_file_read(at("raw.safetensors"), &data, &bytes, NULL));
    memset(data + bytes - 4, 0xff, 4); /* the last bias: NaN */
    scratch_write(at("nan.safetensors"), data, bytes);
    free(data);
    nstx(1, "weights verify nan.safetensors --preprocessing caffe");
    assert_said(said_err, "features.5.bias holds what is no number");
    nstx(2, "weights verify style.png");
    assert_one_line("style.png");
    refused("there is no `weights frob`", "weights frob");
}

/* Features of n pictures, one layer after another; owned by the caller. */
static float *features_of(const char *name, const float *pictures, int n, size_t *sizes, int *channels)
{
    nx_device *device;
    nx_error err = {0};
    vgg19 *vgg = open_vgg(name, VGG19_PREPROCESSING_FILE);
    if (!nx_device_open(&device, &(nx_device_options){0}, &err)) fail_msg("%s", err.text);
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *input = nx_input(g, (nx_shape){n, SIDE, SIDE, 3}, "picture"), *out[LAYERS];
    float one[3] = {1, 1, 1}, shift[3] = {-vgg->mean[0], -vgg->mean[1], -vgg->mean[2]};
    nx_tensor *x = nx_affine(g, input, nx_constant(g, NX_VECTOR(3), one), nx_constant(g, NX_VECTOR(3), shift));
    nx_plan *plan;
    assert_true(vgg19_record(vgg, g, x, layers, LAYERS, out, &err));
    size_t total = 0;
    for (int i = 0; i < LAYERS; i++) {
        nx_keep(out[i]);
        channels[i] = out[i]->shape.c;
        total += sizes[i] = nx_shape_count(out[i]->shape);
    }
    assert_true(nx_plan_new(&plan, g, &err));
    nx_params_realize(vgg->params, device);
    nx_plan_realize(plan, device);
    nx_plan_write(plan, input, pictures);
    nx_plan_run(plan);
    float *all = nx_alloc(total * sizeof *all), *next = all;
    for (int i = 0; i < LAYERS; next += sizes[i++]) nx_plan_read(plan, out[i], next);
    nx_plan_free(plan);
    nx_graph_free(g);
    vgg19_free(vgg);
    nx_device_free(device);
    return all;
}

/* Gatys' identity: on any picture, a new feature times its channel's mean over the calibration set is the old one; and
 * the new features' means over that set are 1. */
static void normalising_only_scales_channels(void **state)
{
    (void)state;
    enum { COUNT = 4 };
    static float pictures[(COUNT + 1) * SIDE * SIDE * 3];
    nx_error err = {0};
    assert_int_equal(mkdir(at("calibration"), 0777), 0);
    for (int i = 0; i <= COUNT; i++) {
        char name[40];
        nx_image image;
        snprintf(name, sizeof name, i < COUNT ? "calibration/%d.png" : "other%d.png", i);
        write_picture(name, SIDE, SIDE, 70 + i);
        assert_true(nx_image_load(&image, at(name), &err));
        memcpy(pictures + i * SIDE * SIDE * 3, image.rgb, sizeof(float) * SIDE * SIDE * 3);
        nx_image_free(&image);
    }
    refused("--images FOLDER is needed", "weights normalize caffe.safetensors normal.safetensors");
    nstx(0, "weights normalize caffe.safetensors normal.safetensors --images calibration --size 32");
    assert_said(said_out, "over 4 pictures of calibration");
    size_t sizes[LAYERS];
    int channels[LAYERS];
    float *old = features_of("caffe.safetensors", pictures, COUNT + 1, sizes, channels);
    float *new = features_of("normal.safetensors", pictures, COUNT + 1, sizes, channels);
    const float *a = old, *b = new;
    for (int i = 0; i < LAYERS; a += sizes[i], b += sizes[i], i++) {
        int n = channels[i], live = 0;
        size_t rows = sizes[i] / (size_t)n, calibration = rows / (COUNT + 1) * COUNT;
        for (int k = 0; k < n; k++) {
            double mean = 0, after = 0, largest = 0, worst = 0;
            for (size_t r = 0; r < calibration; r++) {
                mean += (double)a[r * (size_t)n + (size_t)k] / (double)calibration;
                after += (double)b[r * (size_t)n + (size_t)k] / (double)calibration;
            }
            double factor = mean > 0 ? mean : 1; /* a dead channel stays as it is */
            live += mean > 0;
            for (size_t r = 0; r < rows; r++) {
                double x = (double)a[r * (size_t)n + (size_t)k];
                largest = fmax(largest, x);
                worst = fmax(worst, fabs((double)b[r * (size_t)n + (size_t)k] * factor - x));
            }
            assert_true(worst <= 1e-5 * fmax(largest, 1));
            if (mean > 0) assert_true(fabs(after - 1) < 1e-4);
        }
        assert_true(live > n / 2);
    }
    free(old);
    free(new);
}

static void a_generator_is_exported(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o run.h5 -s experiment.steps=1 -s descriptor.weights=caffe.safetensors");
    char hash[33];
    nx_error err = {0};
    nx_h5 *run = open_h5("run.h5");
    assert_true(nx_file_hash(at("caffe.safetensors"), hash, &err));
    assert_attribute(run, "/descriptor", "weights_xxh3", hash);
    close_h5(run);

    nstx(0, "weights export run.model.h5 generator.safetensors");
    nx_tensor_file *file;
    nx_h5 *model = open_h5("run.model.h5");
    if (!nx_tensor_file_open(&file, at("generator.safetensors"), &err)) fail_msg("%s", err.text);
    assert_string_equal(nx_tensor_file_metadata(file, "network"), "stylenet");
    assert_non_null(strstr(nx_tensor_file_metadata(file, "options"), "channels = 4"));
    nx_h5_names names;
    assert_true(nx_h5_children(model, "/model/parameters", &names, &err));
    assert_int_equal(names.count, nx_tensor_file_count(file));
    for (size_t i = 0; i < names.count; i++) {
        char *path = nx_format("/model/parameters/%s", names.names[i]);
        const nx_tensor_entry *entry = nx_tensor_file_find(file, names.names[i]);
        float *values;
        int rank, shape[NX_H5_RANK_MAX];
        assert_non_null(entry);
        assert_true(nx_h5_read_float(model, path, &values, &rank, shape, &err));
        assert_int_equal(rank, entry->rank);
        assert_memory_equal(values, entry->data, nx_tensor_entry_size(entry) * sizeof *values);
        free(values);
        free(path);
    }
    nx_h5_names_free(&names);
    nx_tensor_file_free(file);
    close_h5(model);
    refused("not a model file", "weights export run.h5 x.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_keep_every_bit),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(normalising_only_scales_channels),
        cmocka_unit_test(a_generator_is_exported),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
