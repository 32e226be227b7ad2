/* Host memory. Allocation never fails: out of memory ends the process with a message. Freed with free(). */
#ifndef NX_BASE_MEMORY_H
#define NX_BASE_MEMORY_H

#include <stddef.h>

void *nx_alloc(size_t bytes);                /* zeroed */
void *nx_realloc(void *block, size_t bytes); /* as realloc */
char *nx_copy_text(const char *text);        /* NULL gives NULL */
void *nx_copy(const void *block, size_t bytes);

/* Makes room for one more element in a growing array: *items points to the array, count elements are in use. */
#define NX_GROW(items, count)                                                                                          \
    (((count) & ((count)-1)) == 0                                                                                      \
         ? (void)((items) = nx_realloc((items), sizeof *(items) * ((count) ? 2 * (count) : 1)))                        \
         : (void)0)

#endif
