/* Run files and model files: what is written comes back bit for bit, a killed writer leaves a file that can be read, a
 * second writer and a full disk are answered. */
#include "../io/scratch.h"

#include "base/version.h"
#include "run/exit_code.h"
#include "run/interrupt.h"
#include "run/progress.h"
#include "runfile/model.h"
#include "runfile/reader.h"
#include "runfile/runfile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static nx_device_info device = {.name = "a device", .platform = "a platform", .driver = "1.2", .version = "OpenCL 1.2"};

static config *parse(const char *text)
{
    config *c;
    nx_error err = {0};
    if (!config_parse(&c, "a.ini", text, ".", NULL, 0, &err)) fail_msg("%s", err.text);
    return c;
}

/* The newest value of a metric. */
static bool last_of(const char *path, const char *metric, double *value, nx_error *err)
{
    series s;
    if (!series_read_from(&s, path, metric, err)) return false;
    *value = s.value[s.rows - 1];
    series_free(&s);
    return true;
}

static runfile_info info_of(const config *c)
{
    return (runfile_info){.command = "nstx run a.ini", .config = c, .device = &device};
}

static runfile *begin(const char *path, const config *c, bool resume)
{
    runfile *run;
    nx_error err = {0};
    runfile_info info = info_of(c);
    if (!(resume ? runfile_resume : runfile_new)(&run, path, &info, &err)) fail_msg("%s", err.text);
    return run;
}

static void save(runfile *run, checkpoint *c)
{
    nx_error err = {0};
    if (!runfile_save(run, c, &err)) fail_msg("%s", err.text);
}

static float weight_at(size_t i, int step) { return (float)(i * 0.37 + 1.0 / (step + 3)); }

/* A run's state after some steps: one kernel, one bias, Adam's moment of the kernel. */
static nx_params *params_at(int step)
{
    nx_params *params = nx_params_new();
    nx_param *kernel = nx_param_add(params, "conv1.weight", (nx_shape){3, 3, 2, 5}, 4);
    nx_param *bias = nx_param_add(params, "conv1.bias", NX_VECTOR(5), 1);
    for (size_t i = 0; i < 90; i++) kernel->initial[i] = weight_at(i, step);
    for (size_t i = 0; i < 5; i++) bias->initial[i] = -weight_at(i, step);
    return params;
}

static checkpoint *checkpoint_at(int step)
{
    checkpoint *c = checkpoint_new();
    nx_params *params = params_at(step);
    checkpoint_put_params(c, "parameters", params);
    checkpoint_put_array(c, "optimizer/adam.m/conv1.bias", 1, (int[]){5}, params->items[1]->initial);
    checkpoint_put_counter(c, "step", (uint64_t)step);
    checkpoint_put_counter(c, "noise", 0xfedcba9876543210u);
    nx_params_free(params);
    return c;
}

static void log_step(runfile *run, int step)
{
    uint8_t rgb[4 * 6 * 3];
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 7 + (size_t)step);
    runfile_metric(run, "total", 1, step, step * 0.25, 100.0 / (step + 1));
    runfile_metric(run, "style", 10, step, step * 0.25, 7.0 / (step + 1));
    runfile_metric(run, "style/relu1_1", 2.5, step, step * 0.25, 0.1 + step);
    if (step % 2 == 0) runfile_image(run, "stylized/a", step, 4, 6, rgb, NULL);
}

static char *content(const char *path, size_t *bytes)
{
    char *data;
    nx_error err = {0};
    if (!nx_file_read(path, &data, bytes, &err)) fail_msg("%s", err.text);
    return data;
}

/* The layout that notes/run-file.md promises, read with the HDF5 calls alone. */
static void the_layout_is_the_promised_one(void **state)
{
    (void)state;
    const char *path = scratch("folder/layout.h5");
    config *c = parse("[experiment]\nseed = 11\n");
    runfile *run = begin(path, c, false);
    for (int step = 0; step < 5; step++) log_step(run, step);
    runfile_array(run, "/debug/gradient", 3, (int[]){1, 2, 3}, (float[]){9, 9, 9, 9, 9, 9});
    runfile_array(run, "/debug/gradient", 3, (int[]){1, 2, 3}, (float[]){1, 2, 3, 4, 5, 6});
    runfile_set_real(run, "/profile/conv_direct", "seconds", 1.5);
    runfile_set_int(run, "/profile/conv_direct", "calls", 3);
    runfile_set_int(run, "/profile/conv_direct", "calls", 4);
    nx_error err = {0};
    assert_true(runfile_finish(run, "finished", checkpoint_at(5), &err));
    runfile_free(run);
    assert_false(nx_file_exists(scratch("folder/layout.h5.lock")));
    assert_no_drafts();

    nx_h5 *file;
    assert_true(nx_h5_open(&file, path, false, &err));
    const char *const attributes[][3] = {
        {"/", "nstx_version", nx_version},  {"/", "revision", nx_revision},
        {"/", "command", "nstx run a.ini"}, {"/", "status", "finished"},
        {"/device", "driver", "1.2"},       {"/device", "platform", "a platform"},
        {"/device", "name", "a device"},    {"/device", "opencl_version", "OpenCL 1.2"},
    };
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        char *value;
        assert_true(nx_h5_get_string(file, attributes[i][0], attributes[i][1], &value, &err));
        assert_string_equal(value, attributes[i][2]);
        free(value);
    }
    assert_true(nx_h5_has_attribute(file, "/", "started") && nx_h5_has_attribute(file, "/", "finished"));
    int64_t integer;
    double real;
    assert_true(nx_h5_get_int(file, "/", "seed", &integer, &err) && integer == 11);
    assert_true(nx_h5_get_int(file, "/profile/conv_direct", "calls", &integer, &err) && integer == 4);
    assert_true(nx_h5_get_double(file, "/profile/conv_direct", "seconds", &real, &err) && real == 1.5);
    assert_true(nx_h5_get_double(file, "/metrics/style/relu1_1", "weight", &real, &err) && real == 2.5);
    char *text, *want = config_text(c, NULL);
    assert_true(nx_h5_read_text(file, "/config", &text, &err));
    assert_string_equal(text, want);
    free(text);
    free(want);
    int64_t *steps;
    double *times, *values;
    size_t count;
    assert_true(nx_h5_get_ints(file, "/images/stylized/a", "step", &steps, &count, &err) && count == 3 &&
                steps[2] == 4);
    free(steps);
    assert_true(nx_h5_read_int64(file, "/metrics/style/step", &steps, &count, &err) && count == 5 && steps[4] == 4);
    assert_true(nx_h5_read_double(file, "/metrics/style/time", &times, &count, &err) && count == 5 && times[3] == .75);
    assert_true(nx_h5_read_double(file, "/metrics/style/value", &values, &count, &err) && values[1] == 3.5);
    free(steps);
    free(times);
    free(values);
    int rank, shape[NX_H5_RANK_MAX];
    assert_true(nx_h5_shape(file, "/images/stylized/a", &rank, shape, &err) && rank == 4);
    assert_true(shape[0] == 3 && shape[1] == 4 && shape[2] == 6 && shape[3] == 3);
    assert_true(nx_h5_has_attribute(file, "/images/stylized/a", "CLASS"));
    assert_true(nx_h5_shape(file, "/checkpoint/parameters/conv1.weight", &rank, shape, &err) && rank == 4);
    assert_true(shape[0] == 5 && shape[1] == 2 && shape[2] == 3 && shape[3] == 3);
    uint64_t *counter;
    assert_true(nx_h5_read_uint64(file, "/checkpoint/counters/step", &counter, &count, &err) && *counter == 5);
    free(counter);
    float *gradient;
    assert_true(nx_h5_read_float(file, "/debug/gradient", &gradient, &rank, shape, &err) && gradient[5] == 6);
    free(gradient);
    nx_h5_close(file, NULL);

    assert_true(runfile_is_finished(path, c));
    assert_true(last_of(path, "style/relu1_1", &real, &err) && real == 4.1);
    assert_false(last_of(path, "entropy", &real, &err));
    assert_message(&err, path, "there is no /metrics/entropy");
    config *other = parse("[experiment]\nseed = 12\n");
    assert_false(runfile_is_finished(path, other));
    assert_false(runfile_is_finished(scratch("none.h5"), c));
    config_free(other);
    config_free(c);
}

/* A run stopped after rows that no checkpoint has seen, resumed and finished, is the uninterrupted run. */
static void resuming_is_bit_exact(void **state)
{
    (void)state;
    config *c = parse("");
    static const char *const names[] = {"whole.h5", "parts.h5"};
    for (int parts = 0; parts < 2; parts++) {
        const char *path = scratch(names[parts]);
        runfile *run = begin(path, c, false);
        int step = 0;
        for (; step < 4; step++) log_step(run, step);
        runfile_array(run, "/debug/gradient", 1, (int[]){2}, (float[]){1, 2});
        save(run, checkpoint_at(step));
        if (parts) {
            for (; step < 7; step++) log_step(run, step * 100);
            runfile_metric(run, "late", 1, step, 0, 0);
            save(run, NULL);
            runfile_free(run);
            run = begin(path, c, true);
            uint64_t value;
            nx_error err = {0};
            assert_true(checkpoint_get_counter(runfile_checkpoint(run), "noise", &value, path, &err));
            assert_true(value == 0xfedcba9876543210u);
            assert_true(checkpoint_get_counter(runfile_checkpoint(run), "step", &value, path, &err));
            assert_int_equal(value, 4);
            assert_false(checkpoint_get_counter(runfile_checkpoint(run), "none", &value, path, &err));
            assert_message(&err, path, "no counter none");
            nx_params *params = params_at(99), *want = params_at(4);
            assert_true(checkpoint_get_params(runfile_checkpoint(run), "parameters", params, path, &err));
            assert_memory_equal(params->items[0]->initial, want->items[0]->initial, 90 * sizeof(float));
            assert_memory_equal(params->items[1]->initial, want->items[1]->initial, 5 * sizeof(float));
            nx_params_free(params);
            nx_params_free(want);
            step = (int)value;
        }
        for (; step < 9; step++) log_step(run, step);
        nx_error err = {0};
        assert_true(runfile_finish(run, "finished", checkpoint_at(step), &err));
        runfile_free(run);
    }
    nx_h5 *file;
    nx_error err = {0};
    assert_true(nx_h5_open(&file, scratch(names[1]), false, &err));
    assert_false(nx_h5_exists(file, "/metrics/late"));
    nx_h5_close(file, NULL);
    config_free(c);
}

/* The same by h5diff, object by object; times and dates differ. */
static void h5diff_finds_no_difference(void **state)
{
    (void)state;
    static const char *const same[] = {
        "/metrics", "/images", "/checkpoint/parameters", "/checkpoint/optimizer", "/checkpoint/counters",
        "/debug",   "/config"};
    if (system("command -v h5diff > /dev/null")) {
        print_message("h5diff is not installed\n");
        skip();
    }
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char *command = nx_format("h5diff '%s' '%s' %s", scratch("whole.h5"), scratch("parts.h5"), same[i]);
        if (system(command)) fail_msg("differs: %s", same[i]);
        free(command);
    }
}

static void resuming_nothing_is_beginning(void **state)
{
    (void)state;
    config *c = parse("");
    const char *path = scratch("fresh.h5");
    runfile *run = begin(path, c, true);
    assert_null(runfile_checkpoint(run));
    assert_false(nx_file_exists(path));
    log_step(run, 0);
    save(run, NULL);
    runfile_free(run);
    run = begin(path, c, true);
    assert_null(runfile_checkpoint(run));
    save(run, NULL);
    runfile_free(run);
    double value;
    nx_error err = {0};
    assert_false(last_of(path, "total", &value, &err));
    config_free(c);
}

static void wrong_files_are_answered(void **state)
{
    (void)state;
    config *c = parse(""), *other = parse("[loss]\nstyle_weight = 3");
    runfile_info info = info_of(c), other_info = info_of(other);
    runfile *run;
    nx_error err = {0};
    const char *photo = scratch("photo.png"), *run_path = scratch("mine.h5");
    scratch_write(photo, "photo", 5);
    assert_false(runfile_new(&run, photo, &info, &err));
    assert_message(&err, photo, "there is a file that nstx did not write");
    assert_false(runfile_resume(&run, photo, &info, &err));
    size_t bytes;
    char *data = content(photo, &bytes);
    assert_string_equal(data, "photo");
    free(data);
    assert_false(runfile_new(&run, scratch_folder, &info, &err));
    assert_message(&err, scratch_folder, "a folder");
    char *below = nx_format("%s/run.h5", photo);
    assert_false(runfile_new(&run, below, &info, &err));
    assert_message(&err, photo, "folder");
    free(below);

    run = begin(run_path, c, false);
    save(run, checkpoint_at(1));
    runfile_free(run);
    assert_false(runfile_resume(&run, run_path, &other_info, &err));
    assert_message(&err, run_path, "the run began with [loss] style_weight = 1, not 3");
    assert_false(nx_file_exists(scratch("mine.h5.lock")));

    nx_h5 *file;
    assert_true(nx_h5_open(&file, run_path, true, &err));
    assert_true(nx_h5_delete(file, "/checkpoint/counters", &err) && nx_h5_close(file, &err));
    run = begin(run_path, c, true);
    uint64_t value;
    assert_false(checkpoint_get_counter(runfile_checkpoint(run), "step", &value, run_path, &err));
    log_step(run, 0);
    save(run, checkpoint_at(1));
    runfile_free(run);
    assert_true(nx_h5_open(&file, run_path, true, &err));
    assert_true(nx_h5_delete(file, "/metrics/total/time", &err) && nx_h5_close(file, &err));
    assert_false(runfile_resume(&run, run_path, &info, &err));
    assert_message(&err, run_path, "there is no /metrics/total/time in it");
    assert_null(run);
    /* Afresh, the old file stays until the first save. */
    data = content(run_path, &bytes);
    run = begin(run_path, c, false);
    size_t still;
    char *now = content(run_path, &still);
    assert_int_equal(bytes, still);
    assert_memory_equal(now, data, bytes);
    free(now);
    free(data);
    runfile_free(run);
    config_free(c);
    config_free(other);
}

/* A link at the lock's name is not followed: what it leads to would be emptied. */
static void locks_follow_no_links(void **state)
{
    (void)state;
    config *c = parse("");
    runfile_info info = info_of(c);
    const char *path = scratch("linked.h5");
    runfile *run;
    nx_error err = {0};
    size_t bytes;
    scratch_write(scratch("precious"), "kept", 4);
    assert_int_equal(symlink("precious", scratch("linked.h5.lock")), 0);
    assert_false(runfile_new(&run, path, &info, &err));
    assert_message(&err, path, "a link, where nstx keeps its lock");
    char *kept = content(scratch("precious"), &bytes);
    assert_string_equal(kept, "kept");
    free(kept);
    config_free(c);
}

static void one_writer_at_a_time(void **state)
{
    (void)state;
    config *c = parse("");
    runfile_info info = info_of(c);
    const char *path = scratch("locked.h5");
    runfile *run = begin(path, c, false), *second;
    nx_error err = {0};
    char *who = nx_format("another nstx (process %ld)", (long)getpid());
    assert_false(runfile_new(&second, path, &info, &err));
    assert_message(&err, path, who);
    free(who);
    runfile_free(run);
    run = begin(path, c, false);
    runfile_free(run);

    /* A killed holder holds nothing, and its draft is swept away. */
    pid_t child = fork();
    if (!child) {
        run = begin(path, c, false);
        char *draft = nx_file_draft(path);
        scratch_write(draft, "x", 1);
        raise(SIGKILL);
    }
    waitpid(child, NULL, 0);
    char *draft = nx_format("%s.tmp.%ld", path, (long)child), *living = nx_format("%s.tmp.%ld", path, (long)getpid());
    assert_true(nx_file_exists(scratch("locked.h5.lock")) && nx_file_exists(draft));
    scratch_write(living, "x", 1); /* a name like that of a draft, and nobody's who is dead: it stays */
    run = begin(path, c, true);
    assert_true(!nx_file_exists(draft) && nx_file_exists(living));
    unlink(living);
    free(draft);
    free(living);
    runfile_free(run);
    assert_false(nx_file_exists(scratch("locked.h5.lock")));
    config_free(c);
}

/* Every generation's rows and parameters belong together, whenever the writer dies. */
static void a_killed_writer_leaves_a_whole_file(void **state)
{
    (void)state;
    enum { rounds = 25 };
    const char *path = scratch("killed.h5");
    config *c = parse("");
    int last = 0, grew = 0;
    for (int round = 0; round < rounds; round++) {
        int ready[2];
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        if (!child) {
            runfile *run = begin(path, c, true);
            uint64_t step = 0;
            if (runfile_checkpoint(run)) checkpoint_get_counter(runfile_checkpoint(run), "step", &step, path, NULL);
            for (;; step++) {
                log_step(run, (int)step);
                save(run, checkpoint_at((int)step + 1));
                if (write(ready[1], "", 1) != 1) _exit(1);
            }
        }
        char byte;
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        usleep((useconds_t)(round * 997 % 7919));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(ready[0]);

        runfile *run = begin(path, c, true);
        uint64_t step;
        nx_error err = {0};
        assert_true(checkpoint_get_counter(runfile_checkpoint(run), "step", &step, path, &err));
        nx_params *params = params_at(0), *want = params_at((int)step);
        assert_true(checkpoint_get_params(runfile_checkpoint(run), "parameters", params, path, &err));
        assert_memory_equal(params->items[0]->initial, want->items[0]->initial, 90 * sizeof(float));
        nx_params_free(params);
        nx_params_free(want);
        runfile_free(run);
        nx_h5 *file;
        int64_t *steps;
        size_t rows;
        assert_true(nx_h5_open(&file, path, false, &err));
        assert_true(nx_h5_read_int64(file, "/metrics/total/step", &steps, &rows, &err));
        assert_int_equal(rows, step);
        for (size_t i = 0; i < rows; i++) assert_int_equal(steps[i], i);
        free(steps);
        nx_h5_close(file, NULL);
        assert_true((int)step > last);
        grew += (int)step - last, last = (int)step;
    }
    assert_true(grew >= rounds);
    assert_no_drafts();
    config_free(c);
}

/* In a child whose files may not grow: the answer is one line, the old file stays, no draft does, and the child
 * ends as it should. */
static void a_full_disk_is_answered(void **state)
{
    (void)state;
    const char *path = scratch("full.h5");
    config *c = parse("");
    runfile *run = begin(path, c, false);
    save(run, checkpoint_at(1));
    runfile_free(run);
    size_t before, after;
    char *old = content(path, &before);
    pid_t child = fork();
    if (!child) {
        signal(SIGXFSZ, SIG_IGN);
        run = begin(path, c, true);
        struct rlimit limit = {.rlim_cur = 3000, .rlim_max = RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
        nx_error err = {0};
        for (int i = 0; i < 300; i++) log_step(run, i);
        bool refused = !runfile_save(run, NULL, &err);
        char *want = nx_format("%s: cannot write: File too large", path);
        int wrong = !refused + 2 * (strcmp(err.text, want) != 0);
        if (wrong) fprintf(stderr, "%s\n", err.text);
        free(want);
        runfile_free(run);
        config_free(c);
        free(old);
        exit(wrong);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    char *now = content(path, &after);
    assert_int_equal(before, after);
    assert_memory_equal(now, old, before);
    free(now);
    free(old);
    assert_no_drafts();
    config_free(c);
}

static void a_lost_folder_is_answered(void **state)
{
    (void)state;
    const char *path = scratch("lost/run.h5");
    config *c = parse("");
    runfile *run = begin(path, c, false);
    save(run, NULL);
    char *command = nx_format("rm -r '%s'", scratch("lost"));
    assert_int_equal(system(command), 0);
    free(command);
    nx_error err = {0};
    assert_false(runfile_save(run, checkpoint_at(1), &err));
    assert_message(&err, path, "cannot write: No such file or directory");
    mkdir(scratch("lost"), 0777);
    save(run, NULL);
    runfile_free(run);
    run = begin(path, c, true);
    assert_non_null(runfile_checkpoint(run));
    runfile_free(run);
    config_free(c);
}

static void pictures_are_bounded(void **state)
{
    (void)state;
    enum { side = 2048, count = 13 };
    config *c = parse("");
    runfile *run = begin(scratch("many.h5"), c, false);
    uint8_t *rgb = nx_alloc((size_t)side * side * 3);
    for (int i = 0; i < count; i++) {
        rgb[0] = (uint8_t)i;
        runfile_image(run, "a", i, side, side, rgb, NULL);
    }
    free(rgb);
    save(run, NULL);
    runfile_free(run);
    nx_h5 *file;
    nx_error err = {0};
    int rank, shape[NX_H5_RANK_MAX];
    int64_t *steps;
    size_t rows;
    assert_true(nx_h5_open(&file, scratch("many.h5"), false, &err));
    assert_true(nx_h5_shape(file, "/images/a", &rank, shape, &err));
    assert_true(nx_h5_get_ints(file, "/images/a", "step", &steps, &rows, &err));
    assert_true((size_t)shape[0] * side * side * 3 <= RUNFILE_IMAGE_BYTES);
    assert_int_equal(rows, 5);
    assert_memory_equal(steps, ((int64_t[]){0, 8, 10, 11, 12}), 5 * sizeof *steps);
    uint8_t *kept;
    assert_true(nx_h5_read_uint8(file, "/images/a", &kept, &rank, shape, &err));
    assert_int_equal(kept[(size_t)side * side * 3], 8);
    assert_int_equal(kept[(size_t)side * side * 3 * 4], 12);
    free(kept);
    free(steps);
    nx_h5_close(file, NULL);
    config_free(c);
}

static model a_model(void)
{
    return (model){.network = "stylenet",
                   .options = "[generator]\nchannels = 8\n",
                   .input = {.order = "rgb", .scale = 1 / 255.0},
                   .output = {.order = "bgr", .scale = 1, .mean = {123.68, 116.779, 103.939}}};
}

static void models_come_back(void **state)
{
    (void)state;
    const char *path = scratch("model.h5");
    nx_error err = {0};
    model m = a_model(), *again;
    nx_params *params = params_at(3), *got = params_at(0);
    assert_true(model_save(path, &m, params, &err));
    assert_no_drafts();
    if (!model_open(&again, path, &err)) fail_msg("%s", err.text);
    assert_string_equal(again->network, m.network);
    assert_string_equal(again->options, m.options);
    assert_string_equal(again->output.order, "bgr");
    assert_true(again->input.scale == m.input.scale && again->output.mean[2] == 103.939);
    if (!model_params(again, got, &err)) fail_msg("%s", err.text);
    for (size_t p = 0; p < 2; p++)
        assert_memory_equal(got->items[p]->initial, params->items[p]->initial,
                            nx_shape_count(got->items[p]->shape) * sizeof(float));
    nx_params_free(got);

    got = nx_params_new();
    nx_param_add(got, "conv1.weight", (nx_shape){3, 3, 2, 6}, 4);
    assert_false(model_params(again, got, &err));
    assert_message(&err, path, "the parameter conv1.weight has shape [5, 2, 3, 3], expected [6, 2, 3, 3]");
    nx_params_free(got);
    got = nx_params_new();
    nx_param_add(got, "conv1.weight", (nx_shape){3, 3, 2, 5}, 4);
    assert_false(model_params(again, got, &err));
    assert_message(&err, path, "the parameter conv1.bias in it has no place in the network");
    assert_true(got->items[0]->initial[0] == 0);
    nx_param_add(got, "conv1.bias", NX_VECTOR(5), 1);
    nx_param_add(got, "conv2.bias", NX_VECTOR(7), 1);
    assert_false(model_params(again, got, &err));
    assert_message(&err, path, "there is no parameter conv2.bias in it, expected with shape [7]");
    nx_params_free(got);
    model_free(again);

    nx_h5 *file;
    assert_true(nx_h5_open(&file, path, true, &err));
    assert_true(nx_h5_set_string(file, "/model", "input_order", "cmyk", &err) && nx_h5_close(file, &err));
    assert_false(model_open(&again, path, &err));
    assert_message(&err, path, "input_order is 'cmyk', neither rgb nor bgr");
    assert_true(nx_h5_create(&file, path, &err) && nx_h5_close(file, &err));
    assert_false(model_open(&again, path, &err));
    assert_message(&err, path, "not a model file");
    assert_false(model_save(scratch("none/model.h5"), &m, params, &err));
    assert_message(&err, "none/model.h5", "cannot write: No such file or directory");
    nx_params_free(params);
}

static void progress_says_what_is_left(void **state)
{
    (void)state;
    char text[160];
    assert_string_equal(progress_text(text, sizeof text, 5, 2000, 123456, 0), "step 5/2000  loss 1.235e+05");
    assert_string_equal(progress_text(text, sizeof text, 500, 2000, 0.5, 2),
                        "step 500/2000  loss 0.5  2 steps/s  12:30 left");
    assert_string_equal(progress_text(text, sizeof text, 0, 10000, 1, 1.25),
                        "step 0/10000  loss 1  1.25 steps/s  2:13:20 left");
    assert_string_equal(progress_text(text, 8, 500, 2000, 0.5, 2), "step 50");
}

/* To a pipe: the lines of the chosen steps and of the last. */
static void progress_prints_plain_lines_to_a_pipe(void **state)
{
    (void)state;
    const char *path = scratch("lines");
    fflush(stderr);
    int kept = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(file, STDERR_FILENO);
    progress p = progress_begin(10, 25, 10);
    for (int step = 11; step <= 25; step++) progress_step(&p, step, step);
    progress_end(&p);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    size_t bytes;
    char *text = content(path, &bytes);
    assert_string_equal(text, "step 20/25  loss 20\nstep 25/25  loss 25\n");
    free(text);
}

/* The first signal is noticed; another within a second is the same one; a later one ends the process with 130. */
static void signals_stop_a_run(void **state)
{
    (void)state;
    static const int firsts[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    for (int k = 0; k < 5; k++)
        for (int later = 0; later < 2; later++) {
            pid_t child = fork();
            if (!child) {
                if (!freopen("/dev/null", "w", stderr)) _exit(1);
                interrupt_watch();
                if (interrupt_wanted()) _exit(2);
                kill(getpid(), firsts[k]);
                for (int i = 0; i < 1000 && !interrupt_wanted(); i++) usleep(10000);
                if (!interrupt_wanted() || interrupt_fault()) _exit(3);
                usleep(later ? 1300000 : 2000);
                kill(getpid(), SIGTERM);
                usleep(later ? 10000000 : 200000);
                _exit(4);
            }
            int status;
            waitpid(child, &status, 0);
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), later ? EXIT_INTERRUPTED : 4);
        }
}

/* A write that no one reads, or that is too long for its file, fails and is noticed. */
static void faults_stop_a_run(void **state)
{
    (void)state;
    for (int large = 0; large < 2; large++) {
        pid_t child = fork();
        if (!child) {
            int ends[2], file = open(scratch("limited"), O_WRONLY | O_CREAT, 0666);
            struct rlimit limit = {1, 1};
            interrupt_watch();
            if (interrupt_wanted() || pipe(ends) || close(ends[0]) || (large && setrlimit(RLIMIT_FSIZE, &limit)))
                _exit(2);
            if (write(large ? file : ends[1], "12", 2) != (large ? 1 : -1)) _exit(3);
            if (large && write(file, "3", 1) != -1) _exit(4);
            const char *fault = interrupt_fault();
            _exit(!interrupt_wanted() || !fault ? 5 : strstr(fault, large ? "SIGXFSZ" : "SIGPIPE") ? 0 : 6);
        }
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_the_promised_one),
        cmocka_unit_test(resuming_is_bit_exact),
        cmocka_unit_test(h5diff_finds_no_difference),
        cmocka_unit_test(resuming_nothing_is_beginning),
        cmocka_unit_test(wrong_files_are_answered),
        cmocka_unit_test(locks_follow_no_links),
        cmocka_unit_test(one_writer_at_a_time),
        cmocka_unit_test(a_killed_writer_leaves_a_whole_file),
        cmocka_unit_test(a_full_disk_is_answered),
        cmocka_unit_test(a_lost_folder_is_answered),
        cmocka_unit_test(pictures_are_bounded),
        cmocka_unit_test(models_come_back),
        cmocka_unit_test(progress_says_what_is_left),
        cmocka_unit_test(progress_prints_plain_lines_to_a_pipe),
        cmocka_unit_test(signals_stop_a_run),
        cmocka_unit_test(faults_stop_a_run),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
