/* The figures of He, Wang and Hopcroft at ci scale: what can be told there, comes out. */
#include "made.h"

static void the_figures_are_made(void **state)
{
    (void)state;
    static const expected told[] = {
        {"random_weights/fig2", "grow from pool1 to pool5", "holds"},
        {"random_weights/fig6", "vary less", "holds"},
        {"random_weights/fig6", "are nearer", "holds"},
        {"random_weights/fig7", "do not fall with depth", "holds"},
        {"random_weights/fig8", "each layer more", "holds"},
        {"random_weights/contrary", "without weights of the layers", "holds"},
        {"random_weights/contrary", "with them they do not", "holds"},
    };
    figures_tell("random_weights", "random_weights", 10, told, sizeof told / sizeof *told);
}

/* At the paper's scale figures that compare say what to bring; a file that is none is answered. */
static void trained_weights_are_asked_for(void **state)
{
    (void)state;
    refused("random_weights/fig5 at the paper's scale wants a trained VGG-19: -s descriptor.weights=FILE",
            "figure random_weights/fig5 --scale paper");
    nstx(1, "figure random_weights/fig3 --scale ci -o out -s descriptor.weights=style.png");
    assert_one_line("style.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_made),
        cmocka_unit_test(trained_weights_are_asked_for),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
