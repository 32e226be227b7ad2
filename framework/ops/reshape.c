/* An alias, forward and backward. */
#include "ops/reshape.h"

#include "graph/plan.h"

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_reshape(g, dy[0], node->in[0]->shape);
}

/* The output lives in x's buffer, whoever else reads that. One node longer than needed: so no operation in place, which
 * looks for the last reader, ever overwrites a buffer that has two names. */
static void share(nx_plan *plan, nx_node *node)
{
    (void)plan;
    nx_tensor *root = node->in[0]->root, *out = node->out[0];
    out->root = root;
    if (root->last <= out->last) root->last = out->last + 1;
}

static void bind(nx_plan *plan, nx_node *node) { (void)plan, (void)node; }

static const nx_op op = {.name = "reshape", .cost = NX_COST_LOW, .gradient = gradient, .plan = share, .bind = bind};

nx_tensor *nx_reshape(nx_graph *g, nx_tensor *x, nx_shape shape)
{
    NX_CHECK(nx_shape_count(shape) == nx_shape_count(x->shape), "reshape: %zu numbers as %zu", nx_shape_count(x->shape),
             nx_shape_count(shape));
    return nx_node_single(g, &op, NULL, 0, shape, x, NULL, NULL, NULL);
}
