/* Reduction: moments, a choice of channels, least squares. Large products run on the device, what is left is small. */
#include "networks/descriptor_reduce.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "graph/plan.h"
#include "networks/positions.h"
#include "nn/loss.h"
#include "ops/concat.h"
#include "ops/conv.h"
#include "ops/gather.h"
#include "ops/gemm.h"
#include "ops/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAPS = 9,          /* of a 3x3 convolution */
    POSITIONS = 24000, /* that a layer is fitted on, at most */
    PER_BATCH = 800,   /* of them from one batch, at most */
    CHUNK = 2000,      /* of them on the device at a time */
    ROUNDS = 6         /* of least squares */
};
#define RIDGE 1e-4 /* of the mean of the diagonal */

void descriptor_scales_of(const float *squares, int count, double floor, float *scales)
{
    double mean = 0, energy = 0;
    for (int k = 0; k < count; k++) mean += sqrt((double)squares[k]) / count;
    for (int k = 0; k < count; k++) {
        double root = sqrt((double)squares[k]), scale = 1 / fmax(root, fmax(floor * mean, 1e-30));
        energy += scale * scale * (double)squares[k] / count;
        scales[k] = (float)scale;
    }
    for (int k = 0; k < count; k++) scales[k] = energy > 0 ? (float)((double)scales[k] / sqrt(energy)) : 1;
}

/* ---- a layer's data ---- */

/* A layer of the student, and that of the teacher which it learns from. */
typedef struct layer_pair {
    const descriptor_layer *student, *teacher;
    int in, width, channels; /* of the student's layer: inputs and outputs; of the teacher's: outputs */
} layer_pair;

/* What is known at positions: rows of patches (nine taps, the channels of each together, and a 1), and the teacher's
 * values before the ReLU. */
typedef struct layer_data {
    int rows, inputs;
    float *patches; /* [rows][inputs] */
    float *values;  /* [rows][channels] */
} layer_data;

/* The features that a layer is given; x itself is what the first one is. */
static bool record_before(descriptor *d, nx_graph *g, nx_tensor *x, const descriptor_layer *l, nx_tensor **out,
                          nx_error *err)
{
    *out = x;
    if (l == d->network->layers) return true;
    const char *before = (l - 1)->name;
    return descriptor_record(d, g, x, &before, 1, out, err);
}

/* The graph of a batch: pictures and places in, patches and values out. */
typedef struct batch_graph {
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *pictures, *places[TAPS], *patches, *values;
    nx_shape shape; /* of the layer's input */
} batch_graph;

static bool record_batch(batch_graph *b, descriptor *student, descriptor *teacher, const layer_pair *pair,
                         nx_shape pictures, float input_scale, int count, nx_error *err)
{
    nx_graph *g = b->g;
    nx_tensor *before, *wide, *tap[TAPS + 1];
    b->pictures = nx_input(g, pictures, "pictures");
    nx_tensor *x = descriptor_center(teacher, g, b->pictures);
    if (!record_before(student, g, nx_scale(g, x, 1 / input_scale), pair->student, &before, err) ||
        !record_before(teacher, g, x, pair->teacher, &wide, err))
        return false;
    nx_conv_options options = {.pad = 1, .padding = teacher->padding};
    wide = nx_conv(g, wide, nx_use(g, descriptor_param(teacher, pair->teacher, "weight")),
                   nx_use(g, descriptor_param(teacher, pair->teacher, "bias")), options);
    b->shape = before->shape;
    float *ones = nx_alloc((size_t)count * sizeof *ones);
    for (int i = 0; i < count; i++) ones[i] = 1;
    for (int t = 0; t < TAPS; t++) {
        b->places[t] = nx_input(g, NX_VECTOR(count), "places");
        tap[t] = nx_gather(g, before, b->places[t]);
    }
    tap[TAPS] = nx_constant(g, (nx_shape){1, 1, count, 1}, ones);
    free(ones);
    b->patches = nx_keep(nx_concat(g, tap, TAPS + 1));
    b->values = nx_keep(nx_gather(g, wide, b->places[TAPS / 2]));
    return true;
}

/* The shape of a layer's input on such pictures. */
static bool find_shape(descriptor *d, const nx_device_info *info, const layer_pair *pair, nx_shape pictures,
                       nx_shape *out, nx_error *err)
{
    nx_graph *g = nx_graph_new(info);
    nx_tensor *before;
    bool ok = record_before(d, g, nx_input(g, pictures, "pictures"), pair->student, &before, err);
    if (ok) *out = before->shape;
    nx_graph_free(g);
    return ok;
}

/* Writes `count` of the n rows, drawn anew in each batch, for each tap. */
static void write_places(batch_graph *b, int *rows, int n, int count, const char *layer, size_t batch)
{
    float *places = nx_alloc((size_t)count * sizeof *places);
    nx_rng rng = nx_rng_new(batch, nx_stream(layer));
    nx_rng_choose(&rng, rows, n, count);
    for (int t = 0; t < TAPS; t++) {
        int offset = (t / 3 - 1) * b->shape.w + t % 3 - 1;
        for (int i = 0; i < count; i++) places[i] = (float)(rows[i] + offset);
        nx_plan_write(b->plan, b->places[t], places);
    }
    free(places);
}

static bool collect(layer_data *d, descriptor *student, descriptor *teacher, nx_device *device, const layer_pair *pair,
                    const descriptor_images *images, const descriptor_reduction *o, nx_error *err)
{
    batch_graph b = {.g = nx_graph_new(&device->info)};
    nx_shape s;
    bool ok = find_shape(student, &device->info, pair, images->shape, &s, err);
    int n = ok ? positions_list(s, images->shape.h, o->border, NULL) : 0, count = n < PER_BATCH ? n : PER_BATCH;
    int *rows = nx_alloc((size_t)(n + 1) * sizeof *rows);
    if (ok) positions_list(s, images->shape.h, o->border, rows);
    ok = ok && (count || nx_fail(err, "%s: larger crops are needed", pair->student->name)) &&
         record_batch(&b, student, teacher, pair, images->shape, o->input_scale, count, err) &&
         nx_plan_new(&b.plan, b.g, err);
    size_t batches = ok ? ((size_t)POSITIONS + (size_t)count - 1) / (size_t)count : 0;
    if (batches > images->batches) batches = images->batches;
    size_t numbers = nx_shape_count(images->shape), most = batches * (size_t)count;
    float *pixels = nx_alloc(numbers * sizeof *pixels);
    *d = (layer_data){.inputs = TAPS * pair->in + 1};
    if (ok) {
        d->patches = nx_alloc(most * (size_t)d->inputs * sizeof(float));
        d->values = nx_alloc(most * (size_t)pair->channels * sizeof(float));
        nx_params_realize(student->params, device);
        nx_params_realize(teacher->params, device);
        nx_plan_realize(b.plan, device);
    }
    for (size_t k = 0; ok && k < batches && !(o->cancelled && o->cancelled()); k++) {
        if (!(ok = images->read(images->context, k, pixels, err))) break;
        nx_plan_write(b.plan, b.pictures, pixels);
        write_places(&b, rows, n, count, pair->student->name, k);
        nx_plan_run(b.plan);
        nx_plan_read(b.plan, b.patches, d->patches + (size_t)d->rows * (size_t)d->inputs);
        nx_plan_read(b.plan, b.values, d->values + (size_t)d->rows * (size_t)pair->channels);
        d->rows += count;
    }
    free(pixels);
    free(rows);
    nx_plan_free(b.plan);
    nx_graph_free(b.g);
    return ok;
}

static void free_data(layer_data *d)
{
    free(d->patches);
    free(d->values);
}

/* ---- small linear algebra, in double ---- */

/* A = L L^T in place, the lower triangle; A [n][n] is symmetric and positive. */
static void factorize(double *a, int n)
{
    for (int j = 0; j < n; j++) {
        double *row = a + (size_t)j * (size_t)n, diagonal = row[j];
        for (int k = 0; k < j; k++) diagonal -= row[k] * row[k];
        row[j] = sqrt(diagonal > 0 ? diagonal : 1e-300);
        for (int i = j + 1; i < n; i++) {
            double *other = a + (size_t)i * (size_t)n, sum = other[j];
            for (int k = 0; k < j; k++) sum -= other[k] * row[k];
            other[j] = sum / row[j];
        }
    }
}

/* L L^T x = b, in place. */
static void solve(const double *l, int n, double *x)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) x[i] -= l[(size_t)i * (size_t)n + (size_t)k] * x[k];
        x[i] /= l[(size_t)i * (size_t)n + (size_t)i];
    }
    for (int i = n - 1; i >= 0; i--) {
        x[i] /= l[(size_t)i * (size_t)n + (size_t)i];
        for (int k = 0; k < i; k++) x[k] -= l[(size_t)i * (size_t)n + (size_t)k] * x[i];
    }
}

/* ---- channels ---- */

/* Minimises w^T G w / 2 - y^T w over w >= 0 on the chosen channels, from w on: coordinate descent. */
static void solve_nonnegative(const double *g, const double *y, int n, const int *chosen, int count, double *w)
{
    enum { SWEEPS = 200 };
    double change = 1, largest = 0;
    for (int sweep = 0; sweep < SWEEPS && change > 1e-7 * largest; sweep++) {
        change = largest = 0;
        for (int a = 0; a < count; a++) {
            const double *row = g + (size_t)chosen[a] * (size_t)n;
            double rest = y[chosen[a]];
            for (int b = 0; b < count; b++)
                if (b != a) rest -= row[chosen[b]] * w[b];
            double now = row[chosen[a]] > 0 && rest > 0 ? rest / row[chosen[a]] : 0;
            if (fabs(now - w[a]) > change) change = fabs(now - w[a]);
            if (now > largest) largest = now;
            w[a] = now;
        }
    }
}

/* Chooses `count` of n channels with weights, given the squares of their second moments; gives what part of the
 * kernel's energy is left. */
static double choose(const double *g, int n, int *chosen, int count, double *w)
{
    double *y = nx_alloc((size_t)n * sizeof *y), energy = 0, kept = 0;
    bool *taken = nx_alloc((size_t)n * sizeof *taken);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++) y[i] += g[(size_t)i * (size_t)n + (size_t)k];
        energy += y[i];
    }
    for (int m = 0; m < count; m++) {
        double best = -INFINITY;
        for (int i = 0; i < n; i++) {
            double own = g[(size_t)i * (size_t)n + (size_t)i], rest = y[i];
            if (taken[i]) continue;
            for (int k = 0; k < m; k++) rest -= g[(size_t)i * (size_t)n + (size_t)chosen[k]] * w[k];
            double gain = own > 0 ? rest / sqrt(own) : 0;
            if (gain > best) best = gain, chosen[m] = i;
        }
        taken[chosen[m]] = true;
        w[m] = 0;
        solve_nonnegative(g, y, n, chosen, m + 1, w);
    }
    for (int k = 0; k < count; k++) kept += w[k] * y[chosen[k]];
    free(taken);
    free(y);
    return energy > 0 ? 1 - kept / energy : 0;
}

static double positive(float v) { return v > 0 ? (double)v : 0; }

/* E[f_c f_d], squared, of the teacher's channels after the ReLU, scaled. */
static void square_moments(const layer_data *d, int channels, const float *scales, nx_device *device, double *out)
{
    size_t n = (size_t)channels;
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *f = nx_input(g, (nx_shape){1, 1, CHUNK, channels}, "features"), *moments = nx_keep(nx_gram_matrix(g, f));
    nx_plan *plan;
    NX_CHECK(nx_plan_new(&plan, g, NULL), "no plan of moments");
    nx_plan_realize(plan, device);
    float *rows = nx_alloc(CHUNK * n * sizeof *rows), *part = nx_alloc(n * n * sizeof *part);
    memset(out, 0, n * n * sizeof *out);
    for (int first = 0; first < d->rows; first += CHUNK) {
        for (int r = 0; r < CHUNK; r++)
            for (size_t c = 0; c < n; c++)
                rows[(size_t)r * n + c] =
                    first + r < d->rows ? (float)positive(d->values[(size_t)(first + r) * n + c]) * scales[c] : 0;
        nx_plan_write(plan, f, rows);
        nx_plan_run(plan);
        nx_plan_read(plan, moments, part);
        for (size_t i = 0; i < n * n; i++) out[i] += (double)part[i] * CHUNK / d->rows;
    }
    for (size_t i = 0; i < n * n; i++) out[i] *= out[i];
    free(part);
    free(rows);
    nx_plan_free(plan);
    nx_graph_free(g);
}

/* ---- least squares ---- */

/* A product of a fit, c = a^T b or a b, where a is a chunk of patches; of all patches it is the sum, or each in turn.
 */
typedef struct product {
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *a, *b, *c; /* b may be a */
} product;

static product product_new(nx_device *device, int inputs, nx_shape b, bool transposed)
{
    product p = {.g = nx_graph_new(&device->info)};
    p.a = nx_input(p.g, (nx_shape){1, 1, CHUNK, inputs}, "patches");
    p.b = nx_shape_equal(b, p.a->shape) ? p.a : nx_input(p.g, b, "b");
    p.c = nx_keep(nx_gemm(p.g, p.a, p.b, (nx_gemm_options){.transpose_a = transposed}));
    NX_CHECK(nx_plan_new(&p.plan, p.g, NULL), "no plan of a product");
    nx_plan_realize(p.plan, device);
    return p;
}

static void product_free(product *p)
{
    nx_plan_free(p->plan);
    nx_graph_free(p->g);
}

/* Rows first to first + CHUNK of a matrix of so many columns; past the end zeros, which add nothing. */
static void write_chunk(nx_plan *plan, nx_tensor *t, const float *rows, int count, int first)
{
    size_t columns = (size_t)t->shape.c, there = (size_t)(count - first < CHUNK ? count - first : CHUNK);
    float *chunk = nx_alloc(CHUNK * columns * sizeof *chunk);
    memcpy(chunk, rows + (size_t)first * columns, there * columns * sizeof *chunk);
    nx_plan_write(plan, t, chunk);
    free(chunk);
}

/* The sum of p over all patches, with as many rows of b, which are the patches themselves where p has them as b. */
static void sum_product(product *p, const layer_data *d, const float *b, double *sum)
{
    size_t numbers = nx_shape_count(p->c->shape);
    float *part = nx_alloc(numbers * sizeof *part);
    memset(sum, 0, numbers * sizeof *sum);
    for (int first = 0; first < d->rows; first += CHUNK) {
        write_chunk(p->plan, p->a, d->patches, d->rows, first);
        if (p->b != p->a) write_chunk(p->plan, p->b, b, d->rows, first);
        nx_plan_run(p->plan);
        nx_plan_read(p->plan, p->c, part);
        for (size_t i = 0; i < numbers; i++) sum[i] += (double)part[i];
    }
    free(part);
}

/* What weights give at all patches: CHUNK rows at a time, of which the last ones may be of none. */
static void apply_weights(product *p, const layer_data *d, const float *weights, float *given)
{
    nx_plan_write(p->plan, p->b, weights);
    for (int first = 0; first < d->rows; first += CHUNK) {
        write_chunk(p->plan, p->a, d->patches, d->rows, first);
        nx_plan_run(p->plan);
        nx_plan_read(p->plan, p->c, given + (size_t)first * (size_t)p->c->shape.c);
    }
}

/* What the student's weights should give: where the teacher is negative any negative number will do after the ReLU, so
 * what the last round gave there stays, or 0. */
static void want(const float *target, const float *given, float *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wanted[i] = target[i] >= 0 ? target[i] : given && given[i] < 0 ? given[i] : given ? 0 : target[i];
}

/* Fits weights [inputs][width] to the target [rows][width]; gives what part of its energy after the ReLU is missed. */
static double fit(const layer_data *d, nx_device *device, const float *target, int width, float *weights)
{
    size_t in = (size_t)d->inputs, out = (size_t)width, rows = (size_t)d->rows;
    nx_shape patches = {1, 1, CHUNK, d->inputs}, values = {1, 1, CHUNK, width}, matrix = {1, 1, d->inputs, width};
    product normal = product_new(device, d->inputs, patches, true),
            right = product_new(device, d->inputs, values, true),
            forward = product_new(device, d->inputs, matrix, false);
    double *a = nx_alloc(in * in * sizeof *a), *b = nx_alloc(in * out * sizeof *b),
           *column = nx_alloc(in * sizeof *column), trace = 0, error = 0, energy = 0;
    float *wanted = nx_alloc(rows * out * sizeof *wanted), *given = nx_alloc((rows + CHUNK) * out * sizeof *given);
    sum_product(&normal, d, NULL, a);
    for (size_t i = 0; i < in; i++) trace += a[i * in + i];
    for (size_t i = 0; i < in; i++) a[i * in + i] += RIDGE * trace / (double)in;
    factorize(a, d->inputs);
    for (int round = 0; round < ROUNDS; round++) {
        want(target, round ? given : NULL, wanted, rows * out);
        sum_product(&right, d, wanted, b);
        for (size_t k = 0; k < out; k++) {
            for (size_t i = 0; i < in; i++) column[i] = b[i * out + k];
            solve(a, d->inputs, column);
            for (size_t i = 0; i < in; i++) weights[i * out + k] = (float)column[i];
        }
        apply_weights(&forward, d, weights, given);
    }
    for (size_t i = 0; i < rows * out; i++) {
        double t = positive(target[i]), g = positive(given[i]);
        error += (g - t) * (g - t);
        energy += t * t;
    }
    free(given);
    free(wanted);
    free(column);
    free(b);
    free(a);
    product_free(&forward);
    product_free(&right);
    product_free(&normal);
    return energy > 0 ? error / energy : 0;
}

/* ---- a layer, and all of them ---- */

/* Puts weights [inputs][width], the last row the bias, into the layer's parameters. */
static void put_weights(descriptor *d, const layer_pair *pair, const float *weights)
{
    nx_param *w = descriptor_param(d, pair->student, "weight"), *b = descriptor_param(d, pair->student, "bias");
    size_t in = (size_t)pair->in, out = (size_t)pair->width;
    float *oihw = nx_alloc(TAPS * in * out * sizeof *oihw);
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t t = 0; t < TAPS; t++) oihw[(o * in + i) * TAPS + t] = weights[(t * in + i) * out + o];
    nx_param_import(w, oihw);
    nx_param_import(b, weights + TAPS * in * out);
    free(oihw);
}

static void reduce_layer(descriptor *student, nx_device *device, const layer_pair *pair, const layer_data *d,
                         double floor)
{
    int n = pair->channels, width = pair->width, take = width < n ? width : n;
    size_t rows = (size_t)d->rows, channels = (size_t)n;
    float *scales = nx_alloc(channels * sizeof *scales), *target = nx_alloc(rows * (size_t)width * sizeof *target),
          *weights = nx_alloc((size_t)d->inputs * (size_t)width * sizeof *weights);
    double *moments = nx_alloc(channels * channels * sizeof *moments), *w = nx_alloc((size_t)take * sizeof *w);
    int *chosen = nx_alloc((size_t)take * sizeof *chosen);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            double v = positive(d->values[r * channels + c]);
            scales[c] += (float)(v * v / (double)rows);
        }
    descriptor_scales_of(scales, n, floor, scales);
    square_moments(d, n, scales, device, moments);
    double left = choose(moments, n, chosen, take, w), most = 0;
    for (int k = 0; k < take; k++) most = w[k] > most ? w[k] : most;
    for (int k = 0; k < width; k++) { /* a student that is wider than its teacher has channels twice */
        int from = k % take, copies = (width - from + take - 1) / take;
        double weight = (w[from] > 1e-3 * most ? w[from] : 1e-3 * most) / copies;
        float factor = (float)sqrt(weight * width / n) * scales[chosen[from]];
        for (size_t r = 0; r < rows; r++)
            target[r * (size_t)width + (size_t)k] = factor * d->values[r * channels + (size_t)chosen[from]];
    }
    double missed = fit(d, device, target, width, weights);
    put_weights(student, pair, weights);
    nx_info("%s: %d of %d channels leave %.1f %% of the kernel, their fit misses %.1f %%", pair->student->name, take, n,
            100 * fmax(left, 0), 100 * missed);
    free(chosen);
    free(w);
    free(moments);
    free(weights);
    free(target);
    free(scales);
}

bool descriptor_reduce(descriptor *student, descriptor *teacher, nx_device *device, const descriptor_images *images,
                       const descriptor_reduction *options, nx_error *err)
{
    layer_pair pair = {.in = 3};
    bool ok = true;
    for (int i = 0; ok && i < student->network->count; i++) {
        const descriptor_layer *l = &student->network->layers[i];
        const nx_param *weight = l->kind == LAYER_CONV ? descriptor_param(student, l, "weight") : NULL;
        if (l->kind == LAYER_LINEAR || (l->kind == LAYER_CONV && !weight)) break;
        if (!weight) continue;
        if (options->cancelled && options->cancelled()) return true;
        int at = descriptor_find(teacher->network, l->name);
        if (at >= 0) pair.teacher = &teacher->network->layers[at];
        if (!pair.teacher) return nx_fail(err, "%s has no %s to begin with", teacher->network->title, l->name);
        pair.student = l;
        pair.width = weight->shape.c;
        pair.channels = descriptor_param(teacher, pair.teacher, "weight")->shape.c;
        layer_data data = {0};
        ok = collect(&data, student, teacher, device, &pair, images, options, err);
        if (ok && !(options->cancelled && options->cancelled()))
            reduce_layer(student, device, &pair, &data, options->floor);
        free_data(&data);
        pair.in = pair.width;
    }
    return ok;
}
