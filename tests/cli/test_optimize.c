/* Optimisation of a picture: what a user gets of it, whatever happens on the way; and with trained weights the numbers
 * of PyTorch at step 0. */
#include "cli.h"

#include "../given.h"
#include "../networks/reference.h"

#include <signal.h>

#define PICTURE                                                                                                        \
    "[experiment]\npaper = random_weights\ntask = optimize\nsteps = 12\n"                                              \
    "[descriptor]\nweights = random\nwidth = 0.125\npooling = average\ncontent_layers = relu1_2\nstyle_layers = "      \
    "relu1_1 relu2_1\n"                                                                                                \
    "[loss]\ntv_weight = 1e-4\n"                                                                                       \
    "[optimizer]\nmethod = lbfgs\nhistory = 4\n"                                                                       \
    "[data]\ncontent = photos/odd.png\nstyle = style.png\nstyle_size = 32\nsize = 40\n"                                \
    "[log]\nevery = 1\nimages = 4\ncheckpoint = 5\n"

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    write_text("picture.ini", PICTURE);
    return 0;
}

static float *read_floats(const char *name, const char *path, int dims[3])
{
    float *values;
    int rank, shape[NX_H5_RANK_MAX];
    nx_error err = {0};
    nx_h5 *file = open_h5(name);
    if (!nx_h5_read_float(file, path, &values, &rank, shape, &err)) fail_msg("%s", err.text);
    close_h5(file);
    assert_int_equal(rank, 3);
    memcpy(dims, shape, 3 * sizeof *dims);
    return values;
}

/* ---- what is written ---- */

static void test_files(void **state)
{
    (void)state;
    nstx(0, "run picture.ini -o full.h5 -s log.debug=true -s optimizer.line_search=wolfe");
    assert_said(said_out, "loss ");
    refused("full.h5: a run that optimises a picture", "weights export full.h5 x.safetensors");
    nx_image picture;
    assert_true(nx_image_load(&picture, at("full.png"), NULL));
    assert_int_equal(picture.width, 40);
    assert_int_equal(picture.height, 28); /* 33 x 47, longer side 40 */
    nx_image_free(&picture);
    nx_h5 *file = open_h5("full.h5");
    assert_attribute(file, "/", "status", "finished");
    size_t n;
    double *total = values_of(file, "total", &n), *content = values_of(file, "content/relu1_2", &n);
    assert_int_equal(n, 13); /* the last one is of the picture that is kept */
    assert_true(total[12] < total[0]);
    assert_true(content[12] < content[0]);
    free(total);
    free(content);
    free(values_of(file, "style/relu2_1", &n));
    free(values_of(file, "tv", &n));
    assert_int_equal(int_attribute(file, "/memory", "planned_total"), int_attribute(file, "/memory", "measured_total"));
    close_h5(file);
    int dims[3];
    float *gradient = read_floats("full.h5", "/debug/gradient", dims);
    assert_int_equal(dims[0], 28);
    assert_int_equal(dims[1], 40);
    assert_int_equal(dims[2], 3);
    free(gradient);
}

/* The picture's numbers mean what the content's do or, where there is none, the style's. */
static void test_profiles(void **state)
{
    (void)state;
    write_profiled("p3.jpg", NX_IMAGE_JPEG, "Display P3");
    write_profiled("adobe.png", NX_IMAGE_PNG, "Adobe RGB (1998)");
    nstx(0, "run picture.ini -o p3.h5 -s experiment.steps=1 -s data.content=p3.jpg -s data.style=adobe.png");
    assert_said(said_err, "p3.jpg: the picture is Display P3; its profile is kept\n");
    assert_null(strstr(said_err, "Adobe"));
    assert_profile("p3.png", "p3.jpg");
    nstx(0, "run picture.ini -o adobe_texture.h5 -s experiment.steps=1 -s data.content= -s data.style=adobe.png -s "
            "data.size=24");
    assert_profile("adobe_texture.png", "adobe.png");
}

/* ---- pictures of the way as files ---- */

/* Each is the picture of the run file, with the content's profile; the list of the folder. */
static void assert_way(const char *run, const char *folder, const char *names)
{
    int rank, shape[NX_H5_RANK_MAX];
    uint8_t *rgb;
    int64_t *steps;
    size_t count;
    char *listed = nx_format("ls %s", folder), *found = shell(listed);
    assert_string_equal(found, names);
    nx_h5 *file = open_h5(run);
    assert_true(nx_h5_read_uint8(file, "/images/picture", &rgb, &rank, shape, NULL));
    assert_true(nx_h5_get_ints(file, "/images/picture", "step", &steps, &count, NULL));
    close_h5(file);
    for (size_t i = 0; i < count; i++) {
        nx_image image;
        nx_error err;
        char *name = nx_format("%s/step_%06d.png", folder, (int)steps[i]);
        if (!nx_image_load(&image, at(name), &err)) fail_msg("%s", err.text);
        assert_int_equal(image.height, shape[1]);
        assert_int_equal(image.width, shape[2]);
        size_t numbers = (size_t)shape[1] * (size_t)shape[2] * 3;
        for (size_t k = 0; k < numbers; k++) assert_float_equal(image.rgb[k], rgb[i * numbers + k], 0);
        nx_image_free(&image);
        assert_profile(name, "p3.png");
        free(name);
    }
    free(rgb);
    free(steps);
    free(found);
    free(listed);
}

#define WAY "-s log.pictures=folder -s data.content=p3.png"

static void test_pictures_folder(void **state)
{
    (void)state;
    static const char names[] = "step_000000.png\nstep_000004.png\nstep_000008.png\nstep_000012.png\n";
    write_profiled("p3.png", NX_IMAGE_PNG, "Display P3");
    nstx(0, "plan picture.ini " WAY);
    assert_said(said_out, " in 4 files\n");
    nstx(0, "run picture.ini -o way.h5 " WAY);
    assert_said(said_out, "on the way way-pictures\n");
    assert_way("way.h5", "way-pictures", names);

    /* Taken up in the middle it makes the same files, also where some are gone. */
    nstx(0, "run picture.ini -o up.h5 -s experiment.steps=8 -s log.keep_state=true " WAY);
    free(shell("rm up-pictures/step_000008.png && touch up-pictures/step_000016.png.tmp.999999999 up-pictures/mine"));
    nstx(0, "run picture.ini -o up.h5 --resume -s log.keep_state=true " WAY);
    free(shell("rm up-pictures/mine && diff -r way-pictures up-pictures"));

    /* Another run in its place takes its pictures away, and nothing else. */
    free(shell("echo mine > up-pictures/step.txt"));
    nstx(0, "run picture.ini -o up.h5 --overwrite -s experiment.steps=5 " WAY);
    assert_way("up.h5", "up-pictures", "step.txt\nstep_000000.png\nstep_000004.png\nstep_000005.png\n");

    /* What is not of nstx stays. */
    free(shell("mkdir other-pictures && echo mine > other-pictures/step_000099.png && echo mine > file-pictures"));
    refused("other-pictures/step_000099.png: there is a file that nstx did not write",
            "run picture.ini -o other.h5 " WAY);
    refused("file-pictures: a file, where [log] pictures makes a folder", "run picture.ini -o file.h5 " WAY);
    free(shell("mkdir read-pictures && cp style.png read-pictures/a.png"));
    refused("read-pictures: it is read, as [data] content",
            "run tiny.ini -o read.h5 -s log.pictures=folder -s data.content=read-pictures -s data.validation_count=0");
}

/* Every picture of a training has a name of its own. */
static void test_pictures_of_trainings(void **state)
{
    (void)state;
    nstx(0, "plan tiny.ini -s log.pictures=folder");
    char *planned = strstr(said_out, "\npictures "), *files = planned ? strstr(planned, " in ") : NULL;
    assert_non_null(files);
    int count = atoi(files + 4);
    nstx(0, "run tiny.ini -o training.h5 -s log.pictures=folder");
    char *found = shell("ls training-pictures | wc -l"), *names = shell("ls training-pictures");
    assert_int_equal(atoi(found), count);
    assert_said(names, "step_000000_content0.png\n");
    assert_said(names, "step_000006_output1.png\n");
    free(found);
    free(names);
    assert_said(said_out, "on the way training-pictures\n");
    nstx(0, "run tiny.ini -o blind.h5 -s log.pictures=folder -s data.validation_count=0 -s experiment.steps=1");
    assert_null(strstr(said_out, "on the way"));
}

static void test_sizes(void **state)
{
    (void)state;
    nx_image picture;
    nstx(0, "run picture.ini -o own.h5 -s data.size=0 -s experiment.steps=1");
    assert_true(nx_image_load(&picture, at("own.png"), NULL));
    assert_int_equal(picture.width, 47);
    assert_int_equal(picture.height, 33);
    nx_image_free(&picture);
    /* A texture has the proportions of its style. */
    nstx(0, "run picture.ini -o texture.h5 -s data.content= -s data.size=24 -s experiment.steps=2");
    assert_true(nx_image_load(&picture, at("texture.png"), NULL));
    assert_int_equal(picture.width, 18);
    assert_int_equal(picture.height, 24);
    nx_image_free(&picture);
    nstx(0, "plan picture.ini -s data.coarse=16,24 -s data.coarse_steps=3");
    assert_said(said_out, "picture   16 x 11, style 10 x 13, 3 steps\n");
    assert_said(said_out, "picture   40 x 28, style 24 x 32\n");
}

/* ---- bit for bit ---- */

static const char *const ways[] = {
    "-s optimizer.method=lbfgs",
    "-s optimizer.line_search=wolfe",
    "-s optimizer.line_search=wolfe -s optimizer.bounds=pixels -s data.init_noise=100",
    "-s optimizer.bounds=pixels -s data.coarse=16 -s data.coarse_steps=5 -s data.init_noise=100",
    "-s optimizer.method=adam",
    "-s data.coarse=16,24 -s data.coarse_steps=3",
    "-s data.coarse=16 -s data.coarse_steps=5 -s optimizer.method=adam -s optimizer.bounds=pixels",
};

#define KEEPING "run picture.ini -s log.keep_state=true "

static void test_resume(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        nstx(0, KEEPING "--overwrite -o straight.h5 %s", ways[i]);
        nstx(0, KEEPING "--overwrite -o again.h5 %s", ways[i]);
        assert_same_run("straight.h5", "again.h5");
        for (int stop = 8; stop < 12; stop += 3) {
            free(shell("rm -f again.*"));
            nstx(0, KEEPING "--overwrite -o again.h5 -s log.images=1 %s -s experiment.steps=%d", ways[i], stop);
            nstx(0, KEEPING "-o again.h5 -s log.images=1 %s --resume", ways[i]);
            nstx(0, KEEPING "--overwrite -o every.h5 -s log.images=1 %s", ways[i]);
            assert_same_run("every.h5", "again.h5");
        }
    }
}

/* Without it a finished run is small; more steps begin with an empty history, and that is said. */
static void test_history_is_left_out(void **state)
{
    (void)state;
    struct stat kept, left;
    nstx(0, KEEPING "--overwrite -o kept.h5 -s optimizer.method=lbfgs");
    nstx(0, "run picture.ini -o left.h5 -s optimizer.method=lbfgs");
    assert_true(!stat(at("kept.h5"), &kept) && !stat(at("left.h5"), &left));
    nx_h5 *file = open_h5("left.h5");
    assert_false(nx_h5_exists(file, "/checkpoint/optimizer"));
    close_h5(file);
    file = open_h5("kept.h5");
    assert_true(nx_h5_exists(file, "/checkpoint/optimizer/lbfgs/0"));
    close_h5(file);
    assert_true(left.st_size < kept.st_size);
    nstx(0, "run picture.ini -o left.h5 -s optimizer.method=lbfgs -s experiment.steps=20 --resume");
    assert_said(said_err, "left.h5 was finished, and keeps no history of L-BFGS");
    nstx(0, KEEPING "-o kept.h5 -s optimizer.method=lbfgs -s experiment.steps=20 --resume");
    assert_null(strstr(said_err, "history"));
}

/* Interrupted at any moment, it goes on from its newest checkpoint. */
static void test_interrupted(void **state)
{
    (void)state;
    pid_t child = start("run picture.ini -o stopped.h5 -s experiment.steps=100000");
    wait_for(child, "\nstep 20/");
    kill(child, SIGINT);
    assert_int_equal(finish(child), 130);
    int steps = (int)step_kept("stopped.h5") + 20;
    nstx(0, "run picture.ini -o stopped.h5 -s experiment.steps=%d --resume", steps);
    nstx(0, "run picture.ini --overwrite -o straight.h5 -s experiment.steps=%d", steps);
    assert_same_run("straight.h5", "stopped.h5");
}

/* ---- what it is for ---- */

/* A picture comes back from its features in random weights (He, Wang, Hopcroft 2016). */
static void test_inversion(void **state)
{
    (void)state;
    nstx(0, "run picture.ini -o inverted.h5 -s descriptor.style_layers= -s data.style= -s descriptor.width=0.5 "
            "-s loss.tv_weight=0 -s data.size=0 -s experiment.steps=100 -s optimizer.history=50");
    nx_image wanted, got;
    assert_true(nx_image_load(&wanted, at("photos/odd.png"), NULL));
    assert_true(nx_image_load(&got, at("inverted.png"), NULL));
    assert_int_equal(got.width, wanted.width);
    double sum = 0, count = 3. * got.width * got.height;
    for (int i = 0; i < (int)count; i++)
        sum += ((double)got.rgb[i] - (double)wanted.rgb[i]) * ((double)got.rgb[i] - (double)wanted.rgb[i]);
    if (!(sqrt(sum / count) < 1)) fail_msg("off by %g grey levels", sqrt(sum / count));
    nx_image_free(&wanted);
    nx_image_free(&got);
}

/* Every number of the picture between black and white, some of them at one of the two. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *const methods[] = {"method=lbfgs", "line_search=wolfe", "method=adam"};
    for (int k = 0; k < 3; k++) {
        nstx(0,
             "run picture.ini --overwrite -o bounds.h5 -s optimizer.bounds=pixels -s data.init_noise=1000 -s "
             "optimizer.%s",
             methods[k]);
        const float mean[] = {123.68f, 116.779f, 103.939f}; /* of random weights */
        nx_h5 *file = open_h5("bounds.h5");
        float *x;
        int rank, shape[NX_H5_RANK_MAX], ends = 0;
        nx_error err = {0};
        if (!nx_h5_read_float(file, "/checkpoint/parameters/picture", &x, &rank, shape, &err)) fail_msg("%s", err.text);
        assert_int_equal(shape[0], 3); /* channels first, as of every parameter */
        for (int i = 0, plane = 28 * 40; i < 3 * plane; i++) {
            float low = -mean[i / plane], high = 255 - mean[i / plane];
            assert_true(x[i] >= low && x[i] <= high);
            ends += x[i] <= low || x[i] >= high;
        }
        assert_true(ends > 0);
        free(x);
        size_t n;
        double *total = values_of(file, "total", &n);
        assert_true(total[n - 1] < total[0]);
        free(total);
        assert_int_equal(int_attribute(file, "/memory", "planned_total"),
                         int_attribute(file, "/memory", "measured_total"));
        close_h5(file);
    }
}

/* Two style pictures, each with its share. */
static void test_blend(void **state)
{
    (void)state;
    nstx(0, "run picture.ini -o blend.h5 -s data.more_styles=photos/1.png -s loss.style_shares=2,0.5 "
            "-s experiment.steps=3 -s loss.balance=none");
    nx_h5 *file = open_h5("blend.h5");
    double first, second;
    size_t n;
    free(values_of(file, "style2/style/relu1_1", &n));
    assert_true(nx_h5_get_double(file, "/metrics/style/relu1_1", "weight", &first, NULL));
    assert_true(nx_h5_get_double(file, "/metrics/style2/style/relu1_1", "weight", &second, NULL));
    assert_true(first == 4 * second);
    close_h5(file);
}

/* ---- requests that are wrong, and ends ---- */

static void test_requests(void **state)
{
    (void)state;
    refused("the paper gatys optimizes a picture: task = optimize", "run picture.ini -s experiment.paper=gatys "
                                                                    "-s experiment.task=train");
    refused("the paper multimodal trains a generator", "run picture.ini -s experiment.paper=multimodal");
    refused("one picture is optimized at a time", "run picture.ini -s data.content=photos/1.png,photos/2.png");
    refused("neither content nor style", "run picture.ini -s data.content= -s data.style=");
    refused("nothing to compare", "run picture.ini -s data.style= -s descriptor.content_layers=");
    refused("there is no content", "run picture.ini -s data.content= -s data.init=content");
    refused("sizes grow", "run picture.ini -s data.coarse=24,16");
    refused("the coarse sizes alone take 200", "run picture.ini -s data.coarse=16,24");
    refused("style_shares: 3 numbers for 1 style pictures", "run picture.ini -s loss.style_shares=1,2,3");
    refused("weights = random", "run picture.ini -s descriptor.weights=style.png");
}

static void test_ends(void **state)
{
    (void)state;
    /* The picture itself: no gradient from the start. */
    nstx(0, "run picture.ini -o flat.h5 -s data.init=content -s descriptor.style_layers= -s loss.tv_weight=0");
    assert_said(said_err, "ended at step 0: the gradient is zero");
    nx_h5 *file = open_h5("flat.h5");
    assert_attribute(file, "/", "status", "finished");
    assert_attribute(file, "/", "ended", "the gradient is zero or within the tolerance");
    close_h5(file);
    /* A tolerance is absolute: what it does not let begin goes on without it, and with weights of the layers. */
#define TOLERANT                                                                                                       \
    "run picture.ini --overwrite -o tolerant.h5 -s descriptor.content_layers= -s loss.tv_weight=0 "                    \
    "-s descriptor.rescale=false -s optimizer.tolerance=1e-5 "
    nstx(0, TOLERANT "-s loss.balance=none");
    assert_said(said_err, "ended at step 0: the gradient is zero or within the tolerance");
    assert_int_equal(step_kept("tolerant.h5"), 0);
    nstx(0, TOLERANT "-s loss.balance=none -s optimizer.tolerance=0");
    assert_int_equal(step_kept("tolerant.h5"), 12);
    nstx(0, TOLERANT);
    assert_int_equal(step_kept("tolerant.h5"), 12);
    nstx(1, "run picture.ini -o over.h5 -s loss.style_weight=1e38 -s loss.balance=none -s loss.convention=sum");
    assert_said(said_err, "inf");
}

static bool has_doubt(const char *run)
{
    nx_h5 *file = open_h5(run);
    bool has = nx_h5_has_attribute(file, "/", "doubt");
    close_h5(file);
    return has;
}

/* A picture that stays what it was, or a loss that does, is no success. */
static void test_doubts(void **state)
{
    (void)state;
    nstx(0, "run picture.ini -o good.h5 -s optimizer.method=adam");
    assert_null(strstr(said_err, "warning"));
    assert_false(has_doubt("good.h5"));
    nstx(0, "run picture.ini -o slow.h5 -s optimizer.method=adam -s optimizer.learning_rate=1e-3");
    assert_said(said_err, "warning: the picture hardly changed, by 0.01");
    assert_said(said_err, "raise [optimizer] learning_rate");
    assert_true(has_doubt("slow.h5"));
    nstx(0, "run picture.ini -o wild.h5 -s optimizer.method=adam -s optimizer.learning_rate=1000");
    assert_said(said_err, "warning: the loss hardly fell");
    assert_said(said_err, "lower [optimizer] learning_rate");
    /* So few steps are asked for by someone who looks at something else. */
    nstx(0, "run picture.ini -o few.h5 -s experiment.steps=1");
    assert_false(has_doubt("few.h5"));
}

/* ---- against PyTorch ---- */

/* The pictures of formula A and B in tests/reference. */
static void write_formula(const char *name, int size, int kind)
{
    nx_error err = {0};
    nx_image image = nx_image_new(size, size);
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++)
            for (int c = 0; c < 3; c++)
                image.rgb[(y * size + x) * 3 + c] =
                    (float)(kind == 'A' ? (7 * y * y + 13 * x + 101 * c + (x * y * (c + 3)) % 97) % 256
                                        : (29 * y + 5 * x * x + 67 * c + (x * y * (c + 2)) % 89) % 256);
    if (!nx_image_save_png(&image, at(name), &err)) fail_msg("%s", err.text);
    nx_image_free(&image);
}

static bool same(reference *r, const char *name, double got, double scale)
{
    char full[96];
    snprintf(full, sizeof full, "slim.square.avg.zero.%s", name);
    return reference_check(r, full, got, scale, 1e-4);
}

static void test_reference(void **state)
{
    (void)state;
    const char *data = given_data();
    write_formula("a.png", 64, 'A');
    write_formula("b.png", 64, 'B');
    char *text = nx_format("[experiment]\npaper = gatys\ntask = optimize\nsteps = 0\n"
                           "[descriptor]\nweights = %s/weights/vgg19_slim_to_conv5_1.safetensors\n"
                           "pooling = average\npadding = zero\n"
                           "[loss]\nconvention = gatys\nstyle_weight = 10\n"
                           "[data]\ncontent = b.png\nstyle = b.png\ninit = a.png\nstyle_size = 0\nsize = 0\n"
                           "[log]\ndebug = true\n",
                           data);
    write_text("reference.ini", text);
    free(text);
    /* the content's factor is C M / 2: 128 channels of 8 x 8 pixels */
    nstx(0, "run reference.ini -o reference.h5 -s loss.content_weight=%.17g", 2. / (128 * 8 * 8));
    reference *r = reference_open("improved_texnet.txt");
    nx_h5 *file = open_h5("reference.h5");
    const char *const losses[][2] = {{"style/relu1_1", "E.relu1_1"}, {"style/relu2_1", "E.relu2_1"},
                                     {"style/relu3_1", "E.relu3_1"}, {"style/relu4_1", "E.relu4_1"},
                                     {"content/relu4_2", "D"},       {"total", "total"}};
    bool good = true;
    size_t n;
    for (int i = 0; i < 6; i++) {
        double *value = values_of(file, losses[i][0], &n);
        good &= same(r, losses[i][1], value[0], 0);
        free(value);
    }
    close_h5(file);
    int dims[3];
    float *gradient = read_floats("reference.h5", "/debug/gradient", dims);
    double l1 = 0, l2 = 0, most = reference_value(r, "slim.square.avg.zero.grad.max");
    for (int i = 0; i < 64 * 64 * 3; i++)
        l1 += fabs((double)gradient[i]), l2 += (double)gradient[i] * (double)gradient[i];
    good &= same(r, "grad.l1", l1, 0) & same(r, "grad.l2", sqrt(l2), 0);
    for (int k = 0; k < 10; k++) {
        char name[16];
        snprintf(name, sizeof name, "grad.at%d", k);
        int row = (37 * k + 5) % 64, column = (53 * k + 11) % 64;
        good &= same(r, name, (double)gradient[(row * 64 + column) * 3 + k % 3], most);
    }
    free(gradient);
    print_message("largest difference: %.2g of %s\n", r->worst, r->worst_name);
    reference_free(r);
    assert_true(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_pictures_folder),
        cmocka_unit_test(test_pictures_of_trainings),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_history_is_left_out),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_inversion),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_blend),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
