/* Layers: find or make the parameters, record the operation. */
#include "nn/layer.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/init.h"
#include "ops/linear.h"

#include <math.h>
#include <stdlib.h>

/* The tensor of parameter NAME.part, made by init(param, seed, bound) where it is new. */
static nx_tensor *parameter(nx_scope *s, const char *name, const char *part, nx_shape shape, int rank,
                            void (*init)(nx_param *param, uint64_t seed, float bound), float bound)
{
    char *full = nx_format("%s.%s", name, part);
    nx_param *p = nx_params_find(s->params, full);
    if (!p) {
        p = nx_param_add(s->params, full, shape, rank);
        if (!s->undrawn) init(p, s->seed, bound);
    }
    NX_CHECK(nx_shape_equal(p->shape, shape), "parameter %s has another shape", full);
    free(full);
    return nx_use(s->g, p);
}

static float gain_of(const nx_scope *s) { return s->gain > 0 ? s->gain : 1; }

nx_tensor *nx_layer_linear(nx_scope *s, const char *name, nx_tensor *x, int out, nx_activation activation)
{
    int in = x->shape.h * x->shape.w * x->shape.c;
    float bound = 1 / sqrtf((float)in);
    nx_tensor *w = parameter(s, name, "weight", (nx_shape){1, 1, in, out}, 2, nx_init_uniform, gain_of(s) * bound);
    nx_tensor *b = parameter(s, name, "bias", NX_VECTOR(out), 1, nx_init_uniform, bound);
    return nx_linear(s->g, x, w, b, activation, 0);
}

nx_tensor *nx_layer_conv(nx_scope *s, const char *name, nx_tensor *x, int out, int size, nx_conv_options options)
{
    int in = x->shape.c;
    float bound = 1 / sqrtf((float)(in * size * size));
    nx_tensor *w =
        parameter(s, name, "weight", (nx_shape){size, size, in, out}, 4, nx_init_uniform, gain_of(s) * bound);
    nx_tensor *b = parameter(s, name, "bias", NX_VECTOR(out), 1, nx_init_uniform, bound);
    return nx_conv(s->g, x, w, b, options);
}

nx_tensor *nx_layer_conv_transposed(nx_scope *s, const char *name, nx_tensor *x, int out, int size,
                                    nx_conv_options options)
{
    int in = x->shape.c;
    float bound = 1 / sqrtf((float)(in * size * size));
    nx_tensor *w =
        parameter(s, name, "weight", (nx_shape){size, size, out, in}, 4, nx_init_uniform, gain_of(s) * bound);
    nx_tensor *b = parameter(s, name, "bias", NX_VECTOR(out), 1, nx_init_uniform, bound);
    return nx_conv_transposed(s->g, x, w, b, options);
}

static void affine_parameters(nx_scope *s, const char *name, int channels, nx_tensor **gamma, nx_tensor **beta)
{
    *gamma = parameter(s, name, "weight", NX_VECTOR(channels), 1, s->unit_gamma ? nx_init_constant : nx_init_unit, 1);
    *beta = parameter(s, name, "bias", NX_VECTOR(channels), 1, nx_init_constant, 0);
}

static nx_tensor *by_measured(nx_scope *s, nx_tensor *x, nx_tensor *gamma, nx_tensor *beta, nx_norm_options options)
{
    nx_measured *m = s->measured;
    struct nx_measured_norm norm = {.x = x,
                                    .mean = nx_input(s->g, NX_VECTOR(x->shape.c), "mean"),
                                    .variance = nx_input(s->g, NX_VECTOR(x->shape.c), "variance")};
    NX_GROW(m->items, m->count);
    m->items[m->count++] = norm;
    options.training = false;
    return nx_batch_norm(s->g, x, gamma, beta, norm.mean, norm.variance, options);
}

nx_tensor *nx_layer_instance_norm(nx_scope *s, const char *name, nx_tensor *x, nx_activation activation,
                                  nx_tensor *residual)
{
    nx_tensor *gamma, *beta;
    affine_parameters(s, name, x->shape.c, &gamma, &beta);
    nx_norm_options options = {.activation = activation, .residual = residual};
    return s->measured ? by_measured(s, x, gamma, beta, options) : nx_instance_norm(s->g, x, gamma, beta, options);
}

nx_tensor *nx_layer_batch_norm(nx_scope *s, const char *name, nx_tensor *x, nx_activation activation,
                               nx_tensor *residual)
{
    nx_tensor *gamma, *beta;
    affine_parameters(s, name, x->shape.c, &gamma, &beta);
    nx_tensor *mean = parameter(s, name, "running_mean", NX_VECTOR(x->shape.c), 1, nx_init_constant, 0);
    nx_tensor *variance = parameter(s, name, "running_var", NX_VECTOR(x->shape.c), 1, nx_init_constant, 1);
    mean->param->trained = variance->param->trained = false;
    return nx_batch_norm(s->g, x, gamma, beta, mean, variance,
                         (nx_norm_options){.training = s->training, .activation = activation, .residual = residual});
}

nx_tensor *nx_layer_batch_statistics(nx_scope *s, const char *name, nx_tensor *x, nx_activation activation, float slope)
{
    nx_tensor *gamma, *beta;
    affine_parameters(s, name, x->shape.c, &gamma, &beta);
    nx_norm_options options = {.training = true, .activation = activation, .slope = slope};
    return s->measured ? by_measured(s, x, gamma, beta, options)
                       : nx_batch_norm(s->g, x, gamma, beta, NULL, NULL, options);
}
