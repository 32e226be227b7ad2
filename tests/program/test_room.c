/* What is left of a device's memory: a processor's is what the system reports, where that is less. */
#include "../io/scratch.h"

#include "machine/available_memory.h"

#define GB (UINT64_C(1) << 30)

static uint64_t room(cl_device_type type, const char *meminfo)
{
    nx_device_info info = {.type = type, .memory = 16 * GB};
    if (meminfo) scratch_write(scratch("meminfo"), meminfo, strlen(meminfo));
    return available_memory(&info, scratch(meminfo ? "meminfo" : "missing"));
}

static void the_processor_has_what_is_free(void **state)
{
    (void)state;
    static const char busy[] = "MemTotal:       24684092 kB\nMemFree:         1048576 kB\nMemAvailable:    3145728 kB\n"
                               "Buffers:           10000 kB\n";
    static const char idle[] = "MemTotal:       24684092 kB\nMemAvailable:   20971520 kB\n";
    assert_true(room(CL_DEVICE_TYPE_CPU, busy) == 3 * GB);
    assert_true(room(CL_DEVICE_TYPE_CPU, idle) == 16 * GB);
    assert_true(room(CL_DEVICE_TYPE_GPU, busy) == 16 * GB);
}

static void a_system_that_does_not_say_is_believed_to_have_it(void **state)
{
    (void)state;
    assert_true(room(CL_DEVICE_TYPE_CPU, NULL) == 16 * GB);
    assert_true(room(CL_DEVICE_TYPE_CPU, "") == 16 * GB);
    assert_true(room(CL_DEVICE_TYPE_CPU, "MemTotal: 1024 kB\nMemAvailable: much\n") == 16 * GB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_processor_has_what_is_free),
        cmocka_unit_test(a_system_that_does_not_say_is_believed_to_have_it),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
