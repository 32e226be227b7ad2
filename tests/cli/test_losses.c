/* What [loss] asks for, whatever the task: losses in units of their targets, and the balance at the start. */
#include "papers.h"

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    nx_error err = {0};
    nx_image flat = nx_image_new(40, 30), left = nx_image_new(24, 24);
    for (int i = 0; i < 3 * 24 * 24; i++) left.rgb[i] = i / 3 % 24 < 12 ? 255 : 0;
    bool ok = nx_image_save_png(&flat, at("black.png"), &err) && nx_image_save_png(&left, at("left.png"), &err);
    for (int i = 0; i < 3 * 24 * 24; i++) left.rgb[i] = 255 - left.rgb[i];
    ok = ok && nx_image_save_png(&left, at("right.png"), &err);
    nx_image_free(&flat);
    nx_image_free(&left);
    write_text("gatys.ini", OPTIMIZE "[experiment]\npaper = gatys\n[optimizer]\nmethod = lbfgs\n");
    return ok ? 0 : -1;
}

static double first_value(const char *run, const char *metric)
{
    size_t n;
    nx_h5 *file = open_h5(run);
    double *values = values_of(file, metric, &n), first = values[0];
    free(values);
    close_h5(file);
    return first;
}

/* ---- losses in units of their targets ---- */

#define RELATIVE "-s loss.convention=relative"

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fabs(want))) fail_msg("%.9g, should be %.9g", got, want);
}

/* sum d^2 or sum |d| over pairs of neighbours, and how many of these there are. */
static double variation(const char *name, bool squared, double *pairs)
{
    nx_image image;
    double sum = 0;
    assert_true(nx_image_load(&image, at(name), NULL));
    int h = image.height, w = image.width;
    for (int i = 0; i < 3 * h * w; i++)
        for (int down = 0; down < 2; down++) {
            if (down ? i / (3 * w) + 1 == h : i / 3 % w + 1 == w) continue;
            double d = (double)image.rgb[i + (down ? 3 * w : 3)] - (double)image.rgb[i];
            sum += squared ? d * d : fabs(d);
        }
    *pairs = 3. * (h * (w - 1) + (h - 1) * w);
    nx_image_free(&image);
    return sum;
}

/* The picture's against the content's, or where there is none the style's, as many pairs of each, one grey level on
 * top. */
static void test_variation(void **state)
{
    (void)state;
    double pairs, of_style, of_init, own;
    for (int squared = 0; squared < 2; squared++) {
        const char *way = squared ? "l2" : "l1";
        nstx(0,
             "run gatys.ini --overwrite -o tv.h5 " RELATIVE " -s loss.tv_weight=0.5 -s loss.tv=%s -s data.size=0 "
             "-s data.content=photos/1.png -s data.init=photos/odd.png -s experiment.steps=0",
             way);
        nstx(0,
             "run gatys.ini --overwrite -o plain.h5 -s loss.tv_weight=0.5 -s loss.tv=%s -s data.size=0 "
             "-s data.content=photos/1.png -s data.init=photos/odd.png -s experiment.steps=0",
             way);
        own = variation("photos/1.png", squared, &pairs);
        assert_near(first_value("tv.h5", "tv"), first_value("plain.h5", "tv") / (own + pairs), 1e-5);
        nstx(0,
             "run gatys.ini --overwrite -o tv.h5 " RELATIVE " -s loss.tv_weight=0.5 -s loss.tv=%s -s data.size=0 "
             "-s data.content= -s data.style_size=0 -s data.init=style -s experiment.steps=0",
             way);
        of_init = variation("style.png", squared, &pairs);
        of_style = pairs;
        assert_near(first_value("tv.h5", "tv"), of_init / (of_init + of_style), 1e-5);
    }
}

static double weight_of(const char *run, const char *metric)
{
    double weight;
    nx_h5 *file = open_h5(run);
    char *group = nx_format("/metrics/%s", metric);
    assert_true(nx_h5_get_double(file, group, "weight", &weight, NULL));
    free(group);
    close_h5(file);
    return weight;
}

/* Weights of the network a hundred times as large change no loss; and those of [loss] enter as they are. */
static void test_scale(void **state)
{
    (void)state;
    static const char *const terms[] = {"content/relu1_2", "style/relu1_1", "style/relu2_1"};
    nstx(0, "run gatys.ini -o small.h5 " RELATIVE " -s descriptor.rescale=false -s descriptor.sigma=0.015 "
            "-s loss.content_weight=3 -s loss.style_weight=2 -s experiment.steps=0 -s data.init=photos/1.png");
    nstx(0, "run gatys.ini -o large.h5 " RELATIVE " -s descriptor.rescale=false -s descriptor.sigma=1.5 "
            "-s loss.content_weight=3 -s loss.style_weight=2 -s experiment.steps=0 -s data.init=photos/1.png");
    for (int i = 0; i < 3; i++) {
        assert_near(first_value("large.h5", terms[i]), first_value("small.h5", terms[i]), 1e-4);
        assert_true(weight_of("small.h5", terms[i]) == (i ? 2 : 3));
    }
    /* Nothing of the target is 1, and the target itself 0. */
    nstx(0, "run gatys.ini -o same.h5 " RELATIVE " -s experiment.steps=0 -s data.init=content");
    assert_true(first_value("same.h5", "content/relu1_2") == 0);
    nstx(0, "run gatys.ini -o none.h5 " RELATIVE " -s experiment.steps=0 -s data.init_noise=0.001");
    assert_near(first_value("none.h5", "content/relu1_2"), 1, 0.01);
    assert_near(first_value("none.h5", "style/relu2_1"), 1, 0.01);
}

/* Every paper and optimiser learns with them, and what comes again is the same; several styles, each in its region. */
static void test_relative(void **state)
{
    (void)state;
    for (int i = 0; i < PAPERS; i++) {
        write_text("relative.ini", papers[i].config);
        nstx(0, "run relative.ini --overwrite -o one.h5 " RELATIVE " -s loss.tv_weight=0.01 -s loss.diversity=0 "
                "-s data.validation_count=2");
        double first = first_value("one.h5", "total");
        size_t n;
        nx_h5 *file = open_h5("one.h5");
        double *total = values_of(file, "total", &n);
        if (!(total[n - 1] < first && isfinite(first)))
            fail_msg("%s: %g, then %g", papers[i].what, first, total[n - 1]);
        free(total);
        close_h5(file);
        nstx(0, "run relative.ini --overwrite -o two.h5 " RELATIVE " -s loss.tv_weight=0.01 -s loss.diversity=0 "
                "-s data.validation_count=2");
        assert_same_run("one.h5", "two.h5");
    }
    nstx(0, "run gatys.ini -o masks.h5 " RELATIVE " -s loss.tv_weight=0.01 -s data.more_styles=photos/1.png "
            "-s data.masks=left.png,right.png -s data.coarse=24 -s data.coarse_steps=9");
    assert_true(weight_of("masks.h5", "style2/style/relu1_1") == 1);
    nstx(0, "run gatys.ini -o normal.h5 " RELATIVE " -s loss.normalize_gradients=true -s experiment.steps=2");
}

/* Memory is planned as for any other convention. */
static void test_planned(void **state)
{
    (void)state;
    nstx(0, "run gatys.ini -o full.h5 " RELATIVE " -s loss.tv_weight=0.01 -s experiment.steps=1");
    nx_h5 *file = open_h5("full.h5");
    assert_int_equal(int_attribute(file, "/memory", "planned_total"), int_attribute(file, "/memory", "measured_total"));
    close_h5(file);
}

/* A target without energy is named instead of a loss that is no number; and a flat one is no such for its roughness. */
static void test_nothing(void **state)
{
    (void)state;
    nstx(1, "run gatys.ini -o dead.h5 " RELATIVE " -s descriptor.rescale=false -s descriptor.sigma=0");
    assert_one_line("step 0: content/relu1_2: its target gives nothing there");
    nstx(1, "run tiny.ini -o dead.h5 " RELATIVE " -s descriptor.rescale=false -s descriptor.sigma=0");
    assert_one_line("step 0: validation/content/relu2_1: its target gives nothing there");
    nstx(0, "run gatys.ini -o flat.h5 " RELATIVE " -s loss.tv_weight=0.01 -s data.content=black.png "
            "-s experiment.steps=2");
}

/* ---- the balance at the start ---- */

static double share(const char *run, const char *name)
{
    double value;
    nx_error err = {0};
    nx_h5 *file = open_h5(run);
    if (!nx_h5_get_double(file, "/balance", name, &value, &err)) fail_msg("%s", err.text);
    close_h5(file);
    return value;
}

/* What the line says to multiply a key by; 0: nothing. */
static double advised(const char *before)
{
    const char *at = strstr(said_err, before);
    return at ? strtod(at + strlen(before), NULL) : 0;
}

static double norm_of_gradient(const char *run)
{
    float *values;
    int rank, shape[NX_H5_RANK_MAX];
    double sum = 0;
    nx_h5 *file = open_h5(run);
    assert_true(nx_h5_read_float(file, "/debug/gradient", &values, &rank, shape, NULL));
    for (int i = 0; i < shape[0] * shape[1] * shape[2]; i++) sum += fabs((double)values[i]);
    free(values);
    close_h5(file);
    return sum;
}

/* Of a training: the norms of the gradients by the generator's picture, each term alone. */
static void test_balance_of_training(void **state)
{
    (void)state;
    static const char *const ways[] = {"-s loss.convention=relative", "-s loss.normalize_gradients=true"};
    static const char *const alone[] = {"-s loss.style_weight=0 -s loss.tv_weight=0",
                                        "-s loss.content_weight=0 -s loss.tv_weight=0",
                                        "-s loss.content_weight=0 -s loss.style_weight=0"};
    for (int i = 0; i < 2; i++) {
        double norm[3], sum = 0;
        for (int k = 0; k < 3; k++) {
            nstx(0,
                 "run tiny.ini --overwrite -o alone.h5 -s data.batch=1 -s loss.tv_weight=0.01 -s log.debug=true "
                 "-s experiment.steps=0 %s %s",
                 ways[i], alone[k]);
            assert_null(strstr(said_err, "balance"));
            sum += norm[k] = norm_of_gradient("alone.h5");
        }
        nstx(0, "run tiny.ini --overwrite -o all.h5 -s data.batch=1 -s loss.tv_weight=0.01 -s experiment.steps=0 %s",
             ways[i]);
        assert_said(said_err, "\nbalance: content ");
        assert_said(said_err, " % of the gradient at the start");
        assert_near(share("all.h5", "content"), norm[0] / sum, 1e-4);
        assert_near(share("all.h5", "style"), norm[1] / sum, 1e-4);
        assert_near(share("all.h5", "rest"), norm[2] / sum, 1e-4);
    }
}

/* Taken at its word, what it advises leaves nothing to advise. */
static void test_advice(void **state)
{
    (void)state;
    nstx(0, "run gatys.ini --overwrite -o a.h5 " RELATIVE " -s loss.content_weight=1e-5 -s experiment.steps=0");
    double times = advised("the content will hardly be seen: raise loss.content_weight about ");
    assert_true(times >= 10);
    nstx(0, "run gatys.ini --overwrite -o b.h5 " RELATIVE " -s loss.content_weight=%g -s experiment.steps=0",
         1e-5 * times);
    assert_null(strstr(said_err, "hardly"));
    assert_near(share("b.h5", "content") / share("b.h5", "style"), .1, .5);

    nstx(0, "run gatys.ini --overwrite -o a.h5 " RELATIVE " -s loss.style_weight=1e-6 -s experiment.steps=0");
    times = advised("the style will hardly be seen: raise loss.style_weight about ");
    nstx(0, "run gatys.ini --overwrite -o b.h5 " RELATIVE " -s loss.style_weight=%g -s experiment.steps=0",
         1e-6 * times);
    assert_null(strstr(said_err, "hardly"));

    nstx(0, "run gatys.ini --overwrite -o a.h5 " RELATIVE " -s loss.tv_weight=1e4 -s experiment.steps=0");
    times = advised("than the variation: lower loss.tv_weight about ");
    assert_true(times > 100);
    nstx(0, "run gatys.ini --overwrite -o b.h5 " RELATIVE " -s loss.tv_weight=%g -s experiment.steps=0", 1e4 / times);
    assert_near(share("b.h5", "rest"), .5, .3);
    assert_null(strstr(said_err, "lower"));
}

/* Wherever an optimisation begins, its balance is the same: at the content itself nothing pulls towards it. It is said
 * once, and a run that goes on keeps it. */
static void test_balance_of_optimisation(void **state)
{
    (void)state;
    nstx(0, "run gatys.ini --overwrite -o noise.h5 -s loss.convention=mean -s experiment.steps=4 -s log.checkpoint=2");
    assert_said(said_err, " % of the gradient at noise");
    double noise = share("noise.h5", "content");
    assert_true(noise > 0 && noise < 1);
    assert_near(noise + share("noise.h5", "style"), 1, 1e-12);
    nstx(0,
         "run gatys.ini --overwrite -o content.h5 -s loss.convention=mean -s experiment.steps=4 -s data.init=content");
    assert_true(share("content.h5", "content") == noise);
    nstx(0, "run gatys.ini -o noise.h5 --resume -s loss.convention=mean -s experiment.steps=6 -s log.checkpoint=2");
    assert_null(strstr(said_err, "balance"));
    assert_true(share("noise.h5", "content") == noise);
    nx_h5 *file = open_h5("noise.h5");
    assert_false(nx_h5_has_attribute(file, "/balance", "rest"));
    close_h5(file);
    /* With one thing alone there is none. */
    nstx(0, "run gatys.ini --overwrite -o one.h5 -s data.content= -s experiment.steps=1");
    assert_null(strstr(said_err, "balance"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variation), cmocka_unit_test(test_scale),
        cmocka_unit_test(test_relative),  cmocka_unit_test(test_planned),
        cmocka_unit_test(test_nothing),   cmocka_unit_test(test_balance_of_training),
        cmocka_unit_test(test_advice),    cmocka_unit_test(test_balance_of_optimisation),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
