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

/* The length of the UTF-8 sequence at s and its code point; 0 where it is none: cut off, overlong, a surrogate. */
static size_t decode(const unsigned char *s, unsigned *point)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3 : *s >> 3 == 30 ? 4 : 0;
    if (!length) return 0;
    *point = length == 1 ? *s : *s & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (s[i] >> 6 != 2) return 0;
        *point = *point << 6 | (s[i] & 0x3F);
    }
    return *point < least[length] || *point > 0x10FFFF || *point >> 11 == 0x1B ? 0 : length;
}

/* Controls of both blocks, line and paragraph separators, and what turns the direction of writing. */
static bool obeyed(unsigned point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

char *nx_text_printable(char *text)
{
    unsigned point = 0;
    for (unsigned char *s = (unsigned char *)text; *s;) {
        size_t length = decode(s, &point);
        if (length && !obeyed(point)) {
            s += length;
            continue;
        }
        for (length = length ? length : 1; length; length--) *s++ = '?';
    }
    return text;
}

char *nx_text_utf8(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    char *out = nx_alloc(3 * strlen(text) + 1), *to = out;
    unsigned point;
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t length = decode(s, &point);
        to = mempcpy(to, length ? (const char *)s : replacement, length ? length : 3);
        s += length ? length : 1;
    }
    *to = 0;
    return out;
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

char *nx_text_shell(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
    if (*word && !word[strspn(word, plain)]) return nx_copy_text(word);
    size_t length = 0;
    char *text = nx_alloc(4 * strlen(word) + 3);
    text[length++] = '\'';
    for (; *word; word++)
        if (*word == '\'')
            length += (size_t)sprintf(text + length, "'\\''");
        else
            text[length++] = *word;
    text[length++] = '\'';
    text[length] = 0;
    return text;
}
