/* The operations of the case table (tests/cases.h), recorded: for the tests, which compare them with naive loops, and
 * for `nstx bench ops`, which times the rows of real use. */
#include "bench/ops.h"

#include "base/memory.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/affine.h"
#include "ops/channel_sum.h"
#include "ops/concat.h"
#include "ops/gram.h"
#include "ops/hold.h"
#include "ops/linear.h"
#include "ops/mask.h"
#include "ops/mse.h"
#include "ops/reshape.h"
#include "ops/resize.h"
#include "ops/row_moments.h"
#include "ops/scale.h"
#include "ops/upsample.h"
#include "ops/weighted_sum.h"

#include "op_case.h"

#include <stdio.h>

/* The rows without their references, which are the tests' own. */
#undef ROW
#define ROW(noun, text, ...)                                                                                           \
    {                                                                                                                  \
        .op = #noun, .name = text, .build = noun##_build, __VA_ARGS__                                                  \
    }
#include "cases.h"

nx_tensor *add_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_add(g, in[0], in[1]);
}

nx_tensor *relu_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_activate(g, in[0], NX_ACTIVATION_RELU, 0);
}

nx_tensor *leaky_relu_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_activate(g, in[0], NX_ACTIVATION_LEAKY_RELU, *(const float *)c->options);
}

nx_tensor *tanh_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_activate(g, in[0], NX_ACTIVATION_TANH, 0);
}

nx_tensor *scale_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_scale(g, in[0], *(const float *)c->options);
}

nx_tensor *hold_build(nx_graph *g, nx_tensor *const *in, const op_case *c) { return (void)c, nx_hold(g, in[0]); }

nx_tensor *mask_build(nx_graph *g, nx_tensor *const *in, const op_case *c) { return (void)c, nx_mask(g, in[0], in[1]); }

nx_tensor *reshape_build(nx_graph *g, nx_tensor *const *in, const op_case *c) { return nx_reshape(g, in[0], c->out); }

nx_tensor *affine_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_affine(g, in[0], in[1], in[2]);
}

nx_tensor *channel_sum_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_channel_sum(g, in[0]);
}

nx_tensor *channel_dot_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_channel_dot(g, in[0], in[1]);
}

nx_tensor *pool_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_pool(g, in[0], *(const nx_pool_options *)c->options);
}

nx_tensor *upsample_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_upsample(g, in[0], *(const int *)c->options);
}

nx_tensor *resize_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_resize(g, in[0], c->out.h, c->out.w);
}

nx_tensor *concat_build(nx_graph *g, nx_tensor *const *in, const op_case *c) { return nx_concat(g, in, op_inputs(c)); }

nx_tensor *slice_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_slice(g, in[0], *(const nx_slice_options *)c->options);
}

nx_tensor *pad_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_pad(g, in[0], *(const nx_pad_options *)c->options);
}

nx_tensor *lrn_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_lrn(g, in[0], *(const nx_lrn_options *)c->options);
}

nx_tensor *conv_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_conv_options *o = c->options;
    return nx_conv(g, in[0], in[1], op_inputs(c) > 2 ? in[2] : NULL, *o);
}

nx_tensor *conv_transposed_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_conv_options *o = c->options;
    return nx_conv_transposed(g, in[0], in[1], op_inputs(c) > 2 ? in[2] : NULL, *o);
}

nx_tensor *gemm_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_gemm_options *o = c->options;
    return nx_gemm(g, in[0], in[1], *o);
}

nx_tensor *linear_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_activation *activation = c->options;
    return nx_linear(g, in[0], in[1], op_inputs(c) > 2 ? in[2] : NULL, *activation, 0.25f);
}

nx_tensor *gram_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const float *factor = c->options;
    return nx_gram(g, in[0], *factor);
}

nx_tensor *mse_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_mse(g, in[0], in[1]);
}

nx_tensor *weighted_sum_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    float weights[NX_MAX_INPUTS];
    nx_tensor *scalars[NX_MAX_INPUTS];
    int n = op_inputs(c), twice = 2 * n; /* every input twice: more than one launch takes */
    for (int i = 0; i < twice; i++) {
        weights[i] = weight_of(i);
        scalars[i] = in[i % n];
    }
    return nx_weighted_sum(g, scalars, weights, twice);
}

nx_tensor *total_variation_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_variation *kind = c->options;
    return nx_total_variation(g, in[0], *kind);
}

nx_tensor *instance_norm_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    nx_norm_options o = *(const nx_norm_options *)c->options;
    bool affine = op_inputs(c) > 1;
    if (op_inputs(c) > 3) o.residual = in[3];
    return nx_instance_norm(g, in[0], affine ? in[1] : NULL, affine ? in[2] : NULL, o);
}

nx_tensor *batch_norm_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    nx_norm_options o = *(const nx_norm_options *)c->options;
    if (op_inputs(c) > 5) o.residual = in[5];
    return nx_batch_norm(g, in[0], in[1], in[2], in[3], in[4], o);
}

nx_tensor *entropy_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_entropy_options *o = c->options;
    return nx_entropy(g, in[0], *o);
}

nx_tensor *row_moments_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_row_moments(g, in[0], nx_constant(g, NX_VECTOR(2), c->options));
}

/* ---- the rows of real use ---- */

static const op_case *timed(size_t i)
{
    for (size_t k = 0; k < op_case_count; k++)
        if (op_cases[k].timed && !i--) return &op_cases[k];
    return NULL;
}

size_t bench_op_count(void)
{
    size_t count = 0;
    while (timed(count)) count++;
    return count;
}

const char *bench_op_name(size_t i)
{
    static char name[96];
    snprintf(name, sizeof name, "%s/%s", timed(i)->op, timed(i)->name);
    return name;
}

nx_tensor *bench_op_record(nx_graph *g, size_t i, nx_tensor **inputs, int *count)
{
    const op_case *c = timed(i);
    *count = op_inputs(c);
    for (int k = 0; k < *count; k++) inputs[k] = nx_input(g, c->in[k], "in");
    return c->build(g, inputs, c);
}
