/* Recording. */
#include "graph/graph.h"

#include "base/memory.h"
#include "device/memory.h"

#include <stdlib.h>
#include <string.h>

nx_graph *nx_graph_new(const nx_device_info *info)
{
    nx_graph *g = nx_alloc(sizeof *g);
    g->info = *info;
    g->label = "";
    return g;
}

static void node_free(nx_node *node)
{
    free(node->in);
    free(node->attr);
    free(node->decided);
    free(node);
}

void nx_graph_free(nx_graph *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->n_tensors; i++) {
        free(g->tensors[i]->name);
        free(g->tensors[i]->constant);
        free(g->tensors[i]);
    }
    for (size_t i = 0; i < g->n_nodes; i++) node_free(g->nodes[i]);
    for (size_t i = 0; i < g->n_labels; i++) free(g->labels[i]);
    free(g->tensors);
    free(g->nodes);
    free(g->labels);
    free(g);
}

static nx_tensor *tensor_new(nx_graph *g, nx_shape shape, nx_role role, const char *name)
{
    NX_CHECK(shape.n > 0 && shape.h > 0 && shape.w > 0 && shape.c > 0, "an empty tensor: %d x %d x %d x %d", shape.n,
             shape.h, shape.w, shape.c);
    nx_tensor *t = nx_alloc(sizeof *t);
    *t = (nx_tensor){.shape = shape, .role = role, .name = nx_copy_text(name)};
    t->bytes = nx_align(nx_shape_count(shape) * sizeof(float));
    t->root = t;
    t->id = g->n_tensors;
    NX_GROW(g->tensors, g->n_tensors);
    return g->tensors[g->n_tensors++] = t;
}

nx_tensor *nx_input(nx_graph *g, nx_shape shape, const char *name) { return tensor_new(g, shape, NX_ROLE_INPUT, name); }

nx_tensor *nx_constant(nx_graph *g, nx_shape shape, const float *values)
{
    nx_tensor *t = tensor_new(g, shape, NX_ROLE_CONSTANT, NULL);
    size_t bytes = nx_shape_count(shape) * sizeof(float);
    t->constant = values ? nx_copy(values, bytes) : nx_alloc(bytes);
    return t;
}

nx_tensor *nx_use(nx_graph *g, nx_param *param)
{
    for (size_t i = 0; i < g->n_tensors; i++)
        if (g->tensors[i]->param == param) return g->tensors[i];
    nx_tensor *t = tensor_new(g, param->shape, NX_ROLE_PARAM, param->name);
    t->param = param;
    return t;
}

nx_tensor *nx_keep(nx_tensor *t)
{
    t->kept = true;
    return t;
}

nx_tensor *nx_ahead(nx_tensor *input)
{
    NX_CHECK(input->role == NX_ROLE_INPUT, "only inputs are written ahead");
    input->ahead = true;
    return input;
}

nx_tensor *nx_feed(nx_tensor *t)
{
    t->role = NX_ROLE_INPUT;
    t->producer = NULL;
    return t;
}

/* A node comes after those that it depends on, so one pass from the last to the first finds all that is needed. */
void nx_graph_prune(nx_graph *g)
{
    NX_CHECK(!g->n_forward, "a graph with gradients is pruned");
    bool *needed = nx_alloc((g->n_tensors + 1) * sizeof *needed);
    for (size_t i = 0; i < g->n_tensors; i++) needed[i] = g->tensors[i]->kept;
    for (size_t i = g->n_nodes; i-- > 0;) {
        nx_node *node = g->nodes[i];
        bool wanted = false;
        for (int k = 0; k < node->n_out; k++) wanted |= node->out[k]->producer && needed[node->out[k]->id];
        for (int k = 0; wanted && k < node->n_in; k++) needed[node->in[k]->id] = true;
        if (wanted) continue;
        node_free(node);
        memmove(&g->nodes[i], &g->nodes[i + 1], (--g->n_nodes - i) * sizeof *g->nodes);
    }
    free(needed);
}

void nx_graph_label(nx_graph *g, const char *label)
{
    g->label = "";
    if (!label || !*label) return;
    NX_GROW(g->labels, g->n_labels);
    g->label = g->labels[g->n_labels++] = nx_copy_text(label);
}

void nx_graph_find_fixed(nx_graph *g)
{
    for (size_t i = 0; i < g->n_tensors; i++) {
        nx_tensor *t = g->tensors[i];
        t->fixed = t->role == NX_ROLE_CONSTANT || (t->role == NX_ROLE_PARAM && t->param->frozen);
    }
    for (size_t i = 0; i < g->n_nodes; i++) {
        nx_node *node = g->nodes[i];
        node->fixed = node->n_in > 0 && node->n_out > 0;
        for (int k = 0; k < node->n_in; k++) node->fixed &= node->in[k]->fixed;
        for (int k = 0; k < node->n_out; k++) node->out[k]->fixed = node->fixed;
    }
}

nx_node *nx_node_new(nx_graph *g, const nx_op *op, const void *attr, size_t attr_size, int n_in, nx_tensor *const *in)
{
    NX_CHECK(n_in <= NX_MAX_INPUTS || (!op->gradient && !op->cost), "%s: %d inputs, at most %d", op->name, n_in,
             NX_MAX_INPUTS);
    nx_node *node = nx_alloc(sizeof *node);
    node->op = op;
    node->attr = attr_size ? nx_copy(attr, attr_size) : NULL;
    node->attr_size = attr_size;
    node->n_in = n_in;
    node->label = g->label;
    node->in = nx_copy(in, (size_t)n_in * sizeof *in);
    NX_GROW(g->nodes, g->n_nodes);
    return g->nodes[g->n_nodes++] = node;
}

nx_tensor *nx_node_output(nx_graph *g, nx_node *node, nx_shape shape)
{
    NX_CHECK(node->n_out < NX_MAX_OUTPUTS, "%s: too many outputs", node->op->name);
    nx_tensor *t = tensor_new(g, shape, NX_ROLE_VALUE, NULL);
    t->producer = node;
    return node->out[node->n_out++] = t;
}

nx_tensor *nx_node_single(nx_graph *g, const nx_op *op, const void *attr, size_t attr_size, nx_shape shape,
                          nx_tensor *a, nx_tensor *b, nx_tensor *c, nx_tensor *d)
{
    nx_tensor *in[] = {a, b, c, d};
    int n_in = 0;
    while (n_in < 4 && in[n_in]) n_in++;
    return nx_node_output(g, nx_node_new(g, op, attr, attr_size, n_in, in), shape);
}
