/* Places are motifs of photo.c, surfaces parts of texture.c's tiles in other colours. Things are a few solids of one
 * shape on a table or in the open, of any material; often a smaller one of another shape lies by. */
#include "motif.h"

#include "photo.h"
#include "texture.h"

static const float solid_tall[] = {[BALL] = 1, [BLOCK] = .9f, [TUBE] = 1.5f}; /* half height over half width */

static v3 any_colour(nx_rng *r)
{
    v3 c = recoloured(mix3(hue(0xB85040), grey(.3f), between(r, 0, .9f)), between(r, 0, 2 * PI), 1);
    return mul(c, between(r, .5f, 1.9f));
}

/* size: of the thing that it covers, metres. */
static paint any_paint(nx_rng *r, float size)
{
    static const paint_kind kinds[] = {PAINT_PLAIN, PAINT_PLAIN, PAINT_WOOD,  PAINT_MARBLE, PAINT_TILES,
                                       PAINT_CLOTH, PAINT_STONE, PAINT_BRICK, PAINT_FRUIT,  PAINT_BARK};
    return (paint){.kind = kinds[nx_rng_below(r, sizeof kinds / sizeof *kinds)],
                   .first = any_colour(r),
                   .second = any_colour(r),
                   .scale = size * between(r, .25f, .9f),
                   .shine = chance(r, .3f) ? between(r, .03f, .4f) : 0,
                   .seed = nx_rng_u32(r) >> 8};
}

static void put(scene *s, nx_rng *r, shape kind, float x, float z, float size)
{
    bool lying = kind != BALL && chance(r, .3f), sharp = kind == TUBE && chance(r, .35f); /* a cone */
    v3 half = v(size * between(r, .8f, 1.2f), size * solid_tall[kind] * between(r, .8f, 1.4f), size);
    if (kind == BALL) half = mul(v(1, between(r, .8f, 1), 1), size);
    if (kind == BLOCK) half.z = size * between(r, .6f, 1.3f);
    if (kind == TUBE) half.x = half.z;
    float turn = between(r, 0, 2 * PI), high = lying ? half.z : half.y;
    solids_add(&s->solids, (solid){.shape = kind,
                                   .centre = v(x, high, z),
                                   .half = half,
                                   .up = lying ? v(cosf(turn), 0, sinf(turn)) : v(0, 1, 0),
                                   .turn = lying ? 0 : turn,
                                   .taper = sharp ? .97f : between(r, -.3f, .3f),
                                   .paint = any_paint(r, size)});
}

static picture things(shape kind, nx_rng *r, int w, int h)
{
    scene s = photo_scene(r);
    static const weather weathers[] = {NOON, NOON, GOLDEN, SUNSET, OVERCAST, MIST};
    s.weather = weathers[nx_rng_below(r, sizeof weathers / sizeof *weathers)];
    s.shade_rays = 2, s.sun_turn = between(r, .9f, 5.4f), s.sun_height = between(r, .35f, 1.1f);
    s.eye = v(between(r, -.2f, .2f), between(r, .2f, .75f), 0), s.field = between(r, .6f, 1);
    s.look = sub(v(between(r, -.08f, .08f), .08f, .85f), s.eye);
    solids_add(&s.solids, (solid){BLOCK, .centre = v(0, -1, 5), .half = v(30, 1, 30), .turn = between(r, 0, 1.5f),
                                  .paint = any_paint(r, .4f)});
    if (chance(r, .6f)) {
        s.room = chance(r, .5f) ? between(r, .3f, .7f) : 0;
        solids_add(&s.solids, (solid){BLOCK, .centre = v(0, 2, between(r, 1.6f, 3) + 1), .half = v(9, 4, 1),
                                      .paint = any_paint(r, .7f)});
    }
    int count = 1 + (int)nx_rng_below(r, 5), made = 0;
    bool other = chance(r, .45f);
    v3 taken[6]; /* x, z and the reach of what stands there */
    for (int tries = 0; tries < 60 && made < count + other; tries++) {
        bool odd = made == count;
        float size = (odd ? .4f : 1) * between(r, .07f, count > 2 ? .13f : .2f), x = between(r, -.36f, .36f),
              z = between(r, .6f, 1.2f);
        bool free = true;
        for (int i = 0; i < made; i++)
            free = free && square(x - taken[i].x) + square(z - taken[i].z) > square(1.5f * (size + taken[i].y));
        if (!free) continue;
        taken[made++] = v(x, size, z);
        put(&s, r, odd ? (shape)((kind + 1 + (int)nx_rng_below(r, 2)) % 3) : kind, x, z, size);
    }
    picture p = scene_shoot(&s, w, h);
    scene_free(&s);
    return p;
}

static picture place(const char *name, nx_rng *r, int w, int h) { return photo_of(photo_motif(name), r, w, h); }

static picture surface(const char *name, nx_rng *r, int w)
{
    float span = between(r, .3f, .9f), turn = between(r, 0, 2 * PI);
    return texture_view(texture_named(name), r, span, turn, w);
}

static const struct {
    const char *name;
    enum { PLACE, THINGS, SURFACE } kind;
    shape shape;
} motifs[MOTIFS] = {
    {"mountains", PLACE, 0}, {"village", PLACE, 0},     {"sea", PLACE, 0},       {"forest", PLACE, 0},
    {"street", PLACE, 0},    {"interior", PLACE, 0},    {"flowers", PLACE, 0},   {"temple", PLACE, 0},
    {"balls", THINGS, BALL}, {"blocks", THINGS, BLOCK}, {"tubes", THINGS, TUBE}, {"bricks", SURFACE, 0},
    {"pebbles", SURFACE, 0}, {"weave", SURFACE, 0},     {"scales", SURFACE, 0},  {"leaves", SURFACE, 0},
};

const char *motif_name(int which) { return motifs[which].name; }

picture motif_draw(int which, nx_rng *r, int w, int h)
{
    const char *name = motifs[which].name;
    switch (motifs[which].kind) {
    case PLACE:
        return place(name, r, w, h);
    case THINGS:
        return things(motifs[which].shape, r, w, h);
    default:
        return surface(name, r, w);
    }
}
