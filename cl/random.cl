/* Philox 4x32-10, the same function as base/rng.c: key = seed, counter = (block, stream); a block is four numbers.
 *
 * state: seed (two words), step (two words). Step s begins at block s * blocks. Flat: y[i] is number i of the step. An
 * item draws WIDE blocks at once, one in each lane. */
#ifdef CPU_FAMILY
#define WIDE LANES
#else
#define WIDE 1
#endif
#if WIDE == 16
typedef float16 wide;
typedef uint16 wide_uint;
#define to_float convert_float16
#define to_uint convert_uint16
#define as_wide as_float16
#define as_words as_uint16
#define LANE (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#elif WIDE == 8
typedef float8 wide;
typedef uint8 wide_uint;
#define to_float convert_float8
#define to_uint convert_uint8
#define as_wide as_float8
#define as_words as_uint8
#define LANE (uint8)(0, 1, 2, 3, 4, 5, 6, 7)
#else
typedef float wide;
typedef uint wide_uint;
#define to_float convert_float
#define to_uint convert_uint
#define as_wide as_float
#define as_words as_uint
#define LANE 0u
#endif

typedef struct words {
    wide_uint a, b, c, d;
} words;

/* Of the blocks first, first + 1, ... */
static inline words philox(ulong first, ulong stream, __global const uint *state)
{
    wide_uint a = LANE + (uint)first, b = (uint)(first >> 32) + as_words((a < LANE) & 1);
    wide_uint c = (wide_uint)((uint)stream), d = (wide_uint)((uint)(stream >> 32));
    uint k0 = state[0], k1 = state[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        wide_uint p = mul_hi(a, (wide_uint)(0xD2511F53u)), q = mul_hi(c, (wide_uint)(0xCD9E8D57u));
        wide_uint low = a * 0xD2511F53u;
        a = q ^ b ^ k0;
        b = c * 0xCD9E8D57u;
        c = p ^ d ^ k1;
        d = low;
    }
    words w = {a, b, c, d};
    return w;
}

static inline ulong first_block(__global const uint *state, ulong blocks)
{
    return (state[2] | (ulong)state[3] << 32) * blocks;
}

static inline wide uniform(wide_uint word) { return (to_float(word >> 8) + 0.5f) * 0x1p-24f; }

KERNEL void random_uniform(__global const uint *state, __global float *y, ulong stream, ulong blocks)
{
    ulong start = first_block(state, blocks);
    size_t i = get_global_id(0) * FLAT_BLOCK;
    for (size_t end = i + FLAT_BLOCK; i < end; i += 4 * WIDE) {
        words w = philox(start + i / 4, stream, state);
        wide four[4] = {uniform(w.a), uniform(w.b), uniform(w.c), uniform(w.d)};
        const float *numbers = (const float *)four;
        for (int j = 0; j < WIDE; j++)
            vstore4((float4)(numbers[j], numbers[WIDE + j], numbers[2 * WIDE + j], numbers[3 * WIDE + j]), j, y + i);
    }
}

/* -ln u for 0 < u < 1: u = 2^e m with m between sqrt(1/2) and sqrt(2); ln m = 2 artanh((m - 1) / (m + 1)). */
static inline wide minus_log(wide u)
{
    wide_uint bits = as_words(u) - 0x3F3504F3u;
    wide e = to_float(bits >> 23) - to_float(bits >> 31) * 512.f;
    wide m = as_wide((bits & 0x007FFFFFu) + 0x3F3504F3u);
    wide s = (m - 1.f) / (m + 1.f), z = s * s;
    wide series = fma(z, fma(z, fma(z, 2.f / 9, 2.f / 7), 2.f / 5), 2.f / 3);
    return -fma(e, 0.693147181f, fma(s * z, series, s + s));
}

/* cos(2 pi u) for 0 <= u < 1, from the nearest quarter of a turn: no large argument is ever reduced. */
static inline wide cos_turns(wide u)
{
    wide quarter = rint(u * 4.f), x = fma(quarter, -0.25f, u) * 6.28318530718f, z = x * x;
    wide c = fma(z, fma(z, fma(z, fma(z, 2.48015873e-5f, -1.38888889e-3f), 4.16666667e-2f), -0.5f), 1.f);
    wide s = x * fma(z, fma(z, fma(z, fma(z, 2.75573192e-6f, -1.98412698e-4f), 8.33333333e-3f), -1.66666667e-1f), 1.f);
    wide_uint q = to_uint(quarter);
    wide odd = to_float(q & 1u), flip = 1.f - 2.f * to_float(((q + 1u) >> 1) & 1u);
    return flip * (odd * s + (1.f - odd) * c);
}

static inline wide normal(wide_uint first, wide_uint second)
{
    return sqrt(2.f * minus_log(uniform(first))) * cos_turns(uniform(second));
}

KERNEL void random_normal(__global const uint *state, __global float *y, ulong stream, ulong blocks)
{
    ulong start = first_block(state, blocks);
    size_t i = get_global_id(0) * FLAT_BLOCK;
    for (size_t end = i + FLAT_BLOCK; i < end; i += 2 * WIDE) {
        words w = philox(start + i / 2, stream, state);
        wide two[2] = {normal(w.a, w.b), normal(w.c, w.d)};
        const float *numbers = (const float *)two;
        for (int j = 0; j < WIDE; j++) vstore2((float2)(numbers[j], numbers[WIDE + j]), j, y + i);
    }
}
