/* An array is a short header of text, a Python dictionary, and its numbers. The header is believed in nothing: shape,
 * type and size have to agree. */
#include "io/npz.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/zip.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct type {
    const char *numpy, *name;
    size_t bytes;
} types[] = {
    {"<f4", "F32", 4}, {"<f8", "F64", 8}, {"<f2", "F16", 2}, {"<i8", "I64", 8}, {"<i4", "I32", 4}, {"<i2", "I16", 2},
    {"|i1", "I8", 1},  {"<u8", "U64", 8}, {"<u4", "U32", 4}, {"<u2", "U16", 2}, {"|u1", "U8", 1},  {"|b1", "BOOL", 1},
};

bool nx_npz_is_file(const char *path) { return nx_zip_is_file(path); }

/* What stands after 'key': in the header; NULL if the key is not there. */
static const char *value_of(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

/* A value of which nothing is there, or quotes alone. */
static bool is_empty(const char *value) { return strchr(",}", value[strspn(value, "'\" \n")]); }

/* "(3, 4)", "(3,)" or "()". */
static bool read_shape(const char *text, nx_array *a)
{
    if (!text || *text++ != '(') return false;
    for (a->rank = 0; *(text += strspn(text, " ,")) != ')'; a->rank++) {
        char *end;
        long length = strtol(text, &end, 10);
        if (end == text || length < 0 || length > INT_MAX || a->rank == NX_ARRAY_RANK_MAX) return false;
        a->shape[a->rank] = (int)length;
        text = end;
    }
    return true;
}

/* Column-major numbers as row-major ones; owned by the caller. */
static void *transposed(const nx_array *a)
{
    size_t stride[NX_ARRAY_RANK_MAX];
    for (int d = 0; d < a->rank; d++) stride[d] = d ? stride[d - 1] * (size_t)a->shape[d - 1] : 1;
    return nx_array_rows(a, stride);
}

/* One array: its bytes as they are in the zip, [bytes + 1] with a zero at the end. */
static bool parse(const char *name, const char *data, size_t bytes, nx_array *a, bool *columns, nx_error *err)
{
    *a = (nx_array){.name = name};
    if (bytes < 12 || memcmp(data, "\x93NUMPY", 6)) return nx_fail(err, "%s is no NumPy array", name);
    size_t start = data[6] == 1 ? 10 : 12, length = 0, wanted = 0;
    for (size_t i = start; i-- > 8;) length = length << 8 | (unsigned char)data[i];
    if (length > bytes - start) return nx_fail(err, "array '%s' ends in its header: truncated?", name);
    char *header = nx_format("%.*s", (int)(length < 4096 ? length : 4096), data + start);
    const char *type = value_of(header, "descr"), *order = value_of(header, "fortran_order");
    bool ok = type && order && read_shape(value_of(header, "shape"), a);
    if (!ok) nx_fail(err, "array '%s': its header is malformed", name);
    *columns = ok && !strncmp(order, "True", 4);
    if (ok && is_empty(type)) ok = nx_fail(err, "array '%s': its header names no type: nothing behind 'descr'", name);
    for (size_t i = 0; ok && !a->type && i < sizeof types / sizeof *types; i++)
        if (!strncmp(type + 1, types[i].numpy, 3)) a->type = types[i].name, wanted = types[i].bytes;
    if (ok && !a->type)
        ok = nx_fail(err, "array '%s' is of type %.*s: numbers in little-endian order were expected (float32, float64)",
                     name, (int)strcspn(type, ",}"), type);
    free(header);
    if (!ok) return false;
    a->bytes = bytes - start - length, a->data = data + start + length;
    for (int d = 0; d < a->rank; d++) wanted = nx_times(wanted, (size_t)a->shape[d]);
    return wanted == a->bytes ||
           nx_fail(err, "array '%s': its shape does not match its %zu bytes: truncated?", name, a->bytes);
}

static bool read_entry(nx_zip *zip, size_t i, bool *found, nx_array_take *take, void *context, nx_error *err)
{
    const char *entry = nx_zip_name(zip, i);
    if (!entry) return nx_fail(err, "entry %zu has no name", i);
    if (!nx_ends_with(entry, ".npy")) return true;
    char *data, *name = nx_format("%.*s", (int)strlen(entry) - 4, entry);
    size_t bytes;
    nx_array a;
    bool columns = false;
    *found = true;
    bool ok = nx_zip_unpack(zip, i, &data, &bytes, err) && parse(name, data, bytes, &a, &columns, err);
    void *rows = NULL;
    if (ok && columns && a.rank > 1) {
        a.data = rows = transposed(&a);
        ok = rows || nx_fail(err, "array '%s' is too large for the memory", name);
    }
    ok = ok && take(context, &a, err);
    free(rows);
    free(name);
    free(data);
    return ok;
}

bool nx_npz_read(const char *path, nx_array_take *take, void *context, nx_error *err)
{
    nx_zip *zip;
    if (!nx_zip_open(&zip, path, err)) return false;
    bool ok = true, found = false;
    for (size_t i = 0; ok && i < nx_zip_count(zip); i++)
        ok = read_entry(zip, i, &found, take, context, err) || nx_fail_in(err, "%s", path);
    nx_zip_close(zip);
    return ok &&
           (found || nx_fail(err, "%s: a zip with neither NumPy's arrays nor PyTorch's data.pkl: no weights", path));
}
