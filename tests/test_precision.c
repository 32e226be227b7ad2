/* Convolutions in other precisions than float32: on a device that can; and as tensor cores and AMX would compute them,
 * by models of their instructions. */
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

/* What the cases of convolutions are checked for. */
typedef struct wanted {
    double rounded; /* something is, by more */
    bool modelled;  /* only what needs no instruction of bfloat16, and is not differentiated by the weights */
} wanted;

static bool has_instructions(const nx_device *device, const op_case *c, unsigned no_gradient)
{
    nx_program_list list = {0};
    bool found = false;
    op_case_programs(&device->info, c, no_gradient, &list);
    for (size_t i = 0; i < list.count; i++) found = found || nx_contains(list.names[i], "-DBF16");
    nx_program_list_free(&list);
    return found;
}

/* Every case of a convolution, whose gradients are convolutions too, twice for the same bits. */
static void assert_convolutions(nx_device *device, wanted w)
{
    double most = 0;
    size_t wrong = 0, seen = 0;
    op_strictness strictness = {.in_place = true, .no_gradient = w.modelled ? 2 : 0};
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        if (c->timed || !op_is_convolution(c) || !nx_contains(c->name, filter)) continue;
        if (w.modelled && has_instructions(device, c, strictness.no_gradient)) continue;
        seen++;
        for (int gradient = 0; gradient < 2; gradient++) {
            if (gradient && !op_has_gradient(c, strictness.no_gradient)) continue;
            op_finding f = (gradient ? op_check_gradient : op_check_forward)(device, c, &strictness);
            if (f.error > most) most = f.error;
            if (f.good) continue;
            wrong++;
            fprintf(stderr, "%s %s%s\n", c->name, f.wrong, f.where);
        }
    }
    assert_int_equal(wrong, 0);
    assert_true(most > w.rounded);
    assert_true(*filter || seen > 20);
}

static nx_device *bf16_or_skip(void)
{
    nx_device *device;
    nx_error err;
    nx_device_options options = test_options("cpu");
    options.precision = NX_BF16;
    if (nx_device_open(&device, &options, &err)) return device;
    printf("%s\n", err.text);
    skip();
    return NULL;
}

static void bf16_of_a_processor(void **state)
{
    (void)state;
    nx_device *device = bf16_or_skip();
    device->info.amx = false;
    assert_convolutions(device, (wanted){.rounded = 1e-4});
    nx_device_free(device);
}

static void bf16_of_amx(void **state)
{
    (void)state;
    nx_device *device = bf16_or_skip();
    bool amx = device->info.amx;
    if (amx) assert_convolutions(device, (wanted){.rounded = 1e-4});
    nx_device_free(device);
    if (amx) return;
    printf("a processor without AMX, or a system that does not let us use it\n");
    skip();
}

/* ---- models of instructions ---- */

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
    if (!at || strstr(at + 1, what)) fail_msg("a kernel file has \"%s\" not once", what);
    return at + strlen(what);
}

static char *model(const char *file)
{
    char *text, *path = nx_format("%s/tests/%s", NSTX_SOURCE, file);
    size_t bytes;
    nx_error err;
    if (!nx_file_read(path, &text, &bytes, &err)) fail_msg("%s", err.text);
    char *out = nx_format("%.*s", (int)bytes, text);
    free(text), free(path);
    return out;
}

/* conv_gpu.cl with the model in the place of the instructions, unless it is compiled for who has them. */
static char *with_tensor_cores(const char *text)
{
    static const char instructions[] = "/* ---- the instructions of tensor cores ---- */\n",
                      tiles[] = "/* ---- tiles in local memory ---- */\n", size[] = "__local word b[DEPTH / TERMS";
    char *mma = model("mma.cl");
    const char *begin = behind(text, instructions), *end = behind(text, tiles) - strlen(tiles),
               *more = behind(text, size);
    char *out = nx_format("%.*s#if defined(__NVPTX__) || !(defined(TF32) || defined(BF16))\n%.*s"
                          "#define ROWS_OF_MATRICES 0\n#else\n%s#endif\n%.*s + ROWS_OF_MATRICES%s",
                          (int)(begin - text), text, (int)(end - begin), begin, mma, (int)(more - end), end, more);
    free(mma);
    return out;
}

/* conv_amx.cl so. */
static char *with_tiles(const char *text)
{
    static const char instructions[] = "/* ---- the instructions of AMX ---- */\n", lines[] = "/* ---- lines ---- */\n";
    char *amx = model("amx.cl");
    char *out =
        nx_format("%.*s%s%s", (int)(behind(text, instructions) - text), text, amx, behind(text, lines) - strlen(lines));
    free(amx);
    return out;
}

/* A folder of kernels with which a device of any kind passes for one with tensor cores or AMX. */
static void make_kernels(char *folder)
{
    static const struct {
        const char *file;
        char *(*modelled)(const char *text);
    } models[] = {{"conv_gpu", with_tensor_cores}, {"conv_amx", with_tiles}};
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < nx_source_count; i++) {
        const nx_source *s = &nx_sources[i];
        char *text = NULL;
        for (size_t m = 0; m < sizeof models / sizeof *models; m++)
            if (!strcmp(s->name, models[m].file)) text = models[m].modelled(s->text);
        if (!text) text = nx_copy_text(s->text);
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

static nx_device *open_modelled(const char *kernels, nx_precision precision)
{
    char folder[] = "/tmp/nstx-kernels-XXXXXX";
    nx_device *device;
    nx_error err;
    nx_device_options options = test_options(kernels);
    make_kernels(folder);
    options.sources = folder;
    options.precision = precision;
    if (!nx_device_open(&device, &options, &err)) {
        remove_kernels(folder);
        fail_msg("%s", err.text);
    }
    return device;
}

/* With its folder. */
static void close_modelled(nx_device *device)
{
    char *folder = nx_copy_text(device->sources);
    nx_device_free(device);
    remove_kernels(folder);
    free(folder);
}

static void of_tensor_cores(nx_precision precision, double rounded)
{
    nx_device *device = open_modelled("gpu", precision);
    assert_convolutions(device, (wanted){.rounded = rounded});
    close_modelled(device);
}

static void tf32_of_tensor_cores(void **state) { (void)state, of_tensor_cores(NX_TF32, 1e-5); }
static void bf16_of_tensor_cores(void **state) { (void)state, of_tensor_cores(NX_BF16, 1e-4); }

static void bf16_of_a_model_of_amx(void **state)
{
    (void)state;
    nx_device *device = open_modelled("cpu", NX_FP32);
    bool wide = nx_device_lanes(&device->info) == 16;
    device->info.precision = NX_BF16;
    device->info.amx = true;
    if (wide) assert_convolutions(device, (wanted){.rounded = 1e-4, .modelled = true});
    close_modelled(device);
    if (wide) return;
    printf("the driver compiles for vectors of less than 16 floats\n");
    skip();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bf16_of_a_processor), cmocka_unit_test(bf16_of_amx),
                                       cmocka_unit_test(bf16_of_a_model_of_amx), cmocka_unit_test(tf32_of_tensor_cores),
                                       cmocka_unit_test(bf16_of_tensor_cores)};
    if (argc > 1) filter = argv[1];
    nx_log_set(NX_LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
