/* nstx stylize: a trained generator on pictures, one graph for each size.
 *
 * A picture whose sides are no multiples of what the generator takes is continued by its border pixels, below and to
 * the right, and the result is cropped. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands.h"
#include "graph/plan.h"
#include "io/files.h"
#include "io/image.h"
#include "ops/random.h"
#include "run/model.h"
#include "run/paper.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "stylize MODEL IMAGE... -o OUT [--seed S]";

typedef struct stylizer {
    model *m;
    config *c;
    const paper *paper;
    nx_device_info info;
    nx_device *device;
    nx_params *params;
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *content, *random, *output;
    uint64_t seed;
} stylizer;

static int rounded_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

static void forget_size(stylizer *s)
{
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
    s->plan = NULL;
    s->g = NULL;
}

/* Records and plans for h x w, unless that is what the last picture had. */
static bool take_size(stylizer *s, int h, int w, nx_error *err)
{
    if (s->g && s->content->shape.h == h && s->content->shape.w == w) return true;
    forget_size(s);
    s->g = nx_graph_new(&s->info);
    nx_scope scope = {.g = s->g, .params = s->params};
    s->content = nx_input(s->g, (nx_shape){1, h, w, 3}, "content");
    s->random = nx_input(s->g, NX_RANDOM_STATE, "random");
    judge judges[PAPER_STAGES];
    int stages = s->paper->generate(s->c, &scope, s->content->shape, s->content, s->random, judges);
    s->output = nx_keep(judges[stages - 1].output);
    bool fresh = !s->device;
    if (fresh && !model_params(s->m, s->params, err)) return false;
    if (!nx_plan_new(&s->plan, s->g, err)) return false;
    uint64_t bytes = nx_plan_bytes(s->plan) + nx_params_bytes(s->params);
    char need[16], have[16];
    if (bytes > s->info.memory)
        return nx_fail(err, "a picture of %d x %d needs %s, and %s has %s: resize it", w, h,
                       nx_bytes_text(need, (double)bytes), s->info.name, nx_bytes_text(have, (double)s->info.memory));
    if (fresh && !nx_device_open(&s->device, &(nx_device_options){0}, err)) return false;
    nx_params_realize(s->params, s->device);
    nx_plan_realize(s->plan, s->device);
    return true;
}

static bool stylize(stylizer *s, const char *in, const char *out, nx_error *err)
{
    nx_image image;
    if (!nx_image_load(&image, in, err)) return false;
    int multiple = s->paper->multiple, h = rounded_up(image.height, multiple), w = rounded_up(image.width, multiple);
    float *pixels = nx_alloc((size_t)h * (size_t)w * 3 * sizeof(float));
    bool ok = take_size(s, h, w, err) || nx_fail_in(err, "%s", in);
    if (ok) {
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int sy = y < image.height ? y : image.height - 1, sx = x < image.width ? x : image.width - 1;
                memcpy(pixels + ((size_t)y * (size_t)w + (size_t)x) * 3,
                       image.rgb + ((size_t)sy * (size_t)image.width + (size_t)sx) * 3, 3 * sizeof(float));
            }
        nx_plan_write(s->plan, s->content, pixels);
        float bits[4];
        nx_random_state(bits, s->seed, 0);
        nx_plan_write(s->plan, s->random, bits);
        nx_plan_run(s->plan);
        nx_plan_read(s->plan, s->output, pixels);
        const double *mean = s->m->output.mean;
        for (int y = 0; y < image.height; y++)
            for (int x = 0; x < image.width; x++)
                for (int k = 0; k < 3; k++)
                    image.rgb[((size_t)y * (size_t)image.width + (size_t)x) * 3 + (size_t)k] =
                        pixels[((size_t)y * (size_t)w + (size_t)x) * 3 + (size_t)k] + (float)mean[k];
        ok = nx_image_save_png(&image, out, err);
        if (ok) printf("%s\n", out);
    }
    free(pixels);
    nx_image_free(&image);
    return ok;
}

/* Reads the model; nothing is touched yet. */
static bool open_model(stylizer *s, const char *path, nx_error *err)
{
    return model_open(&s->m, path, err) && config_parse(&s->c, path, s->m->options, ".", NULL, 0, err) &&
           nx_device_choose(&s->info, &(nx_device_options){0}, err);
}

int command_stylize(int argc, char **argv)
{
    static const struct option longs[] = {{"seed", required_argument, NULL, 'S'}, {NULL, 0, NULL, 0}};
    const char *out = NULL;
    char *end = "";
    stylizer s = {.seed = 1};
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, "o:", longs, NULL)) != -1;) {
        if (o == 'o')
            out = optarg;
        else if (o == 'S')
            s.seed = strtoull(optarg, &end, 10);
        else
            return usage_error(usage, "unknown or incomplete option %s", argv[optind - 1]);
    }
    if (*end) return usage_error(usage, "--seed takes a whole number");
    if (argc - optind < 2)
        return usage_error(usage, "%s", argc == optind ? "no model is named" : "no picture is named");
    if (!out) return usage_error(usage, "-o OUT is missing: a .png file, or a folder for several pictures");

    nx_error err;
    nx_file_list images = {0};
    bool ok = open_model(&s, argv[optind], &err);
    for (int i = optind + 1; ok && i < argc; i++) {
        nx_file_list found;
        if (!(ok = nx_files_images(&found, argv[i], &err))) break;
        images.paths = nx_realloc(images.paths, (images.count + found.count) * sizeof(char *));
        memcpy(images.paths + images.count, found.paths, found.count * sizeof(char *));
        images.count += found.count;
        free(found.paths);
    }
    bool file = nx_ends_with(out, ".png");
    for (size_t i = 0; ok && i < images.count; i++) ok = nx_image_size(images.paths[i], NULL, NULL, &err);
    if (ok && file && images.count > 1)
        ok = nx_fail(&err, "-o %s is one file for %zu pictures: name a folder", out, images.count);
    if (ok && !file) ok = nx_folder_make(out, &err);
    int code = ok ? EXIT_DONE : EXIT_REQUEST;
    if (ok) {
        s.params = nx_params_new();
        s.paper = paper_of(s.c);
        nx_info("device: %s (%s, driver %s)", s.info.name, s.info.platform, s.info.driver);
    }
    for (size_t i = 0; ok && i < images.count; i++) {
        char *stem = nx_path_stem(images.paths[i]),
             *path = file ? nx_copy_text(out) : nx_format("%s/%s.png", out, stem);
        nx_progress("picture %zu of %zu", i + 1, images.count);
        if (!(ok = stylize(&s, images.paths[i], path, &err))) code = s.device ? EXIT_FAILED : EXIT_REQUEST;
        free(stem);
        free(path);
    }
    nx_progress("%s", "");
    if (!ok) fail_with(&err, code);
    forget_size(&s);
    nx_params_free(s.params);
    nx_device_free(s.device);
    config_free(s.c);
    model_free(s.m);
    nx_file_list_free(&images);
    return code;
}
