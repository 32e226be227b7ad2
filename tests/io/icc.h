/* Colour profiles made on the spot: a header, one tag that names them, and noise. */
#ifndef NSTX_TESTS_ICC_H
#define NSTX_TESTS_ICC_H

#include "base/memory.h"
#include "base/rng.h"
#include "io/profile.h"

#include <string.h>

static inline void put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A profile of so many bytes for RGB whose description is `tag`; owned by the caller. */
static inline nx_profile make_profile(size_t bytes, const void *tag, size_t tag_bytes)
{
    nx_profile p = {bytes, nx_alloc(bytes)};
    nx_rng rng = nx_rng_new(bytes, 0);
    for (size_t i = 144; i < bytes; i++) p.data[i] = (uint8_t)nx_rng_below(&rng, 256);
    put32(p.data, (uint32_t)bytes);
    memcpy(p.data + 12, "mntrRGB XYZ ", 12);
    memcpy(p.data + 36, "acsp", 4);
    put32(p.data + 128, 1);
    memcpy(p.data + 132, "desc", 4);
    put32(p.data + 136, 144);
    put32(p.data + 140, (uint32_t)tag_bytes);
    memcpy(p.data + 144, tag, tag_bytes);
    return p;
}

/* The same with a name in ASCII. */
static inline nx_profile make_named_profile(size_t bytes, const char *name)
{
    uint8_t tag[128] = "desc";
    put32(tag + 8, (uint32_t)strlen(name) + 1);
    memcpy(tag + 12, name, strlen(name) + 1);
    return make_profile(bytes, tag, 12 + strlen(name) + 1);
}

#endif
