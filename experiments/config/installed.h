/* What comes with the program: configs/, data/.
 *
 *     char *configs = installed_path("configs", &err);
 */
#ifndef CONFIG_INSTALLED_H
#define CONFIG_INSTALLED_H

#include "base/error.h"

/* The path of a file or folder of the installation that this program is of, else of the tree that it was built from.
 * Owned by the caller; NULL where neither has it. */
char *installed_path(const char *name, nx_error *err);

#endif
