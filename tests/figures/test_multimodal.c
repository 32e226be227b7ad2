/* The figures of Multimodal Transfer at ci scale, and what is exact about its network alone. */
#include "made.h"

/* What is asked is of memory, which no training changes. */
#define SHORT " -s experiment.steps=3"

static void the_figures_are_made(void **state)
{
    (void)state;
    static const expected told[] = {
        {"multimodal/table1", "its memory over that of Johnson's", "holds"},
        {"multimodal/table1", "training with the refine subnet at 512", "holds"},
    };
    figures_tell("multimodal", "multimodal/table1 multimodal/fig3 multimodal/fig5 multimodal/fig6" SHORT, 4, told,
                 sizeof told / sizeof *told);
}

#define NETWORK                                                                                                        \
    "[experiment]\npaper = multimodal\nsteps = 1\n"                                                                    \
    "[descriptor]\nweights = random\nwidth = 0.0625\ncontent_layers = relu1_1\nstyle_layers = relu1_1\n"               \
    "[generator]\nnetwork = mtnet\n"                                                                                   \
    "[data]\ncontent = photos\nstyle = style.png\nstyle_size = 40\nsize = 32\nbatch = 1\n"

/* The subnets, one after another, have the parameters that the whole has. */
static void subnets_are_counted(void **state)
{
    (void)state;
    static const char *const counts[] = {"generator: 1476963 parameters", "generator: 7383366 parameters",
                                         "generator: 8464329 parameters"};
    write_text("network.ini", NETWORK);
    for (int k = 1; k <= 3; k++) {
        nstx(0, "plan network.ini -s generator.stages=%d", k);
        assert_said(said_out, counts[k - 1]);
        assert_said(said_out, "output    1 x 32 x 32 x 3");
    }
    refused("stage_weights: 3 numbers for the 2 subnets",
            "plan network.ini -s generator.stages=2 -s loss.stage_weights=1,1,1");
}

/* The style subnet alone is trained, and applied, at the picture's own size. */
static void the_style_subnet_is_a_network(void **state)
{
    (void)state;
    write_text("network.ini", NETWORK);
    nstx(0, "run network.ini -o one.h5 -s generator.stages=1 -s generator.channels=4");
    nstx(0, "stylize one.model.h5 photos/1.png -o styled.png");
    nx_image content, styled;
    nx_error err = {0};
    if (!nx_image_load(&content, at("photos/1.png"), &err) || !nx_image_load(&styled, at("styled.png"), &err))
        fail_msg("%s", err.text);
    assert_int_equal(styled.width, content.width);
    assert_int_equal(styled.height, content.height);
    nx_image_free(&content);
    nx_image_free(&styled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_made),
        cmocka_unit_test(subnets_are_counted),
        cmocka_unit_test(the_style_subnet_is_a_network),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
