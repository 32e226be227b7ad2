/* What is left of a device's memory: a processor's is what the system and the control groups report, where that is
 * less. */
#include "../io/scratch.h"

#include "machine/available_memory.h"

#define GB     (UINT64_C(1) << 30)
#define IDLE   "MemTotal:       24684092 kB\nMemAvailable:   20971520 kB\n"
#define NESTED "/user.slice/job 7/step"

static nx_device_info device(cl_device_type type) { return (nx_device_info){.type = type, .memory = 16 * GB}; }

/* NULL: no such file. */
static memory_files files(const char *meminfo, const char *cgroup)
{
    if (meminfo) scratch_write(scratch("meminfo"), meminfo, strlen(meminfo));
    if (cgroup) scratch_write(scratch("cgroup"), cgroup, strlen(cgroup));
    return (memory_files){scratch(meminfo ? "meminfo" : "missing"), scratch(cgroup ? "cgroup" : "missing"),
                          scratch("groups")};
}

static uint64_t left(cl_device_type type, const char *meminfo, const char *cgroup)
{
    nx_device_info info = device(type);
    memory_files f = files(meminfo, cgroup);
    return available_memory(&info, &f);
}

static uint64_t allowed(cl_device_type type, const char *cgroup)
{
    nx_device_info info = device(type);
    memory_files f = files(IDLE, cgroup);
    return allowed_memory(&info, &f);
}

/* A file of a group, below groups/. */
static void group(const char *folder, const char *name, const char *text)
{
    char *path = nx_format("%s%s", scratch("groups"), folder);
    assert_true(nx_folder_make(path, NULL));
    char *file = nx_format("%s/%s", path, name);
    scratch_write(file, text, strlen(text));
    free(file);
    free(path);
}

static int no_groups(void **state)
{
    (void)state;
    char *command = nx_format("rm -rf '%s'", scratch("groups"));
    int result = system(command);
    free(command);
    return result;
}

/* ---- the system ---- */

static void the_processor_has_what_is_free(void **state)
{
    (void)state;
    static const char busy[] = "MemTotal:       24684092 kB\nMemFree:         1048576 kB\nMemAvailable:    3145728 kB\n"
                               "Buffers:           10000 kB\n";
    assert_true(left(CL_DEVICE_TYPE_CPU, busy, NULL) == 3 * GB);
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, NULL) == 16 * GB);
    assert_true(left(CL_DEVICE_TYPE_GPU, busy, NULL) == 16 * GB);
}

static void a_system_that_does_not_say_is_believed_to_have_it(void **state)
{
    (void)state;
    assert_true(left(CL_DEVICE_TYPE_CPU, NULL, NULL) == 16 * GB);
    assert_true(left(CL_DEVICE_TYPE_CPU, "", "") == 16 * GB);
    assert_true(left(CL_DEVICE_TYPE_CPU, "MemTotal: 1024 kB\nMemAvailable: much\n", "what\n0:\n") == 16 * GB);
}

/* ---- control groups ---- */

static void a_group_leaves_what_it_does_not_use(void **state)
{
    (void)state;
    group(NESTED, "memory.max", "1610612736\n"); /* 1.5 GB */
    group(NESTED, "memory.current", "1073741824\n");
    group(NESTED, "memory.stat", "anon 536870912\nfile 536870912\ninactive_file 268435456\nactive_file 1\n");
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, "0::" NESTED "\n") == 3 * GB / 4);
    assert_true(left(CL_DEVICE_TYPE_GPU, IDLE, "0::" NESTED "\n") == 16 * GB);
    assert_true(allowed(CL_DEVICE_TYPE_CPU, "0::" NESTED "\n") == 3 * GB / 2);
    assert_true(allowed(CL_DEVICE_TYPE_GPU, "0::" NESTED "\n") == 16 * GB);
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, "0::/another\n") == 16 * GB);
    group(NESTED, "memory.current", "1710612736\n"); /* it was made smaller meanwhile */
    group(NESTED, "memory.stat", "inactive_file 0\n");
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, "0::" NESTED "\n") == 0);
}

static void the_tightest_ancestor_counts(void **state)
{
    (void)state;
    group(NESTED, "memory.max", "max\n");
    group("/user.slice/job 7", "memory.max", "4294967296\n");
    group("/user.slice/job 7", "memory.current", "0\n");
    group("/user.slice", "memory.max", "8589934592\n");
    group("/user.slice", "memory.current", "6442450944\n"); /* by other jobs */
    assert_true(allowed(CL_DEVICE_TYPE_CPU, "0::" NESTED "\n") == 4 * GB);
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, "0::" NESTED "\n") == 2 * GB);
}

static void the_first_version_is_known_too(void **state)
{
    (void)state;
    static const char groups[] = "9:name=systemd:/\n4:cpu,memory:/docker/0123\n3:cpuset:/\n0::/\n";
    group("/memory", "memory.limit_in_bytes", "9223372036854771712\n"); /* none */
    group("/memory", "memory.usage_in_bytes", "20000000000\n");
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, groups) == 16 * GB);
    group("/memory/docker/0123", "memory.limit_in_bytes", "2147483648\n");
    group("/memory/docker/0123", "memory.usage_in_bytes", "1610612736\n");
    group("/memory/docker/0123", "memory.stat", "inactive_file 5\ntotal_inactive_file 536870912\n");
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, groups) == GB);
    assert_true(allowed(CL_DEVICE_TYPE_CPU, groups) == 2 * GB);
}

/* The hierarchy begins at the container, the path is that outside of it or leads out of it. */
static void a_container_is_its_root(void **state)
{
    (void)state;
    group("", "memory.max", "1073741824\n");
    group("", "memory.current", "0\n");
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, "0::/\n") == GB);
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, "0::/docker/0123\n") == GB);
    assert_true(left(CL_DEVICE_TYPE_CPU, IDLE, "0::/../../other\n") == GB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_processor_has_what_is_free),
        cmocka_unit_test(a_system_that_does_not_say_is_believed_to_have_it),
        cmocka_unit_test_teardown(a_group_leaves_what_it_does_not_use, no_groups),
        cmocka_unit_test_teardown(the_tightest_ancestor_counts, no_groups),
        cmocka_unit_test_teardown(the_first_version_is_known_too, no_groups),
        cmocka_unit_test_teardown(a_container_is_its_root, no_groups),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
