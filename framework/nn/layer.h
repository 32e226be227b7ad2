/* Layers with named parameters. A scope says where a network's parameters live; recording the same network into a
 * second graph finds the same parameters again by name.
 *
 *     nx_scope s = {.g = g, .params = params, .seed = seed};
 *     nx_tensor *y = nx_layer_conv(&s, "conv1", x, 32, 9, (nx_conv_options){.pad = 4});
 *
 * A parameter that is not there yet is made and initialised (nn/init), from the scope's seed and its own name, unless
 * the scope has it undrawn.
 */
#ifndef NX_NN_LAYER_H
#define NX_NN_LAYER_H

#include "ops/conv.h"
#include "ops/norm.h"

/* Normalizations whose means and variances the host writes, in the order in which they were recorded: what a network
 * is applied with to parts of a picture, whose statistics are those of the whole. */
typedef struct nx_measured {
    size_t count;
    struct nx_measured_norm {
        nx_tensor *x;               /* what is normalized */
        nx_tensor *mean, *variance; /* inputs, of x's channels */
    } * items;
} nx_measured;

typedef struct nx_scope {
    nx_graph *g;
    nx_params *params;
    uint64_t seed;
    bool training;         /* batch normalization uses, and updates, the statistics of the batch */
    nx_measured *measured; /* where set, every normalization by statistics of its own input goes in there instead */
    bool undrawn;          /* parameters that are made stay 0: for a plan alone, or about to be filled */
    float gain;            /* on the initial weights of layers that follow; 0: 1 */
    bool unit_gamma;       /* the initial gamma of normalizations that follow is 1 */
} nx_scope;

/* NAME.weight [out][in][size][size], NAME.bias [out]: both U(+-1 / sqrt(in size size)), Torch's default. */
nx_tensor *nx_layer_conv(nx_scope *s, const char *name, nx_tensor *x, int out, int size, nx_conv_options options);

/* Every image of x as one row: NAME.weight [out][in] and NAME.bias [out], drawn alike. Gives n x 1 x 1 x out. */
nx_tensor *nx_layer_linear(nx_scope *s, const char *name, nx_tensor *x, int out, nx_activation activation);

/* NAME.weight [in][out][size][size] as in Torch, NAME.bias [out]. */
nx_tensor *nx_layer_conv_transposed(nx_scope *s, const char *name, nx_tensor *x, int out, int size,
                                    nx_conv_options options);

/* NAME.weight (gamma, U(0, 1) as Torch7 draws it, or 1 as in PyTorch) and NAME.bias (beta, 0); epsilon 1e-5. residual:
 * added to the result, without an activation; or NULL. */
nx_tensor *nx_layer_instance_norm(nx_scope *s, const char *name, nx_tensor *x, nx_activation activation,
                                  nx_tensor *residual);

/* The same with NAME.running_mean and NAME.running_var, momentum 0.1; in training the statistics of the batch. */
nx_tensor *nx_layer_batch_norm(nx_scope *s, const char *name, nx_tensor *x, nx_activation activation,
                               nx_tensor *residual);

/* Batch normalization that keeps no running statistics: those of the batch, in training and after. slope: of LeakyReLU.
 */
nx_tensor *nx_layer_batch_statistics(nx_scope *s, const char *name, nx_tensor *x, nx_activation activation,
                                     float slope);

#endif
