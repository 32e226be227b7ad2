/* Names of results. */
#include "apply/outputs.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/made.h"
#include "runfile/own.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *word, *ending;
    nx_image_format kind;
} formats[] = {{"png", ".png", NX_IMAGE_PNG}, {"png16", ".png", NX_IMAGE_PNG16}, {"jpg", ".jpg", NX_IMAGE_JPEG}};

enum { FORMATS = sizeof formats / sizeof *formats };

static bool is_jpeg(const char *path) { return nx_ends_with(path, ".jpg") || nx_ends_with(path, ".jpeg"); }

/* Whether a name ends as those of files do: a dot and two to five letters or digits, the first a letter. */
static bool names_a_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t length = dot ? strlen(dot + 1) : 0;
    return dot && dot > (slash ? slash + 1 : path) && length >= 2 && length <= 5 && isalpha((unsigned char)dot[1]) &&
           strspn(dot + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == length;
}

static bool check_options(outputs *t, nx_error *err)
{
    bool jpeg = is_jpeg(t->out), png = nx_ends_with(t->out, ".png"), known = !t->format;
    t->file = jpeg || png;
    t->kind = jpeg ? NX_IMAGE_JPEG : NX_IMAGE_PNG;
    for (int i = 0; t->format && i < FORMATS; i++)
        if (!strcmp(t->format, formats[i].word)) t->kind = formats[i].kind, known = true;
    if (!known) return nx_fail(err, "--format %s: nstx writes png, png16 or jpg", t->format);
    if (!t->file && names_a_file(t->out) && !nx_folder_exists(t->out))
        return nx_fail(err, "-o %s: nstx writes .png and .jpg; for a folder of that name, end it with a slash", t->out);
    if (t->file && jpeg != (t->kind == NX_IMAGE_JPEG))
        return nx_fail(err, "-o %s is no name for --format %s: end it with %s", t->out, t->format,
                       jpeg ? ".png" : ".jpg");
    if (t->quality && t->kind != NX_IMAGE_JPEG) return nx_fail(err, "--quality is for JPEGs: add --format jpg");
    if (t->alpha && t->kind == NX_IMAGE_JPEG)
        return nx_fail(err, "--alpha keep: a JPEG has no transparency: name a .png or add --format png");
    if (!t->quality) t->quality = OUTPUTS_QUALITY;
    return true;
}

char *output_path(const outputs *t, const char *picture)
{
    if (t->file) return nx_copy_text(t->out);
    char *stem = nx_path_stem(picture);
    char *path = nx_format("%s/%s%s", t->out, stem, t->kind == NX_IMAGE_JPEG ? ".jpg" : ".png");
    free(stem);
    return path;
}

typedef struct pair {
    const char *in;
    char *out;
} pair;

static int by_out(const void *a, const void *b) { return strcmp(((const pair *)a)->out, ((const pair *)b)->out); }

static bool is_read(const char *path, const nx_file_list *images, const char *const *inputs, int count, nx_error *err)
{
    struct stat there;
    if (stat(path, &there)) return false;
    for (size_t i = 0; i < images->count + (size_t)count; i++) {
        const char *input = i < images->count ? images->paths[i] : inputs[i - images->count];
        if (same_file(path, input))
            return nx_fail(err, "%s would be written over, and it is read: name another folder or file", input), true;
    }
    return false;
}

/* No result may take the place of another one, of what is read, or of a stranger. */
static bool check_places(const outputs *t, const nx_file_list *images, const char *const *inputs, int count,
                         nx_error *err)
{
    pair *pairs = nx_alloc((images->count + 1) * sizeof *pairs);
    bool ok = true;
    for (size_t i = 0; i < images->count; i++) pairs[i] = (pair){images->paths[i], output_path(t, images->paths[i])};
    qsort(pairs, images->count, sizeof *pairs, by_out);
    for (size_t i = 0; ok && i < images->count; i++) {
        if (i && !by_out(&pairs[i - 1], &pairs[i]))
            ok = nx_fail(err, "%s and %s would both become %s: name a folder for each", pairs[i - 1].in, pairs[i].in,
                         pairs[i].out);
        else
            ok = !is_read(pairs[i].out, images, inputs, count, err) && may_write(pairs[i].out, err);
    }
    for (size_t i = 0; i < images->count; i++) free(pairs[i].out);
    free(pairs);
    return ok;
}

/* Before hours are spent on what could not be written. */
static bool make_folder(const outputs *t, nx_error *err)
{
    char *folder = t->file ? nx_path_folder(t->out) : nx_copy_text(t->out);
    bool ok = nx_folder_make(folder, err) &&
              (nx_folder_may_write(folder) || nx_fail(err, "%s: a folder that may not be written to", folder));
    free(folder);
    return ok;
}

bool outputs_check(outputs *t, const nx_file_list *images, const char *const *inputs, int count, nx_error *err)
{
    if (!check_options(t, err)) return false;
    if (t->file && images->count > 1)
        return nx_fail(err, "-o %s is one file for %zu pictures: name a folder", t->out, images->count);
    return check_places(t, images, inputs, count, err) && make_folder(t, err);
}

char *output_path_numbered(const outputs *t, int number)
{
    char name[16];
    snprintf(name, sizeof name, "%04d", number);
    return output_path(t, name);
}

bool outputs_check_count(outputs *t, int count, nx_error *err)
{
    if (!check_options(t, err)) return false;
    if (t->file && count > 1) return nx_fail(err, "-o %s is one file for %d samples: name a folder", t->out, count);
    bool ok = true;
    for (int i = 0; ok && i < count; i++) {
        char *path = output_path_numbered(t, i);
        ok = may_write(path, err);
        free(path);
    }
    return ok && make_folder(t, err);
}

/* ---- rows of numbered files ---- */

static int by_number(const void *a, const void *b) { return strverscmp(*(char *const *)a, *(char *const *)b); }

/* Where "%d" or "%04d" stands in a name; NULL: nowhere, or there is more to it. */
static const char *number_in(const char *name, size_t *length)
{
    const char *at = strchr(name, '%');
    if (!at) return NULL;
    *length = 1 + strspn(at + 1, "0123456789");
    return at[(*length)++] == 'd' && !strchr(at + *length, '%') ? at : NULL;
}

/* Every file of the folder whose name is the pattern with digits in the place of the number. */
static bool find_row(nx_file_list *out, const char *pattern, nx_error *err)
{
    char *folder = nx_path_folder(pattern);
    const char *slash = strrchr(pattern, '/'), *name = slash ? slash + 1 : pattern;
    size_t length = 0;
    const char *number = number_in(name, &length);
    DIR *list = number ? opendir(folder) : NULL;
    *out = (nx_file_list){0};
    for (struct dirent *e; list && (e = readdir(list));) {
        size_t before = (size_t)(number - name), digits = 0;
        if (strncmp(e->d_name, name, before)) continue;
        digits = strspn(e->d_name + before, "0123456789");
        if (!digits || strcmp(e->d_name + before + digits, number + length)) continue;
        NX_GROW(out->paths, out->count);
        out->paths[out->count++] = nx_format("%s/%s", folder, e->d_name);
    }
    if (list) closedir(list);
    free(folder);
    return out->count > 0 || nx_fail(err, "%s: no such file, and no row of files numbered like that", pattern);
}

bool find_pictures(nx_file_list *out, char *const *words, int count, nx_error *err)
{
    *out = (nx_file_list){0};
    for (int i = 0; i < count; i++) {
        nx_file_list found;
        bool row = strchr(words[i], '%') && !nx_file_exists(words[i]) && !nx_folder_exists(words[i]);
        char *path = NULL;
        bool any = row ? find_row(&found, words[i], err)
                       : made_open(words[i], 0, &path, err) && nx_files_images(&found, path, err);
        free(path);
        if (!any) {
            nx_file_list_free(out);
            return false;
        }
        qsort(found.paths, found.count, sizeof *found.paths, by_number);
        out->paths = nx_realloc(out->paths, (out->count + found.count + 1) * sizeof *out->paths);
        memcpy(out->paths + out->count, found.paths, found.count * sizeof *found.paths);
        out->count += found.count;
        free(found.paths);
    }
    return true;
}
