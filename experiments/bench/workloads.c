/* The workloads: a table, and for each kind a function that records it. */
#include "bench/workloads.h"

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "device/memory.h"
#include "networks/descriptor.h"
#include "networks/generators.h"
#include "nn/lbfgs.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "ops/affine.h"
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

/* Style at the first `styles` layers against zero Gram matrices, content at conv4_2 against target. */
static nx_tensor *loss(workload *w, nx_tensor *const *features, int styles, nx_tensor *content, nx_tensor *target)
{
    nx_tensor *term[6];
    float weight[6];
    for (int i = 0; i < styles; i++) {
        int c = features[i]->shape.c;
        float *zero = nx_alloc((size_t)c * (size_t)c * sizeof(float));
        term[i] = nx_style_loss(w->g, features[i], nx_constant(w->g, (nx_shape){1, 1, c, c}, zero), 0);
        weight[i] = 1000;
        free(zero);
    }
    term[styles] = nx_content_loss(w->g, content, target);
    weight[styles] = 1;
    return nx_weighted_sum(w->g, term, weight, styles + 1);
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
#define PIXELS(side)                                                                                                   \
    {                                                                                                                  \
        "stylenet_" #side, "growth", stylize, .size = side, .batch = 1, .network = "stylenet", .channels = 32,         \
                                              .axis = "pixels"                                                         \
    }
#define STEP(side)                                                                                                     \
    {                                                                                                                  \
        "gatys_step_" #side, "growth", gatys_step, .size = side, .batch = 1, .axis = "pixels of a step"                \
    }
#define BATCH(n)                                                                                                       \
    {                                                                                                                  \
        "train_step_64_b" #n, "growth", train_step, .size = 64, .batch = n, .network = "stylenet", .channels = 32,     \
                                                    .axis = "batch"                                                    \
    }
#define CHANNELS(n)                                                                                                    \
    {                                                                                                                  \
        "stylenet_256_c" #n, "growth", stylize, .size = 256, .batch = 1, .network = "stylenet", .channels = n,         \
                                                .axis = "channels"                                                     \
    }
    PIXELS(128),
    PIXELS(256),
    PIXELS(512),
    STEP(96),
    STEP(192),
    STEP(384),
    BATCH(1),
    BATCH(2),
    BATCH(4),
    CHANNELS(16),
    CHANNELS(32),
    CHANNELS(64),
};
const size_t workload_count = sizeof workloads / sizeof *workloads;

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
