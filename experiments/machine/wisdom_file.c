/* The wisdom of a process. */
#include "machine/wisdom_file.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/wisdom.h"
#include "io/files.h"
#include "machine/kernel_cache.h"
#include "ops/choice.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *wisdom_file_path(const nx_device_info *info)
{
    const char *named = getenv("NSTX_WISDOM");
    if (named) return *named ? nx_copy_text(named) : NULL;
    char *device = nx_format("%s-%s", info->name, nx_wisdom_kernels(info));
    for (char *c = device; *c; c++) *c = isalnum((unsigned char)*c) ? *c : '-';
    char *below = nx_format("nstx/wisdom-%s.txt", device), *path = nx_user_path("XDG_CACHE_HOME", ".cache", below);
    free(below);
    free(device);
    return path;
}

/* The folder that the user did not name. */
static bool trusted(const char *path, nx_error *why)
{
    char *folder = nx_path_folder(path);
    bool fine = kernel_cache_trusted(folder, why);
    free(folder);
    return fine;
}

/* Whether all answers are candidates of this program for this device. */
static bool known(const char *path, const nx_device_info *info, nx_error *why)
{
    for (size_t i = 0; i < nx_wisdom_asked(); i++) {
        const char *question = nx_wisdom_question(i), *answer = nx_wisdom_find(question);
        if (!nx_choice_known(info, question, answer))
            return nx_fail(why, "%s is not used: \"%s\" is no choice for \"%s\" here", path, answer, question);
    }
    return true;
}

void wisdom_file_use(const nx_device_info *info)
{
    static char used[256];
    char device[sizeof used];
    snprintf(device, sizeof device, "%s, %s", info->name, nx_wisdom_kernels(info));
    if (!strcmp(device, used)) return;
    strcpy(used, device);
    nx_wisdom_forget();
    char *path = wisdom_file_path(info);
    nx_error why;
    if (!path) return;
    if (!getenv("NSTX_WISDOM") && !trusted(path, &why)) {
        nx_warn("%s", why.text);
    } else if (nx_wisdom_read(path, info, &why) && known(path, info, &why)) {
        nx_info("%zu choices measured by `nstx tune`, %s", nx_wisdom_count(), nx_wisdom_signature());
    } else if (*why.text) {
        nx_wisdom_forget();
        nx_warn("%s%s", why.text, strstr(why.text, " is not used: ") ? "; `nstx tune` makes it anew" : "");
    }
    free(path);
}
