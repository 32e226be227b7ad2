/* Host memory. Allocation never fails: out of memory ends the process with a message. Freed with free().
 *
 * Sizes that a file or a user names are another matter: they are multiplied with nx_times, held against what is
 * plausible, and asked for with nx_try_alloc. */
#ifndef NX_BASE_MEMORY_H
#define NX_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* a b, or SIZE_MAX where that is more than a size_t holds, so that a chain of products ends too large for any bound
 * instead of small; a factor of 0 makes 0 of both. */
static inline size_t nx_times(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

void *nx_alloc(size_t bytes);                /* zeroed */
void *nx_try_alloc(size_t bytes);            /* the same, or NULL where there is not that much */
void *nx_realloc(void *block, size_t bytes); /* as realloc */
char *nx_copy_text(const char *text);        /* NULL gives NULL */
void *nx_copy(const void *block, size_t bytes);

/* Makes room for one more element in a growing array: *items points to the array, count elements are in use. */
#define NX_GROW(items, count)                                                                                          \
    (((count) & ((count)-1)) == 0                                                                                      \
         ? (void)((items) = nx_realloc((items), sizeof *(items) * ((count) ? 2 * (count) : 1)))                        \
         : (void)0)

#endif
