/* An installation has bin/nstx and share/nstx/. */
#include "config/installed.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"

#include <stdlib.h>
#include <unistd.h>

static bool is_there(const char *path) { return nx_folder_exists(path) || nx_file_exists(path); }

char *installed_path(const char *name, nx_error *err)
{
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
    char *folder = nx_path_folder(program), *installed = nx_format("%s/../share/nstx/%s", folder, name),
         *tree = nx_format(NSTX_TREE "/%s", name);
    char *found = nx_copy_text(is_there(installed) ? installed : is_there(tree) ? tree : "");
    if (!*found) {
        nx_fail(err, "there is neither %s nor %s: install nstx as a whole", installed, tree);
        free(found);
        found = NULL;
    }
    free(installed);
    free(tree);
    free(folder);
    return found;
}
