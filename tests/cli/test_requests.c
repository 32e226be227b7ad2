/* Requests that are wrong: one line that says what is wrong, exit code 2, and nothing is written. */
#include "cli.h"

#include <turbojpeg.h>

static void write_jpeg(const char *name, int height, int width)
{
    unsigned char *rgb = nx_alloc((size_t)height * (size_t)width * 3), *jpeg = NULL;
    unsigned long bytes = 0;
    nx_rng rng = nx_rng_new(7, 0);
    for (int i = 0; i < 3 * height * width; i++) rgb[i] = (unsigned char)nx_rng_below(&rng, 256);
    tjhandle encoder = tjInitCompress();
    assert_int_equal(tjCompress2(encoder, rgb, width, 0, height, TJPF_RGB, &jpeg, &bytes, TJSAMP_444, 90, 0), 0);
    scratch_write(at(name), jpeg, bytes);
    tjDestroy(encoder);
    tjFree(jpeg);
    free(rgb);
}

/* The first layers of a VGG-19 with few channels; the first kernel has `side` pixels a side. */
static void write_weights(const char *name, int side, const nx_metadata *metadata, size_t count)
{
    float values[8 * 4 * 5 * 5] = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) values[i] = (float)(i % 7) / 7 - 0.4f;
    const nx_tensor_entry entries[] = {
        {"features.0.weight", 4, {4, 3, side, side}, values}, {"features.0.bias", 1, {4}, values},
        {"features.2.weight", 4, {4, 4, 3, 3}, values},       {"features.2.bias", 1, {4}, values},
        {"features.5.weight", 4, {8, 4, 3, 3}, values},       {"features.5.bias", 1, {8}, values}};
    nx_error err = {0};
    if (!nx_tensors_save_safetensors(at(name), entries, 6, metadata, count, &err)) fail_msg("%s", err.text);
}

static void make_folder(const char *name, const char *bad)
{
    assert_int_equal(mkdir(at(name), 0777), 0);
    char *command = nx_format("cp photos/[1-5].png %s && mv %s %s", name, bad, name);
    free(shell(command));
    free(command);
}

static int open_all(void **state)
{
    static const nx_metadata metadata[] = {{"input", "RGB, 0 to 255, minus mean"}, {"mean", "124, 117, 104"}};
    if (cli_open(state)) return -1;
    write_jpeg("style.jpg", 40, 40);
    write_truncated("cut.png", "style.png", 700);
    write_truncated("cut.jpg", "style.jpg", 700);
    write_truncated("cut2.jpg", "style.jpg", 2);
    write_text("empty.png", "");
    write_text("text.png", "not a picture");
    free(shell("cp cut.png bad1.png && cp cut2.jpg bad2.jpg"));
    make_folder("with_png", "bad1.png");
    make_folder("with_jpg", "bad2.jpg");
    mkdir(at("none"), 0777);
    write_weights("vgg.safetensors", 3, metadata, 2);
    write_weights("wide.safetensors", 5, metadata, 2);
    write_weights("bare.safetensors", 3, NULL, 0);
    write_truncated("cut.safetensors", "vgg.safetensors", 100);
    write_truncated("head.safetensors", "vgg.safetensors", 2500);
    write_text("typo.ini", TINY "[experiment]\nsteps = 2\n\n[generatr]\nnorm = batch\n");
    write_text("key.ini", TINY "[experiment]\nstep = 2\n");
    write_picture("broad.png", 6, 120, 11);
    write_picture("line.png", 1, 64, 12);
    write_picture("thread.png", 1, 1200, 13);
    write_text(
        "wide.ini",
        "[experiment]\npaper = gatys\ntask = optimize\nsteps = 1\n[descriptor]\nweights = random\nwidth = 0.0625\n"
        "padding = reflect\ncontent_layers = relu3_1\nstyle_layers = relu1_1\n"
        "[data]\ncontent = broad.png\nstyle = style.png\nstyle_size = 32\nsize = 100\n");
    write_text("points.ini", TINY "[sweep]\ngenerator.norm = instance batsch\n");
    return 0;
}

typedef struct request {
    const char *part, *arguments; /* what the line has */
} request;

static void refuse_all(const request *requests, size_t count)
{
    for (size_t i = 0; i < count; i++) refused(requests[i].part, "%s", requests[i].arguments);
}
#define REFUSE(requests) refuse_all(requests, sizeof(requests) / sizeof *(requests))

static void test_commands(void **state)
{
    (void)state;
    static const request requests[] = {
        {"no command \"stilize\": did you mean stylize", "stilize model.h5"},
        {"no command \"xyzzy\"", "xyzzy"},
        {"no config is named; usage: nstx run ", "run"},
        {"not also b.ini", "run tiny.ini b.ini"},
        {"unknown or incomplete option -x", "run tiny.ini -x"},
        {"unknown or incomplete option -o", "run tiny.ini -o"},
        {"one file is named, not 0", "info"},
        {"missing.h5: there is no such file", "info missing.h5"},
        {"text.png: ", "info text.png"},
        {"devices takes nothing but --json", "devices all"},
    };
    REFUSE(requests);
    nstx(2, "%s", "");
    assert_said(said_err, "nstx run CONFIG");
}

static void test_config(void **state)
{
    (void)state;
    static const request requests[] = {
        {"key.ini:", "run key.ini"},
        {"[experiment] has no key step: did you mean steps?", "run key.ini"},
        {"there is no section [generatr]: did you mean generator?", "run typo.ini"},
        {"[data] has no key contnt: did you mean content?", "run tiny.ini -s data.contnt=photos"},
        {"there is no section [dta]: did you mean data?", "run tiny.ini -s dta.content=photos"},
        {"[experiment] steps: 'many' is not a whole number", "run tiny.ini -s experiment.steps=many"},
        {"[experiment] steps: -1 is out of range", "run tiny.ini -s experiment.steps=-1"},
        {"[optimizer] beta1: 1.5 is out of range", "run tiny.ini -s optimizer.beta1=1.5"},
        {"[generator] norm: ", "run tiny.ini -s generator.norm=instanse"},
        {"batsch", "run points.ini"},
        {"missing.ini: cannot open", "run missing.ini"},
        {"photos: ", "run photos"},
        {"[descriptor] style_layers: there is no layer 'relu9_1'", "run tiny.ini -s descriptor.style_layers=relu9_1"},
        {"precision = tf32 needs NVIDIA's tensor cores", "run tiny.ini -s device.precision=tf32"},
        {"precision = tf32 needs NVIDIA's tensor cores", "plan tiny.ini -s device.precision=tf32"},
        {"precision = bf16 needs NVIDIA's tensor cores", "run tiny.ini -s device.precision=bf16 -s device.kernels=gpu"},
        {"--precision takes fp32, tf32 or bf16, not half", "stylize m.h5 p.png -o o.png --precision half"},
        {"--precision half: fp32, tf32 or bf16", "bench --precision half"},
        {"recompute: 3 is out of range", "run tiny.ini -s device.recompute=3"},
        {"[data] size = 30: the generator takes multiples of 4, such as 32", "run tiny.ini -s data.size=30"},
        {"takes multiples of 4, such as 8", "run tiny.ini -s data.size=2 -s generator.padding=reflect"},
        {"takes pictures of at least 8", "run tiny.ini -s data.size=4 -s generator.padding=reflect"},
        {"it needs [generator] noise of 1 or more", "run tiny.ini -s loss.diversity=1"},
        {"there are: ", "run tiny.ini -s device.name=Voodoo2"},
        {"no device is called \"Voodoo2\"", "plan tiny.ini -s device.name=Voodoo2"},
        {"no device is called \"#9\"", "plan tiny.ini -s device.name=#9"},
        {"a device's number is written #1", "plan tiny.ini -s device.name=1"},
    };
    REFUSE(requests);
}

static void test_pictures(void **state)
{
    (void)state;
    static const request requests[] = {
        {"there is no file or folder nowhere", "run tiny.ini -s data.content=nowhere"},
        {"none: no picture in this folder", "run tiny.ini -s data.content=none"},
        {"odd.png: 47 x 33 pixels, smaller than the crop of 36 x 36",
         "run tiny.ini -s data.size=36 -s data.bad_pictures=refuse"},
        {"none of the 4 pictures can be used: ", "run tiny.ini -s data.size=44 -s data.style_size=44"},
        {"validation_count = 6 leaves nothing to train on", "run tiny.ini -s data.validation_count=6"},
        {"with_png/bad1.png: a corrupt or truncated PNG",
         "run tiny.ini -s data.content=with_png -s data.bad_pictures=refuse"},
        {"with_jpg/bad2.jpg: a truncated JPEG", "run tiny.ini -s data.content=with_jpg -s data.bad_pictures=refuse"},
        {"with_png/bad1.png: a corrupt or truncated PNG", "run tiny.ini -s data.content=with_png/bad1.png,photos"},
        {"cut.png: a corrupt or truncated PNG", "run tiny.ini -s data.style=cut.png"},
        {"cut.jpg: a truncated JPEG", "run tiny.ini -s data.style=cut.jpg"},
        {"empty.png: an empty file", "run tiny.ini -s data.style=empty.png"},
        {"text.png: no PNG, JPEG or WebP", "run tiny.ini -s data.style=text.png"},
        {"text.png: no PNG, JPEG or WebP", "run tiny.ini -s data.content=text.png -s data.validation_count=0"},
    };
    REFUSE(requests);
}

static void test_weights(void **state)
{
    (void)state;
    nstx(0, "plan tiny.ini -s descriptor.weights=vgg.safetensors");
    assert_said(said_out, "8 x 4 x 3 x 3");
    nstx(0, "info vgg.safetensors");
    assert_said(said_out, "features.5.weight");
    static const request requests[] = {
        {"cut.safetensors: ", "run tiny.ini -s descriptor.weights=cut.safetensors"},
        {"head.safetensors: ", "run tiny.ini -s descriptor.weights=head.safetensors"},
        {"features.0.weight is 4x3x5x5", "run tiny.ini -s descriptor.weights=wide.safetensors"},
        {"set [descriptor] preprocessing to", "run tiny.ini -s descriptor.weights=bare.safetensors"},
        {"no weights of conv2_2 (features.7)",
         "run tiny.ini -s descriptor.weights=vgg.safetensors -s descriptor.style_layers=relu4_1"},
        {"style.png: neither safetensors, HDF5, .npz nor .pth", "run tiny.ini -s descriptor.weights=style.png"},
    };
    REFUSE(requests);
}

/* Pictures that are too small for the deepest layer: where, and what would do. */
static void test_sizes(void **state)
{
    (void)state;
    static const request requests[] = {
        {"[data] size = 100: a picture of 100 x 5 is 25 x 1 pixels at conv3_1, which takes 2 a side to reflect its "
         "border: at least 8 pixels a side are needed: size = 150 would do",
         "run wide.ini"},
        {"size = 150 would do", "plan wide.ini"},
        {"at least 4 pixels a side are needed: size = 224 would do",
         "run wide.ini -s descriptor.padding=zero -s data.content=line.png -s data.size=0"},
        {"[data] coarse = 16: a picture of 16 x 1 is ",
         "run wide.ini -s data.size=200 -s data.coarse=16 -s data.coarse_steps=1 -s experiment.steps=2"},
        {"style.png: 12 x 16 pixels at [data] coarse = 50; the style layers need at least 16 a side",
         "run wide.ini -s data.coarse=50 -s data.coarse_steps=1 -s experiment.steps=2 -s "
         "descriptor.style_layers=relu4_1"},
        {"at least 32 pixels a side are needed: size = 2016 would do",
         "plan wide.ini -s descriptor.content_layers=relu5_1 -s data.content=line.png"},
        {"at least 32 pixels a side are needed: choose shallower layers",
         "plan wide.ini -s descriptor.content_layers=relu5_1 -s data.content=thread.png"},
        {"[data] size = 4: a picture of 4 x 4 is 1 x 1 pixels at conv3_1, which takes 2 a side to reflect its border: "
         "at "
         "least 8 pixels a side are needed",
         "run tiny.ini -s data.size=4 -s descriptor.padding=reflect -s descriptor.content_layers=relu3_1"},
        {"[data] size = 4: ", "plan tiny.ini -s data.size=4 -s descriptor.content_layers=relu4_1"},
    };
    REFUSE(requests);
    nstx(0, "plan wide.ini -s data.size=150");
}

/* Memory is known before a kernel is compiled. */
static void new_cache(void) { setenv("POCL_CACHE_DIR", "../new_cache", 1); }

#define DEEP "-s data.batch=8 -s generator.channels=8 -s generator.blocks=24"

static void test_memory(void **state)
{
    (void)state;
    before_exec = new_cache;
    assert_int_equal(mkdir(scratch("new_cache"), 0777), 0);
    refused("the largest [data] size that fits is ",
            "run tiny.ini -s data.size=8192 -s data.resize=8192 -s data.batch=64 -o big.h5");
    before_exec = NULL;
    /* PoCL itself tries out whether it can write there. */
    char *text = shell("find ../new_cache -type d");
    assert_string_equal(text, "../new_cache\n");
    free(text);

    /* What is named does fit, and nothing larger. */
    int largest = atoi(strstr(said_err, "fits is ") + strlen("fits is "));
    assert_true(largest >= 32 && largest % 4 == 0);
    char *line = nx_format("largest [data] size that fits at batch 64: %d\n", largest);
    nstx(0, "plan tiny.ini -s data.size=32 -s data.batch=64");
    assert_said(said_out, line);
    free(line);
    refused("the largest [data] size that fits is ",
            "run tiny.ini -s data.size=%d -s data.resize=8192 -s data.batch=64 --overwrite -o big.h5", largest + 4);

    /* Where many values are kept, a level of recomputation makes room for the size that is refused. */
    nstx(0, "plan tiny.ini -s data.size=32 " DEEP);
    largest = atoi(strstr(said_out, "at batch 8: ") + strlen("at batch 8: "));
    refused("; with device.recompute = ", "run tiny.ini -s data.size=%d -s data.resize=8192 " DEEP " -o big.h5",
            largest + 4);
    int level = atoi(strstr(said_err, "with device.recompute = ") + strlen("with device.recompute = "));
    nstx(0, "plan tiny.ini -s data.size=32 " DEEP " -s device.recompute=%d", level);
    assert_true(atoi(strstr(said_out, "at batch 8: ") + strlen("at batch 8: ")) >= largest + 4);
}

static void at_home(void) { setenv("HOME", ".", 1); }

static void test_places(void **state)
{
    (void)state;
    static const request requests[] = {
        {"style.png: a run file is HDF5: call it style.h5", "run tiny.ini -o style.png"},
        {"vgg.safetensors: a run file is HDF5: call it vgg.h5", "run tiny.ini -o vgg.safetensors --resume"},
        {"photos: a folder, where a file is to be written", "run tiny.ini -o photos"},
        {"style.png: cannot make the folder", "run tiny.ini -o style.png/run.h5"},
        {"/dev/null: cannot make the folder", "run tiny.ini -o /dev/null/below/run.h5"},
    };
    REFUSE(requests);
    before_exec = at_home;
    nstx(0, "run tiny.ini -o ~/below/home.h5 -s experiment.steps=1");
    before_exec = NULL;
    assert_true(nx_file_exists(at("below/home.h5")));
    assert_false(nx_folder_exists(at("~")));
    nstx(0, "stylize below/home.model.h5 style.png -o new/deep/made.png");
    assert_true(nx_file_exists(at("new/deep/made.png")));
    refused("style.png: cannot make the folder", "stylize below/home.model.h5 style.png -o style.png/made.png");
    if (!geteuid()) return; /* root may write anywhere */
    assert_int_equal(mkdir(at("closed"), 0500), 0);
    refused("closed/run.h5: cannot write there", "run tiny.ini -o closed/run.h5");
    refused("closed: a folder that may not be written to", "stylize below/home.model.h5 style.png -o closed/made.png");
    rmdir(at("closed"));
}

static void test_stylize(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o ok.h5 -s experiment.steps=1");
    free(shell("mkdir twice && cp photos/1.png twice/1.png && cp style.jpg twice/1.jpg"));
    write_truncated("cut.model.h5", "ok.model.h5", 20000);
    static const request requests[] = {
        {"no model is named", "stylize -o made"},
        {"no picture is named", "stylize ok.model.h5 -o made"},
        {"-o OUT is missing", "stylize ok.model.h5 style.png"},
        {"missing.h5: no such file", "stylize missing.h5 style.png -o made"},
        {"photos/1.png: a picture of ", "stylize photos/1.png style.png -o made"},
        {"tiny.ini: a text, where a model is wanted", "stylize tiny.ini style.png -o made"},
        {"photos: a folder, where a model is wanted", "weights export photos made.onnx"},
        {"cut.model.h5: ", "stylize cut.model.h5 style.png -o made"},
        {"missing.png: no such file or folder", "stylize ok.model.h5 style.png missing.png -o made"},
        {"none: no picture in this folder", "stylize ok.model.h5 none -o made"},
        {"cut.png: a corrupt or truncated PNG", "stylize ok.model.h5 cut.png -o made"},
        {"cut2.jpg: a truncated JPEG", "stylize ok.model.h5 cut2.jpg -o made"},
        {"text.png: no PNG, JPEG or WebP", "stylize ok.model.h5 text.png -o made"},
        {"-o made.png is one file for 6 pictures", "stylize ok.model.h5 photos -o made.png"},
        {"would both become made/1.png", "stylize ok.model.h5 twice -o made"},
        {"./style.png: cannot make the folder", "stylize ok.model.h5 photos -o ./style.png/made"},
        {"--seed takes a whole number", "stylize ok.model.h5 style.png -o made --seed two"},
        {"--seed takes a whole number", "stylize ok.model.h5 style.png -o made --seed -2"},
    };
    REFUSE(requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands), cmocka_unit_test(test_config),  cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_weights),  cmocka_unit_test(test_sizes),   cmocka_unit_test(test_memory),
        cmocka_unit_test(test_places),   cmocka_unit_test(test_stylize),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
