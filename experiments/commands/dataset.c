/* nstx dataset: a folder of pictures as one file of squares of one size, which training reads without decoding. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/cli.h"
#include "commands/info.h"
#include "commands/terminal.h"
#include "config/made.h"
#include "io/classes.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "io/packed.h"
#include "run/interrupt.h"
#include "runfile/own.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 256, SIZE_LEAST = 8, SIZE_MOST = 8192 };

/* ---- pack ---- */

/* The centre of the picture, its shorter side scaled to size, as bytes in rgb. */
static bool square(const char *path, int size, uint8_t *rgb, nx_error *err)
{
    nx_image image;
    if (!nx_image_load(&image, path, err)) return false;
    int shorter = image.height < image.width ? image.height : image.width;
    if (shorter < size) {
        nx_fail(err, "%s: %d x %d pixels, smaller than %d", path, image.width, image.height, size);
        nx_image_free(&image);
        return false;
    }
    if (shorter > size) {
        double scale = (double)size / shorter;
        nx_image scaled =
            nx_image_resize(&image, (int)lround(image.height * scale), (int)lround(image.width * scale), NX_BICUBIC);
        nx_image_free(&image);
        image = scaled;
    }
    size_t top = (size_t)(image.height - size) / 2, left = (size_t)(image.width - size) / 2;
    for (size_t y = 0; y < (size_t)size; y++)
        for (size_t i = 0; i < (size_t)size * 3; i++) {
            float v = image.rgb[((top + y) * (size_t)image.width + left) * 3 + i];
            *rgb++ = v >= 255 ? 255 : v > 0 ? (uint8_t)(v + 0.5f) : 0;
        }
    nx_image_free(&image);
    return true;
}

/* The path within the folder. */
static const char *inside(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    if (strncmp(path, folder, length)) return path;
    for (path += length; *path == '/'; path++) continue;
    return path;
}

static bool pack_all(nx_packer *packer, const nx_file_list *files, const char *folder, int size, size_t *left_out,
                     nx_error *err)
{
    uint8_t *rgb = nx_alloc((size_t)size * (size_t)size * 3);
    bool ok = true;
    double start = nx_now();
    *left_out = 0;
    for (size_t i = 0; ok && i < files->count && !interrupt_wanted(); i++) {
        nx_error reason;
        double spent = nx_now() - start, left = spent / (double)(i ? i : 1) * (double)(files->count - i);
        nx_progress("picture %zu/%zu  %.0f a second  %d:%02d left", i + 1, files->count,
                    (double)i / (spent > 0 ? spent : 1), (int)left / 60, (int)left % 60);
        if (square(files->paths[i], size, rgb, &reason)) {
            ok = nx_packer_add(packer, inside(files->paths[i], folder), rgb, err);
            continue;
        }
        ++*left_out;
        nx_packer_leave_out(packer, reason.text);
        nx_info("left out: %s", reason.text);
    }
    nx_progress("%s", "");
    free(rgb);
    return ok;
}

/* An earlier dataset may give way to another, no run and no model. */
static bool may_write_dataset(const char *path, nx_error *err)
{
    return may_write(path, err) && (!nx_file_exists(path) || nx_packed_is_file(path) ||
                                    nx_fail(err, "%s: there is a file that is no dataset: choose another name", path));
}

static int pack_folder(const char *folder, const char *out, int size)
{
    nx_error err;
    nx_file_list files;
    nx_packer *packer;
    size_t left_out;
    char text[16];
    interrupt_watch();
    if (!may_write_dataset(out, &err) || !nx_files_images(&files, folder, &err)) return fail_with(&err, EXIT_REQUEST);
    bool right = nx_packer_check(out, size, files.count, &err);
    if (!right || !nx_packer_new(&packer, out, size, files.count, &err)) {
        nx_file_list_free(&files);
        return fail_with(&err, right ? EXIT_FAILED : EXIT_REQUEST);
    }
    int code = EXIT_DONE;
    bool ok = pack_all(packer, &files, folder, size, &left_out, &err);
    size_t packed = files.count - left_out;
    if (ok && interrupt_wanted())
        code = EXIT_INTERRUPTED;
    else if (!ok || !nx_packer_finish(packer, folder, &err))
        code = fail_with(&err, packed || !ok ? EXIT_FAILED : EXIT_REQUEST);
    else
        printf("%s: %zu pictures of %d x %d pixels, %s; %zu left out\n", out, packed, size, size,
               nx_bytes_text(text, (double)packed * size * size * 3), left_out);
    nx_packer_free(packer);
    nx_file_list_free(&files);
    return code;
}

static int pack(int argc, char **argv)
{
    static const struct option longs[] = {{"size", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
    nx_error err;
    int size = SIZE;
    char *end = "", *folder;
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (o != 's') return usage_error("dataset", "unknown or incomplete option %s", argv[optind - 1]);
        size = (int)strtol(optarg, &end, 10);
        if (*end || size < SIZE_LEAST || size > SIZE_MOST)
            return usage_error("dataset", "--size %s: from %d to %d pixels", optarg, SIZE_LEAST, SIZE_MOST);
    }
    if (argc - optind != 2) return usage_error("dataset", "a folder and a file to write are needed");
    if (!made_open(argv[optind], 0, &folder, &err)) return fail_with(&err, EXIT_REQUEST);
    int code = pack_folder(folder, argv[optind + 1], size);
    free(folder);
    return code;
}

/* ---- info ---- */

/* Mean and deviation of each channel over some of the pictures, evenly taken. */
static bool print_colours(const nx_packed *data, nx_error *err)
{
    enum { MOST = 500 };
    int size = nx_packed_size(data);
    size_t count = nx_packed_count(data), taken = count < MOST ? count : MOST;
    size_t pixels = (size_t)size * (size_t)size;
    uint8_t *rgb = nx_alloc(pixels * 3);
    double sum[3] = {0}, squares[3] = {0}, n = (double)taken * (double)pixels;
    bool ok = true;
    for (size_t k = 0; ok && k < taken; k++) {
        ok = nx_packed_read(data, k * count / taken, rgb, err);
        for (size_t i = 0; ok && i < pixels * 3; i++) sum[i % 3] += rgb[i], squares[i % 3] += (double)rgb[i] * rgb[i];
    }
    free(rgb);
    if (!ok) return false;
    printf("  %-28s", "mean of R, G, B");
    for (int k = 0; k < 3; k++) printf(" %.1f", sum[k] / n);
    printf("\n  %-28s", "deviation of R, G, B");
    for (int k = 0; k < 3; k++) printf(" %.1f", sqrt(squares[k] / n - sum[k] / n * (sum[k] / n)));
    putchar('\n');
    return true;
}

/* The classes of a packed folder of class folders, each with its pictures. */
static void print_classes(char *path)
{
    nx_classes c;
    if (!nx_classes_read(&c, &path, 1, 0, NULL)) return;
    printf("  %-28s %zu\n", "classes", c.classes);
    for (size_t i = 0, end; i < c.count; i = end) {
        for (end = i; end < c.count && c.labels[end] == c.labels[i];) end++;
        terminal_print("    %-26s", c.names[c.labels[i]]);
        printf(" %zu\n", end - i);
    }
    nx_classes_free(&c);
}

bool print_dataset(const char *path, nx_error *err)
{
    static const char *const attributes[] = {"source", "packed", "nstx_version"};
    nx_packed *data;
    nx_h5 *file;
    char *text, bytes[16];
    if (!nx_packed_open(&data, path, err)) return false;
    size_t count = nx_packed_count(data);
    int size = nx_packed_size(data);
    printf("a packed dataset\n  %-28s %zu of %d x %d pixels, %s\n", "pictures", count, size, size,
           nx_bytes_text(bytes, (double)count * size * size * 3));
    bool ok = print_colours(data, err);
    if (ok) print_classes((char *)path);
    nx_packed_free(data);
    if (!ok || !nx_h5_open(&file, path, false, err)) return false;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (!nx_h5_get_string(file, "/", attributes[i], &text, NULL)) continue;
        terminal_print("  %-28s %s", attributes[i], text);
        putchar('\n');
        free(text);
    }
    if (nx_h5_read_text(file, "/left_out", &text, NULL)) {
        size_t lines = 0;
        for (const char *s = text; *s; s++) lines += *s == '\n';
        printf("  %-28s %zu\n", "left out", lines);
        for (char *next, *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
            terminal_print("    %s", line), putchar('\n');
        free(text);
    }
    nx_h5_close(file, NULL);
    return true;
}

static int info(int argc, char **argv)
{
    nx_error err;
    if (argc != 2) return usage_error("dataset", "one file is named, not %d", argc - 1);
    return print_dataset(argv[1], &err) ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}

static int command_dataset(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "pack")) return pack(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "info")) return info(argc - 1, argv + 1);
    return usage_error("dataset", argc > 1 ? "there is no `dataset %s`" : "pack or info is missing", argv[argc - 1]);
}

const command dataset_command = {
    .name = "dataset",
    .run = command_dataset,
    .usage = "dataset pack FOLDER OUT.h5 [--size S] | dataset info FILE",
    .does = "packs a folder of pictures into one file that reads faster",
};
