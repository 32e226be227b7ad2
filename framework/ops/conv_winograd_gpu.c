/* Convolution by Winograd's algorithm on GPUs, in strips of bounded memory: transforms (cl/winograd.cl) around 36
 * products, which are those of another algorithm: tiles, or CLBlast. The gradient by the weights: the adjoint
 * transforms of what goes in and comes out, around sums over tiles. */
#include "base/blocks.h"
#include "ops/product.h"
#include "ops/winograd.h"

enum { KERNEL = 0, V = 1, M = 2 }; /* scratch slots of a convolution */
enum { U = 0, SPLIT_U = 3 };       /* of the gradient by the weights, with V and M */
enum { FREQUENCIES = NX_WINOGRAD_FREQUENCIES, LEAST_STRIP = 64 };
enum { CAN = 8, PAYS = 32 }; /* channels: with fewer the transforms cost more than they save */

/* Channels in whole vectors. */
static size_t rounded(const nx_plan *plan, int n) { return nx_round_up((size_t)n, (size_t)nx_plan_lanes(plan)); }

static size_t tiles_of(const nx_question *q) { return nx_winograd_tiles(q, nx_winograd_form_of(q)); }

/* As many tiles as the cache holds v and m of, and a launch takes. */
static size_t strip_of(const nx_plan *plan, const nx_question *q)
{
    size_t one = FREQUENCIES * (rounded(plan, q->x.c) + rounded(plan, q->y.c)) * sizeof(float);
    size_t most = nx_device_cache(nx_plan_info(plan)) / one, tiles = tiles_of(q);
    if (most < LEAST_STRIP) most = LEAST_STRIP;
    if (most > NX_MOST_GROUPS) most = NX_MOST_GROUPS;
    return most < tiles ? most : tiles;
}

/* Tiles of the strip that begins with tile `first`. */
static size_t count_from(const nx_plan *plan, const nx_question *q, size_t first)
{
    size_t left = tiles_of(q) - first, strip = strip_of(plan, q);
    return left < strip ? left : strip;
}

/* A work-item transforms one vector of channels of one tile, or of one line of weights. */
static nx_range vectors(const nx_plan *plan, size_t channels, size_t lines)
{
    return (nx_range){.dims = 2, .global = {channels / (size_t)nx_plan_lanes(plan), lines}};
}

/* v of `count` tiles from `first` on. */
static void launch_input(nx_plan *plan, nx_node *node, const nx_job *job, size_t first, size_t count)
{
    const nx_question *q = &job->q;
    nx_winograd_launch(plan, node, -1, "winograd_strip_input", vectors(plan, rounded(plan, q->x.c), count),
                       NX_ARGS({"x", .t = job->a}, {"v", .t = node->scratch[V]}, {"h", .i = q->x.h}, {"w", .i = q->x.w},
                               {"channels", .i = q->x.c}, {"oh", .i = q->y.h}, {"ow", .i = q->y.w},
                               {"pad", .i = job->gather.pad_y}, {"zoom", .i = q->zoom},
                               {"mode", .i = job->gather.padding}, {"first", .i = first}, {"count", .i = count}));
}

/* ---- the convolution ---- */

static void plan_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    size_t c = rounded(plan, job->q.x.c), k = rounded(plan, job->q.y.c), strip = strip_of(plan, &job->q);
    nx_plan_derived(plan, node, KERNEL, job->b, job->gather.rotated ? "winograd_strip_rotated" : "winograd_strip",
                    FREQUENCIES * c * k * sizeof(float));
    nx_plan_scratch(plan, node, V, FREQUENCIES * strip * c * sizeof(float));
    nx_plan_scratch(plan, node, M, FREQUENCIES * strip * k * sizeof(float));
}

static void bind_by(nx_plan *plan, nx_node *node, const nx_job *job, const nx_algorithm *product)
{
    const nx_question *q = &job->q;
    size_t c = rounded(plan, q->x.c), k = rounded(plan, q->y.c);
    nx_tensor *w = job->b, *bias = job->bias ? job->bias : w; /* unused, without */
    nx_tensor *u = node->scratch[KERNEL], *v = node->scratch[V], *m = node->scratch[M];
    if (nx_plan_derives(plan, node, KERNEL))
        nx_winograd_launch(plan, node, KERNEL, "winograd_strip_weights", (nx_range){.dims = 2, .global = {k, c}},
                           NX_ARGS({"w", .t = w}, {"u", .t = u}, {"c", .i = q->x.c}, {"k", .i = q->y.c},
                                   {"rotated", .i = job->gather.rotated}));
    for (size_t first = 0, count; first < tiles_of(q); first += count) {
        count = count_from(plan, q, first);
        launch_input(plan, node, job, first, count);
        nx_gemm_problem p = {.m = (int)count, .n = (int)k, .k = (int)c, .batch = FREQUENCIES};
        nx_job products = {.q = {.work = NX_WORK_PRODUCT, .product = p},
                           .choice = {.algorithm = product, .tile = job->choice.tile, .splits = 1},
                           .a = v,
                           .b = u,
                           .c = m};
        product->bind(plan, node, &products);
        nx_winograd_launch(plan, node, -1, "winograd_strip_output", vectors(plan, k, count),
                           NX_ARGS({"m", .t = m}, {"bias", .t = bias}, {"y", .t = job->c}, {"oh", .i = q->y.h},
                                   {"ow", .i = q->y.w}, {"channels", .i = q->y.c}, {"has_bias", .i = job->bias != NULL},
                                   {"activation", .i = job->gather.activation}, {"slope", .f = job->gather.slope},
                                   {"first", .i = first}, {"count", .i = count}));
    }
}

static void bind_tiles(nx_plan *plan, nx_node *node, const nx_job *job) { bind_by(plan, node, job, &nx_product_tiles); }

static void bind_clblast(nx_plan *plan, nx_node *node, const nx_job *job)
{
    bind_by(plan, node, job, &nx_product_clblast);
}

static bool can(const nx_device_info *info, const nx_question *q) { return nx_winograd_can(info, q, CAN); }

static size_t variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out)
{
    nx_sums sums = {.rows = tiles_of(q), .columns = (size_t)q->y.c, .products = FREQUENCIES};
    return nx_tile_variants(info, &sums, false, plain, out);
}

const nx_algorithm nx_conv_winograd_gpu = {.name = "winograd",
                                           .family = NX_FAMILY_GPU,
                                           .works = 1u << NX_WORK_CONV,
                                           .pays = PAYS,
                                           .enlarged = true,
                                           .can = can,
                                           .variants = variants,
                                           .plan = plan_conv,
                                           .bind = bind_tiles};

const nx_algorithm nx_conv_winograd_clblast = {.name = "winograd clblast",
                                               .family = NX_FAMILY_GPU,
                                               .works = 1u << NX_WORK_CONV,
                                               .pays = NX_NEVER,
                                               .enlarged = true,
                                               .can = can,
                                               .plan = plan_conv,
                                               .bind = bind_clblast};

/* ---- the gradient by the weights ---- */

/* The products of the strip that begins with tile `first`. The first strip is the longest, so its products ask for
 * scratch that is enough for all. */
static nx_job adjoint_products(const nx_plan *plan, const nx_node *node, const nx_job *job, size_t first)
{
    nx_gemm_problem p = {.m = (int)rounded(plan, job->q.x.c),
                         .n = (int)rounded(plan, job->q.y.c),
                         .k = (int)count_from(plan, &job->q, first),
                         .transpose_a = true,
                         .add = first > 0,
                         .batch = FREQUENCIES};
    return (nx_job){.q = {.work = NX_WORK_PRODUCT, .product = p},
                    .choice = {.algorithm = &nx_product_tiles, .tile = job->choice.tile},
                    .a = node->scratch[V],
                    .b = node->scratch[M],
                    .c = node->scratch[U],
                    .slot = SPLIT_U - NX_PRODUCT_PARTS};
}

static void plan_weights(nx_plan *plan, nx_node *node, const nx_job *job)
{
    size_t c = rounded(plan, job->q.x.c), k = rounded(plan, job->q.y.c), strip = strip_of(plan, &job->q);
    nx_plan_scratch(plan, node, U, FREQUENCIES * c * k * sizeof(float));
    nx_plan_scratch(plan, node, V, FREQUENCIES * strip * c * sizeof(float));
    nx_plan_scratch(plan, node, M, FREQUENCIES * strip * k * sizeof(float));
    nx_job products = adjoint_products(plan, node, job, 0);
    nx_product_tiles.plan(plan, node, &products);
}

static void bind_weights(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_question *q = &job->q;
    size_t k = rounded(plan, q->y.c);
    for (size_t first = 0, count; first < tiles_of(q); first += count) {
        count = count_from(plan, q, first);
        launch_input(plan, node, job, first, count);
        nx_winograd_launch(plan, node, -1, "winograd_strip_output_adjoint", vectors(plan, k, count),
                           NX_ARGS({"dy", .t = job->b}, {"m", .t = node->scratch[M]}, {"oh", .i = q->y.h},
                                   {"ow", .i = q->y.w}, {"channels", .i = q->y.c}, {"first", .i = first},
                                   {"count", .i = count}));
        nx_job products = adjoint_products(plan, node, job, first);
        nx_product_tiles.bind(plan, node, &products);
    }
    nx_winograd_launch(
        plan, node, -1, "winograd_strip_weights_adjoint", vectors(plan, k, (size_t)q->x.c),
        NX_ARGS({"u", .t = node->scratch[U]}, {"dw", .t = job->c}, {"c", .i = q->x.c}, {"k", .i = q->y.c}));
}

static size_t weights_variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out)
{
    nx_sums sums = {.rows = (size_t)q->x.c, .columns = (size_t)q->y.c, .products = FREQUENCIES, .terms = tiles_of(q)};
    return nx_tile_variants(info, &sums, false, plain, out);
}

const nx_algorithm nx_weights_winograd_gpu = {.name = "winograd",
                                              .family = NX_FAMILY_GPU,
                                              .works = 1u << NX_WORK_WEIGHTS,
                                              .pays = NX_NEVER,
                                              .enlarged = true,
                                              .can = can,
                                              .variants = weights_variants,
                                              .plan = plan_weights,
                                              .bind = bind_weights};
