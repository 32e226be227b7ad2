/* nstx plan: for every paper bytes by kind, as the run then takes them, what fits, and how long it takes. */
#include "papers.h"

#include <cjson/cJSON.h>
#include <sys/time.h>

/* What `nstx plan --json` says of a config with one point; owned by the caller. */
static cJSON *plan(const char *options)
{
    nstx(0, "plan paper.ini --json %s", options);
    cJSON *all = cJSON_Parse(said_out), *one = cJSON_DetachItemFromArray(all, 0);
    assert_non_null(one);
    assert_int_equal(cJSON_GetArraySize(all), 0);
    cJSON_Delete(all);
    return one;
}

static double number(const cJSON *json, const char *key) { return cJSON_GetObjectItem(json, key)->valuedouble; }

/* Temporary files go where only this program's are, so that what is left there is its own. */
static void with_a_folder(void) { setenv("TMPDIR", at("temporary"), 1); }

/* Before anything ran nothing is known of time; measured, and after the run, it is. */
static void test_paper(void **state)
{
    const struct paper_config *paper = *state;
    write_text("paper.ini", paper->config);
    free(shell("rm -f paper.h5 && mkdir -p temporary"));
    before_exec = with_a_folder;
    cJSON *before = plan(""), *measured = plan("--time"), *bytes = cJSON_GetObjectItem(before, "bytes");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(before, "seconds")));
    assert_string_equal(cJSON_GetObjectItem(before, "seconds_from")->valuestring, "");
    assert_string_equal(cJSON_GetObjectItem(measured, "seconds_from")->valuestring, "measured");
    assert_true(number(measured, "seconds_per_step") > 0);
    assert_true(number(measured, "seconds") >= number(measured, "seconds_per_step"));
    assert_true(number(before, "largest_size") >= 32);

    nstx(0, "run paper.ini");
    nx_h5 *file = open_h5("paper.h5");
    int64_t total = int_attribute(file, "/memory", "measured_total");
    assert_true(number(before, "total_bytes") == (double)total);
    assert_true(number(bytes, "parameters") == (double)int_attribute(file, "/memory", "measured_parameters"));
    assert_true(number(bytes, "optimizer") == (double)int_attribute(file, "/memory", "measured_optimizer"));
    assert_true(number(bytes, "arena") == (double)int_attribute(file, "/memory", "measured_arena"));
    close_h5(file);
    struct stat info;
    assert_false(stat(at("paper.h5"), &info));
    double disk = number(before, "disk_bytes") / (double)info.st_size;
    if (!(disk > 0.95 && disk < 1.05)) fail_msg("%s: planned %g of what it took on disk", paper->what, disk);

    cJSON *after = plan("");
    assert_string_equal(cJSON_GetObjectItem(after, "seconds_from")->valuestring, "paper.h5");
    assert_true(number(after, "seconds_per_step") > 0);
    free(shell("test -z \"$(ls -A temporary)\""));
    cJSON_Delete(before);
    cJSON_Delete(measured);
    cJSON_Delete(after);
}

/* Steps of 40 ms are foretold as such; another config's run file tells nothing. */
static void test_time(void **state)
{
    (void)state;
    nstx(0, "plan tiny.ini");
    assert_said(said_out, "\ntime      not known before a step: add --time\n");
    nstx(0, "run tiny.ini -s experiment.steps=20");
    nstx(0, "plan tiny.ini -s experiment.steps=2000");
    assert_said(said_out, " for 2000 steps of ");
    assert_said(said_out, " s (as in tiny.h5)\n");
    nstx(0, "plan tiny.ini -s generator.channels=6");
    assert_said(said_out, "\ntime      not known before a step");
    nstx(0, "plan tiny.ini --time -s generator.channels=6");
    assert_said(said_out, " for 6 steps of ");
    assert_said(said_out, " s (measured now)\n");
    refused("unknown or incomplete option --tim", "plan tiny.ini --tim=3");
    nstx(2, "plan tiny.ini --time -s data.style=nowhere.png");
    assert_one_line("nowhere.png");
}

int main(void)
{
    struct CMUnitTest tests[PAPERS + 1] = {{"time", test_time, NULL, NULL, NULL}};
    for (int i = 0; i < PAPERS; i++)
        tests[i + 1] = (struct CMUnitTest){papers[i].what, test_paper, NULL, NULL, (void *)&papers[i]};
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
