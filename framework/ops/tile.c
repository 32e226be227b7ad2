/* The table of tiles and the rules of size. */
#include "ops/tile.h"

#include "base/error.h"

#include <stdio.h>

enum { DEPTH = 16, GAP = 8 }; /* as in cl/conv_gpu.cl, its larger GAP */
enum { LEAST = 16 };          /* no tile is smaller in any direction */

/* The last is for devices that take no group of 64 work-items. */
const nx_tile nx_tiles[NX_TILES] = {{128, 128, 8, 8}, {128, 64, 8, 4}, {64, 64, 8, 4}, {64, 32, 8, 4},
                                    {64, 16, 4, 4},   {32, 32, 4, 4},  {16, 16, 4, 4}};

static size_t blocks_of(size_t n, size_t size) { return (n + size - 1) / size; }

static size_t items_of(const nx_tile *t) { return (size_t)(t->pixels / t->rows) * (size_t)(t->channels / t->columns); }

static size_t groups_of(const nx_tile *t, const nx_sums *s)
{
    return blocks_of(s->rows, (size_t)t->pixels) * blocks_of(s->columns, (size_t)t->channels) * s->products;
}

/* As long as a split has work and the parts little memory. */
static size_t most_splits(const nx_sums *s)
{
    enum { LEAST_TERMS = 256, PARTS_BYTES = 64 << 20 };
    size_t most = blocks_of(s->terms, LEAST_TERMS),
           room = PARTS_BYTES / (s->rows * s->columns * s->products * sizeof(float));
    if (most > room) most = room;
    return most ? most : 1;
}

static bool allowed(const nx_device_info *info, const nx_tile *t)
{
    size_t local = (size_t)(t->pixels + t->channels + 2 * GAP) * DEPTH * sizeof(float);
    bool fragments = t->rows == 8 && t->columns == 4; /* 32 x 32 sums of 32 work-items */
    return items_of(t) <= info->max_group && local <= info->local && (!info->tf32 || fragments);
}

static bool idle(size_t size, size_t used) { return size >= 2 * used && size > LEAST; }

bool nx_tile_suits(const nx_device_info *info, const nx_tile *t, const nx_sums *s)
{
    return allowed(info, t) && !idle((size_t)t->pixels, s->rows) && !idle((size_t)t->channels, s->columns);
}

const nx_tile *nx_tile_choose(const nx_device_info *info, const nx_sums *s)
{
    const nx_tile *last = NULL, *end = nx_tiles + NX_TILES - 1; /* which is taken where nothing else is allowed */
    for (const nx_tile *t = nx_tiles; t <= end; t++) {
        if (!allowed(info, t) || (t == end && last)) continue;
        last = t;
        if (nx_tile_suits(info, t, s) && groups_of(t, s) * most_splits(s) >= info->units) break;
    }
    NX_CHECK(last, "%s: no tile fits groups of %zu with %llu bytes of local memory", info->name, info->max_group,
             (unsigned long long)info->local);
    return last;
}

nx_splits nx_splits_into(size_t terms, size_t count)
{
    size_t depth = blocks_of(blocks_of(terms, count), DEPTH) * DEPTH;
    return (nx_splits){(int)blocks_of(terms, depth), (int)depth};
}

nx_splits nx_tile_splits(const nx_device_info *info, const nx_tile *tile, const nx_sums *s, int groups)
{
    enum { MOST_TERMS = 8192 }; /* longer sums lose digits */
    size_t count = blocks_of((size_t)groups * info->units, groups_of(tile, s)), least = blocks_of(s->terms, MOST_TERMS);
    if (count < least) count = least;
    return nx_splits_into(s->terms, count < most_splits(s) ? count : most_splits(s));
}

void nx_tile_defines(char *text, size_t size, const nx_tile *t, int width, const char *more)
{
    snprintf(text, size, "-DPIXELS=%d -DCHANNELS=%d -DROWS=%d -DCOLUMNS=%d -DWIDTH=%d%s", t->pixels, t->channels,
             t->rows, t->columns, width, more);
}

nx_range nx_tile_range(const nx_tile *t, const nx_sums *s, size_t splits)
{
    size_t items = items_of(t);
    return (nx_range){3,
                      {blocks_of(s->columns, (size_t)t->channels) * items, blocks_of(s->rows, (size_t)t->pixels),
                       s->products * splits},
                      {items, 1, 1}};
}
