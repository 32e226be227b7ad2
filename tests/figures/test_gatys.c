/* The figures of Gatys et al. at ci scale: what can be told there, comes out. */
#include "made.h"

/* Of the others a page is asked for, which needs no picture to be good. */
#define SHORT " -s experiment.steps=3"

static void the_figures_are_made(void **state)
{
    (void)state;
    static const expected told[] = {
        {"gatys/fig1", "deeper layers keep fewer pixels", "holds"},
        {"gatys/fig1", "lose the arrangement", "holds"},
        {"gatys/fig1", "match the Gram matrices", "holds"},
        {"gatys/fig6", "each noise gives another picture", "holds"},
        {"gatys/fig6", "the result is always the same", "holds"},
    };
    figures_tell("gatys", "gatys/fig1 gatys/fig6", 2, told, sizeof told / sizeof *told);
    figures_tell("gatys", "gatys/fig3 gatys/fig4 gatys/fig5 gatys/fig7 gatys/cost" SHORT, 5, NULL, 0);
}

/* More pictures than one: the sweep of Fig. 3 is the user's to replace. */
static void other_styles_are_taken(void **state)
{
    (void)state;
    write_text("styles.ini",
               "[experiment]\npaper = gatys\ntask = optimize\nsteps = 1\n"
               "[descriptor]\nweights = random\nwidth = 0.0625\ncontent_layers = relu1_1\nstyle_layers = relu1_1\n"
               "[data]\ncontent = photos/1.png\nsize = 32\nstyle_size = 32\n"
               "[sweep]\ndata.style = style.png\n");
    nstx(0, "run styles.ini -o own.h5 -s sweep.data.style=photos/2.png");
    nx_h5 *file = open_h5("own-style=2.h5");
    assert_attribute(file, "/", "status", "finished");
    close_h5(file);
}

/* The presets, small: two sizes for the authors' notebook, started from the content. */
static void the_presets_run(void **state)
{
    (void)state;
    static const struct {
        const char *config, *changes;
    } presets[] = {
        {"gatys", "-s data.content=photos/1.png"},
        {"gatys_notebook", "-s data.content=photos/1.png -s data.coarse=24 -s data.coarse_steps=1"},
        {"gatys_adam", "-s data.content=photos/1.png"},
        {"transfer", "-s data.content=photos/1.png"},
        {"gatys_texture", ""},
    };
    char *folder = realpath("configs", NULL); /* tests run in the source's root, nstx in a folder of its own */
    assert_non_null(folder);
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        nstx(0,
             "run %s/%s.ini -o preset.h5 -s descriptor.weights=random -s descriptor.width=0.0625 -s "
             "data.style=style.png -s data.size=48 "
             "-s data.style_size=48 -s experiment.steps=8 -s log.every=1 %s",
             folder, presets[i].config, presets[i].changes);
        nx_h5 *file = open_h5("preset.h5");
        size_t n;
        double *total = values_of(file, "total", &n);
        assert_attribute(file, "/", "status", "finished");
        assert_int_equal(n, 9);
        assert_true(total[8] < total[1]); /* the first step may be anything: Adam's is 10 grey levels everywhere */
        free(total);
        close_h5(file);
        free(shell("rm preset.*"));
    }
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_made),
        cmocka_unit_test(other_styles_are_taken),
        cmocka_unit_test(the_presets_run),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
