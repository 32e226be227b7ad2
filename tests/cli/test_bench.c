/* The commands that measure: bench and tune, and what a run makes of what tune wrote. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <signal.h>

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    write_text("shapes.txt", "# one that the rule gives to Winograd's algorithm\n"
                             "conv 3x3, 1x32x32x32 to 1x32x32x32, zoom 1\n");
    write_text("bad.txt", "conv 3x3, 1x32x32x32 to 1x32x32x32, zoom 1\npool 5x5, 1x32x32x32 to 1x32x32x32, zoom 1\n");
    write_text("gpu.txt", "conv 3x3, 1x24x24x16 to 1x24x24x16, zoom 1\n"
                          "weights 3x3, 1x24x24x16 to 1x24x24x16, zoom 1\n"
                          "product tn, 8x8x600, batch 1, symmetric\n");
    write_text("plain.txt", "conv 3x3, 1x32x32x3 to 1x32x32x8, zoom 1\n");
    setenv("NSTX_WISDOM", at("wisdom.txt"), true);
    return 0;
}

static char *file_text(const char *name)
{
    char *text;
    size_t bytes;
    nx_error err = {0};
    if (!nx_file_read(at(name), &text, &bytes, &err)) fail_msg("%s", err.text);
    return text;
}

static void bench_gives_numbers(void **state)
{
    (void)state;
    nstx(0, "bench channel_sum/large mse/large --seconds 0.01 --profile");
    assert_said(said_out, "peak of multiply-adds ");
    assert_said(said_out, "\nchannel_sum/large ");
    assert_said(said_out, "\nmse/large ");
    assert_said(said_out, "% of the time");
    assert_null(strstr(said_out, "conv/"));
}

static void bench_is_json(void **state)
{
    (void)state;
    nstx(0, "bench texnet_256 --seconds 0.01 --json");
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    assert_true(cJSON_GetObjectItem(json, "peak_gflops")->valuedouble > 0);
    assert_true(cJSON_GetObjectItem(json, "stream_gbytes_per_second")->valuedouble > 0);
    const cJSON *rows = cJSON_GetObjectItem(json, "rows"), *row = cJSON_GetArrayItem(rows, 0);
    assert_int_equal(cJSON_GetArraySize(rows), 1);
    assert_string_equal(cJSON_GetObjectItem(row, "name")->valuestring, "texnet_256");
    static const char *const positive[] = {"seconds", "runs", "gflops", "gbytes_per_second", "memory_bytes"};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
        assert_true(cJSON_GetObjectItem(row, positive[i])->valuedouble > 0);
    cJSON_Delete(json);
}

/* Of the axes that take no time; how fast is no matter of a test. */
static void growth_is_a_power(void **state)
{
    (void)state;
    nstx(0, "bench conv_channels samples --seconds 0.01 --json");
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    static const struct {
        const char *name;
        double time, memory;
    } axes[] = {{"conv_channels", 2, 2}, {"samples", 2, 1}};
    const cJSON *rows = cJSON_GetObjectItem(json, "rows"), *row;
    assert_int_equal(cJSON_GetArraySize(rows), 2 * (4 + 1));
    for (int i = 0; i < 2; i++) {
        cJSON_ArrayForEach(row, rows) if (!strcmp(cJSON_GetObjectItem(row, "name")->valuestring, axes[i].name)) break;
        assert_non_null(row);
        assert_int_equal(cJSON_GetObjectItem(row, "rows")->valueint, 4);
        assert_true(isfinite(cJSON_GetObjectItem(row, "time_exponent")->valuedouble));
        double memory = cJSON_GetObjectItem(row, "memory_exponent")->valuedouble;
        assert_true(memory > 0 && memory < axes[i].memory + 0.05);
        assert_true(cJSON_GetObjectItem(row, "expected_time_exponent")->valuedouble == axes[i].time);
        assert_true(cJSON_GetObjectItem(row, "expected_memory_exponent")->valuedouble == axes[i].memory);
    }
    cJSON_Delete(json);
    nstx(0, "bench samples --seconds 0.01");
    assert_said(said_out, "\nentropy_64_b128 ");
    assert_said(said_out, "\nsamples of the entropy term, with its gradient ");
    assert_said(said_out, "at most 2, memory 1: the distances of all pairs");
    assert_null(strstr(said_out, "conv_64"));
}

/* What is printed stands, and no more comes. */
static void bench_is_interrupted(void **state)
{
    (void)state;
    pid_t child = start("bench channel_sum/large stylenet_512 --seconds 20");
    WAIT_UNTIL(child, has_said("out", child, "\nchannel_sum/large "));
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "\nnstx: interrupted\n");
    assert_null(strstr(said_out, "\nstylenet_512"));
}

/* What was measured is kept, and of the operation that it was at, nothing. */
static void tune_is_interrupted(void **state)
{
    (void)state;
    write_text("many.txt", "conv 3x3, 1x32x32x32 to 1x32x32x32, zoom 1\n"
                           "conv 3x3, 1x128x128x256 to 1x128x128x256, zoom 1\n"
                           "conv 3x3, 1x128x128x128 to 1x128x128x256, zoom 1\n");
    setenv("NSTX_WISDOM", at("part.txt"), true);
    pid_t child = start("tune --shapes many.txt");
    WAIT_UNTIL(child, has_said("out", child, "128x128x256, zoom 1\n  "));
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    assert_said(said_err,
                "\nnstx: interrupted; 1 of 3 choices are measured, and `nstx tune --shapes many.txt` measures "
                "the rest\n");
    char *text = file_text("part.txt");
    assert_said(text, "\nconv 3x3, 1x32x32x32 to 1x32x32x32, zoom 1 = ");
    assert_null(strstr(text, "128x128"));
    free(text);
    setenv("NSTX_WISDOM", at("wisdom.txt"), true);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    refused("no table or row \"stylenet_51\": did you mean stylenet_512", "bench stylenet_51");
    refused("no table or row \"sample\": did you mean samples", "bench sample");
    refused("--seconds 0: a number of seconds", "bench ops --seconds 0");
    refused("without --json", "bench ops --profile --json");
    refused("bad.txt, line 2: \"pool 5x5", "tune --shapes bad.txt");
    refused("nothing to choose", "tune --shapes plain.txt");
    refused("-s needs a config", "tune -s data.size=32");
    refused("--clear takes no shapes", "tune --shapes shapes.txt --clear");
    write_text("two.ini", TINY "[sweep]\ndevice.kernels = cpu gpu\n");
    refused("two.ini: its points differ in [device]", "tune two.ini");
    refused("none.ini", "tune none.ini");
}

static void tune_writes_what_it_measured(void **state)
{
    (void)state;
    nstx(0, "tune --shapes shapes.txt");
    assert_said(said_out, "winograd ");
    assert_said(said_out, "direct ");
    assert_null(strstr(said_out, "wrong"));
    assert_said(said_out, "1 choices, xxh3 ");
    char *text = file_text("wisdom.txt");
    assert_ptr_equal(strstr(text, "nstx wisdom 2\ndevice "), text);
    assert_said(text, "\nconv 3x3, 1x32x32x32 to 1x32x32x32, zoom 1 = ");
    free(text);
    nstx(0, "tune --shapes shapes.txt"); /* what is known is not measured again */
    assert_null(strstr(said_out, "direct "));
}

/* Writes the text with a signature that fits. */
static void write_signed(const char *name, const char *text)
{
    char *whole = nx_format("%sxxh3 %016llx\n", text, (unsigned long long)XXH3_64bits(text, strlen(text)));
    write_text(name, whole);
    free(whole);
}

/* The file's answers replaced by others: direct, of products packed. */
static void make_direct(void)
{
    char *text = file_text("wisdom.txt"), *direct = nx_copy_text("");
    for (char *line = strtok(text, "\n"); line && strncmp(line, "xxh3", 4); line = strtok(NULL, "\n")) {
        char *equals = strstr(line, " = ");
        if (equals) strcpy(equals, strncmp(line, "product", 7) ? " = direct" : " = packed");
        char *longer = nx_format("%s%s\n", direct, line);
        free(direct);
        direct = longer;
    }
    write_signed("wisdom.txt", direct);
    free(direct);
    free(text);
}

#define WIDE "-s descriptor.width=0.5 -s experiment.steps=2"

static void a_run_uses_it_and_says_so(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o rule.h5 " WIDE);
    nstx(0, "tune tiny.ini " WIDE);
    make_direct();
    nstx(0, "run tiny.ini -o direct.h5 " WIDE);
    assert_said(said_err, "choices measured by `nstx tune`, xxh3 ");
    nstx(0, "run tiny.ini -o again.h5 " WIDE);
    assert_same_run("direct.h5", "again.h5");
    nx_h5 *file = open_h5("direct.h5");
    char *signature = text_attribute(file, "/device", "wisdom");
    assert_ptr_equal(strstr(signature, "xxh3 "), signature);
    free(signature);
    close_h5(file);
    char *rule = digest("rule.h5"), *direct = digest("direct.h5");
    assert_string_not_equal(rule, direct); /* another algorithm: other last bits */
    free(rule);
    free(direct);
}

static void what_does_not_fit_is_refused_whole(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } changes[] = {
        {"\ndriver ", "\ndriver 0", "it was made with \"driver 0"},
        {"\ndevice ", "\ndevice Other ", "it was made with \"device Other"},
        {"\nprogram ", "\nprogram 0.", "it was made with \"program 0."},
        {"\nkernels cpu", "\nkernels gpu", "it was made with \"kernels gpu\", this is \"kernels cpu\""},
    };
    char *text = file_text("wisdom.txt");
    *strstr(text, "xxh3 ") = 0;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *place = strstr(text, changes[i].from);
        char *changed =
            nx_format("%.*s%s%s", (int)(place - text), text, changes[i].to, place + strlen(changes[i].from));
        write_signed("wisdom.txt", changed);
        nstx(0, "run tiny.ini --overwrite -o refused.h5 " WIDE);
        assert_said(said_err, changes[i].says);
        assert_same_run("rule.h5", "refused.h5");
        free(changed);
    }
    write_text("wisdom.txt", text);
    nstx(0, "run tiny.ini --overwrite -o refused.h5 " WIDE);
    assert_said(said_err, "its signature does not fit its text");
    assert_same_run("rule.h5", "refused.h5");
    free(text);
    nstx(0, "tune --clear");
    assert_said(said_out, "removed ");
    nstx(0, "tune --clear");
    assert_said(said_out, "there is no ");
    nstx(0, "run tiny.ini --overwrite -o refused.h5 " WIDE);
    assert_null(strstr(said_err, "wisdom"));
}

/* ---- the kernels for GPUs, which run on any device ---- */

#define GPU "-s device.kernels=gpu "

static void tune_tries_the_kernels_of_gpus(void **state)
{
    (void)state;
    nstx(0, "tune tiny.ini " GPU "--shapes gpu.txt");
    static const char *const tried[] = {"  winograd ",       "  winograd 16x16 ",  "  winograd clblast ",
                                        "  direct 16x16 ",   "  direct 16x16, 1 ", "  tiles ",
                                        "  tiles 16x16, 3 ", "  clblast "};
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) assert_said(said_out, tried[i]);
    assert_null(strstr(said_out, "wrong"));
    assert_said(said_out, "3 choices, xxh3 ");
    char *text = file_text("wisdom.txt");
    assert_said(text, "\nkernels gpu\n");
    free(text);
    nstx(0, "tune tiny.ini " GPU "--shapes gpu.txt"); /* what is known is not measured again */
    assert_null(strstr(said_out, " ms"));
}

/* Signs the lines below what the file says of device and program. */
static void answer_with(const char *lines)
{
    char *text = file_text("wisdom.txt"), *end = strstr(text, "\nprogram ");
    end = strchr(end + 1, '\n');
    char *whole = nx_format("%.*s\n%s", (int)(end - text), text, lines);
    write_signed("wisdom.txt", whole);
    free(whole);
    free(text);
}

static void assert_profiled(const char *run, const char *kernel, bool wanted)
{
    nx_h5 *file = open_h5(run);
    nx_h5_names kernels;
    bool found = false;
    assert_true(nx_h5_children(file, "/profile", &kernels, NULL));
    for (size_t i = 0; i < kernels.count; i++) found = found || !strcmp(kernels.names[i], kernel);
    assert_true(found == wanted);
    nx_h5_names_free(&kernels);
    close_h5(file);
}

#define RESIDUAL    "conv 3x3, 2x8x8x16 to 2x8x8x16, zoom 1 = "
#define RESIDUAL_DW "weights 3x3, 2x8x8x16 to 2x8x8x16, zoom 1 = "
#define GRAM        "product tn, 4x4x1024, batch 2, symmetric = "

static void a_run_takes_the_choices_of_gpus(void **state)
{
    (void)state;
    const char *profiled = GPU "-s experiment.steps=2 -s device.profile=true";
    answer_with("");
    nstx(0, "run tiny.ini --overwrite -o rule.h5 %s", profiled);
    answer_with(RESIDUAL "winograd 16x16\n" RESIDUAL_DW "winograd\n" GRAM "clblast\n");
    nstx(0, "run tiny.ini -o chosen.h5 %s", profiled);
    assert_said(said_err, "3 choices measured by `nstx tune`, xxh3 ");
    static const char *const kernels[] = {"winograd_strip_input", "winograd_strip_output_adjoint", "clblast_gemm"};
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        assert_profiled("rule.h5", kernels[i], false);
        assert_profiled("chosen.h5", kernels[i], true);
    }
    size_t count[2];
    nx_h5 *files[] = {open_h5("rule.h5"), open_h5("chosen.h5")};
    double *loss[] = {values_of(files[0], "total", &count[0]), values_of(files[1], "total", &count[1])};
    assert_true(count[0] == 2 && count[1] == 2);
    for (size_t i = 0; i < 2; i++) assert_true(fabs(loss[1][i] - loss[0][i]) <= 1e-4 * fabs(loss[0][i]));
    for (size_t i = 0; i < 2; i++) {
        free(loss[i]);
        close_h5(files[i]);
    }
}

static void unknown_choices_are_refused_whole(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } rows[] = {
        {RESIDUAL "direct 7x9\n", "\"direct 7x9\" is no choice for \"conv 3x3, 2x8x8x16 to 2x8x8x16, zoom 1\""},
        {RESIDUAL "winograd 4\n", "\"winograd 4\" is no choice"}, /* of CPUs */
        {RESIDUAL_DW "direct 16x16, 99 splits\n", "\"direct 16x16, 99 splits\" is no choice"},
        {GRAM "winograd\n", "\"winograd\" is no choice"},
        {"pool 2x2 = direct\n", "\"direct\" is no choice for \"pool 2x2\""},
    };
    answer_with("");
    nstx(0, "plan tiny.ini --json " GPU);
    char *rule = nx_copy_text(said_out);
    answer_with(RESIDUAL "winograd\n" RESIDUAL_DW "winograd\n");
    nstx(0, "plan tiny.ini --json " GPU);
    assert_string_not_equal(said_out, rule); /* what is taken shows in the bytes */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *lines = nx_format("%s%s", RESIDUAL_DW "winograd\n", rows[i].line);
        answer_with(lines);
        nstx(0, "plan tiny.ini --json " GPU);
        assert_said(said_err, "wisdom.txt is not used: ");
        assert_said(said_err, rows[i].says);
        assert_string_equal(said_out, rule);
        free(lines);
    }
    free(rule);
    nstx(0, "plan tiny.ini");
    assert_said(said_err, "it was made with \"kernels gpu\", this is \"kernels cpu\"");
    nstx(0, "tune tiny.ini " GPU "--clear");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bench_gives_numbers),
        cmocka_unit_test(bench_is_json),
        cmocka_unit_test(growth_is_a_power),
        cmocka_unit_test(bench_is_interrupted),
        cmocka_unit_test(tune_is_interrupted),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(tune_writes_what_it_measured),
        cmocka_unit_test(a_run_uses_it_and_says_so),
        cmocka_unit_test(what_does_not_fit_is_refused_whole),
        cmocka_unit_test(tune_tries_the_kernels_of_gpus),
        cmocka_unit_test(a_run_takes_the_choices_of_gpus),
        cmocka_unit_test(unknown_choices_are_refused_whole),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
