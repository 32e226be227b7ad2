/* The modules of the file in the order in which they run, beside the parameters of the same pyramid in the order in
 * which they are recorded: the two agree. */
#include "networks/pyramid_import.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODULES_MOST = 64 * PYRAMID_MOST_SCALES, DEPTH_MOST = 8 * PYRAMID_MOST_SCALES };

/* What may be in the file, and a number that each module of the kind must carry. */
static const struct kind {
    const char *class_name;
    bool container, weighted; /* has modules; has weight and bias */
    const char *field;
    double value;
} kinds[] = {
    {"nn.Sequential", true, false, NULL, 0},
    {"nn.Concat", true, false, "dimension", 2},
    {"nn.SpatialConvolution", false, true, "dW", 1},
    {"nn.SpatialBatchNormalization", false, true, "eps", 1e-5},
    {"nn.LeakyReLU", false, false, "negval", 0.01},
    {"nn.SpatialUpSamplingNearest", false, false, "scale_factor", 2},
    {"nn.SpatialCircularPadding", false, false, NULL, 0},
    {"nn.SpatialAveragePooling", false, false, NULL, 0},
    {"nn.GenNoise", false, false, NULL, 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct network {
    const char *path;
    const nx_t7 *weighted[MODULES_MOST]; /* convolutions and normalizations, in the order in which they run */
    int count, modules, convolutions, upsamplings;
} network;

/* ---- the modules ---- */

static bool walk(network *n, const nx_t7 *module, int depth, nx_error *err)
{
    const struct kind *kind = NULL;
    for (int i = 0; i < KINDS; i++)
        if (nx_t7_is(module, kinds[i].class_name)) kind = &kinds[i];
    if (!kind || depth == DEPTH_MOST || n->modules++ == 8 * MODULES_MOST)
        return nx_fail(err, "%s: %.60s is no module of a released texture network (pyramid of texture_nets_v1)",
                       n->path, module && module->class_name ? module->class_name : "what it holds");
    const nx_t7 *field = kind->field ? nx_t7_get(module, kind->field) : NULL;
    if (kind->field && !(field && fabs(field->number - kind->value) <= 1e-9))
        return nx_fail(err, "%s: a %s with %s = %g, where the pyramid has %g", n->path, kind->class_name, kind->field,
                       field ? field->number : NAN, kind->value);
    if (kind->weighted) {
        if (n->count == MODULES_MOST) return nx_fail(err, "%s: more layers than a texture network has", n->path);
        n->weighted[n->count++] = module;
    }
    n->convolutions += nx_t7_is(module, "nn.SpatialConvolution");
    n->upsamplings += nx_t7_is(module, "nn.SpatialUpSamplingNearest");
    const nx_t7 *inner = kind->container ? nx_t7_get(module, "modules") : NULL;
    for (size_t i = 1, count = nx_t7_length(inner); i <= count; i++)
        if (!walk(n, nx_t7_at(inner, i), depth + 1, err)) return false;
    return true;
}

/* A block has two convolutions, or three with the 1x1 at its end; there are 2 K - 1 blocks and the last convolution. */
static bool describe(const network *n, pyramid_options *options, int *channels, nx_error *err)
{
    int scales = n->upsamplings + 1, blocks = 2 * scales - 1;
    bool pointwise = n->convolutions == 3 * blocks + 1;
    const nx_t7 *weight = n->count ? nx_t7_get(n->weighted[0], "weight") : NULL;
    if (scales > PYRAMID_MOST_SCALES || !(pointwise || n->convolutions == 2 * blocks + 1) || !weight ||
        weight->kind != NX_T7_TENSOR || weight->rank != 4 || (weight->size[1] != 3 && weight->size[1] != 6))
        return nx_fail(err, "%s: %d convolutions at %d scales are no pyramid of Texture Networks", n->path,
                       n->convolutions, scales);
    *options = (pyramid_options){.scales = scales, .pointwise_left_out = !pointwise};
    *channels = (int)weight->size[1];
    return true;
}

/* ---- one parameter ---- */

/* Torch keeps a convolution's weight as out x in x size x size, or as out x (in size size). */
static bool same_shape(const nx_param *p, const nx_t7 *tensor, bool normalization)
{
    size_t dims[4], count = 1;
    int rank = nx_param_dims(p, dims);
    if (normalization) return tensor->rank == 1 && (tensor->size[0] == dims[0] || tensor->size[0] == 8);
    for (int i = 1; i < rank; i++) count *= dims[i];
    if (rank == 4 && tensor->rank == 2) return tensor->size[0] == dims[0] && tensor->size[1] == count;
    bool same = tensor->rank == rank;
    for (int i = 0; same && i < rank; i++) same = tensor->size[i] == dims[i];
    return same;
}

static bool fill(const network *n, nx_param *p, const nx_t7 *module, const char *part, nx_error *err)
{
    const nx_t7 *tensor = nx_t7_get(module, part);
    size_t count = nx_shape_count(p->shape);
    bool convolution = p->rank == 4 || strstr(p->name, ".conv") || !strncmp(p->name, "output", 6);
    if (convolution != nx_t7_is(module, "nn.SpatialConvolution"))
        return nx_fail(err, "%s: a %s where the pyramid has %s", n->path, module->class_name, p->name);
    const float *numbers = nx_t7_numbers(tensor);
    if (!numbers || !same_shape(p, tensor, !convolution))
        return nx_fail(err, "%s: the %s of a %s has not the shape of %s", n->path, part, module->class_name, p->name);
    if (count > tensor->storage->count - tensor->offset)
        return nx_fail(err, "%s: %s needs %zu numbers from %zu on, and the storage has %zu", n->path, p->name, count,
                       tensor->offset, tensor->storage->count);
    nx_param_import(p, numbers);
    return true;
}

/* ---- the network ---- */

/* Records the network on no device, for its parameters alone. */
static void make_parameters(nx_params *params, const pyramid_options *options, int channels)
{
    nx_device_info none = {0};
    nx_graph *g = nx_graph_new(&none);
    nx_scope scope = {.g = g, .params = params};
    nx_tensor *inputs[PYRAMID_MOST_SCALES];
    for (int i = 0; i < options->scales; i++) inputs[i] = nx_input(g, (nx_shape){1, 2 << i, 2 << i, channels}, "scale");
    pyramid_record(options, &scope, inputs);
    nx_graph_free(g);
}

bool pyramid_import(nx_params *params, pyramid_options *options, int *channels, const nx_t7 *root, const char *path,
                    nx_error *err)
{
    network n = {.path = path};
    bool ok = walk(&n, root, 0, err) && describe(&n, options, channels, err);
    if (ok) make_parameters(params, options, *channels);
    if (ok && params->count != 2 * (size_t)n.count)
        ok = nx_fail(err, "%s: %d layers with weights, where a pyramid of %d scales has %zu", path, n.count,
                     options->scales, params->count / 2);
    for (size_t i = 0; ok && i < params->count; i++)
        ok = fill(&n, params->items[i], n.weighted[i / 2], i % 2 ? "bias" : "weight", err);
    return ok;
}

bool pyramid_described(const nx_tensor_file *file, pyramid_options *options, int *channels)
{
    char name[48] = "scale1.branch.conv1.weight";
    const nx_tensor_entry *first = nx_tensor_file_find(file, name), *e = first;
    int scales = 0;
    for (; e && scales < PYRAMID_MOST_SCALES; e = nx_tensor_file_find(file, name))
        snprintf(name, sizeof name, "scale%d.branch.conv1.weight", ++scales + 1);
    *options = (pyramid_options){.scales = scales,
                                 .pointwise_left_out = !nx_tensor_file_find(file, "scale1.branch.conv3.weight")};
    *channels = first && first->rank == 4 ? first->shape[1] : 0;
    return *channels == 3 || *channels == 6;
}
