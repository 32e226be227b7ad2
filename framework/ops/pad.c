/* Padding, and its adjoint, which gathers: along each axis a pixel was copied to its own place and to at most two runs
 * of places, one before and one after the image. */
#include "ops/pad.h"

#include "ops/rows.h"

static nx_shape padded(nx_shape s, const nx_pad_options *o)
{
    return (nx_shape){s.n, s.h + o->top + o->bottom, s.w + o->left + o->right, s.c};
}

static bool fits(int length, int before, int after, nx_padding mode)
{
    int most = before > after ? before : after;
    bool mirror = mode == NX_PADDING_REFLECT, torus = mode == NX_PADDING_CIRCULAR;
    return before >= 0 && after >= 0 && (!mirror || most < length) && (!torus || most <= length);
}

static void check(nx_shape s, const nx_pad_options *o)
{
    NX_CHECK(fits(s.h, o->top, o->bottom, o->mode) && fits(s.w, o->left, o->right, o->mode),
             "pad: %d %d %d %d around %d x %d pixels in mode %d", o->top, o->bottom, o->left, o->right, s.h, s.w,
             (int)o->mode);
}

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_pad_gradient(g, dy[0], node->in[0]->shape, *(const nx_pad_options *)node->attr);
}

static void bind(nx_plan *plan, nx_node *node)
{
    const nx_pad_options *o = node->attr;
    nx_tensor *x = node->in[0], *y = node->out[0];
    nx_step *step =
        nx_plan_launch(plan, node, "pad", "pad", NULL, nx_range_rows(plan, y->shape),
                       NX_ARGS({"x", .t = x}, {"y", .t = y}, {"h", .i = x->shape.h}, {"w", .i = x->shape.w},
                               {"channels", .i = x->shape.c}, {"out_h", .i = y->shape.h}, {"out_w", .i = y->shape.w},
                               {"top", .i = o->top}, {"left", .i = o->left}, {"mode", .i = o->mode}));
    step->bytes = (double)x->bytes + (double)y->bytes;
}

static const nx_op op = {.name = "pad", .cost = NX_COST_LOW, .gradient = gradient, .bind = bind};

/* The adjoint of the adjoint is the padding itself. */
static void gradient_of_gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want,
                                 nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_pad(g, dy[0], *(const nx_pad_options *)node->attr);
}

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    const nx_pad_options *o = node->attr;
    nx_tensor *dy = node->in[0], *dx = node->out[0];
    nx_step *step = nx_plan_launch(
        plan, node, "pad", "pad_gradient", NULL, nx_range_rows(plan, dx->shape),
        NX_ARGS({"dy", .t = dy}, {"dx", .t = dx}, {"h", .i = dx->shape.h}, {"w", .i = dx->shape.w},
                {"channels", .i = dx->shape.c}, {"top", .i = o->top}, {"bottom", .i = o->bottom},
                {"left", .i = o->left}, {"right", .i = o->right}, {"mode", .i = o->mode}, {"out_w", .i = dy->shape.w}));
    step->bytes = (double)dy->bytes + (double)dx->bytes;
}

static const nx_op gradient_op = {.name = "pad_gradient", .gradient = gradient_of_gradient, .bind = bind_gradient};

nx_tensor *nx_pad(nx_graph *g, nx_tensor *x, nx_pad_options o)
{
    check(x->shape, &o);
    return nx_node_single(g, &op, &o, sizeof o, padded(x->shape, &o), x, NULL, NULL, NULL);
}

nx_tensor *nx_pad_gradient(nx_graph *g, nx_tensor *dy, nx_shape x_shape, nx_pad_options o)
{
    check(x_shape, &o);
    NX_CHECK(nx_shape_equal(dy->shape, padded(x_shape, &o)), "pad: the gradient has another shape");
    return nx_node_single(g, &gradient_op, &o, sizeof o, x_shape, dy, NULL, NULL, NULL);
}
