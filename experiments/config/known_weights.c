/* The table of weights, and the user's list, which is read like any INI file here: strictly. */
#include "config/known_weights.h"

#include "config/rows.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/ini.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LIST "weights.ini"

#define KERAS       "https://storage.googleapis.com/tensorflow/keras-applications/"
#define TORCHVISION "https://download.pytorch.org/models/"

#define OF_OXFORD      "derived from Oxford's VGG, CC BY 4.0"
#define OF_TORCHVISION "torchvision's own training, BSD-3-Clause; the terms of ImageNet may apply"

/* The sum is the one that is published. Keras has the MD5 in its source; torchvision has the first eight digits of the
 * SHA-256 in the file's name, and the others are those that projects which pin these files agree on. */
static const known_weights table[] = {
    {.name = "vgg19",
     .what = "VGG-19 without its classifier, of Keras",
     .url = KERAS "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
     .bytes = 80134624,
     .hash = "253f8cb515780f3b799900260a226db6",
     .preprocessing = PREPROCESSING_CAFFE,
     .licence = OF_OXFORD},
    {.name = "vgg16",
     .what = "VGG-16 without its classifier, of Keras",
     .url = KERAS "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
     .bytes = 58889256,
     .hash = "6d6bbae143d832006294945121d1f1fc",
     .preprocessing = PREPROCESSING_CAFFE,
     .licence = OF_OXFORD},
    {.name = "vgg19_torchvision",
     .what = "VGG-19 with its classifier, of torchvision",
     .url = TORCHVISION "vgg19-dcbb9e9d.pth",
     .bytes = 574673361,
     .hash = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
     .preprocessing = PREPROCESSING_TORCHVISION,
     .licence = OF_TORCHVISION},
    {.name = "vgg16_torchvision",
     .what = "VGG-16 with its classifier, of torchvision",
     .url = TORCHVISION "vgg16-397923af.pth",
     .bytes = 553433881,
     .hash = "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
     .preprocessing = PREPROCESSING_TORCHVISION,
     .licence = OF_TORCHVISION},
};
enum { TABLE = sizeof table / sizeof *table };

const char *known_name_at(size_t i) { return i < TABLE ? table[i].name : NULL; }

/* ---- places ---- */

char *known_folder(void) { return nx_user_path("XDG_DATA_HOME", ".local/share", "nstx/weights"); }

char *known_file_name(const char *url)
{
    const char *slash = strrchr(url, '/');
    return nx_copy_text(slash ? slash + 1 : url);
}

char *known_path(const known_weights *k)
{
    char *folder = known_folder(), *name = known_file_name(k->url);
    char *path = folder ? nx_format("%s/%s", folder, name) : NULL;
    free(name);
    free(folder);
    return path;
}

bool known_is_name(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-') return false;
    return length;
}

/* ---- the user's list ---- */

static void set_text(const char **field, const char *value)
{
    free((char *)*field);
    *field = nx_copy_text(value);
}

static void free_item(known_weights *k)
{
    const char *texts[] = {k->name, k->what, k->licence, k->url, k->hash};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free((char *)texts[i]);
}

static known_weights copy_item(const known_weights *k)
{
    known_weights copy = *k;
    const char **texts[] = {&copy.name, &copy.what, &copy.licence, &copy.url, &copy.hash};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) *texts[i] = nx_copy_text(*texts[i]);
    return copy;
}

/* The entry of a section, a new one at its first key. NULL with an error. */
static known_weights *item_of(known_list *list, const nx_ini_entry *e, const char *place, nx_error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, e->section)) {
            if (i >= TABLE) return &list->items[i];
            nx_fail(err, "%s: [%s]: nstx has weights of that name itself: choose another", place, e->section);
            return NULL;
        }
    const config_row *r = config_row_find("descriptor", "weights");
    if (!known_is_name(e->section) || config_is_special(r, e->section)) {
        nx_fail(err, "%s: [%s] is no name for weights: letters, digits, _ and -, and none of the words %s", place,
                e->section, r->specials);
        return NULL;
    }
    NX_GROW(list->items, list->count);
    list->items[list->count] = (known_weights){.name = nx_copy_text(e->section),
                                               .what = nx_copy_text(LIST),
                                               .licence = nx_copy_text("licence not stated"),
                                               .url = nx_copy_text(""),
                                               .hash = nx_copy_text("")};
    return &list->items[list->count++];
}

static bool read_url(known_weights *k, const char *value, const char *place, nx_error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
    char *file = known_file_name(value);
    bool web = !strncmp(value, "https://", 8) || !strncmp(value, "http://", 7),
         fine = web && *file && *file != '.' && !file[strspn(file, plain)] && strcmp(file, LIST);
    if (!web) nx_fail(err, "%s: url = %s: an address that begins with https:// or http:// is wanted", place, value);
    if (web && !fine)
        nx_fail(err, "%s: url = %s: its last part becomes the file's name: letters, digits and . _ - + alone", place,
                value);
    if (fine) set_text(&k->url, value);
    free(file);
    return fine;
}

static bool read_bytes(known_weights *k, const char *value, const char *place, nx_error *err)
{
    static const size_t digits = 15; /* a petabyte is no file of weights */
    size_t length = strlen(value);
    k->bytes = strtoll(value, NULL, 10);
    return (length && length <= digits && !value[strspn(value, "0123456789")] && k->bytes) ||
           nx_fail(err, "%s: bytes = %s: the size of the file is wanted, a whole number of bytes", place, value);
}

static bool read_hash(known_weights *k, const char *key, const char *value, const char *place, nx_error *err)
{
    size_t digits = strcmp(key, "md5") ? 64 : 32;
    if (*k->hash) return nx_fail(err, "%s: [%s] has a checksum already: one is enough", place, k->name);
    if (strlen(value) != digits || value[strspn(value, "0123456789abcdefABCDEF")])
        return nx_fail(err, "%s: %s = %s: %zu hexadecimal digits are wanted", place, key, value, digits);
    char *hash = nx_copy_text(value);
    for (char *c = hash; *c; c++) *c = (char)tolower((unsigned char)*c);
    set_text(&k->hash, hash);
    free(hash);
    return true;
}

static const char *const keys[] = {"url", "bytes", "sha256", "md5", "preprocessing", "licence", "what"};
enum { KEYS = sizeof keys / sizeof *keys };

static const char *key_at(size_t i, const void *of) { return (void)of, keys[i]; }

static bool read_key(known_weights *k, const char *key, const char *value, const char *place, nx_error *err)
{
    if (!strcmp(key, "url")) return read_url(k, value, place, err);
    if (!strcmp(key, "bytes")) return read_bytes(k, value, place, err);
    if (!strcmp(key, "sha256") || !strcmp(key, "md5")) return read_hash(k, key, value, place, err);
    if (!strcmp(key, "licence")) return set_text(&k->licence, value), true;
    if (!strcmp(key, "what")) return set_text(&k->what, value), true;
    if (!strcmp(key, "preprocessing")) {
        config_field f;
        const config_row *r = config_row_find("descriptor", "preprocessing");
        if (!config_field_read(r, ".", value, &f, place, err)) return false;
        k->preprocessing = (config_preprocessing)f.integer;
        return true;
    }
    char *hint = config_guess(key, KEYS, key_at, NULL);
    nx_fail(err, "%s: weights have no key %s%s", place, key, *hint ? hint : ": url, bytes, sha256, md5, ... are keys");
    free(hint);
    return false;
}

/* Two of one file would be one another's. */
static bool same_name(const known_weights *a, const known_weights *b)
{
    char *x = known_file_name(a->url), *y = known_file_name(b->url);
    bool same = !strcmp(x, y);
    free(x);
    free(y);
    return same;
}

static bool check_item(const known_list *list, size_t i, const char *path, nx_error *err)
{
    const known_weights *k = &list->items[i];
    const char *lacks = !*k->url ? "url" : !k->bytes ? "bytes" : !*k->hash ? "sha256 or md5" : NULL;
    if (lacks) return nx_fail(err, "%s: [%s] has no %s", path, k->name, lacks);
    for (size_t other = 0; other < i; other++)
        if (same_name(k, &list->items[other]))
            return nx_fail(err, "%s: [%s]: its file has the name of that of %s", path, k->name,
                           list->items[other].name);
    return true;
}

static bool read_list(known_list *list, const char *path, nx_error *err)
{
    char *text;
    size_t bytes;
    nx_ini ini = {0};
    if (!nx_file_read(path, &text, &bytes, err)) return false;
    bool fine = strlen(text) == bytes || nx_fail(err, "%s: not a text file: it holds a zero byte", path);
    fine = fine && nx_ini_parse(&ini, path, text, err);
    for (size_t i = 0; fine && i < ini.count; i++) {
        const nx_ini_entry *e = &ini.entries[i];
        char *place = nx_format("%s:%d", path, e->line);
        known_weights *k = item_of(list, e, place, err);
        fine = k && read_key(k, e->key, e->value, place, err);
        free(place);
    }
    for (size_t i = TABLE; fine && i < list->count; i++) fine = check_item(list, i, path, err);
    nx_ini_free(&ini);
    free(text);
    return fine;
}

/* ---- both ---- */

bool known_list_load(known_list *out, nx_error *err)
{
    *out = (known_list){0};
    for (int i = 0; i < TABLE; i++) {
        NX_GROW(out->items, out->count);
        out->items[out->count++] = copy_item(&table[i]);
    }
    char *folder = known_folder(), *path = folder ? nx_format("%s/" LIST, folder) : NULL;
    bool fine = !path || !nx_file_exists(path) || read_list(out, path, err);
    free(path);
    free(folder);
    if (!fine) known_list_free(out);
    return fine;
}

void known_list_free(known_list *list)
{
    for (size_t i = 0; i < list->count; i++) free_item(&list->items[i]);
    free(list->items);
    *list = (known_list){0};
}

const known_weights *known_list_find(const known_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name)) return &list->items[i];
    return NULL;
}

bool known_file(char **path, const char *name, nx_error *err)
{
    known_list list;
    char size[16];
    *path = NULL;
    if (!known_is_name(name)) return true;
    if (!known_list_load(&list, err)) return false;
    const known_weights *k = known_list_find(&list, name);
    char *place = k ? known_path(k) : NULL;
    bool fine = !k || (place && nx_file_exists(place));
    if (!fine)
        nx_fail(err, "%s is not here yet: `nstx weights get %s` fetches it (%s)", name, name,
                nx_bytes_text(size, (double)k->bytes));
    else
        *path = place, place = NULL;
    free(place);
    known_list_free(&list);
    return fine;
}
