/* The table of keys, by name. */
#include "config/rows.h"

#include "base/memory.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORD(name, word)  word,
#define WORDS(words, ...) static const char *const words_##words[] = {__VA_ARGS__ NULL};
#include "config/keys.h"

#define COMMON(a_kind, a_section, a_key, default, meaning)                                                             \
    .kind = a_kind, .section = #a_section, .key = #a_key, .offset = offsetof(config, a_section.a_key),                 \
    .initial = default, .text = meaning

const config_row config_rows[] = {
#define INT(section, key, default, lo, hi, text)                                                                       \
    {COMMON(CONFIG_INT, section, key, #default, text), .least = lo, .most = hi},
#define REAL(section, key, default, lo, hi, text)                                                                      \
    {COMMON(CONFIG_REAL, section, key, #default, text), .least = lo, .most = hi},
#define FLAG(section, key, default, text) {COMMON(CONFIG_FLAG, section, key, #default, text)},
#define CHOICE(section, key, list, default, text)                                                                      \
    {COMMON(CONFIG_CHOICE, section, key, #default, text), .words = words_##list},
#define TEXT(section, key, default, text) {COMMON(CONFIG_TEXT, section, key, #default, text)},
#define PATH(section, key, wanted, words, default, text)                                                               \
    {COMMON(CONFIG_PATH, section, key, #default, text), .want = wanted, .specials = words},
#define PATHS(section, key, wants, text)    {COMMON(CONFIG_PATHS, section, key, "", text), .want = wants, .specials = ""},
#define LAYERS(section, key, default, text) {COMMON(CONFIG_LAYERS, section, key, default, text)},
#define NUMBERS(section, key, lo, hi, text) {COMMON(CONFIG_NUMBERS, section, key, "", text), .least = lo, .most = hi},
#include "config/keys.h"
};
const size_t config_row_count = sizeof config_rows / sizeof *config_rows;

const config_section config_sections[] = {
#define SECTION(name, text) {#name, text},
#include "config/keys.h"
    {CONFIG_SWEEP,
     "Many runs from one config: section.key = value value ..., with first..last or first..last..step for numbers. "
     "`mode = grid`, the default, runs every combination, the first key slowest; `mode = zip` runs the first "
     "values of all keys together, then the second ones, and so on."},
};

const size_t config_section_count = sizeof config_sections / sizeof *config_sections;

static const char *row_key(size_t i, const void *of) { return ((const config_row *const *)of)[i]->key; }
static const char *section_name(size_t i, const void *of) { return (void)of, config_sections[i].name; }

const config_row *config_row_find(const char *section, const char *key)
{
    for (size_t i = 0; i < config_row_count; i++)
        if (!strcmp(config_rows[i].section, section) && !strcmp(config_rows[i].key, key)) return &config_rows[i];
    return NULL;
}

char *config_guess(const char *wrong, size_t count, const char *(*name)(size_t, const void *), const void *of)
{
    const char *nearest = nx_nearest(wrong, count, name, of);
    return nearest ? nx_format(": did you mean %s?", nearest) : nx_copy_text("");
}

const config_row *config_row_require(const char *section, const char *key, const char *place, nx_error *err)
{
    const config_row *r = config_row_find(section, key), *mine[sizeof config_rows / sizeof *config_rows],
                     *elsewhere = NULL;
    if (r) return r;
    size_t count = 0;
    config_list keys = {0};
    for (size_t i = 0; i < config_row_count; i++) {
        if (!strcmp(config_rows[i].section, section))
            config_list_add(&keys, nx_copy_text(config_rows[i].key)), mine[count++] = &config_rows[i];
        if (!strcmp(config_rows[i].key, key)) elsewhere = &config_rows[i];
    }
    if (!count) {
        char *hint = config_guess(section, config_section_count, section_name, NULL);
        nx_fail(err, "%s: there is no section [%s]%s", place, section, hint);
        free(hint);
    } else {
        char *hint = config_guess(key, count, row_key, mine), *all = config_list_join(&keys, ", ");
        if (*hint || !elsewhere)
            nx_fail(err, "%s: [%s] has no key %s%s%s", place, section, key, *hint ? hint : ": its keys are ",
                    *hint ? "" : all);
        else
            nx_fail(err, "%s: [%s] has no key %s: it belongs to [%s]", place, section, key, elsewhere->section);
        free(all);
        free(hint);
    }
    config_list_free(&keys);
    return NULL;
}
