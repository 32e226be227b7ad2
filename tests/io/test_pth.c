/* PyTorch's .pth as tensor files: files by PyTorch itself (tests/reference/pth.py), both formats, old ways to write a
 * tensor, and each thing that may be wrong. */
#include "io/pth.h"
#include "pth.h"
#include "tensor_file.h"

/* ---- by PyTorch itself ---- */

static const char *torch_file(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, NSTX_SOURCE "/tests/reference/pth/%s.pth", name);
    return path;
}

/* Names, shapes and every number, which the twin makes of the name; `called`, where it made them of another one. */
typedef struct wanted {
    const char *name;
    int rank, shape[4];
    const char *called;
} wanted;

static void assert_tensors(const nx_tensor_file *file, const wanted *all, size_t count)
{
    assert_int_equal(nx_tensor_file_count(file), count);
    for (size_t i = 0; i < count; i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        assert_string_equal(e->name, all[i].name);
        assert_int_equal(e->rank, all[i].rank);
        for (int d = 0; d < e->rank; d++) assert_int_equal(e->shape[d], all[i].shape[d]);
        size_t seed = 3 * strlen(all[i].called ? all[i].called : all[i].name);
        for (size_t k = 0; k < nx_tensor_entry_size(e); k++)
            assert_true(e->data[k] == (float)((int)((7 * k + seed) % 32) - 16) / 4);
    }
}

static void torchs_files_are_read(void **state)
{
    (void)state;
    static const wanted net[] = {{"0.weight", 4, {2, 3, 3, 3}, NULL}, {"0.bias", 1, {2}, NULL},
                                 {"1.weight", 1, {2}, NULL},          {"1.bias", 1, {2}, NULL},
                                 {"1.running_mean", 1, {2}, NULL},    {"1.running_var", 1, {2}, NULL},
                                 {"3.weight", 2, {3, 8}, NULL},       {"3.bias", 1, {3}, NULL}},
                        parallel[] = {{"module.0.weight", 4, {2, 3, 3, 3}, "0.weight"},
                                      {"module.0.bias", 1, {2}, "0.bias"},
                                      {"module.1.weight", 1, {2}, "1.weight"},
                                      {"module.1.bias", 1, {2}, "1.bias"},
                                      {"module.1.running_mean", 1, {2}, "1.running_mean"},
                                      {"module.1.running_var", 1, {2}, "1.running_var"},
                                      {"module.3.weight", 2, {3, 8}, "3.weight"},
                                      {"module.3.bias", 1, {3}, "3.bias"}},
                        types[] = {{"float", 2, {2, 3}, NULL}, {"half", 2, {2, 3}, NULL},
                                   {"brain", 2, {2, 3}, NULL}, {"double", 2, {2, 3}, NULL},
                                   {"scalar", 0, {0}, NULL},   {"nothing", 2, {0, 4}, NULL}},
                        parameter[] = {{"weight", 2, {2, 2}, NULL}, {"bias", 1, {2}, NULL}},
                        strides[] = {{"turned", 3, {4, 3, 2}, NULL},  {"cut", 2, {3, 2}, NULL},
                                     {"last", 4, {2, 3, 4, 5}, NULL}, {"first", 1, {12}, NULL},
                                     {"second", 2, {3, 4}, NULL},     {"third", 1, {12}, "first"}};
    static const struct {
        const char *file;
        const wanted *all;
        size_t count;
    } rows[] = {{"plain", net, 8},  {"protocol4", net, 8},   {"protocol5", net, 8},       {"parallel", parallel, 8},
                {"nested", net, 8}, {"old_nested", net, 8},  {"parameter", parameter, 2}, {"types", types, 6},
                {"old", types, 6},  {"strides", strides, 6}, {"old_strides", strides, 6}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_tensor_file *file = opened(torch_file(rows[i].file));
        assert_tensors(file, rows[i].all, rows[i].count);
        nx_tensor_file_free(file);
    }
}

static void torchs_other_files_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"system", "its pickle asks for posix.system, which is not a tensor: refused"},
        {"old_system", "its pickle asks for posix.system, which is not a tensor: refused"},
        {"model", "asks for torch.nn.modules.container.Sequential, which is not a tensor"},
        {"script", "asks for __torch__.torch.nn.modules.linear.Linear"},
        {"complex", "asks for torch.ComplexFloatStorage"},
        {"sparse", "asks for torch._utils._rebuild_sparse_tensor"},
        {"expanded", "a tensor of 1000 numbers over a storage of 1"},
        {"two", "two dicts of tensors in it, one and other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_refused(torch_file(rows[i][0]), rows[i][1]);
}

/* ---- by hand: pieces of a pickle ---- */

#define TEXT(length, text) "X" length "\0\0\0" text
#define PERSISTENT(kind, key, count)                                                                                   \
    "(" TEXT("\7", "storage") "ctorch\n" kind "Storage\n" TEXT("\1", key) TEXT("\3", "cpu") count "tQ"
#define STORAGE PERSISTENT("Float", "0", "K\4")
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define HOOKS                                                                                                          \
    "\x89"                                                                                                             \
    "ccollections\nOrderedDict\n)R"
#define TENSOR(offset, size, step) REBUILD STORAGE offset size step HOOKS "tR"
#define FOUR                       TENSOR("K\0", "K\4\x85", "K\1\x85")
#define DICT(of)                   "\x80\2}" TEXT("\1", "w") of "s."
#define BYTES(literal)             literal, sizeof literal - 1

typedef struct bytes {
    const char *data;
    size_t count;
} bytes;

static const nx_tensor_entry four = {"w", 1, {4}, (const float[4]){1, 2, 3, 4}};

/* A pickle beside one storage, "0", of 1, 2, 3, 4, in either format. */
static const char *write_by_hand(bytes pickle, bool old)
{
    const char *path = scratch(old ? "old.pth" : "new.pth");
    if (!old) assert_true(write_zip_of(path, pickle.data, pickle.count, &four, 1));
    if (!old) return path;
    pth_buffer whole = pth_old(pickle.data, pickle.count, &four, 1);
    scratch_write(path, whole.bytes, whole.count);
    free(whole.bytes);
    return path;
}

/* Ways in which versions of PyTorch and of Python write the same. */
static void old_ways_are_known(void **state)
{
    (void)state;
    static const bytes rows[] = {
        {BYTES(DICT(FOUR))},
        /* before strides were sure to be there, fewer arguments; tensors that are made empty and given their state */
        {BYTES(DICT("ctorch._utils\n_rebuild_tensor\n(" STORAGE "K\0K\4\x85K\1\x85tR"))},
        {BYTES(DICT("ctorch\nFloatTensor\n)R(" STORAGE "K\0K\4\x85K\1\x85tb"))},
        /* a Parameter: made of its tensor and told more, given the tensor among its state, rebuilt */
        {BYTES(DICT("ctorch.nn.parameter\nParameter\n" FOUR "\x85\x81\x88\x89N\x87"
                    "b"))},
        {BYTES(DICT("ctorch.nn.parameter\nParameter\n)\x81(" FOUR "NN\x88\x89tb"))},
        {BYTES(DICT("ctorch._utils\n_rebuild_parameter\n" FOUR "\x88N\x87R"))},
        /* Python 2: texts of bytes, an ordered dict made of a list of pairs; lists made one by one and at once */
        {BYTES("\x80\2ccollections\nOrderedDict\n]]U\1wa" FOUR "aa\x85R.")},
        {BYTES("\x80\2ccollections\nOrderedDict\n](](T\1\0\0\0w" FOUR "ee\x85R.")},
        /* a dict with attributes; values that are kept and fetched; numbers of all lengths */
        {BYTES("\x80\2ccollections\nOrderedDict\n)R" TEXT("\1", "w") FOUR "s}" TEXT("\1", "v") "K\1sb.")},
        {BYTES(DICT(TENSOR("K\0", "M\4\0q\0\x85", "\x8a\1\1\x85r\1\0\0\0")))},
        {BYTES("\x80\2]" TEXT("\1", "w") "q\0a}h\0" FOUR "sa\x8a\7\0\0\0\0\0\0\x80"
                                         "a.")},
        /* dicts that hold each other, and the dict with tensors far inside */
        {BYTES("\x80\2}q\0" TEXT("\1", "a") "]h\0a(K\1N}" TEXT("\1", "w") FOUR "stas.")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int old = 0; old < 2; old++) {
            nx_error err = {0};
            nx_tensor_file *file;
            if (!nx_tensor_file_open(&file, write_by_hand(rows[i], old), &err)) fail_msg("row %zu: %s", i, err.text);
            assert_int_equal(nx_tensor_file_count(file), 1);
            const nx_tensor_entry *e = nx_tensor_file_find(file, "w");
            assert_non_null(e);
            assert_int_equal(e->rank, 1);
            assert_int_equal(e->shape[0], 4);
            assert_memory_equal(e->data, four.data, 4 * sizeof(float));
            nx_tensor_file_free(file);
        }
}

/* The state dict is the one of that name, else the nearest, else the one with most tensors. */
static void the_state_dict_is_found(void **state)
{
    (void)state;
#define NAMED(key) TEXT("\1", key) FOUR "s"
    static const struct {
        bytes pickle;
        const char *first;
        size_t count;
    } rows[] = {
        {{BYTES("\x80\2}" TEXT("\3", "one") "}" NAMED("a") NAMED("b") "s" TEXT("\5", "model") "}" NAMED("c") "s.")},
         "c",
         1},
        {{BYTES("\x80\2}" TEXT("\3", "one") "}" NAMED("a") "s" TEXT("\3", "two") "}" NAMED("b") NAMED("c") "s.")},
         "b",
         2},
        {{BYTES("\x80\2}" TEXT("\3", "far") "}K\0}" NAMED("a") NAMED("b") "ss" TEXT("\4", "near") "}" NAMED("c") "s.")},
         "c",
         1},
        {{BYTES("\x80\2]}" NAMED("a") "a.")}, "a", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_tensor_file *file = opened(write_by_hand(rows[i].pickle, false));
        assert_int_equal(nx_tensor_file_count(file), rows[i].count);
        assert_string_equal(nx_tensor_file_at(file, 0)->name, rows[i].first);
        nx_tensor_file_free(file);
    }
}

static void wrong_pickles_are_refused(void **state)
{
    (void)state;
    static const struct {
        bytes pickle;
        const char *part;
    } rows[] = {
        /* what it may not ask for */
        {{BYTES("\x80\2cos\nsystem\n" TEXT("\4", "true") "\x85R.")},
         "asks for os.system, which is not a tensor: refused"},
        {{BYTES("\x80\4\x8c\2os\x8c\6system\x93)R.")}, "asks for os.system, which is not a tensor: refused"},
        {{BYTES("\x80\2cbuiltins\neval\n.")}, "asks for builtins.eval, which"},
        {{BYTES("\x80\2ctorch\nFloatStorage\n)R.")}, "calls torch.FloatStorage: refused"},
        {{BYTES("\x80\2(S'true'\nios\nsystem\n.")}, "has the instruction 0x53 at byte"},
        {{BYTES("\x80\2cos\nsys")}, "cut off"},
        /* what is no pickle, or ends too early, or is more than one value */
        {{BYTES("")}, "cut off"},
        {{BYTES("\x80\2")}, "cut off"},
        {{BYTES("\x80\2}X\5\0\0\0ab")}, "cut off"},
        {{BYTES("\x80\2NN.")}, "values left on its stack"},
        {{BYTES("\x80\2.")}, "too few values"},
        {{BYTES("\x80\2(.")}, "too few values"},
        {{BYTES("\x80\2t.")}, "no mark"},
        {{BYTES("\x80\2K\1\x86.")}, "too few values"},
        {{BYTES("\x80\2}s.")}, "too few values"},
        {{BYTES("\x80\2}(NNs.")}, "items of no dict"},
        {{BYTES("\x80\2}(Nu.")}, "items of no dict"},
        {{BYTES("\x80\2N(NNu.")}, "items of no dict"},
        {{BYTES("\x80\2}(Ne.")}, "items of no list"},
        {{BYTES("\x80\2h\0.")}, "a value that was not kept"},
        {{BYTES("\x80\2Nr\xff\xff\xff\x7f.")}, "kept value out of order"},
        {{BYTES("\x80\2\x8a\x9"
                "123456789.")},
         "a number of more than 64 bits"},
        {{BYTES("\x80\2N)R.")}, "a call of nothing"},
        {{BYTES("\x80\2Nb.")}, "too few values"},
        {{BYTES("\x80\2N}b.")}, "a state that nothing has"},
        /* what holds no tensors */
        {{BYTES("\x80\2N.")}, "no dict of tensors"},
        {{BYTES("\x80\2).")}, "no dict of tensors"},
        {{BYTES("\x80\2" FOUR ".")}, "no dict of tensors"},
        {{BYTES("\x80\2}K\1" FOUR "s.")}, "no dict of tensors"},
        {{BYTES(DICT(REBUILD PERSISTENT("Long", "0", "K\2") "K\0K\2\x85K\1\x85" HOOKS "tR"))}, "no tensor of floats"},
        {{BYTES("\x80\2}(" TEXT("\1", "w") FOUR TEXT("\1", "w") FOUR "u.")}, "'w' is there twice"},
        {{BYTES("\x80\2}(" TEXT("\1", "w") FOUR TEXT("\1", "v") "ctorch\nFloatTensor\n)Ru.")}, "an empty tensor"},
        /* storages */
        {{BYTES(DICT("NQ"))}, "what names no storage"},
        {{BYTES(DICT("(K\1K\1K\1K\1K\1tQ"))}, "what names no storage"},
        {{BYTES(DICT(PERSISTENT("Float", "0", "J\xff\xff\xff\xff")))}, "what names no storage"},
        {{BYTES(DICT("(" TEXT("\7", "storage") "ctorch\nFloatStorage\n" TEXT("\1", "0") TEXT("\3", "cpu") "K\4)tQ"))},
         "a part of another one"},
        {{BYTES("\x80\2}" TEXT("\1", "w") FOUR "s" TEXT("\1", "v") PERSISTENT("Half", "0", "K\4") "s.")},
         "a storage of two types"},
        {{BYTES("\x80\2}" TEXT("\1", "w") FOUR "s" TEXT("\1", "v") PERSISTENT("Float", "0", "K\5") "s.")},
         "a storage of two types or lengths"},
        /* tensors that do not lie in them */
        {{BYTES(DICT(REBUILD "K\0K\0)" HOOKS "tR"))}, "a tensor that is none"},
        {{BYTES(DICT(TENSOR("K\0", "K\4\x85", "K\1K\1\x86")))}, "a tensor that is none"},
        {{BYTES(DICT(TENSOR("K\1", "K\4\x85", "K\1\x85")))}, "does not lie in its storage"},
        {{BYTES(DICT(TENSOR("J\xff\xff\xff\xff", "K\4\x85", "K\1\x85")))}, "does not lie in its storage"},
        {{BYTES(DICT(TENSOR("K\0", "K\5\x85", "K\1\x85")))}, "does not lie in its storage"},
        {{BYTES(DICT(TENSOR("K\0", "K\2K\2\x86", "K\3K\1\x86")))}, "does not lie in its storage"},
        {{BYTES(DICT(TENSOR("K\0", "K\2\x85", "\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f\x85")))},
         "does not lie in its storage"},
        {{BYTES(DICT(TENSOR("K\0", "K\3K\3\x86", "\x8a\x8\0\0\0\0\0\0\0\x40\x8a\x8\0\0\0\0\0\0\0\x40\x86")))},
         "does not lie in its storage"},
        {{BYTES(DICT(TENSOR("K\0", "K\5\x85", "K\0\x85")))}, "a tensor of 5 numbers over a storage of 4"},
        {{BYTES(DICT(TENSOR("K\0", "J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", "K\0K\0K\0\x87")))},
         "over a storage of 4"},
        {{BYTES(DICT(TENSOR("K\0", "J\xff\xff\xff\xff\x85", "K\1\x85")))}, "a size or stride that cannot be"},
        {{BYTES(DICT(TENSOR("K\0", "\x8a\5\0\0\0\0\1\x85", "K\1\x85")))}, "a size or stride that cannot be"},
        {{BYTES(DICT(TENSOR("K\3", "K\4\x85", "J\xff\xff\xff\xff\x85")))}, "a size or stride that cannot be"},
        {{BYTES(DICT(TENSOR("K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t")))},
         "9 dimensions; at most 8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_refused(write_by_hand(rows[i].pickle, false), rows[i].part);
}

/* What is around the pickle. */
static void wrong_files_are_refused(void **state)
{
    (void)state;
    static const char nine[] = DICT(REBUILD PERSISTENT("Float", "0", "K\x9") "K\0K\4\x85K\1\x85" HOOKS "tR"),
                      other[] = DICT(REBUILD PERSISTENT("Float", "1", "K\4") "K\0K\4\x85K\1\x85" HOOKS "tR"),
                      huge[] = DICT(
                          REBUILD PERSISTENT("Float", "0", "\x8a\x8\0\0\0\0\0\0\0\x40") "K\0K\4\x85K\1\x85" HOOKS "tR"),
                      good[] = DICT(FOUR);
    const bytes pickles[] = {{BYTES(nine)}, {BYTES(other)}, {BYTES(huge)}};
    static const char *const parts[][2] = {{"has 16 bytes, where 9 numbers of type F32", "a storage of 9 numbers"},
                                           {"'archive/data/1' is not in it", "a storage that no tensor has"},
                                           {"has 16 bytes, where 4611686018427387904 numbers", "a storage of 46116"}};
    for (size_t i = 0; i < 3; i++)
        for (int old = 0; old < 2; old++) assert_refused(write_by_hand(pickles[i], old), parts[i][old]);

    /* cut short anywhere, and longer */
    for (int old = 0; old < 2; old++) {
        const char *path = write_by_hand((bytes){BYTES(good)}, old);
        char *data;
        size_t count;
        nx_error err = {0};
        nx_tensor_file *file;
        assert_true(nx_file_read(path, &data, &count, &err));
        for (size_t less = 1; less < count; less += 1 + count / 60) {
            scratch_write(path, data, count - less);
            assert_false(nx_tensor_file_open(&file, path, &err));
            assert_message(&err, path, "");
        }
        if (old) {
            scratch_write(path, data, count + 1); /* with the zero behind them */
            assert_refused(path, "1 bytes after the last storage");
        }
        free(data);
    }

    /* machines of the other order, and another format */
    const char *path = scratch("order.pth");
    pth_buffer b = {0};
    PTH_PUT(&b, PTH_MAGIC "\x80\2M\xe9\3.\x80\2}X\r\0\0\0little_endian\x89s.\x80\2N.\x80\2].");
    scratch_write(path, b.bytes, b.count);
    assert_refused(path, "big-endian");
    b.count = 0;
    PTH_PUT(&b, PTH_MAGIC "\x80\2M\xea\3.\x80\2}.\x80\2N.\x80\2].");
    scratch_write(path, b.bytes, b.count);
    assert_refused(path, "not of the format 1001");
    free(b.bytes);
    int code;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    assert_non_null(zip);
    assert_true(zip_file_add(zip, "a/data.pkl", zip_source_buffer(zip, good, sizeof good - 1, 0), 0) >= 0);
    assert_true(zip_file_add(zip, "a/byteorder", zip_source_buffer(zip, "big", 3, 0), 0) >= 0);
    assert_int_equal(zip_close(zip), 0);
    assert_refused(path, "big-endian");
}

/* A file that is small and would take much: one storage again and again, values without end. */
static void much_of_little_is_refused(void **state)
{
    (void)state;
    enum { NUMBERS = 1 << 18, TENSORS = 100, VALUES = 1000001 };
    static float zeros[NUMBERS];
    const nx_tensor_entry large = {"w", 1, {NUMBERS}, zeros};
    const char *path = scratch("much.pth");
    pth_buffer b = {0};
    PTH_PUT(&b, "\x80\2}(");
    for (int i = 0; i < TENSORS; i++) {
        char name[8];
        snprintf(name, sizeof name, "w%d", i);
        pth_put_text(&b, name);
        pth_put_tensor(&b, &large, 0);
    }
    PTH_PUT(&b, "u.");
    assert_true(write_zip_of(path, b.bytes, b.count, &large, 1));
    assert_refused(path, "the same 1048576 bytes again and again");
    b.bytes = nx_realloc(b.bytes, VALUES + 3);
    memset(b.bytes, 'N', VALUES + 3);
    memcpy(b.bytes, "\x80\2", 2);
    assert_true(write_zip_of(path, b.bytes, VALUES + 3, &four, 1));
    assert_refused(path, "more than 1000000 values");
    free(b.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torchs_files_are_read),     cmocka_unit_test(torchs_other_files_are_refused),
        cmocka_unit_test(old_ways_are_known),        cmocka_unit_test(the_state_dict_is_found),
        cmocka_unit_test(wrong_pickles_are_refused), cmocka_unit_test(wrong_files_are_refused),
        cmocka_unit_test(much_of_little_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
