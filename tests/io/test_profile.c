/* Colour profiles: from file to file, their names, and those that are dropped. */
#include "io/profile.h"

#include "base/log.h"
#include "icc.h"
#include "io/image.h"
#include "scratch.h"

#include <zlib.h>

static void save_with(const char *path, nx_image_format format, const nx_profile *p)
{
    nx_error err;
    nx_image image = nx_image_new(8, 9);
    nx_image_options as = {.format = format, .quality = 90, .profile = p};
    if (!nx_image_save(&image, path, &as, &err)) fail_msg("%s", err.text);
    nx_image_free(&image);
    if (!nx_image_load(&image, path, &err)) fail_msg("%s", err.text);
    nx_image_free(&image);
}

/* Of one segment of JPEG, of several, and as large as it may be. */
static void profiles_are_carried(void **state)
{
    (void)state;
    static const size_t sizes[] = {300, 65519, 65520, 200000, NX_PROFILE_MAX};
    static const nx_image_format formats[] = {NX_IMAGE_PNG, NX_IMAGE_PNG16, NX_IMAGE_JPEG};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
            nx_error err;
            nx_profile made = make_named_profile(sizes[s], "Display P3"), read;
            save_with(scratch("profile"), formats[f], &made);
            if (!nx_profile_load(&read, scratch("profile"), &err)) fail_msg("%zu bytes: %s", sizes[s], err.text);
            assert_int_equal(read.bytes, made.bytes);
            assert_memory_equal(read.data, made.data, made.bytes);
            nx_profile_free(&read);
            nx_profile_free(&made);
            save_with(scratch("none"), formats[f], &made);
            assert_true(nx_profile_load(&read, scratch("none"), &err));
            assert_int_equal(read.bytes, 0);
        }
}

static void names_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        size_t bytes;
        const char *name;
    } rows[] = {
#define ROW(tag, name) {tag, sizeof tag - 1, name}
        ROW("desc\0\0\0\0\0\0\0\x0b"
            "Display P3",
            "Display P3"),
        ROW("desc\0\0\0\0\0\0\0\x08"
            "\x1b[31mred",
            "?[31mred"),
        ROW("desc\0\0\0\0\xff\xff\xff\xff"
            "cut",
            "cut"),
        ROW("desc\0\0\0\0\0\0\0\1\0", "a profile without a name"),
        ROW("desc", "a profile without a name"),
        ROW("text\0\0\0\0some", "a profile without a name"),
        ROW("mluc\0\0\0\0\0\0\0\1\0\0\0\x0c"
            "deDE\0\0\0\x06\0\0\0\x1c"
            "\0B\0l\0\xe4",
            "Bl\xc3\xa4"),
        ROW("mluc\0\0\0\0\0\0\0\2\0\0\0\x0c"
            "jaJP\0\0\0\4\0\0\0\x28"
            "enUS\0\0\0\4\0\0\0\x2c"
            "\x82\x72\0A\0P\0\x33",
            "P3"),
        ROW("mluc\0\0\0\0\0\0\0\1\0\0\0\x0c"
            "jaJP\0\0\0\4\0\0\0\x1c"
            "\x82\x72\0A",
            "\xe8\x89\xb2"
            "A"),
        ROW("mluc\0\0\0\0\0\0\0\1\0\0\0\x0c"
            "enUS\0\0\0\6\0\0\0\x1c"
            "\0a\0\n\x20\x2e",
            "a????"),
        ROW("mluc\0\0\0\0\0\0\0\1\0\0\0\x0c"
            "enUS\0\0\0\6\0\0\xff\xff",
            "a profile without a name"),
        ROW("mluc\0\0\0\0\xff\xff\xff\xff\0\0\0\x0c", "a profile without a name"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_profile p = make_profile(300, rows[i].tag, rows[i].bytes);
        char *name = nx_profile_name(&p);
        assert_string_equal(name, rows[i].name);
        free(name);
        nx_profile_free(&p);
    }
    nx_profile astray = make_named_profile(300, "Display P3");
    put32(astray.data + 136, 299);
    char *name = nx_profile_name(&astray);
    assert_string_equal(name, "a profile without a name");
    free(name);
    nx_profile_free(&astray);
}

static void assert_dropped(const char *path, const char *why)
{
    nx_error err;
    nx_profile p;
    assert_false(nx_profile_load(&p, path, &err));
    assert_message(&err, path, why);
    assert_null(p.data);
    nx_log_set(NX_LOG_QUIET);
    assert_int_equal(nx_profile_of(path).bytes, 0);
    nx_log_set(NX_LOG_INFO);
}

static void damaged_ones_are_dropped(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *bytes, *why;
    } rows[] = {
        {0, "\0\0\0\1", "a damaged colour profile"},   {36, "ascp", "a damaged colour profile"},
        {128, "\0\1\0\0", "a damaged colour profile"}, {16, "GRAY", "for other colours than RGB"},
        {16, "CMYK", "for other colours than RGB"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (nx_image_format format = NX_IMAGE_PNG; format <= NX_IMAGE_JPEG; format++) {
            nx_profile p = make_named_profile(300, "Display P3");
            memcpy(p.data + rows[i].at, rows[i].bytes, 4);
            save_with(scratch("damaged"), format, &p);
            assert_dropped(scratch("damaged"), rows[i].why);
            nx_profile_free(&p);
        }
}

/* Segments of parts of `bytes` zeros with these numbers, between a JPEG's start and its end. */
static void write_parts(const char *path, const char *numbers, size_t count, size_t bytes)
{
    size_t whole = 18 + bytes;
    uint8_t *file = nx_alloc(4 + count * whole), *at = file;
    *at++ = 0xFF, *at++ = 0xD8;
    for (size_t i = 0; i < count; i++, at += whole) {
        size_t length = whole - 2;
        memcpy(at, (const uint8_t[]){0xFF, 0xE2, (uint8_t)(length >> 8), (uint8_t)length}, 4);
        memcpy(at + 4, "ICC_PROFILE", 12);
        memcpy(at + 16, numbers + 2 * (i % (strlen(numbers) / 2)), 2);
    }
    *at++ = 0xFF, *at++ = 0xD9;
    scratch_write(path, file, (size_t)(at - file));
    free(file);
}

static void parts_fit_together(void **state)
{
    (void)state;
    static const struct {
        const char *numbers, *why;
    } rows[] = {
        {"\1\2", "parts are missing"},       {"\1\3\3\3", "parts are missing"}, {"\1\2\1\2", "do not fit together"},
        {"\1\2\2\3", "do not fit together"}, {"\3\2", "do not fit together"},   {"\1\1", "a damaged colour profile"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_parts(scratch("parts"), rows[i].numbers, strlen(rows[i].numbers) / 2, 100);
        assert_dropped(scratch("parts"), rows[i].why);
    }
    char numbers[2 * 80 + 1] = "";
    for (int i = 0; i < 80; i++) numbers[2 * i] = (char)(i + 1), numbers[2 * i + 1] = 80;
    write_parts(scratch("many"), numbers, 80, 65000);
    assert_dropped(scratch("many"), "of more than 4194304 bytes");
}

/* A chunk of kilobytes that asks for a hundred megabytes, and one that is cut off. */
static void chunks_are_bounded(void **state)
{
    (void)state;
    size_t bytes = (size_t)100 << 20;
    uint8_t *zeros = nx_alloc(bytes), head[] = {0, 0, 0, 0, 'i', 'C', 'C', 'P', 'a', 0, 0};
    uLongf packed = compressBound(bytes);
    uint8_t *file = nx_alloc(8 + sizeof head + packed);
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    assert_int_equal(compress2(file + 8 + sizeof head, &packed, zeros, bytes, 9), Z_OK);
    put32(head, 3 + (uint32_t)packed);
    memcpy(file + 8, head, sizeof head);
    scratch_write(scratch("bomb.png"), file, 8 + sizeof head + packed);
    assert_dropped(scratch("bomb.png"), "or one of more than 4194304 bytes");
    scratch_write(scratch("cut.png"), file, 8 + sizeof head + packed / 2);
    assert_dropped(scratch("cut.png"), "a damaged colour profile");
    free(zeros);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_carried),     cmocka_unit_test(names_are_read),
        cmocka_unit_test(damaged_ones_are_dropped), cmocka_unit_test(parts_fit_together),
        cmocka_unit_test(chunks_are_bounded),
    };
    return cmocka_run_group_tests_name("profile", tests, scratch_open, scratch_close);
}
