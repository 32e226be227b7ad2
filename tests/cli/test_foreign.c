/* Networks that others released, as nstx stylize, info and weights import take them: files of tests/reference, which
 * PyTorch wrote, and the picture that PyTorch makes with them. */
#include "../io/pth.h"
#include "cli.h"

#define FILES   NSTX_SOURCE "/tests/reference/transformernet/"
#define JOHNSON NSTX_SOURCE "/tests/reference/fastneuralstyle/"

static const char *const files[] = {"new.pth", "old.pth", "new.onnx", "old.onnx"};
static const char *const checkpoints[] = {"instance", "nearest", "batch", "zero", "reflect", "replicate"};
enum { HEIGHT = 21, WIDTH = 26 };

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    nx_error err = {0};
    nx_image image = nx_image_new(HEIGHT, WIDTH);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++)
                image.rgb[(y * WIDTH + x) * 3 + c] =
                    (float)floor(255 * (0.5 + 0.5 * sin(0.3 * x + 0.2 * (c + 1) * y)) + 0.5);
    bool saved = nx_image_save_png(&image, at("in.png"), &err);
    nx_image_free(&image);
    return saved ? 0 : -1;
}

/* The largest difference from what PyTorch makes of in.png, which is in pictures under that name, in grey levels. */
static float from_picture(const char *name, const char *pictures, const char *of)
{
    nx_image image;
    nx_tensor_file *file;
    nx_error err = {0};
    if (!nx_image_load(&image, at(name), &err) || !nx_tensor_file_open(&file, pictures, &err)) fail_msg("%s", err.text);
    const nx_tensor_entry *y = nx_tensor_file_find(file, of);
    float most = 0, least = 255, greatest = 0;
    assert_true(y && y->shape[0] == HEIGHT && y->shape[1] == WIDTH);
    assert_true(image.height == HEIGHT && image.width == WIDTH);
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
        most = fmaxf(most, fabsf(image.rgb[i] - fminf(fmaxf(y->data[i], 0), 255)));
        least = fminf(least, y->data[i]), greatest = fmaxf(greatest, y->data[i]);
    }
    assert_true(greatest - least > 100);
    nx_image_free(&image);
    nx_tensor_file_free(file);
    return most;
}

static float from_pytorch(const char *name) { return from_picture(name, FILES "picture.npz", "y"); }

static void stylizes_as_pytorch_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        nstx(0, "stylize " FILES "%s in.png -o whole.png --format png16", files[i]);
        nstx(0, "stylize " FILES "%s in.png -o tiles.png --format png16 --tile 8", files[i]);
        assert_said(said_err, "tiles of");
        float whole = from_pytorch("whole.png"), tiles = from_pytorch("tiles.png");
        print_message("%s: %.4f grey levels from PyTorch, in tiles %.4f\n", files[i], (double)whole, (double)tiles);
        assert_true(whole < 0.01f && tiles < 0.01f);
    }
}

static void imports_and_tells(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        nstx(0, "weights import " FILES "%s -o net.safetensors", files[i]);
        assert_said(said_out, "net.safetensors: stylenet, 30 tensors");
        nstx(0, "stylize net.safetensors in.png -o again.png --format png16");
        assert_true(from_pytorch("again.png") < 0.01f);
        nstx(0, "info " FILES "%s", files[i]);
        assert_said(said_out, "a style transfer network of pytorch/examples");
        assert_said(said_out, "output_size = 9");
        assert_said(said_out, "/model/parameters/conv1.weight               2 x 3 x 9 x 9");
        nstx(0, "info --json " FILES "%s", files[i]);
        assert_said(said_out, "\"stylenet\"");
    }
}

/* As PyTorch's DataParallel names them: "module." before each. */
static void prefixed_names_are_read(void **state)
{
    (void)state;
    nx_tensor_file *file;
    nx_error err;
    if (!nx_tensor_file_open(&file, FILES "new.pth", &err)) fail_msg("%s", err.text);
    size_t count = nx_tensor_file_count(file);
    nx_tensor_entry *entries = nx_alloc(count * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        entries[i] = *nx_tensor_file_at(file, i);
        entries[i].name = nx_format("module.%s", entries[i].name);
    }
    assert_true(write_pth(at("parallel.pth"), entries, count, false));
    nstx(0, "stylize parallel.pth in.png -o parallel.png --format png16");
    assert_true(from_pytorch("parallel.png") < 0.01f);
    nstx(0, "info parallel.pth");
    assert_said(said_out, "a style transfer network of pytorch/examples");
    for (size_t i = 0; i < count; i++) free((char *)entries[i].name);
    free(entries);
    nx_tensor_file_free(file);
}

/* Such a network is one that training can begin from. */
static void training_goes_on(void **state)
{
    (void)state;
    const char *same = "-s generator.channels=2 -s generator.blocks=1 -s generator.upsample=nearest "
                       "-s generator.padding=reflect";
    nstx(0,
         "run tiny.ini -o more.h5 -s experiment.steps=1 -s experiment.start=" FILES
         "new.pth %s -s generator.output_size=9",
         same);
    refused("output_size = 9, and here it is 3",
            "run tiny.ini -o not.h5 -s experiment.steps=1 -s experiment.start=" FILES "new.pth %s", same);
    refused("output_size = 4", "run tiny.ini -o not.h5 -s generator.output_size=4");
}

/* A copy of a file with the first `from` of it as `to`, which is as long. */
static void write_bytes(const char *name, const char *source, const void *from, const void *to, size_t count)
{
    char *data;
    size_t bytes;
    nx_error err = {0};
    if (!nx_file_read(source, &data, &bytes, &err)) fail_msg("%s", err.text);
    char *found = memmem(data, bytes, from, count);
    assert_non_null(found);
    memcpy(found, to, count);
    scratch_write(at(name), data, bytes);
    free(data);
}

static void write_changed(const char *name, const char *from, const char *to)
{
    write_bytes("changed.onnx", at(name), from, to, strlen(from));
}

static void refuses_other_networks(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *words; /* "\4: the field of an operator's name, and its length */
    } cases[] = {
        {"\"\4Relu", "\"\4Tanh", "an ONNX model of 8 convolutions, with Tanh where Relu is expected"},
        {"reflect", "average", "other padding where a reflected border"},
        {"\"\4Conv", "\"\4Gemm", "7 convolutions and dense layers, such as a classifier, with Gemm where Conv"},
        {"nearest", "bilinea", "interpolation where nearest neighbours"},
        {"\"\25InstanceN", "\"\25InstanceM", "with InstanceMormalization where Reshape"},
        {"in1.weight", "in2.weight", "another shape than TransformerNet's"},
        {"strides@\1@\1", "strides@\2@\2", "with another convolution"},
    };
    free(shell("cp " FILES "new.onnx new.onnx"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_changed("new.onnx", cases[i].from, cases[i].to);
        refused(cases[i].words, "weights import changed.onnx -o not.safetensors");
    }
    refused(cases[6].words, "stylize changed.onnx in.png -o not.png");
    write_truncated("cut.onnx", "new.onnx", 100);
    refused("cut off at byte", "stylize cut.onnx in.png -o not.png");
    refused("an ONNX model, where a file of tensors is expected",
            "run tiny.ini -o not.h5 -s descriptor.weights=new.onnx");
    refused("none.onnx", "stylize none.onnx in.png -o not.png");
    refused("it has not the tensors of pytorch/examples' TransformerNet",
            "stylize " NSTX_SOURCE "/tests/reference/pth/plain.pth in.png -o not.png");
    assert_int_not_equal(access(at("not.png"), F_OK), 0);
    assert_int_not_equal(access(at("not.safetensors"), F_OK), 0);
}

/* ---- fast-neural-style ---- */

static void stylizes_checkpoints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
        const char *name = checkpoints[i];
        nstx(0, "stylize " JOHNSON "%s.t7 in.png -o whole.png --format png16", name);
        nstx(0, "stylize " JOHNSON "%s.t7 in.png -o tiles.png --format png16 --tile 8", name);
        assert_said(said_err, "12 tiles of");
        nstx(0, "weights import " JOHNSON "%s.t7 -o net.safetensors", name);
        nstx(0, "stylize net.safetensors in.png -o again.png --format png16");
        float whole = from_picture("whole.png", JOHNSON "picture.npz", name),
              tiles = from_picture("tiles.png", JOHNSON "picture.npz", name),
              again = from_picture("again.png", JOHNSON "picture.npz", name);
        print_message("%s.t7: %.4f grey levels from PyTorch, in tiles %.4f\n", name, (double)whole, (double)tiles);
        assert_true(whole < 0.01f && tiles < 0.01f && again < 0.01f);
    }
    nstx(0, "info " JOHNSON "nearest.t7");
    assert_said(said_out, "a network of fast-neural-style");
    assert_said(said_out, "upsample_norm = true");
    assert_said(said_out, "padding_place = start");
    nstx(0, "info " JOHNSON "replicate.t7");
    assert_said(said_out, "padding = replicate");
    assert_said(said_out, "padding_place = unstrided");
}

/* Too small to be reflected so far: continued by its border, and cut. */
static void stylizes_small_pictures(void **state)
{
    (void)state;
    write_picture("dot.png", 3, 5, 1);
    static const char *const networks[] = {JOHNSON "instance.t7", FILES "new.pth"};
    for (size_t i = 0; i < 2; i++) {
        nstx(0, "stylize %s dot.png -o dots.png", networks[i]);
        nx_image image;
        assert_true(nx_image_load(&image, at("dots.png"), NULL));
        assert_true(image.height == 3 && image.width == 5);
        nx_image_free(&image);
    }
}

/* Training begins from one, and makes one like it. */
static void checkpoints_train_on(void **state)
{
    (void)state;
    const char *same = "-s generator.channels=2 -s generator.padding=reflect -s generator.padding_place=start "
                       "-s generator.input=centered -s generator.output=tanh -s generator.output_scale=150 "
                       "-s generator.output_size=9";
    nstx(0, "run tiny.ini -o on.h5 -s experiment.steps=2 -s experiment.start=" JOHNSON "instance.t7 %s", same);
    nstx(0, "stylize on.model.h5 in.png -o whole.png --format png16");
    nstx(0, "stylize on.model.h5 in.png -o tiles.png --format png16 --tile 8");
    nx_image whole, tiles;
    assert_true(nx_image_load(&whole, at("whole.png"), NULL) && nx_image_load(&tiles, at("tiles.png"), NULL));
    float most = 0;
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++) most = fmaxf(most, fabsf(whole.rgb[i] - tiles.rgb[i]));
    assert_true(most < 0.01f);
    nx_image_free(&whole);
    nx_image_free(&tiles);
    refused("padding_place = start, and here it is each",
            "run tiny.ini -o not.h5 -s experiment.steps=1 -s experiment.start=" JOHNSON "instance.t7 %s "
            "-s generator.padding_place=each",
            same);
    refused("at least 20 pixels a side", "run tiny.ini -o not.h5 -s data.size=16 -s generator.blocks=2 %s", same);
}

typedef struct number {
    const char *key;
    double from, to;
} number;

static void refuses_other_modules(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } texts[] = {
        {"nn.Tanh", "nn.Fooo", "nn.Fooo at model.modules[19], where nn.Tanh is expected"},
        {"nn.CAddTable", "nn.JoinTable", "nn.JoinTable at model.modules[11].modules[2], where nn.CAddTable"},
        {"nn.ShaveImage", "nn.SpaceImage", "nn.SpaceImage at model.modules[11].modules[1].modules[2], where nn.Sha"},
        {"nn.Instance", "nn.Contrast", "nn.ContrastNormalization at model.modules[3], where nn.InstanceNormalization"},
        {"nn.SpatialReflectionPadding", "nn.SpatialReplicatedMosaics", "where nn.SpatialConvolution is expected"},
        {"nn.SpatialFull", "nn.SpatialFool", "nn.SpatialFoolConvolution at model.modules[12], where nn.SpatialFull"},
        {"nn.Sequential", "nn.Concurrent", "no nn.Sequential"},
        {"vgg", "sgg", "-preprocessing sgg, and only vgg"},
    };
    static const number numbers[] = {{"padW", 4, 3}, {"pad_l", 8, 7}, {"eps", 1e-5, 1e-3}, {"constant_scalar", 150, 0}};
    static const char *const found[] = {
        "the nn.SpatialConvolution at model.modules[2] has padW = 3, where it is 4",
        "the nn.SpatialReflectionPadding at model.modules[1] has pad_l = 7, where it is 8",
        "the nn.InstanceNormalization at model.modules[3] has eps = 0.001, where it is 1e-05",
        "the nn.MulConstant at model.modules[20] has constant_scalar = 0, where it is 150"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_bytes("changed.t7", JOHNSON "instance.t7", texts[i].from, texts[i].to, strlen(texts[i].from));
        refused(texts[i].words, "weights import changed.t7 -o not.safetensors");
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char from[64], to[64];
        size_t key = strlen(numbers[i].key), count = key + 4 + sizeof(double);
        for (int changed = 0; changed < 2; changed++) {
            char *out = changed ? to : from;
            memcpy(out, numbers[i].key, key);
            memcpy(out + key, "\1\0\0\0", 4);
            memcpy(out + key + 4, changed ? &numbers[i].to : &numbers[i].from, sizeof(double));
        }
        write_bytes("changed.t7", JOHNSON "instance.t7", from, to, count);
        refused(found[i], "stylize changed.t7 in.png -o not.png");
    }
    write_bytes("changed.t7", JOHNSON "replicate.t7", "nn.SpatialReplicationPadding", "nn.SpatialReplicatingPadding",
                28);
    refused("nn.SpatialReplicatingPadding at model.modules[1], where nn.SpatialConv", "info changed.t7");
    write_bytes("changed.t7", JOHNSON "zero.t7", "\4\0\0\0zero", "\4\0\0\0none", 8);
    refused("-padding_type none", "stylize changed.t7 in.png -o not.png");
    write_bytes("changed.t7", JOHNSON "instance.t7", "\6\0\0\0weight", "\6\0\0\0height", 10);
    refused("nn.SpatialConvolution at model.modules[2] has no weight", "weights import changed.t7 -o not.safetensors");
    const int64_t shape[] = {2, 3, 9, 9}, narrow[] = {1, 3, 9, 9};
    write_bytes("changed.t7", JOHNSON "instance.t7", shape, narrow, sizeof shape);
    refused("model.modules[2].bias has another shape than fast-neural-style's", "info changed.t7");
    const double last[] = {21, 210}; /* of its list: nn.TotalVariation, which nothing needs */
    write_bytes("changed.t7", JOHNSON "instance.t7", &last[0], &last[1], sizeof *last);
    nstx(0, "info changed.t7");
    const double tanh[] = {19, 190};
    write_bytes("changed.t7", JOHNSON "instance.t7", &tanh[0], &tanh[1], sizeof *tanh);
    refused("nothing at model.modules[19], where nn.Tanh", "info changed.t7");
    free(shell("cp " JOHNSON "instance.t7 whole.t7"));
    write_truncated("cut.t7", "whole.t7", 100);
    refused("cut off in", "stylize cut.t7 in.png -o not.png");
    assert_int_not_equal(access(at("not.png"), F_OK), 0);
    assert_int_not_equal(access(at("not.safetensors"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stylizes_as_pytorch_does), cmocka_unit_test(imports_and_tells),
        cmocka_unit_test(prefixed_names_are_read),  cmocka_unit_test(training_goes_on),
        cmocka_unit_test(refuses_other_networks),   cmocka_unit_test(stylizes_checkpoints),
        cmocka_unit_test(stylizes_small_pictures),  cmocka_unit_test(checkpoints_train_on),
        cmocka_unit_test(refuses_other_modules),
    };
    return cmocka_run_group_tests_name("foreign", tests, open_all, scratch_close) != 0;
}
