/* nstx stylize: trained generators on pictures, folders and rows of frames.
 *
 * A picture goes through in bands of rows, as the generators make them: the outputs of several generators are mixed,
 * the content's colours are brought back, and the rows are written, so that no more than a band is held as floats. Only
 * --style-scale, which resizes, needs the whole. */
#include "apply/colors.h"
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
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char stylize_options[] =
    "IMAGE is a picture, a folder of pictures, or a row of numbered ones, such as frames/%04d.png; every one is\n"
    "made with the same noise. OUT is a file, or a folder in which each keeps its name. MODEL is one of nstx, the\n"
    "run file of a training (its newest checkpoint), a network of pytorch/examples, its .pth or an ONNX model of it,\n"
    "or a .t7 of fast-neural-style. Colour profiles are carried along.\n" APPLY_OPTIONS
    "  --size N|WxH            pixels of the longer side, or both sides; the picture's own without it\n"
    "  --keep-colors yuv|lab|histogram  of the content: all but the lightness, or their mean and covariance\n"
    "  --alpha white|keep      what is transparent is composited over white; keep: and the result, a PNG, is as\n"
    "                          transparent as the content; white without it\n"
    "  --style-scale F         strokes F times as large, at a resolution F times as small\n"
    "  --blend MODEL=SHARE     this share of the picture by another model; may be given again\n"
    "  --mask MODEL=MASK.png   another model where the mask is white, or opaque; may be repeated\n"
    "  --plan                  what each picture takes of the device; nothing is made\n";

enum { LAYERS = 8, MIXED = 32 }; /* generators of one picture; rows mixed at a time */

/* One generator, and how much of the picture is its. */
typedef struct layer {
    const char *model, *mask_path;
    generator *g;
    double weight;  /* of a blend */
    nx_raster mask; /* of a mask: where it is white, this generator is seen; no samples: there is none */
    float *band;    /* rows [first, end) of its picture */
    int first, end;
} layer;

typedef enum keep { KEEP_NOTHING, KEEP_YUV, KEEP_LAB, KEEP_HISTOGRAM } keep;

typedef struct job {
    layer layers[LAYERS]; /* the first is MODEL, whose weight is what blends leave */
    int count;
    generator_options options; /* memory: the share of one generator, if the user said how much */
    uint64_t allowed;          /* bytes of the device that all may take, */
    bool told;                 /* as the user said */
    outputs outputs;
    keep keep;
    double style_scale;
    int longer, width, height; /* what the picture is made first: its longer side, or both; 0: it stays */
    nx_device_info info;
    nx_device *device;
} job;

/* ---- layers ---- */

/* Row y of a mask stretched, bilinearly, over a picture of height x width: 0 to 1, which is white. */
static void mask_row(const nx_raster *m, int y, int height, int width, float *out)
{
    float *rows[2], down = ((float)y + .5f) * (float)m->height / (float)height - .5f;
    down = down < 0 ? 0 : down;
    int upper = (int)down < m->height - 1 ? (int)down : m->height - 1, lower = upper + (upper < m->height - 1);
    for (int k = 0; k < 2; k++) {
        rows[k] = nx_alloc((size_t)m->width * 3 * sizeof(float));
        nx_raster_read(m, k ? lower : upper, 0, m->width, rows[k]);
    }
    for (int x = 0; x < width; x++) {
        float across = ((float)x + .5f) * (float)m->width / (float)width - .5f, v[2][2];
        across = across < 0 ? 0 : across;
        int left = (int)across < m->width - 1 ? (int)across : m->width - 1, right = left + (left < m->width - 1);
        for (int k = 0; k < 2; k++) {
            const float *a = rows[k] + 3 * left, *b = rows[k] + 3 * right;
            v[k][0] = (a[0] + a[1] + a[2]) / 765, v[k][1] = (b[0] + b[1] + b[2]) / 765;
        }
        float u = across - (float)left, w = down - (float)upper;
        out[x] = (1 - w) * ((1 - u) * v[0][0] + u * v[0][1]) + w * ((1 - u) * v[1][0] + u * v[1][1]);
    }
    free(rows[0]);
    free(rows[1]);
}

/* Mixes rows [y, y + rows), which every layer has at hand: the sum of blends, then each mask over what is below it. */
static void mix(const job *j, int y, int rows, int height, int width, float *out)
{
    size_t line = (size_t)width * 3, all = line * (size_t)rows;
    memset(out, 0, all * sizeof *out);
    for (int k = 0; k < j->count; k++) {
        const layer *l = &j->layers[k];
        const float *from = l->band + (size_t)(y - l->first) * line;
        if (l->mask.samples) continue;
        for (size_t i = 0; i < all; i++) out[i] += (float)l->weight * from[i];
    }
    float *white = nx_alloc((size_t)width * sizeof *white);
    for (int k = 0; k < j->count; k++) {
        const layer *l = &j->layers[k];
        const float *from = l->band + (size_t)(y - l->first) * line;
        for (int r = 0; l->mask.samples && r < rows; r++) {
            mask_row(&l->mask, y + r, height, width, white);
            for (size_t i = 0; i < line; i++)
                out[(size_t)r * line + i] += white[i / 3] * (from[(size_t)r * line + i] - out[(size_t)r * line + i]);
        }
    }
    free(white);
}

/* Brings every layer's band to row y; gives how many rows from there all of them have. */
static int advance(job *j, int y, int height, int width)
{
    int end = height;
    for (int k = 0; k < j->count; k++) {
        layer *l = &j->layers[k];
        if (!l->band || y < l->first || y >= l->end) {
            int rows = generator_band_rows(l->g);
            l->band = nx_realloc(l->band, (size_t)rows * (size_t)width * 3 * sizeof(float));
            l->first = y / rows * rows;
            l->end = l->first + rows < height ? l->first + rows : height;
            generator_band(l->g, l->first, l->band);
        }
        if (l->end < end) end = l->end;
    }
    return end - y;
}

static void forget_bands(job *j)
{
    for (int k = 0; k < j->count; k++) {
        free(j->layers[k].band);
        j->layers[k].band = NULL;
    }
}

/* ---- a picture ---- */

/* What becomes of finished rows. */
typedef struct canvas {
    const job *job;
    const nx_raster *content, *opacity; /* opacity: of the file; NULL: it has none */
    bool gathering;                     /* a pass for the statistics of colours alone */
    color_statistics stylized, original;
    color_map map;
    nx_image *image;         /* they go in there, or */
    nx_image_writer *writer; /* into the file */
} canvas;

static bool write_rows(canvas *c, int y, int rows, int width, const float *rgb, nx_error *err)
{
    if (!c->opacity) return nx_image_writer_rows(c->writer, rows, rgb, err);
    float *opacity = nx_alloc((size_t)width * 3 * sizeof *opacity), *row = nx_alloc((size_t)width * 4 * sizeof *row);
    bool ok = true;
    for (int r = 0; ok && r < rows; r++, rgb += 3 * (size_t)width) {
        nx_raster_read(c->opacity, y + r, 0, width, opacity);
        for (size_t x = 0; x < (size_t)width; x++) {
            memcpy(row + 4 * x, rgb + 3 * x, 3 * sizeof *row);
            row[4 * x + 3] = opacity[3 * x];
        }
        ok = nx_image_writer_rows(c->writer, 1, row, err);
    }
    free(opacity);
    free(row);
    return ok;
}

static bool take_rows(canvas *c, int y, int rows, int width, float *rgb, nx_error *err)
{
    size_t line = (size_t)width * 3;
    if (c->image) {
        memcpy(c->image->rgb + (size_t)y * line, rgb, (size_t)rows * line * sizeof *rgb);
        return true;
    }
    float *content = nx_alloc(line * sizeof *content);
    for (int r = 0; c->job->keep && r < rows; r++) {
        float *row = rgb + (size_t)r * line;
        nx_raster_read(c->content, y + r, 0, width, content);
        if (c->gathering)
            color_gather(&c->stylized, row, (size_t)width), color_gather(&c->original, content, (size_t)width);
        else if (c->job->keep == KEEP_HISTOGRAM)
            color_apply(&c->map, row, (size_t)width);
        else
            (c->job->keep == KEEP_YUV ? color_keep_yuv : color_keep_lab)(row, content, (size_t)width);
    }
    free(content);
    return c->gathering || write_rows(c, y, rows, width, rgb, err);
}

static bool each_row(job *j, int height, int width, canvas *c, nx_error *err)
{
    bool ok = true;
    float *rgb = NULL;
    for (int y = 0, rows; ok && y < height; y += rows) {
        if (!(ok = interrupt_goes_on(err))) break;
        rows = advance(j, y, height, width);
        if (rows > MIXED) rows = MIXED;
        rgb = nx_realloc(rgb, (size_t)rows * (size_t)width * 3 * sizeof *rgb);
        mix(j, y, rows, height, width, rgb);
        ok = take_rows(c, y, rows, width, rgb, err);
    }
    free(rgb);
    return ok;
}

static void read_raster(const void *picture, int y, int x, int count, float *rgb)
{
    nx_raster_read(picture, y, x, count, rgb);
}

static bool begin(job *j, const generator_content *content, nx_error *err)
{
    forget_bands(j);
    for (int k = 0; k < j->count; k++)
        if (!generator_begin(j->layers[k].g, j->device, content, &j->options, err)) return false;
    return true;
}

/* Rows of an image that is there, as if generators had just made them. */
static bool each_image_row(const nx_image *image, canvas *c, nx_error *err)
{
    size_t line = (size_t)image->width * 3;
    float *row = nx_alloc(line * sizeof *row);
    bool ok = true;
    for (int y = 0; ok && y < image->height; y++) {
        memcpy(row, image->rgb + (size_t)y * line, line * sizeof *row);
        ok = take_rows(c, y, 1, image->width, row, err);
    }
    free(row);
    return ok;
}

/* What --size makes of a picture's size. */
static void asked_size(const job *j, int *height, int *width)
{
    if (j->longer) nx_image_fit_sides(j->longer, height, width);
    if (j->width) *height = j->height, *width = j->width;
}

static void scaled_size(const job *j, int height, int width, int *h, int *w)
{
    *h = (int)lround(height / j->style_scale), *w = (int)lround(width / j->style_scale);
    if (*h < 1) *h = 1;
    if (*w < 1) *w = 1;
}

/* The generators on the picture made smaller or larger, and the result as large as the picture again. */
static bool stylize_scaled(job *j, const nx_raster *raster, nx_image *out, nx_error *err)
{
    int h, w;
    scaled_size(j, raster->height, raster->width, &h, &w);
    nx_image whole, result;
    if (!nx_raster_image(raster, &whole))
        return nx_fail(err, "--style-scale: %d x %d pixels: too large for the memory", whole.width, whole.height);
    result = nx_image_new(h, w);
    nx_image content = nx_image_resize(&whole, h, w, NX_BICUBIC);
    nx_image_free(&whole);
    bool ok = begin(j, &(generator_content){h, w, generator_read_image, &content}, err) &&
              each_row(j, h, w, &(canvas){.job = j, .image = &result}, err);
    if (ok) *out = nx_image_resize(&result, raster->height, raster->width, NX_BICUBIC);
    nx_image_free(&content);
    nx_image_free(&result);
    return ok;
}

/* The content and, where that is kept, its opacity, as large as was asked for. */
static bool load(const job *j, const char *path, nx_raster *content, nx_raster *opacity, nx_error *err)
{
    *opacity = (nx_raster){0};
    if (!nx_raster_load(content, path, err)) return false;
    bool keep = j->outputs.alpha && content->channels == 4;
    if (!keep && nx_raster_transparent(content))
        nx_warn("%s: transparent pixels, composited over white; --alpha keep keeps them", path);
    int height = content->height, width = content->width;
    asked_size(j, &height, &width);
    bool same = height == content->height && width == content->width;
    bool ok = (!keep || nx_raster_opacity(content, opacity, err)) &&
              (same || nx_raster_resize(content, height, width, err)) &&
              (same || !keep || nx_raster_resize(opacity, height, width, err));
    if (ok) return true;
    nx_raster_free(content);
    nx_raster_free(opacity);
    return nx_fail_in(err, "%s", path);
}

static bool stylize(job *j, const char *in, const char *path, nx_error *err)
{
    nx_raster raster, opacity;
    nx_image scaled = {0};
    if (!load(j, in, &raster, &opacity, err)) return false;
    int height = raster.height, width = raster.width;
    nx_profile profile = nx_profile_of(in);
    canvas c = {.job = j, .content = &raster, .opacity = opacity.samples ? &opacity : NULL};
    nx_image_options as = {
        .format = j->outputs.kind, .quality = j->outputs.quality, .alpha = c.opacity, .profile = &profile};
    bool ok = j->style_scale != 1 ? stylize_scaled(j, &raster, &scaled, err)
                                  : begin(j, &(generator_content){height, width, read_raster, &raster}, err);
    for (int pass = j->keep == KEEP_HISTOGRAM ? 0 : 1; ok && pass < 2; pass++) {
        c.gathering = !pass;
        if (pass && j->keep == KEEP_HISTOGRAM) c.map = color_match(&c.stylized, &c.original);
        ok = (!pass || nx_image_writer_open(&c.writer, path, height, width, &as, err)) &&
             (scaled.rgb ? each_image_row(&scaled, &c, err) : each_row(j, height, width, &c, err));
    }
    if (ok)
        ok = nx_image_writer_close(c.writer, err);
    else
        nx_image_writer_drop(c.writer);
    forget_bands(j);
    nx_image_free(&scaled);
    nx_raster_free(&raster);
    nx_raster_free(&opacity);
    nx_profile_free(&profile);
    return ok;
}

/* ---- the request ---- */

/* What a picture will take, "photo.png: 12 tiles of 512 pixels ..."; of several generators, together. */
static void say(const job *j, const char *picture, int height, int width, bool made)
{
    uint64_t bytes = 0;
    double seconds = 0;
    generator_facts f = {0};
    char text[16], most[16], tiles[96] = "whole";
    for (int k = j->count - 1; k >= 0; k--) {
        f = generator_ask(j->layers[k].g);
        bytes += f.bytes;
        seconds += f.seconds;
    }
    if (f.tiles > 1)
        snprintf(tiles, sizeof tiles, "%d tiles of %d pixels and a halo of %d, in %d passes", f.tiles, f.tile, f.halo,
                 f.passes + 1);
    nx_bytes_text(text, (double)bytes);
    if (!made)
        printf("%s: %d x %d, %s, %s of the device, %s allowed%s\n", picture, width, height, tiles, text,
               nx_bytes_text(most, (double)j->allowed), j->told ? "" : " (three quarters of what is left)");
    else if (f.tiles > 1)
        nx_info("%s: %s, %s of the device, %.1f s", picture, tiles, text, seconds);
}

/* A picture that cannot be made is named and passed over. */
typedef struct failures {
    size_t count;
    char *names; /* "a.png, b.png" */
} failures;

static void note_failure(failures *f, const char *picture, const nx_error *err)
{
    fail_with(err, EXIT_FAILED);
    char *names = f->count ? nx_format("%s, %s", f->names, picture) : nx_copy_text(picture);
    free(f->names);
    f->names = names;
    f->count++;
}

/* Leaves out those of several pictures that cannot be read. A single one that cannot is an error. */
static bool leave_out(nx_file_list *images, failures *failed, nx_error *err)
{
    size_t left = 0, all = images->count;
    for (size_t i = 0; i < all; i++) {
        if (nx_image_check(images->paths[i], NULL, NULL, err)) {
            images->paths[left++] = images->paths[i];
            continue;
        }
        if (all == 1) return false;
        note_failure(failed, images->paths[i], err);
        free(images->paths[i]);
    }
    images->count = left;
    return left || nx_fail(err, "none of %zu pictures can be read", all);
}

/* Plans every size; one that does not fit is the user's error. print: says what each takes. */
static bool plan_all(job *j, const nx_file_list *images, bool print, nx_error *err)
{
    for (size_t i = 0; i < images->count; i++) {
        int height, width, h, w;
        uint64_t bytes;
        if (!nx_image_size(images->paths[i], &height, &width, err)) return false;
        asked_size(j, &height, &width);
        scaled_size(j, height, width, &h, &w);
        if (h > NX_IMAGE_SIDE_MAX || w > NX_IMAGE_SIDE_MAX || (int64_t)h * w > NX_IMAGE_PIXELS_MAX)
            return nx_fail(err, "%s: too large: it would be worked on at %d x %d", images->paths[i], w, h);
        for (int k = 0; k < j->count; k++)
            if (!generator_plan(j->layers[k].g, h, w, &j->options, &bytes, err))
                return nx_fail_in(err, "%s", images->paths[i]);
        if (print) say(j, images->paths[i], height, width, false);
    }
    return true;
}

static nx_device_options device_of(const job *j) { return (nx_device_options){.precision = j->options.precision}; }

static bool open_device(job *j, nx_error *err)
{
    const nx_device_options wanted = device_of(j);
    nx_program_list programs = {0};
    for (int k = 0; k < j->count; k++) generator_programs(j->layers[k].g, &programs);
    bool ok = first_use(&j->info, &wanted, &programs, err) && device_open(&j->device, wanted, err);
    first_use_over();
    nx_program_list_free(&programs);
    return ok;
}

static bool open_layers(job *j, nx_error *err)
{
    if (!device_choose(&j->info, device_of(j), err)) return false;
    for (int k = 0; k < j->count; k++) {
        layer *l = &j->layers[k];
        if (!generator_open(&l->g, l->model, &j->info, err)) return false;
        if (generator_ask(l->g).texture)
            return nx_fail(err, "%s makes a texture from noise: use nstx sample", l->model);
    }
    j->told = j->options.memory > 0;
    j->allowed = j->told ? j->options.memory : generator_memory(&j->info);
    j->options.memory /= (uint64_t)j->count;
    j->options.generators = j->count;
    return true;
}

/* "MODEL=REST" as a further layer; gives REST, NULL with an error. */
static const char *add_layer(job *j, char *word, const char *option, nx_error *err)
{
    char *equals = strrchr(word, '=');
    if (!equals || equals == word || !equals[1])
        return nx_fail(err, "%s %s: it takes a model and what it is given, MODEL=%s", option, word,
                       strcmp(option, "--mask") ? "0.3" : "MASK.png"),
               NULL;
    if (j->count == LAYERS) return nx_fail(err, "%s: %d models are the most", option, LAYERS), NULL;
    *equals = 0;
    j->layers[j->count++].model = word;
    return equals + 1;
}

static bool add_blend(job *j, char *word, nx_error *err)
{
    double weight;
    const char *text = add_layer(j, word, "--blend", err);
    if (!text) return false;
    if (!option_number(text, 0, 1, &weight))
        return nx_fail(err, "--blend %s=%s: the share of a model is a number from 0 to 1", word, text);
    j->layers[j->count - 1].weight = weight;
    j->layers[0].weight -= weight;
    return j->layers[0].weight > -1e-9 || nx_fail(err, "--blend: the shares are more than 1 together");
}

static bool add_mask(job *j, char *word, nx_error *err)
{
    const char *path = add_layer(j, word, "--mask", err);
    if (path) j->layers[j->count - 1].mask_path = path;
    return path && nx_raster_load_mask(&j->layers[j->count - 1].mask, path, err);
}

static bool choose_size(job *j, const char *text, nx_error *err)
{
    return option_size(text, &j->width, &j->height) || option_count(text, NX_IMAGE_SIDE_MAX, &j->longer) ||
           nx_fail(err, "--size %s: pixels of the longer side, such as 1024, or of both, 1024x768", text);
}

static bool choose_keep(job *j, const char *word, nx_error *err)
{
    static const char *const words[] = {[KEEP_YUV] = "yuv", [KEEP_LAB] = "lab", [KEEP_HISTOGRAM] = "histogram"};
    for (int k = KEEP_YUV; k <= KEEP_HISTOGRAM; k++)
        if (!strcmp(word, words[k])) return j->keep = (keep)k, true;
    return nx_fail(err, "--keep-colors %s: nstx knows yuv, lab and histogram", word);
}

static bool choose_alpha(job *j, const char *word, nx_error *err)
{
    j->outputs.alpha = !strcmp(word, "keep");
    return j->outputs.alpha || !strcmp(word, "white") || nx_fail(err, "--alpha %s: nstx knows white and keep", word);
}

/* The options into j; false with the code in *code. */
static bool parse(job *j, bool *plan, int argc, char **argv, int *code)
{
    static const struct option longs[] = {APPLY_LONGS,
                                          {"keep-colors", required_argument, NULL, 'k'},
                                          {"alpha", required_argument, NULL, 'a'},
                                          {"style-scale", required_argument, NULL, 'x'},
                                          {"size", required_argument, NULL, 'z'},
                                          {"blend", required_argument, NULL, 'b'},
                                          {"mask", required_argument, NULL, 'm'},
                                          {"plan", no_argument, NULL, 'p'},
                                          {NULL, 0, NULL, 0}};
    nx_error err;
    j->count = 1;
    j->layers[0].weight = 1;
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, "o:", longs, NULL)) != -1;) {
        bool fine = true;
        if (o == 'k')
            fine = choose_keep(j, optarg, &err);
        else if (o == 'a')
            fine = choose_alpha(j, optarg, &err);
        else if (o == 'x')
            fine = option_number(optarg, 0.1, 10, &j->style_scale) ||
                   nx_fail(&err, "--style-scale %s: a number from 0.1 to 10 is meant", optarg);
        else if (o == 'z')
            fine = choose_size(j, optarg, &err);
        else if (o == 'b')
            fine = add_blend(j, optarg, &err);
        else if (o == 'm')
            fine = add_mask(j, optarg, &err);
        else if (o == 'p')
            *plan = true;
        else if (o == '?')
            return *code = usage_error("stylize", "unknown or incomplete option %s", argv[optind - 1]), false;
        else
            fine = apply_option(o, optarg, &j->options, &j->outputs, &err);
        if (!fine) return *code = fail_with(&err, EXIT_REQUEST), false;
    }
    if (argc - optind < 2)
        return *code = usage_error("stylize", "%s", argc == optind ? "no model is named" : "no picture is named"),
               false;
    if (!j->outputs.out && !*plan)
        return *code =
                   usage_error("stylize", "-o OUT is missing: a .png or .jpg file, or a folder for several pictures"),
               false;
    j->layers[0].model = argv[optind];
    return true;
}

static void close_job(job *j)
{
    forget_bands(j);
    for (int k = 0; k < j->count; k++) {
        generator_free(j->layers[k].g);
        nx_raster_free(&j->layers[k].mask);
    }
    nx_device_free(j->device);
}

static bool check_outputs(job *j, const nx_file_list *images, nx_error *err)
{
    const char *inputs[2 * LAYERS];
    int count = 0;
    for (int k = 0; k < j->count; k++) {
        inputs[count++] = j->layers[k].model;
        if (j->layers[k].mask_path) inputs[count++] = j->layers[k].mask_path;
    }
    return outputs_check(&j->outputs, images, inputs, count, err);
}

static int command_stylize(int argc, char **argv)
{
    nx_error err;
    nx_file_list images = {0};
    failures failed = {0};
    bool plan = false;
    int code = EXIT_REQUEST;
    job j = {.options = APPLY_DEFAULTS, .style_scale = 1};
    if (!parse(&j, &plan, argc, argv, &code)) {
        close_job(&j);
        return code;
    }
    if (!plan) {
        first_use_prepare(interrupt_wanted);
        interrupt_watch();
    }
    bool ok = open_layers(&j, &err) && find_pictures(&images, argv + optind + 1, argc - optind - 1, &err) &&
              leave_out(&images, &failed, &err) && plan_all(&j, &images, plan, &err) &&
              (plan || check_outputs(&j, &images, &err)) && (plan || open_device(&j, &err));
    size_t asked = images.count + failed.count;
    code = ok ? EXIT_DONE : interrupt_code(EXIT_REQUEST);
    if (ok && !plan) nx_info("device: %s (%s, driver %s)", j.info.name, j.info.platform, j.info.driver);
    size_t made = 0;
    for (size_t i = 0; ok && !plan && i < images.count && !interrupt_wanted(); i++) {
        char *path = output_path(&j.outputs, images.paths[i]);
        nx_progress("picture %zu of %zu", i + 1, images.count);
        if (stylize(&j, images.paths[i], path, &err)) {
            say(&j, path, 0, 0, true);
            nx_progress("%s", "");
            printf("%s\n", path);
            made++;
        } else if (!interrupt_wanted() || interrupt_fault()) {
            note_failure(&failed, images.paths[i], &err);
        }
        free(path);
    }
    if (ok && !plan && made + failed.count < asked && !interrupt_goes_on(&err)) {
        nx_error why = err;
        code = interrupt_code(EXIT_FAILED);
        ok = nx_fail(&err, "%s; %zu of %zu pictures %s made", why.text, made, asked, asked > 1 ? "are" : "is");
    }
    if (!ok) fail_with(&err, code);
    if (ok && failed.count) {
        code = EXIT_FAILED;
        if (asked > 1)
            fprintf(stderr, "nstx: %zu of the pictures %s not made: %s\n", failed.count,
                    failed.count > 1 ? "were" : "was", failed.names);
    }
    free(failed.names);
    close_job(&j);
    nx_file_list_free(&images);
    return code;
}

const command stylize_command = {
    .name = "stylize",
    .run = command_stylize,
    .usage = "stylize MODEL IMAGE... -o OUT [OPTION]...",
    .does = "a trained generator on pictures, folders or frames, any size",
    .options = stylize_options,
};
