/* Classes. A picture's class is the first part of its path within the folder, which is its name in a packed dataset. */
#include "io/classes.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/packed.h"

#include <stdlib.h>
#include <string.h>

/* One picture on its way into a class. */
typedef struct entry {
    char *path, *name; /* name: of the class */
    size_t order;      /* as it was found */
} entry;

typedef struct entries {
    entry *items;
    size_t count;
} entries;

static int by_class(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    int names = strcmp(p->name, q->name);
    return names ? names : p->order < q->order ? -1 : 1;
}

/* The class of a picture whose path within `folder` this is. */
static bool add(entries *e, const char *folder, const char *path, const char *within, bool classes, nx_error *err)
{
    size_t length = strcspn(within, "/");
    if (!within[length] && classes)
        return nx_fail(err, "%s: in no class: the classes are the subfolders of %s", path, folder);
    if (!within[length])
        return nx_fail(err, "%s: no class folders in it: a picture of a cat is expected in %s/cat, and so on", folder,
                       folder);
    NX_GROW(e->items, e->count);
    e->items[e->count] = (entry){nx_copy_text(path), nx_format("%.*s", (int)length, within), e->count};
    e->count++;
    return true;
}

static const char *within_of(const char *path, const char *folder)
{
    path += strlen(folder);
    return path + strspn(path, "/");
}

static int by_path(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Notes that the one of the subfolders, which are sorted, that holds the picture is not empty. */
static void fill(bool *filled, const nx_file_list *subfolders, const char *folder, const char *picture)
{
    const char *within = within_of(picture, folder);
    char *path = nx_format("%.*s", (int)(within - picture) + (int)strcspn(within, "/"), picture);
    char **found = bsearch(&path, subfolders->paths, subfolders->count, sizeof *subfolders->paths, by_path);
    if (found) filled[found - subfolders->paths] = true;
    free(path);
}

static bool read_folder(entries *e, const char *folder, nx_error *err)
{
    nx_file_list pictures = {0}, subfolders = {0};
    bool fine = nx_files_images(&pictures, folder, err) && nx_files_folders(&subfolders, folder, err);
    bool *filled = nx_alloc((subfolders.count + 1) * sizeof *filled);
    for (size_t i = 0; fine && i < pictures.count; i++) {
        fine = add(e, folder, pictures.paths[i], within_of(pictures.paths[i], folder), subfolders.count > 0, err);
        if (fine) fill(filled, &subfolders, folder, pictures.paths[i]);
    }
    for (size_t i = 0; fine && i < subfolders.count; i++)
        fine = filled[i] || nx_fail(err, "%s: a class without a picture", subfolders.paths[i]);
    free(filled);
    nx_file_list_free(&pictures);
    nx_file_list_free(&subfolders);
    return fine;
}

static bool read_packed(entries *e, const char *path, nx_error *err)
{
    nx_file_list pictures = {0}, names = {0};
    bool fine = nx_packed_images(&pictures, path, err) && nx_packed_names(&names, path, err);
    bool classes = false;
    for (size_t i = 0; fine && i < names.count && !classes; i++) classes = strchr(names.paths[i], '/');
    for (size_t i = 0; fine && i < pictures.count; i++)
        fine = add(e, path, pictures.paths[i], names.paths[i], classes, err);
    nx_file_list_free(&pictures);
    nx_file_list_free(&names);
    return fine;
}

bool nx_classes_read(nx_classes *out, char *const *paths, size_t count, size_t most, nx_error *err)
{
    entries e = {0};
    bool fine = true;
    *out = (nx_classes){0};
    for (size_t i = 0; fine && i < count; i++) {
        if (nx_folder_exists(paths[i]))
            fine = read_folder(&e, paths[i], err);
        else if (nx_h5_is_file(paths[i]))
            fine = read_packed(&e, paths[i], err);
        else
            fine = nx_fail(err, "%s: %s", paths[i],
                           nx_file_exists(paths[i]) ? "neither a folder of class folders nor a packed dataset"
                                                    : "no such file or folder");
    }
    if (fine && e.count) qsort(e.items, e.count, sizeof *e.items, by_class);
    out->paths = nx_alloc((e.count + 1) * sizeof *out->paths);
    out->labels = nx_alloc((e.count + 1) * sizeof *out->labels);
    for (size_t i = 0, of_class = 0; i < e.count; i++) {
        if (!out->classes || strcmp(out->names[out->classes - 1], e.items[i].name)) {
            NX_GROW(out->names, out->classes);
            out->names[out->classes++] = nx_copy_text(e.items[i].name);
            of_class = 0;
        }
        if (!most || of_class++ < most) {
            out->labels[out->count] = (int)out->classes - 1;
            out->paths[out->count++] = e.items[i].path;
        } else {
            free(e.items[i].path);
        }
        free(e.items[i].name);
    }
    free(e.items);
    if (!fine) nx_classes_free(out);
    return fine;
}

void nx_classes_free(nx_classes *c)
{
    for (size_t i = 0; i < c->count; i++) free(c->paths[i]);
    for (size_t i = 0; i < c->classes; i++) free(c->names[i]);
    free(c->paths);
    free(c->labels);
    free(c->names);
    *c = (nx_classes){0};
}

/* Takes over the names of known. */
static void rename_classes(nx_classes *c, const nx_classes *known)
{
    for (size_t i = 0; i < c->classes; i++) free(c->names[i]);
    c->classes = known->classes;
    c->names = nx_realloc(c->names, (known->classes + 1) * sizeof *c->names);
    for (size_t i = 0; i < known->classes; i++) c->names[i] = nx_copy_text(known->names[i]);
}

static const char *name_at(size_t i, const void *classes) { return ((const nx_classes *)classes)->names[i]; }

bool nx_classes_match(nx_classes *c, const nx_classes *known, nx_error *err)
{
    int *number = nx_alloc((c->classes + 1) * sizeof *number);
    for (size_t i = 0, k = 0; i < c->classes; i++) { /* both are sorted */
        while (k < known->classes && strcmp(known->names[k], c->names[i]) < 0) k++;
        if (k == known->classes || strcmp(known->names[k], c->names[i])) {
            const char *near = nx_nearest(c->names[i], known->classes, name_at, known);
            free(number);
            return nx_fail(err, "class \"%s\" is none of the %zu to train%s%s%s", c->names[i], known->classes,
                           near ? ": is it \"" : "", near ? near : "", near ? "\"" : "");
        }
        number[i] = (int)k;
    }
    for (size_t i = 0; i < c->count; i++) c->labels[i] = number[c->labels[i]];
    free(number);
    rename_classes(c, known);
    return true;
}

void nx_classes_move(nx_classes *to, nx_classes *from, size_t each)
{
    size_t stay = 0;
    *to = (nx_classes){.paths = nx_alloc((from->count + 1) * sizeof *to->paths),
                       .labels = nx_alloc((from->count + 1) * sizeof *to->labels)};
    for (size_t first = 0, end; first < from->count; first = end) {
        for (end = first; end < from->count && from->labels[end] == from->labels[first];) end++;
        for (size_t i = first; i < end; i++) {
            bool moves = end - i <= each;
            nx_classes *c = moves ? to : from;
            size_t at = moves ? to->count++ : stay++;
            c->paths[at] = from->paths[i], c->labels[at] = from->labels[i];
        }
    }
    from->count = stay;
    rename_classes(to, from);
}
