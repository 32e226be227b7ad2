/* Configs. A table row knows where its field lies in the struct and what may stand there; one function reads text into
 * a field (defaults, files and overrides alike) and one writes a field as text. */
#include "run/config.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/ini.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the table ---- */

typedef enum kind {
    KIND_INT,
    KIND_REAL,
    KIND_FLAG,
    KIND_CHOICE,
    KIND_TEXT,
    KIND_PATH,
    KIND_PATHS,
    KIND_LAYERS,
    KIND_NUMBERS
} kind;

enum { WANT_FILE = 1, WANT_ANY };

typedef struct row {
    kind kind;
    const char *section, *key;
    size_t offset;       /* of the field in config */
    const char *initial; /* the default, as text */
    const char *text;
    double least, most;
    const char *const *words; /* ends with NULL */
    int want;
    const char *specials; /* words that are no path, separated by spaces */
} row;

#define WORD(name, word)  word,
#define WORDS(words, ...) static const char *const words_##words[] = {__VA_ARGS__ NULL};
#include "run/config_keys.h"

#define COMMON(a_kind, a_section, a_key, default, meaning)                                                             \
    .kind = a_kind, .section = #a_section, .key = #a_key, .offset = offsetof(config, a_section.a_key),                 \
    .initial = default, .text = meaning

static const row rows[] = {
#define INT(section, key, default, lo, hi, text)                                                                       \
    {COMMON(KIND_INT, section, key, #default, text), .least = lo, .most = hi},
#define REAL(section, key, default, lo, hi, text)                                                                      \
    {COMMON(KIND_REAL, section, key, #default, text), .least = lo, .most = hi},
#define FLAG(section, key, default, text) {COMMON(KIND_FLAG, section, key, #default, text)},
#define CHOICE(section, key, list, default, text)                                                                      \
    {COMMON(KIND_CHOICE, section, key, #default, text), .words = words_##list},
#define TEXT(section, key, default, text) {COMMON(KIND_TEXT, section, key, #default, text)},
#define PATH(section, key, wanted, words, default, text)                                                               \
    {COMMON(KIND_PATH, section, key, #default, text), .want = wanted, .specials = words},
#define PATHS(section, key, wants, text)    {COMMON(KIND_PATHS, section, key, "", text), .want = wants, .specials = ""},
#define LAYERS(section, key, default, text) {COMMON(KIND_LAYERS, section, key, default, text)},
#define NUMBERS(section, key, lo, hi, text) {COMMON(KIND_NUMBERS, section, key, "", text), .least = lo, .most = hi},
#include "run/config_keys.h"
};

static const struct {
    const char *name, *text;
} sections[] = {
#define SECTION(name, text) {#name, text},
#include "run/config_keys.h"
    {"sweep",
     "Many runs from one config: section.key = value value ..., with first..last or first..last..step for numbers. "
     "`mode = grid`, the default, runs every combination, the first key slowest; `mode = zip` runs the first "
     "values of all keys together, then the second ones, and so on."},
};

#define SWEEP sections[COUNT(sections) - 1].name
#define SCALE "scale."

static const char *const layers[] = {
    "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1",                                             /* 64 */
    "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2",                                             /* 128 */
    "conv3_1", "relu3_1", "conv3_2", "relu3_2", "conv3_3", "relu3_3", "conv3_4", "relu3_4", "pool3", /* 256 */
    "conv4_1", "relu4_1", "conv4_2", "relu4_2", "conv4_3", "relu4_3", "conv4_4", "relu4_4", "pool4", /* 512 */
    "conv5_1", "relu5_1", "conv5_2", "relu5_2", "conv5_3", "relu5_3", "conv5_4", "relu5_4", "pool5", /* 512 */
    "fc6",     "relu6",   "fc7",     "relu7",   "fc8",
};

/* What may change when a run is continued: a key, or a whole section. */
static const char *const changeable[] = {"experiment.steps", "device.", "log."};

static const char *row_key(size_t i, const void *of) { return ((const row *const *)of)[i]->key; }
static const char *section_name(size_t i, const void *of) { return (void)of, sections[i].name; }
static const char *word_at(size_t i, const void *of) { return ((const char *const *)of)[i]; }

static const row *find(const char *section, const char *key)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (!strcmp(rows[i].section, section) && !strcmp(rows[i].key, key)) return &rows[i];
    return NULL;
}

/* ---- lists and words ---- */

static void list_add(config_list *list, char *item)
{
    NX_GROW(list->items, (size_t)list->count);
    list->items[list->count++] = item;
}

static void list_free(config_list *list)
{
    for (int i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
    *list = (config_list){0};
}

static int list_find(const config_list *list, const char *item)
{
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->items[i], item)) return i;
    return -1;
}

/* The parts of text between any of the separators, without blanks around them; empty parts are dropped. */
static config_list split(const char *text, const char *separators)
{
    config_list list = {0};
    while (*(text += strspn(text, separators))) {
        const char *begin = text, *end = text += strcspn(text, separators);
        while (begin < end && isspace((unsigned char)*begin)) begin++;
        while (begin < end && isspace((unsigned char)end[-1])) end--;
        if (begin < end) list_add(&list, nx_format("%.*s", (int)(end - begin), begin));
    }
    return list;
}

static char *join(const config_list *list, const char *separator)
{
    char *text = nx_copy_text("");
    for (int i = 0; i < list->count; i++) {
        char *longer = nx_format("%s%s%s", text, i ? separator : "", list->items[i]);
        free(text);
        text = longer;
    }
    return text;
}

static config_list list_words(const char *const *words)
{
    config_list list = {0};
    for (; *words; words++) list_add(&list, nx_copy_text(*words));
    return list;
}

/* ": did you mean NEAREST?", or nothing. */
static char *guess(const char *wrong, size_t count, const char *(*name)(size_t, const void *), const void *of)
{
    const char *nearest = nx_nearest(wrong, count, name, of);
    return nearest ? nx_format(": did you mean %s?", nearest) : nx_copy_text("");
}

/* ---- from text to a field ---- */

/* "a whole number from 1 to 64", for messages and the reference. */
static void range_text(const row *r, char out[96])
{
    const char *what = r->kind == KIND_INT ? "a whole number" : "a number";
    bool open = r->kind == KIND_INT ? r->most >= INT_MAX : isinf(r->most);
    if (open)
        snprintf(out, 96, "%s, at least %g", what, r->least);
    else
        snprintf(out, 96, "%s from %.12g to %.12g", what, r->least, r->most);
}

static bool read_number(const row *r, const char *value, double *out, const char *place, nx_error *err)
{
    char range[96], *end;
    range_text(r, range);
    double number = strtod(value, &end);
    bool decimal = *value && !*end && !value[strspn(value, "0123456789+-.eE")];
    if (!decimal || !isfinite(number) || (r->kind == KIND_INT && number != floor(number)))
        return nx_fail(err, "%s: [%s] %s: '%s' is not %s", place, r->section, r->key, value, range);
    if (number < r->least || number > r->most)
        return nx_fail(err, "%s: [%s] %s: %s is out of range: it must be %s", place, r->section, r->key, value, range);
    *out = number;
    return true;
}

static bool read_flag(const row *r, const char *value, bool *out, const char *place, nx_error *err)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (!strcmp(value, words[i])) return *out = i % 2, true;
    return nx_fail(err, "%s: [%s] %s: '%s' is neither true nor false", place, r->section, r->key, value);
}

static bool read_choice(const row *r, const char *value, int *out, const char *place, nx_error *err)
{
    config_list list = list_words(r->words);
    int i = list_find(&list, value);
    if (i >= 0) {
        *out = i;
    } else {
        char *all = join(&list, ", "), *hint = guess(value, (size_t)list.count, word_at, list.items);
        nx_fail(err, "%s: [%s] %s: '%s' is not one of %s%s", place, r->section, r->key, value, all, hint);
        free(hint);
        free(all);
    }
    list_free(&list);
    return i >= 0;
}

/* The path of `given`, seen from the folder and then from here; NULL if there is nothing that the row wants. */
static char *find_path(const row *r, const char *folder, const char *given, const char *place, nx_error *err)
{
    bool absolute = *given == '/', here = !strcmp(folder, ".");
    char *from_config = absolute || here ? nx_copy_text(given) : nx_format("%s/%s", folder, given);
    const char *places[] = {from_config, given};
    for (int i = 0; i < (absolute || here ? 1 : 2); i++) {
        bool is_folder = nx_folder_exists(places[i]);
        if (!is_folder && !nx_file_exists(places[i])) continue;
        char *found = nx_copy_text(places[i]);
        free(from_config);
        if (!is_folder || r->want == WANT_ANY) return found;
        nx_fail(err, "%s: [%s] %s: %s is a folder, where a file is wanted", place, r->section, r->key, found);
        free(found);
        return NULL;
    }
    const char *what = r->want == WANT_FILE ? "file" : "file or folder";
    if (absolute || here)
        nx_fail(err, "%s: [%s] %s: there is no %s %s", place, r->section, r->key, what, given);
    else
        nx_fail(err, "%s: [%s] %s: there is no %s %s: looked for %s and %s", place, r->section, r->key, what, given,
                from_config, given);
    free(from_config);
    return NULL;
}

/* Every path of the list resolved: absolute, so that the effective text means the same anywhere. */
static bool read_paths(const row *r, const char *folder, config_list *list, const char *place, nx_error *err)
{
    for (int i = 0; i < list->count; i++) {
        char *path = find_path(r, folder, list->items[i], place, err);
        if (!path) return false;
        free(list->items[i]);
        list->items[i] = realpath(path, NULL);
        if (list->items[i])
            free(path);
        else
            list->items[i] = path;
    }
    return true;
}

static bool read_layers(const row *r, const char *value, config_list *out, const char *place, nx_error *err)
{
    config_list list = split(value, ", \t");
    bool fine = true;
    for (int i = 0; fine && i < list.count; i++) {
        bool known = false;
        for (size_t k = 0; k < COUNT(layers); k++) known = known || !strcmp(list.items[i], layers[k]);
        if (!known) {
            char *hint = guess(list.items[i], COUNT(layers), word_at, layers);
            fine = nx_fail(err, "%s: [%s] %s: there is no layer '%s'%s", place, r->section, r->key, list.items[i],
                           *hint ? hint : ": layers are conv1_1, relu1_1, ... relu5_4, pool1 to pool5, fc6, fc7, fc8");
            free(hint);
        } else if (list_find(&list, list.items[i]) < i) {
            fine = nx_fail(err, "%s: [%s] %s: %s stands there twice", place, r->section, r->key, list.items[i]);
        }
    }
    if (fine)
        *out = list;
    else
        list_free(&list);
    return fine;
}

static bool read_numbers(const row *r, const char *value, config_numbers *out, const char *place, nx_error *err)
{
    *out = (config_numbers){.mean = !strcmp(value, "mean")};
    if (out->mean) return true;
    config_list list = split(value, ", \t");
    bool fine = true;
    out->items = nx_alloc((size_t)list.count * sizeof *out->items);
    for (; fine && out->count < list.count; out->count += fine)
        fine = read_number(r, list.items[out->count], &out->items[out->count], place, err);
    list_free(&list);
    if (!fine) free(out->items);
    return fine;
}

/* A field of any kind, on the way in or out. */
typedef union field {
    int integer;
    double real;
    bool flag;
    char *text;
    config_list list;
    config_numbers numbers;
} field;

static const size_t field_bytes[] = {
    [KIND_INT] = sizeof(int),           [KIND_REAL] = sizeof(double),        [KIND_FLAG] = sizeof(bool),
    [KIND_CHOICE] = sizeof(int),        [KIND_TEXT] = sizeof(char *),        [KIND_PATH] = sizeof(char *),
    [KIND_PATHS] = sizeof(config_list), [KIND_LAYERS] = sizeof(config_list), [KIND_NUMBERS] = sizeof(config_numbers)};

static void field_free(kind kind, field *f)
{
    if (kind == KIND_TEXT || kind == KIND_PATH) free(f->text);
    if (kind == KIND_PATHS || kind == KIND_LAYERS) list_free(&f->list);
    if (kind == KIND_NUMBERS) free(f->numbers.items);
}

static field field_at(const row *r, const config *c)
{
    field f = {0};
    memcpy(&f, (const char *)c + r->offset, field_bytes[r->kind]);
    return f;
}

static bool field_read(const row *r, const char *folder, const char *value, field *f, const char *place, nx_error *err)
{
    double number;
    *f = (field){0};
    switch (r->kind) {
    case KIND_INT:
        if (!read_number(r, value, &number, place, err)) return false;
        f->integer = (int)number;
        return true;
    case KIND_REAL:
        return read_number(r, value, &f->real, place, err);
    case KIND_FLAG:
        return read_flag(r, value, &f->flag, place, err);
    case KIND_CHOICE:
        return read_choice(r, value, &f->integer, place, err);
    case KIND_TEXT:
        f->text = nx_copy_text(value);
        return true;
    case KIND_PATH: {
        config_list specials = split(r->specials, " "), path = {0};
        bool literal = !*value || list_find(&specials, value) >= 0;
        list_free(&specials);
        list_add(&path, nx_copy_text(value));
        bool fine = literal || read_paths(r, folder, &path, place, err);
        f->text = fine ? nx_copy_text(path.items[0]) : NULL;
        list_free(&path);
        return fine;
    }
    case KIND_PATHS:
        f->list = split(value, ",");
        if (read_paths(r, folder, &f->list, place, err)) return true;
        list_free(&f->list);
        return false;
    case KIND_LAYERS:
        return read_layers(r, value, &f->list, place, err);
    case KIND_NUMBERS:
        return read_numbers(r, value, &f->numbers, place, err);
    }
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

static char *field_text(const row *r, const field *f)
{
    switch (r->kind) {
    case KIND_INT:
        return nx_format("%d", f->integer);
    case KIND_REAL:
        return number_text(f->real);
    case KIND_FLAG:
        return nx_copy_text(f->flag ? "true" : "false");
    case KIND_CHOICE:
        return nx_copy_text(r->words[f->integer]);
    case KIND_TEXT:
    case KIND_PATH:
        return nx_copy_text(f->text);
    case KIND_PATHS:
        return join(&f->list, ", ");
    case KIND_LAYERS:
        return join(&f->list, " ");
    case KIND_NUMBERS: {
        if (f->numbers.mean) return nx_copy_text("mean");
        config_list list = {0};
        for (int i = 0; i < f->numbers.count; i++) list_add(&list, number_text(f->numbers.items[i]));
        char *text = join(&list, " ");
        list_free(&list);
        return text;
    }
    }
    return NULL;
}

/* True if "key = value" comes back from an INI file as it is: one line, nothing taken for a comment. */
static bool check_line(const char *section, const char *key, const char *value, const char *place, nx_error *err)
{
    for (const char *at = value; *at; at++)
        if (iscntrl((unsigned char)*at) || (*at == ';' && (at == value || isspace((unsigned char)at[-1]))))
            return nx_fail(err, "%s: [%s] %s: %s cannot stand in an INI file", place, section, key,
                           *at == ';' ? "a semicolon after a blank" : "a control character");
    return true;
}

/* ---- a whole config ---- */

typedef struct loading {
    config *c;
    char *place[COUNT(rows)]; /* where each key was set; NULL: nowhere */
    nx_error *err;
} loading;

static bool set(loading *l, const row *r, const char *value, const char *place)
{
    field f;
    if (!field_read(r, l->c->folder, value, &f, place, l->err)) return false;
    char *text = field_text(r, &f);
    bool fine = check_line(r->section, r->key, text, place, l->err);
    free(text);
    if (!fine) {
        field_free(r->kind, &f);
        return false;
    }
    field old = field_at(r, l->c);
    field_free(r->kind, &old);
    memcpy((char *)l->c + r->offset, &f, field_bytes[r->kind]);
    free(l->place[r - rows]);
    l->place[r - rows] = nx_copy_text(place);
    return true;
}

/* The row, or NULL and one line that says what was perhaps meant. */
static const row *require(const char *section, const char *key, const char *place, nx_error *err)
{
    const row *r = find(section, key), *mine[COUNT(rows)], *elsewhere = NULL;
    if (r) return r;
    size_t count = 0;
    config_list keys = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!strcmp(rows[i].section, section)) list_add(&keys, nx_copy_text(rows[i].key)), mine[count++] = &rows[i];
        if (!strcmp(rows[i].key, key)) elsewhere = &rows[i];
    }
    if (!count) {
        char *hint = guess(section, COUNT(sections), section_name, NULL);
        nx_fail(err, "%s: there is no section [%s]%s", place, section, hint);
        free(hint);
    } else {
        char *hint = guess(key, count, row_key, mine), *all = join(&keys, ", ");
        if (*hint || !elsewhere)
            nx_fail(err, "%s: [%s] has no key %s%s%s", place, section, key, *hint ? hint : ": its keys are ",
                    *hint ? "" : all);
        else
            nx_fail(err, "%s: [%s] has no key %s: it belongs to [%s]", place, section, key, elsewhere->section);
        free(all);
        free(hint);
    }
    list_free(&keys);
    return NULL;
}

static void axis_free(config_axis *axis)
{
    free(axis->section);
    free(axis->key);
    free(axis->text);
    free(axis->place);
    list_free(&axis->values);
}

static void drop_axis(config *c, const char *section, const char *key)
{
    for (int i = 0; i < c->axes; i++) {
        if (strcmp(c->axis[i].section, section) || strcmp(c->axis[i].key, key)) continue;
        axis_free(&c->axis[i]);
        c->axes--;
        memmove(&c->axis[i], &c->axis[i + 1], (size_t)(c->axes - i) * sizeof *c->axis);
        return;
    }
}

/* The value as it stands among others in a sweep: paths absolute, lists with commas; without blanks, or NULL. */
static char *sweep_value(const row *r, const char *folder, const char *value, const char *place, nx_error *err)
{
    field f;
    if (!field_read(r, folder, value, &f, place, err)) return NULL;
    bool list = r->kind == KIND_LAYERS || r->kind == KIND_NUMBERS;
    char *text = field_text(r, &f);
    field_free(r->kind, &f);
    for (char *at = text; list && *at; at++)
        if (*at == ' ') *at = ',';
    if (!text[strcspn(text, " \t")]) return text;
    free(text);
    return nx_copy_text(value);
}

/* Adds one word of an axis: a value, or a range of numbers "first..last" or "first..last..step". */
static bool add_values(config_axis *axis, const row *r, const char *folder, const char *word, const char *place,
                       nx_error *err)
{
    enum { MOST = 10000 };
    const char *dots = r->kind == KIND_INT || r->kind == KIND_REAL ? strstr(word, "..") : NULL;
    if (!dots) {
        char *value = sweep_value(r, folder, word, place, err);
        if (value) list_add(&axis->values, value);
        return value != NULL;
    }
    char *end;
    double first = 0, last = 0, step = 1;
    char *head = nx_format("%.*s", (int)(dots - word), word), *tail = nx_copy_text(dots + 2);
    char *more = strstr(tail, "..");
    if (more) *more = 0;
    bool fine = read_number(r, head, &first, place, err) && read_number(r, tail, &last, place, err);
    if (fine && more) {
        step = strtod(more + 2, &end);
        fine = (more[2] && !*end && isfinite(step) && step != 0) ||
               nx_fail(err, "%s: '%s' is not a step: write first..last..step", place, more + 2);
    }
    double count = fine ? floor((last - first) / step + 1e-9) + 1 : 0;
    if (fine && !(count >= 1 && count <= MOST))
        fine = nx_fail(err, "%s: %s has %s: write first..last..step", place, word,
                       count < 1 ? "no values" : "more than 10000 values");
    for (int i = 0; fine && i < (int)count; i++) {
        char *number = nx_format("%.12g", first + i * step); /* 0.3, not 0.30000000000000004 */
        char *value = sweep_value(r, folder, number, place, err);
        if ((fine = value)) list_add(&axis->values, value);
        free(number);
    }
    free(head);
    free(tail);
    return fine;
}

/* The values as the effective text has them: as they are understood, ranges as they were given. */
static char *axis_text(const config_axis *axis, const row *r, const char *folder, const config_list *given)
{
    config_list shown = {0};
    bool ranges = axis->values.count != given->count;
    for (int i = 0; !ranges && i < given->count; i++) {
        char *value = sweep_value(r, folder, given->items[i], "", NULL);
        list_add(&shown, value ? value : nx_copy_text(given->items[i]));
    }
    char *line = join(ranges ? given : &shown, " ");
    list_free(&shown);
    return line;
}

/* [sweep] name = values, name being section.key. */
static bool set_axis(loading *l, const char *name, const char *values, const char *place)
{
    config *c = l->c;
    const char *dot = strchr(name, '.');
    if (!strcmp(name, "mode")) {
        c->zip = !strcmp(values, "zip");
        return c->zip || !strcmp(values, "grid") ||
               nx_fail(l->err, "%s: [%s] mode: '%s' is not one of grid, zip", place, SWEEP, values);
    }
    if (!dot) return nx_fail(l->err, "%s: [%s] %s: write section.key = value value ...", place, SWEEP, name);
    config_axis axis = {.section = nx_format("%.*s", (int)(dot - name), name), .key = nx_copy_text(dot + 1)};
    char *inner = axis.place = nx_format("%s: [%s] %s", place, SWEEP, name);
    const row *r = require(axis.section, axis.key, inner, l->err);
    config_list given = split(values, " \t");
    bool fine = r && (given.count || nx_fail(l->err, "%s: no values: separate them by spaces", inner));
    for (int i = 0; fine && i < given.count; i++) fine = add_values(&axis, r, c->folder, given.items[i], inner, l->err);
    if (fine) {
        axis.text = axis_text(&axis, r, c->folder, &given);
        fine = check_line(SWEEP, name, axis.text, place, l->err);
    }
    list_free(&given);
    if (!fine) {
        axis_free(&axis);
        return false;
    }
    drop_axis(c, axis.section, axis.key);
    NX_GROW(c->axis, (size_t)c->axes);
    c->axis[c->axes++] = axis;
    return true;
}

static bool apply(loading *l, const char *section, const char *key, const char *value, const char *place)
{
    if (!strcmp(section, SWEEP)) return set_axis(l, key, value, place);
    const row *r = require(section, key, place, l->err);
    return r && set(l, r, value, place);
}

/* One value for a key that may be swept: it is swept no longer. */
static bool pin(loading *l, const char *section, const char *key, const char *value, const char *place)
{
    if (!apply(l, section, key, value, place)) return false;
    if (strcmp(section, SWEEP)) drop_axis(l->c, section, key);
    return true;
}

/* Where the name of a [scale.NAME] begins; NULL for other sections. */
static const char *scale_of(const char *section)
{
    return strncmp(section, SCALE, strlen(SCALE)) ? NULL : section + strlen(SCALE);
}

/* Applies [scale.NAME], section.key = value, if it is the chosen scale, and checks its keys if not. */
static bool apply_scale(loading *l, const nx_ini_entry *e, const char *place)
{
    const row *scale = find("experiment", "scale");
    const char *name = scale_of(e->section), *dot = strchr(e->key, '.');
    char *chosen = config_get(l->c, "experiment", "scale");
    bool fine = false, mine = !strcmp(name, chosen);
    for (size_t i = 0; scale->words[i]; i++) fine = fine || !strcmp(name, scale->words[i]);
    fine = fine || nx_fail(l->err, "%s: there is no scale %s: they are ci, laptop and paper", place, name);
    if (fine && !dot) fine = nx_fail(l->err, "%s: [%s] %s: write section.key = value", place, e->section, e->key);
    char *section = nx_format("%.*s", (int)strcspn(e->key, "."), e->key);
    if (fine && mine)
        fine = pin(l, section, dot + 1, e->value, place);
    else if (fine && strcmp(section, SWEEP))
        fine = require(section, dot + 1, place, l->err) != NULL;
    free(section);
    free(chosen);
    return fine;
}

/* An override, "section.key=value"; those before it are looked through for a second one of the same key. */
static bool apply_override(loading *l, const char *const *overrides, size_t i)
{
    const char *text = overrides[i], *dot = strchr(text, '.'), *equals = strchr(text, '=');
    if (!equals || !dot || dot > equals) return nx_fail(l->err, "-s %s: write -s section.key=value", text);
    config_list name = split(text, "="), value = split(equals + 1, "\n");
    char *place = nx_format("-s %s", text), *section = nx_format("%.*s", (int)(dot - text), text);
    bool fine = true;
    for (size_t k = 0; fine && k < i; k++)
        if (!strncmp(overrides[k], text, (size_t)(equals - text) + 1))
            fine = nx_fail(l->err, "%s: given twice, first as -s %s", place, overrides[k]);
    if (fine && strchr(text, '\n')) fine = nx_fail(l->err, "-s %.*s: a value of one line", (int)(equals - text), text);
    const char *key = name.count ? name.items[0] + strlen(section) + 1 : "";
    fine = fine && pin(l, section, key, value.count ? value.items[0] : "", place);
    free(section);
    free(place);
    list_free(&value);
    list_free(&name);
    return fine;
}

/* Lists of weights are as long as their lists of layers. */
static bool check_weights(const loading *l, const char *key, const config_numbers *weights, const char *of,
                          const config_list *layers_of)
{
    if (!weights->count || weights->count == layers_of->count) return true;
    return nx_fail(l->err, "%s: [loss] %s: %d numbers for the %d layers of [descriptor] %s",
                   l->place[find("loss", key) - rows], key, weights->count, layers_of->count, of);
}

/* A grid has no value twice; the axes of a zip are equally long. */
static bool check_sweep(const config *c, nx_error *err)
{
    for (int a = 0; a < c->axes; a++) {
        const config_axis *axis = &c->axis[a];
        if (c->zip && axis->values.count != c->axis[0].values.count)
            return nx_fail(err, "%s: %d values, where %s.%s has %d: with mode = zip all have as many", axis->place,
                           axis->values.count, c->axis[0].section, c->axis[0].key, c->axis[0].values.count);
        for (int i = 0; !c->zip && i < axis->values.count; i++)
            if (list_find(&axis->values, axis->values.items[i]) < i)
                return nx_fail(err, "%s: %s stands there twice", axis->place, axis->values.items[i]);
    }
    return true;
}

static bool check_together(const loading *l)
{
    const config *c = l->c;
    return check_sweep(c, l->err) &&
           check_weights(l, "content_layer_weights", &c->loss.content_layer_weights, "content_layers",
                         &c->descriptor.content_layers) &&
           check_weights(l, "style_layer_weights", &c->loss.style_layer_weights, "style_layers",
                         &c->descriptor.style_layers);
}

bool config_parse(config **out, const char *name, const char *text, const char *folder, const char *const *overrides,
                  size_t count, nx_error *err)
{
    *out = NULL;
    nx_ini ini;
    if (!nx_ini_parse(&ini, name, text, err)) return false;
    config *c = nx_alloc(sizeof *c);
    c->name = nx_copy_text(name), c->folder = nx_copy_text(folder);
    loading l = {.c = c, .err = err};
    for (size_t i = 0; i < COUNT(rows); i++)
        NX_CHECK(set(&l, &rows[i], rows[i].initial, "default"), "%s", err ? err->text : rows[i].key);
    bool fine = true;
    for (int scaled = 0; scaled < 2; scaled++) {
        for (size_t i = 0; fine && i < ini.count; i++) {
            const nx_ini_entry *e = &ini.entries[i];
            if ((scale_of(e->section) != NULL) != scaled) continue;
            char *place = nx_format("%s:%d", name, e->line);
            fine = scaled ? apply_scale(&l, e, place) : apply(&l, e->section, e->key, e->value, place);
            free(place);
        }
        /* The scale is known before its sections are read; everything else is overridden after them. */
        for (size_t i = 0; fine && i < count; i++)
            if (scaled || !strncmp(overrides[i], "experiment.scale=", strlen("experiment.scale=")))
                fine = apply_override(&l, overrides, i);
    }
    fine = fine && check_together(&l);
    for (size_t i = 0; i < COUNT(rows); i++) free(l.place[i]);
    nx_ini_free(&ini);
    if (fine)
        *out = c;
    else
        config_free(c);
    return fine;
}

bool config_load(config **out, const char *path, const char *const *overrides, size_t count, nx_error *err)
{
    *out = NULL;
    char *text, *folder = nx_path_folder(path);
    size_t bytes;
    bool fine = nx_file_read(path, &text, &bytes, err);
    if (fine && strlen(text) != bytes) fine = nx_fail(err, "%s: not a text file: it holds a zero byte", path);
    fine = fine && config_parse(out, path, text, folder, overrides, count, err);
    free(text);
    free(folder);
    return fine;
}

void config_free(config *c)
{
    if (!c) return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        field f = field_at(&rows[i], c);
        field_free(rows[i].kind, &f);
    }
    for (int i = 0; i < c->axes; i++) axis_free(&c->axis[i]);
    free(c->axis);
    free(c->name);
    free(c->folder);
    free(c);
}

/* ---- asking ---- */

static char *value_text(const row *r, const config *c)
{
    field f = field_at(r, c);
    return field_text(r, &f);
}

static void write_text(FILE *out, const config *c, const char *section, bool sweep)
{
    const char *last = NULL;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const row *r = &rows[i];
        if (section && strcmp(section, r->section)) continue;
        if (!last || strcmp(last, r->section)) fprintf(out, "%s[%s]\n", last ? "\n" : "", r->section);
        last = r->section;
        char *value = value_text(r, c);
        fprintf(out, "%s =%s%s\n", r->key, *value ? " " : "", value);
        free(value);
    }
    if (!sweep || !c->axes) return;
    fprintf(out, "\n[%s]\n", SWEEP);
    if (c->zip) fprintf(out, "mode = zip\n");
    for (int i = 0; i < c->axes; i++) fprintf(out, "%s.%s = %s\n", c->axis[i].section, c->axis[i].key, c->axis[i].text);
}

static char *text_of(const config *c, const char *section, bool sweep)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    NX_CHECK(out, "no memory for a config's text");
    write_text(out, c, section, sweep);
    NX_CHECK(!fclose(out), "no memory for a config's text");
    return text;
}

char *config_text(const config *c, const char *section) { return text_of(c, section, !section); }

void config_hash(const config *c, char out[33])
{
    char *text = config_text(c, NULL);
    XXH128_hash_t hash = XXH3_128bits(text, strlen(text));
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    free(text);
}

char *config_get(const config *c, const char *section, const char *key)
{
    const row *r = find(section, key);
    NX_CHECK(r, "the configs have no [%s] %s", section, key);
    return value_text(r, c);
}

bool config_need(const config *c, const char *section, const char *key, nx_error *err)
{
    char *value = config_get(c, section, key);
    bool fine =
        *value || nx_fail(err, "%s: [%s] %s is needed here: %s", c->name, section, key, find(section, key)->text);
    free(value);
    return fine;
}

double config_layer_weight(const config_numbers *weights, int i, int count)
{
    if (weights->mean) return 1.0 / count;
    return weights->count ? weights->items[i] : 1;
}

/* ---- sweeps ---- */

size_t config_points(const config *c)
{
    size_t points = 1;
    if (c->zip) return c->axes ? (size_t)c->axis[0].values.count : 1;
    for (int i = 0; i < c->axes; i++) points *= (size_t)c->axis[i].values.count;
    return points;
}

static char *label_part(const config *c, const config_axis *axis, const char *value)
{
    bool shared = false;
    for (int i = 0; i < c->axes; i++) shared = shared || (&c->axis[i] != axis && !strcmp(c->axis[i].key, axis->key));
    kind kind = find(axis->section, axis->key)->kind;
    char *shown = kind == KIND_PATH || kind == KIND_PATHS ? nx_path_stem(value) : nx_copy_text(value);
    char *text = nx_format("%s%s%s=%s", shared ? axis->section : "", shared ? "." : "", axis->key, shown);
    free(shown);
    return text;
}

/* The value of each axis at point i: values[axes]. */
static void point_values(const config *c, size_t i, const char **values)
{
    NX_CHECK(i < config_points(c), "point %zu of a sweep of %zu", i, config_points(c));
    for (size_t a = (size_t)c->axes; a-- > 0;) {
        size_t count = (size_t)c->axis[a].values.count;
        values[a] = c->axis[a].values.items[c->zip ? i : i % count];
        if (!c->zip) i /= count;
    }
}

config_list config_point_overrides(const config *c, size_t i)
{
    config_list overrides = {0};
    const char **values = nx_alloc((size_t)(c->axes + 1) * sizeof *values);
    point_values(c, i, values);
    for (int a = 0; a < c->axes; a++)
        list_add(&overrides, nx_format("%s.%s=%s", c->axis[a].section, c->axis[a].key, values[a]));
    free(values);
    return overrides;
}

void config_list_free(config_list *list) { list_free(list); }

bool config_point(config **out, char **label, const config *c, size_t i, nx_error *err)
{
    config_list overrides = config_point_overrides(c, i), parts = {0};
    const char **values = nx_alloc((size_t)(c->axes + 1) * sizeof *values);
    point_values(c, i, values);
    for (int a = 0; a < c->axes; a++) list_add(&parts, label_part(c, &c->axis[a], values[a]));
    char *text = text_of(c, NULL, false);
    bool fine =
        config_parse(out, c->name, text, c->folder, (const char *const *)overrides.items, (size_t)overrides.count, err);
    *label = fine ? join(&parts, " ") : NULL;
    free(text);
    free(values);
    list_free(&parts);
    list_free(&overrides);
    return fine;
}

/* ---- the run file's part ---- */

static bool may_change(const row *r)
{
    char *name = nx_format("%s.%s", r->section, r->key);
    bool may = false;
    for (size_t i = 0; i < COUNT(changeable); i++) may = may || !strncmp(name, changeable[i], strlen(changeable[i]));
    free(name);
    return may;
}

bool config_continues(const config *c, const char *name, const char *stored, nx_error *err)
{
    nx_ini ini;
    if (!nx_ini_parse(&ini, name, stored, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < COUNT(rows); i++) {
        const row *r = &rows[i];
        const char *before = r->initial;
        for (size_t k = 0; k < ini.count; k++)
            if (!strcmp(ini.entries[k].section, r->section) && !strcmp(ini.entries[k].key, r->key))
                before = ini.entries[k].value;
        char *now = value_text(r, c);
        if (strcmp(before, now) && !may_change(r))
            fine = nx_fail(err,
                           "%s: the run began with [%s] %s = %s, not %s: change it back, or name another file "
                           "with -o",
                           name, r->section, r->key, before, now);
        free(now);
    }
    nx_ini_free(&ini);
    return fine;
}

/* ---- the reference ---- */

static void reference_values(FILE *out, const row *r)
{
    static const char *const names[] = {
        [KIND_FLAG] = "true or false", [KIND_TEXT] = "text",
        [KIND_PATH] = "path",          [KIND_PATHS] = "paths, separated by commas",
        [KIND_LAYERS] = "layers",      [KIND_NUMBERS] = "numbers, one a layer, or `mean`; empty: 1 each"};
    char range[96];
    if (r->kind == KIND_INT || r->kind == KIND_REAL) {
        range_text(r, range);
        fputs(range, out);
    } else if (r->kind == KIND_CHOICE) {
        for (size_t i = 0; r->words[i]; i++) fprintf(out, "%s`%s`", i ? ", " : "", r->words[i]);
    } else {
        fputs(names[r->kind], out);
        if (r->kind == KIND_PATH && *r->specials) {
            config_list specials = split(r->specials, " ");
            for (int i = 0; i < specials.count; i++) fprintf(out, " or `%s`", specials.items[i]);
            list_free(&specials);
        }
    }
}

bool config_key_at(size_t i, config_key *out)
{
    if (i >= COUNT(rows)) return false;
    *out = (config_key){rows[i].section, rows[i].key, rows[i].initial, rows[i].text, rows[i].words};
    return true;
}

void config_key_values(FILE *out, size_t i) { reference_values(out, &rows[i]); }

const char *config_section_at(size_t i, const char **name)
{
    if (i >= COUNT(sections)) return NULL;
    *name = sections[i].name;
    return sections[i].text;
}

void config_reference(FILE *out)
{
    fputs(
        "# The keys of a config\n\n"
        "Made from the table in experiments/run/config_keys.h; do not edit. A config is an INI file of these sections; "
        "every key\nhas a default, and `nstx run CONFIG -s section.key=value` overrides one. Paths are looked for from "
        "the config's folder,\nthen from the working folder.\n",
        out);
    for (size_t s = 0; s < COUNT(sections); s++) {
        fprintf(out, "\n## [%s]\n\n%s\n", sections[s].name, sections[s].text);
        if (!strcmp(sections[s].name, SWEEP)) break;
        fputs("\n| key | default | values | meaning |\n| --- | --- | --- | --- |\n", out);
        for (size_t i = 0; i < COUNT(rows); i++) {
            if (strcmp(rows[i].section, sections[s].name)) continue;
            fprintf(out, "| %s | %s%s%s | ", rows[i].key, *rows[i].initial ? "`" : "", rows[i].initial,
                    *rows[i].initial ? "`" : "");
            reference_values(out, &rows[i]);
            fprintf(out, " | %s |\n", rows[i].text);
        }
    }
    fputs(
        "\nValues are separated by spaces; within a list of layers or numbers, by commas. An override of a key that is "
        "swept pins\nit: that line of the sweep is dropped.\n"
        "\n## [scale.paper], [scale.laptop], [scale.ci]\n\n"
        "One config for several sizes: the section of the [experiment] scale is applied after the rest of the file and "
        "before\noverrides. Its lines are section.key = value, and sweep.section.key = value value ... for another "
        "sweep.\n",
        out);
}
