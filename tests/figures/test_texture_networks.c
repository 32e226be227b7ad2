/* The figures of Texture Networks at ci scale, and with the networks that its authors released. */
#include "../given.h"
#include "made.h"

/* What is asked is of memory, which no training changes. */
#define SHORT " -s experiment.steps=10"

static void the_figures_are_made(void **state)
{
    (void)state;
    static const expected told[] = {
        {"texture_networks/fig6", "memory at 256 x 256", "holds"},
    };
    figures_tell("texture_networks",
                 "texture_networks/fig4 texture_networks/fig5 texture_networks/fig6 texture_networks/fig12" SHORT, 4,
                 told, sizeof told / sizeof *told);
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

/* What needs more training is decided by the authors' own networks. */
static void the_authors_networks_decide(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        expected told;
    } cases[] = {{"starry_night", {"texture_networks/fig5", "farther from the content", "holds"}},
                 {"red_peppers", {"texture_networks/fig12", "four coarsest scales", "holds"}}};
    const char *data = given_data();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nstx(0, "figure %s --scale laptop --model %s/texture_networks/%s.safetensors -o theirs --json --quiet",
             cases[i].told.figure, data, cases[i].network);
        cJSON *made = figures_said();
        assert_claim(made, cases[i].told);
        cJSON_Delete(made);
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
