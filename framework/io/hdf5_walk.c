/* The walk goes to every object once, reads every attribute by each of the calls that may read it, and of every dataset
 * what can go wrong: all of the chunks, which are found through trees and unpacked by filters; of what lies in one
 * piece only both ends, since its bytes are just read, however many they are.
 *
 * Beside crashes it looks for what other readers would have to look for again and again: a second name of an object
 * (so that links form neither circles nor trees of endless paths), links and data out of the file, and more data than a
 * file of this size can hold. */
#include "io/hdf5_walk.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 32,           /* groups inside groups */
    PACKED_MAX = 1100,        /* times that a dataset unpacks to: of deflate, with room */
    SLACK = 16 << 20,         /* bytes of it that may stand for nothing */
    FILE_PACKED_MAX = 200,    /* the same of a whole file, which is never so dull all over */
    FILE_SLACK = 256 << 20,   /* bytes */
    PART = 4 << 20,           /* bytes of chunks read at once, if a chunk is no larger */
    MEMORY = 1 << 30,         /* bytes for the walk, and four times those of the file */
    SECONDS = 1,              /* of the processor, and one more for so many bytes: */
    BYTES_A_SECOND = 8 << 20, /* of the file */
    UNPACKED_A_SECOND = 64 << 20
};

size_t nx_h5_extent(hid_t space, size_t each)
{
    hsize_t dims[H5S_MAX_RANK];
    if (H5Sget_simple_extent_type(space) == H5S_NULL) return 0;
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank < 0) return SIZE_MAX;
    for (int i = 0; i < rank; i++) each = nx_times(each, (size_t)dims[i]);
    return each;
}

bool nx_h5_bounded(size_t bytes, size_t stored) { return bytes <= SLACK || bytes <= nx_times(stored, PACKED_MAX); }

bool nx_h5_elsewhere(hid_t dataset)
{
    hid_t list = H5Dget_create_plist(dataset);
    bool elsewhere = list < 0 || H5Pget_layout(list) == H5D_VIRTUAL || H5Pget_external_count(list) != 0;
    if (list >= 0) H5Pclose(list);
    return elsewhere;
}

/* ---- objects, each once ---- */

typedef struct walk {
    nx_h5 *file;
    const char *path;
    size_t bytes;         /* of the file */
    size_t stored, total; /* of the datasets so far, packed and unpacked */
    haddr_t *seen;        /* a table of addresses, HADDR_UNDEF being none */
    size_t n_seen, room;  /* room: a power of two */
    nx_error *err;
} walk;

/* Puts the address into the table; false if it is there. */
static bool put(haddr_t *table, size_t room, haddr_t address)
{
    size_t i = (size_t)(address * 0x9E3779B97F4A7C15u) & (room - 1);
    for (; table[i] != HADDR_UNDEF; i = (i + 1) & (room - 1))
        if (table[i] == address) return false;
    table[i] = address;
    return true;
}

static bool first_time(walk *w, haddr_t address)
{
    if (2 * w->n_seen >= w->room) {
        size_t room = w->room ? 2 * w->room : 64;
        haddr_t *larger = nx_alloc(room * sizeof *larger);
        memset(larger, 0xFF, room * sizeof *larger); /* HADDR_UNDEF */
        for (size_t i = 0; i < w->room; i++)
            if (w->seen[i] != HADDR_UNDEF) put(larger, room, w->seen[i]);
        free(w->seen);
        w->seen = larger, w->room = room;
    }
    bool first = put(w->seen, w->room, address);
    w->n_seen += first;
    return first;
}

/* ---- attributes ---- */

static void read_attributes(const walk *w, const char *path)
{
    nx_h5_names names;
    if (!nx_h5_attributes(w->file, path, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++) {
        char *text;
        int64_t whole, *wholes;
        double real;
        size_t count;
        if (nx_h5_get_string(w->file, path, names.names[i], &text, NULL)) free(text);
        if (nx_h5_get_ints(w->file, path, names.names[i], &wholes, &count, NULL)) free(wholes);
        nx_h5_get_int(w->file, path, names.names[i], &whole, NULL);
        nx_h5_get_double(w->file, path, names.names[i], &real, NULL);
    }
    nx_h5_names_free(&names);
}

/* ---- datasets ---- */

typedef struct box {
    int rank;
    hsize_t dims[H5S_MAX_RANK], start[H5S_MAX_RANK], count[H5S_MAX_RANK];
} box;

static size_t box_size(const box *b, size_t each)
{
    for (int i = 0; i < b->rank; i++) each = nx_times(each, (size_t)b->count[i]);
    return each;
}

/* Reads the box's elements as memory_type; what fails is an error when it is read in earnest. False if there is no
 * memory for it. */
static bool read_box(hid_t dataset, hid_t space, hid_t memory_type, const box *b)
{
    void *data = nx_try_alloc(box_size(b, H5Tget_size(memory_type)));
    hid_t memory = b->rank ? H5Screate_simple(b->rank, b->count, NULL) : H5Screate(H5S_SCALAR);
    if (b->rank) H5Sselect_hyperslab(space, H5S_SELECT_SET, b->start, NULL, b->count, NULL);
    if (data) H5Dread(dataset, memory_type, memory, space, H5P_DEFAULT, data);
    H5Sclose(memory);
    free(data);
    return data != NULL;
}

/* The first and the last element, in each type that a reader may want. */
static bool read_ends(hid_t dataset, hid_t space, const hid_t *types, int n_types, box b)
{
    bool fine = true;
    for (int i = 0; i < b.rank; i++) {
        if (!b.dims[i]) return true;
        b.count[i] = 1;
    }
    for (int end = 0; end < 2; end++) {
        for (int i = 0; i < b.rank; i++) b.start[i] = end ? b.dims[i] - 1 : 0;
        for (int t = 0; t < n_types; t++) fine = read_box(dataset, space, types[t], &b) && fine;
    }
    return fine;
}

/* All chunks, row of chunks by row of chunks along the first axis. */
static bool read_chunks(hid_t dataset, hid_t space, hid_t memory_type, hsize_t chunk, box b)
{
    memcpy(b.count, b.dims, sizeof b.count);
    b.count[0] = 1;
    size_t row = box_size(&b, H5Tget_size(memory_type)), rows = row && row < PART ? PART / row : 1;
    rows = rows < chunk ? (size_t)chunk : rows / chunk * chunk;
    for (b.start[0] = 0; b.start[0] < b.dims[0]; b.start[0] += b.count[0]) {
        b.count[0] = b.dims[0] - b.start[0] < rows ? b.dims[0] - b.start[0] : rows;
        if (!read_box(dataset, space, memory_type, &b)) return false;
    }
    return true;
}

static bool read_numbers(walk *w, const char *path, hid_t dataset, hid_t space, hid_t type)
{
    const hid_t floats[] = {H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE},
                integers[] = {H5T_NATIVE_UINT8, H5T_NATIVE_INT64, H5T_NATIVE_UINT64};
    bool real = H5Tget_class(type) == H5T_FLOAT;
    box b = {.rank = H5Sget_simple_extent_ndims(space)};
    hid_t list = H5Dget_create_plist(dataset);
    hsize_t chunk[H5S_MAX_RANK];
    bool chunked = H5Pget_layout(list) == H5D_CHUNKED && H5Pget_chunk(list, H5S_MAX_RANK, chunk) == b.rank && b.rank;
    H5Pclose(list);
    if (b.rank < 0 || H5Sget_simple_extent_type(space) == H5S_NULL) return true;
    H5Sget_simple_extent_dims(space, b.dims, NULL);
    bool fine = real ? read_ends(dataset, space, floats, 2, b) : read_ends(dataset, space, integers, 3, b);
    if (chunked && b.dims[0]) {
        nx_child_allow((unsigned)(nx_h5_extent(space, H5Tget_size(type)) / UNPACKED_A_SECOND));
        hid_t as = real ? H5T_NATIVE_FLOAT : H5Tget_size(type) > 1 ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT8;
        fine = fine && read_chunks(dataset, space, as, chunk[0], b);
    }
    return fine || nx_fail(w->err, "%s: %s is in chunks too large for the memory", w->path, path);
}

static bool read_dataset(walk *w, const char *path, hid_t dataset)
{
    if (nx_h5_elsewhere(dataset))
        return nx_fail(w->err, "%s: %s lies in another file: only what is in this one is read", w->path, path);
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    bool fine = true;
    if (space >= 0 && type >= 0) {
        size_t stored = (size_t)H5Dget_storage_size(dataset), bytes = nx_h5_extent(space, H5Tget_size(type));
        w->stored += stored < SIZE_MAX - w->stored ? stored : SIZE_MAX - w->stored;
        w->total += bytes < SIZE_MAX - w->total ? bytes : SIZE_MAX - w->total;
        H5T_class_t class = H5Tget_class(type);
        char *text;
        if (w->stored > w->bytes || !nx_h5_bounded(bytes, stored) ||
            w->total > FILE_SLACK + nx_times(w->bytes, FILE_PACKED_MAX))
            fine = nx_fail(w->err, "%s: damaged: at %s its data is more than its %zu bytes can hold", w->path, path,
                           w->bytes);
        else if (class == H5T_FLOAT || class == H5T_INTEGER)
            fine = read_numbers(w, path, dataset, space, type);
        else if (class == H5T_STRING && nx_h5_read_text(w->file, path, &text, NULL))
            free(text);
    }
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return fine;
}

/* ---- groups ---- */

static herr_t stop_outside(hid_t group, const char *name, const H5L_info_t *info, void *out)
{
    (void)group;
    if (info->type == H5L_TYPE_HARD || info->type == H5L_TYPE_SOFT) return 0;
    *(char **)out = nx_copy_text(name);
    return 1;
}

static bool walk_object(walk *w, const char *path, int depth);

static bool walk_group(walk *w, const char *path, hid_t group, int depth)
{
    nx_h5_names names;
    char *outside = NULL;
    if (depth > DEPTH_MAX) return nx_fail(w->err, "%s: groups more than %d deep", w->path, DEPTH_MAX);
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, stop_outside, &outside);
    if (outside) {
        nx_fail(w->err, "%s: %s/%s is a link to another file: only what is in this one is read", w->path,
                depth ? path : "", outside);
        free(outside);
        return false;
    }
    if (!nx_h5_children(w->file, path, &names, NULL)) return true; /* an error to who wants to read it */
    bool fine = true;
    for (size_t i = 0; fine && i < names.count; i++) {
        char *below = nx_format("%s/%s", depth ? path : "", names.names[i]);
        fine = walk_object(w, below, depth + 1);
        free(below);
    }
    nx_h5_names_free(&names);
    return fine;
}

static bool walk_object(walk *w, const char *path, int depth)
{
    H5O_info_t info;
    if (depth && !nx_h5_exists(w->file, path)) return true;
    hid_t object = H5Oopen(nx_h5_id(w->file), path, H5P_DEFAULT);
    bool fine = true;
    if (object >= 0 && H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0) {
        fine =
            first_time(w, info.addr) ||
            nx_fail(w->err, "%s: %s is a second name of what is elsewhere in the file: links in circles are not read",
                    w->path, path);
        if (fine) read_attributes(w, path);
        if (fine && info.type == H5O_TYPE_GROUP) fine = walk_group(w, path, object, depth);
        if (fine && info.type == H5O_TYPE_DATASET) fine = read_dataset(w, path, object);
    }
    if (object >= 0) H5Oclose(object);
    H5Eclear2(H5E_DEFAULT);
    return fine;
}

/* ---- the door ---- */

typedef struct subject {
    const char *path;
    size_t bytes;
} subject;

static bool walk_file(const void *context, nx_error *err)
{
    const subject *s = context;
    walk w = {.path = s->path, .bytes = s->bytes, .err = err};
    if (!nx_h5_open_unwalked(&w.file, s->path, false, err)) return false;
    bool fine = walk_object(&w, "/", 0);
    free(w.seen);
    nx_h5_close(w.file, NULL);
    return fine;
}

bool nx_h5_survives(const char *path, uint64_t bytes, nx_error *err)
{
    const subject s = {path, (size_t)bytes};
    const nx_child_limits limits = {MEMORY + nx_times(4, s.bytes), SECONDS + (unsigned)(bytes / BYTES_A_SECOND)};
    switch (nx_child_run(walk_file, &s, &limits, err)) {
    case NX_CHILD_FINE:
        return true;
    case NX_CHILD_REFUSED:
        return false;
    case NX_CHILD_DIED:
        return nx_fail(err, "%s: damaged: the HDF5 library crashes in reading it", path);
    case NX_CHILD_ENDLESS:
        return nx_fail(err, "%s: damaged: the HDF5 library does not get to its end", path);
    default:
        return nx_fail(err, "%s: cannot look into the file: no process could be started: %s", path, strerror(errno));
    }
}
