/* Files of NumPy's .npz for tests, written as numpy.savez_compressed does it. */
#ifndef NX_TESTS_IO_NPZ_H
#define NX_TESTS_IO_NPZ_H

#include "scratch.h"

#include <zip.h>

typedef struct npz_array {
    const char *name;                /* with .npy */
    const char *type, *shape, *more; /* of the header: "<f4", "(2, 3)"; more: NULL for 'fortran_order': False */
    const void *data;
    size_t bytes;
} npz_array;

static inline void write_npz(const char *path, const npz_array *arrays, size_t count)
{
    int code;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    assert_non_null(zip);
    char **files = nx_alloc(count * sizeof *files);
    for (size_t i = 0; i < count; i++) {
        const npz_array *a = &arrays[i];
        char header[256];
        int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", a->type,
                              a->more ? a->more : "False", a->shape);
        int padded = (10 + length + 1 + 63) / 64 * 64 - 10;
        files[i] = nx_alloc(10 + (size_t)padded + a->bytes);
        memcpy(files[i], "\x93NUMPY\x01\x00", 8);
        files[i][8] = (char)(padded & 255), files[i][9] = (char)(padded >> 8);
        memset(files[i] + 10, ' ', (size_t)padded);
        memcpy(files[i] + 10, header, (size_t)length);
        files[i][10 + padded - 1] = '\n';
        memcpy(files[i] + 10 + padded, a->data, a->bytes);
        zip_source_t *source = zip_source_buffer(zip, files[i], 10 + (zip_uint64_t)padded + a->bytes, 0);
        assert_true(zip_file_add(zip, a->name, source, ZIP_FL_ENC_UTF_8) >= 0);
    }
    assert_int_equal(zip_close(zip), 0);
    for (size_t i = 0; i < count; i++) free(files[i]);
    free(files);
}

#endif
