/* Files that are made to hurt: models whose options nobody could have trained, names and numbers out of all bounds, and
 * words that a terminal, a browser or a reader of JSON would obey. Each is answered; what can be shown is shown. */
#include "cli.h"

#include "base/text.h"

#include <cjson/cJSON.h>
#include <sys/resource.h>

/* As a terminal obeys it, as a page would, and as no UTF-8 at all. */
#define ESCAPE "\033]0;owned\a\033[31m"
#define MARKUP "</script><script>alert(1)</script><!--<script>\xE2\x80\xA8"
#define BYTES  "a\xFF\xC3("

static void put(bool done, const nx_error *err)
{
    if (!done) fail_msg("%s", err->text);
}

/* A model of no arrays, but with one at `stray` where that is named. */
static void write_model(const char *name, const char *options, const char *stray)
{
    static const char *const sides[] = {"input", "output"}, *const numbers[] = {"scale", "mean_r", "mean_g", "mean_b"};
    nx_h5 *file;
    nx_error err = {0};
    put(nx_h5_create(&file, at(name), &err) && nx_h5_group(file, "/model", &err) &&
            nx_h5_set_string(file, "/model", "network", "stylenet", &err) &&
            nx_h5_set_string(file, "/model", "nstx_version", "1", &err) &&
            nx_h5_write_text(file, "/model/options", options, &err),
        &err);
    for (int i = 0; i < 2; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_order", sides[i]);
        put(nx_h5_set_string(file, "/model", key, "rgb", &err), &err);
        for (int k = 0; k < 4; k++) {
            snprintf(key, sizeof key, "%s_%s", sides[i], numbers[k]);
            put(nx_h5_set_double(file, "/model", key, 1, &err), &err);
        }
    }
    if (stray) put(nx_h5_write_float(file, stray, (float[]){1, 2}, 1, (int[]){2}, &err), &err);
    put(nx_h5_close(file, &err), &err);
}

#define OPTIONS(paper, task, generator)                                                                                \
    "[experiment]\npaper = " paper "\ntask = " task "\n[generator]\nnetwork = " generator "\n"

static void options_of_models_are_checked(void **state)
{
    (void)state;
    static const char *const models[][2] = {
        {OPTIONS("gatys", "optimize", "stylenet"), "its paper trains none"},
        {OPTIONS("improved_texnet", "optimize", "stylenet"), "task = optimize"},
        {OPTIONS("multimodal", "texture", "mtnet"), "the paper multimodal has the task train alone"},
        {OPTIONS("improved_texnet", "train", "pyramid"), "for textures: task = texture"},
        {OPTIONS("multimodal", "train", "stylenet"), "[generator] network: the paper multimodal trains mtnet"},
        {OPTIONS("nobody", "train", "stylenet"), "nobody"},
        {OPTIONS("improved_texnet", "train", "stylenet\nchannels = 100000000"), "channels"},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        write_model("made.model.h5", models[i][0], NULL);
        refused(models[i][1], "stylize --plan made.model.h5 photos/1.png");
        refused(models[i][1], "sample made.model.h5 -o made.png");
        refused(models[i][1], "weights export made.model.h5 made.onnx");
    }
}

static void little_memory(void) { setrlimit(RLIMIT_AS, &(struct rlimit){4000000000, 4000000000}); }

/* What a model's options ask for, its file has to hold. */
static void a_large_network_in_a_small_file_is_refused(void **state)
{
    (void)state;
    write_model("large.model.h5", OPTIONS("improved_texnet", "train", "stylenet\nchannels = 1024\nblocks = 64"), NULL);
    before_exec = little_memory;
    double begun = seconds_now();
    refused("large.model.h5: there is no parameter conv1.weight in it", "stylize --plan large.model.h5 photos/1.png");
    refused("large.model.h5: there is no parameter conv1.weight in it", "weights export large.model.h5 large.onnx");
    before_exec = NULL;
    assert_true(seconds_now() - begun < 30);
}

static void models_hold_parameters_alone(void **state)
{
    (void)state;
    static const char options[] = OPTIONS("improved_texnet", "train", "stylenet");
    write_model("stray.model.h5", options, "/model/x");
    refused("stray.model.h5: x in it is no parameter", "weights export stray.model.h5 stray.safetensors");
    write_model("empty.model.h5", options, NULL);
    refused("empty.model.h5: there is no parameter in it", "weights export empty.model.h5 empty.safetensors");
}

/* Two layers without a channel. */
static void a_descriptor_has_channels(void **state)
{
    (void)state;
    static const char header[] =
        "{\"features.0.weight\":{\"dtype\":\"F32\",\"shape\":[0,3,3,3],\"data_offsets\":[0,0]},"
        "\"features.0.bias\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
        "\"features.2.weight\":{\"dtype\":\"F32\",\"shape\":[0,0,3,3],\"data_offsets\":[0,0]},"
        "\"features.2.bias\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}} ";
    char file[sizeof header + 8] = {0};
    uint64_t length = sizeof header - 1;
    memcpy(file, &length, 8);
    memcpy(file + 8, header, sizeof header - 1);
    scratch_write(at("zero.safetensors"), file, 8 + sizeof header - 1);
    refused("features.0.weight is 0x3x3x3", "weights verify zero.safetensors");
    refused("features.0.weight is 0x3x3x3", "run tiny.ini -s descriptor.weights=zero.safetensors");
}

/* ---- runs ---- */

static nx_h5 *begin_run(const char *name, const double *values, int64_t last)
{
    nx_h5 *file;
    nx_error err = {0};
    put(nx_h5_create(&file, at(name), &err) &&
            nx_h5_write_text(file, "/config", "[experiment]\nsteps = 3\n# " ESCAPE MARKUP BYTES "\n", &err) &&
            nx_h5_set_string(file, "/", "status", "finished", &err) &&
            nx_h5_append_int64(file, "/metrics/total/step", (int64_t[]){INT64_MIN, 1, last}, 3, &err) &&
            nx_h5_append_double(file, "/metrics/total/time", (double[]){1, 2, 2 + 1e-300}, 3, &err) &&
            nx_h5_append_double(file, "/metrics/total/value", values, 3, &err) &&
            nx_h5_set_double(file, "/metrics/total", "weight", 1, &err),
        &err);
    return file;
}

/* The distance of two numbers is none, and so is a step's of another. */
static void a_curve_of_any_numbers_is_drawn(void **state)
{
    (void)state;
    static const double values[][3] = {
        {-1.7e308, 1.7e308, 0}, {1.7e308, 1.7e308, 1.7e308}, {NAN, INFINITY, -INFINITY}, {5e-324, 1, 1.7e308}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        nx_error err = {0};
        nx_h5 *file = begin_run("range.h5", values[i], INT64_MAX);
        put(nx_h5_close(file, &err), &err);
        nstx(0, "watch range.h5");
        assert_said(said_out, "finished at step 3");
        nstx(0, "report range.h5 -o range.html");
    }
    nstx(0, "watch range.h5");
    assert_said(said_out, "total ▁");
}

static void assert_clean(const char *text)
{
    char *utf8 = nx_text_utf8(text);
    assert_string_equal(utf8, text);
    for (const char *s = text; *s; s++)
        if ((unsigned char)*s < ' ' && *s != '\n' && *s != '\t')
            fail_msg("a terminal obeys the byte %d in:\n%s", *s, text);
    free(utf8);
}

static void names_in_files_stay_words(void **state)
{
    (void)state;
    nx_error err = {0};
    nx_h5 *file = begin_run("words.h5", (double[]){3, 2, 1}, 3);
    put(nx_h5_set_string(file, "/", ESCAPE "\nstatus", MARKUP ESCAPE "\nfinished", &err) &&
            nx_h5_set_string(file, "/", BYTES, BYTES, &err) && nx_h5_group(file, "/device", &err) &&
            nx_h5_set_string(file, "/device", "name", BYTES MARKUP ESCAPE, &err) &&
            nx_h5_append_double(file, "/metrics/" ESCAPE BYTES "/value", (double[]){NAN}, 1, &err) &&
            nx_h5_append_int64(file, "/metrics/" ESCAPE BYTES "/step", (int64_t[]){1}, 1, &err) &&
            nx_h5_append_double(file, "/metrics/" ESCAPE BYTES "/time", (double[]){1}, 1, &err) &&
            nx_h5_set_double(file, "/metrics/" ESCAPE BYTES, "weight", 1, &err) && nx_h5_close(file, &err),
        &err);
    static const char *const commands[] = {"info words.h5", "watch words.h5", "weights info words.h5",
                                           "report words.h5 -o words.html"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        finish(start("%s", commands[i]));
        assert_clean(said_out);
        assert_clean(said_err);
    }
    nstx(0, "info words.h5 --json");
    assert_clean(said_out);
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    cJSON_Delete(json);

    /* The page is UTF-8, and nothing in it ends or comments out the script that holds the data. */
    char *page;
    size_t bytes;
    put(nx_file_read(at("words.html"), &page, &bytes, &err), &err);
    char *utf8 = nx_text_utf8(page), *data = strstr(page, "<script type=\"application/json\" id=\"data\">");
    assert_string_equal(utf8, page);
    assert_non_null(data);
    data = strchr(data, '>') + 1;
    data[strcspn(data, "<")] = 0;
    assert_non_null(json = cJSON_Parse(data));
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "runs"), 0),
                *device = cJSON_GetObjectItem(cJSON_GetObjectItem(run, "device"), "name");
    assert_string_equal(device->valuestring, "a\xEF\xBF\xBD\xEF\xBF\xBD(" MARKUP ESCAPE);
    cJSON_Delete(json);
    free(utf8);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_models_are_checked),   cmocka_unit_test(a_large_network_in_a_small_file_is_refused),
        cmocka_unit_test(models_hold_parameters_alone),    cmocka_unit_test(a_descriptor_has_channels),
        cmocka_unit_test(a_curve_of_any_numbers_is_drawn), cmocka_unit_test(names_in_files_stay_words),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
