/* The pages of experiments/ (report.html), embedded by the build as text; sorted by name, without the ending. */
#ifndef EXPERIMENTS_PAGES_H
#define EXPERIMENTS_PAGES_H

#include <stddef.h>

typedef struct page {
    const char *name, *text;
} page;

extern const page pages[];
extern const size_t page_count;

#endif
