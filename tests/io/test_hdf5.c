/* HDF5: what is written is read back, also by a second reader while the log is open; wrong uses are one line. */
#include "base/bfloat16.h"
#include "io/hdf5.h"

#include "scratch.h"

#include <hdf5.h>

static nx_h5 *fresh(const char *name)
{
    nx_error err;
    nx_h5 *h5;
    if (!nx_h5_create(&h5, scratch(name), &err)) fail_msg("%s", err.text);
    return h5;
}

static void attributes_are_replaced(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5 = fresh("attributes.h5");
    char *text;
    int64_t whole;
    double real;
    assert_true(nx_h5_group(h5, "/a/b", &err));
    assert_true(nx_h5_set_string(h5, "/a/b", "name", "first", &err));
    assert_true(nx_h5_set_string(h5, "/a/b", "name", "Größe, longer than before", &err));
    assert_true(nx_h5_set_string(h5, "/", "empty", "", &err));
    assert_true(nx_h5_set_int(h5, "/a", "step", 1, &err));
    assert_true(nx_h5_set_int(h5, "/a", "step", INT64_MIN, &err));
    assert_true(nx_h5_set_double(h5, "/a", "rate", 1e-300, &err));
    assert_true(nx_h5_close(h5, &err));
    assert_true(nx_h5_open(&h5, scratch("attributes.h5"), false, &err));
    assert_true(nx_h5_get_string(h5, "/a/b", "name", &text, &err));
    assert_string_equal(text, "Größe, longer than before");
    free(text);
    assert_true(nx_h5_get_string(h5, "/", "empty", &text, &err));
    assert_string_equal(text, "");
    free(text);
    assert_true(nx_h5_get_int(h5, "/a", "step", &whole, &err));
    assert_true(whole == INT64_MIN);
    assert_true(nx_h5_get_double(h5, "/a", "rate", &real, &err));
    assert_true(real == 1e-300);
    assert_true(nx_h5_has_attribute(h5, "/a", "step"));
    assert_false(nx_h5_has_attribute(h5, "/a", "none"));
    assert_false(nx_h5_has_attribute(h5, "/none/at", "all"));
    assert_false(nx_h5_get_int(h5, "/a", "none", &whole, &err));
    assert_message(&err, scratch("attributes.h5"), "no attribute none");
    assert_false(nx_h5_get_int(h5, "/a", "rate", &whole, &err));
    assert_message(&err, scratch("attributes.h5"), "not one integer");
    assert_false(nx_h5_get_string(h5, "/a", "rate", &text, &err));
    assert_null(text);
    assert_false(nx_h5_set_int(h5, "/a", "step", 2, &err)); /* opened to read */
    assert_message(&err, scratch("attributes.h5"), "cannot write");
    assert_true(nx_h5_close(h5, &err));
}

static void series_grow_and_survive(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5 = fresh("series.h5"), *reader;
    double *loss, last[3] = {7, 8, 9};
    int64_t *whole;
    uint64_t *unsigned_whole;
    size_t count;
    for (int i = 0; i < 3000; i++) { /* over several chunks */
        double value = i * 0.5;
        int64_t negative = -i;
        uint64_t large = UINT64_MAX - i;
        assert_true(nx_h5_append_double(h5, "/train/loss", &value, 1, &err));
        assert_true(nx_h5_append_int64(h5, "/train/step", &negative, 1, &err));
        assert_true(nx_h5_append_uint64(h5, "/train/seed", &large, 1, &err));
    }
    assert_true(nx_h5_flush(h5, &err));
    /* A copy made after the flush is whole: what a reader sees if the run dies here. */
    char *data;
    size_t bytes;
    assert_true(nx_file_read(scratch("series.h5"), &data, &bytes, &err));
    scratch_write(scratch("copy.h5"), data, bytes);
    free(data);
    if (!nx_h5_open(&reader, scratch("copy.h5"), false, &err)) fail_msg("%s", err.text);
    assert_true(nx_h5_read_double(reader, "/train/loss", &loss, &count, &err));
    assert_int_equal(count, 3000);
    for (int i = 0; i < 3000; i++) assert_true(loss[i] == i * 0.5);
    free(loss);
    assert_true(nx_h5_close(reader, &err));
    assert_true(nx_h5_close(h5, &err));

    assert_true(nx_h5_open(&h5, scratch("series.h5"), true, &err));
    assert_true(nx_h5_append_double(h5, "/train/loss", last, 3, &err));
    assert_true(nx_h5_append_double(h5, "/train/loss", NULL, 0, &err));
    assert_true(nx_h5_read_double(h5, "/train/loss", &loss, &count, &err));
    assert_int_equal(count, 3003);
    assert_true(loss[3002] == 9);
    free(loss);
    assert_true(nx_h5_read_int64(h5, "/train/step", &whole, &count, &err));
    assert_true(whole[2999] == -2999);
    free(whole);
    assert_true(nx_h5_read_uint64(h5, "/train/seed", &unsigned_whole, &count, &err));
    assert_true(unsigned_whole[0] == UINT64_MAX);
    free(unsigned_whole);
    /* The type stays what it was. */
    assert_false(nx_h5_append_double(h5, "/train/step", last, 1, &err));
    assert_message(&err, scratch("series.h5"), "another type or shape");
    assert_false(nx_h5_read_int64(h5, "/train/seed", &whole, &count, &err));
    assert_message(&err, scratch("series.h5"), "does not hold signed integers");
    assert_false(nx_h5_append_double(h5, "/train", last, 1, &err));
    assert_message(&err, scratch("series.h5"), "is a group");
    assert_true(nx_h5_close(h5, &err));
}

static void arrays_keep_their_shape(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5 = fresh("arrays.h5");
    float numbers[24], *floats;
    uint8_t small[6] = {0, 1, 2, 253, 254, 255}, *bytes;
    int rank, shape[NX_H5_RANK_MAX];
    for (int i = 0; i < 24; i++) numbers[i] = (float)i / 7;
    assert_true(nx_h5_write_float(h5, "/w/conv", numbers, 1, (int[]){24}, &err));
    assert_true(nx_h5_write_float(h5, "/w/conv", numbers, 4, (int[]){1, 2, 3, 4}, &err));
    assert_true(nx_h5_write_float(h5, "/w/scalar", numbers + 5, 0, NULL, &err));
    assert_true(nx_h5_write_float(h5, "/w/nothing", numbers, 2, (int[]){0, 3}, &err));
    assert_true(nx_h5_append_image(h5, "/mask", small, 1, 2, &err));
    assert_true(nx_h5_read_float(h5, "/w/conv", &floats, &rank, shape, &err));
    assert_int_equal(rank, 4);
    assert_memory_equal(shape, ((int[]){1, 2, 3, 4}), 4 * sizeof(int));
    assert_memory_equal(floats, numbers, sizeof numbers);
    free(floats);
    /* What bfloat16 holds comes back as it was. */
    float coarse[6] = {0, -1.5f, 0x1.fep100f, -0x1p-130f, 384, 1e30f};
    coarse[5] = nx_from_bfloat16(nx_to_bfloat16(coarse[5]));
    assert_true(nx_h5_write_bfloat16(h5, "/w/coarse", coarse, 2, (int[]){2, 3}, &err));
    assert_true(nx_h5_read_float(h5, "/w/coarse", &floats, &rank, shape, &err));
    assert_int_equal(rank, 2);
    assert_memory_equal(floats, coarse, sizeof coarse);
    free(floats);
    assert_true(nx_h5_read_float(h5, "/w/scalar", &floats, &rank, shape, &err));
    assert_int_equal(rank, 0);
    assert_true(*floats == numbers[5]);
    free(floats);
    assert_true(nx_h5_read_float(h5, "/w/nothing", &floats, &rank, shape, &err));
    assert_int_equal(shape[0], 0);
    free(floats);
    assert_true(nx_h5_read_uint8(h5, "/mask", &bytes, &rank, shape, &err));
    assert_memory_equal(bytes, small, sizeof small);
    free(bytes);
    assert_true(nx_h5_shape(h5, "/mask", &rank, shape, &err));
    assert_int_equal(rank, 4);
    assert_int_equal(shape[2], 2);
    assert_false(nx_h5_read_float(h5, "/mask", &floats, &rank, shape, &err));
    assert_message(&err, scratch("arrays.h5"), "does not hold floats");
    assert_false(nx_h5_read_float(h5, "/w/none", &floats, &rank, shape, &err));
    assert_message(&err, scratch("arrays.h5"), "there is no /w/none");
    assert_false(nx_h5_write_float(h5, "/mask/below", numbers, 1, (int[]){1}, &err));
    assert_message(&err, scratch("arrays.h5"), "/mask/below");
    assert_true(nx_h5_close(h5, &err));
}

static void objects_are_listed_and_deleted(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5 = fresh("objects.h5");
    nx_h5_names names;
    double one = 1;
    char *text;
    assert_true(nx_h5_write_text(h5, "/z/config", "[a]\nb = ü\n", &err));
    assert_true(nx_h5_write_text(h5, "/z/config", "", &err));
    assert_true(nx_h5_read_text(h5, "/z/config", &text, &err));
    assert_string_equal(text, "");
    free(text);
    assert_true(nx_h5_write_text(h5, "/z/config", "[a]\nb = ü\n", &err));
    assert_true(nx_h5_read_text(h5, "/z/config", &text, &err));
    assert_string_equal(text, "[a]\nb = ü\n");
    free(text);
    assert_true(nx_h5_append_double(h5, "/z/B", &one, 1, &err));
    assert_true(nx_h5_group(h5, "/z/a", &err));
    assert_true(nx_h5_group(h5, "/z/a", &err));
    assert_false(nx_h5_group(h5, "/z/B", &err));
    assert_message(&err, scratch("objects.h5"), "is no group");
    assert_int_equal(nx_h5_kind_of(h5, "/"), NX_H5_GROUP);
    assert_int_equal(nx_h5_kind_of(h5, "/z/a"), NX_H5_GROUP);
    assert_int_equal(nx_h5_kind_of(h5, "/z/B"), NX_H5_FLOATS);
    assert_int_equal(nx_h5_kind_of(h5, "/z/config"), NX_H5_TEXT);
    assert_int_equal(nx_h5_kind_of(h5, "/q/r/s"), NX_H5_NONE);
    assert_true(nx_h5_children(h5, "/z", &names, &err));
    assert_int_equal(names.count, 3);
    assert_string_equal(names.names[0], "B");
    assert_string_equal(names.names[1], "a");
    assert_string_equal(names.names[2], "config");
    nx_h5_names_free(&names);
    assert_true(nx_h5_delete(h5, "/z/B", &err));
    assert_false(nx_h5_exists(h5, "/z/B"));
    assert_false(nx_h5_delete(h5, "/z/B", &err));
    assert_message(&err, scratch("objects.h5"), "there is no /z/B");
    assert_true(nx_h5_close(h5, &err));
}

static void pictures_are_appended(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5 = fresh("pictures.h5");
    uint8_t picture[2 * 3 * 3], *all;
    int rank, shape[NX_H5_RANK_MAX];
    char *text;
    for (int n = 0; n < 3; n++) {
        memset(picture, n * 50, sizeof picture);
        assert_true(nx_h5_append_image(h5, "/out/images", picture, 2, 3, &err));
    }
    assert_false(nx_h5_append_image(h5, "/out/images", picture, 3, 2, &err));
    assert_message(&err, scratch("pictures.h5"), "another type or shape");
    assert_true(nx_h5_read_uint8(h5, "/out/images", &all, &rank, shape, &err));
    assert_int_equal(rank, 4);
    assert_memory_equal(shape, ((int[]){3, 2, 3, 3}), 4 * sizeof(int));
    for (int i = 0; i < 54; i++) assert_int_equal(all[i], i / 18 * 50);
    free(all);
    static const char *const attributes[][2] = {{"CLASS", "IMAGE"},
                                                {"IMAGE_VERSION", "1.2"},
                                                {"IMAGE_SUBCLASS", "IMAGE_TRUECOLOR"},
                                                {"INTERLACE_MODE", "INTERLACE_PIXEL"}};
    for (int i = 0; i < 4; i++) {
        assert_true(nx_h5_get_string(h5, "/out/images", attributes[i][0], &text, &err));
        assert_string_equal(text, attributes[i][1]);
        free(text);
    }
    assert_true(nx_h5_close(h5, &err));
}

static void wrong_files_are_named(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5;
    assert_false(nx_h5_open(&h5, scratch("none.h5"), false, &err));
    assert_message(&err, scratch("none.h5"), "no such file");
    scratch_write(scratch("text.h5"), "text", 4);
    assert_false(nx_h5_open(&h5, scratch("text.h5"), false, &err));
    assert_message(&err, scratch("text.h5"), "not an HDF5 file");
    assert_false(nx_h5_create(&h5, scratch("none/a.h5"), &err));
    assert_message(&err, scratch("none/a.h5"), "cannot create");
    h5 = fresh("whole.h5");
    float numbers[1000] = {0};
    assert_true(nx_h5_write_float(h5, "/a", numbers, 1, (int[]){1000}, &err));
    assert_true(nx_h5_close(h5, &err));
    char *data;
    size_t bytes;
    assert_true(nx_file_read(scratch("whole.h5"), &data, &bytes, &err));
    for (size_t length = 0; length < bytes; length += 97) {
        scratch_write(scratch("cut.h5"), data, length);
        assert_false(nx_h5_open(&h5, scratch("cut.h5"), false, &err));
        assert_message(&err, scratch("cut.h5"), "");
    }
    free(data);
    assert_true(nx_h5_close(NULL, &err));
}

/* ---- files of strangers: made with HDF5 itself, in ways that the library never writes ---- */

static hid_t begin(const char *name)
{
    hid_t file = H5Fcreate(scratch(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static void refused(const char *name, const char *part)
{
    nx_h5 *h5;
    nx_error err = {0};
    if (nx_h5_open(&h5, scratch(name), false, &err)) fail_msg("%s is taken", name);
    assert_null(h5);
    assert_message(&err, scratch(name), part);
}

/* A dataset of floats in chunks, of which none is written. */
static void put_empty(hid_t file, const char *name, int rank, const hsize_t *dims, const hsize_t *chunk)
{
    hid_t space = H5Screate_simple(rank, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, rank, chunk);
    H5Pset_fill_value(list, H5T_NATIVE_FLOAT, &(float){1.5f});
    hid_t set = H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set), H5Pclose(list), H5Sclose(space);
}

static void links_out_and_in_circles_are_refused(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5 = fresh("secret.h5");
    assert_true(nx_h5_write_float(h5, "/w", (const float[]){1, 2}, 1, (int[]){2}, &err));
    assert_true(nx_h5_close(h5, &err));
    hid_t file = begin("out.h5");
    H5Lcreate_external(scratch("secret.h5"), "/w", file, "a", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    refused("out.h5", "/a is a link to another file");
    file = begin("circle.h5");
    hid_t group = H5Gcreate2(file, "b", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "b", group, "again", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(group), H5Fclose(file);
    refused("circle.h5", "/b/again is a second name");
    file = begin("deep.h5");
    char path[256] = "";
    for (int i = 0; i < 40; i++) {
        strcat(path, "/g");
        H5Gclose(H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    }
    H5Fclose(file);
    refused("deep.h5", "more than 32 deep");
    /* A soft link is passed over, whatever it leads to. */
    file = begin("soft.h5");
    H5Gclose(H5Gcreate2(file, "c", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Lcreate_soft("/c", file, "c/up", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    nx_h5_names names;
    assert_true(nx_h5_open(&h5, scratch("soft.h5"), false, &err));
    assert_true(nx_h5_children(h5, "/c", &names, &err));
    assert_int_equal(names.count, 0);
    assert_int_equal(nx_h5_kind_of(h5, "/c/up"), NX_H5_NONE);
    nx_h5_names_free(&names);
    assert_true(nx_h5_close(h5, &err));
}

static void bytes_of_other_files_are_refused(void **state)
{
    (void)state;
    const hsize_t dims[2] = {4, 4};
    hid_t file = begin("external.h5"), space = H5Screate_simple(2, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(list, "/etc/passwd", 0, 16);
    H5Dclose(H5Dcreate2(file, "picture", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Pclose(list), H5Fclose(file);
    refused("external.h5", "/picture lies in another file");
    file = begin("virtual.h5");
    list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(list, space, scratch("secret.h5"), "/w", space);
    H5Dclose(H5Dcreate2(file, "w", H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Pclose(list), H5Fclose(file), H5Sclose(space);
    refused("virtual.h5", "/w lies in another file");
}

static void more_than_a_file_holds_is_refused(void **state)
{
    (void)state;
    hid_t file = begin("wraps.h5"); /* 2^64 bytes, which is 0 in 64 bits */
    put_empty(file, "kernel", 3, (const hsize_t[]){1 << 30, 1 << 30, 4}, (const hsize_t[]){256, 256, 4});
    H5Fclose(file);
    refused("wraps.h5", "more than its");
    file = begin("filled.h5"); /* 1.6 GB of nothing but a fill value */
    put_empty(file, "kernel", 2, (const hsize_t[]){20000, 20000}, (const hsize_t[]){1000, 1000});
    H5Fclose(file);
    refused("filled.h5", "more than its");
    file = begin("many.h5"); /* each a little, together gigabytes */
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        put_empty(file, name, 2, (const hsize_t[]){2000, 2000}, (const hsize_t[]){10, 10});
    }
    H5Fclose(file);
    refused("many.h5", "more than its");
    file = begin("little.h5"); /* a bias that was never written */
    put_empty(file, "bias", 1, (const hsize_t[]){64}, (const hsize_t[]){64});
    H5Fclose(file);
    nx_h5 *h5;
    nx_error err;
    float *values;
    int rank, shape[NX_H5_RANK_MAX];
    assert_true(nx_h5_open(&h5, scratch("little.h5"), false, &err));
    assert_true(nx_h5_read_float(h5, "/bias", &values, &rank, shape, &err));
    assert_true(values[63] == 1.5f);
    free(values);
    assert_true(nx_h5_close(h5, &err));
}

/* Whatever a byte becomes: a file that can be read to its end, or one line. */
static void damage_is_survived(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5 = fresh("whole.h5");
    double one = 1;
    assert_true(nx_h5_append_double(h5, "/a/b", &one, 1, &err) && nx_h5_set_string(h5, "/a", "name", "text", &err));
    assert_true(nx_h5_close(h5, &err));
    char *data;
    size_t bytes, count;
    assert_true(nx_file_read(scratch("whole.h5"), &data, &bytes, &err));
    for (size_t i = 8; i < bytes && i < 2400; i += 61) {
        data[i] ^= (char)0xFF;
        scratch_write(scratch("flip.h5"), data, bytes);
        if (nx_h5_open(&h5, scratch("flip.h5"), false, &err)) {
            double *values;
            char *text;
            if (nx_h5_read_double(h5, "/a/b", &values, &count, &err)) free(values);
            if (nx_h5_get_string(h5, "/a", "name", &text, &err)) free(text);
            nx_h5_close(h5, NULL);
        } else {
            assert_message(&err, scratch("flip.h5"), "");
        }
        data[i] ^= (char)0xFF;
    }
    free(data);
}

/* What was put at the name of a new file is replaced, not written through. */
static void new_files_follow_no_links(void **state)
{
    (void)state;
    nx_error err;
    char *data;
    size_t bytes;
    scratch_write(scratch("precious"), "kept", 4);
    assert_int_equal(symlink("precious", scratch("link.h5")), 0);
    nx_h5 *h5 = fresh("link.h5");
    assert_true(nx_h5_close(h5, &err));
    assert_true(nx_file_read(scratch("precious"), &data, &bytes, &err));
    assert_string_equal(data, "kept");
    free(data);
    assert_int_equal(mkfifo(scratch("pipe.h5"), 0600), 0);
    assert_false(nx_h5_is_file(scratch("pipe.h5"))); /* and nobody waits for its other end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_replaced),
        cmocka_unit_test(series_grow_and_survive),
        cmocka_unit_test(arrays_keep_their_shape),
        cmocka_unit_test(objects_are_listed_and_deleted),
        cmocka_unit_test(pictures_are_appended),
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(links_out_and_in_circles_are_refused),
        cmocka_unit_test(bytes_of_other_files_are_refused),
        cmocka_unit_test(more_than_a_file_holds_is_refused),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(new_files_follow_no_links),
    };
    return cmocka_run_group_tests_name("hdf5", tests, scratch_open, scratch_close);
}
