/* Rays from the camera meet the first of land, water and solids. Land is a height, found column by column from the
 * bottom of the picture upward: in a column each ray ends no nearer than the one below it, so one walk away from the
 * camera serves them all. The rest is shading: sun with shadows, light of the sky, haze that takes the colour of the
 * sky behind it. */
#include "scene.h"

#include <stdlib.h>

#include "base/memory.h"

enum { STEPS = 480, REFLECT_STEPS = 22, SHADOW_STEPS = 13, LAMP_RAYS = 2 };
#define NEAREST  .6f
#define FARTHEST 24000.f

typedef struct air {
    v3 zenith, horizon, sun; /* sun: colour of its light */
    float low, high;         /* of the sun over the horizon, degrees */
    float haze;              /* one over metres, times 1e-5 */
    float shadow;            /* brightness of the clouds' dark side */
    float stars;
} air;

static const air airs[WEATHERS] = {
    [NOON] = {{.13f, .29f, .66f}, {.56f, .70f, .88f}, {3.1f, 2.9f, 2.6f}, 30, 60, 3, .62f, 0},
    [GOLDEN] = {{.17f, .29f, .54f}, {.92f, .72f, .50f}, {3.2f, 2.1f, 1.1f}, 9, 20, 6, .5f, 0},
    [SUNSET] = {{.11f, .16f, .34f}, {1.0f, .50f, .26f}, {2.3f, 1.15f, .55f}, 2, 6, 7, .22f, 0},
    [OVERCAST] = {{.52f, .56f, .62f}, {.74f, .77f, .80f}, {.4f, .4f, .39f}, 35, 60, 9, .62f, 0},
    [MIST] = {{.58f, .63f, .70f}, {.82f, .83f, .83f}, {.9f, .84f, .72f}, 14, 30, 90, .8f, 0},
    [STORM] = {{.12f, .15f, .20f}, {.42f, .44f, .44f}, {1.2f, 1.1f, .9f}, 18, 40, 12, .22f, 0},
    [DUSK] = {{.035f, .055f, .16f}, {.42f, .24f, .26f}, {.16f, .10f, .12f}, 2, 4, 7, .25f, .25f},
    [NIGHT] = {{.006f, .010f, .024f}, {.016f, .021f, .040f}, {.10f, .12f, .16f}, 20, 50, 5, .2f, 1},
};

typedef struct view { /* a scene with what follows from it, worked out once */
    const scene *s;
    const air *air;
    v3 sun, ambient, bounce;
    v3 forward, right, up;
    float pixel; /* width of a pixel at distance 1 */
    float haze;
} view;

static v3 jitter_in_ball(nx_rng *r) { return v(between(r, -1, 1), between(r, -1, 1), between(r, -1, 1)); }

/* ---- sky ---- */

static float cloud(const view *w, float x, float y, int octaves)
{
    uint32_t seed = w->s->seed + 100;
    float bend = .35f * noise2(x * .7f + 3, y * .7f, seed + 50);
    float thick = fbm2(x + bend, y * 1.2f - bend, octaves, seed) * .5f + .5f;
    float cover = w->s->cover, edge = .22f + .25f * cover;
    return ramp(1.02f - cover * .95f - edge * .5f, 1.02f - cover * .95f + edge, thick + .08f);
}

static v3 stars(const view *w, v3 d)
{
    const uint32_t seed = w->s->seed;
    v3 sum = grey(0);
    float x = atan2f(d.x, d.z) * 60, y = asinf(clamp(d.y, -1, 1)) * 60;
    for (int size = 0; size < 3; size++) {
        cell c = cells2(x * (1.6f - .55f * size), y * (1.6f - .55f * size), 0, .9f, seed + size);
        float bright = powf(hash1(c.id, 1, seed), 7 - 2 * size) * (.4f + size * .5f);
        float spot = ramp(.085f, .02f, c.near) * bright;
        v3 warm = mix3(v(.7f, .8f, 1), v(1, .85f, .7f), hash1(c.id, 2, seed));
        sum = along(sum, warm, spot * .8f);
    }
    float tilt = .35f + hash1(seed, 3, 9), band = d.x * cosf(tilt) - d.y * sinf(tilt) + .15f;
    float milk = expf(-square(band * 4.5f)) * (.55f + .9f * fbm2(d.x * 6, d.y * 6, 5, seed + 7));
    return add(sum, mul(v(.62f, .60f, .72f), most(milk, 0) * .075f));
}

/* Light from far away in direction d. `detail`: clouds, stars and the sun's disc too. */
static v3 sky(const view *w, v3 d, bool detail)
{
    const air *a = w->air;
    float high = most(d.y, 0);
    v3 c = mix3(a->horizon, a->zenith, 1 - expf(-high * 3.2f));
    float to_sun = most(dot(d, w->sun), 0), strength = light_of(a->sun);
    v3 colour = mul(a->sun, 1 / (strength + 1e-6f));
    c = add(c, mul(a->sun, .10f * powf(to_sun, 8) + .16f * powf(to_sun, 64)));
    if (!detail) return mix3(c, mul(a->horizon, 1.1f), w->s->cover * .35f);
    if (a->stars > 0) c = along(c, stars(w, d), a->stars * (1 - .8f * expf(-high * 6)) * (w->s->lit > 0 ? .3f : 1));
    float disc = a->stars == 1 ? .9996f : .9999f;
    if (to_sun > disc - .001f) {
        float on = ramp(disc - .0002f, disc + .0001f, to_sun);
        float marks = a->stars == 1 ? .8f + .35f * fbm3(mul(sub(d, w->sun), 90), 4, 5) : 1;
        c = add(c, mul(colour, on * marks * (a->stars == 1 ? .9f : strength * 9)));
    }
    if (w->s->cover > 0 && d.y > .004f) {
        float far = 1 / (d.y + .06f), x = d.x * far * 1.1f, y = d.z * far * 1.1f;
        float thick = cloud(w, x, y, 6);
        if (thick > 0) {
            v3 flat = unit(v(w->sun.x, 0, w->sun.z));
            float behind =
                cloud(w, x + flat.x * .12f, y + flat.z * .12f, 4) + cloud(w, x + flat.x * .3f, y + flat.z * .3f, 3);
            float lit = expf(-1.1f * behind) * (1 - .35f * thick) + .3f * powf(to_sun, 6) * (1 - thick);
            v3 white = add(mul(a->sun, .30f), mul(mix3(a->zenith, a->horizon, .7f), .75f));
            v3 dark = mul(mix3(a->zenith, a->horizon, .55f), a->shadow + .25f);
            c = mix3(c, mix3(dark, white, clamp(lit * 1.15f, 0, 1.2f)), thick * ramp(.004f, .10f, d.y) * .96f);
        }
    }
    return c;
}

/* The part of light that comes through t metres of air, which thins out with height. */
static float clearness(const view *w, v3 from, v3 d, float t)
{
    if (w->s->room > 0) return 1;
    float rise = d.y * t, top = expf(-most(from.y + rise, 0) / 900), base = expf(-most(from.y, 0) / 900);
    return expf(-w->haze * t * .5f * (top + base));
}

/* ---- land ---- */

/* Heights whose slopes wash out the finer octaves: ridges stay sharp, valleys become smooth. */
static float eroded(float x, float y, float least_size, uint32_t seed)
{
    float sum = 0, strength = .5f, sx = 0, sy = 0, size = 1;
    for (int i = 0; i < 11 && size > least_size; i++, strength *= .5f, size *= .5f) {
        float dx, dy, n = slope_noise(x, y, seed + i, &dx, &dy);
        sx += dx, sy += dy;
        sum += strength * n / (1 + sx * sx + sy * sy);
        float turned = 1.6f * x - 1.2f * y;
        y = 1.2f * x + 1.6f * y, x = turned;
    }
    return sum;
}

static float rolling(float x, float y, float least_size, int most_octaves, uint32_t seed)
{
    int octaves = 1;
    for (float size = .5f; size > least_size && octaves < most_octaves; size *= .5f) octaves++;
    return fbm2(x, y, octaves, seed);
}

static float forest_here(const scene *s, float x, float z)
{
    const land *l = &s->land;
    float away = sqrtf(x * x + z * z);
    if (l->forest <= 0 || away <= 70) return 0;
    float n = fbm2(x / (l->size * .22f), z / (l->size * .22f), 4, s->seed + 31) * .6f + .5f;
    return ramp(1 - l->forest - .05f, 1 - l->forest + .05f, n) * ramp(70, 130, away);
}

/* Tufts of grass and low bushes, where one could tell them from flat ground. */
static float tufts(const scene *s, float x, float z, float footprint)
{
    float clear = ramp(.5f, .1f, footprint), h = 0;
    if (clear <= 0) return 0;
    cell c = cells2(x / 1.1f, z / 1.1f, 0, 1, s->seed + 35);
    h += .22f * hash1(c.id, 1, 3) * ramp(.55f, .05f, c.near + .12f * noise2(x * 5, z * 5, s->seed + 36));
    cell bush = cells2(x / 6, z / 6, 0, 1, s->seed + 37);
    if (bush.id % 5 == 0) h += .9f * ramp(.2f, .02f, bush.near + .03f * noise2(x * 3, z * 3, s->seed + 38));
    return h * clear;
}

static float crowns(const scene *s, float x, float z, float footprint)
{
    float here = forest_here(s, x, z);
    if (here <= 0) return 0;
    if (footprint > 9) return 8 * here;
    cell c = cells2(x / 7, z / 7, 0, .9f, s->seed + 32);
    float dome = sqrtf(most(0, 1 - square(c.near / .75f)));
    return here * (3 + dome * (4 + 5 * hash1(c.id, 3, 1)) + noise2(x * .9f, z * .9f, s->seed + 33));
}

float scene_ground(const scene *s, float x, float z, float footprint)
{
    const land *l = &s->land;
    float u = x / l->size, w = z / l->size, away = sqrtf(x * x + z * z), h = 0, fine = footprint / l->size, far;
    uint32_t seed = s->seed;
    switch (l->kind) {
    case LAND_MOUNTAINS:
        far = ramp(.05f, 1.5f, away / l->size);
        if (far > 0) {
            float bent = w + .15f * noise2(w * 2, u * 2, seed + 8);
            h = eroded(u + .15f * noise2(u * 2, w * 2, seed + 9), bent, fine, seed);
            h = l->height * (2.1f * h - .55f) * far;
        }
        h += 14 * rolling(x / 160, z / 160, footprint / 160, 7, seed + 40) + .025f * away;
        return h + crowns(s, x, z, footprint) + tufts(s, x, z, footprint);
    case LAND_HILLS:
        far = ramp(.2f, 3, away / l->size);
        h = far > 0 ? .5f * far * (1 + noise2(u * .4f, w * .4f, seed + 5)) : 0;
        h = l->height * (rolling(u, w, fine, 6, seed) + h);
        return h + crowns(s, x, z, footprint) + tufts(s, x, z, footprint);
    case LAND_DUNES: {
        float bent = w + .5f * noise2(u * .8f, w * .8f, seed + 1), ridge = 0, strength = 1;
        for (int i = 0; i < 3; i++, strength *= .38f) {
            float n = noise2(u * .7f * (1 << i) + .3f * bent, bent * (1.5f * (1 << i)), seed + 2 + i);
            ridge += strength * (1 - sqrtf(n * n + .0012f) * 1.7f);
        }
        h = l->height * ((ridge - .6f) * (.3f + .7f * ramp(.1f, 1.1f, away / l->size)) +
                         .4f * noise2(u * .3f, w * .3f, seed + 6) + .5f * ramp(.3f, 5, away / l->size));
        if (footprint < .12f) h += .035f * sinf((x * .35f + z + 1.6f * noise2(x * .3f, z * .3f, seed + 7)) * 9);
        return h;
    }
    case LAND_COAST:
        h = rolling(u, w, fine, 9, seed) + .25f * noise2(u * .3f + 9, w * .3f, seed + 3) - .06f;
        h = h > 0 ? powf(h, .7f) + .02f * noise2(u * 9, w * 9, seed + 4) : h;
        h = l->height * h - 3 + 8 * ramp(60, 6, away + x * .2f);
        return h + (h > 9 ? crowns(s, x, z, footprint) : 0) + (h > l->water + 2.5f ? tufts(s, x, z, footprint) : 0);
    case LAND_PLAIN:
        far = ramp(.6f, 3, away / l->size);
        if (far > 0) h = l->height * far * (rolling(u, w, fine, 5, seed) + .5f);
        if (l->rows > 0 && footprint < l->rows * .4f)
            h += .16f * l->rows * sinf(2 * PI * (x + .15f * z) / l->rows) * ramp(l->rows * .4f, 0, footprint);
        h += .12f * rolling(x / 3, z / 3, footprint / 3, 4, seed + 6);
        return h + crowns(s, x, z, footprint) + (l->rows > 0 ? 0 : .6f * tufts(s, x, z, footprint));
    default:
        return -1e9f;
    }
}

typedef struct surface {
    v3 colour, normal, glow;
    float shine, through; /* through: light that passes from behind */
} surface;

static v3 land_normal(const view *w, v3 p, float footprint)
{
    float e = most(footprint, .03f), h = scene_ground(w->s, p.x, p.z, footprint);
    return unit(v(h - scene_ground(w->s, p.x + e, p.z, footprint), e, h - scene_ground(w->s, p.x, p.z + e, footprint)));
}

static surface land_surface(const view *w, v3 p, float footprint)
{
    const land *l = &w->s->land;
    uint32_t seed = w->s->seed + 60;
    surface s = {.normal = land_normal(w, p, footprint)};
    float broad = fbm2(p.x / 40, p.z / 40, 4, seed),
          fine = footprint < .5f ? fbm2(p.x * 2.1f, p.z * 2.1f, 5, seed + 4) : 0;
    float blades = footprint < .05f ? noise2(p.x * 31, p.z * 12, seed + 8) : 0;
    float away = sqrtf(p.x * p.x + p.z * p.z), slope = s.normal.y;
    s.colour = mix3(l->grass, l->dry, clamp(.5f + .9f * broad + .4f * fine, 0, 1));
    s.colour = mul(s.colour, 1 + .45f * fine + .35f * blades);
    if (footprint < .5f && l->kind != LAND_DUNES) { /* tufts are darker at the foot, each of its own green */
        cell c = cells2(p.x / 1.1f, p.z / 1.1f, 0, 1, w->s->seed + 35),
             bush = cells2(p.x / 6, p.z / 6, 0, 1, w->s->seed + 37);
        float tone = (.72f + .5f * hash1(c.id, 2, 3)) * (1.15f - .5f * ramp(.2f, .6f, c.near)),
              clear = ramp(.5f, .1f, footprint);
        s.colour = mul(s.colour, mix(1, tone, clear));
        if (bush.id % 5 == 0 && l->rows <= 0)
            s.colour = mix3(s.colour, mul(l->grass, .55f + .5f * fine), clear * ramp(.24f, .14f, bush.near));
    }
    if (l->kind == LAND_DUNES) {
        s.colour = mul(mix3(l->dry, l->grass, .5f + .5f * broad), 1 + .10f * fine);
        return s;
    }
    if (l->rows > 0) {
        float row = .5f + .5f * sinf(2 * PI * (p.x + .15f * p.z) / l->rows),
              sharp = ramp(l->rows * .6f, l->rows * .1f, footprint);
        float field =
            hash1((int)floorf(p.x / 90 + .3f * noise2(p.x / 200, p.z / 200, seed)), (int)floorf(p.z / 140 + .4f), seed);
        v3 crop = mix3(mix3(l->grass, l->dry, field), l->rock, .55f * mix(.5f, 1 - row, sharp));
        s.colour = mul(crop, 1 + .3f * fine + .3f * blades);
    }
    if (l->flowers > 0 && away < 400) {
        cell c = cells2(p.x * 2.6f, p.z * 2.6f, 0, .95f, seed + 12);
        float is = hash1(c.id, 5, seed) < l->flowers * (.6f + 1.4f * broad + .5f) ? ramp(.36f, .2f, c.near) : 0;
        float blur = ramp(.15f, .6f, footprint);
        is = mix(is, .28f * l->flowers, blur);
        s.colour = mix3(s.colour, mix3(l->blossom, grey(.8f), .25f * hash1(c.id, 6, seed)), is);
    }
    float rough = .12f * fbm2(p.x / 11, p.z / 11, 5, seed + 2);
    if (l->kind == LAND_MOUNTAINS || l->kind == LAND_COAST) {
        float stone = ramp(.86f, .72f, slope + rough);
        float layers = .5f + .5f * sinf(p.y * .11f + 3 * broad + 6 * rough);
        v3 rock = mul(mix3(l->rock, mul(l->rock, .62f), layers * .6f + .4f * fine), 1 + 1.6f * rough);
        s.colour = mix3(s.colour, rock, stone);
    }
    if (l->kind == LAND_COAST)
        s.colour = mix3(s.colour, mul(v(.62f, .50f, .34f), 1 + .2f * fine),
                        ramp(l->water + 2.8f, l->water + 1.2f, p.y + 6 * rough));
    float trees = forest_here(w->s, p.x, p.z) * (l->kind == LAND_COAST ? ramp(8, 11, p.y) : 1);
    if (trees > .02f) {
        cell c = cells2(p.x / 7, p.z / 7, 0, .9f, w->s->seed + 32);
        v3 leaf = mul(mix3(l->tree, mix3(l->dry, l->tree, .4f), hash1(c.id, 8, 2)), .65f + .5f * hash1(c.id, 9, 2));
        leaf = mul(leaf,
                   (footprint < 2 ? ramp(.85f, .25f, c.near) * .75f + .35f + .4f * fbm2(p.x * 1.3f, p.z * 1.3f, 3, seed)
                                  : .8f));
        s.colour = mix3(s.colour, leaf, trees);
    }
    float snow = ramp(l->snow - 60, l->snow + 90, p.y + 500 * rough + 60 * broad) * ramp(.52f, .70f, slope + rough);
    s.colour = mix3(s.colour, v(.86f, .89f, .94f), snow);
    return s;
}

/* Distance to the land along a ray that left the camera's columns: coarse, for mirrors and shadows. */
static float land_distance(const view *w, v3 from, v3 d)
{
    if (w->s->land.kind == LAND_NONE) return FARTHEST;
    float t = .5f, before = 0;
    for (int i = 0; i < REFLECT_STEPS; i++) {
        v3 p = along(from, d, t);
        if (p.y < scene_ground(w->s, p.x, p.z, t * .07f)) return .5f * (t + before);
        before = t, t *= 1.55f;
    }
    return FARTHEST;
}

static float sunlight(const view *w, v3 p, v3 normal, nx_rng *rng)
{
    v3 to = unit(along(w->sun, jitter_in_ball(rng), .012f)),
       from = along(p, normal, .004f * most(1, .2f * length(sub(p, w->s->eye))));
    if (w->s->solids.count && solids_block(&w->s->solids, from, to, 4000)) return 0;
    if (w->s->land.kind == LAND_NONE || w->s->room > 0) return 1;
    float open = 1, t = 1.5f + .01f * length(sub(p, w->s->eye));
    for (int i = 0; i < SHADOW_STEPS && open > 0; i++, t *= 1.6f) {
        v3 q = along(from, to, t);
        open = least(open, .5f + 14 * (q.y - scene_ground(w->s, q.x, q.z, t * .06f + .1f)) / t);
    }
    if (open <= 0) return 0;
    float patch =
        w->s->cover < .9f ? w->s->cover * ramp(.1f, .5f, fbm2(p.x / 900 + 4, p.z / 900, 3, w->s->seed + 3)) : 0;
    return clamp(open, 0, 1) * (1 - .8f * patch);
}

/* ---- paints ---- */

static void bump(surface *s, v3 p, float strength, uint32_t seed)
{
    v3 g = v(noise3(p, seed), noise3(add(p, grey(31.7f)), seed), noise3(add(p, grey(57.1f)), seed));
    s->normal = unit(along(s->normal, g, strength));
}

/* Two coordinates in metres on a solid's surface. */
static void unroll(const hit *h, float *x, float *y)
{
    const solid *o = h->solid;
    v3 p = tint(h->own, o->half);
    float ax = fabsf(h->own.x), ay = fabsf(h->own.y), az = fabsf(h->own.z);
    if (o->shape != BLOCK) {
        *x = atan2f(h->own.x, h->own.z) * o->half.x, *y = p.y;
    } else if (ay >= ax && ay >= az) {
        *x = p.x, *y = p.z;
    } else {
        *x = ax > az ? p.z : p.x, *y = p.y + o->half.y;
    }
}

static void plain(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    v3 q = mul(h->own, 1.7f);
    s->colour = mul(h->solid->paint.first, 1 + .05f * fbm3(q, 3, h->solid->paint.seed));
}

static void wood(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    const paint *m = &h->solid->paint;
    v3 q = mul(tint(h->own, h->solid->half), 1 / m->scale);
    float plank = floorf(q.z * 1.1f), tone = hash1((int)plank + 50, 3, m->seed), gap = fabsf(q.z * 1.1f - plank - .5f);
    v3 grain = v(q.x * .35f + tone * 40, q.y * 3, q.z * 3);
    float rings =
        sinf(24 * (noise3(mul(grain, .45f), m->seed) + .12f * fbm3(v(q.x * .8f, q.y * 9, q.z * 22), 3, m->seed + 1)));
    float fibre = noise3(v(q.x * 2.5f, q.y * 60, q.z * 60), m->seed + 2);
    s->colour = mul(mix3(m->first, m->second, .5f + .32f * rings + .25f * fibre), .8f + .4f * tone);
    if (gap > .485f) s->colour = mul(s->colour, .35f);
}

static void tiles(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    const paint *m = &h->solid->paint;
    float x, y;
    unroll(h, &x, &y);
    x /= m->scale, y /= m->scale;
    float fx = floorf(x), fy = floorf(y), edge = most(fabsf(x - fx - .5f), fabsf(y - fy - .5f));
    float tone = hash1((int)fx, (int)fy, m->seed);
    s->colour =
        mul(((int)fx + (int)fy) & 1 ? m->first : m->second, .88f + .2f * tone + .12f * fbm2(x * 2, y * 2, 4, m->seed));
    s->shine = m->shine;
    if (edge > .482f) s->colour = mul(mix3(m->first, m->second, .5f), .45f), s->shine = 0;
}

static void marble(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w;
    const paint *m = &h->solid->paint;
    v3 q = mul(p, 1 / m->scale);
    float vein = fabsf(sinf(3 * q.x + 2 * q.y + q.z + 5 * fbm3(q, 5, m->seed)));
    s->colour = mix3(m->second, m->first, powf(vein, .45f));
}

static void cloth(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w;
    const paint *m = &h->solid->paint;
    float x, y;
    unroll(h, &x, &y);
    float stripes = ramp(.35f, .45f, fabsf(x / m->scale - floorf(x / m->scale) - .5f)) +
                    ramp(.35f, .45f, fabsf(y / m->scale - floorf(y / m->scale) - .5f));
    float thread = sinf(x * 900) * sinf(y * 900);
    s->colour = mul(mix3(m->first, m->second, clamp(stripes * .5f, 0, 1)),
                    .92f + .12f * thread + .1f * fbm3(mul(p, 9), 3, m->seed));
    bump(s, mul(p, 5), .18f, m->seed);
}

static void brick(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    const paint *m = &h->solid->paint;
    float x, y;
    unroll(h, &x, &y);
    y /= m->scale * .35f;
    float row = floorf(y);
    x = x / m->scale + .5f * ((int)row & 1);
    float column = floorf(x), tone = hash1((int)column, (int)row, m->seed);
    float edge = most((fabsf(x - column - .5f) - .5f) * 2.8f, fabsf(y - row - .5f) - .5f);
    s->colour = mul(mix3(m->first, mul(m->first, .55f), tone), .85f + .4f * fbm2(x * 4, y * 2, 4, m->seed));
    s->colour = mix3(s->colour, m->second, ramp(-.14f, -.08f, edge));
    bump(s, v(x * 9, y * 4, 0), .2f, m->seed);
}

static void facade(surface *s, const view *w, const hit *h, v3 p)
{
    const paint *m = &h->solid->paint;
    float x, y;
    unroll(h, &x, &y);
    float dirt = fbm3(mul(p, .35f), 4, m->seed);
    s->colour = mul(m->first, .95f + .25f * dirt);
    if (fabsf(h->own.y) > .999f) {
        s->colour = mul(grey(.3f), 1 + .3f * dirt);
        return;
    }
    uint32_t kind = m->seed % 3;
    float across = m->scale * (kind == 1 ? .8f : 1.15f), floor_height = m->scale * 1.25f, u = x / across,
          q = y / floor_height;
    float column = floorf(u), row = floorf(q), fx = fabsf(u - column - .5f), fy = fabsf(q - row - .52f);
    float half_x = kind == 0 ? .30f : kind == 1 ? .44f : .22f, half_y = kind == 2 ? .30f : kind == 1 ? .38f : .27f;
    if (row < 1) half_x = .42f, half_y = .36f;
    if (y > 2 * h->solid->half.y - .35f * floor_height) return;
    if (fx < half_x && fy < half_y) {
        bool bar = fx < .018f || fabsf(fy - half_y) < .03f || fabsf(fx - half_x) < .03f;
        uint32_t id = hash3((int)column + 97, (int)row,
                            m->seed + (h->normal.x > .5f    ? 7
                                       : h->normal.x < -.5f ? 11
                                                            : 13));
        s->colour = bar ? mul(m->second, .8f) : grey(.02f);
        s->shine = bar ? 0 : .12f;
        float curtain = hash1(id, 4, 1);
        if (!bar && curtain < .4f && u - column < .5f + curtain) s->colour = grey(.25f), s->shine = .05f;
        if (!bar && hash1(id, 1, 1) < w->s->lit) {
            v3 warm = mix3(v(1, .62f, .25f), v(.85f, .95f, 1), square(hash1(id, 2, 1)));
            float inside = .35f + .65f * hash1(id, 3, 1) + .3f * noise2(u * 7, q * 7, id);
            s->glow = mul(warm, inside * (row < 1 ? 1.4f : .7f));
        }
    } else if (fy > half_y && fy < half_y + .05f) {
        s->colour = mul(m->second, .9f + .2f * dirt);
    }
}

static void leaf(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w;
    const paint *m = &h->solid->paint;
    float n = noise3(mul(p, 1.4f / m->scale), m->seed), tone = hash1(m->seed, 2, 2);
    s->colour = mul(mix3(m->first, m->second, clamp(.5f * tone + .5f + .7f * n, 0, 1)), .75f + .5f * tone);
    bump(s, mul(p, 1.7f / m->scale), .9f, m->seed + 1);
    s->through = .45f;
    (void)h;
}

static void bark(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w;
    const paint *m = &h->solid->paint;
    v3 q = v(p.x / m->scale, p.y / m->scale * .25f, p.z / m->scale);
    float n = fbm3(q, 5, m->seed);
    s->colour = mul(mix3(m->first, m->second, .5f + n), .75f + .7f * fabsf(n));
    bump(s, mul(q, 2), .7f, m->seed);
}

static void petal(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    const paint *m = &h->solid->paint;
    float out = .5f + .5f * h->own.z, veins = noise2(h->own.x * 14, out * 1.5f, m->seed);
    s->colour = mul(mix3(m->second, m->first, ramp(.05f, .6f, out)), .9f + .16f * veins);
    s->through = .5f;
}

static void fruit(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    const paint *m = &h->solid->paint;
    float blush = .5f + .9f * fbm3(mul(h->own, 1.3f), 4, m->seed),
          freckle = cells2(atan2f(h->own.x, h->own.z) * 7, h->own.y * 9, 0, .9f, m->seed).near;
    s->colour = mix3(m->first, m->second, clamp(blush, 0, 1));
    s->colour = mix3(mul(s->colour, 1.5f), s->colour, ramp(.04f, .12f, freckle));
    if (h->own.y > .9f) s->colour = mix3(s->colour, v(.12f, .09f, .03f), ramp(.965f, .995f, h->own.y));
    bump(s, mul(h->own, 9), .04f, m->seed);
}

static void road(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w;
    const paint *m = &h->solid->paint;
    float coarse = fbm2(p.x * .5f, p.z * .12f, 4, m->seed), grit = noise2(p.x * 40, p.z * 40, m->seed);
    s->colour = mul(m->first, 1 + .35f * coarse + .18f * grit);
    s->shine = m->shine * ramp(-.2f, .3f, coarse);
    float dash = p.z / 6 - floorf(p.z / 6);
    if ((fabsf(p.x) < .08f && dash < .5f) || fabsf(fabsf(p.x) - 3.6f) < .06f)
        s->colour = mix3(s->colour, m->second, .7f + .4f * coarse);
    bump(s, v(p.x * 8, 0, p.z * 8), .05f + m->shine * .3f, m->seed);
    (void)h;
}

static void grass(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)h;
    const paint *m = &h->solid->paint;
    float broad = fbm2(p.x * .3f / m->scale, p.z * .3f / m->scale, 4, m->seed),
          fine = fbm2(p.x * 4 / m->scale, p.z * 2 / m->scale, 4, m->seed + 4);
    s->colour = mul(mix3(m->first, m->second, clamp(.5f + broad, 0, 1)), 1 + .8f * fine);
    bump(s, mul(p, 7 / m->scale), .5f, m->seed);
}

static void stone(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w;
    const paint *m = &h->solid->paint;
    v3 q = mul(p, 1 / m->scale);
    float n = fbm3(q, 5, m->seed), speck = noise3(mul(q, 11), m->seed + 3);
    s->colour = mul(mix3(m->first, m->second, clamp(.5f + 1.2f * n, 0, 1)), 1 + .22f * speck);
    bump(s, mul(q, 2.5f), .25f, m->seed + 1);
    (void)h;
}

/* A small abstract picture for a wall. */
static void framed(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    const paint *m = &h->solid->paint;
    float edge = most(fabsf(h->own.x), fabsf(h->own.y)), n = fbm2(h->own.x * 1.5f, h->own.y * 1.5f, 4, m->seed);
    v3 inner = mix3(m->first, m->second, ramp(-.15f, .15f, n));
    inner = mix3(inner, tint(m->second, v(.9f, .5f, .2f)),
                 ramp(.1f, .14f, fbm2(h->own.x * 2, h->own.y * 3, 3, m->seed + 5)));
    s->colour = edge > .86f ? v(.16f, .10f, .05f) : edge > .72f ? grey(.75f) : inner;
}

static void lamp_paint(surface *s, const view *w, const hit *h, v3 p)
{
    (void)w, (void)p;
    s->colour = h->solid->paint.first;
    s->glow = h->solid->paint.second;
}

typedef void paint_function(surface *s, const view *w, const hit *h, v3 p);
static paint_function *const paints[PAINT_KINDS] = {
    [PAINT_PLAIN] = plain, [PAINT_WOOD] = wood,   [PAINT_TILES] = tiles,    [PAINT_MARBLE] = marble,
    [PAINT_CLOTH] = cloth, [PAINT_BRICK] = brick, [PAINT_FACADE] = facade,  [PAINT_LEAF] = leaf,
    [PAINT_BARK] = bark,   [PAINT_PETAL] = petal, [PAINT_FRUIT] = fruit,    [PAINT_ROAD] = road,
    [PAINT_GRASS] = grass, [PAINT_STONE] = stone, [PAINT_PICTURE] = framed, [PAINT_LAMP] = lamp_paint,
};

/* ---- light ---- */

/* What the camera's ray met: light that came from random rays is kept apart, to be smoothed where it falls on one face.
 */
typedef struct sight {
    float distance;
    v3 normal;
    v3 part;  /* of the soft light that reaches the camera */
    v3 light; /* the soft light */
} sight;

static v3 radiance(const view *w, v3 from, v3 d, float land_at, int depth, nx_rng *rng, sight *first);

static v3 around(v3 n, nx_rng *rng) /* a direction around n, by the cosine law */
{
    float turn = 2 * PI * nx_rng_uniform(rng), z = 2 * nx_rng_uniform(rng) - 1, r = sqrtf(1 - z * z);
    return unit(add(mul(n, 1.001f), v(r * cosf(turn), r * sinf(turn), z)));
}

static v3 surroundings(const view *w, v3 p, v3 n, nx_rng *rng)
{
    const scene *s = w->s;
    v3 open = mix3(w->bounce, w->ambient, .5f + .5f * n.y), sum = grey(0);
    int count = s->shade_rays;
    if (!count) return open;
    for (int i = 0; i < count; i++) {
        v3 d = around(n, rng);
        hit h;
        if (!solids_hit(&s->solids, along(p, n, .003f), d, s->room > 0 ? 30 : 12, &h)) {
            sum =
                add(sum, s->room > 0 ? mul(sky(w, d, false), 1.2f) : mix3(w->bounce, w->ambient, ramp(-.3f, .5f, d.y)));
        } else {
            v3 back = h.solid->paint.first;
            float near = ramp(0, 1.2f, h.t);
            sum = add(sum, s->room > 0 ? mul(back, s->room * (.25f + .75f * near))
                                       : mul(tint(back, open), .2f + .5f * ramp(0, 6, h.t)));
        }
    }
    return mul(sum, 1.f / count);
}

static v3 lamplight(const view *w, v3 p, v3 n, nx_rng *rng)
{
    const lamp *l = &w->s->lamp;
    v3 face = cross(l->side, l->up), sum = grey(0);
    float area = length(face);
    if (area <= 0) return sum;
    const int count = LAMP_RAYS;
    for (int i = 0; i < count; i++) {
        v3 q = add(l->corner, add(mul(l->side, (i + nx_rng_uniform(rng)) / count), mul(l->up, nx_rng_uniform(rng)))),
           to = sub(q, p);
        float far = length(to), facing = dot(n, to) / far, leaving = fabsf(dot(face, to)) / (far * area);
        if (facing <= 0 || solids_block(&w->s->solids, along(p, n, .003f), mul(to, 1 / far), far - .02f)) continue;
        sum = along(sum, l->colour, facing * leaving * area / (PI * far * far));
    }
    return mul(sum, 1.f / count);
}

static v3 lit_surface(const view *w, const surface *s, v3 p, v3 d, int depth, nx_rng *rng, sight *first)
{
    float facing = dot(s->normal, w->sun), front = most(facing, 0) + s->through * most(-facing, 0);
    v3 soft = add(surroundings(w, p, s->normal, rng), lamplight(w, p, s->normal, rng)), light = grey(0),
       glint = grey(0);
    float seen_part = 1;
    if (front > 0) {
        float open = sunlight(w, p, facing > 0 ? s->normal : mul(s->normal, -1), rng);
        light = along(light, w->air->sun, front * open);
        if (s->shine > 0) {
            v3 middle = unit(sub(w->sun, d));
            glint = mul(w->air->sun, open * s->shine * 8 * powf(most(dot(middle, s->normal), 0), 180));
        }
    }
    if (!first) light = add(light, soft);
    v3 c = add(tint(s->colour, light), s->glow);
    if (s->shine > 0 && depth < 2) {
        float against = 1 - clamp(-dot(d, s->normal), 0, 1),
              part = s->shine + (1 - s->shine) * against * square(square(against)) * .9f;
        if (part > .015f || s->shine >= .04f) {
            v3 mirror = unit(sub(d, mul(s->normal, 2 * dot(d, s->normal))));
            v3 seen = radiance(w, along(p, s->normal, .004f), mirror, -1, depth + 1, rng, NULL);
            seen_part = 1 - part;
            c = add(mul(c, 1 - part),
                    mul(s->shine > .3f ? tint(seen, mix3(grey(1), mul(s->colour, 1.6f), .7f)) : seen, part));
        }
    }
    if (first) *first = (sight){.normal = s->normal, .part = mul(s->colour, seen_part), .light = soft};
    return add(c, glint);
}

static v3 water(const view *w, v3 p, v3 d, float t, int depth, nx_rng *rng)
{
    const land *l = &w->s->land;
    uint32_t seed = w->s->seed + 80;
    float footprint = t * w->pixel, gx = 0, gy = 0, size = 9, tall = 0;
    for (int i = 0; i < 6; i++, size *= .5f) {
        float dx, dy, n = slope_noise(p.x / size + i * 3.1f, p.z / size * (1.5f - .1f * i), seed + i, &dx, &dy);
        float visible = ramp(size * 1.6f, size * .2f, footprint / most(-d.y * 4, .06f) * .5f);
        gx += dx * visible * .55f, gy += dy * visible * .8f, tall += n * size;
    }
    v3 n = unit(v(-gx * l->waves, 1, -gy * l->waves));
    float facing = -dot(d, n);
    if (facing < .02f) n = unit(along(n, d, -(.02f - facing) * 1.2f)), facing = .02f;
    float part = .02f + .98f * powf(1 - clamp(facing, 0, 1), 5);
    v3 mirror = sub(d, mul(n, 2 * dot(d, n)));
    mirror.y = fabsf(mirror.y) + .008f;
    v3 seen = radiance(w, add(p, v(0, .02f, 0)), unit(mirror), -1, depth + 1, rng, NULL);
    v3 deep = tint(v(.020f, .085f, .11f), add(mul(w->ambient, 1), mul(w->air->sun, .25f)));
    float shallow =
        l->kind == LAND_COAST ? ramp(-4, 0, scene_ground(w->s, p.x, p.z, most(footprint, 2)) - l->water) : 0;
    deep = mix3(deep, tint(v(.10f, .30f, .28f), add(w->ambient, mul(w->air->sun, .25f))), shallow);
    v3 c = mix3(deep, seen, part);
    float crest = l->waves > .25f ? ramp(9.6f, 11.2f, tall + 2.2f * fbm2(p.x / 14, p.z / 9, 3, seed + 9)) *
                                        ramp(2.5f, .2f, footprint)
                                  : 0;
    crest = most(crest, ramp(.55f, .9f, shallow + .35f * noise2(p.x / 3, p.z / 3, seed)) * (shallow > 0));
    float froth = clamp(.55f + fbm2(p.x * 1.7f, p.z * 1.7f, 3, seed + 11), 0, 1);
    return mix3(c, mul(add(w->ambient, mul(w->air->sun, most(w->sun.y, .1f))), .75f), crest * froth * .85f);
}

/* What a ray sees. land_at: the distance to the land if known, else below zero. */
static v3 radiance(const view *w, v3 from, v3 d, float land_at, int depth, nx_rng *rng, sight *first)
{
    const scene *s = w->s;
    float t = land_at >= 0 ? land_at : land_distance(w, from, d), wet = FARTHEST;
    if (s->land.kind != LAND_NONE && d.y < 0 && from.y > s->land.water) wet = (from.y - s->land.water) / -d.y;
    hit h;
    bool solid_first = s->solids.count && solids_hit(&s->solids, from, d, least(t, wet), &h);
    v3 c;
    if (solid_first) {
        v3 p = along(from, d, h.t);
        if (dot(h.normal, d) > 0) h.normal = mul(h.normal, -1);
        surface at = {.normal = h.normal, .shine = h.solid->paint.shine};
        paints[h.solid->paint.kind](&at, w, &h, p);
        c = lit_surface(w, &at, p, d, depth, rng, first), t = h.t;
    } else if (wet < t && wet < FARTHEST) {
        c = water(w, along(from, d, wet), d, wet, depth, rng), t = wet;
    } else if (t < FARTHEST) {
        v3 p = along(from, d, t);
        surface at = land_surface(w, p, most(t * w->pixel, depth ? .4f : .004f) * .7f);
        c = lit_surface(w, &at, p, d, depth, rng, first);
    } else {
        return sky(w, d, true);
    }
    float clear = clearness(w, from, d, t);
    if (first) first->part = mul(first->part, clear), first->distance = t;
    return clear < 1 ? mix3(sky(w, unit(v(d.x, most(d.y, .02f), d.z)), false), c, clear) : c;
}

/* Distances to the land for one column; rays are given by their slopes, from the lowest up. */
static void column(const view *w, v3 flat, const float *slope, int count, float *distance)
{
    const scene *s = w->s;
    float grow = powf(FARTHEST / NEAREST, 1.f / STEPS), far = NEAREST,
          height = scene_ground(s, s->eye.x + flat.x * far, s->eye.z + flat.z * far, .01f);
    float far0 = 0, height0 = s->eye.y - 2;
    int k = 0;
    for (int i = 0; i < count; i++) {
        while (k < STEPS && s->eye.y + slope[i] * far > height) {
            far0 = far, height0 = height, far *= grow, k++;
            height = scene_ground(s, s->eye.x + flat.x * far, s->eye.z + flat.z * far,
                                  far * most(w->pixel, grow - 1) * .35f);
        }
        if (k == STEPS) {
            distance[i] = FARTHEST;
            continue;
        }
        float over = s->eye.y + slope[i] * far0 - height0, under = height - s->eye.y - slope[i] * far;
        float at = over + under > 1e-6f ? clamp(over / (over + under), 0, 1) : 1;
        distance[i] = mix(far0, far, at) * sqrtf(1 + slope[i] * slope[i]);
    }
}

/* Averages the soft light over neighbours `gap` pixels apart that lie on the same face. */
static void smooth(sight *all, int w, int h, int gap)
{
    v3 *light = nx_alloc((size_t)w * h * sizeof *light);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const sight *me = &all[y * w + x];
            v3 sum = me->light;
            float total = 1;
            for (int j = -2; j <= 2; j++)
                for (int i = -2; i <= 2; i++) {
                    int u = x + i * gap, q = y + j * gap;
                    if (u < 0 || q < 0 || u >= w || q >= h || (!i && !j)) continue;
                    const sight *other = &all[q * w + u];
                    float alike = dot(me->normal, other->normal) - 8 * fabsf(1 - other->distance / me->distance);
                    if (alike < .6f) continue;
                    sum = add(sum, mul(other->light, alike)), total += alike;
                }
            light[y * w + x] = mul(sum, 1 / total);
        }
    for (int i = 0; i < w * h; i++) all[i].light = light[i];
    free(light);
}

/* A lens of some width: each pixel takes its colour from the blurred picture that suits its distance. The blurred ones
 * are made of pixels out of focus, so that sharp things do not smear into what is behind them. */
static void defocus(picture *p, const sight *sights, const scene *s, float pixel)
{
    enum { LEVELS = 5 };
    int count = p->w * p->h;
    float *spread = nx_alloc(count * sizeof *spread); /* radius in pixels */
    picture level[LEVELS] = {*p};
    for (int i = 0; i < count; i++)
        spread[i] = least(s->lens * fabsf(1 / s->focus - 1 / sights[i].distance) / pixel, 12);
    for (int k = 1; k < LEVELS; k++) {
        float radius = .8f * (1 << k);
        picture weight = picture_new(p->w, p->h);
        level[k] = picture_new(p->w, p->h);
        for (int i = 0; i < count; i++) {
            weight.at[i] = grey(clamp(spread[i] / radius, .004f, 1));
            level[k].at[i] = mul(p->at[i], weight.at[i].x);
        }
        picture_blur(&level[k], radius);
        picture_blur(&weight, radius);
        for (int i = 0; i < count; i++) level[k].at[i] = mul(level[k].at[i], 1 / weight.at[i].x);
        picture_free(&weight);
    }
    picture out = picture_new(p->w, p->h);
    for (int i = 0; i < count; i++) {
        float at = spread[i] < .8f ? 0 : clamp(log2f(spread[i] / .8f), 0, LEVELS - 1.001f);
        int k = (int)at;
        out.at[i] = mix3(level[k].at[i], level[k + 1].at[i], at - k);
    }
    for (int k = 0; k < LEVELS; k++) picture_free(&level[k]);
    free(spread);
    *p = out;
}

static v3 sun_direction(const scene *s)
{
    const air *a = &airs[s->weather];
    float up = s->sun_height > 0 ? s->sun_height : mix(a->low, a->high, hash1(s->seed, 1, 77)) * PI / 180;
    return v(sinf(s->sun_turn) * cosf(up), sinf(up), cosf(s->sun_turn) * cosf(up));
}

picture scene_light(scene *s, int w, int h)
{
    picture p = picture_new(w, h);
    const air *a = &airs[s->weather];
    view view = {.s = s, .air = a, .sun = sun_direction(s), .haze = a->haze * 1e-5f * s->haze};
    view.ambient = mul(mix3(a->zenith, a->horizon, .45f + .3f * s->cover), .9f);
    view.bounce = add(mul(view.ambient, .25f), mul(a->sun, .05f * view.sun.y));
    view.forward = unit(s->look);
    view.right = unit(cross(v(0, 1, 0), view.forward));
    view.up = cross(view.forward, view.right);
    view.pixel = s->field / w;
    solids_build(&s->solids);
    float *slope = nx_alloc(h * sizeof *slope), *distance = nx_alloc(h * sizeof *distance);
    sight *sights = nx_alloc((size_t)w * h * sizeof *sights);
    for (int x = 0; x < w; x++) {
        float px = ((x + .5f) / w - .5f) * s->field;
        if (s->land.kind != LAND_NONE) {
            v3 flat = add(view.forward, mul(view.right, px));
            float reach = length(flat);
            for (int i = 0; i < h; i++) slope[i] = ((i + .5f - h * .5f) / w + s->shift) * s->field / reach;
            column(&view, mul(flat, 1 / reach), slope, h, distance);
        }
        for (int y = 0; y < h; y++) {
            int at = y * w + x;
            nx_rng rng = nx_rng_new(s->seed, at);
            float py = ((h * .5f - y - .5f) / w + s->shift) * s->field;
            v3 d = unit(add(view.forward, add(mul(view.right, px), mul(view.up, py))));
            float land_at = s->land.kind != LAND_NONE ? distance[h - 1 - y] : FARTHEST;
            sights[at].distance = FARTHEST;
            v3 c = radiance(&view, s->eye, d, land_at, 0, &rng, &sights[at]);
            float bright = most(c.x, most(c.y, c.z)); /* a lone dazzling ray would be a speck */
            p.at[at] = mul(c, bright > 12 ? 12 / bright : 1);
        }
    }
    for (int gap = 1; gap <= 4 && s->shade_rays; gap *= 2) smooth(sights, w, h, gap);
    for (int i = 0; i < w * h; i++) p.at[i] = add(p.at[i], tint(sights[i].part, sights[i].light));
    if (s->lens > 0) defocus(&p, sights, s, view.pixel);
    free(sights);
    free(slope);
    free(distance);
    return p;
}

/* ---- film ---- */

static float film_curve(float x) /* linear light to sRGB values: a soft toe and a long shoulder */
{
    x = most(x, 0);
    return to_srgb(clamp(x * (2.3f * x + .06f) / (x * (2.15f * x + .68f) + .12f), 0, 1));
}

static void develop(picture *p, const film *f, uint32_t seed)
{
    double sum = 0;
    int count = p->w * p->h;
    v3 mean = grey(0);
    for (int i = 0; i < count; i++) {
        sum += logf(light_of(p->at[i]) + .002f);
        mean = add(mean, p->at[i]);
    }
    v3 white = f->cast; /* a camera takes a part of the light's colour for white */
    white.x *= powf(light_of(mean) / mean.x, .35f), white.z *= powf(light_of(mean) / mean.z, .35f);
    float middle = expf((float)(sum / count)), gain = .19f * f->exposure / (middle * .8f + .014f);
    if (f->bloom > 0) {
        picture glow = picture_new(p->w, p->h);
        for (int i = 0; i < count; i++) {
            float bright = light_of(p->at[i]) * gain;
            glow.at[i] = mul(p->at[i], ramp(.8f, 3, bright));
        }
        picture_blur(&glow, p->w / 28.f);
        for (int i = 0; i < count; i++) p->at[i] = along(p->at[i], glow.at[i], f->bloom);
        picture_free(&glow);
    }
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            v3 *c = &p->at[y * p->w + x];
            float dx = (float)x / p->w - .5f, dy = (float)y / p->w - .4f, r = dx * dx + dy * dy;
            v3 e = tint(mul(*c, gain * (1 - f->vignette * r * 1.6f)), white);
            e = v(film_curve(e.x), film_curve(e.y), film_curve(e.z));
            float g = light_of(e);
            e = mix3(grey(g), e, f->saturation);
            e = add(mul(sub(e, grey(.5f)), f->contrast), grey(.5f));
            float speck = hash1(x, y, seed) + hash1(x, y, seed + 1) + hash1(x, y, seed + 2) - 1.5f;
            *c = add(e, grey(f->grain * speck * (.4f + 1.2f * g * (1 - g) * 2)));
        }
}

picture scene_shoot(scene *s, int w, int h)
{
    picture large = scene_light(s, w * 4 / 3, h * 4 / 3), p = picture_smaller(&large, w, h);
    picture_free(&large);
    develop(&p, &s->film, s->seed);
    return p;
}

void scene_free(scene *s) { solids_free(&s->solids); }
