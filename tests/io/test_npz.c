/* NumPy's .npz as tensor files: types, orders, and what is wrong with damaged ones. */
#include "io/npz.h"
#include "npz.h"
#include "tensor_file.h"

static void types_are_converted(void **state)
{
    (void)state;
    const char *path = scratch("types.npz");
    const float f[] = {1, -2.5f, 3};
    const double d[] = {0.25, 4, -8};
    const uint16_t h[] = {0x3c00, 0xc000, 0x3555};
    const int64_t n[] = {7};
    const npz_array arrays[] = {{"a.npy", "<f4", "(3,)", NULL, f, sizeof f},
                                {"group/b.npy", "<f8", "(3, 1)", NULL, d, sizeof d},
                                {"steps.npy", "<i8", "()", NULL, n, sizeof n},
                                {"c.npy", "<f2", "(1, 3)", NULL, h, sizeof h}};
    write_npz(path, arrays, 4);
    nx_tensor_file *file = opened(path);
    assert_int_equal(nx_tensor_file_count(file), 3); /* the counter is passed over */
    const nx_tensor_entry *a = nx_tensor_file_find(file, "a"), *b = nx_tensor_file_find(file, "group/b"),
                          *c = nx_tensor_file_find(file, "c");
    assert_int_equal(a->rank, 1);
    assert_memory_equal(a->data, f, sizeof f);
    assert_int_equal(b->rank, 2);
    assert_int_equal(b->shape[1], 1);
    assert_true(b->data[0] == 0.25f && b->data[1] == 4 && b->data[2] == -8);
    assert_true(c->data[0] == 1 && c->data[1] == -2);
    assert_float_equal(c->data[2], 1. / 3, 1e-4);
    nx_tensor_file_free(file);
}

/* An array that NumPy keeps by columns holds the same numbers. */
static void columns_become_rows(void **state)
{
    (void)state;
    float rows[2 * 3 * 4], columns[2 * 3 * 4];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++)
                rows[(i * 3 + j) * 4 + k] = columns[i + 2 * (j + 3 * k)] = (float)(100 * i + 10 * j + k);
    const npz_array array = {"a.npy", "<f4", "(2, 3, 4)", "True", columns, sizeof columns};
    const char *path = scratch("columns.npz");
    write_npz(path, &array, 1);
    nx_tensor_file *file = opened(path);
    assert_memory_equal(nx_tensor_file_at(file, 0)->data, rows, sizeof rows);
    nx_tensor_file_free(file);
}

static void damage_is_named(void **state)
{
    (void)state;
    static float values[4096];
    for (int i = 0; i < 4096; i++) values[i] = (float)(i * 7919 % 4096);
    const char *path = scratch("wrong.npz");
    static const struct {
        npz_array array;
        const char *part;
    } rows[] = {
        {{"a.npy", "<f4", "(4097,)", NULL, values, sizeof values}, "its shape does not match its 16384 bytes"},
        {{"a.npy", "<f4", "(2000000000, 2000000000, 2000000000)", NULL, values, 64}, "its shape does not match"},
        {{"a.npy", "<f4", "(-1,)", NULL, values, 64}, "its header is malformed"},
        {{"a.npy", "|O", "(4,)", NULL, values, 64}, "array 'a' is of type '|O'"},
        {{"a.npy", ">f4", "(16,)", NULL, values, 64}, "array 'a' is of type '>f4'"},
        {{"a.npy", "", "(16,)", NULL, values, 64}, "array 'a': its header names no type: nothing behind 'descr'"},
        {{"data.pkl", "<f4", "(16,)", NULL, values, 64}, "neither NumPy's arrays nor PyTorch's data.pkl"},
        {{"a.npy", "<i4", "(16,)", NULL, values, 64}, "no tensor of floats"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_npz(path, &rows[i].array, 1);
        assert_refused(path, rows[i].part);
    }
    const npz_array good = {"a.npy", "<f4", "(64, 64)", NULL, values, sizeof values};
    char *data;
    size_t bytes;
    nx_error err = {0};
    write_npz(path, &good, 1);
    nx_tensor_file_free(opened(path));
    assert_true(nx_file_read(path, &data, &bytes, &err));
    for (size_t less = 1; less < bytes; less += bytes / 7) { /* cut short anywhere */
        scratch_write(path, data, bytes - less);
        nx_tensor_file *file;
        assert_false(nx_tensor_file_open(&file, path, &err));
        assert_message(&err, path, "");
    }
    data[bytes / 2] ^= 0x10; /* in the packed numbers */
    scratch_write(path, data, bytes);
    assert_refused(path, "'a.npy' cannot be unpacked");
    free(data);
}

/* Headers that lie about what follows, where the zip itself is right. */
static void lies_are_refused(void **state)
{
    (void)state;
    static const float value = 1;
    const char *path = scratch("lies.npz");
    const npz_array twice[2] = {{"a.npy", "<f4", "(1,)", NULL, &value, 4}, {"b.npy", "<f4", "(1,)", NULL, &value, 4}};
    char *data;
    size_t bytes;
    nx_error err = {0};
    write_npz(path, twice, 2);
    assert_true(nx_file_read(path, &data, &bytes, &err));
    for (size_t i = 0; i + 5 < bytes; i++) /* both under one name, which the format does not forbid */
        if (!memcmp(data + i, "b.npy", 5)) data[i] = 'a';
    scratch_write(path, data, bytes);
    assert_refused(path, "'a' is there twice");
    /* Sizes that the file does not have: in the directory at its end, those packed and unpacked. */
    size_t entry = bytes;
    while (entry && memcmp(data + --entry, "PK\1\2", 4)) continue;
    memset(data + entry + 20, 0x7F, 8);
    scratch_write(path, data, bytes);
    assert_refused(path, "");
    free(data);
    /* A header that ends where the type should stand. */
    static const char header[] = "\x93NUMPY\1\0\x32\0{'fortran_order': False, 'shape': (1,), 'descr':    ";
    int code;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    assert_non_null(zip);
    assert_true(zip_file_add(zip, "a.npy", zip_source_buffer(zip, header, 10 + 0x32, 0), ZIP_FL_ENC_UTF_8) >= 0);
    assert_int_equal(zip_close(zip), 0);
    assert_refused(path, "array 'a': its header names no type: nothing behind 'descr'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_converted),
        cmocka_unit_test(columns_become_rows),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(lies_are_refused),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
