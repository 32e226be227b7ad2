/* L-BFGS. The basis is the rows of the history, s and y of every slot, and the gradient. `product` holds the inner
 * products of all of them, so both loops of the recursion run over coefficients of the basis: what they compute is what
 * they would compute on vectors, with a fifth of the memory's traffic and without a number that travels per pair.
 *
 * There is one slot more than pairs: in it waits the s of the newest step, until the next gradient makes its y.
 *
 * Rows are kept in bfloat16 unless float32 is asked for: what a direction needs of the history is its curvature, and 8
 * bits of every number hold that. All products and both passes take the row as it was rounded, so the recursion works
 * with a pair that fits itself.
 *
 * Bounds are two vectors, and passes beside the others: of the gradient and of a pair what is held is left out, x is
 * put back after each move, and the slope of its path counts what still moves.
 *
 * Products are summed over short segments on the device and over segments in double here, so that their error is far
 * below that of the vectors. Restoring computes them again, in the same order, from the same vectors. */
#include "nn/lbfgs.h"

#include "base/bfloat16.h"
#include "base/blocks.h"
#include "base/memory.h"
#include "device/memory.h"
#include "device/program.h"
#include "device/status.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOATS = NX_ALIGN / sizeof(float), SEGMENT = 8192, MOST_SEGMENTS = 256 };
enum { CPU_SPAN = 4096 }; /* floats of a work-item of `combine`: they stay in the first cache while the rows pass by */
enum { WITH_S, WITH_Y, WITH_G, WITHS };
enum { MOST_GROWTH = 20 };
enum { MOST_TRIALS = 25 }; /* of a line search */

enum { TAKE, SUBTRACT, COPY, MOVE, DOT, DOTS, COMBINE, RELEASE, DROP, HOLD, CLIP, PATH, KERNELS };
static const char *const kernel_names[KERNELS] = {"take",    "subtract", "copy", "move", "dot_parts", "dots",
                                                  "combine", "release",  "drop", "hold", "clip",      "path_parts"};

typedef struct chunk { /* consecutive slots in one buffer */
    cl_mem rows;
    int first, slots;
} chunk;

struct nx_lbfgs {
    nx_lbfgs_options options;
    size_t count, width, stride; /* numbers; with those up to the end of x's buffer; from row to row */
    size_t number;               /* bytes of one in a row */
    size_t segment, segments;
    int slots, rows, chunks;
    nx_device *device;
    chunk *chunk;
    cl_mem *row; /* parts of the chunks: s of slot i is row 2 i, y is row 2 i + 1 */
    cl_mem g, before, d, start, parts, factors;
    cl_mem released;     /* g without what the bounds hold; g itself where there are none */
    cl_mem lower, upper; /* NULL where there are none */
    cl_kernel kernel[KERNELS];
    double *product;             /* [rows][rows] */
    double *with_g, g_with_g;    /* [rows]; of the newest gradient */
    double *sums;                /* [rows][WITHS], and one more: the last pass */
    float *host;                 /* parts, factors */
    int exponent;                /* of the power of two that scales the gradient */
    int growth;                  /* steps along the gradient alone without a pair: each is four times as long */
    int pairs, next;             /* kept; the slot after the newest */
    bool scaled, waiting, plain; /* exponent is set; the slot `next` has an s without y; d was the gradient's */
    uint64_t evaluations;
};

const char *nx_lbfgs_end_text(nx_lbfgs_end end)
{
    static const char *const texts[] = {
        [NX_LBFGS_MOVED] = "it goes on",
        [NX_LBFGS_FLAT] = "the gradient is zero or within the tolerance",
        [NX_LBFGS_STILL] = "the steps are too small to change anything",
        [NX_LBFGS_NOT_FINITE] = "the loss or its gradient is no number",
        [NX_LBFGS_NO_DESCENT] = "no step along the gradient lowers the loss",
    };
    return texts[end];
}

/* ---- memory ---- */

/* The combination goes through rows in fours: chunks hold an even number of slots. */
static int slots_of_chunk(const nx_lbfgs *o, uint64_t max_alloc)
{
    uint64_t most = max_alloc / (2 * o->stride * o->number) / 2 * 2;
    int slots = (o->slots + 1) / 2 * 2;
    return most < 2 ? 2 : most < (uint64_t)slots ? (int)most : slots;
}

nx_lbfgs *nx_lbfgs_new(size_t count, nx_lbfgs_options options)
{
    NX_CHECK(count > 0 && options.history > 0, "L-BFGS of %zu numbers and %d pairs", count, options.history);
    NX_CHECK(options.channels >= 0 && options.channels <= NX_LBFGS_CHANNELS, "bounds of %d channels", options.channels);
    nx_lbfgs *o = nx_alloc(sizeof *o);
    size_t number = options.float32 ? sizeof(cl_float) : sizeof(cl_ushort), stride = nx_align(count * number) / number,
           segment = (stride / MOST_SEGMENTS + FLOATS) / FLOATS * FLOATS;
    *o = (nx_lbfgs){.options = options,
                    .count = count,
                    .width = nx_align(count * sizeof(float)) / sizeof(float),
                    .stride = stride,
                    .number = number,
                    .slots = options.history + 1};
    o->segment = segment > SEGMENT ? segment : SEGMENT;
    o->segments = nx_blocks(stride, o->segment);
    o->rows = 2 * o->slots;
    o->product = nx_alloc((size_t)o->rows * (size_t)o->rows * sizeof(double));
    o->with_g = nx_alloc((size_t)o->rows * sizeof(double));
    o->sums = nx_alloc(((size_t)o->rows * WITHS + 1) * sizeof(double));
    return o;
}

static size_t parts_count(const nx_lbfgs *o) { return ((size_t)o->rows * WITHS + 1) * o->segments; }
static size_t factors_count(const nx_lbfgs *o) { return (size_t)o->rows + 4; }

uint64_t nx_lbfgs_bytes(size_t count, nx_lbfgs_options options, const nx_device_info *info)
{
    nx_lbfgs *o = nx_lbfgs_new(count, options);
    int per = slots_of_chunk(o, info->max_alloc), chunks = (o->slots + per - 1) / per;
    uint64_t vectors = options.channels ? 7 : 4;
    uint64_t bytes = o->stride * ((uint64_t)(2 * per * chunks) * o->number + vectors * sizeof(float));
    bytes += nx_align(parts_count(o) * sizeof(float)) + nx_align(factors_count(o) * sizeof(float));
    nx_lbfgs_free(o);
    return bytes;
}

/* Beyond count nothing is bounded. */
static cl_mem new_bound(const nx_lbfgs *o, const float *bound, float beyond)
{
    cl_mem out = nx_buffer_new(o->device, o->stride * sizeof(float), NX_MEMORY_OPTIMIZER);
    float *values = nx_alloc(o->stride * sizeof *values);
    for (size_t i = 0; i < o->stride; i++) values[i] = i < o->count ? bound[i % (size_t)o->options.channels] : beyond;
    nx_buffer_write(o->device, out, values, o->stride * sizeof *values);
    free(values);
    return out;
}

/* Those from RELEASE on are for bounds. */
static int kernels(const nx_lbfgs_options *o) { return o->channels ? KERNELS : RELEASE; }

static size_t span_of(const nx_device_info *info)
{
    return info->family == NX_FAMILY_GPU ? (size_t)nx_device_lanes(info) : CPU_SPAN;
}

static void write_defines(char out[40], const nx_lbfgs_options *o, const nx_device_info *info)
{
    snprintf(out, 40, "-DHISTORY=%d -DSPAN=%zu", o->float32 ? 32 : 16, span_of(info));
}

void nx_lbfgs_programs(nx_lbfgs_options options, const nx_device_info *info, nx_program_list *out)
{
    char defines[40];
    write_defines(defines, &options, info);
    for (int k = 0; k < kernels(&options); k++) {
        char *name = nx_program_name("lbfgs", kernel_names[k], defines);
        nx_program_list_add(out, name);
        free(name);
    }
}

static void announce(const nx_lbfgs_options *o, const nx_device_info *info)
{
    nx_program_list list = {0};
    nx_lbfgs_programs(*o, info, &list);
    nx_programs_announce(&list);
    nx_program_list_free(&list);
}

void nx_lbfgs_realize(nx_lbfgs *o, nx_device *device)
{
    size_t row = o->stride * o->number;
    int per = slots_of_chunk(o, device->info.max_alloc);
    o->device = device;
    o->chunks = (o->slots + per - 1) / per;
    o->chunk = nx_alloc((size_t)o->chunks * sizeof *o->chunk);
    o->row = nx_alloc((size_t)o->rows * sizeof *o->row);
    for (int k = 0; k < o->chunks; k++) {
        int left = o->slots - k * per;
        o->chunk[k] = (chunk){nx_buffer_new(device, 2 * (size_t)per * row, NX_MEMORY_OPTIMIZER), k * per,
                              left < per ? left : per};
        for (int r = 0; r < 2 * o->chunk[k].slots; r++)
            o->row[2 * k * per + r] = nx_buffer_part(o->chunk[k].rows, (size_t)r * row, row);
    }
    cl_mem *vectors[] = {&o->g, &o->before, &o->d, &o->start};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        *vectors[i] = nx_buffer_new(device, o->stride * sizeof(float), NX_MEMORY_OPTIMIZER);
    o->released = o->g;
    if (o->options.channels) {
        o->released = nx_buffer_new(device, o->stride * sizeof(float), NX_MEMORY_OPTIMIZER);
        o->lower = new_bound(o, o->options.lower, -FLT_MAX);
        o->upper = new_bound(o, o->options.upper, FLT_MAX);
    }
    o->parts = nx_buffer_new(device, parts_count(o) * sizeof(float), NX_MEMORY_OPTIMIZER);
    o->factors = nx_buffer_new(device, factors_count(o) * sizeof(float), NX_MEMORY_OPTIMIZER);
    size_t numbers = parts_count(o) > o->count ? parts_count(o) : o->count;
    o->host = nx_alloc((numbers + factors_count(o)) * sizeof(float));
    char defines[40];
    announce(&o->options, &device->info);
    write_defines(defines, &o->options, &device->info);
    for (int k = 0; k < kernels(&o->options); k++)
        o->kernel[k] = nx_kernel_new(device, "lbfgs", kernel_names[k], defines);
}

void nx_lbfgs_free(nx_lbfgs *o)
{
    if (!o) return;
    if (o->device) {
        for (int k = 0; k < kernels(&o->options); k++) clReleaseKernel(o->kernel[k]);
        for (int r = 0; r < o->rows; r++) nx_buffer_part_free(o->row[r]);
        for (int k = 0; k < o->chunks; k++) nx_buffer_free(o->device, o->chunk[k].rows);
        cl_mem buffers[] = {o->g, o->before, o->d, o->start, o->parts, o->factors, o->lower, o->upper};
        if (o->options.channels) nx_buffer_free(o->device, o->released);
        for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) nx_buffer_free(o->device, buffers[i]);
    }
    free(o->chunk);
    free(o->row);
    free(o->product);
    free(o->with_g);
    free(o->sums);
    free(o->host);
    free(o);
}

/* ---- launches ---- */

static void launch(nx_lbfgs *o, int which, size_t groups)
{
    size_t local = (size_t)nx_device_group(&o->device->info);
    nx_launch l = {.kernel = o->kernel[which],
                   .name = kernel_names[which],
                   .dims = 1,
                   .global = {groups * local},
                   .local = {local}};
    nx_launch_run(o->device, &l, NULL);
}

#define ARGUMENT(which, i, value) NX_CL(clSetKernelArg(o->kernel[which], i, sizeof(value), &(value)))

static void run_take(nx_lbfgs *o, cl_mem gradient)
{
    cl_ulong count = o->count;
    cl_float scale = ldexpf(1, o->exponent);
    ARGUMENT(TAKE, 0, gradient);
    ARGUMENT(TAKE, 1, o->g);
    ARGUMENT(TAKE, 2, count);
    ARGUMENT(TAKE, 3, scale);
    launch(o, TAKE, o->width / FLOATS);
}

static void run_subtract(nx_lbfgs *o, cl_mem a, cl_mem b, cl_mem y)
{
    ARGUMENT(SUBTRACT, 0, a);
    ARGUMENT(SUBTRACT, 1, b);
    ARGUMENT(SUBTRACT, 2, y);
    launch(o, SUBTRACT, o->width / FLOATS);
}

static void run_copy(nx_lbfgs *o, cl_mem from, cl_mem to)
{
    ARGUMENT(COPY, 0, from);
    ARGUMENT(COPY, 1, to);
    launch(o, COPY, o->width / FLOATS);
}

/* x = start + t d; its change into the slot that waits. Without bounds. */
static void run_move(nx_lbfgs *o, cl_mem x, double t)
{
    cl_float step = (cl_float)t;
    ARGUMENT(MOVE, 0, o->start);
    ARGUMENT(MOVE, 1, o->d);
    ARGUMENT(MOVE, 2, x);
    ARGUMENT(MOVE, 3, o->row[2 * o->next]);
    ARGUMENT(MOVE, 4, step);
    launch(o, MOVE, o->width / FLOATS);
}

/* released = g without what the bounds hold at x. */
static void run_release(nx_lbfgs *o, cl_mem x)
{
    ARGUMENT(RELEASE, 0, o->g);
    ARGUMENT(RELEASE, 1, x);
    ARGUMENT(RELEASE, 2, o->lower);
    ARGUMENT(RELEASE, 3, o->upper);
    ARGUMENT(RELEASE, 4, o->released);
    launch(o, RELEASE, o->width / FLOATS);
}

/* Takes what is held out of the pair that waits. */
static void run_drop(nx_lbfgs *o)
{
    ARGUMENT(DROP, 0, o->g);
    ARGUMENT(DROP, 1, o->released);
    ARGUMENT(DROP, 2, o->row[2 * o->next]);
    ARGUMENT(DROP, 3, o->row[2 * o->next + 1]);
    launch(o, DROP, o->width / FLOATS);
}

/* And out of d. */
static void run_hold(nx_lbfgs *o)
{
    ARGUMENT(HOLD, 0, o->g);
    ARGUMENT(HOLD, 1, o->released);
    ARGUMENT(HOLD, 2, o->d);
    launch(o, HOLD, o->width / FLOATS);
}

/* Puts x back within the bounds, and its change into the slot that waits. */
static void run_clip(nx_lbfgs *o, cl_mem x)
{
    ARGUMENT(CLIP, 0, o->start);
    ARGUMENT(CLIP, 1, o->lower);
    ARGUMENT(CLIP, 2, o->upper);
    ARGUMENT(CLIP, 3, x);
    ARGUMENT(CLIP, 4, o->row[2 * o->next]);
    launch(o, CLIP, o->width / FLOATS);
}

/* The slope of the path at x, as the first part: of d and g, where no bound stops d. */
static void run_path(nx_lbfgs *o, cl_mem x)
{
    cl_ulong width = o->width, segment = o->segment;
    ARGUMENT(PATH, 0, o->d);
    ARGUMENT(PATH, 1, o->g);
    ARGUMENT(PATH, 2, x);
    ARGUMENT(PATH, 3, o->lower);
    ARGUMENT(PATH, 4, o->upper);
    ARGUMENT(PATH, 5, o->parts);
    ARGUMENT(PATH, 6, width);
    ARGUMENT(PATH, 7, segment);
    launch(o, PATH, o->segments);
}

/* The product of a and b, as the part after those of `rows` rows. */
static void run_dot(nx_lbfgs *o, cl_mem a, cl_mem b, int rows)
{
    cl_ulong stride = o->stride, segment = o->segment;
    cl_int first = (cl_int)((size_t)rows * WITHS * o->segments);
    ARGUMENT(DOT, 0, a);
    ARGUMENT(DOT, 1, b);
    ARGUMENT(DOT, 2, o->parts);
    ARGUMENT(DOT, 3, stride);
    ARGUMENT(DOT, 4, segment);
    ARGUMENT(DOT, 5, first);
    launch(o, DOT, o->segments);
}

/* The products of `count` pairs of rows with s, y and g, as parts from row `at` on. */
static void run_dots(nx_lbfgs *o, cl_mem rows, int count, int at, cl_mem s, cl_mem y)
{
    size_t offset = (size_t)at * WITHS * o->segments;
    cl_ulong stride = o->stride, segment = o->segment;
    cl_int n = count, segments = (cl_int)o->segments, first = (cl_int)offset;
    ARGUMENT(DOTS, 0, rows);
    ARGUMENT(DOTS, 1, s);
    ARGUMENT(DOTS, 2, y);
    ARGUMENT(DOTS, 3, o->released);
    ARGUMENT(DOTS, 4, o->parts);
    ARGUMENT(DOTS, 5, stride);
    ARGUMENT(DOTS, 6, segment);
    ARGUMENT(DOTS, 7, n);
    ARGUMENT(DOTS, 8, segments);
    ARGUMENT(DOTS, 9, first);
    launch(o, DOTS, (size_t)(count + 1) / 2 * o->segments);
}

/* Reads the parts of rows 0 .. rows - 1 and of the product after them, and adds them up: sums[row][with]. */
static void read_sums(nx_lbfgs *o, int rows)
{
    size_t numbers = (size_t)rows * WITHS + 1;
    nx_buffer_read(o->device, o->parts, o->host, numbers * o->segments * sizeof(float));
    for (size_t i = 0; i < numbers; i++) {
        o->sums[i] = 0;
        for (size_t k = 0; k < o->segments; k++) o->sums[i] += (double)o->host[i * o->segments + k];
    }
}

/* ---- products ---- */

/* Slots are used from the first on; once the history is full, any of them may be the one that waits. */
static int used_rows(const nx_lbfgs *o)
{
    return 2 * (o->pairs == o->options.history ? o->slots : o->pairs + (o->waiting ? 1 : 0));
}

/* Products of the rows in use and of g with the pair in a slot and with g: of what the bounds leave of it. */
static void measure(nx_lbfgs *o, int slot)
{
    int rows = used_rows(o), s = 2 * slot, y = s + 1;
    for (int k = 0; k < o->chunks; k++) {
        int first = 2 * o->chunk[k].first, count = 2 * o->chunk[k].slots;
        if (first + count > rows) count = rows - first;
        if (count > 0) run_dots(o, o->chunk[k].rows, count / 2, first, o->row[s], o->row[y]);
    }
    run_dot(o, o->released, o->released, rows);
    read_sums(o, rows);
    for (int r = 0; r < rows; r++) {
        const double *sums = o->sums + r * WITHS;
        o->product[r * o->rows + s] = o->product[s * o->rows + r] = sums[WITH_S];
        o->product[r * o->rows + y] = o->product[y * o->rows + r] = sums[WITH_Y];
        o->with_g[r] = sums[WITH_G];
    }
    o->g_with_g = o->sums[rows * WITHS];
}

static double product(const nx_lbfgs *o, int a, int b) { return o->product[a * o->rows + b]; }

static void forget(nx_lbfgs *o)
{
    o->pairs = o->next = o->growth = 0;
    o->waiting = false;
}

/* The slot of the pair of this age, 0 the newest. */
static int slot_of(const nx_lbfgs *o, int age) { return (o->next - 1 - age + 2 * o->slots) % o->slots; }

/* ---- the direction ---- */

/* A vector as factors of the rows, and of g. */
typedef struct combination {
    double *of_row, of_g;
} combination;

/* Its product with a row. */
static double apply(const nx_lbfgs *o, const combination *v, int row)
{
    double sum = v->of_g * o->with_g[row];
    for (int age = 0; age < o->pairs; age++)
        for (int r = 2 * slot_of(o, age), end = r + 2; r < end; r++) sum += v->of_row[r] * product(o, row, r);
    return sum;
}

/* The two loops. */
static void recursion(const nx_lbfgs *o, combination *v)
{
    double *alpha = nx_alloc((size_t)o->pairs * sizeof *alpha);
    v->of_g = -1;
    for (int age = 0; age < o->pairs; age++) {
        int s = 2 * slot_of(o, age), y = s + 1;
        alpha[age] = apply(o, v, s) / product(o, s, y);
        v->of_row[y] -= alpha[age];
    }
    int newest = 2 * slot_of(o, 0);
    double scale = product(o, newest, newest + 1) / product(o, newest + 1, newest + 1);
    v->of_g *= scale;
    for (int r = 0; r < o->rows; r++) v->of_row[r] *= scale;
    for (int age = o->pairs; age-- > 0;) {
        int s = 2 * slot_of(o, age), y = s + 1;
        v->of_row[s] += alpha[age] - apply(o, v, y) / product(o, s, y);
    }
    free(alpha);
}

/* d = the sum of factors times rows, and of g. */
static void run_combine(nx_lbfgs *o, const combination *v)
{
    cl_ulong stride = o->stride;
    cl_mem base = o->released;
    cl_float factor = (cl_float)v->of_g;
    int rows = used_rows(o);
    for (int k = 0; k < o->chunks; k++) {
        int first = 2 * o->chunk[k].first, most = (2 * o->chunk[k].slots + 3) / 4 * 4;
        cl_int count = rows - first < most ? (rows - first + 3) / 4 * 4 : most;
        if (count < 0 || (k && !count)) break;
        for (int r = 0; r < count; r++) o->host[r] = first + r < o->rows ? (float)v->of_row[first + r] : 0;
        if (count) nx_buffer_write(o->device, o->factors, o->host, (size_t)count * sizeof(float));
        ARGUMENT(COMBINE, 0, o->chunk[k].rows);
        ARGUMENT(COMBINE, 1, o->factors);
        ARGUMENT(COMBINE, 2, base);
        ARGUMENT(COMBINE, 3, o->d);
        ARGUMENT(COMBINE, 4, stride);
        ARGUMENT(COMBINE, 5, count);
        ARGUMENT(COMBINE, 6, factor);
        launch(o, COMBINE, nx_blocks(o->stride, span_of(&o->device->info) * (size_t)nx_device_group(&o->device->info)));
        base = o->d;
        factor = 1;
    }
}

/* x = start + t d, within the bounds; its change into the slot that waits. */
static void move_to(nx_lbfgs *o, cl_mem x, double t)
{
    run_move(o, x, t);
    if (o->options.channels) run_clip(o, x);
}

/* The slope at x of the path that it takes along d. */
static double path_slope(nx_lbfgs *o, cl_mem x)
{
    if (o->options.channels)
        run_path(o, x);
    else
        run_dot(o, o->d, o->g, 0);
    read_sums(o, 0);
    return o->sums[0];
}

/* d and the length to try first; gives the slope at x. Without a history d is the gradient downhill. */
static double find_direction(nx_lbfgs *o, cl_mem x, double rate, double *t)
{
    combination v = {nx_alloc((size_t)o->rows * sizeof(double)), -1};
    double slope = -o->g_with_g;
    if (o->pairs) {
        recursion(o, &v);
        slope = v.of_g * o->g_with_g;
        for (int r = 0; r < o->rows; r++)
            if (v.of_row[r] != 0) slope += v.of_row[r] * o->with_g[r];
        if (!(slope < 0) || !isfinite(slope)) { /* rounding has the better of the history */
            forget(o);
            for (int r = 0; r < o->rows; r++) v.of_row[r] = 0;
            v.of_g = -1;
            slope = -o->g_with_g;
        }
    }
    o->plain = !o->pairs;
    *t = rate;
    if (o->plain) {
        double sum = 0, most = 0;
        nx_buffer_read(o->device, o->released, o->host, o->count * sizeof(float));
        for (size_t i = 0; i < o->count; i++) {
            double g = fabs((double)o->host[i]);
            sum += g;
            if (g > most) most = g;
        }
        *t *= ldexp(fmax(1 / sum, (double)o->options.first / most), 2 * o->growth);
    }
    run_combine(o, &v);
    free(v.of_row);
    if (o->options.channels) {
        run_hold(o);
        slope = path_slope(o, x);
    }
    if (!o->options.wolfe && o->options.longest > 0) {
        run_dot(o, o->d, o->d, 0);
        read_sums(o, 0);
        *t = fmin(*t, (double)o->options.longest / sqrt(o->sums[0] / (double)o->count));
    }
    return slope;
}

/* ---- the line search: Nocedal and Wright, algorithms 3.5 and 3.6 ---- */

typedef struct trial {
    double t, value, slope; /* scaled as the gradient is */
    double raw;             /* the value itself */
} trial;

static trial try_step(nx_lbfgs *o, const nx_lbfgs_function *f, double t)
{
    move_to(o, f->x->buffer, t);
    trial out = {.t = t, .raw = f->evaluate(f->context)};
    o->evaluations++;
    run_take(o, f->gradient->buffer);
    out.slope = path_slope(o, f->x->buffer);
    out.value = ldexp(out.raw, o->exponent);
    if (!isfinite(out.value) || !isfinite(out.slope)) out.value = INFINITY, out.slope = 0;
    return out;
}

/* The minimum of the cubic through two trials, kept between low and high of the way from a to b. */
static double interpolate(const trial *a, const trial *b, double low, double high)
{
    double width = b->t - a->t, d1 = a->slope + b->slope - 3 * (b->value - a->value) / width,
           square = d1 * d1 - a->slope * b->slope, d2 = copysign(sqrt(square > 0 ? square : 0), width),
           at = (b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2), share = 1 - at;
    if (!(square >= 0) || !isfinite(share)) share = (low + high) / 2;
    return a->t + width * fmin(fmax(share, low), high);
}

/* A step that fulfils the strong Wolfe conditions, or at least goes down; t == 0 if none was found. */
static trial search(nx_lbfgs *o, const nx_lbfgs_function *f, trial start, double t)
{
    const double decrease = 1e-4, flatten = 0.9;
    trial low = start, high = start, now = start;
    bool bracketed = false;
    for (int n = 0; n < MOST_TRIALS; n++) {
        trial last = now;
        now = try_step(o, f, t);
        bool above = now.value > start.value + decrease * now.t * start.slope || (n && now.value >= low.value);
        if (!above && fabs(now.slope) <= -flatten * start.slope) return now;
        if (above) {
            high = now;
            bracketed = true;
        } else if (bracketed) {
            if (now.slope * (high.t - low.t) >= 0) high = low;
            low = now;
        } else {
            low = now;
            if (now.slope >= 0) high = last, bracketed = true;
        }
        if (bracketed && fabs(high.t - low.t) <= 1e-9 * high.t) break;
        t = bracketed ? interpolate(&low, &high, 0.1, 0.9) : now.t + (now.t - last.t) * 4;
    }
    if (low.t > 0 && low.t != now.t) low = try_step(o, f, low.t);
    return low;
}

/* ---- a step ---- */

/* The gradient, scaled; the first one decides by how much. */
static nx_lbfgs_end take_gradient(nx_lbfgs *o, const nx_lbfgs_function *f)
{
    run_take(o, f->gradient->buffer);
    if (o->scaled) return NX_LBFGS_MOVED;
    float most = 0;
    nx_buffer_read(o->device, o->g, o->host, o->count * sizeof(float));
    for (size_t i = 0; i < o->count; i++) {
        if (!isfinite(o->host[i])) return NX_LBFGS_NOT_FINITE;
        most = fmaxf(most, fabsf(o->host[i]));
    }
    if (!(most > 0)) return NX_LBFGS_FLAT;
    o->exponent = -ilogbf(most);
    o->scaled = true;
    run_take(o, f->gradient->buffer);
    return NX_LBFGS_MOVED;
}

/* Judges the pair that waits, now that its y is there. */
static nx_lbfgs_end take_pair(nx_lbfgs *o)
{
    int s = 2 * o->next, y = s + 1;
    double ss = product(o, s, s), sy = product(o, s, y), yy = product(o, y, y);
    o->waiting = false;
    if (!(ss > 0)) { /* with bounds it may have moved: to them, in all that moved */
        if (o->plain && (!o->options.channels || o->growth == MOST_GROWTH)) return NX_LBFGS_STILL;
        int growth = o->plain ? o->growth + 1 : 0;
        forget(o);
        o->growth = growth;
        return NX_LBFGS_MOVED;
    }
    if (o->options.least_change > 0 && sqrt(ss / (double)o->count) <= o->options.least_change) return NX_LBFGS_STILL;
    if (sy > 1e-10 * sqrt(ss * yy)) {
        o->next = (o->next + 1) % o->slots;
        if (o->pairs < o->options.history) o->pairs++;
    } else if (!o->pairs && o->growth < MOST_GROWTH) {
        o->growth++;
    }
    return NX_LBFGS_MOVED;
}

nx_lbfgs_end nx_lbfgs_step(nx_lbfgs *o, const nx_lbfgs_function *f, double *value, double rate)
{
    nx_lbfgs_end end = isfinite(*value) ? take_gradient(o, f) : NX_LBFGS_NOT_FINITE;
    if (end) return end;
    if (o->options.channels) run_release(o, f->x->buffer);
    if (o->waiting) run_subtract(o, o->g, o->before, o->row[2 * o->next + 1]);
    if (o->waiting && o->options.channels) run_drop(o);
    measure(o, o->next);
    if (!isfinite(o->g_with_g)) return NX_LBFGS_NOT_FINITE;
    double gradient = ldexp(sqrt(o->g_with_g / (double)o->count), -o->exponent);
    if (gradient <= o->options.tolerance) return NX_LBFGS_FLAT;
    if (o->waiting && (end = take_pair(o))) return end;

    run_copy(o, o->g, o->before);
    run_copy(o, f->x->buffer, o->start);
    for (;;) {
        double t, slope = find_direction(o, f->x->buffer, rate, &t);
        if (!o->options.wolfe) {
            move_to(o, f->x->buffer, t);
            o->waiting = true;
            return NX_LBFGS_MOVED;
        }
        trial found = search(o, f, (trial){.value = ldexp(*value, o->exponent), .slope = slope}, t);
        if (found.t > 0) {
            *value = found.raw;
            o->waiting = true;
            return NX_LBFGS_MOVED;
        }
        run_copy(o, o->start, f->x->buffer);
        if (o->plain) break;
        run_copy(o, o->before, o->g);
        forget(o);
    }
    *value = f->evaluate(f->context); /* its gradient is x's again */
    return NX_LBFGS_NO_DESCENT;
}

/* ---- checkpoints ---- */

enum { EXPONENT_ZERO = 1 << 20, SCALED = 1, WAITING = 2, PLAIN = 4 };

void nx_lbfgs_numbers(const nx_lbfgs *o, nx_lbfgs_number out[NX_LBFGS_NUMBERS])
{
    out[0] = (nx_lbfgs_number){"lbfgs_flags",
                               (o->scaled ? SCALED : 0u) | (o->waiting ? WAITING : 0u) | (o->plain ? PLAIN : 0u)};
    out[1] = (nx_lbfgs_number){"lbfgs_exponent", (uint64_t)(EXPONENT_ZERO + o->exponent)};
    out[2] = (nx_lbfgs_number){"lbfgs_pairs", (uint64_t)o->pairs};
    out[3] = (nx_lbfgs_number){"lbfgs_next", (uint64_t)o->next};
    out[4] = (nx_lbfgs_number){"lbfgs_growth", (uint64_t)o->growth};
    out[5] = (nx_lbfgs_number){"lbfgs_evaluations", o->evaluations};
}

bool nx_lbfgs_set_numbers(nx_lbfgs *o, const uint64_t values[NX_LBFGS_NUMBERS])
{
    if (values[0] > (SCALED | WAITING | PLAIN) || values[1] > 2 * EXPONENT_ZERO ||
        values[2] > (uint64_t)o->options.history || values[3] >= (uint64_t)o->slots || values[4] > MOST_GROWTH)
        return false;
    o->scaled = values[0] & SCALED;
    o->waiting = values[0] & WAITING;
    o->plain = values[0] & PLAIN;
    o->exponent = (int)values[1] - EXPONENT_ZERO;
    o->pairs = (int)values[2];
    o->next = (int)values[3];
    o->growth = (int)values[4];
    o->evaluations = values[5];
    return true;
}

/* The rows in use, then the gradient before. */
size_t nx_lbfgs_vectors(const nx_lbfgs *o) { return (size_t)used_rows(o) + (o->waiting ? 1 : 0); }

size_t nx_lbfgs_vectors_after(uint64_t steps, nx_lbfgs_options options)
{
    uint64_t slots = (uint64_t)options.history + 1;
    return steps ? 2 * (size_t)(steps < slots ? steps : slots) + 1 : 0;
}

/* Whether vector i is a row of bfloat16, and its buffer. */
static bool vector_at(const nx_lbfgs *o, size_t i, cl_mem *buffer)
{
    bool row = i < (size_t)used_rows(o);
    *buffer = row ? o->row[i] : o->before;
    return row && !o->options.float32;
}

void nx_lbfgs_read(const nx_lbfgs *o, size_t i, float *out)
{
    cl_mem buffer;
    if (!vector_at(o, i, &buffer)) {
        nx_buffer_read(o->device, buffer, out, o->count * sizeof(float));
        return;
    }
    uint16_t *row = nx_alloc(o->count * sizeof *row);
    nx_buffer_read(o->device, buffer, row, o->count * sizeof *row);
    for (size_t k = 0; k < o->count; k++) out[k] = nx_from_bfloat16(row[k]);
    free(row);
}

void nx_lbfgs_write(nx_lbfgs *o, size_t i, const float *values)
{
    cl_mem buffer;
    if (!vector_at(o, i, &buffer)) {
        nx_buffer_write(o->device, buffer, values, o->count * sizeof(float));
        return;
    }
    uint16_t *row = nx_alloc(o->count * sizeof *row);
    for (size_t k = 0; k < o->count; k++) row[k] = nx_to_bfloat16(values[k]);
    nx_buffer_write(o->device, buffer, row, o->count * sizeof *row);
    free(row);
}

void nx_lbfgs_restored(nx_lbfgs *o)
{
    for (int age = o->pairs; age-- > 0;) measure(o, slot_of(o, age));
}
