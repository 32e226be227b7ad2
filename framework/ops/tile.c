/* The table of tiles and the rules of size. */
#include "ops/tile.h"

#include "base/blocks.h"
#include "base/error.h"
#include "ops/choice.h"

#include <stdio.h>

enum { DEPTH = 16 };                 /* terms of a step */
enum { GAP = 4, FRAGMENTS_GAP = 8 }; /* words between the rows of a tile in local memory: see cl/conv_gpu.cl */
enum { LEAST = 16 };                 /* no tile is smaller in any direction */

/* The last is for devices that take no group of 64 work-items. */
const nx_tile nx_tiles[NX_TILES] = {{128, 128, 8, 8}, {128, 64, 8, 4}, {64, 64, 8, 4}, {64, 32, 8, 4},
                                    {64, 16, 4, 4},   {32, 32, 4, 4},  {16, 16, 4, 4}};

static bool by_fragments(const nx_sums *s) { return s->precision != NX_FP32; }

static size_t items_of(const nx_tile *t) { return (size_t)(t->pixels / t->rows) * (size_t)(t->channels / t->columns); }

static size_t groups_of(const nx_tile *t, const nx_sums *s)
{
    return nx_blocks(s->rows, (size_t)t->pixels) * nx_blocks(s->columns, (size_t)t->channels) * s->products;
}

/* As long as a split has work and the parts little memory. */
static size_t most_splits(const nx_sums *s)
{
    enum { LEAST_TERMS = 256, PARTS_BYTES = 64 << 20 };
    size_t most = nx_blocks(s->terms, LEAST_TERMS),
           room = PARTS_BYTES / (s->rows * s->columns * s->products * sizeof(float));
    if (most > room) most = room;
    return most ? most : 1;
}

static bool allowed(const nx_device_info *info, const nx_tile *t, const nx_sums *s)
{
    size_t local = (size_t)(t->pixels + t->channels + 2 * FRAGMENTS_GAP) * DEPTH * sizeof(float);
    bool fragments = t->rows == 8 && t->columns == 4; /* 32 x 32 sums of 32 work-items */
    return items_of(t) <= info->max_group && local <= info->local && (!by_fragments(s) || fragments);
}

static bool idle(size_t size, size_t used) { return size >= 2 * used && size > LEAST; }

bool nx_tile_suits(const nx_device_info *info, const nx_tile *t, const nx_sums *s)
{
    return allowed(info, t, s) && !idle((size_t)t->pixels, s->rows) && !idle((size_t)t->channels, s->columns);
}

const nx_tile *nx_tile_choose(const nx_device_info *info, const nx_sums *s)
{
    const nx_tile *last = NULL, *end = nx_tiles + NX_TILES - 1; /* which is taken where nothing else is allowed */
    for (const nx_tile *t = nx_tiles; t <= end; t++) {
        if (!allowed(info, t, s) || (t == end && last)) continue;
        last = t;
        if (nx_tile_suits(info, t, s) && groups_of(t, s) * most_splits(s) >= info->units) break;
    }
    NX_CHECK(last, "%s: no tile fits groups of %zu with %llu bytes of local memory", info->name, info->max_group,
             (unsigned long long)info->local);
    return last;
}

nx_splits nx_splits_into(size_t terms, size_t count)
{
    size_t depth = nx_round_up(nx_blocks(terms, count), DEPTH);
    return (nx_splits){(int)nx_blocks(terms, depth), (int)depth};
}

nx_splits nx_tile_splits(const nx_device_info *info, const nx_tile *tile, const nx_sums *s, int groups)
{
    enum { MOST_TERMS = 8192 }; /* longer sums lose digits */
    size_t count = nx_blocks((size_t)groups * info->units, groups_of(tile, s)), least = nx_blocks(s->terms, MOST_TERMS);
    if (count < least) count = least;
    return nx_splits_into(s->terms, count < most_splits(s) ? count : most_splits(s));
}

size_t nx_tile_variants(const nx_device_info *info, const nx_sums *s, bool split, nx_choice plain, nx_choice *out)
{
    static const int groups[] = {1, NX_SPLIT_GROUPS, 16}; /* for every unit */
    const nx_tile *usual = nx_tile_choose(info, s);
    int normal = split ? nx_tile_splits(info, usual, s, NX_SPLIT_GROUPS).count : 0;
    size_t n = 0;
    for (const nx_tile *t = nx_tiles; t < nx_tiles + NX_TILES; t++) {
        if (t != usual && !nx_tile_suits(info, t, s)) continue;
        int last = 0;
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
            int splits = split ? nx_tile_splits(info, t, s, groups[g]).count : 0;
            if ((g && splits == last) || (t == usual && splits == normal)) continue;
            out[n] = plain;
            out[n].tile = t;
            last = out[n++].splits = splits;
        }
    }
    return n;
}

void nx_tile_defines(char *text, size_t size, const nx_tile *t, const nx_sums *s, int width, const char *more)
{
    static const char *const precisions[] = {[NX_FP32] = "", [NX_TF32] = " -DTF32", [NX_BF16] = " -DBF16"};
    snprintf(text, size, "-DPIXELS=%d -DCHANNELS=%d -DROWS=%d -DCOLUMNS=%d -DDEPTH=%d -DGAP=%d -DWIDTH=%d%s%s",
             t->pixels, t->channels, t->rows, t->columns, DEPTH, by_fragments(s) ? FRAGMENTS_GAP : GAP, width,
             precisions[s->precision], more);
}

nx_range nx_tile_range(const nx_tile *t, const nx_sums *s, size_t splits)
{
    size_t items = items_of(t), products = s->products * splits;
    return (nx_range){.dims = 2, .global = {groups_of(t, s) / s->products * items, products}, .local = {items, 1}};
}
