/* Random weights: what a run does with them before its first step, stacking and weighting, and the layers that take
 * pictures of one size alone. */
#include "cli.h"

#define PICTURE                                                                                                        \
    "[experiment]\npaper = random_weights\ntask = optimize\nsteps = 6\n"                                               \
    "[descriptor]\nweights = random\nwidth = 0.125\npooling = average\ncontent_layers = relu2_1\nstyle_layers =\n"     \
    "[optimizer]\nmethod = lbfgs\nhistory = 4\n"                                                                       \
    "[data]\ncontent = photos/odd.png\nsize = 40\n"                                                                    \
    "[log]\nevery = 1\nimages = 0\ncheckpoint = 2\n"

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    write_text("picture.ini", PICTURE);
    return 0;
}

/* ---- stacking ---- */

/* "conv1_2: set 3 of 4 leaves 0.1 of the features' energy, the worst 0.3": gives the two numbers. */
static void read_choice(const char *layer, int sets, double *least, double *most)
{
    char *words = nx_format("%s: set ", layer);
    const char *line = strstr(said_err, words);
    int set = 0, of = 0;
    if (!line || sscanf(line + strlen(words), "%d of %d leaves %lf of the features' energy, the worst %lf", &set, &of,
                        least, most) != 4)
        fail_msg("no choice for %s in:\n%s", layer, said_err);
    assert_int_equal(of, sets);
    assert_in_range(set, 1, sets);
    free(words);
}

static void the_best_set_stays(void **state)
{
    (void)state;
    static const char *const layers[] = {"conv1_1", "conv1_2", "conv2_1"};
    nstx(0, "run picture.ini -o stacked.h5 -s descriptor.stacked=4 -s descriptor.stacked_steps=5");
    for (size_t i = 0; i < 3; i++) {
        double least, most;
        read_choice(layers[i], 4, &least, &most);
        assert_true(least > 0 && least < most);
    }
    assert_null(strstr(said_err, "conv2_2: set")); /* deeper than what is compared */
    nstx(0, "run picture.ini -o again.h5 -s descriptor.stacked=4 -s descriptor.stacked_steps=5");
    assert_same_run("stacked.h5", "again.h5");

    nstx(0, "run picture.ini -o plain.h5"); /* one set to choose from is the first one */
    nstx(0, "run picture.ini -o one.h5 -s descriptor.stacked=1 -s descriptor.rescale=false");
    nstx(0, "run picture.ini -o first.h5 -s descriptor.rescale=false");
    assert_same_run("one.h5", "first.h5");
    char *stacked = digest("stacked.h5"), *plain = digest("plain.h5");
    assert_string_not_equal(stacked, plain);
    free(stacked), free(plain);
}

static void the_reference_is_another_picture(void **state)
{
    (void)state;
    nstx(0, "run picture.ini -o own.h5 -s descriptor.stacked=2 -s descriptor.stacked_steps=3 "
            "-s descriptor.reference=photos/odd.png -s data.size=0");
    nstx(0, "run picture.ini -o none.h5 -s descriptor.stacked=2 -s descriptor.stacked_steps=3 -s data.size=0");
    assert_same_run("own.h5", "none.h5"); /* the content is the reference where no other is named */
    nstx(0, "run picture.ini -o other.h5 -s descriptor.stacked=2 -s descriptor.stacked_steps=3 "
            "-s descriptor.reference=photos/1.png -s data.size=0");
    nstx(0, "run picture.ini -o texture.h5 -s descriptor.stacked=2 -s descriptor.stacked_steps=3 -s data.content= "
            "-s data.style=style.png -s data.style_size=32 -s descriptor.style_layers=relu1_1");
    refused("photos/no.png", "run picture.ini -s descriptor.reference=photos/no.png");
    refused("[descriptor] stacked: sets of weights are compared with [optimizer] method = lbfgs",
            "run picture.ini -s descriptor.stacked=2 -s optimizer.method=adam");
}

static void a_stacked_run_is_resumed(void **state)
{
    (void)state;
#define STACKED                                                                                                        \
    "run picture.ini -s log.images=1 -s log.keep_state=true -s descriptor.stacked=2 -s descriptor.stacked_steps=3 "
    nstx(0, STACKED "-o straight.h5");
    nstx(0, STACKED "-o parts.h5 -s experiment.steps=4");
    nstx(0, STACKED "-o parts.h5 --resume");
    assert_null(strstr(said_err, ": set ")); /* chosen once */
    assert_same_run("straight.h5", "parts.h5");
}

/* ---- weights of layers ---- */

static double *totals_of(const char *name, size_t *count)
{
    nx_h5 *file = open_h5(name);
    double *values = values_of(file, "total", count);
    close_h5(file);
    return values;
}

/* With biases of zero, the standard deviation of the weights is a factor on the features, and the layers' weights take
 * it out again. A factor of two does so to the last bit. */
static void the_scale_of_the_weights_does_not_matter(void **state)
{
    (void)state;
#define RAW                                                                                                            \
    "run picture.ini -s descriptor.rescale=false -s data.style=style.png -s data.style_size=32 "                       \
    "-s descriptor.style_layers=relu1_1,relu3_1 "
    static const char *const forms[] = {"mean", "literal"};
    for (size_t k = 0; k < 2; k++) {
        size_t n, m;
        nstx(0, RAW "--overwrite -o a.h5 -s loss.balance=%s -s descriptor.sigma=0.015", forms[k]);
        nstx(0, RAW "--overwrite -o b.h5 -s loss.balance=%s -s descriptor.sigma=0.03", forms[k]);
        double *a = totals_of("a.h5", &n), *b = totals_of("b.h5", &m);
        assert_int_equal(n, m);
        for (size_t i = 0; i < n; i++) assert_true(a[i] == b[i] && a[i] > 0);
        assert_true(a[n - 1] < a[0]);
        free(a), free(b);
    }
    size_t n;
    nstx(0, RAW "--overwrite -o a.h5 -s loss.balance=none -s descriptor.sigma=0.015");
    nstx(0, RAW "--overwrite -o b.h5 -s loss.balance=none -s descriptor.sigma=0.03");
    double *a = totals_of("a.h5", &n), *b = totals_of("b.h5", &n);
    assert_true(a[0] < b[0]);
    free(a), free(b);
}

/* ---- fully connected layers ---- */

/* They take pictures of one size; random ones of whatever the picture has. */
static void fully_connected_layers_are_inverted(void **state)
{
    (void)state;
    static const char *const layers[] = {"fc6", "fc7"};
    for (size_t k = 0; k < 2; k++) {
        size_t n;
        nstx(0,
             "run picture.ini --overwrite -o fc.h5 -s data.size=64 -s descriptor.width=0.0625 -s "
             "descriptor.content_layers=%s",
             layers[k]);
        double *total = totals_of("fc.h5", &n);
        assert_true(total[n - 1] < .5 * total[0]);
        free(total);
    }
    nstx(0, "run picture.ini --overwrite -o fc.h5 -s data.size=64 -s descriptor.width=0.0625 -s "
            "descriptor.content_layers=fc6 -s "
            "descriptor.stacked=2 -s descriptor.stacked_steps=2 -s descriptor.reference=style.png");
    assert_said(said_err, "fc6: set ");
}

/* ---- memory ---- */

/* What scaling, choosing and weighing take before the first step is planned, too, where a style or the noise to scale
 * on is larger than the picture. */
static void the_start_is_planned(void **state)
{
    (void)state;
    static const char *const options[] = {
        "-s optimizer.method=adam", "-s optimizer.method=adam -s loss.balance=none",
        "-s optimizer.history=1 -s descriptor.stacked=1 -s descriptor.stacked_steps=1 "
        "-s loss.balance=none -s data.content= -s data.size=32",
        "-s optimizer.method=adam -s loss.balance=none -s data.style= -s descriptor.style_layers="};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        nstx(0,
             "run picture.ini --overwrite -o memory.h5 -s experiment.steps=1 -s data.style=style.png "
             "-s data.style_size=160 -s descriptor.style_layers=relu1_1 -s descriptor.content_layers=relu1_1 %s",
             options[i]);
        nx_h5 *file = open_h5("memory.h5");
        int64_t planned = int_attribute(file, "/memory", "planned_total"),
                measured = int_attribute(file, "/memory", "measured_total");
        close_h5(file);
        if (planned != measured)
            fail_msg("%s: planned %lld bytes, measured %lld", options[i], (long long)planned, (long long)measured);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_set_stays),
        cmocka_unit_test(the_reference_is_another_picture),
        cmocka_unit_test(a_stacked_run_is_resumed),
        cmocka_unit_test(the_scale_of_the_weights_does_not_matter),
        cmocka_unit_test(fully_connected_layers_are_inverted),
        cmocka_unit_test(the_start_is_planned),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
