/* A task in a child process with bounds on its memory and time, for code that strangers' files may crash.
 * For io alone: not a header for users.
 *
 * The child is a plain fork: the task may call what takes no lock that another thread can hold, allocate, and read; it
 * cannot write files, and what it changes in memory is gone with it.
 */
#ifndef NX_IO_CHILD_H
#define NX_IO_CHILD_H

#include "base/error.h"

#include <stddef.h>

typedef struct nx_child_limits {
    size_t bytes;     /* of memory, beside what the process has */
    unsigned seconds; /* of the processor */
} nx_child_limits;

typedef enum nx_child_end {
    NX_CHILD_FINE,
    NX_CHILD_REFUSED, /* the task gave false, with its message in err */
    NX_CHILD_DIED,    /* it crashed, or asked for too much memory */
    NX_CHILD_ENDLESS, /* it took too long */
    NX_CHILD_NONE     /* no process could be started: errno says why */
} nx_child_end;

nx_child_end nx_child_run(bool (*task)(const void *context, nx_error *err), const void *context,
                          const nx_child_limits *limits, nx_error *err);

/* More time for the task that calls it, for work that it found worth it. */
void nx_child_allow(unsigned seconds);

#endif
