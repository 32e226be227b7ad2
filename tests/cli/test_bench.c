/* The commands that measure: bench and tune, and what a run makes of what tune wrote. */
#include "cli.h"

#include <cjson/cJSON.h>

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    write_text("shapes.txt", "# one that the rule gives to Winograd's algorithm\n"
                             "conv 3x3, 1x32x32x32 to 1x32x32x32, zoom 1\n");
    write_text("bad.txt", "conv 3x3, 1x32x32x32 to 1x32x32x32, zoom 1\nconv 5x5, 1x32x32x32 to 1x32x32x32, zoom 1\n");
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

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    refused("no table or row \"stylenet_51\": did you mean stylenet_512", "bench stylenet_51");
    refused("--seconds 0: a number of seconds", "bench ops --seconds 0");
    refused("without --json", "bench ops --profile --json");
    refused("bad.txt, line 2: \"conv 5x5", "tune --shapes bad.txt");
    refused("nothing to choose", "tune --shapes plain.txt");
    refused("a config or --shapes, not both", "tune tiny.ini --shapes shapes.txt");
    refused("-s needs a config", "tune -s data.size=32");
    refused("--clear goes by itself", "tune tiny.ini --clear");
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
    assert_ptr_equal(strstr(text, "nstx wisdom 1\ndevice "), text);
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

/* The file's answers replaced by one for every question of the run: direct. */
static void make_direct(void)
{
    char *text = file_text("wisdom.txt"), *direct = nx_copy_text("");
    for (char *line = strtok(text, "\n"); line && strncmp(line, "xxh3", 4); line = strtok(NULL, "\n")) {
        char *equals = strstr(line, " = ");
        if (equals) strcpy(equals, " = direct");
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
    };
    char *text = file_text("wisdom.txt");
    *strstr(text, "xxh3 ") = 0;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *place = strstr(text, changes[i].from);
        char *changed =
            nx_format("%.*s%s%s", (int)(place - text), text, changes[i].to, place + strlen(changes[i].from));
        write_signed("wisdom.txt", changed);
        nstx(0, "run tiny.ini -o refused.h5 " WIDE);
        assert_said(said_err, changes[i].says);
        assert_same_run("rule.h5", "refused.h5");
        free(changed);
    }
    write_text("wisdom.txt", text);
    nstx(0, "run tiny.ini -o refused.h5 " WIDE);
    assert_said(said_err, "its signature does not fit its text");
    assert_same_run("rule.h5", "refused.h5");
    free(text);
    nstx(0, "tune --clear");
    assert_said(said_out, "removed ");
    nstx(0, "tune --clear");
    assert_said(said_out, "there is no ");
    nstx(0, "run tiny.ini -o refused.h5 " WIDE);
    assert_null(strstr(said_err, "wisdom"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bench_gives_numbers),        cmocka_unit_test(bench_is_json),
        cmocka_unit_test(wrong_requests_are_refused), cmocka_unit_test(tune_writes_what_it_measured),
        cmocka_unit_test(a_run_uses_it_and_says_so),  cmocka_unit_test(what_does_not_fit_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
