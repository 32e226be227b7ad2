/* HDF5. Every call is the same shape: handles start as none, are opened one inside the other, and are closed in reverse
 * at the end, whatever failed; a failure's line ends with what HDF5 says innermost. */
#include "io/hdf5.h"

#include "base/bfloat16.h"
#include "base/memory.h"
#include "io/files.h"
#include "io/hdf5_walk.h"

#include <hdf5.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NONE H5I_INVALID_HID

struct nx_h5 {
    hid_t id;
    char *path;
    bool writable;
};

/* ---- errors and handles ---- */

static herr_t take_innermost(unsigned n, const H5E_error2_t *error, void *out)
{
    if (!n) snprintf(out, 200, ": %s", error->desc ? error->desc : "");
    return 0;
}

/* "FILE: cannot WHAT OBJECT: HDF5's reason", or what a deeper call already put into err: callers see to it that err is
 * filled once. */
static bool fail(const char *path, const char *what, const char *object, nx_error *err)
{
    char reason[200] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, reason);
    H5Eclear2(H5E_DEFAULT);
    return nx_fail(err, "%s: cannot %s%s%s%s", path, what, *object ? " " : "", object, reason);
}

static void shut(hid_t id, herr_t (*close)(hid_t))
{
    if (id >= 0) close(id);
}

/* True if there is an object at path. HDF5 asks for one link at a time. Soft and external links, which may lead in
 * circles and out of the file, are followed nowhere. */
static bool there(hid_t file, const char *path)
{
    char *part = nx_copy_text(path);
    H5L_info_t link;
    bool fine = true;
    for (char *end = part; fine && *end;) {
        end += strspn(end, "/");
        if (!*end) break;
        end += strcspn(end, "/");
        char kept = *end;
        *end = 0;
        fine = H5Lexists(file, part, H5P_DEFAULT) > 0 && H5Lget_info(file, part, &link, H5P_DEFAULT) >= 0 &&
               link.type == H5L_TYPE_HARD && H5Oexists_by_name(file, part, H5P_DEFAULT) > 0;
        *end = kept;
    }
    free(part);
    H5Eclear2(H5E_DEFAULT);
    return fine;
}

static bool require(const nx_h5 *file, const char *path, nx_error *err)
{
    return there(file->id, path) || nx_fail(err, "%s: there is no %s in it", file->path, path);
}

/* The creation property that makes missing groups on the way. */
static hid_t with_parents(void)
{
    hid_t list = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(list, 1);
    H5Pset_char_encoding(list, H5T_CSET_UTF8);
    return list;
}

/* ---- files ---- */

/* Before all else: errors are asked for, not printed; and at the process's end the library does not look once more at a
 * file that could not be closed, which crashes it. Every file is closed here. */
static void enter_library(void)
{
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* Without HDF5's locks, so that a log can be read while it is written, and on file systems that have none. */
static hid_t file_access(void)
{
    enter_library();
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(list, false, true);
    H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
    return list;
}

static nx_h5 *file_new(hid_t id, const char *path, bool writable)
{
    nx_h5 *file = nx_alloc(sizeof *file);
    file->id = id, file->path = nx_copy_text(path), file->writable = writable;
    return file;
}

/* ---- files that were written here or walked already, by what a file system knows of them ---- */

enum { KNOWN = 256 };
static struct stat known[KNOWN]; /* the last ones */
static size_t n_known;

static bool is_known(const struct stat *file)
{
    for (size_t i = 0; i < n_known && i < KNOWN; i++)
        if (known[i].st_ino == file->st_ino && known[i].st_dev == file->st_dev && known[i].st_size == file->st_size &&
            known[i].st_mtim.tv_sec == file->st_mtim.tv_sec && known[i].st_mtim.tv_nsec == file->st_mtim.tv_nsec)
            return true;
    return false;
}

static void now_known(const char *path)
{
    struct stat file;
    if (!stat(path, &file) && !is_known(&file)) known[n_known++ % KNOWN] = file;
}

bool nx_h5_create(nx_h5 **out, const char *path, nx_error *err)
{
    *out = NULL;
    hid_t access = file_access();
    unlink(path); /* what a link leads to stays as it is */
    hid_t id = H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, access);
    shut(access, H5Pclose);
    if (id < 0) return fail(path, "create the file", "", err);
    *out = file_new(id, path, true);
    return true;
}

bool nx_h5_create_memory(nx_h5 **out, nx_error *err)
{
    static const char name[] = "a file in memory";
    *out = NULL;
    hid_t access = file_access();
    H5Pset_fapl_core(access, 1 << 20, false);
    hid_t id = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    shut(access, H5Pclose);
    if (id < 0) return fail(name, "create the file", "", err);
    *out = file_new(id, name, false);
    return true;
}

bool nx_h5_bytes(nx_h5 *file, void **data, size_t *bytes, nx_error *err)
{
    *data = NULL, *bytes = 0;
    if (!nx_h5_flush(file, err)) return false;
    ssize_t size = H5Fget_file_image(file->id, NULL, 0);
    if (size < 0) return fail(file->path, "take the bytes of", "the file", err);
    *data = nx_alloc((size_t)size);
    if (H5Fget_file_image(file->id, *data, (size_t)size) == size) return *bytes = (size_t)size, true;
    free(*data);
    *data = NULL;
    return fail(file->path, "take the bytes of", "the file", err);
}

hid_t nx_h5_id(const nx_h5 *file) { return file->id; }

bool nx_h5_open_unwalked(nx_h5 **out, const char *path, bool writable, nx_error *err)
{
    *out = NULL;
    hid_t access = file_access();
    hid_t id = H5Fopen(path, writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
    shut(access, H5Pclose);
    if (id < 0) return fail(path, "open the HDF5 file", "", err);
    *out = file_new(id, path, writable);
    return true;
}

bool nx_h5_open(nx_h5 **out, const char *path, bool writable, nx_error *err)
{
    struct stat file;
    *out = NULL;
    if (!nx_file_exists(path) || stat(path, &file)) return nx_fail(err, "%s: no such file", path);
    if (!nx_h5_is_file(path)) return nx_fail(err, "%s: not an HDF5 file, or one that cannot be read", path);
    if (!is_known(&file)) {
        if (!nx_h5_survives(path, (uint64_t)file.st_size, err)) return false;
        known[n_known++ % KNOWN] = file;
    }
    return nx_h5_open_unwalked(out, path, writable, err);
}

bool nx_h5_flush(nx_h5 *file, nx_error *err)
{
    return H5Fflush(file->id, H5F_SCOPE_LOCAL) >= 0 || fail(file->path, "write to the file", "", err);
}

bool nx_h5_close(nx_h5 *file, nx_error *err)
{
    if (!file) return true;
    bool fine = H5Fclose(file->id) >= 0 || fail(file->path, "close the file", "", err);
    if (fine && file->writable) now_known(file->path);
    free(file->path);
    free(file);
    return fine;
}

bool nx_h5_is_file(const char *path)
{
    enter_library();
    struct stat file;
    bool fine = !stat(path, &file) && S_ISREG(file.st_mode) && H5Fis_hdf5(path) > 0;
    H5Eclear2(H5E_DEFAULT);
    return fine;
}

/* ---- objects ---- */

static nx_h5_kind kind_of_type(hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return NX_H5_FLOATS;
    case H5T_INTEGER:
        return NX_H5_INTEGERS;
    case H5T_STRING:
        return NX_H5_TEXT;
    default:
        return NX_H5_OTHER;
    }
}

nx_h5_kind nx_h5_kind_of(const nx_h5 *file, const char *path)
{
    if (!there(file->id, path)) return NX_H5_NONE;
    hid_t object = H5Oopen(file->id, path, H5P_DEFAULT), type = NONE;
    nx_h5_kind kind = NX_H5_OTHER;
    if (H5Iget_type(object) == H5I_GROUP) kind = NX_H5_GROUP;
    if (H5Iget_type(object) == H5I_DATASET && (type = H5Dget_type(object)) >= 0) kind = kind_of_type(type);
    shut(type, H5Tclose);
    shut(object, H5Oclose);
    return kind;
}

bool nx_h5_exists(const nx_h5 *file, const char *path) { return there(file->id, path); }

bool nx_h5_group(nx_h5 *file, const char *path, nx_error *err)
{
    nx_h5_kind kind = nx_h5_kind_of(file, path);
    if (kind == NX_H5_GROUP) return true;
    if (kind != NX_H5_NONE) return nx_fail(err, "%s: %s is there already and is no group", file->path, path);
    hid_t links = with_parents(), group = H5Gcreate2(file->id, path, links, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = group >= 0 || fail(file->path, "make the group", path, err);
    shut(group, H5Gclose);
    shut(links, H5Pclose);
    return fine;
}

bool nx_h5_delete(nx_h5 *file, const char *path, nx_error *err)
{
    if (!require(file, path, err)) return false;
    return H5Ldelete(file->id, path, H5P_DEFAULT) >= 0 || fail(file->path, "delete", path, err);
}

static void add_name(nx_h5_names *list, const char *name)
{
    NX_GROW(list->names, list->count);
    list->names[list->count++] = nx_copy_text(name);
}

static herr_t on_link(hid_t group, const char *name, const H5L_info_t *info, void *list)
{
    (void)group;
    if (info->type == H5L_TYPE_HARD) add_name(list, name);
    return 0;
}

static herr_t on_attribute(hid_t object, const char *name, const H5A_info_t *info, void *list)
{
    (void)object, (void)info;
    add_name(list, name);
    return 0;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Both lists of names: the links of a group or the attributes of an object. */
static bool list_names(const nx_h5 *file, const char *path, bool links, nx_h5_names *out, nx_error *err)
{
    *out = (nx_h5_names){0};
    if (!require(file, path, err)) return false;
    hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
    bool fine = object >= 0;
    if (fine && links)
        fine = H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, on_link, out) >= 0;
    else if (fine)
        fine = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, on_attribute, out) >= 0;
    shut(object, H5Oclose);
    if (!fine) {
        nx_h5_names_free(out);
        return fail(file->path, "list", path, err);
    }
    if (out->count) qsort(out->names, out->count, sizeof *out->names, by_bytes);
    return true;
}

bool nx_h5_children(const nx_h5 *file, const char *path, nx_h5_names *out, nx_error *err)
{
    return list_names(file, path, true, out, err);
}

bool nx_h5_attributes(const nx_h5 *file, const char *path, nx_h5_names *out, nx_error *err)
{
    return list_names(file, path, false, out, err);
}

void nx_h5_names_free(nx_h5_names *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->count; i++) free(list->names[i]);
    free(list->names);
    *list = (nx_h5_names){0};
}

/* ---- strings, which attributes and datasets share ---- */

/* length 0: of any length, the pointer type; else that many bytes with the closing zero. */
static hid_t string_type(size_t length, H5T_cset_t set)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length ? length : H5T_VARIABLE);
    H5Tset_cset(type, set);
    return type;
}

#define TEXT_MAX ((size_t)64 << 20) /* bytes of a string of fixed length */

/* Reads the one string of an attribute or a dataset, whichever id is not NONE. HDF5 converts neither between character
 * sets nor between fixed and free lengths, so the type in memory follows the one in the file. */
static bool read_string(hid_t attribute, hid_t dataset, char **out)
{
    *out = NULL;
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : H5Dget_type(dataset);
    hid_t space = attribute >= 0 ? H5Aget_space(attribute) : H5Dget_space(dataset);
    bool one = type >= 0 && H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1 &&
               (H5Tis_variable_str(type) > 0 || H5Tget_size(type) <= TEXT_MAX);
    if (one) {
        bool free_length = H5Tis_variable_str(type) > 0;
        size_t room = free_length ? sizeof(char *) : H5Tget_size(type) + 1;
        hid_t memory = string_type(free_length ? 0 : room, H5Tget_cset(type));
        char *fixed = nx_alloc(room), *pointer = NULL;
        void *into = free_length ? (void *)&pointer : fixed;
        one = (attribute >= 0 ? H5Aread(attribute, memory, into)
                              : H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, into)) >= 0;
        if (one) *out = nx_copy_text(free_length ? (pointer ? pointer : "") : fixed);
        if (pointer) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &pointer);
        free(fixed);
        shut(memory, H5Tclose);
    }
    shut(space, H5Sclose);
    shut(type, H5Tclose);
    return one;
}

/* ---- attributes ---- */

#define SCALAR ((hssize_t)-1)

static bool put_attribute(hid_t object, const char *name, hid_t file_type, hid_t memory_type, const void *value,
                          hssize_t count)
{
    if (H5Aexists(object, name) > 0 && H5Adelete(object, name) < 0) return false;
    hid_t space = count < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &(hsize_t){(hsize_t)count}, NULL);
    hid_t attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, memory_type, value) >= 0;
    shut(attribute, H5Aclose);
    shut(space, H5Sclose);
    return fine;
}

static bool set_attribute(nx_h5 *file, const char *path, const char *name, hid_t file_type, hid_t memory_type,
                          const void *value, hssize_t count, nx_error *err)
{
    if (!require(file, path, err)) return false;
    hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
    bool fine = object >= 0 && put_attribute(object, name, file_type, memory_type, value, count);
    shut(object, H5Oclose);
    return fine || fail(file->path, "write the attribute", name, err);
}

bool nx_h5_has_attribute(const nx_h5 *file, const char *path, const char *name)
{
    bool has = there(file->id, path) && H5Aexists_by_name(file->id, path, name, H5P_DEFAULT) > 0;
    H5Eclear2(H5E_DEFAULT);
    return has;
}

bool nx_h5_set_string(nx_h5 *file, const char *path, const char *name, const char *value, nx_error *err)
{
    hid_t type = string_type(0, H5T_CSET_UTF8);
    bool fine = set_attribute(file, path, name, type, type, &value, SCALAR, err);
    shut(type, H5Tclose);
    return fine;
}

bool nx_h5_set_int(nx_h5 *file, const char *path, const char *name, int64_t value, nx_error *err)
{
    return set_attribute(file, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, SCALAR, err);
}

bool nx_h5_set_ints(nx_h5 *file, const char *path, const char *name, const int64_t *values, size_t count, nx_error *err)
{
    return set_attribute(file, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, values, (hssize_t)count, err);
}

bool nx_h5_set_double(nx_h5 *file, const char *path, const char *name, double value, nx_error *err)
{
    return set_attribute(file, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, SCALAR, err);
}

static bool open_attribute(const nx_h5 *file, const char *path, const char *name, hid_t *out, nx_error *err)
{
    if (!require(file, path, err)) return false;
    if (!nx_h5_has_attribute(file, path, name))
        return nx_fail(err, "%s: %s has no attribute %s", file->path, path, name);
    *out = H5Aopen_by_name(file->id, path, name, H5P_DEFAULT, H5P_DEFAULT);
    return *out >= 0 || fail(file->path, "open the attribute", name, err);
}

bool nx_h5_get_string(const nx_h5 *file, const char *path, const char *name, char **value, nx_error *err)
{
    hid_t attribute;
    *value = NULL;
    if (!open_attribute(file, path, name, &attribute, err)) return false;
    bool fine = read_string(attribute, NONE, value);
    shut(attribute, H5Aclose);
    return fine || nx_fail(err, "%s: the attribute %s of %s is not one string", file->path, name, path);
}

static bool get_number(const nx_h5 *file, const char *path, const char *name, H5T_class_t class, hid_t memory_type,
                       void *value, nx_error *err)
{
    hid_t attribute;
    if (!open_attribute(file, path, name, &attribute, err)) return false;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    bool fine = H5Tget_class(type) == class && H5Sget_simple_extent_npoints(space) == 1 &&
                H5Aread(attribute, memory_type, value) >= 0;
    shut(space, H5Sclose);
    shut(type, H5Tclose);
    shut(attribute, H5Aclose);
    return fine || nx_fail(err, "%s: the attribute %s of %s is not one %s", file->path, name, path,
                           class == H5T_INTEGER ? "integer" : "floating-point number");
}

bool nx_h5_get_int(const nx_h5 *file, const char *path, const char *name, int64_t *value, nx_error *err)
{
    return get_number(file, path, name, H5T_INTEGER, H5T_NATIVE_INT64, value, err);
}

bool nx_h5_get_double(const nx_h5 *file, const char *path, const char *name, double *value, nx_error *err)
{
    return get_number(file, path, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value, err);
}

#define INTS_MAX (1 << 24) /* numbers in an attribute */

bool nx_h5_get_ints(const nx_h5 *file, const char *path, const char *name, int64_t **values, size_t *count,
                    nx_error *err)
{
    hid_t attribute;
    *values = NULL, *count = 0;
    if (!open_attribute(file, path, name, &attribute, err)) return false;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    hssize_t length = H5Sget_simple_extent_npoints(space);
    bool fine = H5Tget_class(type) == H5T_INTEGER && H5Sget_simple_extent_ndims(space) == 1 && length >= 0 &&
                length <= INTS_MAX;
    if (fine) {
        *count = (size_t)length;
        *values = nx_alloc((*count + 1) * sizeof **values);
        fine = H5Aread(attribute, H5T_NATIVE_INT64, *values) >= 0;
    }
    shut(space, H5Sclose);
    shut(type, H5Tclose);
    shut(attribute, H5Aclose);
    if (fine) return true;
    free(*values);
    *values = NULL;
    return nx_fail(err, "%s: the attribute %s of %s is not a list of integers", file->path, name, path);
}

/* ---- whole datasets ---- */

/* Makes the dataset, in place of one that was there, and writes it. */
static bool write_dataset(nx_h5 *file, const char *path, hid_t file_type, hid_t memory_type, int rank, const int *shape,
                          const void *data, nx_error *err)
{
    NX_CHECK(rank >= 0 && rank <= NX_H5_RANK_MAX, "%s: rank %d", path, rank);
    if (there(file->id, path) && !nx_h5_delete(file, path, err)) return false;
    hsize_t dims[NX_H5_RANK_MAX];
    for (int i = 0; i < rank; i++) dims[i] = (hsize_t)shape[i];
    hid_t space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR), links = with_parents();
    hid_t dataset = H5Dcreate2(file->id, path, file_type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = dataset >= 0 && H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    if (!fine) fail(file->path, "write", path, err);
    shut(dataset, H5Dclose);
    shut(links, H5Pclose);
    shut(space, H5Sclose);
    return fine;
}

bool nx_h5_write_text(nx_h5 *file, const char *path, const char *text, nx_error *err)
{
    hid_t type = string_type(0, H5T_CSET_UTF8);
    bool fine = write_dataset(file, path, type, type, 0, NULL, &text, err);
    shut(type, H5Tclose);
    return fine;
}

/* HDF5 has no name for it: 1 sign, 8 bits of exponent, 7 of the number. To be closed. */
static hid_t bfloat16_type(void)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    bool fine =
        H5Tset_fields(type, 15, 7, 8, 0, 7) >= 0 && H5Tset_precision(type, 16) >= 0 && H5Tset_size(type, 2) >= 0;
    NX_CHECK(fine, "HDF5 makes no type of 16 bits");
    return type;
}

static bool is_bfloat16(hid_t type)
{
    if (H5Tget_size(type) != sizeof(uint16_t)) return false;
    hid_t wanted = bfloat16_type();
    bool same = H5Tequal(type, wanted) > 0;
    shut(wanted, H5Tclose);
    return same;
}

bool nx_h5_write_bfloat16(nx_h5 *file, const char *path, const float *data, int rank, const int *shape, nx_error *err)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
    uint16_t *half = nx_alloc((count + 1) * sizeof *half);
    for (size_t i = 0; i < count; i++) half[i] = nx_to_bfloat16(data[i]);
    hid_t type = bfloat16_type();
    bool fine = write_dataset(file, path, type, type, rank, shape, half, err);
    shut(type, H5Tclose);
    free(half);
    return fine;
}

/* Into count floats: quicker by far than HDF5's own conversion, and the same. */
static bool read_bfloat16(hid_t dataset, hid_t type, float *data, size_t count)
{
    uint16_t *half = (uint16_t *)data + count; /* the upper half of the same bytes */
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, half) < 0) return false;
    for (size_t i = 0; i < count; i++) {
        uint16_t stored;
        memcpy(&stored, &half[i], sizeof stored);
        data[i] = nx_from_bfloat16(stored);
    }
    return true;
}

bool nx_h5_write_float(nx_h5 *file, const char *path, const float *data, int rank, const int *shape, nx_error *err)
{
    return write_dataset(file, path, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, rank, shape, data, err);
}

static bool open_dataset(const nx_h5 *file, const char *path, hid_t *out, nx_error *err)
{
    if (!require(file, path, err)) return false;
    if (nx_h5_kind_of(file, path) == NX_H5_GROUP)
        return nx_fail(err, "%s: %s is a group, not a dataset", file->path, path);
    *out = H5Dopen2(file->id, path, H5P_DEFAULT);
    return *out >= 0 || fail(file->path, "open", path, err);
}

bool nx_h5_read_text(const nx_h5 *file, const char *path, char **text, nx_error *err)
{
    hid_t dataset;
    *text = NULL;
    if (!open_dataset(file, path, &dataset, err)) return false;
    bool fine = read_string(NONE, dataset, text);
    shut(dataset, H5Dclose);
    return fine || nx_fail(err, "%s: %s is not one string", file->path, path);
}

static bool get_shape(const nx_h5 *file, const char *path, hid_t space, int *rank, int *shape, nx_error *err)
{
    hsize_t dims[H5S_MAX_RANK];
    *rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (*rank < 0) return fail(file->path, "read the shape of", path, err);
    if (*rank > NX_H5_RANK_MAX)
        return nx_fail(err, "%s: %s has %d dimensions, at most %d are read", file->path, path, *rank, NX_H5_RANK_MAX);
    for (int i = 0; i < *rank; i++) {
        if (dims[i] > INT_MAX) return nx_fail(err, "%s: %s is too large", file->path, path);
        shape[i] = (int)dims[i];
    }
    return true;
}

bool nx_h5_shape(const nx_h5 *file, const char *path, int *rank, int shape[NX_H5_RANK_MAX], nx_error *err)
{
    hid_t dataset;
    if (!open_dataset(file, path, &dataset, err)) return false;
    hid_t space = H5Dget_space(dataset);
    bool fine = get_shape(file, path, space, rank, shape, err);
    shut(space, H5Sclose);
    shut(dataset, H5Dclose);
    return fine;
}

/* True if no value of the file's type changes in memory's; floats may lose digits, as float does. */
static bool fits(hid_t file_type, hid_t memory_type)
{
    if (H5Tget_class(file_type) != H5Tget_class(memory_type)) return false;
    if (H5Tget_class(file_type) == H5T_FLOAT) return true;
    return H5Tget_size(file_type) <= H5Tget_size(memory_type) && H5Tget_sign(file_type) == H5Tget_sign(memory_type);
}

/* What is stored bounds what is read: a shape must not ask for all the memory there is, and the bytes must be this
 * file's own. */
static bool check_stored(const nx_h5 *file, const char *path, hid_t dataset, hid_t space, hid_t type, nx_error *err)
{
    if (nx_h5_elsewhere(dataset))
        return nx_fail(err, "%s: %s lies in another file: only what is in this one is read", file->path, path);
    hid_t list = H5Dget_create_plist(dataset);
    bool chunked = H5Pget_layout(list) == H5D_CHUNKED;
    size_t stored = (size_t)H5Dget_storage_size(dataset), bytes = nx_h5_extent(space, H5Tget_size(type));
    shut(list, H5Pclose);
    return (chunked ? nx_h5_bounded(bytes, stored) : bytes <= stored) ||
           nx_fail(err, "%s: %s is not all there", file->path, path);
}

static bool read_dataset(const nx_h5 *file, const char *path, hid_t memory_type, const char *wanted, void **data,
                         int *rank, int *shape, nx_error *err)
{
    hid_t dataset;
    *data = NULL;
    if (!open_dataset(file, path, &dataset, err)) return false;
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    bool fine = get_shape(file, path, space, rank, shape, err);
    if (fine && !fits(type, memory_type)) fine = nx_fail(err, "%s: %s does not hold %s", file->path, path, wanted);
    fine = fine && check_stored(file, path, dataset, space, type, err);
    size_t count = 1;
    if (fine) {
        for (int i = 0; i < *rank; i++) count = nx_times(count, (size_t)shape[i]);
        *data = nx_try_alloc(nx_times(count, H5Tget_size(memory_type)));
        if (!*data) fine = nx_fail(err, "%s: %s is too large for the memory", file->path, path);
    }
    bool half = fine && memory_type == H5T_NATIVE_FLOAT && is_bfloat16(type);
    fine = fine && ((half ? read_bfloat16(dataset, type, *data, count)
                          : H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *data) >= 0) ||
                    fail(file->path, "read", path, err));
    if (!fine) {
        free(*data);
        *data = NULL;
    }
    shut(type, H5Tclose);
    shut(space, H5Sclose);
    shut(dataset, H5Dclose);
    return fine;
}

bool nx_h5_read_float(const nx_h5 *file, const char *path, float **data, int *rank, int shape[NX_H5_RANK_MAX],
                      nx_error *err)
{
    return read_dataset(file, path, H5T_NATIVE_FLOAT, "floats", (void **)data, rank, shape, err);
}

bool nx_h5_read_uint8(const nx_h5 *file, const char *path, uint8_t **data, int *rank, int shape[NX_H5_RANK_MAX],
                      nx_error *err)
{
    return read_dataset(file, path, H5T_NATIVE_UINT8, "unsigned bytes", (void **)data, rank, shape, err);
}

/* ---- datasets that grow ---- */

/* Opens the dataset to append to, or makes it: [0, the rest of dims], one chunk being dims. */
static bool open_growing(nx_h5 *file, const char *path, hid_t type, int rank, const hsize_t *dims, bool compress,
                         hid_t *out, nx_error *err)
{
    if (there(file->id, path)) return open_dataset(file, path, out, err);
    hsize_t now[NX_H5_RANK_MAX], most[NX_H5_RANK_MAX];
    for (int i = 0; i < rank; i++) now[i] = i ? dims[i] : 0, most[i] = i ? dims[i] : H5S_UNLIMITED;
    hid_t space = H5Screate_simple(rank, now, most), links = with_parents(), layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(layout, rank, dims);
    if (compress && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0) H5Pset_deflate(layout, 4);
    *out = H5Dcreate2(file->id, path, type, space, links, layout, H5P_DEFAULT);
    bool fine = *out >= 0 || fail(file->path, "make", path, err);
    shut(layout, H5Pclose);
    shut(links, H5Pclose);
    shut(space, H5Sclose);
    return fine;
}

/* Appends count elements along the first axis; dims[1..] must be those of the dataset. */
static bool append(nx_h5 *file, const char *path, hid_t dataset, hid_t memory_type, int rank, const hsize_t *dims,
                   size_t count, const void *data, nx_error *err)
{
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset), memory = NONE;
    hsize_t now[H5S_MAX_RANK] = {0}, most[H5S_MAX_RANK] = {0}, start[NX_H5_RANK_MAX] = {0}, part[NX_H5_RANK_MAX];
    bool fits_it = H5Sget_simple_extent_dims(space, now, most) == rank && most[0] == H5S_UNLIMITED &&
                   H5Tget_class(type) == H5Tget_class(memory_type) && H5Tget_size(type) == H5Tget_size(memory_type) &&
                   (H5Tget_class(type) == H5T_FLOAT || H5Tget_sign(type) == H5Tget_sign(memory_type));
    for (int i = 1; fits_it && i < rank; i++) fits_it = now[i] == dims[i];
    bool fine = fits_it || nx_fail(err, "%s: cannot append to %s: it has another type or shape", file->path, path);
    if (fine && count) {
        for (int i = 0; i < rank; i++) part[i] = i ? dims[i] : count;
        start[0] = now[0];
        now[0] += count;
        shut(space, H5Sclose);
        space = H5Dset_extent(dataset, now) >= 0 ? H5Dget_space(dataset) : NONE;
        memory = H5Screate_simple(rank, part, NULL);
        fine = space >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, part, NULL) >= 0 &&
               H5Dwrite(dataset, memory_type, memory, space, H5P_DEFAULT, data) >= 0;
        if (!fine) fail(file->path, "append to", path, err);
    }
    shut(memory, H5Sclose);
    shut(type, H5Tclose);
    shut(space, H5Sclose);
    return fine;
}

static bool append_series(nx_h5 *file, const char *path, hid_t file_type, hid_t memory_type, size_t count,
                          const void *values, nx_error *err)
{
    const hsize_t chunk = 1024;
    hid_t dataset;
    if (!open_growing(file, path, file_type, 1, &chunk, false, &dataset, err)) return false;
    bool fine = append(file, path, dataset, memory_type, 1, &chunk, count, values, err);
    shut(dataset, H5Dclose);
    return fine;
}

static bool read_series(const nx_h5 *file, const char *path, hid_t memory_type, const char *wanted, void **values,
                        size_t *count, nx_error *err)
{
    int rank, shape[NX_H5_RANK_MAX];
    *count = 0;
    if (!read_dataset(file, path, memory_type, wanted, values, &rank, shape, err)) return false;
    if (rank != 1) {
        free(*values);
        *values = NULL;
        return nx_fail(err, "%s: %s has %d dimensions, not one", file->path, path, rank);
    }
    *count = (size_t)shape[0];
    return true;
}

bool nx_h5_append_double(nx_h5 *file, const char *path, const double *values, size_t count, nx_error *err)
{
    return append_series(file, path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, count, values, err);
}

bool nx_h5_append_int64(nx_h5 *file, const char *path, const int64_t *values, size_t count, nx_error *err)
{
    return append_series(file, path, H5T_STD_I64LE, H5T_NATIVE_INT64, count, values, err);
}

bool nx_h5_append_uint64(nx_h5 *file, const char *path, const uint64_t *values, size_t count, nx_error *err)
{
    return append_series(file, path, H5T_STD_U64LE, H5T_NATIVE_UINT64, count, values, err);
}

bool nx_h5_read_double(const nx_h5 *file, const char *path, double **values, size_t *count, nx_error *err)
{
    return read_series(file, path, H5T_NATIVE_DOUBLE, "floats", (void **)values, count, err);
}

bool nx_h5_read_int64(const nx_h5 *file, const char *path, int64_t **values, size_t *count, nx_error *err)
{
    return read_series(file, path, H5T_NATIVE_INT64, "signed integers", (void **)values, count, err);
}

bool nx_h5_read_uint64(const nx_h5 *file, const char *path, uint64_t **values, size_t *count, nx_error *err)
{
    return read_series(file, path, H5T_NATIVE_UINT64, "unsigned integers", (void **)values, count, err);
}

/* HDF5's "Image and Palette Specification" 1.2: strings of fixed length. */
static const struct {
    const char *name, *value;
} image_attributes[] = {
    {"CLASS", "IMAGE"},
    {"IMAGE_VERSION", "1.2"},
    {"IMAGE_SUBCLASS", "IMAGE_TRUECOLOR"},
    {"INTERLACE_MODE", "INTERLACE_PIXEL"},
};

static bool mark_images(nx_h5 *file, const char *path, hid_t dataset, nx_error *err)
{
    bool fine = true;
    for (size_t i = 0; fine && i < sizeof image_attributes / sizeof *image_attributes; i++) {
        const char *value = image_attributes[i].value;
        hid_t type = string_type(strlen(value) + 1, H5T_CSET_ASCII);
        fine = put_attribute(dataset, image_attributes[i].name, type, type, value, SCALAR) ||
               fail(file->path, "write the attributes of", path, err);
        shut(type, H5Tclose);
    }
    return fine;
}

bool nx_h5_append_image(nx_h5 *file, const char *path, const uint8_t *rgb, int height, int width, nx_error *err)
{
    bool fresh = !there(file->id, path);
    hsize_t dims[4] = {1, (hsize_t)height, (hsize_t)width, 3};
    hid_t dataset;
    if (!open_growing(file, path, H5T_STD_U8LE, 4, dims, true, &dataset, err)) return false;
    bool fine = (!fresh || mark_images(file, path, dataset, err)) &&
                append(file, path, dataset, H5T_NATIVE_UINT8, 4, dims, 1, rgb, err);
    shut(dataset, H5Dclose);
    return fine;
}

bool nx_h5_reserve_images(nx_h5 *file, const char *path, int count, int height, int width, nx_error *err)
{
    hsize_t dims[4] = {(hsize_t)count, (hsize_t)height, (hsize_t)width, 3};
    hid_t space = H5Screate_simple(4, dims, NULL), links = with_parents(), layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(layout, H5D_CONTIGUOUS);
    H5Pset_alloc_time(layout, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(layout, H5D_FILL_TIME_NEVER);
    hid_t dataset = H5Dcreate2(file->id, path, H5T_STD_U8LE, space, links, layout, H5P_DEFAULT);
    bool fine = dataset >= 0 ? mark_images(file, path, dataset, err) : fail(file->path, "make", path, err);
    shut(dataset, H5Dclose);
    shut(layout, H5Pclose);
    shut(links, H5Pclose);
    shut(space, H5Sclose);
    return fine;
}

bool nx_h5_place(const nx_h5 *file, const char *path, uint64_t *offset, uint64_t *bytes, nx_error *err)
{
    hid_t dataset;
    if (!open_dataset(file, path, &dataset, err)) return false;
    hid_t type = H5Dget_type(dataset);
    haddr_t at = H5Dget_offset(dataset);
    bool fine =
        H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == 1 && at != HADDR_UNDEF && !nx_h5_elsewhere(dataset);
    *offset = at, *bytes = H5Dget_storage_size(dataset);
    shut(type, H5Tclose);
    shut(dataset, H5Dclose);
    H5Eclear2(H5E_DEFAULT);
    return fine || nx_fail(err, "%s: %s is not stored as plain bytes in one piece", file->path, path);
}
