/* Files and folders: whole reads, writes that are all or nothing, and the list of pictures below a folder.
 *
 * Nothing half-written appears under its final name: a file is written under its draft name, then published.
 *
 *     char *draft = nx_file_draft("out/run.h5");
 *     ... write draft and close it ...
 *     bool done = nx_file_publish(draft, "out/run.h5", err);
 *     free(draft);
 */
#ifndef NX_IO_FILES_H
#define NX_IO_FILES_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

typedef struct nx_file_list {
    size_t count;
    char **paths; /* sorted by byte values, so the order is the same everywhere */
} nx_file_list;

/* The pictures (.png, .jpg, .jpeg, .webp, in any case) in the folder and below; names that begin with a dot are passed
 * over, and a folder that several links lead to, such as one to its own parent, is entered once. A path to a file is a
 * list of one. A folder without a picture is an error. Free with nx_file_list_free. */
bool nx_files_images(nx_file_list *out, const char *path, nx_error *err);

/* Leaves the first `most` pictures of each folder in the list; 0: all. */
void nx_files_first(nx_file_list *list, size_t most);

/* The folders in the folder, of which names that begin with a dot are passed over. There may be none. */
bool nx_files_folders(nx_file_list *out, const char *path, nx_error *err);
void nx_file_list_free(nx_file_list *list); /* leaves *list empty; NULL is fine */
bool nx_is_image_name(const char *name);    /* by its ending */

bool nx_file_exists(const char *path);   /* a file, or anything that is no folder */
bool nx_folder_exists(const char *path); /* a folder */

/* Makes the folder with its parents; one that exists is fine. A path that goes up (..) from a folder that is not there
 * is an error: made, it would lead to files that a look at it before did not find. */
bool nx_folder_make(const char *path, nx_error *err);

/* Where a program keeps what is its user's: `below` below the folder that the variable names (XDG_CACHE_HOME),
 * else below `otherwise` (".cache") of HOME; NULL: neither is set. Owned by the caller. */
char *nx_user_path(const char *variable, const char *otherwise, const char *below);

/* True if files may be made in the folder, or it may be made itself. */
bool nx_folder_may_write(const char *path);

/* The whole file in *data, owned by the caller, followed by a zero byte that *bytes does not count. Pipes are files;
 * one without an end, or more than the memory holds, is an error. */
bool nx_file_read(const char *path, char **data, size_t *bytes, nx_error *err);

/* Writes all or nothing: draft, fsync, rename. */
bool nx_file_write(const char *path, const void *data, size_t bytes, nx_error *err);

/* "PATH.tmp.PID", owned by the caller: where to write what is to become path. */
char *nx_file_draft(const char *path);

/* A fresh file for writing, in place of one that was there: nothing that a link leads to is written. NULL with errno if
 * it cannot be made. */
FILE *nx_file_create(const char *path);

/* Flushes the closed file draft to the disk and renames it to path. On failure the draft is removed. */
bool nx_file_publish(const char *draft, const char *path, nx_error *err);

#endif
