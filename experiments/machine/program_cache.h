/* Built OpenCL programs, kept between runs in programs/ of the cache folder (machine/kernel_cache.h): a driver then
 * need not compile them again, and PoCL need not preprocess them to find that it has. A file is a line with the
 * checksum of the rest, and the driver's binary; a damaged one counts as none. */
#ifndef MACHINE_PROGRAM_CACHE_H
#define MACHINE_PROGRAM_CACHE_H

#include <stdbool.h>

void program_cache_use(void); /* from now on, in this process; before OpenCL is touched; NSTX_PROGRAMS=off: not */

/* Whether what one process builds is there for others. */
bool program_cache_writable(void);

#endif
