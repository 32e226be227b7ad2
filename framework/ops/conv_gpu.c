/* Convolution on GPUs: which tile, how many splits and strips. */
#include "ops/conv_gpu.h"

#include "base/error.h"
#include "device/memory.h"
#include "ops/conv_choice.h"

#include <stdio.h>

enum { KERNEL = 0, V = 1, M = 2, PARTS = 0 }; /* scratch slots */
enum { DEPTH = 16, GAP = 8, LANES = 4 };      /* as in cl/conv_gpu.cl, its larger GAP */
enum { FREQUENCIES = 36, TILE = 4, STRIP_BYTES = 32 << 20, PARTS_BYTES = 64 << 20 };

static size_t blocks_of(size_t n, size_t size) { return (n + size - 1) / size; }
static int rounded(int n) { return (n + LANES - 1) / LANES * LANES; }
static bool by_four(int a, int b) { return a % LANES == 0 && b % LANES == 0; }

/* ---- tiles ---- */

/* From the one that reads least for what it computes to the smallest. The last is for devices that take no group of 64
 * work-items. */
static const nx_conv_tile tiles[] = {{128, 128, 8, 8}, {128, 64, 8, 4}, {64, 64, 8, 4}, {64, 32, 8, 4},
                                     {64, 16, 4, 4},   {32, 32, 4, 4},  {16, 16, 4, 4}};
enum { TILES = sizeof tiles / sizeof *tiles, LEAST = 16 };

static size_t items_of(const nx_conv_tile *t)
{
    return (size_t)(t->pixels / t->rows) * (size_t)(t->channels / t->columns);
}

static bool allowed(const nx_device_info *info, const nx_conv_tile *t)
{
    size_t local = (size_t)(t->pixels + t->channels + 2 * GAP) * DEPTH * sizeof(float);
    bool fragments = t->rows == 8 && t->columns == 4; /* 32 x 32 sums of 32 work-items */
    return items_of(t) <= info->max_group && local <= info->local && (!info->tf32 || fragments);
}

/* At most half of a tile may be idle, and every unit should have a group; where no tile is so, the smallest. */
nx_conv_tile nx_conv_gpu_tile(const nx_device_info *info, size_t rows, size_t k, size_t products)
{
    int last = -1;
    for (int i = 0; i < TILES; i++) {
        const nx_conv_tile *t = &tiles[i];
        size_t height = (size_t)t->pixels, width = (size_t)t->channels;
        if (!allowed(info, t) || (last >= 0 && i == TILES - 1)) continue;
        last = i;
        bool idle = (height >= 2 * rows && height > LEAST) || (width >= 2 * k && width > LEAST);
        if (!idle && blocks_of(rows, height) * blocks_of(k, width) * products >= info->units) break;
    }
    NX_CHECK(last >= 0, "%s: no tile fits groups of %zu with %llu bytes of local memory", info->name, info->max_group,
             (unsigned long long)info->local);
    return tiles[last];
}

static void defines_of(char *text, size_t size, const nx_device_info *info, const nx_conv_tile *t, int c, int k,
                       int zoom, const char *more)
{
    snprintf(text, size, "-DPIXELS=%d -DCHANNELS=%d -DROWS=%d -DCOLUMNS=%d -DWIDTH=%d -DZOOM=%d%s%s", t->pixels,
             t->channels, t->rows, t->columns, by_four(c, k) ? LANES : 1, zoom, info->tf32 ? " -DTF32" : "", more);
}

static nx_range groups_of(const nx_conv_tile *t, size_t rows, size_t k, size_t products)
{
    return (nx_range){3,
                      {blocks_of(k, (size_t)t->channels) * items_of(t), blocks_of(rows, (size_t)t->pixels), products},
                      {items_of(t), 1, 1}};
}

void nx_conv_gpu_product(nx_plan *plan, nx_node *node, const nx_gemm_problem *p, nx_tensor *a, nx_tensor *b,
                         nx_tensor *c)
{
    nx_device_info info = *nx_plan_info(plan);
    size_t m = (size_t)p->m, n = (size_t)p->n, batch = (size_t)(p->batch ? p->batch : 1);
    NX_CHECK(!p->transpose_a && !p->transpose_b && !p->add, "a product that tiles cannot compute");
    info.tf32 = false;
    nx_conv_tile tile = nx_conv_gpu_tile(&info, m, n, batch);
    char defines[128];
    defines_of(defines, sizeof defines, &info, &tile, p->k, p->n, 1, " -DBATCH");
    nx_step *step = nx_plan_launch(plan, node, "conv_gpu", "conv", defines, groups_of(&tile, m, n, batch),
                                   "ttttiiiiiiiiiiiiiif", a, b, b, c, 1, 1, p->m, p->k, 1, p->m, p->n, 1, 1, 1, 1, 0, 0,
                                   0, p->alpha != 0.f ? (double)p->alpha : 1.0);
    step->flops = 2.0 * p->m * p->n * p->k * (double)batch;
    step->bytes = 4.0 * (double)batch * ((double)p->m * p->k + (double)p->k * p->n + (double)p->m * p->n);
}

/* ---- Winograd ---- */

static size_t tiles_of(const nx_conv_gpu *it)
{
    return (size_t)it->y.n * blocks_of((size_t)it->y.h, TILE) * blocks_of((size_t)it->y.w, TILE);
}

/* With fewer channels the transforms cost more than they save. */
static bool by_winograd(const nx_plan *plan, const nx_conv_gpu *it)
{
    enum { FEW_CHANNELS = 32, FEW_TILES = 8 };
    nx_conv_question q = {it->x, it->y, it->zoom, false};
    bool suits = it->kh == 3 && it->kw == 3 && it->up == 1 && it->down == 1 && it->x.c >= FEW_CHANNELS &&
                 it->y.c >= FEW_CHANNELS && tiles_of(it) >= FEW_TILES && !nx_plan_info(plan)->tf32;
    return nx_conv_choose(&q, suits).winograd;
}

static size_t strip_of(const nx_conv_gpu *it)
{
    size_t one = FREQUENCIES * (size_t)(rounded(it->x.c) + rounded(it->y.c)) * sizeof(float);
    size_t most = STRIP_BYTES / one > 64 ? STRIP_BYTES / one : 64;
    return most < tiles_of(it) ? most : tiles_of(it);
}

static void plan_winograd(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    size_t c = (size_t)rounded(it->x.c), k = (size_t)rounded(it->y.c), strip = strip_of(it);
    nx_plan_derived(plan, node, KERNEL, node->in[1], it->rotated ? "winograd_strip_rotated" : "winograd_strip",
                    FREQUENCIES * c * k * sizeof(float));
    nx_plan_scratch(plan, node, V, FREQUENCIES * strip * c * sizeof(float));
    nx_plan_scratch(plan, node, M, FREQUENCIES * strip * k * sizeof(float));
}

static void bind_winograd(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    int c = rounded(it->x.c), k = rounded(it->y.c);
    nx_tensor *w = node->in[1], *u = node->scratch[KERNEL], *v = node->scratch[V], *m = node->scratch[M];
    nx_tensor *bias = node->n_in > 2 ? node->in[2] : w; /* unused, without */
    if (nx_plan_derives(plan, node, KERNEL))
        nx_plan_launch_derived(plan, node, KERNEL, "winograd", "winograd_strip_weights", NULL,
                               (nx_range){2, {(size_t)k, (size_t)c}, {0}}, "ttiii", w, u, it->x.c, it->y.c,
                               (int)it->rotated);
    for (size_t first = 0, count; first < tiles_of(it); first += count) {
        count = tiles_of(it) - first < strip_of(it) ? tiles_of(it) - first : strip_of(it);
        nx_plan_launch(plan, node, "winograd", "winograd_strip_input", NULL,
                       (nx_range){2, {(size_t)c / LANES, count}, {0}}, "ttiiiiiiiiii", node->in[0], v, it->x.h, it->x.w,
                       it->x.c, it->y.h, it->y.w, it->pad_y, it->zoom, (int)it->padding, (int)first, (int)count);
        nx_gemm_problem products = {.m = (int)count, .n = k, .k = c, .batch = FREQUENCIES};
        nx_conv_gpu_product(plan, node, &products, v, u, m);
        nx_plan_launch(plan, node, "winograd", "winograd_strip_output", NULL,
                       (nx_range){2, {(size_t)k / LANES, count}, {0}}, "tttiiiiifii", m, bias, node->out[0], it->y.h,
                       it->y.w, it->y.c, (int)(node->n_in > 2), (int)it->activation, (double)it->slope, (int)first,
                       (int)count);
    }
}

/* ---- the sum itself ---- */

void nx_conv_gpu_plan(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    if (by_winograd(plan, it))
        plan_winograd(plan, node, it);
    else if (it->rotated)
        nx_plan_derived(plan, node, KERNEL, node->in[1], "conv_rotated", node->in[1]->bytes);
}

void nx_conv_gpu_bind(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    if (by_winograd(plan, it)) {
        bind_winograd(plan, node, it);
        return;
    }
    nx_tensor *w = node->in[1], *u = it->rotated ? node->scratch[KERNEL] : w;
    nx_tensor *bias = node->n_in > 2 ? node->in[2] : w; /* unused without BIAS */
    size_t phases = (size_t)(it->down * it->down);
    size_t pixels = (size_t)it->y.n * blocks_of((size_t)it->y.h, (size_t)it->down) *
                    blocks_of((size_t)it->y.w, (size_t)it->down); /* of the largest phase */
    nx_conv_tile tile = nx_conv_gpu_tile(nx_plan_info(plan), pixels, (size_t)it->y.c, phases);
    char defines[128], more[40];
    snprintf(more, sizeof more, " -DACTIVATION=%d%s", (int)it->activation, node->n_in > 2 ? " -DBIAS" : "");
    defines_of(defines, sizeof defines, nx_plan_info(plan), &tile, it->x.c, it->y.c, it->zoom, more);
    if (it->rotated && nx_plan_derives(plan, node, KERNEL))
        nx_plan_launch_derived(plan, node, KERNEL, "conv_gpu", "conv_pack", defines,
                               (nx_range){3, {(size_t)it->y.c, (size_t)it->x.c, (size_t)(it->kh * it->kw)}, {0}},
                               "ttiiiiiii", w, u, it->x.c, it->y.c, it->kh, it->kw, it->down, it->pad_y, it->pad_x);
    nx_step *step = nx_plan_launch(
        plan, node, "conv_gpu", "conv", defines, groups_of(&tile, pixels, (size_t)it->y.c, phases),
        "ttttiiiiiiiiiiiiiif", node->in[0], u, bias, node->out[0], it->y.n, it->x.h, it->x.w, it->x.c, it->y.h, it->y.w,
        it->y.c, it->kh, it->kw, it->up, it->down, it->pad_y, it->pad_x, (int)it->padding, (double)it->slope);
    nx_shape small = it->rotated ? it->x : it->y;
    step->flops = 2.0 * small.n * small.h * small.w * (double)nx_shape_count(w->shape);
    step->bytes = (double)(node->in[0]->bytes + node->out[0]->bytes + w->bytes);
}

/* ---- the gradient by the weights ---- */

typedef struct splits { /* of the sum over pixels */
    nx_conv_tile tile;
    int count, pixels, part; /* pixels of a split; floats of a part, padded */
} splits;

/* As many as give every unit some groups, as long as a split has work and the parts little memory. */
static splits splits_of(const nx_plan *plan, const nx_conv_gpu *it)
{
    enum { GROUPS_UNIT = 4, LEAST_PIXELS = 256 };
    size_t numbers = (size_t)(it->kh * it->kw) * (size_t)it->x.c, k = (size_t)it->y.c;
    size_t pixels = (size_t)it->y.n * (size_t)it->y.h * (size_t)it->y.w;
    size_t part = nx_align(numbers * k * sizeof(float)), most = blocks_of(pixels, LEAST_PIXELS);
    if (most > PARTS_BYTES / part) most = PARTS_BYTES / part;
    if (most < 1) most = 1;
    splits s = {.tile = nx_conv_gpu_tile(nx_plan_info(plan), numbers, k, most)};
    size_t groups = blocks_of(numbers, (size_t)s.tile.pixels) * blocks_of(k, (size_t)s.tile.channels);
    size_t count = blocks_of(GROUPS_UNIT * nx_plan_info(plan)->units, groups);
    if (count > most) count = most;
    s.pixels = (int)(blocks_of(blocks_of(pixels, count), DEPTH) * DEPTH);
    s.count = (int)blocks_of(pixels, (size_t)s.pixels);
    s.part = (int)(part / sizeof(float));
    return s;
}

void nx_conv_gpu_plan_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    splits s = splits_of(plan, it);
    if (s.count > 1) nx_plan_scratch(plan, node, PARTS, (size_t)s.count * (size_t)s.part * sizeof(float));
}

void nx_conv_gpu_bind_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    splits s = splits_of(plan, it);
    nx_shape x = it->x, dy = it->y, w = node->out[0]->shape;
    nx_tensor *part = s.count > 1 ? node->scratch[PARTS] : node->out[0];
    char defines[128];
    defines_of(defines, sizeof defines, nx_plan_info(plan), &s.tile, x.c, dy.c, it->zoom, "");
    nx_step *step =
        nx_plan_launch(plan, node, "conv_gpu", "conv_weights", defines,
                       groups_of(&s.tile, (size_t)(w.n * w.h * w.w), (size_t)w.c, (size_t)s.count),
                       "tttiiiiiiiiiiiiiii", node->in[0], node->in[1], part, x.n, x.h, x.w, x.c, dy.h, dy.w, dy.c,
                       it->kh, it->kw, it->up, it->pad_y, it->pad_x, (int)it->padding, s.pixels, s.part);
    step->flops = 2.0 * dy.n * dy.h * dy.w * (double)nx_shape_count(w);
    if (s.count > 1)
        nx_plan_launch(plan, node, "conv", "conv_weights_sum", NULL, nx_range_flat(plan, nx_shape_count(w)), "ttii",
                       part, node->out[0], s.count, s.part);
}
