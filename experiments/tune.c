/* nstx tune: which algorithm each convolution of a config is fastest with on this device, measured, and checked against
 * sums in double before it may be used. Runs take what is stored; they never measure themselves. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "bench/measure.h"
#include "bench/workloads.h"
#include "commands.h"
#include "graph/wisdom.h"
#include "io/files.h"
#include "ops/conv.h"
#include "ops/conv_choice.h"
#include "ops/mse.h"
#include "run/kernel_cache.h"
#include "run/points.h"
#include "run/tuned.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "tune [CONFIG] [-s section.key=value]... [--shapes FILE] [--clear]";

/* Winograd's algorithm may be off by twice what is asked of it at 512 channels, relative to the largest number. */
static const double tolerance = 1e-5, worth = 0.97; /* a choice other than the rule's must take less of its time */

typedef struct request {
    const char *config, *shapes, **overrides;
    size_t n_overrides;
    bool clear;
} request;

/* ---- a convolution on trial ---- */

typedef struct trial {
    nx_conv_question q;
    int pad;
    nx_shape w;
    float *x, *kernel, *target; /* target: of the loss whose gradient by the weights is asked for */
    double *want;               /* what is right, at `places` */
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

/* The number of x, enlarged and padded with zeros, at a row and a column. */
static double pixel(const trial *t, int n, int row, int column, int channel)
{
    nx_shape s = t->q.x;
    int zoom = t->q.zoom;
    if (row < 0 || column < 0 || row >= s.h * zoom || column >= s.w * zoom) return 0;
    return (double)
        t->x[(((size_t)n * (size_t)s.h + (size_t)(row / zoom)) * (size_t)s.w + (size_t)(column / zoom)) * (size_t)s.c +
             (size_t)channel];
}

/* One number of y = conv(x, w). */
static double forward_at(const trial *t, size_t place)
{
    nx_shape y = t->q.y;
    int k = (int)(place % (size_t)y.c), column = (int)(place / (size_t)y.c % (size_t)y.w);
    int row = (int)(place / (size_t)y.c / (size_t)y.w % (size_t)y.h);
    int n = (int)(place / (size_t)y.c / (size_t)y.w / (size_t)y.h);
    double sum = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            for (int c = 0; c < t->w.w; c++)
                sum += pixel(t, n, row + i - t->pad, column + j - t->pad, c) *
                       (double)t->kernel[(size_t)((i * 3 + j) * t->w.w + c) * (size_t)t->w.c + (size_t)k];
    return sum;
}

/* One number of the gradient of mean((y - target)^2) by w, at w = 0. */
static double weight_at(const trial *t, size_t place)
{
    nx_shape y = t->q.y;
    int k = (int)(place % (size_t)t->w.c), c = (int)(place / (size_t)t->w.c % (size_t)t->w.w);
    int tap = (int)(place / (size_t)t->w.c / (size_t)t->w.w);
    const float *target = t->target + k;
    double sum = 0;
    for (int n = 0; n < y.n; n++)
        for (int row = 0; row < y.h; row++)
            for (int column = 0; column < y.w; column++, target += y.c)
                sum += pixel(t, n, row + tap / 3 - t->pad, column + tap % 3 - t->pad, c) * (double)*target;
    return -2 * sum / (double)nx_shape_count(y);
}

/* False for a shape that no plain convolution has. */
static bool trial_new(trial *t, const nx_conv_question *q)
{
    int twice = q->y.h - q->x.h * q->zoom + 2;
    *t = (trial){.q = *q, .pad = twice / 2, .w = {3, 3, q->x.c, q->y.c}};
    if (twice < 0 || twice % 2 || q->y.w != q->x.w * q->zoom + twice - 2 || q->x.n != q->y.n) return false;
    size_t numbers = nx_shape_count(q->weights ? t->w : q->y);
    t->x = noise(nx_shape_count(q->x), 1);
    t->kernel = q->weights ? nx_alloc(nx_shape_count(t->w) * sizeof(float)) : noise(nx_shape_count(t->w), 2);
    if (q->weights) t->target = noise(nx_shape_count(q->y), 3);
    t->count = numbers < PLACES ? numbers : q->weights ? PLACES / 8 : PLACES;
    t->places = nx_alloc(t->count * sizeof *t->places);
    t->want = nx_alloc(t->count * sizeof *t->want);
    nx_rng rng = nx_rng_new(1, 4);
    for (size_t i = 0; i < t->count; i++) {
        t->places[i] = t->count == numbers ? i : nx_rng_u32(&rng) % numbers;
        t->want[i] = q->weights ? weight_at(t, t->places[i]) : forward_at(t, t->places[i]);
    }
    return true;
}

static void trial_free(trial *t)
{
    free(t->x);
    free(t->kernel);
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

/* The convolution, or its gradient by the weights, as wisdom has it now. */
static recorded record(const nx_device_info *info, const trial *t)
{
    nx_error err;
    recorded r = {.g = nx_graph_new(info)};
    r.x = nx_input(r.g, t->q.x, "x");
    r.w = t->q.weights ? nx_input(r.g, t->w, "w") : nx_constant(r.g, t->w, t->kernel); /* transformed once */
    r.out = nx_conv(r.g, r.x, r.w, NULL, (nx_conv_options){.pad = t->pad, .upsample = t->q.zoom});
    if (t->q.weights) {
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

static double attempt(nx_device *device, const trial *t, double *error)
{
    enum { STRETCHES = 3 };
    recorded r = record(&device->info, t);
    nx_plan_realize(r.plan, device);
    nx_plan_write(r.plan, r.x, t->x);
    if (t->q.weights) nx_plan_write(r.plan, r.w, t->kernel);
    if (t->q.weights) nx_plan_write(r.plan, r.target, t->target);
    double best = INFINITY;
    for (int i = 0; i < STRETCHES; i++) best = fmin(best, measure_plan(r.plan, device, 0.1).times.seconds);
    float *got = nx_alloc(nx_shape_count(r.out->shape) * sizeof *got);
    nx_plan_read(r.plan, r.out, got);
    *error = error_of(t, got);
    free(got);
    recorded_free(&r);
    return best;
}

/* Tries every candidate and leaves the best in wisdom: the rule's, where none is clearly better. */
static void tune(nx_device *device, const char *question)
{
    nx_conv_question q;
    trial t;
    char text[NX_WISDOM_TEXT];
    const char *best = NULL, *candidate;
    double usual = 0, fastest = INFINITY;
    snprintf(text, sizeof text, "%s", question);
    if (!nx_conv_question_read(&q, text) || !trial_new(&t, &q)) return;
    printf("%s\n", text);
    for (int i = 0; (candidate = nx_conv_candidate(&device->info, &q, i)); i++) {
        double error;
        nx_wisdom_set(text, candidate);
        double seconds = attempt(device, &t, &error);
        bool right = error <= tolerance;
        printf("  %-12s %9.3f ms, error %.1e%s\n", candidate, 1e3 * seconds, error, right ? "" : ": wrong, left out");
        fflush(stdout);
        if (!i) usual = right ? seconds : INFINITY;
        if (!right || seconds >= fastest) continue;
        fastest = seconds;
        best = candidate;
    }
    bool stays = !best || fastest > worth * usual;
    nx_wisdom_set(text, stays ? nx_conv_candidate(&device->info, &q, 0) : best);
    printf("  %s\n", stays ? "stays as it is" : best);
    trial_free(&t);
}

/* ---- the questions ---- */

/* Plans what a config runs, so that its convolutions ask. */
static bool ask_config(const request *r, nx_error *err)
{
    config *c;
    points p;
    run_needs needs;
    if (!config_load(&c, r->config, r->overrides, r->n_overrides, err)) return false;
    bool ok = points_new(&p, c, NULL, err);
    for (size_t i = 0; ok && i < p.count; i++) ok = run_check(p.point[i].config, &needs, err);
    points_free(&p);
    config_free(c);
    return ok;
}

/* Plans one convolution; false for a shape that none has. */
static bool ask_shape(const nx_device_info *info, const char *text)
{
    nx_conv_question q;
    trial t;
    if (!nx_conv_question_read(&q, text) || !trial_new(&t, &q)) return false;
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
                         path, number, line, NX_CONV_QUESTION_MOST);
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
    *r = (request){.overrides = nx_alloc((size_t)(argc + 1) * sizeof *r->overrides)};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "s:", longs, NULL)) != -1;) {
        if (o == 's')
            r->overrides[r->n_overrides++] = optarg;
        else if (o == 'f')
            r->shapes = optarg;
        else if (o == 'c')
            r->clear = true;
        else
            return usage_error(usage, "unknown or incomplete option %s", argv[optind - 1]), false;
    }
    if (optind + 1 < argc) return usage_error(usage, "one config at a time, not also %s", argv[argc - 1]), false;
    if (optind < argc) r->config = argv[optind];
    if (r->config && r->shapes) return usage_error(usage, "a config or --shapes, not both"), false;
    if (r->n_overrides && !r->config) return usage_error(usage, "-s needs a config"), false;
    if (r->clear && (r->config || r->shapes)) return usage_error(usage, "--clear goes by itself"), false;
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

static bool tune_all(const request *r, nx_device *device, const char *path, nx_error *err)
{
    nx_error why;
    bool ok = true;
    tuned_use(&device->info); /* once: a task that is opened below does not read it again */
    if (!nx_wisdom_read(path, &device->info, &why)) nx_wisdom_forget();
    if (r->shapes)
        ok = ask_file(&device->info, r->shapes, err);
    else if (r->config)
        ok = ask_config(r, err);
    else
        ask_workloads(device);
    size_t asked = nx_wisdom_asked();
    char(*questions)[NX_WISDOM_TEXT] = nx_alloc((asked + 1) * sizeof *questions);
    for (size_t i = 0; i < asked; i++) strcpy(questions[i], nx_wisdom_question(i));
    if (ok && !asked)
        ok = nx_fail(err, "nothing to choose: no convolution of it has more than one algorithm on %s",
                     device->info.name);
    for (size_t i = 0; ok && i < asked; i++)
        if (!nx_wisdom_find(questions[i])) tune(device, questions[i]);
    free(questions);
    return ok && save(path, &device->info, err);
}

int command_tune(int argc, char **argv)
{
    request r;
    nx_error err;
    nx_device_info info;
    nx_device *device = NULL;
    if (!parse(&r, argc, argv)) return free(r.overrides), EXIT_REQUEST;
    int code = EXIT_DONE;
    kernel_cache_take();
    char *path = NULL;
    if (!nx_device_choose(&info, &(nx_device_options){0}, &err))
        code = fail_with(&err, EXIT_REQUEST);
    else if (!(path = tuned_path(&info)))
        code = fail_with((nx_fail(&err, "no place for what is measured: set XDG_CACHE_HOME or NSTX_WISDOM"), &err),
                         EXIT_REQUEST);
    else if (r.clear)
        code = clear(path);
    else if (!nx_device_open(&device, &(nx_device_options){.profile = true}, &err) || !tune_all(&r, device, path, &err))
        code = fail_with(&err, EXIT_REQUEST);
    nx_device_free(device);
    free(path);
    free(r.overrides);
    return code;
}
