/* Files. A write is a draft beside the final name, so that the rename stays on one file system and is atomic. */
#include "io/files.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const extensions[] = {".png", ".jpg", ".jpeg", ".webp"};

bool nx_is_image_name(const char *name)
{
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (nx_ends_with(name, extensions[i])) return true;
    return false;
}

static void add(nx_file_list *list, char *path)
{
    NX_GROW(list->paths, list->count);
    list->paths[list->count++] = path;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* What stands in a folder but names that begin with a dot, sorted: a folder that several links lead to is then entered
 * by the same one everywhere. */
static bool list_folder(nx_file_list *out, const char *folder, nx_error *err)
{
    DIR *stream = opendir(folder);
    if (!stream) return nx_fail(err, "%s: cannot list the folder: %s", folder, strerror(errno));
    bool slash = folder[strlen(folder) - 1] == '/';
    for (struct dirent *item; (item = readdir(stream));)
        if (item->d_name[0] != '.') add(out, nx_format("%s%s%s", folder, slash ? "" : "/", item->d_name));
    closedir(stream);
    if (out->count) qsort(out->paths, out->count, sizeof *out->paths, by_bytes);
    return true;
}

/* More than any collection of pictures, less than the stack. */
#define DEPTH_MAX 64

/* The folders that were entered: each is entered once, whatever links lead to it. */
typedef struct entered {
    size_t count;
    struct folder {
        dev_t device;
        ino_t inode;
    } * folders;
} entered;

/* Notes the folder; false if it was there already. */
static bool enter(entered *e, const struct stat *folder)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->folders[i].device == folder->st_dev && e->folders[i].inode == folder->st_ino) return false;
    NX_GROW(e->folders, e->count);
    e->folders[e->count++] = (struct folder){folder->st_dev, folder->st_ino};
    return true;
}

static bool walk(nx_file_list *list, entered *e, const char *folder, int depth, nx_error *err)
{
    nx_file_list found = {0};
    if (depth > DEPTH_MAX) return nx_fail(err, "%s: more than %d folders deep", folder, DEPTH_MAX);
    bool fine = list_folder(&found, folder, err);
    for (size_t i = 0; fine && i < found.count; i++) {
        struct stat info;
        if (stat(found.paths[i], &info)) continue; /* a link to nothing */
        if (S_ISDIR(info.st_mode))
            fine = !enter(e, &info) || walk(list, e, found.paths[i], depth + 1, err);
        else if (S_ISREG(info.st_mode) && nx_is_image_name(found.paths[i])) /* a pipe would be waited for */
            add(list, nx_copy_text(found.paths[i]));
    }
    nx_file_list_free(&found);
    return fine;
}

bool nx_files_images(nx_file_list *out, const char *path, nx_error *err)
{
    *out = (nx_file_list){0};
    if (nx_file_exists(path)) {
        add(out, nx_copy_text(path));
        return true;
    }
    if (!nx_folder_exists(path)) return nx_fail(err, "%s: no such file or folder", path);
    struct stat info;
    entered e = {0};
    if (!stat(path, &info)) enter(&e, &info);
    bool fine = walk(out, &e, path, 0, err);
    free(e.folders);
    if (fine && !out->count) {
        char tried[64] = "";
        for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
            size_t used = strlen(tried);
            snprintf(tried + used, sizeof tried - used, "%s%s", i ? ", " : "", extensions[i]);
        }
        fine = nx_fail(err, "%s: no picture in this folder or below: looked for %s", path, tried);
    }
    if (!fine) {
        nx_file_list_free(out);
        return false;
    }
    qsort(out->paths, out->count, sizeof *out->paths, by_bytes);
    return true;
}

/* How many of the list's pictures lie in a folder, which is the first `length` bytes of the path of its first one. */
typedef struct tally {
    const char *path;
    size_t length, count;
} tally;

/* Of all folders so far; the newest are asked first, for a sorted list seldom goes back. */
static tally *tally_of(tally **all, size_t *count, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    for (size_t i = *count; i-- > 0;)
        if ((*all)[i].length == length && !memcmp((*all)[i].path, path, length)) return &(*all)[i];
    NX_GROW(*all, *count);
    (*all)[*count] = (tally){path, length, 0};
    return &(*all)[(*count)++];
}

void nx_files_first(nx_file_list *list, size_t most)
{
    tally *folders = NULL;
    size_t count = 0, kept = 0;
    if (!most) return;
    for (size_t i = 0; i < list->count; i++) {
        if (tally_of(&folders, &count, list->paths[i])->count++ < most)
            list->paths[kept++] = list->paths[i];
        else
            free(list->paths[i]);
    }
    list->count = kept;
    free(folders);
}

bool nx_files_folders(nx_file_list *out, const char *path, nx_error *err)
{
    *out = (nx_file_list){0};
    bool fine = list_folder(out, path, err);
    size_t folders = 0;
    for (size_t i = 0; i < out->count; i++)
        if (nx_folder_exists(out->paths[i]))
            out->paths[folders++] = out->paths[i];
        else
            free(out->paths[i]);
    out->count = folders;
    return fine;
}

void nx_file_list_free(nx_file_list *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
    *list = (nx_file_list){0};
}

bool nx_file_exists(const char *path)
{
    struct stat info;
    return !stat(path, &info) && !S_ISDIR(info.st_mode);
}

bool nx_folder_exists(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* Whether one of the names of a path is "..". */
static bool goes_up(const char *path)
{
    for (size_t length; *path; path += length) {
        path += strspn(path, "/");
        length = strcspn(path, "/");
        if (length == 2 && !memcmp(path, "..", 2)) return true;
    }
    return false;
}

bool nx_folder_make(const char *path, nx_error *err)
{
    char *part = nx_copy_text(path);
    bool fine = true;
    for (char *end = part; fine && *end;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char kept = *end;
        *end = 0;
        if (goes_up(path + (end - part)) && !nx_folder_exists(part))
            fine = nx_fail(err, "%s: cannot make the folder: %s, from which it goes up, is not there", path, part);
        else if (mkdir(part, 0777) && !nx_folder_exists(part))
            fine = nx_fail(err, "%s: cannot make the folder: %s", part, strerror(errno == EEXIST ? ENOTDIR : errno));
        *end = kept;
    }
    free(part);
    return fine;
}

#define GROWN_MAX ((size_t)1 << 28) /* bytes of what does not tell its size */

char *nx_user_path(const char *variable, const char *otherwise, const char *below)
{
    const char *named = getenv(variable), *home = getenv("HOME");
    if (named && *named) return nx_format("%s/%s", named, below);
    return home && *home ? nx_format("%s/%s/%s", home, otherwise, below) : NULL;
}

bool nx_folder_may_write(const char *path)
{
    char *up = nx_copy_text(path);
    while (!nx_folder_exists(up)) {
        char *next = nx_path_folder(up);
        bool end = !strcmp(next, up);
        free(up);
        up = next;
        if (end) break;
    }
    bool may = !access(up, W_OK | X_OK);
    free(up);
    return may;
}

bool nx_file_read(const char *path, char **data, size_t *bytes, nx_error *err)
{
    *data = NULL, *bytes = 0;
    FILE *file = fopen(path, "rb");
    if (!file) return nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
    struct stat info;
    if (fstat(fileno(file), &info) || S_ISDIR(info.st_mode)) {
        fclose(file);
        return nx_fail(err, "%s: a folder, where a file is expected", path);
    }
    /* The size is a hint only: a pipe has none, and a file may grow, but not forever, as devices do. */
    size_t room = (size_t)info.st_size + 2, used = 0, most = nx_times(room, 2) < GROWN_MAX ? GROWN_MAX : room * 2;
    char *block = nx_try_alloc(room);
    for (size_t got; block && (got = fread(block + used, 1, room - 1 - used, file)) > 0;) {
        used += got;
        if (used < room - 1) continue;
        char *larger = room < most ? realloc(block, room *= 2) : NULL;
        if (!larger) free(block);
        block = larger;
    }
    bool failed = ferror(file);
    fclose(file);
    if (!block) return nx_fail(err, "%s: too large for the memory: more than %zu bytes", path, room / 2);
    if (failed) {
        free(block);
        return nx_fail(err, "%s: cannot read: %s", path, strerror(errno));
    }
    block[used] = 0;
    *data = block, *bytes = used;
    return true;
}

bool nx_file_write(const char *path, const void *data, size_t bytes, nx_error *err)
{
    char *draft = nx_file_draft(path);
    FILE *file = nx_file_create(draft);
    bool fine = file && fwrite(data, 1, bytes, file) == bytes;
    if (file && fclose(file)) fine = false;
    if (!fine) {
        nx_fail(err, "%s: cannot write: %s", path, strerror(errno));
        unlink(draft);
    }
    fine = fine && nx_file_publish(draft, path, err);
    free(draft);
    return fine;
}

char *nx_file_draft(const char *path) { return nx_format("%s.tmp.%ld", path, (long)getpid()); }

FILE *nx_file_create(const char *path)
{
    unlink(path); /* a draft of a process that died and had this one's number, or what someone put there */
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file < 0 ? NULL : fdopen(file, "wb");
}

static bool flush_to_disk(const char *path)
{
    int file = open(path, O_RDONLY);
    if (file < 0) return false;
    bool fine = !fsync(file);
    close(file);
    return fine;
}

bool nx_file_publish(const char *draft, const char *path, nx_error *err)
{
    if (!flush_to_disk(draft) || rename(draft, path)) {
        nx_fail(err, "%s: cannot write: %s", path, strerror(errno));
        unlink(draft);
        return false;
    }
    /* The rename is durable once the folder is; not every file system can flush one, so its answer does not count. */
    char *folder = nx_path_folder(path);
    flush_to_disk(folder);
    free(folder);
    return true;
}
