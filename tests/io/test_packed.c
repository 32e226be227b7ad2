/* Packed datasets: what is packed comes back, and files that only say that they are one. */
#include "io/packed.h"

#include "io/hdf5.h"
#include "scratch.h"

#include <hdf5.h>

enum { SIDE = 5, COUNT = 3, ROW = SIDE * SIDE * 3 };

static void pack(const char *path)
{
    nx_packer *packer;
    nx_error err = {0};
    uint8_t rgb[ROW];
    if (!nx_packer_new(&packer, path, SIDE, COUNT + 2, &err)) fail_msg("%s", err.text); /* with room for more */
    for (int i = 0; i < COUNT; i++) {
        memset(rgb, 50 * i + 7, sizeof rgb);
        assert_true(nx_packer_add(packer, "some.png", rgb, &err));
    }
    nx_packer_leave_out(packer, "other.png: too small");
    if (!nx_packer_finish(packer, "photos", &err)) fail_msg("%s", err.text);
    nx_packer_free(packer);
}

static void what_is_packed_comes_back(void **state)
{
    (void)state;
    const char *path = scratch("photos.h5");
    nx_error err = {0};
    nx_packed *data;
    uint8_t rgb[ROW];
    pack(path);
    assert_true(nx_packed_is_file(path));
    if (!nx_packed_open(&data, path, &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_packed_count(data), COUNT);
    assert_int_equal(nx_packed_size(data), SIDE);
    for (int i = 0; i < COUNT; i++) {
        assert_true(nx_packed_read(data, (size_t)i, rgb, &err));
        for (int k = 0; k < ROW; k++) assert_int_equal(rgb[k], 50 * i + 7);
    }
    nx_packed_free(data);
    assert_no_drafts();
}

static void refused(const char *path, const char *part)
{
    nx_packed *data;
    nx_error err = {0};
    assert_false(nx_packed_open(&data, path, &err));
    assert_null(data);
    assert_message(&err, path, part);
}

/* A file that has the mark, and pictures of these dimensions, of which no byte is written. */
static void forge(const char *path, int rank, const hsize_t *dims)
{
    nx_h5 *h5;
    nx_error err;
    assert_true(nx_h5_create(&h5, path, &err) && nx_h5_set_int(h5, "/", "nstx_dataset", 1, &err));
    assert_true(nx_h5_close(h5, &err));
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate_simple(rank, dims, NULL);
    hid_t set = H5Dcreate2(file, "pictures", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set), H5Sclose(space), H5Fclose(file);
}

static void others_are_refused(void **state)
{
    (void)state;
    const char *path = scratch("other.h5");
    nx_h5 *h5;
    nx_error err;
    char *data;
    size_t bytes;
    pack(scratch("whole.h5"));
    assert_true(nx_file_read(scratch("whole.h5"), &data, &bytes, &err));
    for (size_t length = 0; length < bytes; length += bytes / 7) {
        scratch_write(path, data, length);
        refused(path, "");
    }
    free(data);
    assert_true(nx_h5_create(&h5, path, &err) && nx_h5_close(h5, &err));
    assert_false(nx_packed_is_file(path));
    refused(path, "no packed dataset");
    forge(path, 4, (const hsize_t[]){2, SIDE, SIDE + 1, 3});
    refused(path, "/pictures");
    forge(path, 2, (const hsize_t[]){2, SIDE});
    refused(path, "/pictures");
    forge(path, 4, (const hsize_t[]){1 << 30, 1 << 30, 1 << 30, 3}); /* more than 64 bits hold */
    refused(path, "/pictures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests_name("packed", tests, scratch_open, scratch_close);
}
