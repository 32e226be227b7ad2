/* Weights that have a name: a table of files that others publish, and the user's own list of more. [descriptor] weights
 * = NAME means the file in the user's folder of weights, where `nstx weights get NAME` puts it.
 *
 *     known_list list;
 *     if (!known_list_load(&list, &err)) return false;
 *     const known_weights *k = known_list_find(&list, "vgg19");
 *     char *path = k ? known_path(k) : NULL;
 *     known_list_free(&list);
 *
 * The folder is nstx/weights in XDG_DATA_HOME, else in ~/.local/share. A file weights.ini in it adds to the table, a
 * section for each file:
 *
 *     [portraits]                          letters, digits, _ and -
 *     url = https://lab.example/portraits.safetensors
 *     bytes = 3204112
 *     sha256 = (64 hexadecimal digits)     or md5
 *     preprocessing = caffe                as for [descriptor] preprocessing; file, where it is not said
 *     licence = CC BY 4.0                  and what the file is, in a few words; both only for the reader
 *     what = a narrow VGG-19 for faces
 */
#ifndef CONFIG_KNOWN_WEIGHTS_H
#define CONFIG_KNOWN_WEIGHTS_H

#include "config/config.h"

#include <stdint.h>

typedef struct known_weights {
    const char *name, *what, *licence;
    const char *url;  /* https://, or in the user's list http:// too */
    int64_t bytes;    /* of the file */
    const char *hash; /* of all of it, in lower case: 32 hexadecimal digits are an MD5, 64 a SHA-256 */
    config_preprocessing preprocessing;
} known_weights;

typedef struct known_list {
    size_t count;
    known_weights *items; /* the table's, then the user's in the order of the file */
} known_list;

/* An error is one of weights.ini, with its line. */
bool known_list_load(known_list *out, nx_error *err);
void known_list_free(known_list *list);

/* NULL: there is none of that name. */
const known_weights *known_list_find(const known_list *list, const char *name);

/* True of what can be a name: a file's path that has a slash or a dot is none. */
bool known_is_name(const char *text);

/* The folder, and where in it the file is or will be. Owned by the caller; NULL where there is no place for it. */
char *known_folder(void);
char *known_path(const known_weights *k);

/* The file behind the address: the part after the last slash. Owned by the caller. */
char *known_file_name(const char *url);

/* *path is the file of that name, owned by the caller; NULL where no weights have it. That it is not there is an error,
 * which says what fetches it. */
bool known_file(char **path, const char *name, nx_error *err);

/* Name i of the table, NULL past the last one: for texts that tell what may stand there. */
const char *known_name_at(size_t i);

#endif
