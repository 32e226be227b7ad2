/* Convolutions in other precisions than float32: on a device that can; and as tensor cores would compute them, by a
 * model of their instruction. */
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/program.h"
#include "harness.h"
#include "io/files.h"
#include "op_check.h"
#include "ops/conv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *filter = "";

/* Every case of a convolution, whose gradients are convolutions too, twice for the same bits; and something is rounded.
 */
static void assert_convolutions(nx_device *device, double rounded)
{
    double most = 0;
    size_t wrong = 0;
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        if (c->timed || !op_is_convolution(c) || !nx_contains(c->name, filter)) continue;
        for (int gradient = 0; gradient < 2; gradient++) {
            if (gradient && !op_has_gradient(c, 0)) continue;
            op_strictness strictness = {.in_place = true};
            op_finding f = (gradient ? op_check_gradient : op_check_forward)(device, c, &strictness);
            if (f.error > most) most = f.error;
            if (f.good) continue;
            wrong++;
            fprintf(stderr, "%s %s%s\n", c->name, f.wrong, f.where);
        }
    }
    assert_int_equal(wrong, 0);
    assert_true(most > rounded);
}

static void bf16_of_a_processor(void **state)
{
    (void)state;
    nx_device *device;
    nx_error err;
    nx_device_options options = test_options("cpu");
    options.precision = NX_BF16;
    if (!nx_device_open(&device, &options, &err)) {
        printf("%s\n", err.text);
        skip();
    }
    assert_convolutions(device, 1e-4);
    nx_device_free(device);
}

/* ---- tensor cores ---- */

static void put(const char *folder, const char *file, const char *text)
{
    nx_error err;
    char *path = nx_format("%s/%s.cl", folder, file);
    if (!nx_file_write(path, text, strlen(text), &err)) fail_msg("%s", err.text);
    free(path);
}

/* The end of what begins there, which is there once. */
static const char *behind(const char *text, const char *what)
{
    const char *at = strstr(text, what);
    if (!at || strstr(at + 1, what)) fail_msg("conv_gpu.cl has \"%s\" not once", what);
    return at + strlen(what);
}

/* conv_gpu.cl with the model in the place of the instructions, unless it is compiled for who has them. */
static char *modelled(const char *text)
{
    static const char instructions[] = "/* ---- the instructions of tensor cores ---- */\n",
                      tiles[] = "/* ---- tiles in local memory ---- */\n", size[] = "__local word b[DEPTH / TERMS";
    size_t bytes;
    nx_error err;
    char *model;
    if (!nx_file_read(NSTX_SOURCE "/tests/mma.cl", &model, &bytes, &err)) fail_msg("%s", err.text);
    const char *begin = behind(text, instructions), *end = behind(text, tiles) - strlen(tiles),
               *more = behind(text, size);
    char *out = nx_format("%.*s#if defined(__NVPTX__) || !(defined(TF32) || defined(BF16))\n%.*s"
                          "#define ROWS_OF_MATRICES 0\n#else\n%.*s#endif\n%.*s + ROWS_OF_MATRICES%s",
                          (int)(begin - text), text, (int)(end - begin), begin, (int)bytes, model, (int)(more - end),
                          end, more);
    free(model);
    return out;
}

/* A folder of kernels with which a device of any kind passes for one with tensor cores. */
static void make_kernels(char *folder)
{
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < nx_source_count; i++) {
        const nx_source *s = &nx_sources[i];
        char *text = strcmp(s->name, "conv_gpu") ? nx_copy_text(s->text) : modelled(s->text);
        put(folder, s->name, text);
        free(text);
    }
    put(folder, "mma", "__kernel void tf32(__global float *p) {}\n__kernel void bf16(__global float *p) {}\n");
}

static void remove_kernels(const char *folder)
{
    for (size_t i = 0; i < nx_source_count; i++) {
        char *path = nx_format("%s/%s.cl", folder, nx_sources[i].name);
        assert_int_equal(unlink(path), 0);
        free(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void of_tensor_cores(nx_precision precision, double rounded)
{
    char folder[] = "/tmp/nstx-kernels-XXXXXX";
    nx_device *device;
    nx_error err;
    nx_device_options options = test_options("gpu");
    make_kernels(folder);
    options.sources = folder;
    options.precision = precision;
    bool opened = nx_device_open(&device, &options, &err);
    if (opened) assert_convolutions(device, rounded);
    if (opened) nx_device_free(device);
    remove_kernels(folder);
    if (!opened) fail_msg("%s", err.text);
}

static void tf32_of_tensor_cores(void **state) { (void)state, of_tensor_cores(NX_TF32, 1e-5); }
static void bf16_of_tensor_cores(void **state) { (void)state, of_tensor_cores(NX_BF16, 1e-4); }

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bf16_of_a_processor), cmocka_unit_test(tf32_of_tensor_cores),
                                       cmocka_unit_test(bf16_of_tensor_cores)};
    if (argc > 1) filter = argv[1];
    nx_log_set(NX_LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
