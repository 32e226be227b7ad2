/* Files of PyTorch for tests: what torch.save writes of a dict of float32 tensors, in either format. Without cmocka:
 * the fuzzer makes its seeds of it, too.
 *
 *     pth_buffer pickle = {0};
 *     pth_put_dict(&pickle, entries, 2);
 *     if (!write_zip_of("a.pth", pickle.bytes, pickle.count, entries, 2)) ...
 *     free(pickle.bytes);
 */
#ifndef NX_TESTS_IO_PTH_H
#define NX_TESTS_IO_PTH_H

#include "base/memory.h"
#include "io/files.h"
#include "io/tensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

typedef struct pth_buffer {
    char *bytes;
    size_t count;
} pth_buffer;

static inline void pth_put(pth_buffer *b, const void *data, size_t bytes)
{
    b->bytes = nx_realloc(b->bytes, b->count + bytes + 1);
    if (bytes) memcpy(b->bytes + b->count, data, bytes);
    b->count += bytes;
}

/* Of a literal, which may hold zeros. */
#define PTH_PUT(b, literal) pth_put(b, literal, sizeof literal - 1)

static inline void pth_put_text(pth_buffer *b, const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    PTH_PUT(b, "X");
    pth_put(b, &length, sizeof length);
    pth_put(b, text, length);
}

static inline void pth_put_int(pth_buffer *b, int32_t value)
{
    PTH_PUT(b, "J");
    pth_put(b, &value, sizeof value);
}

/* Entry i of a dict, over storage i. */
static inline void pth_put_tensor(pth_buffer *b, const nx_tensor_entry *e, size_t i)
{
    char key[24];
    snprintf(key, sizeof key, "%zu", i);
    PTH_PUT(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pth_put_text(b, "storage");
    PTH_PUT(b, "ctorch\nFloatStorage\n");
    pth_put_text(b, key);
    pth_put_text(b, "cpu");
    pth_put_int(b, (int32_t)nx_tensor_entry_size(e));
    PTH_PUT(b, "tQK\0(");
    for (int d = 0; d < e->rank; d++) pth_put_int(b, e->shape[d]);
    PTH_PUT(b, "t(");
    for (int d = 0; d < e->rank; d++) {
        int32_t stride = 1;
        for (int k = d + 1; k < e->rank; k++) stride *= e->shape[k];
        pth_put_int(b, stride);
    }
    PTH_PUT(b, "t\x89"
               "ccollections\nOrderedDict\n)RtR");
}

/* The whole pickle of an ordered dict. */
static inline void pth_put_dict(pth_buffer *b, const nx_tensor_entry *entries, size_t count)
{
    PTH_PUT(b, "\x80\2ccollections\nOrderedDict\n)R(");
    for (size_t i = 0; i < count; i++) {
        pth_put_text(b, entries[i].name);
        pth_put_tensor(b, &entries[i], i);
    }
    PTH_PUT(b, "u.");
}

/* The format since PyTorch 1.6: the pickle, and the numbers of each entry as a storage. */
static inline bool write_zip_of(const char *path, const void *pickle, size_t bytes, const nx_tensor_entry *entries,
                                size_t count)
{
    int code;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (!zip) return false;
    for (size_t i = 0; i < count + 2; i++) {
        const nx_tensor_entry *e = i < 2 ? NULL : &entries[i - 2];
        char name[40];
        snprintf(name, sizeof name, i ? "archive/byteorder" : "archive/data.pkl");
        if (e) snprintf(name, sizeof name, "archive/data/%zu", i - 2);
        zip_source_t *source = e   ? zip_source_buffer(zip, e->data, 4 * nx_tensor_entry_size(e), 0)
                               : i ? zip_source_buffer(zip, "little", 6, 0)
                                   : zip_source_buffer(zip, pickle, bytes, 0);
        zip_int64_t index = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
        if (index < 0) return false;
        zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0);
    }
    return !zip_close(zip);
}

#define PTH_MAGIC "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."

/* The format before: owned by the caller. */
static inline pth_buffer pth_old(const void *pickle, size_t bytes, const nx_tensor_entry *entries, size_t count)
{
    pth_buffer b = {0};
    PTH_PUT(&b, PTH_MAGIC "\x80\2M\xe9\3.\x80\2}X\r\0\0\0little_endian\x88s.");
    pth_put(&b, pickle, bytes);
    PTH_PUT(&b, "\x80\2](");
    for (size_t i = 0; i < count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        pth_put_text(&b, key);
    }
    PTH_PUT(&b, "e.");
    for (size_t i = 0; i < count; i++) {
        int64_t numbers = (int64_t)nx_tensor_entry_size(&entries[i]);
        pth_put(&b, &numbers, sizeof numbers);
        pth_put(&b, entries[i].data, 4 * (size_t)numbers);
    }
    return b;
}

/* A dict of these tensors as a file. */
static inline bool write_pth(const char *path, const nx_tensor_entry *entries, size_t count, bool old)
{
    pth_buffer pickle = {0}, whole = {0};
    nx_error err;
    pth_put_dict(&pickle, entries, count);
    if (old) whole = pth_old(pickle.bytes, pickle.count, entries, count);
    bool ok = old ? nx_file_write(path, whole.bytes, whole.count, &err)
                  : write_zip_of(path, pickle.bytes, pickle.count, entries, count);
    free(pickle.bytes);
    free(whole.bytes);
    return ok;
}

#endif
