/* Devices by a part of their name, by number, and by both. */
#include "base/error.h"
#include "device/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const nx_device_info list[] = {
    {.number = 1, .name = "NVIDIA H200", .platform = "NVIDIA CUDA"},
    {.number = 2, .name = "NVIDIA H200", .platform = "NVIDIA CUDA"},
    {.number = 3, .name = "GeForce RTX 4090", .platform = "NVIDIA CUDA"},
    {.number = 4, .name = "pthread-skylake-avx512", .platform = "Portable Computing Language"},
};

static void each_is_meant_by_its_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned number;
    } rows[] = {{"H200", 1},   {"h200#2", 2},   {"nvidia#3", 3},   {"#1", 1},    {"#4", 4},     {"4090", 3},
                {"avx512", 4}, {"portable", 4}, {"Portable#1", 4}, {"RTX 4", 3}, {"cuda#02", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_error err = {0};
        const nx_device_info *meant = nx_device_named(list, 4, rows[i].name, &err);
        if (!meant) fail_msg("%s", err.text);
        assert_int_equal(meant->number, rows[i].number);
    }
}

static void what_means_none_is_told_which_there_are(void **state)
{
    (void)state;
#define ALL "; there are: #1 NVIDIA H200, #2 NVIDIA H200, #3 GeForce RTX 4090, #4 pthread-skylake-avx512"
    static const char *const rows[][2] = {
        {"1", "\"1\" alone is no name: a device's number is written #1" ALL},
        {"12", "\"12\" alone is no name: a device's number is written #12" ALL},
        {"#5", "no device is called \"#5\"" ALL},
        {"#0", "no device is called \"#0\"" ALL},
        {"#", "no device is called \"#\"" ALL},
        {"h200#3", "no device is called \"h200#3\"" ALL},
        {"h200#two", "no device is called \"h200#two\"" ALL},
        {"#99999999999999999999999999", "no device is called \"#99999999999999999999999999\"" ALL},
        {"5090", "no device is called \"5090\"" ALL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_error err = {0};
        assert_null(nx_device_named(list, 4, rows[i][0], &err));
        assert_string_equal(err.text, rows[i][1]);
    }
}

static void a_list_is_numbered(void **state)
{
    (void)state;
    nx_device_info *found;
    size_t count;
    nx_error err = {0};
    if (!nx_device_list(&found, &count, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++) assert_int_equal(found[i].number, i + 1);
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_meant_by_its_names),
        cmocka_unit_test(what_means_none_is_told_which_there_are),
        cmocka_unit_test(a_list_is_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
