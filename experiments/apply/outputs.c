/* Names of results. */
#include "apply/outputs.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *word, *ending;
    nx_image_format kind;
} formats[] = {{"png", ".png", NX_IMAGE_PNG}, {"png16", ".png", NX_IMAGE_PNG16}, {"jpg", ".jpg", NX_IMAGE_JPEG}};

enum { FORMATS = sizeof formats / sizeof *formats };

static bool is_jpeg(const char *path) { return nx_ends_with(path, ".jpg") || nx_ends_with(path, ".jpeg"); }

static bool check_options(outputs *t, nx_error *err)
{
    bool jpeg = is_jpeg(t->out), png = nx_ends_with(t->out, ".png"), known = !t->format;
    t->file = jpeg || png;
    t->kind = jpeg ? NX_IMAGE_JPEG : NX_IMAGE_PNG;
    for (int i = 0; t->format && i < FORMATS; i++)
        if (!strcmp(t->format, formats[i].word)) t->kind = formats[i].kind, known = true;
    if (!known) return nx_fail(err, "--format %s: nstx writes png, png16 or jpg", t->format);
    if (t->file && jpeg != (t->kind == NX_IMAGE_JPEG))
        return nx_fail(err, "-o %s is no name for --format %s: end it with %s", t->out, t->format,
                       jpeg ? ".png" : ".jpg");
    if (t->quality && t->kind != NX_IMAGE_JPEG) return nx_fail(err, "--quality is for JPEGs: add --format jpg");
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

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* No result may take the place of another one, or of the picture that it is made of. */
static bool check_places(const outputs *t, const nx_file_list *images, nx_error *err)
{
    pair *pairs = nx_alloc((images->count + 1) * sizeof *pairs);
    bool ok = true;
    for (size_t i = 0; i < images->count; i++) pairs[i] = (pair){images->paths[i], output_path(t, images->paths[i])};
    qsort(pairs, images->count, sizeof *pairs, by_out);
    for (size_t i = 0; ok && i < images->count; i++) {
        if (i && !by_out(&pairs[i - 1], &pairs[i]))
            ok = nx_fail(err, "%s and %s would both become %s: name a folder for each", pairs[i - 1].in, pairs[i].in,
                         pairs[i].out);
        else if (same_file(pairs[i].in, pairs[i].out))
            ok = nx_fail(err, "%s would be replaced by its own result: name another folder or file", pairs[i].in);
    }
    for (size_t i = 0; i < images->count; i++) free(pairs[i].out);
    free(pairs);
    return ok;
}

bool outputs_check(outputs *t, const nx_file_list *images, nx_error *err)
{
    if (!check_options(t, err)) return false;
    if (t->file && images->count > 1)
        return nx_fail(err, "-o %s is one file for %zu pictures: name a folder", t->out, images->count);
    return check_places(t, images, err) && (t->file || nx_folder_make(t->out, err));
}

bool outputs_check_count(outputs *t, int count, nx_error *err)
{
    if (!check_options(t, err)) return false;
    if (t->file && count > 1) return nx_fail(err, "-o %s is one file for %d samples: name a folder", t->out, count);
    return t->file || nx_folder_make(t->out, err);
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
        if (!(row ? find_row(&found, words[i], err) : nx_files_images(&found, words[i], err))) {
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
