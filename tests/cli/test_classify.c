/* task = classify: that classes are learned, what is kept of a run, and what is refused. */
#include "cli.h"

enum { SIDE = 64, EACH = 6 };

/* Noise around a colour of the class's own. */
static void write_tinted(const char *folder, int number, const float tint[3])
{
    char name[64];
    nx_error err = {0};
    nx_rng rng = nx_rng_new((uint64_t)number, nx_stream(folder));
    nx_image image = nx_image_new(SIDE, SIDE);
    for (int i = 0; i < 3 * SIDE * SIDE; i++) image.rgb[i] = tint[i % 3] + (float)nx_rng_below(&rng, 100);
    snprintf(name, sizeof name, "%s/%d.png", folder, number);
    if (!nx_image_save_png(&image, at(name), &err)) fail_msg("%s", err.text);
    nx_image_free(&image);
}

static void write_class(const char *folder, const float tint[3])
{
    nx_error err;
    assert_true(nx_folder_make(at(folder), &err));
    for (int i = 0; i < EACH; i++) write_tinted(folder, i, tint);
}

static int open_classes(void **state)
{
    static const float red[3] = {140, 40, 40}, green[3] = {30, 120, 60}, blue[3] = {20, 70, 150};
    if (cli_open(state)) return -1;
    write_class("kinds/rust", red);
    write_class("kinds/moss", green);
    write_class("kinds/sea", blue);
    write_text("classify.ini",
               "[experiment]\ntask = classify\nsteps = 6\n"
               "[descriptor]\nweights = random\n[classifier]\nwidth = 0.125\nhidden = 128\ndropout = 0.2\n"
               "[loss]\nlabel_smoothing = 0.1\n"
               "[optimizer]\nmethod = sgd\nlearning_rate = 0.02\nweight_decay = 0.0005\ndecay_every = 0\n"
               "[data]\ncontent = kinds\nvalidation_count = 2\nsize = 63\nbatch = 6\nflip = true\n"
               "[log]\nevery = 1\nimages = 3\nvalidation = 3\ncheckpoint = 2\n");
    return 0;
}

static double last_of(const char *run, const char *metric)
{
    size_t count;
    nx_h5 *file = open_h5(run);
    double *values = values_of(file, metric, &count), last = values[count - 1];
    close_h5(file);
    free(values);
    return last;
}

static void test_learning(void **state)
{
    (void)state;
    static const char *const networks[][4] = {{"alexnet", "batch", "full", "0.02"},
                                              {"alexnet", "none", "average", "0.002"},
                                              {"vgg16", "batch", "average", "0.02"}};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        nstx(0,
             "run classify.ini -o learns%zu.h5 -s experiment.steps=120 -s log.every=10 -s log.validation=20 "
             "-s classifier.network=%s -s classifier.norm=%s -s classifier.head=%s -s optimizer.learning_rate=%s",
             i, networks[i][0], networks[i][1], networks[i][2], networks[i][3]);
        assert_said(said_out, "top-1      100.00 %");
        assert_null(strstr(said_out, "top-5")); /* of three classes */
        char run[32];
        snprintf(run, sizeof run, "learns%zu.h5", i);
        assert_true(last_of(run, "validation/top1") == 1);
        assert_true(last_of(run, "total") < 0.7 && last_of(run, "validation/cross_entropy") < 0.7); /* ln 3 = 1.1 */
    }
}

static void test_what_is_kept(void **state)
{
    (void)state;
    nstx(0, "run classify.ini -o kept.h5");
    nx_h5 *file = open_h5("kept.h5");
    assert_attribute(file, "/data", "classes", "moss\nrust\nsea");
    assert_int_equal(int_attribute(file, "/data", "pictures"), 3 * EACH);
    uint8_t *rgb;
    int rank, shape[NX_H5_RANK_MAX];
    assert_true(nx_h5_read_uint8(file, "/images/confusion", &rgb, &rank, shape, NULL));
    assert_int_equal(shape[0], 3); /* of steps 0, 3 and 6 */
    free(rgb);
    close_h5(file);
    assert_true(nx_file_exists(at("kept.png")));
    nstx(0, "info kept.h5");
    assert_said(said_out, "classes                      moss rust sea");
    nstx(0, "info kept.model.h5");
    assert_said(said_out, "network                      alexnet");
    assert_said(said_out, "task = classify");
    assert_said(said_out, "classes\nmoss\nrust\nsea\n");
    refused("kept.model.h5: a classifier, which tells classes apart", "stylize kept.model.h5 photos/1.png -o out.png");
    refused("kept.model.h5: a classifier, which tells classes apart", "weights export kept.model.h5 kept.onnx");
    nstx(0, "weights export kept.model.h5 kept.safetensors");
    nstx(0, "info kept.safetensors");
    assert_said(said_out, "features.0.weight");
    nstx(0, "weights export kept.h5 run.safetensors");
    nx_tensor_file *kept, *run;
    assert_true(nx_tensor_file_open(&kept, at("kept.safetensors"), NULL));
    assert_true(nx_tensor_file_open(&run, at("run.safetensors"), NULL));
    assert_string_equal(nx_tensor_file_metadata(run, "classes"), nx_tensor_file_metadata(kept, "classes"));
    assert_string_equal(nx_tensor_file_metadata(run, "tensors_xxh3"), nx_tensor_file_metadata(kept, "tensors_xxh3"));
    nx_tensor_file_free(kept);
    nx_tensor_file_free(run);
}

/* In one go, in two, and from a packed dataset: the same bits. */
static void test_same_bits(void **state)
{
    (void)state;
    nstx(0, "run classify.ini -o one.h5");
    nstx(0, "run classify.ini -o two.h5 -s experiment.steps=4");
    nstx(0, "run classify.ini -o two.h5 --resume");
    assert_int_equal(last_of("one.h5", "total") == last_of("two.h5", "total"), 1);
    nx_h5 *file = open_h5("one.h5");
    float *weights[2];
    int rank, shape[NX_H5_RANK_MAX];
    assert_true(nx_h5_read_float(file, "/checkpoint/parameters/classifier.6.weight", &weights[0], &rank, shape, NULL));
    close_h5(file);
    file = open_h5("two.h5");
    assert_true(nx_h5_read_float(file, "/checkpoint/parameters/classifier.6.weight", &weights[1], &rank, shape, NULL));
    close_h5(file);
    assert_memory_equal(weights[0], weights[1], (size_t)(shape[0] * shape[1]) * sizeof(float));
    free(weights[0]), free(weights[1]);
    nstx(0, "dataset pack kinds kinds.h5 --size 64");
    nstx(0, "run classify.ini -o packed.h5 -s data.content=kinds.h5");
    assert_same_run("one.h5", "packed.h5");
}

static void test_sweeps(void **state)
{
    (void)state;
    char *config, *swept;
    size_t bytes;
    assert_true(nx_file_read(at("classify.ini"), &config, &bytes, NULL));
    swept = nx_format("%s[sweep]\nclassifier.norm = batch instance\n", config);
    write_text("sweep.ini", swept);
    nstx(0, "run sweep.ini -s experiment.steps=2");
    assert_said(said_out, "training  validation");
    assert_said(said_out, "top-1  of first");
    free(config), free(swept);
    nstx(0, "plan classify.ini");
    assert_said(said_out, "from 12 pictures, validation on 6");
    assert_said(said_out, "classes   3");
    assert_said(said_out, "features.0.weight");
}

/* What changed since the checkpoint is named; what is there as it was goes on. */
static void test_changes(void **state)
{
    (void)state;
    nstx(0, "run classify.ini -o changes.h5 -s experiment.steps=2");
    free(shell("mv kinds/rust kinds/ochre"));
    refused("changes.h5: the classes changed since the run began: number 2 was \"rust\" and is \"ochre\"",
            "run classify.ini -o changes.h5 --resume");
    free(shell(
        "mv kinds/ochre kinds/rust; mkdir kinds/tar; cp kinds/sea/0.png kinds/sea/1.png kinds/sea/2.png kinds/tar"));
    refused("number 4 was none and is \"tar\"", "run classify.ini -o changes.h5 --resume");
    free(shell("rm -r kinds/tar; mv kinds/sea/0.png kinds/rust/9.png"));
    refused("changes.h5: the classes have more or fewer pictures than when the run began",
            "run classify.ini -o changes.h5 --resume");
    free(shell("mv kinds/rust/9.png kinds/sea/0.png"));
    nstx(0, "run classify.ini -o changes.h5 --resume");
}

static void test_mistakes(void **state)
{
    (void)state;
    free(shell("mkdir -p single/only hollow/full hollow/empty more && cp kinds/sea/0.png single/only && "
               "cp kinds/sea/0.png hollow/full && cp -r kinds/sea kinds/rust more && cp -r kinds/moss more/fern"));
    refused("[data] content is needed here", "run classify.ini -s data.content=");
    refused("photos: no class folders in it", "run classify.ini -s data.content=photos");
    refused("hollow/empty: a class without a picture", "run classify.ini -s data.content=hollow");
    refused("all pictures are of one class, \"only\"", "run classify.ini -s data.content=single");
    refused("validation_count = 6 of each class leaves nothing of \"moss\"",
            "run classify.ini -s data.validation_count=6");
    refused("[data] validation: class \"fern\" is none of the 3 to train", "run classify.ini -s data.validation=more");
    refused("[data] size = 62: alexnet takes pictures of 63 pixels a side at least",
            "run classify.ini -s data.size=62");
    refused("vgg19 with norm = instance takes pictures of 32",
            "run classify.ini -s data.size=31 -s classifier.network=vgg19 -s classifier.norm=instance");
    refused("smaller than the crop", "run classify.ini -s data.size=65 -s data.bad_pictures=refuse");
    refused("did you mean alexnet", "run classify.ini -s classifier.network=alexnett");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learning), cmocka_unit_test(test_what_is_kept), cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_sweeps),   cmocka_unit_test(test_changes),      cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests_name("classify", tests, open_classes, scratch_close);
}
