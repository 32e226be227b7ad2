/* Pooling. The gradients gather: every pixel of dx visits the windows that hold it; for a maximum it finds out again
 * whether it was the one, so that neither indices are stored nor sums depend on timing. */
#include "ops/pool.h"

#include "graph/plan.h"
#include "ops/rows.h"

#include <stdio.h>

static const char *const kernels[][2] = {
    [NX_POOL_MAX] = {"pool_max", "pool_max_gradient"}, [NX_POOL_AVERAGE] = {"pool_average", "pool_average_gradient"}};

/* For cl/pool.cl, in out, which is returned. */
static const char *defines(char out[48], const nx_pool_options *o)
{
    snprintf(out, 48, "-DSIZE=%d -DSTRIDE=%d", o->size, o->stride);
    return out;
}

/* The sizes of the picture and of what is pooled, as all kernels take them. */
#define SIZES(x, y)                                                                                                    \
    {"h", .i = (x)->shape.h}, {"w", .i = (x)->shape.w}, {"channels", .i = (x)->shape.c}, {"out_h", .i = (y)->shape.h}, \
    {                                                                                                                  \
        "out_w", .i = (y)->shape.w                                                                                     \
    }

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    const nx_pool_options *o = node->attr;
    nx_tensor *dy = node->in[0], *dx = node->out[0];
    char text[48];
    defines(text, o);
    nx_range range = nx_range_rows(plan, dx->shape);
    const char *kernel = kernels[o->kind][1];
    nx_step *step =
        o->kind == NX_POOL_MAX
            ? nx_plan_launch(plan, node, "pool", kernel, text, range,
                             NX_ARGS({"x", .t = node->in[1]}, {"dy", .t = dy}, {"dx", .t = dx}, SIZES(dx, dy)))
            : nx_plan_launch(plan, node, "pool", kernel, text, range,
                             NX_ARGS({"dy", .t = dy}, {"dx", .t = dx}, SIZES(dx, dy)));
    step->bytes = (double)dy->bytes + (o->kind == NX_POOL_MAX ? 2.0 : 1.0) * (double)dx->bytes;
}

static const nx_op gradient_op = {.name = "pool_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    const nx_pool_options *o = node->attr;
    nx_tensor *x = node->in[0];
    dx[0] =
        nx_node_single(g, &gradient_op, o, sizeof *o, x->shape, dy[0], o->kind == NX_POOL_MAX ? x : NULL, NULL, NULL);
}

static void bind(nx_plan *plan, nx_node *node)
{
    const nx_pool_options *o = node->attr;
    nx_tensor *x = node->in[0], *y = node->out[0];
    char text[48];
    nx_step *step = nx_plan_launch(plan, node, "pool", kernels[o->kind][0], defines(text, o),
                                   nx_range_rows(plan, y->shape), NX_ARGS({"x", .t = x}, {"y", .t = y}, SIZES(x, y)));
    step->bytes = (double)x->bytes + (double)y->bytes;
}

static const nx_op op = {.name = "pool", .cost = NX_COST_LOW, .gradient = gradient, .bind = bind};

static int windows(int length, const nx_pool_options *o)
{
    int spare = length - o->size + (o->ceil ? o->stride - 1 : 0), count = spare / o->stride + 1;
    if (o->ceil && (count - 1) * o->stride >= length) count--;
    return spare < 0 && !o->ceil ? 0 : count;
}

nx_tensor *nx_pool(nx_graph *g, nx_tensor *x, nx_pool_options o)
{
    if (!o.size) o.size = 2;
    if (!o.stride) o.stride = o.size;
    nx_shape s = {x->shape.n, windows(x->shape.h, &o), windows(x->shape.w, &o), x->shape.c};
    NX_CHECK(s.h > 0 && s.w > 0, "pool: no window of %d in %d x %d pixels", o.size, x->shape.h, x->shape.w);
    return nx_node_single(g, &op, &o, sizeof o, s, x, NULL, NULL, NULL);
}

/* One window, which the borders cut to the picture. */
nx_tensor *nx_pool_all(nx_graph *g, nx_tensor *x)
{
    int side = x->shape.h > x->shape.w ? x->shape.h : x->shape.w;
    return nx_pool(g, x, (nx_pool_options){.kind = NX_POOL_AVERAGE, .size = side, .ceil = true});
}
