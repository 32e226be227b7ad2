/* A painting is a subject, a palette and a manner, each drawn by itself. Subjects are photographs, surfaces and
 * fields that show nothing; a palette turns the subject's colours or maps its light onto a few of its own; a manner is
 * a row of the table: layers of strokes, how they run, what they lie on. */
#include "gallery.h"

#include "photo.h"
#include "strokes.h"
#include "texture.h"

enum { COLOURS = 5 };

/* ---- subjects, sRGB, side x side ---- */

static picture enlarged(picture small, int side)
{
    picture p = picture_new(side, side);
    float step = (float)small.w / side;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) p.at[y * side + x] = picture_get(&small, x * step, y * step);
    picture_free(&small);
    return p;
}

/* Colours of one scheme, from dark to light: neighbours on the circle of hues and, sometimes, one across. */
static void draw_palette(nx_rng *r, v3 palette[COLOURS])
{
    float first = between(r, 0, 2 * PI), spread = between(r, .3f, 1.6f), across = chance(r, .5f) ? PI : 0;
    for (int i = 0; i < COLOURS; i++) {
        float turn = first + spread * between(r, -1, 1) + (i == (int)(first * 7) % COLOURS ? across : 0);
        v3 pure = recoloured(v(.8f, .25f, .2f), turn, between(r, .3f, 1));
        float level = (i + between(r, .3f, 1)) / COLOURS;
        palette[i] = level < .5f ? mul(pure, 2 * level) : mix3(pure, grey(1), 1.5f * level - .75f);
    }
}

static v3 of_palette(const v3 palette[COLOURS], float t)
{
    float at = clamp(t, 0, .9999f) * (COLOURS - 1);
    int i = (int)at;
    return mix3(palette[i], palette[i + 1], at - i);
}

/* A field of colour that shows nothing. */
static picture field(nx_rng *r, int side)
{
    enum { CLOUDS, FACETS, BANDS, RINGS, CHECKS, FIELDS };
    uint32_t kind = nx_rng_below(r, FIELDS), seed = nx_rng_u32(r) >> 8;
    v3 palette[COLOURS];
    draw_palette(r, palette);
    float fine = between(r, 2, 8), bend = between(r, 0, .5f), turn = between(r, 0, PI), c = cosf(turn), s = sinf(turn),
          mx = nx_rng_uniform(r), my = nx_rng_uniform(r);
    picture p = picture_new(side, side);
    for (int py = 0; py < side; py++)
        for (int px = 0; px < side; px++) {
            float u = (float)px / side, w = (float)py / side, x = c * u - s * w, y = s * u + c * w;
            x += bend * noise2(u * 3, w * 3, seed + 1), y += bend * noise2(u * 3, w * 3, seed + 2);
            float t = .5f + .9f * fbm2(x * fine, y * fine, 4, seed);
            if (kind == FACETS) t = hash1(cells2(x * fine, y * fine, 0, .9f, seed).id, 1, 1);
            if (kind == BANDS) t = hash1((int)floorf(x * fine * 2), 2, seed);
            if (kind == RINGS) t = .5f + .5f * sinf(fine * 6 * sqrtf(square(u + bend * x - mx) + square(w - my)));
            if (kind == CHECKS) t = hash1((int)floorf(x * fine), (int)floorf(y * fine), seed);
            p.at[py * side + px] = of_palette(palette, t);
        }
    return p;
}

static picture subject(nx_rng *r, int side)
{
    float kind = nx_rng_uniform(r), span = between(r, .25f, .9f), turn = between(r, 0, 2 * PI);
    int motif = (int)nx_rng_below(r, PHOTO_MOTIFS), texture = (int)nx_rng_below(r, TEXTURES);
    if (kind < .55f) return enlarged(photo_of(motif, r, side / 2, side / 2), side);
    if (kind < .7f) return enlarged(texture_view(texture, r, span, turn, side / 2), side);
    return field(r, side);
}

/* ---- palettes ---- */

static void recolour(picture *p, nx_rng *r)
{
    v3 palette[COLOURS];
    draw_palette(r, palette);
    float mapped = chance(r, .4f) ? between(r, .5f, 1) : 0, turn = chance(r, .5f) ? between(r, -.6f, .6f) : 0,
          strong = between(r, .8f, 1.4f);
    int count = p->w * p->h, steps = chance(r, .25f) ? 4 + (int)nx_rng_below(r, 4) : 0; /* of light: flat colours */
    for (int i = 0; i < count; i++) {
        v3 c = recoloured(p->at[i], turn, strong);
        float g = light_of(p->at[i]);
        if (steps) c = mul(c, (floorf(g * steps) + .5f) / steps / (g + .02f));
        c = mix3(c, of_palette(palette, steps ? (floorf(g * steps) + .5f) / steps : g), mapped);
        p->at[i] = v(clamp(c.x, 0, 1), clamp(c.y, 0, 1), clamp(c.z, 0, 1));
    }
}

/* ---- manners ---- */

static float waves(float x, float y, uint32_t seed)
{
    return .8f * sinf(y * 11 + 3 * noise2(x * 2, y * 2, seed)) + hash1(seed, 3, 1) * PI;
}
static float eddies(float x, float y, uint32_t seed)
{
    float e = .01f, f = fbm2(x * 3, y * 3, 2, seed);
    return atan2f(fbm2(x * 3 + e, y * 3, 2, seed) - f, f - fbm2(x * 3, y * 3 + e, 2, seed));
}
static float slant(float x, float y, uint32_t seed)
{
    return hash1(seed, 5, 1) * PI + .25f * noise2(x * 4, y * 4, seed);
}
static float crossed(float x, float y, uint32_t seed) /* patches of two directions, as a weaver's */
{
    return hash1((int)(x * 9), (int)(y * 9), seed) < .5f ? hash1(seed, 5, 1) * PI : hash1(seed, 5, 1) * PI + PI / 2;
}

/* clang-format off */
static const struct manner {
    layer layers[3];
    dots dots[2]; /* over the strokes */
    angle_function *angle;
    float relief, weave;
    int ground;
} manners[] = {
    {/* thick oil along the forms */
     {{.03f, .12f, 2.6f, .05f, 0, .95f, .9f}, {.014f, .07f, 2.4f, .07f, .2f, .95f, 1}},
     .relief = .3f, .weave = .012f, .ground = 0x5A4A38},
    {/* the same in eddies */
     {{.026f, .16f, 2.6f, .07f, 0, .95f, .8f}, {.013f, .08f, 2.4f, .09f, 0, .95f, 1}},
     .angle = eddies, .relief = .3f, .weave = .012f, .ground = 0x2A3350},
    {/* a knife */
     {{.07f, .1f, 2.6f, .05f, 0, .98f, .8f}, {.04f, .06f, 1.6f, .06f, .5f, .98f, .8f}},
     .angle = crossed, .relief = .24f, .weave = .02f, .ground = 0x6A5A44},
    {/* thin, wet paint on paper */
     {{.08f, .25f, 3, .03f, 0, .35f, .1f}, {.03f, .12f, 3, .04f, .3f, .4f, .1f}},
     .relief = .06f, .weave = .03f, .ground = 0xEFE8DA},
    {/* chalk on dark cloth */
     {{.012f, .08f, 2, .07f, 0, .7f, .5f}, {.008f, .05f, 1, .05f, .7f, .8f, .5f}},
     .angle = slant, .relief = .12f, .weave = .09f, .ground = 0x3A3A40},
    {/* a pen on paper */
     {{.006f, .07f, .9f, .04f, 0, .85f, .2f}, {.005f, .05f, 1.4f, .03f, .85f, .9f, .2f}},
     .angle = slant, .relief = .05f, .weave = .02f, .ground = 0xF0E8D4},
    {/* long bent bands */
     {{.035f, .2f, 2.4f, .05f, 0, .9f, .6f}, {.016f, .16f, 2, .06f, 0, .85f, .7f}},
     .angle = waves, .relief = .2f, .weave = .03f, .ground = 0xB08A5A},
    {/* short dabs */
     {{.02f, .035f, 3, .09f, 0, .95f, .9f}, {.012f, .022f, 2, .1f, .4f, .95f, 1}},
     .relief = .26f, .weave = .012f, .ground = 0x8A7A60},
    {/* fine points */
     .dots = {{5, 2.4f}, {3, 2.2f}}, .relief = .22f, .weave = .01f, .ground = 0xE8DCC0},
    {/* broad points over broad strokes */
     {{.05f, .1f, 1.6f, .04f, 0, .9f, .2f}}, {{9, 1.6f}}, .relief = .22f, .weave = .02f, .ground = 0x4A4048},
    {/* fine work, smooth */
     {{.02f, .06f, 2.6f, .02f, 0, .98f, .3f}, {.007f, .03f, 3, .03f, .3f, .95f, .3f}, {.004f, .02f, 3, .02f, .8f, .95f, .3f}},
     .relief = .1f, .weave = .006f, .ground = 0x7A6A50},
};
/* clang-format on */

picture gallery_paint(uint64_t seed, int number, int side)
{
    nx_rng rng = nx_rng_new(seed, nx_stream("gallery") + (uint64_t)number), *r = &rng;
    const struct manner *m = &manners[nx_rng_below(r, sizeof manners / sizeof *manners)];
    float broad = between(r, .8f, 1.5f); /* strokes of this painting over the manner's */
    picture under = subject(r, 2 * side);
    recolour(&under, r);
    canvas c = canvas_new(under, mix3(rgb(m->ground), under.at[side * 2 * side + side], .2f), nx_rng_u32(r) >> 8);
    layer layers[3];
    int strokes = 0, points = 0;
    for (; strokes < 3 && m->layers[strokes].width > 0; strokes++) {
        layers[strokes] = m->layers[strokes];
        layers[strokes].width *= broad, layers[strokes].length *= broad;
    }
    while (points < 2 && m->dots[points].radius > 0) points++;
    read_forms(&c, m->angle);
    cover(&c, layers, strokes);
    dot_over(&c, m->dots, points);
    return finish(&c, m->relief, m->weave);
}
