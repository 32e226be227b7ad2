/* nstx-bench: the workloads of bench/peers/torch_peer.py on an OpenCL device, for ratios taken in one run.
 *
 *     nstx-bench [WORKLOAD...] [--seconds S]
 *
 * Prints one line a workload, `workload median_seconds spread device_bytes`: spread is the distance of the quartiles
 * over the median. Warm-up, compilation and what is computed once (packed weights) come before the clock starts, as for
 * the peers. Weights are random: they do not change the work. bench/compare runs both and prints the ratios. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/memory.h"
#include "graph/plan.h"
#include "networks/stylenet.h"
#include "networks/vgg19.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "ops/affine.h"
#include "ops/weighted_sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const style_layers[] = {"conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"};
static const char *const content_layer[] = {"conv4_2"};

/* What a workload records; everything else is the same for all. */
typedef struct work {
    nx_graph *g;
    nx_params *params;
    vgg19 *vgg;
    nx_optimizer *optimizer;
} work;

static nx_tensor *picture(work *w, int batch, int size, const char *name)
{
    return nx_input(w->g, (nx_shape){batch, size, size, 3}, name);
}

static void descriptor(work *w, const char *const *layers, size_t count, vgg19_pooling pooling)
{
    nx_error err;
    vgg19_options options = {.init = VGG19_INIT_HE, .pooling = pooling, .padding = NX_PADDING_ZERO, .seed = 1};
    NX_CHECK(vgg19_new(&w->vgg, &options, layers, count, &err), "%s", err.text);
}

static void describe(work *w, nx_tensor *x, const char *const *layers, size_t count, nx_tensor **out)
{
    nx_error err;
    NX_CHECK(vgg19_record(w->vgg, w->g, x, layers, count, out, &err), "%s", err.text);
}

/* Style at the first `styles` layers against zero Gram matrices, content at conv4_2 against target. */
static nx_tensor *loss(work *w, nx_tensor *const *features, int styles, nx_tensor *content, nx_tensor *target)
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

static void vgg19_forward(work *w, int size, int batch)
{
    nx_tensor *out;
    descriptor(w, &style_layers[4], 1, VGG19_POOLING_MAX);
    describe(w, picture(w, batch, size, "x"), &style_layers[4], 1, &out);
    nx_keep(out);
}

static void gatys_step(work *w, int size, int batch)
{
    nx_tensor *feature[6], *dx, *x = picture(w, batch, size, "x");
    const char *layers[6] = {style_layers[0], style_layers[1], style_layers[2],
                             style_layers[3], style_layers[4], content_layer[0]};
    descriptor(w, layers, 6, VGG19_POOLING_AVERAGE);
    describe(w, x, layers, 6, feature);
    nx_tensor *target = nx_input(w->g, feature[5]->shape, "target");
    nx_gradient(w->g, loss(w, feature, 5, feature[5], target), &x, 1, &dx);
    nx_keep(dx);
}

static nx_tensor *generator(work *w, nx_tensor *x)
{
    stylenet_options options = {
        .norm = STYLENET_INSTANCE, .channels = 32, .blocks = 5, .padding = NX_PADDING_REPLICATE};
    nx_scope s = {.g = w->g, .params = w->params, .seed = 1, .training = true};
    return stylenet_record(&options, &s, x);
}

static void train_step(work *w, int size, int batch)
{
    const char *layers[5] = {style_layers[0], style_layers[1], style_layers[2], style_layers[3], content_layer[0]};
    float scale[3] = {255, 255, 255}, shift[3] = {-120, -120, -120};
    nx_tensor *x = picture(w, batch, size, "x"), *feature[5], *target;
    descriptor(w, layers, 5, VGG19_POOLING_MAX);
    nx_tensor *content =
        nx_affine(w->g, x, nx_constant(w->g, NX_VECTOR(3), scale), nx_constant(w->g, NX_VECTOR(3), shift));
    describe(w, content, content_layer, 1, &target);
    describe(w, generator(w, x), layers, 5, feature);
    nx_optimizer_options adam = {.method = NX_OPTIMIZER_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
    w->optimizer = nx_optimizer_new(w->g, loss(w, feature, 4, feature[4], target), w->params, adam);
}

static void stylenet(work *w, int size, int batch) { nx_keep(generator(w, picture(w, batch, size, "x"))); }

static const struct workload {
    const char *name;
    void (*record)(work *w, int size, int batch);
    int size, batch;
} workloads[] = {
    {"vgg19_forward_256", vgg19_forward, 256, 1}, {"gatys_step_256", gatys_step, 256, 1},
    {"gatys_step_512", gatys_step, 512, 1},       {"train_step_256_b4", train_step, 256, 4},
    {"stylenet_512", stylenet, 512, 1},           {"stylenet_1024", stylenet, 1024, 1},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_workload(nx_device *device, const struct workload *load, double seconds)
{
    enum { MOST = 200, LEAST = 5 };
    work w = {.g = nx_graph_new(&device->info), .params = nx_params_new()};
    double times[MOST];
    int n = 0;
    nx_error err;
    nx_plan *plan;
    load->record(&w, load->size, load->batch);
    NX_CHECK(nx_plan_new(&plan, w.g, &err), "%s", err.text);
    if (w.vgg) nx_params_realize(w.vgg->params, device);
    nx_params_realize(w.params, device);
    if (w.optimizer) nx_params_realize(w.optimizer->state, device);
    nx_plan_realize(plan, device);
    if (w.optimizer) nx_optimizer_rate(w.optimizer, plan, 1, 1e-3);
    for (int i = 0; i < 2; i++) nx_plan_run(plan);
    nx_device_finish(device);
    for (double end = nx_now() + seconds; n < LEAST || (nx_now() < end && n < MOST);) {
        double start = nx_now();
        nx_plan_run(plan);
        nx_device_finish(device);
        times[n++] = nx_now() - start;
    }
    qsort(times, (size_t)n, sizeof *times, by_value);
    printf("%s %.6f %.3f %llu\n", load->name, times[n / 2], (times[3 * n / 4] - times[n / 4]) / times[n / 2],
           (unsigned long long)nx_memory_total(device));
    fflush(stdout);
    if (device->profile) {
        size_t count;
        const nx_plan_line *lines = nx_plan_profile(plan, &count);
        for (size_t i = 0; i < count; i++)
            printf("#   %-24s %8.3f ms a step, %7.1f GFLOP/s, %6.1f GB/s\n", lines[i].name,
                   lines[i].seconds * 1e3 / (n + 1), lines[i].flops / lines[i].seconds * 1e-9,
                   lines[i].bytes / lines[i].seconds * 1e-9);
    }
    nx_plan_free(plan);
    nx_optimizer_free(w.optimizer);
    nx_params_free(w.params);
    vgg19_free(w.vgg);
    nx_graph_free(w.g);
}

int main(int argc, char **argv)
{
    double seconds = 5;
    bool profile = false, chosen = false, wanted[WORKLOADS] = {false};
    for (int i = 1; i < argc; i++) {
        int k = 0;
        while (k < WORKLOADS && strcmp(argv[i], workloads[k].name)) k++;
        if (k < WORKLOADS) {
            wanted[k] = chosen = true;
        } else if (!strcmp(argv[i], "--profile")) {
            profile = true;
        } else if (!strcmp(argv[i], "--seconds") && i + 1 < argc && atof(argv[i + 1]) > 0) {
            seconds = atof(argv[++i]);
        } else {
            fprintf(stderr,
                    "nstx-bench: no workload or option %s; usage: nstx-bench [WORKLOAD...] [--seconds S] [--profile]\n",
                    argv[i]);
            return 2;
        }
    }
    nx_error err;
    nx_device *device;
    if (!nx_device_open(&device, &(nx_device_options){.profile = profile}, &err)) {
        fprintf(stderr, "nstx-bench: %s\n", err.text);
        return 2;
    }
    printf("# %s, %s, driver %s\n", device->info.name, device->info.platform, device->info.driver);
    for (int k = 0; k < WORKLOADS; k++)
        if (wanted[k] || !chosen) time_workload(device, &workloads[k], seconds);
    nx_device_free(device);
    return 0;
}
