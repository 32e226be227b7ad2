/* The tools that the pictures share: vectors, hashed noise, float pictures and PNG files. No scene and no style is
 * here.
 *
 *     picture p = picture_new(512, 512);
 *     for (int i = 0; i < p.w * p.h; i++) p.at[i] = mix3(dark, light, noise2(i % p.w * .1f, i / p.w * .1f, seed));
 *     bool ok = picture_write(&p, "noise.png", err);
 *     picture_free(&p);
 *
 * Noise takes a 32-bit seed and uses integer hashing alone, so that it is the same on every machine. */
#ifndef ART_H
#define ART_H

#include <math.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"

#define PI 3.14159265f

typedef struct v3 {
    float x, y, z; /* a colour in linear light, or a place: x right, y up, z away */
} v3;

static inline v3 v(float x, float y, float z) { return (v3){x, y, z}; }
static inline v3 grey(float x) { return (v3){x, x, x}; }
static inline v3 add(v3 a, v3 b) { return (v3){a.x + b.x, a.y + b.y, a.z + b.z}; }
static inline v3 sub(v3 a, v3 b) { return (v3){a.x - b.x, a.y - b.y, a.z - b.z}; }
static inline v3 mul(v3 a, float s) { return (v3){a.x * s, a.y * s, a.z * s}; }
static inline v3 tint(v3 a, v3 b) { return (v3){a.x * b.x, a.y * b.y, a.z * b.z}; }
static inline v3 along(v3 from, v3 direction, float t) { return add(from, mul(direction, t)); }
static inline float dot(v3 a, v3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline v3 cross(v3 a, v3 b) { return v(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x); }
static inline float length(v3 a) { return sqrtf(dot(a, a)); }
static inline v3 unit(v3 a) { return mul(a, 1 / (length(a) + 1e-20f)); }
static inline v3 mix3(v3 a, v3 b, float t) { return add(mul(a, 1 - t), mul(b, t)); }
static inline float light_of(v3 c) { return .2126f * c.x + .7152f * c.y + .0722f * c.z; }

static inline float least(float a, float b) { return a < b ? a : b; }
static inline float most(float a, float b) { return a > b ? a : b; }
static inline float clamp(float x, float low, float high) { return least(most(x, low), high); }
static inline float mix(float a, float b, float t) { return a + (b - a) * t; }
static inline float square(float x) { return x * x; }
static inline float ramp(float low, float high, float x) /* smooth step from 0 at low to 1 at high */
{
    float t = clamp((x - low) / (high - low), 0, 1);
    return t * t * (3 - 2 * t);
}

static inline float between(nx_rng *rng, float low, float high) { return low + (high - low) * nx_rng_uniform(rng); }
static inline bool chance(nx_rng *rng, float p) { return nx_rng_uniform(rng) < p; }

/* A hash of three integers, and the same as a number in [0, 1). */
#define HASH_X 0x9E3779B1u
#define HASH_Y 0x85EBCA77u
#define HASH_Z 0xC2B2AE3Du
static inline uint32_t hash3(uint32_t x, uint32_t y, uint32_t z)
{
    uint32_t h = x * HASH_X ^ y * HASH_Y ^ z * HASH_Z;
    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    h = (h ^ h >> 12) * 0x297A2D39u;
    return h ^ h >> 15;
}
static inline float hash1(uint32_t x, uint32_t y, uint32_t z) { return (float)(hash3(x, y, z) >> 8) * 0x1p-24f; }

/* Gradient noise in about [-1, 1], zero mean. wrap2 repeats after px cells in x and py in y. */
float noise2(float x, float y, uint32_t seed);
float wrap2(float x, float y, int px, int py, uint32_t seed);
float noise3(v3 p, uint32_t seed);

/* Value noise in [0, 1] and its two derivatives: eroded heights need them. */
float slope_noise(float x, float y, uint32_t seed, float *dx, float *dy);

/* Sums of octaves, each half as strong and twice as fine as the last, in about [-1, 1]. */
float fbm2(float x, float y, int octaves, uint32_t seed);
float wrap_fbm(float x, float y, int octaves, int period, uint32_t seed);
float fbm3(v3 p, int octaves, uint32_t seed);

/* Cells around scattered points. */
typedef struct cell {
    float near, next; /* distance to the nearest and to the second nearest point, in cells */
    uint32_t id;      /* hash of the nearest point */
    float x, y;       /* from the nearest point to here */
} cell;
cell cells2(float x, float y, int period, float scatter, uint32_t seed); /* period 0: never repeats */

typedef struct picture {
    int w, h;
    v3 *at; /* row by row, linear light unless said otherwise */
} picture;

picture picture_new(int w, int h); /* black; picture_free takes an empty one */
void picture_free(picture *p);
picture picture_smaller(const picture *p, int w, int h); /* area average */
void picture_blur(picture *p, float radius);             /* three box blurs; radius in pixels */
v3 picture_get(const picture *p, float x, float y);      /* bilinear, clamped to the edge */

/* Writes 8-bit sRGB, aside and then renamed. Values are taken as sRGB in [0, 1]. False: err names the file. */
bool picture_write(const picture *p, const char *path, nx_error *err);

float to_srgb(float linear);

/* The colour with its hue turned by `turn` radians around grey and its saturation multiplied; never below zero. */
v3 recoloured(v3 c, float turn, float saturation);
v3 hue(int rrggbb); /* 0xRRGGBB in sRGB to linear light */

#endif
