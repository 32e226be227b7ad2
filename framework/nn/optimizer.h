/* Optimisers as part of the graph: the gradient of a loss by the trained parameters, and an update of all in one
 * launch.
 *
 *     nx_optimizer *o = nx_optimizer_new(g, loss, params, (nx_optimizer_options){.method = NX_OPTIMIZER_ADAM});
 *     nx_params_realize(o->state, device);
 *     for (uint64_t step = 1; step <= steps; step++) {
 *         nx_optimizer_rate(o, plan, step, rate);
 *         nx_plan_run(plan);
 *     }
 *
 * Adam (Kingma and Ba 2015) as Torch7 has it: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
 *     w <- w - rate sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)
 * with epsilon added to the uncorrected sqrt(v). SGD with momentum: m <- b1 m + g, w <- w - rate m. Weight decay adds
 * weight_decay w to g, of every parameter, as PyTorch's SGD and Adam do.
 */
#ifndef NX_NN_OPTIMIZER_H
#define NX_NN_OPTIMIZER_H

#include "graph/plan.h"

typedef enum nx_optimizer_method { NX_OPTIMIZER_ADAM, NX_OPTIMIZER_SGD } nx_optimizer_method;

typedef struct nx_optimizer_options {
    nx_optimizer_method method;
    float beta1, beta2, epsilon; /* as given: 0 is 0. Adam's usual are 0.9, 0.999, 1e-8; SGD uses beta1 alone */
    float clip;                  /* where the gradient of all parameters together is longer than this (L2), it is
                                  * scaled to it (Pascanu, Mikolov, Bengio 2013, algorithm 1); 0: never */
    float weight_decay;
} nx_optimizer_options;

typedef struct nx_optimizer {
    nx_optimizer_options options;
    nx_params *state; /* moments, named METHOD.m/PARAMETER and so on; saved with a checkpoint */
    nx_tensor *rates; /* input: what changes from step to step */
} nx_optimizer;

/* Appends to g. Only parameters of the store that are marked trained and on which the loss depends are updated. */
nx_optimizer *nx_optimizer_new(nx_graph *g, nx_tensor *loss, nx_params *params, nx_optimizer_options options);

/* Sets the learning rate of step t = 1, 2, ... for the next run of the plan. */
void nx_optimizer_rate(nx_optimizer *o, nx_plan *plan, uint64_t t, double rate);

/* Appends to g: after each update number i of x is put back between lower[i % channels] and upper[i % channels]. */
void nx_optimizer_bound(nx_graph *g, nx_param *x, int channels, const float *lower, const float *upper);

void nx_optimizer_free(nx_optimizer *o); /* and its state, before nx_device_free */

#endif
