/* nstx report: runs as one page that needs nothing but itself.
 *
 * The page (report.html) is a program; what it draws is put into it as JSON, pictures as PNGs in it. A run file that is
 * still growing is fine: it is a whole file at any moment. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "commands/cli.h"
#include "commands/json.h"
#include "commands/pages.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/ini.h"
#include "runfile/own.h"
#include "runfile/reader.h"

#include <getopt.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS = 2000, /* of a curve, at most: stretches of more rows are drawn as their lowest and highest value */
    FRAMES = 40    /* of a picture over time, at most, evenly spread over those there are */
};

/* ---- config ---- */

static bool add_config(cJSON *run, const nx_h5 *file, const char *path, nx_error *err)
{
    char *text;
    nx_ini ini;
    if (!nx_h5_read_text(file, "/config", &text, err)) return false;
    bool fine = nx_ini_parse(&ini, path, text, err);
    cJSON_AddStringToObject(run, "config", text);
    free(text);
    if (!fine) return false;
    cJSON *keys = cJSON_AddObjectToObject(run, "keys");
    for (size_t i = 0; i < ini.count; i++) {
        char *name = nx_format("%s.%s", ini.entries[i].section, ini.entries[i].key);
        cJSON_AddStringToObject(keys, name, ini.entries[i].value);
        free(name);
    }
    nx_ini_free(&ini);
    return true;
}

/* ---- curves ---- */

/* The rows of s that are drawn, in out [s->rows]; gives how many. Of every stretch the lowest and the highest, and the
 * last of all. */
static size_t thin(const series *s, size_t *out)
{
    size_t count = 0, length = s->rows <= POINTS ? 1 : (s->rows + POINTS / 2 - 1) / (POINTS / 2);
    for (size_t from = 0; from < s->rows; from += length) {
        size_t end = from + length < s->rows ? from + length : s->rows, low = from, high = from;
        for (size_t i = from; i < end; i++) {
            if (s->value[i] < s->value[low]) low = i;
            if (s->value[i] > s->value[high]) high = i;
        }
        out[count++] = low < high ? low : high;
        if (low != high) out[count++] = low < high ? high : low;
    }
    if (count && out[count - 1] != s->rows - 1) out[count++] = s->rows - 1;
    return count;
}

/* Numbers in the digits that a picture can show; what is no number is null. */
static void add_numbers(cJSON *to, const char *name, const double *values, const size_t *rows, size_t count)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    for (size_t i = 0; i < count; i++) {
        double value = values[rows[i]];
        fprintf(out, isfinite(value) ? "%s%.6g" : "%snull", i ? "," : "[", value);
    }
    fputs(count ? "]" : "[]", out);
    fclose(out);
    cJSON_AddRawToObject(to, name, text);
    free(text);
}

static bool add_metrics(cJSON *run, const nx_h5 *file, nx_error *err)
{
    nx_h5_names names;
    cJSON *all = cJSON_AddArrayToObject(run, "metrics");
    if (!series_names(file, &names, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < names.count; i++) {
        series s;
        if (!(fine = series_read(&s, file, names.names[i], err))) break;
        size_t *rows = nx_alloc((s.rows + 1) * sizeof *rows), count = thin(&s, rows);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToArray(all, one);
        cJSON_AddStringToObject(one, "name", s.name);
        cJSON_AddNumberToObject(one, "weight", s.weight);
        cJSON_AddNumberToObject(one, "rows", (double)s.rows);
        int *steps = nx_alloc((count + 1) * sizeof *steps);
        for (size_t k = 0; k < count; k++) steps[k] = (int)s.step[rows[k]];
        cJSON_AddItemToObject(one, "step", cJSON_CreateIntArray(steps, (int)count));
        add_numbers(one, "time", s.time, rows, count);
        add_numbers(one, "value", s.value, rows, count);
        free(steps);
        free(rows);
        series_free(&s);
    }
    nx_h5_names_free(&names);
    return fine;
}

/* ---- pictures ---- */

static char *base64(const uint8_t *data, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char head[] = "data:image/png;base64,";
    char *text = nx_alloc(sizeof head + (bytes + 2) / 3 * 4), *out = text + sizeof head - 1;
    memcpy(text, head, sizeof head);
    for (size_t i = 0; i < bytes; i += 3) {
        size_t n = bytes - i < 3 ? bytes - i : 3;
        unsigned group = (unsigned)data[i] << 16 | (n > 1 ? (unsigned)data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) *out++ = k <= n ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
    *out = 0;
    return text;
}

/* The picture as a data URI, owned by the caller; NULL after a message. */
static char *png_uri(const uint8_t *rgb, int height, int width, nx_error *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *png = nx_alloc(bytes);
    char *uri = NULL;
    if (png_image_write_to_memory(&image, png, &bytes, 0, rgb, 0, NULL))
        uri = base64(png, bytes);
    else
        nx_fail(err, "a picture cannot be written as PNG: %s", image.message);
    free(png);
    return uri;
}

static bool add_picture(cJSON *all, const nx_h5 *file, const char *name, nx_error *err)
{
    picture_series p;
    if (!picture_series_read(&p, file, name, err)) return false;
    cJSON *one = cJSON_CreateObject(), *frames = cJSON_AddArrayToObject(one, "frames");
    cJSON_AddItemToArray(all, one);
    cJSON_AddStringToObject(one, "name", name);
    cJSON_AddNumberToObject(one, "height", p.height);
    cJSON_AddNumberToObject(one, "width", p.width);
    size_t kept = p.count > FRAMES ? FRAMES : p.count, bytes = (size_t)p.height * (size_t)p.width * 3;
    bool fine = true;
    for (size_t k = 0; fine && k < kept; k++) {
        size_t i = kept > 1 ? k * (p.count - 1) / (kept - 1) : 0;
        char *uri = png_uri(p.rgb + i * bytes, p.height, p.width, err);
        if (!(fine = uri)) break;
        cJSON *frame = cJSON_CreateObject();
        cJSON_AddItemToArray(frames, frame);
        cJSON_AddNumberToObject(frame, "step", (double)p.step[i]);
        cJSON_AddStringToObject(frame, "source", uri);
        free(uri);
    }
    picture_series_free(&p);
    return fine;
}

static bool add_pictures(cJSON *run, const nx_h5 *file, nx_error *err)
{
    nx_h5_names names;
    cJSON *all = cJSON_AddArrayToObject(run, "images");
    if (!picture_series_names(file, &names, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < names.count; i++) fine = add_picture(all, file, names.names[i], err);
    nx_h5_names_free(&names);
    return fine;
}

/* ---- profile: a kernel is a group with seconds, called "FILE/KERNEL" ---- */

static void add_profile(cJSON *all, const nx_h5 *file, const char *path)
{
    nx_h5_names inside;
    if (!nx_h5_exists(file, path) || !nx_h5_children(file, path, &inside, NULL)) return;
    for (size_t i = 0; i < inside.count; i++) {
        char *below = nx_format("%s/%s", path, inside.names[i]);
        if (nx_h5_has_attribute(file, below, "seconds")) {
            cJSON *one = attributes_json(file, below);
            cJSON_AddStringToObject(one, "name", below + strlen("/profile/"));
            cJSON_AddItemToArray(all, one);
        }
        add_profile(all, file, below);
        free(below);
    }
    nx_h5_names_free(&inside);
}

/* ---- a run, the page ---- */

static bool add_run(cJSON *runs, const char *path, const char *name, nx_error *err)
{
    nx_h5 *file;
    if (!nx_file_exists(path)) return nx_fail(err, "%s: there is no such file", path);
    if (!nx_h5_is_file(path)) return nx_fail(err, "%s: not a run file (HDF5)", path);
    if (!nx_h5_open(&file, path, false, err)) return false;
    bool fine = nx_h5_exists(file, "/config") && nx_h5_exists(file, "/metrics");
    if (!fine) nx_fail(err, "%s: not a run file: `nstx info %s` says what it is", path, path);
    cJSON *run = cJSON_CreateObject();
    cJSON_AddItemToArray(runs, run);
    cJSON_AddStringToObject(run, "name", name);
    cJSON_AddItemToObject(run, "attributes", attributes_json(file, "/"));
    cJSON_AddItemToObject(run, "device", attributes_json(file, "/device"));
    cJSON_AddItemToObject(run, "memory", attributes_json(file, "/memory"));
    add_profile(cJSON_AddArrayToObject(run, "profile"), file, "/profile");
    fine = fine && add_config(run, file, path, err) &&
           ((add_metrics(run, file, err) && add_pictures(run, file, err)) || nx_fail_in(err, "%s", path));
    nx_h5_close(file, NULL);
    return fine;
}

/* The names that tell the runs apart: without what all paths begin with, up to a slash, and without .h5. */
static char *short_name(char *const *paths, int count, int i)
{
    size_t common = 0;
    for (size_t at = 0; paths[0][at]; at++) {
        for (int k = 1; k < count; k++)
            if (paths[k][at] != paths[0][at]) goto found;
        if (paths[0][at] == '/') common = at + 1;
    }
found:;
    const char *name = paths[i] + common;
    return nx_format("%.*s", (int)strlen(name) - (nx_ends_with(name, ".h5") ? 3 : 0), name);
}

/* The page with the data in it, owned by the caller. '<' would end the script that holds it. */
static char *page_text(const char *json)
{
    static const char mark[] = "@DATA@";
    const char *page = html_pages[0].text, *at = strstr(page, mark);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    fputs(OWN_HTML, out);
    fwrite(page, 1, (size_t)(at - page), out);
    for (const char *s = json; *s; s++) {
        if (*s == '<')
            fputs("\\u003c", out);
        else
            fputc(*s, out);
    }
    fputs(at + strlen(mark), out);
    fclose(out);
    return text;
}

/* Among several files those that are models, as `report ablate-*.h5` names them, are passed over. */
static int leave_out_models(char **files, int count)
{
    int left = 0;
    for (int i = 0; i < count && count > 1; i++) {
        nx_h5 *file = NULL;
        bool model = nx_h5_is_file(files[i]) && nx_h5_open(&file, files[i], false, NULL) &&
                     nx_h5_exists(file, "/model") && !nx_h5_exists(file, RUNFILE_CONFIG);
        nx_h5_close(file, NULL);
        if (!model) files[left++] = files[i];
    }
    return left ? left : count;
}

static int command_report(int argc, char **argv)
{
    const char *path = "report.html";
    char date[32];
    nx_error err;
    opterr = 0;
    for (int o; (o = getopt(argc, argv, "o:")) != -1;) {
        if (o != 'o') return usage_error("report", "unknown or incomplete option %s", argv[optind - 1]);
        path = optarg;
    }
    char **files = argv + optind;
    int count = argc - optind;
    if (!count) return usage_error("report", "no run is named");
    if (!nx_ends_with(path, ".html") && !nx_ends_with(path, ".htm"))
        return usage_error("report", "-o %s: a report is a page: end its name with .html", path);
    cJSON *data = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(data, "runs");
    cJSON_AddStringToObject(data, "made", nx_date(date));
    cJSON_AddStringToObject(data, "version", nx_version);
    bool ok = true;
    for (int i = 0; ok && i < count; i++)
        if (same_file(path, files[i]))
            ok = nx_fail(&err, "%s: it is read, and would be written over by the page", path);
    ok = ok && may_write_other(path, &err);
    count = leave_out_models(files, count);
    for (int i = 0; ok && i < count; i++) {
        char *name = short_name(files, count, i);
        ok = add_run(runs, files[i], name, &err);
        free(name);
    }
    int code = ok ? EXIT_DONE : EXIT_REQUEST;
    if (ok) {
        char *json = json_text(data, false), *page = page_text(json), size[16];
        if (nx_file_write(path, page, strlen(page), &err))
            printf("%s: %s, open it in a browser\n", path, nx_bytes_text(size, (double)strlen(page)));
        else
            code = EXIT_FAILED;
        free(page);
        free(json);
    }
    cJSON_Delete(data);
    return code == EXIT_DONE ? code : fail_with(&err, code);
}

const command report_command = {
    .name = "report",
    .run = command_report,
    .usage = "report RUN.h5... [-o REPORT.html]",
    .does = "runs side by side as one page for a browser: curves, pictures, configs",
};
