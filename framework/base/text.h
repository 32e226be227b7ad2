/* Strings: formatting, paths, and the nearest known name for a typo. */
#ifndef NX_BASE_TEXT_H
#define NX_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* printf into a fresh string, owned by the caller. */
char *nx_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True if name ends with ending, letters compared without case: nx_ends_with("a.PNG", ".png"). */
bool nx_ends_with(const char *name, const char *ending);

/* True if part occurs in text, letters compared without case. An empty part occurs everywhere. */
bool nx_contains(const char *text, const char *part);

/* The name among count names with the smallest edit distance to text, or NULL if none is near (more than half of its
 * letters differ). name(i, context) gives the i-th. */
const char *nx_nearest(const char *text, size_t count, const char *(*name)(size_t i, const void *context),
                       const void *context);

/* What a terminal shows of text and does not obey: control characters (escape sequences, newlines, tabs), those that
 * turn the direction of writing, and bytes that are not UTF-8 become '?', a byte each, in place. Gives text. */
char *nx_text_printable(char *text);

/* The text as UTF-8, which JSON and HTML must be: each byte that is of no character becomes U+FFFD. Owned by the
 * caller.
 */
char *nx_text_utf8(const char *text);

/* "12.3 MB": decimal units, three digits, in out (at least 16 bytes), which is returned. */
char *nx_bytes_text(char *out, double bytes);

/* The folder part of a path ("." if it has none) and the name without folder and extension. Owned by the caller. */
char *nx_path_folder(const char *path);
char *nx_path_stem(const char *path);

/* A word as a POSIX shell reads it back: as it is, or in single quotes where it has to be. Owned by the caller. */
char *nx_text_shell(const char *word);

#endif
