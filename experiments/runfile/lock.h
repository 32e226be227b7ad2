/* One program at a time writes a run: PATH.lock beside it is held as long as the run is written.
 *
 *     run_lock *lock;
 *     if (!run_lock_take(&lock, "run.h5", &err)) return false;        another nstx writes this run
 *     ...
 *     run_lock_release(lock);
 */
#ifndef RUNFILE_LOCK_H
#define RUNFILE_LOCK_H

#include "base/error.h"

typedef struct run_lock run_lock;

/* Takes the lock of the run at path, and removes the drafts that killed programs left of it and of what lies beside it.
 * What stands at PATH.lock and is no lock of nstx is left alone, and an error. */
bool run_lock_take(run_lock **out, const char *path, nx_error *err);
void run_lock_release(run_lock *lock); /* NULL is fine */

/* At the end of the process: takes away what it would leave behind at path, the lock and its own drafts. */
void run_lock_abandon(const run_lock *lock, const char *path);

/* True if a program holds the lock of the run at path. */
bool run_lock_is_held(const char *path);

#endif
