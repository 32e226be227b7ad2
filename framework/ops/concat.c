/* Concatenation: each input is copied into its channels, unless what makes it writes it there; the gradients are
 * slices. */
#include "ops/concat.h"

#include "graph/plan.h"
#include "ops/slice.h"

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    int first = 0;
    for (int i = 0; i < node->n_in; first += node->in[i++]->shape.c)
        if (want[i]) dx[i] = nx_slice(g, dy[0], (nx_slice_options){.c = {first, node->in[i]->shape.c}});
}

static void plan_concat(nx_plan *plan, nx_node *node)
{
    bool there[NX_MAX_INPUTS];
    nx_place place = {.tensor = node->out[0], .factor = 1};
    for (int i = 0; i < node->n_in; place.first += node->in[i++]->shape.c)
        there[i] = nx_plan_place(plan, node, node->in[i], place);
    nx_plan_keep(plan, node, there, sizeof there);
}

static void bind(nx_plan *plan, nx_node *node)
{
    const bool *there = node->decided;
    nx_shape place = {0};
    for (int i = 0; i < node->n_in; place.c += node->in[i++]->shape.c)
        if (!there[i]) nx_slice_copy(plan, node, node->in[i], (nx_shape){0}, node->out[0], place, node->in[i]->shape);
}

static const nx_op op = {
    .name = "concat", .cost = NX_COST_LOW, .gradient = gradient, .plan = plan_concat, .bind = bind};

nx_tensor *nx_concat(nx_graph *g, nx_tensor *const *x, int count)
{
    nx_shape s = x[0]->shape;
    for (int i = 1; i < count; i++) {
        nx_shape other = x[i]->shape;
        NX_CHECK(other.n == s.n && other.h == s.h && other.w == s.w, "concat: %d x %d x %d beside %d x %d x %d",
                 other.n, other.h, other.w, s.n, s.h, s.w);
        s.c += other.c;
    }
    return nx_node_output(g, nx_node_new(g, &op, NULL, 0, count, x), s);
}
