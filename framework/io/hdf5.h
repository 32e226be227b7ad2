/* HDF5 in small typed calls: the run log and HDF5 weights. Each call opens what it needs, checks every handle and
 * closes in reverse; objects are named by their path in the file ("/train/loss"), and missing groups on the way are
 * made.
 *
 * Not a binding of HDF5: what no experiment needs is not here. The library is not thread-safe: one thread at a time,
 * whatever the file. Writing aside and renaming is the caller's business (io/files.h).
 *
 *     nx_h5 *log;
 *     if (!nx_h5_create(&log, draft, err)) return false;
 *     nx_h5_append_double(log, "/train/loss", &loss, 1, err);
 *     nx_h5_set_string(log, "/", "paper", "johnson2016", err);
 *     nx_h5_close(log, err);
 */
#ifndef NX_IO_HDF5_H
#define NX_IO_HDF5_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define NX_H5_RANK_MAX 8

typedef struct nx_h5 nx_h5;

typedef enum nx_h5_kind { NX_H5_NONE, NX_H5_GROUP, NX_H5_FLOATS, NX_H5_INTEGERS, NX_H5_TEXT, NX_H5_OTHER } nx_h5_kind;

bool nx_h5_create(nx_h5 **out, const char *path, nx_error *err); /* replaces what was there */
bool nx_h5_open(nx_h5 **out, const char *path, bool writable, nx_error *err);

/* A file in memory alone, for what must not meet a full disk half-way: HDF5 keeps a file open that it could not write
 * and crashes at the program's end. Its bytes, once written, are those of a file; *data is owned by the caller. */
bool nx_h5_create_memory(nx_h5 **out, nx_error *err);
bool nx_h5_bytes(nx_h5 *file, void **data, size_t *bytes, nx_error *err);

bool nx_h5_flush(nx_h5 *file, nx_error *err); /* what was written can be read by others from here on */
bool nx_h5_close(nx_h5 *file, nx_error *err); /* frees file also when it fails; NULL is fine */

/* True if the file begins as HDF5 does; a missing file is none. */
bool nx_h5_is_file(const char *path);

/* ---- objects: groups and datasets ---- */

/* What is at path: NX_H5_NONE if nothing. */
nx_h5_kind nx_h5_kind_of(const nx_h5 *file, const char *path);
bool nx_h5_exists(const nx_h5 *file, const char *path);
/* Makes the group with its parents; one that exists is fine. */
bool nx_h5_group(nx_h5 *file, const char *path, nx_error *err);
/* Removes the link to the object; its space is not reclaimed. */
bool nx_h5_delete(nx_h5 *file, const char *path, nx_error *err);

/* A list of names, sorted by bytes, owned by the caller: free with nx_h5_names_free. */
typedef struct nx_h5_names {
    size_t count;
    char **names;
} nx_h5_names;

bool nx_h5_children(const nx_h5 *file, const char *path, nx_h5_names *out, nx_error *err);
bool nx_h5_attributes(const nx_h5 *file, const char *path, nx_h5_names *out, nx_error *err);
void nx_h5_names_free(nx_h5_names *names);

/* ---- attributes of the object at path ("/" is the root); writing replaces ---- */

bool nx_h5_has_attribute(const nx_h5 *file, const char *path, const char *name);
bool nx_h5_set_string(nx_h5 *file, const char *path, const char *name, const char *value, nx_error *err);
bool nx_h5_set_int(nx_h5 *file, const char *path, const char *name, int64_t value, nx_error *err);
bool nx_h5_set_double(nx_h5 *file, const char *path, const char *name, double value, nx_error *err);
bool nx_h5_set_ints(nx_h5 *file, const char *path, const char *name, const int64_t *values, size_t count,
                    nx_error *err);
bool nx_h5_get_ints(const nx_h5 *file, const char *path, const char *name, int64_t **values, size_t *count,
                    nx_error *err);
/* One scalar. The string is owned by the caller; other types than asked for are an error. */
bool nx_h5_get_string(const nx_h5 *file, const char *path, const char *name, char **value, nx_error *err);
bool nx_h5_get_int(const nx_h5 *file, const char *path, const char *name, int64_t *value, nx_error *err);
bool nx_h5_get_double(const nx_h5 *file, const char *path, const char *name, double *value, nx_error *err);

/* ---- a dataset of one UTF-8 string; writing replaces ---- */

bool nx_h5_write_text(nx_h5 *file, const char *path, const char *text, nx_error *err);
bool nx_h5_read_text(const nx_h5 *file, const char *path, char **text, nx_error *err); /* owned by the caller */

/* ---- series: [n], chunked and extendible; the first append makes the dataset ---- */

bool nx_h5_append_double(nx_h5 *file, const char *path, const double *values, size_t count, nx_error *err);
bool nx_h5_append_int64(nx_h5 *file, const char *path, const int64_t *values, size_t count, nx_error *err);
bool nx_h5_append_uint64(nx_h5 *file, const char *path, const uint64_t *values, size_t count, nx_error *err);
/* The whole series in *values, owned by the caller. */
bool nx_h5_read_double(const nx_h5 *file, const char *path, double **values, size_t *count, nx_error *err);
bool nx_h5_read_int64(const nx_h5 *file, const char *path, int64_t **values, size_t *count, nx_error *err);
bool nx_h5_read_uint64(const nx_h5 *file, const char *path, uint64_t **values, size_t *count, nx_error *err);

/* ---- arrays of rank 0 to NX_H5_RANK_MAX; writing replaces ---- */

bool nx_h5_write_float(nx_h5 *file, const char *path, const float *data, int rank, const int *shape, nx_error *err);

/* The same in half of the bytes, rounded to bfloat16, which is read as floats. */
bool nx_h5_write_bfloat16(nx_h5 *file, const char *path, const float *data, int rank, const int *shape, nx_error *err);
/* The shape of any dataset. */
bool nx_h5_shape(const nx_h5 *file, const char *path, int *rank, int shape[NX_H5_RANK_MAX], nx_error *err);
/* The whole array in *data, owned by the caller. Floats of any width are converted; integers are not floats. */
bool nx_h5_read_float(const nx_h5 *file, const char *path, float **data, int *rank, int shape[NX_H5_RANK_MAX],
                      nx_error *err);
bool nx_h5_read_uint8(const nx_h5 *file, const char *path, uint8_t **data, int *rank, int shape[NX_H5_RANK_MAX],
                      nx_error *err);

/* ---- pictures over time: uint8 [n][height][width][3], extendible, one picture a chunk, compressed ---- */

/* Appends rgb [height][width][3]. The dataset carries the attributes of HDF5's image specification, so that viewers
 * show it; a size other than that of the first picture is an error. */
bool nx_h5_append_image(nx_h5 *file, const char *path, const uint8_t *rgb, int height, int width, nx_error *err);

/* Makes the dataset [count][height][width][3] with those attributes, contiguous and uncompressed; its bytes are laid
 * out but not written: nx_h5_place says where they are to go, once the file is closed. */
bool nx_h5_reserve_images(nx_h5 *file, const char *path, int count, int height, int width, nx_error *err);

/* Where in the file the bytes of a contiguous dataset of unsigned bytes lie. */
bool nx_h5_place(const nx_h5 *file, const char *path, uint64_t *offset, uint64_t *bytes, nx_error *err);

#endif
