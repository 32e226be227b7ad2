/* The workloads: a table, and for each kind a function that records it. */
#include "bench/workloads.h"

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "device/memory.h"
#include "graph/recompute.h"
#include "networks/descriptor.h"
#include "networks/generators.h"
#include "nn/lbfgs.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "ops/affine.h"
#include "ops/conv.h"
#include "ops/entropy.h"
#include "ops/mask.h"
#include "ops/mse.h"
#include "ops/random.h"
#include "ops/total_variation.h"
#include "ops/weighted_sum.h"

#include <stdlib.h>

static const char *const style_layers[] = {"conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"};
static const char *const content_layer[] = {"conv4_2"};

struct workload {
    const workload_row *row;
    config *c; /* of the row's networks */
    nx_device *device;
    nx_graph *g;
    nx_plan *plan;
    nx_params *params;
    nx_scope scope;
    descriptor *descriptor;
    nx_optimizer *optimizer;
    nx_lbfgs *lbfgs; /* of the parameter `picture`, with the plan's loss and gradient */
    nx_tensor *loss, *gradient;
    nx_param *picture;
};

static nx_tensor *picture(workload *w)
{
    return nx_input(w->g, (nx_shape){w->row->batch, w->row->size, w->row->size, 3}, "x");
}

static void open_descriptor(workload *w, const char *const *layers, size_t count, config_pooling pooling)
{
    nx_error err;
    descriptor_options options = {.network = descriptor_network_at((size_t)w->c->descriptor.network),
                                  .init = INIT_HE,
                                  .pooling = pooling,
                                  .seed = 1};
    NX_CHECK(descriptor_new(&w->descriptor, &options, layers, count, &err), "%s", err.text);
}

static void describe(workload *w, nx_tensor *x, const char *const *layers, size_t count, nx_tensor **out)
{
    nx_error err;
    NX_CHECK(descriptor_record(w->descriptor, w->g, x, layers, count, out, &err), "%s", err.text);
}

static nx_tensor *zeros(workload *w, nx_shape shape)
{
    float *zero = nx_alloc(nx_shape_count(shape) * sizeof(float));
    nx_tensor *t = nx_constant(w->g, shape, zero);
    free(zero);
    return t;
}

/* Style at the first `layers` layers against zero Gram matrices, of each of the row's styles, content at conv4_2
 * against target. */
static nx_tensor *loss(workload *w, nx_tensor *const *features, int layers, nx_tensor *content, nx_tensor *target)
{
    enum { MOST = 8 };
    nx_tensor *term[6 * MOST];
    float weight[6 * MOST];
    int count = 0, styles = w->row->styles;
    for (int k = 0; k < (styles ? styles : 1); k++)
        for (int i = 0; i < layers; i++) {
            nx_shape s = features[i]->shape;
            nx_tensor *seen = styles ? nx_mask(w->g, features[i], zeros(w, (nx_shape){1, s.h, s.w, 1})) : features[i];
            term[count] = nx_style_loss(w->g, seen, zeros(w, (nx_shape){1, 1, s.c, s.c}), 0);
            weight[count++] = 1000;
        }
    term[count] = nx_content_loss(w->g, content, target);
    weight[count++] = 1;
    return nx_weighted_sum(w->g, term, weight, count);
}

/* The descriptor to conv5_1, no gradient. */
static void forward(workload *w)
{
    nx_tensor *out;
    open_descriptor(w, &style_layers[4], 1, POOLING_MAX);
    describe(w, picture(w), &style_layers[4], 1, &out);
    nx_keep(out);
}

/* Losses of a picture and their gradient by it: five Gram matrices and conv4_2. */
static void gatys_step(workload *w)
{
    nx_tensor *feature[6], *dx, *x = picture(w);
    const char *layers[6] = {style_layers[0], style_layers[1], style_layers[2],
                             style_layers[3], style_layers[4], content_layer[0]};
    open_descriptor(w, layers, 6, POOLING_AVERAGE);
    describe(w, x, layers, 6, feature);
    nx_tensor *target = nx_input(w->g, feature[5]->shape, "target");
    nx_gradient(w->g, loss(w, feature, 5, feature[5], target), &x, 1, &dx);
    nx_keep(dx);
}

/* The final picture; x: NULL for textures. */
static nx_tensor *generate(workload *w, nx_tensor *x)
{
    generator_inputs in = {.shape = {w->row->batch, w->row->size, w->row->size, 3},
                           .content = x,
                           .random = nx_input(w->g, NX_RANDOM_STATE, "random"),
                           .applied = !w->scope.training};
    generator_pictures y = generator_network_of(w->c)->record(w->c, &w->scope, &in);
    return y.output[y.count - 1];
}

/* The generator, the descriptor of its output and of the content, backward, Adam. */
static void train_step(workload *w)
{
    const char *layers[5] = {style_layers[0], style_layers[1], style_layers[2], style_layers[3], content_layer[0]};
    float scale[3] = {1, 1, 1}, shift[3] = {-120, -120, -120};
    nx_tensor *x = picture(w), *feature[5], *target;
    w->scope.training = true;
    open_descriptor(w, layers, 5, POOLING_MAX);
    nx_tensor *content =
        nx_affine(w->g, x, nx_constant(w->g, NX_VECTOR(3), scale), nx_constant(w->g, NX_VECTOR(3), shift));
    describe(w, content, content_layer, 1, &target);
    describe(w, generate(w, x), layers, 5, feature);
    nx_optimizer_options adam = {.method = NX_OPTIMIZER_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
    w->optimizer = nx_optimizer_new(w->g, loss(w, feature, 4, feature[4], target), w->params, adam);
}

static void stylize(workload *w) { nx_keep(generate(w, picture(w))); }
static void sample(workload *w) { nx_keep(generate(w, NULL)); }

/* One layer, from as many channels to as many. */
static void convolution(workload *w)
{
    int c = w->row->channels;
    nx_tensor *x = nx_input(w->g, (nx_shape){w->row->batch, w->row->size, w->row->size, c}, "x");
    nx_keep(nx_conv(w->g, x, zeros(w, (nx_shape){3, 3, c, c}), NULL, (nx_conv_options){.pad = 1}));
}

/* The term that drives the samples of a batch apart, and its gradient. */
static void entropy(workload *w)
{
    nx_tensor *x = picture(w), *dx;
    nx_gradient(w->g, nx_keep(nx_entropy(w->g, x, (nx_entropy_options){0})), &x, 1, &dx);
    nx_keep(dx);
}

/* A function of a picture that L-BFGS goes on lowering for longer than any history: rough pictures are expensive. */
static void smoothing(workload *w)
{
    w->picture = nx_param_add(w->params, "picture", (nx_shape){w->row->batch, w->row->size, w->row->size, 3}, 4);
    size_t count = nx_shape_count(w->picture->shape);
    nx_rng rng = nx_rng_new(1, 0);
    float *wanted = nx_alloc(count * sizeof *wanted);
    for (size_t i = 0; i < count; i++) {
        w->picture->initial[i] = nx_rng_normal(&rng);
        wanted[i] = nx_rng_normal(&rng);
    }
    nx_tensor *x = nx_use(w->g, w->picture), *target = nx_constant(w->g, w->picture->shape, wanted);
    nx_tensor *terms[] = {nx_total_variation(w->g, x, NX_VARIATION_L2), nx_mse(w->g, x, target)};
    w->loss = nx_keep(nx_weighted_sum(w->g, terms, (const float[]){1, 1e-4f}, 2));
    nx_gradient(w->g, w->loss, &x, 1, &w->gradient);
    nx_keep(w->gradient);
    w->lbfgs = nx_lbfgs_new(count, (nx_lbfgs_options){.history = w->row->history});
    free(wanted);
}

const workload_row workloads[] = {
    {"gatys_step_256", "steps", gatys_step, .size = 256, .batch = 1},
    {"gatys_step_512", "steps", gatys_step, .size = 512, .batch = 1},
    {"train_step_256_b4", "steps", train_step, .size = 256, .batch = 4, .network = "stylenet", .channels = 32},
    {"lbfgs_256", "steps", smoothing, .size = 256, .batch = 1, .history = 100, .beside = "gatys_step_256"},
    {"lbfgs_512", "steps", smoothing, .size = 512, .batch = 1, .history = 100, .beside = "gatys_step_512"},
    {"vgg19_forward_256", "inference", forward, .size = 256, .batch = 1},
    {"stylenet_512", "inference", stylize, .size = 512, .batch = 1, .network = "stylenet", .channels = 32},
    {"stylenet_1024", "inference", stylize, .size = 1024, .batch = 1, .network = "stylenet", .channels = 32},
    {"texnet_256", "inference", sample, .size = 256, .batch = 1, .network = "pyramid", .channels = 32},
    {"mtnet_1024", "inference", stylize, .size = 1024, .batch = 1, .network = "mtnet", .channels = 32},
#define GROWTH(text, function, of, count, ...)                                                                         \
    {                                                                                                                  \
        text, "growth", function, .axis = of, .n = count, __VA_ARGS__                                                  \
    }
#define PIXELS(side)                                                                                                   \
    GROWTH("stylenet_" #side, stylize, "pixels", side *side, .size = side, .batch = 1, .network = "stylenet",          \
           .channels = 32)
#define STEP(side) GROWTH("gatys_step_" #side, gatys_step, "step_pixels", side *side, .size = side, .batch = 1)
#define BATCH(count)                                                                                                   \
    GROWTH("train_step_64_b" #count, train_step, "batch", count, .size = 64, .batch = count, .network = "stylenet",    \
           .channels = 32)
#define CHANNELS(count)                                                                                                \
    GROWTH("stylenet_128_c" #count, stylize, "channels", count, .size = 128, .batch = 1, .network = "stylenet",        \
           .channels = count)
#define CONVOLUTION(count)                                                                                             \
    GROWTH("conv_64_c" #count, convolution, "conv_channels", count, .size = 64, .batch = 1, .channels = count)
#define STYLES(count)                                                                                                  \
    GROWTH("gatys_step_128_s" #count, gatys_step, "styles", count, .size = 128, .batch = 1, .styles = count)
#define SAMPLES(count) GROWTH("entropy_64_b" #count, entropy, "samples", count, .size = 64, .batch = count)
    PIXELS(64),
    PIXELS(128),
    PIXELS(256),
    PIXELS(512),
    STEP(48),
    STEP(96),
    STEP(192),
    STEP(384),
    BATCH(1),
    BATCH(2),
    BATCH(4),
    BATCH(8),
    CHANNELS(16),
    CHANNELS(32),
    CHANNELS(64),
    CHANNELS(128),
    CONVOLUTION(32),
    CONVOLUTION(64),
    CONVOLUTION(128),
    CONVOLUTION(256),
    STYLES(1),
    STYLES(2),
    STYLES(4),
    STYLES(8),
    SAMPLES(16),
    SAMPLES(32),
    SAMPLES(64),
    SAMPLES(128),
};
const size_t workload_count = sizeof workloads / sizeof *workloads;

const growth_axis growth_axes[] = {
    {"pixels", "pixels of a picture that StyleNet makes", 1, 1, "every layer is local"},
    {"step_pixels", "pixels of a step of Gatys et al.", 1, 1, "every layer is local, a Gram matrix a sum over pixels"},
    {"batch", "pictures of a step of training", 1, 1, "each has its own pass; parameters and their update do not grow"},
    {"channels", "channels of StyleNet", 2, 2, "the kernels' squares; pictures and what lies between layers grow by 1"},
    {"conv_channels", "channels of a 3x3 convolution, in and out", 2, 2, "the kernel's square"},
    {"styles", "styles of a picture, in a region each", 1, 1, "a mask and a Gram matrix each; one descriptor for all"},
    {"samples", "samples of the entropy term, with its gradient", 2, 1, "the distances of all pairs"},
};
const size_t growth_axis_count = sizeof growth_axes / sizeof *growth_axes;

/* ---- life ---- */

workload *workload_new(const workload_row *row, nx_device *device)
{
    nx_error err;
    workload *w = nx_alloc(sizeof *w);
    *w = (workload){.row = row, .device = device, .g = nx_graph_new(&device->info), .params = nx_params_new()};
    w->scope = (nx_scope){.g = w->g, .params = w->params, .seed = 1};
    char *text = row->network ? nx_format("[generator]\nnetwork = %s\nchannels = %d\n", row->network, row->channels)
                              : nx_copy_text("");
    NX_CHECK(config_parse(&w->c, row->name, text, ".", NULL, 0, &err), "%s", err.text);
    free(text);
    row->record(w);
    nx_recompute(w->g, w->c->device.recompute);
    NX_CHECK(nx_plan_new(&w->plan, w->g, &err), "%s: %s", row->name, err.text);
    if (w->descriptor) nx_params_realize(w->descriptor->params, device);
    nx_params_realize(w->params, device);
    if (w->optimizer) nx_params_realize(w->optimizer->state, device);
    if (w->lbfgs) nx_lbfgs_realize(w->lbfgs, device);
    nx_plan_realize(w->plan, device);
    if (w->optimizer) nx_optimizer_rate(w->optimizer, w->plan, 1, 1e-3);
    return w;
}

void workload_free(workload *w)
{
    if (!w) return;
    nx_plan_free(w->plan);
    nx_optimizer_free(w->optimizer);
    nx_lbfgs_free(w->lbfgs);
    nx_params_free(w->params);
    descriptor_free(w->descriptor);
    nx_graph_free(w->g);
    config_free(w->c);
    free(w);
}

nx_plan *workload_plan(workload *w) { return w->plan; }

/* ---- L-BFGS ---- */

static double evaluate(void *context)
{
    workload *w = context;
    float value;
    nx_plan_run(w->plan);
    nx_plan_read(w->plan, w->loss, &value);
    return (double)value;
}

typedef struct update {
    workload *w;
    double value;
} update;

static void evaluate_update(void *context)
{
    update *u = context;
    u->value = evaluate(u->w);
}

static void run_update(void *context)
{
    update *u = context;
    nx_lbfgs_function f = {u->w->picture, u->w->gradient, evaluate, u->w};
    nx_lbfgs_end end = nx_lbfgs_step(u->w->lbfgs, &f, &u->value, 1);
    NX_CHECK(end == NX_LBFGS_MOVED, "the function of the benchmark: %s", nx_lbfgs_end_text(end));
    nx_device_finish(u->w->device);
}

/* An update with a full history. Its work: the products of every row with s, y and g, and their weighted sum. */
static measured measure_lbfgs(workload *w, double seconds)
{
    update u = {.w = w};
    double rows = 2.0 * (w->row->history + 1), count = (double)nx_shape_count(w->picture->shape);
    w->device->profile = false;
    for (int i = 0; i < w->row->history + 2; i++) {
        evaluate_update(&u);
        run_update(&u);
    }
    measured m = {.times = measure_calls(run_update, evaluate_update, &u, seconds),
                  .flops = 2 * (3 + 1) * rows * count,
                  .bytes = 2 * rows * count * sizeof(cl_ushort)}; /* of bfloat16 */
    w->device->profile = true;
    return m;
}

workload_result workload_measure(workload *w, double seconds)
{
    workload_result r = {.memory = nx_memory_total(w->device)};
    r.m = w->lbfgs ? measure_lbfgs(w, seconds) : measure_plan(w->plan, w->device, seconds);
    return r;
}
