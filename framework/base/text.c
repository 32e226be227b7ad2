/* Strings. */
#include "base/text.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

char *nx_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = nx_alloc((size_t)length + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

bool nx_ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), e = strlen(ending);
    return n >= e && !strcasecmp(name + n - e, ending);
}

bool nx_contains(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; strlen(text) >= length; text++)
        if (!strncasecmp(text, part, length)) return true;
    return false;
}

/* Levenshtein's distance with a single row. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    size_t *row = nx_alloc((n + 1) * sizeof *row);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
            diagonal = row[j + 1];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
            row[j + 1] = best;
        }
    }
    size_t result = row[n];
    free(row);
    return result;
}

const char *nx_nearest(const char *text, size_t count, const char *(*name)(size_t i, const void *context),
                       const void *context)
{
    const char *best = NULL;
    size_t least = (size_t)-1;
    for (size_t i = 0; i < count; i++) {
        const char *candidate = name(i, context);
        size_t d = distance(text, candidate);
        if (d < least) least = d, best = candidate;
    }
    return best && 2 * least <= strlen(best) ? best : NULL;
}

char *nx_bytes_text(char *out, double bytes)
{
    static const char *unit[] = {"B", "kB", "MB", "GB", "TB"};
    int u = 0;
    while (bytes >= 999.5 && u < 4) bytes /= 1000, u++;
    snprintf(out, 16, u && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, unit[u]);
    return out;
}

char *nx_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return nx_copy_text(".");
    return slash == path ? nx_copy_text("/") : nx_format("%.*s", (int)(slash - path), path);
}

char *nx_path_stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot && dot > name ? nx_format("%.*s", (int)(dot - name), name) : nx_copy_text(name);
}
