/* Three sources, one network: each gives the weights and biases of layers in the order in which they run, which is the
 * order in which StyleNet's parameters are recorded. */
#include "networks/stylenet_import.h"

#include "base/memory.h"
#include "base/text.h"
#include "networks/stylenet_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_SIZE = 9 }; /* of TransformerNet */

stylenet_given *stylenet_source_add(stylenet_source *s, const char *name)
{
    if (s->count == STYLENET_PARAMETERS_MOST) return NULL;
    stylenet_given *g = &s->params[s->count++];
    *g = (stylenet_given){0};
    snprintf(g->name, sizeof g->name, "%s", name);
    return g;
}

/* ---- from TransformerNet's names ---- */

#define PARALLEL "module." /* before all names, where PyTorch's DataParallel was around the network */

static bool parallel(const nx_tensor_file *file) { return nx_tensor_file_find(file, PARALLEL "conv1.conv2d.weight"); }

/* A tensor by its name without that. */
static const nx_tensor_entry *find(const nx_tensor_file *file, const char *name)
{
    char *full = nx_format(parallel(file) ? PARALLEL "%s" : "%s", name);
    const nx_tensor_entry *e = nx_tensor_file_find(file, full);
    free(full);
    return e;
}

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
    return find(file, "conv1.conv2d.weight") && find(file, "deconv1.conv2d.weight");
}

static const nx_tensor_entry *block_entry(const nx_tensor_file *file, int block)
{
    char name[48];
    snprintf(name, sizeof name, "res%d.conv1.conv2d.weight", block);
    return find(file, name);
}

static bool from_names(stylenet_source *s, const nx_tensor_file *file, const nx_params *params, nx_error *err)
{
    size_t running = 0;
    for (size_t i = 0; i < params->count; i++) {
        char *name = their_name(params->items[i]->name);
        const nx_tensor_entry *e = find(file, name);
        if (!e) nx_fail(err, "%s: there is no %s in it, which TransformerNet has", s->path, name);
        free(name);
        if (!e) return false;
        stylenet_given *g = stylenet_source_add(s, e->name);
        g->rank = e->rank, g->data = e->data;
        for (int k = 0; k < e->rank; k++) g->shape[k] = (size_t)e->shape[k];
    }
    for (size_t i = 0; i < nx_tensor_file_count(file); i++)
        running += strstr(nx_tensor_file_at(file, i)->name, ".running_") != NULL;
    return nx_tensor_file_count(file) == s->count + running ||
           nx_fail(err, "%s: %zu tensors, where TransformerNet of %d blocks has %zu: another network", s->path,
                   nx_tensor_file_count(file) - running, s->c->generator.blocks, s->count);
}

/* ---- from the nodes of an ONNX model ---- */

enum { NODES_MOST = 1 << 13, CHAIN_MOST = 1 << 11 };

typedef struct chain {
    stylenet_source *source;
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
    stylenet_given *g = t && t->reals ? stylenet_source_add(c->source, t->name) : NULL;
    if (!g)
        return nx_fail(c->err, "%s: %s has no numbers of 32 bits in it: they are in another file, or of another type",
                       c->source->path, name);
    g->rank = t->rank, g->data = t->reals;
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
    int *blocks = &c->source->c->generator.blocks;
    for (*blocks = 0; !strcmp(next_op(c), "Pad"); ++*blocks) {
        if (*blocks == STYLENET_BLOCKS_MOST) return another(c, "one more block", "the upsampling");
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
static void make_parameters(nx_params *params, const config *c)
{
    nx_device_info none = {0};
    nx_graph *g = nx_graph_new(&none);
    nx_scope scope = {.g = g, .params = params};
    int side = generator_least(c);
    nx_shape shape = {1, side, side, 3};
    params->unfilled = true;
    stylenet_network.record(c, &scope, &(generator_inputs){.shape = shape, .content = nx_input(g, shape, "picture")});
    nx_graph_free(g);
}

static void swap(float *a, float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = a[i];
        a[i] = b[i], b[i] = value;
    }
}

/* Pixels as StyleNet has them: RGB, the first layer's over 255, the last one's minus the mean. */
static void convert(const stylenet_source *s, const nx_param *p, float *values, size_t count)
{
    static const double mean[3] = GENERATOR_MEAN;
    if (!strcmp(p->name, "conv1.weight")) {
        size_t filter = count / (size_t)p->shape.c, channel = filter / 3;
        for (size_t i = 0; i < count; i++) values[i] *= 255;
        for (size_t i = 0; s->descriptors && i < count; i += filter)
            swap(values + i, values + i + 2 * channel, channel);
    }
    if (strncmp(p->name, "output.", 7)) return;
    if (s->descriptors) swap(values, values + count / 3 * 2, count / 3);
    for (size_t i = 0; !s->descriptors && p->rank == 1 && i < count; i++)
        values[i] = (float)((double)values[i] - mean[i]);
}

static bool fill(const stylenet_source *s, nx_param *p, const stylenet_given *from, nx_error *err)
{
    size_t dims[4], count = nx_shape_count(p->shape);
    int rank = nx_param_dims(p, dims);
    bool same = rank == from->rank;
    for (int i = 0; same && i < rank; i++) same = dims[i] == from->shape[i];
    if (!same) return nx_fail(err, "%s: %s has another shape than %s", s->path, from->name, s->whose);
    float *values = nx_alloc((count + 1) * sizeof *values);
    memcpy(values, from->data, count * sizeof *values);
    convert(s, p, values, count);
    nx_param_import(p, values);
    free(values);
    return true;
}

/* Takes the number of channels from the first convolution, and makes the parameters. */
static bool describe(const stylenet_source *s, nx_params *params, size_t channels, int rank, nx_error *err)
{
    if (rank != 4 || !channels || channels > STYLENET_CHANNELS_MOST || s->c->generator.blocks > STYLENET_BLOCKS_MOST)
        return nx_fail(err, "%s: the first convolution is none of %s, or there are more than %d blocks", s->path,
                       s->whose, STYLENET_BLOCKS_MOST);
    s->c->generator.channels = (int)channels;
    make_parameters(params, s->c);
    return true;
}

static bool fill_all(const stylenet_source *s, nx_params *params, nx_error *err)
{
    if (s->count != params->count)
        return nx_fail(err, "%s: %zu parameters, and %zu are needed", s->path, s->count, params->count);
    for (size_t i = 0; i < params->count; i++)
        if (!fill(s, params->items[i], &s->params[i], err)) return false;
    return true;
}

static stylenet_source *source_new(const char *path, config *c)
{
    stylenet_source *s = nx_alloc(sizeof *s);
    s->path = path, s->c = c;
    return s;
}

/* The same of both kinds of files of it. */
static stylenet_source *transformer_new(const char *path, config *c)
{
    stylenet_source *s = source_new(path, c);
    s->whose = "TransformerNet's";
    c->generator.upsample = UPSAMPLE_NEAREST;
    c->generator.padding = PADDING_REFLECT;
    c->generator.output_size = OUTPUT_SIZE;
    return s;
}

bool stylenet_import_tensors(nx_params *params, config *c, const nx_tensor_file *file, const char *path, nx_error *err)
{
    stylenet_source *s = transformer_new(path, c);
    bool fine =
        stylenet_released(file) ||
        nx_fail(err, "%s: no style transfer network: it has not the tensors of pytorch/examples' TransformerNet", path);
    int blocks = 0;
    while (fine && blocks <= STYLENET_BLOCKS_MOST && block_entry(file, blocks + 1)) blocks++;
    c->generator.blocks = blocks;
    if (fine) {
        const nx_tensor_entry *first = find(file, "conv1.conv2d.weight");
        fine = describe(s, params, first->rank ? (size_t)first->shape[0] : 0, first->rank, err);
    }
    fine = fine && from_names(s, file, params, err) && fill_all(s, params, err);
    free(s);
    return fine;
}

bool stylenet_import_onnx(nx_params *params, config *c, const nx_onnx *model, const char *path, nx_error *err)
{
    stylenet_source *s = transformer_new(path, c);
    chain *nodes = nx_alloc(sizeof *nodes);
    *nodes = (chain){.source = s, .model = model, .err = err};
    bool fine = from_nodes(nodes) && describe(s, params, s->params[0].shape[0], s->params[0].rank, err) &&
                fill_all(s, params, err);
    free(nodes);
    free(s);
    return fine;
}

bool stylenet_import_t7(nx_params *params, config *c, const nx_t7 *root, const char *path, nx_error *err)
{
    stylenet_source *s = source_new(path, c);
    bool fine = stylenet_source_t7(s, root, err) &&
                describe(s, params, s->params[0].shape[0], s->params[0].rank, err) && fill_all(s, params, err);
    free(s);
    return fine;
}

bool stylenet_is_t7(const nx_t7 *root)
{
    const nx_t7 *modules = nx_t7_get(root, "modules");
    for (size_t i = 1, count = nx_t7_length(modules); i <= count; i++)
        if (nx_t7_is(nx_t7_at(modules, i), "nn.Tanh")) return true;
    return nx_t7_get(root, "model") != NULL;
}
