/* nstx figure: what it answers to requests, and one figure from its config to its page, interrupted nowhere, reused the
 * second time. The figures themselves: tests/figures. */
#include "cli.h"

#include <cjson/cJSON.h>

static void wrong_requests_are_answered(void **state)
{
    (void)state;
    nstx(2, "figure gatys/fig99");
    assert_said(said_err, "nstx: no figure \"gatys/fig99\"; there are\n");
    assert_said(said_err, "  improved_texnet/fig3a ");
    refused("no scale \"huge\": ci, laptop or paper", "figure improved_texnet/fig3a --scale huge");
    refused("unknown or incomplete option --scala", "figure --scala ci");
    refused("improved_texnet/fig3a at the paper's scale wants a trained VGG-19: -s descriptor.weights=FILE",
            "figure improved_texnet/fig3a --scale paper");
    assert_said(said_err, "--scale laptop needs none");
    refused("wants a trained VGG-19", "figure improved_texnet/fig3a --scale paper -s descriptor.weights=random");
    nstx(1, "figure improved_texnet/fig3a --scale ci -s generator.chanels=4");
    assert_said(said_err, "[generator] has no key chanels");
}

static void the_figures_are_listed(void **state)
{
    (void)state;
    nstx(0, "figure");
    assert_said(said_out, "Image style transfer using convolutional neural networks");
    assert_said(said_out, "  improved_texnet/fig3a ");
    nstx(0, "completion bash");
    assert_said(said_out, " improved_texnet/fig3a");
}

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!found) fail_msg("there is no %s", name);
    return found;
}

#define SMALL                                                                                                          \
    "figure improved_texnet/fig3a --scale ci -o out -s experiment.steps=2 -s data.size=32 -s generator.channels=4 "    \
    "-s generator.blocks=1 -s data.content=photos -s data.style=style.png -s data.style_size=32 -s data.resize=0 "     \
    "-s data.validation_count=1"

static void a_figure_is_made_and_its_runs_used_again(void **state)
{
    (void)state;
    nstx(0, SMALL);
    assert_said(said_out, "improved_texnet/fig3a  ");
    assert_said(said_out, "picture: out/improved_texnet-fig3a-ci.png");
    assert_said(said_out, "hold"); /* or not: two steps decide nothing, but it is said */
    nx_image image;
    nx_error err = {0};
    assert_true(nx_image_load(&image, at("out/improved_texnet-fig3a-ci.png"), &err));
    assert_true(image.width > 300 && image.height > 300);
    nx_image_free(&image);
    char *runs = shell("cksum out/improved_texnet/ci/*.h5"), *page = shell("cksum out/*.png out/*.md");

    nstx(0, SMALL " --json");
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    const cJSON *claims = member(cJSON_GetArrayItem(json, 0), "claims");
    assert_true(cJSON_GetArraySize(claims) >= 2);
    assert_string_not_equal(member(cJSON_GetArrayItem(claims, 0), "verdict")->valuestring, "open");
    cJSON_Delete(json);
    assert_said(said_err, "is finished");
    char *runs_again = shell("cksum out/improved_texnet/ci/*.h5"), *page_again = shell("cksum out/*.png out/*.md");
    assert_string_equal(runs, runs_again);
    assert_string_equal(page, page_again);
    free(runs), free(page), free(runs_again), free(page_again);
}

/* What was made is laid side by side, at the scales that there are. */
static void claims_are_laid_side_by_side(void **state)
{
    (void)state;
    nstx(0, "figure all --table -o out");
    assert_said(said_out, "| figure | claim | paper | ci scale | laptop scale | paper scale |\n");
    assert_said(said_out, "\n| improved_texnet/fig3a | validation loss, instance over batch");
    assert_said(said_out, "\nAt ci scale ");
    assert_null(strstr(said_out, "At laptop scale"));
    free(shell("sed 's/ [a-z ]* |$/ open |/' out/improved_texnet-fig3a-ci.md > out/improved_texnet-fig3a-laptop.md"));
    nstx(0, "figure all --table -o out");
    assert_said(said_out, "At laptop scale 0 of ");
    assert_said(said_out, " claims hold, 0 do not");
    refused("gone: none of these figures is there", "figure gatys --table -o gone");
}

/* Random features see no objects: what asks for that stays open. */
static void random_weights_leave_claims_open(void **state)
{
    (void)state;
    nstx(0, SMALL " -o random --json -s descriptor.weights=random -s descriptor.width=0.0625");
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    const cJSON *claim;
    cJSON_ArrayForEach(claim, member(cJSON_GetArrayItem(json, 0), "claims"))
        assert_string_equal(member(claim, "verdict")->valuestring, "open");
    cJSON_Delete(json);
}

static void runs_of_other_settings_give_way(void **state)
{
    (void)state;
    nstx(0, SMALL " -o other");
    char *before = shell("cksum other/improved_texnet/ci/*.h5");
    nstx(0, SMALL " -o other -s experiment.seed=5");
    char *after = shell("cksum other/improved_texnet/ci/*.h5");
    assert_string_not_equal(before, after);
    free(before), free(after);
}

static void a_folder_that_cannot_be_written_is_answered(void **state)
{
    (void)state;
    write_text("file", "no folder");
    nstx(1, SMALL " -o file");
    assert_one_line("file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_requests_are_answered),
        cmocka_unit_test(the_figures_are_listed),
        cmocka_unit_test(a_figure_is_made_and_its_runs_used_again),
        cmocka_unit_test(claims_are_laid_side_by_side),
        cmocka_unit_test(random_weights_leave_claims_open),
        cmocka_unit_test(runs_of_other_settings_give_way),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_answered),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
