/* The project's own pictures: sets of files below a folder, rendered when they are wanted. A set is a row of the table
 * in pictures.c: its folder, how many, how large, what draws them.
 *
 *     pictures_want want = {.folder = "data", .part = "photos/0009.png"};
 *     if (!pictures_make(&want, &err)) ...                                        one picture, unless it is there
 *
 * A part is named as a path below the folder: SET, SET/FILE, and SET/CLASS or SET/CLASS/FILE of a set whose pictures
 * lie in classes. A picture depends on its set and number alone, never on the clock or on the order of threads.
 *
 * A set's folder has a file `stamp`, which names the version of what draws it: pictures of another version, or of none,
 * give way. It is also the lock by which of several processes one renders and the others wait. Each picture is written
 * aside and renamed, so that whoever finds one finds it whole, and a process that ends in the middle loses only those
 * that it was about to write. */
#ifndef PICTURES_H
#define PICTURES_H

#include "base/error.h"

#include <stddef.h>

typedef struct picture_set {
    const char *name, *does; /* the folder; what it holds, in a line */
    int count, width, height;
} picture_set;

/* The i-th set; NULL past the last one. */
const picture_set *picture_set_at(size_t i);

/* How many pictures a part has; 0 if there is no such part. */
int pictures_in(const char *part);

/* True if it is one picture, and no folder. */
bool pictures_is_file(const char *part);

/* How many of the part are not below the folder, or of another version. */
int pictures_missing(const char *folder, const char *part);

typedef struct pictures_want {
    const char *folder, *part;
    int first;          /* only so many of a set, or of each class, if they are numbered; 0: all */
    bool (*stop)(void); /* asked between pictures; true ends it with an error; NULL: never */
} pictures_want;

/* Renders those of the part that are missing, on all cores, with a line that says so. Sets may be rendered by several
 * processes at once. What is rendered when it fails, or is stopped, stays. */
bool pictures_make(const pictures_want *w, nx_error *err);

#endif
