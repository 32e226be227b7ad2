/* Convolution and transposed convolution: one operation in two directions, each the other's gradient.
 *
 * Gradient by x: the other direction, with the same weights. Where padding is not zero, it is taken by the padded image
 * (a transposed convolution without padding) and folded back; where x was enlarged, the pixels of a square are summed.
 * Gradient by w: products of x and dy summed over pixels. The gradient before a fused activation comes from its output
 * y. By which algorithm any of them is computed is a choice (ops/choice). */
#include "ops/conv.h"

#include "graph/plan.h"
#include "ops/algorithm.h"
#include "ops/channel_sum.h"
#include "ops/upsample.h"

static nx_question question(const nx_conv_attr *a, nx_shape x, nx_shape y, nx_shape w)
{
    return (nx_question){.work = a->transposed && a->o.stride > 1 ? NX_WORK_TRANSPOSED : NX_WORK_CONV,
                         .x = x,
                         .y = y,
                         .kh = w.n,
                         .kw = w.h,
                         .stride = a->o.stride,
                         .zoom = a->o.upsample};
}

static void plan_conv(nx_plan *plan, nx_node *node)
{
    const nx_conv_attr *a = node->attr;
    nx_tensor *x = node->in[0], *w = node->in[1], *y = node->out[0];
    int turn_y = w->shape.n - 1 - a->o.pad, turn_x = w->shape.h - 1 - a->o.pad;
    nx_job_plan(plan, node,
                (nx_job){.q = question(a, x->shape, y->shape, w->shape),
                         .gather = {.up = a->transposed ? 1 : a->o.stride,
                                    .down = a->transposed ? a->o.stride : 1,
                                    .pad_y = a->transposed ? turn_y : a->o.pad,
                                    .pad_x = a->transposed ? turn_x : a->o.pad,
                                    .rotated = a->transposed,
                                    .padding = a->o.padding,
                                    .activation = a->o.activation,
                                    .slope = a->o.slope},
                         .a = x,
                         .b = w,
                         .bias = node->n_in > 2 ? node->in[2] : NULL,
                         .c = y});
}

/* The gradient by the weights, always of a convolution: in[0] its x, in[1] the gradient of its output, out[0] dw. */
static void plan_weights(nx_plan *plan, nx_node *node)
{
    const nx_conv_attr *a = node->attr;
    nx_tensor *x = node->in[0], *dy = node->in[1], *dw = node->out[0];
    nx_question q = question(a, x->shape, dy->shape, dw->shape);
    q.work = NX_WORK_WEIGHTS;
    nx_gather gather = {.up = a->o.stride, .down = 1, .pad_y = a->o.pad, .pad_x = a->o.pad, .padding = a->o.padding};
    nx_job_plan(plan, node, (nx_job){.q = q, .gather = gather, .a = x, .b = dy, .c = dw});
}

static const nx_op weights_op = {.name = "conv_weights", .plan = plan_weights, .bind = nx_job_bind};

/* ---- the operation ---- */

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx);
static const nx_op op = {
    .name = "conv", .cost = NX_COST_WEIGHTS, .gradient = gradient, .plan = plan_conv, .bind = nx_job_bind};

static nx_tensor *record(nx_graph *g, nx_conv_attr a, nx_shape y, nx_tensor *x, nx_tensor *w, nx_tensor *b)
{
    return nx_node_single(g, &op, &a, sizeof a, y, x, w, b, NULL);
}

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    const nx_conv_attr *a = node->attr;
    nx_tensor *x = node->in[0], *w = node->in[1];
    nx_tensor *dz = nx_activation_gradient(g, node->out[0], dy[0], a->o.activation, a->o.slope);
    nx_conv_attr back = {.o = {.stride = a->o.stride, .pad = a->o.pad, .upsample = 1}, .transposed = !a->transposed};
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
    if (!node || node->op != &op || node->fixed != reader->fixed) return NULL;
    const nx_job *job = node->decided;
    if (!job->choice.algorithm->statistics) return NULL;
    nx_tensor *parts = job->choice.algorithm->statistics(plan, node, job, groups, segments);
    if (parts) parts->last = reader->index;
    return parts;
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
    nx_conv_attr a = {o, false};
    nx_question q = question(&a, x->shape, y, k);
    if (o.upsample > 1 && !nx_choose(&g->info, &q).algorithm->enlarged) {
        x = nx_upsample(g, x, o.upsample);
        a.o.upsample = 1;
    }
    return record(g, a, y, x, w, b);
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
    return record(g, (nx_conv_attr){o, true}, y, x, w, b);
}
