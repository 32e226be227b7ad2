/* bfloat16: the upper half of a float, its range with 8 bits of precision.
 *
 *     uint16_t stored = nx_to_bfloat16(0.1f);      0.10009765625
 *     float value = nx_from_bfloat16(stored);
 */
#ifndef NX_BASE_BFLOAT16_H
#define NX_BASE_BFLOAT16_H

#include <stdint.h>
#include <string.h>

static inline float nx_from_bfloat16(uint16_t stored)
{
    uint32_t bits = (uint32_t)stored << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The nearest, halfway the even one. What is no number may become an infinity. */
static inline uint16_t nx_to_bfloat16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
