/* Programs kept between runs: found again by what they were made of, made anew where the file is damaged. */
#include "harness.h"

#include "../io/scratch.h"

#include "base/memory.h"
#include "device/memory.h"
#include "device/program.h"
#include "io/files.h"
#include "machine/device.h"
#include "machine/program_cache.h"

#include <dirent.h>
#include <string.h>

enum { COUNT = 256 };

/* The only file in the folder of programs; owned by the caller. */
static char *only_program(const char *cache)
{
    char *folder = nx_format("%s/programs", cache), *path = NULL;
    int count = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        free(path);
        path = nx_format("%s/%s", folder, e->d_name);
        count++;
    }
    closedir(d);
    free(folder);
    assert_int_equal(count, 1);
    return path;
}

/* What add.cl makes of 1 + 2, on a device that was opened just for that. */
static float sum(void)
{
    nx_device *device;
    nx_error err;
    if (!device_open(&device, (nx_device_options){.kernels = "cpu"}, &err)) fail_msg("%s", err.text);
    cl_mem buffer[3];
    float values[COUNT];
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < COUNT; i++) values[i] = (float)(k + 1);
        buffer[k] = nx_buffer_new(device, sizeof values, NX_MEMORY_PARAMETERS);
        nx_buffer_write(device, buffer[k], values, sizeof values);
    }
    cl_kernel kernel = nx_kernel_new(device, "add", "add", NULL);
    for (cl_uint k = 0; k < 3; k++) assert_int_equal(clSetKernelArg(kernel, k, sizeof(cl_mem), &buffer[k]), CL_SUCCESS);
    nx_launch l = {.kernel = kernel, .name = "add", .dims = 1, .global = {1}, .local = {1}};
    nx_launch_run(device, &l, NULL);
    nx_buffer_read(device, buffer[2], values, sizeof values);
    clReleaseKernel(kernel);
    for (int k = 0; k < 3; k++) nx_buffer_free(device, buffer[k]);
    nx_device_free(device);
    return values[COUNT - 1];
}

/* The file of the program of a sum, in a cache of that name that begins empty; owned by the caller. */
static char *first_program(const char *cache)
{
    setenv("NSTX_KERNEL_CACHES", cache, true);
    program_cache_use();
    assert_float_equal(sum(), 3, 0);
    return only_program(cache);
}

/* Another program under the name of the first is what runs: it is the file that is taken, and its key tells sources
 * apart. */
static void test_taken(void **state)
{
    (void)state;
    const char *cache = scratch("taken");
    char *path = first_program(cache), *prelude, *other;
    nx_error err;
    size_t bytes;
    assert_int_equal(unlink(path), 0);
    assert_true(nx_folder_make(scratch("cl"), &err));
    assert_true(nx_file_read(NSTX_SOURCE "/cl/prelude.cl", &prelude, &bytes, &err));
    assert_true(nx_file_write(scratch("cl/prelude.cl"), prelude, bytes, &err));
    const char *text = "KERNEL void add(__global const float *a, __global const float *b, __global float *y)\n"
                       "{ FLAT_FOR(i) vstore_lanes(vload_lanes(0, a + i) - vload_lanes(0, b + i), 0, y + i); }\n";
    assert_true(nx_file_write(scratch("cl/add.cl"), text, strlen(text), &err));
    setenv("NSTX_CL", scratch("cl"), true);
    assert_float_equal(sum(), -1, 0);
    unsetenv("NSTX_CL");
    char *difference = only_program(cache);
    assert_string_not_equal(difference, path);
    assert_true(nx_file_read(difference, &other, &bytes, &err));
    assert_true(nx_file_write(path, other, bytes, &err));
    assert_float_equal(sum(), -1, 0);
    free(prelude), free(other), free(path), free(difference);
}

/* A damaged file is made anew. */
static void test_damaged(void **state)
{
    (void)state;
    char *path = first_program(scratch("damaged")), *whole;
    nx_error err;
    size_t bytes;
    assert_true(nx_file_read(path, &whole, &bytes, &err));
    const size_t parts[] = {0, 16, bytes}; /* empty, a part of a line, all but one bit */
    for (int i = 0; i < 3; i++) {
        char *again;
        size_t bytes_again;
        whole[bytes / 2] ^= 1;
        assert_true(nx_file_write(path, whole, parts[i], &err));
        whole[bytes / 2] ^= 1;
        assert_float_equal(sum(), 3, 0);
        assert_true(nx_file_read(path, &again, &bytes_again, &err));
        assert_true(bytes_again > 16);
        assert_float_equal(sum(), 3, 0);
        free(again);
    }
    free(whole), free(path);
}

/* Where nothing can be kept all works, without. */
static void test_no_room(void **state)
{
    (void)state;
    nx_error err;
    assert_true(nx_file_write(scratch("file"), "", 0, &err));
    setenv("NSTX_KERNEL_CACHES", scratch("file/below"), true);
    program_cache_use();
    assert_float_equal(sum(), 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken), cmocka_unit_test(test_damaged),
                                       cmocka_unit_test(test_no_room)};
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
