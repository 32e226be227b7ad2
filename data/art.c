/* Noise from hashed lattices, pictures as plain arrays. */
#include "art.h"

#include <png.h>
#include <stdlib.h>

#include "base/memory.h"
#include "io/files.h"

static float fade(float t) { return t * t * t * (t * (t * 6 - 15) + 10); }

/* Four corners of a cell side by side: compilers make vector instructions of these types wherever there are such. */
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef float f32x4 __attribute__((vector_size(16)));

/* The largest integer that is not above x; much faster than floorf where the processor has no instruction for it. */
static inline int whole(float x)
{
    int i = (int)x;
    return i - (x < (float)i);
}

static float lattice2(float x, float y, int px, int py, uint32_t seed)
{
    int ix = whole(x), iy = whole(y), jx = ix + 1, jy = iy + 1;
    x -= (float)ix, y -= (float)iy;
    if (px) {
        ix = (ix % px + px) % px, iy = (iy % py + py) % py;
        jx = (ix + 1) % px, jy = (iy + 1) % py;
    }
    uint32_t left = (uint32_t)ix * HASH_X, right = (uint32_t)jx * HASH_X, top = (uint32_t)iy * HASH_Y,
             low = (uint32_t)jy * HASH_Y;
    u32x4 h = (u32x4){left ^ top, right ^ top, left ^ low, right ^ low} ^ seed * HASH_Z;
    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    h = (h ^ h >> 12) * 0x297A2D39u;
    h = h ^ h >> 15;
    f32x4 gx = __builtin_convertvector((i32x4)(h & 1023), f32x4) - 511.5f,
          gy = __builtin_convertvector((i32x4)(h >> 10 & 1023), f32x4) - 511.5f,
          sum = gx * ((f32x4){x, x - 1, x, x - 1} / 512) + gy * ((f32x4){y, y, y - 1, y - 1} / 512);
    float u = fade(x), w = fade(y);
    return 1.3f * mix(mix(sum[0], sum[1], u), mix(sum[2], sum[3], u), w);
}

float noise2(float x, float y, uint32_t seed) { return lattice2(x, y, 0, 0, seed); }
float wrap2(float x, float y, int px, int py, uint32_t seed) { return lattice2(x, y, px, py, seed); }

static float corner3(uint32_t ix, uint32_t iy, uint32_t iz, uint32_t seed, v3 p)
{
    uint32_t h = hash3(ix, iy, iz * 0x27D4EB2Fu + seed);
    v3 g = v((float)(h & 1023) - 511.5f, (float)(h >> 10 & 1023) - 511.5f, (float)(h >> 20 & 1023) - 511.5f);
    return dot(g, p) / 512;
}

float noise3(v3 p, uint32_t seed)
{
    int ix = whole(p.x), iy = whole(p.y), iz = whole(p.z);
    float plane[2];
    p = sub(p, v((float)ix, (float)iy, (float)iz));
    float u = fade(p.x), w = fade(p.y);
    for (int k = 0; k < 2; k++) {
        v3 q = sub(p, v(0, 0, (float)k));
        float top = mix(corner3(ix, iy, iz + k, seed, q), corner3(ix + 1, iy, iz + k, seed, sub(q, v(1, 0, 0))), u);
        float low = mix(corner3(ix, iy + 1, iz + k, seed, sub(q, v(0, 1, 0))),
                        corner3(ix + 1, iy + 1, iz + k, seed, sub(q, v(1, 1, 0))), u);
        plane[k] = mix(top, low, w);
    }
    return 1.2f * mix(plane[0], plane[1], fade(p.z));
}

float slope_noise(float x, float y, uint32_t seed, float *dx, float *dy)
{
    int ix = whole(x), iy = whole(y);
    x -= (float)ix, y -= (float)iy;
    float u = fade(x), w = fade(y), du = 30 * square(x * (1 - x)), dw = 30 * square(y * (1 - y));
    float a = hash1(ix, iy, seed), b = hash1(ix + 1, iy, seed);
    float c = hash1(ix, iy + 1, seed), d = hash1(ix + 1, iy + 1, seed);
    *dx = du * mix(b - a, d - c, w);
    *dy = dw * mix(c - a, d - b, u);
    return mix(mix(a, b, u), mix(c, d, u), w);
}

/* Each octave is turned a little, which hides the lattice. */
float fbm2(float x, float y, int octaves, uint32_t seed)
{
    float sum = 0, strength = .5f;
    for (int i = 0; i < octaves; i++, strength *= .5f) {
        sum += strength * noise2(x, y, seed + i);
        float turned = 1.6f * x - 1.2f * y;
        y = 1.2f * x + 1.6f * y + 17.3f, x = turned + 5.1f;
    }
    return 1.5f * sum;
}

float wrap_fbm(float x, float y, int octaves, int period, uint32_t seed)
{
    float sum = 0, strength = .5f;
    for (int i = 0; i < octaves; i++, strength *= .5f, x *= 2, y *= 2, period *= 2)
        sum += strength * lattice2(x, y, period, period, seed + i);
    return 1.5f * sum;
}

float fbm3(v3 p, int octaves, uint32_t seed)
{
    float sum = 0, strength = .5f;
    for (int i = 0; i < octaves; i++, strength *= .5f) {
        sum += strength * noise3(p, seed + i);
        p = v(1.6f * p.x - 1.2f * p.z + 3.7f, 2.01f * p.y + 1.3f, 1.2f * p.x + 1.6f * p.z);
    }
    return 1.5f * sum;
}

cell cells2(float x, float y, int period, float scatter, uint32_t seed)
{
    int ix = whole(x), iy = whole(y);
    cell c = {.near = 9, .next = 9};
    for (int j = iy - 1; j <= iy + 1; j++)
        for (int i = ix - 1; i <= ix + 1; i++) {
            int wi = period ? (i % period + period) % period : i, wj = period ? (j % period + period) % period : j;
            uint32_t h = hash3(wi, wj, seed);
            float px = x - i - .5f - scatter * ((float)(h & 0xffff) / 65536 - .5f);
            float py = y - j - .5f - scatter * ((float)(h >> 16) / 65536 - .5f);
            float d = px * px + py * py;
            if (d < c.near)
                c = (cell){d, c.near, hash3(h, 7, seed), px, py};
            else if (d < c.next)
                c.next = d;
        }
    c.near = sqrtf(c.near), c.next = sqrtf(c.next);
    return c;
}

picture picture_new(int w, int h) { return (picture){w, h, nx_alloc((size_t)w * h * sizeof(v3))}; }

void picture_free(picture *p)
{
    free(p->at);
    *p = (picture){0};
}

picture picture_smaller(const picture *p, int w, int h)
{
    picture small = picture_new(w, h);
    float sx = (float)p->w / w, sy = (float)p->h / h;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            v3 sum = grey(0);
            float total = 0;
            for (int j = (int)(y * sy); j < p->h && j < (y + 1) * sy; j++)
                for (int i = (int)(x * sx); i < p->w && i < (x + 1) * sx; i++) {
                    float part =
                        (least(i + 1, (x + 1) * sx) - most(i, x * sx)) * (least(j + 1, (y + 1) * sy) - most(j, y * sy));
                    sum = along(sum, p->at[j * p->w + i], part), total += part;
                }
            small.at[y * w + x] = mul(sum, 1 / total);
        }
    return small;
}

/* A running mean of 2 r + 1 pixels along `count` pixels that are `step` apart. */
static void box(v3 *line, int count, int step, int r, v3 *copy)
{
    for (int i = 0; i < count; i++) copy[i] = line[i * step];
    v3 sum = grey(0);
    for (int i = -r; i <= r; i++) sum = add(sum, copy[i < 0 ? 0 : i >= count ? count - 1 : i]);
    for (int i = 0; i < count; i++) {
        line[i * step] = mul(sum, 1.f / (2 * r + 1));
        int in = i + r + 1, out = i - r;
        sum = add(sum, sub(copy[in < count ? in : count - 1], copy[out > 0 ? out : 0]));
    }
}

void picture_blur(picture *p, float radius)
{
    int r = (int)(radius * .6f + .5f);
    if (r < 1) return;
    v3 *copy = nx_alloc((size_t)(p->w > p->h ? p->w : p->h) * sizeof *copy);
    for (int pass = 0; pass < 3; pass++) {
        for (int y = 0; y < p->h; y++) box(p->at + y * p->w, p->w, 1, r, copy);
        for (int x = 0; x < p->w; x++) box(p->at + x, p->h, p->w, r, copy);
    }
    free(copy);
}

v3 picture_get(const picture *p, float x, float y)
{
    x = clamp(x, 0, p->w - 1.001f), y = clamp(y, 0, p->h - 1.001f);
    int ix = (int)x, iy = (int)y;
    const v3 *row = p->at + iy * p->w + ix;
    return mix3(mix3(row[0], row[1], x - ix), mix3(row[p->w], row[p->w + 1], x - ix), y - iy);
}

bool picture_write(const picture *p, const char *path, nx_error *err)
{
    size_t count = (size_t)p->w * p->h;
    unsigned char *bytes = nx_alloc(count * 3);
    for (size_t i = 0; i < count; i++) {
        const float *c = &p->at[i].x;
        for (int k = 0; k < 3; k++) bytes[3 * i + k] = (unsigned char)(clamp(c[k], 0, 1) * 255 + .5f);
    }
    png_image image = {.version = PNG_IMAGE_VERSION, .width = p->w, .height = p->h, .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *file = nx_alloc(size);
    bool ok = png_image_write_to_memory(&image, file, &size, 0, bytes, 0, NULL)
                  ? nx_file_write(path, file, size, err)
                  : nx_fail(err, "%s: cannot be written: %s", path, image.message);
    free(file);
    free(bytes);
    return ok;
}

float to_srgb(float c) { return c <= .0031308f ? 12.92f * most(c, 0) : 1.055f * powf(c, 1 / 2.4f) - .055f; }
static float from_srgb(float c) { return c <= .04045f ? c / 12.92f : powf((c + .055f) / 1.055f, 2.4f); }

v3 hue(int rrggbb)
{
    return v(from_srgb((rrggbb >> 16 & 255) / 255.f), from_srgb((rrggbb >> 8 & 255) / 255.f),
             from_srgb((rrggbb & 255) / 255.f));
}

v3 recoloured(v3 c, float turn, float saturation)
{
    float g = (c.x + c.y + c.z) / 3, n = cosf(turn) * saturation, s = sinf(turn) * saturation / sqrtf(3);
    v3 d = sub(c, grey(g)); /* across the axis of greys */
    v3 to = add(add(mul(d, n), mul(v(d.z - d.y, d.x - d.z, d.y - d.x), s)), grey(g));
    return v(most(to.x, 0), most(to.y, 0), most(to.z, 0));
}
