/* nstx sample: textures from noise alone. */
#include "apply/generator.h"
#include "apply/outputs.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/apply_options.h"
#include "commands/cli.h"
#include "machine/device.h"
#include "machine/first_use.h"
#include "run/interrupt.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char sample_options[] =
    "Each picture is made from noise of its own. OUT is a file for one, a folder for several.\n"
    "  -n N                    how many; 1 without it\n"
    "  --size WxH              pixels; 256x256 without it, or the one size that the model makes\n" APPLY_OPTIONS;

/* 256 pixels, or what comes nearest. */
static int usual_side(const generator_facts *f)
{
    return f->one_size ? f->multiple : (256 + f->multiple - 1) / f->multiple * f->multiple;
}

static bool make(generator *g, nx_device *device, int h, int w, int number, const generator_options *o,
                 const outputs *t, nx_error *err)
{
    nx_image image;
    generator_options options = *o;
    options.number = (uint64_t)number;
    if (!generator_sample(g, device, h, w, &options, &image, err)) return false;
    char *path = output_path_numbered(t, number);
    bool ok = nx_image_save(&image, path, &(nx_image_options){.format = t->kind, .quality = t->quality}, err);
    if (ok) printf("%s\n", path);
    free(path);
    nx_image_free(&image);
    return ok;
}

static int command_sample(int argc, char **argv)
{
    static const struct option longs[] = {APPLY_LONGS, {"size", required_argument, NULL, 'z'}, {NULL, 0, NULL, 0}};
    outputs t = {0};
    generator_options options = APPLY_DEFAULTS;
    int count = 1, w = 0, h = 0;
    nx_error err;
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, "n:o:", longs, NULL)) != -1;) {
        bool fine = true;
        if (o == 'n')
            fine = option_count(optarg, 1000000, &count) ||
                   nx_fail(&err, "-n takes a whole number from 1 to 1000000, not %s", optarg);
        else if (o == 'z')
            fine = option_size(optarg, &w, &h) ||
                   nx_fail(&err, "--size takes two whole numbers up to %d, such as 512x256, not %s", NX_IMAGE_SIDE_MAX,
                           optarg);
        else if (o == '?')
            return usage_error("sample", "unknown or incomplete option %s", argv[optind - 1]);
        else
            fine = apply_option(o, optarg, &options, &t, &err);
        if (!fine) return fail_with(&err, EXIT_REQUEST);
    }
    if (argc - optind != 1) return usage_error("sample", "one model is named, not %d", argc - optind);
    if (!t.out) return usage_error("sample", "-o OUT is missing: a .png or .jpg file, or a folder for several samples");

    first_use_prepare(interrupt_wanted);
    interrupt_watch();
    nx_device_options wanted = {.precision = options.precision};
    nx_program_list programs = {0};
    nx_device_info info;
    nx_device *device = NULL;
    generator *g = NULL;
    uint64_t bytes;
    bool ok = device_choose(&info, wanted, &err) && generator_open(&g, argv[optind], &info, &err);
    generator_facts facts = ok ? generator_ask(g) : (generator_facts){0};
    if (ok && !w) w = h = usual_side(&facts);
    ok = ok && generator_check_sample(g, h, w, &err) && generator_plan(g, h, w, &options, &bytes, &err) &&
         outputs_check_count(&t, count, &err);
    if (ok) generator_programs(g, &programs);
    ok = ok && first_use(&info, &wanted, &programs, &err) && device_open(&device, wanted, &err);
    first_use_over();
    nx_program_list_free(&programs);
    int code = ok ? EXIT_DONE : interrupt_code(EXIT_REQUEST);
    if (ok) nx_info("device: %s (%s, driver %s)", info.name, info.platform, info.driver);
    for (int i = 0; ok && i < count; i++) {
        nx_progress("sample %d of %d", i + 1, count);
        if (!(ok = interrupt_goes_on(&err) && make(g, device, h, w, i, &options, &t, &err)))
            code = interrupt_code(EXIT_FAILED);
    }
    nx_progress("%s", "");
    if (!ok) fail_with(&err, code);
    generator_free(g);
    nx_device_free(device);
    return code;
}

const command sample_command = {
    .name = "sample",
    .run = command_sample,
    .usage = "sample MODEL [-n N] [--size WxH] -o OUT [OPTION]...",
    .does = "samples of a texture generator",
    .options = sample_options,
};
