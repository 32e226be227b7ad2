/* Profiles found, put together and checked. All that is believed of one is its header and where its description is: the
 * rest is for who shows the picture. */
#include "io/profile.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/image_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    HEADER = 128,    /* bytes; then the number of tags, and for each its name, place and length */
    ENTRY = 12,      /* bytes of each */
    SPACE_AT = 16,   /* in the header: of which colours, "RGB " */
    MARK_AT = 36,    /* "acsp" */
    NAME_MOST = 96,  /* bytes of a name that are shown */
    CHUNK_NAME = 80, /* of iCCP, with its zero */
    NUMBERED = 14,   /* bytes of a segment before its part: SEGMENT, which part, of how many */
    PARTS = 255,
    PART_MOST = 65533 - NUMBERED
};
#define SEGMENT "ICC_PROFILE" /* and a zero */

/* ---- what it is called ---- */

/* The data of the tag; NULL: there is none, or it is not where it says. */
static const uint8_t *find_tag(const nx_profile *p, uint32_t name, size_t *bytes)
{
    size_t count = p->bytes >= HEADER + 4 ? nx_big32(p->data + HEADER) : 0;
    for (size_t i = 0, at = HEADER + 4; i < count && at + ENTRY <= p->bytes; i++, at += ENTRY) {
        size_t from = nx_big32(p->data + at + 4), length = nx_big32(p->data + at + 8);
        if (nx_big32(p->data + at) != name) continue;
        *bytes = length;
        return from <= p->bytes && length <= p->bytes - from ? p->data + from : NULL;
    }
    return NULL;
}

/* One letter of Unicode's first plane as UTF-8; gives the bytes. */
static size_t put_utf8(char *to, unsigned letter)
{
    if (letter < 0x80) return to[0] = (char)letter, 1;
    if (letter < 0x800) return to[0] = (char)(0xC0 | letter >> 6), to[1] = (char)(0x80 | (letter & 0x3F)), 2;
    to[0] = (char)(0xE0 | letter >> 12);
    to[1] = (char)(0x80 | (letter >> 6 & 0x3F));
    to[2] = (char)(0x80 | (letter & 0x3F));
    return 3;
}

/* textDescriptionType of version 2: a count that includes a zero, ASCII. */
static void read_description(const uint8_t *tag, size_t bytes, char name[NAME_MOST])
{
    size_t count = bytes >= 12 ? nx_big32(tag + 8) : 0, most = bytes >= 12 ? bytes - 12 : 0;
    if (count > most) count = most;
    if (count > NAME_MOST - 1) count = NAME_MOST - 1;
    memcpy(name, tag + 12, count);
    name[count] = 0;
}

/* multiLocalizedUnicodeType of version 4: the number of names, bytes of an entry; language, country, length, place.
 * English if it is there, otherwise the first. */
static void read_localized(const uint8_t *tag, size_t bytes, char name[NAME_MOST])
{
    size_t count = bytes >= 16 ? nx_big32(tag + 8) : 0, from = 0, length = 0, used = 0;
    for (size_t i = 0, at = 16; i < count && at + ENTRY <= bytes; i++, at += ENTRY) {
        bool english = !memcmp(tag + at, "en", 2);
        if (i && !english) continue;
        length = nx_big32(tag + at + 4), from = nx_big32(tag + at + 8);
        if (english) break;
    }
    if (from > bytes || length > bytes - from) length = 0;
    for (size_t i = 0; i + 1 < length && used + 4 < NAME_MOST; i += 2)
        used += put_utf8(name + used, nx_big16(tag + from + i));
    name[used] = 0;
}

char *nx_profile_name(const nx_profile *p)
{
    char name[NAME_MOST] = "";
    size_t bytes;
    const uint8_t *tag = find_tag(p, NX_FOUR("desc"), &bytes);
    if (tag && bytes >= 4 && nx_big32(tag) == NX_FOUR("desc")) read_description(tag, bytes, name);
    if (tag && bytes >= 4 && nx_big32(tag) == NX_FOUR("mluc")) read_localized(tag, bytes, name);
    return nx_text_printable(nx_copy_text(*name ? name : "a profile without a name"));
}

/* ---- from a file ---- */

static bool check(const nx_profile *p, nx_error *err)
{
    if (p->bytes < HEADER + 4 || nx_big32(p->data) != p->bytes || memcmp(p->data + MARK_AT, "acsp", 4) ||
        nx_big32(p->data + HEADER) > (p->bytes - HEADER - 4) / ENTRY)
        return nx_fail(err, "a damaged colour profile");
    if (memcmp(p->data + SPACE_AT, "RGB ", 4))
        return nx_fail(err, "a colour profile for other colours than RGB, which the picture becomes");
    return true;
}

/* iCCP: a name that ends with a zero, a zero for the method, deflate. */
static bool inflate_chunk(nx_profile *out, int file, const nx_image_part *p, nx_error *err)
{
    size_t most = compressBound(NX_PROFILE_MAX) + CHUNK_NAME;
    uint8_t *chunk = p->length <= most ? nx_try_alloc(p->length + 1) : NULL;
    uLongf bytes = NX_PROFILE_MAX;
    out->data = nx_try_alloc(NX_PROFILE_MAX);
    size_t name = chunk && nx_image_part_read(file, p, chunk, p->length) ? strnlen((char *)chunk, p->length) : 0;
    bool fine = out->data && name && name < CHUNK_NAME && name + 2 < p->length && !chunk[name + 1] &&
                uncompress(out->data, &bytes, chunk + name + 2, p->length - name - 2) == Z_OK;
    out->bytes = fine ? bytes : 0;
    free(chunk);
    return fine || nx_fail(err, "a damaged colour profile, or one of more than %zu bytes", NX_PROFILE_MAX);
}

static bool copy_chunk(nx_profile *out, int file, const nx_image_part *p, nx_error *err)
{
    if (p->length > NX_PROFILE_MAX) return nx_fail(err, "a colour profile of more than %zu bytes", NX_PROFILE_MAX);
    out->data = nx_try_alloc(p->length + 1);
    out->bytes = p->length;
    return (out->data && nx_image_part_read(file, p, out->data, p->length)) || nx_fail(err, "a damaged colour profile");
}

/* Parts of a JPEG's, by their numbers. */
typedef struct parts {
    nx_image_part part[PARTS + 1];
    int of, seen; /* 0: none was seen yet */
} parts;

/* False: it does not belong to those before. */
static bool add_part(parts *all, int file, const nx_image_part *p)
{
    uint8_t head[NUMBERED];
    if (!nx_image_part_read(file, p, head, sizeof head) || memcmp(head, SEGMENT, sizeof SEGMENT)) return true;
    int number = head[NUMBERED - 2], of = head[NUMBERED - 1];
    if (!number || number > of || (all->of && of != all->of) || all->part[number].at) return false;
    all->part[number] = (nx_image_part){p->type, p->at + NUMBERED, p->length - NUMBERED};
    all->of = of, all->seen++;
    return true;
}

static bool join_parts(nx_profile *out, int file, const parts *all, nx_error *err)
{
    size_t bytes = 0;
    for (int i = 1; i <= all->of; i++) bytes += all->part[i].length;
    if (bytes > NX_PROFILE_MAX) return nx_fail(err, "a colour profile of more than %zu bytes", NX_PROFILE_MAX);
    out->data = nx_try_alloc(bytes + 1);
    bool fine = out->data && all->seen == all->of;
    for (int i = 1; fine && i <= all->of; out->bytes += all->part[i++].length)
        fine = nx_image_part_read(file, &all->part[i], out->data + out->bytes, all->part[i].length);
    return fine || nx_fail(err, "a colour profile of which parts are missing");
}

static bool read_profile(nx_profile *out, int file, nx_error *err)
{
    uint8_t first[16];
    ssize_t got = pread(file, first, sizeof first, 0);
    nx_image_kind kind = got > 0 ? nx_image_kind_of(first, (size_t)got) : NX_IMAGE_OTHER;
    parts all = {0};
    for (nx_image_part p = {0}; nx_image_part_next(file, kind, &p);) {
        if (kind == NX_IMAGE_IS_PNG) {
            if (p.type == NX_FOUR("IDAT")) break;
            if (p.type == NX_FOUR("iCCP")) return inflate_chunk(out, file, &p, err) && check(out, err);
        } else if (kind == NX_IMAGE_IS_WEBP) {
            if (p.type == NX_FOUR("ICCP")) return copy_chunk(out, file, &p, err) && check(out, err);
        } else {
            if (p.type >= 0xD8 && p.type <= 0xDA) break; /* pixels */
            if (p.type == 0xE2 && !add_part(&all, file, &p))
                return nx_fail(err, "a colour profile whose parts do not fit together");
        }
    }
    return !all.of || (join_parts(out, file, &all, err) && check(out, err));
}

bool nx_profile_load(nx_profile *out, const char *path, nx_error *err)
{
    *out = (nx_profile){0};
    int file = open(path, O_RDONLY);
    if (file < 0) return nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
    bool fine = read_profile(out, file, err) || nx_fail_in(err, "%s", path);
    close(file);
    if (!fine) nx_profile_free(out);
    return fine;
}

void nx_profile_free(nx_profile *profile)
{
    if (!profile) return;
    free(profile->data);
    *profile = (nx_profile){0};
}

nx_profile nx_profile_of(const char *path)
{
    nx_profile p;
    nx_error err;
    if (!nx_profile_load(&p, path, &err)) nx_warn("%s, is dropped", err.text);
    if (!p.bytes) return p;
    char *name = nx_profile_name(&p);
    if (!nx_contains(name, "sRGB")) nx_info("%s: the picture is %s; its profile is kept", path, name);
    free(name);
    return p;
}

/* ---- into a file ---- */

size_t nx_profile_as_chunk(const nx_profile *p, uint8_t **out)
{
    static const char name[] = "ICC profile\0"; /* with the zero of the method */
    uLongf bytes = compressBound(p->bytes);
    *out = nx_alloc(sizeof name + bytes);
    memcpy(*out, name, sizeof name);
    NX_CHECK(compress(*out + sizeof name, &bytes, p->data, p->bytes) == Z_OK, "zlib does not pack %zu bytes", p->bytes);
    return sizeof name + bytes;
}

size_t nx_profile_as_segments(const nx_profile *p, uint8_t **out)
{
    size_t count = (p->bytes + PART_MOST - 1) / PART_MOST;
    uint8_t *at = *out = nx_alloc(p->bytes + count * (4 + NUMBERED));
    for (size_t i = 0, done = 0; i < count; i++) {
        size_t part = p->bytes - done < PART_MOST ? p->bytes - done : PART_MOST, length = 2 + NUMBERED + part;
        *at++ = 0xFF, *at++ = 0xE2, *at++ = (uint8_t)(length >> 8), *at++ = (uint8_t)length;
        memcpy(at, SEGMENT, sizeof SEGMENT);
        at += sizeof SEGMENT;
        *at++ = (uint8_t)(i + 1), *at++ = (uint8_t)count;
        memcpy(at, p->data + done, part);
        at += part, done += part;
    }
    return (size_t)(at - *out);
}
