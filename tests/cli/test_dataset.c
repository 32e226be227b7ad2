/* nstx dataset: what is packed, what is left out and said, and that training from the file is training from the folder.
 */
#include "cli.h"

#include "io/loader.h"
#include "io/packed.h"

static void a_folder_is_packed(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("mixed"), 0777), 0);
    assert_int_equal(mkdir(at("mixed/deep"), 0777), 0);
    assert_int_equal(mkdir(at("mixed/deep/er"), 0777), 0);
    write_picture("mixed/wide.png", 40, 90, 1);
    write_picture("mixed/deep/tall.png", 71, 40, 2);
    write_picture("mixed/deep/er/exact.png", 32, 32, 3);
    write_picture("mixed/small.png", 31, 90, 4);
    write_truncated("mixed/broken.png", "mixed/wide.png", 400);
    write_text("mixed/text.png", "no picture");
    nstx(0, "dataset pack mixed mixed.h5 --size 32");
    assert_said(said_out, "mixed.h5: 3 pictures of 32 x 32 pixels");
    assert_said(said_out, "3 left out");
    assert_said(said_err, "left out: mixed/small.png: 90 x 31 pixels, smaller than 32");
    assert_said(said_err, "left out: mixed/broken.png: ");
    assert_said(said_err, "left out: mixed/text.png: no PNG, JPEG or WebP");
    assert_no_drafts();

    /* In the order of their paths; a picture of the size itself is kept bit for bit. */
    nx_h5 *file = open_h5("mixed.h5");
    char *names;
    uint8_t *rgb;
    int rank, shape[NX_H5_RANK_MAX];
    nx_error err = {0};
    assert_true(nx_h5_read_text(file, "/names", &names, &err));
    assert_string_equal(names, "deep/er/exact.png\ndeep/tall.png\nwide.png\n");
    assert_true(nx_h5_read_uint8(file, "/pictures", &rgb, &rank, shape, &err));
    assert_int_equal(rank, 4);
    assert_int_equal(shape[0], 3);
    assert_attribute(file, "/pictures", "CLASS", "IMAGE");
    nx_image image;
    assert_true(nx_image_load(&image, at("mixed/deep/er/exact.png"), &err));
    for (size_t i = 0; i < 32 * 32 * 3; i++) assert_int_equal(rgb[i], (int)image.rgb[i]);
    nx_image_free(&image);
    free(names);
    free(rgb);
    close_h5(file);

    nstx(0, "dataset info mixed.h5");
    assert_said(said_out, "3 of 32 x 32 pixels");
    assert_said(said_out, "mixed/small.png");
    nstx(0, "info mixed.h5");
    assert_said(said_out, "a packed dataset");
}

/* What lies in class folders can be told by class. */
static void classes_are_kept(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("kinds"), 0777), 0);
    assert_int_equal(mkdir(at("kinds/stone"), 0777), 0);
    assert_int_equal(mkdir(at("kinds/leaf"), 0777), 0);
    write_picture("kinds/stone/1.png", 32, 32, 1);
    write_picture("kinds/leaf/1.png", 32, 32, 2);
    write_picture("kinds/leaf/2.png", 32, 32, 3);
    nstx(0, "dataset pack kinds kinds.h5 --size 32");
    nstx(0, "dataset info kinds.h5");
    assert_said(said_out, "classes                      2");
    assert_said(said_out, "leaf                       2");
    assert_said(said_out, "stone                      1");
    nstx(0, "dataset info mixed.h5"); /* of which a picture lies beside the folders */
    assert_null(strstr(said_out, "classes"));
}

static void mistakes_are_answered(void **state)
{
    (void)state;
    refused("nowhere", "dataset pack nowhere out.h5");
    refused("--size 4: from 8 to", "dataset pack mixed out.h5 --size 4");
    refused("where a file is to be written", "dataset pack mixed photos");
    refused("a folder and a file", "dataset pack mixed");
    refused("there is no `dataset unpack`", "dataset unpack");
    refused("not an HDF5 file", "dataset info tiny.ini");
    nstx(2, "dataset pack mixed none.h5 --size 500");
    assert_said(said_err, "no picture could be packed");
    assert_false(nx_file_exists(at("none.h5")));
    assert_no_drafts();
    write_truncated("short.h5", "mixed.h5", 6000);
    refused("short.h5", "dataset info short.h5");
    refused("short.h5", "run tiny.ini -s data.content=short.h5");
    refused("smaller than the crop", "run tiny.ini -s data.content=mixed.h5 -s data.size=64");
}

/* The same pictures from files and from the pack, in the same batches. */
static void the_loader_reads_either(void **state)
{
    (void)state;
    enum { SIDE = 40, CROP = 24, BATCH = 3 };
    nx_error err = {0};
    assert_int_equal(mkdir(at("square"), 0777), 0);
    for (int i = 0; i < 7; i++) {
        char name[32];
        snprintf(name, sizeof name, "square/%d.png", i);
        write_picture(name, SIDE, SIDE, 50 + i);
    }
    nstx(0, "dataset pack square square.h5 --size 40");
    static const char *const sources[] = {"square", "square.h5"};
    static float batch[2][BATCH * CROP * CROP * 3];
    nx_loader *loader[2];
    nx_file_list list[2];
    for (int k = 0; k < 2; k++) {
        assert_true(nx_packed_images(&list[k], at(sources[k]), &err));
        assert_int_equal(list[k].count, 7);
        nx_loader_options options = {
            .paths = list[k].paths, .count = 7, .crop = CROP, .batch = BATCH, .seed = 5, .resize_short = 30};
        if (!nx_loader_new(&loader[k], &options, &err)) fail_msg("%s", err.text);
    }
    for (uint64_t b = 0; b < 6; b++) {
        for (int k = 0; k < 2; k++) assert_true(nx_loader_batch(loader[k], b, batch[k], &err));
        assert_memory_equal(batch[0], batch[1], sizeof batch[0]);
    }
    for (int k = 0; k < 2; k++) {
        nx_loader_free(loader[k]);
        nx_file_list_free(&list[k]);
    }
}

static void training_from_it_is_the_same(void **state)
{
    (void)state;
    nstx(0, "run tiny.ini -o files.h5 -s data.content=square");
    nstx(0, "run tiny.ini -o packed.h5 -s data.content=square.h5");
    assert_same_run("files.h5", "packed.h5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_packed),           cmocka_unit_test(classes_are_kept),
        cmocka_unit_test(mistakes_are_answered),        cmocka_unit_test(the_loader_reads_either),
        cmocka_unit_test(training_from_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
