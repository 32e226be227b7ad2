/* First which values the gradient keeps and which it makes again; then the copies, each before its first reader. */
#include "graph/recompute.h"

#include "base/memory.h"

#include <stdlib.h>

enum { FEW_WEIGHTS = 64 }; /* numbers that one output is summed over, for a sum that costs little */

/* Takes up memory between the forward part and the gradient only because the gradient reads it. */
static bool transient(const nx_tensor *t) { return t->role == NX_ROLE_VALUE && !t->kept && !t->fixed; }

/* Where level 2 stops: the output is smaller than what it was made from, or joins two paths. */
static bool narrow_place(const nx_node *node)
{
    size_t largest = 0;
    int values = 0;
    for (int k = 0; k < node->n_in; k++) {
        if (!transient(node->in[k])) continue;
        values++;
        if (node->in[k]->bytes > largest) largest = node->in[k]->bytes;
    }
    return values > 1 || node->out[0]->bytes < largest;
}

static bool affordable(const nx_node *node, int level)
{
    if (node->fixed || node->op->cost == NX_COST_UNKNOWN) return false;
    if (level > 1) return !narrow_place(node);
    if (node->op->cost == NX_COST_LOW) return true;
    nx_shape w = node->in[1]->shape; /* HWIO */
    return nx_shape_count(w) / (size_t)w.c <= FEW_WEIGHTS;
}

/* The first node after the gradient's start that writes parameters: an update has no output. */
static size_t first_update(const nx_graph *g)
{
    size_t i = g->n_forward;
    while (i < g->n_nodes && g->nodes[i]->n_out) i++;
    return i;
}

/* needed[t]: kept for the gradient. Gives again[i]: forward node i is copied. Owned by the caller. */
static bool *choose(const nx_graph *g, int level, size_t end)
{
    bool *needed = nx_alloc(g->n_tensors * sizeof *needed), *again = nx_alloc(g->n_nodes * sizeof *again);
    for (size_t i = g->n_forward; i < end; i++)
        for (int k = 0; k < g->nodes[i]->n_in; k++) needed[g->nodes[i]->in[k]->id] = transient(g->nodes[i]->in[k]);
    for (size_t i = g->n_forward; i-- > 0;) {
        const nx_node *node = g->nodes[i];
        size_t saved = 0, instead = 0;
        for (int k = 0; k < node->n_out; k++)
            if (needed[node->out[k]->id]) saved += node->out[k]->bytes;
        for (int k = 0; k < node->n_in; k++)
            if (transient(node->in[k]) && !needed[node->in[k]->id]) instead += node->in[k]->bytes;
        if (saved <= instead || !affordable(node, level)) continue;
        again[i] = true;
        for (int k = 0; k < node->n_out; k++) needed[node->out[k]->id] = false;
        for (int k = 0; k < node->n_in; k++) needed[node->in[k]->id] |= transient(node->in[k]);
    }
    free(needed);
    return again;
}

typedef struct rewrite {
    nx_graph *g;
    const bool *again; /* of the forward nodes, by place */
    size_t *place;     /* of a tensor's producer, by id */
    nx_tensor **copy;  /* of a tensor, by id; NULL: none yet */
    nx_node **nodes;   /* the new list */
    size_t n_nodes;
} rewrite;

static void append(rewrite *r, nx_node *node)
{
    NX_GROW(r->nodes, r->n_nodes);
    r->nodes[r->n_nodes++] = node;
}

/* What a node of the gradient reads instead of t. */
static nx_tensor *again_of(rewrite *r, nx_tensor *t)
{
    if (!t->producer || r->place[t->id] >= r->g->n_forward || !r->again[r->place[t->id]]) return t;
    if (r->copy[t->id]) return r->copy[t->id];
    const nx_node *from = t->producer;
    nx_tensor *in[NX_MAX_INPUTS];
    for (int k = 0; k < from->n_in; k++) in[k] = again_of(r, from->in[k]);
    nx_node *node = nx_node_new(r->g, from->op, from->attr, from->attr_size, from->n_in, in);
    r->g->n_nodes--; /* its place is in the new list */
    node->label = from->label;
    for (int k = 0; k < from->n_out; k++) r->copy[from->out[k]->id] = nx_node_output(r->g, node, from->out[k]->shape);
    append(r, node);
    return r->copy[t->id];
}

size_t nx_recompute(nx_graph *g, int level)
{
    NX_CHECK(level >= 0 && level <= NX_RECOMPUTE_MOST, "no level %d of recomputation", level);
    if (!level || !g->n_forward) return 0;
    nx_graph_find_fixed(g);
    size_t end = first_update(g), before = g->n_nodes;
    bool *again = choose(g, level, end);
    rewrite r = {.g = g, .again = again, .place = nx_alloc(g->n_tensors * sizeof *r.place)};
    r.copy = nx_alloc(g->n_tensors * sizeof *r.copy);
    for (size_t i = 0; i < before; i++)
        for (int k = 0; k < g->nodes[i]->n_out; k++) r.place[g->nodes[i]->out[k]->id] = i;
    for (size_t i = 0; i < before; i++) {
        nx_node *node = g->nodes[i];
        for (int k = 0; i >= g->n_forward && i < end && k < node->n_in; k++) node->in[k] = again_of(&r, node->in[k]);
        append(&r, node);
    }
    free(g->nodes);
    g->nodes = r.nodes;
    g->n_nodes = r.n_nodes;
    free(again);
    free(r.place);
    free(r.copy);
    return g->n_nodes - before;
}
