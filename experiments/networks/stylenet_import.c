/* Two sources, one network: both give the weights and biases of layers in the order in which they run, which is the
 * order in which StyleNet's parameters are recorded. */
#include "networks/stylenet_import.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS_MOST = 64, CHANNELS_MOST = 1024 };                           /* as [generator] blocks and channels */
enum { PARAMETERS_MOST = 4 * (5 + 2 * BLOCKS_MOST) + 2, OUTPUT_SIZE = 9 }; /* two of a convolution, two of a norm */

/* A parameter as the file has it. */
typedef struct given {
    int rank;
    size_t shape[NX_TENSOR_RANK_MAX];
    const float *data;
    const char *name;
} given;

typedef struct source {
    const char *path;
    given params[PARAMETERS_MOST];
    size_t count;
    int blocks;
} source;

/* ---- from TransformerNet's names ---- */

/* "block2.conv1.weight" of StyleNet is "res2.conv1.conv2d.weight" there; owned by the caller. */
static char *their_name(const char *ours)
{
    int number, half;
    const char *part = strrchr(ours, '.');
    if (sscanf(ours, "block%d.conv%d", &number, &half) == 2)
        return nx_format("res%d.conv%d.conv2d%s", number, half, part);
    if (sscanf(ours, "block%d.norm%d", &number, &half) == 2) return nx_format("res%d.in%d%s", number, half, part);
    if (sscanf(ours, "norm%d", &number) == 1) return nx_format("in%d%s", number, part);
    if (sscanf(ours, "conv%d", &number) != 1) number = 6; /* output */
    return number > 3 ? nx_format("deconv%d.conv2d%s", number - 3, part) : nx_format("conv%d.conv2d%s", number, part);
}

bool stylenet_released(const nx_tensor_file *file)
{
    return nx_tensor_file_find(file, "conv1.conv2d.weight") && nx_tensor_file_find(file, "deconv1.conv2d.weight");
}

static const nx_tensor_entry *block_entry(const nx_tensor_file *file, int block)
{
    char name[48];
    snprintf(name, sizeof name, "res%d.conv1.conv2d.weight", block);
    return nx_tensor_file_find(file, name);
}

static bool from_names(source *s, const nx_tensor_file *file, const nx_params *params, nx_error *err)
{
    size_t running = 0;
    for (size_t i = 0; i < params->count; i++) {
        char *name = their_name(params->items[i]->name);
        const nx_tensor_entry *e = nx_tensor_file_find(file, name);
        if (!e) nx_fail(err, "%s: there is no %s in it, which TransformerNet has", s->path, name);
        free(name);
        if (!e) return false;
        given *g = &s->params[s->count++];
        *g = (given){.rank = e->rank, .data = e->data, .name = e->name};
        for (int k = 0; k < e->rank; k++) g->shape[k] = (size_t)e->shape[k];
    }
    for (size_t i = 0; i < nx_tensor_file_count(file); i++)
        running += strstr(nx_tensor_file_at(file, i)->name, ".running_") != NULL;
    return nx_tensor_file_count(file) == s->count + running ||
           nx_fail(err, "%s: %zu tensors, where TransformerNet of %d blocks has %zu: another network", s->path,
                   nx_tensor_file_count(file) - running, s->blocks, s->count);
}

/* ---- from the nodes of an ONNX model ---- */

enum { NODES_MOST = 1 << 13, CHAIN_MOST = 1 << 11 };

typedef struct chain {
    source *source;
    const nx_onnx *model;
    const nx_onnx_node *nodes[CHAIN_MOST]; /* those that work on the picture, in order */
    size_t count, at;
    nx_error *err;
} chain;

static bool holds(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

static size_t count_op(const nx_onnx *m, const char *op)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_nodes; i++) n += !strcmp(m->nodes[i].op, op);
    return n;
}

/* What the model seems to be, and what was wanted. */
static bool another(chain *c, const char *found, const char *wanted)
{
    size_t convolutions = count_op(c->model, "Conv"), dense = count_op(c->model, "Gemm") + count_op(c->model, "MatMul");
    return nx_fail(
        c->err,
        "%s: an ONNX model of %zu convolution%s%s, with %.40s where %s is expected: of ONNX the style transfer "
        "networks of pytorch/examples are read",
        c->source->path, convolutions, convolutions == 1 ? "" : "s",
        dense ? " and dense layers, such as a classifier" : "", found, wanted);
}

/* The nodes that depend on the picture: not those that compute shapes, or make parameters of tensors. */
static bool follow(chain *c)
{
    const nx_onnx *m = c->model;
    const char *signals[CHAIN_MOST + 1];
    size_t n = 0;
    if (m->n_nodes > NODES_MOST) return another(c, "thousands of nodes", "a smaller network");
    for (size_t i = 0; i < m->n_inputs; i++) {
        if (nx_onnx_find(m, m->inputs[i])) continue;
        if (n) return another(c, "a second input", "one picture");
        signals[n++] = m->inputs[i];
    }
    for (size_t i = 0; i < m->n_nodes; i++) {
        const nx_onnx_node *node = &m->nodes[i];
        bool depends = false;
        for (size_t k = 0; k < node->n_in && !depends; k++) depends = holds(signals, n, node->in[k]);
        if (!depends || !strcmp(node->op, "Shape") || !node->n_out) continue;
        if (c->count == CHAIN_MOST) return another(c, "thousands of nodes", "a smaller network");
        c->nodes[c->count++] = node;
        signals[n++] = node->out[0];
    }
    return true;
}

static const char *next_op(const chain *c) { return c->at < c->count ? c->nodes[c->at]->op : "the end"; }

/* The next node, of this operator, whose first input is x. NULL with an error: it is another. */
static const nx_onnx_node *expect(chain *c, const char *op, const char *x)
{
    const nx_onnx_node *n = c->at < c->count ? c->nodes[c->at] : NULL;
    if (!n || strcmp(n->op, op)) return another(c, next_op(c), op), NULL;
    if (!n->n_in || strcmp(n->in[0], x)) return another(c, "another input", op), NULL;
    c->at++;
    return n;
}

/* A parameter: a tensor, or what a node without the picture makes of one without changing its numbers. */
static bool take_parameter(chain *c, const char *name)
{
    const nx_onnx *m = c->model;
    const nx_onnx_tensor *t = nx_onnx_find(m, name);
    for (size_t i = m->n_nodes; !t && i-- > 0;) { /* backwards: a node's inputs come before it */
        const nx_onnx_node *n = &m->nodes[i];
        bool passes = !strcmp(n->op, "Reshape") || !strcmp(n->op, "Unsqueeze") || !strcmp(n->op, "Identity");
        if (passes && n->n_in && n->n_out == 1 && !strcmp(n->out[0], name)) t = nx_onnx_find(m, name = n->in[0]);
    }
    if (!t || !t->reals || c->source->count == PARAMETERS_MOST)
        return nx_fail(c->err, "%s: %s has no numbers of 32 bits in it: they are in another file, or of another type",
                       c->source->path, name);
    given *g = &c->source->params[c->source->count++];
    *g = (given){.rank = t->rank, .data = t->reals, .name = t->name};
    memcpy(g->shape, t->shape, sizeof t->shape);
    return true;
}

/* Whether every number of an attribute, if it is there, is this one. */
static bool all(const nx_onnx_node *n, const char *name, int64_t value)
{
    const nx_onnx_attribute *a = nx_onnx_attribute_of(n, name);
    for (size_t i = 0; a && i < a->n_wholes; i++)
        if (a->wholes[i] != value) return false;
    return true;
}

static bool texts(const nx_onnx_node *n, const char *name, const char *value)
{
    const nx_onnx_attribute *a = nx_onnx_attribute_of(n, name);
    return a && !strcmp(a->text, value);
}

/* By so many pixels at each side of height and width; an attribute, since opset 11 an input. */
static bool pads_by(const chain *c, const nx_onnx_node *n, int pad)
{
    const int64_t wanted[8] = {0, 0, pad, pad, 0, 0, pad, pad};
    const nx_onnx_attribute *a = nx_onnx_attribute_of(n, "pads");
    if (a) return a->n_wholes == 8 && !memcmp(a->wholes, wanted, sizeof wanted);
    const nx_onnx_tensor *t = n->n_in > 1 ? nx_onnx_find(c->model, n->in[1]) : NULL;
    return !t || (t->wholes && t->count == 8 && !memcmp(t->wholes, wanted, sizeof wanted));
}

/* Each of these takes the name of its input and leaves that of its output. */

static bool convolve(chain *c, const char **x, int size, int stride)
{
    const nx_onnx_node *pad = expect(c, "Pad", *x), *conv = pad ? expect(c, "Conv", pad->out[0]) : NULL;
    if (!conv) return false;
    const nx_onnx_attribute *group = nx_onnx_attribute_of(conv, "group");
    if (!texts(pad, "mode", "reflect") || !pads_by(c, pad, size / 2))
        return another(c, "other padding", "a reflected border");
    if (conv->n_in != 3 || !all(conv, "strides", stride) || !all(conv, "dilations", 1) || !all(conv, "pads", 0) ||
        !all(conv, "kernel_shape", size) || (group && group->whole != 1) ||
        (stride > 1 && !nx_onnx_attribute_of(conv, "strides")))
        return another(c, "another convolution", "one of 3 x 3 or 9 x 9 with a bias");
    *x = conv->out[0];
    return take_parameter(c, conv->in[1]) && take_parameter(c, conv->in[2]);
}

/* What PyTorch 0.4 writes for one layer: nodes, and of which of them, counted from 1, they read; 0 is the layer's
 * input. PARAMETER: one to be taken; ANYTHING: shapes, or a constant. */
enum { NOTHING = -1, ANYTHING = -2, PARAMETER = -3 };
typedef struct step {
    const char *op;
    int first, second;
} step;

static const step instance_norm[] = {
    {"Reshape", 0, ANYTHING},
    {"ReduceMean", 1, NOTHING},
    {"Sub", 0, 2},
    {"Mul", 3, 3},
    {"Reshape", 4, ANYTHING},
    {"ReduceMean", 5, NOTHING},
    {"Add", 6, ANYTHING},
    {"Sqrt", 7, NOTHING},
    {"Div", 3, 8},
    {"Mul", 9, PARAMETER},
    {"Add", 10, PARAMETER},
};
static const step doubling[] = {
    {"Reshape", 0, ANYTHING}, {"Concat", 1, 1}, {"Reshape", 2, ANYTHING}, {"Concat", 3, 3}, {"Reshape", 4, ANYTHING},
};

static bool run_steps(chain *c, const char **x, const step *steps, size_t count)
{
    const char *made[16] = {*x};
    for (size_t i = 0; i < count; i++) {
        const step *s = &steps[i];
        const nx_onnx_node *n = expect(c, s->op, made[s->first]);
        if (!n) return false;
        if (n->n_in != (s->second == NOTHING ? 1 : 2) || (s->second >= 0 && strcmp(n->in[1], made[s->second])))
            return another(c, "other inputs", s->op);
        if (s->second == PARAMETER && !take_parameter(c, n->in[1])) return false;
        made[i + 1] = n->out[0];
    }
    *x = made[count];
    return true;
}

static bool normalize(chain *c, const char **x)
{
    if (strcmp(next_op(c), "InstanceNormalization"))
        return run_steps(c, x, instance_norm, sizeof instance_norm / sizeof *instance_norm);
    const nx_onnx_node *n = expect(c, "InstanceNormalization", *x);
    if (!n) return false;
    const nx_onnx_attribute *epsilon = nx_onnx_attribute_of(n, "epsilon");
    if (n->n_in != 3 || (epsilon && fabsf(epsilon->real - 1e-5f) > 1e-8f))
        return another(c, "another InstanceNormalization", "one with epsilon 1e-5");
    *x = n->out[0];
    return take_parameter(c, n->in[1]) && take_parameter(c, n->in[2]);
}

static bool rectify(chain *c, const char **x)
{
    const nx_onnx_node *n = expect(c, "Relu", *x);
    if (n) *x = n->out[0];
    return n != NULL;
}

static bool enlarge(chain *c, const char **x)
{
    bool old = !strcmp(next_op(c), "Upsample");
    if (!old && strcmp(next_op(c), "Resize")) return run_steps(c, x, doubling, sizeof doubling / sizeof *doubling);
    const nx_onnx_node *n = expect(c, old ? "Upsample" : "Resize", *x);
    if (!n) return false;
    const nx_onnx_attribute *mode = nx_onnx_attribute_of(n, "mode");
    const nx_onnx_tensor *scales = n->n_in > 1 ? nx_onnx_find(c->model, n->in[n->n_in > 2 ? 2 : 1]) : NULL;
    if (mode && strcmp(mode->text, "nearest")) return another(c, "interpolation", "nearest neighbours");
    for (size_t i = 0; scales && scales->reals && i < scales->count; i++)
        if (fabsf(scales->reals[i] - (i < 2 ? 1 : 2)) > 0) return another(c, "another scale", "2");
    *x = n->out[0];
    return true;
}

static bool layer(chain *c, const char **x, int size, int stride)
{
    return convolve(c, x, size, stride) && normalize(c, x) && rectify(c, x);
}

static bool block(chain *c, const char **x)
{
    const char *y = *x;
    if (!layer(c, &y, 3, 1) || !convolve(c, &y, 3, 1) || !normalize(c, &y)) return false;
    const nx_onnx_node *sum = expect(c, "Add", y);
    if (!sum) return false;
    if (sum->n_in != 2 || strcmp(sum->in[1], *x)) return another(c, "another sum", "that of a block and its input");
    *x = sum->out[0];
    return true;
}

static bool from_nodes(chain *c)
{
    if (!follow(c)) return false;
    const char *x = c->count ? c->nodes[0]->in[0] : "";
    if (!layer(c, &x, 9, 1) || !layer(c, &x, 3, 2) || !layer(c, &x, 3, 2)) return false;
    for (; !strcmp(next_op(c), "Pad"); c->source->blocks++) {
        if (c->source->blocks == BLOCKS_MOST) return another(c, "one more block", "the upsampling");
        if (!block(c, &x)) return false;
    }
    for (int i = 0; i < 2; i++)
        if (!enlarge(c, &x) || !layer(c, &x, 3, 1)) return false;
    if (!convolve(c, &x, OUTPUT_SIZE, 1)) return false;
    if (c->at < c->count) return another(c, next_op(c), "the end");
    return (c->model->n_outputs == 1 && !strcmp(c->model->outputs[0], x)) ||
           another(c, "another output", "the picture");
}

/* ---- the network ---- */

/* Records the network on no device, for the names and shapes of its parameters alone. */
static void make_parameters(nx_params *params, const stylenet_options *options)
{
    nx_device_info none = {0};
    nx_graph *g = nx_graph_new(&none);
    nx_scope scope = {.g = g, .params = params};
    params->unfilled = true;
    stylenet_record(options, &scope, nx_input(g, (nx_shape){1, 64, 64, 3}, "picture"));
    nx_graph_free(g);
}

static bool fill(const source *s, nx_param *p, const given *from, nx_error *err)
{
    static const double mean[3] = STYLENET_MEAN;
    size_t dims[4], count = nx_shape_count(p->shape);
    int rank = nx_param_dims(p, dims);
    bool same = rank == from->rank;
    for (int i = 0; same && i < rank; i++) same = dims[i] == from->shape[i];
    if (!same) return nx_fail(err, "%s: %s has another shape than TransformerNet's", s->path, from->name);
    float *values = nx_alloc((count + 1) * sizeof *values);
    memcpy(values, from->data, count * sizeof *values);
    for (size_t i = 0; !strcmp(p->name, "conv1.weight") && i < count; i++) values[i] *= 255;
    for (size_t i = 0; !strcmp(p->name, "output.bias") && i < count; i++)
        values[i] = (float)((double)values[i] - mean[i]);
    nx_param_import(p, values);
    free(values);
    return true;
}

static bool describe(const source *s, stylenet_options *options, const size_t *shape, int rank, nx_error *err)
{
    if (rank != 4 || !shape[0] || shape[0] > CHANNELS_MOST || s->blocks > BLOCKS_MOST)
        return nx_fail(err, "%s: the first convolution is none of TransformerNet's, or there are more than %d blocks",
                       s->path, BLOCKS_MOST);
    *options = (stylenet_options){.norm = STYLENET_INSTANCE,
                                  .channels = (int)shape[0],
                                  .blocks = s->blocks,
                                  .nearest = true,
                                  .padding = NX_PADDING_REFLECT,
                                  .output_size = OUTPUT_SIZE};
    return true;
}

static bool fill_all(const source *s, nx_params *params, nx_error *err)
{
    if (s->count != params->count)
        return nx_fail(err, "%s: %zu parameters, and %zu are needed", s->path, s->count, params->count);
    for (size_t i = 0; i < params->count; i++)
        if (!fill(s, params->items[i], &s->params[i], err)) return false;
    return true;
}

static bool import_tensors(source *s, nx_params *params, stylenet_options *options, nx_error *err)
{
    nx_tensor_file *file;
    if (!nx_tensor_file_open(&file, s->path, err)) return false;
    bool fine =
        stylenet_released(file) ||
        nx_fail(err, "%s: no style transfer network: it has not the tensors of pytorch/examples' TransformerNet",
                s->path);
    while (fine && s->blocks <= BLOCKS_MOST && block_entry(file, s->blocks + 1)) s->blocks++;
    if (fine) {
        const nx_tensor_entry *first = nx_tensor_file_find(file, "conv1.conv2d.weight");
        size_t shape[1] = {first->rank ? (size_t)first->shape[0] : 0};
        fine = describe(s, options, shape, first->rank, err);
    }
    if (fine) make_parameters(params, options);
    fine = fine && from_names(s, file, params, err) && fill_all(s, params, err);
    nx_tensor_file_free(file);
    return fine;
}

static bool import_onnx(source *s, nx_params *params, stylenet_options *options, nx_error *err)
{
    nx_onnx *model;
    if (!nx_onnx_open(&model, s->path, err)) return false;
    chain *c = nx_alloc(sizeof *c);
    *c = (chain){.source = s, .model = model, .err = err};
    bool fine = from_nodes(c) && describe(s, options, s->params[0].shape, s->params[0].rank, err);
    if (fine) make_parameters(params, options);
    fine = fine && fill_all(s, params, err);
    free(c);
    nx_onnx_free(model);
    return fine;
}

bool stylenet_import(nx_params *params, stylenet_options *options, const char *path, nx_error *err)
{
    source *s = nx_alloc(sizeof *s);
    s->path = path;
    bool fine =
        nx_ends_with(path, ".onnx") ? import_onnx(s, params, options, err) : import_tensors(s, params, options, err);
    free(s);
    return fine;
}
