/* Convolution on GPUs by the sum itself: implicit matrix products in tiles of local memory (cl/conv_gpu.cl, ops/tile),
 * and its gradient by the weights, a long sum in splits whose parts are added in a fixed order. */
#include "ops/conv_tiles.h"

#include "base/blocks.h"
#include "device/memory.h"

#include <stdio.h>

enum { WIDTH = 4 };             /* floats fetched at a time */
enum { KERNEL = 0, PARTS = 0 }; /* scratch slots */

static void defines_of(char *text, size_t size, const nx_tile *tile, const nx_sums *sums, const nx_question *q,
                       const char *more)
{
    char all[64];
    bool wide = q->x.c % WIDTH == 0 && q->y.c % WIDTH == 0;
    snprintf(all, sizeof all, " -DZOOM=%d%s", q->zoom, more);
    nx_tile_defines(text, size, tile, sums, wide ? WIDTH : 1, all);
}

static const nx_tile *tile_of(const nx_device_info *info, const nx_choice *choice, const nx_sums *sums)
{
    return choice->tile ? choice->tile : nx_tile_choose(info, sums);
}

/* ---- the convolution ---- */

/* Rows are the pixels of the largest phase. */
static nx_sums sums_of(const nx_device_info *info, const nx_question *q)
{
    size_t down = q->work == NX_WORK_TRANSPOSED ? (size_t)q->stride : 1;
    return (nx_sums){.rows = (size_t)q->y.n * nx_blocks((size_t)q->y.h, down) * nx_blocks((size_t)q->y.w, down),
                     .columns = (size_t)q->y.c,
                     .products = down * down,
                     .precision = info->precision};
}

size_t nx_conv_tiles_variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out)
{
    nx_sums sums = sums_of(info, q);
    return nx_tile_variants(info, &sums, false, plain, out);
}

void nx_conv_tiles_plan(nx_plan *plan, nx_node *node, const nx_job *job)
{
    if (job->gather.rotated) nx_plan_derived(plan, node, KERNEL, job->b, "conv_rotated", job->b->bytes);
}

void nx_conv_tiles_bind(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    nx_tensor *w = job->b, *u = t->rotated ? node->scratch[KERNEL] : w;
    nx_tensor *bias = job->bias ? job->bias : w; /* unused without BIAS */
    nx_sums sums = sums_of(nx_plan_info(plan), q);
    const nx_tile *tile = tile_of(nx_plan_info(plan), &job->choice, &sums);
    char defines[200], more[40];
    snprintf(more, sizeof more, " -DACTIVATION=%d%s", (int)t->activation, job->bias ? " -DBIAS" : "");
    defines_of(defines, sizeof defines, tile, &sums, q, more);
    if (t->rotated && nx_plan_derives(plan, node, KERNEL))
        nx_plan_launch_derived(
            plan, node, KERNEL, "conv_gpu", "conv_pack", defines,
            (nx_range){.dims = 3, .global = {(size_t)q->y.c, (size_t)q->x.c, (size_t)(q->kh * q->kw)}},
            NX_ARGS({"w", .t = w}, {"u", .t = u}, {"c", .i = q->x.c}, {"k", .i = q->y.c}, {"kh", .i = q->kh},
                    {"kw", .i = q->kw}, {"down", .i = t->down}, {"pad_y", .i = t->pad_y}, {"pad_x", .i = t->pad_x}));
    nx_step *step =
        nx_plan_launch(plan, node, "conv_gpu", "conv", defines, nx_tile_range(tile, &sums, 1),
                       NX_ARGS({"x", .t = job->a}, {"u", .t = u}, {"bias", .t = bias}, {"y", .t = job->c},
                               {"n", .i = q->y.n}, NX_SIZES(q), {"kh", .i = q->kh}, {"kw", .i = q->kw},
                               {"up", .i = t->up}, {"down", .i = t->down}, {"pad_y", .i = t->pad_y},
                               {"pad_x", .i = t->pad_x}, {"mode", .i = t->padding}, {"slope", .f = t->slope}));
    step->flops = nx_conv_flops(job);
    step->bytes = (double)(job->a->bytes + job->b->bytes + job->c->bytes);
}

static bool can(const nx_device_info *info, const nx_question *q) { return (void)q, info->precision == NX_FP32; }

const nx_algorithm nx_conv_tiles = {.name = "direct",
                                    .family = NX_FAMILY_GPU,
                                    .works = 1u << NX_WORK_CONV | 1u << NX_WORK_TRANSPOSED,
                                    .enlarged = true,
                                    .can = can,
                                    .variants = nx_conv_tiles_variants,
                                    .plan = nx_conv_tiles_plan,
                                    .bind = nx_conv_tiles_bind};

/* ---- the gradient by the weights ---- */

static nx_sums weight_sums(const nx_device_info *info, const nx_question *q)
{
    return (nx_sums){.rows = (size_t)(q->kh * q->kw) * (size_t)q->x.c,
                     .columns = (size_t)q->y.c,
                     .products = 1,
                     .terms = (size_t)q->y.n * (size_t)q->y.h * (size_t)q->y.w,
                     .precision = info->precision};
}

size_t nx_weights_tiles_variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out)
{
    nx_sums sums = weight_sums(info, q);
    return nx_tile_variants(info, &sums, true, plain, out);
}

static nx_splits splits_of(const nx_device_info *info, const nx_job *job, const nx_sums *sums)
{
    if (job->choice.splits) return nx_splits_into(sums->terms, (size_t)job->choice.splits);
    return nx_tile_splits(info, tile_of(info, &job->choice, sums), sums, NX_SPLIT_GROUPS);
}

static size_t part_bytes(const nx_job *job) { return nx_align(nx_shape_count(job->c->shape) * sizeof(float)); }

void nx_weights_tiles_plan(nx_plan *plan, nx_node *node, const nx_job *job)
{
    nx_sums sums = weight_sums(nx_plan_info(plan), &job->q);
    nx_splits s = splits_of(nx_plan_info(plan), job, &sums);
    if (s.count > 1) nx_plan_scratch(plan, node, PARTS, (size_t)s.count * part_bytes(job));
}

void nx_weights_tiles_bind(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    nx_sums sums = weight_sums(nx_plan_info(plan), q);
    nx_splits s = splits_of(nx_plan_info(plan), job, &sums);
    const nx_tile *tile = tile_of(nx_plan_info(plan), &job->choice, &sums);
    nx_tensor *dw = job->c, *part = s.count > 1 ? node->scratch[PARTS] : dw;
    size_t part_size = part_bytes(job) / sizeof(float);
    char defines[200];
    defines_of(defines, sizeof defines, tile, &sums, q, "");
    nx_step *step =
        nx_plan_launch(plan, node, "conv_gpu", "conv_weights", defines, nx_tile_range(tile, &sums, (size_t)s.count),
                       NX_ARGS({"x", .t = job->a}, {"dy", .t = job->b}, {"part", .t = part}, {"n", .i = q->x.n},
                               NX_SIZES(q), {"kh", .i = q->kh}, {"kw", .i = q->kw}, {"stride", .i = t->up},
                               {"pad_y", .i = t->pad_y}, {"pad_x", .i = t->pad_x}, {"mode", .i = t->padding},
                               {"split_pixels", .i = s.depth}, {"part_size", .i = part_size}));
    step->flops = nx_conv_flops(job);
    if (s.count > 1)
        nx_plan_launch(
            plan, node, "conv", "conv_weights_sum", NULL, nx_range_flat(plan, nx_shape_count(dw->shape)),
            NX_ARGS({"part", .t = part}, {"dw", .t = dw}, {"splits", .i = s.count}, {"part_size", .i = part_size}));
}

const nx_algorithm nx_weights_tiles = {.name = "direct",
                                       .family = NX_FAMILY_GPU,
                                       .works = 1u << NX_WORK_WEIGHTS,
                                       .enlarged = true,
                                       .can = can,
                                       .variants = nx_weights_tiles_variants,
                                       .plan = nx_weights_tiles_plan,
                                       .bind = nx_weights_tiles_bind};
