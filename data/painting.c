/* The six: an underpainting each, and how it is painted over. */
#include "painting.h"

#include "scene.h"
#include "strokes.h"

enum { SIZE = 512, LARGE = 2 * SIZE };

/* ---- a night of whirls ---- */

static const struct {
    float x, y, size, spin;
} whirls[] = {{.42f, .33f, .17f, 1},  {.63f, .42f, .11f, -1}, {.80f, .15f, .13f, 1},
              {.12f, .12f, .07f, -1}, {.13f, .40f, .06f, 1},  {.33f, .10f, .07f, 1},
              {.56f, .13f, .06f, -1}, {.90f, .42f, .06f, 1},  {.24f, .27f, .04f, 1}};
#define WHIRLS ((int)(sizeof whirls / sizeof whirls[0]))

static float hill_line(float x, uint32_t seed)
{
    return .70f - .10f * x + .05f * noise2(x * 3, 0, seed + 1) + .06f * sinf(x * 7 + 1);
}

static float cypress(float x, float y, uint32_t seed) /* above 0: inside */
{
    float up = clamp((1.02f - y) / .86f, 0, 1), middle = .21f + .02f * sinf(y * 14);
    return (.085f * powf(1 - up, .8f) * (1 + .35f * noise2(y * 14, 3, seed)) + .004f) * (up < 1) - fabsf(x - middle);
}

static float whirl_angle(float x, float y, uint32_t seed)
{
    if (cypress(x, y, seed) > -.005f) return PI / 2 + .5f * sinf(y * 26 + x * 30);
    if (y > hill_line(x, seed))
        return -.1f + .45f * cosf(x * 7 + 1) + (y > .84f ? .8f * noise2(x * 9, y * 9, seed) : 0);
    float fx = 1, fy = .25f * sinf(x * 9 + y * 4); /* a wind, and round each whirl its own turn */
    for (int i = 0; i < WHIRLS; i++) {
        float dx = x - whirls[i].x, dy = y - whirls[i].y, far = sqrtf(dx * dx + dy * dy),
              pull = expf(-square(far / (whirls[i].size * .8f))) * 7;
        fx += -dy / (far + .01f) * whirls[i].spin * pull, fy += dx / (far + .01f) * whirls[i].spin * pull;
    }
    return atan2f(fy, fx);
}

static v3 whirl_under(float x, float y, uint32_t seed)
{
    static const int sky[] = {0x0E1B4A, 0x1C3A86, 0x2F62B0, 0x5B93C6, 0xA9CBC8},
                     hill[] = {0x10224A, 0x1F4668, 0x2F6A70, 0x5C8C72};
    if (cypress(x, y, seed) > 0) return mix3(rgb(0x0D1A14), rgb(0x3A4A22), ramp(.1f, .5f, noise2(x * 60, y * 9, seed)));
    float ridge = hill_line(x, seed);
    if (y > ridge) {
        for (int i = 0; i < 16; i++) { /* the village */
            float cx = .36f + .6f * hash1(i, 1, seed), cy = .84f + .10f * hash1(i, 2, seed),
                  w = .018f + .016f * hash1(i, 3, seed), dx = fabsf(x - cx), dy = y - cy;
            if (i == 0) cx = .60f, dx = fabsf(x - cx), cy = .84f, dy = y - cy, w = .016f;
            if (dx < w && dy > 0 && dy < w * 1.3f)
                return dx < w * .35f && dy > w * .3f && dy < w * .9f
                           ? rgb(0xF4C84A)
                           : mix3(rgb(0x3D5F8E), rgb(0x8AA4B4), hash1(i, 4, seed));
            if (dy <= 0 && dy > -w * (i ? .8f : 5) && dx < w * (1 + dy / (w * (i ? .8f : 5))))
                return i % 2 ? rgb(0x6A3A34) : rgb(0x22325C);
        }
        float t = (y - ridge) * 4 + .25f * noise2(x * 8, y * 12, seed + 4);
        return scale_of(hill, 4, y > .80f ? .35f + .5f * noise2(x * 14, y * 14, seed + 6) : t);
    }
    float tone = .28f + .32f * y + .3f * noise2(x * 4, y * 8, seed + 2);
    v3 c = scale_of(sky, 5, tone);
    for (int i = 0; i < WHIRLS; i++) {
        float dx = x - whirls[i].x, dy = y - whirls[i].y, far = sqrtf(dx * dx + dy * dy), rel = far / whirls[i].size;
        if (i < 2) { /* whirls of air: arms of light */
            float arm = sinf(atan2f(dy, dx) * 2 * whirls[i].spin - far * 46 + i);
            c = mix3(c, scale_of(sky, 5, .55f + .45f * arm), ramp(1.15f, .5f, rel));
        } else { /* stars and the moon: rings of light */
            float ring = .5f + .5f * cosf(rel * 17);
            c = mix3(c, mix3(rgb(0x86B0B0), rgb(0xF2E28A), .6f * ring + .4f * ramp(.8f, .1f, rel)),
                     ramp(1, .35f, rel) * (.55f + .45f * ring));
            if (rel < (i == 2 ? .42f : .2f)) c = rgb(i == 2 ? 0xF6B93A : 0xFFF2B8);
            if (i == 2 && square(dx + .035f) + square(dy + .012f) < square(.045f)) c = rgb(0xE8D48A);
        }
    }
    return c;
}

static picture paint_whirls(uint32_t seed)
{
    static const layer layers[] = {{.022f, .12f, 2.2f, .06f, 0, .95f, .8f},
                                   {.011f, .07f, 2.6f, .085f, 0, .95f, 1},
                                   {.0065f, .035f, 1.6f, .06f, .75f, .95f, 1.1f}};
    canvas c = canvas_new(under_of(whirl_under, seed, LARGE), rgb(0x2A3350), seed);
    read_forms(&c, whirl_angle);
    cover(&c, layers, 3);
    return finish(&c, .30f, .012f);
}

/* ---- a red evening of long bent bands ---- */

static float band_angle(float x, float y, uint32_t seed)
{
    float e = .004f, f = noise2(x * 2.2f, y * 3.2f, seed) * .12f;
    float fx = (noise2((x + e) * 2.2f, y * 3.2f, seed) * .12f - f) / e,
          fy = (noise2(x * 2.2f, (y + e) * 3.2f, seed) * .12f - f) / e;
    if (y > .46f && y < .46f + .32f * x * x + .1f) return atan2f(-(fx + .35f * x), 1 + fy) + .3f;
    if (x < .62f - (y - .5f) * .9f && y > .5f) return 1.05f + .12f * noise2(x * 7, y * 7, seed); /* the pier's planks */
    return atan2f(-fx * 1.6f, 1 + fy) + .2f * sinf(x * 5);
}

static v3 band_under(float x, float y, uint32_t seed)
{
    static const int sky[] = {0xB8341C, 0xE2702A, 0xF0A63C, 0xD84A24, 0xF4C766, 0xA83A2E, 0xE89040, 0x9AA87A, 0xF0B050},
                     water[] = {0x14233C, 0x2C4E66, 0x4E7C80, 0x1D3450, 0x86988A, 0x20304A};
    float bend = noise2(x * 2.2f, y * 3.2f, seed) * .12f, level = y + bend;
    float shore = .47f - .05f * x + .03f * noise2(x * 4, 1, seed);
    if (y < shore) return scale_of(sky, 9, .5f + .5f * sinf(level * 21 + .8f * noise2(x * 3, y * 2, seed + 1)));
    float dx = (x - .5f), pier = .62f - (y - .5f) * .9f;
    if (fabsf(x - (pier + .02f)) < .014f + .01f * (y - .5f) && y > .5f) return rgb(0x5A2A1C);
    if (x < pier && y > .52f) {
        float plank = floorf((x * 1.7f + y) * 24);
        return mix3(mix3(rgb(0x6A3A24), rgb(0xB0703C), hash1((int)plank, 1, seed)), rgb(0x40455A),
                    .3f * hash1((int)plank, 2, seed));
    }
    float figure = square((x - .56f) / .055f) + square((y - .70f) / .06f),
          body = square((x - .56f - .03f * sinf(y * 9)) / .075f) + square((y - .93f) / .2f);
    if (figure < 1) return figure < .75f ? mix3(rgb(0xD8B878), rgb(0x8A7048), ramp(.2f, .7f, figure)) : rgb(0x3A3024);
    if (body < 1) return mix3(rgb(0x1B2030), rgb(0x3C4252), ramp(.2f, 1, body));
    if (dx + .9f > 1.1f - (y - shore) * .3f && y < .8f)
        return mix3(rgb(0x26362E), rgb(0x5A6A3A), .5f + .5f * sinf((x * .6f + level) * 40));
    return scale_of(water, 6, .5f + .5f * sinf((level * 1.2f + x * .35f) * 24));
}

static picture paint_bands(uint32_t seed)
{
    static const layer layers[] = {{.026f, .26f, 2, .04f, 0, .9f, .5f},
                                   {.012f, .2f, 2.2f, .06f, 0, .85f, .6f},
                                   {.006f, .09f, 1.2f, .05f, .8f, .9f, .6f}};
    canvas c = canvas_new(under_of(band_under, seed, LARGE), rgb(0xB08A5A), seed);
    read_forms(&c, band_angle);
    cover(&c, layers, 3);
    return finish(&c, .2f, .03f);
}

/* ---- planes ---- */

/* Splits the picture by lines again and again; a plane is a leaf of that tree, shaded across from its own edge. */
static v3 plane_under(float x, float y, uint32_t seed)
{
    static const int ochre[] = {0x2A2620, 0x5A4A38, 0x8A7458, 0xB89C74, 0xD8C8A4, 0x7A8078, 0x4A5560, 0xC0A070};
    uint32_t node = seed;
    float px = x - .5f, py = y - .5f, edge = 1, side = 0;
    bool middle = px * px + square(py * .8f) < .12f;
    for (int depth = 0; depth < (middle ? 9 : 6); depth++) {
        float turn = (hash1(node, depth, 1) < .6f ? .6f : 2.4f) * (hash1(node, depth, 5) < .5f ? 1 : -.4f) +
                     .5f * hash1(node, depth, 2);
        float offset = (hash1(node, depth, 3) - .5f) * .75f * powf(.78f, depth),
              d = px * cosf(turn) + py * sinf(turn) - offset;
        if (fabsf(d) < edge) edge = fabsf(d), side = d;
        node = hash3(node, depth * 2 + (d > 0), 17);
    }
    float tone = hash1(node, 4, 4), fall = ramp(0, .16f, edge);
    v3 c = scale_of(ochre, 8, tone);
    c = mul(c, side > 0 ? 1.22f - .5f * fall : .72f + .4f * fall);
    /* a guitar's body, neck and strings, broken by the planes */
    float shift = .05f * (hash1(node, 6, 6) - .5f), gx = px * .9f + py * .35f + shift,
          gy = py * .9f - px * .35f + shift;
    float belly = square(gx / .17f) + square((gy - .16f) / .14f),
          chest = square(gx / .13f) + square((gy + .03f) / .11f);
    if (belly < 1 || chest < 1) c = mix3(c, mul(rgb(0xB8742E), .75f + .6f * tone), .62f);
    if (square(gx) + square(gy - .07f) < square(.045f)) c = mix3(c, rgb(0x1A120C), .85f);
    if (fabsf(gx) < .024f && gy < 0 && gy > -.42f) c = mix3(c, rgb(0x3A2414), .7f);
    for (int i = -1; i <= 1; i++)
        if (fabsf(gx - i * .012f) < .0022f && gy < .2f && gy > -.42f) c = mix3(c, rgb(0xE8DCC0), .8f);
    float bottle = fmaxf(fabsf(px + .27f + shift) - (py < -.12f ? .022f : .06f), fabsf(py + .02f) - .24f);
    if (bottle < 0) c = mix3(c, px + shift < -.27f ? rgb(0x2E4A3A) : rgb(0x86A088), .6f);
    if (fabsf(bottle) < .003f) c = mul(c, .4f);
    if (edge < .0035f) c = mul(c, .35f);
    return c;
}

static picture paint_planes(uint32_t seed)
{
    static const layer layers[] = {{.03f, .07f, 2, .05f, 0, .9f, .6f},
                                   {.014f, .035f, 2.4f, .06f, 0, .8f, .8f},
                                   {.006f, .03f, 2.2f, .035f, .9f, .9f, .6f}};
    canvas c = canvas_new(under_of(plane_under, seed + 3, LARGE), rgb(0x6A5A44), seed);
    read_forms(&c, NULL);
    cover(&c, layers, 3);
    return finish(&c, .22f, .05f);
}

/* ---- points ---- */

static picture paint_points(uint32_t seed)
{
    scene s = {.seed = seed,
               .eye = v(0, 6, 0),
               .look = v(0, 0, 1),
               .field = .9f,
               .shift = -.1f,
               .weather = NOON,
               .sun_turn = 2.1f,
               .sun_height = .5f,
               .cover = .25f,
               .haze = 1};
    s.land = (land){
        LAND_COAST,    .height = .5f,          .size = 300,          .snow = 1e6f,          .water = 0,
        .waves = .12f, .grass = hue(0x7A9A2E), .dry = hue(0xB8B050), .rock = hue(0x807060), .tree = hue(0x3A6A2A)};
    s.eye.y = scene_ground(&s, 0, 0, .1f) + 6;
    for (int i = 0; i < 9; i++) {
        float x = (i < 5 ? -1 : 1) * (7 + 5 * hash1(i, 1, seed)), z = 22 + 26 * hash1(i, 2, seed),
              tall = 9 + 5 * hash1(i, 3, seed);
        v3 foot = v(x * z / 22, scene_ground(&s, x, z, 1) - .5f, z);
        solids_add(&s.solids, (solid){TUBE, .centre = add(foot, v(0, tall * .3f, 0)), .half = v(.4f, tall * .35f, .4f),
                                      .taper = .4f, .paint = {PAINT_BARK, hue(0x7A5A48), hue(0x3A2A3A), .2f, 0, 3}});
        for (int k = 0; k < 9; k++)
            solids_add(&s.solids, (solid){BALL,
                                          .centre = add(foot, v(tall * .5f * (hash1(i, k, 4) - .5f),
                                                                tall * (.6f + .45f * hash1(i, k, 5)),
                                                                tall * .4f * (hash1(i, k, 6) - .5f))),
                                          .half = grey(tall * (.1f + .09f * hash1(i, k, 7))),
                                          .paint = {PAINT_LEAF, hue(0x2E5A2A), hue(0x9AAA3A), .5f, 0, k}});
    }
    for (int i = 0; i < 4; i++) { /* sails and strollers */
        float x = -24 + 15.f * i, z = 95 + 12 * (i & 1);
        solids_add(&s.solids, (solid){TUBE, .centre = v(x, 6, z), .half = v(3.2f, 6, .2f), .taper = .96f,
                                      .paint = {PAINT_PLAIN, hue(0xF4E8D0), .scale = 1}});
        solids_add(&s.solids, (solid){BALL, .centre = v(x, .5f, z), .half = v(4.5f, 1, 1.5f),
                                      .paint = {PAINT_PLAIN, hue(0xA03A2A), .scale = 1}});
        float fx = -3 + 2.4f * i, fz = 13 + 2.f * (i % 3), ground = scene_ground(&s, fx, fz, .5f);
        v3 dress = hue(i % 2 ? 0x34306A : 0xB0404A);
        solids_add(&s.solids, (solid){TUBE, .centre = v(fx, ground + .7f, fz), .half = v(.42f, .7f, .42f),
                                      .taper = .65f, .paint = {PAINT_PLAIN, dress, .scale = 1}});
        solids_add(&s.solids, (solid){BALL, .centre = v(fx, ground + 1.75f, fz), .half = grey(.16f),
                                      .paint = {PAINT_PLAIN, hue(0xD8A078), .scale = 1}});
        solids_add(&s.solids, (solid){BALL, .centre = v(fx, ground + 2.15f, fz), .half = v(.75f, .3f, .75f),
                                      .paint = {PAINT_PLAIN, hue(i % 2 ? 0xE08030 : 0xE8E0C8), .scale = 1}});
    }
    picture half = scene_light(&s, SIZE, SIZE), under = picture_new(LARGE, LARGE);
    scene_free(&s);
    for (int y = 0; y < LARGE; y++)
        for (int x = 0; x < LARGE; x++) {
            v3 c = picture_get(&half, x * .5f, y * .5f);
            c = v(to_srgb(c.x / (c.x + .85f) * 1.2f), to_srgb(c.y / (c.y + .85f) * 1.2f),
                  to_srgb(c.z / (c.z + .85f) * 1.2f));
            under.at[y * LARGE + x] = c;
        }
    picture_free(&half);
    canvas c = canvas_new(under, rgb(0xE8DCC0), seed);
    static const dots sizes[] = {{7.5f, 2.2f}, {4.6f, 2.6f}, {3.2f, 1}};
    dot_over(&c, sizes, 3);
    return finish(&c, .22f, .01f);
}

/* ---- glass ---- */

static picture paint_glass(uint32_t seed)
{
    static const int rays[] = {0xF2B02A, 0xE05A1E, 0xF4D868, 0xC8281E},
                     sky[] = {0x1A4FA0, 0x2E86C8, 0x163A86, 0x58B4D8},
                     hills[] = {0x1E7A3A, 0x5AA832, 0x0E5A48, 0x96C040},
                     sea[] = {0x0F5A8A, 0x18909A, 0x123E7A, 0x4AC0B8},
                     rose[] = {0xB01848, 0xE0406A, 0x7A1850, 0xF08098};
    picture p = picture_new(LARGE, LARGE);
    for (int py = 0; py < LARGE; py++)
        for (int px = 0; px < LARGE; px++) {
            float x = (px + .5f) / LARGE, y = (py + .5f) / LARGE, bx = x + .006f * noise2(x * 9, y * 9, seed),
                  by = y + .006f * noise2(x * 9, y * 9, seed + 1);
            float dx = bx - .5f, dy = by - .36f, far = sqrtf(dx * dx + dy * dy), turn = atan2f(dy, dx);
            uint32_t piece;
            const int *glass;
            float lead; /* distance to the nearest lead */
            float ring = far < .09f   ? 0
                         : far < .19f ? 1
                         : far < .30f ? 2
                                      : 3,
                  hillside = .66f + .06f * sinf(bx * 6 + 1), shore = .82f + .03f * sinf(bx * 9);
            if (ring < 3 && by < hillside) { /* the sun */
                int count = ring == 0 ? 6 : ring == 1 ? 12 : 18;
                float sector = (turn / (2 * PI) + .5f) * count + .5f * ring, in = sector - floorf(sector);
                piece = (uint32_t)floorf(sector) * 8 + (uint32_t)ring, glass = ring == 0 ? rose : rays;
                lead = least(least(in, 1 - in) * 2 * PI / count * far,
                             least(fabsf(far - .09f), least(fabsf(far - .19f), fabsf(far - .30f))));
            } else {
                int zone = by < hillside ? 0 : by < shore ? 1 : 2;
                float fine = zone == 0 ? 8 : zone == 1 ? 11 : 9;
                cell c =
                    cells2(bx * fine * (zone == 2 ? .6f : 1), by * fine * (zone == 2 ? 2.2f : 1), 0, .8f, seed + zone);
                piece = c.id, glass = zone == 0 ? sky : zone == 1 ? hills : sea;
                lead = (c.next - c.near) * .5f / fine / (zone == 2 ? 1.5f : 1);
                if (zone == 0) lead = least(lead, fabsf(far - .30f));
            }
            lead = least(lead, least(fabsf(by - hillside), by > hillside - .05f ? fabsf(by - shore) : 1));
            lead = least(lead, least(least(x, 1 - x), least(y, 1 - y)) - .006f);
            v3 c = rgb(glass[hash3(piece, 1, seed) % 4]);
            float streak = fbm2(x * 9 + 3 * noise2(x * 3, y * 3, piece), y * 30, 5, seed + 5),
                  seeds = cells2(x * 70, y * 70, 0, 1, seed + 7).near;
            c = mul(c, .72f + .5f * hash1(piece, 2, seed) + .35f * streak);
            c = add(c, mul(grey(.20f), ramp(.11f, .04f, seeds) * (hash1((int)(x * 70), (int)(y * 70), 3) < .3f)));
            c = add(c, mul(v(.35f, .30f, .18f), expf(-far * far * 9) * .55f)); /* daylight behind */
            c = mul(c, .55f + .45f * ramp(.003f, .016f, lead));
            float came = ramp(.0062f, .0045f, lead), round = 1 - square(clamp(lead / .006f, 0, 1));
            float solder = .09f + .16f * round * (.7f + .5f * noise2(x * 60, y * 60, seed + 9));
            p.at[py * LARGE + px] = mix3(c, v(solder, solder, solder * 1.08f), came);
        }
    picture small = picture_smaller(&p, SIZE, SIZE);
    picture_free(&p);
    return small;
}

/* ---- a wave, cut in wood ---- */

/* Height of the water's edge and the coordinate along the great wave's curve. Lines of equal `curve` follow the water.
 */
static float swell(float x, float y, float *curve)
{
    float cx = .36f, cy = .42f, dx = x - cx, dy = y - cy, far = sqrtf(dx * dx + dy * dy), turn = atan2f(dy, dx);
    float spiral = far - .205f - .035f * cosf(turn * 1.0f + .6f);
    *curve = spiral;
    return spiral;
}

static v3 wave_under(float x, float y, uint32_t seed)
{
    v3 deep = rgb(0x1C3A62), pale = rgb(0x6F97B0), foam = rgb(0xEFE6D0), line = rgb(0x14243E);
    float curve, wobble = .012f * noise2(x * 7, y * 7, seed);
    float spiral = swell(x, y, &curve) + wobble;
    float sky = clamp(y * 1.3f, 0, 1);
    v3 c = mix3(rgb(0xD8C69C), rgb(0xE8DDBE), sky);
    c = mix3(c, rgb(0xA89C80),
             .5f * ramp(.16f, 0, y) + .35f * ramp(.1f, .4f, fbm2(x * 3, y * 9, 3, seed + 3)) * ramp(.55f, .2f, y));
    float sun = square(x - .74f) + square(y - .22f);
    if (sun < square(.075f)) c = rgb(0xC8452E);
    float peak = .60f - .16f * expf(-fabsf(x - .72f) * 9) + .004f * noise2(x * 40, 1, seed); /* a far mountain */
    if (y > peak && y < .7f)
        c = y < peak + .05f * (1 + .5f * noise2(x * 40, 3, seed)) && fabsf(x - .72f) < .09f ? foam : rgb(0x58748C);
    /* the great wave: a back rising from the left, its lip curling over to the right */
    float back = .93f - .78f * expf(-square((x - .20f) / .26f)) + .015f * noise2(x * 6, 2, seed);
    bool hollow = spiral < 0 && (x > .30f || y > .42f) && y < .63f && x > .2f,
         water = y > back && !(hollow && x > .27f);
    float lip = .15f + .03f * noise2(x * 9, 5, seed) + .9f * square(most(x - .30f, 0) * 1.7f);
    if (x > .22f && x < .60f && y > lip && y < lip + .15f * ramp(.62f, .3f, x)) water = true;
    float low = .76f + .05f * sinf(x * 8.5f + 1) + .02f * noise2(x * 5, 7, seed); /* nearer swells */
    if (water || y > low) {
        bool near = y > low;
        float stripe =
            near ? (y - low) * 24 + .9f * noise2(x * 5, y * 5, seed) : curve * 34 + .5f * noise2(x * 6, y * 6, seed);
        float phase = stripe - floorf(stripe);
        c = phase < .5f ? mix3(deep, rgb(0x2C5580), hash1((int)floorf(stripe), 1, seed))
                        : mix3(pale, rgb(0xB6CBCB), hash1((int)floorf(stripe), 2, seed));
        if (fabsf(phase - .5f) < .055f || phase < .055f) c = line;
        float edge = near ? y - low : least(fabsf(y - back), x > .22f ? fabsf(y - lip) : 1);
        cell f = cells2(x * 30 + 2 * noise2(x * 9, y * 9, seed), y * 30, 0, 1, seed + 8);
        float froth = edge - (near ? .012f + .012f * sinf(x * 40) : .035f + .03f * noise2(x * 13, y * 13, seed + 2));
        if (froth < 0) c = f.next - f.near < .09f ? mix3(line, pale, .4f) : foam;
        if (froth > 0 && froth < .005f) c = line;
    } else {
        cell spray = cells2(x * 34, y * 34, 0, 1, seed + 9);
        if (spray.near < .2f * hash1(spray.id, 1, 1) + .04f && square(x - .47f) + square(y - .34f) < .045f) c = foam;
    }
    return c;
}

static float wave_angle(float x, float y, uint32_t seed)
{
    (void)seed;
    float low = .76f + .05f * sinf(x * 8.5f + 1);
    if (y > low) return .43f * cosf(x * 8.5f + 1);
    if (y > .93f - .78f * expf(-square((x - .20f) / .26f)) || (x < .6f && y < .4f && y > .15f))
        return atan2f(y - .42f, x - .36f) + PI / 2;
    return 0;
}

static picture paint_wave(uint32_t seed)
{
    static const layer layers[] = {{.02f, .08f, 1.6f, .025f, 0, .75f, .35f},
                                   {.007f, .05f, 2.6f, .03f, 0, .9f, .5f},
                                   {.004f, .024f, 3, .02f, .9f, .95f, .4f}};
    canvas c = canvas_new(under_of(wave_under, seed, LARGE), rgb(0xD8CBA8), seed);
    read_forms(&c, wave_angle);
    cover(&c, layers, 3);
    for (int i = 0; i < LARGE * LARGE; i++) { /* the paper's fibres and the wood's grain */
        float x = (float)(i % LARGE), y = (float)(i / LARGE);
        float grain = noise2(x / 90, y / 2.6f, seed + 20) * .6f + noise2(x / 7, y / 7, seed + 21) * .5f;
        c.paint.at[i] = add(c.paint.at[i], mul(v(.05f, .047f, .04f), grain));
    }
    return finish(&c, .12f, .008f);
}

const painting paintings[PAINTINGS] = {{"whirls", paint_whirls}, {"bands", paint_bands}, {"planes", paint_planes},
                                       {"points", paint_points}, {"glass", paint_glass}, {"wave", paint_wave}};
