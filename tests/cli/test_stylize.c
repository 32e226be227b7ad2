/* nstx stylize and sample: tiles that make the very picture, frames, names and formats, colours, blends and masks. */
#include "../io/webp.h"
#include "cli.h"

#include "apply/generator.h"
#include "machine/device.h"

#include <math.h>
#include <png.h>
#include <signal.h>
#include <sys/resource.h>

/* A generator that is hardly trained; the scale of its output gives it colours at once. Batch normalization takes some
 * steps to know what is usual. */
static void make_model(const char *name, int steps, const char *more)
{
    nstx(0,
         "run tiny.ini --overwrite -o %s.h5 -s experiment.steps=%d -s data.validation_count=0 -s "
         "generator.output_scale=25 %s",
         name, steps, more);
}

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    make_model("in", 1, "");
    make_model("bn", 40, "-s generator.norm=batch");
    make_model("other", 1, "-s experiment.seed=7");
    make_model("noisy", 1, "-s generator.noise=2 -s generator.upsample=nearest -s generator.padding=circular");
    make_model("circular", 1, "-s generator.padding=circular");
    write_picture("large.png", 97, 131, 5);
    return 0;
}

static nx_image load(const char *name)
{
    nx_image image;
    nx_error err = {0};
    if (!nx_image_load(&image, at(name), &err)) fail_msg("%s", err.text);
    return image;
}

/* The largest difference of two pictures, in grey levels. */
static float difference(const char *a, const char *b)
{
    nx_image one = load(a), two = load(b);
    float most = 0;
    assert_int_equal(one.height, two.height);
    assert_int_equal(one.width, two.width);
    for (size_t i = 0; i < (size_t)one.height * (size_t)one.width * 3; i++)
        most = fmaxf(most, fabsf(one.rgb[i] - two.rgb[i]));
    nx_image_free(&one);
    nx_image_free(&two);
    return most;
}

/* The standard deviation of the green channel. */
static double contrast(const char *name)
{
    nx_image image = load(name);
    size_t pixels = (size_t)image.height * (size_t)image.width;
    double mean = 0, square = 0;
    for (size_t i = 0; i < pixels; i++) mean += (double)image.rgb[3 * i + 1] / (double)pixels;
    for (size_t i = 0; i < pixels; i++) square += pow((double)image.rgb[3 * i + 1] - mean, 2) / (double)pixels;
    nx_image_free(&image);
    return sqrt(square);
}

/* ---- tiles ---- */

/* Made whole and in tiles, in 16 bits: a grey level apart at most is what is promised, far less what is asked for. */
static void assert_tiles(const char *model, const char *picture, int tile)
{
    nstx(0, "stylize %s.model.h5 %s -o whole.png --format png16", model, picture);
    assert_null(strstr(said_err, "tiles"));
    nstx(0, "stylize %s.model.h5 %s -o tiles.png --format png16 --tile %d", model, picture, tile);
    assert_said(said_err, "tiles of");
    assert_true(contrast("whole.png") > 3);
    float most = difference("whole.png", "tiles.png");
    if (!(most < 0.1f)) fail_msg("%s in tiles of %d: %g grey levels apart", model, tile, (double)most);
}

static void test_tiles(void **state)
{
    (void)state;
    static const char *const models[] = {"in", "bn", "noisy"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        assert_tiles(models[i], "photos/odd.png", 8);
        assert_tiles(models[i], "photos/odd.png", 30);
        assert_tiles(models[i], "large.png", 64);
    }
}

/* Every normalization of StyleNet, as wide and deep as in the paper. */
static void test_tiles_of_the_papers_size(void **state)
{
    (void)state;
    static const char *const norms[] = {"instance", "batch", "instance_first", "lrn_first"};
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        char more[160];
        snprintf(more, sizeof more,
                 "-s data.batch=1 -s generator.channels=32 -s generator.blocks=5 -s generator.norm=%s", norms[i]);
        make_model("paper", i ? 40 : 1, more);
        assert_tiles("paper", "large.png", 48);
    }
}

static void test_tiles_of_other_networks(void **state)
{
    (void)state;
    make_model("mtnet", 100,
               "-s experiment.paper=multimodal -s generator.network=mtnet -s data.batch=1 "
               "-s loss.content_weight=1 -s generator.output_scale=100");
    assert_tiles("mtnet", "large.png", 64);
    make_model("pyramid", 100,
               "-s experiment.paper=texture_networks -s generator.network=pyramid -s generator.scales=3");
    assert_tiles("pyramid", "large.png", 32);
    make_model("texture", 100,
               "-s experiment.paper=texture_networks -s generator.network=pyramid -s generator.scales=3 "
               "-s experiment.task=texture");
    nstx(0, "sample texture.model.h5 --size 96x64 -o whole.png --format png16");
    nstx(0, "sample texture.model.h5 --size 96x64 -o tiles.png --format png16 --tile 32");
    assert_true(difference("whole.png", "tiles.png") < 0.1f);
}

/* What is compared above can be different: a part by itself has statistics of its own, unless they are fixed. */
static void test_parts_differ(void **state)
{
    (void)state;
    nx_image large = load("large.png"), part = nx_image_crop(&large, 0, 0, 97, 64);
    assert_true(nx_image_save_png(&part, at("part.png"), NULL));
    nx_image_free(&large);
    nx_image_free(&part);
    nstx(0, "stylize in.model.h5 large.png -o whole.png --format png16");
    nstx(0, "stylize in.model.h5 part.png -o alone.png --format png16");
    nx_image whole = load("whole.png"), cut = nx_image_crop(&whole, 0, 0, 97, 64);
    assert_true(nx_image_save(&cut, at("cut.png"), &(nx_image_options){.format = NX_IMAGE_PNG16}, NULL));
    nx_image_free(&whole);
    nx_image_free(&cut);
    assert_true(difference("cut.png", "alone.png") > 1);
}

/* "..., 1.23 MB of the device" of a plan, in bytes. */
static double planned(void)
{
    char *at = strstr(said_out, " of the device"), unit[3] = "";
    double value = 0;
    assert_non_null(at);
    while (at > said_out && at[-1] != ',') at--;
    assert_int_equal(sscanf(at, "%lf %2s", &value, unit), 2);
    return value * (unit[0] == 'M' ? 1e6 : unit[0] == 'k' ? 1e3 : 1e9);
}

static void test_memory(void **state)
{
    (void)state;
    write_picture("wide.png", 300, 420, 6);
    nstx(0, "stylize in.model.h5 wide.png --plan");
    assert_said(said_out, "allowed (three quarters of what is left)\n");
    double whole = planned();
    nstx(0, "stylize in.model.h5 wide.png --plan --memory 2g");
    assert_said(said_out, "of the device, 2.0 GB allowed\n");
    nstx(0, "stylize in.model.h5 wide.png --plan --memory %.0f", whole / 2);
    assert_said(said_out, "tiles of");
    assert_true(planned() <= whole / 2);
    nstx(0, "stylize in.model.h5 wide.png -o whole.png --format png16");
    nstx(0, "stylize in.model.h5 wide.png -o tiles.png --format png16 --memory %.0f", whole / 2);
    assert_said(said_err, "tiles of");
    assert_true(difference("whole.png", "tiles.png") < 0.1f);
    refused("are allowed", "stylize in.model.h5 wide.png -o none.png --memory 100k");
    refused("are allowed", "stylize in.model.h5 wide.png -o none.png --tile 256 --memory 100k");
}

static int tiles_with(nx_device_info info, uint64_t memory, cl_device_type type, uint64_t *bytes)
{
    generator *g;
    nx_error err = {0};
    generator_options o = {.noise_scale = GENERATOR_NOISE_AS_TRAINED};
    info.memory = memory, info.type = type;
    if (!generator_open(&g, at("in.model.h5"), &info, &err) || !generator_plan(g, 300, 420, &o, bytes, &err))
        fail_msg("%s", err.text);
    int tiles = generator_ask(g).tiles;
    generator_free(g);
    return tiles;
}

/* Three quarters of a processor's memory have to hold what the host holds of a picture, too. */
static void test_host_memory(void **state)
{
    (void)state;
    nx_device_info info;
    nx_error err = {0};
    uint64_t whole, tiled;
    if (!device_choose(&info, (nx_device_options){0}, &err)) fail_msg("%s", err.text);
    assert_int_equal(tiles_with(info, 1 << 30, CL_DEVICE_TYPE_CPU, &whole), 1);
    assert_int_equal(tiles_with(info, whole * 4 / 3 + 16, CL_DEVICE_TYPE_GPU, &tiled), 1);
    assert_true(tiles_with(info, whole * 4 / 3 + 16, CL_DEVICE_TYPE_CPU, &tiled) > 1);
    assert_true(tiled < whole);
    assert_int_equal(tiles_with(info, whole * 4, CL_DEVICE_TYPE_CPU, &tiled), 1);
}

/* ---- files ---- */

static void test_frames(void **state)
{
    (void)state;
    free(shell(
        "mkdir frames && for i in 1 2 10; do cp photos/odd.png frames/f$i.png; done && cp photos/1.png frames/x"));
    nstx(0, "stylize noisy.model.h5 frames -o made/frames");
    assert_string_equal(said_out, "made/frames/f1.png\nmade/frames/f2.png\nmade/frames/f10.png\n");
    free(shell("cmp made/frames/f1.png made/frames/f10.png")); /* the same noise */
    nstx(0, "stylize noisy.model.h5 frames/f%%d.png -o made/row --format jpg");
    assert_string_equal(said_out, "made/row/f1.jpg\nmade/row/f2.jpg\nmade/row/f10.jpg\n");
    nstx(0, "stylize noisy.model.h5 frames/f1.png -o without.png --noise-scale 0");
    assert_true(difference("without.png", "made/frames/f1.png") >= 1);
    refused("no row of files numbered like that", "stylize in.model.h5 frames/g%%04d.png -o made");
}

static void test_formats(void **state)
{
    (void)state;
    nstx(0, "stylize in.model.h5 photos/odd.png -o a.png");
    nstx(0, "stylize in.model.h5 photos/odd.png -o b.png --format png16");
    nstx(0, "stylize in.model.h5 photos/odd.png -o c.jpg");
    nstx(0, "stylize in.model.h5 photos/odd.png -o d.jpeg --quality 20");
    assert_true(difference("a.png", "b.png") <= 0.5f + 1e-3f);
    char *depths =
        shell("for f in a.png b.png; do od -An -tu1 -j24 -N1 $f; done | tr -d ' \\n'; od -An -tx1 -N2 c.jpg");
    assert_string_equal(depths, "816 ff d8\n");
    free(depths);
    free(shell("test $(stat -c %s d.jpeg) -lt $(stat -c %s c.jpg)"));
    assert_true(difference("a.png", "c.jpg") < difference("a.png", "d.jpeg"));
    free(shell("! ls *.tmp.* 2>/dev/null"));
}

/* ---- transparency ---- */

/* Noise that is more opaque with every column. */
static void write_fading(const char *name, int height, int width)
{
    nx_image_writer *w;
    nx_rng rng = nx_rng_new(4, 0);
    float *row = nx_alloc((size_t)width * 4 * sizeof *row);
    nx_image_options as = {.alpha = true};
    assert_true(nx_image_writer_open(&w, at(name), height, width, &as, NULL));
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++)
            for (int k = 0; k < 4; k++)
                row[4 * x + k] = k < 3 ? (float)nx_rng_below(&rng, 256) : rintf(255 * (float)x / (float)(width - 1));
        assert_true(nx_image_writer_rows(w, 1, row, NULL));
    }
    assert_true(nx_image_writer_close(w, NULL));
    free(row);
}

/* The opacity in the middle row of a picture that has one, at x. */
static float opacity_at(const char *name, int x)
{
    nx_raster raster, opacity;
    float rgb[3];
    assert_true(nx_raster_load(&raster, at(name), NULL));
    assert_int_equal(raster.channels, 4);
    assert_true(nx_raster_opacity(&raster, &opacity, NULL));
    nx_raster_read(&opacity, raster.height / 2, x, 1, rgb);
    nx_raster_free(&opacity);
    nx_raster_free(&raster);
    return rgb[0];
}

static int channels_of(const char *name)
{
    nx_raster raster;
    assert_true(nx_raster_load(&raster, at(name), NULL));
    int channels = raster.channels;
    nx_raster_free(&raster);
    return channels;
}

static void test_alpha(void **state)
{
    (void)state;
    write_fading("fading.png", 36, 52);
    nstx(0, "stylize in.model.h5 fading.png -o white.png");
    assert_said(said_err, "fading.png: transparent pixels, composited over white; --alpha keep keeps them");
    assert_int_equal(channels_of("white.png"), 3);
    nstx(0, "stylize in.model.h5 fading.png -o same.png --alpha white");
    free(shell("cmp white.png same.png"));
    nstx(0, "stylize in.model.h5 fading.png -o kept.png --alpha keep");
    assert_null(strstr(said_err, "transparent"));
    for (int x = 0; x < 52; x += 17) assert_float_equal(opacity_at("kept.png", x), rintf(255 * (float)x / 51), 0);
    nstx(0, "stylize in.model.h5 fading.png -o tiles.png --alpha keep --tile 12 --keep-colors lab --format png16");
    for (int x = 0; x < 52; x += 17) assert_float_equal(opacity_at("tiles.png", x), rintf(255 * (float)x / 51), 0);
    nstx(0, "stylize in.model.h5 fading.png -o grown.png --alpha keep --size 104");
    for (int x = 10; x < 94; x += 21) /* a ramp stays one */
        assert_float_equal(opacity_at("grown.png", x), 255 * ((float)x / 2 - 0.25f) / 51, 1);

    /* The colours are those that are made without: over white, as they come out, they are seen through. */
    nx_image white = load("white.png"), kept = load("kept.png");
    for (size_t i = 0; i < 36 * 52; i++) {
        float alpha = rintf(255 * (float)(i % 52) / 51) / 255;
        for (size_t k = 3 * i; k < 3 * i + 3; k++)
            assert_float_equal(kept.rgb[k], white.rgb[k] * alpha + 255 * (1 - alpha), 1e-3);
    }
    nx_image_free(&white);
    nx_image_free(&kept);

    nstx(0, "stylize in.model.h5 photos/odd.png -o opaque.png --alpha keep");
    assert_int_equal(channels_of("opaque.png"), 3);
    refused("a JPEG has no transparency: name a .png", "stylize in.model.h5 fading.png -o x.jpg --alpha keep");
    refused("a JPEG has no transparency", "stylize in.model.h5 fading.png -o made --format jpg --alpha keep");
    refused("--alpha black: nstx knows white and keep", "stylize in.model.h5 fading.png -o x.png --alpha black");
}

/* ---- WebP ---- */

/* In a folder, under any name, with its transparency. */
static void test_webp(void **state)
{
    (void)state;
    enum { H = 30, W = 40 };
    uint8_t rgba[H * W * 4];
    size_t bytes;
    for (int i = 0; i < H * W; i++)
        memcpy(rgba + 4 * i, (uint8_t[]){(uint8_t)i, 90, (uint8_t)(i / W), (uint8_t)(50 + i % W)}, 4);
    uint8_t *file = make_webp(rgba, W, H, 0, &bytes);
    free(shell("mkdir webp"));
    scratch_write(at("webp/a.webp"), file, bytes);
    scratch_write(at("really_webp.jpg"), file, bytes);
    free(file);
    nstx(0, "stylize in.model.h5 webp -o made/webp --alpha keep");
    assert_string_equal(said_out, "made/webp/a.png\n");
    assert_float_equal(opacity_at("made/webp/a.png", 7), 57, 0);
    nstx(0, "stylize in.model.h5 really_webp.jpg -o really.png --alpha keep");
    free(shell("cmp really.png made/webp/a.png"));
    nstx(0, "run tiny.ini -o webp.h5 -s experiment.steps=1 -s data.validation_count=0 -s data.content=webp -s "
            "data.size=16 -s data.style=really_webp.jpg");
    refused("nstx writes .png and .jpg", "stylize in.model.h5 webp -o x.webp");
}

/* ---- colour profiles ---- */

static void test_profiles(void **state)
{
    (void)state;
    write_profiled("p3.png", NX_IMAGE_PNG, "Display P3");
    write_profiled("p3.jpg", NX_IMAGE_JPEG, "Display\n\x1b[1mP3");
    write_profiled("srgb.png", NX_IMAGE_PNG, "sRGB IEC61966-2.1");
    static const char *const rows[][2] = {
        {"p3.png", "a.png"}, {"p3.png", "b.jpg"}, {"p3.jpg", "c.png"}, {"p3.jpg", "d.jpg"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nstx(0, "stylize in.model.h5 %s -o %s", rows[i][0], rows[i][1]);
        assert_said(said_err, i < 2 ? "p3.png: the picture is Display P3; its profile is kept\n"
                                    : "p3.jpg: the picture is Display??[1mP3; its profile is kept\n");
        assert_profile(rows[i][1], rows[i][0]);
        nstx(0, "stylize in.model.h5 %s -o %s", rows[i][0], rows[i][1]); /* its own, which it replaces */
    }
    nstx(0, "stylize in.model.h5 b.jpg -o b.png --format png16");
    assert_profile("b.png", "p3.png");
    nstx(0, "stylize in.model.h5 srgb.png -o s.png");
    assert_null(strstr(said_err, "profile"));
    assert_profile("s.png", "srgb.png");
    nstx(0, "stylize in.model.h5 photos/odd.png -o n.png");
    assert_profile("n.png", NULL);

    /* One that is damaged: the picture is made as ever. */
    write_profiled("cut.jpg", NX_IMAGE_JPEG, "Display P3");
    free(shell("sed -i 's/acsp/spca/' cut.jpg"));
    nstx(0, "stylize in.model.h5 cut.jpg -o cut.png");
    assert_said(said_err, "warning: cut.jpg: a damaged colour profile, is dropped\n");
    assert_profile("cut.png", NULL);
}

/* ---- colours and mixtures ---- */

static void test_colors(void **state)
{
    (void)state;
    static const char *const ways[] = {"yuv", "lab", "histogram"};
    write_picture("grey.png", 40, 52, 3); /* red varies, a little */
    nx_image grey = load("grey.png");
    for (size_t i = 0; i < 40 * 52 * 3; i += 3) {
        grey.rgb[i] = 96 + grey.rgb[i] / 4;
        grey.rgb[i + 1] = grey.rgb[i + 2] = 96;
    }
    assert_true(nx_image_save_png(&grey, at("grey.png"), NULL));
    nx_image_free(&grey);
    nstx(0, "stylize in.model.h5 grey.png -o plain.png --format png16");
    for (int i = 0; i < 3; i++) {
        nstx(0, "stylize in.model.h5 grey.png -o kept.png --format png16 --keep-colors %s", ways[i]);
        assert_true(difference("plain.png", "kept.png") > 5);
        nstx(0, "stylize in.model.h5 grey.png -o tiles.png --format png16 --keep-colors %s --tile 16", ways[i]);
        assert_true(difference("kept.png", "tiles.png") < 1);
    }
    /* the last way: mean and variance of red are the content's */
    nx_image a = load("grey.png"), b = load("kept.png");
    double mean[2] = {0}, square[2] = {0};
    for (size_t i = 0; i < 40 * 52; i++) {
        mean[0] += (double)a.rgb[3 * i] / (40 * 52), mean[1] += (double)b.rgb[3 * i] / (40 * 52);
        square[0] += pow((double)a.rgb[3 * i], 2) / (40 * 52), square[1] += pow((double)b.rgb[3 * i], 2) / (40 * 52);
    }
    assert_float_equal(mean[0], mean[1], 0.05);
    assert_float_equal(sqrt(square[0] - mean[0] * mean[0]), sqrt(square[1] - mean[1] * mean[1]), 0.05);
    nx_image_free(&a);
    nx_image_free(&b);
}

static void save_mask(const char *name, float left, float right)
{
    nx_image mask = nx_image_new(33, 47);
    for (int i = 0; i < 33 * 47 * 3; i++) mask.rgb[i] = i / 3 % 47 < 24 ? left : right;
    assert_true(nx_image_save_png(&mask, at(name), NULL));
    nx_image_free(&mask);
}

static void test_mixtures(void **state)
{
    (void)state;
    save_mask("half.png", 0, 255);
    save_mask("black.png", 0, 0);
    save_mask("white.png", 255, 255);
    nstx(0, "stylize in.model.h5 photos/odd.png -o a.png --format png16");
    nstx(0, "stylize other.model.h5 photos/odd.png -o b.png --format png16");
    assert_true(difference("a.png", "b.png") > 1);
    nstx(0, "stylize in.model.h5 photos/odd.png -o blend.png --format png16 --blend other.model.h5=0.25");
    nstx(0, "stylize in.model.h5 photos/odd.png -o mask.png --format png16 --mask other.model.h5=half.png");
    nx_image a = load("a.png"), b = load("b.png"), blend = load("blend.png"), mask = load("mask.png");
    for (size_t i = 0; i < 33 * 47 * 3; i++) {
        float mixed = 0.75f * a.rgb[i] + 0.25f * b.rgb[i], side = i / 3 % 47 < 24 ? a.rgb[i] : b.rgb[i];
        assert_float_equal(blend.rgb[i], mixed, 0.02);
        assert_float_equal(mask.rgb[i], side, 0.01);
    }
    nx_image_free(&a);
    nx_image_free(&b);
    nx_image_free(&blend);
    nx_image_free(&mask);
    nstx(0, "stylize in.model.h5 photos/odd.png -o x.png --format png16 --mask other.model.h5=black.png --tile 12");
    assert_true(difference("a.png", "x.png") < 0.1f);
    nstx(0, "stylize in.model.h5 photos/odd.png -o x.png --format png16 --mask other.model.h5=white.png");
    assert_true(difference("b.png", "x.png") < 0.01f);
    nstx(0, "stylize in.model.h5 photos/odd.png -o x.png --format png16 --blend other.model.h5=1");
    assert_true(difference("b.png", "x.png") < 0.01f);
}

static void test_style_scale(void **state)
{
    (void)state;
    nstx(0, "stylize in.model.h5 large.png -o plain.png --format png16");
    nstx(0, "stylize in.model.h5 large.png -o one.png --format png16 --style-scale 1");
    free(shell("cmp plain.png one.png"));
    nstx(0, "stylize in.model.h5 large.png -o two.png --format png16 --style-scale 2");
    nx_image large = load("large.png"), small = nx_image_resize(&large, 49, 66, NX_BICUBIC);
    assert_true(nx_image_save(&small, at("small.png"), &(nx_image_options){.format = NX_IMAGE_PNG16}, NULL));
    nx_image_free(&small);
    nx_image_free(&large);
    nstx(0, "stylize in.model.h5 small.png -o made.png --format png16");
    small = load("made.png"), large = nx_image_resize(&small, 97, 131, NX_BICUBIC);
    assert_true(nx_image_save(&large, at("by_hand.png"), &(nx_image_options){.format = NX_IMAGE_PNG16}, NULL));
    nx_image_free(&small);
    nx_image_free(&large);
    assert_true(difference("two.png", "by_hand.png") < 1);
    assert_true(difference("two.png", "plain.png") > 1);
}

/* ---- a picture optimized with masks ---- */

/* White all over, and opaque where half.png is white. */
static void save_clear_mask(const char *name)
{
    uint8_t samples[33 * 47][4];
    for (int i = 0; i < 33 * 47; i++) memcpy(samples[i], (uint8_t[]){255, 255, 255, i % 47 < 24 ? 255 : 0}, 4);
    png_image png = {.version = PNG_IMAGE_VERSION, .width = 47, .height = 33, .format = PNG_FORMAT_RGBA};
    assert_true(png_image_write_to_file(&png, at(name), 0, samples, 0, NULL));
}

static void little_time(void) { setrlimit(RLIMIT_CPU, &(struct rlimit){10, 10}); }

/* The style of relu1_1 sees 3 x 3 pixels: what lies farther from the white part is left as it is. */
static void test_guided(void **state)
{
    (void)state;
    write_text("guided.ini", "[experiment]\npaper = gatys\ntask = optimize\nsteps = 4\n"
                             "[descriptor]\nweights = random\nwidth = 0.125\ncontent_layers =\nstyle_layers = relu1_1\n"
                             "[optimizer]\nmethod = adam\n"
                             "[data]\ncontent = photos/odd.png\nstyle = style.png\nstyle_size = 32\nsize = 0\n"
                             "init = content\nmasks = half.png\n");
    save_mask("half.png", 255, 0);
    nstx(0, "run guided.ini -o guided.h5");
    nx_image before = load("photos/odd.png"), after = load("guided.png");
    double left = 0, right = 0;
    for (size_t i = 0; i < 33 * 47 * 3; i++) {
        double d = (double)fabsf(before.rgb[i] - after.rgb[i]);
        size_t column = i / 3 % 47;
        if (column < 24) left += d;
        if (column > 25) right += d;
    }
    assert_true(left > 33 * 24); /* a grey level and more */
    assert_true(right == 0);
    nx_image_free(&before);
    nx_image_free(&after);
    save_clear_mask("clear.png");
    nstx(0, "run guided.ini -o clearly.h5 -s data.masks=clear.png");
    assert_same_run("guided.h5", "clearly.h5");
    refused("style.png: a mask in colours, which have no meaning", "run guided.ini -o x.h5 -s data.masks=style.png");
    before_exec = little_time; /* for a plan no mask is drawn, not as large as the largest size that fits */
    nstx(0, "plan guided.ini");
    before_exec = NULL;
    save_mask("dark.png", 0, 0);
    refused("2 masks for 1 style pictures", "run guided.ini -o x.h5 -s data.masks=half.png,half.png");
    refused("dark.png: black all over", "run guided.ini --overwrite -o x.h5 -s data.masks=dark.png");
    refused("masks: they are for task = optimize", "run tiny.ini --overwrite -o x.h5 -s data.masks=half.png");
}

/* ---- bad requests ---- */

static void test_requests(void **state)
{
    (void)state;
    static const char *const requests[][2] = {
        {"--tile takes pixels a side", "--tile many"},
        {"--tile takes pixels a side", "--tile 0"},
        {"--memory takes bytes", "--memory lots"},
        {"--format gif: nstx writes png, png16 or jpg", "--format gif"},
        {"--quality is for JPEGs", "--quality 50"},
        {"--quality takes a whole number", "--quality 101"},
        {"--noise-scale takes a number", "--noise-scale -1"},
        {"--keep-colors rgb: nstx knows yuv, lab and histogram", "--keep-colors rgb"},
        {"--style-scale 0: a number from 0.1 to 10", "--style-scale 0"},
        {"--blend other.model.h5: it takes a model", "--blend other.model.h5"},
        {"the share of a model is a number", "--blend other.model.h5=2"},
        {"more than 1 together", "--blend other.model.h5=0.7 --blend bn.model.h5=0.7"},
        {"missing.h5: no such file", "--blend missing.h5=0.3"},
        {"--mask other.model.h5: it takes a model and what it is given, MODEL=MASK.png", "--mask other.model.h5"},
        {"missing.png: cannot open", "--mask other.model.h5=missing.png"},
        {"unknown or incomplete option --sed", "--sed"},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        refused(requests[i][0], "stylize in.model.h5 photos/odd.png -o refused %s", requests[i][1]);
    refused("is no name for --format jpg: end it with .jpg", "stylize in.model.h5 large.png -o x.png --format jpg");
    refused("photos/1.png would be written over, and it is read", "stylize in.model.h5 photos -o photos");
    refused("large.png would be written over, and it is read", "stylize in.model.h5 large.png -o ./large.png");
    static const char *const counts[] = {"0", "-1", "99999999999", "18446744073709551617", "1e3", "1000001", "+2"};
    static const char *const sizes[] = {
        "64",     "2147483632x16", "16x2147483632", "99999999999x16",       "0x16", "16x", "x16",
        "-16x16", "16x16x16",      "16X16",         "4294967312x4294967312"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        refused("-n takes a whole number from 1 to 1000000, not ", "sample texture.model.h5 -n %s -o x", counts[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        refused("--size takes two whole numbers up to ", "sample texture.model.h5 --size %s -o x.png", sizes[i]);
    refused("makes multiples of 4, such as 12x12", "sample texture.model.h5 --size 10x10 -o x.png");
    refused("is one file for 2 samples", "sample texture.model.h5 -n 2 -o x.png");
    refused("in.model.h5 stylizes pictures: use nstx stylize", "sample in.model.h5 -o x.png");
    refused("makes a texture from noise: use nstx sample", "stylize texture.model.h5 large.png -o x.png");
    refused("no tiles", "stylize circular.model.h5 large.png -o x.png --tile 32");
}

/* A signal ends it between two bands: what is made is whole, and nothing else is there. */
static void for_the_first_time(void)
{
    unsetenv("NSTX_KERNEL_CACHES");
    setenv("NSTX_SELFTEST", "on", 1);
    setenv("POCL_CACHE_DIR", "../cold", 1);
    setenv("XDG_CACHE_HOME", "../cold", 1);
}

static bool is_cold(void)
{
    char *inside = shell("ls -A ../cold");
    bool empty = !*inside;
    free(inside);
    return empty;
}

/* The self-test compiles many kernels. */
static void test_interrupted_in_the_self_test(void **state)
{
    (void)state;
    static const char *const commands[] = {"stylize in.model.h5 large.png -o never.png",
                                           "plan tiny.ini --time -s data.validation_count=0"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        free(shell("rm -rf ../cold && mkdir -m 700 ../cold"));
        before_exec = for_the_first_time;
        pid_t child = start("%s", commands[i]);
        before_exec = NULL;
        WAIT_UNTIL(child, !is_cold());
        kill(child, SIGTERM);
        assert_int_equal(finish(child), 130);
        assert_said(said_err, "nstx: ");
    }
    assert_false(nx_file_exists(at("never.png")));
}

static bool are_any_cold(void)
{
    char *count = shell("grep -lzx 'POCL_CACHE_DIR=../cold' /proc/[0-9]*/environ 2> /dev/null | wc -l");
    bool any = atoi(count);
    free(count);
    return any;
}

/* Nor does anything go on with the test. */
static void test_killed_in_the_self_test(void **state)
{
    (void)state;
    free(shell("rm -rf ../cold && mkdir -m 700 ../cold"));
    before_exec = for_the_first_time;
    pid_t child = start("stylize in.model.h5 large.png -o never.png");
    before_exec = NULL;
    WAIT_UNTIL(child, !is_cold());
    assert_true(are_any_cold());
    kill(child, SIGKILL);
    finish(child);
    double begun = seconds_now();
    while (are_any_cold() && seconds_now() - begun < 2) sleep_for(0.01);
    assert_false(are_any_cold());
}

static void with_a_wrong_kernel(void)
{
    for_the_first_time();
    setenv("NSTX_CL", "../spoiled", 1);
}

/* A kernel that computes a little too much: what the command launches is tested, and refused before there is a picture.
 * What is right is remembered, and not tested again. */
static void test_refused_by_the_self_test(void **state)
{
    (void)state;
    char *spoil = nx_format("rm -rf ../cold && mkdir -m 700 ../cold && cp -r %s/cl ../spoiled && "
                            "sed -i 's/factor \\*/1.01f * factor */' ../spoiled/scale.cl",
                            NSTX_SOURCE);
    free(shell(spoil));
    free(spoil);
    before_exec = with_a_wrong_kernel;
    nstx(2, "stylize in.model.h5 large.png -o never.png");
    assert_said(said_err, " fails its self-test, 1 of ");
    assert_said(said_err, ": scale/");
    assert_false(nx_file_exists(at("never.png")));
    before_exec = for_the_first_time;
    nstx(0, "stylize in.model.h5 large.png -o right.png");
    assert_said(said_err, ": self-test passed (");
    nstx(0, "stylize in.model.h5 large.png -o right.png");
    assert_null(strstr(said_err, "self-test"));
    before_exec = NULL;
}

static void test_interrupted(void **state)
{
    (void)state;
    enum { PICTURES = 12 };
    free(shell("mkdir many && for i in 10 11 12 13 14 15 16 17 18 19 20 21; do cp large.png many/$i.png; done"));
    pid_t child = start("stylize in.model.h5 many -o some --tile 16");
    wait_for(child, "some/10.png: ");
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "nstx: interrupted; ");
    assert_said(said_err, " of 12 pictures are made\n");
    char *names = shell("ls -A some");
    int count = 0;
    for (char *rest = NULL, *name = strtok_r(names, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest), count++) {
        char path[64];
        snprintf(path, sizeof path, "some/%s", name);
        nx_image image = load(path);
        nx_image_free(&image);
    }
    free(names);
    assert_in_range(count, 1, PICTURES - 1);
}

/* No room on the disk: one line, and nothing under the picture's name. The driver's compiler still has room enough. */
static void limit_files(void) { setrlimit(RLIMIT_FSIZE, &(struct rlimit){1500000, 1500000}); }

static void test_full_disk(void **state)
{
    (void)state;
    write_picture("huge.png", 900, 900, 8);
    before_exec = limit_files;
    nstx(1, "stylize in.model.h5 huge.png -o full.png --format png16");
    before_exec = NULL;
    assert_said(said_err, "nstx: full.png: cannot write");
    free(shell("! ls full.* 2>/dev/null"));
}

/* The picture is made the size that is asked for, and then it is any other picture. */
static void sizes_are_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *size;
        int height, width;
    } rows[] = {{"64", 47, 64}, {"40x60", 60, 40}, {"200", 148, 200}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_error err = {0};
        nx_image whole = load("large.png"),
                 resized = nx_image_resize(&whole, rows[i].height, rows[i].width, NX_BICUBIC);
        if (!nx_image_save_png(&resized, at("resized.png"), &err)) fail_msg("%s", err.text);
        nx_image_free(&whole);
        nx_image_free(&resized);
        nstx(0, "stylize in.model.h5 large.png --size %s --keep-colors yuv -o sized.png", rows[i].size);
        nstx(0, "stylize in.model.h5 resized.png --keep-colors yuv -o same.png");
        assert_true(difference("sized.png", "same.png") == 0);
    }
    nstx(0, "stylize in.model.h5 large.png --size 64 --plan");
    assert_said(said_out, "64 x 47");
    refused("--size 0: pixels of the longer side", "stylize in.model.h5 large.png --size 0 -o none.png");
    refused("--size 64x: pixels of the longer side", "stylize in.model.h5 large.png --size 64x -o none.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_tiles_of_the_papers_size),
        cmocka_unit_test(test_tiles_of_other_networks),
        cmocka_unit_test(test_parts_differ),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_host_memory),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_alpha),
        cmocka_unit_test(test_webp),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_colors),
        cmocka_unit_test(test_mixtures),
        cmocka_unit_test(test_style_scale),
        cmocka_unit_test(test_guided),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_interrupted_in_the_self_test),
        cmocka_unit_test(test_killed_in_the_self_test),
        cmocka_unit_test(test_refused_by_the_self_test),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(sizes_are_asked_for),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
