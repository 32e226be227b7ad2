/* The lock's file stays open, and so held, until the process ends, however it ends. */
#include "machine/kernel_cache.h"

#include "base/text.h"
#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

char *kernel_cache_folder(void)
{
    static const struct {
        const char *variable, *below;
    } homes[] = {{KERNEL_CACHE_VARIABLE, ""},
                 {"POCL_CACHE_DIR", "/nstx"},
                 {"XDG_CACHE_HOME", "/nstx"},
                 {"HOME", "/.cache/nstx"}};
    for (int i = 0; i < 4; i++) {
        const char *home = getenv(homes[i].variable);
        if (home && *home) return nx_format("%s%s", home, homes[i].below);
    }
    return NULL;
}

const char *kernel_cache_share(void)
{
    char *folder = kernel_cache_folder();
    if (folder) setenv(KERNEL_CACHE_VARIABLE, folder, true);
    free(folder);
    return getenv(KERNEL_CACHE_VARIABLE);
}

void kernel_cache_take(void)
{
    enum { MOST = 4096 };
    const char *folder = getenv(KERNEL_CACHE_VARIABLE);
    if (!folder || !nx_folder_make(folder, NULL)) return;
    bool taken = false;
    for (int i = 1; i <= MOST && !taken; i++) {
        char *cache = nx_format("%s/kernels-%d", folder, i), *name = nx_format("%s.lock", cache);
        int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        bool busy = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
        taken = !busy; /* or there is nothing to be had: no use in trying on */
        if (busy) close(lock);
        if (taken && lock >= 0 && nx_folder_make(cache, NULL)) setenv("POCL_CACHE_DIR", cache, true);
        free(name);
        free(cache);
    }
}
