/* A recorded graph in the words of ONNX: its nodes one after another, each by the row of a table that has its
 * operation's name. Tensors are NCHW there, of one image.
 *
 *     onnx_graph *o = onnx_graph_new(g);
 *     onnx_add_input(o, &(onnx_tensor){.name = "content", .channels = 3, .sizes = ""});
 *     onnx_set_value(o, content, "content");
 *     if (!onnx_record(o, &err)) ...                          an operation without a row, by its name
 *     const char *y = onnx_put(o, "Relu", ONNX_IN(onnx_value(o, output)), NULL);
 *     onnx_graph_free(o);                                     before g
 *
 * The picture's height and width are nowhere in it, but where an operation has a size of its own: what is recorded at
 * another size is the same byte for byte, or depends on it (onnx_export.c compares). The names of values live as long
 * as the graph.
 */
#ifndef APPLY_ONNX_GRAPH_H
#define APPLY_ONNX_GRAPH_H

#include "graph/graph.h"
#include "io/protobuf_writer.h"

enum { ONNX_OPSET = 17 };

typedef struct onnx_graph {
    const nx_graph *g;
    nx_protobuf_writer nodes, initializers, inputs, outputs; /* fields of a GraphProto */
    const char **values;                                     /* of g's tensors, by id; NULL: none yet */
    char **names;                                            /* all that were made here */
    size_t n_names;
} onnx_graph;

onnx_graph *onnx_graph_new(const nx_graph *g);
void onnx_graph_free(onnx_graph *o);

/* The name of a tensor of g, NULL before it has one; and that a tensor of g has the values of that name (copied): what
 * made the tensor is then left out. */
const char *onnx_value(const onnx_graph *o, const nx_tensor *t);
void onnx_set_value(onnx_graph *o, const nx_tensor *t, const char *name);

/* Appends every node of g, with the values of parameters and constants. */
bool onnx_record(onnx_graph *o, nx_error *err);

/* ---- by hand ---- */

typedef struct onnx_attribute {
    const char *name;
    enum { ONNX_INTEGER, ONNX_FLOAT, ONNX_TEXT, ONNX_INTEGERS } kind;
    int64_t i;
    float f;
    const char *text;
    int64_t list[4];
    int count; /* of list */
} onnx_attribute;

#define ONNX_IN(...)                                                                                                   \
    (const char *const[]) { __VA_ARGS__, NULL }
#define ONNX_WITH(...)                                                                                                 \
    (const onnx_attribute[])                                                                                           \
    {                                                                                                                  \
        __VA_ARGS__, { NULL }                                                                                          \
    }

/* Appends a node; gives the name of its output. in: ends with NULL, "" is an input left out. attributes: NULL: none. */
const char *onnx_put(onnx_graph *o, const char *op, const char *const *in, const onnx_attribute *attributes);

/* The same with an output of that name. */
void onnx_put_as(onnx_graph *o, const char *output, const char *op, const char *const *in,
                 const onnx_attribute *attributes);

/* Numbers that are part of the graph. Of rank 0: one number, a scalar. */
const char *onnx_floats(onnx_graph *o, int rank, const int64_t *dims, const float *values);
const char *onnx_integers(onnx_graph *o, int count, const int64_t *values); /* a vector */

typedef struct onnx_tensor { /* 1 x channels x height x width */
    const char *name;
    int channels, height, width;
    const char *sizes; /* NULL: as they are; otherwise any, called SIZESheight and SIZESwidth */
    const char *what;  /* a sentence; NULL: none */
} onnx_tensor;

void onnx_add_input(onnx_graph *o, const onnx_tensor *t);
void onnx_add_output(onnx_graph *o, const onnx_tensor *t);

#endif
