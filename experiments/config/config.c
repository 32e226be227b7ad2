/* A whole config: the defaults, the file, the section of its scale and the overrides, one after another. */
#include "config/installed.h"
#include "config/known_weights.h"
#include "config/rows.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/ini.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define SCALE "scale."

typedef struct config_loading {
    config *c;
    char **place; /* where each key was set; NULL: nowhere */
    const char *const *overrides;
    size_t n_overrides;
    nx_error *err;
} config_loading;

static bool set(config_loading *l, const config_row *r, const char *value, const char *place)
{
    config_field f;
    if (!config_field_read(r, l->c->folder, value, &f, place, l->err)) return false;
    char *text = config_field_text(r, &f);
    bool fine = config_check_line(r->section, r->key, text, place, l->err);
    free(text);
    if (!fine) {
        config_field_free(r->kind, &f);
        return false;
    }
    config_field_put(r, l->c, f);
    free(l->place[r - config_rows]);
    l->place[r - config_rows] = nx_copy_text(place);
    return true;
}

/* Whether an override names the path of this name, "section.key": what a file has for it is then of no account, so that
 * a path which is not there can be replaced. */
static bool replaced(const config_loading *l, const char *section, const char *key)
{
    const config_row *r = config_row_find(section, key);
    bool is = false;
    if (!r || (r->kind != CONFIG_PATH && r->kind != CONFIG_PATHS)) return false;
    char *name = nx_format("%s.%s=", section, key);
    for (size_t i = 0; i < l->n_overrides; i++) is = is || !strncmp(l->overrides[i], name, strlen(name));
    free(name);
    return is;
}

static bool replaced_axis(const config_loading *l, const char *name)
{
    char *section = nx_format("%.*s", (int)strcspn(name, "."), name);
    bool is = strchr(name, '.') && replaced(l, section, strchr(name, '.') + 1);
    free(section);
    return is;
}

static bool apply(config_loading *l, const char *section, const char *key, const char *value, const char *place)
{
    if (!strcmp(section, CONFIG_SWEEP)) return config_axis_set(l->c, key, value, place, l->err);
    const config_row *r = config_row_require(section, key, place, l->err);
    return r && set(l, r, value, place);
}

/* The same for what stands in a file. */
static bool apply_entry(config_loading *l, const nx_ini_entry *e, const char *place)
{
    bool is = strcmp(e->section, CONFIG_SWEEP) ? replaced(l, e->section, e->key) : replaced_axis(l, e->key);
    return is || apply(l, e->section, e->key, e->value, place);
}

/* One value for a key that may be swept: it is swept no longer. */
static bool pin(config_loading *l, const char *section, const char *key, const char *value, const char *place)
{
    if (!apply(l, section, key, value, place)) return false;
    if (strcmp(section, CONFIG_SWEEP)) config_axis_drop(l->c, section, key);
    return true;
}

/* Where the name of a [scale.NAME] begins; NULL for other sections. */
static const char *scale_of(const char *section)
{
    return strncmp(section, SCALE, strlen(SCALE)) ? NULL : section + strlen(SCALE);
}

/* Applies [scale.NAME], section.key = value, if it is the chosen scale, and checks its keys if not. */
static bool apply_scale(config_loading *l, const nx_ini_entry *e, const char *place)
{
    const config_row *scale = config_row_find("experiment", "scale");
    const char *name = scale_of(e->section), *dot = strchr(e->key, '.');
    char *chosen = config_get(l->c, "experiment", "scale");
    bool fine = false, mine = !strcmp(name, chosen);
    for (size_t i = 0; scale->words[i]; i++) fine = fine || !strcmp(name, scale->words[i]);
    fine = fine || nx_fail(l->err, "%s: there is no scale %s: they are ci, laptop and paper", place, name);
    if (fine && !dot) fine = nx_fail(l->err, "%s: [%s] %s: write section.key = value", place, e->section, e->key);
    char *section = nx_format("%.*s", (int)strcspn(e->key, "."), e->key);
    if (fine && mine && !replaced(l, section, dot + 1) && !replaced_axis(l, dot + 1))
        fine = pin(l, section, dot + 1, e->value, place);
    else if (fine && strcmp(section, CONFIG_SWEEP))
        fine = config_row_require(section, dot + 1, place, l->err) != NULL;
    free(section);
    free(chosen);
    return fine;
}

/* An override, "section.key=value". Of several of one key the last counts. */
static bool apply_override(config_loading *l, const char *text)
{
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    if (!equals || !dot || dot > equals) return nx_fail(l->err, "-s %s: write -s section.key=value", text);
    config_list name = config_list_split(text, "="), value = config_list_split(equals + 1, "\n");
    char *place = nx_format("-s %s", text), *section = nx_format("%.*s", (int)(dot - text), text);
    bool fine = true;
    if (strchr(text, '\n')) fine = nx_fail(l->err, "-s %.*s: a value of one line", (int)(equals - text), text);
    const char *key = name.count ? name.items[0] + strlen(section) + 1 : "";
    fine = fine && pin(l, section, key, value.count ? value.items[0] : "", place);
    free(section);
    free(place);
    config_list_free(&value);
    config_list_free(&name);
    return fine;
}

/* Lists of weights are as long as their lists of layers. */
static bool check_weights(const config_loading *l, const char *key, const config_numbers *weights, const char *of,
                          const config_list *layers_of)
{
    if (!weights->count || weights->count == layers_of->count) return true;
    return nx_fail(l->err, "%s: [loss] %s: %d numbers for the %d layers of [descriptor] %s",
                   l->place[config_row_find("loss", key) - config_rows], key, weights->count, layers_of->count, of);
}

/* The layers are the descriptor's own. */
static bool check_layers(const config_loading *l, const char *key, const config_list *layers)
{
    config_descriptor_network network = l->c->descriptor.network;
    config_list known = config_layers_of((int)network);
    bool fine = true;
    for (int i = 0; fine && i < layers->count; i++)
        if (config_list_find(&known, layers->items[i]) < 0) {
            char *hint = config_list_guess(&known, layers->items[i]);
            fine = nx_fail(l->err, "%s: [descriptor] %s: %s has no layer '%s'%s",
                           l->place[config_row_find("descriptor", key) - config_rows], key,
                           config_row_find("descriptor", "network")->words[network], layers->items[i], hint);
            free(hint);
        }
    config_list_free(&known);
    return fine;
}

static bool check_together(const config_loading *l)
{
    const config *c = l->c;
    return config_axes_check(c, l->err) && check_layers(l, "content_layers", &c->descriptor.content_layers) &&
           check_layers(l, "style_layers", &c->descriptor.style_layers) &&
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
    config_loading l = {.c = c,
                        .place = nx_alloc(config_row_count * sizeof *l.place),
                        .overrides = overrides,
                        .n_overrides = count,
                        .err = err};
    for (size_t i = 0; i < config_row_count; i++)
        NX_CHECK(set(&l, &config_rows[i], config_rows[i].initial, "default"), "%s",
                 err ? err->text : config_rows[i].key);
    bool fine = true;
    for (int scaled = 0; scaled < 2; scaled++) {
        for (size_t i = 0; fine && i < ini.count; i++) {
            const nx_ini_entry *e = &ini.entries[i];
            if ((scale_of(e->section) != NULL) != scaled) continue;
            char *place = nx_format("%s:%d", name, e->line);
            fine = scaled ? apply_scale(&l, e, place) : apply_entry(&l, e, place);
            free(place);
        }
        /* The scale is known before its sections are read; everything else is overridden after them. */
        for (size_t i = 0; fine && i < count; i++)
            if (scaled || !strncmp(overrides[i], "experiment.scale=", strlen("experiment.scale=")))
                fine = apply_override(&l, overrides[i]);
    }
    fine = fine && check_together(&l);
    for (size_t i = 0; i < config_row_count; i++) free(l.place[i]);
    free(l.place);
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
    for (size_t i = 0; i < config_row_count; i++) {
        config_field f = config_field_at(&config_rows[i], c);
        config_field_free(config_rows[i].kind, &f);
    }
    for (int i = 0; i < c->axes; i++) config_axis_free(&c->axis[i]);
    free(c->axis);
    free(c->name);
    free(c->folder);
    free(c);
}

/* ---- asking ---- */

static void write_text(FILE *out, const config *c, const char *section, bool sweep)
{
    const char *last = NULL;
    for (size_t i = 0; i < config_row_count; i++) {
        const config_row *r = &config_rows[i];
        if (section && strcmp(section, r->section)) continue;
        if (!last || strcmp(last, r->section)) fprintf(out, "%s[%s]\n", last ? "\n" : "", r->section);
        last = r->section;
        char *value = config_value_text(r, c);
        fprintf(out, "%s =%s%s\n", r->key, *value ? " " : "", value);
        free(value);
    }
    if (!sweep || !c->axes) return;
    fprintf(out, "\n[%s]\n", CONFIG_SWEEP);
    if (c->zip) fprintf(out, "mode = zip\n");
    for (int i = 0; i < c->axes; i++) fprintf(out, "%s.%s = %s\n", c->axis[i].section, c->axis[i].key, c->axis[i].text);
}

char *config_text_of(const config *c, const char *section, bool sweep)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    NX_CHECK(out, "no memory for a config's text");
    write_text(out, c, section, sweep);
    NX_CHECK(!fclose(out), "no memory for a config's text");
    return text;
}

char *config_text(const config *c, const char *section) { return config_text_of(c, section, !section); }

void config_hash(const config *c, char out[33])
{
    char *text = config_text(c, NULL);
    XXH128_hash_t hash = XXH3_128bits(text, strlen(text));
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    free(text);
}

char *config_get(const config *c, const char *section, const char *key)
{
    const config_row *r = config_row_find(section, key);
    NX_CHECK(r, "the configs have no [%s] %s", section, key);
    return config_value_text(r, c);
}

bool config_need(const config *c, const char *section, const char *key, nx_error *err)
{
    char *value = config_get(c, section, key);
    bool fine = *value || nx_fail(err, "%s: [%s] %s is needed here: %s", c->name, section, key,
                                  config_row_find(section, key)->text);
    free(value);
    return fine;
}

const char *config_differs(const config *a, const config *b, const char *section)
{
    const char *found = NULL;
    for (size_t k = 0; k < config_row_count && !found; k++) {
        const config_row *r = &config_rows[k];
        if (strcmp(r->section, section)) continue;
        char *one = config_get(a, section, r->key), *other = config_get(b, section, r->key);
        if (strcmp(one, other)) found = r->key;
        free(one);
        free(other);
    }
    return found;
}

/* Paths are absolute once they are read; what has no slash is the name of weights. */
static bool is_path(const config_row *r, const char *value)
{
    return *value && !config_is_special(r, value) && (r->want != WANT_WEIGHTS || strchr(value, '/'));
}

bool config_paths_at(const config *c, size_t i, config_paths *out)
{
    for (size_t k = 0; k < config_row_count; k++) {
        const config_row *r = &config_rows[k];
        if ((r->kind != CONFIG_PATH && r->kind != CONFIG_PATHS) || i--) continue;
        *out = (config_paths){.section = r->section, .key = r->key};
        if ((const void *)&c->data.content == (const char *)c + r->offset) out->first = (size_t)c->data.content_count;
        if (r->kind == CONFIG_PATHS) {
            const config_list *list = (const config_list *)((const char *)c + r->offset);
            out->count = list->count, out->items = list->items;
        } else {
            char *const *path = (char *const *)((const char *)c + r->offset);
            out->count = is_path(r, *path), out->items = path;
        }
        return true;
    }
    return false;
}

double config_layer_weight(const config_numbers *weights, int i, int count)
{
    if (weights->mean) return 1.0 / count;
    return weights->count ? weights->items[i] : 1;
}

/* What may change when a run is continued: a key, or a whole section. */
static const char *const changeable[] = {"experiment.steps", "distil.note", "device.", "log."};

int config_style_size(const config *c) { return c->data.style_size < 0 ? c->data.size : c->data.style_size; }

char *config_weights_path(const char *weights, nx_error *err)
{
    char *known;
    if (!strcmp(weights, "own")) return installed_path("data/descriptor.safetensors", err);
    if (!known_file(&known, weights, err)) return NULL;
    return known ? known : nx_copy_text(weights);
}

bool config_weights(const config *c, char **path, nx_error *err)
{
    *path = NULL;
    return !strcmp(c->descriptor.weights, "random") || (*path = config_weights_path(c->descriptor.weights, err));
}

bool config_weights_have_name(const config *c)
{
    return strcmp(c->descriptor.weights, "random") && !strchr(c->descriptor.weights, '/');
}

config_preprocessing config_weights_preprocessing(const char *weights, config_preprocessing said)
{
    known_list list;
    if (said != PREPROCESSING_FILE || !known_is_name(weights) || !known_list_load(&list, NULL)) return said;
    const known_weights *k = known_list_find(&list, weights);
    if (k) said = k->preprocessing;
    known_list_free(&list);
    return said;
}

/* ---- the run file's part ---- */

static bool may_change(const config_row *r)
{
    char *name = nx_format("%s.%s", r->section, r->key);
    bool may = false;
    for (size_t i = 0; i < sizeof changeable / sizeof *changeable; i++)
        may = may || !strncmp(name, changeable[i], strlen(changeable[i]));
    free(name);
    return may;
}

static bool is_moved(const config *c, const config_row *r, config_moved *moved, const void *context)
{
    config_paths p;
    for (size_t i = 0; moved && config_paths_at(c, i, &p); i++)
        if (!strcmp(p.section, r->section) && !strcmp(p.key, r->key)) return p.count && moved(context, &p);
    return false;
}

/* Whether two values of a key are the same thing; where a style's size follows that of the picture, it may be given. */
static bool means_same(const config *c, const config_row *r, const char *before, const char *now)
{
    if (!strcmp(before, now)) return true;
    if (strcmp(r->section, "data") || strcmp(r->key, "style_size")) return false;
    config then = *c;
    then.data.style_size = atoi(before);
    return config_style_size(&then) == config_style_size(c);
}

bool config_continues(const config *c, const char *name, const char *stored, config_moved *moved, const void *context,
                      nx_error *err)
{
    nx_ini ini;
    if (!nx_ini_parse(&ini, name, stored, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < config_row_count; i++) {
        const config_row *r = &config_rows[i];
        const char *before = r->initial;
        for (size_t k = 0; k < ini.count; k++)
            if (!strcmp(ini.entries[k].section, r->section) && !strcmp(ini.entries[k].key, r->key))
                before = ini.entries[k].value;
        char *now = config_value_text(r, c);
        if (!means_same(c, r, before, now) && !may_change(r) && !is_moved(c, r, moved, context))
            fine = nx_fail(err,
                           "%s: the run began with [%s] %s = %s, not %s: change it back, or name another file "
                           "with -o",
                           name, r->section, r->key, before, now);
        free(now);
    }
    nx_ini_free(&ini);
    return fine;
}
