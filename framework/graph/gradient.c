/* Differentiation: walks the recorded nodes backwards; every operation on a path appends its gradient's nodes.
 *
 * A node is visited after all that use its outputs, because nodes are recorded in order; a tensor with several users
 * gets the sum of their gradients, in the fixed order of the walk. Losses come last in a graph, so the walk meets their
 * gradients by all features first: those are then put off to where the walk adds them to what comes from above. */
#include "base/memory.h"
#include "graph/graph.h"
#include "graph/plan.h"

#include <stdlib.h>
#include <string.h>

static void bind_sum(nx_plan *plan, nx_node *node)
{
    nx_plan_launch(plan, node, "add", "add", NULL, nx_range_flat(plan, nx_shape_count(node->out[0]->shape)),
                   NX_ARGS({"a", .t = node->in[0]}, {"b", .t = node->in[1]}, {"y", .t = node->out[0]}));
}

static const nx_op sum_op = {.name = "gradient_sum", .in_place = 1, .bind = bind_sum};

static bool reads(const nx_node *node, const nx_tensor *t)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] == t) return true;
    return false;
}

/* The first node from `from` on that reads t; n_nodes if none does. */
static size_t next_reader(const nx_graph *g, const nx_tensor *t, size_t from)
{
    while (from < g->n_nodes && !reads(g->nodes[from], t)) from++;
    return from;
}

/* Moves each of the nodes from `first` on to just before its first reader, if more bytes then live shorter than longer:
 * its outputs, against the inputs that nobody else reads later. */
static void put_off(nx_graph *g, size_t first)
{
    for (size_t i = g->n_nodes; i-- > first;) {
        nx_node *node = g->nodes[i];
        size_t reader = g->n_nodes, shorter = 0, longer = 0;
        for (int k = 0; k < node->n_out; k++) {
            size_t next = next_reader(g, node->out[k], i + 1);
            if (next < reader) reader = next;
            shorter += node->out[k]->bytes;
        }
        if (reader == g->n_nodes || reader == i + 1) continue;
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k]->role == NX_ROLE_VALUE && next_reader(g, node->in[k], reader) == g->n_nodes)
                longer += node->in[k]->bytes;
        if (shorter <= longer) continue;
        memmove(&g->nodes[i], &g->nodes[i + 1], (reader - 1 - i) * sizeof *g->nodes);
        g->nodes[reader - 1] = node;
    }
}

void nx_gradient(nx_graph *g, nx_tensor *scalar, nx_tensor *const *wrt, size_t count, nx_tensor **out)
{
    NX_CHECK(nx_shape_count(scalar->shape) == 1, "the gradient of a tensor that is no scalar");
    size_t n_nodes = g->n_nodes, n_tensors = g->n_tensors;
    bool *wanted = nx_alloc(n_tensors * sizeof *wanted); /* depends on one of wrt */
    nx_tensor **gradient = nx_alloc(n_tensors * sizeof(nx_tensor *));
    for (size_t i = 0; i < count; i++) wanted[wrt[i]->id] = true;
    for (size_t i = 0; i < n_nodes; i++) {
        const nx_node *node = g->nodes[i];
        bool depends = false;
        for (int k = 0; k < node->n_in; k++) depends |= wanted[node->in[k]->id];
        for (int k = 0; depends && !node->op->held && k < node->n_out; k++) wanted[node->out[k]->id] = true;
    }
    gradient[scalar->id] = nx_constant(g, scalar->shape, &(float){1});
    for (size_t i = n_nodes; i-- > 0;) {
        const nx_node *node = g->nodes[i];
        nx_tensor *dy[NX_MAX_OUTPUTS] = {NULL}, *dx[NX_MAX_INPUTS] = {NULL};
        bool want[NX_MAX_INPUTS] = {false}, reached = false, any = false;
        for (int k = 0; k < node->n_out; k++) reached |= (dy[k] = gradient[node->out[k]->id]) != NULL;
        for (int k = 0; k < node->n_in; k++) any |= wanted[node->in[k]->id];
        if (!reached || !any) continue;
        NX_CHECK(node->op->gradient, "%s has no gradient", node->op->name);
        for (int k = 0; k < node->n_in; k++) want[k] = wanted[node->in[k]->id];
        nx_graph_label(g, node->label);
        node->op->gradient(g, node, dy, want, dx);
        for (int k = 0; k < node->n_in; k++) {
            if (!want[k] || !dx[k]) continue;
            nx_tensor **sum = &gradient[node->in[k]->id];
            NX_CHECK(nx_shape_equal(dx[k]->shape, node->in[k]->shape), "%s: the gradient of input %d has another shape",
                     node->op->name, k);
            *sum = *sum ? nx_node_single(g, &sum_op, NULL, 0, dx[k]->shape, *sum, dx[k], NULL, NULL) : dx[k];
        }
    }
    nx_graph_label(g, NULL);
    if (!g->n_forward) g->n_forward = n_nodes;
    put_off(g, n_nodes);
    for (size_t i = 0; i < count; i++) out[i] = gradient[wrt[i]->id];
    free(wanted);
    free(gradient);
}
