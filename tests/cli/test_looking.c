/* The commands that look: doctor, report, watch, explain, completion, man, and JSON for programs. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <signal.h>

static int open_runs(void **state)
{
    if (cli_open(state)) return -1;
    nstx(0, "run tiny.ini -o a.h5 -s device.profile=true");
    nstx(0, "run tiny.ini -o b.h5 -s generator.norm=batch -s optimizer.learning_rate=0.002");
    return 0;
}

static cJSON *parsed(const char *text)
{
    cJSON *json = cJSON_Parse(text);
    if (!json) fail_msg("this is no JSON:\n%s", text);
    return json;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!found) fail_msg("there is no %s", name);
    return found;
}

/* ---- report ---- */

/* The data in the page: what lies between the tags of its JSON, as a browser takes it. */
static cJSON *page_data(char *page)
{
    char *from = strstr(page, "<script type=\"application/json\" id=\"data\">");
    assert_non_null(from);
    from = strchr(from, '>') + 1;
    char *end = strstr(from, "</script>");
    assert_non_null(end);
    *end = 0;
    cJSON *data = parsed(from);
    *end = '<';
    return data;
}

static const cJSON *named(const cJSON *list, const char *name)
{
    const cJSON *one;
    cJSON_ArrayForEach(one, list) if (!strcmp(member(one, "name")->valuestring, name)) return one;
    fail_msg("there is no %s", name);
    return NULL;
}

static void check_run(const cJSON *run, const char *file)
{
    size_t count;
    nx_h5 *h5 = open_h5(file);
    double *values = values_of(h5, "style/relu1_1", &count);
    const cJSON *series = member(named(member(run, "metrics"), "style/relu1_1"), "value");
    assert_int_equal(cJSON_GetArraySize(series), (int)count);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs(cJSON_GetArrayItem(series, (int)i)->valuedouble - values[i]) <= 1e-5 * fabs(values[i]));
    free(values);
    close_h5(h5);
    const cJSON *frames = member(named(member(run, "images"), "output0"), "frames");
    assert_int_equal(cJSON_GetArraySize(frames), 3);
    assert_int_equal(member(cJSON_GetArrayItem(frames, 1), "step")->valueint, 3);
    assert_non_null(
        strstr(member(cJSON_GetArrayItem(frames, 1), "source")->valuestring, "data:image/png;base64,iVBOR"));
    assert_true(member(member(run, "memory"), "planned_total")->valuedouble > 0);
    assert_true(strlen(member(member(run, "device"), "name")->valuestring) > 0);
}

static void a_report_is_one_file_with_the_data_of_all_runs(void **state)
{
    (void)state;
    static const char *const outside[] = {"http:", "https:", "//cdn", "src=", "href=", "@import", "url(", "@DATA@"};
    char *page;
    size_t bytes;
    nx_error err;
    nstx(0, "report a.h5 b.h5 -o two.html");
    assert_said(said_out, "two.html");
    if (!nx_file_read(at("two.html"), &page, &bytes, &err)) fail_msg("%s", err.text);
    assert_true(!strncmp(page, "<!doctype html>", 15) && !strcmp(page + bytes - 8, "</html>\n"));
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strstr(page, outside[i])) fail_msg("the page has %s", outside[i]);
    cJSON *data = page_data(page);
    const cJSON *runs = member(data, "runs"), *a = cJSON_GetArrayItem(runs, 0), *b = cJSON_GetArrayItem(runs, 1);
    assert_string_equal(member(a, "name")->valuestring, "a");
    check_run(a, "a.h5");
    check_run(b, "b.h5");
    assert_string_equal(member(member(a, "keys"), "generator.norm")->valuestring, "instance");
    assert_string_equal(member(member(b, "keys"), "generator.norm")->valuestring, "batch");
    assert_true(cJSON_GetArraySize(member(a, "profile")) > 5);
    assert_int_equal(cJSON_GetArraySize(member(b, "profile")), 0);
    cJSON_Delete(data);
    free(page);
}

/* 10000 rows become few points, and one that stands out stays. */
static void long_curves_keep_their_extremes(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    nx_h5 *file;
    nx_error err;
    int64_t *step = nx_alloc(ROWS * sizeof *step);
    double *value = nx_alloc(ROWS * sizeof *value), *time = nx_alloc(ROWS * sizeof *time);
    for (int i = 0; i < ROWS; i++) step[i] = i, time[i] = i * .5, value[i] = 10 + i % 7;
    value[4321] = 1234, value[77] = NAN, value[9999] = 3;
    assert_true(nx_h5_create(&file, at("long.h5"), &err) &&
                nx_h5_write_text(file, "/config", "[experiment]\nsteps = 10000 ; </script>\n", &err) &&
                nx_h5_set_string(file, "/", "status", "failed </script>", &err) &&
                nx_h5_append_int64(file, "/metrics/total/step", step, ROWS, &err) &&
                nx_h5_append_double(file, "/metrics/total/time", time, ROWS, &err) &&
                nx_h5_append_double(file, "/metrics/total/value", value, ROWS, &err) &&
                nx_h5_set_double(file, "/metrics/total", "weight", 1, &err) && nx_h5_close(file, &err));
    nstx(0, "report long.h5 -o long.html");
    char *page;
    size_t bytes;
    if (!nx_file_read(at("long.html"), &page, &bytes, &err)) fail_msg("%s", err.text);
    cJSON *data = page_data(page);
    const cJSON *run = cJSON_GetArrayItem(member(data, "runs"), 0), *total = named(member(run, "metrics"), "total");
    const cJSON *steps = member(total, "step"), *values = member(total, "value");
    int count = cJSON_GetArraySize(steps);
    bool peak = false;
    assert_in_range(count, 500, 2001);
    assert_int_equal(cJSON_GetArraySize(values), count);
    for (int i = 0; i < count; i++)
        peak = peak ||
               (cJSON_GetArrayItem(steps, i)->valueint == 4321 && cJSON_GetArrayItem(values, i)->valuedouble == 1234);
    assert_true(peak);
    assert_int_equal(cJSON_GetArrayItem(steps, count - 1)->valueint, 9999);
    assert_string_equal(member(member(run, "attributes"), "status")->valuestring, "failed </script>");
    cJSON_Delete(data);
    free(page);
    free(step);
    free(time);
    free(value);
    nstx(1, "watch long.h5");
    assert_said(said_out, "failed </script> at step 9999");
}

static void wrong_reports_are_refused(void **state)
{
    (void)state;
    refused("no run is named", "report -o x.html");
    refused("nothing.h5: there is no such file", "report a.h5 nothing.h5 -o x.html");
    refused("style.png: not a run file", "report style.png -o x.html");
    refused("a.model.h5: not a run file", "report a.model.h5 -o x.html");
}

/* ---- watch ---- */

/* Between two rows of the log, too. */
static void watch_knows_where_a_run_was_interrupted(void **state)
{
    (void)state;
    pid_t run = start("run tiny.ini -o stopped.h5 -s experiment.steps=100000 -s log.every=100000 -s log.validation=0 "
                      "-s log.checkpoint=3 -s log.images=0");
    WAIT_UNTIL(run, nx_file_exists(at("stopped.h5")));
    kill(run, SIGTERM);
    assert_int_equal(finish(run), 130);
    char *wanted = nx_format("interrupted at step %llu;", (unsigned long long)step_kept("stopped.h5"));
    assert_said(said_err, wanted);
    nstx(130, "watch stopped.h5");
    assert_said(said_out, wanted);
    free(wanted);
}

static void watch_ends_with_the_run(void **state)
{
    (void)state;
    nstx(0, "watch a.h5");
    assert_said(said_out, "step 6/6");
    assert_said(said_out, "finished at step 6");
    assert_said(said_out, "▁");
    assert_null(strchr(said_out, '\033'));
    refused("no run is named", "watch");
    refused("nothing.h5: there is no such run", "watch nothing.h5");
    refused("a.model.h5: not a run file", "watch a.model.h5");
}

static int lines_said(pid_t child)
{
    int lines = 0;
    read_said("out", child, said_out);
    for (const char *s = said_out; (s = strchr(s, '\n')); s++) lines++;
    return lines;
}

static void watch_follows_and_sees_a_kill(void **state)
{
    (void)state;
    pid_t run = start("run tiny.ini -o live.h5 -s experiment.steps=100000 --quiet");
    WAIT_UNTIL(run, nx_file_exists(at("live.h5")));
    assert_true(nx_file_exists(at("live.h5")));
    pid_t watch = start("watch live.h5");
    WAIT_UNTIL(watch, lines_said(watch) >= 2); /* it sees a later save, too */
    assert_true(lines_said(watch) >= 2);
    kill(run, SIGKILL);
    assert_int_equal(finish(run), -SIGKILL);
    assert_int_equal(finish(watch), 1);
    assert_said(said_out, "/100000");
    assert_one_line("killed after step");
}

/* ---- doctor ---- */

static void without_drivers(void) { setenv("OCL_ICD_VENDORS", at("none"), 1); }

static void doctor_says_what_is_missing(void **state)
{
    (void)state;
    mkdir(at("none"), 0777);
    before_exec = without_drivers;
    nstx(1, "doctor");
    assert_said(said_out, "no OpenCL driver in");
    assert_said(said_out, "apt-get install pocl-opencl-icd");
    assert_said(said_out, "something is wrong");
    write_text("none/bad.icd", "libnothing-of-the-kind.so.1\n");
    nstx(1, "doctor");
    assert_said(said_out, "bad.icd names libnothing-of-the-kind.so.1, which does not load");
    before_exec = NULL;
    nstx(1, "doctor nonesuch");
    assert_said(said_out, "no device is called \"nonesuch\"");
}

static void doctor_finds_this_device_right(void **state)
{
    (void)state;
    nstx(0, "doctor");
    assert_said(said_out, "kernels  63 tests of operations and gradients");
    assert_said(said_out, "GFLOP/s");
    assert_said(said_out, "all is right");
}

/* y = factor x with a wrong factor: its operations are off, and so is the gradient of another that is made of it. */
static void with_wrong_kernels(void) { setenv("NSTX_CL", at("cl"), 1); }

static void doctor_finds_a_wrong_kernel(void **state)
{
    (void)state;
    char *copy = nx_format("cp -r '%s/cl' cl && sed -i 's/vstore_lanes(factor \\*/vstore_lanes(1.01f * factor */' "
                           "cl/scale.cl && ! cmp -s cl/scale.cl '%s/cl/scale.cl'",
                           NSTX_SOURCE, NSTX_SOURCE);
    free(shell(copy));
    free(copy);
    before_exec = with_wrong_kernels;
    nstx(1, "doctor");
    before_exec = NULL;
    assert_said(said_out, "3 of 63 tests fail: hold/odd is off by 0.01; scale/1/3 is off by 0.01; "
                          "weighted_sum/ten has a wrong gradient by input 1, off by 0.0");
}

/* ---- words ---- */

static void explain_knows_keys_and_typos(void **state)
{
    (void)state;
    nstx(0, "explain norm");
    assert_said(said_out, "[generator] norm\n");
    assert_said(said_out, "`batch`");
    nstx(0, "explain padding");
    assert_said(said_out, "[descriptor] padding");
    assert_said(said_out, "[generator] padding");
    nstx(0, "explain generator.padding log");
    assert_null(strstr(said_out, "[descriptor] padding"));
    assert_said(said_out, "steps between checkpoints");
    assert_null(strchr(said_out, '\033'));
    refused("did you mean learning_rate", "explain learning_rat");
    refused("did you mean generator.norm", "explain generator.nrm");
    refused("no key is named", "explain");
}

static void completions_are_scripts(void **state)
{
    (void)state;
    nstx(0, "completion bash");
    write_text("nstx.bash", said_out); /* words as bash splits them: '=' is one of its own */
    char *said = shell("bash -c '. ./nstx.bash; t() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _nstx; "
                       "echo \"${COMPREPLY[*]}\"; }; t nstx rep; t nstx run --res; t nstx run a -s generator.nor; "
                       "t nstx run a -s generator.norm = ba; t nstx explain data.styl'");
    assert_string_equal(said, "report\n--resume\ngenerator.norm=\nbatch\ndata.style data.style_size\n");
    free(said);
    nstx(0, "completion zsh");
    assert_said(said_out, "#compdef nstx");
    assert_said(said_out, "generator.norm) answers='instance batch ");
    refused("no completion for fish", "completion fish");
}

static void the_manual_has_every_command_and_key(void **state)
{
    (void)state;
    nstx(0, "man");
    char *page = nx_copy_text(said_out);
    assert_int_equal(strncmp(page, ".TH NSTX 1 ", 11), 0);
    assert_said(page, ".B watch RUN.h5\n");
    assert_said(page, ".SS [optimizer]\n");
    assert_said(page, ".B learning_rate\n");
    nstx(0, "help");
    for (char *line = strtok(said_out, "\n"); line; line = strtok(NULL, "\n")) {
        char name[32];
        if (strncmp(line, "  nstx ", 7) || sscanf(line + 7, "%31s", name) != 1) continue;
        char *item = nx_format(".B %s", name);
        assert_said(page, item);
        free(item);
    }
    free(page);
}

/* The usage of a command is the same in the list, in its own help and at the end of a request that is wrong. */
static void a_command_has_one_usage(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"run", "run"},        {"sweep", "sweep a b"},      {"plan", "plan -x"},
        {"watch", "watch"},    {"dataset", "dataset drop"}, {"weights", "weights melt"},
        {"report", "report"},  {"stylize", "stylize"},      {"figure", "figure --scale huge"},
        {"sample", "sample"},  {"check", "check"},          {"devices", "devices all"},
        {"info", "info a b"},  {"doctor", "doctor a b"},    {"tune", "tune a b"},
        {"bench", "bench -x"}, {"explain", "explain"},      {"completion", "completion"},
        {"man", "man me"},
    };
    nstx(0, "help");
    char *list = nx_copy_text(said_out), *end = list;
    size_t told = 0;
    for (char *line = strstr(list, "\n  nstx "); line; line = strstr(end, "\n  nstx ")) {
        char usage[160], name[32], *blanks;
        line += strlen("\n  nstx ");
        end = line + strcspn(line, "\n");
        snprintf(usage, sizeof usage, "nstx %.*s", (int)(end - line), line);
        if ((blanks = strstr(usage, "  "))) *blanks = 0; /* what it does stands beside */
        assert_int_equal(sscanf(line, "%31s", name), 1);
        nstx(0, "%s --help", name);
        if (strncmp(said_out, usage, strlen(usage)) || said_out[strlen(usage)] != '\n')
            fail_msg("the help of %s does not begin with \"%s\":\n%s", name, usage, said_out);
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            if (strcmp(wrong[i][0], name)) continue;
            char *answer = nx_format("; usage: %s", usage);
            refused(answer, "%s", wrong[i][1]);
            free(answer);
            told++;
        }
    }
    free(list);
    assert_int_equal(told, sizeof wrong / sizeof *wrong);
    nstx(0, "weights normalize --help");
    assert_said(said_out, "  nstx weights normalize IN OUT.safetensors");
    nstx(0, "weights --help");
    assert_said(said_out, "  nstx weights import FILE [--preprocessing caffe|torchvision] -o OUT.safetensors\n");
    refused("-o OUT.safetensors is needed; usage: nstx weights import FILE ", "weights import style.png");
}

/* ---- JSON ---- */

static void json_is_json(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o j.h5 --json --quiet");
    assert_string_equal(said_err, "");
    cJSON *json = parsed(said_out);
    const cJSON *one = cJSON_GetArrayItem(json, 0);
    assert_string_equal(member(one, "run")->valuestring, "j.h5");
    assert_true(member(one, "validation")->valuedouble > 0);
    cJSON_Delete(json);

    nstx(0, "plan tiny.ini --json");
    json = parsed(said_out);
    one = cJSON_GetArrayItem(json, 0);
    assert_true(cJSON_IsTrue(member(one, "fits")));
    double sum = 0;
    const cJSON *kind;
    cJSON_ArrayForEach(kind, member(one, "bytes")) sum += kind->valuedouble;
    assert_true(sum > 0 && sum == member(one, "total_bytes")->valuedouble);
    const cJSON *levels = member(one, "total_bytes_by_recompute");
    assert_int_equal(cJSON_GetArraySize(levels), 3);
    assert_true(cJSON_GetArrayItem(levels, 0)->valuedouble > sum && cJSON_GetArrayItem(levels, 1)->valuedouble == sum);
    cJSON_Delete(json);

    nstx(0, "devices --json");
    json = parsed(said_out);
    int chosen = 0;
    cJSON_ArrayForEach(one, json) chosen += cJSON_IsTrue(member(one, "chosen"));
    assert_int_equal(chosen, 1);
    cJSON_Delete(json);

    static const char *const kinds[][2] = {{"a.h5", "run"}, {"a.model.h5", "model"}, {"style.png", "picture"}};
    for (size_t i = 0; i < 3; i++) {
        nstx(0, "info %s --json", kinds[i][0]);
        json = parsed(said_out);
        assert_string_equal(member(json, "kind")->valuestring, kinds[i][1]);
        cJSON_Delete(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_one_file_with_the_data_of_all_runs),
        cmocka_unit_test(long_curves_keep_their_extremes),
        cmocka_unit_test(wrong_reports_are_refused),
        cmocka_unit_test(watch_knows_where_a_run_was_interrupted),
        cmocka_unit_test(watch_ends_with_the_run),
        cmocka_unit_test(watch_follows_and_sees_a_kill),
        cmocka_unit_test(doctor_says_what_is_missing),
        cmocka_unit_test(doctor_finds_this_device_right),
        cmocka_unit_test(doctor_finds_a_wrong_kernel),
        cmocka_unit_test(explain_knows_keys_and_typos),
        cmocka_unit_test(completions_are_scripts),
        cmocka_unit_test(the_manual_has_every_command_and_key),
        cmocka_unit_test(a_command_has_one_usage),
        cmocka_unit_test(json_is_json),
    };
    return cmocka_run_group_tests(tests, open_runs, scratch_close);
}
