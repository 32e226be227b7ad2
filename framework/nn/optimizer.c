/* Optimisers: a table of methods, each an in-place update of parameters and moments.
 *
 * Parameters are many and mostly small, so one launch updates all of them: buffers are whole blocks of NX_FLAT numbers,
 * and a table that the kernel reads has a row for each block of a parameter, with the places of its parts. */
#include "nn/optimizer.h"

#include "base/memory.h"
#include "base/text.h"
#include "device/memory.h"
#include "ops/mean_square.h"
#include "ops/weighted_sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MOMENTS = 2 };

static const struct method {
    const char *name, *kernel;
    int moments;
    const char *moment[MOST_MOMENTS];
} methods[] = {
    [NX_OPTIMIZER_ADAM] = {"adam", "adam", 2, {"m", "v"}},
    [NX_OPTIMIZER_SGD] = {"sgd", "sgd", 1, {"m"}},
};

/* A parameter's four tensors: itself, its gradient, its moments. Where there is one moment, the last is empty. */
enum { BLOCK = NX_FLAT * sizeof(float), QUARTET = 2 + MOST_MOMENTS, RATE = 0, SQUARES, TABLE, FIRST };

typedef struct quartet {
    cl_mem whole[QUARTET]; /* the allocations in which they lie */
    cl_int block[QUARTET]; /* where, in blocks: a row of the kernel's table */
} quartet;

static quartet find(nx_tensor *const *in, int count)
{
    quartet q = {{NULL}, {0}};
    for (int k = 0; k < count; k++) {
        size_t offset;
        q.whole[k] = nx_buffer_whole(in[k]->buffer, &offset);
        q.block[k] = (cl_int)(offset / BLOCK);
    }
    return q;
}

/* Appends the rows of all parameters that lie in the same allocations as the one at `in`; gives how many. */
static int collect(const nx_node *node, int parts, nx_tensor *const *in, cl_int (*row)[QUARTET])
{
    quartet like = find(in, parts);
    int rows = 0;
    for (int i = FIRST; i < node->n_in; i += parts) {
        quartet q = find(&node->in[i], parts);
        if (memcmp(q.whole, like.whole, sizeof q.whole)) continue;
        if (&node->in[i] < in) return 0; /* an earlier one has collected them */
        for (size_t b = 0; b < node->in[i]->bytes / BLOCK; b++, rows++)
            for (int k = 0; k < QUARTET; k++) row[rows][k] = k < parts ? q.block[k] + (cl_int)b : 0;
    }
    return rows;
}

/* in: rate, the sum of the gradients' squares (without a clip: the rate again, unread), table; then for each parameter
 * itself, its gradient, its moments. One launch, or several where the device allows no allocation that holds all. */
static void bind(nx_plan *plan, nx_node *node)
{
    const nx_optimizer_options *o = node->attr;
    const struct method *method = &methods[o->method];
    nx_tensor *rate = node->in[RATE], *squares = node->in[SQUARES], *table = node->in[TABLE];
    int parts = 2 + method->moments, first = 0;
    cl_int(*row)[QUARTET] = nx_alloc(table->bytes);
    for (int i = FIRST; i < node->n_in; i += parts) {
        nx_tensor *const *in = &node->in[i];
        int rows = collect(node, parts, in, row + first);
        if (!rows) continue;
        nx_range range = nx_range_flat(plan, (size_t)rows * BLOCK / sizeof(float));
        quartet q = find(in, parts);
        nx_step *step;
        if (o->method == NX_OPTIMIZER_ADAM)
            step = nx_plan_launch(plan, node, "optimizer", method->kernel, NULL, range,
                                  NX_ARGS({"w", .m = q.whole[0]}, {"g", .m = q.whole[1]}, {"m", .m = q.whole[2]},
                                          {"v", .m = q.whole[3]}, {"table", .t = table}, {"first", .i = first},
                                          {"rate", .t = rate}, {"squares", .t = squares}, {"clip", .f = o->clip},
                                          {"decay", .f = o->weight_decay}, {"beta1", .f = o->beta1},
                                          {"beta2", .f = o->beta2}, {"epsilon", .f = o->epsilon}));
        else
            step = nx_plan_launch(plan, node, "optimizer", method->kernel, NULL, range,
                                  NX_ARGS({"w", .m = q.whole[0]}, {"g", .m = q.whole[1]}, {"m", .m = q.whole[2]},
                                          {"table", .t = table}, {"first", .i = first}, {"rate", .t = rate},
                                          {"squares", .t = squares}, {"clip", .f = o->clip},
                                          {"decay", .f = o->weight_decay}, {"momentum", .f = o->beta1}));
        step->bytes = (double)rows * BLOCK * (3 + 2 * method->moments);
        first += rows;
    }
    nx_plan_write(plan, table, (const float *)row); /* once: nothing else writes it */
    free(row);
}

static const nx_op update_op = {.name = "optimizer", .bind = bind};

/* The sum of the squares of all gradients that are there. */
static nx_tensor *sum_squares(nx_graph *g, nx_tensor *const *gradient, size_t count)
{
    nx_tensor **squares = nx_alloc((count + 1) * sizeof *squares);
    float *numbers = nx_alloc((count + 1) * sizeof *numbers);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!gradient[i]) continue;
        numbers[n] = (float)nx_shape_count(gradient[i]->shape);
        squares[n++] = nx_mean_square(g, gradient[i]);
    }
    nx_tensor *sum = nx_weighted_total(g, squares, numbers, n);
    free(squares);
    free(numbers);
    return sum;
}

nx_optimizer *nx_optimizer_new(nx_graph *g, nx_tensor *loss, nx_params *params, nx_optimizer_options options)
{
    const struct method *method = &methods[options.method];
    nx_optimizer *o = nx_alloc(sizeof *o);
    *o = (nx_optimizer){.options = options, .state = nx_params_new(), .rates = nx_input(g, NX_SCALAR, "learning_rate")};
    o->state->kind = NX_MEMORY_OPTIMIZER;
    nx_tensor **wrt = nx_alloc(params->count * sizeof *wrt), **gradient = nx_alloc(params->count * sizeof *gradient),
              **in = nx_alloc((FIRST + params->count * QUARTET) * sizeof *in);
    size_t n = 0, bytes = 0;
    int n_in = FIRST;
    for (size_t i = 0; i < params->count; i++)
        if (params->items[i]->trained) wrt[n++] = nx_use(g, params->items[i]);
    nx_gradient(g, loss, wrt, n, gradient);
    for (size_t i = 0; i < n; i++) {
        if (!gradient[i]) continue;
        in[n_in++] = wrt[i];
        in[n_in++] = gradient[i];
        bytes += wrt[i]->bytes;
        for (int k = 0; k < method->moments; k++) {
            char *name = nx_format("%s.%s/%s", method->name, method->moment[k], wrt[i]->param->name);
            in[n_in++] = nx_use(g, nx_param_add(o->state, name, wrt[i]->shape, wrt[i]->param->rank));
            free(name);
        }
    }
    if (bytes) {
        nx_graph_label(g, "optimizer");
        in[RATE] = o->rates;
        in[SQUARES] = options.clip > 0 ? sum_squares(g, gradient, n) : o->rates;
        in[TABLE] = nx_input(g, NX_VECTOR((int)(bytes / BLOCK * QUARTET)), "optimizer_table");
        nx_node_new(g, &update_op, &options, sizeof options, n_in, in);
        nx_graph_label(g, NULL);
    }
    free(wrt);
    free(gradient);
    free(in);
    return o;
}

void nx_optimizer_rate(nx_optimizer *o, nx_plan *plan, uint64_t t, double rate)
{
    if (o->options.method == NX_OPTIMIZER_ADAM)
        rate *= sqrt(1 - pow((double)o->options.beta2, (double)t)) / (1 - pow((double)o->options.beta1, (double)t));
    nx_plan_write(plan, o->rates, &(float){(float)rate});
}

/* ---- bounds ---- */

static void bind_bound(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    nx_step *step =
        nx_plan_launch(plan, node, "optimizer", "bound", NULL, nx_range_flat(plan, nx_shape_count(x->shape)),
                       NX_ARGS({"x", .t = x}, {"lower", .t = node->in[1]}, {"upper", .t = node->in[2]}));
    step->bytes = 4.0 * (double)x->bytes;
}

static const nx_op bound_op = {.name = "bound", .bind = bind_bound};

/* One number for each of x's. */
static nx_tensor *spread(nx_graph *g, nx_shape shape, int channels, const float *bound)
{
    size_t count = nx_shape_count(shape);
    float *values = nx_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = bound[i % (size_t)channels];
    nx_tensor *t = nx_constant(g, shape, values);
    free(values);
    return t;
}

void nx_optimizer_bound(nx_graph *g, nx_param *x, int channels, const float *lower, const float *upper)
{
    nx_shape shape = x->shape;
    nx_tensor *in[] = {nx_use(g, x), spread(g, shape, channels, lower), spread(g, shape, channels, upper)};
    nx_graph_label(g, "optimizer");
    nx_node_new(g, &bound_op, NULL, 0, 3, in);
    nx_graph_label(g, NULL);
}

void nx_optimizer_free(nx_optimizer *o)
{
    if (!o) return;
    nx_params_free(o->state);
    free(o);
}
