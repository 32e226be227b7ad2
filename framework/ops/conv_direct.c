/* Convolution on CPUs by the sum itself, in register tiles, and its gradient by the weights, in splits of a few rows
 * whose parts are added in a fixed order (cl/conv.cl). */
#include "base/blocks.h"
#include "device/memory.h"
#include "ops/algorithm.h"

#include <stdio.h>

enum { NARROW = 4, PACKED = 0, PARTS = 0, STATISTICS = 1 };
enum { ITEMS_UNIT = 32 }; /* work-items of a core, at least, where tiles are to be had */
/* Parts that are always taken; of more each is an eighth of its pixels at most. */
enum { FEW_PARTS = 64, PIXELS = 24 };

/* Lanes are output channels, or input channels where that fills them better. */
typedef struct tile {
    bool narrow, half;
    size_t vectors, columns; /* of one pixel: accumulators, and the channels they hold in k (in c, where narrow) */
    size_t rows;             /* pixels, or numbers of the kernel for its gradient, at most */
} tile;

/* From c to k channels. */
static tile tile_of(const nx_plan *plan, int c, int k, size_t accumulators, size_t most)
{
    size_t lanes = (size_t)nx_plan_lanes(plan);
    tile t = {.narrow = k <= NARROW && c >= 2 * k, .vectors = (size_t)k > lanes ? 2 : 1};
    if (t.narrow) t.vectors = (size_t)k;
    t.columns = t.narrow ? lanes : t.vectors * lanes;
    t.rows = (lanes == 16 ? accumulators : accumulators / 2) / t.vectors; /* half as many registers too */
    if (t.rows > most) t.rows = most;
    return t;
}

/* 40 channels are three vectors of 16, of which 8 lanes are idle, where four would have 24: of 6 pixels, since more are
 * spilled. */
static tile pixel_tile(const nx_plan *plan, const nx_question *q)
{
    size_t lanes = (size_t)nx_plan_lanes(plan), k = (size_t)q->y.c;
    tile t = tile_of(plan, q->x.c, q->y.c, 24, 8);
    if (lanes == 16 && k > 2 * lanes && k <= 3 * lanes) t.vectors = 3, t.columns = 3 * lanes, t.rows = 6;
    t.half = lanes == 16 && !t.narrow && k <= lanes / 2 && nx_plan_pair(plan) == 1;
    if (t.half) t.columns = lanes / 2;
    return t;
}

/* Their length. */
static size_t defines_of(char *text, size_t size, const tile *t, nx_activation activation, bool bias)
{
    return (size_t)snprintf(text, size, "-DROWS=%zu -D%s=%zu -DACTIVATION=%d%s", t->rows,
                            t->narrow ? "NARROW" : "VECTORS", t->vectors, (int)activation, bias ? " -DBIAS" : "");
}

enum { DEFINES = 96, LINE = 4096 }; /* operands of a line: 16 kB beside the weights in a core's first cache */

/* Of the sum and, with neither bias nor activation, of what packs the kernel for it. */
static void defines_of_sum(char text[DEFINES], const nx_plan *plan, const tile *t, nx_activation activation, bool bias)
{
    size_t n = defines_of(text, DEFINES, t, activation, bias);
    if (t->half) n += (size_t)snprintf(text + n, DEFINES - n, " -DHALF=%zu", t->columns);
    if (!t->narrow) snprintf(text + n, DEFINES - n, " -DLINE=%d%s", LINE, nx_plan_pair(plan) == 2 ? " -DBF16" : "");
}

/* A row of taps is one run of the kernel's numbers where the pixels that a tile reads of a row fit a line, and all taps
 * are taken. Otherwise each tap is one, and a line has a part of the channels, in pairs. */
typedef struct runs {
    int run, span, part; /* numbers of a run; pixels of a line, channels at most */
} runs;

static runs runs_of(const nx_job *job, const tile *tile)
{
    const nx_question *q = &job->q;
    int step = job->gather.down == 1 ? job->gather.up : 1;
    int span = ((int)tile->rows - 1) * step + (q->kw - 1) / job->gather.down + 1, part = LINE / span / 2 * 2;
    NX_CHECK(part > 0, "conv: a kernel %d pixels wide", q->kw);
    bool whole = job->gather.down == 1 && q->x.c <= part;
    return (runs){.run = whole ? q->kw * q->x.c : q->x.c, .span = span, .part = part < q->x.c ? part : q->x.c};
}

/* Of the packed kernel. */
static size_t packed_words(const nx_plan *plan, const nx_job *job, const tile *tile)
{
    size_t taps = (size_t)(job->q.kh * job->q.kw), c = (size_t)job->q.x.c, k = (size_t)job->q.y.c;
    if (tile->narrow) return taps * nx_round_up(c, tile->columns) * k;
    size_t run = (size_t)runs_of(job, tile).run;
    return taps * c / run * nx_blocks(run, nx_plan_pair(plan)) * nx_round_up(k, tile->columns);
}

/* A work-item takes some tiles of a row: what comes before the first of them, some 200 cycles, is as much as a tile of
 * few channels takes itself. */
typedef struct row {
    size_t share, items; /* tiles of a work-item; work-items of an image row, for each block of channels */
} row;

static row row_of(const nx_plan *plan, const nx_job *job, const tile *tile)
{
    const nx_question *q = &job->q;
    size_t down = (size_t)job->gather.down, blocks = tile->narrow ? 1 : nx_blocks((size_t)q->y.c, tile->columns);
    size_t tiles = nx_blocks(nx_blocks((size_t)q->y.w, down), tile->rows), rows = blocks * (size_t)(q->y.n * q->y.h);
    size_t share = tiles * down * rows / (ITEMS_UNIT * (size_t)nx_plan_info(plan)->units);
    share = share < 1 ? 1 : share < tiles ? share : tiles;
    return (row){share, nx_blocks(tiles, share) * down};
}

static void plan_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_question *q = &job->q;
    tile tile = pixel_tile(plan, q);
    static const char *const tags[2][2] = {{"conv_taps", "conv_taps_rotated"}, {"conv_rows", "conv_rows_rotated"}};
    bool rows = !tile.narrow && runs_of(job, &tile).run > q->x.c;
    nx_plan_derived(plan, node, PACKED, job->b, tags[rows][job->gather.rotated],
                    packed_words(plan, job, &tile) * sizeof(float));
    node->scratch[STATISTICS] = NULL;
}

/* Parts of a few pixels would be nearly as much to read as these. */
static nx_tensor *statistics(nx_plan *plan, nx_node *node, const nx_job *job, int groups, int *segments)
{
    tile tile = pixel_tile(plan, &job->q);
    row row = row_of(plan, job, &tile);
    size_t items = row.items * (size_t)(job->q.y.n * job->q.y.h),
           pixels = nx_shape_count(job->q.y) / (size_t)job->q.y.c;
    if (tile.narrow || (items > FEW_PARTS && pixels / items < PIXELS)) return NULL;
    *segments = (int)(items / (size_t)groups);
    if (!node->scratch[STATISTICS])
        nx_plan_scratch(plan, node, STATISTICS, items * 3 * (size_t)job->q.y.c * sizeof(float));
    return node->scratch[STATISTICS];
}

/* clang-format off */
#define PACK \
    {"w", .t = job->b}, {"u", .t = u}, {"taps", .i = taps}, {"c", .i = q->x.c}, {"k", .i = q->y.c}, \
    {"rotated", .i = t->rotated}
#define GATHER \
    {"x", .t = job->a}, {"u", .t = u}, {"bias", .t = bias}, {"y", .t = job->c}, NX_SIZES(q), {"kh", .i = q->kh}, \
    {"kw", .i = q->kw}, {"up", .i = t->up}, {"down", .i = t->down}, {"pad_y", .i = t->pad_y}, \
    {"pad_x", .i = t->pad_x}, {"mode", .i = t->padding}, {"slope", .f = t->slope}, \
    {"share", .i = row.share}
/* clang-format on */

static void bind_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    nx_tensor *u = node->scratch[PACKED], *bias = job->bias ? job->bias : job->b; /* unused without BIAS */
    tile tile = pixel_tile(plan, q);
    size_t blocks = tile.narrow ? 1 : nx_blocks((size_t)q->y.c, tile.columns), taps = (size_t)(q->kh * q->kw);
    runs runs = runs_of(job, &tile);
    char defines[DEFINES], packing[DEFINES];
    defines_of_sum(defines, plan, &tile, t->activation, job->bias);
    defines_of_sum(packing, plan, &tile, NX_ACTIVATION_NONE, false);
    if (nx_plan_derives(plan, node, PACKED) && tile.narrow) {
        nx_range range = {.dims = 2, .global = {nx_blocks((size_t)q->x.c, tile.columns), taps}, .local = {1, 1}};
        nx_plan_launch_derived(plan, node, PACKED, "conv", "conv_narrow_pack", packing, range, NX_ARGS(PACK));
    } else if (nx_plan_derives(plan, node, PACKED)) {
        nx_range range = {.dims = 2, .global = {blocks, taps * (size_t)q->x.c / (size_t)runs.run}, .local = {1, 1}};
        nx_plan_launch_derived(plan, node, PACKED, "conv", "conv_pack", packing, range,
                               NX_ARGS(PACK, {"run", .i = runs.run}));
    }
    row row = row_of(plan, job, &tile);
    nx_tensor *parts = node->scratch[STATISTICS];
    nx_range range = {.dims = 3, .global = {row.items, blocks, (size_t)(q->y.n * q->y.h)}, .local = {1, 1, 1}};
    nx_step *step =
        tile.narrow
            ? nx_plan_launch(plan, node, "conv", "conv_narrow", defines, range, NX_ARGS(GATHER))
            : nx_plan_launch(plan, node, "conv", "conv", defines, range,
                             NX_ARGS(GATHER, {"run", .i = runs.run}, {"span", .i = runs.span}, {"part", .i = runs.part},
                                     {"parts", .t = parts ? parts : bias}, {"statistics", .i = parts != NULL}));
    step->flops = nx_conv_flops(job);
    step->bytes = (double)(job->a->bytes + job->b->bytes + job->c->bytes);
}

const nx_algorithm nx_conv_direct = {.name = "direct",
                                     .family = NX_FAMILY_CPU,
                                     .works = 1u << NX_WORK_CONV | 1u << NX_WORK_TRANSPOSED,
                                     .plan = plan_conv,
                                     .bind = bind_conv,
                                     .statistics = statistics};

/* ---- the gradient by the weights ---- */

typedef struct splits {
    int count, rows, part; /* rows of dy in a split; floats of a part, padded */
} splits;

/* Few rows a split keep what its work-items share in cache; few splits keep the parts small. */
static splits splits_of(const nx_plan *plan, const nx_job *job)
{
    nx_shape x = job->q.x, dy = job->q.y;
    size_t part = nx_align(nx_shape_count(job->c->shape) * sizeof(float)), lines = (size_t)(dy.n * dy.h);
    size_t line =
        ((size_t)x.w * (size_t)x.c * (size_t)x.h / (size_t)dy.h + (size_t)dy.w * (size_t)dy.c) * sizeof(float);
    size_t rows = nx_blocks(nx_device_core_cache(nx_plan_info(plan)) / 2, line), most = ((size_t)64 << 20) / part;
    size_t few = nx_blocks(lines, 4 * nx_plan_info(plan)->units);
    if (rows > few) rows = few;
    if (most < 1) most = 1;
    if (nx_blocks(lines, rows) > most) rows = nx_blocks(lines, most);
    return (splits){(int)nx_blocks(lines, rows), (int)rows, (int)(part / sizeof(float))};
}

/* It reads x as it is: what is enlarged has been written. */
static bool can_weights(const nx_device_info *info, const nx_question *q) { return (void)info, q->zoom == 1; }

static void plan_weights(nx_plan *plan, nx_node *node, const nx_job *job)
{
    splits s = splits_of(plan, job);
    if (s.count > 1) nx_plan_scratch(plan, node, PARTS, (size_t)s.count * (size_t)s.part * sizeof(float));
}

/* Pixels of dy whose x takes half of a core's first cache. */
static int span_of(const nx_question *q, int step)
{
    enum { LEAST = 16, NUMBERS = 4096 };
    int pixels = NUMBERS / (step * q->x.c);
    return pixels < LEAST ? LEAST : pixels;
}

/* clang-format off */
#define GRADIENT \
    {"x", .t = job->a}, {"dy", .t = job->b}, {"part", .t = part}, {"n", .i = q->x.n}, NX_SIZES(q), {"kh", .i = q->kh}, \
    {"kw", .i = q->kw}, {"stride", .i = t->up}, {"pad_y", .i = t->pad_y}, {"pad_x", .i = t->pad_x}, \
    {"mode", .i = t->padding}, {"split_rows", .i = s.rows}, {"part_size", .i = s.part}
/* clang-format on */

static void bind_weights(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    splits s = splits_of(plan, job);
    nx_tensor *dw = job->c, *part = s.count > 1 ? node->scratch[PARTS] : dw;
    int c = q->x.c, k = q->y.c;
    tile tile = tile_of(plan, c, k, nx_plan_lanes(plan) == 16 ? 28 : 24, 14);
    size_t run = (size_t)(tile.narrow ? q->kw : q->kw * c), tiles = nx_blocks(run, tile.rows);
    tile.rows = nx_blocks(run, tiles); /* even ones */
    size_t blocks = nx_blocks((size_t)(tile.narrow ? c : k), tile.columns), rows = (size_t)(s.count * q->kh);
    char defines[DEFINES];
    defines_of(defines, sizeof defines, &tile, NX_ACTIVATION_NONE, false);
    nx_step *step = tile.narrow
                        ? nx_plan_launch(plan, node, "conv", "conv_narrow_weights", defines,
                                         (nx_range){.dims = 3, .global = {tiles, blocks, rows}, .local = {1, 1, 1}},
                                         NX_ARGS(GRADIENT))
                        : nx_plan_launch(plan, node, "conv", "conv_weights", defines,
                                         (nx_range){.dims = 2, .global = {blocks, rows}, .local = {1, 1}},
                                         NX_ARGS(GRADIENT, {"span", .i = span_of(q, t->up)}));
    step->flops = nx_conv_flops(job);
    if (s.count > 1)
        nx_plan_launch(
            plan, node, "conv", "conv_weights_sum", NULL, nx_range_flat(plan, nx_shape_count(dw->shape)),
            NX_ARGS({"part", .t = part}, {"dw", .t = dw}, {"splits", .i = s.count}, {"part_size", .i = s.part}));
}

const nx_algorithm nx_weights_direct = {.name = "direct",
                                        .family = NX_FAMILY_CPU,
                                        .works = 1u << NX_WORK_WEIGHTS,
                                        .can = can_weights,
                                        .plan = plan_weights,
                                        .bind = bind_weights};
