/* nstx stylize and nstx sample: a trained generator on pictures or on noise alone, one graph for each size.
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
    nx_tensor *content, *random, *output; /* content: NULL for textures */
    bool texture;
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
    nx_shape shape = {1, h, w, 3};
    if (s->g && s->output->shape.h == h && s->output->shape.w == w) return true;
    forget_size(s);
    s->g = nx_graph_new(&s->info);
    nx_scope scope = {.g = s->g, .params = s->params};
    s->content = s->texture ? NULL : nx_input(s->g, shape, "content");
    s->random = nx_input(s->g, NX_RANDOM_STATE, "random");
    if (s->paper->apply) {
        s->output = nx_keep(s->paper->apply(s->c, &scope, s->content, s->random));
    } else {
        judge judges[PAPER_STAGES];
        int stages = s->paper->generate(s->c, &scope, shape, s->content, s->random, judges);
        s->output = nx_keep(judges[stages - 1].output);
    }
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

/* Runs the generator on content (NULL for textures) of h x w; the noise is that of the seed's step `number`. */
static void run(stylizer *s, const float *content, uint64_t number, float *out)
{
    float bits[4];
    nx_random_state(bits, s->seed, number);
    if (content) nx_plan_write(s->plan, s->content, content);
    nx_plan_write(s->plan, s->random, bits);
    nx_plan_run(s->plan);
    nx_plan_read(s->plan, s->output, out);
}

/* Saves the upper left height x width of the generator's output, whose rows are w wide. */
static bool save(const stylizer *s, const float *output, int w, int height, int width, const char *path, nx_error *err)
{
    const model_pixels *p = &s->m->output;
    nx_image image = nx_image_new(height, width);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < 3 * width; x++) {
            int from = p->order[0] == 'b' ? x - x % 3 + 2 - x % 3 : x;
            image.rgb[(size_t)y * 3 * (size_t)width + (size_t)x] =
                output[(size_t)y * 3 * (size_t)w + (size_t)from] / (float)p->scale + (float)p->mean[x % 3];
        }
    bool ok = nx_image_save_png(&image, path, err);
    if (ok) printf("%s\n", path);
    nx_image_free(&image);
    return ok;
}

static bool stylize(stylizer *s, const char *in, const char *out, nx_error *err)
{
    nx_image image;
    if (!nx_image_load(&image, in, err)) return false;
    int multiple = s->paper->multiple(s->c), h = rounded_up(image.height, multiple),
        w = rounded_up(image.width, multiple);
    float *pixels = nx_alloc((size_t)h * (size_t)w * 3 * sizeof(float));
    bool ok = take_size(s, h, w, err) || nx_fail_in(err, "%s", in);
    if (ok) {
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int sy = y < image.height ? y : image.height - 1, sx = x < image.width ? x : image.width - 1;
                memcpy(pixels + ((size_t)y * (size_t)w + (size_t)x) * 3,
                       image.rgb + ((size_t)sy * (size_t)image.width + (size_t)sx) * 3, 3 * sizeof(float));
            }
        run(s, pixels, 0, pixels);
        ok = save(s, pixels, w, image.height, image.width, out, err);
    }
    free(pixels);
    nx_image_free(&image);
    return ok;
}

/* Where the result of a picture goes: -o itself, or a PNG of the picture's name in that folder. */
static char *target(const char *out, const char *picture)
{
    if (nx_ends_with(out, ".png")) return nx_copy_text(out);
    char *stem = nx_path_stem(picture), *path = nx_format("%s/%s.png", out, stem);
    free(stem);
    return path;
}

typedef struct pair {
    const char *in;
    char *out;
} pair;

static int by_out(const void *a, const void *b) { return strcmp(((const pair *)a)->out, ((const pair *)b)->out); }

/* No result may take the place of another one. */
static bool check_targets(const nx_file_list *images, const char *out, nx_error *err)
{
    pair *pairs = nx_alloc(images->count * sizeof *pairs);
    bool ok = true;
    for (size_t i = 0; i < images->count; i++) pairs[i] = (pair){images->paths[i], target(out, images->paths[i])};
    qsort(pairs, images->count, sizeof *pairs, by_out);
    for (size_t i = 1; ok && i < images->count; i++)
        if (!by_out(&pairs[i - 1], &pairs[i]))
            ok = nx_fail(err, "%s and %s would both become %s: name a folder for each", pairs[i - 1].in, pairs[i].in,
                         pairs[i].out);
    for (size_t i = 0; i < images->count; i++) free(pairs[i].out);
    free(pairs);
    return ok;
}

/* Reads the model, which makes textures or stylizes as asked for; nothing is touched yet. */
static bool open_model(stylizer *s, const char *path, bool texture, nx_error *err)
{
    if (!model_open(&s->m, path, err) || !config_parse(&s->c, path, s->m->options, ".", NULL, 0, err) ||
        !nx_device_choose(&s->info, &(nx_device_options){0}, err))
        return false;
    s->texture = s->c->experiment.task == TASK_TEXTURE;
    s->paper = paper_of(s->c);
    s->params = nx_params_new();
    if (s->texture == texture) return true;
    return nx_fail(
        err, texture ? "%s stylizes pictures: use nstx stylize" : "%s makes a texture from noise: use nstx sample",
        path);
}

static void print_device(const stylizer *s)
{
    nx_info("device: %s (%s, driver %s)", s->info.name, s->info.platform, s->info.driver);
}

static void close_model(stylizer *s)
{
    forget_size(s);
    nx_params_free(s->params);
    nx_device_free(s->device);
    config_free(s->c);
    model_free(s->m);
}

int command_stylize(int argc, char **argv)
{
    static const struct option longs[] = {{"seed", required_argument, NULL, 'S'}, {NULL, 0, NULL, 0}};
    const char *out = NULL;
    bool whole = true;
    stylizer s = {.seed = 1};
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, "o:", longs, NULL)) != -1;) {
        if (o == 'o')
            out = optarg;
        else if (o == 'S')
            s.seed = strtoull(optarg, NULL, 10), whole = *optarg && !optarg[strspn(optarg, "0123456789")];
        else
            return usage_error(usage, "unknown or incomplete option %s", argv[optind - 1]);
    }
    if (!whole) return usage_error(usage, "--seed takes a whole number");
    if (argc - optind < 2)
        return usage_error(usage, "%s", argc == optind ? "no model is named" : "no picture is named");
    if (!out) return usage_error(usage, "-o OUT is missing: a .png file, or a folder for several pictures");

    nx_error err;
    nx_file_list images = {0};
    bool ok = open_model(&s, argv[optind], false, &err);
    for (int i = optind + 1; ok && i < argc; i++) {
        nx_file_list found;
        if (!(ok = nx_files_images(&found, argv[i], &err))) break;
        images.paths = nx_realloc(images.paths, (images.count + found.count) * sizeof(char *));
        memcpy(images.paths + images.count, found.paths, found.count * sizeof(char *));
        images.count += found.count;
        free(found.paths);
    }
    bool file = nx_ends_with(out, ".png");
    for (size_t i = 0; ok && i < images.count; i++) ok = nx_image_check(images.paths[i], NULL, NULL, &err);
    if (ok && file && images.count > 1)
        ok = nx_fail(&err, "-o %s is one file for %zu pictures: name a folder", out, images.count);
    ok = ok && check_targets(&images, out, &err) && (file || nx_folder_make(out, &err));
    int code = ok ? EXIT_DONE : EXIT_REQUEST;
    if (ok) print_device(&s);
    for (size_t i = 0; ok && i < images.count; i++) {
        char *path = target(out, images.paths[i]);
        nx_progress("picture %zu of %zu", i + 1, images.count);
        if (!(ok = stylize(&s, images.paths[i], path, &err))) code = s.device ? EXIT_FAILED : EXIT_REQUEST;
        free(path);
    }
    nx_progress("%s", "");
    if (!ok) fail_with(&err, code);
    close_model(&s);
    nx_file_list_free(&images);
    return code;
}

static const char sample_usage[] = "sample MODEL -n N [--size WxH] [--seed S] -o OUT";

int command_sample(int argc, char **argv)
{
    static const struct option longs[] = {
        {"size", required_argument, NULL, 'z'}, {"seed", required_argument, NULL, 'S'}, {NULL, 0, NULL, 0}};
    const char *out = NULL;
    int count = 1, w = 0, h = 0;
    char rest;
    unsigned long long seed = 1;
    bool whole = true;
    stylizer s = {0};
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, "n:o:", longs, NULL)) != -1;) {
        if (o == 'o')
            out = optarg;
        else if (o == 'n')
            whole &= sscanf(optarg, "%d%c", &count, &rest) == 1 && count > 0;
        else if (o == 'z')
            whole &= sscanf(optarg, "%dx%d%c", &w, &h, &rest) == 2 && w > 0 && h > 0;
        else if (o == 'S')
            whole &= sscanf(optarg, "%llu%c", &seed, &rest) == 1 && *optarg != '-';
        else
            return usage_error(sample_usage, "unknown or incomplete option %s", argv[optind - 1]);
    }
    if (!whole) return usage_error(sample_usage, "-n and --seed take whole numbers, --size takes two, such as 512x256");
    if (argc - optind != 1) return usage_error(sample_usage, "one model is named, not %d", argc - optind);
    if (!out) return usage_error(sample_usage, "-o OUT is missing: a .png file, or a folder for several samples");

    nx_error err;
    bool file = nx_ends_with(out, ".png"), ok = open_model(&s, argv[optind], true, &err);
    int multiple = ok ? s.paper->multiple(s.c) : 1;
    bool one_size = ok && s.paper->one_size && s.paper->one_size(s.c);
    if (!w) w = h = one_size ? multiple : rounded_up(256, multiple);
    if (ok && one_size && (w != multiple || h != multiple))
        ok = nx_fail(&err, "--size %dx%d: %s makes %dx%d alone", w, h, argv[optind], multiple, multiple);
    if (ok && (w % multiple || h % multiple))
        ok = nx_fail(&err, "--size %dx%d: %s makes multiples of %d, such as %dx%d", w, h, argv[optind], multiple,
                     rounded_up(w, multiple), rounded_up(h, multiple));
    if (ok && file && count > 1) ok = nx_fail(&err, "-o %s is one file for %d samples: name a folder", out, count);
    ok = ok && (file || nx_folder_make(out, &err));
    int code = ok ? EXIT_DONE : EXIT_REQUEST;
    s.seed = seed;
    if (ok) print_device(&s);
    if (ok && !(ok = take_size(&s, h, w, &err))) code = EXIT_REQUEST;
    float *pixels = nx_alloc((size_t)h * (size_t)w * 3 * sizeof(float));
    for (int i = 0; ok && i < count; i++) {
        char *path = file ? nx_copy_text(out) : nx_format("%s/%04d.png", out, i);
        run(&s, NULL, (uint64_t)i, pixels);
        if (!(ok = save(&s, pixels, w, h, w, path, &err))) code = EXIT_FAILED;
        free(path);
    }
    if (!ok) fail_with(&err, code);
    free(pixels);
    close_model(&s);
    return code;
}
