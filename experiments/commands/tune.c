/* nstx tune: which algorithm each convolution and product of a config is fastest with on this device, measured, and
 * checked against sums in double before it may be used. Runs take what is stored; they never measure themselves. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "bench/workloads.h"
#include "commands/cli.h"
#include "config/made.h"
#include "config/sweep_points.h"
#include "graph/wisdom.h"
#include "io/files.h"
#include "machine/device.h"
#include "machine/kernel_cache.h"
#include "machine/measure.h"
#include "machine/wisdom_file.h"
#include "ops/choice.h"
#include "ops/conv.h"
#include "ops/gemm.h"
#include "ops/gram.h"
#include "ops/mse.h"
#include "run/interrupt.h"
#include "run/run_config.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char tune_options[] =
    "  CONFIG          what its runs compute, on its device; without it what `nstx bench` computes\n"
    "  -s SECTION.KEY=VALUE  as for run; device.kernels=gpu tries the kernels of GPUs on any device\n"
    "  --shapes FILE   a line for each operation instead, as the stored file names them, such as\n"
    "                  \"conv 3x3, 1x64x64x128 to 1x64x64x128, zoom 1\"; a CONFIG then says only the device\n"
    "  --clear         removes what is stored for the device, with the kernels and the precision of CONFIG\n"
    "Candidates: the plain sum or Winograd's algorithm; on CPUs blocks of tiles, and tiles of 6 x 6, whose errors\n"
    "are larger (a millionth to a hundred thousandth of the largest number); on GPUs the tile, the number of\n"
    "splits, CLBlast (which takes memory that no plan knows of). What is wrong is left out; runs measure nothing.\n"
    "Interrupted, it keeps what it has measured, and the same command measures the rest.\n";

/* Winograd's algorithm may be off by twice what is asked of it at 512 channels, relative to the largest number; tf32
 * has 10 bits of mantissa, bfloat16 7, of which its transforms, on CPUs, lose one more. */
static const double tolerance[][NX_PRECISIONS] = {
    [NX_FAMILY_CPU] = {[NX_FP32] = 1e-5, [NX_TF32] = 2e-3, [NX_BF16] = 3e-2},
    [NX_FAMILY_GPU] = {[NX_FP32] = 1e-5, [NX_TF32] = 2e-3, [NX_BF16] = 1.6e-2}};
static const double worth = 0.97;   /* a choice other than the rule's must take less of its time */
static const double hopeless = 1.5; /* times the fastest so far: not measured to the end */

typedef struct request {
    config_request config; /* its config is NULL where none is named */
    const char *shapes;
    bool clear;
} request;

/* ---- an operation on trial ---- */

typedef struct trial {
    nx_question q;
    nx_conv_options o;
    nx_shape a, b, y;      /* the operands, picture and weights or matrices, and what is checked */
    float *x, *w, *target; /* target: of the loss whose gradient by the weights is asked for */
    double *want;          /* what is right, at `places` */
    size_t *places, count;
} trial;

enum { PLACES = 256 };

static float *noise(size_t count, uint64_t stream)
{
    float *values = nx_alloc(count * sizeof *values);
    nx_rng rng = nx_rng_new(1, stream);
    for (size_t i = 0; i < count; i++) values[i] = 2 * nx_rng_uniform(&rng) - 1;
    return values;
}

typedef struct coordinates {
    int n, h, w, c;
} coordinates;

static coordinates coordinates_of(nx_shape s, size_t place)
{
    size_t line = place / (size_t)s.c, rows = line / (size_t)s.w;
    return (coordinates){(int)(rows / (size_t)s.h), (int)(rows % (size_t)s.h), (int)(line % (size_t)s.w),
                         (int)(place % (size_t)s.c)};
}

static double number(const float *values, nx_shape s, int n, int h, int w, int c)
{
    return (double)values[(((size_t)n * (size_t)s.h + (size_t)h) * (size_t)s.w + (size_t)w) * (size_t)s.c + (size_t)c];
}

/* The number of x, enlarged and padded with zeros, at a row and a column. */
static double pixel(const trial *t, int n, int row, int column, int channel)
{
    int zoom = t->o.upsample;
    if (row < 0 || column < 0 || row >= t->a.h * zoom || column >= t->a.w * zoom) return 0;
    return number(t->x, t->a, n, row / zoom, column / zoom, channel);
}

static double conv_at(const trial *t, coordinates p)
{
    double sum = 0;
    for (int i = 0; i < t->b.n; i++)
        for (int j = 0; j < t->b.h; j++)
            for (int c = 0; c < t->b.w; c++)
                sum += pixel(t, p.n, p.h * t->o.stride + i - t->o.pad, p.w * t->o.stride + j - t->o.pad, c) *
                       number(t->w, t->b, i, j, c, p.c);
    return sum;
}

static double transposed_at(const trial *t, coordinates p)
{
    double sum = 0;
    for (int i = 0; i < t->b.n; i++)
        for (int j = 0; j < t->b.h; j++) {
            int row = p.h + t->o.pad - i, column = p.w + t->o.pad - j;
            if (row % t->o.stride || column % t->o.stride) continue;
            for (int c = 0; c < t->b.c; c++)
                sum += pixel(t, p.n, row / t->o.stride, column / t->o.stride, c) * number(t->w, t->b, i, j, p.c, c);
        }
    return sum;
}

/* Of the gradient of mean((y - target)^2) by w, at w = 0. */
static double weight_at(const trial *t, coordinates p)
{
    nx_shape y = t->q.y;
    double sum = 0;
    for (int n = 0; n < y.n; n++)
        for (int row = 0; row < y.h; row++)
            for (int column = 0; column < y.w; column++)
                sum += pixel(t, n, row * t->o.stride + p.n - t->o.pad, column * t->o.stride + p.h - t->o.pad, p.w) *
                       number(t->target, y, n, row, column, p.c);
    return -2 * sum / (double)nx_shape_count(y);
}

static double product_at(const trial *t, coordinates p)
{
    const nx_gemm_problem *q = &t->q.product;
    double sum = 0;
    for (int k = 0; k < q->k; k++)
        sum += number(t->x, t->a, p.n, 0, q->transpose_a ? k : p.w, q->transpose_a ? p.w : k) *
               number(t->w, t->b, p.n, 0, q->transpose_b ? p.c : k, q->transpose_b ? k : p.c);
    return sum;
}

/* One number of y. */
static double (*const at[NX_WORKS])(const trial *t, coordinates p) = {
    [NX_WORK_CONV] = conv_at,
    [NX_WORK_TRANSPOSED] = transposed_at,
    [NX_WORK_WEIGHTS] = weight_at,
    [NX_WORK_PRODUCT] = product_at,
};

/* Whether a side of y is what the options make of a side of x. */
static bool fits(const trial *t, int x, int y, int k)
{
    const nx_conv_options *o = &t->o;
    if (t->q.work == NX_WORK_TRANSPOSED) return y == (x - 1) * o->stride - 2 * o->pad + k + o->output_pad;
    int room = x * o->upsample + 2 * o->pad - k;
    return room >= 0 && room / o->stride + 1 == y;
}

/* The shapes and options of a question; false if no operation has such. */
static bool describe(trial *t, const nx_question *q)
{
    const nx_gemm_problem *p = &q->product;
    bool transposed = q->work == NX_WORK_TRANSPOSED;
    *t = (trial){.q = *q, .a = q->x, .o = {.stride = q->stride, .upsample = q->zoom}};
    if (q->work == NX_WORK_PRODUCT) {
        t->a = p->transpose_a ? (nx_shape){p->batch, 1, p->k, p->m} : (nx_shape){p->batch, 1, p->m, p->k};
        t->b = p->transpose_b ? (nx_shape){p->batch, 1, p->n, p->k} : (nx_shape){p->batch, 1, p->k, p->n};
        t->y = (nx_shape){p->batch, 1, p->m, p->n};
        return !p->symmetric || (p->transpose_a && !p->transpose_b); /* a Gram matrix */
    }
    t->b = transposed ? (nx_shape){q->kh, q->kw, q->y.c, q->x.c} : (nx_shape){q->kh, q->kw, q->x.c, q->y.c};
    t->y = q->work == NX_WORK_WEIGHTS ? t->b : q->y;
    if (q->x.n != q->y.n || (transposed && q->zoom > 1)) return false;
    for (; t->o.pad <= q->kh; t->o.pad++)
        for (t->o.output_pad = 0; t->o.output_pad < (transposed ? q->stride : 1); t->o.output_pad++)
            if (fits(t, q->x.h, q->y.h, q->kh) && fits(t, q->x.w, q->y.w, q->kw)) return true;
    return false;
}

static bool trial_new(trial *t, const nx_question *q)
{
    bool weights = q->work == NX_WORK_WEIGHTS;
    if (!describe(t, q)) return false;
    size_t numbers = nx_shape_count(t->y);
    t->x = noise(nx_shape_count(t->a), 1);
    t->w = weights ? nx_alloc(nx_shape_count(t->b) * sizeof(float)) : noise(nx_shape_count(t->b), 2);
    if (q->product.symmetric) memcpy(t->w, t->x, nx_shape_count(t->b) * sizeof *t->w);
    if (weights) t->target = noise(nx_shape_count(q->y), 3);
    t->count = numbers < PLACES ? numbers : weights ? PLACES / 8 : PLACES;
    t->places = nx_alloc(t->count * sizeof *t->places);
    t->want = nx_alloc(t->count * sizeof *t->want);
    nx_rng rng = nx_rng_new(1, 4);
    for (size_t i = 0; i < t->count; i++) {
        t->places[i] = t->count == numbers ? i : nx_rng_u32(&rng) % numbers;
        t->want[i] = at[q->work](t, coordinates_of(t->y, t->places[i]));
    }
    return true;
}

static void trial_free(trial *t)
{
    free(t->x);
    free(t->w);
    free(t->target);
    free(t->places);
    free(t->want);
}

/* The error relative to the largest number that is right; infinite for what is no number. */
static double error_of(const trial *t, const float *got)
{
    double largest = 0, error = 0;
    for (size_t i = 0; i < t->count; i++) {
        double off = fabs((double)got[t->places[i]] - t->want[i]);
        largest = fmax(largest, fabs(t->want[i]));
        error = isnan(off) ? INFINITY : fmax(error, off);
    }
    return error / largest;
}

typedef struct recorded {
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *x, *w, *target, *out;
} recorded;

/* The operation as wisdom has it now. */
static recorded record(const nx_device_info *info, const trial *t)
{
    nx_error err;
    nx_work work = t->q.work;
    recorded r = {.g = nx_graph_new(info)};
    r.x = nx_input(r.g, t->a, "x");
    bool once = work == NX_WORK_CONV || work == NX_WORK_TRANSPOSED; /* weights are transformed */
    if (!t->q.product.symmetric) r.w = once ? nx_constant(r.g, t->b, t->w) : nx_input(r.g, t->b, "w");
    if (work == NX_WORK_TRANSPOSED)
        r.out = nx_conv_transposed(r.g, r.x, r.w, NULL, t->o);
    else if (t->q.product.symmetric)
        r.out = nx_gram(r.g, r.x, 1);
    else if (work == NX_WORK_PRODUCT)
        r.out = nx_gemm_shaped(r.g, r.x, r.w, t->q.product, t->y);
    else
        r.out = nx_conv(r.g, r.x, r.w, NULL, t->o);
    if (work == NX_WORK_WEIGHTS) {
        r.target = nx_input(r.g, t->q.y, "target");
        nx_gradient(r.g, nx_mse(r.g, r.out, r.target), &r.w, 1, &r.out);
    }
    nx_keep(r.out);
    NX_CHECK(nx_plan_new(&r.plan, r.g, &err), "%s", err.text);
    return r;
}

static void recorded_free(recorded *r)
{
    nx_plan_free(r->plan);
    nx_graph_free(r->g);
}

/* Seconds, the least of a few stretches. */
static double attempt(nx_device *device, const trial *t, double fastest, double *error)
{
    enum { STRETCHES = 3 };
    recorded r = record(&device->info, t);
    nx_plan_realize(r.plan, device);
    nx_plan_write(r.plan, r.x, t->x);
    if (r.w && r.w->role == NX_ROLE_INPUT) nx_plan_write(r.plan, r.w, t->w);
    if (r.target) nx_plan_write(r.plan, r.target, t->target);
    double best = INFINITY;
    for (int i = 0; i < STRETCHES && (!i || (best < hopeless * fastest && !interrupt_wanted())); i++)
        best = fmin(best, measure_plan(r.plan, device, 0.1).times.seconds);
    float *got = nx_alloc(nx_shape_count(r.out->shape) * sizeof *got);
    nx_plan_read(r.plan, r.out, got);
    *error = error_of(t, got);
    free(got);
    recorded_free(&r);
    return best;
}

/* Tries every candidate and leaves the best in wisdom: the rule's, where none is clearly better. What is not right is
 * never left there; nothing is, and false is given, once an interrupt came. */
static bool tune(nx_device *device, const char *question)
{
    nx_question q;
    trial t;
    nx_choice all[NX_CHOICES];
    char asked[NX_WISDOM_TEXT], text[NX_WISDOM_TEXT], best[NX_WISDOM_TEXT] = "", rule[NX_WISDOM_TEXT] = "";
    double usual = INFINITY, fastest = INFINITY;
    snprintf(asked, sizeof asked, "%s", question);
    if (!nx_question_read(&q, asked) || !trial_new(&t, &q)) return true;
    printf("%s\n", asked);
    double most = tolerance[device->info.family][q.work == NX_WORK_PRODUCT ? NX_FP32 : device->info.precision];
    for (size_t i = 0, n = nx_choice_candidates(&device->info, &q, all); i < n && !interrupt_wanted(); i++) {
        double error;
        nx_choice_text(text, &all[i]);
        nx_wisdom_set(asked, text);
        double seconds = attempt(device, &t, fastest, &error);
        bool right = error <= most;
        printf("  %-22s %9.3f ms, error %.1e%s\n", text, 1e3 * seconds, error, right ? "" : ": wrong, left out");
        fflush(stdout);
        if (!right) continue;
        if (!i) usual = seconds, strcpy(rule, text);
        if (seconds < fastest) fastest = seconds, strcpy(best, text);
    }
    bool stays = *rule && fastest > worth * usual, whole = !interrupt_wanted();
    nx_wisdom_set(asked, !whole ? NULL : stays ? rule : *best ? best : NULL);
    if (whole) printf("  %s\n", stays ? "stays as it is" : *best ? best : "nothing is right: no choice is stored");
    trial_free(&t);
    return whole;
}

/* ---- the questions ---- */

/* Plans what a config runs, so that its operations ask. */
static bool ask_config(const sweep_points *p, nx_error *err)
{
    run_needs needs;
    bool ok = true;
    for (size_t i = 0; ok && i < p->count; i++) ok = run_config_check(p->point[i].config, &needs, err);
    return ok;
}

/* Plans one operation; false for a shape that none has. */
static bool ask_shape(const nx_device_info *info, const char *text)
{
    nx_question q;
    trial t;
    if (!nx_question_read(&q, text) || !describe(&t, &q)) return false;
    t.w = nx_alloc(nx_shape_count(t.b) * sizeof *t.w); /* of a constant */
    recorded r = record(info, &t);
    recorded_free(&r);
    trial_free(&t);
    return true;
}

/* A question a line; empty ones and those that begin with # are passed over. */
static bool ask_file(const nx_device_info *info, const char *path, nx_error *err)
{
    char *text, *next;
    size_t bytes;
    int number = 0;
    if (!nx_file_read(path, &text, &bytes, err)) return false;
    bool ok = true;
    for (char *line = text; ok && *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        number++;
        if (*line && *line != '#' && !ask_shape(info, line))
            ok = nx_fail(err,
                         "%s, line %d: \"%s\" is no shape, such as conv 3x3, 1x64x64x128 to 1x64x64x128, zoom 1, of "
                         "tensors of at most %d numbers",
                         path, number, line, NX_QUESTION_MOST);
    }
    free(text);
    return ok;
}

/* The work of the papers, without a config. */
static void ask_workloads(nx_device *device)
{
    for (size_t i = 0; i < workload_count; i++)
        if (!workloads[i].axis && !workloads[i].history) workload_free(workload_new(&workloads[i], device));
}

/* ---- the command ---- */

static bool parse(request *r, int argc, char **argv)
{
    static const struct option longs[] = {
        {"shapes", required_argument, NULL, 'f'}, {"clear", no_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
    *r = (request){0};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "s:", longs, NULL)) != -1;) {
        if (o == 's')
            config_request_set(&r->config, optarg);
        else if (o == 'f')
            r->shapes = optarg;
        else if (o == 'c')
            r->clear = true;
        else
            return usage_error("tune", "unknown or incomplete option %s", argv[optind - 1]), false;
    }
    if (optind + 1 < argc) return usage_error("tune", "one config at a time, not also %s", argv[argc - 1]), false;
    if (optind < argc) r->config.config = argv[optind];
    if (r->config.count && !r->config.config) return usage_error("tune", "-s needs a config"), false;
    if (r->clear && r->shapes) return usage_error("tune", "--clear takes no shapes"), false;
    return true;
}

static int clear(const char *path)
{
    nx_error err;
    bool there = nx_file_exists(path);
    if (there && unlink(path)) {
        nx_fail(&err, "%s: it cannot be removed", path);
        return fail_with(&err, EXIT_FAILED);
    }
    printf(there ? "removed %s\n" : "there is no %s\n", path);
    return EXIT_DONE;
}

static bool save(const char *path, const nx_device_info *info, nx_error *err)
{
    char *folder = nx_path_folder(path);
    bool ok = nx_folder_make(folder, err) && nx_wisdom_write(path, info, err);
    free(folder);
    if (ok) printf("\n%zu choices, %s, in %s\n", nx_wisdom_count(), nx_wisdom_signature(), path);
    return ok;
}

/* Of an interrupt, which leaves what was measured before. */
static bool fail_of_end(size_t done, size_t asked, nx_error *err)
{
    nx_error why;
    interrupt_goes_on(&why);
    return nx_fail(err, "%s; %zu of %zu choices are measured, and `%s` measures the rest", why.text, done, asked,
                   cli_again());
}

static bool tune_all(const request *r, nx_device *device, const sweep_points *p, const char *path, nx_error *err)
{
    bool ok = true;
    wisdom_file_use(&device->info); /* what is known is not measured again */
    if (r->shapes)
        ok = ask_file(&device->info, r->shapes, err);
    else if (r->config.config)
        ok = ask_config(p, err);
    else
        ask_workloads(device);
    size_t asked = nx_wisdom_asked();
    char(*questions)[NX_WISDOM_TEXT] = nx_alloc((asked + 1) * sizeof *questions);
    for (size_t i = 0; i < asked; i++) strcpy(questions[i], nx_wisdom_question(i));
    if (ok && !asked)
        ok = nx_fail(err, "nothing to choose: no operation of it has more than one algorithm on %s", device->info.name);
    interrupt_hold();
    size_t done = 0;
    while (ok && done < asked && !interrupt_wanted() &&
           (nx_wisdom_find(questions[done]) || tune(device, questions[done])))
        done++;
    free(questions);
    ok = ok && (!done || save(path, &device->info, err));
    return ok && (done == asked || fail_of_end(done, asked, err));
}

/* The points of the request's config, if it has one, and the device on which all of them run. */
static bool open_config(const request *r, config **c, sweep_points *p, nx_device_options *o, nx_error *err)
{
    if (!r->config.config) return true;
    if (!config_request_open(&r->config, NULL, c, p, err)) return false;
    const config *first = p->point[0].config;
    for (size_t i = 1; i < p->count; i++)
        if (!device_options_same(first, p->point[i].config))
            return nx_fail(err, "%s: its points differ in [device]: tune for one device at a time, with -s device.KEY=",
                           r->config.config);
    *o = device_options(first);
    o->profile = true;
    return true;
}

static int command_tune(int argc, char **argv)
{
    request r;
    nx_error err;
    nx_device_info info;
    nx_device_options options = {.profile = true};
    nx_device *device = NULL;
    config *c = NULL;
    sweep_points p = {0};
    char *path = NULL;
    if (!parse(&r, argc, argv)) return config_request_free(&r.config), EXIT_REQUEST;
    int code = EXIT_DONE;
    kernel_cache_take();
    interrupt_watch();
    made_interruptible(interrupt_wanted);
    interrupt_let_go(say_interrupted, NULL);
    if (!open_config(&r, &c, &p, &options, &err) || !device_choose(&info, options, &err))
        code = fail_with(&err, interrupt_code(EXIT_REQUEST));
    else if (!(path = wisdom_file_path(&info)))
        code = fail_with((nx_fail(&err, "no place for what is measured: set XDG_CACHE_HOME or NSTX_WISDOM"), &err),
                         EXIT_REQUEST);
    else if (r.clear)
        code = clear(path);
    else if (!device_open(&device, options, &err) || !tune_all(&r, device, &p, path, &err))
        code = fail_with(&err, interrupt_code(EXIT_REQUEST));
    nx_device_free(device);
    sweep_points_free(&p);
    config_free(c);
    free(path);
    config_request_free(&r.config);
    return code;
}

const command tune_command = {
    .name = "tune",
    .run = command_tune,
    .usage = "tune [CONFIG] [-s section.key=value]... [--shapes FILE] [--clear]",
    .does = "measures which algorithms are fastest on this device, for runs to use",
    .options = tune_options,
};
