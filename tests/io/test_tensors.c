/* Tensor files: round trips, every element type, and headers that lie. */
#include "io/tensors.h"

#include "../given.h"
#include "io/hdf5.h"
#include "scratch.h"

#include <math.h>

/* A file of the JSON text and zeros as data. */
static void save_raw(const char *path, const char *json, size_t data_bytes)
{
    uint64_t length = strlen(json);
    char *all = nx_alloc(8 + length + data_bytes);
    memcpy(all, &length, 8);
    memcpy(all + 8, json, length);
    scratch_write(path, all, 8 + length + data_bytes);
    free(all);
}

static void round_trip_is_exact(void **state)
{
    (void)state;
    nx_error err;
    float weight[24], bias[3] = {-1, INFINITY, 1e-42f}, scalar = 5;
    for (int i = 0; i < 24; i++) weight[i] = (float)i / 3;
    const nx_tensor_entry entries[] = {
        {"z.weight", 4, {2, 3, 2, 2}, weight},
        {"a.\"bias\" \xc3\xbc", 1, {3}, bias},
        {"scalar", 0, {0}, &scalar},
        {"nothing", 2, {0, 4}, NULL},
    };
    const nx_metadata metadata[] = {{"mean", "1 2 3"}, {"made by", "a \"test\"\n"}};
    nx_tensor_file *file;
    assert_true(nx_tensors_save_safetensors(scratch("round"), entries, 4, metadata, 2, &err));
    if (!nx_tensor_file_open(&file, scratch("round"), &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_tensor_file_count(file), 4);
    for (int i = 0; i < 4; i++) {
        const nx_tensor_entry *entry = nx_tensor_file_find(file, entries[i].name);
        assert_non_null(entry);
        assert_int_equal(entry->rank, entries[i].rank);
        assert_memory_equal(entry->shape, entries[i].shape, entries[i].rank * sizeof(int));
        if (entries[i].data)
            assert_memory_equal(entry->data, entries[i].data, nx_tensor_entry_size(entry) * sizeof(float));
    }
    assert_string_equal(nx_tensor_file_at(file, 0)->name, "z.weight");
    assert_null(nx_tensor_file_find(file, "other"));
    assert_string_equal(nx_tensor_file_metadata(file, "mean"), "1 2 3");
    assert_string_equal(nx_tensor_file_metadata(file, "made by"), "a \"test\"\n");
    assert_null(nx_tensor_file_metadata(file, "other"));
    nx_tensor_file_free(file);
    assert_false(nx_tensors_save_safetensors(scratch("none/round"), entries, 4, NULL, 0, &err));
    assert_message(&err, scratch("none/round"), "cannot write");
    assert_no_drafts();
}

static void element_types_are_converted(void **state)
{
    (void)state;
    static const char json[] = "{\"h\":{\"dtype\":\"F16\",\"shape\":[6],\"data_offsets\":[0,12]},"
                               "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[12,16]},"
                               "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[16,24]},"
                               "\"count\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[24,32]}}";
    static const uint16_t half[] = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x7C00, 0x8000}, brain[] = {0x3F80, 0xC040};
    const double wide = 0.1;
    uint8_t all[8 + sizeof json - 1 + 32] = {0};
    uint64_t length = sizeof json - 1;
    memcpy(all, &length, 8);
    memcpy(all + 8, json, length);
    memcpy(all + 8 + length, half, 12);
    memcpy(all + 8 + length + 12, brain, 4);
    memcpy(all + 8 + length + 16, &wide, 8);
    scratch_write(scratch("types"), all, sizeof all);
    nx_error err;
    nx_tensor_file *file;
    if (!nx_tensor_file_open(&file, scratch("types"), &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_tensor_file_count(file), 3);
    const float wanted[] = {1, -2, 65504, 0x1p-24f, INFINITY, -0.f};
    assert_memory_equal(nx_tensor_file_find(file, "h")->data, wanted, sizeof wanted);
    assert_memory_equal(nx_tensor_file_find(file, "b")->data, ((float[]){1, -3}), 8);
    assert_true(nx_tensor_file_find(file, "d")->data[0] == 0.1f);
    assert_null(nx_tensor_file_find(file, "count"));
    nx_tensor_file_free(file);
}

static void lying_headers_are_refused(void **state)
{
    (void)state;
#define T(name, shape, from, to)                                                                                       \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"{" T("a", "[4]", "0", "12") "}", "does not match"},
        {"{" T("a", "[4]", "0", "20") "}", "truncated"},
        {"{" T("a", "[4]", "16", "0") "}", "malformed data_offsets"},
        {"{" T("a", "[4]", "-16", "0") "}", "malformed data_offsets"},
        {"{" T("a", "[4]", "0.5", "16") "}", "malformed data_offsets"},
        {"{" T("a", "[4]", "0", "1e300") "}", "malformed data_offsets"},
        {"{" T("a", "[-4]", "0", "16") "}", "malformed shape"},
        {"{" T("a", "[4.5]", "0", "16") "}", "malformed shape"},
        {"{" T("a", "[\"4\"]", "0", "16") "}", "malformed shape"},
        {"{" T("a", "[2147483647,2147483647,2147483647,2147483647]", "0", "16") "}", "does not match"},
        {"{" T("a", "[65536,65536,65536,65536,4]", "0", "16") "}", "does not match"},
        /* 16 bytes, if 64 bits overflow. */
        {"{" T("a", "[4,51,375020883,2109804217]", "0", "16") "}", "does not match"},
        {"{" T("a", "[1,1,1,1,1,1,1,1,4]", "0", "16") "}", "more than 8"},
        {"{" T("a", "[2]", "0", "8") "}", "16 bytes of data"},
        {"{" T("a", "[2]", "8", "16") "}", "begins at byte 8"},
        {"{" T("a", "[4]", "0", "16") "," T("b", "[2]", "8", "16") "}", "begins at byte 8"},
        {"{" T("a", "[2]", "0", "8") "," T("a", "[2]", "8", "16") "}", "twice"},
        {"{\"a\":{\"dtype\":\"F8\",\"shape\":[16],\"data_offsets\":[0,16]}}", "unknown dtype"},
        {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,16]}}", "missing or malformed"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,16]}}", "missing or malformed"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0]}}", "missing or malformed"},
        {"{\"a\":5}", "not an object"},
        {"{\"__metadata__\":5," T("a", "[4]", "0", "16") "}", "__metadata__"},
        {"{\"__metadata__\":{\"k\":5}," T("a", "[4]", "0", "16") "}", "__metadata__"},
        {"{\"a\":{\"dtype\":\"I32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "no tensor of floats"},
        {"{" T("a", "[4]", "0", "16") "} x", "not JSON"},
        {"{" T("a", "[4]", "0", "16"), "not JSON"},
        {"[" T("a", "[4]", "0", "16") "]", "neither safetensors, HDF5, .npz nor .pth"},
    };
    nx_error err;
    nx_tensor_file *file;
    save_raw(scratch("fine"), "{" T("a", "[4]", "0", "16") "}   ", 16);
    assert_true(nx_tensor_file_open(&file, scratch("fine"), &err));
    nx_tensor_file_free(file);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        save_raw(scratch("lie"), cases[i].json, 16);
        if (nx_tensor_file_open(&file, scratch("lie"), &err)) fail_msg("taken: %s", cases[i].json);
        assert_message(&err, scratch("lie"), cases[i].message);
        assert_null(file);
    }
#undef T
}

/* A little text that becomes a lot of JSON. */
static void headers_without_end_are_refused(void **state)
{
    (void)state;
    enum { ITEMS = 4000100 };
    nx_error err;
    nx_tensor_file *file;
    char *json = nx_alloc(2 * ITEMS + 64), *at = json + sprintf(json, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1");
    for (int i = 0; i < ITEMS; i++) at += sprintf(at, ",1");
    strcpy(at, "]}}");
    save_raw(scratch("items"), json, 4);
    free(json);
    assert_false(nx_tensor_file_open(&file, scratch("items"), &err));
    assert_message(&err, scratch("items"), "more than 4000000 items");
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    nx_error err;
    nx_tensor_file *file;
    float numbers[8] = {0};
    char *data;
    size_t bytes;
    assert_false(nx_tensor_file_open(&file, scratch("none"), &err));
    assert_message(&err, scratch("none"), "no such file");
    assert_true(
        nx_tensors_save_safetensors(scratch("whole"), &(nx_tensor_entry){"a", 1, {8}, numbers}, 1, NULL, 0, &err));
    assert_true(nx_file_read(scratch("whole"), &data, &bytes, &err));
    for (size_t length = 0; length < bytes; length++) {
        scratch_write(scratch("cut"), data, length);
        if (nx_tensor_file_open(&file, scratch("cut"), &err)) fail_msg("taken: %zu bytes", length);
        assert_message(&err, scratch("cut"), "");
    }
    char *longer = nx_alloc(bytes + 1);
    memcpy(longer, data, bytes);
    scratch_write(scratch("longer"), longer, bytes + 1);
    assert_false(nx_tensor_file_open(&file, scratch("longer"), &err));
    assert_message(&err, scratch("longer"), "33 bytes of data");
    memset(longer, 0xFF, 8);
    scratch_write(scratch("length"), longer, bytes);
    assert_false(nx_tensor_file_open(&file, scratch("length"), &err));
    assert_message(&err, scratch("length"), "truncated or corrupt");
    free(longer);
    free(data);
}

/* As Keras lays out its weights: groups of groups, and text attributes at the root. */
static void hdf5_is_read(void **state)
{
    (void)state;
    nx_error err;
    nx_h5 *h5;
    nx_tensor_file *file;
    float kernel[6] = {1, 2, 3, 4, 5, 6}, bias[2] = {7, 8};
    int64_t count = 3;
    assert_true(nx_h5_create(&h5, scratch("keras.h5"), &err));
    assert_true(nx_h5_write_float(h5, "/conv1/conv1/kernel:0", kernel, 2, (int[]){3, 2}, &err));
    assert_true(nx_h5_write_float(h5, "/conv1/conv1/bias:0", bias, 1, (int[]){2}, &err));
    assert_true(nx_h5_append_int64(h5, "/conv1/updates", &count, 1, &err));
    assert_true(nx_h5_set_string(h5, "/", "backend", "tensorflow", &err));
    assert_true(nx_h5_set_int(h5, "/", "number", 5, &err));
    assert_true(nx_h5_close(h5, &err));
    if (!nx_tensor_file_open(&file, scratch("keras.h5"), &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_tensor_file_count(file), 2);
    assert_string_equal(nx_tensor_file_at(file, 0)->name, "conv1/conv1/bias:0");
    const nx_tensor_entry *entry = nx_tensor_file_find(file, "conv1/conv1/kernel:0");
    assert_int_equal(entry->rank, 2);
    assert_int_equal(entry->shape[0], 3);
    assert_memory_equal(entry->data, kernel, sizeof kernel);
    assert_string_equal(nx_tensor_file_metadata(file, "backend"), "tensorflow");
    assert_null(nx_tensor_file_metadata(file, "number"));
    nx_tensor_file_free(file);
    char *data;
    size_t bytes;
    assert_true(nx_file_read(scratch("keras.h5"), &data, &bytes, &err));
    for (size_t length = 8; length < bytes; length += 211) {
        scratch_write(scratch("cut.h5"), data, length);
        if (nx_tensor_file_open(&file, scratch("cut.h5"), &err)) fail_msg("taken: %zu bytes", length);
        assert_message(&err, scratch("cut.h5"), "");
    }
    free(data);
    assert_true(nx_h5_create(&h5, scratch("bare.h5"), &err));
    assert_true(nx_h5_close(h5, &err));
    assert_false(nx_tensor_file_open(&file, scratch("bare.h5"), &err));
    assert_message(&err, scratch("bare.h5"), "no tensor of floats");
}

static void hash_is_of_the_bytes(void **state)
{
    (void)state;
    nx_error err;
    char one[33], two[33];
    scratch_write(scratch("hashed"), "", 0);
    assert_true(nx_file_hash(scratch("hashed"), one, &err));
    assert_string_equal(one, "99aa06d3014798d86001c324468d497f"); /* XXH3's own test vector for no bytes */
    scratch_write(scratch("hashed"), "abc", 3);
    assert_true(nx_file_hash(scratch("hashed"), one, &err));
    scratch_write(scratch("hashed"), "abd", 3);
    assert_true(nx_file_hash(scratch("hashed"), two, &err));
    assert_string_not_equal(one, two);
    assert_false(nx_file_hash(scratch("none"), one, &err));
    assert_message(&err, scratch("none"), "no such file");
}

static void real_weights_are_read(void **state)
{
    (void)state;
    const char *folder = given_data();
    nx_error err;
    nx_tensor_file *file;
    char *path = nx_format("%s/weights/vgg19_normalised_to_conv3_1.safetensors", folder);
    if (!nx_tensor_file_open(&file, path, &err)) fail_msg("%s", err.text);
    const nx_tensor_entry *entry = nx_tensor_file_find(file, "features.0.weight");
    assert_non_null(entry);
    assert_int_equal(entry->rank, 4);
    assert_memory_equal(entry->shape, ((int[]){64, 3, 3, 3}), 4 * sizeof(int));
    nx_tensor_file_free(file);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip_is_exact),         cmocka_unit_test(element_types_are_converted),
        cmocka_unit_test(lying_headers_are_refused),   cmocka_unit_test(headers_without_end_are_refused),
        cmocka_unit_test(truncated_files_are_refused), cmocka_unit_test(hdf5_is_read),
        cmocka_unit_test(hash_is_of_the_bytes),        cmocka_unit_test(real_weights_are_read),
    };
    return cmocka_run_group_tests_name("tensors", tests, scratch_open, scratch_close);
}
