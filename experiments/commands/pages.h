/* The pages of experiments/ (report.html), embedded by the build as text; sorted by name, without the ending. */
#ifndef COMMANDS_PAGES_H
#define COMMANDS_PAGES_H

#include <stddef.h>

typedef struct html_page {
    const char *name, *text;
} html_page;

extern const html_page html_pages[];
extern const size_t html_page_count;

#endif
