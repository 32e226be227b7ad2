/* PoCL keeps compiled kernels in a folder that (up to version 3.1 at least) breaks when several processes write it.
 * Runs that go on side by side therefore take a folder each: one of a row of numbered ones, held by a lock until the
 * process ends and then there, warm, for the next. Other OpenCL platforms do not notice.
 *
 *     kernel_cache_prepare();    whoever is going to touch OpenCL, before that and before a fork
 *     kernel_cache_share();      the parent: its children are to take caches
 *     kernel_cache_take();       the child, before it touches OpenCL
 *
 * What is kept is code, and whoever can write it has it executed: only a folder that is the user's, and that no one
 * else may write, is trusted.
 */
#ifndef MACHINE_KERNEL_CACHE_H
#define MACHINE_KERNEL_CACHE_H

#include "base/error.h"

/* The variable that names the folder of caches. */
#define KERNEL_CACHE_VARIABLE "NSTX_KERNEL_CACHES"

/* PoCL offers no device where it cannot write its cache, as in a container whose user has no home. If so,
 * POCL_CACHE_DIR becomes a private folder below TMPDIR or /tmp, and one line says so; one more tells of a folder that
 * is not trusted. Only the first call in a process, and in those that it forks later, does anything. */
void kernel_cache_prepare(void);

/* The folder: the variable's, else one in POCL_CACHE_DIR, XDG_CACHE_HOME or ~/.cache; NULL where there is no home for
 * it, or it is not trusted. Owned by the caller. It may not be there yet. */
char *kernel_cache_folder(void);

/* Makes a folder in that folder, which is made too, for the user alone; false if it cannot be. */
bool kernel_cache_make(const char *path);

/* False, with the reason, for a folder that somebody else owns or may write; one that is not there is fine. */
bool kernel_cache_trusted(const char *folder, nx_error *why);

/* Where PoCL keeps its kernels; NULL where nothing says. Owned by the caller. */
char *kernel_cache_pocl(void);

/* Puts the folder into the environment. Gives it, or NULL where there is none; the environment owns it. */
const char *kernel_cache_share(void);

/* Where the variable is set, sets POCL_CACHE_DIR to a folder that no other process has. One that cannot be made or
 * locked is no error: the cache then stays what it was. */
void kernel_cache_take(void);

#endif
