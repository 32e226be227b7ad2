/* Where the pictures that a command makes go: one file, or a folder in which each has the name of the picture that it
 * was made of; and in which format.
 *
 *     outputs t = {.out = "made", .format = "jpg", .quality = 90};
 *     if (!outputs_check(&t, &images, NULL, 0, &err)) ...     before anything is written
 *     char *path = output_path(&t, images.paths[i]);            "made/photo.jpg"
 */
#ifndef APPLY_OUTPUTS_H
#define APPLY_OUTPUTS_H

#include "io/files.h"
#include "io/image.h"

enum { OUTPUTS_QUALITY = 95 }; /* as APPLY_OPTIONS says */

typedef struct outputs {
    const char *out, *format; /* format: png, png16 or jpg; NULL: as the name of a file says, png in a folder */
    int quality;              /* of JPEGs; 0: OUTPUTS_QUALITY */
    bool alpha;               /* with the transparency of what they are made of, which JPEGs have not */
    bool file;                /* out is one file; set by outputs_check, as is: */
    nx_image_format kind;
} outputs;

/* Finds what is wrong with the options, such as transparency in JPEGs, with the number of pictures, with two pictures
 * that would take one place, and with a result that would be written over a picture that is read, over one of the
 * `count` other inputs, or over a file that nstx did not write. The folder is made. */
bool outputs_check(outputs *t, const nx_file_list *images, const char *const *inputs, int count, nx_error *err);

/* The same for `count` pictures that are made of none, named by their numbers: "0000" and so on. */
bool outputs_check_count(outputs *t, int count, nx_error *err);
char *output_path_numbered(const outputs *t, int number);

/* The file of a picture or of any name, owned by the caller. */
char *output_path(const outputs *t, const char *picture);

/* The pictures that words of a command line name: files, folders, and rows of numbered files, such as "in/%04d.png";
 * each folder and row in the order of its numbers. */
bool find_pictures(nx_file_list *out, char *const *words, int count, nx_error *err);

#endif
