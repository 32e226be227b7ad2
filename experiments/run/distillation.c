/* Distillation of a descriptor: a student, usually narrow, learns the kernel of a teacher, layer by layer.
 *
 * Losses of Gram matrices compare distributions of features f under the kernel k(p, q) = <f(p), f(q)> / C of two
 * positions (they are the maximum mean discrepancy of its square; Li, Wang, Liu, Hou, "Demystifying Neural Style
 * Transfer", IJCAI 2017), and losses of content are distances under the same k. So a student whose k agrees with the
 * teacher's stands in for it, whatever its own channels mean. Minimised at each layer, over P positions of a batch:
 *
 *     |Ks - Kt|^2 / |Kt|^2  +  readout |R fs - ft|^2 / |ft|^2
 *
 * with K the P x P matrix of k, R a linear map that is trained with the student and dropped, and the teacher's channels
 * scaled by what they are on pictures of the training; or, of the first term, a tenth of its logarithm. Positions near
 * the border are left out: there the padding speaks. */
#include "run/train.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "config/made.h"
#include "config/sweep_points.h"
#include "networks/descriptor_files.h"
#include "networks/descriptor_reduce.h"
#include "networks/positions.h"
#include "nn/layer.h"
#include "ops/affine.h"
#include "ops/gather.h"
#include "ops/gemm.h"
#include "ops/log.h"
#include "ops/mean_square.h"
#include "ops/mse.h"
#include "ops/quotient.h"
#include "ops/scale.h"
#include "run/interrupt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BORDER = 16,      /* pixels of the picture at each side that hold no position; of a layer 1 at least */
    SCALED_ON = 64,   /* batches of the training on which the teacher's channels are measured */
    REDUCED_ON = 200, /* and on which the student's first weights are fitted, at most */
    SHOWN = 2,        /* pictures that are looked at */
    GAP = 4,          /* pixels between them */
    INPUT_SCALE = 60  /* the student is trained on pictures divided by that, about their deviation: a step of Adam then
                       * suits its first weights as it does the others */
};

#define LOG_EPSILON 1e-3f /* added to a relative error before its logarithm */

typedef struct distiller {
    trainer trainer;
    descriptor *teacher, *student; /* the student as it begins: shapes and first values */
    int layers;
    const char *layer[DESCRIPTOR_LAYERS];
    nx_params *scales; /* of the teacher's channels, one vector a layer, on the host; 1 before they are measured */
} distiller;

/* A side's own. */
typedef struct kernels {
    nx_tensor *rows[DESCRIPTOR_LAYERS];                                 /* positions */
    nx_tensor *teacher[DESCRIPTOR_LAYERS], *student[DESCRIPTOR_LAYERS]; /* features of validation, kept */
} kernels;

/* ---- positions ---- */

/* The sides of the square of a layer in which positions are drawn. */
static int inner_of(nx_shape features, int size) { return features.h - 2 * positions_border(features, size, BORDER); }

/* Draws different positions, each as often as any other. */
static void draw_rows(float *rows, int count, nx_shape features, int size, nx_rng rng)
{
    int all = positions_list(features, size, BORDER, NULL), *list = nx_alloc((size_t)all * sizeof *list);
    positions_list(features, size, BORDER, list);
    nx_rng_choose(&rng, list, all, count);
    for (int i = 0; i < count; i++) rows[i] = (float)list[i];
    free(list);
}

static void feed(const trainer *base, side *s, const char *stream, uint64_t step)
{
    const distiller *t = (const distiller *)base;
    const kernels *k = s->own;
    for (int i = 0; i < t->layers; i++) {
        int count = k->rows[i]->shape.c;
        float *rows = nx_alloc((size_t)count * sizeof *rows);
        char *name = nx_format("%s/%s", stream, t->layer[i]);
        nx_rng rng = nx_rng_new((uint64_t)base->task.c->experiment.seed, nx_stream(name));
        rng.index = step * (uint64_t)count;
        draw_rows(rows, count, k->teacher[i]->shape, base->task.c->data.size, rng);
        nx_plan_write(s->plan, k->rows[i], rows);
        free(name);
        free(rows);
    }
}

/* ---- recording ---- */

/* A parameter like another in a store; without values of its own it has the other's, divided. */
static void copy_param(nx_params *to, const nx_param *from, bool undrawn, float divisor)
{
    nx_param *p = nx_param_add(to, from->name, from->shape, from->rank);
    size_t count = nx_shape_count(p->shape);
    if (undrawn) return;
    float *values = nx_alloc(count * sizeof *values);
    nx_param_export(from, values);
    for (size_t k = 0; k < count; k++) values[k] /= divisor;
    nx_param_import(p, values);
    free(values);
}

/* The student with its parameters in a store, where they are made if they are not there. */
static descriptor student_in(const distiller *t, nx_params *params, bool undrawn)
{
    descriptor d = *t->student;
    d.params = params;
    for (size_t i = 0; i < t->student->params->count; i++) {
        const nx_param *from = t->student->params->items[i];
        if (!nx_params_find(params, from->name)) copy_param(params, from, undrawn, 1);
    }
    return d;
}

static nx_tensor *kernel_of(nx_graph *g, nx_tensor *features)
{
    nx_gemm_options options = {.transpose_b = true, .alpha = 1 / (float)features->shape.c};
    return nx_gemm(g, features, features, options);
}

static nx_tensor *relative_error(nx_graph *g, nx_tensor *x, nx_tensor *target)
{
    return nx_quotient(g, nx_mse(g, x, target), nx_mean_square(g, target));
}

/* The terms of a layer. */
static bool record_layer(distiller *t, nx_scope *scope, side *s, int i, int size, nx_error *err)
{
    const config *c = t->trainer.task.c;
    nx_graph *g = s->g;
    kernels *k = s->own;
    nx_tensor *teacher = k->teacher[i], *student = k->student[i];
    nx_shape shape = teacher->shape;
    char name[64];
    if (student->shape.h != shape.h)
        return nx_fail(err, "[distil] layers: %s is %d pixels wide in the student and %d in the teacher", t->layer[i],
                       student->shape.h, shape.h);
    int inner = inner_of(shape, size), all = positions_list(shape, size, BORDER, NULL), count = c->distil.positions;
    if (inner < 2)
        return nx_fail(err, "%s is %d pixels wide, of which the border takes %d: larger crops are needed", t->layer[i],
                       shape.h, shape.h - inner);
    snprintf(name, sizeof name, "rows/%s", t->layer[i]);
    k->rows[i] = nx_input(g, NX_VECTOR(count < all ? count : all), name);
    nx_param *scale = t->scales->items[i];
    float *zero = nx_alloc((size_t)shape.c * sizeof *zero);
    nx_tensor *ft = nx_affine(g, nx_gather(g, teacher, k->rows[i]), nx_constant(g, NX_VECTOR(shape.c), scale->initial),
                              nx_constant(g, NX_VECTOR(shape.c), zero)),
              *fs = nx_gather(g, student, k->rows[i]);
    free(zero);
    snprintf(name, sizeof name, "kernel/%s", t->layer[i]);
    nx_tensor *error = relative_error(g, kernel_of(g, fs), kernel_of(g, ft));
    bool logarithm = c->distil.loss == DISTIL_LOSS_LOG;
    objective_add(&s->objective, OBJECTIVE_KERNEL, name, error, logarithm ? 0 : 1);
    if (logarithm) {
        snprintf(name, sizeof name, "log/%s", t->layer[i]);
        objective_add(&s->objective, OBJECTIVE_KERNEL, name, nx_log(g, error, LOG_EPSILON), 0.1);
    }
    if (!(c->distil.readout > 0)) return true;
    snprintf(name, sizeof name, "readout/%s", t->layer[i]);
    objective_add(&s->objective, OBJECTIVE_READOUT, name,
                  relative_error(g, nx_layer_conv(scope, name, fs, shape.c, 1, (nx_conv_options){0}), ft),
                  c->distil.readout);
    return true;
}

static bool record(trainer *base, side *s, nx_params *params, int size, nx_error *err)
{
    distiller *t = (distiller *)base;
    nx_graph *g = s->g;
    bool undrawn = train_undrawn(base, params);
    nx_scope scope = {.g = g, .params = params, .seed = (uint64_t)base->task.c->experiment.seed, .undrawn = undrawn};
    descriptor student = student_in(t, params, undrawn);
    kernels *k = s->own = nx_alloc(sizeof *k);
    nx_tensor *x = descriptor_center(t->teacher, g, s->content);
    if (!descriptor_record(t->teacher, g, x, t->layer, (size_t)t->layers, k->teacher, err) ||
        !descriptor_record(&student, g, nx_scale(g, x, 1.f / INPUT_SCALE), t->layer, (size_t)t->layers, k->student,
                           err))
        return false;
    nx_graph_label(g, "kernels");
    for (int i = 0; i < t->layers; i++) {
        if (!record_layer(t, &scope, s, i, size, err)) return false;
        if (!s->training) nx_keep(k->teacher[i]), nx_keep(k->student[i]);
    }
    nx_graph_label(g, NULL);
    return true;
}

/* Each picture blended with white noise of its own, by a share of its own; most of them are small. */
static void add_noise(const trainer *t, uint64_t step, float *pixels)
{
    const config *c = t->task.c;
    size_t count = (size_t)c->data.size * (size_t)c->data.size * 3, batch = (size_t)c->data.batch;
    if (!(c->distil.noise > 0)) return;
    nx_rng rng = nx_rng_new((uint64_t)c->experiment.seed, nx_stream("distil/noise"));
    rng.index = step * batch * (count + 1);
    for (size_t n = 0; n < batch; n++, pixels += count) {
        float u = nx_rng_uniform(&rng), share = (float)c->distil.noise * u * u * u;
        for (size_t i = 0; i < count; i++) pixels[i] += share * (255 * nx_rng_uniform(&rng) - pixels[i]);
    }
}

/* The teacher's scales, and one series of pictures. */
static nx_shape grid_shape(const distiller *t, int pictures)
{
    int pitch = t->trainer.task.c->data.size + GAP;
    return (nx_shape){1, 2 * pictures * pitch - GAP, (1 + t->layers) * pitch - GAP, 3};
}

static int shown(const task *base)
{
    int batch = train_validation_batch((const trainer *)base);
    return batch < SHOWN ? batch : SHOWN;
}

static void store(const trainer *base, const nx_params *params, const side *valid, task_stored *s)
{
    const distiller *t = (const distiller *)base;
    const config *c = base->task.c;
    (void)params;
    s->numbers += nx_params_numbers(t->scales, false);
    s->arrays += t->scales->count;
    if (valid->plan)
        task_store_series(s, c, (uint64_t)c->experiment.steps, nx_shape_count(grid_shape(t, shown(&base->task))) / 3);
}

static const train_subject subject = {.record = record, .alter = add_noise, .feed = feed, .store = store};

/* ---- what it reads ---- */

static bool open_teacher(distiller *t, nx_error *err)
{
    const config *c = t->trainer.task.c;
    if (!config_need(c, "distil", "teacher", err)) return false;
    char *weights = config_weights_path(c->distil.teacher, err);
    descriptor_options options = {.network = descriptor_network_at((size_t)c->distil.teacher_network),
                                  .weights = weights,
                                  .preprocessing = config_weights_preprocessing(c->distil.teacher, PREPROCESSING_FILE),
                                  .pooling = c->descriptor.pooling,
                                  .padding = c->descriptor.padding};
    bool ok = weights && descriptor_new(&t->teacher, &options, t->layer, (size_t)t->layers, err);
    free(weights);
    return ok;
}

/* The student begins with what its file or its seed gives, and the teacher's way with pictures. */
static bool open_student(distiller *t, nx_error *err)
{
    const config *c = t->trainer.task.c;
    descriptor *d;
    if (!perceptual_open_descriptor(&d, c, t->layer, (size_t)t->layers, err)) return false;
    t->student = d;
    if (c->descriptor.padding == DESCRIPTOR_PADDING_FILE) d->padding = t->teacher->padding;
    if (c->descriptor.pooling == POOLING_FILE) d->pooling = t->teacher->pooling;
    memcpy(d->mean, t->teacher->mean, sizeof d->mean);
    nx_param *first = d->params->items[0];
    for (size_t i = 0; !d->random && i < nx_shape_count(first->shape); i++) first->initial[i] *= INPUT_SCALE;
    return true;
}

static int channels_of(const descriptor *d, const char *layer)
{
    return descriptor_param(d, &d->network->layers[descriptor_find(d->network, layer)], "weight")->shape.c;
}

static bool open_layers(distiller *t, nx_error *err)
{
    const config_list *layers = &t->trainer.task.c->distil.layers;
    if (!layers->count) return nx_fail(err, "[distil] layers: there is none to match");
    if (layers->count > DESCRIPTOR_LAYERS || 3 * layers->count > OBJECTIVE_TERMS)
        return nx_fail(err, "[distil] layers: %d of them, at most %d", layers->count, OBJECTIVE_TERMS / 3);
    for (int i = 0; i < layers->count; i++) t->layer[t->layers++] = layers->items[i];
    return true;
}

static void make_scales(distiller *t)
{
    t->scales = nx_params_new();
    for (int i = 0; i < t->layers; i++) {
        int channels = channels_of(t->teacher, t->layer[i]), width = channels_of(t->student, t->layer[i]);
        nx_param *p = nx_param_add(t->scales, t->layer[i], NX_VECTOR(channels), 1);
        for (int k = 0; k < channels; k++) p->initial[k] = 1;
        if (width > channels)
            nx_info("%s: the student has %d channels, more than the teacher's %d", t->layer[i], width, channels);
    }
}

static bool open_inputs(task *base, nx_error *err)
{
    distiller *t = (distiller *)base;
    trainer *r = &t->trainer;
    r->subject = &subject;
    r->params = nx_params_new();
    if (!open_layers(t, err) || !open_teacher(t, err) || !open_student(t, err) || !made_of_config(base->c, err) ||
        !train_check_crops(base->c, 256, err) || !train_read_pictures(r, err))
        return false;
    make_scales(t);
    return train_check_size(r, err) && train_open_pictures(r, err);
}

static void close_all(task *base)
{
    distiller *t = (distiller *)base;
    train_close(base);
    nx_params_free(t->scales);
    descriptor_free(t->student);
    descriptor_free(t->teacher);
}

/* ---- memory ---- */

static bool measure(task *base, int size, task_needs *out, nx_error *err)
{
    if (!train_measure(base, size, out, err)) return false;
    const distiller *t = (const distiller *)base;
    out->bytes[NX_MEMORY_PARAMETERS] += nx_params_bytes(t->teacher->params);
    if (base->c->distil.start == START_TEACHER) out->bytes[NX_MEMORY_PARAMETERS] += nx_params_bytes(t->student->params);
    return true;
}

static void sizes(const task *t, int *now, int *multiple, int *most)
{
    *now = t->c->data.size;
    *multiple = 16; /* of every descriptor's deepest pooling here but one */
    *most = TASK_MOST_SIZE;
}

static bool print(task *base, nx_error *err)
{
    distiller *t = (distiller *)base;
    (void)err;
    train_print_pictures(&t->trainer);
    task_print_params("student", t->student->params);
    task_print_params("teacher", t->teacher->params);
    return true;
}

/* ---- on the device ---- */

static bool read_batch(void *context, size_t batch, float *pixels, nx_error *err)
{
    trainer *t = context;
    if (!nx_loader_batch(t->loader, batch, pixels, err)) return false;
    add_noise(t, batch, pixels);
    return true;
}

static bool measure_scales(distiller *t, const descriptor_images *images, nx_error *err)
{
    float *squares[DESCRIPTOR_LAYERS] = {NULL};
    descriptor_images some = *images;
    some.batches = SCALED_ON;
    if (!descriptor_mean_squares(t->teacher, t->trainer.task.device, &some, t->layer, (size_t)t->layers, squares, err))
        return false;
    for (int i = 0; i < t->layers; i++) {
        nx_param *p = t->scales->items[i];
        descriptor_scales_of(squares[i], p->shape.c, t->trainer.task.c->distil.floor, p->initial);
        free(squares[i]);
    }
    return true;
}

/* The first state: the teacher's scales, and a student made of the teacher's channels where that is asked for. */
static bool begin(distiller *t, nx_error *err)
{
    const config *c = t->trainer.task.c;
    descriptor_images images = {.shape = {c->data.batch, c->data.size, c->data.size, 3},
                                .batches = REDUCED_ON,
                                .read = read_batch,
                                .context = &t->trainer};
    descriptor_reduction reduction = {
        .floor = c->distil.floor, .input_scale = INPUT_SCALE, .border = BORDER, .cancelled = interrupt_wanted};
    return measure_scales(t, &images, err) &&
           (c->distil.start != START_TEACHER ||
            descriptor_reduce(t->student, t->teacher, t->trainer.task.device, &images, &reduction, err));
}

static bool prepare(task *base, const checkpoint *k, const char *path, nx_error *err)
{
    distiller *t = (distiller *)base;
    if (k ? !checkpoint_get_params(k, "teacher", t->scales, path, err) : !begin(t, err)) return false;
    nx_params_realize(t->teacher->params, base->device);
    return interrupt_wanted() || train_prepare(base, k, path, err);
}

static void put_state(const task *base, checkpoint *k, uint64_t step, bool finished)
{
    train_put_state(base, k, step, finished);
    checkpoint_put_params(k, "teacher", ((const distiller *)base)->scales);
}

/* ---- what is looked at ---- */

/* How alike a layer finds every position of picture n to the one in the middle: the cosine of their features, as grey
 * where the grid has `left`, `top`. */
static void draw_likeness(const distiller *t, nx_image *grid, const nx_tensor *features, int n, int top, int left)
{
    int size = t->trainer.task.c->data.size;
    nx_shape s = features->shape;
    size_t c = (size_t)s.c, pixels = (size_t)s.h * (size_t)s.w;
    float *all = nx_alloc(nx_shape_count(s) * sizeof *all);
    nx_plan_read(t->trainer.valid.plan, features, all);
    const float *f = all + (size_t)n * pixels * c,
                *middle = f + ((size_t)(s.h / 2) * (size_t)s.w + (size_t)(s.w / 2)) * c;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            const float *here = f + ((size_t)(y * s.h / size) * (size_t)s.w + (size_t)(x * s.w / size)) * c;
            double dot = 0, a = 1e-30, b = 1e-30;
            for (size_t k = 0; k < c; k++) {
                dot += (double)here[k] * (double)middle[k];
                a += (double)here[k] * (double)here[k];
                b += (double)middle[k] * (double)middle[k];
            }
            float *to = grid->rgb + ((size_t)(top + y) * (size_t)grid->width + (size_t)(left + x)) * 3;
            to[0] = to[1] = to[2] = (float)(255 * dot / sqrt(a * b));
        }
    free(all);
}

typedef struct findings {
    bool pictures;
    nx_image grid;
} findings;

/* For each of the first pictures a row of the teacher's and one of the student's: the picture, then every layer. */
static void find(trainer *base, void *context, uint64_t batch, const float *pixels)
{
    const distiller *t = (const distiller *)base;
    findings *f = context;
    const kernels *k = base->valid.own;
    int size = base->task.c->data.size, pitch = size + GAP;
    if (batch || !f->pictures) return;
    nx_shape s = grid_shape(t, shown(&base->task));
    f->grid = nx_image_new(s.h, s.w);
    for (int n = 0; n < shown(&base->task); n++)
        for (int row = 0; row < 2; row++) {
            int top = (2 * n + row) * pitch;
            for (int y = 0; y < size; y++)
                memcpy(f->grid.rgb + (size_t)(top + y) * (size_t)s.w * 3,
                       pixels + ((size_t)n * (size_t)size + (size_t)y) * (size_t)size * 3,
                       (size_t)size * 3 * sizeof(float));
            for (int i = 0; i < t->layers; i++)
                draw_likeness(t, &f->grid, row ? k->student[i] : k->teacher[i], n, top, (1 + i) * pitch);
        }
}

static task_did look(task *base, runfile *file, task_row row, bool pictures, nx_error *err)
{
    trainer *t = (trainer *)base;
    findings f = {.pictures = pictures};
    objective_values mean;
    if (!t->valid.plan) return TASK_DID;
    task_did did = train_validate(t, find, &f, &mean, err);
    if (did == TASK_DID && pictures && !train_log_picture(file, "kernels", &f.grid, row, err)) did = TASK_BROKEN;
    if (did == TASK_DID && !train_log_validation(t, file, &mean, row, err)) did = TASK_BROKEN;
    nx_image_free(&f.grid);
    return did;
}

/* The student as any file of weights, which takes pictures as they are. */
static bool save_model(const task *base, const char *run, nx_error *err)
{
    const distiller *t = (const distiller *)base;
    const config *c = base->c;
    descriptor d = *t->student;
    d.params = nx_params_new();
    for (size_t i = 0; i < t->student->params->count; i++)
        copy_param(d.params, nx_params_find(t->trainer.params, t->student->params->items[i]->name), false,
                   i ? 1 : INPUT_SCALE);
    char *path = path_beside(run, ".safetensors"), hash[33];
    const char *slash = strrchr(c->distil.teacher, '/');
    config_hash(c, hash);
    nx_metadata more[] = {
        {"distilled_from", slash ? slash + 1 : c->distil.teacher}, {"config_xxh3", hash}, {"note", c->distil.note}};
    bool ok = descriptor_save(&d, path, more, *c->distil.note ? 3 : 2, err);
    nx_params_free(d.params);
    free(path);
    return ok;
}

const task_kind distillation = {TRAIN_KIND,
                                .bytes = sizeof(distiller),
                                .open = open_inputs,
                                .close = close_all,
                                .remedy = "lower [data] batch or [descriptor] width",
                                .sizes = sizes,
                                .shown = shown,
                                .measure = measure,
                                .print = print,
                                .prepare = prepare,
                                .look = look,
                                .log_inputs = train_log_inputs,
                                .put_state = put_state,
                                .save_model = save_model};
