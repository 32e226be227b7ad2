/* Networks that others released, as nstx stylize, info and weights import take them: files of tests/reference, which
 * PyTorch wrote, and the picture that PyTorch makes with them. */
#include "cli.h"

#define FILES NSTX_SOURCE "/tests/reference/transformernet/"

static const char *const files[] = {"new.pth", "old.pth", "new.onnx", "old.onnx"};
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

/* The largest difference from what PyTorch makes of in.png, in grey levels. */
static float from_pytorch(const char *name)
{
    nx_image image;
    nx_tensor_file *file;
    nx_error err = {0};
    if (!nx_image_load(&image, at(name), &err) || !nx_tensor_file_open(&file, FILES "picture.npz", &err))
        fail_msg("%s", err.text);
    const nx_tensor_entry *y = nx_tensor_file_find(file, "y");
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
static void write_changed(const char *name, const char *from, const char *to)
{
    char *data;
    size_t bytes;
    nx_error err = {0};
    if (!nx_file_read(at(name), &data, &bytes, &err)) fail_msg("%s", err.text);
    char *found = memmem(data, bytes, from, strlen(from));
    assert_non_null(found);
    memcpy(found, to, strlen(to));
    scratch_write(at("changed.onnx"), data, bytes);
    free(data);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stylizes_as_pytorch_does),
        cmocka_unit_test(imports_and_tells),
        cmocka_unit_test(training_goes_on),
        cmocka_unit_test(refuses_other_networks),
    };
    return cmocka_run_group_tests_name("foreign", tests, open_all, scratch_close) != 0;
}
