/* What goes wrong through no fault of the request: losses and gradients that explode, files that vanish, are cut short
 * or cannot be written. One clear line each, and nothing lost. */
#include "cli.h"

#include <signal.h>
#include <sys/resource.h>

#define LONG "-s log.images=0 -s log.validation=0 -s log.checkpoint=5"

static void assert_finite_below(const nx_h5 *file, const char *path)
{
    nx_h5_names inside;
    assert_true(nx_h5_children(file, path, &inside, NULL));
    assert_true(inside.count > 0);
    for (size_t i = 0; i < inside.count; i++) {
        char *below = nx_format("%s/%s", path, inside.names[i]);
        float *values;
        int rank, shape[NX_H5_RANK_MAX];
        if (nx_h5_kind_of(file, below) == NX_H5_GROUP) {
            assert_finite_below(file, below);
        } else {
            size_t count = 1;
            assert_true(nx_h5_read_float(file, below, &values, &rank, shape, NULL));
            for (int d = 0; d < rank; d++) count *= (size_t)shape[d];
            for (size_t k = 0; k < count; k++) assert_true(isfinite(values[k]));
            free(values);
        }
        free(below);
    }
    nx_h5_names_free(&inside);
}

/* What is kept has the status and not one number that is none. */
static void assert_good_checkpoint(const char *run)
{
    assert_status(run, "failed");
    nx_h5 *file = open_h5(run);
    assert_finite_below(file, "/checkpoint/parameters");
    assert_finite_below(file, "/checkpoint/optimizer");
    close_h5(file);
}

/* ---- numbers that are none ---- */

/* An update that explodes is found with the losses of its step, by the name of the parameter. */
static void test_gradient(void **state)
{
    (void)state;
    nstx(1, "run tiny.ini -o explodes.h5 -s optimizer.learning_rate=1e20 -s log.checkpoint=1");
    assert_said(said_err, "nstx: step 1: the losses are finite, and the update leaves conv1.weight with an infinity or "
                          "NaN (");
    assert_said(said_err, "; the checkpoint of step 1 is kept\n");
    assert_int_equal(step_kept("explodes.h5"), 1);
    assert_good_checkpoint("explodes.h5");
    nstx(1, "run tiny.ini -o sgd.h5 -s optimizer.method=sgd -s optimizer.learning_rate=1e38");
    assert_said(said_err, "\nnstx: step 0: the losses are finite, and the update leaves ");
}

/* Between two rows of the log a checkpoint looks for itself. */
static void test_checkpoint(void **state)
{
    (void)state;
    nstx(1, "run tiny.ini -o rare.h5 -s optimizer.learning_rate=1e20 -s log.every=1000 -s log.checkpoint=1 "
            "-s log.validation=0 -s log.images=0 -s experiment.steps=50");
    assert_said(said_err, "nstx: step 2: parameters/conv1.weight holds an infinity or NaN");
    assert_said(said_err, "; the checkpoint of step 1 is kept\n");
    assert_int_equal(step_kept("rare.h5"), 1);
    assert_good_checkpoint("rare.h5");
    /* the last one, too, and the model that is left is that of the one before */
    nstx(1, "run tiny.ini -o last.h5 -s optimizer.learning_rate=1e20 -s log.every=1000 -s log.checkpoint=1 "
            "-s log.validation=0 -s log.images=0 -s experiment.steps=2 -s data.validation_count=0");
    assert_int_equal(step_kept("last.h5"), 1);
    assert_good_checkpoint("last.h5");
    nstx(0, "run tiny.ini -o good.h5 -s optimizer.learning_rate=1e20 -s log.every=1000 -s log.checkpoint=0 "
            "-s log.validation=0 -s log.images=0 -s experiment.steps=1 -s data.validation_count=0");
    assert_same_run("good.model.h5", "last.model.h5");
}

/* A style loss that is infinite is named with its layer. */
static void test_style(void **state)
{
    (void)state;
    static float weight[2][4 * 4 * 9], bias[4];
    nx_tensor_entry entries[] = {{"features.0.weight", 4, {4, 3, 3, 3}, weight[0]}, {"features.0.bias", 1, {4}, bias},
                                 {"features.2.weight", 4, {4, 4, 3, 3}, weight[1]}, {"features.2.bias", 1, {4}, bias},
                                 {"features.5.weight", 4, {4, 4, 3, 3}, weight[1]}, {"features.5.bias", 1, {4}, bias}};
    nx_error err = {0};
    for (int i = 0; i < 144; i++) weight[0][i] = 1e12f * (float)(i % 5), weight[1][i] = 1e-9f * (float)(i % 7);
    if (!nx_tensors_save_safetensors(at("huge.safetensors"), entries, 6, NULL, 0, &err)) fail_msg("%s", err.text);
    nstx(1, "run tiny.ini -o huge.h5 -s descriptor.weights=huge.safetensors -s descriptor.preprocessing=caffe "
            "-s data.validation_count=0");
    assert_one_line("nstx: step 0: style/relu1_1 is inf");
    assert_status("huge.h5", "failed");
    write_text("gatys.ini", "[experiment]\npaper = gatys\ntask = optimize\nsteps = 9\n[optimizer]\nmethod = lbfgs\n"
                            "[descriptor]\nweights = huge.safetensors\npreprocessing = caffe\n"
                            "content_layers =\nstyle_layers = relu1_1\n[data]\nstyle = style.png\nsize = 32\n"
                            "[log]\nevery = 5\n");
    nstx(1, "run gatys.ini -o lbfgs.h5");
    assert_one_line("nstx: step 0: style/relu1_1 is inf");
    nstx(1, "run gatys.ini -o adam.h5 -s optimizer.method=adam");
    assert_one_line("nstx: step 0: style/relu1_1 is inf");
}

/* ---- earlier runs ---- */

/* A run that fails before it has anything of its own leaves the finished one of before. */
static void test_earlier_run(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o kept.h5");
    char *before = shell("cksum kept.h5 kept.png kept.model.h5");
    nstx(1, "run tiny.ini --overwrite -o kept.h5 -s optimizer.method=sgd -s optimizer.learning_rate=1e38");
    nstx(1, "run gatys.ini --overwrite -o kept.h5"); /* of another size, and its losses are infinite from the start */
    nstx(2, "run tiny.ini --overwrite -o kept.h5 -s data.style=nowhere.png");
    char *after = shell("cksum kept.h5 kept.png kept.model.h5");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* With the first save the picture of the new run takes its place, too. */
static void test_picture_follows(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o alone.h5 -s experiment.seed=2");
    nstx(0, "run tiny.ini -o again.h5");
    nstx(0, "run tiny.ini --overwrite -o again.h5 -s experiment.seed=2");
    free(shell("cmp alone.png again.png"));
    assert_same_run("alone.h5", "again.h5");
    /* before the end, with the checkpoint of step 2 */
    nstx(1, "run tiny.ini --overwrite -o again.h5 -s optimizer.learning_rate=1e20 -s log.checkpoint=1");
    free(shell("! cmp -s alone.png again.png"));
    assert_status("again.h5", "failed");
}

/* ---- pictures ---- */

/* A picture that is corrupt in the middle passes the look at its ends, is named where it is met, and once it is mended
 * the run goes on to the same bits. */
static void test_corrupt_picture(void **state)
{
    (void)state;
    char *good, *bad;
    size_t bytes;
    assert_true(nx_file_read(at("photos/3.png"), &good, &bytes, NULL));
    bad = nx_copy(good, bytes);
    for (size_t i = bytes / 2; i < bytes / 2 + 40; i++) bad[i] = (char)~bad[i];
    nstx(0, "run tiny.ini -o whole.h5 -s experiment.steps=20");
    scratch_write(at("photos/3.png"), bad, bytes);
    nstx(2, "info photos/3.png");
    assert_one_line("photos/3.png: a corrupt or truncated PNG");
    nstx(1, "run tiny.ini -o met.h5 -s experiment.steps=20 -s data.bad_pictures=refuse");
    assert_said(said_err, "photos/3.png: a corrupt or truncated PNG");
    scratch_write(at("photos/3.png"), good, bytes);
    nstx(0, "run tiny.ini -o met.h5 -s experiment.steps=20 -s data.bad_pictures=refuse --resume");
    assert_same_run("whole.h5", "met.h5");
    free(good);
    free(bad);
}

static void assert_left_out(const char *run, int64_t pictures, int64_t bad)
{
    nx_h5 *file = open_h5(run);
    assert_int_equal(int_attribute(file, "/data", "pictures"), pictures);
    assert_int_equal(int_attribute(file, "/data", "bad_pictures"), bad);
    close_h5(file);
}

/* Bad pictures do not end a training: corrupt in the middle, cut short or too small they are named and left out, and a
 * run that resumes among them is the same as a whole one. */
static void test_left_out_pictures(void **state)
{
    (void)state;
    char *data;
    size_t bytes;
    free(shell("cp -r photos mixed"));
    write_picture("mixed/2small.png", 20, 50, 7);
    write_truncated("mixed/4cut.png", "photos/4.png", 100);
    assert_true(nx_file_read(at("photos/3.png"), &data, &bytes, NULL));
    for (size_t i = bytes / 2; i < bytes / 2 + 40; i++) data[i] = (char)~data[i];
    scratch_write(at("mixed/3.png"), data, bytes);
    free(data);
    nstx(0, "plan tiny.ini -s data.content=mixed");
    assert_said(said_out, "2 of them are broken or too small");
    nstx(0, "run tiny.ini -o left.h5 -s data.content=mixed -s experiment.steps=12");
    assert_said(said_err, "mixed/3.png: a corrupt or truncated PNG: ");
    assert_said(said_err, "mixed/4cut.png: a corrupt or truncated PNG: ");
    assert_said(said_err, "mixed/2small.png: 50 x 20 pixels, smaller than the crop of 32 x 32; left out");
    assert_left_out("left.h5", 8, 3);
    nstx(0, "run tiny.ini -o half.h5 -s data.content=mixed -s experiment.steps=5 -s log.checkpoint=1");
    nstx(0, "run tiny.ini -o half.h5 -s data.content=mixed -s experiment.steps=12 --resume");
    nx_h5 *files[2] = {open_h5("left.h5"), open_h5("half.h5")};
    for (int i = 0; i < 2; i++) {
        size_t count;
        double *values = values_of(files[i], "total", &count);
        static double wanted;
        if (i) assert_true(values[count - 1] == wanted);
        wanted = values[count - 1];
        free(values);
        close_h5(files[i]);
    }
    nstx(2, "run tiny.ini -o refused.h5 -s data.content=mixed -s data.bad_pictures=refuse");
    assert_one_line("mixed/2small.png: 50 x 20 pixels, smaller than the crop of 32 x 32");
}

/* A resumption that comes to no step, as the pictures of its first batch or of what is measured before cannot be read,
 * leaves every file as it was. */
static void test_resumption_that_fails(void **state)
{
    (void)state;
    static const char *const options[] = {"", "-s loss.stage_style_ratios=1"};
    free(shell("mkdir large"));
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "large/%d.png", i);
        write_picture(name, 100, 100, i);
    }
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
#define LARGE "-s data.content=large -s data.validation_count=0 -s data.bad_pictures=refuse -o stays.h5"
        remove_run("stays");
        nstx(0, "run tiny.ini " LARGE " -s experiment.steps=5 %s", options[i]);
        char *before = shell("cksum stays.*");
        free(shell("cp -r large sound; for f in large/*; do printf damaged | dd of=$f bs=1 seek=9000 conv=notrunc "
                   "2>/dev/null; done"));
        nstx(1, "run tiny.ini " LARGE " -s experiment.steps=9 --resume %s", options[i]);
        assert_said(said_err, ".png: a corrupt or truncated PNG");
        assert_said(said_err, "; the checkpoint of step 5 is kept\n");
        char *after = shell("cksum stays.*");
        assert_string_equal(before, after);
        free(shell("rm -r large && mv sound large"));
        nstx(0, "run tiny.ini " LARGE " -s experiment.steps=9 --resume %s", options[i]);
        nstx(0,
             "run tiny.ini --overwrite -o straight.h5 -s data.content=large -s data.validation_count=0 "
             "-s experiment.steps=9 -s data.bad_pictures=refuse %s",
             options[i]);
        assert_same_run("straight.h5", "stays.h5");
        free(before);
        free(after);
    }
}

/* ---- files under a running program ---- */

static pid_t start_long(const char *run)
{
    free(shell("rm -rf long && mkdir long"));
    pid_t child = start("run tiny.ini -o %s -s experiment.steps=100000 " LONG, run);
    wait_for(child, "\nstep 12/");
    return child;
}

/* Deleted or cut short, the run file is whole again with the next save. */
static void test_file_taken_away(void **state)
{
    (void)state;
    static const char *const harms[] = {"rm long/a.h5", "truncate -s 100 long/a.h5", "rm long/a.h5 long/a.h5.lock"};
    for (int i = 0; i < 3; i++) {
        pid_t child = start_long("long/a.h5");
        free(shell(harms[i]));
        kill(child, SIGINT);
        assert_int_equal(finish(child), 130);
        assert_status("long/a.h5", "interrupted");
        uint64_t step = step_kept("long/a.h5");
        assert_true(step >= 12);
        nstx(0, "run tiny.ini -o long/a.h5 --resume " LONG " -s experiment.steps=%llu", (unsigned long long)step + 3);
        nstx(0, "run tiny.ini --overwrite -o straight.h5 " LONG " -s experiment.steps=%llu",
             (unsigned long long)step + 3);
        assert_same_run("straight.h5", "long/a.h5");
    }
}

/* With its folder gone, or a disk that takes no more, the run ends with a line that names the file. */
static void test_nowhere_to_write(void **state)
{
    (void)state;
    pid_t child = start_long("long/a.h5");
    free(shell("mv long gone")); /* at once, whatever is being written in it */
    assert_int_equal(finish(child), 1);
    assert_said(said_err, "\nnstx: long/a.h5: cannot write: ");
    nstx(2, "run tiny.ini -o /proc/nstx/a.h5");
    assert_one_line("/proc/nstx: cannot make the folder: ");
    nstx(2, "run tiny.ini -o /proc/a.h5");
    assert_one_line("/proc/a.h5: cannot write there: ");
    nstx(2, "run tiny.ini -o /dev/full");
    assert_one_line("/dev/full: no plain file, where one is to be written");
}

/* A run file that something else cut short is named by the resumption, and left as it is. */
static void test_short_run_file(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o short.h5");
    write_truncated("cut.h5", "short.h5", 20000);
    refused("cut.h5: ", "run tiny.ini -o cut.h5 --resume -s experiment.steps=9");
    refused("cut.h5: ", "run tiny.ini --overwrite -o cut.h5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_style),
        cmocka_unit_test(test_earlier_run),
        cmocka_unit_test(test_picture_follows),
        cmocka_unit_test(test_corrupt_picture),
        cmocka_unit_test(test_left_out_pictures),
        cmocka_unit_test(test_resumption_that_fails),
        cmocka_unit_test(test_file_taken_away),
        cmocka_unit_test(test_nowhere_to_write),
        cmocka_unit_test(test_short_run_file),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
