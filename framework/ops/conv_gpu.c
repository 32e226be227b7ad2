/* Convolution on GPUs: strips, splits and launches. */
#include "ops/conv_gpu.h"

#include "device/memory.h"
#include "ops/gemm_gpu.h"

#include <stdio.h>

enum { KERNEL = 0, V = 1, M = 2 }; /* scratch slots of a convolution */
enum {
    PARTS = 0,
    U = 0,
    SPLIT_U = 3
}; /* of the gradient by the weights: of the sum itself; of Winograd's, with V, M */
enum { LANES = 4, FREQUENCIES = 36, TILE = 4, STRIP_BYTES = 32 << 20 };

static size_t blocks_of(size_t n, size_t size) { return (n + size - 1) / size; }
static int rounded(int n) { return (n + LANES - 1) / LANES * LANES; }
static bool by_four(int a, int b) { return a % LANES == 0 && b % LANES == 0; }

static nx_choice choose(const nx_plan *plan, const nx_conv_gpu *it, bool weights)
{
    bool strided = it->down > 1;
    nx_question q = {.work = weights   ? NX_WORK_WEIGHTS
                             : strided ? NX_WORK_TRANSPOSED
                                       : NX_WORK_CONV,
                     .x = it->x,
                     .y = it->y,
                     .kh = it->kh,
                     .kw = it->kw,
                     .stride = strided ? it->down : it->up,
                     .zoom = it->zoom};
    return nx_choose(nx_plan_info(plan), &q);
}

static void defines_of(char *text, size_t size, const nx_plan *plan, const nx_tile *tile, const nx_conv_gpu *it,
                       const char *more)
{
    char all[64];
    snprintf(all, sizeof all, " -DZOOM=%d%s%s", it->zoom, nx_plan_info(plan)->tf32 ? " -DTF32" : "", more);
    nx_tile_defines(text, size, tile, by_four(it->x.c, it->y.c) ? LANES : 1, all);
}

/* ---- Winograd ---- */

static size_t tiles_of(const nx_conv_gpu *it)
{
    return (size_t)it->y.n * blocks_of((size_t)it->y.h, TILE) * blocks_of((size_t)it->y.w, TILE);
}

static size_t strip_of(const nx_conv_gpu *it)
{
    size_t one = FREQUENCIES * (size_t)(rounded(it->x.c) + rounded(it->y.c)) * sizeof(float);
    size_t most = STRIP_BYTES / one > 64 ? STRIP_BYTES / one : 64;
    return most < tiles_of(it) ? most : tiles_of(it);
}

static size_t count_from(const nx_conv_gpu *it, size_t first)
{
    size_t left = tiles_of(it) - first;
    return left < strip_of(it) ? left : strip_of(it);
}

/* v of `count` tiles from `first` on. */
static void launch_input(nx_plan *plan, nx_node *node, const nx_conv_gpu *it, size_t first, size_t count)
{
    nx_plan_launch(plan, node, "winograd", "winograd_strip_input", NULL,
                   (nx_range){2, {(size_t)rounded(it->x.c) / LANES, count}, {0}},
                   NX_ARGS({"x", .t = node->in[0]}, {"v", .t = node->scratch[V]}, {"h", .i = it->x.h},
                           {"w", .i = it->x.w}, {"channels", .i = it->x.c}, {"oh", .i = it->y.h}, {"ow", .i = it->y.w},
                           {"pad", .i = it->pad_y}, {"zoom", .i = it->zoom}, {"mode", .i = it->padding},
                           {"first", .i = first}, {"count", .i = count}));
}

static void plan_winograd(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    size_t c = (size_t)rounded(it->x.c), k = (size_t)rounded(it->y.c), strip = strip_of(it);
    nx_plan_derived(plan, node, KERNEL, node->in[1], it->rotated ? "winograd_strip_rotated" : "winograd_strip",
                    FREQUENCIES * c * k * sizeof(float));
    nx_plan_scratch(plan, node, V, FREQUENCIES * strip * c * sizeof(float));
    nx_plan_scratch(plan, node, M, FREQUENCIES * strip * k * sizeof(float));
}

static void bind_winograd(nx_plan *plan, nx_node *node, const nx_conv_gpu *it, nx_choice choice)
{
    int c = rounded(it->x.c), k = rounded(it->y.c);
    nx_tensor *w = node->in[1], *u = node->scratch[KERNEL], *v = node->scratch[V], *m = node->scratch[M];
    nx_tensor *bias = node->n_in > 2 ? node->in[2] : w; /* unused, without */
    choice.splits = 1;
    if (nx_plan_derives(plan, node, KERNEL))
        nx_plan_launch_derived(plan, node, KERNEL, "winograd", "winograd_strip_weights", NULL,
                               (nx_range){2, {(size_t)k, (size_t)c}, {0}},
                               NX_ARGS({"w", .t = w}, {"u", .t = u}, {"c", .i = it->x.c}, {"k", .i = it->y.c},
                                       {"rotated", .i = it->rotated}));
    for (size_t first = 0, count; first < tiles_of(it); first += count) {
        count = count_from(it, first);
        launch_input(plan, node, it, first, count);
        nx_gemm_problem products = {.m = (int)count, .n = k, .k = c, .batch = FREQUENCIES};
        nx_gemm_gpu_bind(plan, node, 0, &products, &choice, v, u, m);
        nx_plan_launch(plan, node, "winograd", "winograd_strip_output", NULL,
                       (nx_range){2, {(size_t)k / LANES, count}, {0}},
                       NX_ARGS({"m", .t = m}, {"bias", .t = bias}, {"y", .t = node->out[0]}, {"oh", .i = it->y.h},
                               {"ow", .i = it->y.w}, {"channels", .i = it->y.c}, {"has_bias", .i = node->n_in > 2},
                               {"activation", .i = it->activation}, {"slope", .f = it->slope}, {"first", .i = first},
                               {"count", .i = count}));
    }
}

/* The gradient by the weights: the adjoint transforms of what goes in and comes out, around sums over tiles. The first
 * strip is the longest, so its products ask for scratch that is enough for all. */
static nx_gemm_problem adjoint_products(const nx_conv_gpu *it, size_t first)
{
    return (nx_gemm_problem){.m = rounded(it->x.c),
                             .n = rounded(it->y.c),
                             .k = (int)count_from(it, first),
                             .transpose_a = true,
                             .add = first > 0,
                             .batch = FREQUENCIES};
}

static void plan_winograd_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it, const nx_choice *choice)
{
    size_t c = (size_t)rounded(it->x.c), k = (size_t)rounded(it->y.c), strip = strip_of(it);
    nx_gemm_problem products = adjoint_products(it, 0);
    nx_plan_scratch(plan, node, U, FREQUENCIES * c * k * sizeof(float));
    nx_plan_scratch(plan, node, V, FREQUENCIES * strip * c * sizeof(float));
    nx_plan_scratch(plan, node, M, FREQUENCIES * strip * k * sizeof(float));
    nx_gemm_gpu_plan(plan, node, SPLIT_U, &products, choice);
}

static void bind_winograd_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it, const nx_choice *choice)
{
    nx_tensor *u = node->scratch[U], *v = node->scratch[V], *m = node->scratch[M];
    size_t k = (size_t)rounded(it->y.c);
    for (size_t first = 0, count; first < tiles_of(it); first += count) {
        count = count_from(it, first);
        launch_input(plan, node, it, first, count);
        nx_plan_launch(plan, node, "winograd", "winograd_strip_output_adjoint", NULL,
                       (nx_range){2, {k / LANES, count}, {0}},
                       NX_ARGS({"dy", .t = node->in[1]}, {"m", .t = m}, {"oh", .i = it->y.h}, {"ow", .i = it->y.w},
                               {"channels", .i = it->y.c}, {"first", .i = first}, {"count", .i = count}));
        nx_gemm_problem products = adjoint_products(it, first);
        nx_gemm_gpu_bind(plan, node, SPLIT_U, &products, choice, v, m, u);
    }
    nx_plan_launch(plan, node, "winograd", "winograd_strip_weights_adjoint", NULL,
                   (nx_range){2, {k / LANES, (size_t)it->x.c}, {0}},
                   NX_ARGS({"u", .t = u}, {"dw", .t = node->out[0]}, {"c", .i = it->x.c}, {"k", .i = it->y.c}));
}

/* ---- the sum itself ---- */

void nx_conv_gpu_plan(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    if (choose(plan, it, false).winograd)
        plan_winograd(plan, node, it);
    else if (it->rotated)
        nx_plan_derived(plan, node, KERNEL, node->in[1], "conv_rotated", node->in[1]->bytes);
}

void nx_conv_gpu_bind(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    nx_choice choice = choose(plan, it, false);
    if (choice.winograd) {
        bind_winograd(plan, node, it, choice);
        return;
    }
    nx_tensor *w = node->in[1], *u = it->rotated ? node->scratch[KERNEL] : w;
    nx_tensor *bias = node->n_in > 2 ? node->in[2] : w; /* unused without BIAS */
    nx_sums sums = {.rows = (size_t)it->y.n * blocks_of((size_t)it->y.h, (size_t)it->down) *
                            blocks_of((size_t)it->y.w, (size_t)it->down), /* pixels of the largest phase */
                    .columns = (size_t)it->y.c,
                    .products = (size_t)(it->down * it->down)};
    const nx_tile *tile = choice.tile ? choice.tile : nx_tile_choose(nx_plan_info(plan), &sums);
    char defines[160], more[40];
    snprintf(more, sizeof more, " -DACTIVATION=%d%s", (int)it->activation, node->n_in > 2 ? " -DBIAS" : "");
    defines_of(defines, sizeof defines, plan, tile, it, more);
    if (it->rotated && nx_plan_derives(plan, node, KERNEL))
        nx_plan_launch_derived(plan, node, KERNEL, "conv_gpu", "conv_pack", defines,
                               (nx_range){3, {(size_t)it->y.c, (size_t)it->x.c, (size_t)(it->kh * it->kw)}, {0}},
                               NX_ARGS({"w", .t = w}, {"u", .t = u}, {"c", .i = it->x.c}, {"k", .i = it->y.c},
                                       {"kh", .i = it->kh}, {"kw", .i = it->kw}, {"down", .i = it->down},
                                       {"pad_y", .i = it->pad_y}, {"pad_x", .i = it->pad_x}));
    nx_step *step = nx_plan_launch(
        plan, node, "conv_gpu", "conv", defines, nx_tile_range(tile, &sums, 1),
        NX_ARGS({"x", .t = node->in[0]}, {"u", .t = u}, {"bias", .t = bias}, {"y", .t = node->out[0]},
                {"n", .i = it->y.n}, {"h", .i = it->x.h}, {"w", .i = it->x.w}, {"c", .i = it->x.c},
                {"oh", .i = it->y.h}, {"ow", .i = it->y.w}, {"k", .i = it->y.c}, {"kh", .i = it->kh},
                {"kw", .i = it->kw}, {"up", .i = it->up}, {"down", .i = it->down}, {"pad_y", .i = it->pad_y},
                {"pad_x", .i = it->pad_x}, {"mode", .i = it->padding}, {"slope", .f = it->slope}));
    nx_shape small = it->rotated ? it->x : it->y;
    step->flops = 2.0 * small.n * small.h * small.w * (double)nx_shape_count(w->shape);
    step->bytes = (double)(node->in[0]->bytes + node->out[0]->bytes + w->bytes);
}

/* ---- the gradient by the weights ---- */

static nx_sums weight_sums(const nx_conv_gpu *it)
{
    return (nx_sums){.rows = (size_t)(it->kh * it->kw) * (size_t)it->x.c,
                     .columns = (size_t)it->y.c,
                     .products = 1,
                     .terms = (size_t)it->y.n * (size_t)it->y.h * (size_t)it->y.w};
}

static nx_splits splits_of(const nx_plan *plan, const nx_conv_gpu *it, const nx_choice *choice, const nx_tile **tile)
{
    nx_sums sums = weight_sums(it);
    *tile = choice->tile ? choice->tile : nx_tile_choose(nx_plan_info(plan), &sums);
    if (choice->splits) return nx_splits_into(sums.terms, (size_t)choice->splits);
    return nx_tile_splits(nx_plan_info(plan), *tile, &sums, NX_SPLIT_GROUPS);
}

static size_t part_bytes(const nx_node *node) { return nx_align(nx_shape_count(node->out[0]->shape) * sizeof(float)); }

void nx_conv_gpu_plan_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    const nx_tile *tile;
    nx_choice choice = choose(plan, it, true);
    if (choice.winograd) {
        plan_winograd_gradient(plan, node, it, &choice);
        return;
    }
    nx_splits s = splits_of(plan, it, &choice, &tile);
    if (s.count > 1) nx_plan_scratch(plan, node, PARTS, (size_t)s.count * part_bytes(node));
}

void nx_conv_gpu_bind_gradient(nx_plan *plan, nx_node *node, const nx_conv_gpu *it)
{
    const nx_tile *tile;
    nx_choice choice = choose(plan, it, true);
    if (choice.winograd) {
        bind_winograd_gradient(plan, node, it, &choice);
        return;
    }
    nx_splits s = splits_of(plan, it, &choice, &tile);
    nx_sums sums = weight_sums(it);
    nx_shape x = it->x, dy = it->y, w = node->out[0]->shape;
    nx_tensor *part = s.count > 1 ? node->scratch[PARTS] : node->out[0];
    int part_size = (int)(part_bytes(node) / sizeof(float));
    char defines[160];
    defines_of(defines, sizeof defines, plan, tile, it, "");
    nx_step *step =
        nx_plan_launch(plan, node, "conv_gpu", "conv_weights", defines, nx_tile_range(tile, &sums, (size_t)s.count),
                       NX_ARGS({"x", .t = node->in[0]}, {"dy", .t = node->in[1]}, {"part", .t = part}, {"n", .i = x.n},
                               {"h", .i = x.h}, {"w", .i = x.w}, {"c", .i = x.c}, {"oh", .i = dy.h}, {"ow", .i = dy.w},
                               {"k", .i = dy.c}, {"kh", .i = it->kh}, {"kw", .i = it->kw}, {"stride", .i = it->up},
                               {"pad_y", .i = it->pad_y}, {"pad_x", .i = it->pad_x}, {"mode", .i = it->padding},
                               {"split_pixels", .i = s.depth}, {"part_size", .i = part_size}));
    step->flops = 2.0 * dy.n * dy.h * dy.w * (double)nx_shape_count(w);
    if (s.count > 1)
        nx_plan_launch(plan, node, "conv", "conv_weights_sum", NULL, nx_range_flat(plan, nx_shape_count(w)),
                       NX_ARGS({"part", .t = part}, {"dw", .t = node->out[0]}, {"splits", .i = s.count},
                               {"part_size", .i = part_size}));
}
