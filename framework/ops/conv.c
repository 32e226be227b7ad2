/* Convolution and transposed convolution: one operation in two directions, each the other's gradient.
 *
 * Gradient by x: the other direction, with the same weights. Where padding is not zero, it is taken by the padded image
 * (a transposed convolution without padding) and folded back; where x was enlarged, the pixels of a square are summed.
 * Gradient by w: products of x and dy summed over pixels, in splits that are added in a fixed order. The gradient
 * before a fused activation comes from its output y. */
#include "ops/conv.h"

#include "device/memory.h"
#include "graph/plan.h"
#include "ops/channel_sum.h"
#include "ops/conv_gpu.h"
#include "ops/upsample.h"
#include "ops/winograd.h"

#include <stdio.h>

typedef struct attr {
    nx_conv_options o;
    bool transposed;
} attr;

/* The numbers that both directions share: a gather of `up`, `down` and `pad` (see cl/conv.cl). */
typedef struct gather {
    nx_shape x, y;
    int kh, kw, up, down, pad_y, pad_x;
} gather;

static gather gather_of(const nx_node *node)
{
    const attr *a = node->attr;
    nx_shape w = node->in[1]->shape;
    gather t = {.x = node->in[0]->shape, .y = node->out[0]->shape, .kh = w.n, .kw = w.h};
    t.up = a->transposed ? 1 : a->o.stride;
    t.down = a->transposed ? a->o.stride : 1;
    t.pad_y = a->transposed ? w.n - 1 - a->o.pad : a->o.pad;
    t.pad_x = a->transposed ? w.h - 1 - a->o.pad : a->o.pad;
    return t;
}

static double flops_of(nx_shape small, nx_shape w) /* small: the side of the convolution's output */
{
    return 2.0 * small.n * small.h * small.w * (double)nx_shape_count(w);
}

/* ---- launches ---- */

static bool by_winograd(const nx_plan *plan, const nx_node *node, nx_winograd *it)
{
    const attr *a = node->attr;
    gather t = gather_of(node);
    *it = (nx_winograd){t.x,        t.y,  t.pad_y, a->o.upsample, a->transposed, a->o.padding, a->o.activation,
                        a->o.slope, false};
    return t.kh == 3 && t.kw == 3 && a->o.stride == 1 && nx_winograd_suits(nx_plan_info(plan), it);
}

enum { NARROW = 4, PACKED = 0, PARTS = 0 };

static size_t blocks_of(size_t n, size_t size) { return (n + size - 1) / size; }
static bool on_gpu(const nx_plan *plan) { return nx_plan_info(plan)->family == NX_FAMILY_GPU; }

static nx_conv_gpu gpu_of(const nx_node *node)
{
    const attr *a = node->attr;
    gather t = gather_of(node);
    return (nx_conv_gpu){t.x,       t.y,     t.kh,          t.kw,          t.up,         t.down,
                         t.pad_y,   t.pad_x, a->o.upsample, a->transposed, a->o.padding, a->o.activation,
                         a->o.slope};
}

/* Of the gradient by the weights: always those of a convolution. */
static nx_conv_gpu gpu_of_weights(const nx_node *node)
{
    const attr *a = node->attr;
    nx_shape w = node->out[0]->shape;
    return (nx_conv_gpu){.x = node->in[0]->shape,
                         .y = node->in[1]->shape,
                         .kh = w.n,
                         .kw = w.h,
                         .up = a->o.stride,
                         .down = 1,
                         .pad_y = a->o.pad,
                         .pad_x = a->o.pad,
                         .zoom = a->o.upsample,
                         .padding = a->o.padding};
}

/* The register tile of the direct kernels of CPUs, from c to k channels: lanes are output channels, or input channels
 * where that fills them better. */
typedef struct tile {
    bool narrow;
    size_t vectors, columns; /* of one pixel: accumulators, and the channels they hold in k (in c, where narrow) */
    size_t rows;             /* pixels, or numbers of the kernel for its gradient, at most */
} tile;

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

static tile pixel_tile(const nx_plan *plan, const gather *t) { return tile_of(plan, t->x.c, t->y.c, 24, 8); }

static void defines_of(char *text, size_t size, const tile *t, const attr *a, bool bias)
{
    snprintf(text, size, "-DROWS=%zu -D%s=%zu -DACTIVATION=%d%s", t->rows, t->narrow ? "NARROW" : "VECTORS", t->vectors,
             a ? (int)a->o.activation : 0, bias ? " -DBIAS" : "");
}

static void plan_conv(nx_plan *plan, nx_node *node)
{
    if (on_gpu(plan)) {
        nx_conv_gpu it = gpu_of(node);
        nx_conv_gpu_plan(plan, node, &it);
        return;
    }
    const attr *a = node->attr;
    gather t = gather_of(node);
    nx_winograd winograd;
    if (by_winograd(plan, node, &winograd)) {
        nx_winograd_plan(plan, node, &winograd);
        return;
    }
    tile tile = pixel_tile(plan, &t);
    size_t c = (size_t)t.x.c, k = (size_t)t.y.c;
    if (tile.narrow) c = blocks_of(c, tile.columns) * tile.columns;
    if (!tile.narrow) k = blocks_of(k, tile.columns) * tile.columns;
    nx_plan_derived(plan, node, PACKED, node->in[1], a->transposed ? "conv_rotated" : "conv",
                    (size_t)(t.kh * t.kw) * c * k * sizeof(float));
}

static nx_step *bind_direct(nx_plan *plan, nx_node *node)
{
    const attr *a = node->attr;
    gather t = gather_of(node);
    nx_tensor *w = node->in[1], *u = node->scratch[PACKED];
    nx_tensor *b = node->n_in > 2 ? node->in[2] : w; /* unused without BIAS */
    tile tile = pixel_tile(plan, &t);
    size_t blocks = tile.narrow ? 1 : blocks_of((size_t)t.y.c, tile.columns), taps = (size_t)(t.kh * t.kw);
    char defines[96];
    defines_of(defines, sizeof defines, &tile, a, node->n_in > 2);
    if (nx_plan_derives(plan, node, PACKED)) {
        nx_range range = {2, {tile.narrow ? blocks_of((size_t)t.x.c, tile.columns) : blocks, taps}, {1, 1}};
        nx_plan_launch_derived(plan, node, PACKED, "conv", tile.narrow ? "conv_narrow_pack" : "conv_pack", defines,
                               range,
                               NX_ARGS({"w", .t = w}, {"u", .t = u}, {"taps", .i = taps}, {"c", .i = t.x.c},
                                       {"k", .i = t.y.c}, {"rotated", .i = a->transposed}));
    }
    size_t phase_pixels = blocks_of((size_t)t.y.w, (size_t)t.down);
    nx_range range = {
        3, {blocks_of(phase_pixels, tile.rows) * (size_t)t.down, blocks, (size_t)(t.y.n * t.y.h)}, {1, 1, 1}};
    return nx_plan_launch(plan, node, "conv", tile.narrow ? "conv_narrow" : "conv", defines, range,
                          NX_ARGS({"x", .t = node->in[0]}, {"u", .t = u}, {"bias", .t = b}, {"y", .t = node->out[0]},
                                  {"h", .i = t.x.h}, {"w", .i = t.x.w}, {"c", .i = t.x.c}, {"oh", .i = t.y.h},
                                  {"ow", .i = t.y.w}, {"k", .i = t.y.c}, {"kh", .i = t.kh}, {"kw", .i = t.kw},
                                  {"up", .i = t.up}, {"down", .i = t.down}, {"pad_y", .i = t.pad_y},
                                  {"pad_x", .i = t.pad_x}, {"mode", .i = a->o.padding}, {"slope", .f = a->o.slope}));
}

static void bind_conv(nx_plan *plan, nx_node *node)
{
    if (on_gpu(plan)) {
        nx_conv_gpu it = gpu_of(node);
        nx_conv_gpu_bind(plan, node, &it);
        return;
    }
    const attr *a = node->attr;
    gather t = gather_of(node);
    nx_tensor *w = node->in[1];
    nx_winograd winograd;
    nx_step *step =
        by_winograd(plan, node, &winograd) ? nx_winograd_bind(plan, node, &winograd) : bind_direct(plan, node);
    step->flops = flops_of(a->transposed ? t.x : t.y, w->shape);
    step->bytes = (double)(node->in[0]->bytes + node->out[0]->bytes + w->bytes);
}

/* ---- gradient by the weights: in[0] the convolution's x, in[1] the gradient of its output, out[0] dw ---- */

typedef struct splits {
    int count, rows, part; /* rows of dy in a split; floats of a part, padded */
} splits;

/* Few rows a split keep what its work-items share in cache; few splits keep the parts small. */
static splits splits_of(const nx_plan *plan, const nx_node *node)
{
    nx_shape x = node->in[0]->shape, dy = node->in[1]->shape;
    size_t part = nx_align(nx_shape_count(node->out[0]->shape) * sizeof(float)), lines = (size_t)(dy.n * dy.h);
    size_t line =
        ((size_t)x.w * (size_t)x.c * (size_t)x.h / (size_t)dy.h + (size_t)dy.w * (size_t)dy.c) * sizeof(float);
    size_t rows = blocks_of((size_t)1 << 19, line), most = ((size_t)64 << 20) / part;
    if (rows > blocks_of(lines, 4 * nx_plan_info(plan)->units)) rows = blocks_of(lines, 4 * nx_plan_info(plan)->units);
    if (most < 1) most = 1;
    if (blocks_of(lines, rows) > most) rows = blocks_of(lines, most);
    return (splits){(int)blocks_of(lines, rows), (int)rows, (int)(part / sizeof(float))};
}

static bool weights_by_winograd(const nx_plan *plan, const nx_node *node, nx_winograd *it)
{
    const attr *a = node->attr;
    nx_shape w = node->out[0]->shape;
    *it = (nx_winograd){.x = node->in[0]->shape,
                        .y = node->in[1]->shape,
                        .pad = a->o.pad,
                        .zoom = a->o.upsample,
                        .padding = a->o.padding,
                        .weights = true};
    return w.n == 3 && w.h == 3 && a->o.stride == 1 && nx_winograd_suits(nx_plan_info(plan), it);
}

static void plan_weights(nx_plan *plan, nx_node *node)
{
    if (on_gpu(plan)) {
        nx_conv_gpu it = gpu_of_weights(node);
        nx_conv_gpu_plan_gradient(plan, node, &it);
        return;
    }
    nx_winograd winograd;
    if (weights_by_winograd(plan, node, &winograd)) {
        nx_winograd_plan_gradient(plan, node, &winograd);
        return;
    }
    splits s = splits_of(plan, node);
    if (s.count > 1) nx_plan_scratch(plan, node, PARTS, (size_t)s.count * (size_t)s.part * sizeof(float));
}

static void bind_weights(nx_plan *plan, nx_node *node)
{
    if (on_gpu(plan)) {
        nx_conv_gpu it = gpu_of_weights(node);
        nx_conv_gpu_bind_gradient(plan, node, &it);
        return;
    }
    nx_winograd winograd;
    if (weights_by_winograd(plan, node, &winograd)) {
        nx_winograd_bind_gradient(plan, node, &winograd);
        return;
    }
    const attr *a = node->attr;
    nx_shape x = node->in[0]->shape, dy = node->in[1]->shape, w = node->out[0]->shape;
    splits s = splits_of(plan, node);
    nx_tensor *part = s.count > 1 ? node->scratch[PARTS] : node->out[0];
    tile tile = tile_of(plan, w.w, w.c, 28, 14);
    size_t run = (size_t)(tile.narrow ? w.h : w.h * w.w), tiles = blocks_of(run, tile.rows);
    tile.rows = blocks_of(run, tiles); /* even ones */
    nx_range range = {
        3, {tiles, blocks_of((size_t)(tile.narrow ? w.w : w.c), tile.columns), (size_t)(s.count * w.n)}, {1, 1, 1}};
    char defines[64];
    defines_of(defines, sizeof defines, &tile, NULL, false);
    nx_step *step =
        nx_plan_launch(plan, node, "conv", tile.narrow ? "conv_narrow_weights" : "conv_weights", defines, range,
                       NX_ARGS({"x", .t = node->in[0]}, {"dy", .t = node->in[1]}, {"part", .t = part}, {"n", .i = x.n},
                               {"h", .i = x.h}, {"w", .i = x.w}, {"c", .i = x.c}, {"oh", .i = dy.h}, {"ow", .i = dy.w},
                               {"k", .i = dy.c}, {"kh", .i = w.n}, {"kw", .i = w.h}, {"stride", .i = a->o.stride},
                               {"pad_y", .i = a->o.pad}, {"pad_x", .i = a->o.pad}, {"mode", .i = a->o.padding},
                               {"split_rows", .i = s.rows}, {"part_size", .i = s.part}));
    step->flops = flops_of(dy, w);
    if (s.count > 1)
        nx_plan_launch(plan, node, "conv", "conv_weights_sum", defines, nx_range_flat(plan, nx_shape_count(w)),
                       NX_ARGS({"part", .t = part}, {"dw", .t = node->out[0]}, {"splits", .i = s.count},
                               {"part_size", .i = s.part}));
}

static const nx_op weights_op = {.name = "conv_weights", .plan = plan_weights, .bind = bind_weights};

/* ---- the operation ---- */

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx);
static const nx_op op = {
    .name = "conv", .cost = NX_COST_WEIGHTS, .gradient = gradient, .plan = plan_conv, .bind = bind_conv};

static nx_tensor *record(nx_graph *g, attr a, nx_shape y, nx_tensor *x, nx_tensor *w, nx_tensor *b)
{
    return nx_node_single(g, &op, &a, sizeof a, y, x, w, b, NULL);
}

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    const attr *a = node->attr;
    nx_tensor *x = node->in[0], *w = node->in[1];
    nx_tensor *dz = nx_activation_gradient(g, node->out[0], dy[0], a->o.activation, a->o.slope);
    attr back = {.o = {.stride = a->o.stride, .pad = a->o.pad, .upsample = 1}, .transposed = !a->transposed};
    if (want[0]) {
        bool folded = a->o.padding != NX_PADDING_ZERO && a->o.pad;
        int p = a->o.pad, zoom = a->o.upsample;
        nx_shape enlarged = {x->shape.n, x->shape.h * zoom, x->shape.w * zoom, x->shape.c};
        nx_shape padded = {enlarged.n, enlarged.h + 2 * p, enlarged.w + 2 * p, enlarged.c};
        if (folded) back.o.pad = 0;
        dx[0] = record(g, back, folded ? padded : enlarged, dz, w, NULL);
        if (folded) dx[0] = nx_pad_gradient(g, dx[0], enlarged, (nx_pad_options){p, p, p, p, a->o.padding});
        if (zoom > 1) dx[0] = nx_upsample_gradient(g, dx[0], zoom);
    }
    if (want[1])
        dx[1] = nx_node_single(g, &weights_op, a, sizeof *a, w->shape, a->transposed ? dz : x, a->transposed ? x : dz,
                               NULL, NULL);
    if (node->n_in > 2 && want[2]) dx[2] = nx_channel_sum(g, dz);
}

nx_tensor *nx_conv_statistics(nx_plan *plan, const nx_node *reader, int groups, int *segments)
{
    nx_node *node = reader->in[0]->producer;
    nx_winograd winograd;
    if (!node || node->op != &op || on_gpu(plan) || node->fixed != reader->fixed) return NULL;
    if (!by_winograd(plan, node, &winograd)) return NULL;
    nx_tensor *parts = nx_winograd_statistics(plan, node, &winograd, groups, segments);
    if (parts) parts->last = reader->index;
    return parts;
}

/* Whether the kernel of this convolution can read x enlarged; for the others that is written first. */
static bool reads_enlarged(const nx_graph *g, nx_shape x, nx_shape w, nx_shape y, const nx_conv_options *o)
{
    nx_winograd it = {.x = x, .y = y, .zoom = o->upsample};
    bool gpu = g->info.family == NX_FAMILY_GPU;
    return gpu || (w.n == 3 && w.h == 3 && o->stride == 1 && nx_winograd_suits(&g->info, &it));
}

nx_tensor *nx_conv(nx_graph *g, nx_tensor *x, nx_tensor *w, nx_tensor *b, nx_conv_options o)
{
    if (!o.stride) o.stride = 1;
    if (!o.upsample) o.upsample = 1;
    nx_shape s = {x->shape.n, x->shape.h * o.upsample, x->shape.w * o.upsample, x->shape.c}, k = w->shape;
    NX_CHECK(s.c == k.w, "conv: %d input channels, weights for %d", s.c, k.w);
    NX_CHECK(!b || nx_shape_equal(b->shape, NX_VECTOR(k.c)), "conv: a bias of another size");
    NX_CHECK(s.h + 2 * o.pad >= k.n && s.w + 2 * o.pad >= k.h, "conv: a kernel of %d x %d on an image of %d x %d", k.n,
             k.h, s.h, s.w);
    NX_CHECK(o.padding != NX_PADDING_REFLECT || (o.pad < s.h && o.pad < s.w), "conv: reflection beyond the image");
    nx_shape y = {s.n, (s.h + 2 * o.pad - k.n) / o.stride + 1, (s.w + 2 * o.pad - k.h) / o.stride + 1, k.c};
    if (o.upsample > 1 && !reads_enlarged(g, x->shape, k, y, &o)) {
        x = nx_upsample(g, x, o.upsample);
        o.upsample = 1;
    }
    return record(g, (attr){o, false}, y, x, w, b);
}

nx_tensor *nx_conv_transposed(nx_graph *g, nx_tensor *x, nx_tensor *w, nx_tensor *b, nx_conv_options o)
{
    if (!o.stride) o.stride = 1;
    o.upsample = 1;
    nx_shape s = x->shape, k = w->shape;
    NX_CHECK(s.c == k.c, "conv_transposed: %d input channels, weights for %d", s.c, k.c);
    NX_CHECK(!b || nx_shape_equal(b->shape, NX_VECTOR(k.w)), "conv_transposed: a bias of another size");
    NX_CHECK(o.padding == NX_PADDING_ZERO, "conv_transposed: zero padding only");
    nx_shape y = {s.n, (s.h - 1) * o.stride - 2 * o.pad + k.n + o.output_pad,
                  (s.w - 1) * o.stride - 2 * o.pad + k.h + o.output_pad, k.w};
    return record(g, (attr){o, true}, y, x, w, b);
}
