/* Pictures that the program makes itself: paths into its folder of data (data/photos, data/styles/whirls.png) lead to
 * pictures that need not be there yet. data/pictures.h has the sets.
 *
 * They are rendered into that folder, or, where it cannot be written, as that of an installation for all users, into
 * nstx/data in the user's cache folder (below XDG_CACHE_HOME or ~/.cache): what is rendered once serves every config.
 *
 *     if (!made_of_config(c, &err)) return false;         before anything opens what the config's paths lead to
 */
#ifndef CONFIG_MADE_H
#define CONFIG_MADE_H

#include "config/config.h"

/* Where the pictures that a path names are or will be, and whether that is a folder; NULL: it names none of them. Owned
 * by the caller. */
char *made_path(const char *path, bool *folder);

/* Renders what is missing of the pictures that the config's paths lead to. */
bool made_of_config(const config *c, nx_error *err);

/* The same for a path that a command was given, and if not all then only the first so many of a folder. *out is where
 * it leads to, owned by the caller: the path itself where it names none of them. */
bool made_open(const char *path, size_t first, char **out, nx_error *err);

/* From now on rendering is given up, with an error, once wanted() is true. */
void made_interruptible(bool (*wanted)(void));

#endif
