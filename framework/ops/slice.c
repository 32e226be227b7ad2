/* Boxes. The gradient is zero outside the box. Where the box holds all channels, a row of it is one run of numbers, and
 * is copied as such. */
#include "ops/slice.h"

#include "ops/rows.h"

static size_t offset_of(nx_shape s, nx_shape place)
{
    return (((size_t)place.n * (size_t)s.h + (size_t)place.h) * (size_t)s.w + (size_t)place.w) * (size_t)s.c +
           (size_t)place.c;
}

void nx_slice_copy(nx_plan *plan, nx_node *node, nx_tensor *from, nx_shape from_place, nx_tensor *to, nx_shape to_place,
                   nx_shape size)
{
    nx_shape a = from->shape, b = to->shape, runs = size;
    if (size.c == a.c && size.c == b.c) runs = (nx_shape){size.n, size.h, 1, size.w * size.c};
    nx_step *step = nx_plan_launch(
        plan, node, "slice", "slice_copy", NULL, nx_range_rows(plan, runs),
        NX_ARGS({"from", .t = from}, {"to", .t = to}, {"from_first", .i = offset_of(a, from_place)},
                {"to_first", .i = offset_of(b, to_place)}, {"height", .i = runs.h}, {"runs", .i = runs.w},
                {"length", .i = runs.c}, {"from_height", .i = a.h}, {"from_row", .i = a.w * a.c},
                {"from_run", .i = a.c}, {"to_height", .i = b.h}, {"to_row", .i = b.w * b.c}, {"to_run", .i = b.c}));
    step->bytes = 2.0 * (double)nx_shape_count(size) * sizeof(float);
}

static nx_shape first_of(const nx_node *node)
{
    const nx_slice_options *o = node->attr;
    return (nx_shape){o->n.first, o->h.first, o->w.first, o->c.first};
}

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    nx_tensor *dy = node->in[0], *dx = node->out[0];
    nx_step *step = nx_plan_launch(plan, node, "slice", "slice_zero", NULL,
                                   nx_range_flat(plan, nx_shape_count(dx->shape)), NX_ARGS({"x", .t = dx}));
    step->bytes = (double)dx->bytes;
    nx_slice_copy(plan, node, dy, (nx_shape){0}, dx, first_of(node), dy->shape);
}

static const nx_op gradient_op = {.name = "slice_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_node_single(g, &gradient_op, node->attr, sizeof(nx_slice_options), node->in[0]->shape, dy[0], NULL, NULL,
                           NULL);
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_slice_copy(plan, node, node->in[0], first_of(node), node->out[0], (nx_shape){0}, node->out[0]->shape);
}

static const nx_op op = {.name = "slice", .cost = NX_COST_LOW, .gradient = gradient, .bind = bind};

static int size_of(nx_interval i, int length, const char *axis)
{
    int size = i.size ? i.size : length - i.first;
    NX_CHECK(i.first >= 0 && size > 0 && i.first + size <= length, "slice: %d and %d on of the %d of axis %s", i.first,
             size, length, axis);
    return size;
}

nx_tensor *nx_slice(nx_graph *g, nx_tensor *x, nx_slice_options o)
{
    nx_shape s = {size_of(o.n, x->shape.n, "n"), size_of(o.h, x->shape.h, "h"), size_of(o.w, x->shape.w, "w"),
                  size_of(o.c, x->shape.c, "c")};
    return nx_node_single(g, &op, &o, sizeof o, s, x, NULL, NULL, NULL);
}
