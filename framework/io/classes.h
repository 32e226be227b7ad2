/* Pictures by class: a folder with a subfolder for each class, as torchvision's ImageFolder reads them, or a packed
 * dataset of such a folder.
 *
 *     nx_classes train, valid = {0};
 *     if (!nx_classes_read(&train, paths, count, 0, err)) return false;
 *     nx_classes_move(&valid, &train, 10);                                the last ten of each class
 *     nx_loader_options options = {.paths = train.paths, .labels = train.labels, .count = train.count};
 *     ... nx_loader_new ...
 *     nx_classes_free(&train), nx_classes_free(&valid);
 *
 * A class is a name: the subfolder's, whichever of several folders it is in.
 */
#ifndef NX_IO_CLASSES_H
#define NX_IO_CLASSES_H

#include "base/error.h"

#include <stddef.h>

typedef struct nx_classes {
    size_t count; /* of the pictures */
    char *
        *paths;  /* as io/loader takes them; a class after the other, and in it in the order in which they were found */
    int *labels; /* [count] places in names */
    size_t classes;
    char **names; /* [classes] sorted by byte values */
} nx_classes;

/* The pictures of all the paths, at any depth below their class, of each class the first `most`; 0: all. A path without
 * subfolders, a subfolder without a picture and a picture beside the subfolders are errors. */
bool nx_classes_read(nx_classes *out, char *const *paths, size_t count, size_t most, nx_error *err);
void nx_classes_free(nx_classes *c); /* leaves *c empty */

/* Numbers the classes as those of known; one that is not there is an error. Those that c lacks have no picture. */
bool nx_classes_match(nx_classes *c, const nx_classes *known, nx_error *err);

/* Moves the last `each` pictures of every class, all of them where there are no more, into an empty *to. */
void nx_classes_move(nx_classes *to, nx_classes *from, size_t each);

#endif
