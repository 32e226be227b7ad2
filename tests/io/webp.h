/* WebP pictures made on the spot. */
#ifndef NSTX_TESTS_WEBP_H
#define NSTX_TESTS_WEBP_H

#include "base/memory.h"
#include "io/profile.h"

#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>

/* A file of rgba [h][w][4], lossless where quality is 0; owned by the caller. */
static inline uint8_t *make_webp(const uint8_t *rgba, int w, int h, float quality, size_t *bytes)
{
    uint8_t *made = NULL;
    *bytes = quality > 0 ? WebPEncodeRGBA(rgba, w, h, 4 * w, quality, &made)
                         : WebPEncodeLosslessRGBA(rgba, w, h, 4 * w, &made);
    uint8_t *file = nx_copy(made, *bytes);
    WebPFree(made);
    return file;
}

static inline void put_little(uint8_t *to, size_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * i));
}

static inline uint8_t *put_chunk(uint8_t *at, const char *type, const void *data, size_t bytes)
{
    memcpy(at, type, 4);
    put_little(at + 4, bytes, 4);
    memcpy(at + 8, data, bytes);
    return at + 8 + bytes + bytes % 2;
}

/* The same picture, opaque and in one chunk, as one of several: of a canvas of w x h with these flags, a profile and
 * EXIF, each of them if there is some. Frees webp. */
static inline uint8_t *extend_webp(uint8_t *webp, size_t *bytes, int w, int h, int flags, const nx_profile *profile,
                                   const void *exif, size_t exif_bytes)
{
    uint8_t *file = nx_alloc(*bytes + 64 + (profile ? profile->bytes : 0) + exif_bytes), *at = file + 12,
            head[10] = {(uint8_t)flags};
    put_little(head + 4, (size_t)w - 1, 3);
    put_little(head + 7, (size_t)h - 1, 3);
    at = put_chunk(at, "VP8X", head, sizeof head);
    if (profile) at = put_chunk(at, "ICCP", profile->data, profile->bytes);
    memcpy(at, webp + 12, *bytes - 12);
    at += *bytes - 12;
    if (exif_bytes) at = put_chunk(at, "EXIF", exif, exif_bytes);
    memcpy(file, "RIFF\0\0\0\0WEBP", 12);
    *bytes = (size_t)(at - file);
    put_little(file + 4, *bytes - 8, 4);
    free(webp);
    return file;
}

#endif
