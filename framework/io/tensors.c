/* Tensor files. All readers fill the same list; safetensors is read by hand (a length, a JSON header, the bytes) and
 * believed in nothing: every number in the header is held against the size of the file before it is used. */
#include "io/tensors.h"

#include "base/bfloat16.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/npz.h"
#include "io/pth.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors are little-endian, and so is this reader");

struct nx_tensor_file {
    size_t count, pairs;
    nx_tensor_entry *entries;        /* name and data owned */
    nx_metadata *metadata;           /* key and value owned */
    const nx_tensor_entry **by_name; /* sorted */
};

size_t nx_tensor_entry_size(const nx_tensor_entry *entry)
{
    size_t size = 1;
    for (int i = 0; i < entry->rank; i++) size = nx_times(size, (size_t)entry->shape[i]);
    return size;
}

static void add_entry(nx_tensor_file *file, nx_tensor_entry entry)
{
    NX_GROW(file->entries, file->count);
    file->entries[file->count++] = entry;
}

static void add_metadata(nx_tensor_file *file, const char *key, const char *value)
{
    NX_GROW(file->metadata, file->pairs);
    file->metadata[file->pairs++] = (nx_metadata){nx_copy_text(key), nx_copy_text(value)};
}

/* ---- element types ---- */

static float from_half(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    float value = exponent == 31 ? (fraction ? NAN : INFINITY)
                  : exponent     ? ldexpf((float)(1024 + fraction), exponent - 25)
                                 : ldexpf((float)fraction, -24);
    return h & 0x8000 ? -value : value;
}

static void convert_f32(float *out, const void *in, size_t n) { memcpy(out, in, n * sizeof *out); }

/* The numbers of a file lie wherever its header ends, in an .npz on any byte. */
#define CONVERT(name, type, convert)                                                                                   \
    static void name(float *out, const void *in, size_t n)                                                             \
    {                                                                                                                  \
        const char *from = in;                                                                                         \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type value;                                                                                                \
            memcpy(&value, from + i * sizeof value, sizeof value);                                                     \
            out[i] = convert(value);                                                                                   \
        }                                                                                                              \
    }
CONVERT(convert_f64, double, (float))
CONVERT(convert_f16, uint16_t, from_half)
CONVERT(convert_bf16, uint16_t, nx_from_bfloat16)

typedef struct element {
    const char *name;
    size_t bytes;
    void (*convert)(float *out, const void *in, size_t n); /* NULL: known, not floats */
} element;

static const element elements[] = {
    {"F32", 4, convert_f32}, {"F16", 2, convert_f16}, {"BF16", 2, convert_bf16}, {"F64", 8, convert_f64},
    {"I64", 8, NULL},        {"I32", 4, NULL},        {"I16", 2, NULL},          {"I8", 1, NULL},
    {"U64", 8, NULL},        {"U32", 4, NULL},        {"U16", 2, NULL},          {"U8", 1, NULL},
    {"BOOL", 1, NULL},
};

static const element *find_element(const char *name)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (!strcmp(elements[i].name, name)) return &elements[i];
    return NULL;
}

/* ---- safetensors ---- */

#define HEADER_MAX 100000000 /* bytes, the format's own limit */
#define ITEMS_MAX  4000000   /* numbers, texts and names in it: of JSON, where one takes a hundred bytes of memory */

/* One tensor as the header tells it. */
typedef struct slot {
    nx_tensor_entry entry; /* name borrowed, no data */
    const element *type;
    uint64_t begin, end;
} slot;

/* A whole number from 0 to most; JSON's numbers are doubles, exact up to 2^53. */
static bool whole(const cJSON *item, double most, uint64_t *out)
{
    if (!cJSON_IsNumber(item)) return false;
    double v = item->valuedouble;
    if (!(v >= 0 && v <= most && v == floor(v))) return false;
    *out = (uint64_t)v;
    return true;
}

static bool read_slot(slot *out, const cJSON *item, uint64_t data_bytes, nx_error *err)
{
    const char *name = item->string;
    *out = (slot){.entry.name = name};
    if (!cJSON_IsObject(item)) return nx_fail(err, "tensor '%s': not an object in the header", name);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    if (!cJSON_IsString(type) || !cJSON_IsArray(shape) || !cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2)
        return nx_fail(err, "tensor '%s': dtype, shape or data_offsets missing or malformed", name);
    out->type = find_element(type->valuestring);
    if (!out->type) return nx_fail(err, "tensor '%s': unknown dtype '%s'", name, type->valuestring);
    if (!whole(offsets->child, 0x1p53, &out->begin) || !whole(offsets->child->next, 0x1p53, &out->end) ||
        out->begin > out->end)
        return nx_fail(err, "tensor '%s': malformed data_offsets", name);
    if (out->end > data_bytes)
        return nx_fail(err, "tensor '%s' ends at byte %llu, the data at %llu: truncated?", name,
                       (unsigned long long)out->end, (unsigned long long)data_bytes);
    uint64_t bytes = out->type->bytes, size;
    bool empty = false;
    const cJSON *length;
    cJSON_ArrayForEach(length, shape)
    {
        if (out->entry.rank == NX_TENSOR_RANK_MAX)
            return nx_fail(err, "tensor '%s': more than %d dimensions", name, NX_TENSOR_RANK_MAX);
        if (!whole(length, INT_MAX, &size)) return nx_fail(err, "tensor '%s': malformed shape", name);
        out->entry.shape[out->entry.rank++] = (int)size;
        empty |= !size;
        /* A product beyond the file stays just beyond it: it must not overflow. */
        if (size) bytes = bytes > data_bytes / size ? data_bytes + 1 : bytes * size;
    }
    if (empty) bytes = 0;
    if (bytes != out->end - out->begin)
        return nx_fail(err, "tensor '%s': its shape does not match its %llu bytes", name,
                       (unsigned long long)(out->end - out->begin));
    return true;
}

static int by_offset(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const slot *)a)->entry.name, ((const slot *)b)->entry.name);
}

/* The tensors must cover the data without a hole or an overlap. Leaves slots in the order of the file. */
static bool check_slots(slot *slots, size_t count, uint64_t data_bytes, nx_error *err)
{
    if (count) qsort(slots, count, sizeof *slots, by_name);
    for (size_t i = 1; i < count; i++)
        if (!by_name(slots + i - 1, slots + i)) return nx_fail(err, "tensor '%s' is there twice", slots[i].entry.name);
    if (count) qsort(slots, count, sizeof *slots, by_offset);
    uint64_t at = 0;
    for (size_t i = 0; i < count; at = slots[i++].end)
        if (slots[i].begin != at)
            return nx_fail(err, "tensor '%s' begins at byte %llu, the one before it ends at %llu", slots[i].entry.name,
                           (unsigned long long)slots[i].begin, (unsigned long long)at);
    if (at != data_bytes)
        return nx_fail(err, "%llu bytes of data, the header names %llu", (unsigned long long)data_bytes,
                       (unsigned long long)at);
    return true;
}

static bool read_metadata(nx_tensor_file *out, const cJSON *object, nx_error *err)
{
    if (!cJSON_IsObject(object)) return nx_fail(err, "__metadata__ is not an object");
    const cJSON *pair;
    cJSON_ArrayForEach(pair, object)
    {
        if (!cJSON_IsString(pair)) return nx_fail(err, "__metadata__ '%s' is not a string", pair->string);
        add_metadata(out, pair->string, pair->valuestring);
    }
    return true;
}

static bool too_large(const char *name, nx_error *err)
{
    return nx_fail(err, "tensor '%s' is too large for the memory", name);
}

/* The stream stands at the first byte of data; slots cover it in order. */
static bool read_data(nx_tensor_file *out, FILE *stream, const slot *slots, size_t count, nx_error *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes = (size_t)(slots[i].end - slots[i].begin);
        void *raw = nx_try_alloc(bytes);
        if (!raw) return too_large(slots[i].entry.name, err);
        if (fread(raw, 1, bytes, stream) != bytes) {
            free(raw);
            return nx_fail(err, "tensor '%s' cannot be read: %s", slots[i].entry.name,
                           ferror(stream) ? strerror(errno) : "the file ends too early");
        }
        nx_tensor_entry entry = slots[i].entry;
        entry.name = nx_copy_text(entry.name);
        if (slots[i].type->convert == convert_f32) { /* as it is: weights are large */
            entry.data = raw;
            add_entry(out, entry);
            continue;
        }
        if (slots[i].type->convert) {
            size_t n = bytes / slots[i].type->bytes;
            float *data = nx_try_alloc(nx_times(n, sizeof *data));
            if (!data) {
                free(raw);
                free((char *)entry.name);
                return too_large(slots[i].entry.name, err);
            }
            slots[i].type->convert(data, raw, n);
            entry.data = data;
            add_entry(out, entry);
        } else {
            free((char *)entry.name);
        }
        free(raw);
    }
    return true;
}

static bool read_tensors(nx_tensor_file *out, FILE *stream, const cJSON *root, uint64_t data_bytes, nx_error *err)
{
    slot *slots = nx_alloc((size_t)cJSON_GetArraySize(root) * sizeof *slots);
    size_t count = 0;
    bool fine = true;
    for (const cJSON *item = root->child; fine && item; item = item->next)
        fine = !strcmp(item->string, "__metadata__") ? read_metadata(out, item, err)
                                                     : read_slot(&slots[count++], item, data_bytes, err);
    fine = fine && check_slots(slots, count, data_bytes, err) && read_data(out, stream, slots, count, err);
    free(slots);
    return fine;
}

/* How many items a JSON text has at most: each but the first follows one of these. */
static size_t count_items(const char *text)
{
    size_t count = 1;
    while (*(text += strcspn(text, ",[{"))) text++, count++;
    return count;
}

static bool read_safetensors(nx_tensor_file *out, FILE *stream, nx_error *err)
{
    struct stat info;
    uint64_t length;
    if (fstat(fileno(stream), &info)) return nx_fail(err, "cannot read: %s", strerror(errno));
    uint64_t size = (uint64_t)info.st_size;
    if (fread(&length, 1, 8, stream) != 8 || size < 8)
        return nx_fail(err, "neither safetensors, HDF5, .npz nor .pth: only %llu bytes", (unsigned long long)size);
    int first = fgetc(stream);
    if (first != '{' && first != EOF)
        return nx_fail(err, "neither safetensors, HDF5, .npz nor .pth: convert the weights to one of them");
    if (length > HEADER_MAX || length > size - 8 || length < 2)
        return nx_fail(err, "a header of %llu bytes in a safetensors file of %llu: truncated or corrupt",
                       (unsigned long long)length, (unsigned long long)size);
    char *text = nx_alloc(length + 1);
    text[0] = '{';
    bool fine = fread(text + 1, 1, length - 1, stream) == length - 1 || nx_fail(err, "cannot read the header");
    if (fine && count_items(text) > ITEMS_MAX)
        fine = nx_fail(err, "a safetensors header of more than %d items: no file of weights has so many", ITEMS_MAX);
    if (fine) {
        const char *end = NULL;
        cJSON *root = cJSON_ParseWithLengthOpts(text, length + 1, &end, false);
        while (root && end < text + length && *end == ' ') end++;
        if (!cJSON_IsObject(root) || end != text + length)
            fine = nx_fail(err, "the safetensors header is not JSON at byte %td", end ? end - text : 0);
        else
            fine = read_tensors(out, stream, root, size - 8 - length, err);
        cJSON_Delete(root);
    }
    free(text);
    return fine;
}

/* ---- HDF5 ---- */

/* Links can form circles; weights are never this deep. */
#define DEPTH_MAX 32

static bool read_group(nx_tensor_file *out, const nx_h5 *h5, const char *group, int depth, nx_error *err)
{
    nx_h5_names names;
    if (depth > DEPTH_MAX) return nx_fail(err, "groups more than %d deep", DEPTH_MAX);
    if (!nx_h5_children(h5, group, &names, err)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < names.count; i++) {
        char *path = nx_format("%s/%s", depth ? group : "", names.names[i]);
        nx_h5_kind kind = nx_h5_kind_of(h5, path);
        if (kind == NX_H5_GROUP) {
            fine = read_group(out, h5, path, depth + 1, err);
        } else if (kind == NX_H5_FLOATS) {
            nx_tensor_entry entry = {0};
            float *data;
            fine = nx_h5_read_float(h5, path, &data, &entry.rank, entry.shape, err);
            if (fine) {
                entry.name = nx_copy_text(path + 1), entry.data = data;
                add_entry(out, entry);
            }
        }
        free(path);
    }
    nx_h5_names_free(&names);
    return fine;
}

static bool read_hdf5(nx_tensor_file *out, const char *path, nx_error *err)
{
    _Static_assert(NX_H5_RANK_MAX == NX_TENSOR_RANK_MAX, "shapes are passed on");
    nx_h5 *h5;
    nx_h5_names names = {0};
    if (!nx_h5_open(&h5, path, false, err)) return false;
    bool fine = nx_h5_attributes(h5, "/", &names, err);
    for (size_t i = 0; fine && i < names.count; i++) {
        char *value;
        if (nx_h5_get_string(h5, "/", names.names[i], &value, NULL)) add_metadata(out, names.names[i], value);
        free(value);
    }
    nx_h5_names_free(&names);
    fine = fine && read_group(out, h5, "/", 0, err);
    nx_h5_close(h5, NULL); /* only read */
    return fine;
}

/* ---- NumPy and PyTorch ---- */

static bool take_array(void *context, const nx_array *a, nx_error *err)
{
    _Static_assert((int)NX_ARRAY_RANK_MAX == (int)NX_TENSOR_RANK_MAX, "shapes are passed on");
    const element *type = find_element(a->type);
    nx_tensor_entry entry = {.rank = a->rank};
    if (!type->convert) return true;
    memcpy(entry.shape, a->shape, sizeof a->shape);
    size_t count = nx_tensor_entry_size(&entry);
    float *data = nx_try_alloc(nx_times(count, sizeof *data));
    if (!data) return too_large(a->name, err);
    type->convert(data, a->data, count);
    entry.name = nx_copy_text(a->name), entry.data = data;
    add_entry(context, entry);
    return true;
}

/* ---- the door ---- */

static int by_entry_name(const void *a, const void *b)
{
    return strcmp((*(const nx_tensor_entry *const *)a)->name, (*(const nx_tensor_entry *const *)b)->name);
}

/* Sorts the names, of which none may be there twice. */
static bool sort_names(nx_tensor_file *file, nx_error *err)
{
    file->by_name = nx_alloc(file->count * sizeof *file->by_name);
    for (size_t i = 0; i < file->count; i++) file->by_name[i] = &file->entries[i];
    if (file->count) qsort(file->by_name, file->count, sizeof *file->by_name, by_entry_name);
    for (size_t i = 1; i < file->count; i++)
        if (!by_entry_name(&file->by_name[i - 1], &file->by_name[i]))
            return nx_fail(err, "tensor '%s' is there twice", file->by_name[i]->name);
    return true;
}

bool nx_tensor_file_open(nx_tensor_file **out, const char *path, nx_error *err)
{
    *out = NULL;
    FILE *stream = fopen(path, "rb");
    if (!stream) return nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
    if (nx_ends_with(path, ".onnx")) {
        fclose(stream);
        return nx_fail(err, "%s: an ONNX model, where a file of tensors is expected", path);
    }
    nx_tensor_file *file = nx_alloc(sizeof *file);
    bool fine = nx_h5_is_file(path)    ? read_hdf5(file, path, err)
                : nx_pth_is_file(path) ? nx_pth_read(path, take_array, file, err)
                : nx_npz_is_file(path) ? nx_npz_read(path, take_array, file, err)
                                       : read_safetensors(file, stream, err) || nx_fail_in(err, "%s", path);
    fclose(stream);
    if (fine && !file->count) fine = nx_fail(err, "%s: no tensor of floats in it", path);
    if (fine && !sort_names(file, err)) fine = nx_fail_in(err, "%s", path);
    if (!fine) {
        nx_tensor_file_free(file);
        return false;
    }
    *out = file;
    return true;
}

void nx_tensor_file_free(nx_tensor_file *file)
{
    if (!file) return;
    for (size_t i = 0; i < file->count; i++) {
        free((char *)file->entries[i].name);
        free((float *)file->entries[i].data);
    }
    for (size_t i = 0; i < file->pairs; i++) {
        free((char *)file->metadata[i].key);
        free((char *)file->metadata[i].value);
    }
    free(file->entries);
    free(file->by_name);
    free(file->metadata);
    free(file);
}

size_t nx_tensor_file_count(const nx_tensor_file *file) { return file->count; }

const nx_tensor_entry *nx_tensor_file_at(const nx_tensor_file *file, size_t i)
{
    NX_CHECK(i < file->count, "tensor %zu of %zu", i, file->count);
    return &file->entries[i];
}

const nx_tensor_entry *nx_tensor_file_find(const nx_tensor_file *file, const char *name)
{
    const nx_tensor_entry wanted = {.name = name}, *key = &wanted;
    const nx_tensor_entry **found = bsearch(&key, file->by_name, file->count, sizeof key, by_entry_name);
    return found ? *found : NULL;
}

const char *nx_tensor_file_metadata(const nx_tensor_file *file, const char *key)
{
    for (size_t i = 0; i < file->pairs; i++)
        if (!strcmp(file->metadata[i].key, key)) return file->metadata[i].value;
    return NULL;
}

/* ---- writing ---- */

/* The header as text, padded so that the data after it is aligned. Owned by the caller. */
static char *header_text(const nx_tensor_entry *entries, size_t count, const nx_metadata *metadata,
                         size_t metadata_count)
{
    cJSON *root = cJSON_CreateObject();
    if (metadata_count) {
        cJSON *pairs = cJSON_AddObjectToObject(root, "__metadata__");
        for (size_t i = 0; i < metadata_count; i++) cJSON_AddStringToObject(pairs, metadata[i].key, metadata[i].value);
    }
    double at = 0;
    for (size_t i = 0; i < count; i++) {
        cJSON *tensor = cJSON_AddObjectToObject(root, entries[i].name);
        cJSON_AddStringToObject(tensor, "dtype", "F32");
        cJSON_AddItemToObject(tensor, "shape", cJSON_CreateIntArray(entries[i].shape, entries[i].rank));
        double next = at + (double)(nx_tensor_entry_size(&entries[i]) * sizeof(float));
        cJSON_AddItemToObject(tensor, "data_offsets", cJSON_CreateDoubleArray((double[]){at, next}, 2));
        at = next;
    }
    char *json = cJSON_PrintUnformatted(root);
    NX_CHECK(json, "out of host memory for a header of %zu tensors", count);
    char *text = nx_format("%s%*s", json, (int)(7 - (strlen(json) + 7) % 8), "");
    cJSON_free(json);
    cJSON_Delete(root);
    return text;
}

bool nx_tensors_save_safetensors(const char *path, const nx_tensor_entry *entries, size_t count,
                                 const nx_metadata *metadata, size_t metadata_count, nx_error *err)
{
    char *text = header_text(entries, count, metadata, metadata_count), *draft = nx_file_draft(path);
    uint64_t length = strlen(text);
    FILE *file = nx_file_create(draft);
    bool fine = file && fwrite(&length, sizeof length, 1, file) == 1 && fwrite(text, 1, length, file) == length;
    for (size_t i = 0; fine && i < count; i++) {
        size_t size = nx_tensor_entry_size(&entries[i]);
        fine = !size || fwrite(entries[i].data, sizeof(float), size, file) == size;
    }
    if (file && fclose(file)) fine = false;
    if (!fine) {
        nx_fail(err, "%s: cannot write: %s", path, strerror(errno));
        unlink(draft);
    }
    fine = fine && nx_file_publish(draft, path, err);
    free(draft);
    free(text);
    return fine;
}

static void hash_text(XXH3_state_t *state, char out[33])
{
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(state));
    for (size_t i = 0; i < sizeof hash.digest; i++) snprintf(out + 2 * i, 3, "%02x", hash.digest[i]);
    XXH3_freeState(state);
}

static XXH3_state_t *new_hash(void)
{
    XXH3_state_t *state = XXH3_createState();
    NX_CHECK(state, "out of host memory");
    XXH3_128bits_reset(state);
    return state;
}

void nx_tensors_hash(const nx_tensor_entry *entries, size_t count, char out[33])
{
    XXH3_state_t *state = new_hash();
    for (size_t i = 0; i < count; i++) {
        const nx_tensor_entry *e = &entries[i];
        XXH3_128bits_update(state, e->name, strlen(e->name) + 1);
        XXH3_128bits_update(state, e->shape, (size_t)e->rank * sizeof *e->shape);
        XXH3_128bits_update(state, e->data, nx_tensor_entry_size(e) * sizeof *e->data);
    }
    hash_text(state, out);
}

bool nx_file_hash(const char *path, char out[33], nx_error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file) return nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
    enum { BLOCK = 1 << 20 };
    char *block = nx_alloc(BLOCK);
    XXH3_state_t *state = new_hash();
    for (size_t got; (got = fread(block, 1, BLOCK, file)) > 0;) XXH3_128bits_update(state, block, got);
    bool fine = !ferror(file) || nx_fail(err, "%s: cannot read: %s", path, strerror(errno));
    hash_text(state, out);
    free(block);
    fclose(file);
    return fine;
}
