/* The numbers of fields are those of onnx.proto. */
#include "apply/onnx_graph.h"

#include "base/memory.h"
#include "base/text.h"
#include "device/gemm.h"
#include "ops/conv.h"
#include "ops/lrn.h"
#include "ops/norm.h"
#include "ops/pad.h"
#include "ops/pool.h"
#include "ops/slice.h"

#include <stdlib.h>
#include <string.h>

enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, VALUE_TEXT = 3, TYPE_TENSOR = 1, ELEMENT_TYPE = 1, SHAPE = 2, DIM = 1 };
enum { DIM_VALUE = 1, DIM_NAME = 2 };
enum { TYPE_FLOAT = 1, TYPE_INT64 = 7 };

onnx_graph *onnx_graph_new(const nx_graph *g)
{
    onnx_graph *o = nx_alloc(sizeof *o);
    o->g = g;
    o->values = nx_alloc((g->n_tensors + 1) * sizeof *o->values);
    return o;
}

void onnx_graph_free(onnx_graph *o)
{
    if (!o) return;
    nx_protobuf_writer_free(&o->nodes);
    nx_protobuf_writer_free(&o->initializers);
    nx_protobuf_writer_free(&o->inputs);
    nx_protobuf_writer_free(&o->outputs);
    for (size_t i = 0; i < o->n_names; i++) free(o->names[i]);
    free(o->names);
    free(o->values);
    free(o);
}

static const char *keep(onnx_graph *o, char *name)
{
    NX_GROW(o->names, o->n_names);
    return o->names[o->n_names++] = name;
}

const char *onnx_value(const onnx_graph *o, const nx_tensor *t) { return o->values[t->id]; }

void onnx_set_value(onnx_graph *o, const nx_tensor *t, const char *name)
{
    o->values[t->id] = keep(o, nx_copy_text(name));
}

/* ---- nodes ---- */

static void put_attribute(nx_protobuf_writer *node, const onnx_attribute *a)
{
    static const int types[] = {[ONNX_INTEGER] = 2, [ONNX_FLOAT] = 1, [ONNX_TEXT] = 3, [ONNX_INTEGERS] = 7};
    nx_protobuf_writer w = {0};
    nx_protobuf_put_text(&w, ATTRIBUTE_NAME, a->name);
    if (a->kind == ONNX_INTEGER) nx_protobuf_put_number(&w, ATTRIBUTE_I, a->i);
    if (a->kind == ONNX_FLOAT) nx_protobuf_put_float(&w, ATTRIBUTE_F, a->f);
    if (a->kind == ONNX_TEXT) nx_protobuf_put_text(&w, ATTRIBUTE_S, a->text);
    for (int i = 0; i < a->count; i++) nx_protobuf_put_number(&w, ATTRIBUTE_INTS, a->list[i]);
    nx_protobuf_put_number(&w, ATTRIBUTE_TYPE, types[a->kind]);
    nx_protobuf_put_message(node, NODE_ATTRIBUTE, &w);
}

void onnx_put_as(onnx_graph *o, const char *output, const char *op, const char *const *in,
                 const onnx_attribute *attributes)
{
    nx_protobuf_writer w = {0};
    while (*in) nx_protobuf_put_text(&w, NODE_INPUT, *in++);
    nx_protobuf_put_text(&w, NODE_OUTPUT, output);
    nx_protobuf_put_text(&w, NODE_NAME, output);
    nx_protobuf_put_text(&w, NODE_OP, op);
    for (const onnx_attribute *a = attributes; a && a->name; a++) put_attribute(&w, a);
    nx_protobuf_put_message(&o->nodes, GRAPH_NODE, &w);
}

const char *onnx_put(onnx_graph *o, const char *op, const char *const *in, const onnx_attribute *attributes)
{
    const char *output = keep(o, nx_format("%s_%zu", op, o->n_names));
    onnx_put_as(o, output, op, in, attributes);
    return output;
}

/* ---- numbers ---- */

static void put_tensor(onnx_graph *o, const char *name, int type, int rank, const int64_t *dims, const void *values,
                       size_t bytes)
{
    nx_protobuf_writer w = {0};
    for (int i = 0; i < rank; i++) nx_protobuf_put_number(&w, TENSOR_DIMS, dims[i]);
    nx_protobuf_put_number(&w, TENSOR_TYPE, type);
    nx_protobuf_put_text(&w, TENSOR_NAME, name);
    nx_protobuf_put_bytes(&w, TENSOR_RAW, values, bytes);
    nx_protobuf_put_message(&o->initializers, GRAPH_INITIALIZER, &w);
}

const char *onnx_floats(onnx_graph *o, int rank, const int64_t *dims, const float *values)
{
    size_t bytes = sizeof *values;
    for (int i = 0; i < rank; i++) bytes *= (size_t)dims[i];
    const char *name = keep(o, nx_format("floats_%zu", o->n_names));
    put_tensor(o, name, TYPE_FLOAT, rank, dims, values, bytes);
    return name;
}

const char *onnx_integers(onnx_graph *o, int count, const int64_t *values)
{
    const char *name = keep(o, nx_format("integers_%zu", o->n_names));
    put_tensor(o, name, TYPE_INT64, 1, (int64_t[]){count}, values, (size_t)count * sizeof *values);
    return name;
}

static const char *scalar(onnx_graph *o, float value) { return onnx_floats(o, 0, NULL, &value); }

/* A parameter or a constant in the file's layout, under its own name where it has one. */
static const char *numbers(onnx_graph *o, const nx_tensor *t, int rank, const int64_t *dims)
{
    if (o->values[t->id]) return o->values[t->id];
    const nx_param constant = {.shape = t->shape, .initial = t->constant};
    size_t count = nx_shape_count(t->shape);
    float *values = nx_alloc(count * sizeof *values);
    nx_param_export(t->param ? t->param : &constant, values);
    if (t->param) {
        onnx_set_value(o, t, t->param->name);
        put_tensor(o, t->param->name, TYPE_FLOAT, rank, dims, values, count * sizeof *values);
    } else {
        o->values[t->id] = onnx_floats(o, rank, dims, values);
    }
    free(values);
    return o->values[t->id];
}

static const char *weights(onnx_graph *o, const nx_tensor *t)
{
    nx_shape s = t->shape;
    return numbers(o, t, 4, (int64_t[]){s.c, s.w, s.n, s.h});
}

static const char *vector(onnx_graph *o, const nx_tensor *t) { return numbers(o, t, 1, (int64_t[]){t->shape.c}); }

/* ---- what comes in and goes out ---- */

static void put_dim(nx_protobuf_writer *shape, int size, const char *prefix, const char *name)
{
    nx_protobuf_writer dim = {0};
    char *full = prefix ? nx_format("%s%s", prefix, name) : NULL;
    if (full)
        nx_protobuf_put_text(&dim, DIM_NAME, full);
    else
        nx_protobuf_put_number(&dim, DIM_VALUE, size);
    nx_protobuf_put_message(shape, DIM, &dim);
    free(full);
}

static void put_value(nx_protobuf_writer *graph, int field, const onnx_tensor *t)
{
    nx_protobuf_writer shape = {0}, tensor = {0}, type = {0}, value = {0};
    put_dim(&shape, 1, NULL, NULL);
    put_dim(&shape, t->channels, NULL, NULL);
    put_dim(&shape, t->height, t->sizes, "height");
    put_dim(&shape, t->width, t->sizes, "width");
    nx_protobuf_put_number(&tensor, ELEMENT_TYPE, TYPE_FLOAT);
    nx_protobuf_put_message(&tensor, SHAPE, &shape);
    nx_protobuf_put_message(&type, TYPE_TENSOR, &tensor);
    nx_protobuf_put_text(&value, VALUE_NAME, t->name);
    nx_protobuf_put_message(&value, VALUE_TYPE, &type);
    if (t->what) nx_protobuf_put_text(&value, VALUE_TEXT, t->what);
    nx_protobuf_put_message(graph, field, &value);
}

void onnx_add_input(onnx_graph *o, const onnx_tensor *t) { put_value(&o->inputs, GRAPH_INPUT, t); }
void onnx_add_output(onnx_graph *o, const onnx_tensor *t) { put_value(&o->outputs, GRAPH_OUTPUT, t); }

/* ---- operations: each gives the name of its first output, or NULL with an error ---- */

static const char *activated(onnx_graph *o, const char *x, nx_activation kind, float slope)
{
    switch (kind) {
    case NX_ACTIVATION_NONE:
        return x;
    case NX_ACTIVATION_RELU:
        return onnx_put(o, "Relu", ONNX_IN(x), NULL);
    case NX_ACTIVATION_LEAKY_RELU:
        return onnx_put(o, "LeakyRelu", ONNX_IN(x), ONNX_WITH({"alpha", ONNX_FLOAT, .f = slope}));
    case NX_ACTIVATION_TANH:
        return onnx_put(o, "Tanh", ONNX_IN(x), NULL);
    }
    nx_die("no activation %d", (int)kind);
}

static const char *enlarged(onnx_graph *o, const char *x, int factor)
{
    const float scales[] = {1, 1, (float)factor, (float)factor};
    return onnx_put(o, "Resize", ONNX_IN(x, "", onnx_floats(o, 1, (int64_t[]){4}, scales)),
                    ONNX_WITH({"mode", ONNX_TEXT, .text = "nearest"},
                              {"coordinate_transformation_mode", ONNX_TEXT, .text = "asymmetric"},
                              {"nearest_mode", ONNX_TEXT, .text = "floor"}));
}

static const char *cut(onnx_graph *o, const char *x, int axis, int64_t from, int64_t to)
{
    return onnx_put(
        o, "Slice",
        ONNX_IN(x, onnx_integers(o, 1, &from), onnx_integers(o, 1, &to), onnx_integers(o, 1, (int64_t[]){axis})), NULL);
}

/* "wrap" of Pad came with opset 19: the last pixels before, the first ones after. */
static const char *around(onnx_graph *o, const char *x, int axis, int pixels)
{
    const char *last = cut(o, x, axis, -pixels, INT64_MAX), *first = cut(o, x, axis, 0, pixels);
    return onnx_put(o, "Concat", ONNX_IN(last, x, first), ONNX_WITH({"axis", ONNX_INTEGER, .i = axis}));
}

static const char *padded(onnx_graph *o, const char *x, nx_padding mode, int p)
{
    static const char *const modes[] = {
        [NX_PADDING_ZERO] = "constant", [NX_PADDING_REFLECT] = "reflect", [NX_PADDING_REPLICATE] = "edge"};
    if (mode == NX_PADDING_CIRCULAR) return around(o, around(o, x, 2, p), 3, p);
    const int64_t pads[] = {0, 0, p, p, 0, 0, p, p};
    return onnx_put(o, "Pad", ONNX_IN(x, onnx_integers(o, 8, pads)),
                    ONNX_WITH({"mode", ONNX_TEXT, .text = modes[mode]}));
}

static const char *pad(onnx_graph *o, const nx_node *node, nx_error *err)
{
    const nx_pad_options *p = node->attr;
    if (p->top != p->bottom || p->left != p->right || p->top != p->left)
        return nx_fail(err, "pad that is not as wide on all sides has no counterpart here"), NULL;
    return padded(o, onnx_value(o, node->in[0]), p->mode, p->top);
}

/* Ends are counted from the end, so that they hold for every size. */
static const char *slice(onnx_graph *o, const nx_node *node, nx_error *err)
{
    const nx_slice_options *s = node->attr;
    nx_shape x = node->in[0]->shape, y = node->out[0]->shape;
    const int first[] = {s->c.first, s->h.first, s->w.first}, size[] = {y.c, y.h, y.w}, whole[] = {x.c, x.h, x.w};
    const char *value = onnx_value(o, node->in[0]);
    (void)err;
    for (int axis = 0; axis < 3; axis++) {
        int after = whole[axis] - first[axis] - size[axis];
        if (size[axis] < whole[axis]) value = cut(o, value, axis + 1, first[axis], after ? -after : INT64_MAX);
    }
    return value;
}

static const char *convolve(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    const nx_conv_attr *a = node->attr;
    const nx_conv_options *c = &a->o;
    const char *x = onnx_value(o, node->in[0]), *y;
    int64_t stride = c->stride, pad = c->pad;
    if (c->upsample > 1) x = enlarged(o, x, c->upsample); /* first, as where it is a node of its own */
    const char *w = weights(o, node->in[1]), *b = node->n_in > 2 ? vector(o, node->in[2]) : NULL;
    if (pad && c->padding != NX_PADDING_ZERO) x = padded(o, x, c->padding, c->pad), pad = 0;
    if (a->transposed)
        y = onnx_put(o, "ConvTranspose", ONNX_IN(x, w, b),
                     ONNX_WITH({"strides", ONNX_INTEGERS, .list = {stride, stride}, .count = 2},
                               {"pads", ONNX_INTEGERS, .list = {pad, pad, pad, pad}, .count = 4},
                               {"output_padding", ONNX_INTEGERS, .list = {c->output_pad, c->output_pad}, .count = 2}));
    else
        y = onnx_put(o, "Conv", ONNX_IN(x, w, b),
                     ONNX_WITH({"strides", ONNX_INTEGERS, .list = {stride, stride}, .count = 2},
                               {"pads", ONNX_INTEGERS, .list = {pad, pad, pad, pad}, .count = 4}));
    return activated(o, y, c->activation, c->slope);
}

/* Statistics of the batch are those of the one image. */
static const char *normalize(onnx_graph *o, const nx_node *node, nx_error *err)
{
    const nx_norm_attr *a = node->attr;
    if (!a->affine) return nx_fail(err, "norm without gamma and beta has no counterpart in ONNX"), NULL;
    const char *x = onnx_value(o, node->in[0]), *gamma = vector(o, node->in[1]), *beta = vector(o, node->in[2]);
    const onnx_attribute *epsilon = ONNX_WITH({"epsilon", ONNX_FLOAT, .f = a->o.epsilon});
    const char *y = a->instance || a->o.training
                        ? onnx_put(o, "InstanceNormalization", ONNX_IN(x, gamma, beta), epsilon)
                        : onnx_put(o, "BatchNormalization",
                                   ONNX_IN(x, gamma, beta, vector(o, node->in[3]), vector(o, node->in[4])), epsilon);
    y = activated(o, y, a->o.activation, a->o.slope);
    return a->residual ? onnx_put(o, "Add", ONNX_IN(y, onnx_value(o, node->in[node->n_in - 1])), NULL) : y;
}

static const char *pool(onnx_graph *o, const nx_node *node, nx_error *err)
{
    const nx_pool_options *p = node->attr;
    if (p->ceil) return nx_fail(err, "pool with windows beyond the border has no counterpart in ONNX"), NULL;
    return onnx_put(o, p->kind == NX_POOL_MAX ? "MaxPool" : "AveragePool", ONNX_IN(onnx_value(o, node->in[0])),
                    ONNX_WITH({"kernel_shape", ONNX_INTEGERS, .list = {p->size, p->size}, .count = 2},
                              {"strides", ONNX_INTEGERS, .list = {p->stride, p->stride}, .count = 2}));
}

static const char *resize(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    nx_shape x = node->in[0]->shape, y = node->out[0]->shape;
    const float scales[] = {1, 1, (float)y.h / (float)x.h, (float)y.w / (float)x.w};
    return onnx_put(o, "Resize", ONNX_IN(onnx_value(o, node->in[0]), "", onnx_floats(o, 1, (int64_t[]){4}, scales)),
                    ONNX_WITH({"mode", ONNX_TEXT, .text = "linear"},
                              {"coordinate_transformation_mode", ONNX_TEXT, .text = "half_pixel"}));
}

static const char *upsample(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    return enlarged(o, onnx_value(o, node->in[0]), *(const int *)node->attr);
}

static const char *shift(onnx_graph *o, const nx_node *node, nx_error *err)
{
    const char *y = onnx_value(o, node->in[0]);
    const int64_t dims[] = {1, node->out[0]->shape.c, 1, 1};
    (void)err;
    y = onnx_put(o, "Mul", ONNX_IN(y, numbers(o, node->in[1], 4, dims)), NULL);
    return onnx_put(o, "Add", ONNX_IN(y, numbers(o, node->in[2], 4, dims)), NULL);
}

static const char *scale(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    return onnx_put(o, "Mul", ONNX_IN(onnx_value(o, node->in[0]), scalar(o, *(const float *)node->attr)), NULL);
}

static const char *add(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    return onnx_put(o, "Add", ONNX_IN(onnx_value(o, node->in[0]), onnx_value(o, node->in[1])), NULL);
}

static const char *concat(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    const char *in[NX_MAX_INPUTS + 1] = {NULL};
    for (int i = 0; i < node->n_in; i++) in[i] = onnx_value(o, node->in[i]);
    return onnx_put(o, "Concat", in, ONNX_WITH({"axis", ONNX_INTEGER, .i = 1}));
}

static const char *rectify(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    float slope = *(const float *)node->attr;
    return activated(o, onnx_value(o, node->in[0]), slope > 0 ? NX_ACTIVATION_LEAKY_RELU : NX_ACTIVATION_RELU, slope);
}

static const char *normalize_response(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    const nx_lrn_options *l = node->attr;
    return onnx_put(o, "LRN", ONNX_IN(onnx_value(o, node->in[0])),
                    ONNX_WITH({"size", ONNX_INTEGER, .i = l->size}, {"alpha", ONNX_FLOAT, .f = l->alpha},
                              {"beta", ONNX_FLOAT, .f = l->beta}, {"bias", ONNX_FLOAT, .f = l->k}));
}

/* A fully connected layer is a convolution of one pixel. */
static const char *multiply(onnx_graph *o, const nx_node *node, nx_error *err)
{
    const nx_gemm_problem *p = node->attr;
    nx_shape x = node->in[0]->shape;
    if (!node->in[1]->param || x.n * x.h * x.w != 1 || p->transpose_a || p->transpose_b || (p->alpha && p->alpha != 1))
        return nx_fail(err, "gemm of more than one pixel and a parameter has no counterpart here"), NULL;
    return onnx_put(o, "Conv", ONNX_IN(onnx_value(o, node->in[0]), weights(o, node->in[1])), NULL);
}

static const char *add_bias(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    const nx_tensor *b = node->in[1];
    return onnx_put(o, "Add", ONNX_IN(onnx_value(o, node->in[0]), numbers(o, b, 4, (int64_t[]){1, b->shape.c, 1, 1})),
                    NULL);
}

static const char *turned(onnx_graph *o, const char *x, int64_t a, int64_t b, int64_t c)
{
    return onnx_put(o, "Transpose", ONNX_IN(x), ONNX_WITH({"perm", ONNX_INTEGERS, .list = {0, a, b, c}, .count = 4}));
}

/* Numbers follow each other as NHWC. */
static const char *reshape(onnx_graph *o, const nx_node *node, nx_error *err)
{
    (void)err;
    nx_shape s = node->out[0]->shape;
    const char *sizes = onnx_integers(o, 4, (int64_t[]){s.n, s.h, s.w, s.c});
    const char *x = turned(o, onnx_value(o, node->in[0]), 2, 3, 1);
    return turned(o, onnx_put(o, "Reshape", ONNX_IN(x, sizes), NULL), 3, 1, 2);
}

static const struct row {
    const char *op;
    const char *(*put)(onnx_graph *o, const nx_node *node, nx_error *err);
} rows[] = {
    {"add", add},        {"affine", shift},  {"bias", add_bias},      {"concat", concat},
    {"conv", convolve},  {"gemm", multiply}, {"leaky_relu", rectify}, {"lrn", normalize_response},
    {"norm", normalize}, {"pad", pad},       {"pool", pool},          {"reshape", reshape},
    {"resize", resize},  {"scale", scale},   {"slice", slice},        {"upsample", upsample},
};

static const struct row *row_of(const nx_node *node)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].op, node->op->name)) return &rows[i];
    return NULL;
}

bool onnx_record(onnx_graph *o, nx_error *err)
{
    for (size_t i = 0; i < o->g->n_nodes; i++) {
        const nx_node *node = o->g->nodes[i];
        const struct row *row = row_of(node);
        if (onnx_value(o, node->out[0])) continue;
        if (!row) return nx_fail(err, "the operation %s has no counterpart in ONNX here", node->op->name);
        const char *y = row->put(o, node, err);
        if (!y) return false;
        o->values[node->out[0]->id] = y;
    }
    return true;
}
