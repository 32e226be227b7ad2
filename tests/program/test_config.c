/* Configs: defaults, types, messages, the effective text, sweeps, continuing a run, and the reference in notes/. */
#include "../io/scratch.h"

#include "config/config.h"
#include "io/ini.h"

static const char *const no_overrides[] = {NULL};

static config *parse(const char *text, const char *const *overrides, size_t count)
{
    nx_error err = {0};
    config *c;
    if (!config_parse(&c, "a.ini", text, scratch_folder, overrides, count, &err)) fail_msg("%s", err.text);
    return c;
}

static void defaults_are_there(void **state)
{
    (void)state;
    config *c = parse("", no_overrides, 0);
    assert_int_equal(c->experiment.steps, 1000);
    assert_int_equal(c->generator.norm, NORM_INSTANCE);
    assert_float_equal(c->descriptor.sigma, 0.015, 0);
    assert_string_equal(c->descriptor.weights, "own");
    assert_string_equal(c->data.style, "");
    assert_int_equal(c->descriptor.style_layers.count, 4);
    assert_string_equal(c->descriptor.style_layers.items[3], "relu4_1");
    assert_int_equal(c->data.content.count, 0);
    assert_int_equal(config_points(c), 1);
    config_free(c);
}

static void values_are_read(void **state)
{
    (void)state;
    scratch_write(scratch("style.png"), "x", 1);
    mkdir(scratch("photos"), 0777);
    const char *overrides[] = {"optimizer.beta1 = 0.5", "experiment.steps=7"};
    config *c = parse("[experiment]\nsteps = 5000 ; many\nseed = 3e3\n"
                      "[device]\nname = Intel # 7 = x\nprofile = yes\n"
                      "[descriptor]\nstyle_layers = relu1_2, relu2_2,pool5 fc6\npooling = average\n"
                      "[loss]\nstyle_layer_weights = 1, 2 0.25 1e3\ncontent_layer_weights = mean\n"
                      "[generator]\nnorm = lrn_first\n[data]\ncontent = photos, style.png\nstyle = style.png\n",
                      overrides, 2);
    assert_int_equal(c->experiment.steps, 7);
    assert_int_equal(c->experiment.seed, 3000);
    assert_string_equal(c->device.name, "Intel # 7 = x");
    assert_true(c->device.profile);
    assert_float_equal(c->optimizer.beta1, 0.5, 0);
    assert_int_equal(c->generator.norm, NORM_LRN_FIRST);
    assert_int_equal(c->descriptor.pooling, POOLING_AVERAGE);
    assert_int_equal(c->descriptor.style_layers.count, 4);
    assert_string_equal(c->descriptor.style_layers.items[2], "pool5");
    assert_float_equal(config_layer_weight(&c->loss.style_layer_weights, 3, 4), 1000, 0);
    assert_float_equal(config_layer_weight(&c->loss.content_layer_weights, 1, 4), 0.25, 0);
    assert_int_equal(c->data.content.count, 2);
    assert_true(*c->data.content.items[0] == '/' && nx_ends_with(c->data.content.items[0], "/photos"));
    assert_true(nx_file_exists(c->data.style));
    char *norm = config_get(c, "generator", "norm"), *layers = config_get(c, "descriptor", "style_layers");
    assert_string_equal(norm, "lrn_first");
    assert_string_equal(layers, "relu1_2 relu2_2 pool5 fc6");
    free(norm);
    free(layers);
    nx_error err = {0};
    assert_true(config_need(c, "data", "style", &err));
    assert_false(config_need(c, "data", "validation", &err));
    assert_message(&err, "a.ini", "[data] validation is needed");
    config_free(c);
}

/* Every line of text that cannot be meant, and what the answer says. */
static void mistakes_are_answered(void **state)
{
    (void)state;
    mkdir(scratch("folder"), 0777);
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"[optimiser]\nlearning_rate = 1", "a.ini:2: there is no section [optimiser]: did you mean optimizer?"},
        {"[zzz]\nx = 1", "a.ini:2: there is no section [zzz]"},
        {"\n[optimizer]\nlearning_rte = 1",
         "a.ini:3: [optimizer] has no key learning_rte: did you mean learning_rate?"},
        {"[loss]\nresize = 1", "a.ini:2: [loss] has no key resize: it belongs to [data]"},
        {"[loss]\nzzzzzzzz = 1", "a.ini:2: [loss] has no key zzzzzzzz: its keys are content_weight, style_weight,"},
        {"[experiment]\nsteps = many", "a.ini:2: [experiment] steps: 'many' is not a whole number, at least 0"},
        {"[experiment]\nsteps = 1.5", "'1.5' is not a whole number"},
        {"[experiment]\nsteps = -1", "a.ini:2: [experiment] steps: -1 is out of range: it must be a whole number"},
        {"[experiment]\nsteps =", "'' is not a whole number"},
        {"[optimizer]\nlearning_rate = nan", "'nan' is not a number"},
        {"[optimizer]\nlearning_rate = 1e999", "'1e999' is not a number"},
        {"[optimizer]\nlearning_rate = 0x10", "'0x10' is not a number"},
        {"[optimizer]\nbeta1 = 1", "[optimizer] beta1: 1 is out of range: it must be a number from 0 to 0.999999"},
        {"[device]\nprofile = maybe", "[device] profile: 'maybe' is neither true nor false"},
        {"[generator]\nnorm = instanse",
         "'instanse' is not one of instance, batch, instance_first, lrn_first: did you"},
        {"[descriptor]\nstyle_layers = relu1_1 relu9_9", "[descriptor] style_layers: there is no layer 'relu9_9': did"},
        {"[descriptor]\nstyle_layers = x", "there is no layer 'x': layers are conv1_1"},
        {"[descriptor]\nstyle_layers = relu1_1 relu1_1", "relu1_1 stands there twice"},
        {"[descriptor]\nstyle_layers = relu3_4\nnetwork = vgg16",
         "a.ini:2: [descriptor] style_layers: vgg16 has no layer 'relu3_4': did you mean relu3_"},
        {"[descriptor]\nnetwork = vgg16\ncontent_layers = relu1_1 conv5_4", "vgg16 has no layer 'conv5_4': did you"},
        {"[descriptor]\nnetwork = vgg17", "'vgg17' is not one of vgg19, vgg16: did you mean vgg1"},
        {"[loss]\nstyle_layer_weights = 1 2", "a.ini:2: [loss] style_layer_weights: 2 numbers for the 4 layers of"},
        {"[loss]\nstyle_layer_weights = 1 2 3 -1", "-1 is out of range"},
        {"[loss]\nstyle_layer_weights = 1 2 3 x", "'x' is not a number"},
        {"[data]\nstyle = none.png", "/none.png and none.png"},
        {"[data]\nstyle = /none.png", "a.ini:2: [data] style: there is no file /none.png"},
        {"[data]\nstyle = folder", "folder is a folder, where a file is wanted"},
        {"[data]\ncontent = folder, none", "[data] content: there is no file or folder none: looked for "},
        {"[loss]\ntv = l1\ntv = l2", "a.ini:3: [loss] tv is set twice, first in line 2"},
        {"tv = l1", "a.ini:1"},
        {"[sweep]\nnorm = a b", "a.ini:2: [sweep] norm: write section.key = value value ..."},
        {"[sweep]\ngenerator.nrm = batch", "[sweep] generator.nrm: [generator] has no key nrm: did you mean norm?"},
        {"[sweep]\ngenerator.norm = batch bach", "[sweep] generator.norm: [generator] norm: 'bach' is not one of"},
        {"[sweep]\ngenerator.norm =", "no values"},
        {"[sweep]\noptimizer.learning_rate = 0.1 1e-1", "0.1 stands there twice"},
        {"[sweep]\nexperiment.seed = 1..3 2", "2 stands there twice"},
        {"[sweep]\nexperiment.seed = 3..1", "3..1 has no values: write first..last..step"},
        {"[sweep]\nexperiment.seed = 1..3..0", "'0' is not a step"},
        {"[sweep]\nmode = zap", "a.ini:2: [sweep] mode: 'zap' is not one of grid, zip"},
        {"[sweep]\nmode = zip\nexperiment.seed = 1 2\nloss.tv = l1",
         "a.ini:4: [sweep] loss.tv: 1 values, where experiment.seed has 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_error err = {0};
        config *c;
        if (config_parse(&c, "a.ini", cases[i].text, scratch_folder, no_overrides, 0, &err))
            fail_msg("accepted: %s", cases[i].text);
        assert_null(c);
        assert_message(&err, "a.ini:", cases[i].part);
    }
}

static void overrides_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *override, *part;
    } cases[] = {
        {"steps=1", "-s steps=1: write -s section.key=value"},
        {"experiment.steps", "write -s section.key=value"},
        {"a=b.c", "write -s section.key=value"},
        {"experiment.step=1", "-s experiment.step=1: [experiment] has no key step: did you mean steps?"},
        {"experiment.steps=x", "-s experiment.steps=x: [experiment] steps: 'x' is not a whole number"},
        {"loss.style_layer_weights=1", "-s loss.style_layer_weights=1: [loss] style_layer_weights: 1 numbers for"},
        {"device.name=a\nb", "a value of one line"},
        {"device.name=a\tb", "a control character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_error err = {0};
        config *c;
        assert_false(config_parse(&c, "a.ini", "", ".", &cases[i].override, 1, &err));
        assert_message(&err, "-s ", cases[i].part);
    }
    const char *twice[] = {"loss.tv=l1", "loss.tv=l2"}; /* the last counts */
    config *c = parse("", twice, 2);
    assert_int_equal(c->loss.tv, TV_L2);
    config_free(c);
}

/* Names of files as people have them: in quotes, or where a value is one path. */
static void any_name_of_a_file_can_be_written(void **state)
{
    (void)state;
    static const char *const names[] = {"comma, 2019.png", "semi ;colon.png", "quo\"te.png", " blank.png",
                                        "back\\slash.png"};
    static const char text[] =
        "[data]\nstyle = \"semi ;colon.png\" ; a comment\n"
        "content = \"comma, 2019.png\", \"quo\\\"te.png\", back\\slash.png, \" blank.png\"\n"
        "[device]\nname = \"a ; b\"\n[sweep]\ndata.fine_style = \"comma, 2019.png\" back\\slash.png\n";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) scratch_write(scratch(names[i]), "x", 1);
    config *c = parse(text, no_overrides, 0), *again;
    for (int pass = 0; pass < 2; pass++) { /* as it was written, and as the effective text has it */
        assert_true(nx_ends_with(c->data.style, "/semi ;colon.png"));
        assert_int_equal(c->data.content.count, 4);
        assert_true(nx_ends_with(c->data.content.items[0], "/comma, 2019.png"));
        assert_true(nx_ends_with(c->data.content.items[1], "/quo\"te.png"));
        assert_true(nx_ends_with(c->data.content.items[2], "/back\\slash.png"));
        assert_true(nx_ends_with(c->data.content.items[3], "/ blank.png"));
        assert_string_equal(c->device.name, "a ; b");
        config *point;
        char *label, *effective = config_text(c, NULL);
        nx_error err = {0};
        if (!config_point(&point, &label, c, 0, &err)) fail_msg("%s", err.text);
        assert_true(nx_ends_with(point->data.fine_style, "/comma, 2019.png"));
        assert_string_equal(label, "fine_style=comma, 2019");
        config_free(point);
        free(label);
        if (!config_parse(&again, "b.ini", effective, "/", no_overrides, 0, &err)) fail_msg("%s", err.text);
        free(effective);
        config_free(c);
        c = again;
    }
    config_free(c);
    const char *plain = "data.content=comma, 2019.png";
    c = parse("", &plain, 1);
    assert_int_equal(c->data.content.count, 1);
    config_free(c);
}

/* An override replaces a path that is not there, of the file, of its sweep and of its scale; ~ is the user's home. */
static void a_missing_path_can_be_replaced(void **state)
{
    (void)state;
    scratch_write(scratch("here.png"), "x", 1);
    const char *overrides[] = {"data.style=here.png", "experiment.scale=ci"};
    config *c = parse("[data]\nstyle = gone.png\n[sweep]\ndata.style = gone.png away.png\n[scale.ci]\ndata.style = "
                      "gone.png\nsweep.data.style = gone.png\n",
                      overrides, 2);
    assert_true(nx_ends_with(c->data.style, "/here.png"));
    assert_int_equal(c->axes, 0);
    config_free(c);
    char *home = nx_copy_text(getenv("HOME") ? getenv("HOME") : "");
    setenv("HOME", scratch_folder, 1);
    const char *at_home = "data.style=~/here.png";
    c = parse("", &at_home, 1);
    assert_true(nx_ends_with(c->data.style, "/here.png"));
    config_free(c);
    setenv("HOME", home, 1);
    free(home);
}

/* As many points as would take all memory are refused, however the product wraps. */
static void sweeps_have_an_end(void **state)
{
    (void)state;
    nx_error err = {0};
    config *c;
    assert_false(config_parse(&c, "a.ini",
                              "[sweep]\nexperiment.seed = 1..8192\nexperiment.steps = 1..8192\ndata.size = 1..8192\n"
                              "data.batch = 1..1024\nlog.every = 1..8192\n",
                              ".", no_overrides, 0, &err));
    assert_message(&err, "a.ini", "points: at most 10000");
}

static void a_missing_config_is_answered(void **state)
{
    (void)state;
    nx_error err = {0};
    config *c;
    assert_false(config_load(&c, scratch("none.ini"), no_overrides, 0, &err));
    assert_message(&err, "none.ini", "cannot open");
    scratch_write(scratch("zero.ini"), "a\0b", 3);
    assert_false(config_load(&c, scratch("zero.ini"), no_overrides, 0, &err));
    assert_message(&err, "zero.ini", "not a text file");
}

static void paths_begin_at_the_config(void **state)
{
    (void)state;
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    mkdir(scratch("configs"), 0777);
    scratch_write(scratch("configs/both.png"), "1", 1);
    scratch_write(scratch("both.png"), "22", 2);
    scratch_write(scratch("only_here.png"), "333", 3);
    scratch_write(scratch("configs/a.ini"), "[data]\nstyle = both.png\n", 24);
    assert_int_equal(chdir(scratch_folder), 0);
    config *c;
    nx_error err = {0};
    assert_true(config_load(&c, "configs/a.ini", no_overrides, 0, &err));
    assert_true(nx_ends_with(c->data.style, "/configs/both.png"));
    config_free(c);
    const char *override = "data.style=only_here.png";
    assert_true(config_load(&c, "configs/a.ini", &override, 1, &err));
    assert_true(nx_ends_with(c->data.style, "/only_here.png"));
    config_free(c);
    assert_int_equal(chdir(here), 0);
}

/* The effective text is complete, and parsed from elsewhere it is itself; so is one section of it. */
static void effective_text_reproduces_itself(void **state)
{
    (void)state;
    scratch_write(scratch("style.png"), "x", 1);
    config *c = parse("[optimizer]\nlearning_rate = .003\nbeta2 = 0.99\n[data]\nstyle = style.png\ncontent = "
                      "style.png\n[loss]\nstyle_layer_weights = .1 .2 .30000000000000004 4e-9\ntv_weight = 1e10\n"
                      "[sweep]\ndata.style = style.png\ndescriptor.style_layers = relu1_1,relu2_1 relu1_2,relu2_2\n"
                      "optimizer.learning_rate = 1e-3 0.01\n",
                      no_overrides, 0);
    char *text = config_text(c, NULL), hash[33], hash_again[33];
    assert_non_null(strstr(text, "learning_rate = 0.003\n"));
    assert_non_null(strstr(text, "style_layer_weights = 0.1 0.2 0.30000000000000004 4e-09\n"));
    assert_non_null(strstr(text, "[sweep]\n"));
    nx_error err = {0};
    config *again;
    if (!config_parse(&again, "b.ini", text, "/", no_overrides, 0, &err)) fail_msg("%s", err.text);
    char *text_again = config_text(again, NULL);
    assert_string_equal(text, text_again);
    config_hash(c, hash);
    config_hash(again, hash_again);
    assert_string_equal(hash, hash_again);
    assert_int_equal(strlen(hash), 32);
    again->experiment.seed++;
    config_hash(again, hash_again);
    assert_string_not_equal(hash, hash_again);
    config_free(again);
    char *part = config_text(c, "optimizer");
    assert_int_equal(strncmp(part, "[optimizer]\nmethod = adam\n", 26), 0);
    assert_true(config_parse(&again, "part", part, ".", no_overrides, 0, &err));
    assert_float_equal(again->optimizer.learning_rate, 0.003, 0);
    assert_int_equal(again->axes, 0);
    config_free(again);
    free(part);
    free(text_again);
    free(text);
    config_free(c);
}

/* However deep the folder, paths are absolute, and the effective text means the same from elsewhere. */
static void deep_folders_fit(void **state)
{
    (void)state;
    char here[4096], name[61];
    assert_non_null(getcwd(here, sizeof here));
    memset(name, 'd', 60);
    name[60] = 0;
    assert_int_equal(chdir(scratch_folder), 0);
    for (int i = 0; i < 4; i++) assert_true(!mkdir(name, 0777) && !chdir(name));
    scratch_write("style.png", "x", 1);
    scratch_write("other.png", "x", 1);
    nx_error err = {0};
    config *c;
    if (!config_parse(&c, "a.ini", "[data]\nstyle = style.png", ".", no_overrides, 0, &err)) fail_msg("%s", err.text);
    char *whole = nx_copy_text(c->data.style);
    assert_int_equal(whole[0], '/');
    assert_true(strlen(whole) > 240 && nx_ends_with(whole, "/style.png"));
    config_free(c);
    if (!config_parse(&c, "a.ini", "[sweep]\ndata.style = style.png other.png", ".", no_overrides, 0, &err))
        fail_msg("%s", err.text);
    char *text = config_text(c, NULL);
    config_free(c);
    assert_int_equal(chdir(here), 0);
    if (!config_parse(&c, "b.ini", text, ".", no_overrides, 0, &err)) fail_msg("%s", err.text);
    assert_string_equal(c->axis[0].values.items[0], whole);
    assert_true(nx_ends_with(c->axis[0].values.items[1], "/other.png"));
    config_free(c);
    free(text);
    free(whole);
}

static void assert_labels(const config *c, const char *const *labels, size_t count)
{
    assert_int_equal(config_points(c), count);
    for (size_t i = 0; i < count; i++) {
        config *point;
        char *label;
        nx_error err = {0};
        if (!config_point(&point, &label, c, i, &err)) fail_msg("%s", err.text);
        assert_string_equal(label, labels[i]);
        free(label);
        config_free(point);
    }
}

static void sweeps_are_grids(void **state)
{
    (void)state;
    const char *overrides[] = {"loss.tv=l1"};
    config *c = parse("[sweep]\ngenerator.norm = batch instance\nloss.tv = l1 l2\noptimizer.learning_rate = 0.1 0.01 "
                      "1e-3\ngenerator.padding = zero\ndescriptor.padding = zero\n",
                      overrides, 1);
    static const char *const labels[] = {
        "norm=batch learning_rate=0.1 generator.padding=zero descriptor.padding=zero",
        "norm=batch learning_rate=0.01 generator.padding=zero descriptor.padding=zero",
        "norm=batch learning_rate=0.001 generator.padding=zero descriptor.padding=zero",
        "norm=instance learning_rate=0.1 generator.padding=zero descriptor.padding=zero",
        "norm=instance learning_rate=0.01 generator.padding=zero descriptor.padding=zero",
        "norm=instance learning_rate=0.001 generator.padding=zero descriptor.padding=zero"};
    assert_int_equal(config_points(c), 6);
    for (size_t i = 0; i < 6; i++) {
        config *point;
        char *label;
        nx_error err = {0};
        if (!config_point(&point, &label, c, i, &err)) fail_msg("%s", err.text);
        assert_string_equal(label, labels[i]);
        assert_int_equal(point->generator.norm, i < 3 ? NORM_BATCH : NORM_INSTANCE);
        assert_int_equal(point->loss.tv, TV_L1);
        assert_int_equal(point->axes, 0);
        char *text = config_text(point, NULL);
        assert_null(strstr(text, "[sweep]"));
        free(text);
        free(label);
        config_free(point);
    }
    config_free(c);

    /* Ranges are written out; the effective text keeps them. */
    static const char *const ranged[] = {"seed=1 style_weight=0.1", "seed=1 style_weight=0.2",
                                         "seed=1 style_weight=0.3", "seed=2 style_weight=0.1",
                                         "seed=2 style_weight=0.2", "seed=2 style_weight=0.3"};
    c = parse("[sweep]\nexperiment.seed = 1..2\nloss.style_weight = 0.1..0.3..0.1\n", no_overrides, 0);
    assert_labels(c, ranged, 6);
    char *effective = config_text(c, NULL);
    assert_non_null(strstr(effective, "loss.style_weight = 0.1..0.3..0.1\n"));
    free(effective);
    config_free(c);

    /* Side by side instead of all combinations; a value may then stand there twice. */
    static const char *const zipped[] = {"seed=4 norm=batch", "seed=2 norm=batch", "seed=0 norm=instance"};
    c = parse("[sweep]\nexperiment.seed = 4..0..-2\ngenerator.norm = batch batch instance\nmode = zip\n", no_overrides,
              0);
    assert_labels(c, zipped, 3);
    effective = config_text(c, NULL);
    assert_non_null(strstr(effective, "[sweep]\nmode = zip\n"));
    free(effective);
    config_free(c);

    /* Each value is fine by itself; what does not go together is found in its point. */
    config *point;
    char *label;
    nx_error err = {0};
    c = parse("[loss]\nstyle_layer_weights = 1 2 3 4\n[sweep]\ndescriptor.style_layers = relu1_1 "
              "relu1_1,relu2_1,relu3_1,relu4_1\n",
              no_overrides, 0);
    assert_false(config_point(&point, &label, c, 0, &err));
    assert_message(&err, "a.ini", "4 numbers for the 1 layers");
    assert_null(label);
    assert_true(config_point(&point, &label, c, 1, &err));
    assert_string_equal(label, "style_layers=relu1_1,relu2_1,relu3_1,relu4_1");
    free(label);
    config_free(point);
    config_free(c);
}

static void scales_change_a_config(void **state)
{
    (void)state;
    static const char text[] = "[scale.ci]\nexperiment.steps = 7\nloss.style_weight = 2\nsweep.generator.norm = batch\n"
                               "[experiment]\nsteps = 90\n[scale.laptop]\nexperiment.steps = 50\n"
                               "[sweep]\nloss.style_weight = 1 3\ngenerator.norm = batch instance\n";
    const char *ci[] = {"experiment.scale=ci"}, *laptop[] = {"experiment.scale=laptop", "experiment.steps=60"};
    config *c = parse(text, no_overrides, 0);
    assert_int_equal(c->experiment.steps, 90);
    assert_int_equal(config_points(c), 4);
    config_free(c);
    c = parse(text, ci, 1); /* wherever the section stands; a swept key is pinned */
    assert_int_equal(c->experiment.steps, 7);
    assert_true(c->loss.style_weight == 2);
    assert_int_equal(config_points(c), 1);
    config_free(c);
    c = parse(text, laptop, 2); /* overrides come last */
    assert_int_equal(c->experiment.steps, 60);
    assert_int_equal(config_points(c), 4);
    char *effective = config_text(c, NULL); /* which has no scales any more, but remembers its own */
    assert_null(strstr(effective, "[scale."));
    assert_non_null(strstr(effective, "scale = laptop\n"));
    free(effective);
    config_free(c);

    nx_error err = {0};
    assert_false(config_parse(&c, "a.ini", "[scale.huge]\nexperiment.steps = 1\n", ".", NULL, 0, &err));
    assert_message(&err, "a.ini:2", "there is no scale huge");
    assert_false(config_parse(&c, "a.ini", "[scale.ci]\nsteps = 1\n", ".", NULL, 0, &err));
    assert_message(&err, "a.ini:2", "write section.key = value");
    assert_false(config_parse(&c, "a.ini", "[scale.ci]\nexperiment.stepz = 1\n", ".", NULL, 0, &err));
    assert_message(&err, "a.ini:2", "steps"); /* also where the scale is another */
}

static void continuing_wants_the_same_run(void **state)
{
    (void)state;
    config *c = parse("", no_overrides, 0);
    char *stored = config_text(c, NULL);
    const char *more[] = {"experiment.steps=9", "log.every=1", "device.name=x"}, *other[] = {"loss.style_weight=2"};
    nx_error err = {0};
    config *now = parse("", more, 3);
    assert_true(config_continues(now, "run.h5", stored, NULL, NULL, &err));
    config_free(now);
    now = parse("", other, 1);
    assert_false(config_continues(now, "run.h5", stored, NULL, NULL, &err));
    assert_message(&err, "run.h5", "the run began with [loss] style_weight = 1, not 2");
    config_free(now);
    free(stored);
    config_free(c);
}

/* It is as large as the picture unless it is given, and the same either way. */
static void the_size_of_a_style_follows(void **state)
{
    (void)state;
    const char *size[] = {"data.size=512"}, *given[] = {"data.size=512", "data.style_size=512"},
               *own[] = {"data.size=512", "data.style_size=0"}, *other[] = {"data.size=512", "data.style_size=256"};
    config *c = parse("", size, 1);
    char *stored = config_text(c, NULL);
    nx_error err = {0};
    assert_int_equal(config_style_size(c), 512);
    config *now = parse("", given, 2);
    char *explicit = config_text(now, NULL);
    assert_int_equal(config_style_size(now), 512);
    assert_true(config_continues(now, "run.h5", stored, NULL, NULL, &err));
    assert_true(config_continues(c, "run.h5", explicit, NULL, NULL, &err));
    config_free(now);
    now = parse("", other, 2);
    assert_false(config_continues(now, "run.h5", stored, NULL, NULL, &err));
    assert_message(&err, "run.h5", "the run began with [data] style_size = -1, not 256");
    config_free(now);
    now = parse("", own, 2);
    assert_int_equal(config_style_size(now), 0);
    config_free(now);
    free(explicit);
    free(stored);
    config_free(c);
}

/* notes/config.md is what config_reference prints. */
static void the_reference_is_current(void **state)
{
    (void)state;
    char *folder = nx_path_folder(__FILE__), *path = nx_format("%s/../../notes/config.md", folder);
    char *noted, *made = NULL;
    size_t noted_bytes, bytes;
    nx_error err = {0};
    if (!nx_file_read(path, &noted, &noted_bytes, &err)) fail_msg("%s", err.text);
    FILE *out = open_memstream(&made, &bytes);
    config_reference(out);
    fclose(out);
    assert_string_equal(noted, made);
    free(made);
    free(noted);
    free(path);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_there),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(mistakes_are_answered),
        cmocka_unit_test(overrides_are_answered),
        cmocka_unit_test(any_name_of_a_file_can_be_written),
        cmocka_unit_test(a_missing_path_can_be_replaced),
        cmocka_unit_test(sweeps_have_an_end),
        cmocka_unit_test(a_missing_config_is_answered),
        cmocka_unit_test(paths_begin_at_the_config),
        cmocka_unit_test(effective_text_reproduces_itself),
        cmocka_unit_test(deep_folders_fit),
        cmocka_unit_test(sweeps_are_grids),
        cmocka_unit_test(scales_change_a_config),
        cmocka_unit_test(continuing_wants_the_same_run),
        cmocka_unit_test(the_size_of_a_style_follows),
        cmocka_unit_test(the_reference_is_current),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
