/* Torch7's binary files (.t7, as torch.save writes them): a tree of numbers, strings, tables, torch objects, tensors
 * and storages, read whole.
 *
 * A reader, not a run-time: an object is its class's name and the table of its fields; nothing is executed. It knows no
 * networks: what modules mean is the caller's business. Only the 64-bit little-endian binary format is read, not ascii.
 *
 *     nx_t7_file *file;
 *     if (!nx_t7_open(&file, "net.t7", err)) return false;
 *     const nx_t7 *modules = nx_t7_get(nx_t7_root(file), "modules");
 *     for (size_t i = 1; i <= nx_t7_length(modules); i++)
 *         puts(nx_t7_at(modules, i)->class_name);                  "nn.SpatialConvolution"
 *     nx_t7_free(file);
 */
#ifndef NX_IO_T7_H
#define NX_IO_T7_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum nx_t7_kind {
    NX_T7_NIL,
    NX_T7_NUMBER,
    NX_T7_BOOLEAN,
    NX_T7_STRING,
    NX_T7_TABLE,
    NX_T7_OBJECT, /* of any class that is no tensor or storage, such as nn.Sequential; has a table's entries */
    NX_T7_TENSOR,
    NX_T7_STORAGE,
    NX_T7_FUNCTION /* passed over */
} nx_t7_kind;

enum { NX_T7_RANK_MAX = 8 };

typedef struct nx_t7 nx_t7;

struct nx_t7 {
    nx_t7_kind kind;
    double number;          /* of a number; 0 or 1 of a boolean */
    const char *text;       /* of a string */
    const char *class_name; /* of an object, a tensor or a storage: "torch.FloatTensor" */

    size_t count; /* entries of a table or an object; elements of a storage */
    struct nx_t7_entry {
        nx_t7 *key, *value;
    } * entries;
    const struct nx_t7_entry **texts; /* those whose keys are strings, sorted by them: nx_t7_get */
    nx_t7 **list;                     /* the values under 1, 2, 3, ...: nx_t7_at, nx_t7_length */
    size_t n_texts, length;
    const nx_t7 *fields; /* of an object: the table that has all of these */

    float *data; /* of a storage, converted to float; NULL where it is empty */

    int rank; /* of a tensor: element (i, j, ...) is storage->data[offset + i stride[0] + j stride[1] + ...] */
    const size_t *size, *stride;
    size_t offset;
    const nx_t7 *storage; /* NULL in a tensor without elements; otherwise every element lies in it */
};

typedef struct nx_t7_file nx_t7_file;

/* Reads all of a file. What is cut off, damaged, not of this format, or followed by other bytes is an error that says
 * where. Tables may contain themselves, as Torch's do. */
bool nx_t7_open(nx_t7_file **out, const char *path, nx_error *err);
void nx_t7_free(nx_t7_file *file);

/* What the file holds; everything lives as long as the file. */
const nx_t7 *nx_t7_root(const nx_t7_file *file);

/* The entry of a table or an object under a string, or under a whole number (Lua counts from 1); NULL if there is none,
 * also of a value that has no entries and of NULL. */
const nx_t7 *nx_t7_get(const nx_t7 *value, const char *key);
const nx_t7 *nx_t7_at(const nx_t7 *value, size_t index);

/* How many entries 1, 2, 3, ... without a gap. */
size_t nx_t7_length(const nx_t7 *value);

/* The numbers of a tensor, of which the last index is the fastest, the first size[0] * size[1] * ... of what is there;
 * NULL if it has none, or they do not follow one another so, or it is no tensor. */
const float *nx_t7_numbers(const nx_t7 *value);

/* True for an object or a tensor of exactly that class; false for NULL. */
bool nx_t7_is(const nx_t7 *value, const char *class_name);

#endif
