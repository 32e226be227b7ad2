/* The lock's file stays open, and so held, until the process ends, however it ends.
 *
 * The private folder has a name that others know, nstx-USER, so that the next run finds its kernels. Whoever made it
 * before us, or put a link there, is not trusted: then it is a new one, of a name that no one could know. */
#include "machine/kernel_cache.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first of the variables that is set, and what is below it; NULL: none is. Owned by the caller. */
typedef struct home {
    const char *variable, *below;
} home;

static char *first_home(const home *homes, int count)
{
    for (int i = 0; i < count; i++) {
        const char *folder = getenv(homes[i].variable);
        if (folder && *folder) return nx_format("%s%s", strcmp(folder, "/") ? folder : "", homes[i].below);
    }
    return NULL;
}

static char *own_folder(void)
{
    static const home homes[] = {{KERNEL_CACHE_VARIABLE, ""},
                                 {"POCL_CACHE_DIR", "/nstx"},
                                 {"XDG_CACHE_HOME", "/nstx"},
                                 {"HOME", "/.cache/nstx"}};
    return first_home(homes, 4);
}

char *kernel_cache_pocl(void)
{
    static const home homes[] = {
        {"POCL_CACHE_DIR", ""}, {"XDG_CACHE_HOME", "/pocl/kcache"}, {"HOME", "/.cache/pocl/kcache"}};
    return first_home(homes, 3);
}

/* ---- trust ---- */

bool kernel_cache_trusted(const char *folder, nx_error *why)
{
    struct stat s;
    if (stat(folder, &s)) return true;
    if (s.st_uid != geteuid()) return nx_fail(why, "%s is not used: it belongs to another user", folder);
    if (s.st_mode & (S_IWGRP | S_IWOTH))
        return nx_fail(why, "%s is not used: others may write it; `chmod go-w` makes it yours alone", folder);
    return true;
}

char *kernel_cache_folder(void)
{
    char *folder = own_folder();
    if (!folder || kernel_cache_trusted(folder, NULL)) return folder;
    free(folder);
    return NULL;
}

bool kernel_cache_make(const char *path)
{
    char *folder = kernel_cache_folder(), *up = folder ? nx_path_folder(folder) : NULL;
    bool made = folder && nx_folder_make(up, NULL) && (!mkdir(folder, 0700) || errno == EEXIST) &&
                kernel_cache_trusted(folder, NULL) && nx_folder_make(path, NULL);
    free(up);
    free(folder);
    return made;
}

/* ---- a private folder ---- */

/* A folder below another one that is the user's alone; NULL: none can be made. Owned by the caller. */
static char *private_below(const char *base)
{
    struct stat s;
    char *path = nx_format("%s/nstx-%lu", base, (unsigned long)geteuid());
    bool there = !mkdir(path, 0700) || errno == EEXIST;
    if (there && !lstat(path, &s) && S_ISDIR(s.st_mode) && s.st_uid == geteuid() && !(s.st_mode & 077)) return path;
    free(path);
    path = nx_format("%s/nstx-XXXXXX", base);
    if (mkdtemp(path)) return path;
    free(path);
    return NULL;
}

static char *private_folder(void)
{
    const char *named = getenv("TMPDIR");
    char *path = named && *named ? private_below(named) : NULL;
    return path ? path : private_below("/tmp");
}

static void give_pocl_a_folder(void)
{
    char *usual = kernel_cache_pocl();
    if (!usual || !nx_folder_may_write(usual)) {
        char *path = private_folder(),
             *why = usual ? nx_format("%s cannot be written", usual) : nx_copy_text("no HOME");
        if (path) {
            setenv("POCL_CACHE_DIR", path, true);
            nx_info("%s: compiled kernels are kept in %s", why, path);
        } else {
            nx_warn("%s, nor anything below TMPDIR or /tmp: PoCL will offer no device without a POCL_CACHE_DIR", why);
        }
        free(why);
        free(path);
    }
    free(usual);
}

void kernel_cache_prepare(void)
{
    static bool prepared;
    nx_error why;
    if (prepared) return;
    prepared = true;
    give_pocl_a_folder();
    char *folder = own_folder();
    if (folder && !kernel_cache_trusted(folder, &why)) nx_warn("%s", why.text);
    free(folder);
}

/* ---- side by side ---- */

const char *kernel_cache_share(void)
{
    kernel_cache_prepare();
    char *folder = kernel_cache_folder();
    if (folder) setenv(KERNEL_CACHE_VARIABLE, folder, true);
    bool any = folder;
    free(folder);
    return any ? getenv(KERNEL_CACHE_VARIABLE) : NULL;
}

void kernel_cache_take(void)
{
    enum { MOST = 4096 };
    kernel_cache_prepare();
    const char *folder = getenv(KERNEL_CACHE_VARIABLE);
    if (!folder || !kernel_cache_make(folder)) return;
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
