/* Packed datasets: many pictures of one size in one HDF5 file, for training that would otherwise decode thousands of
 * files again and again.
 *
 *     /pictures   uint8 [n][size][size][3], contiguous and uncompressed, with the attributes of HDF5's images
 *     /names      where each picture lay in the folder, one a line; CLASS/... of a folder of classes (io/classes)
 *     /left_out   what was not packed and why, one a line
 *     /           attributes nstx_dataset = 1, nstx_version, source, packed (date)
 *
 * HDF5 is only asked where the bytes lie; they are read and written by plain I/O, which any thread may do at any time
 * and which answers a full disk with an error.
 *
 *     nx_packed *data;
 *     if (!nx_packed_open(&data, "photos.h5", err)) return false;
 *     for (size_t i = 0; i < nx_packed_count(data); i++) nx_packed_read(data, i, rgb, err);
 *     nx_packed_free(data);
 */
#ifndef NX_IO_PACKED_H
#define NX_IO_PACKED_H

#include "io/files.h"

#include <stdint.h>

typedef struct nx_packed nx_packed;

/* Anything else than a packed dataset, or one that is cut short, is an error that says so. */
bool nx_packed_open(nx_packed **out, const char *path, nx_error *err);
void nx_packed_free(nx_packed *data);

size_t nx_packed_count(const nx_packed *data);
int nx_packed_size(const nx_packed *data); /* pixels a side */
const char *nx_packed_path(const nx_packed *data);

/* Picture i into rgb [size][size][3]. Any thread. */
bool nx_packed_read(const nx_packed *data, size_t i, uint8_t *rgb, nx_error *err);

/* True if the HDF5 file at path says that it is a packed dataset. */
bool nx_packed_is_file(const char *path);

/* The pictures at path, as nx_files_images; of a packed dataset, "FILE#0", "FILE#1" and so on, which io/loader takes.
 */
bool nx_packed_images(nx_file_list *out, const char *path, nx_error *err);

/* The names of its pictures, in their order. */
bool nx_packed_names(nx_file_list *out, const char *path, nx_error *err);

/* Takes "FILE#7" apart; *file, owned by the caller, and *i are set only if name is such a one. */
bool nx_packed_name(const char *name, char **file, size_t *i);

/* ---- writing ---- */

typedef struct nx_packer nx_packer;

/* Whether such a dataset can be begun: its folder, which is made, and room on the disk. */
bool nx_packer_check(const char *path, int size, size_t most, nx_error *err);

/* Begins a dataset of at most `most` pictures, aside; checks as above. */
bool nx_packer_new(nx_packer **out, const char *path, int size, size_t most, nx_error *err);

/* Appends a picture [size][size][3] with its name, or notes what is left out. */
bool nx_packer_add(nx_packer *p, const char *name, const uint8_t *rgb, nx_error *err);
void nx_packer_leave_out(nx_packer *p, const char *reason);

/* Puts the dataset under its name, where it replaces what was there. No picture at all is an error. */
bool nx_packer_finish(nx_packer *p, const char *source, nx_error *err);
void nx_packer_free(nx_packer *p); /* an unfinished one leaves nothing behind */

#endif
