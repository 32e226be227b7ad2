/* Heads of parts, one after another. */
#include "io/image_parts.h"

#include <string.h>
#include <unistd.h>

enum { PNG_FIRST = 8, JPEG_FIRST = 2, WEBP_FIRST = 12 }; /* where the first part begins */

nx_image_kind nx_image_kind_of(const uint8_t *first, size_t bytes)
{
    if (bytes >= 2 && first[0] == 0xFF && first[1] == 0xD8) return NX_IMAGE_IS_JPEG;
    if (bytes && !memcmp(first, "\x89PNG\r\n\x1A\n", bytes < PNG_FIRST ? bytes : PNG_FIRST)) return NX_IMAGE_IS_PNG;
    if (bytes >= WEBP_FIRST && !memcmp(first, "RIFF", 4) && !memcmp(first + 8, "WEBP", 4)) return NX_IMAGE_IS_WEBP;
    return NX_IMAGE_OTHER;
}

/* Length, type, data, a checksum. */
static bool next_chunk(int file, nx_image_part *p)
{
    uint8_t b[8];
    off_t at = p->at ? p->at + (off_t)p->length + 4 : PNG_FIRST;
    if (pread(file, b, sizeof b, at) != sizeof b) return false;
    *p = (nx_image_part){nx_big32(b + 4), at + (off_t)sizeof b, nx_big32(b)};
    return true;
}

/* Type, length, data, a zero where the length is odd. */
static bool next_riff_chunk(int file, nx_image_part *p)
{
    uint8_t b[8];
    off_t at = p->at ? p->at + (off_t)p->length + (off_t)(p->length & 1) : WEBP_FIRST;
    if (pread(file, b, sizeof b, at) != sizeof b) return false;
    *p = (nx_image_part){nx_big32(b), at + (off_t)sizeof b, nx_little32(b + 4)};
    return true;
}

/* A few bytes of a file that is walked byte by byte. */
typedef struct window {
    int file;
    off_t at; /* of the next byte */
    size_t left;
    uint8_t bytes[256];
} window;

/* -1: there is none. */
static int next_byte(window *w)
{
    if (!w->left) {
        ssize_t got = pread(w->file, w->bytes, sizeof w->bytes, w->at);
        if (got <= 0) return -1;
        w->left = (size_t)got;
        memmove(w->bytes + sizeof w->bytes - w->left, w->bytes, w->left);
    }
    w->at++;
    return w->bytes[sizeof w->bytes - w->left--];
}

/* FF, a marker, a length that counts itself, data. */
static bool next_segment(int file, nx_image_part *p)
{
    window w = {.file = file, .at = p->at ? p->at + (off_t)p->length : JPEG_FIRST};
    for (;;) {
        int c = 0, marker;
        while (c != 0xFF && c >= 0) c = next_byte(&w);
        while ((marker = next_byte(&w)) == 0xFF) continue;
        if (c < 0 || marker < 0) return false;
        if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD7)) continue; /* alone, or no marker at all */
        int high = next_byte(&w), low = next_byte(&w), length = 256 * high + low - 2;
        if (low < 0 || length < 0) return false;
        *p = (nx_image_part){(uint32_t)marker, w.at, (size_t)length};
        return true;
    }
}

bool nx_image_part_next(int file, nx_image_kind kind, nx_image_part *p)
{
    static bool (*const next[])(int file, nx_image_part *p) = {
        [NX_IMAGE_IS_PNG] = next_chunk, [NX_IMAGE_IS_JPEG] = next_segment, [NX_IMAGE_IS_WEBP] = next_riff_chunk};
    return kind && next[kind](file, p);
}

bool nx_image_part_read(int file, const nx_image_part *p, void *out, size_t bytes)
{
    return bytes <= p->length && pread(file, out, bytes, p->at) == (ssize_t)bytes;
}
