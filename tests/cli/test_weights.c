/* nstx weights: files that come in keep every bit of what the network computes, damage is found, and normalisation
 * changes nothing but the scale of each channel. */
#include "cli.h"

#include "../io/npz.h"
#include "../io/pth.h"

#include "graph/plan.h"
#include "machine/device.h"
#include "networks/descriptor_files.h"
#include "nn/init.h"
#include "ops/affine.h"

#include <math.h>

enum { SIDE = 32, LAYERS = 3 };

static const char *const layers[LAYERS] = {"conv1_1", "conv1_2", "conv2_1"};

enum { MOST_LAYERS = 18 };

static const char *const torchvision[MOST_LAYERS] = {
    "features.0",  "features.2",  "features.5",  "features.7",  "features.10",  "features.12",
    "features.14", "features.16", "features.19", "features.21", "features.23",  "features.25",
    "features.28", "features.30", "features.32", "features.34", "classifier.0", "classifier.3"};

/* Random weights of the first layers of a slim VGG-19 with torchvision's names. 2 * count entries; owned by the caller.
 */
static nx_tensor_entry *make_weights(int count, const int *out)
{
    nx_tensor_entry *entries = nx_alloc(2 * (size_t)count * sizeof *entries);
    nx_rng rng = nx_rng_new(3, 0);
    for (int i = 0; i < count; i++) {
        bool full = i >= 16;
        int in = !i ? 3 : i == 16 ? 49 * out[15] : out[i - 1], taps = full ? 1 : 9;
        size_t numbers = (size_t)(taps * in * out[i]);
        float *weight = nx_alloc(numbers * sizeof *weight), *bias = nx_alloc((size_t)out[i] * sizeof *bias);
        for (size_t k = 0; k < numbers; k++) weight[k] = nx_rng_normal(&rng) * sqrtf(2.f / (float)(taps * in));
        for (int k = 0; k < out[i]; k++) bias[k] = 0.1f * nx_rng_uniform(&rng);
        entries[2 * i] = full
                             ? (nx_tensor_entry){nx_format("%s.weight", torchvision[i]), 2, {out[i], in}, weight}
                             : (nx_tensor_entry){nx_format("%s.weight", torchvision[i]), 4, {out[i], in, 3, 3}, weight};
        entries[2 * i + 1] = (nx_tensor_entry){nx_format("%s.bias", torchvision[i]), 1, {out[i]}, bias};
    }
    return entries;
}

static void free_weights(nx_tensor_entry *entries, int count)
{
    for (int i = 0; i < 2 * count; i++) {
        free((char *)entries[i].name);
        free((float *)entries[i].data);
    }
    free(entries);
}

static const int slim[LAYERS] = {5, 6, 7};

/* A VGG-19 to conv2_1, no metadata. */
static void write_weights(const char *name)
{
    nx_error err = {0};
    nx_tensor_entry *entries = make_weights(LAYERS, slim);
    if (!nx_tensors_save_safetensors(at(name), entries, 2 * LAYERS, NULL, 0, &err)) fail_msg("%s", err.text);
    free_weights(entries, LAYERS);
}

static descriptor *open_vgg(const char *name, config_preprocessing preprocessing)
{
    descriptor *vgg;
    nx_error err = {0};
    descriptor_options options = {.weights = at(name), .preprocessing = preprocessing};
    if (!descriptor_new(&vgg, &options, layers, LAYERS, &err)) fail_msg("%s", err.text);
    return vgg;
}

static void assert_same_params(const descriptor *a, const descriptor *b)
{
    assert_int_equal(a->params->count, b->params->count);
    for (size_t k = 0; k < a->params->count; k++) {
        const nx_param *p = a->params->items[k], *q = b->params->items[k];
        assert_string_equal(p->name, q->name);
        assert_memory_equal(p->initial, q->initial, nx_shape_count(p->shape) * sizeof(float));
    }
}

static void imports_keep_every_bit(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        config_preprocessing preprocessing;
    } kinds[] = {{"caffe", PREPROCESSING_CAFFE}, {"torchvision", PREPROCESSING_TORCHVISION}};
    write_weights("raw.safetensors");
    refused("--preprocessing", "weights import raw.safetensors -o x.safetensors --preprocessing keras");
    refused("its metadata does not say how pictures are prepared", "weights import raw.safetensors -o x.safetensors");
    for (int i = 0; i < 2; i++) {
        nstx(0, "weights import raw.safetensors -o %s.safetensors --preprocessing %s", kinds[i].word, kinds[i].word);
        assert_said(said_out, "VGG-19 to conv2_1");
        char *name = nx_format("%s.safetensors", kinds[i].word);
        descriptor *raw = open_vgg("raw.safetensors", kinds[i].preprocessing);
        descriptor *imported = open_vgg(name, PREPROCESSING_FILE);
        assert_memory_equal(raw->mean, imported->mean, sizeof raw->mean);
        assert_int_equal(raw->params->count, 2 * LAYERS);
        assert_same_params(raw, imported);
        descriptor_free(raw);
        descriptor_free(imported);
        free(name);
    }
    nstx(0, "weights info caffe.safetensors");
    assert_said(said_out, "features.0.weight");
    assert_said(said_out, "RGB, 0 to 255, minus mean");
    assert_said(said_out, "source_xxh3");
    assert_said(said_out, "as the file says");
}

/* The same arrays in NumPy's .npz are the same weights, and unknown preprocessing is refused there, too. */
static void numpy_is_read(void **state)
{
    (void)state;
    nx_tensor_entry *entries = make_weights(LAYERS, slim);
    npz_array arrays[2 * LAYERS];
    char names[2 * LAYERS][40], shapes[2 * LAYERS][40];
    for (int i = 0; i < 2 * LAYERS; i++) {
        const nx_tensor_entry *e = &entries[i];
        snprintf(names[i], sizeof names[i], "%s.npy", e->name);
        if (e->rank == 4)
            snprintf(shapes[i], sizeof shapes[i], "(%d, %d, 3, 3)", e->shape[0], e->shape[1]);
        else
            snprintf(shapes[i], sizeof shapes[i], "(%d,)", e->shape[0]);
        arrays[i] = (npz_array){names[i], "<f4", shapes[i], NULL, e->data, 4 * nx_tensor_entry_size(e)};
    }
    write_npz(at("raw.npz"), arrays, 2 * LAYERS);
    free_weights(entries, LAYERS);
    refused("its metadata does not say how pictures are prepared", "weights import raw.npz -o x.safetensors");
    nstx(0, "weights import raw.npz -o numpy.safetensors --preprocessing caffe");
    descriptor *numpy = open_vgg("numpy.safetensors", PREPROCESSING_FILE),
               *same = open_vgg("caffe.safetensors", PREPROCESSING_FILE);
    assert_same_params(numpy, same);
    descriptor_free(numpy);
    descriptor_free(same);
    write_truncated("short.npz", "raw.npz", 100);
    refused("short.npz", "weights import short.npz -o x.safetensors --preprocessing caffe");
}

/* And in PyTorch's files, of which nothing is run. */
static void pytorch_is_read(void **state)
{
    (void)state;
    nx_tensor_entry *entries = make_weights(LAYERS, slim);
    descriptor *same = open_vgg("caffe.safetensors", PREPROCESSING_FILE);
    for (int old = 0; old < 2; old++) {
        const char *out = old ? "old.safetensors" : "new.safetensors";
        assert_true(write_pth(at("raw.pth"), entries, 2 * LAYERS, old));
        refused("its metadata does not say how pictures are prepared", "weights import raw.pth -o x.safetensors");
        nstx(0, "weights import raw.pth -o %s --preprocessing caffe", out);
        descriptor *torch = open_vgg(out, PREPROCESSING_FILE);
        assert_same_params(torch, same);
        descriptor_free(torch);
        nstx(0, "info raw.pth");
        assert_said(said_out, "features.5.bias");
    }
    descriptor_free(same);
    free_weights(entries, LAYERS);
    nstx(0, "weights verify raw.pth --preprocessing caffe");
    assert_said(said_out, "every number is finite");
    nstx(0, "plan tiny.ini -s descriptor.weights=raw.pth -s descriptor.preprocessing=caffe");
    refused("its pickle asks for posix.system, which is not a tensor: refused",
            "run tiny.ini -s descriptor.weights=" NSTX_SOURCE "/tests/reference/pth/system.pth");
    write_truncated("short.pth", "raw.pth", 100);
    refused("short.pth", "weights info short.pth");
}

/* fc6 and fc7 come through an import with every bit, and are normalised with the rest. */
static void fully_connected_layers_stay(void **state)
{
    (void)state;
    static const int out[MOST_LAYERS] = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 24, 16};
    const char *const deepest = "fc7";
    nx_error err = {0};
    nx_tensor_entry *entries = make_weights(MOST_LAYERS, out);
    if (!nx_tensors_save_safetensors(at("deep.safetensors"), entries, 2 * MOST_LAYERS, NULL, 0, &err))
        fail_msg("%s", err.text);
    free_weights(entries, MOST_LAYERS);
    nstx(0, "weights import deep.safetensors --preprocessing torchvision -o deep2.safetensors");
    assert_string_equal(said_out, "deep2.safetensors: VGG-19 to fc7\n");
    descriptor *vgg[2];
    const descriptor_options options[2] = {
        {.weights = at("deep.safetensors"), .preprocessing = PREPROCESSING_TORCHVISION},
        {.weights = at("deep2.safetensors")}};
    for (int k = 0; k < 2; k++)
        if (!descriptor_new(&vgg[k], &options[k], &deepest, 1, &err)) fail_msg("%s", err.text);
    assert_int_equal(vgg[0]->params->count, 2 * MOST_LAYERS);
    assert_same_params(vgg[0], vgg[1]);
    descriptor_free(vgg[0]);
    descriptor_free(vgg[1]);

    /* Normalised once, a second time changes nothing: every live channel's mean is 1 already. */
    assert_int_equal(mkdir(at("large"), 0777), 0);
    for (int i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "large/%d.png", i);
        write_picture(name, 224, 224, 50 + i);
    }
    nstx(2, "weights normalize deep2.safetensors x.safetensors --images large --size 128");
    assert_one_line("fc6 takes 196 numbers");
    nstx(0, "weights normalize deep2.safetensors once.safetensors --images large --floor 0");
    assert_said(said_out, "VGG-19 to fc7, every channel's mean is 1");
    nstx(0, "weights normalize once.safetensors twice.safetensors --images large --floor 0");
    nx_tensor_file *file[3];
    static const char *const names[3] = {"deep2.safetensors", "once.safetensors", "twice.safetensors"};
    for (int k = 0; k < 3; k++)
        if (!nx_tensor_file_open(&file[k], at(names[k]), &err)) fail_msg("%s", err.text);
    double changed = 0, moved = 0;
    for (int i = 0; i < 16; i++) {
        const float *b[3];
        for (int k = 0; k < 3; k++) b[k] = nx_tensor_file_find(file[k], "classifier.3.bias")->data;
        changed = fmax(changed, fabs((double)b[1][i] - (double)b[0][i]));
        moved = fmax(moved, fabs((double)b[2][i] - (double)b[1][i]) / (fabs((double)b[1][i]) + 1e-3));
    }
    assert_true(changed > 1e-3);
    assert_true(moved < 1e-3);
    for (int k = 0; k < 3; k++) nx_tensor_file_free(file[k]);
}

/* One network written down for both conventions gives the same losses and the same gradient by the picture. The borders
 * are reflected: zeros around a picture minus its mean would be other colours in each. */
static void conventions_agree(void **state)
{
    (void)state;
    static const double caffe_mean[3] = {123.68, 116.779, 103.939}, mean[3] = {0.485, 0.456, 0.406},
                        std[3] = {0.229, 0.224, 0.225};
    nx_error err = {0};
    nx_tensor_entry *entries = make_weights(LAYERS, slim);
    if (!nx_tensors_save_safetensors(at("t.safetensors"), entries, 2 * LAYERS, NULL, 0, &err)) fail_msg("%s", err.text);
    float *weight = (float *)entries[0].data, *bias = (float *)entries[1].data;
    for (int o = 0; o < slim[0]; o++) {
        float *w = weight + o * 27, old[27];
        memcpy(old, w, sizeof old);
        double shift = 0;
        for (int c = 0; c < 3; c++)
            for (int t = 0; t < 9; t++) {
                double scaled = (double)old[c * 9 + t] / (255 * std[c]);
                shift += scaled * (caffe_mean[c] - 255 * mean[c]);
                w[(2 - c) * 9 + t] = (float)scaled;
            }
        bias[o] += (float)shift;
    }
    if (!nx_tensors_save_safetensors(at("c.safetensors"), entries, 2 * LAYERS, NULL, 0, &err)) fail_msg("%s", err.text);
    free_weights(entries, LAYERS);
    write_text("gatys.ini", "[experiment]\npaper = gatys\ntask = optimize\nsteps = 0\n"
                            "[descriptor]\npadding = reflect\ncontent_layers = relu2_1\n"
                            "style_layers = relu1_1 relu2_1\n"
                            "[data]\ncontent = photos/1.png\nstyle = style.png\ninit = photos/2.png\nsize = 32\n"
                            "style_size = 32\n[log]\ndebug = true\n");
    nstx(0, "run gatys.ini -o t.h5 -s descriptor.weights=t.safetensors -s descriptor.preprocessing=torchvision");
    nstx(0, "run gatys.ini -o c.h5 -s descriptor.weights=c.safetensors -s descriptor.preprocessing=caffe");
    nx_h5 *t = open_h5("t.h5"), *c = open_h5("c.h5");
    static const char *const terms[] = {"content/relu2_1", "style/relu1_1", "style/relu2_1", "total"};
    for (int i = 0; i < 4; i++) {
        size_t n;
        double *a = values_of(t, terms[i], &n), *b = values_of(c, terms[i], &n);
        assert_true(a[0] > 0 && fabs(a[0] - b[0]) < 1e-4 * a[0]);
        free(a);
        free(b);
    }
    float *a, *b;
    int rank, shape[NX_H5_RANK_MAX];
    assert_true(nx_h5_read_float(t, "/debug/gradient", &a, &rank, shape, &err));
    assert_true(nx_h5_read_float(c, "/debug/gradient", &b, &rank, shape, &err));
    double most = 0, off = 0;
    for (int i = 0; i < shape[0] * shape[1] * shape[2]; i++)
        most = fmax(most, fabs((double)a[i])), off = fmax(off, fabs((double)a[i] - (double)b[i]));
    assert_true(most > 0 && off < 1e-4 * most);
    free(a);
    free(b);
    close_h5(t);
    close_h5(c);
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

/* The last layer tells a VGG-16 from a VGG-19, and the tensors of a batch normalization another kind from both. */
static void networks_are_told_apart(void **state)
{
    (void)state;
    enum { COUNT = 9 };
    static const int out[COUNT] = {3, 4, 3, 4, 3, 4, 3, 4, 3};
    static const char *const files[] = {"vgg16.safetensors", "bn.safetensors"};
    nx_error err = {0};
    nx_tensor_entry *entries = make_weights(COUNT, out);
    for (int k = 0; k < 2; k++) { /* conv4_1 to conv4_2 by their numbers there; then conv1_2 a normalization */
        for (int i = k ? 1 : 7; i < (k ? 2 : COUNT); i++)
            for (int part = 0; part < 2; part++) {
                nx_tensor_entry *e = &entries[2 * i + part];
                free((char *)e->name);
                e->name = nx_format("features.%d.%s", k ? 1 : 17 + 2 * (i - 7), part ? "bias" : "weight");
                if (k) e->rank = 1;
            }
        if (!nx_tensors_save_safetensors(at(files[k]), entries, k ? 4 : 2 * COUNT, NULL, 0, &err))
            fail_msg("%s", err.text);
    }
    free_weights(entries, COUNT);
    nstx(0, "weights verify vgg16.safetensors --preprocessing caffe");
    assert_said(said_out, "VGG-16 to conv4_2");
    nstx(0, "weights import vgg16.safetensors --preprocessing caffe -o imported16.safetensors");
    assert_string_equal(said_out, "imported16.safetensors: VGG-16 to conv4_2\n");
    refused("a VGG-19 with batch normalization (torchvision's vgg19_bn)", "weights verify bn.safetensors");

    write_text("net.ini", "[experiment]\npaper = gatys\ntask = optimize\nsteps = 0\n[descriptor]\n"
                          "weights = imported16.safetensors\ncontent_layers = relu4_2\nstyle_layers = relu1_1\n"
                          "[data]\ncontent = photos/1.png\nstyle = style.png\nsize = 32\nstyle_size = 32\n");
    refused("imported16.safetensors: the weights of a VGG-16, not of a VGG-19: set [descriptor] network = vgg16",
            "run net.ini -o net.h5");
    nstx(0, "run net.ini --overwrite -o net.h5 -s descriptor.network=vgg16");
}

/* Features of n pictures, one layer after another; owned by the caller. */
static float *features_of(const char *name, const float *pictures, int n, size_t *sizes, int *channels)
{
    nx_device *device;
    nx_error err = {0};
    descriptor *vgg = open_vgg(name, PREPROCESSING_FILE);
    if (!device_open(&device, (nx_device_options){0}, &err)) fail_msg("%s", err.text);
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *input = nx_input(g, (nx_shape){n, SIDE, SIDE, 3}, "picture"), *out[LAYERS];
    float one[3] = {1, 1, 1}, shift[3] = {-vgg->mean[0], -vgg->mean[1], -vgg->mean[2]};
    nx_tensor *x = nx_affine(g, input, nx_constant(g, NX_VECTOR(3), one), nx_constant(g, NX_VECTOR(3), shift));
    nx_plan *plan;
    assert_true(descriptor_record(vgg, g, x, layers, LAYERS, out, &err));
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
    descriptor_free(vgg);
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
    nstx(0, "weights normalize caffe.safetensors normal.safetensors --images calibration --size 32 --floor 0");
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

/* A channel that hardly ever fires is not scaled up to the others: it is scaled by a part of its layer's mean. */
static void rare_channels_are_bounded(void **state)
{
    (void)state;
    enum { COUNT = 2, RARE = 2 };
    static float pictures[COUNT * SIDE * SIDE * 3];
    const nx_metadata metadata[] = {{"input", "RGB, 0 to 255, minus mean"}, {"mean", "124, 117, 104"}};
    nx_error err = {0};
    nx_tensor_entry *entries = make_weights(LAYERS, slim);
    for (int i = 0; i < 27; i++) ((float *)entries[0].data)[27 * RARE + i] = 1e-6f * (float)(i + 1);
    ((float *)entries[1].data)[RARE] = 0;
    if (!nx_tensors_save_safetensors(at("rare.safetensors"), entries, 2 * LAYERS, metadata, 2, &err))
        fail_msg("%s", err.text);
    free_weights(entries, LAYERS);
    assert_int_equal(mkdir(at("few"), 0777), 0);
    for (int i = 0; i < COUNT; i++) {
        char name[40];
        nx_image image;
        snprintf(name, sizeof name, "few/%d.png", i);
        write_picture(name, SIDE, SIDE, 80 + i);
        assert_true(nx_image_load(&image, at(name), &err));
        memcpy(pictures + i * SIDE * SIDE * 3, image.rgb, sizeof(float) * SIDE * SIDE * 3);
        nx_image_free(&image);
    }
    refused("--floor 2: a number from 0 to 1; usage: ",
            "weights normalize rare.safetensors x.safetensors --images few --floor 2");
    nstx(0, "weights normalize rare.safetensors bounded.safetensors --images few --size 32");
    assert_said(said_out, "mean below 0.1 of their layer's");
    nstx(0, "weights normalize rare.safetensors bounded.safetensors --images few --size 32 --floor 0.001");
    assert_said(said_out, "mean below 0.001 of their layer's");
    assert_said(said_out, "over 2 pictures of few, but for 1 that hardly ever fire");
    size_t sizes[LAYERS];
    int channels[LAYERS];
    float *old = features_of("rare.safetensors", pictures, COUNT, sizes, channels);
    float *new = features_of("bounded.safetensors", pictures, COUNT, sizes, channels);
    int n = channels[0];
    double before = 0, after = 0, layer = 0, rows = (double)sizes[0] / n;
    for (size_t r = 0; r < sizes[0]; r++) {
        layer += (double)old[r] / (double)sizes[0];
        if (r % (size_t)n == RARE) before += (double)old[r] / rows, after += (double)new[r] / rows;
    }
    assert_true(before > 0 && before < 1e-3 * layer);
    assert_true(fabs(after - before / (1e-3 * layer)) < 1e-4 * after);
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
    refused("generator.pth: safetensors are written here: a name that ends with .safetensors",
            "weights export run.model.h5 generator.pth");
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
    close_h5(model);
    nx_tensor_file *checkpoint;
    nstx(0, "weights export run.h5 checkpoint.safetensors");
    if (!nx_tensor_file_open(&checkpoint, at("checkpoint.safetensors"), &err)) fail_msg("%s", err.text);
    static const char *const keys[] = {"network", "options", "pixels_in", "pixels_out", "tensors_xxh3"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_string_equal(nx_tensor_file_metadata(file, keys[i]), nx_tensor_file_metadata(checkpoint, keys[i]));
    nx_tensor_file_free(checkpoint);
    nx_tensor_file_free(file);
    static const char *const missing[] = {"/model", "/checkpoint"};
    for (size_t i = 0; i < 2; i++) {
        nx_h5 *run;
        free(shell("cp run.h5 old.h5"));
        if (!nx_h5_open(&run, at("old.h5"), true, &err) || !nx_h5_delete(run, missing[i], &err))
            fail_msg("%s", err.text);
        close_h5(run);
        refused("old.h5: a run of which no model is kept in it", "weights export old.h5 x.safetensors");
    }
}

static void with_a_list(void) { setenv("XDG_DATA_HOME", at("data"), 1); }

/* By its name a file does what it does by its path, and the list says what it does not say itself. */
static void weights_have_names(void **state)
{
    (void)state;
    free(shell("mkdir -p data/nstx/weights && cp raw.safetensors data/nstx/weights/faces.safetensors"));
    write_text("data/nstx/weights/weights.ini", "[faces]\nurl = https://example.org/faces.safetensors\nbytes = 9\n"
                                                "md5 = 00000000000000000000000000000000\npreprocessing = caffe\n");
    before_exec = with_a_list;
    nstx(0, "run tiny.ini -o named.h5 -s experiment.steps=1 -s descriptor.weights=faces");
    assert_same_run("run.h5", "named.h5"); /* of caffe.safetensors, which is raw.safetensors imported */
    nx_h5 *file = open_h5("named.h5");
    char *text, *path = text_attribute(file, "/descriptor", "weights");
    assert_true(nx_h5_read_text(file, "/config", &text, NULL));
    assert_said(text, "\nweights = faces\n");
    assert_true(nx_ends_with(path, "/data/nstx/weights/faces.safetensors"));
    close_h5(file);
    free(path);
    free(text);
    free(shell("cp caffe.safetensors data/nstx/weights/faces.safetensors"));
    refused("the run began with another descriptor than ",
            "run tiny.ini -o named.h5 --resume -s descriptor.weights=faces -s experiment.steps=2");
    before_exec = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_keep_every_bit),    cmocka_unit_test(numpy_is_read),
        cmocka_unit_test(pytorch_is_read),           cmocka_unit_test(fully_connected_layers_stay),
        cmocka_unit_test(conventions_agree),         cmocka_unit_test(damage_is_found),
        cmocka_unit_test(networks_are_told_apart),   cmocka_unit_test(normalising_only_scales_channels),
        cmocka_unit_test(rare_channels_are_bounded), cmocka_unit_test(a_generator_is_exported),
        cmocka_unit_test(weights_have_names),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
