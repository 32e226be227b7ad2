/* With s[c] = k + alpha / size * sum x[j]^2:
 *
 *     dx[c] = dy[c] s[c]^-beta - 2 alpha beta / size * x[c] * sum of dy[j] x[j] s[j]^(-beta - 1)
 *
 * in two kernels: the first term with the sum's terms, then the sum. s is computed again, not stored. */
#include "ops/lrn.h"

#include "ops/rows.h"

static void plan_gradient(nx_plan *plan, nx_node *node) { nx_plan_scratch(plan, node, 0, node->out[0]->bytes); }

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    const nx_lrn_options *o = node->attr;
    nx_tensor *x = node->in[0], *dy = node->in[1], *dx = node->out[0], *terms = node->scratch[0];
    nx_range range = nx_range_rows(plan, x->shape);
    double share = (double)o->alpha / o->size;
    nx_step *step =
        nx_plan_launch(plan, node, "lrn", "lrn_gradient_terms", NULL, range,
                       NX_ARGS({"x", .t = x}, {"dy", .t = dy}, {"dx", .t = dx}, {"terms", .t = terms},
                               {"width", .i = x->shape.w}, {"channels", .i = x->shape.c}, {"reach", .i = o->size / 2},
                               {"share", .f = share}, {"beta", .f = o->beta}, {"k", .f = o->k}));
    step->bytes = 4.0 * (double)x->bytes;
    step = nx_plan_launch(plan, node, "lrn", "lrn_gradient", NULL, range,
                          NX_ARGS({"x", .t = x}, {"terms", .t = terms}, {"dx", .t = dx}, {"width", .i = x->shape.w},
                                  {"channels", .i = x->shape.c}, {"reach", .i = o->size / 2},
                                  {"factor", .f = 2 * share * (double)o->beta}));
    step->bytes = 4.0 * (double)x->bytes;
}

static const nx_op gradient_op = {.name = "lrn_gradient", .plan = plan_gradient, .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    nx_tensor *x = node->in[0];
    dx[0] = nx_node_single(g, &gradient_op, node->attr, sizeof(nx_lrn_options), x->shape, x, dy[0], NULL, NULL);
}

static void bind(nx_plan *plan, nx_node *node)
{
    const nx_lrn_options *o = node->attr;
    nx_tensor *x = node->in[0], *y = node->out[0];
    nx_step *step =
        nx_plan_launch(plan, node, "lrn", "lrn", NULL, nx_range_rows(plan, x->shape),
                       NX_ARGS({"x", .t = x}, {"y", .t = y}, {"width", .i = x->shape.w}, {"channels", .i = x->shape.c},
                               {"reach", .i = o->size / 2}, {"share", .f = (double)o->alpha / o->size},
                               {"beta", .f = o->beta}, {"k", .f = o->k}));
    step->bytes = 2.0 * (double)x->bytes;
}

static const nx_op op = {.name = "lrn", .cost = NX_COST_LOW, .gradient = gradient, .bind = bind};

nx_tensor *nx_lrn(nx_graph *g, nx_tensor *x, nx_lrn_options o)
{
    if (!o.size) o.size = 5;
    if (o.alpha == 0) o.alpha = 1e-4f;
    if (o.beta == 0) o.beta = .75f;
    if (o.k == 0) o.k = 1;
    NX_CHECK(o.size % 2 == 1, "lrn: a window of %d channels has no middle", o.size);
    return nx_node_single(g, &op, &o, sizeof o, x->shape, x, NULL, NULL, NULL);
}
