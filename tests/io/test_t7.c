/* Torch7's files, built here byte by byte: every kind of value, references, strides and offsets; then each way in which
 * a file can be wrong. */
#include "scratch.h"

#include "base/memory.h"
#include "io/t7.h"

#include <math.h>

/* ---- writing, as torch.save does ---- */

static unsigned char bytes[1 << 16];
static size_t used;

static void put(const void *data, size_t count)
{
    memcpy(bytes + used, data, count);
    used += count;
}

static void put_int(int32_t value) { put(&value, sizeof value); }
static void put_long(int64_t value) { put(&value, sizeof value); }

static void put_string(const char *text)
{
    put_int((int32_t)strlen(text));
    put(text, strlen(text));
}

static void put_number(double value)
{
    put_int(1);
    put(&value, sizeof value);
}

static void put_text(const char *text)
{
    put_int(2);
    put_string(text);
}

static void begin_table(int32_t index, int32_t count)
{
    put_int(3);
    put_int(index);
    put_int(count);
}

static void begin_object(int32_t index, const char *class_name)
{
    put_int(4);
    put_int(index);
    put_string("V 1");
    put_string(class_name);
}

/* 0, 1, 2, ... */
static void put_float_storage(int32_t index, int count)
{
    begin_object(index, "torch.FloatStorage");
    put_long(count);
    for (int i = 0; i < count; i++) put(&(float){(float)i}, sizeof(float));
}

static void begin_tensor(int32_t index, const char *class_name, int rank, const int64_t *sizes, const int64_t *strides,
                         int64_t offset)
{
    begin_object(index, class_name);
    put_int(rank);
    for (int i = 0; i < rank; i++) put_long(sizes[i]);
    for (int i = 0; i < rank; i++) put_long(strides[i]);
    put_long(offset);
}

#define LONGS(...) ((const int64_t[]){__VA_ARGS__})

static bool open_bytes(nx_t7_file **file, size_t count, nx_error *err)
{
    const char *path = scratch("file.t7");
    scratch_write(path, bytes, count);
    *err = (nx_error){""};
    return nx_t7_open(file, path, err);
}

/* Opens what was put, which must be refused with one line that has the words in it. */
static void refused(const char *words)
{
    nx_t7_file *file;
    nx_error err;
    bool opened = open_bytes(&file, used, &err);
    if (opened) nx_t7_free(file);
    assert_false(opened);
    assert_null(file);
    if (!strstr(err.text, words) || !strstr(err.text, "file.t7") || strchr(err.text, '\n'))
        fail_msg("\"%s\", where \"%s\" was expected", err.text, words);
    used = 0;
}

/* ---- what is read ---- */

/* A network of two modules that share one storage, as Torch flattens them. */
static void put_network(void)
{
    used = 0;
    begin_object(1, "nn.Sequential");
    begin_table(2, 5);
    put_text("train");
    put_int(5);
    put_int(1);
    put_text("modules");
    begin_table(3, 2);
    put_number(1);
    begin_object(4, "nn.Linear");
    begin_table(5, 2);
    put_text("weight");
    begin_tensor(6, "torch.FloatTensor", 2, LONGS(2, 3), LONGS(1, 2), 4);
    put_float_storage(7, 12);
    put_text("bias");
    begin_tensor(8, "torch.FloatTensor", 1, LONGS(2), LONGS(1), 11);
    put_int(4);
    put_int(7); /* the storage that is there */
    put_number(2);
    put_int(4);
    put_int(4); /* the module that is there */
    put_text("self");
    put_int(3);
    put_int(2); /* the table that is being read */
    put_text("nothing");
    put_int(0);
    put_text("callback");
    put_int(8);
    put_int(9);
    put_string("\033Lua");
    put_int(0);
}

static void reads_a_network(void **state)
{
    (void)state;
    nx_t7_file *file;
    nx_error err;
    put_network();
    if (!open_bytes(&file, used, &err)) fail_msg("%s", err.text);
    const nx_t7 *root = nx_t7_root(file), *modules = nx_t7_get(root, "modules"), *linear = nx_t7_at(modules, 1);
    assert_true(nx_t7_is(root, "nn.Sequential") && root->kind == NX_T7_OBJECT);
    assert_true(nx_t7_get(root, "train")->kind == NX_T7_BOOLEAN && nx_t7_get(root, "train")->number > 0);
    assert_int_equal(nx_t7_get(root, "nothing")->kind, NX_T7_NIL);
    assert_int_equal(nx_t7_get(root, "callback")->kind, NX_T7_FUNCTION);
    assert_ptr_equal(nx_t7_get(nx_t7_get(root, "self"), "modules"), modules);
    assert_int_equal(nx_t7_length(modules), 2);
    assert_ptr_equal(nx_t7_at(modules, 2), linear);
    const nx_t7 *weight = nx_t7_get(linear, "weight"), *bias = nx_t7_get(linear, "bias");
    assert_true(nx_t7_is(weight, "torch.FloatTensor") && weight->kind == NX_T7_TENSOR && weight->rank == 2);
    assert_true(weight->size[0] == 2 && weight->size[1] == 3 && weight->stride[0] == 1 && weight->stride[1] == 2);
    assert_int_equal(weight->offset, 3);
    assert_ptr_equal(weight->storage, bias->storage);
    assert_int_equal(weight->storage->count, 12);
    assert_float_equal(weight->storage->data[weight->offset + weight->stride[0] + 2 * weight->stride[1]], 8, 0);
    assert_float_equal(bias->storage->data[bias->offset + 1], 11, 0);
    assert_null(nx_t7_get(root, "weights"));
    assert_null(nx_t7_get(weight, "weight"));
    assert_null(nx_t7_get(NULL, "weight"));
    assert_null(nx_t7_at(modules, 3));
    assert_int_equal(nx_t7_length(weight), 0);
    assert_false(nx_t7_is(NULL, "nn.Linear"));
    nx_t7_free(file);
    used = 0;
}

static void reads_every_type_of_number(void **state)
{
    (void)state;
    const struct {
        const char *name;
        size_t bytes;
        const void *values; /* -3 and 5, or 253 and 5 */
        float first;
    } types[] = {
        {"torch.DoubleStorage", 8, (const double[]){-3, 5}, -3}, {"torch.CudaStorage", 4, (const float[]){-3, 5}, -3},
        {"torch.LongStorage", 8, (const int64_t[]){-3, 5}, -3},  {"torch.IntStorage", 4, (const int32_t[]){-3, 5}, -3},
        {"torch.ShortStorage", 2, (const int16_t[]){-3, 5}, -3}, {"torch.CharStorage", 1, (const int8_t[]){-3, 5}, -3},
        {"torch.ByteStorage", 1, (const uint8_t[]){253, 5}, 253}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        nx_t7_file *file;
        nx_error err;
        begin_object(1, types[i].name);
        put_long(2);
        put(types[i].values, 2 * types[i].bytes);
        if (!open_bytes(&file, used, &err)) fail_msg("%s: %s", types[i].name, err.text);
        assert_float_equal(nx_t7_root(file)->data[0], types[i].first, 0);
        assert_float_equal(nx_t7_root(file)->data[1], 5, 0);
        nx_t7_free(file);
        used = 0;
    }
}

static void reads_empty_tensors(void **state)
{
    (void)state;
    nx_t7_file *file;
    nx_error err;
    begin_table(1, 2);
    put_number(1);
    begin_tensor(2, "torch.DoubleTensor", 0, NULL, NULL, 1);
    put_int(0);
    put_number(2);
    begin_tensor(3, "torch.FloatTensor", 2, LONGS(0, 4), LONGS(4, 1), 1);
    put_float_storage(4, 0);
    if (!open_bytes(&file, used, &err)) fail_msg("%s", err.text);
    assert_null(nx_t7_at(nx_t7_root(file), 1)->storage);
    assert_null(nx_t7_at(nx_t7_root(file), 2)->storage);
    nx_t7_free(file);
    used = 0;
}

/* ---- what is refused ---- */

/* Every beginning of a good file, and the file with more behind it. */
static void refuses_parts(void **state)
{
    (void)state;
    put_network();
    size_t whole = used;
    for (size_t count = 0; count < whole; count++) {
        nx_t7_file *file;
        nx_error err;
        if (open_bytes(&file, count, &err)) fail_msg("the first %zu of %zu bytes were read", count, whole);
        assert_non_null(strstr(err.text, "file.t7"));
    }
    put_int(0);
    refused("4 bytes after the end");
}

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    put("PK\003\004 is no file of Torch7", 20);
    refused("not a file of Torch7");
    begin_table(1, 1);
    put_int(77);
    put_int(0);
    refused("a value of type 77");
    begin_table(1, 1 << 30);
    refused("table of 1073741824");
    begin_table(1, -1);
    refused("table of -1");
    put_int(2);
    put_int(1000);
    put("short", 5);
    refused("string of 1000");
    begin_object(1, "torch.DoubleStorage");
    put_long(INT64_C(1) << 61); /* times 8 is 0 in 64 bits */
    put_long(0);
    refused("storage of");
    begin_object(1, "torch.FloatStorage");
    put_long(-1);
    refused("storage of -1");
    begin_object(1, "nn.Sequential");
    put_number(3);
    refused("no table of fields");
    begin_table(1, 1);
    put_number(1);
    put_int(4);
    put_int(1); /* a table, not an object */
    refused("names a value of another type");
    for (int i = 0; i < 2000; i++) {
        begin_table(i, 1);
        put_number(1);
    }
    put_int(0);
    refused("inside each other");
}

/* Tables that are large, shared by many, and in the worst order: in time and memory like any other. */
static void large_tables_are_quick(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    nx_t7_file *file;
    nx_error err;
    begin_table(0, MANY); /* from the last to the first, and a key that is no number */
    put_number(NAN);
    put_number(-1);
    for (int i = MANY - 1; i > 0; i--) put_number(i), put_number(2 * i);
    if (!open_bytes(&file, used, &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_t7_length(nx_t7_root(file)), MANY - 1);
    for (size_t i = 1; i < MANY; i++) assert_true(nx_t7_at(nx_t7_root(file), i)->number == 2. * (double)i);
    assert_null(nx_t7_at(nx_t7_root(file), 0));
    assert_null(nx_t7_at(nx_t7_root(file), MANY));
    nx_t7_free(file);
    used = 0;
    begin_table(0, 1); /* NaN is no index, whatever is asked for */
    put_number(NAN);
    put_number(1);
    if (!open_bytes(&file, used, &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_t7_length(nx_t7_root(file)), 0);
    assert_null(nx_t7_at(nx_t7_root(file), 1));
    nx_t7_free(file);
    used = 0;
    begin_table(0, 2); /* two objects of one table of fields, in which a name stands twice */
    for (int i = 1; i <= 2; i++) {
        put_number(i);
        begin_object(i, "nn.Mul");
        if (i == 1) {
            begin_table(3, 3);
            put_text("b"), put_number(1);
            put_text("a"), put_number(2);
            put_text("b"), put_number(3);
        } else {
            put_int(3), put_int(3);
        }
    }
    if (!open_bytes(&file, used, &err)) fail_msg("%s", err.text);
    for (size_t i = 1; i <= 2; i++) {
        const nx_t7 *object = nx_t7_at(nx_t7_root(file), i);
        assert_int_equal(object->count, 3);
        assert_true(nx_t7_get(object, "b")->number == 1 && nx_t7_get(object, "a")->number == 2);
        assert_null(nx_t7_get(object, "c"));
    }
    assert_ptr_equal(nx_t7_at(nx_t7_root(file), 1)->entries, nx_t7_at(nx_t7_root(file), 2)->entries);
    nx_t7_free(file);
    used = 0;
    begin_table(INT32_MAX, 0);
    refused("larger than there are values");
    begin_table(-1, 0);
    refused("larger than there are values");
}

static void refuses_tensors_outside_their_storage(void **state)
{
    (void)state;
    static const struct {
        int rank;
        int64_t sizes[8], strides[8], offset;
        const char *words;
    } cases[] = {{1, {13}, {1}, 1, "does not lie in its storage"},
                 {1, {12}, {1}, 2, "does not lie in its storage"},
                 {1, {1}, {1}, 0, "does not lie in its storage"},
                 {1, {1}, {1}, 13, "does not lie in its storage"},
                 {1, {1}, {1}, INT64_MIN, "does not lie in its storage"},
                 {2, {4, 4}, {3, 1}, 1, "does not lie in its storage"},
                 {2, {2, 2}, {-1, 1}, 3, "size or stride of -1"},
                 {1, {INT64_C(1) << 40}, {0}, 1, "size or stride of 1099511627776"},
                 {8,
                  {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX},
                  {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX},
                  1,
                  "does not lie in its storage"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin_tensor(1, "torch.FloatTensor", cases[i].rank, cases[i].sizes, cases[i].strides, cases[i].offset);
        put_float_storage(2, 12);
        refused(cases[i].words);
    }
    begin_object(1, "torch.FloatTensor");
    put_int(9);
    refused("rank 9");
    begin_tensor(1, "torch.DoubleTensor", 1, LONGS(2), LONGS(1), 1);
    put_float_storage(2, 12); /* of another type */
    refused("does not lie in its storage");
    begin_tensor(1, "torch.FloatTensor", 1, LONGS(2), LONGS(1), 1);
    put_int(0); /* none */
    refused("does not lie in its storage");
}

/* 0, 1, 2, ... as tensors of which only some are rows behind rows. */
static void numbers_follow_one_another(void **state)
{
    (void)state;
    static const struct {
        int64_t sizes[2], strides[2];
        int first; /* number; -1: none */
    } cases[] = {
        {{2, 3}, {3, 1}, 4}, {{2, 3}, {1, 2}, -1}, {{2, 3}, {4, 1}, -1}, {{1, 3}, {7, 1}, 4}, {{0, 3}, {3, 1}, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_t7_file *file;
        nx_error err;
        used = 0;
        begin_tensor(1, "torch.FloatTensor", 2, cases[i].sizes, cases[i].strides, 5);
        put_float_storage(2, 12);
        assert_true(open_bytes(&file, used, &err));
        const float *numbers = nx_t7_numbers(nx_t7_root(file));
        assert_int_equal(numbers ? (int)numbers[0] : -1, cases[i].first);
        assert_null(nx_t7_numbers(NULL));
        nx_t7_free(file);
    }
    used = 0;
}

/* Whatever one byte becomes, the answer is yes or one line; a sanitizer sees the rest. */
static void survives_damage(void **state)
{
    (void)state;
    put_network();
    size_t whole = used;
    for (size_t i = 0; i < whole; i++) {
        static const unsigned char values[] = {0, 1, 2, 3, 4, 127, 128, 255};
        unsigned char kept = bytes[i];
        for (size_t k = 0; k < sizeof values; k++) {
            nx_t7_file *file;
            nx_error err;
            bytes[i] = values[k];
            if (open_bytes(&file, whole, &err)) {
                assert_non_null(nx_t7_root(file));
                nx_t7_free(file);
            } else {
                assert_true(strlen(err.text) > 0 && !strchr(err.text, '\n'));
            }
        }
        bytes[i] = kept;
    }
    used = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_network),
        cmocka_unit_test(reads_every_type_of_number),
        cmocka_unit_test(reads_empty_tensors),
        cmocka_unit_test(refuses_parts),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(large_tables_are_quick),
        cmocka_unit_test(refuses_tensors_outside_their_storage),
        cmocka_unit_test(numbers_follow_one_another),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests_name("t7", tests, scratch_open, scratch_close) != 0;
}
