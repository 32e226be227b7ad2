/* The axes of a sweep, and the points that they span. */
#include "config/rows.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void config_axis_free(config_axis *axis)
{
    free(axis->section);
    free(axis->key);
    free(axis->text);
    free(axis->place);
    config_list_free(&axis->values);
}

void config_axis_drop(config *c, const char *section, const char *key)
{
    for (int i = 0; i < c->axes; i++) {
        if (strcmp(c->axis[i].section, section) || strcmp(c->axis[i].key, key)) continue;
        config_axis_free(&c->axis[i]);
        c->axes--;
        memmove(&c->axis[i], &c->axis[i + 1], (size_t)(c->axes - i) * sizeof *c->axis);
        return;
    }
}

/* The value as it stands among others in a sweep: paths absolute, lists with commas, blanks in quotes; or NULL. */
static char *sweep_value(const config_row *r, const char *folder, const char *value, const char *place, nx_error *err)
{
    config_field f;
    if (!config_field_read(r, folder, value, &f, place, err)) return NULL;
    bool list = r->kind == CONFIG_LAYERS || r->kind == CONFIG_NUMBERS;
    char *text = config_field_text(r, &f);
    config_field_free(r->kind, &f);
    for (char *at = text; list && *at; at++)
        if (*at == ' ') *at = ',';
    if (*text == '"' || !text[strcspn(text, " \t")]) return text;
    char *quoted = config_quoted(text, " \t");
    free(text);
    return quoted;
}

/* Adds one word of an axis: a value, or a range of numbers "first..last" or "first..last..step". */
static bool add_values(config_axis *axis, const config_row *r, const char *folder, const char *word, const char *place,
                       nx_error *err)
{
    enum { MOST = 10000 };
    const char *dots = r->kind == CONFIG_INT || r->kind == CONFIG_REAL ? strstr(word, "..") : NULL;
    if (!dots) {
        char *value = sweep_value(r, folder, word, place, err);
        if (value) config_list_add(&axis->values, value);
        return value != NULL;
    }
    char *end;
    double first = 0, last = 0, step = 1;
    char *head = nx_format("%.*s", (int)(dots - word), word), *tail = nx_copy_text(dots + 2);
    char *more = strstr(tail, "..");
    if (more) *more = 0;
    bool fine = config_read_number(r, head, &first, place, err) && config_read_number(r, tail, &last, place, err);
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
        if ((fine = value)) config_list_add(&axis->values, value);
        free(number);
    }
    free(head);
    free(tail);
    return fine;
}

/* The values as the effective text has them: as they are understood, ranges as they were given. */
static char *axis_text(const config_axis *axis, const config_row *r, const char *folder, const config_list *given)
{
    config_list shown = {0};
    bool ranges = axis->values.count != given->count;
    for (int i = 0; !ranges && i < given->count; i++) {
        char *value = sweep_value(r, folder, given->items[i], "", NULL);
        config_list_add(&shown, value ? value : nx_copy_text(given->items[i]));
    }
    char *line = config_list_join(ranges ? given : &shown, " ");
    config_list_free(&shown);
    return line;
}

/* [sweep] name = values, name being section.key. */
bool config_axis_set(config *c, const char *name, const char *values, const char *place, nx_error *err)
{
    const char *dot = strchr(name, '.');
    if (!strcmp(name, "mode")) {
        c->zip = !strcmp(values, "zip");
        return c->zip || !strcmp(values, "grid") ||
               nx_fail(err, "%s: [%s] mode: '%s' is not one of grid, zip", place, CONFIG_SWEEP, values);
    }
    if (!dot) return nx_fail(err, "%s: [%s] %s: write section.key = value value ...", place, CONFIG_SWEEP, name);
    config_axis axis = {.section = nx_format("%.*s", (int)(dot - name), name), .key = nx_copy_text(dot + 1)};
    char *inner = axis.place = nx_format("%s: [%s] %s", place, CONFIG_SWEEP, name);
    const config_row *r = config_row_require(axis.section, axis.key, inner, err);
    config_list given = config_list_split(values, " \t");
    bool fine = r && (given.count || nx_fail(err, "%s: no values: separate them by spaces", inner));
    for (int i = 0; fine && i < given.count; i++) fine = add_values(&axis, r, c->folder, given.items[i], inner, err);
    if (fine) {
        axis.text = axis_text(&axis, r, c->folder, &given);
        fine = config_check_line(CONFIG_SWEEP, name, axis.text, place, err);
    }
    config_list_free(&given);
    if (!fine) {
        config_axis_free(&axis);
        return false;
    }
    config_axis_drop(c, axis.section, axis.key);
    NX_GROW(c->axis, (size_t)c->axes);
    c->axis[c->axes++] = axis;
    return true;
}

/* A grid has no value twice; the axes of a zip are equally long. */
/* The points of a sweep are listed, each with a config of its own, so that there is an end to them. */
enum { POINTS_MOST = 10000 };

bool config_axes_check(const config *c, nx_error *err)
{
    double points = 1;
    for (int a = 0; a < c->axes; a++) {
        const config_axis *axis = &c->axis[a];
        if (c->zip && axis->values.count != c->axis[0].values.count)
            return nx_fail(err, "%s: %d values, where %s.%s has %d: with mode = zip all have as many", axis->place,
                           axis->values.count, c->axis[0].section, c->axis[0].key, c->axis[0].values.count);
        for (int i = 0; !c->zip && i < axis->values.count; i++)
            if (config_list_find(&axis->values, axis->values.items[i]) < i)
                return nx_fail(err, "%s: %s stands there twice", axis->place, axis->values.items[i]);
        points = c->zip ? axis->values.count : points * axis->values.count;
    }
    return points <= POINTS_MOST ||
           nx_fail(err, "%s: the [%s] has %.6g points: at most %d", c->name, CONFIG_SWEEP, points, POINTS_MOST);
}

/* ---- the points ---- */

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
    config_kind kind = config_row_find(axis->section, axis->key)->kind;
    char *plain = config_unquoted(value);
    char *shown = kind == CONFIG_PATH || kind == CONFIG_PATHS ? nx_path_stem(plain) : nx_copy_text(plain);
    char *text = nx_format("%s%s%s=%s", shared ? axis->section : "", shared ? "." : "", axis->key, shown);
    free(shown);
    free(plain);
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
        config_list_add(&overrides, nx_format("%s.%s=%s", c->axis[a].section, c->axis[a].key, values[a]));
    free(values);
    return overrides;
}

bool config_point(config **out, char **label, const config *c, size_t i, nx_error *err)
{
    config_list overrides = config_point_overrides(c, i), parts = {0};
    const char **values = nx_alloc((size_t)(c->axes + 1) * sizeof *values);
    point_values(c, i, values);
    for (int a = 0; a < c->axes; a++) config_list_add(&parts, label_part(c, &c->axis[a], values[a]));
    char *text = config_text_of(c, NULL, false);
    bool fine =
        config_parse(out, c->name, text, c->folder, (const char *const *)overrides.items, (size_t)overrides.count, err);
    *label = fine ? config_list_join(&parts, " ") : NULL;
    free(text);
    free(values);
    config_list_free(&parts);
    config_list_free(&overrides);
    return fine;
}
