/* Optimisers: a table of methods, each an in-place update of parameter and moments. */
#include "nn/optimizer.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_MOMENTS = 2 };

static const struct method {
    const char *name, *kernel;
    int moments;
    const char *moment[MOST_MOMENTS];
} methods[] = {
    [NX_OPTIMIZER_ADAM] = {"adam", "adam", 2, {"m", "v"}},
    [NX_OPTIMIZER_SGD] = {"sgd", "sgd", 1, {"m"}},
};

/* in: parameter, gradient, rates, moments */
static void bind(nx_plan *plan, nx_node *node)
{
    const nx_optimizer_options *o = node->attr;
    const struct method *method = &methods[o->method];
    nx_range range = nx_range_flat(plan, nx_shape_count(node->in[0]->shape));
    nx_tensor **in = node->in;
    nx_step *step;
    if (o->method == NX_OPTIMIZER_ADAM)
        step = nx_plan_launch(plan, node, "optimizer", method->kernel, NULL, range, "tttttfff", in[0], in[1], in[2],
                              in[3], in[4], (double)o->beta1, (double)o->beta2, (double)o->epsilon);
    else
        step = nx_plan_launch(plan, node, "optimizer", method->kernel, NULL, range, "ttttf", in[0], in[1], in[2], in[3],
                              (double)o->beta1);
    step->bytes = (double)in[0]->bytes * (3 + 2 * method->moments);
}

static const nx_op update_op = {.name = "optimizer", .bind = bind};

nx_optimizer *nx_optimizer_new(nx_graph *g, nx_tensor *loss, nx_params *params, nx_optimizer_options options)
{
    const struct method *method = &methods[options.method];
    nx_optimizer *o = nx_alloc(sizeof *o);
    *o = (nx_optimizer){.options = options, .state = nx_params_new(), .rates = nx_input(g, NX_SCALAR, "learning_rate")};
    nx_tensor **wrt = nx_alloc((params->count + 1) * sizeof *wrt),
              **gradient = nx_alloc((params->count + 1) * sizeof *wrt);
    size_t n = 0;
    for (size_t i = 0; i < params->count; i++)
        if (params->items[i]->trained) wrt[n++] = nx_use(g, params->items[i]);
    nx_gradient(g, loss, wrt, n, gradient);
    nx_graph_label(g, "optimizer");
    for (size_t i = 0; i < n; i++) {
        if (!gradient[i]) continue;
        nx_tensor *in[3 + MOST_MOMENTS] = {wrt[i], gradient[i], o->rates};
        for (int k = 0; k < method->moments; k++) {
            char *name = nx_format("%s.%s/%s", method->name, method->moment[k], wrt[i]->param->name);
            nx_param *moment = nx_param_add(o->state, name, wrt[i]->shape, wrt[i]->param->rank);
            moment->kind = NX_MEMORY_OPTIMIZER;
            in[3 + k] = nx_use(g, moment);
            free(name);
        }
        nx_node_new(g, &update_op, &options, sizeof options, 3 + method->moments, in);
    }
    nx_graph_label(g, NULL);
    free(wrt);
    free(gradient);
    return o;
}

void nx_optimizer_rate(nx_optimizer *o, nx_plan *plan, uint64_t t, double rate)
{
    if (o->options.method == NX_OPTIMIZER_ADAM)
        rate *= sqrt(1 - pow((double)o->options.beta2, (double)t)) / (1 - pow((double)o->options.beta1, (double)t));
    nx_plan_write(plan, o->rates, &(float){(float)rate});
}

void nx_optimizer_free(nx_optimizer *o)
{
    if (!o) return;
    nx_params_free(o->state);
    free(o);
}
