/* Packed datasets. The file is laid out for all pictures that might come, its rows are filled by plain writes, and if
 * some were left out, the rows are copied into one that fits. */
#include "io/packed.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "io/hdf5.h"
#include "io/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PICTURES "/pictures"
#define NAMES    "/names"
#define MARK     "nstx_dataset"
#define SLACK    (1 << 20) /* bytes of a file that are no pictures: names, HDF5's own */

static size_t row_bytes(int size) { return nx_times((size_t)size, nx_times((size_t)size, 3)); }

/* ---- reading ---- */

struct nx_packed {
    char *path;
    int file, size;
    size_t count;
    uint64_t offset;
};

bool nx_packed_is_file(const char *path)
{
    nx_h5 *file;
    if (!nx_h5_is_file(path) || !nx_h5_open(&file, path, false, NULL)) return false;
    bool is = nx_h5_has_attribute(file, "/", MARK);
    nx_h5_close(file, NULL);
    return is;
}

bool nx_packed_open(nx_packed **out, const char *path, nx_error *err)
{
    nx_h5 *h5;
    int rank, shape[NX_H5_RANK_MAX];
    uint64_t offset, bytes;
    *out = NULL;
    if (!nx_h5_open(&h5, path, false, err)) return false;
    bool ok = nx_h5_has_attribute(h5, "/", MARK) || nx_fail(err, "%s: no packed dataset", path);
    ok = ok && nx_h5_shape(h5, PICTURES, &rank, shape, err) && nx_h5_place(h5, PICTURES, &offset, &bytes, err);
    nx_h5_close(h5, NULL);
    if (ok && (rank != 4 || shape[0] < 1 || shape[1] < 1 || shape[1] != shape[2] || shape[3] != 3 ||
               shape[1] > NX_IMAGE_SIDE_MAX || bytes != nx_times((size_t)shape[0], row_bytes(shape[1]))))
        ok = nx_fail(err, "%s: %s is not [n][size][size][3] bytes", path, PICTURES);
    if (!ok) return false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info)) {
        nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
        if (file >= 0) close(file);
        return false;
    }
    if (offset > (uint64_t)info.st_size || bytes > (uint64_t)info.st_size - offset) {
        close(file);
        return nx_fail(err, "%s: cut short: %lld bytes, of which %llu pictures end at byte %llu", path,
                       (long long)info.st_size, (unsigned long long)shape[0], (unsigned long long)(offset + bytes));
    }
    nx_packed *data = nx_alloc(sizeof *data);
    *data = (nx_packed){nx_copy_text(path), file, shape[1], (size_t)shape[0], offset};
    *out = data;
    return true;
}

void nx_packed_free(nx_packed *data)
{
    if (!data) return;
    close(data->file);
    free(data->path);
    free(data);
}

size_t nx_packed_count(const nx_packed *data) { return data->count; }
int nx_packed_size(const nx_packed *data) { return data->size; }
const char *nx_packed_path(const nx_packed *data) { return data->path; }

/* All of the bytes at offset. */
static bool read_all(int file, uint8_t *to, size_t bytes, uint64_t offset)
{
    while (bytes) {
        ssize_t got = pread(file, to, bytes, (off_t)offset);
        if (!got) errno = EIO;
        if (!got || (got < 0 && errno != EINTR)) return false;
        if (got > 0) to += got, bytes -= (size_t)got, offset += (uint64_t)got;
    }
    return true;
}

static bool write_all(int file, const uint8_t *from, size_t bytes, uint64_t offset)
{
    while (bytes) {
        ssize_t put = pwrite(file, from, bytes, (off_t)offset);
        if (put < 0 && errno != EINTR) return false;
        if (put > 0) from += put, bytes -= (size_t)put, offset += (uint64_t)put;
    }
    return true;
}

bool nx_packed_read(const nx_packed *data, size_t i, uint8_t *rgb, nx_error *err)
{
    NX_CHECK(i < data->count, "picture %zu of %zu", i, data->count);
    return read_all(data->file, rgb, row_bytes(data->size), data->offset + i * row_bytes(data->size)) ||
           nx_fail(err, "%s: cannot read picture %zu: %s", data->path, i, strerror(errno));
}

bool nx_packed_images(nx_file_list *out, const char *path, nx_error *err)
{
    nx_packed *data;
    if (!nx_h5_is_file(path)) return nx_files_images(out, path, err);
    *out = (nx_file_list){0};
    if (!nx_packed_open(&data, path, err)) return false;
    out->paths = nx_alloc(data->count * sizeof *out->paths);
    for (; out->count < data->count; out->count++) out->paths[out->count] = nx_format("%s#%zu", path, out->count);
    nx_packed_free(data);
    return true;
}

bool nx_packed_names(nx_file_list *out, const char *path, nx_error *err)
{
    nx_packed *data;
    nx_h5 *file;
    char *text, *rest;
    *out = (nx_file_list){0};
    if (!nx_packed_open(&data, path, err)) return false;
    size_t count = nx_packed_count(data);
    nx_packed_free(data);
    if (!nx_h5_open(&file, path, false, err)) return false;
    bool fine = nx_h5_read_text(file, NAMES, &text, err);
    nx_h5_close(file, NULL);
    if (!fine) return false;
    out->paths = nx_alloc(count * sizeof *out->paths);
    char *line = strtok_r(text, "\n", &rest);
    for (; line && out->count < count; line = strtok_r(NULL, "\n", &rest))
        out->paths[out->count++] = nx_copy_text(line);
    fine = (out->count == count && !line) ||
           nx_fail(err, "%s: %s has not one line for each of the %zu pictures", path, NAMES, count);
    free(text);
    if (!fine) nx_file_list_free(out);
    return fine;
}

bool nx_packed_name(const char *name, char **file, size_t *i)
{
    const char *hash = strrchr(name, '#');
    if (!hash || !hash[1] || hash[1 + strspn(hash + 1, "0123456789")]) return false;
    char *path = nx_format("%.*s", (int)(hash - name), name);
    if (!nx_h5_is_file(path)) {
        free(path);
        return false;
    }
    *file = path, *i = strtoul(hash + 1, NULL, 10);
    return true;
}

/* ---- writing ---- */

struct nx_packer {
    char *path, *draft;
    int file, size;
    size_t most, count;
    uint64_t offset;
    char *names, *left_out; /* lines */
    size_t names_bytes, left_out_bytes;
};

static void add_line(char **lines, size_t *bytes, const char *line)
{
    size_t length = strlen(line);
    *lines = nx_realloc(*lines, *bytes + length + 2);
    memcpy(*lines + *bytes, line, length);
    memcpy(*lines + *bytes + length, "\n", 2);
    *bytes += length + 1;
}

/* A file with room for count pictures, and where they go. */
static bool lay_out(const char *draft, int size, size_t count, uint64_t *offset, nx_error *err)
{
    nx_h5 *file;
    uint64_t bytes;
    if (!nx_h5_create(&file, draft, err)) return false;
    bool ok = nx_h5_reserve_images(file, PICTURES, (int)count, size, size, err) &&
              nx_h5_place(file, PICTURES, offset, &bytes, err);
    return nx_h5_close(file, ok ? err : NULL) && ok;
}

bool nx_packer_check(const char *path, int size, size_t most, nx_error *err)
{
    if (most > INT_MAX) return nx_fail(err, "%s: %zu pictures, more than a dataset can hold", path, most);
    char *folder = nx_path_folder(path), need[16], have[16];
    struct statvfs disk;
    uint64_t bytes = (uint64_t)most * row_bytes(size) + SLACK;
    bool ok = nx_folder_make(folder, err) &&
              (!nx_folder_exists(path) || nx_fail(err, "%s: a folder, where the dataset is to be written", path));
    if (ok && !statvfs(folder, &disk) && (double)disk.f_bavail * (double)disk.f_frsize < (double)bytes)
        ok = nx_fail(err, "%s: needs %s, and the disk has %s left: choose a smaller size", path,
                     nx_bytes_text(need, (double)bytes),
                     nx_bytes_text(have, (double)disk.f_bavail * (double)disk.f_frsize));
    free(folder);
    return ok;
}

bool nx_packer_new(nx_packer **out, const char *path, int size, size_t most, nx_error *err)
{
    *out = NULL;
    if (!nx_packer_check(path, size, most, err)) return false;
    nx_packer *p = nx_alloc(sizeof *p);
    *p = (nx_packer){.path = nx_copy_text(path),
                     .draft = nx_file_draft(path),
                     .file = -1,
                     .size = size,
                     .most = most,
                     .names = nx_copy_text(""),
                     .left_out = nx_copy_text("")};
    nx_error reason;
    bool ok =
        lay_out(p->draft, size, most, &p->offset, &reason) || nx_fail(err, "%s: cannot write: %s", path, reason.text);
    p->file = ok ? open(p->draft, O_RDWR | O_CLOEXEC) : -1;
    if (ok && p->file < 0) ok = nx_fail(err, "%s: cannot write: %s", path, strerror(errno));
    if (ok)
        *out = p;
    else
        nx_packer_free(p);
    return ok;
}

bool nx_packer_add(nx_packer *p, const char *name, const uint8_t *rgb, nx_error *err)
{
    NX_CHECK(p->count < p->most, "more than %zu pictures", p->most);
    size_t bytes = row_bytes(p->size);
    if (!write_all(p->file, rgb, bytes, p->offset + p->count * bytes))
        return nx_fail(err, "%s: cannot write: %s", p->path, strerror(errno));
    p->count++;
    add_line(&p->names, &p->names_bytes, name);
    return true;
}

void nx_packer_leave_out(nx_packer *p, const char *reason) { add_line(&p->left_out, &p->left_out_bytes, reason); }

/* Moves the rows into a file that has room for no more than these. */
static bool shrink(nx_packer *p, nx_error *err)
{
    char *smaller = nx_format("%s.2", p->draft);
    uint64_t offset;
    size_t bytes = row_bytes(p->size);
    uint8_t *row = nx_alloc(bytes);
    bool ok = lay_out(smaller, p->size, p->count, &offset, err);
    int file = ok ? open(smaller, O_RDWR | O_CLOEXEC) : -1;
    for (size_t i = 0; ok && i < p->count; i++)
        ok = (file >= 0 && read_all(p->file, row, bytes, p->offset + i * bytes) &&
              write_all(file, row, bytes, offset + i * bytes)) ||
             nx_fail(err, "%s: cannot write: %s", p->path, strerror(errno));
    free(row);
    if (ok && rename(smaller, p->draft)) ok = nx_fail(err, "%s: cannot write: %s", p->path, strerror(errno));
    if (ok) {
        close(p->file);
        p->file = file, p->offset = offset, p->most = p->count;
    } else {
        if (file >= 0) close(file);
        unlink(smaller);
    }
    free(smaller);
    return ok;
}

bool nx_packer_finish(nx_packer *p, const char *source, nx_error *err)
{
    char date[32];
    nx_h5 *file;
    if (!p->count) return nx_fail(err, "%s: no picture could be packed", source);
    if (p->count < p->most && !shrink(p, err)) return false;
    close(p->file);
    p->file = -1;
    if (!nx_h5_open(&file, p->draft, true, err)) return false;
    bool ok = nx_h5_set_int(file, "/", MARK, 1, err) && nx_h5_set_string(file, "/", "nstx_version", nx_version, err) &&
              nx_h5_set_string(file, "/", "source", source, err) &&
              nx_h5_set_string(file, "/", "packed", nx_date(date), err) &&
              nx_h5_write_text(file, NAMES, p->names, err) && nx_h5_write_text(file, "/left_out", p->left_out, err);
    ok = nx_h5_close(file, ok ? err : NULL) && ok && nx_file_publish(p->draft, p->path, err);
    if (ok) {
        free(p->draft);
        p->draft = NULL;
    }
    return ok;
}

void nx_packer_free(nx_packer *p)
{
    if (!p) return;
    if (p->file >= 0) close(p->file);
    if (p->draft) unlink(p->draft);
    free(p->draft);
    free(p->path);
    free(p->names);
    free(p->left_out);
    free(p);
}
