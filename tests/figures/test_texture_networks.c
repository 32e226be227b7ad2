/* The figures of Texture Networks at ci scale, and with the networks that its authors released. */
#include "made.h"

static void the_figures_are_made(void **state)
{
    (void)state;
    static const char *const told[][3] = {
        {"texture_networks/fig6", "memory at 256 x 256", "holds"},
        {"texture_networks/fig4", "samples fit as well", "open"}, /* only trained features say */
        {"texture_networks/fig9", "samples alike", "open"},
        {"texture_networks/fig12", "four coarsest scales", "open"},
    };
    figures made;
    figures_made(&made, "texture_networks");
    assert_int_equal(cJSON_GetArraySize(made.json), 6);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) assert_verdict(&made, told[i][0], told[i][1], told[i][2]);
    figures_free(&made);
    figures_reused("texture_networks");
}

/* A generator is taken where one is looked at, and nowhere else. */
static void a_wrong_generator_is_answered(void **state)
{
    (void)state;
    refused("--model: texture_networks/fig4 is not about one generator alone",
            "figure texture_networks/fig4 --scale ci --model style.png");
    nstx(1, "figure texture_networks/fig12 --scale ci --model style.png -o wrong");
    assert_one_line("style.png");
    nstx(1, "figure texture_networks/fig5 --scale laptop --model nowhere.h5 -o wrong");
    assert_one_line("nowhere.h5");
}

/* What needs trained features at ci scale is decided by the authors' own networks. */
static void the_authors_networks_decide(void **state)
{
    (void)state;
    static const struct {
        const char *figure, *network, *words;
    } cases[] = {{"texture_networks/fig5", "starry_night", "farther from the content"},
                 {"texture_networks/fig12", "red_peppers", "four coarsest scales"}};
    const char *data = getenv("NSTX_TEST_DATA");
    if (!data) {
        print_message("NSTX_TEST_DATA is not set: no networks of the authors\n");
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nstx(0, "figure %s --scale laptop --model %s/texture_networks/%s.safetensors -o theirs --json --quiet",
             cases[i].figure, data, cases[i].network);
        figures made = {cJSON_Parse(said_out)};
        assert_non_null(made.json);
        assert_verdict(&made, cases[i].figure, cases[i].words, "holds");
        figures_free(&made);
    }
    nstx(1, "figure texture_networks/fig12 --scale laptop --model %s/texture_networks/mosaic.safetensors -o theirs",
         data);
    assert_one_line("no pyramid that makes textures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_made),
        cmocka_unit_test(a_wrong_generator_is_answered),
        cmocka_unit_test(the_authors_networks_decide),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
