/* One recursive function over the bytes, every read checked against what is left of the file.
 *
 * A value is a tag and its content, all little-endian:
 *     0 nil | 1 number: double | 2 string: int32 length, bytes | 5 boolean: int32
 *     3 table: int32 index; the first time also int32 count and count times key and value
 *     4 torch object: int32 index; the first time also its version "V 1" and its class, both int32 length and bytes (or
 *       the class alone, in the oldest files), then by class: tensor: int32 rank, int64 sizes, int64 strides, int64
 *       offset from 1, its storage as a value; storage: int64 count, elements; otherwise one value, a table
 *     6, 7, 8 function: int32 index; the first time also int32 length, bytes, and a table of upvalues
 * An index names what was read under it before, and may name what is still being read. Torch counts them from 1, so
 * that none is larger than there are values. */
#include "io/t7.h"

#include "base/memory.h"
#include "io/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INDEXED_LEAST = 8 }; /* bytes of a value that has an index */
enum { DEPTH_MOST = 512 };  /* values inside values: more than any network, less than the stack */

struct nx_t7_file {
    nx_t7 **values; /* all of them, to be freed */
    size_t count;
    nx_t7 **known; /* what indices name */
    size_t most_known;
    nx_t7 *nil, *boolean[2]; /* one of each is enough */
    nx_t7 *root;
};

typedef struct reader {
    nx_t7_file *file;
    const char *path;
    const unsigned char *bytes;
    size_t at, end;
    int depth;
    nx_error *err;
} reader;

static bool read_value(reader *r, nx_t7 **out);

/* ---- bytes ---- */

static size_t left(const reader *r) { return r->end - r->at; }

static bool take(reader *r, void *out, size_t bytes, const char *what)
{
    if (bytes > left(r)) return nx_fail(r->err, "%s: cut off in %s at byte %zu of %zu", r->path, what, r->at, r->end);
    memcpy(out, r->bytes + r->at, bytes);
    r->at += bytes;
    return true;
}

static bool take_int(reader *r, int32_t *out, const char *what) { return take(r, out, sizeof *out, what); }

/* A number of things that are at least `each` bytes long. */
static bool check_count(const reader *r, int64_t count, size_t each, const char *what)
{
    return (count >= 0 && (uint64_t)count <= left(r) / each) ||
           nx_fail(r->err, "%s: a %s of %lld at byte %zu, with %zu bytes left: damaged", r->path, what,
                   (long long)count, r->at, left(r));
}

/* Owned by the caller. */
static bool take_text(reader *r, char **out, const char *what)
{
    int32_t length = 0;
    *out = NULL;
    if (!take_int(r, &length, what) || !check_count(r, length, 1, what)) return false;
    char *text = nx_alloc((size_t)length + 1);
    memcpy(text, r->bytes + r->at, (size_t)length);
    r->at += (size_t)length;
    *out = text;
    return true;
}

/* ---- values ---- */

static nx_t7 *new_value(reader *r, nx_t7_kind kind)
{
    nx_t7 *v = nx_alloc(sizeof *v);
    v->kind = kind;
    NX_GROW(r->file->values, r->file->count);
    return r->file->values[r->file->count++] = v;
}

/* The one value of its kind in *one, made when it is first asked for. */
static nx_t7 *shared_value(reader *r, nx_t7 **one, nx_t7_kind kind, double number)
{
    if (!*one) *one = new_value(r, kind);
    (*one)->number = number;
    return *one;
}

/* Reads an index: what it names, which must be of that kind, or NULL in *out where it is new. */
static bool read_index(reader *r, int32_t *index, nx_t7_kind least, nx_t7_kind most, nx_t7 **out)
{
    *out = NULL;
    if (!take_int(r, index, "an index")) return false;
    if (*index < 0 || (size_t)*index >= r->file->most_known)
        return nx_fail(r->err, "%s: index %d at byte %zu is larger than there are values: damaged", r->path, *index,
                       r->at);
    *out = r->file->known[*index];
    return !*out || ((*out)->kind >= least && (*out)->kind <= most) ||
           nx_fail(r->err, "%s: index %d at byte %zu names a value of another type: damaged", r->path, *index, r->at);
}

static void remember(reader *r, int32_t index, nx_t7 *value) { r->file->known[index] = value; }

static int by_text(const void *a, const void *b)
{
    const struct nx_t7_entry *x = *(const struct nx_t7_entry *const *)a, *y = *(const struct nx_t7_entry *const *)b;
    int order = strcmp(x->key->text, y->key->text);
    return order ? order : (x > y) - (x < y); /* of two with one key the first counts */
}

/* Makes what finds entries: a table is read once and asked often. */
static void sort_entries(nx_t7 *table)
{
    size_t count = table->count;
    table->texts = nx_alloc(count * sizeof *table->texts);
    table->list = nx_alloc(count * sizeof *table->list);
    for (size_t i = 0; i < count; i++) {
        const struct nx_t7_entry *e = &table->entries[i];
        if (e->key->kind == NX_T7_STRING) table->texts[table->n_texts++] = e;
        double place = e->key->kind == NX_T7_NUMBER ? e->key->number : 0;
        if (!(place >= 1 && place <= (double)count && place <= floor(place))) continue;
        nx_t7 **slot = &table->list[(size_t)place - 1];
        if (!*slot) *slot = e->value;
    }
    if (table->n_texts) qsort(table->texts, table->n_texts, sizeof *table->texts, by_text);
    while (table->length < count && table->list[table->length]) table->length++;
}

static bool read_entries(reader *r, nx_t7 *table)
{
    int32_t count = 0;
    if (!take_int(r, &count, "a table") || !check_count(r, count, 8, "table")) return false;
    for (int32_t i = 0; i < count; i++) {
        struct nx_t7_entry e;
        if (!read_value(r, &e.key) || !read_value(r, &e.value)) return false;
        NX_GROW(table->entries, table->count);
        table->entries[table->count++] = e;
    }
    sort_entries(table);
    return true;
}

static bool read_table(reader *r, nx_t7 **out)
{
    int32_t index;
    if (!read_index(r, &index, NX_T7_TABLE, NX_T7_TABLE, out)) return false;
    if (*out) return true;
    *out = new_value(r, NX_T7_TABLE);
    remember(r, index, *out);
    return read_entries(r, *out);
}

static bool read_function(reader *r, nx_t7 **out)
{
    int32_t index;
    char *code;
    nx_t7 *upvalues;
    if (!read_index(r, &index, NX_T7_FUNCTION, NX_T7_FUNCTION, out)) return false;
    if (*out) return true;
    *out = new_value(r, NX_T7_FUNCTION);
    remember(r, index, *out);
    if (!take_text(r, &code, "a function")) return false;
    free(code);
    return read_value(r, &upvalues);
}

/* ---- tensors and storages ---- */

#define ELEMENT(name, type)                                                                                            \
    static float name(const unsigned char *at)                                                                         \
    {                                                                                                                  \
        type value;                                                                                                    \
        memcpy(&value, at, sizeof value);                                                                              \
        return (float)value;                                                                                           \
    }
ELEMENT(of_byte, uint8_t)
ELEMENT(of_char, int8_t)
ELEMENT(of_short, int16_t)
ELEMENT(of_int, int32_t)
ELEMENT(of_long, int64_t)
ELEMENT(of_float, float)
ELEMENT(of_double, double)

static const struct element {
    const char *tensor, *storage;
    size_t bytes;
    float (*convert)(const unsigned char *at);
} elements[] = {
    {"torch.FloatTensor", "torch.FloatStorage", 4, of_float},
    {"torch.DoubleTensor", "torch.DoubleStorage", 8, of_double},
    {"torch.CudaTensor", "torch.CudaStorage", 4, of_float},
    {"torch.CudaDoubleTensor", "torch.CudaDoubleStorage", 8, of_double},
    {"torch.LongTensor", "torch.LongStorage", 8, of_long},
    {"torch.CudaLongTensor", "torch.CudaLongStorage", 8, of_long},
    {"torch.IntTensor", "torch.IntStorage", 4, of_int},
    {"torch.ShortTensor", "torch.ShortStorage", 2, of_short},
    {"torch.CharTensor", "torch.CharStorage", 1, of_char},
    {"torch.ByteTensor", "torch.ByteStorage", 1, of_byte},
    {"torch.CudaByteTensor", "torch.CudaByteStorage", 1, of_byte},
};
enum { ELEMENTS = sizeof elements / sizeof *elements };

static bool read_storage(reader *r, nx_t7 *v, const struct element *e)
{
    int64_t count = 0;
    v->kind = NX_T7_STORAGE;
    if (!take(r, &count, sizeof count, "a storage") || !check_count(r, count, e->bytes, "storage")) return false;
    v->count = (size_t)count;
    if (!count) return true;
    v->data = nx_try_alloc(nx_times(v->count, sizeof *v->data));
    if (!v->data) return nx_fail(r->err, "%s: a storage of %zu numbers: too large for the memory", r->path, v->count);
    for (size_t i = 0; i < v->count; i++, r->at += e->bytes) v->data[i] = e->convert(r->bytes + r->at);
    return true;
}

static bool take_longs(reader *r, size_t *out, int count)
{
    for (int i = 0; i < count; i++) {
        int64_t value = 0;
        if (!take(r, &value, sizeof value, "a tensor")) return false;
        if (value < 0 || value > INT32_MAX)
            return nx_fail(r->err, "%s: a tensor with a size or stride of %lld at byte %zu: damaged", r->path,
                           (long long)value, r->at);
        out[i] = (size_t)value;
    }
    return true;
}

/* Every element inside the storage; a tensor without elements has none. */
static bool check_tensor(const reader *r, nx_t7 *v, int64_t offset, const nx_t7 *storage, const struct element *e)
{
    bool empty = !v->rank, fits = storage->kind == NX_T7_NIL || nx_t7_is(storage, e->storage);
    uint64_t last = 0, count = fits ? storage->count : 0; /* last: the place of the last element after the first */
    for (int i = 0; i < v->rank; i++) empty = empty || !v->size[i];
    for (int i = 0; !empty && i < v->rank && last <= count; i++) last += (uint64_t)(v->size[i] - 1) * v->stride[i];
    fits = fits && (empty || (offset >= 1 && last < count && (uint64_t)offset <= count - last));
    if (!fits)
        return nx_fail(r->err, "%s: the %s that ends at byte %zu does not lie in its storage: damaged", r->path,
                       v->class_name, r->at);
    if (empty) return true;
    v->offset = (size_t)offset - 1;
    v->storage = storage;
    return true;
}

static bool read_tensor(reader *r, nx_t7 *v, const struct element *e)
{
    int32_t rank = 0;
    int64_t offset = 0;
    nx_t7 *storage;
    v->kind = NX_T7_TENSOR;
    if (!take_int(r, &rank, "a tensor")) return false;
    if (rank < 0 || rank > NX_T7_RANK_MAX)
        return nx_fail(r->err, "%s: a tensor of rank %d at byte %zu; at most %d", r->path, rank, r->at, NX_T7_RANK_MAX);
    size_t *sizes = nx_alloc(2 * (size_t)rank * sizeof *sizes);
    v->rank = rank, v->size = sizes, v->stride = sizes + rank;
    return take_longs(r, sizes, rank) && take_longs(r, sizes + rank, rank) &&
           take(r, &offset, sizeof offset, "a tensor") && read_value(r, &storage) &&
           check_tensor(r, v, offset, storage, e);
}

static bool read_class(reader *r, char **out)
{
    if (!take_text(r, out, "a class")) return false;
    if (strncmp(*out, "V ", 2)) return true; /* the oldest files have no version */
    free(*out);
    return take_text(r, out, "a class");
}

static bool read_object(reader *r, nx_t7 **out)
{
    int32_t index;
    char *class_name;
    if (!read_index(r, &index, NX_T7_OBJECT, NX_T7_STORAGE, out)) return false;
    if (*out) return true;
    nx_t7 *v = *out = new_value(r, NX_T7_OBJECT);
    remember(r, index, v);
    bool ok = read_class(r, &class_name);
    v->class_name = class_name;
    if (!ok) return false;
    for (int i = 0; i < ELEMENTS; i++) {
        if (!strcmp(class_name, elements[i].tensor)) return read_tensor(r, v, &elements[i]);
        if (!strcmp(class_name, elements[i].storage)) return read_storage(r, v, &elements[i]);
    }
    nx_t7 *fields;
    if (!read_value(r, &fields)) return false;
    if (fields->kind != NX_T7_TABLE)
        return nx_fail(r->err, "%s: the object of class \"%.60s\" at byte %zu is no table of fields: nothing known",
                       r->path, class_name, r->at);
    v->fields = fields;
    return true;
}

/* ---- a value ---- */

static bool read_content(reader *r, nx_t7 **out)
{
    int32_t tag = 0, whole = 0;
    char *text;
    if (!take_int(r, &tag, "a value")) return false;
    switch (tag) {
    case 0:
        *out = shared_value(r, &r->file->nil, NX_T7_NIL, 0);
        return true;
    case 1:
        *out = new_value(r, NX_T7_NUMBER);
        return take(r, &(*out)->number, sizeof(double), "a number");
    case 2:
        *out = new_value(r, NX_T7_STRING);
        if (!take_text(r, &text, "string")) return false;
        (*out)->text = text;
        return true;
    case 3:
        return read_table(r, out);
    case 4:
        return read_object(r, out);
    case 5:
        if (!take_int(r, &whole, "a boolean")) return false;
        *out = shared_value(r, &r->file->boolean[whole != 0], NX_T7_BOOLEAN, whole != 0);
        return true;
    case 6:
    case 7:
    case 8:
        return read_function(r, out);
    default:
        return r->at == sizeof tag
                   ? nx_fail(r->err, "%s: not a file of Torch7 (torch.save, binary)", r->path)
                   : nx_fail(r->err, "%s: a value of type %d at byte %zu: damaged", r->path, tag, r->at - sizeof tag);
    }
}

static bool read_value(reader *r, nx_t7 **out)
{
    if (r->depth == DEPTH_MOST)
        return nx_fail(r->err, "%s: more than %d values inside each other at byte %zu", r->path, DEPTH_MOST, r->at);
    r->depth++;
    bool ok = read_content(r, out);
    r->depth--;
    return ok;
}

/* ---- a file ---- */

/* Objects have the entries of their fields, which several may share, and which all are read now. */
static void give_fields(nx_t7_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        nx_t7 *v = file->values[i];
        if (!v->fields) continue;
        v->count = v->fields->count, v->entries = v->fields->entries;
        v->texts = v->fields->texts, v->n_texts = v->fields->n_texts;
        v->list = v->fields->list, v->length = v->fields->length;
    }
}

bool nx_t7_open(nx_t7_file **out, const char *path, nx_error *err)
{
    char *bytes;
    size_t count;
    *out = NULL;
    if (!nx_file_read(path, &bytes, &count, err)) return false;
    nx_t7_file *file = nx_alloc(sizeof *file);
    file->most_known = count / INDEXED_LEAST + 2;
    file->known = nx_alloc(file->most_known * sizeof *file->known);
    reader r = {.file = file, .path = path, .bytes = (const unsigned char *)bytes, .end = count, .err = err};
    bool ok = read_value(&r, &file->root);
    if (ok && r.at != r.end)
        ok = nx_fail(err, "%s: %zu bytes after the end of what was saved: damaged", path, left(&r));
    free(bytes);
    if (ok) give_fields(file);
    if (ok)
        *out = file;
    else
        nx_t7_free(file);
    return ok;
}

void nx_t7_free(nx_t7_file *file)
{
    if (!file) return;
    for (size_t i = 0; i < file->count; i++) {
        nx_t7 *v = file->values[i];
        free((char *)v->text);
        free((char *)v->class_name);
        if (v->kind == NX_T7_TABLE) {
            free(v->entries);
            free(v->texts);
            free(v->list);
        }
        free((size_t *)v->size);
        free(v->data);
        free(v);
    }
    free(file->values);
    free(file->known);
    free(file);
}

const nx_t7 *nx_t7_root(const nx_t7_file *file) { return file->root; }

static int has_text(const void *text, const void *entry)
{
    return strcmp(text, (*(const struct nx_t7_entry *const *)entry)->key->text);
}

const nx_t7 *nx_t7_get(const nx_t7 *value, const char *key)
{
    if (!value || !value->n_texts) return NULL;
    const struct nx_t7_entry **found = bsearch(key, value->texts, value->n_texts, sizeof *value->texts, has_text);
    while (found && found > value->texts && !has_text(key, found - 1)) found--;
    return found ? (*found)->value : NULL;
}

const nx_t7 *nx_t7_at(const nx_t7 *value, size_t index)
{
    if (!value) return NULL;
    if (index >= 1 && index <= value->length) return value->list[index - 1];
    for (size_t i = 0; value->entries && i < value->count; i++) { /* beyond a gap */
        const nx_t7 *key = value->entries[i].key;
        if (key->kind == NX_T7_NUMBER && key->number >= (double)index && key->number <= (double)index)
            return value->entries[i].value;
    }
    return NULL;
}

size_t nx_t7_length(const nx_t7 *value) { return value ? value->length : 0; }

const float *nx_t7_numbers(const nx_t7 *value)
{
    size_t expected = 1;
    if (!value || value->kind != NX_T7_TENSOR || !value->storage) return NULL;
    for (int i = value->rank - 1; i >= 0; expected *= value->size[i--])
        if (value->size[i] > 1 && value->stride[i] != expected) return NULL;
    return value->storage->data + value->offset;
}

bool nx_t7_is(const nx_t7 *value, const char *class_name)
{
    return value && value->class_name && !strcmp(value->class_name, class_name);
}
