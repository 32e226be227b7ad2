/* libzip unpacks and checks sums; an array is a short header of text, a Python dictionary, and its numbers. The header
 * is believed in nothing: shape, type and size have to agree. */
#include "io/npz.h"

#include "base/memory.h"
#include "base/text.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

static const struct type {
    const char *numpy, *name;
    size_t bytes;
} types[] = {
    {"<f4", "F32", 4}, {"<f8", "F64", 8}, {"<f2", "F16", 2}, {"<i8", "I64", 8}, {"<i4", "I32", 4}, {"<i2", "I16", 2},
    {"|i1", "I8", 1},  {"<u8", "U64", 8}, {"<u4", "U32", 4}, {"<u2", "U16", 2}, {"|u1", "U8", 1},  {"|b1", "BOOL", 1},
};

bool nx_npz_is_file(const char *path)
{
    char start[4] = "";
    FILE *file = fopen(path, "rb");
    bool zip = file && fread(start, 1, 4, file) == 4 && !memcmp(start, "PK\3\4", 4);
    if (file) fclose(file);
    return zip;
}

/* What stands after 'key': in the header; NULL if the key is not there. */
static const char *value_of(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

/* "(3, 4)", "(3,)" or "()". */
static bool read_shape(const char *text, nx_npz_array *a)
{
    if (!text || *text++ != '(') return false;
    for (a->rank = 0; *(text += strspn(text, " ,")) != ')'; a->rank++) {
        char *end;
        long length = strtol(text, &end, 10);
        if (end == text || length < 0 || length > INT_MAX || a->rank == NX_NPZ_RANK_MAX) return false;
        a->shape[a->rank] = (int)length;
        text = end;
    }
    return true;
}

/* Column-major numbers as row-major ones; owned by the caller. */
static void *transposed(const nx_npz_array *a, size_t width)
{
    char *out = nx_alloc(a->bytes);
    size_t count = a->bytes / width, stride[NX_NPZ_RANK_MAX], at[NX_NPZ_RANK_MAX] = {0}, from = 0;
    for (int d = 0; d < a->rank; d++) stride[d] = d ? stride[d - 1] * (size_t)a->shape[d - 1] : 1;
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * width, (const char *)a->data + from * width, width);
        for (int d = a->rank - 1; d >= 0; d--) {
            from += stride[d];
            if (++at[d] < (size_t)a->shape[d]) break;
            from -= stride[d] * at[d];
            at[d] = 0;
        }
    }
    return out;
}

/* One array: its bytes as they are in the zip, [bytes + 1] with a zero at the end. */
static bool parse(const char *name, const char *data, size_t bytes, nx_npz_array *a, bool *columns, size_t *width,
                  nx_error *err)
{
    *a = (nx_npz_array){.name = name};
    if (bytes < 12 || memcmp(data, "\x93NUMPY", 6)) return nx_fail(err, "%s is no NumPy array", name);
    size_t start = data[6] == 1 ? 10 : 12, length = 0;
    for (size_t i = start; i-- > 8;) length = length << 8 | (unsigned char)data[i];
    if (length > bytes - start) return nx_fail(err, "array '%s' ends in its header: truncated?", name);
    char *header = nx_format("%.*s", (int)(length < 4096 ? length : 4096), data + start);
    const char *type = value_of(header, "descr"), *order = value_of(header, "fortran_order");
    bool ok = type && order && read_shape(value_of(header, "shape"), a);
    if (!ok) nx_fail(err, "array '%s': its header is malformed", name);
    *columns = ok && !strncmp(order, "True", 4);
    for (size_t i = 0; ok && *type && !a->type && i < sizeof types / sizeof *types; i++)
        if (!strncmp(type + 1, types[i].numpy, 3)) a->type = types[i].name, *width = types[i].bytes;
    if (ok && !a->type)
        ok = nx_fail(err, "array '%s' is of type %.*s: numbers in little-endian order were expected (float32, float64)",
                     name, (int)strcspn(type, ","), type);
    free(header);
    if (!ok) return false;
    a->bytes = bytes - start - length, a->data = data + start + length;
    size_t wanted = *width;
    for (int d = 0; d < a->rank; d++) wanted = nx_times(wanted, (size_t)a->shape[d]);
    return wanted == a->bytes ||
           nx_fail(err, "array '%s': its shape does not match its %zu bytes: truncated?", name, a->bytes);
}

/* What the entries that are still to come may take: of the zip's bytes, since each is read once, and unpacked. */
typedef struct allowance {
    uint64_t packed, unpacked;
} allowance;

/* Deflate packs up to 1032 to 1, but numbers that someone computed are not that dull. */
#define PACKED_MAX 100
#define SLACK      ((uint64_t)64 << 20)

/* The unpacked bytes of an entry, with a zero behind them; owned by the caller. */
static char *unpack(zip_t *zip, zip_uint64_t i, const zip_stat_t *info, allowance *left, nx_error *err)
{
    char *data = NULL, more;
    bool plausible = info->comp_size <= left->packed && info->size <= left->unpacked;
    if (plausible) {
        left->packed -= info->comp_size, left->unpacked -= info->size;
        data = nx_try_alloc(info->size + 1);
    }
    if (!data) {
        nx_fail(err, "array '%s' would unpack from %llu to %llu bytes: %s", info->name,
                (unsigned long long)info->comp_size, (unsigned long long)info->size,
                plausible ? "too large for the memory" : "damaged?");
        return NULL;
    }
    zip_file_t *file = zip_fopen_index(zip, i, 0);
    zip_int64_t got = file ? zip_fread(file, data, info->size) : -1;
    bool ok = got == (zip_int64_t)info->size && !zip_fread(file, &more, 1); /* the end is where the sum is checked */
    if (!ok)
        nx_fail(err, "array '%s' cannot be unpacked: %s", info->name,
                file ? zip_file_strerror(file) : zip_strerror(zip));
    if (file) zip_fclose(file);
    if (ok) return data;
    free(data);
    return NULL;
}

static bool read_entry(zip_t *zip, zip_uint64_t i, bool *found, allowance *left,
                       bool (*take)(void *context, const nx_npz_array *a, nx_error *err), void *context, nx_error *err)
{
    zip_stat_t info;
    const zip_uint64_t told = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    if (zip_stat_index(zip, i, 0, &info)) return nx_fail(err, "%s", zip_strerror(zip));
    if ((info.valid & told) != told) return nx_fail(err, "entry %llu has no name or size", (unsigned long long)i);
    if (!nx_ends_with(info.name, ".npy")) return true;
    char *data = unpack(zip, i, &info, left, err);
    if (!data) return false;
    char *name = nx_format("%.*s", (int)strlen(info.name) - 4, info.name);
    nx_npz_array a;
    bool columns = false;
    size_t width = 0;
    *found = true;
    bool ok = parse(name, data, info.size, &a, &columns, &width, err);
    void *rows = ok && columns && a.rank > 1 ? transposed(&a, width) : NULL;
    if (rows) a.data = rows;
    ok = ok && take(context, &a, err);
    free(rows);
    free(name);
    free(data);
    return ok;
}

bool nx_npz_read(const char *path, bool (*take)(void *context, const nx_npz_array *a, nx_error *err), void *context,
                 nx_error *err)
{
    int code;
    struct stat file;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    uint64_t bytes = stat(path, &file) ? 0 : (uint64_t)file.st_size;
    allowance left = {bytes, SLACK + nx_times(bytes, PACKED_MAX)};
    if (!zip) {
        zip_error_t reason;
        zip_error_init_with_code(&reason, code);
        nx_fail(err, "%s: cannot read the zip: %s", path, zip_error_strerror(&reason));
        zip_error_fini(&reason);
        return false;
    }
    bool ok = true, found = false;
    for (zip_uint64_t i = 0, n = (zip_uint64_t)zip_get_num_entries(zip, 0); ok && i < n; i++)
        ok = read_entry(zip, i, &found, &left, take, context, err) || nx_fail_in(err, "%s", path);
    zip_discard(zip);
    return ok && (found || nx_fail(err,
                                   "%s: a zip without NumPy arrays: if PyTorch wrote it, save its tensors as "
                                   "safetensors",
                                   path));
}
