/* Values of keys, from text and to text. */
#include "config/rows.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/known_weights.h"
#include "config/made.h"
#include "io/files.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *word_at(size_t i, const void *of) { return ((const char *const *)of)[i]; }

char *config_list_guess(const config_list *list, const char *wrong)
{
    return config_guess(wrong, (size_t)list->count, word_at, list->items);
}

static config_list list_words(const char *const *words)
{
    config_list list = {0};
    for (; *words; words++) config_list_add(&list, nx_copy_text(*words));
    return list;
}

/* ---- from text to a field ---- */

void config_range_text(const config_row *r, char out[96])
{
    const char *what = r->kind == CONFIG_INT ? "a whole number" : "a number";
    bool open = r->kind == CONFIG_INT ? r->most >= INT_MAX : isinf(r->most);
    if (open)
        snprintf(out, 96, "%s, at least %g", what, r->least);
    else
        snprintf(out, 96, "%s from %.12g to %.12g", what, r->least, r->most);
}

bool config_read_number(const config_row *r, const char *value, double *out, const char *place, nx_error *err)
{
    char range[96], *end;
    config_range_text(r, range);
    double number = strtod(value, &end);
    bool decimal = *value && !*end && !value[strspn(value, "0123456789+-.eE")];
    if (!decimal || !isfinite(number) || (r->kind == CONFIG_INT && number != floor(number)))
        return nx_fail(err, "%s: [%s] %s: '%s' is not %s", place, r->section, r->key, value, range);
    if (number < r->least || number > r->most)
        return nx_fail(err, "%s: [%s] %s: %s is out of range: it must be %s", place, r->section, r->key, value, range);
    *out = number;
    return true;
}

static bool read_flag(const config_row *r, const char *value, bool *out, const char *place, nx_error *err)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (!strcmp(value, words[i])) return *out = i % 2, true;
    return nx_fail(err, "%s: [%s] %s: '%s' is neither true nor false", place, r->section, r->key, value);
}

static bool read_choice(const config_row *r, const char *value, int *out, const char *place, nx_error *err)
{
    config_list list = list_words(r->words);
    int i = config_list_find(&list, value);
    if (i >= 0) {
        *out = i;
    } else {
        char *all = config_list_join(&list, ", "), *hint = config_list_guess(&list, value);
        nx_fail(err, "%s: [%s] %s: '%s' is not one of %s%s", place, r->section, r->key, value, all, hint);
        free(hint);
        free(all);
    }
    config_list_free(&list);
    return i >= 0;
}

char *config_home_path(const char *path)
{
    const char *home = getenv("HOME");
    bool inside = *path == '~' && (!path[1] || path[1] == '/');
    return inside && home && *home ? nx_format("%s%s", home, path + 1) : nx_copy_text(path);
}

/* The path that is named, seen from the folder and then from here; NULL if there is nothing that the row wants. */
static char *find_path(const config_row *r, const char *folder, const char *named, const char *place, nx_error *err)
{
    char *given = config_home_path(named), *found = NULL;
    bool alone = *given == '/' || !strcmp(folder, ".");
    char *from_config = alone ? nx_copy_text(given) : nx_format("%s/%s", folder, given);
    const char *places[] = {from_config, given}, *what = r->want == WANT_ANY ? "file or folder" : "file";
    bool is_folder = false;
    for (int i = 0; !found && i < (alone ? 1 : 2); i++) {
        if ((found = made_path(places[i], &is_folder))) break;
        is_folder = nx_folder_exists(places[i]);
        if (is_folder || nx_file_exists(places[i])) found = nx_copy_text(places[i]);
    }
    bool fine = found && (!is_folder || r->want == WANT_ANY);
    if (found && !fine)
        nx_fail(err, "%s: [%s] %s: %s is a folder, where a file is wanted", place, r->section, r->key, found);
    else if (!found && alone)
        nx_fail(err, "%s: [%s] %s: there is no %s %s", place, r->section, r->key, what, given);
    else if (!found)
        nx_fail(err, "%s: [%s] %s: there is no %s %s: looked for %s and %s", place, r->section, r->key, what, given,
                from_config, given);
    if (!fine) free(found);
    free(from_config);
    free(given);
    return fine ? found : NULL;
}

bool config_is_special(const config_row *r, const char *value)
{
    config_list specials = config_list_split(r->specials, " ");
    bool special = config_list_find(&specials, value) >= 0;
    config_list_free(&specials);
    return special;
}

/* The path resolved: absolute, so that the effective text means the same anywhere. */
static bool read_path(const config_row *r, const char *folder, char **path, const char *place, nx_error *err)
{
    char *found = find_path(r, folder, *path, place, err), *whole = found ? realpath(found, NULL) : NULL;
    if (!found) return false;
    free(*path);
    *path = whole ? whole : found;
    if (whole) free(found);
    return true;
}

/* Weights by their name, or else by their path. */
static bool read_weights(const config_row *r, const char *folder, char **text, const char *place, nx_error *err)
{
    char *known;
    if (!known_file(&known, *text, err)) return nx_fail_in(err, "%s: [%s] %s", place, r->section, r->key);
    nx_error why;
    bool named = known;
    free(known);
    return named || read_path(r, folder, text, place, &why) ||
           nx_fail(err, "%s%s", why.text,
                   known_is_name(*text) ? ", and no weights have that name: `nstx weights get` lists them" : "");
}

/* Paths between commas; one that has a comma is quoted, or stands alone. */
static bool read_paths(const config_row *r, const char *folder, const char *value, config_list *out, const char *place,
                       nx_error *err)
{
    if (*value != '"' && strchr(value, ',')) {
        char *whole = find_path(r, folder, value, place, NULL);
        if (whole) config_list_add(out, nx_copy_text(value));
        free(whole);
    }
    if (!out->count) {
        *out = config_list_split(value, ",");
        for (int i = 0; i < out->count; i++) {
            char *plain = config_unquoted(out->items[i]);
            free(out->items[i]);
            out->items[i] = plain;
        }
    }
    for (int i = 0; i < out->count; i++)
        if (!read_path(r, folder, &out->items[i], place, err)) return false;
    return true;
}

config_list config_layers_of(int network)
{
    const config_row *networks = config_row_find("descriptor", "network");
    config_list all = {0};
    for (int n = 0; networks->words[n]; n++)
        for (size_t i = 0; network < 0 || n == network; i++) {
            const char *name = config_layer_at((config_descriptor_network)n, i);
            if (!name) break;
            if (config_list_find(&all, name) < 0) config_list_add(&all, nx_copy_text(name));
        }
    return all;
}

/* Any descriptor's: which one it is may come later. */
static bool read_layers(const config_row *r, const char *value, config_list *out, const char *place, nx_error *err)
{
    config_list all = config_layers_of(-1);
    bool fine = true;
    *out = config_list_split(value, ", \t");
    for (int i = 0; fine && i < out->count; i++) {
        if (config_list_find(&all, out->items[i]) < 0) {
            char *hint = config_list_guess(&all, out->items[i]);
            if (!*hint) {
                free(hint);
                hint = nx_format(": layers are %s, %s, ... %s", all.items[0], all.items[1], all.items[all.count - 1]);
            }
            fine =
                nx_fail(err, "%s: [%s] %s: there is no layer '%s'%s", place, r->section, r->key, out->items[i], hint);
            free(hint);
        } else if (config_list_find(out, out->items[i]) < i) {
            fine = nx_fail(err, "%s: [%s] %s: %s stands there twice", place, r->section, r->key, out->items[i]);
        }
    }
    config_list_free(&all);
    return fine;
}

static bool read_numbers(const config_row *r, const char *value, config_numbers *out, const char *place, nx_error *err)
{
    *out = (config_numbers){.mean = !strcmp(value, "mean")};
    if (out->mean) return true;
    config_list list = config_list_split(value, ", \t");
    bool fine = true;
    out->items = nx_alloc((size_t)list.count * sizeof *out->items);
    for (; fine && out->count < list.count; out->count += fine)
        fine = config_read_number(r, list.items[out->count], &out->items[out->count], place, err);
    config_list_free(&list);
    return fine;
}

/* ---- fields ---- */

static const size_t field_bytes[] = {[CONFIG_INT] = sizeof(int),
                                     [CONFIG_REAL] = sizeof(double),
                                     [CONFIG_FLAG] = sizeof(bool),
                                     [CONFIG_CHOICE] = sizeof(int),
                                     [CONFIG_TEXT] = sizeof(char *),
                                     [CONFIG_PATH] = sizeof(char *),
                                     [CONFIG_PATHS] = sizeof(config_list),
                                     [CONFIG_LAYERS] = sizeof(config_list),
                                     [CONFIG_NUMBERS] = sizeof(config_numbers)};

void config_field_free(config_kind kind, config_field *f)
{
    if (kind == CONFIG_TEXT || kind == CONFIG_PATH) free(f->text);
    if (kind == CONFIG_PATHS || kind == CONFIG_LAYERS) config_list_free(&f->list);
    if (kind == CONFIG_NUMBERS) free(f->numbers.items);
    *f = (config_field){0};
}

config_field config_field_at(const config_row *r, const config *c)
{
    config_field f = {0};
    memcpy(&f, (const char *)c + r->offset, field_bytes[r->kind]);
    return f;
}

void config_field_put(const config_row *r, config *c, config_field f)
{
    config_field old = config_field_at(r, c);
    config_field_free(r->kind, &old);
    memcpy((char *)c + r->offset, &f, field_bytes[r->kind]);
}

char *config_value_text(const config_row *r, const config *c)
{
    config_field f = config_field_at(r, c);
    return config_field_text(r, &f);
}

static bool read_any(const config_row *r, const char *folder, const char *value, config_field *f, const char *place,
                     nx_error *err)
{
    double number;
    switch (r->kind) {
    case CONFIG_INT:
        if (!config_read_number(r, value, &number, place, err)) return false;
        f->integer = (int)number;
        return true;
    case CONFIG_REAL:
        return config_read_number(r, value, &f->real, place, err);
    case CONFIG_FLAG:
        return read_flag(r, value, &f->flag, place, err);
    case CONFIG_CHOICE:
        return read_choice(r, value, &f->integer, place, err);
    case CONFIG_TEXT:
        f->text = config_unquoted(value);
        return true;
    case CONFIG_PATH:
        f->text = config_unquoted(value);
        if (!*value || config_is_special(r, value)) return true;
        if (r->want == WANT_WEIGHTS) return read_weights(r, folder, &f->text, place, err);
        return read_path(r, folder, &f->text, place, err);
    case CONFIG_PATHS:
        return read_paths(r, folder, value, &f->list, place, err);
    case CONFIG_LAYERS:
        return read_layers(r, value, &f->list, place, err);
    case CONFIG_NUMBERS:
        return read_numbers(r, value, &f->numbers, place, err);
    }
    return false;
}

bool config_field_read(const config_row *r, const char *folder, const char *value, config_field *f, const char *place,
                       nx_error *err)
{
    *f = (config_field){0};
    if (read_any(r, folder, value, f, place, err)) return true;
    config_field_free(r->kind, f);
    return false;
}

/* ---- from a field to text ---- */

/* The shortest decimal that is this number. */
static char *number_text(double number)
{
    char text[32];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    return nx_copy_text(text);
}

char *config_field_text(const config_row *r, const config_field *f)
{
    switch (r->kind) {
    case CONFIG_INT:
        return nx_format("%d", f->integer);
    case CONFIG_REAL:
        return number_text(f->real);
    case CONFIG_FLAG:
        return nx_copy_text(f->flag ? "true" : "false");
    case CONFIG_CHOICE:
        return nx_copy_text(r->words[f->integer]);
    case CONFIG_TEXT:
    case CONFIG_PATH:
        return config_quoted(f->text, "");
    case CONFIG_PATHS: {
        config_list quoted = {0};
        for (int i = 0; i < f->list.count; i++) config_list_add(&quoted, config_quoted(f->list.items[i], ","));
        char *text = config_list_join(&quoted, ", ");
        config_list_free(&quoted);
        return text;
    }
    case CONFIG_LAYERS:
        return config_list_join(&f->list, " ");
    case CONFIG_NUMBERS: {
        if (f->numbers.mean) return nx_copy_text("mean");
        config_list list = {0};
        for (int i = 0; i < f->numbers.count; i++) config_list_add(&list, number_text(f->numbers.items[i]));
        char *text = config_list_join(&list, " ");
        config_list_free(&list);
        return text;
    }
    }
    return NULL;
}

/* ---- quotes ---- */

char *config_unquoted(const char *text)
{
    size_t length = strlen(text);
    if (length < 2 || *text != '"' || text[length - 1] != '"') return nx_copy_text(text);
    char *plain = nx_alloc(length), *to = plain;
    for (const char *at = text + 1; at < text + length - 1; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\') && at + 1 < text + length - 1) at++;
        *to++ = *at;
    }
    *to = 0;
    return plain;
}

char *config_quoted(const char *text, const char *separators)
{
    size_t length = strlen(text);
    bool plain = !length || (*text != '"' && !isspace((unsigned char)*text) &&
                             !isspace((unsigned char)text[length - 1]) && !text[strcspn(text, separators)]);
    for (size_t i = 0; plain && i < length; i++) plain = text[i] != ';' || (i && !isspace((unsigned char)text[i - 1]));
    if (plain) return nx_copy_text(text);
    char *quoted = nx_alloc(2 * length + 3), *to = quoted;
    *to++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') *to++ = '\\';
        *to++ = *text;
    }
    strcpy(to, "\"");
    return quoted;
}

/* True if "key = value" comes back from an INI file as it is: one line. */
bool config_check_line(const char *section, const char *key, const char *value, const char *place, nx_error *err)
{
    for (const char *at = value; *at; at++)
        if (iscntrl((unsigned char)*at))
            return nx_fail(err, "%s: [%s] %s: a control character cannot stand in an INI file", place, section, key);
    return true;
}
