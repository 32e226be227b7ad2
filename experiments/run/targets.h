/* Where the pictures that a command makes go: one file, or a folder in which each has the name of the picture that it
 * was made of; and in which format.
 *
 *     targets t = {.out = "made", .format = "jpg", .quality = 90};
 *     if (!targets_check(&t, &images, &err)) ...              before anything is written
 *     char *path = target_of(&t, images.paths[i]);            "made/photo.jpg"
 */
#ifndef RUN_TARGETS_H
#define RUN_TARGETS_H

#include "io/files.h"
#include "io/image.h"

enum { TARGETS_QUALITY = 95 }; /* as REQUEST_OPTIONS says */

typedef struct targets {
    const char *out, *format; /* format: png, png16 or jpg; NULL: as the name of a file says, png in a folder */
    int quality;              /* of JPEGs; 0: TARGETS_QUALITY */
    bool file;                /* out is one file; set by targets_check, as is: */
    nx_image_format kind;
} targets;

/* Finds what is wrong with the options, with the number of pictures, and with two pictures that would take one place or
 * a picture that would be replaced by its own result. The folder is made. */
bool targets_check(targets *t, const nx_file_list *images, nx_error *err);

/* The same for `count` pictures that are made of none. */
bool targets_check_count(targets *t, int count, nx_error *err);

/* The file of a picture or of any name, owned by the caller. */
char *target_of(const targets *t, const char *picture);

/* The pictures that words of a command line name: files, folders, and rows of numbered files, such as "in/%04d.png";
 * each folder and row in the order of its numbers. */
bool targets_find(nx_file_list *out, char *const *words, int count, nx_error *err);

#endif
