/* A computation, recorded once: tensors, and nodes that make tensors from tensors.
 *
 * An experiment records a graph; nx_gradient appends the gradient's own nodes; a plan (graph/plan) gives every buffer
 * its place and binds every kernel. Nothing here touches a device: the graph knows only the device's description, so
 * that memory is known before the first kernel runs.
 *
 *     nx_graph *g = nx_graph_new(&info);
 *     nx_tensor *x = nx_input(g, (nx_shape){1, 64, 64, 3}, "x");
 *     nx_tensor *loss = nx_mse(g, x, target), *dx;
 *     nx_gradient(g, loss, &x, 1, &dx);
 *
 * The graph owns its tensors and nodes; parameters belong to their store (graph/param).
 */
#ifndef NX_GRAPH_GRAPH_H
#define NX_GRAPH_GRAPH_H

#include "device/device.h"
#include "graph/param.h"
#include "graph/shape.h"

typedef struct nx_graph nx_graph;
typedef struct nx_node nx_node;
typedef struct nx_plan nx_plan;

typedef enum nx_role {
    NX_ROLE_VALUE,    /* made by a node */
    NX_ROLE_INPUT,    /* written by the host before a run (nx_plan_write) */
    NX_ROLE_CONSTANT, /* written once */
    NX_ROLE_PARAM     /* a parameter, which outlives the graph */
} nx_role;

typedef struct nx_tensor {
    nx_shape shape;
    nx_role role;
    char *name; /* of inputs and parameters; NULL for values without one */
    size_t id;  /* place in the graph's list */
    nx_node *producer;
    nx_param *param;
    float *constant; /* the constant's values, until the plan has uploaded them */
    bool kept;       /* its values can be read after a run */
    bool ahead;      /* see nx_ahead */
    size_t bytes;    /* of its buffer */
    cl_mem buffer;   /* after nx_plan_realize */

    /* The plan's own. Tensors that share a buffer (in-place operations) share the root's place. */
    struct nx_tensor *root;
    int first, last; /* the nodes between which the buffer is alive, in the plan's order */
    int chunk;
    size_t offset;
    bool fixed; /* depends on constants and frozen parameters alone: computed once */
} nx_tensor;

/* NX_MAX_INPUTS: of operations that are differentiable or may be made again; an update of parameters has more. */
enum { NX_MAX_INPUTS = 64, NX_MAX_OUTPUTS = 4, NX_MAX_SCRATCH = 4 };

/* What the outputs of an operation cost to be made a second time (graph/recompute). Only operations that do nothing
 * but make their outputs, and the same bits from the same inputs, may have a cost. */
typedef enum nx_cost {
    NX_COST_UNKNOWN, /* never made again */
    NX_COST_LOW,     /* about a pass over the inputs */
    NX_COST_WEIGHTS  /* a sum over the weights, the node's second input, for every number */
} nx_cost;

/* Some of the channels of a tensor, from `first` on, for one with so many fewer pixels along each side, of which each
 * becomes a square. */
typedef struct nx_place {
    nx_tensor *tensor; /* NULL: nowhere */
    int first, factor;
} nx_place;

/* What an operation is: one constant table per operation, in its framework/ops file. */
typedef struct nx_op {
    const char *name;
    int in_place; /* 1 + the input whose buffer the first output may take over when nothing else needs it; 0: none */
    bool held;    /* differentiation takes its outputs for constants */
    nx_cost cost;

    /* Appends the nodes of the gradient. dy[k] is the gradient of output k (NULL if nothing depends on it); sets dx[i]
     * for every input i with want[i]. NULL: not differentiable (asking for it is a bug). */
    void (*gradient)(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx);

    /* Asks for scratch and derived tensors (nx_plan_scratch, nx_plan_derived). May be NULL. */
    void (*plan)(nx_plan *plan, nx_node *node);

    /* After plan(): whether bind() will write the first output there (nx_plan_place). NULL: no. */
    bool (*place)(nx_plan *plan, nx_node *node, const nx_place *place);

    /* Appends the launches (nx_plan_launch); every buffer exists now. */
    void (*bind)(nx_plan *plan, nx_node *node);
} nx_op;

struct nx_node {
    const nx_op *op;
    void *attr; /* the operation's options, owned by the node; NULL if it has none */
    size_t attr_size;
    int n_in, n_out;
    nx_tensor **in, *out[NX_MAX_OUTPUTS];
    nx_tensor *scratch[NX_MAX_SCRATCH]; /* asked for in plan(), by the operation's own numbering */
    void *decided;                      /* in plan(), for bind() (nx_plan_keep), owned by the node; NULL: nothing */
    int index;                          /* place in the plan's order */
    bool fixed;                         /* runs once, not in every step */
    const char *label;                  /* the scope it was recorded in, for profiles; may be "" */
};

struct nx_graph {
    nx_device_info info;
    nx_tensor **tensors;
    size_t n_tensors;
    nx_node **nodes;
    size_t n_nodes;
    size_t n_forward; /* nodes before the first gradient; 0: there is none */
    char **labels;
    size_t n_labels;
    const char *label;
    uint64_t stream; /* of random operations recorded so far: each gets its own */
};

nx_graph *nx_graph_new(const nx_device_info *info);
void nx_graph_free(nx_graph *g);

nx_tensor *nx_input(nx_graph *g, nx_shape shape, const char *name);
nx_tensor *nx_constant(nx_graph *g, nx_shape shape, const float *values); /* copied; NULL: 0, in memory not touched */
nx_tensor *nx_use(nx_graph *g, nx_param *param);                          /* the same tensor for the same parameter */
nx_tensor *nx_keep(nx_tensor *t);                                         /* gives t */

/* From now on the host writes t before each run, as it does an input; what made t is left out by nx_graph_prune. */
nx_tensor *nx_feed(nx_tensor *t); /* gives t */

/* Marks an input of which the values for the next run are written while a run may still be under way: on a device with
 * memory of its own (nx_device_info.unified is false) that upload then overlaps the run, and needs a second buffer. */
nx_tensor *nx_ahead(nx_tensor *input); /* gives input */

/* Leaves out every node on which no kept tensor depends. Before the plan, after everything is recorded and kept; of a
 * graph without gradients. */
void nx_graph_prune(nx_graph *g);

/* Nodes recorded from now on carry this label (copied), such as "descriptor/conv1_1"; NULL or "" ends it. */
void nx_graph_label(nx_graph *g, const char *label);

/* Sets `fixed` of every tensor and node: what depends on constants and frozen parameters alone. */
void nx_graph_find_fixed(nx_graph *g);

/* For operations: appends a node; attr is copied. Then its outputs, in order. */
nx_node *nx_node_new(nx_graph *g, const nx_op *op, const void *attr, size_t attr_size, int n_in, nx_tensor *const *in);
nx_tensor *nx_node_output(nx_graph *g, nx_node *node, nx_shape shape);

/* The common case in one line: a node with up to four inputs (NULL ones at the end are left out) and one output. */
nx_tensor *nx_node_single(nx_graph *g, const nx_op *op, const void *attr, size_t attr_size, nx_shape shape,
                          nx_tensor *a, nx_tensor *b, nx_tensor *c, nx_tensor *d);

/* Appends the gradient of a scalar (shape 1x1x1x1) by each of wrt; out[i] is NULL where the scalar does not depend on
 * wrt[i]. Only nodes on a path from a wrt to the scalar are visited. A node that makes much of little (the gradient of
 * a Gram matrix by the features) comes just before the first that reads it. */
void nx_gradient(nx_graph *g, nx_tensor *scalar, nx_tensor *const *wrt, size_t count, nx_tensor **out);

#endif
