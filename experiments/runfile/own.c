/* Recognised by marks; what is no file of these kinds is not ours. */
#include "runfile/own.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/sweep_points.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT(text) text, sizeof text - 1

/* A file that begins so, and has the mark among its first bytes, is ours. */
static const struct {
    const char *begin;
    size_t begin_bytes;
    const char *mark;
    size_t mark_bytes;
} marks[] = {
    {TEXT("\x89PNG\r\n\x1a\n"), TEXT("tEXtSoftware\0" NX_IMAGE_SOFTWARE)},
    {TEXT("\xff\xd8\xff"), TEXT(NX_IMAGE_SOFTWARE)},
    {TEXT(OWN_MARKDOWN), TEXT("")},
    {TEXT(OWN_HTML), TEXT("")},
    {TEXT(OWN_SHELL), TEXT("")},
    {TEXT(OWN_LOG), TEXT("")},
    {TEXT(OWN_CSV), TEXT("")},
    {TEXT("nstx wisdom"), TEXT("")},
    {TEXT(OWN_ONNX), TEXT("")},
};
enum { MARKS = sizeof marks / sizeof *marks, HEAD = 1 << 16 };

static size_t read_head(const char *path, char *head)
{
    FILE *file = fopen(path, "rb");
    size_t bytes = file ? fread(head, 1, HEAD, file) : 0;
    if (file) fclose(file);
    return bytes;
}

static bool is_marked(const char *head, size_t bytes)
{
    for (int i = 0; i < MARKS; i++)
        if (bytes >= marks[i].begin_bytes && !memcmp(head, marks[i].begin, marks[i].begin_bytes) &&
            memmem(head, bytes, marks[i].mark, marks[i].mark_bytes))
            return true;
    /* safetensors: eight bytes of length, then JSON */
    return bytes > 9 && head[8] == '{' && memmem(head, bytes, TEXT("\"tensors_xxh3\":"));
}

static bool is_own_hdf5(const char *path)
{
    nx_h5 *file;
    if (!nx_h5_is_file(path) || !nx_h5_open(&file, path, false, NULL)) return false;
    bool ours = nx_h5_has_attribute(file, "/", "nstx_version") ||
                (nx_h5_exists(file, "/model") && nx_h5_has_attribute(file, "/model", "nstx_version"));
    nx_h5_close(file, NULL);
    return ours;
}

bool may_write(const char *path, nx_error *err)
{
    struct stat info;
    if (lstat(path, &info)) return true;
    if (stat(path, &info)) return nx_fail(err, "%s: a link to nothing is in the way: choose another name", path);
    if (S_ISDIR(info.st_mode)) return nx_fail(err, "%s: a folder, where a file is to be written", path);
    if (!S_ISREG(info.st_mode)) return nx_fail(err, "%s: no plain file, where one is to be written", path);
    char *head = nx_alloc(HEAD);
    bool ours = !info.st_size || is_marked(head, read_head(path, head)) || is_own_hdf5(path);
    free(head);
    return ours ||
           nx_fail(err, "%s: there is a file that nstx did not write, and does not replace: choose another name", path);
}

bool may_write_other(const char *path, nx_error *err)
{
    return may_write(path, err) &&
           (!nx_h5_is_file(path) ||
            nx_fail(err, "%s: there is a run, a model or a dataset: choose another name", path));
}

bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Whether an existing file lies in the folder or below it. */
static bool lies_in(const char *path, const char *folder)
{
    char *file = realpath(path, NULL), *place = realpath(folder, NULL);
    size_t length = place ? strlen(place) : 0;
    bool inside = file && place && !strncmp(file, place, length) && file[length] == '/';
    free(file);
    free(place);
    return inside;
}

bool may_write_of(const config *c, const char *path, nx_error *err)
{
    config_paths p;
    for (size_t i = 0; !nx_folder_exists(path) && config_paths_at(c, i, &p); i++)
        for (int k = 0; k < p.count; k++) {
            const char *input = p.items[k];
            if (same_file(path, input) || (nx_folder_exists(input) && nx_is_image_name(path) && lies_in(path, input)))
                return nx_fail(err, "%s: it is read, as [%s] %s, and would be written over: name another file with -o",
                               path, p.section, p.key);
        }
    return may_write(path, err);
}

bool may_write_beside(const config *c, const char *run, const char *ending, nx_error *err)
{
    char *path = path_beside(run, ending);
    bool may = may_write_of(c, path, err);
    free(path);
    return may;
}
