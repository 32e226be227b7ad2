/* What nstx writes over: nothing that it did not write itself, nothing that is read, and no run without being asked. */
#include "cli.h"

#include <png.h>
#include <signal.h>

/* A grey picture as a camera writes it: nstx, which knows its own, has not made it. */
static void write_photo(const char *name, int height, int width, int seed)
{
    nx_rng rng = nx_rng_new((uint64_t)seed, 0);
    uint8_t *grey = nx_alloc((size_t)height * (size_t)width);
    for (int i = 0; i < height * width; i++) grey[i] = (uint8_t)nx_rng_below(&rng, 256);
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .height = (png_uint_32)height,
                     .width = (png_uint_32)width,
                     .format = PNG_FORMAT_GRAY};
    assert_true(png_image_write_to_file(&png, at(name), 0, grey, 0, NULL));
    free(grey);
}

static int open_runs(void **state)
{
    if (cli_open(state)) return -1;
    write_photo("photos/1.png", 37, 49, 1);
    write_photo("photos/2.png", 38, 48, 2);
    nstx(0, "run tiny.ini -o a.h5");
    return 0;
}

/* A request is refused, and the files of both kinds are what they were (refused looks at every checksum). */
static void pictures_of_the_config_stay(void **state)
{
    (void)state;
    write_photo("portrait.png", 40, 40, 7);
    write_text("portrait.ini",
               "[experiment]\npaper = gatys\ntask = optimize\nsteps = 2\n"
               "[descriptor]\nweights = random\nwidth = 0.125\ncontent_layers = relu1_2\nstyle_layers = relu1_1\n"
               "[data]\ncontent = portrait.png\nstyle = style.png\nsize = 32\n");
    refused("portrait.png: it is read, as [data] content", "run portrait.ini");
    refused("portrait.png: it is read, as [data] content", "run portrait.ini --overwrite");
    write_photo("scream.png", 40, 40, 8);
    refused("scream.png: it is read, as [data] style", "run tiny.ini -o scream.h5 -s data.style=scream.png");
    refused("scream.png: there is a file that nstx did not write", "run tiny.ini -o scream.h5");
    assert_int_equal(symlink("scream.png", at("alias.png")), 0);
    refused("alias.png: it is read, as [data] style", "run tiny.ini -o alias.h5 -s data.style=scream.png");
    refused("photos/1.png: it is read, as [data] content", "run tiny.ini -o photos/1.h5");
}

/* [log] file may lead anywhere. */
static void a_log_file_elsewhere_spares_what_lies_beside(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("pics"), 0777), 0);
    assert_int_equal(mkdir(at("set"), 0777), 0);
    assert_int_equal(mkdir(at("set/deep"), 0777), 0);
    write_photo("pics/holiday.png", 40, 40, 9);
    write_text("set/deep/tiny.ini",
               "[experiment]\npaper = gatys\ntask = optimize\nsteps = 2\n"
               "[descriptor]\nweights = random\nwidth = 0.125\ncontent_layers = relu1_2\nstyle_layers = relu1_1\n"
               "[data]\ncontent = ../../photos/1.png\nstyle = ../../style.png\nsize = 32\n"
               "[log]\nfile = set/deep/../../pics/holiday.h5\n");
    refused("pics/holiday.png: there is a file that nstx did not write", "run set/deep/tiny.ini");
    refused("nowhere, from which it goes up, is not there", "run tiny.ini -o nowhere/../pics/holiday.h5");
}

static void pages_and_weights_take_no_run(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o b.h5 -s experiment.seed=2");
    assert_int_equal(symlink("a.h5", at("a.html")), 0);
    write_text("mine.html", "<p>what I saw today</p>\n");
    refused("a.html: it is read", "report a.h5 -o a.html");
    refused("a.html: there is a run", "report b.h5 -o a.html");
    refused("mine.html: there is a file that nstx did not write", "report a.h5 -o mine.html");
    refused("-o b.h5: a report is a page: end its name with .html", "report a.h5 -o b.h5");
    refused("-o b.png: a report is a page", "report a.h5 -o b.png"); /* though nstx wrote that */
    refused("a.model.h5: it is read", "weights export a.model.h5 a.model.h5");
    refused("b.h5: ", "weights export a.model.h5 b.h5");
    refused("photos/1.png: there is a file", "weights export a.model.h5 photos/1.png");
    refused("a.h5: there is a file that is no dataset", "dataset pack photos a.h5 --size 32");
    refused("photos/1.png: there is a file", "dataset pack photos photos/1.png --size 32");
    refused("a.model.h5: there is a file that is no run file of nstx", "run tiny.ini -o a.model.h5");
    refused("a.model.h5: there is a file that is no run file of nstx", "run tiny.ini -o a.model.h5 --resume");
    refused("a.model.h5: there is a file that is no run file of nstx", "run tiny.ini -o a.model.h5 --overwrite");
    nstx(0, "report a.h5 -o page.html");
    nstx(0, "report a.h5 b.h5 -o page.html"); /* its own */
    nstx(0, "weights export a.model.h5 a.safetensors");
    nstx(0, "weights export a.model.h5 a.safetensors");
}

/* Those of its last point, too, before the first is run. */
static void notes_beside_a_sweep_stay(void **state)
{
    (void)state;
    static const char *const endings[] = {"md", "csv", "png"};
    write_text("notes.ini", TINY "[experiment]\nsteps = 2\n[sweep]\nexperiment.seed = 1 2\n");
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[16], wanted[64];
        snprintf(name, sizeof name, "notes.%s", endings[i]);
        snprintf(wanted, sizeof wanted, "%s: there is a file that nstx did not write", name);
        write_text(name, "what I saw today\n");
        refused(wanted, "run notes.ini");
        refused(wanted, "sweep notes.ini");
        assert_int_equal(unlink(at(name)), 0);
    }
    write_text("notes-seed=2.log", "what I saw today\n");
    refused("notes-seed=2.log: there is a file that nstx did not write", "sweep notes.ini");
    assert_int_equal(unlink(at("notes-seed=2.log")), 0);
    write_photo("notes-seed=2.png", 40, 40, 14);
    refused("notes-seed=2.png: there is a file that nstx did not write", "run notes.ini");
    refused("notes-seed=2.png: there is a file that nstx did not write", "sweep notes.ini");
    assert_int_equal(unlink(at("notes-seed=2.png")), 0);
}

static void stylize_spares_what_it_reads(void **state)
{
    (void)state;
    write_photo("mask.png", 40, 40, 10);
    refused("mask.png would be written over, and it is read",
            "stylize a.model.h5 photos/1.png -o mask.png --mask a.model.h5=mask.png");
    refused("photos/2.png would be written over, and it is read",
            "stylize a.model.h5 photos/2.png photos/3.png -o photos");
    refused("photos/2.png: there is a file that nstx did not write", "stylize a.model.h5 photos/1.png -o photos/2.png");
    nstx(0, "stylize a.model.h5 photos/1.png -o made.png");
    nstx(0, "stylize a.model.h5 photos/2.png -o made.png"); /* its own */
    refused("made.png would be written over, and it is read", "stylize a.model.h5 made.png -o made.png");
}

/* The pictures that can be made are made, and those that cannot are named at the end. */
static void a_broken_picture_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("some"), 0777), 0);
    write_picture("some/1.png", 36, 36, 11);
    write_truncated("some/2.png", "some/1.png", 500);
    write_picture("some/3.png", 36, 36, 12);
    nstx(1, "stylize a.model.h5 some -o styled");
    assert_said(said_out, "styled/1.png");
    assert_said(said_out, "styled/3.png");
    assert_said(said_err, "nstx: some/2.png: a corrupt or truncated PNG");
    assert_said(said_err, "nstx: 1 of the pictures was not made: some/2.png\n");
    assert_false(nx_file_exists(at("styled/2.png")));
}

/* ---- runs ---- */

static void a_finished_run_gives_way_when_asked(void **state)
{
    (void)state;
    char *before = shell("cksum a.h5");
    nstx(0, "run tiny.ini -o a.h5");
    assert_said(said_err, "a.h5 is finished; --overwrite runs it again");
    char *after = shell("cksum a.h5");
    assert_string_equal(before, after);
    refused("a.h5: there is a run of another config: name another file with -o, or replace it by --overwrite",
            "run tiny.ini -o a.h5 -s experiment.seed=3");
    nstx(0, "run tiny.ini -o other.h5 -s experiment.seed=3");
    nstx(0, "run tiny.ini -o other.h5 --overwrite");
    assert_same_run("a.h5", "other.h5");
    free(before);
    free(after);
}

static void interrupt_run(const char *name)
{
    pid_t child = start("run tiny.ini -o %s -s experiment.steps=60", name);
    wait_for(child, "\nstep 3/");
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    assert_status(name, "interrupted");
}

static void an_interrupted_run_gives_way_when_asked(void **state)
{
    (void)state;
    interrupt_run("begun.h5");
    refused("go on with it by --resume, or replace it by --overwrite",
            "run tiny.ini -o begun.h5 -s experiment.steps=60");
    refused("a run of another config", "run tiny.ini -o begun.h5 -s experiment.seed=3");
    nstx(0, "run tiny.ini -o begun.h5 -s experiment.steps=60 --resume");
    assert_status("begun.h5", "finished");
}

/* A precision that a device has goes on in one that another has; that is said, and the file keeps it. */
static void a_change_of_precision_is_kept(void **state)
{
    (void)state;
    nx_h5 *file;
    nx_error err = {0};
    interrupt_run("mixed.h5");
    file = open_h5("mixed.h5");
    assert_attribute(file, "/device", "precision", "fp32");
    close_h5(file);
    uint64_t step = step_kept("mixed.h5");
    if (!nx_h5_open(&file, at("mixed.h5"), true, &err) ||
        !nx_h5_set_string(file, "/device", "precision", "bf16, tf32 from step 2", &err))
        fail_msg("%s", err.text);
    close_h5(file);
    char *wanted = nx_format("bf16, tf32 from step 2, fp32 from step %llu", (unsigned long long)step);
    for (int steps = 60; steps <= 61; steps++) { /* the second time nothing changes */
        nstx(0, "run tiny.ini -o mixed.h5 -s experiment.steps=%d --resume", steps);
        if (steps == 60)
            assert_said(said_err, wanted);
        else
            assert_null(strstr(said_err, "warning: mixed.h5"));
        file = open_h5("mixed.h5");
        assert_attribute(file, "/device", "precision", wanted);
        close_h5(file);
    }
    free(wanted);
}

/* Pictures may move: what is in them is what counts. */
static void data_that_moved_is_known_again(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o straight.h5 -s experiment.steps=60");
    interrupt_run("moved.h5");
    interrupt_run("changed.h5");
    assert_int_equal(rename(at("photos"), at("elsewhere")), 0);
    nstx(0, "run tiny.ini -o moved.h5 --resume -s experiment.steps=60 -s data.content=elsewhere");
    assert_same_run("straight.h5", "moved.h5");
    free(shell("cp elsewhere/4.png kept.png"));
    write_picture("elsewhere/4.png", 41, 47, 13);
    refused("[data] content", "run tiny.ini -o changed.h5 --resume -s experiment.steps=60 -s data.content=elsewhere");
    free(shell("mv kept.png elsewhere/4.png && mv elsewhere photos"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_of_the_config_stay),
        cmocka_unit_test(a_log_file_elsewhere_spares_what_lies_beside),
        cmocka_unit_test(pages_and_weights_take_no_run),
        cmocka_unit_test(notes_beside_a_sweep_stay),
        cmocka_unit_test(stylize_spares_what_it_reads),
        cmocka_unit_test(a_broken_picture_is_passed_over),
        cmocka_unit_test(a_finished_run_gives_way_when_asked),
        cmocka_unit_test(an_interrupted_run_gives_way_when_asked),
        cmocka_unit_test(a_change_of_precision_is_kept),
        cmocka_unit_test(data_that_moved_is_known_again),
    };
    return cmocka_run_group_tests(tests, open_runs, scratch_close);
}
