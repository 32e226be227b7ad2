/* PoCL keeps compiled kernels in a folder that (up to version 3.1 at least) breaks when several processes write it.
 * Runs that go on side by side therefore take a folder each: one of a row of numbered ones, held by a lock until the
 * process ends and then there, warm, for the next. Other OpenCL platforms do not notice.
 *
 *     kernel_cache_share();      the parent: its children are to take caches
 *     kernel_cache_take();       the child, before it touches OpenCL
 */
#ifndef MACHINE_KERNEL_CACHE_H
#define MACHINE_KERNEL_CACHE_H

/* The variable that names the folder of caches. */
#define KERNEL_CACHE_VARIABLE "NSTX_KERNEL_CACHES"

/* The folder: the variable's, else one in POCL_CACHE_DIR, XDG_CACHE_HOME or ~/.cache; NULL where there is no home for
 * it. Owned by the caller. It may not be there yet. */
char *kernel_cache_folder(void);

/* Puts the folder into the environment. Gives it, or NULL where there is none; the environment owns it. */
const char *kernel_cache_share(void);

/* Where the variable is set, sets POCL_CACHE_DIR to a folder that no other process has. One that cannot be made or
 * locked is no error: the cache then stays what it was. */
void kernel_cache_take(void);

#endif
