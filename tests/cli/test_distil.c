/* task = distil: a student learns, what it writes is a descriptor like any other, a run that was interrupted goes on to
 * the same bits, and what a config can get wrong is said. */
#include "cli.h"

#include "networks/descriptor_files.h"

#define DISTIL                                                                                                         \
    "[experiment]\ntask = distil\nsteps = 6\n"                                                                         \
    "[distil]\nteacher = teacher.safetensors\nlayers = relu1_1 relu2_1\npositions = 64\n"                              \
    "[descriptor]\nweights = random\ninit = he\nwidth = 0.0625\npadding = reflect\n"                                   \
    "[optimizer]\nschedule = cosine\nclip = 1\n"                                                                       \
    "[data]\ncontent = large\nvalidation_count = 2\nsize = 48\nbatch = 2\n"                                            \
    "[log]\nevery = 1\nvalidation = 3\nimages = 3\ncheckpoint = 2\n"

/* Random weights of a VGG-16, an eighth as wide, to conv2_1, as a file. */
static void write_teacher(void)
{
    static const char *const layers[] = {"relu2_1"};
    descriptor *d;
    nx_error err = {0};
    descriptor_options options = {
        .network = descriptor_network_at(DESCRIPTOR_vgg16), .init = INIT_HE, .width = 0.125f, .seed = 5};
    if (!descriptor_new(&d, &options, layers, 1, &err)) fail_msg("%s", err.text);
    if (!descriptor_save(d, at("teacher.safetensors"), NULL, 0, &err)) fail_msg("%s", err.text);
    descriptor_free(d);
}

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    for (int i = 0; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof name, "large/%d.png", i);
        if (!i && mkdir(at("large"), 0777)) return -1;
        write_picture(name, 64, 64, 10 + i);
    }
    write_teacher();
    write_text("distil.ini", DISTIL);
    return 0;
}

static double loss_of(const char *run, const char *metric, bool last)
{
    size_t n;
    nx_h5 *file = open_h5(run);
    double *values = values_of(file, metric, &n), value = values[last ? n - 1 : 0];
    free(values);
    close_h5(file);
    return value;
}

static void a_student_learns(void **state)
{
    (void)state;
    nstx(0,
         "run distil.ini -o long.h5 -s experiment.steps=60 -s distil.start=weights -s optimizer.learning_rate=0.005");
    assert_true(loss_of("long.h5", "validation/total", true) < 0.7 * loss_of("long.h5", "validation/total", false));
    assert_true(loss_of("long.h5", "validation/kernel/relu2_1", true) <
                loss_of("long.h5", "validation/kernel/relu2_1", false));
    nstx(0, "run distil.ini -o made.h5 -s experiment.steps=0");
    nstx(0, "run distil.ini -o drawn.h5 -s experiment.steps=0 -s distil.start=weights");
    assert_true(loss_of("made.h5", "validation/kernel/relu2_1", true) <
                0.5 * loss_of("drawn.h5", "validation/kernel/relu2_1", true));
}

/* What it writes is checked, normalised and compared with like any other file of weights; and trained on. */
static void a_student_is_a_descriptor(void **state)
{
    (void)state;
    nstx(0, "run distil.ini -o net.h5 -s distil.note=tested");
    refused("net.h5: a run that distils a descriptor", "weights export net.h5 x.onnx");
    nstx(0, "weights verify net.safetensors");
    assert_said(said_out, "conv2_1");
    nstx(0, "run tiny.ini -o used.h5 -s descriptor.weights=net.safetensors");
    nstx(0, "run distil.ini -o more.h5 -s descriptor.weights=net.safetensors -s distil.start=weights "
            "-s experiment.steps=0");
    assert_true(fabs(loss_of("more.h5", "validation/kernel/relu2_1", true) /
                         loss_of("net.h5", "validation/kernel/relu2_1", true) -
                     1) < 1e-3);
}

static void the_same_bits_twice_and_resumed(void **state)
{
    (void)state;
    nstx(0, "run distil.ini -o one.h5 -s distil.noise=0.3");
    nstx(0, "run distil.ini -o two.h5 -s distil.noise=0.3");
    assert_same_run("one.h5", "two.h5");
    /* the rate's half wave ends where the steps end: the same steps, cut off */
    pid_t child = start("run distil.ini -o cut.h5 -s distil.noise=0.3 -s log.every=1");
    wait_for(child, "step 2/6");
    kill(child, SIGTERM);
    int code = finish(child);
    if (code) nstx(0, "run distil.ini -o cut.h5 -s distil.noise=0.3 --resume");
    assert_same_run("one.h5", "cut.h5");
}

static void bad_requests(void **state)
{
    (void)state;
    refused("[distil] teacher is needed here", "run distil.ini -s distil.teacher=");
    refused("no weights of conv2_2", "run distil.ini -s distil.layers=relu1_1,relu4_1");
    refused("[distil] layers: there is none to match", "run distil.ini -s distil.layers=");
    refused("larger crops are needed", "run distil.ini -s data.size=20");
    refused("[data] content is needed here", "run distil.ini -s data.content=");
    nstx(0, "run distil.ini -o wide.h5 -s experiment.steps=0 -s descriptor.width=0.25");
    assert_said(said_err, "the student has 16 channels, more than the teacher's 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_student_learns),
        cmocka_unit_test(a_student_is_a_descriptor),
        cmocka_unit_test(the_same_bits_twice_and_resumed),
        cmocka_unit_test(bad_requests),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
