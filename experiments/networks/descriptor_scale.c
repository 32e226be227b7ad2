/* Scaling: one pass over the images measures every layer, for channel means of what goes in and comes out scale alike.
 */
#include "networks/descriptor_scale.h"

#include "base/memory.h"
#include "graph/plan.h"
#include "ops/channel_sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CHANNELS = 4096 };

/* The sum of every channel of some layers, or of its square, over a batch. */
typedef struct pass {
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *input, *sums[DESCRIPTOR_LAYERS];
} pass;

static bool pass_new(pass *out, descriptor *d, const nx_device_info *info, nx_shape shape, const char *const *names,
                     size_t n, bool squares, nx_error *err)
{
    nx_graph *g = nx_graph_new(info);
    *out = (pass){.g = g, .input = nx_input(g, shape, "image")};
    if (!descriptor_record(d, g, descriptor_center(d, g, out->input), names, n, out->sums, err)) return false;
    for (size_t i = 0; i < n; i++)
        out->sums[i] =
            nx_keep(squares ? nx_channel_dot(g, out->sums[i], out->sums[i]) : nx_channel_sum(g, out->sums[i]));
    return nx_plan_new(&out->plan, g, err);
}

static void pass_free(pass *p)
{
    nx_plan_free(p->plan);
    nx_graph_free(p->g);
}

/* The mean of every channel of n layers, or of its square. */
static bool channel_means(descriptor *d, nx_device *device, const descriptor_images *images, const char *const *names,
                          size_t n, bool squares, float **means, nx_error *err)
{
    pass p;
    bool ok = pass_new(&p, d, &device->info, images->shape, names, n, squares, err);
    if (ok) {
        nx_params_realize(d->params, device);
        nx_plan_realize(p.plan, device);
    }
    float *pixels = nx_alloc(nx_shape_count(images->shape) * sizeof *pixels),
          *sums = nx_alloc(MOST_CHANNELS * sizeof *sums);
    for (size_t i = 0; ok && i < n; i++) {
        NX_CHECK(p.sums[i]->shape.c <= MOST_CHANNELS, "%s has %d channels", names[i], p.sums[i]->shape.c);
        means[i] = nx_alloc((size_t)p.sums[i]->shape.c * sizeof(float));
    }
    for (size_t b = 0; ok && b < images->batches; b++) {
        if (!(ok = images->read(images->context, b, pixels, err))) break;
        nx_plan_write(p.plan, p.input, pixels);
        nx_plan_run(p.plan);
        for (size_t i = 0; i < n; i++) {
            nx_shape s = p.sums[i]->producer->in[0]->shape;
            nx_plan_read(p.plan, p.sums[i], sums);
            for (int k = 0; k < s.c; k++)
                means[i][k] += sums[k] / ((float)s.n * (float)s.h * (float)s.w) / (float)images->batches;
        }
    }
    for (size_t i = 0; !ok && i < n; i++) {
        free(means[i]);
        means[i] = NULL;
    }
    free(sums);
    free(pixels);
    pass_free(&p);
    return ok;
}

bool descriptor_mean_squares(descriptor *d, nx_device *device, const descriptor_images *images,
                             const char *const *layers, size_t count, float **out, nx_error *err)
{
    return channel_means(d, device, images, layers, count, true, out, err);
}

/* The mean activation of every channel of every convolution and fully connected layer up to the deepest of those given,
 * one after another. */
static bool mean_activations(descriptor *d, nx_device *device, const descriptor_images *images,
                             const char *const *layers, size_t count, float **means, nx_error *err)
{
    const char *names[DESCRIPTOR_LAYERS];
    size_t n = descriptor_weighted(d->network, layers, count, names);
    return channel_means(d, device, images, names, n, false, means, err);
}

bool descriptor_rescale_on(descriptor *d, nx_device *device, const descriptor_images *images, const char *const *layers,
                           size_t count, bool by_channel, float floor, size_t *rare, nx_error *err)
{
    size_t bounded = 0;
    int last = descriptor_deepest(d->network, layers, count, err);
    float *means[DESCRIPTOR_LAYERS] = {NULL};
    if (last < 0 || !mean_activations(d, device, images, layers, count, means, err)) return false;
    size_t m = 0, channels = 3;
    float *before = nx_alloc(3 * sizeof(float));
    for (int c = 0; c < 3; c++) before[c] = 1;
    for (int i = 0; i <= last; i++) {
        const descriptor_layer *l = &d->network->layers[i];
        if (l->kind == LAYER_POOL) continue;
        nx_param *w = descriptor_param(d, l, "weight"), *b = descriptor_param(d, l, "bias");
        size_t out = (size_t)w->shape.c, in = (size_t)w->shape.w, taps = (size_t)(w->shape.n * w->shape.h);
        float *now = means[m++], sum = 0;
        for (size_t k = 0; k < out; k++) sum += now[k] / (float)out;
        for (size_t k = 0; k < out; k++) {
            bool rarely = by_channel && !l->bare && now[k] > 0 && now[k] < floor * sum;
            if (rarely) now[k] = floor * sum, bounded++;
            if (!by_channel) now[k] = sum;
            if (l->bare || !(now[k] > 0)) now[k] = 1; /* not after a ReLU; dead */
        }
        float *weight = nx_alloc(taps * in * out * sizeof(float)), *bias = nx_alloc(out * sizeof(float));
        nx_param_export(w, weight); /* [out][in][taps] */
        nx_param_export(b, bias);
        for (size_t k = 0; k < out; k++) {
            for (size_t j = 0; j < in; j++)
                for (size_t t = 0; t < taps; t++)
                    weight[(k * in + j) * taps + t] *= before[j % channels] / now[k]; /* fc6: channels are innermost */
            bias[k] /= now[k];
        }
        nx_param_import(w, weight);
        nx_param_import(b, bias);
        free(weight);
        free(bias);
        free(before);
        before = now;
        channels = out;
    }
    free(before);
    if (rare) *rare = bounded;
    return true;
}

/* One batch that lies in memory. */
typedef struct one_batch {
    const float *pixels;
    size_t bytes;
} one_batch;

static bool read_one(void *context, size_t batch, float *pixels, nx_error *err)
{
    const one_batch *one = context;
    (void)batch, (void)err;
    memcpy(pixels, one->pixels, one->bytes);
    return true;
}

bool descriptor_rescale(descriptor *d, nx_device *device, const float *images, nx_shape shape,
                        const char *const *layers, size_t count, bool by_channel, nx_error *err)
{
    one_batch one = {images, nx_shape_count(shape) * sizeof *images};
    descriptor_images all = {.shape = shape, .batches = 1, .read = read_one, .context = &one};
    return descriptor_rescale_on(d, device, &all, layers, count, by_channel, DESCRIPTOR_FLOOR, NULL, err);
}

uint64_t descriptor_rescale_bytes(descriptor *d, const nx_device_info *info, nx_shape shape, const char *const *layers,
                                  size_t count)
{
    pass p;
    const char *names[DESCRIPTOR_LAYERS];
    size_t n = descriptor_weighted(d->network, layers, count, names);
    uint64_t bytes = pass_new(&p, d, info, shape, names, n, false, NULL) ? nx_plan_bytes(p.plan) : 0;
    pass_free(&p);
    return bytes;
}

bool descriptor_measure(descriptor *d, nx_device *device, const descriptor_images *images, const char *layer,
                        descriptor_activation *out, size_t *count, nx_error *err)
{
    int last = descriptor_deepest(d->network, &layer, 1, err);
    float *means[DESCRIPTOR_LAYERS] = {NULL};
    *count = 0;
    if (last < 0 || !mean_activations(d, device, images, &layer, 1, means, err)) return false;
    for (int i = 0; i <= last; i++) {
        const descriptor_layer *l = &d->network->layers[i];
        if (l->kind == LAYER_POOL) continue;
        descriptor_activation *a = &out[*count];
        *a = (descriptor_activation){.layer = l->name, .channels = descriptor_param(d, l, "weight")->shape.c};
        float *now = means[(*count)++];
        for (int k = 0; k < a->channels; k++) {
            double m = (double)now[k];
            if (isnan(m) || m > a->most || !k) a->most = isnan(a->most) ? a->most : m;
            a->mean += m / a->channels;
            a->dead += m == 0;
        }
        free(now);
    }
    return true;
}
