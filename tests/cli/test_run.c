/* The program from end to end: what a run leaves behind, that its bits repeat, and that no interruption changes them.
 */
#include "cli.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

/* ---- what a run leaves ---- */

static void assert_names(const nx_h5 *file, const char *path, const char *wanted)
{
    nx_h5_names names;
    assert_true(nx_h5_children(file, path, &names, NULL));
    char text[1024] = "";
    for (size_t i = 0; i < names.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), i ? " %s" : "%s", names.names[i]);
    assert_string_equal(text, wanted);
    nx_h5_names_free(&names);
}

static void assert_steps(const nx_h5 *file, const char *metric, const int64_t *wanted, size_t count)
{
    char *step = nx_format("/metrics/%s/step", metric), *time = nx_format("/metrics/%s/time", metric);
    int64_t *steps;
    double *times;
    size_t n, m;
    assert_true(nx_h5_read_int64(file, step, &steps, &n, NULL));
    assert_true(nx_h5_read_double(file, time, &times, &m, NULL));
    assert_int_equal(n, count);
    assert_int_equal(m, count);
    assert_memory_equal(steps, wanted, count * sizeof *wanted);
    for (size_t i = 0; i < count; i++) assert_true(times[i] >= (i ? times[i - 1] : 0));
    free(values_of(file, metric, &n));
    assert_int_equal(n, count);
    free(step);
    free(time);
    free(steps);
    free(times);
}

/* The total is the sum of the raw losses times their weights, and so are the parts. */
static void assert_sums(const nx_h5 *file, const char *prefix, size_t rows)
{
    static const char *const terms[] = {"content/relu2_1", "style/relu1_1", "style/relu2_1"};
    double sum[8] = {0}, style[8] = {0};
    size_t n;
    assert_true(rows <= 8);
    for (int k = 0; k < 3; k++) {
        char *metric = nx_format("%s%s", prefix, terms[k]), *group = nx_format("/metrics/%s", metric);
        double *values = values_of(file, metric, &n), weight;
        assert_int_equal(n, rows);
        assert_true(nx_h5_get_double(file, group, "weight", &weight, NULL));
        assert_true(weight > 0);
        for (size_t i = 0; i < rows; i++) {
            assert_true(values[i] > 0);
            sum[i] += weight * values[i];
            if (k) style[i] += weight * values[i];
        }
        free(values);
        free(metric);
        free(group);
    }
    char *total = nx_format("%stotal", prefix), *part = nx_format("%sstyle", prefix);
    double *totals = values_of(file, total, &n), *parts = values_of(file, part, &n);
    for (size_t i = 0; i < rows; i++) {
        assert_true(fabs(totals[i] - sum[i]) <= 1e-5 * sum[i]);
        assert_true(fabs(parts[i] - style[i]) <= 1e-5 * style[i]);
    }
    free(totals);
    free(parts);
    free(total);
    free(part);
}

/* A training that takes over a model is where that one ended, whatever comes then; another network is named. */
static void test_start_from_a_model(void **state)
{
    (void)state;
    size_t rows, row;
    nstx(0, "run tiny.ini -o old.h5");
    nstx(0, "run tiny.ini -o taken.h5 -s experiment.start=old.model.h5 -s experiment.steps=0");
    nstx(0, "run tiny.ini -o new.h5 -s experiment.start=old.model.h5 -s data.style=photos/2.png");
    nstx(0, "weights export old.h5 old.safetensors");
    nstx(0, "run tiny.ini -o exported.h5 -s experiment.start=old.safetensors -s experiment.steps=0");
    nx_h5 *old = open_h5("old.h5"), *taken = open_h5("taken.h5"), *new = open_h5("new.h5");
    double *ended = values_of(old, "validation/total", &rows), *begun = values_of(taken, "validation/total", &row);
    assert_true(ended[rows - 1] < ended[0]);
    assert_memory_equal(&ended[rows - 1], &begun[0], sizeof(double));
    free(begun);
    nx_h5 *exported = open_h5("exported.h5");
    begun = values_of(exported, "validation/total", &row);
    assert_memory_equal(&ended[rows - 1], &begun[0], sizeof(double));
    close_h5(exported);
    free(ended), free(begun);
    uint8_t *last, *first;
    int rank, shape[NX_H5_RANK_MAX], same[NX_H5_RANK_MAX];
    assert_true(nx_h5_read_uint8(old, "/images/output0", &last, &rank, shape, NULL));
    assert_true(nx_h5_read_uint8(new, "/images/output0", &first, &rank, same, NULL));
    size_t bytes = (size_t)shape[1] * (size_t)shape[2] * 3;
    assert_memory_equal(last + (size_t)(shape[0] - 1) * bytes, first, bytes);
    assert_memory_not_equal(last, first, bytes);
    free(last), free(first);
    close_h5(old), close_h5(taken), close_h5(new);
    static const char *const refusals[][2] = {
        {"old.model.h5 was trained with [generator] channels = 4, and here it is 8", "-s generator.channels=8"},
        {"old.model.h5 was trained with [generator] network = stylenet, and here it is pyramid",
         "-s generator.network=pyramid -s experiment.paper=texture_networks"},
        {"old.model.h5: a generator of stylizations, and a generator of textures from noise alone is trained here",
         "-s experiment.task=texture -s generator.network=pyramid -s experiment.paper=texture_networks"},
        {"old.h5 was trained with [generator] channels = 4, and here it is 8",
         "-s experiment.start=old.h5 -s generator.channels=8"},
        {"style.png: ", "-s experiment.start=style.png"},
        {"nowhere.h5", "-s experiment.start=nowhere.h5"},
        {"this task does not", "-s experiment.paper=gatys -s experiment.task=optimize"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char *line = nx_format("run tiny.ini -o none.h5 -s experiment.start=old.model.h5 %s", refusals[i][1]);
        refused(refusals[i][0], line);
        free(line);
    }
    assert_false(nx_file_exists(at("none.h5")));
}

static void test_run_file(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o full.h5");
    assert_true(!strncmp(said_err, "device: ", 8));
    assert_said(said_err, "\nstep 6/6 ");
    assert_said(said_out, "run        full.h5\npictures   full.png\n");
    nx_h5 *file = open_h5("full.h5");
    assert_names(file, "/", "balance checkpoint config data device images inputs memory metrics model");
    assert_attribute(file, "/", "status", "finished");
    assert_attribute(file, "/", "command", "nstx run tiny.ini -o full.h5");
    assert_int_equal(int_attribute(file, "/", "seed"), 1);
    static const char *const texts[][2] = {
        {"/", "nstx_version"}, {"/", "revision"},       {"/", "started"},      {"/", "finished"},
        {"/device", "name"},   {"/device", "platform"}, {"/device", "driver"}, {"/device", "opencl_version"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *text = text_attribute(file, texts[i][0], texts[i][1]);
        assert_true(*text);
        free(text);
    }

    assert_names(file, "/metrics", "content learning_rate style total validation");
    assert_names(file, "/metrics/style", "relu1_1 relu2_1 step time value");
    const int64_t every[] = {0, 1, 2, 3, 4, 5}, third[] = {0, 3, 6};
    static const char *const metrics[] = {"total",         "content",       "content/relu2_1", "style",
                                          "style/relu1_1", "style/relu2_1", "learning_rate"};
    for (size_t i = 0; i < 7; i++) assert_steps(file, metrics[i], every, 6);
    for (size_t i = 0; i < 6; i++) {
        char *metric = nx_format("validation/%s", metrics[i]);
        assert_steps(file, metric, third, 3);
        free(metric);
    }
    assert_sums(file, "", 6);
    assert_sums(file, "validation/", 3);

    assert_names(file, "/images", "content0 content1 output0 output1");
    assert_attribute(file, "/images/output0", "CLASS", "IMAGE");
    assert_attribute(file, "/images/output0", "IMAGE_SUBCLASS", "IMAGE_TRUECOLOR");
    assert_attribute(file, "/images/output0", "INTERLACE_MODE", "INTERLACE_PIXEL");
    int64_t *steps;
    size_t n;
    assert_true(nx_h5_get_ints(file, "/images/output0", "step", &steps, &n, NULL));
    assert_int_equal(n, 3);
    assert_memory_equal(steps, third, sizeof third);
    free(steps);
    int rank, shape[NX_H5_RANK_MAX];
    assert_true(nx_h5_shape(file, "/images/output0", &rank, shape, NULL));
    assert_int_equal(rank, 4);
    assert_memory_equal(shape, ((int[]){3, 32, 32, 3}), 4 * sizeof(int));

    assert_names(file, "/checkpoint", "counters optimizer parameters");
    assert_names(file, "/checkpoint/optimizer", "adam.m adam.v");
    assert_true(nx_h5_shape(file, "/checkpoint/parameters/conv2.weight", &rank, shape, NULL));
    assert_memory_equal(shape, ((int[]){8, 4, 3, 3}), 4 * sizeof(int)); /* OIHW */
    uint64_t *counter;
    assert_true(nx_h5_read_uint64(file, "/checkpoint/counters/step", &counter, &n, NULL));
    assert_int_equal(n, 1);
    assert_int_equal(*counter, 6);
    free(counter);
    close_h5(file);

    nx_image picture;
    assert_true(nx_image_load(&picture, at("full.png"), NULL));
    assert_int_equal(picture.height, 2 * 32 + 4);
    assert_int_equal(picture.width, 2 * 32 + 4);
    nx_image_free(&picture);
    assert_no_drafts();
}

/* The config in the run file is all that another run needs. */
static void test_config_alone(void **state)
{
    (void)state;
    nx_h5 *file = open_h5("full.h5");
    char *text;
    assert_true(nx_h5_read_text(file, "/config", &text, NULL));
    close_h5(file);
    assert_int_equal(mkdir(at("elsewhere"), 0777), 0);
    write_text("elsewhere/again.ini", text);
    free(text);
    nstx(0, "run elsewhere/again.ini -o again.h5");
    assert_same_run("full.h5", "again.h5");
}

/* What was planned was needed, and `nstx plan` says the same. */
static void assert_memory(const char *run, const char *options)
{
    nx_h5 *file = open_h5(run);
    int64_t planned = int_attribute(file, "/memory", "planned_total"), kinds = 0;
    int64_t measured = int_attribute(file, "/memory", "measured_total");
    static const char *const names[] = {"planned_parameters", "planned_optimizer", "planned_arena"};
    for (int i = 0; i < 3; i++) kinds += int_attribute(file, "/memory", names[i]);
    assert_int_equal(kinds, planned);
    if (llabs(planned - measured) * 50 > measured)
        fail_msg("%s: planned %lld bytes, measured %lld", run, (long long)planned, (long long)measured);
    close_h5(file);
    nstx(0, "plan tiny.ini %s", options);
    char *line = nx_format("total_bytes %lld\n", (long long)planned);
    assert_said(said_out, line);
    assert_said(said_out, "largest [data] size that fits at batch ");
    free(line);
}

static void test_memory(void **state)
{
    (void)state;
    assert_memory("full.h5", "");
    const char *wide = "-s data.style_size=400 -s data.batch=3 -s generator.channels=6 -s experiment.steps=1";
    nstx(0, "run tiny.ini -o wide.h5 %s", wide);
    assert_memory("wide.h5", wide);
}

static void test_stylize(void **state)
{
    (void)state;
    int h, w;
    nstx(0, "stylize full.model.h5 photos/odd.png -o one.png");
    assert_string_equal(said_out, "one.png\n");
    nstx(0, "stylize full.model.h5 photos/odd.png -o two.png");
    free(shell("cmp one.png two.png"));
    nstx(0, "stylize full.model.h5 photos style.png -o made");
    assert_true(nx_image_size(at("made/odd.png"), &h, &w, NULL));
    assert_int_equal(h, 33);
    assert_int_equal(w, 47);
    assert_true(nx_image_size(at("made/4.png"), &h, &w, NULL));
    assert_int_equal(h, 40);
    assert_int_equal(w, 46);
    assert_true(nx_image_size(at("made/style.png"), &h, &w, NULL));
    free(shell("cmp one.png made/odd.png"));

    nstx(0, "run tiny.ini -o noisy.h5 -s generator.noise=2 -s experiment.steps=2");
    nstx(0, "stylize noisy.model.h5 photos/odd.png -o one.png");
    nstx(0, "stylize noisy.model.h5 photos/odd.png -o two.png --seed 1");
    free(shell("cmp one.png two.png"));
    nstx(0, "stylize noisy.model.h5 photos/odd.png -o two.png --seed 2");
    free(shell("! cmp -s one.png two.png"));
}

static void test_commands(void **state)
{
    (void)state;
    nstx(0, "info full.h5");
    assert_said(said_out, "a run\n");
    assert_said(said_out, "finished");
    assert_said(said_out, "content_layers = relu2_1");
    nstx(0, "info full.model.h5");
    assert_said(said_out, "a model\n");
    assert_said(said_out, "conv2.weight");
    assert_said(said_out, "8 x 4 x 3 x 3");
    nstx(0, "info photos/odd.png");
    assert_string_equal(said_out, "a picture of 47 x 33 pixels\n");
    nstx(0, "devices");
    assert_said(said_out, "\n*  #1  ");
    nstx(0, "--version");
    assert_true(!strncmp(said_out, "nstx ", 5));
    nstx(0, "help");
    assert_said(said_out, "nstx stylize MODEL IMAGE");
    nstx(0, "run --help");
    assert_said(said_out, "nstx run CONFIG");
    nstx(0, "config");
    assert_said(said_out, "learning_rate");
}

/* ---- the same bits ---- */

static void test_determinism(void **state)
{
    (void)state;
    const char *options = "-s generator.noise=1 -s loss.diversity=1 -s generator.norm=batch -s data.contrast=0.5";
    nstx(0, "run tiny.ini -o a.h5 %s", options);
    nstx(0, "run tiny.ini -o b.h5 %s", options);
    assert_same_run("a.h5", "b.h5");
    nx_h5 *file = open_h5("a.h5");
    assert_true(nx_h5_exists(file, "/metrics/entropy/value"));
    close_h5(file);
    nstx(0, "run tiny.ini -o c.h5 %s -s experiment.seed=2", options);
    size_t n;
    nx_h5 *a = open_h5("a.h5"), *c = open_h5("c.h5");
    double *one = values_of(a, "total", &n), *two = values_of(c, "total", &n);
    for (size_t i = 0; i < n; i++) assert_true(one[i] != two[i]);
    assert_int_equal(int_attribute(c, "/", "seed"), 2);
    free(one);
    free(two);
    close_h5(a);
    close_h5(c);
}

/* ---- interruptions ---- */

#define LONG "-s log.images=20 -s log.validation=10 -s log.checkpoint=7 -s generator.noise=1"

/* A run without an end is stopped once it has said this, and then goes on for some steps to the bits of a run that has
 * so many from the start. */
static void stop_and_go_on(const char *said, int signal)
{
    remove_run("stopped");
    pid_t child = start("run tiny.ini -o stopped.h5 -s experiment.steps=100000 " LONG);
    wait_for(child, said);
    kill(child, signal);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "--resume");
    assert_status("stopped.h5", "interrupted");
    int steps = (int)step_kept("stopped.h5") + 12;
    nstx(0, "run tiny.ini -o stopped.h5 --resume -s experiment.steps=%d " LONG, steps);
    assert_status("stopped.h5", "finished");
    nstx(0, "run tiny.ini --overwrite -o straight.h5 -s experiment.steps=%d " LONG, steps);
    assert_same_run("straight.h5", "stopped.h5");
}

static void test_interrupted(void **state)
{
    (void)state;
    stop_and_go_on("\nstep 2/", SIGINT);
    stop_and_go_on("device: ", SIGTERM); /* before the first step */
}

static void test_resume(void **state)
{
    (void)state;
    /* nothing there: afresh */
    nstx(0, "run tiny.ini -o later.h5 --resume -s log.images=2 -s log.validation=2");
    /* more steps than before */
    nstx(0, "run tiny.ini -o later.h5 --resume -s log.images=2 -s log.validation=2 -s experiment.steps=10");
    nstx(0, "run tiny.ini -o sooner.h5 -s log.images=2 -s log.validation=2 -s experiment.steps=10");
    assert_same_run("sooner.h5", "later.h5");
    /* finished: left as it is */
    char *before = snapshot();
    nstx(0, "run tiny.ini -o later.h5 --resume -s log.images=2 -s log.validation=2 -s experiment.steps=10");
    assert_said(said_err, "later.h5 is finished");
    char *after = snapshot();
    assert_string_equal(before, after);
    free(before);
    free(after);
    refused("the run began with [optimizer] learning_rate = 0, not 0.5",
            "run tiny.ini -o later.h5 --resume -s optimizer.learning_rate=0.5 -s experiment.steps=12");
    refused("the run is at step 10, beyond [experiment] steps = 4",
            "run tiny.ini -o later.h5 --resume -s experiment.steps=4");

    /* a step 0 that was only looked at is no beginning */
    nstx(0, "run tiny.ini -o look.h5 -s experiment.steps=0");
    nstx(0, "run tiny.ini -o look.h5 --resume");
    assert_same_run("full.h5", "look.h5");
}

static void test_one_writer(void **state)
{
    (void)state;
    pid_t first = start("run tiny.ini -o shared.h5 -s experiment.steps=100000");
    wait_for(first, "\nstep 2/");
    nstx(2, "run tiny.ini -o shared.h5");
    char *reason = nx_format("shared.h5: another nstx (process %ld) is writing this run", (long)first);
    assert_one_line(reason);
    free(reason);
    kill(first, SIGINT);
    assert_int_equal(finish(first), 130);
    assert_status("shared.h5", "interrupted");
    free(shell("test ! -e shared.h5.lock"));
}

/* ---- less common runs ---- */

static void test_evaluation(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o zero.h5 -s experiment.steps=0 -s log.debug=true");
    nx_h5 *file = open_h5("zero.h5");
    assert_attribute(file, "/", "status", "finished");
    assert_steps(file, "total", (int64_t[]){0}, 1);
    assert_steps(file, "validation/total", (int64_t[]){0}, 1);
    float *gradient;
    int rank, shape[NX_H5_RANK_MAX];
    assert_true(nx_h5_read_float(file, "/debug/gradient", &gradient, &rank, shape, NULL));
    assert_int_equal(rank, 3);
    assert_memory_equal(shape, ((int[]){32, 32, 3}), 3 * sizeof(int));
    double norm = 0;
    for (int i = 0; i < 32 * 32 * 3; i++) norm += (double)gradient[i] * (double)gradient[i];
    assert_true(norm > 0 && isfinite(norm));
    free(gradient);
    /* The gradient is of the first row's total: a run of updates begins with both. */
    nx_h5 *full = open_h5("full.h5");
    size_t n;
    double *zero = values_of(file, "total", &n), *first = values_of(full, "total", &n);
    assert_true(zero[0] == first[0]);
    free(zero);
    free(first);
    close_h5(full);
    close_h5(file);
    free(shell("test ! -e zero.model.h5"));
}

static void test_profile(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o timed.h5 -s experiment.steps=3 -s device.profile=true");
    nx_h5 *file = open_h5("timed.h5");
    nx_h5_names kernels;
    assert_true(nx_h5_children(file, "/profile", &kernels, NULL));
    assert_true(kernels.count > 5);
    for (size_t i = 0; i < kernels.count; i++) {
        char *path = nx_format("/profile/%s", kernels.names[i]);
        double seconds;
        assert_true(int_attribute(file, path, "calls") >= 1);
        assert_true(nx_h5_get_double(file, path, "seconds", &seconds, NULL));
        assert_true(seconds > 0);
        free(path);
    }
    nx_h5_names_free(&kernels);
    close_h5(file);
}

static void test_sweep(void **state)
{
    (void)state;
    write_text("sweep.ini",
               TINY "[experiment]\nsteps = 2\n[log]\nevery = 1\n[sweep]\ngenerator.norm = instance batch\n");
    nstx(0, "run sweep.ini");
    assert_said(said_err, "point 2 of 2: norm=batch\n");
    assert_said(said_out, "\nnorm=instance ");
    assert_said(said_out, "\nnorm=batch ");
    assert_said(said_out, "pictures: sweep.png");
    assert_status("sweep-norm=instance.h5", "finished");
    assert_status("sweep-norm=batch.h5", "finished");
    nx_image picture;
    assert_true(nx_image_load(&picture, at("sweep.png"), NULL));
    assert_int_equal(picture.height, 3 * (32 + 2));
    assert_int_equal(picture.width, 2 * 32 + 4);
    nx_image_free(&picture);

    free(shell("rm sweep-norm=batch.h5"));
    char *before = shell("cksum sweep-norm=instance.h5");
    nstx(0, "run sweep.ini --resume");
    assert_said(said_err, "sweep-norm=instance.h5 is finished");
    char *after = shell("cksum sweep-norm=instance.h5");
    assert_string_equal(before, after);
    assert_status("sweep-norm=batch.h5", "finished");
    free(before);
    free(after);
}

static void test_overflow(void **state)
{
    (void)state;
    nstx(1, "run tiny.ini -o over.h5 -s loss.style_weight=1e38 -s data.style_size=30 -s loss.convention=sum");
    assert_one_line("the validation/total loss is inf, its terms are finite");
    assert_status("over.h5", "failed");
}

/* ---- a disk that is full ---- */

static void ignore_limit(void) { signal(SIGXFSZ, SIG_IGN); }

/* From some step on no file may grow beyond a limit, so that writing more fails as on a full disk. */
static void test_full_disk(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o kept.h5");
    char *before = shell("cksum kept.h5 kept.model.h5");
    before_exec = ignore_limit;
    pid_t child = start("run tiny.ini --overwrite -o kept.h5 -s experiment.steps=100000 -s log.checkpoint=1000");
    before_exec = NULL;
    wait_for(child, "\nstep 2/");
    assert_int_equal(prlimit(child, RLIMIT_FSIZE, &(struct rlimit){100000, 100000}, NULL), 0);
    kill(child, SIGINT);
    assert_int_equal(finish(child), 1);
    assert_said(said_err, "\nnstx: kept.h5: cannot write: File too large\n");
    char *after = shell("cksum kept.h5 kept.model.h5");
    assert_string_equal(before, after);
    assert_no_drafts();
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_from_a_model),
        cmocka_unit_test(test_run_file),
        cmocka_unit_test(test_config_alone),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_stylize),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_determinism),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_one_writer),
        cmocka_unit_test(test_evaluation),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
