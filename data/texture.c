/* A texture is a relief with a colour and a gloss at each place of a tile. The relief is lit from the upper left, and
 * what lies lower than its surroundings is darker. */
#include "texture.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { SIZE = 256, LARGE = 2 * SIZE };

typedef struct spot {
    v3 colour; /* linear */
    float height, gloss;
} spot;

typedef spot spot_function(float x, float y, uint32_t seed); /* x and y in 0 to 1, both periodic */

static spot bricks(float x, float y, uint32_t seed)
{
    const int across = 4, rows = 10;
    x += .004f * wrap2(x * 16, y * 16, 16, 16, seed), y += .004f * wrap2(x * 16, y * 16, 16, 16, seed + 1);
    float v0 = y * rows, row = floorf(v0), u = x * across + .5f * ((int)row & 1), column = floorf(u);
    int wrapped = ((int)column % across + across) % across, line = ((int)row % rows + rows) % rows;
    float edge = least((.5f - fabsf(u - column - .5f)) * rows / across, .5f - fabsf(v0 - row - .5f));
    float tone = hash1(wrapped, line, seed + 2), rough = wrap_fbm(x * 24, y * 24, 5, 24, seed + 3),
          worn = .06f * wrap2(x * 32, y * 32, 32, 32, seed + 4);
    float in = ramp(.07f, .15f, edge + worn);
    v3 clay =
        mix3(mix3(hue(0x8E4030), hue(0xB86A4A), tone), hue(0x5A2E2A), hash1(wrapped, line, seed + 5) < .18f ? .8f : 0);
    clay = mul(clay, 1 + .35f * rough);
    v3 mortar = mul(hue(0xA8A090), .85f + .4f * wrap_fbm(x * 40, y * 40, 4, 40, seed + 6));
    return (spot){mix3(mortar, clay, in), in * (.9f + .2f * tone) + .16f * rough, 0};
}

static spot pebbles(float x, float y, uint32_t seed)
{
    static const int hues[] = {0x8A8278, 0x6E6A68, 0xB0A490, 0x9A8468, 0x5A5654, 0xC4BCAC, 0x8C7460};
    spot s = {mul(hue(0x3A3228), 1 + .5f * wrap_fbm(x * 40, y * 40, 4, 40, seed)),
              .1f * wrap_fbm(x * 40, y * 40, 4, 40, seed + 1), 0};
    for (int size = 0; size < 3; size++) { /* small ones below, large ones on top */
        int count = size == 0 ? 20 : size == 1 ? 13 : 8;
        float bend = .25f * wrap2(x * count, y * count, count, count, seed + 20 + size);
        cell c = cells2(x * count + bend, y * count - bend, count, .75f, seed + 10 + size);
        if (hash1(c.id, 1, 1) < (size == 0 ? 0 : size == 1 ? .35f : .62f)) continue;
        float turn = hash1(c.id, 2, 1) * 6, u = c.x * cosf(turn) + c.y * sinf(turn),
              w = (c.y * cosf(turn) - c.x * sinf(turn)) * (1.1f + .5f * hash1(c.id, 3, 1));
        float d = (u * u + w * w) / square(.46f), dome = sqrtf(most(0, 1 - d * d)),
              level = dome * (1.1f + size * .9f) * .55f + size * .15f;
        if (d > 1 || level < s.height) continue;
        v3 q = v(u * 5, w * 5, hash1(c.id, 4, 1) * 50);
        float grain = fbm3(q, 4, seed), speck = noise3(mul(q, 7), seed + 3),
              vein = ramp(.06f, .02f, fabsf(fbm3(mul(q, .5f), 3, c.id)));
        s.colour = mul(hue(hues[c.id % 7]), .9f + .4f * grain + .14f * speck);
        if (c.id % 3 == 0) s.colour = mix3(s.colour, hue(0xD8D0C0), vein * .6f);
        s.height = level, s.gloss = .25f;
    }
    return s;
}

static spot weave(float x, float y, uint32_t seed)
{
    const int count = 14;
    float u = x * count, w = y * count;
    int i = (int)floorf(u), j = (int)floorf(w);
    float fu = u - i - .5f, fw = w - j - .5f;
    bool over = (i + j) & 1; /* the upright strand lies on top */
    float across = over ? fu : fw, run = over ? fw : fu, bow = cosf(run * PI),
          round = sqrtf(most(0, 1 - square(across / .46f)));
    uint32_t strand = over ? hash3(i, 1, seed) : hash3(j, 2, seed);
    float fibre = over ? wrap2(x * 256, y * 24, 256, 24, seed + 3) : wrap2(x * 24, y * 256, 24, 256, seed + 3),
          stain = wrap_fbm(x * 6, y * 6, 4, 6, seed + 4);
    v3 c = mix3(hue(over ? 0xB08850 : 0x9A7040), hue(0xD4B47C), hash1(strand, 3, 1));
    c = mul(c, (.75f + .25f * round) * (1 + .28f * fibre + .3f * stain));
    float height = (.35f + .65f * bow) * round + .05f * fibre;
    if (fabsf(across) > .46f) c = mul(c, .3f), height = -.2f;
    return (spot){c, height * 1.3f, .2f};
}

static spot star_sky(float x, float y, uint32_t seed)
{
    float bend = wrap2(x * 3, y * 3, 3, 3, seed + 1), cloud = wrap_fbm(x * 4 + bend, y * 4 - bend, 6, 4, seed + 2),
          other = wrap_fbm(x * 3 - bend, y * 3, 5, 3, seed + 3);
    v3 c = v(.004f, .007f, .022f);
    c = add(c, mul(v(.05f, .07f, .22f), ramp(-.2f, .7f, cloud)));
    c = add(c, mul(v(.24f, .05f, .16f), ramp(.05f, .8f, other)));
    c = add(c, mul(v(.02f, .13f, .16f), ramp(.1f, .7f, cloud * other * 4)));
    for (int size = 0; size < 4; size++) {
        int count = 56 >> size;
        cell s = cells2(x * count, y * count, count, .8f, seed + 10 + size);
        float bright = powf(hash1(s.id, 1, 1), 5) * (.8f + size * 1.2f), far = s.near / count * 60;
        v3 warm = mix3(v(.6f, .75f, 1), v(1, .8f, .55f), hash1(s.id, 2, 1));
        float rays = size == 3 ? .25f * expf(-fabsf(s.x) * 90) * expf(-fabsf(s.y) * 9) +
                                     .25f * expf(-fabsf(s.y) * 90) * expf(-fabsf(s.x) * 9)
                               : 0;
        c = add(c, mul(warm, bright * (expf(-far * far * 9 / (1 + size)) + .06f * expf(-far * 1.6f) + rays)));
    }
    return (spot){c, 0, 0};
}

static spot wood(float x, float y, uint32_t seed)
{
    const int planks = 4;
    float at = x * planks, plank = floorf(at), in = at - plank, gap = .5f - fabsf(in - .5f);
    uint32_t id = hash3((int)plank, 5, seed) & 0xffff;
    float grain = 1.6f * in + .25f * wrap2(x * 8, y * 4, 8, 4, id) + .12f * wrap2(x * 16, y * 8, 16, 8, id + 1) +
                  .9f * wrap2(x * 4, y * 2, 4, 2, id + 9);
    for (int k = 0; k < 2; k++) { /* a knot pushes the rings aside */
        float kx = .3f + .4f * hash1(id, k, 1), ky = hash1(id, k, 2), dy = y - ky - floorf(y - ky + .5f),
              d = square((in - kx) * 1.4f) + square(dy * 6);
        if (hash1(id, k, 3) < .45f) grain += .9f * expf(-d * 14);
    }
    float ring = grain * 11 - floorf(grain * 11), late = ramp(.35f, .95f, ring) * ramp(1, .95f, ring);
    float pores = wrap2(x * 200, y * 10, 200, 10, seed + 6), shade = wrap2(x * 40, y * 3, 40, 3, seed + 7);
    v3 c = mix3(hue(0xB8854E), hue(0x7A4A26), .75f * late + .2f * shade);
    c = mul(c, (.82f + .35f * hash1(id, 4, 4)) * (1 + .12f * pores));
    float joint = ramp(.012f, .03f, gap);
    return (spot){mul(c, .25f + .75f * joint), .5f * joint - .1f * late + .06f * pores, .15f};
}

static spot scales(float x, float y, uint32_t seed)
{
    const int across = 8, rows = 12;
    float w = y * rows, fu, fw, reach;
    int line = (int)floorf(w), column, up = 2;
    do { /* a scale of the row above lies on top where it reaches down to here */
        float u = x * across + .5f * ((line - --up) & 1);
        column = (int)floorf(u);
        fu = (u - column - .5f) * 2, fw = w - line + up, reach = .75f + 1.15f * sqrtf(most(0, 1 - fu * fu));
    } while (up && fw > reach);
    uint32_t id = hash3((column % across + across) % across, (line - up + rows) % rows, seed);
    float out = least(fw / reach, 1), rib = .5f + .5f * cosf(fu * 22), tone = hash1(id, 1, 1), age = hash1(id, 2, 1);
    v3 c =
        mix3(mix3(hue(0x1E6A6A), hue(0x2A8A58), tone), hue(0xC8A040), .8f * ramp(.6f, .98f, out) * (.35f + .65f * age));
    c = mul(c, .8f + .25f * rib + .3f * wrap_fbm(x * 32, y * 32, 3, 32, seed + 2));
    return (spot){c, .2f + .45f * fw * (1 - .4f * fu * fu) + .04f * rib, .6f};
}

static spot leaves(float x, float y, uint32_t seed)
{
    static const int hues[] = {0x4E7A2A, 0x7A9A34, 0x2F5E26, 0x9AAA40, 0x3E6E3A, 0xB09A38};
    spot s = {mul(hue(0x16240E), 1 + .5f * wrap_fbm(x * 30, y * 30, 3, 30, seed)), 0, 0};
    for (int size = 0; size < 4; size++) {
        int count = 7 + (size & 1);
        for (int j = -1; j <= 1; j++)
            for (int i = -1; i <= 1; i++) {
                int cx = (int)floorf(x * count) + i, cy = (int)floorf(y * count) + j;
                uint32_t id = hash3((cx % count + count) % count, (cy % count + count) % count, seed + 30 + size);
                float dx = x * count - cx - hash1(id, 1, 1), dy = y * count - cy - hash1(id, 2, 1),
                      turn = hash1(id, 3, 1) * 6.28f;
                float u = (dx * cosf(turn) + dy * sinf(turn)) / .86f, w = (dy * cosf(turn) - dx * sinf(turn)) / .86f;
                float wide =
                    .36f * (1 - u * u) * (1 - .35f * u) + .012f * cosf(u * 60); /* a point at each end, a toothed rim */
                if (fabsf(u) > 1 || fabsf(w) > wide) continue;
                float rib = fabsf(w), vein = fabsf(u * 5 - rib * 6 - floorf(u * 5 - rib * 6) - .5f),
                      level = size * .5f + .35f + .3f * (1 - square(w / wide)) + .25f * (hash1(id, 4, 1) - .5f) * u +
                              .12f * w;
                if (level < s.height) continue;
                v3 c = mul(hue(hues[id % 6]), .8f + .4f * hash1(id, 5, 1) + .25f * fbm2(u * 5, w * 9, 3, id));
                c = mix3(c, hue(0xC8CC88),
                         .5f * ramp(.03f, .008f, rib) + .22f * ramp(.09f, .02f, vein) * ramp(0, .05f, rib));
                s = (spot){c, level - .12f * ramp(.03f, .0f, rib) - .05f * ramp(.09f, .02f, vein), .35f};
            }
    }
    return s;
}

static spot marble(float x, float y, uint32_t seed)
{
    float bx = wrap_fbm(x * 3, y * 3, 5, 3, seed), by = wrap_fbm(x * 3, y * 3, 5, 3, seed + 9),
          cloud = wrap_fbm(x * 2 + bx, y * 2 + by, 5, 2, seed + 2);
    float vein = 0;
    for (int k = 0; k < 3; k++)
        vein = most(vein,
                    ramp(.07f - .015f * k, 0,
                         fabsf(wrap_fbm(x * (2 << k) + bx * 1.4f, y * (2 << k) + by * 1.4f, 4, 2 << k, seed + 5 + k))) *
                        (1 - .25f * k));
    v3 c = mix3(mix3(hue(0x2E5A50), hue(0x5E8A78), .5f + cloud), hue(0xE4E0CC), vein * (.55f + .5f * bx));
    return (spot){mul(c, 1 + .06f * wrap2(x * 128, y * 128, 128, 128, seed)), 0, .1f};
}

static const struct {
    const char *name;
    spot_function *at;
    float relief; /* depth of the relief, in parts of the tile */
} textures[TEXTURES] = {{"bricks", bricks, .006f}, {"pebbles", pebbles, .022f}, {"weave", weave, .014f},
                        {"stars", star_sky, 0},    {"wood", wood, .003f},       {"scales", scales, .016f},
                        {"leaves", leaves, .016f}, {"marble", marble, 0}};

const char *texture_name(int which) { return textures[which].name; }

int texture_named(const char *name)
{
    for (int i = 0; i < TEXTURES; i++)
        if (!strcmp(textures[i].name, name)) return i;
    nx_die("there is no texture %s", name);
}

/* Spots side by side; what lies beyond the edge is the other side of a tile, or else like the edge. */
typedef struct patch {
    int side;
    bool tiles;
    spot *at;
} patch;

static int beside(const patch *p, int i)
{
    if (p->tiles) return (i + p->side) % p->side;
    return i < 0 ? 0 : i < p->side ? i : p->side - 1;
}

static const spot *spot_of(const patch *p, int x, int y) { return &p->at[beside(p, y) * p->side + beside(p, x)]; }

/* The blurred relief, computed on a copy with a margin so that a tile still meets itself. */
static picture surroundings(const patch *p, float radius)
{
    enum { MARGIN = 64 };
    int wide_side = p->side + 2 * MARGIN;
    picture wide = picture_new(wide_side, wide_side), inner = picture_new(p->side, p->side);
    for (int y = 0; y < wide.h; y++)
        for (int x = 0; x < wide.w; x++) wide.at[y * wide.w + x] = grey(spot_of(p, x - MARGIN, y - MARGIN)->height);
    picture_blur(&wide, radius);
    for (int y = 0; y < inner.h; y++)
        for (int x = 0; x < inner.w; x++) inner.at[y * inner.w + x] = wide.at[(y + MARGIN) * wide.w + x + MARGIN];
    picture_free(&wide);
    return inner;
}

/* sRGB values; relief: its depth in pixels. */
static picture light(const patch *s, float relief, float radius)
{
    picture p = picture_new(s->side, s->side), mean = surroundings(s, radius);
    v3 sun = unit(v(-.55f, -.6f, .75f)), middle = unit(add(sun, v(0, 0, 1)));
    for (int y = 0; y < s->side; y++)
        for (int x = 0; x < s->side; x++) {
            const spot *me = spot_of(s, x, y);
            v3 c = me->colour;
            if (relief > 0) {
                float gx = spot_of(s, x + 1, y)->height - spot_of(s, x - 1, y)->height;
                float gy = spot_of(s, x, y + 1)->height - spot_of(s, x, y - 1)->height;
                v3 n = unit(v(-gx * relief * .5f, -gy * relief * .5f, 1));
                float shadow = 1; /* something higher towards the sun */
                for (int k = 2; k <= 24; k += 2) {
                    const spot *o = spot_of(s, x - k * 2 / 3, y - k * 3 / 4);
                    shadow = least(shadow, 1.2f - 1.5f * most(0, (o->height - me->height) * relief - k * .95f) / 3);
                }
                float open = clamp(1 + 1.1f * (me->height - mean.at[y * s->side + x].x), .3f, 1.15f);
                float sunlit = most(dot(n, sun), 0) * clamp(shadow, 0, 1);
                c = mul(c, open * (.38f + 1.05f * sunlit));
                c = add(c, grey(me->gloss * .5f * sunlit * powf(most(dot(n, middle), 0), 40)));
            }
            p.at[y * s->side + x] = v(to_srgb(clamp(c.x, 0, 1)), to_srgb(clamp(c.y, 0, 1)), to_srgb(clamp(c.z, 0, 1)));
        }
    picture_free(&mean);
    return p;
}

picture texture_make(int which, uint32_t seed)
{
    patch s = {LARGE, true, nx_alloc((size_t)LARGE * LARGE * sizeof *s.at)};
    for (int y = 0; y < LARGE; y++)
        for (int x = 0; x < LARGE; x++)
            s.at[y * LARGE + x] = textures[which].at((x + .5f) / LARGE, (y + .5f) / LARGE, seed + 100 * which);
    picture p = light(&s, textures[which].relief * LARGE, 12), small = picture_smaller(&p, SIZE, SIZE);
    picture_free(&p);
    free(s.at);
    return small;
}

picture texture_view(int which, nx_rng *r, float span, float turn, int side)
{
    enum { EDGE = 24 }; /* pixels around it, from where shadows may fall */
    uint32_t seed = nx_rng_u32(r) >> 8;
    float hue_turn = between(r, 0, 2 * PI), pale = between(r, .2f, 1), bright = between(r, .6f, 1.6f),
          u0 = nx_rng_uniform(r), w0 = nx_rng_uniform(r), depth = between(r, .6f, 1.5f);
    int large = 2 * side, whole = large + 2 * EDGE;
    patch s = {whole, false, nx_alloc((size_t)whole * whole * sizeof *s.at)};
    for (int y = 0; y < whole; y++)
        for (int x = 0; x < whole; x++) {
            float px = (x - whole * .5f) * span / large, py = (y - whole * .5f) * span / large,
                  u = u0 + px * cosf(turn) - py * sinf(turn), w = w0 + px * sinf(turn) + py * cosf(turn);
            spot *one = &s.at[y * whole + x];
            *one = textures[which].at(u - floorf(u), w - floorf(w), seed);
            one->colour = mul(recoloured(one->colour, hue_turn, pale), bright);
        }
    picture p = light(&s, depth * textures[which].relief * large / span, 12 * (large / span) / LARGE),
            inner = picture_new(large, large);
    for (int y = 0; y < large; y++)
        for (int x = 0; x < large; x++) inner.at[y * large + x] = p.at[(y + EDGE) * whole + x + EDGE];
    picture small = picture_smaller(&inner, side, side);
    picture_free(&inner);
    picture_free(&p);
    free(s.at);
    return small;
}
