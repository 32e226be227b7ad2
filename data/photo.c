/* One function a motif: it furnishes a scene from random numbers. The table at the end says how often each is taken. */
#include "photo.h"

#include <string.h>

#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

static v3 pick(nx_rng *r, const int *hues, int count) { return hue(hues[nx_rng_below(r, count)]); }

static v3 vary(nx_rng *r, v3 c, float by)
{
    float all = 1 + between(r, -by, by);
    return tint(c, v(all * (1 + between(r, -by, by) * .5f), all, all * (1 + between(r, -by, by) * .5f)));
}

static const int greens[] = {0x4C6B22, 0x5E7A2E, 0x3F5F2A, 0x7A8B3A, 0x6B7F35},
                 straws[] = {0xA08C4A, 0xB39B5A, 0x8A7A40, 0x97924E},
                 rocks[] = {0x7D7468, 0x8C7C6B, 0x6A6A6E, 0x94715A, 0x77706A},
                 firs[] = {0x1F3A1C, 0x2B4A22, 0x38541F, 0x27452B}, autumn[] = {0xA8521A, 0xC17A1E, 0x8F3A17, 0xB5942A},
                 walls[] = {0xC9B79C, 0x9A8F86, 0xB0704F, 0xD8D2C4, 0x7E7A78, 0xA89272, 0xC08E68, 0x8B9AA5},
                 bold[] = {0xC22A1E, 0xE0A020, 0x2A5FA8, 0x2E8B57, 0xD9D4C7, 0x7A3B8F,
                           0xD9662B, 0x1F8A9C, 0xE8C9B0, 0x30343A, 0xB03060},
                 petals[] = {0xD8304A, 0xF0C020, 0xE8E4DC, 0x8A4FC0, 0xF07A30, 0xE878A8, 0x4A6AD8, 0xB01830},
                 woods[] = {0x8A5A32, 0x6B4326, 0xA87C4E, 0x4E3220, 0xB9905F},
                 creams[] = {0xE8DFCF, 0xD6CDBD, 0xC9D2D4, 0xE0C8A8, 0xB8C4B0, 0xD8B8A8, 0x9FB2BE};
#define PICK(r, hues) pick(r, hues, COUNT(hues))

static paint dull(v3 c, uint32_t seed)
{
    return (paint){PAINT_PLAIN, .first = c, .second = c, .scale = 1, .seed = seed};
}

static paint peel(nx_rng *r) /* apple, orange, lemon, plum, pear */
{
    static const int ripe[][2] = {{0xB02418, 0xD0A030}, {0xC8401C, 0x8FA030}, {0xE07A18, 0xE8901C},
                                  {0xE8C428, 0xD8C040}, {0x4A2038, 0x702848}, {0xB4B038, 0x9AA83C}};
    const int *one = ripe[nx_rng_below(r, COUNT(ripe))];
    return (paint){PAINT_FRUIT, vary(r, hue(one[0]), .12f), hue(one[1]), 1, .03f, nx_rng_u32(r)};
}

static void block(scene *s, v3 centre, v3 half, float turn, paint p)
{
    solids_add(&s->solids, (solid){BLOCK, .centre = centre, .half = half, .turn = turn, .paint = p});
}

static void tube(scene *s, v3 from, v3 to, float radius, float taper, paint p)
{
    v3 d = sub(to, from);
    solids_add(&s->solids, (solid){TUBE, .centre = mul(add(from, to), .5f), .half = v(radius, .5f * length(d), radius),
                                   .up = d, .taper = taper, .paint = p});
}

static void ball(scene *s, v3 centre, v3 half, paint p)
{
    solids_add(&s->solids, (solid){BALL, .centre = centre, .half = half, .paint = p});
}

/* ---- things ---- */

static void branch(scene *s, nx_rng *r, v3 from, v3 direction, float size, int level, paint bark, paint leaf)
{
    v3 to = along(from, direction, size);
    tube(s, from, to, size * (level > 2 ? .085f : .065f), .4f, bark);
    if (level < 2)
        for (int i = 0; i < 3; i++) {
            float wide = size * between(r, .55f, .95f);
            v3 at = add(along(from, direction, size * between(r, .5f, 1.1f)),
                        mul(v(between(r, -1, 1), between(r, -.6f, .8f), between(r, -1, 1)), size * .5f));
            leaf.seed = nx_rng_u32(r);
            solids_add(&s->solids,
                       (solid){BALL, .centre = at, .half = v(wide, wide * .75f, wide), .turn = between(r, 0, 6),
                               .up = v(between(r, -.6f, .6f), 1, between(r, -.6f, .6f)), .holes = .5f, .paint = leaf});
        }
    if (!level) return;
    int count = level > 2 ? 4 : 3;
    float turn = between(r, 0, 6);
    for (int i = 0; i < count; i++, turn += 2 * PI / count + between(r, -.5f, .5f)) {
        v3 d = unit(
            add(mul(direction, between(r, .5f, 1)), v(cosf(turn) * .75f, between(r, .15f, .45f), sinf(turn) * .75f)));
        branch(s, r, along(from, direction, size * between(r, .72f, 1)), d, size * between(r, .58f, .74f), level - 1,
               bark, leaf);
    }
}

static void broad_tree(scene *s, nx_rng *r, v3 foot, float tall, v3 colour)
{
    paint bark = {PAINT_BARK, hue(0x5A4A3A), hue(0x2E241B), .08f, 0, nx_rng_u32(r)};
    paint leaf = {PAINT_LEAF, mul(colour, .6f), mul(colour, 1.3f), tall * .011f, 0, 0};
    branch(s, r, foot, unit(v(between(r, -.08f, .08f), 1, between(r, -.08f, .08f))), tall * .32f, 3, bark, leaf);
}

static void fir(scene *s, nx_rng *r, v3 foot, float tall, v3 colour)
{
    paint bark = {PAINT_BARK, hue(0x4A3C30), hue(0x2A2019), .1f, 0, nx_rng_u32(r)};
    paint leaf = {PAINT_LEAF, mul(colour, .7f), mul(colour, 1.4f), tall * .012f, 0, 0};
    tube(s, foot, add(foot, v(0, tall * .95f, 0)), tall * .018f, .8f, bark);
    for (int i = 0; i < 9; i++) {
        float at = .12f + .82f * i / 9, wide = tall * .24f * (1.04f - at) * between(r, .8f, 1.15f);
        leaf.seed = nx_rng_u32(r);
        solids_add(&s->solids,
                   (solid){TUBE, .centre = add(foot, v(0, tall * (at + .05f), 0)), .half = v(wide, tall * .085f, wide),
                           .up = v(between(r, -.08f, .08f), 1, between(r, -.08f, .08f)), .taper = .93f, .holes = .36f,
                           .paint = leaf});
    }
}

static void house(scene *s, nx_rng *r, v3 foot, float size, float turn)
{
    float wide = size * between(r, .8f, 1.3f), deep = size * between(r, .6f, .9f), tall = size * between(r, .5f, .9f);
    paint wall = {PAINT_FACADE, vary(r, PICK(r, walls), .15f), grey(.75f), 2.4f, 0, 3 * nx_rng_below(r, 10000) + 2};
    paint roof = {PAINT_BRICK,  vary(r, hue(chance(r, .6f) ? 0x9C4A32 : 0x5A5A60), .2f), grey(.12f), .5f, 0,
                  nx_rng_u32(r)};
    block(s, add(foot, v(0, tall - size, 0)), v(wide, size, deep), turn, wall);
    v3 side = v(cosf(turn), 0, sinf(turn)), back = v(-side.z, 0, side.x); /* as solids_add turns x and z */
    for (int end = -1; end <= 1; end += 2)
        solids_add(&s->solids,
                   (solid){BLOCK, .centre = add(add(foot, v(0, tall + deep * .42f, 0)), mul(back, end * deep * .55f)),
                           .half = v(wide * 1.08f, .08f * size, deep * .82f),
                           .up = unit(add(v(0, 1, 0), mul(back, .8f * end))), .turn = turn, .paint = roof});
    block(s, add(add(foot, v(0, tall + deep * .6f, 0)), mul(side, wide * .5f)), v(.09f * size, deep * .6f, .09f * size),
          turn, roof);
}

static void flower(scene *s, nx_rng *r, v3 foot, float tall, float size, v3 colour)
{
    v3 head = add(foot, v(between(r, -.12f, .12f) * tall, tall, between(r, -.12f, .12f) * tall));
    v3 face = unit(v(between(r, -.6f, .6f), between(r, .25f, 1), -between(r, .2f, 1)));
    paint green = {PAINT_LEAF, hue(0x2F5A1E), hue(0x5C8A34), size * .4f, 0, nx_rng_u32(r)};
    paint blossom = {PAINT_PETAL, colour, mul(mix3(colour, hue(0xE8C040), .35f), .7f), size, 0, nx_rng_u32(r)};
    paint heart = {PAINT_STONE, hue(0xD8A020), hue(0x6A4010), size * .06f, 0, nx_rng_u32(r)};
    tube(s, foot, head, size * .045f, .3f, green);
    v3 side = unit(cross(face, v(.3f, .2f, 1))), top = cross(face, side);
    int rings = chance(r, .5f) ? 2 : 1, count = 5 + nx_rng_below(r, 9);
    float wide = clamp(2.6f / count, .16f, .42f);
    for (int k = 0; k < rings; k++)
        for (int i = 0; i < count; i++) {
            float turn = 2 * PI * (i + .5f * k) / count + between(r, -.08f, .08f), out = size * (1 - .25f * k);
            v3 ray = add(mul(side, cosf(turn)), mul(top, sinf(turn))),
               lift = unit(add(ray, mul(face, between(r, .05f, .3f) + .3f * k)));
            v3 up = unit(sub(face, mul(lift, dot(face, lift))));
            solid one = {BALL, .centre = add(along(head, lift, out * .55f), mul(face, .03f * size * k)),
                         .half = v(out * wide, out * .035f, out * .52f), .up = up, .paint = blossom};
            v3 across, ahead;
            solid_frame(up, &across, &ahead);
            one.turn = atan2f(-dot(lift, across), dot(lift, ahead));
            solids_add(&s->solids, one);
        }
    solids_add(&s->solids, (solid){BALL, .centre = along(head, face, size * .06f),
                                   .half = v(size * .2f, size * .1f, size * .2f), .up = face, .paint = heart});
}

static void blades(scene *s, nx_rng *r, int count, float wide, float near, float far, float tall)
{
    for (int i = 0; i < count; i++) {
        float z = near + (far - near) * square(nx_rng_uniform(r)), x = between(r, -wide, wide) * z,
              up = tall * between(r, .4f, 1);
        paint leaf = {PAINT_LEAF, hue(0x35591C), vary(r, hue(0x7A9A3A), .3f), .05f, 0, nx_rng_u32(r)};
        solids_add(&s->solids,
                   (solid){BALL, .centre = v(x, up * .5f, z), .half = v(tall * .022f, up * .6f, tall * .008f),
                           .up = v(between(r, -.5f, .5f), 1, between(r, -.5f, .5f)), .turn = between(r, 0, 6),
                           .paint = leaf});
    }
}

static void car(scene *s, nx_rng *r, v3 at)
{
    paint body = dull(PICK(r, bold), 1), glass = dull(grey(.03f), 2), tyre = dull(grey(.02f), 3);
    body.shine = .06f, glass.shine = .15f;
    block(s, add(at, v(0, .55f, 0)), v(.85f, .3f, 2.1f), 0, body);
    solids_add(&s->solids, (solid){TUBE, .centre = add(at, v(0, 1.1f, .2f)), .half = v(.98f, .32f, 1.5f), .taper = .35f,
                                   .paint = glass});
    solids_add(&s->solids,
               (solid){BALL, .centre = add(at, v(0, 1.4f, .2f)), .half = v(.72f, .07f, 1.05f), .paint = body});
    for (int i = 0; i < 4; i++)
        solids_add(&s->solids, (solid){TUBE, .centre = add(at, v(i & 1 ? .8f : -.8f, .33f, i & 2 ? 1.3f : -1.3f)),
                                       .half = v(.33f, .12f, .33f), .up = v(1, 0, 0), .paint = tyre});
    bool dark = s->lit > .3f, ahead = at.x > 0;
    for (int i = -1; i <= 1; i += 2)
        ball(
            s, add(at, v(.6f * i, .62f, -2.08f)), v(.16f, .09f, .06f),
            (paint){PAINT_LAMP, grey(.5f), dark ? (ahead ? v(1.6f, .06f, .03f) : v(4, 3.6f, 2.8f)) : grey(0), 1, 0, 0});
}

static void lamp_post(scene *s, v3 foot, float reach)
{
    paint iron = dull(grey(.05f), 4);
    v3 top = add(foot, v(0, 6.5f, 0)), end = add(top, v(reach, .3f, 0));
    tube(s, foot, top, .08f, .4f, iron);
    tube(s, top, end, .05f, .2f, iron);
    ball(s, end, v(.32f, .12f, .2f),
         (paint){PAINT_LAMP, grey(.6f), s->lit > .3f ? v(6, 4.2f, 2.2f) : grey(0), 1, 0, 0});
}

/* ---- motifs ---- */

static void any_weather(scene *s, nx_rng *r, const char *odds)
{
    s->weather = (weather)(odds[nx_rng_below(r, 10)] - '0');
    if (s->weather == OVERCAST) s->cover = between(r, .8f, 1);
    if (s->weather == STORM) s->cover = between(r, .65f, .9f);
    if (s->weather == NIGHT) s->cover = chance(r, .5f) ? 0 : between(r, .2f, .45f);
    bool glowing = s->weather == SUNSET || s->weather == DUSK;
    s->sun_turn = chance(r, glowing ? .8f : .15f) ? between(r, -.45f, .45f) : between(r, .7f, 5.5f);
}

static void country(scene *s, nx_rng *r)
{
    land *l = &s->land;
    bool late = chance(r, .25f);
    l->grass = vary(r, PICK(r, greens), .2f), l->dry = vary(r, PICK(r, straws), .2f),
    l->rock = vary(r, PICK(r, rocks), .15f);
    l->tree = vary(r, late ? PICK(r, autumn) : PICK(r, firs), .2f), l->blossom = PICK(r, petals);
    l->snow = 1e6f, l->water = -1e6f;
    s->field = between(r, .6f, 1.25f);
    s->shift = between(r, -.12f, .16f);
}

static void stand(scene *s, float above) { s->eye.y = most(scene_ground(s, 0, 0, .1f), s->land.water) + above; }

static void mountains(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0001112456");
    s->land.kind = LAND_MOUNTAINS;
    s->land.height = between(r, 700, 1900), s->land.size = between(r, 1800, 4200);
    s->land.snow = chance(r, .65f) ? between(r, 150, .45f * s->land.height) : 1e6f;
    s->land.forest = chance(r, .75f) ? between(r, .35f, .75f) : 0;
    s->land.flowers = chance(r, .3f) ? between(r, .1f, .4f) : 0;
    if (chance(r, .45f))
        s->land.water = scene_ground(s, 0, 0, 1) + between(r, 3, 16), s->land.waves = between(r, .02f, .15f);
    stand(s, between(r, 2, 25));
    s->shift = between(r, .08f, .2f), s->field = between(r, .65f, 1.1f);
    if (s->land.water < -1e5f && chance(r, .5f))
        for (int i = 0; i < 9; i++) {
            float z = between(r, 25, 110), x = between(r, -.6f, .6f) * z * s->field;
            fir(s, r, v(x, scene_ground(s, x, z, .5f) - .3f, z), between(r, 7, 16), vary(r, PICK(r, firs), .2f));
        }
}

static void hills(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0001112244");
    s->land.kind = LAND_HILLS;
    s->land.height = between(r, 40, 190), s->land.size = between(r, 350, 1100);
    s->land.forest = between(r, .25f, .7f);
    s->land.flowers = chance(r, .4f) ? between(r, .1f, .5f) : 0;
    stand(s, between(r, 2, 40));
    int trees = nx_rng_below(r, 8);
    for (int i = 0; i < trees; i++) {
        float z = between(r, 22, 120), x = between(r, -.55f, .55f) * z * s->field;
        broad_tree(s, r, v(x, scene_ground(s, x, z, .5f) - .3f, z), between(r, 7, 13), s->land.tree);
    }
}

static void village(scene *s, nx_rng *r)
{
    hills(s, r);
    s->land.height *= .5f;
    stand(s, between(r, 4, 16));
    s->lit = s->weather == DUSK || s->weather == NIGHT ? .6f : 0;
    s->solids.count = 0;
    for (int i = 0; i < 14; i++) {
        float z = between(r, 45, 190), x = between(r, -.5f, .5f) * z * s->field, turn = chance(r, .5f) ? 0 : PI / 2;
        v3 foot = v(x, scene_ground(s, x, z, 2) - .5f, z);
        if (i < 8)
            house(s, r, foot, between(r, 4, 6.5f), turn);
        else
            broad_tree(s, r, foot, between(r, 7, 12), s->land.tree);
    }
}

static void fields(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0000112345");
    s->land.kind = LAND_PLAIN;
    s->land.height = between(r, 20, 260), s->land.size = between(r, 500, 1500);
    s->land.rows = chance(r, .6f) ? between(r, .6f, 2.2f) : 0;
    s->land.flowers = s->land.rows > 0 ? 0 : between(r, .1f, .9f);
    s->land.forest = between(r, .1f, .4f);
    s->cover = chance(r, .7f) ? between(r, .35f, .75f) : s->cover;
    s->shift = between(r, -.05f, .2f);
    stand(s, between(r, 1.6f, 5));
    int trees = nx_rng_below(r, 5);
    for (int i = 0; i < trees; i++) {
        float z = between(r, 18, 70), x = between(r, -.55f, .55f) * z * s->field;
        broad_tree(s, r, v(x, scene_ground(s, x, z, .5f) - .3f, z), between(r, 7, 13), s->land.tree);
    }
}

static void desert(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0001111225");
    static const int sands[] = {0xD9A566, 0xC98C52, 0xE0BE8A, 0xB8683A, 0xD8C8A8};
    s->land.kind = LAND_DUNES;
    s->land.size = between(r, 50, 170), s->land.height = s->land.size * between(r, .2f, .34f);
    s->land.grass = vary(r, PICK(r, sands), .1f), s->land.dry = mul(s->land.grass, .82f);
    s->cover *= .5f;
    s->sun_turn = chance(r, .5f) ? between(r, .8f, 1.9f) : -between(r, .8f, 1.9f);
    if (s->weather < SUNSET) s->sun_height = between(r, .18f, .6f);
    stand(s, between(r, 2, 9));
}

static void sea(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0011223567");
    s->land.kind = LAND_COAST;
    s->land.height = chance(r, .4f) ? .5f : between(r, 40, 160), s->land.size = between(r, 300, 900);
    s->land.water = 0, s->land.waves = chance(r, .4f) ? between(r, .3f, .55f) : between(r, .06f, .25f);
    s->land.forest = between(r, .2f, .7f);
    s->eye.y = between(r, 5, 9);
    stand(s, between(r, 1.8f, 7));
    if (chance(r, .4f)) {
        int boats = 1 + nx_rng_below(r, 3);
        for (int i = 0; i < boats; i++) {
            float z = between(r, 60, 180), x = between(r, -.35f, .35f) * z * s->field;
            paint hull = dull(PICK(r, bold), 1), sail = dull(hue(0xEFE8DA), 2), mast = dull(hue(0x8A6A48), 3);
            ball(s, v(x, .4f, z), v(4, 1.1f, 1.4f), hull);
            tube(s, v(x, .8f, z), v(x, 11, z), .1f, .5f, mast);
            solids_add(&s->solids, (solid){TUBE, .centre = v(x + 1.3f, 6, z), .half = v(2.1f, 4.4f, .05f),
                                           .taper = .97f, .paint = sail});
        }
    }
}

static void heavens(scene *s, nx_rng *r) /* mostly sky */
{
    country(s, r);
    any_weather(s, r, "0011222566");
    s->land.kind = LAND_HILLS;
    s->land.height = between(r, 15, 60), s->land.size = between(r, 400, 900), s->land.forest = between(r, .2f, .7f);
    s->cover = between(r, .3f, .75f);
    s->shift = between(r, .22f, .34f);
    s->sun_turn = chance(r, .6f) ? between(r, -.4f, .4f) : between(r, .7f, 5);
    stand(s, between(r, 6, 30));
    if (chance(r, .5f))
        broad_tree(s, r, v(between(r, -9, 9), scene_ground(s, 0, 26, 1) - .5f, 26), between(r, 9, 13), s->land.tree);
}

static void night(scene *s, nx_rng *r)
{
    country(s, r);
    s->weather = NIGHT;
    s->land.kind = chance(r, .5f) ? LAND_MOUNTAINS : LAND_HILLS;
    s->land.height = s->land.kind == LAND_HILLS ? 90 : between(r, 600, 1300), s->land.size = between(r, 900, 2600);
    s->land.snow = chance(r, .5f) ? 260 : 1e6f;
    s->sun_turn = chance(r, .5f) ? between(r, -.4f, .4f) : between(r, 1, 5);
    s->sun_height = between(r, .2f, .75f);
    s->cover = chance(r, .6f) ? 0 : between(r, .25f, .5f);
    s->shift = between(r, .1f, .25f);
    if (chance(r, .4f)) s->land.water = scene_ground(s, 0, 0, 1) + 8, s->land.waves = .06f;
    stand(s, between(r, 3, 20));
    for (int i = 0; i < 6; i++) {
        float z = between(r, 25, 80), x = between(r, -.6f, .6f) * z * s->field;
        if (s->land.water < -1e5f)
            fir(s, r, v(x, scene_ground(s, x, z, .5f) - .3f, z), between(r, 8, 16), vary(r, PICK(r, firs), .2f));
    }
}

static void forest(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "4444440115");
    s->land.kind = LAND_PLAIN, s->land.height = 5, s->land.size = 60;
    s->land.dry = mul(chance(r, .4f) ? hue(0x8A5A2C) : s->land.dry, .8f);
    s->land.flowers = chance(r, .3f) ? .3f : 0;
    s->haze = s->weather == MIST ? between(r, 8, 26) : 8;
    s->field = between(r, .7f, 1.1f), s->shift = between(r, .02f, .15f);
    s->sun_turn = between(r, -.9f, .9f);
    stand(s, 1.6f);
    bool conifers = chance(r, .5f);
    for (int i = 0; i < 42; i++) {
        float z = 6 + 70 * square((i + nx_rng_uniform(r)) / 42),
              x = between(r, -.62f, .62f) * z * s->field + between(r, -2, 2);
        if (z < 12 && fabsf(x) < 1.6f) x += x > 0 ? 2 : -2;
        v3 foot = v(x, scene_ground(s, x, z, .3f) - .2f, z);
        v3 colour = vary(r, s->land.tree, .25f);
        if (conifers && z > 12) {
            fir(s, r, foot, between(r, 9, 19), vary(r, PICK(r, firs), .25f));
        } else if (!conifers && z > 20 && i % 2) {
            broad_tree(s, r, foot, between(r, 8, 14), colour);
        } else {
            paint bark = {PAINT_BARK, vary(r, hue(0x6A5A48), .3f), hue(0x2A211A), .07f, 0, nx_rng_u32(r)};
            v3 top = add(foot, v(between(r, -1, 1), between(r, 13, 19), between(r, -1, 1)));
            tube(s, foot, top, between(r, .16f, .42f), .5f, bark);
            for (int k = 0; k < 7; k++) {
                v3 from = add(foot, mul(sub(top, foot), between(r, .3f, .9f)));
                tube(s, from, add(from, v(between(r, -2.5f, 2.5f), between(r, .2f, 1.6f), between(r, -2, 2))), .06f,
                     .7f, bark);
            }
        }
    }
}

static void street(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0001133667");
    s->lit = s->weather == DUSK || s->weather == NIGHT ? between(r, .45f, .8f) : .06f;
    s->eye = v(between(r, -3, 3), between(r, 1.6f, 7), 0);
    s->look = v(between(r, -.12f, .12f), 0, 1), s->field = between(r, .9f, 1.4f), s->shift = between(r, .04f, .18f);
    s->sun_turn = s->weather == SUNSET || s->weather == DUSK ? between(r, -.2f, .2f) : between(r, .3f, 5.9f);
    s->shade_rays = 1, s->haze = 6;
    bool wet = chance(r, .3f);
    block(s, v(0, -1, 100), v(400, 1, 400), 0,
          (paint){PAINT_ROAD, grey(.085f), grey(.6f), 1, wet ? .05f : 0, nx_rng_u32(r)});
    for (int side = -1; side <= 1; side += 2) {
        block(s, v(side * 6.4f, .08f, 100), v(1.7f, .08f, 140), 0,
              (paint){PAINT_TILES, grey(.36f), grey(.33f), .8f, 0, nx_rng_u32(r)});
        for (float z = -14; z < 190;) {
            float wide = between(r, 8, 18), tall = between(r, 9, 26) + (chance(r, .15f) ? 25 : 0);
            paint wall = {
                PAINT_FACADE,      vary(r, PICK(r, walls), .2f), grey(between(r, .15f, .7f)), between(r, 2.2f, 2.9f), 0,
                nx_rng_u32(r) >> 8};
            block(s, v(side * (8 + 6 + between(r, 0, .5f)), tall / 2, z + wide / 2), v(6, tall / 2, wide / 2), 0, wall);
            block(s, v(side * (8 + 6), tall + .2f, z + wide / 2), v(6.4f, .25f, wide / 2), 0, dull(grey(.4f), 1));
            z += wide + (chance(r, .12f) ? 6 : 0);
        }
        for (float z = between(r, 7, 14); z < 110; z += between(r, 14, 24)) {
            if (chance(r, .5f)) lamp_post(s, v(side * 5.2f, 0, z), -side * 1.6f);
            if (chance(r, .35f)) broad_tree(s, r, v(side * 6.2f, 0, z + 5), between(r, 5, 8), s->land.tree);
            if (chance(r, .8f)) car(s, r, v(side * (chance(r, .6f) ? 3.9f : 1.9f), 0, z + 3));
        }
    }
    block(s, v(between(r, -20, 20), 22, 210), v(30, 22, 9), 0,
          (paint){PAINT_FACADE, PICK(r, walls), grey(.5f), 2.6f, 0, nx_rng_u32(r) >> 8});
    for (int i = 0; i < 7; i++) {
        v3 foot = v((chance(r, .5f) ? -1 : 1) * between(r, 5.2f, 7), .15f, between(r, 6, 45));
        ball(s, add(foot, v(0, 1.6f, 0)), v(.12f, .15f, .13f), dull(hue(0xB88A6A), 1));
        ball(s, add(foot, v(0, 1.1f, 0)), v(.25f, .38f, .17f), dull(PICK(r, bold), 2));
        tube(s, foot, add(foot, v(0, .9f, 0)), .14f, -.2f, dull(mul(PICK(r, bold), .4f), 3));
    }
}

static void skyline(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0012236677");
    s->lit = s->weather == DUSK || s->weather == NIGHT ? between(r, .35f, .7f) : .05f;
    s->land.kind = LAND_COAST, s->land.height = .5f, s->land.size = 300, s->land.water = 0,
    s->land.waves = between(r, .04f, .2f);
    s->field = between(r, .8f, 1.3f), s->shift = between(r, .02f, .2f);
    s->haze = 5;
    s->eye.y = between(r, 6, 18);
    for (int i = 0; i < 90; i++) {
        float z = between(r, 330, 800), x = between(r, -.75f, .75f) * z * s->field,
              centre = expf(-square(x / (z * .35f)));
        float tall = between(r, 12, 34) + centre * between(r, 0, 110) * nx_rng_uniform(r), wide = between(r, 9, 22);
        paint wall = {PAINT_FACADE,
                      vary(r, chance(r, .5f) ? PICK(r, walls) : hue(0x5A6E80), .2f),
                      grey(between(r, .1f, .6f)),
                      between(r, 3.5f, 5),
                      0,
                      nx_rng_u32(r) >> 8};
        block(s, v(x, tall, z), v(wide, tall, wide), 0, wall);
        if (tall > 55 && chance(r, .6f)) tube(s, v(x, 2 * tall, z), v(x, 2 * tall + 30, z), 1, .8f, dull(grey(.2f), 1));
    }
    block(s, v(0, 1.2f, 620), v(900, 1.4f, 300), 0, dull(grey(.22f), 5));
}

static void furnish_table(scene *s, nx_rng *r, float near, float far, float wide)
{
    int things = 6 + nx_rng_below(r, 6);
    v3 taken[16];
    int count = 0;
    for (int tries = 0; tries < 60 && count < things; tries++) {
        float size = between(r, .035f, .085f), tall, x = between(r, -wide, wide), z = between(r, near, far);
        bool free = true;
        for (int i = 0; i < count; i++)
            free = free && square(x - taken[i].x) + square(z - taken[i].z) > square(size + taken[i].y + .005f);
        if (!free) continue;
        taken[count++] = v(x, size, z);
        paint glaze = dull(vary(r, PICK(r, bold), .2f), nx_rng_u32(r));
        switch (nx_rng_below(r, 7)) {
        case 0:
        case 1:
            size *= .8f;
            ball(s, v(x, size * .93f, z), v(size, size * .94f, size), peel(r));
            tube(s, v(x, size * 1.75f, z), v(x + .01f, size * 2.15f, z), .003f, .2f, dull(hue(0x3A2A18), 1));
            break;
        case 2: /* bottle */
            glaze.shine = .06f, glaze.first = mul(glaze.first, .5f), size *= .62f, tall = between(r, .16f, .24f);
            tube(s, v(x, 0, z), v(x, tall, z), size, 0, glaze);
            ball(s, v(x, tall, z), v(size, size * .8f, size), glaze);
            tube(s, v(x, tall, z), v(x, tall * 1.5f, z), size * .38f, .15f, glaze);
            break;
        case 3: /* vase with flowers */
            glaze.shine = .05f, tall = between(r, .1f, .16f);
            tube(s, v(x, 0, z), v(x, tall * .35f, z), size * .55f, -.6f, glaze);
            ball(s, v(x, tall * .5f, z), v(size * .9f, tall * .42f, size * .9f), glaze);
            tube(s, v(x, tall * .75f, z), v(x, tall * 1.15f, z), size * .42f, -.35f, glaze);
            for (int i = 0; i < 6; i++)
                flower(s, r, v(x, tall, z), between(r, .08f, .2f), between(r, .03f, .05f), PICK(r, petals));
            break;
        case 4: /* bowl of fruit */
            glaze.shine = .04f;
            tube(s, v(x, 0, z), v(x, size * .55f, z), size * .7f, -.9f, glaze);
            for (int i = 0; i < 6; i++)
                ball(s,
                     v(x + size * .6f * cosf(i * 1.26f) * (i > 0), size * (i ? .85f : 1.25f),
                       z + size * .6f * sinf(i * 1.26f) * (i > 0)),
                     grey(size * .42f), peel(r));
            break;
        case 5: /* books */
            for (int i = 0; i < 3; i++) {
                float turn = between(r, -.5f, .5f), thick = between(r, .009f, .018f);
                block(s, v(x, .02f + i * .038f, z), v(size * 1.15f, thick, size * .85f), turn,
                      dull(PICK(r, bold), nx_rng_u32(r)));
                block(s, v(x + .003f, .02f + i * .038f, z - .003f), v(size * 1.13f, thick * .8f, size * .86f), turn,
                      dull(hue(0xE6DCC4), 1));
            }
            break;
        default: /* cup on a saucer, or a metal ball */
            if (chance(r, .35f)) {
                glaze.shine = .55f, glaze.first = chance(r, .5f) ? grey(.6f) : hue(0xD8A850);
                ball(s, v(x, size * .8f, z), grey(size * .8f), glaze);
                break;
            }
            glaze.shine = .05f, tall = size * 1.1f;
            tube(s, v(x, 0, z), v(x, .01f, z), size * .8f, -.4f, glaze);
            tube(s, v(x, .01f, z), v(x, tall, z), size * .52f, -.3f, glaze);
            tube(s, v(x, tall * .93f, z), v(x, tall + .001f, z), size * .62f, 0, dull(hue(0x3A2012), 2));
        }
    }
}

static void still_life(scene *s, nx_rng *r)
{
    s->weather = chance(r, .75f) ? NOON : GOLDEN, s->room = between(r, .25f, .7f), s->shade_rays = 2;
    s->eye = v(between(r, -.15f, .15f), between(r, .16f, .5f), 0), s->field = between(r, .75f, 1.05f);
    s->look = sub(v(0, .07f, .75f), s->eye);
    s->sun_turn = between(r, 1.7f, 4.6f), s->sun_height = between(r, .45f, 1);
    if (chance(r, .6f)) s->lens = between(r, .002f, .008f), s->focus = length(s->look);
    paint top = {PAINT_WOOD, PICK(r, woods), mul(PICK(r, woods), .6f), .16f, .03f, nx_rng_u32(r)};
    uint32_t kind = nx_rng_below(r, 5);
    if (kind == 1)
        top = (paint){PAINT_CLOTH,  vary(r, PICK(r, bold), .2f), PICK(r, creams), between(r, .04f, .12f), 0,
                      nx_rng_u32(r)};
    if (kind == 2) top = (paint){PAINT_MARBLE, PICK(r, creams), grey(.12f), .35f, .05f, nx_rng_u32(r)};
    if (kind == 3)
        top = (paint){PAINT_TILES, PICK(r, creams), vary(r, PICK(r, bold), .2f), between(r, .05f, .12f),
                      .04f,        nx_rng_u32(r)};
    block(s, v(0, -.05f, .9f), v(1.4f, .05f, .7f), 0, top);
    paint back = dull(vary(r, PICK(r, creams), .2f), nx_rng_u32(r));
    if (chance(r, .4f))
        back = (paint){PAINT_STONE, mul(PICK(r, creams), .7f), mul(PICK(r, bold), .5f), .5f, 0, nx_rng_u32(r)};
    if (chance(r, .2f)) back = (paint){PAINT_BRICK, hue(0x8A4A38), grey(.5f), .22f, 0, nx_rng_u32(r)};
    block(s, v(0, 0, 1.75f), v(4, 3, .05f), 0, back);
    if (chance(r, .4f))
        block(s, v(between(r, -.4f, .4f), .5f, 1.69f), v(.22f, .16f, .01f), 0,
              (paint){PAINT_PICTURE, PICK(r, bold), PICK(r, bold), 1, 0, nx_rng_u32(r)});
    bool left = chance(r, .5f);
    if (chance(r, .6f)) { /* light of a window instead of the sun's */
        s->lamp = (lamp){v(left ? -1.8f : 1.8f, .2f, .1f), v(0, 0, 1.1f), v(0, 1.2f, 0),
                         mul(chance(r, .3f) ? v(6, 4.4f, 2.8f) : v(5, 5.4f, 6), between(r, .7f, 1.6f))};
        block(s, v(0, 3, .5f), v(4, .05f, 4), 0, back); /* a ceiling keeps the sun out */
        s->room *= .6f;
    }
    furnish_table(s, r, .52f, .95f, .27f);
    s->film.vignette = between(r, .3f, 1);
}

static void interior(scene *s, nx_rng *r)
{
    s->weather = chance(r, .6f) ? NOON : GOLDEN, s->room = between(r, .35f, .7f), s->shade_rays = 2;
    s->eye = v(between(r, -1, 1), between(r, 1.2f, 1.7f), -2.6f), s->look = v(between(r, -.2f, .2f), -.1f, 1),
    s->field = between(r, 1, 1.4f);
    bool left = chance(r, .5f);
    float side = left ? -1 : 1;
    s->sun_turn = side * between(r, 1.1f, 1.7f), s->sun_height = between(r, .35f, .75f);
    paint wall = dull(vary(r, PICK(r, creams), .15f), 1), white = dull(grey(.78f), 2), frame = dull(grey(.7f), 3);
    paint timber = {PAINT_WOOD, PICK(r, woods), mul(PICK(r, woods), .55f), .5f, .035f, nx_rng_u32(r)};
    paint floor = chance(r, .7f) ? timber : (paint){PAINT_TILES, PICK(r, creams), mul(PICK(r, woods), .6f), .5f,
                                                    .06f,        nx_rng_u32(r)};
    block(s, v(0, -.1f, 0), v(5, .1f, 5), 0, floor);
    block(s, v(0, 2.9f, 0), v(5, .1f, 5), 0, white);
    block(s, v(0, 1.4f, 3.1f), v(5, 1.6f, .1f), 0, wall);
    block(s, v(0, 1.4f, -4), v(5, 1.6f, .1f), 0, wall);
    block(s, v(-side * 2.9f, 1.4f, 0), v(.1f, 1.6f, 5), 0, wall);
    float x = side * 2.9f; /* the wall with two windows */
    block(s, v(x, .4f, 0), v(.1f, .5f, 5), 0, wall);
    block(s, v(x, 2.65f, 0), v(.1f, .25f, 5), 0, wall);
    block(s, v(x, 1.6f, 2.75f), v(.1f, 1, .45f), 0, wall);
    block(s, v(x, 1.6f, .55f), v(.1f, 1, .35f), 0, wall);
    block(s, v(x, 1.6f, -2.9f), v(.1f, 1, 2), 0, wall);
    for (int i = 0; i < 2; i++) {
        float z = i ? 1.6f : -.35f;
        block(s, v(x, 1.65f, z), v(.03f, .9f, .025f), 0, frame);
        block(s, v(x, 1.65f, z), v(.03f, .025f, .75f), 0, frame);
    }
    s->lamp = (lamp){v(x, .95f, -.8f), v(0, 0, 3), v(0, 1.4f, 0),
                     mul(s->weather == NOON ? v(1.3f, 1.5f, 1.8f) : v(1.8f, 1.5f, 1.1f), 2)};
    block(s, v(0, .06f, 3), v(5, .06f, .02f), 0, white);
    block(s, v(between(r, -1.3f, 1.3f), 1.65f, 2.99f), v(.5f, .38f, .02f), 0,
          (paint){PAINT_PICTURE, PICK(r, bold), PICK(r, bold), 1, 0, nx_rng_u32(r)});
    float tx = between(r, -.7f, .7f), tz = between(r, .4f, 1.2f); /* table and chairs */
    if (chance(r, .7f))
        block(s, v(tx, .01f, tz), v(1.5f, .012f, 1.1f), between(r, -.1f, .1f),
              (paint){PAINT_CLOTH, PICK(r, bold), PICK(r, creams), between(r, .3f, .7f), 0, 5});
    block(s, v(tx, .74f, tz), v(.8f, .025f, .5f), 0, timber);
    for (int i = 0; i < 4; i++)
        tube(s, v(tx + (i & 1 ? .7f : -.7f), 0, tz + (i & 2 ? .4f : -.4f)),
             v(tx + (i & 1 ? .7f : -.7f), .73f, tz + (i & 2 ? .4f : -.4f)), .035f, -.3f, timber);
    for (int k = -1; k <= 1; k += 2) {
        v3 c = v(tx + k * .95f, 0, tz + between(r, -.2f, .2f));
        block(s, add(c, v(0, .45f, 0)), v(.22f, .025f, .22f), 0, timber);
        block(s, add(c, v(k * .21f, .78f, 0)), v(.018f, .26f, .22f), 0, timber);
        for (int i = 0; i < 4; i++)
            tube(s, add(c, v(i & 1 ? .2f : -.2f, 0, i & 2 ? .2f : -.2f)),
                 add(c, v(i & 1 ? .2f : -.2f, .45f, i & 2 ? .2f : -.2f)), .02f, 0, timber);
    }
    paint glaze = dull(PICK(r, bold), 7);
    glaze.shine = .05f;
    ball(s, v(tx + .1f, .85f, tz), v(.09f, .1f, .09f), glaze);
    tube(s, v(tx + .1f, .9f, tz), v(tx + .1f, 1, tz), .05f, -.3f, glaze);
    for (int i = 0; i < 7; i++) flower(s, r, v(tx + .1f, .95f, tz), between(r, .1f, .3f), .05f, PICK(r, petals));
    for (int i = 0; i < 3; i++) ball(s, v(tx - .3f + .11f * i, .815f, tz - .1f + .05f * (i & 1)), grey(.05f), peel(r));
    float sx = -side * 2.2f; /* sofa along the closed wall, shelf on the back wall */
    paint fabric = {PAINT_CLOTH, vary(r, PICK(r, bold), .2f), mul(PICK(r, creams), .8f), between(r, .1f, .6f), 0, 9};
    if (chance(r, .6f))
        fabric = (paint){PAINT_STONE, vary(r, PICK(r, bold), .2f), vary(r, PICK(r, creams), .2f), .02f, 0, 9};
    block(s, v(sx, .25f, 1), v(.45f, .2f, .95f), 0, fabric);
    block(s, v(sx - side * .4f, .6f, 1), v(.12f, .35f, .95f), 0, fabric);
    for (int i = -1; i <= 1; i += 2) block(s, v(sx, .4f, 1 + i * .95f), v(.45f, .25f, .1f), 0, fabric);
    solids_add(&s->solids, (solid){BALL, .centre = v(sx - side * .1f, .62f, .5f), .half = v(.12f, .2f, .22f),
                                   .up = v(-side * .4f, 1, 0), .paint = dull(PICK(r, bold), 3)});
    float bx = between(r, -1.9f, 1.9f);
    for (int shelf = 0; shelf < 4; shelf++) {
        block(s, v(bx, .3f + .42f * shelf, 2.85f), v(.5f, .015f, .14f), 0, timber);
        for (float u = -.45f; u < .4f; u += between(r, .03f, .07f))
            if (chance(r, .85f))
                block(s, v(bx + u, .3f + .42f * shelf + .15f, 2.86f), v(.014f, between(r, .1f, .15f), .1f), 0,
                      dull(PICK(r, bold), nx_rng_u32(r)));
    }
}

static void flowers(scene *s, nx_rng *r)
{
    any_weather(s, r, "0000011134");
    s->eye = v(0, between(r, .55f, .95f), 0), s->look = v(0, between(r, -.55f, -.28f), 1),
    s->field = between(r, .55f, .95f);
    s->shade_rays = 1, s->haze = 20;
    s->focus = between(r, .8f, 1.4f), s->lens = between(r, .008f, .03f);
    s->sun_turn = between(r, .5f, 5.7f);
    block(s, v(0, -1, 30), v(60, 1, 60), 0, (paint){PAINT_GRASS, hue(0x3C5A1E), hue(0x6B7A30), .3f, 0, nx_rng_u32(r)});
    blades(s, r, 1100, .6f, .45f, 7, between(r, .14f, .26f));
    v3 first = PICK(r, petals), second = chance(r, .5f) ? first : PICK(r, petals);
    float size = between(r, .05f, .13f);
    for (int i = 0; i < 46; i++) {
        float z = i < 5 ? s->focus * between(r, .85f, 1.1f) : between(r, .7f, 5),
              x = between(r, -.5f, .5f) * z * s->field;
        flower(s, r, v(x, 0, z), between(r, .22f, .5f), size * between(r, .7f, 1.2f),
               vary(r, chance(r, .7f) ? first : second, .15f));
    }
    for (int i = 0; i < 5; i++)
        broad_tree(s, r, v(between(r, -9, 9), 0, between(r, 12, 22)), between(r, 5, 8), hue(firs[nx_rng_below(r, 4)]));
}

static void stones(scene *s, nx_rng *r) /* a close view of the ground */
{
    any_weather(s, r, "0000111335");
    s->eye = v(0, between(r, .5f, 1), 0), s->look = v(0, between(r, -1.1f, -.4f), 1), s->field = between(r, .6f, .95f);
    s->shade_rays = 2;
    s->focus = s->eye.y / -s->look.y * 1.05f, s->lens = between(r, .002f, .012f);
    block(s, v(0, -1, 10), v(30, 1, 30), 0,
          (paint){PAINT_STONE, mul(PICK(r, rocks), .7f), mul(PICK(r, straws), .5f), .05f, 0, nx_rng_u32(r)});
    float size = between(r, .03f, .09f);
    bool fallen = chance(r, .35f); /* leaves instead of pebbles */
    v3 tone = PICK(r, rocks);
    for (int i = 0; i < 1500; i++) {
        float z = .2f + 4.5f * square(nx_rng_uniform(r)), x = between(r, -.65f, .65f) * (z + .5f),
              one = size * between(r, .5f, 1.3f);
        v3 up = v(between(r, -.3f, .3f), 1, between(r, -.3f, .3f));
        if (fallen)
            solids_add(&s->solids,
                       (solid){BALL, .centre = v(x, between(r, .005f, .05f), z), .half = v(one * .5f, one * .04f, one),
                               .up = v(between(r, -.6f, .6f), 1, between(r, -.6f, .6f)), .turn = between(r, 0, 6),
                               .paint = {PAINT_PETAL, vary(r, PICK(r, autumn), .25f), vary(r, PICK(r, straws), .2f), 1,
                                         .02f, nx_rng_u32(r)}});
        else
            solids_add(&s->solids, (solid){BALL, .centre = v(x, one * .25f, z),
                                           .half = v(one, one * between(r, .4f, .7f), one * between(r, .6f, .9f)),
                                           .up = up, .turn = between(r, 0, 6),
                                           .paint = {PAINT_STONE, vary(r, chance(r, .7f) ? tone : PICK(r, creams), .3f),
                                                     vary(r, PICK(r, rocks), .3f), one * .8f, chance(r, .2f) ? .04f : 0,
                                                     nx_rng_u32(r)}});
    }
}

static void temple(scene *s, nx_rng *r)
{
    country(s, r);
    any_weather(s, r, "0000111226");
    s->land.kind = LAND_PLAIN, s->land.height = between(r, 30, 200), s->land.size = 500, s->land.forest = .3f;
    s->shade_rays = 1;
    stand(s, between(r, 1.7f, 4));
    paint marbled = {PAINT_STONE, vary(r, PICK(r, creams), .1f), mul(PICK(r, straws), 1.1f), .6f, 0, nx_rng_u32(r)};
    float x = between(r, -4, 4), z = between(r, 26, 40), ground = scene_ground(s, x, z, 1);
    int columns = 4 + nx_rng_below(r, 4);
    for (int i = 0; i < 3; i++)
        block(s, v(x, ground + .3f * i, z + 6), v(columns * 1.6f + 1.4f - .4f * i, .3f, 9.4f - .4f * i), 0, marbled);
    for (int row = 0; row < 5; row++)
        for (int i = 0; i < columns; i++) {
            if (row > 0 && row < 4 && i > 0 && i < columns - 1) continue;
            float cx = x + (i - (columns - 1) * .5f) * 3.2f, cz = z - 1.5f + row * 3.7f,
                  tall = chance(r, .1f) ? between(r, 2, 6) : 8;
            tube(s, v(cx, ground + .8f, cz), v(cx, ground + .8f + tall, cz), .62f, .18f, marbled);
            if (tall == 8) block(s, v(cx, ground + 9, cz), v(.85f, .25f, .85f), 0, marbled);
        }
    if (chance(r, .75f)) {
        block(s, v(x, ground + 9.9f, z + 6), v(columns * 1.6f + .4f, .7f, 8.6f), 0, marbled);
        for (int side = -1; side <= 1; side += 2)
            solids_add(&s->solids,
                       (solid){BLOCK, .centre = v(x + side * columns * .84f, ground + 10.6f + columns * .25f, z + 6),
                               .half = v(columns * .9f, .22f, 9), .up = v(side * .3f, 1, 0), .turn = 0,
                               .paint = marbled});
    }
    broad_tree(s, r, v(x - 14, scene_ground(s, x - 14, z, 1), z), 9, s->land.tree);
    broad_tree(s, r, v(x + 15, scene_ground(s, x + 15, z + 3, 1), z + 3), 10, s->land.tree);
}

static const struct motif {
    const char *name;
    void (*furnish)(scene *s, nx_rng *r);
    int share; /* of the collection */
} motifs[PHOTO_MOTIFS] = {
    {"mountains", mountains, 5}, {"hills", hills, 3},     {"village", village, 3}, {"fields", fields, 4},
    {"desert", desert, 2},       {"sea", sea, 4},         {"sky", heavens, 2},     {"night", night, 2},
    {"forest", forest, 3},       {"street", street, 5},   {"skyline", skyline, 3}, {"still_life", still_life, 6},
    {"interior", interior, 4},   {"flowers", flowers, 4}, {"stones", stones, 2},   {"temple", temple, 2},
};

int photo_motif(const char *name)
{
    for (int i = 0; i < PHOTO_MOTIFS; i++)
        if (!strcmp(motifs[i].name, name)) return i;
    nx_die("there is no motif %s", name);
}

scene photo_scene(nx_rng *r)
{
    scene s = {.seed = nx_rng_u32(r) >> 8,
               .look = v(0, 0, 1),
               .field = 1,
               .haze = between(r, .5f, 2),
               .cover = between(r, 0, .7f)};
    s.film = (film){.exposure = between(r, .7f, 1.35f),
                    .contrast = between(r, .88f, 1.18f),
                    .saturation = between(r, .8f, 1.3f),
                    .grain = between(r, .004f, .026f),
                    .vignette = chance(r, .5f) ? between(r, 0, .8f) : 0,
                    .bloom = between(r, .03f, .16f),
                    .cast = v(between(r, .92f, 1.08f), 1, between(r, .9f, 1.1f))};
    if (chance(r, .04f)) s.film.saturation = 0;
    return s;
}

picture photo_of(int motif, nx_rng *r, int w, int h)
{
    scene s = photo_scene(r);
    motifs[motif].furnish(&s, r);
    if (s.weather == NIGHT) s.film.exposure *= .5f, s.film.bloom *= 1.5f;
    picture p = scene_shoot(&s, w, h);
    scene_free(&s);
    return p;
}

picture photo_take(uint64_t seed, int number, int w, int h)
{
    nx_rng rng = nx_rng_new(seed, nx_stream("photo") + number);
    int total = 0, which = 0;
    for (int i = 0; i < PHOTO_MOTIFS; i++) total += motifs[i].share;
    for (int at = (number * 29 + 7) % total; at >= motifs[which].share; which++) at -= motifs[which].share;
    return photo_of(which, &rng, w, h);
}
