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
    refused("--seeds takes a whole number from 1 to 1000, not 0", "figure gatys/fig4 --seeds 0");
    refused("--seeds 2: is of runs, of which there are none with --table", "figure gatys --table --seeds 2");
    refused("--seeds 3: counts experiment.seed from 1, so -s leaves it alone",
            "figure gatys/fig4 --seeds 3 -s experiment.seed=2");
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

#define SETTINGS                                                                                                       \
    "-s experiment.steps=2 -s data.size=32 -s generator.channels=4 -s generator.blocks=1 -s data.content=photos "      \
    "-s data.style=style.png -s data.style_size=32 -s data.resize=0 -s data.validation_count=1"
#define SMALL "figure improved_texnet/fig3a --scale ci -o out " SETTINGS

static void a_figure_is_made_and_its_runs_used_again(void **state)
{
    (void)state;
    nstx(0, SMALL);
    assert_said(said_out, "improved_texnet/fig3a  ");
    assert_said(said_out, "picture: out/improved_texnet-fig3a-ci.png");
    assert_said(said_out, "hold"); /* or not: two steps decide nothing, but it is said */
    assert_said(said_out, "\n  judged after 2 steps at 32 pixels\n");
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
    const cJSON *judged = member(cJSON_GetArrayItem(json, 0), "judged");
    assert_int_equal(cJSON_GetArrayItem(member(judged, "steps"), 1)->valueint, 2);
    assert_string_not_equal(member(cJSON_GetArrayItem(claims, 0), "verdict")->valuestring, "open");
    cJSON_Delete(json);
    assert_said(said_err, "is finished");
    char *runs_again = shell("cksum out/improved_texnet/ci/*.h5"), *page_again = shell("cksum out/*.png out/*.md");
    assert_string_equal(runs, runs_again);
    assert_string_equal(page, page_again);
    free(runs), free(page), free(runs_again), free(page_again);
}

/* Photographs that come to a folder behind those that a config counts change no figure. */
static void figures_count_their_photographs(void **state)
{
    (void)state;
    static const char made[] =
        "figure improved_texnet/fig4 --scale ci -o counted --quiet " SETTINGS " -s data.content_count=4";
    static const char sums[] = "cksum counted/*.md counted/*.png counted/improved_texnet/ci/*.h5";
    nstx(0, made);
    char *before = shell(sums);
    free(shell("cp photos/odd.png photos/zz.png"));
    nstx(0, made);
    char *after = shell(sums);
    assert_string_equal(before, after);
    free(shell("rm photos/zz.png"));
    free(before), free(after);
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
    assert_said(said_out, "\n| improved_texnet/fig3a | 2 steps at 32 pixels | 2 steps at 32 pixels | |\n");
    assert_said(said_out, " claims hold, 0 do not");
    refused("gone: none of these figures is there", "figure gatys --table -o gone");
}

/* Each seed has runs and a page of its own, and the table says how many of them a claim holds with. */
static void seeds_lie_beside_each_other(void **state)
{
    (void)state;
    nstx(0, SMALL " -o seeds --seeds 2 --json");
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    assert_int_equal(cJSON_GetArraySize(json), 2);
    assert_int_equal(member(cJSON_GetArrayItem(json, 1), "seed")->valueint, 2);
    cJSON_Delete(json);
    char *alike = shell("cd seeds; for s in '' -seed2; do tail -n +3 improved_texnet-fig3a-ci$s.md > claims$s; done; "
                        "cmp -s claims claims-seed2 && echo alike; true");
    assert_string_equal(alike, ""); /* other weights, other losses */
    free(alike);
    char *title = shell("sed -n 2p seeds/improved_texnet-fig3a-ci-seed2.md");
    assert_string_equal(title, "# improved_texnet/fig3a, ci scale, seed 2\n");
    free(title);

    free(shell("cd seeds; for s in '' -seed2 -seed3; do v=holds; [ -n \"$s\" ] && v='does not hold'; "
               "printf '| one | - | 0%s (at most 1) | %s |\\n| two | - | 5 | open |\\n' \"$s\" \"$v\" "
               "> gatys-fig4-ci$s.md; done; cp gatys-fig4-ci.md gatys-fig4-ci-seed5.md"));
    nstx(0, "figure gatys/fig4 gatys/fig4 --table -o seeds"); /* once, however often it is named */
    assert_said(said_out, "| gatys/fig4 | one | - | 0; 0-seed2; 0-seed3 (at most 1): holds with 1 of 3 seeds | | |\n");
    assert_said(said_out, "| gatys/fig4 | two | - | 5: open | | |\n");
    assert_said(said_out,
                "At ci scale 0 of 2 claims hold, 1 do not, 1 are open; of those that do not, 1 hold with some");
}

/* A figure whose runs have several seeds by themselves is made once. */
static void figures_of_several_seeds_are_made_once(void **state)
{
    (void)state;
    nstx(0, "figure gatys/fig6 --scale ci -o sown --seeds 2 --json -s experiment.steps=2 -s data.size=48 "
            "-s data.style_size=48 -s optimizer.history=2");
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    assert_int_equal(cJSON_GetArraySize(json), 1);
    cJSON_Delete(json);
    assert_said(said_err, "gatys/fig6: has runs of several seeds as it is; --seeds adds none");
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
        cmocka_unit_test(figures_count_their_photographs),
        cmocka_unit_test(claims_are_laid_side_by_side),
        cmocka_unit_test(seeds_lie_beside_each_other),
        cmocka_unit_test(figures_of_several_seeds_are_made_once),
        cmocka_unit_test(random_weights_leave_claims_open),
        cmocka_unit_test(runs_of_other_settings_give_way),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_answered),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
