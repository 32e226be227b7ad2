/* A config: an INI file, and what the command line changes in it, as one checked struct. config/keys.h is the table of
 * all keys; everything here is made of it.
 *
 * Not here: what a paper does with the values.
 *
 *     config *c;
 *     if (!config_load(&c, "configs/stylenet.ini", overrides, count, &err)) return fail_with(&err, EXIT_FAILED);
 *     train(c->experiment.steps, c->optimizer.learning_rate, c->generator.norm == NORM_INSTANCE);
 *     config_free(c);
 *
 * A config's paths are looked for from the config's folder, then from the working folder (~ is the user's home), and
 * must be there, unless an override replaces them, or be pictures that the program makes when they are opened
 * (config/made.h); the effective text has them absolute. [log] file is to be written
 * and is taken from the working folder. A value in double quotes is taken as it stands, with \" and \\ for " and \.
 *
 * [sweep] makes many runs of one config: section.key = value value ..., values separated by spaces (within a list of
 * layers or numbers, by commas), 1..5 or 0.1..0.5..0.1 for numbers; all combinations (mode = grid) or the values of all
 * keys side by side (mode = zip). An override of a key that is swept pins it: the sweep over that key is dropped.
 * Of several overrides of one key the last counts.
 *
 * [scale.ci], [scale.laptop] and [scale.paper], section.key = value as well (of the sweep too: sweep.section.key =
 * value value ...), make one config serve three sizes: those of the [experiment] scale are applied after everything
 * else in the file and before the overrides.
 *
 * Errors are one line that begins with where the text came from, FILE:LINE or -s section.key=value: an unknown section
 * or key, with the nearest known name; a value of the wrong type or out of range; a key twice in a file; a path that is
 * not there, with both places looked at.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/error.h"
#include "config/list.h"
#include "device/precision.h"

#include <stddef.h>
#include <stdio.h>

/* The words as enums: NORM_INSTANCE, POOLING_MAX, ... of types config_norm, config_pooling, ... */
#define WORD(name, word)  name,
#define WORDS(words, ...) typedef enum config_##words{__VA_ARGS__} config_##words;
#include "config/keys.h"

typedef struct config_numbers {
    int count; /* 0: 1 each */
    double *items;
    bool mean; /* 1 / their count each */
} config_numbers;

typedef struct config_axis {
    char *section, *key;
    config_list values; /* ranges written out */
    char *text;         /* as the effective text has it */
    char *place;        /* for messages */
} config_axis;

/* c->SECTION.KEY: int, double, bool, an enum, char * (never NULL), config_list or config_numbers. */
typedef struct config {
#define SECTION(name, text)                       struct {
#define INT(section, key, ...)                    int key;
#define REAL(section, key, ...)                   double key;
#define FLAG(section, key, ...)                   bool key;
#define CHOICE(section, key, words, default, ...) config_##words key;
#define TEXT(section, key, ...)                   char *key;
#define PATH(section, key, ...)                   char *key;
#define PATHS(section, key, ...)                  config_list key;
#define LAYERS(section, key, ...)                 config_list key;
#define NUMBERS(section, key, ...)                config_numbers key;
#define END(name)                                                                                                      \
    }                                                                                                                  \
    name;
#include "config/keys.h"
    bool zip;          /* the sweep's mode: grid or zip */
    int axes;          /* of the sweep, in the order of the file */
    config_axis *axis; /* [axes] */
    char *name;        /* of the file, for messages */
    char *folder;      /* where its paths begin */
} config;

/* Reads the file and then the overrides, each "section.key=value". *out is owned by the caller. */
bool config_load(config **out, const char *path, const char *const *overrides, size_t count, nx_error *err);

/* The same for text in memory; name stands for the file in messages, paths begin at folder. A text that lacks keys, as
 * one section of config_text does, means their defaults. */
bool config_parse(config **out, const char *name, const char *text, const char *folder, const char *const *overrides,
                  size_t count, nx_error *err);
void config_free(config *c);

/* The effective config as INI text, owned by the caller: every key of every section, then the sweep; or of one section
 * alone. Parsed again it gives the same config and the same text, from any folder. */
char *config_text(const config *c, const char *section);

/* XXH3, 128 bits, of the effective text as 32 hexadecimal digits. */
void config_hash(const config *c, char out[33]);

/* The word of a CHOICE, the text of any key: config_get(c, "generator", "norm") is "instance". Owned by the caller. An
 * unknown key is a bug. */
char *config_get(const config *c, const char *section, const char *key);

/* The first key of the section in which the two differ; NULL: there is none. */
const char *config_differs(const config *a, const config *b, const char *section);

/* The i-th key that names files or folders, and what it names: those of PATH and PATHS that are no words,
 * borrowed from c; false past the last one. */
typedef struct config_paths {
    const char *section, *key;
    int count;
    char *const *items;
    size_t first; /* only so many of each folder's pictures, by name; 0: all */
} config_paths;
bool config_paths_at(const config *c, size_t i, config_paths *out);

/* Fails, naming the file, the key and its meaning, if the text, path or list of the key is empty. */
bool config_need(const config *c, const char *section, const char *key, nx_error *err);

/* The weight of layer i of count. */
double config_layer_weight(const config_numbers *weights, int i, int count);

/* What [data] style_size comes to: -1 follows [data] size. */
int config_style_size(const config *c);

/* The file that [descriptor] weights means, owned by the caller: the one that comes with the program for `own`, that in
 * the user's folder for weights with a name (config/known_weights.h); *path is NULL for random ones. */
bool config_weights(const config *c, char **path, nx_error *err);

/* The same of a value of that key other than `random`, or of [distil] teacher; owned by the caller, NULL after an
 * error. */
char *config_weights_path(const char *weights, nx_error *err);

/* True if a word stands for them, own or a name: there may be another file behind it by now. */
bool config_weights_have_name(const config *c);

/* How weights want pictures: as is said, or where that leaves it to the file, as those of a name are known to. */
config_preprocessing config_weights_preprocessing(const char *weights, config_preprocessing said);

/* ---- names of layers ---- */

/* Name i of a layer of a descriptor, NULL past the last one: what networks/descriptor.c, which is above the parser,
 * hands down to it. */
const char *config_layer_at(config_descriptor_network network, size_t i);

/* ---- sweeps ---- */

/* How many points the sweep has; 1 without one. */
size_t config_points(const config *c);

/* Point i as a config of its own, without a sweep; the first axis turns slowest. *label, owned by the caller, is
 * "norm=batch learning_rate=0.01", with the section where two axes share a key's name, and "" without a sweep. */
bool config_point(config **out, char **label, const config *c, size_t i, nx_error *err);

/* What makes point i of c: "section.key=value" for every axis. Free with config_list_free. */
config_list config_point_overrides(const config *c, size_t i);

/* ---- the run file's part ---- */

/* True if a run with the effective text `stored` (of the file `name`) may be continued as c: they differ at most in
 * [experiment] steps, [distil] note, [device] and [log], and in paths of which `moved` says that the same is at another
 * place now. Otherwise one line names the first difference. moved may be NULL: nothing is. */
typedef bool config_moved(const void *context, const config_paths *paths);
bool config_continues(const config *c, const char *name, const char *stored, config_moved *moved, const void *context,
                      nx_error *err);

/* ---- the table of keys, for commands that tell about them ---- */

typedef struct config_key {
    const char *section, *key, *initial, *text; /* initial: the default, as text */
    const char *const *words;                   /* of a choice, ends with NULL; otherwise NULL */
} config_key;

/* Key i in the order of the table, false past the last one; and what may stand there, "a number from 0 to 1". */
bool config_key_at(size_t i, config_key *out);
void config_key_values(FILE *out, size_t i);

/* What section i is about, "sweep" being the last one; NULL past it. *name is its name. */
const char *config_section_at(size_t i, const char **name);

/* notes/config.md: every key with its type, default, range and meaning. */
void config_reference(FILE *out);

#endif
