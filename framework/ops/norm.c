/* Forward: statistics of segments, by a pass or by the convolution before, merged, applied. Backward: sums of dz and dz
 * xhat of segments, merged, applied; dz is the gradient before the activation, from the output y. The statistics are
 * the node's second output. */
#include "ops/norm.h"

#include "base/blocks.h"
#include "ops/conv.h"
#include "ops/rows.h"

#include <stdio.h>

enum { PARTS = 0, MEANS = 1 };             /* scratch slots */
enum { CPU_VECTORS = 4, GPU_VECTORS = 1 }; /* of a work-item: VECTORS of cl/norm.cl */
enum {
    MOST_LINES = 256,
    LEAST_LINES = 16,
    ITEMS_UNIT = 32,
    GPU_ITEMS_UNIT = 1024
}; /* lines of a segment; items wanted */

static int vectors_of(const nx_plan *plan)
{
    return nx_plan_info(plan)->family == NX_FAMILY_GPU ? GPU_VECTORS : CPU_VECTORS;
}

/* How a tensor is cut up: see cl/norm.cl. */
typedef struct layout {
    int groups, channels, period, run, segments;
    size_t total, blocks;
} layout;

static layout layout_of(const nx_plan *plan, const nx_norm_attr *a, nx_shape x)
{
    bool gpu = nx_plan_info(plan)->family == NX_FAMILY_GPU;
    int width = nx_plan_lanes(plan) * vectors_of(plan);
    layout l = {.groups = a->instance ? x.n : 1, .channels = x.c, .period = x.c};
    while (l.period % width) l.period += x.c;
    l.total = nx_shape_count(x) / (size_t)l.groups;
    l.blocks = (size_t)(l.period / width);
    size_t lines = nx_blocks(l.total, (size_t)l.period);
    size_t run =
        lines * l.blocks * (size_t)l.groups / (nx_plan_info(plan)->units * (gpu ? GPU_ITEMS_UNIT : ITEMS_UNIT));
    run = run < LEAST_LINES ? LEAST_LINES : run > MOST_LINES ? MOST_LINES : run;
    if (gpu && nx_blocks(lines, run) > NX_MOST_GROUPS) run = nx_blocks(lines, NX_MOST_GROUPS); /* beyond a launch */
    l.run = (int)run;
    l.segments = (int)nx_blocks(lines, run);
    return l;
}

static size_t parts_bytes(const layout *l, size_t rows)
{
    return (size_t)l->groups * (size_t)l->segments * rows * (size_t)l->period * sizeof(float);
}

static nx_range items(const nx_plan *plan, const layout *l)
{
    size_t local = nx_plan_info(plan)->family == NX_FAMILY_GPU ? 0 : 1;
    return (nx_range){
        .dims = 3, .global = {l->blocks, (size_t)l->segments, (size_t)l->groups}, .local = {local, local, local}};
}

static nx_range one_each(int channels) { return (nx_range){.dims = 1, .global = {(size_t)channels}}; }

static double slope_of(const nx_norm_options *o)
{
    return o->activation == NX_ACTIVATION_RELU ? 0.0 : o->activation == NX_ACTIVATION_NONE ? 1.0 : (double)o->slope;
}

/* Appends a launch of cl/norm.cl. */
static nx_step *launch(nx_plan *plan, nx_node *node, const char *kernel, nx_range range, const nx_arg *args)
{
    char defines[16];
    snprintf(defines, sizeof defines, "-DVECTORS=%d", vectors_of(plan));
    return nx_plan_launch(plan, node, "norm", kernel, defines, range, args);
}

static bool fixed_statistics(const nx_norm_attr *a) { return !a->instance && !a->o.training; }

/* ---- forward: in x, [gamma, beta,] [running mean, running variance,] [residual]; out y, statistics ---- */

static void plan_norm(nx_plan *plan, nx_node *node)
{
    layout l = layout_of(plan, node->attr, node->in[0]->shape);
    int segments;
    nx_plan_keep(plan, node, &(nx_place){0}, sizeof(nx_place));
    if (fixed_statistics(node->attr) || nx_conv_statistics(plan, node, l.groups, &segments)) return;
    nx_plan_scratch(plan, node, PARTS, parts_bytes(&l, 3));
}

static bool place_norm(nx_plan *plan, nx_node *node, const nx_place *place)
{
    const nx_norm_attr *a = node->attr;
    if (a->residual) return false;
    nx_plan_keep(plan, node, place, sizeof *place);
    return true;
}

static void bind(nx_plan *plan, nx_node *node)
{
    const nx_norm_attr *a = node->attr;
    const nx_place *place = node->decided;
    nx_tensor *x = node->in[0], *y = node->out[0], *statistics = node->out[1];
    nx_tensor *gamma = a->affine ? node->in[1] : statistics, *beta = a->affine ? node->in[2] : statistics;
    layout l = layout_of(plan, a, x->shape);
    if (fixed_statistics(a)) {
        int running = a->affine ? 3 : 1;
        launch(plan, node, "norm_running", one_each(l.channels),
               NX_ARGS({"mean", .t = node->in[running]}, {"variance", .t = node->in[running + 1]},
                       {"statistics", .t = statistics}, {"channels", .i = l.channels}, {"epsilon", .f = a->o.epsilon}));
    } else {
        int segments, period = l.channels;
        nx_tensor *parts = nx_conv_statistics(plan, node, l.groups, &segments);
        if (!parts) {
            parts = node->scratch[PARTS], segments = l.segments, period = l.period;
            nx_step *step = launch(plan, node, "norm_statistics", items(plan, &l),
                                   NX_ARGS({"x", .t = x}, {"parts", .t = parts}, {"total", .i = l.total},
                                           {"period", .i = l.period}, {"run", .i = l.run}));
            step->bytes = (double)x->bytes;
        }
        launch(plan, node, "norm_merge", nx_range_groups(plan, (size_t)(l.groups * l.channels)),
               NX_ARGS({"parts", .t = parts}, {"statistics", .t = statistics}, {"total", .i = l.total},
                       {"period", .i = period}, {"segments", .i = segments}, {"channels", .i = l.channels},
                       {"epsilon", .f = a->o.epsilon}));
    }
    if (place->tensor) {
        nx_shape s = x->shape;
        nx_step *step =
            launch(plan, node, "norm_place", nx_range_rows(plan, s),
                   NX_ARGS({"x", .t = x}, {"statistics", .t = statistics}, {"gamma", .t = gamma}, {"beta", .t = beta},
                           {"y", .t = place->tensor}, {"rows", .i = s.n * s.h / l.groups}, {"width", .i = s.w},
                           {"channels", .i = l.channels}, {"affine", .i = a->affine}, {"kind", .i = a->o.activation},
                           {"slope", .f = slope_of(&a->o)}, {"factor", .i = place->factor},
                           {"to_channels", .i = place->tensor->shape.c}, {"first", .i = place->first}));
        step->bytes = (1.0 + place->factor * place->factor) * (double)x->bytes;
        return;
    }
    nx_step *step =
        launch(plan, node, "norm_apply", items(plan, &l),
               NX_ARGS({"x", .t = x}, {"statistics", .t = statistics}, {"gamma", .t = gamma}, {"beta", .t = beta},
                       {"residual", .t = node->in[a->residual ? node->n_in - 1 : 0]}, {"y", .t = y},
                       {"total", .i = l.total}, {"period", .i = l.period}, {"run", .i = l.run},
                       {"channels", .i = l.channels}, {"affine", .i = a->affine}, {"add", .i = a->residual},
                       {"kind", .i = a->o.activation}, {"slope", .f = slope_of(&a->o)}));
    step->bytes = (a->residual ? 3.0 : 2.0) * (double)x->bytes;
}

/* ---- backward: in x, dy, statistics[, gamma][, y]; out dx, dgamma, dbeta ---- */

static void plan_gradient(nx_plan *plan, nx_node *node)
{
    layout l = layout_of(plan, node->attr, node->in[0]->shape);
    nx_plan_scratch(plan, node, PARTS, parts_bytes(&l, 2));
    nx_plan_scratch(plan, node, MEANS, (size_t)l.groups * 2 * (size_t)l.channels * sizeof(float));
}

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    const nx_norm_attr *a = node->attr;
    nx_tensor *x = node->in[0], *dy = node->in[1], *statistics = node->in[2];
    nx_tensor *gamma = a->affine ? node->in[3] : statistics, *y = a->o.activation ? node->in[node->n_in - 1] : dy;
    nx_tensor *parts = node->scratch[PARTS], *means = node->scratch[MEANS];
    layout l = layout_of(plan, a, x->shape);
    double reads = a->o.activation ? 3.0 : 2.0;
    nx_step *step =
        launch(plan, node, "norm_gradient_sums", items(plan, &l),
               NX_ARGS({"x", .t = x}, {"y", .t = y}, {"dy", .t = dy}, {"statistics", .t = statistics},
                       {"parts", .t = parts}, {"total", .i = l.total}, {"period", .i = l.period}, {"run", .i = l.run},
                       {"channels", .i = l.channels}, {"kind", .i = a->o.activation}, {"slope", .f = slope_of(&a->o)}));
    step->bytes = reads * (double)x->bytes;
    launch(plan, node, "norm_gradient_merge", nx_range_groups(plan, (size_t)l.channels),
           NX_ARGS({"parts", .t = parts}, {"means", .t = means}, {"dgamma", .t = node->out[1]},
                   {"dbeta", .t = node->out[2]}, {"total", .i = l.total}, {"period", .i = l.period},
                   {"segments", .i = l.segments}, {"groups", .i = l.groups}, {"channels", .i = l.channels},
                   {"fixed_statistics", .i = fixed_statistics(a)}));
    step =
        launch(plan, node, "norm_gradient_apply", items(plan, &l),
               NX_ARGS({"x", .t = x}, {"y", .t = y}, {"dy", .t = dy}, {"statistics", .t = statistics},
                       {"gamma", .t = gamma}, {"means", .t = means}, {"dx", .t = node->out[0]}, {"total", .i = l.total},
                       {"period", .i = l.period}, {"run", .i = l.run}, {"channels", .i = l.channels},
                       {"affine", .i = a->affine}, {"kind", .i = a->o.activation}, {"slope", .f = slope_of(&a->o)}));
    step->bytes = (reads + 1.0) * (double)x->bytes;
}

static const nx_op gradient_op = {.name = "norm_gradient", .in_place = 2, .plan = plan_gradient, .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    const nx_norm_attr *a = node->attr;
    nx_tensor *in[5] = {node->in[0], dy[0], node->out[1]};
    int n_in = 3;
    if (a->affine) in[n_in++] = node->in[1];
    if (a->o.activation) in[n_in++] = node->out[0];
    nx_node *back = nx_node_new(g, &gradient_op, a, sizeof *a, n_in, in);
    nx_shape vector = NX_VECTOR(node->in[0]->shape.c);
    nx_tensor *dinput = nx_node_output(g, back, node->in[0]->shape);
    nx_tensor *dgamma = nx_node_output(g, back, vector), *dbeta = nx_node_output(g, back, vector);
    if (want[0]) dx[0] = dinput;
    if (a->affine && want[1]) dx[1] = dgamma;
    if (a->affine && want[2]) dx[2] = dbeta;
    if (a->residual && want[node->n_in - 1]) dx[node->n_in - 1] = dy[0];
}

static const nx_op op = {.name = "norm",
                         .cost = NX_COST_LOW,
                         .in_place = 1,
                         .gradient = gradient,
                         .plan = plan_norm,
                         .place = place_norm,
                         .bind = bind};

/* ---- running statistics: in statistics, running mean, running variance, the last two written ---- */

static void bind_update(nx_plan *plan, nx_node *node)
{
    const float *numbers = node->attr; /* momentum, biased to unbiased */
    int channels = node->in[1]->shape.c;
    launch(plan, node, "norm_update", one_each(channels),
           NX_ARGS({"statistics", .t = node->in[0]}, {"mean", .t = node->in[1]}, {"variance", .t = node->in[2]},
                   {"channels", .i = channels}, {"momentum", .f = numbers[0]}, {"unbiased", .f = numbers[1]}));
}

static const nx_op update_op = {.name = "norm_update", .bind = bind_update};

/* ---- recording ---- */

static nx_node *record(nx_graph *g, nx_norm_attr a, nx_tensor *x, nx_tensor *gamma, nx_tensor *beta, nx_tensor *mean,
                       nx_tensor *variance)
{
    nx_shape vector = NX_VECTOR(x->shape.c);
    NX_CHECK(!gamma == !beta, "norm: gamma and beta go together");
    NX_CHECK(!gamma || (nx_shape_equal(gamma->shape, vector) && nx_shape_equal(beta->shape, vector)),
             "norm: gamma and beta of %d and %d numbers for %d channels", gamma->shape.c, beta->shape.c, x->shape.c);
    NX_CHECK(!a.o.residual || (!a.o.activation && nx_shape_equal(a.o.residual->shape, x->shape)),
             "norm: a residual has the shape of the input, and no activation comes before it");
    nx_tensor *residual = a.o.residual;
    a.o.residual = NULL;
    a.affine = gamma, a.residual = residual;
    if (a.o.epsilon == 0.f) a.o.epsilon = 1e-5f;
    if (a.o.momentum == 0.f) a.o.momentum = 0.1f;
    nx_tensor *in[6] = {x};
    int n_in = 1;
    if (gamma) in[n_in++] = gamma, in[n_in++] = beta;
    if (fixed_statistics(&a)) in[n_in++] = mean, in[n_in++] = variance;
    if (residual) in[n_in++] = residual;
    nx_node *node = nx_node_new(g, &op, &a, sizeof a, n_in, in);
    nx_node_output(g, node, x->shape);
    nx_node_output(g, node, (nx_shape){a.instance ? x->shape.n : 1, 1, 3, x->shape.c});
    return node;
}

nx_tensor *nx_instance_norm(nx_graph *g, nx_tensor *x, nx_tensor *gamma, nx_tensor *beta, nx_norm_options options)
{
    return record(g, (nx_norm_attr){.o = options, .instance = true}, x, gamma, beta, NULL, NULL)->out[0];
}

nx_tensor *nx_batch_norm(nx_graph *g, nx_tensor *x, nx_tensor *gamma, nx_tensor *beta, nx_tensor *running_mean,
                         nx_tensor *running_variance, nx_norm_options options)
{
    nx_shape vector = NX_VECTOR(x->shape.c);
    NX_CHECK(!running_mean == !running_variance && (running_mean || options.training),
             "batch_norm: running statistics go together, and only training does without");
    NX_CHECK(!running_mean ||
                 (nx_shape_equal(running_mean->shape, vector) && nx_shape_equal(running_variance->shape, vector)),
             "batch_norm: running statistics of %d and %d numbers for %d channels", running_mean->shape.c,
             running_variance->shape.c, x->shape.c);
    nx_node *node = record(g, (nx_norm_attr){.o = options}, x, gamma, beta, running_mean, running_variance);
    if (options.training && running_mean) {
        size_t rows = nx_shape_count(x->shape) / (size_t)x->shape.c;
        float momentum = ((const nx_norm_attr *)node->attr)->o.momentum;
        float numbers[] = {momentum, (float)rows / (float)(rows > 1 ? rows - 1 : 1)};
        nx_node_new(g, &update_op, numbers, sizeof numbers, 3,
                    (nx_tensor *[]){node->out[1], running_mean, running_variance});
    }
    return node->out[0];
}
