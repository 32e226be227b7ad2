/* ONNX models (.onnx): nodes, the tensors they are given, and the names between them, read whole.
 *
 * A reader, not a run-time: what nodes compute is the caller's business. Graphs inside nodes (If, Loop), sparse tensors
 * and numbers in files beside the model are not read: a tensor of those has no numbers.
 *
 * ONNX is protobuf, and this is a reader of its wire format, bounds checked, with the few fields that are wanted in one
 * function a message: less than generated code and its library would be, and messages nest only as deep as those
 * functions do.
 *
 *     nx_onnx *model;
 *     if (!nx_onnx_open(&model, "candy.onnx", err)) return false;
 *     for (size_t i = 0; i < model->n_nodes; i++) puts(model->nodes[i].op);       "Conv"
 *     nx_onnx_free(model);
 */
#ifndef NX_IO_ONNX_H
#define NX_IO_ONNX_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { NX_ONNX_RANK_MAX = 8, NX_ONNX_MOST = 1 << 16 }; /* nodes, tensors */
enum { NX_ONNX_FLOAT = 1, NX_ONNX_INT64 = 7 };         /* types of tensors that are read */

typedef struct nx_onnx_tensor {
    const char *name;
    int type; /* as ONNX numbers them */
    int rank;
    size_t shape[NX_ONNX_RANK_MAX];
    size_t count;          /* the product of the shape */
    const float *reals;    /* row-major, of NX_ONNX_FLOAT */
    const int64_t *wholes; /* of NX_ONNX_INT64; both NULL in any other tensor */
} nx_onnx_tensor;

typedef struct nx_onnx_attribute {
    const char *name, *text; /* text: "" where it has none */
    float real;
    int64_t whole;
    int64_t *wholes;
    size_t n_wholes;
    nx_onnx_tensor *tensor; /* NULL: it has none */
} nx_onnx_attribute;

typedef struct nx_onnx_node {
    const char *op; /* its type: "Conv" */
    const char **in, **out;
    nx_onnx_attribute *attributes;
    size_t n_in, n_out, n_attributes;
} nx_onnx_node;

typedef struct nx_onnx {
    nx_onnx_node *nodes; /* in the file's order, which is one in which they can run */
    nx_onnx_tensor *tensors;
    const char **inputs; /* names; of older models, those of the tensors too */
    const char **outputs;
    size_t n_nodes, n_tensors, n_inputs, n_outputs;
    char *bytes; /* of the file, which texts lie in */
} nx_onnx;

/* Reads all of a file. What is cut off, damaged, or no model is an error that says where. Texts are what the file has,
 * and may be empty, but not NULL. */
bool nx_onnx_open(nx_onnx **out, const char *path, nx_error *err);
void nx_onnx_free(nx_onnx *model);

/* NULL if there is none. A tensor: of the model, or the value of a Constant. */
const nx_onnx_attribute *nx_onnx_attribute_of(const nx_onnx_node *node, const char *name);
const nx_onnx_tensor *nx_onnx_find(const nx_onnx *model, const char *name);

#endif
