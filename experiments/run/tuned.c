/* The wisdom of a process. */
#include "run/tuned.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/wisdom.h"

#include <ctype.h>
#include <stdlib.h>

char *tuned_path(const nx_device_info *info)
{
    const char *named = getenv("NSTX_WISDOM"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (named) return *named ? nx_copy_text(named) : NULL;
    if (!(cache && *cache) && !(home && *home)) return NULL;
    char *device = nx_copy_text(info->name);
    for (char *c = device; *c; c++) *c = isalnum((unsigned char)*c) ? *c : '-';
    char *path = cache && *cache ? nx_format("%s/nstx/wisdom-%s.txt", cache, device)
                                 : nx_format("%s/.cache/nstx/wisdom-%s.txt", home, device);
    free(device);
    return path;
}

void tuned_use(const nx_device_info *info)
{
    static bool done;
    char *path = done ? NULL : tuned_path(info);
    nx_error why;
    done = true;
    if (!path) return;
    if (nx_wisdom_read(path, info, &why))
        nx_info("%zu choices measured by `nstx tune`, %s", nx_wisdom_count(), nx_wisdom_signature());
    else if (*why.text)
        nx_warn("%s", why.text);
    free(path);
}
