/* INI files, strictly: sections, keys and values as text, with the line each came from. Types, defaults and unknown
 * keys are the business of who reads the entries.
 *
 *     nx_ini ini;                                               ; a comment
 *     if (!nx_ini_parse(&ini, path, text, err)) return false;   [train]
 *     for (size_t i = 0; i < ini.count; i++)                    steps = 500   ; so is this
 *         use(&ini.entries[i]);
 *     nx_ini_free(&ini);
 *
 * "key = value" or "key: value" below a "[section]"; ';' or '#' opens a comment line, " ;" ends a value, '#' within a
 * value is text. A value that begins with a double quote, or has one after a comma or blank, ends after the closing
 * one, whatever is between them; it keeps its quotes. Lines may be indented; a value ends with its line. Errors read
 * "FILE:LINE: ...": a line that is nothing of this, a key outside a section, a key twice in a section. Lines may be of
 * any length. Upper and lower case differ.
 */
#ifndef NX_IO_INI_H
#define NX_IO_INI_H

#include "base/error.h"

#include <stddef.h>

typedef struct nx_ini_entry {
    char *section, *key, *value; /* value may be empty */
    int line;                    /* from 1 */
} nx_ini_entry;

typedef struct nx_ini {
    size_t count;
    nx_ini_entry *entries; /* in the order of the file */
} nx_ini;

/* name stands for the file in messages. */
bool nx_ini_parse(nx_ini *out, const char *name, const char *text, nx_error *err);

void nx_ini_free(nx_ini *ini); /* leaves *ini empty; NULL is fine */

#endif
