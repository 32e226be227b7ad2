/* Host memory that is there or the process is not. */
#include "base/memory.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

void *nx_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    NX_CHECK(p, "out of host memory: %zu bytes asked for", bytes);
    return p;
}

void *nx_try_alloc(size_t bytes) { return bytes < PTRDIFF_MAX ? calloc(1, bytes ? bytes : 1) : NULL; }

void *nx_realloc(void *block, size_t bytes)
{
    void *p = realloc(block, bytes ? bytes : 1);
    NX_CHECK(p, "out of host memory: %zu bytes asked for", bytes);
    return p;
}

void *nx_copy(const void *block, size_t bytes)
{
    void *p = nx_alloc(bytes);
    if (bytes) memcpy(p, block, bytes);
    return p;
}

char *nx_copy_text(const char *text) { return text ? nx_copy(text, strlen(text) + 1) : NULL; }
