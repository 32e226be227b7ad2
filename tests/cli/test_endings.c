/* How runs end before their time, and what is left: signals of every kind and at every moment, a picture that cannot be
 * read in the middle of the night, and the command that goes on from there. */
#include "cli.h"

#include <png.h>
#include <signal.h>
#include <sys/resource.h>

#define LONG "-s experiment.steps=60 -s log.images=20 -s log.validation=10 -s log.checkpoint=7 -s generator.noise=1"

static uint64_t counter_of(const char *run, const char *name)
{
    uint64_t *values, value;
    size_t n;
    nx_error err = {0};
    nx_h5 *file = open_h5(run);
    char *path = nx_format("/checkpoint/counters/%s", name);
    if (!nx_h5_read_uint64(file, path, &values, &n, &err)) fail_msg("%s", err.text);
    value = *values;
    free(values);
    free(path);
    close_h5(file);
    return value;
}

static bool has(const char *run, const char *path)
{
    nx_h5 *file = open_h5(run);
    bool there = nx_h5_exists(file, path);
    close_h5(file);
    return there;
}

/* ---- signals ---- */

/* Whatever a terminal, a batch system or a user sends: a checkpoint, code 130, and the bits of a run left alone. */
static void test_signals(void **state)
{
    (void)state;
    static const int numbers[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM};
    nstx(0, "run tiny.ini -o straight.h5 " LONG);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        remove_run("stopped");
        pid_t child = start("run tiny.ini --overwrite -o stopped.h5 " LONG);
        wait_for(child, "\nstep 2/");
        kill(child, numbers[i]);
        assert_int_equal(finish(child), 130);
        assert_status("stopped.h5", "interrupted");
        assert_true(counter_of("stopped.h5", "step") >= 2);
        nstx(0, "run tiny.ini -o stopped.h5 --resume " LONG);
        assert_same_run("straight.h5", "stopped.h5");
    }
}

/* Several at once are one; a second one of its own stops the run where it is. */
static void test_two_signals(void **state)
{
    (void)state;
    remove_run("stopped");
    pid_t child = start("run tiny.ini --overwrite -o stopped.h5 " LONG);
    wait_for(child, "\nstep 2/");
    kill(child, SIGTERM);
    sleep_for(0.002);
    kill(child, SIGINT);
    assert_int_equal(finish(child), 130);
    assert_status("stopped.h5", "interrupted");
    assert_true(counter_of("stopped.h5", "step") >= 2);
    nstx(0, "stylize stopped.h5 style.png -o run.png"); /* its newest checkpoint is a model, as the file beside it */
    nstx(0, "stylize stopped.model.h5 style.png -o model.png");
    free(shell("cmp run.png model.png"));
}

static void ignore_hangups(void) { signal(SIGHUP, SIG_IGN); }

/* As nohup starts it. */
static void test_ignored_hangup(void **state)
{
    (void)state;
    before_exec = ignore_hangups;
    pid_t child = start("run tiny.ini -o through.h5 " LONG);
    before_exec = NULL;
    wait_for(child, "\nstep 2/");
    kill(child, SIGHUP);
    assert_int_equal(finish(child), 0);
    assert_status("through.h5", "finished");
}

/* A validation is left at once, and made before the next step when the run goes on. */
static void test_validation(void **state)
{
    (void)state;
#define WIDE "-s data.validation_count=400 -s data.validation=many -s data.batch=1 -s log.every=1"
    assert_int_equal(mkdir(at("many"), 0777), 0);
    free(shell("for i in $(seq 400); do ln -s ../photos/1.png many/$i.png; done"));
    nstx(0, "run tiny.ini --overwrite -o straight.h5 -s experiment.steps=4 -s log.validation=2 " WIDE);
    remove_run("stopped");
    pid_t child = start("run tiny.ini --overwrite -o stopped.h5 -s experiment.steps=4 -s log.validation=2 " WIDE);
    wait_for(child, "\nstep 2/");
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    assert_int_equal(counter_of("stopped.h5", "step"), 2);
    assert_int_equal(counter_of("stopped.h5", "look_due"), 1);
    nstx(0, "run tiny.ini -o stopped.h5 --resume -s experiment.steps=4 -s log.validation=2 " WIDE);
    assert_same_run("straight.h5", "stopped.h5");
}

/* Before the first step there is nothing to keep: not even an earlier run gives way. */
static void test_setting_up(void **state)
{
    (void)state;
    write_text(
        "stacked.ini",
        "[experiment]\npaper = random_weights\ntask = optimize\nsteps = 3\n"
        "[descriptor]\nweights = random\nwidth = 0.125\npooling = average\ncontent_layers = relu2_1\nstyle_layers =\n"
        "stacked = 100\nstacked_steps = 500\n[optimizer]\nmethod = lbfgs\nhistory = 4\n"
        "[data]\ncontent = photos/odd.png\nsize = 40\n[log]\nevery = 1\n");
    nstx(0, "run tiny.ini -o earlier.h5");
    char *before = shell("cksum earlier.h5 earlier.png");
    pid_t child = start("run stacked.ini --overwrite -o earlier.h5");
    wait_for(child, "device: ");
    sleep_for(0.5);
    double sent = seconds_now();
    kill(child, SIGUSR1);
    assert_int_equal(finish(child), 130);
    assert_true(seconds_now() - sent < 30); /* its work is minutes */
    assert_said(said_err, "interrupted before its first step; `nstx run stacked.ini -o earlier.h5 --resume` continues");
    char *after = shell("cksum earlier.h5 earlier.png");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* Nor before its config is read: here it comes through a pipe, after the signal. */
static void test_reading(void **state)
{
    (void)state;
    char *config = shell("cat tiny.ini");
    assert_int_equal(mkfifo(at("late.ini"), 0666), 0);
    remove_run("late");
    pid_t child = start("run late.ini -o late.h5");
    int pipe = open(at("late.ini"), O_WRONLY); /* once it reads */
    assert_true(pipe >= 0);
    kill(child, SIGTERM);
    assert_int_equal(write(pipe, config, strlen(config)), strlen(config));
    close(pipe);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "interrupted before its first step; `nstx run late.ini -o late.h5 --resume` continues");
    free(config);
}

static void forget_kernels(void)
{
    setenv("POCL_CACHE_DIR", at("no_kernels"), true);
    unsetenv("NSTX_KERNEL_CACHES");
}

/* Nobody can ask a compiler to stop: the program ends beside it, and leaves what was there, and no lock. */
static void test_compiling(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini --overwrite -o earlier.h5");
    for (int resume = 0; resume < 2; resume++) {
        free(shell("rm -rf no_kernels && mkdir no_kernels"));
        char *before = shell("cksum *.h5* *.png");
        before_exec = forget_kernels;
        pid_t child = resume ? start("run tiny.ini -o earlier.h5 --resume -s experiment.steps=9")
                             : start("run tiny.ini -o compiling.h5");
        before_exec = NULL;
        wait_for(child, "device: ");
        sleep_for(0.3);
        double sent = seconds_now();
        kill(child, SIGTERM);
        assert_int_equal(finish(child), 130);
        double took = seconds_now() - sent;
        if (took > 6) fail_msg("it went on compiling for %.1f seconds", took);
        assert_said(said_err, resume ? "\nnstx: interrupted at step 6; `nstx run tiny.ini -o earlier.h5 --resume"
                                     : "\nnstx: interrupted before its first step; `nstx run tiny.ini -o compiling.h5");
        char *after = shell("rm -f compiling.h5; cksum *.h5* *.png");
        assert_string_equal(before, after);
        free(before);
        free(after);
    }
}

/* ---- a pipe without a reader, a file without room ---- */

static int unread; /* the write end of a pipe that no one reads */

static void write_to_pipe(void) { dup2(unread, STDERR_FILENO); }

static void test_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    unread = ends[1];
    before_exec = write_to_pipe;
    remove_run("piped");
    pid_t child = start("run tiny.ini -o piped.h5 -s experiment.steps=100000 -s log.images=0 -s log.validation=0");
    before_exec = NULL;
    close(ends[1]);
    char text[4096];
    size_t got = 0;
    while (got < sizeof text - 1 && read(ends[0], text + got, 1) == 1) {
        text[++got] = 0;
        if (strstr(text, "step 3/")) break;
    }
    close(ends[0]);
    assert_int_equal(finish(child), 1);
    assert_status("piped.h5", "interrupted");
    assert_true(counter_of("piped.h5", "step") >= 3);
}

/* As on a full disk: the line of what could not be written, whoever set the limit. */
static void test_file_size(void **state)
{
    (void)state;
    remove_run("large");
    pid_t child = start("run tiny.ini -o large.h5 -s experiment.steps=100000 -s log.images=0 -s log.validation=0 "
                        "-s log.checkpoint=20");
    wait_for(child, "\nstep 2/");
    assert_int_equal(prlimit(child, RLIMIT_FSIZE, &(struct rlimit){60000, 60000}, NULL), 0);
    assert_int_equal(finish(child), 1);
    assert_said(said_err, "\nnstx: large.h5: cannot write: File too large");
    assert_no_drafts();
}

static void leave_no_room(void) { setrlimit(RLIMIT_FSIZE, &(struct rlimit){2000, 2000}); }

/* What was asked for is right, and fails: 1, with one line and nothing left behind. */
static void test_full_disk(void **state)
{
    (void)state;
    static const char *const commands[][2] = {
        {"report room.h5 -o room.html", "room.html"},
        {"dataset pack photos packed.h5 --size 32", "packed.h5"},
        {"weights export room.model.h5 room.safetensors", "room.safetensors"},
        {"weights export room.model.h5 room.onnx", "room.onnx"},
        {"stylize room.model.h5 wide.png -o styled.png --format png16", "styled.png"},
        {"stylize room.model.h5 wide.png -o styled.jpg", "styled.jpg"},
        {"sample noise.model.h5 --size 256x256 -o sampled.png --format png16", "sampled.png"}};
    write_picture("wide.png", 300, 300, 9);
    nstx(0, "run tiny.ini -o room.h5");
    nstx(0, "run tiny.ini -o noise.h5 -s experiment.paper=texture_networks -s experiment.task=texture "
            "-s generator.network=pyramid -s generator.scales=3");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        nstx(0, "%s", commands[i][0]); /* its kernels are compiled */
        assert_int_equal(unlink(at(commands[i][1])), 0);
        before_exec = leave_no_room;
        nstx(1, "%s", commands[i][0]);
        before_exec = NULL;
        assert_said(said_err, "cannot write: ");
        assert_said(said_err, "File too large");
        assert_one_line(commands[i][1]);
        assert_false(nx_file_exists(at(commands[i][1])));
        assert_no_drafts();
    }
}

static void print_into_nothing(void)
{
    int full = open("/dev/full", O_WRONLY);
    if (full < 0 || dup2(full, STDOUT_FILENO) < 0) _exit(126);
}

static void test_full_output(void **state)
{
    (void)state;
    before_exec = print_into_nothing;
    nstx(1, "info room.h5");
    assert_said(said_err, "nstx: standard output: cannot write: No space left on device\n");
    nstx(2, "info nothing.h5");
    before_exec = NULL;
}

static void close_streams(void)
{
    for (int i = 0; i < 3; i++) close(i);
}

static void close_errors(void) { close(STDERR_FILENO); }

/* Messages go nowhere then, and not into the first file that is opened. */
static void test_closed_streams(void **state)
{
    (void)state;
    void (*const closings[])(void) = {NULL, close_errors, close_streams};
    char *packed[3], *page[3];
    assert_int_equal(mkdir(at("mixed"), 0777), 0);
    write_picture("mixed/good.png", 40, 40, 1);
    write_picture("mixed/small.png", 20, 20, 2);
    for (size_t i = 0; i < 3; i++) {
        before_exec = closings[i];
        nstx(0, "dataset pack mixed mixed.h5 --size 32");
        nstx(0, "stylize room.model.h5 mixed/good.png -o good.png");
        before_exec = NULL;
        nx_h5 *file = open_h5("mixed.h5");
        uint8_t *rgb;
        int rank, shape[NX_H5_RANK_MAX];
        assert_true(nx_h5_read_uint8(file, "/pictures", &rgb, &rank, shape, NULL));
        close_h5(file);
        packed[i] = nx_format("%d %016llx", shape[0], (unsigned long long)XXH3_64bits(rgb, 32 * 32 * 3));
        page[i] = shell("cksum good.png");
        free(rgb);
        assert_string_equal(packed[i], packed[0]);
        assert_string_equal(page[i], page[0]);
    }
    for (size_t i = 0; i < 3; i++) free(packed[i]), free(page[i]);
}

/* ---- what is said ---- */

/* The line after an interruption is one that a shell takes, with everything that was asked for. */
static void test_hint(void **state)
{
    (void)state;
    write_text("it's here.ini", TINY "[experiment]\nsteps = 60\n[log]\nevery = 1\n");
    remove_run("hinted");
    const char *binary = getenv("NSTX_BINARY");
    char *line = nx_format("exec '%s' run \"it's here.ini\" -o hinted.h5 -s 'descriptor.style_layers=relu1_1 relu2_1' "
                           "-s experiment.seed=7 2>hint.txt",
                           binary);
    pid_t child = fork();
    if (!child) {
        if (chdir(work)) _exit(126);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    char *text = NULL;
    size_t bytes;
    for (double end = seconds_now() + 60; seconds_now() < end; free(text), text = NULL, sleep_for(0.002)) {
        assert_true(!nx_file_exists(at("hint.txt")) || nx_file_read(at("hint.txt"), &text, &bytes, NULL));
        if (text && bytes && memmem(text, bytes, "\nstep 2/", 8)) break;
    }
    free(text);
    kill(child, SIGTERM);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    free(line);
    char *hint =
        shell("sed -n 's/^nstx: interrupted at step [0-9]*; `nstx \\(.*\\)` continues hinted.h5$/\\1/p' hint.txt");
    assert_true(*hint);
    hint[strcspn(hint, "\n")] = 0;
    line = nx_format("'%s' %s 2>hint.txt", binary, hint);
    free(shell(line));
    assert_status("hinted.h5", "finished");
    nx_h5 *file = open_h5("hinted.h5");
    assert_int_equal(int_attribute(file, "/", "seed"), 7);
    close_h5(file);
    free(line);
    free(hint);
}

/* --quiet hides what is on the way, and no warning. */
static void test_quiet(void **state)
{
    (void)state;
    static uint8_t clear[40][40][4];
    for (int i = 0; i < 40 * 40; i++) memcpy(clear[i / 40][i % 40], (uint8_t[]){200, (uint8_t)i, 30, 100}, 4);
    png_image png = {.version = PNG_IMAGE_VERSION, .width = 40, .height = 40, .format = PNG_FORMAT_RGBA};
    assert_true(png_image_write_to_file(&png, at("clear.png"), 0, clear, 0, NULL));
    nstx(0, "run tiny.ini -o quiet.h5 --quiet -s experiment.steps=1");
    assert_string_equal(said_err, "");
    nstx(0, "run tiny.ini --overwrite -o quiet.h5 --quiet -s experiment.steps=1 -s data.style=clear.png");
    assert_said(said_err, "warning: ");
    assert_said(said_err, "clear.png: transparent pixels, composited over white");
}

/* ---- results of a run that is there already ---- */

static double said_number(const char *name)
{
    const char *line = strstr(said_out, name);
    if (!line) fail_msg("no %s in:\n%s", name, said_out);
    return strtod(line + strlen(name), NULL);
}

/* Two at a time look at a finished run, say so once, and leave it. */
static void test_finished(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o whole.h5");
    char *before = shell("cksum whole.*");
    pid_t both[2];
    for (int i = 0; i < 2; i++) both[i] = start("run tiny.ini -o whole.h5");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(finish(both[i]), 0);
        assert_string_equal(said_err, "whole.h5 is finished; --overwrite runs it again\n");
    }
    char *after = shell("cksum whole.*");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_results_again(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini --overwrite -o whole.h5");
    double training = said_number("training "), validation = said_number("validation ");
    nstx(0, "run tiny.ini -o whole.h5 --resume");
    assert_true(training == said_number("training "));
    assert_true(validation == said_number("validation "));
    nstx(0, "run tiny.ini -o parts.h5 -s experiment.steps=4");
    nstx(0, "run tiny.ini -o parts.h5 --resume"); /* its own rows and those of before */
    assert_true(training == said_number("training "));
    nstx(0, "run tiny.ini -o blind.h5 -s data.validation_count=0");
    assert_null(strstr(said_out, "nan"));
    nstx(0, "run tiny.ini -o blind.h5 -s data.validation_count=0 --resume");
    assert_null(strstr(said_out, "nan"));
    write_text("picture.ini",
               "[experiment]\npaper = gatys\ntask = optimize\nsteps = 4\n[optimizer]\nmethod = lbfgs\n"
               "[descriptor]\nweights = random\nwidth = 0.125\ncontent_layers = relu1_2\nstyle_layers = relu1_1\n"
               "[data]\ncontent = photos/odd.png\nstyle = style.png\nsize = 32\n[log]\nevery = 1\n");
    nstx(0, "run picture.ini -o picture.h5");
    double loss = said_number("loss ");
    nstx(0, "run picture.ini -o picture.h5 --resume");
    assert_true(loss == said_number("loss "));
    assert_null(strstr(said_out, "nan"));
}

/* ---- what is there before the end ---- */

/* Beside every checkpoint lies the model of that moment. */
static void test_model(void **state)
{
    (void)state;
    remove_run("stopped");
    pid_t child =
        start("run tiny.ini --overwrite -o stopped.h5 -s experiment.steps=100000 -s log.images=0 -s log.validation=0 "
              "-s log.checkpoint=5");
    wait_for(child, "\nstep 12/");
    kill(child, SIGKILL);
    assert_int_equal(finish(child), -SIGKILL);
    assert_true(nx_file_exists(at("stopped.model.h5")));
    nstx(0, "stylize stopped.model.h5 photos/odd.png -o made.png");

    remove_run("stopped");
    child =
        start("run tiny.ini --overwrite -o stopped.h5 -s experiment.steps=100000 -s log.images=0 -s log.validation=0 "
              "-s log.checkpoint=0");
    wait_for(child, "\nstep 3/");
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    uint64_t step = counter_of("stopped.h5", "step");
    nstx(0, "run tiny.ini -o same.h5 -s log.images=0 -s log.validation=0 -s log.checkpoint=0 -s experiment.steps=%llu",
         (unsigned long long)step);
    assert_same_run("same.model.h5", "stopped.model.h5");
}

/* A picture that is broken in its middle passes the look at its ends. Where it is met, what was learned until then is
 * kept, with its model, and goes on once it is mended. */
static void test_unreadable_picture(void **state)
{
    (void)state;
    int kept = 0;
    write_text("few.ini", TINY "[experiment]\nsteps = 12\n[data]\nvalidation = photos/5.png\nbad_pictures = refuse\n"
                               "[log]\nevery = 1\nimages = 0\nvalidation = 4\ncheckpoint = 0\n");
    nstx(0, "run few.ini --overwrite -o whole.h5");
    for (int k = 1; k < 4; k++) { /* two of them are in no first batch */
        char name[32], *good, *bad;
        size_t bytes;
        snprintf(name, sizeof name, "photos/%d.png", k);
        assert_true(nx_file_read(at(name), &good, &bytes, NULL));
        bad = nx_copy(good, bytes);
        for (size_t i = bytes / 2; i < bytes / 2 + 40; i++) bad[i] = (char)~bad[i];
        scratch_write(at(name), bad, bytes);
        remove_run("met");
        nstx(1, "run few.ini --overwrite -o met.h5");
        assert_said(said_err, ".png: a corrupt or truncated PNG");
        scratch_write(at(name), good, bytes);
        assert_status("met.h5", "failed");
        if (has("met.h5", "/checkpoint")) {
            uint64_t step = counter_of("met.h5", "step");
            char *line = nx_format("the checkpoint of step %llu is kept", (unsigned long long)step);
            assert_said(said_err, line);
            assert_true(step > 0);
            assert_true(nx_file_exists(at("met.model.h5")));
            free(line);
            kept++;
        }
        nstx(0, "run few.ini -o met.h5 --resume");
        assert_same_run("whole.h5", "met.h5");
        free(good);
        free(bad);
    }
    assert_true(kept > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals),        cmocka_unit_test(test_two_signals),
        cmocka_unit_test(test_ignored_hangup), cmocka_unit_test(test_validation),
        cmocka_unit_test(test_setting_up),     cmocka_unit_test(test_reading),
        cmocka_unit_test(test_compiling),      cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_file_size),      cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_output),    cmocka_unit_test(test_closed_streams),
        cmocka_unit_test(test_hint),           cmocka_unit_test(test_quiet),
        cmocka_unit_test(test_finished),       cmocka_unit_test(test_results_again),
        cmocka_unit_test(test_model),          cmocka_unit_test(test_unreadable_picture),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
