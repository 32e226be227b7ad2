/* The table of keys as data, and how a value goes between text and its field in the struct: for the files of this room.
 *
 * A row knows where its field lies in the struct and what may stand there. One function reads text into a field, for
 * defaults, files and overrides alike, and one writes a field as text. place stands for where a text came from,
 * "FILE:LINE" or "-s section.key=value", at the beginning of messages.
 */
#ifndef CONFIG_ROWS_H
#define CONFIG_ROWS_H

#include "config/config.h"

typedef enum config_kind {
    CONFIG_INT,
    CONFIG_REAL,
    CONFIG_FLAG,
    CONFIG_CHOICE,
    CONFIG_TEXT,
    CONFIG_PATH,
    CONFIG_PATHS,
    CONFIG_LAYERS,
    CONFIG_NUMBERS
} config_kind;

enum { WANT_FILE = 1, WANT_ANY, WANT_WEIGHTS };

typedef struct config_row {
    config_kind kind;
    const char *section, *key;
    size_t offset;       /* of the field in config */
    const char *initial; /* the default, as text */
    const char *text;
    double least, most;
    const char *const *words; /* ends with NULL */
    int want;
    const char *specials; /* words that are no path, separated by spaces */
} config_row;

typedef struct config_section {
    const char *name, *text;
} config_section;

extern const config_row config_rows[];
extern const size_t config_row_count;
extern const config_section config_sections[]; /* that of sweeps is the last */
extern const size_t config_section_count;

#define CONFIG_SWEEP "sweep"

/* NULL: there is no such row. */
const config_row *config_row_find(const char *section, const char *key);

/* The row, or NULL and one line that says what was perhaps meant. */
const config_row *config_row_require(const char *section, const char *key, const char *place, nx_error *err);

/* ": did you mean NEAREST?", or nothing; owned by the caller. name(i, of): the i-th of the names. */
char *config_guess(const char *wrong, size_t count, const char *(*name)(size_t i, const void *of), const void *of);

/* The same of a list's items. */
char *config_list_guess(const config_list *list, const char *wrong);

/* The layers of a descriptor, or of all of them (-1), by all their names; owned by the caller. */
config_list config_layers_of(int network);

/* Whether the value of a PATH is one of the words that are none. */
bool config_is_special(const config_row *r, const char *value);

/* ---- fields ---- */

typedef union config_field {
    int integer;
    double real;
    bool flag;
    char *text;
    config_list list;
    config_numbers numbers;
} config_field;

/* The field of a row in c, which keeps it; and puts a field, which c takes over, in the place of the one that is freed.
 */
config_field config_field_at(const config_row *r, const config *c);
void config_field_put(const config_row *r, config *c, config_field f);
void config_field_free(config_kind kind, config_field *f);

/* Reads a value; paths are looked for from the folder first. *f is empty after a failure. */
bool config_field_read(const config_row *r, const char *folder, const char *value, config_field *f, const char *place,
                       nx_error *err);

/* The value as an INI file has it; owned by the caller. */
char *config_field_text(const config_row *r, const config_field *f);
char *config_value_text(const config_row *r, const config *c); /* of the field in c */

bool config_read_number(const config_row *r, const char *value, double *out, const char *place, nx_error *err);

/* "a whole number from 1 to 64". */
void config_range_text(const config_row *r, char out[96]);

/* A text that may stand in double quotes, with \" and \\ inside, as it is meant; and the other way: in quotes where it
 * would not come back otherwise, or has one of the separators. Owned by the caller. */
char *config_unquoted(const char *text);
char *config_quoted(const char *text, const char *separators);

/* The path with the user's home in the place of a leading ~; owned by the caller. */
char *config_home_path(const char *path);

/* True if "key = value" comes back from an INI file as it is. */
bool config_check_line(const char *section, const char *key, const char *value, const char *place, nx_error *err);

/* ---- the axes of a sweep, in sweep_axes.c ---- */

/* [sweep] name = values, name being section.key, or mode. */
bool config_axis_set(config *c, const char *name, const char *values, const char *place, nx_error *err);
void config_axis_drop(config *c, const char *section, const char *key); /* if there is such a one */
void config_axis_free(config_axis *axis);
bool config_axes_check(const config *c, nx_error *err);

/* The effective text, of one section or all, with the sweep or without. */
char *config_text_of(const config *c, const char *section, bool sweep);

#endif
