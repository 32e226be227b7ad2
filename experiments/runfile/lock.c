/* A lock file with flock(2). Its holder deletes it at the end, so a lock on a file that has meanwhile lost its name is
 * void, and the next one is tried. */
#include "runfile/lock.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/sweep_points.h"
#include "runfile/runfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct run_lock {
    char *path;
    int file;
};

/* A lock holds the number of a process, or nothing yet. */
static bool is_lock(int file, long *owner)
{
    char text[32] = "", *end;
    struct stat info;
    ssize_t bytes = fstat(file, &info) || !S_ISREG(info.st_mode) ? -1 : pread(file, text, sizeof text - 1, 0);
    *owner = strtol(text, &end, 10);
    return bytes >= 0 && (!bytes || !strcmp(end, "\n"));
}

static bool try_lock(run_lock *lock, const char *path, bool *void_one, nx_error *err)
{
    long owner;
    int file = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    *void_one = false;
    if (file < 0 && errno == ELOOP) return nx_fail(err, "%s: a link, where nstx keeps its lock: remove it", lock->path);
    if (file < 0) return nx_fail(err, "%s: cannot write there: %s", path, strerror(errno));
    bool ours = is_lock(file, &owner);
    if (!ours || flock(file, LOCK_EX | LOCK_NB)) {
        /* File systems without locks go without. */
        if (ours && errno != EWOULDBLOCK) return lock->file = file, true;
        close(file);
        return ours ? nx_fail(err, "%s: another nstx (process %ld) is writing this run", path, owner)
                    : nx_fail(err, "%s: there is a file that is no lock of nstx: choose another name for the run",
                              lock->path);
    }
    struct stat held, named;
    if (!fstat(file, &held) && !lstat(lock->path, &named) && held.st_ino == named.st_ino &&
        held.st_dev == named.st_dev) {
        lock->file = file;
        if (!ftruncate(file, 0)) dprintf(file, "%ld\n", (long)getpid());
        return true;
    }
    close(file);
    *void_one = true;
    return false;
}

/* ---- drafts ---- */

#define DRAFT ".tmp." /* between the name and the process */

/* Whether a name that goes on like this behind "NAME.tmp." is the draft of a program that is no more; of this one with
 * own. */
static bool is_left(const char *number, bool own)
{
    if (!*number || number[strspn(number, "0123456789")] || strlen(number) > 9) return false;
    pid_t owner = (pid_t)strtol(number, NULL, 10);
    return owner > 0 && (own ? owner == getpid() : kill(owner, 0) && errno == ESRCH);
}

static void remove_left(const char *folder, const char *name, const char *number, bool own)
{
    struct stat info;
    char *draft = is_left(number, own) ? nx_format("%s/%s", folder, name) : NULL;
    if (draft && !lstat(draft, &info) && S_ISREG(info.st_mode)) unlink(draft);
    free(draft);
}

static void remove_drafts_of(const char *path, bool own)
{
    char *folder = nx_path_folder(path);
    const char *slash = strrchr(path, '/');
    char *start = nx_format("%s" DRAFT, slash ? slash + 1 : path);
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (strncmp(entry->d_name, start, strlen(start))) continue;
        remove_left(folder, entry->d_name, entry->d_name + strlen(start), own);
    }
    if (list) closedir(list);
    free(start);
    free(folder);
}

static void remove_picture_drafts(const char *path, bool own)
{
    char *folder = runfile_pictures_folder(path);
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        const char *number = strstr(entry->d_name, DRAFT);
        if (!number || !runfile_is_picture_name(entry->d_name)) continue;
        remove_left(folder, entry->d_name, number + strlen(DRAFT), own);
    }
    if (list) closedir(list);
    free(folder);
}

/* Of the run file and of what a run leaves beside it. */
static void remove_drafts(const char *path, bool own)
{
    remove_picture_drafts(path, own);
    static const char *const endings[] = {".h5", ".png", ".model.h5"};
    for (int i = 0; i < 3; i++) {
        char *file = path_beside(path, endings[i]);
        remove_drafts_of(file, own);
        free(file);
    }
    if (!nx_ends_with(path, ".h5")) remove_drafts_of(path, own); /* a run file of another ending */
}

/* ---- both ---- */

bool run_lock_take(run_lock **out, const char *path, nx_error *err)
{
    run_lock *lock = nx_alloc(sizeof *lock);
    *lock = (run_lock){.path = nx_format("%s.lock", path), .file = -1};
    bool void_one, held;
    while (!(held = try_lock(lock, path, &void_one, err)) && void_one) continue;
    if (held) {
        remove_drafts(path, false);
        *out = lock;
    } else {
        free(lock->path);
        free(lock);
    }
    return held;
}

bool run_lock_is_held(const char *path)
{
    char *name = nx_format("%s.lock", path);
    int lock = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool held = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    if (lock >= 0) close(lock);
    free(name);
    return held;
}

void run_lock_abandon(const run_lock *lock, const char *path)
{
    remove_drafts(path, true);
    unlink(lock->path);
}

void run_lock_release(run_lock *lock)
{
    if (!lock) return;
    unlink(lock->path);
    close(lock->file);
    free(lock->path);
    free(lock);
}
