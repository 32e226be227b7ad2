/* Products by tiles, or by CLBlast. */
#include "ops/gemm_gpu.h"

#include "base/memory.h"

#include <stdio.h>

static int images(const nx_gemm_problem *p) { return p->batch ? p->batch : 1; }

/* ---- tiles ---- */

typedef struct cut {
    const nx_tile *tile;
    nx_sums sums;
    nx_splits splits;
    bool parts; /* are added up by another kernel, which mirrors what is symmetric too */
} cut;

static cut cut_of(const nx_plan *plan, const nx_gemm_problem *p, const nx_choice *choice)
{
    nx_device_info info = *nx_plan_info(plan);
    info.tf32 = false;
    cut c = {.sums = {(size_t)p->m, (size_t)p->n, (size_t)images(p), choice->splits == 1 ? 0 : (size_t)p->k}};
    c.tile = choice->tile ? choice->tile : nx_tile_choose(&info, &c.sums);
    c.splits = choice->splits ? nx_splits_into((size_t)p->k, (size_t)choice->splits)
                              : nx_tile_splits(&info, c.tile, &c.sums, NX_SPLIT_GROUPS);
    c.parts = c.splits.count > 1 || p->symmetric;
    return c;
}

static void bind_tiles(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *p, const nx_choice *choice,
                       nx_tensor *a, nx_tensor *b, nx_tensor *c)
{
    enum { WIDTH = 4 };
    cut t = cut_of(plan, p, choice);
    int line_a = p->transpose_a ? p->m : p->k, line_b = p->transpose_b ? p->k : p->n;
    bool wide = line_a % WIDTH == 0 && line_b % WIDTH == 0 && p->n % WIDTH == 0;
    char defines[160], more[48];
    snprintf(more, sizeof more, "%s%s", p->transpose_a ? " -DTRANSPOSE_A" : "", p->transpose_b ? " -DTRANSPOSE_B" : "");
    nx_tile_defines(defines, sizeof defines, t.tile, wide ? WIDTH : 1, more);
    float alpha = p->alpha != 0.f && !t.parts ? p->alpha : 1.f;
    nx_step *step = nx_plan_launch(
        plan, node, "conv_gpu", "product", defines, nx_tile_range(t.tile, &t.sums, (size_t)t.splits.count),
        NX_ARGS({"first", .t = a}, {"second", .t = b}, {"c", .t = t.parts ? node->scratch[slot] : c}, {"m", .i = p->m},
                {"n", .i = p->n}, {"k", .i = p->k}, {"splits", .i = t.splits.count}, {"depth", .i = t.splits.depth},
                {"upper", .i = p->symmetric}, {"alpha", .f = alpha}, {"add", .i = p->add && !t.parts}));
    step->flops = (p->symmetric ? 1.0 : 2.0) * p->m * p->n * p->k * images(p); /* of what is needed */
    step->bytes = 4.0 * images(p) * ((double)p->m * p->k + (double)p->k * p->n + (double)p->m * p->n);
    if (t.parts) nx_gemm_reduce(plan, node, p, t.splits.count, p->symmetric, node->scratch[slot], c);
}

/* ---- CLBlast ---- */

static nx_gemm_cut library_cut(const nx_plan *plan, const nx_gemm_problem *p, const nx_choice *choice)
{
    if (choice->splits == 1 && images(p) > 1) return (nx_gemm_cut){.splits = 1, .depth = p->k};
    return nx_gemm_cut_library(nx_plan_info(plan), p);
}

static void call_library(nx_plan *plan, nx_node *node, const nx_gemm_call *call, double flops)
{
    nx_step *step = nx_plan_routine(plan, node, "clblast_gemm", nx_gemm_routine, nx_copy(call, sizeof *call));
    step->flops = flops;
}

static void bind_library(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *p, const nx_choice *choice,
                         nx_tensor *a, nx_tensor *b, nx_tensor *c)
{
    nx_gemm_cut cut = library_cut(plan, p, choice);
    nx_gemm_call call = {*p, cut, a->buffer, b->buffer, c->buffer, NULL, -1, false};
    if (cut.scratch_bytes) call.scratch = node->scratch[slot]->buffer;
    double flops = 2.0 * p->m * p->n;
    if (cut.splits == 1) {
        call_library(plan, node, &call, flops * p->k * images(p));
        return;
    }
    int rest = p->k - cut.splits * cut.depth;
    for (call.part = 0; call.part < images(p); call.part++) {
        call.rest = false;
        call_library(plan, node, &call, flops * cut.splits * cut.depth);
        call.rest = true;
        if (rest) call_library(plan, node, &call, flops * rest);
    }
    nx_gemm_reduce(plan, node, p, cut.splits + (rest > 0), false, node->scratch[slot], c);
}

/* ---- either ---- */

void nx_gemm_gpu_plan(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *p, const nx_choice *choice)
{
    size_t bytes;
    if (choice->library) {
        bytes = library_cut(plan, p, choice).scratch_bytes;
    } else {
        cut t = cut_of(plan, p, choice);
        bytes = t.parts ? (size_t)t.splits.count * t.sums.products * t.sums.rows * t.sums.columns * sizeof(float) : 0;
    }
    if (bytes) nx_plan_scratch(plan, node, slot, bytes);
}

void nx_gemm_gpu_bind(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *p, const nx_choice *choice,
                      nx_tensor *a, nx_tensor *b, nx_tensor *c)
{
    (choice->library ? bind_library : bind_tiles)(plan, node, slot, p, choice, a, b, c);
}
