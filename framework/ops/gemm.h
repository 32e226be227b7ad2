/* Matrix products in a graph. A tensor is a batch of n matrices of h * w rows and c columns.
 *
 *     nx_tensor *c = nx_gemm(g, a, b, (nx_gemm_options){.transpose_b = true});
 *
 * The same door for operations that are a product: nx_gemm_plan in their plan(), nx_gemm_bind as their bind(). By which
 * algorithm it is computed is a choice (ops/choice): packed register tiles on CPUs, tiles or CLBlast on GPUs.
 */
#ifndef NX_OPS_GEMM_H
#define NX_OPS_GEMM_H

#include "device/gemm.h"
#include "graph/plan.h"

typedef struct nx_gemm_options {
    bool transpose_a, transpose_b;
    float alpha; /* 0: 1 */
} nx_gemm_options;

/* alpha op(a) op(b) for each of the n matrices of a and b: shape n x 1 x rows x columns. Inner sizes and n agree.
 * Differentiable by both. */
nx_tensor *nx_gemm(nx_graph *g, nx_tensor *a, nx_tensor *b, nx_gemm_options options);

/* The product of a problem whose sizes fit a, b and the shape of the result, whatever their shapes are called. Without
 * `add`. Differentiable by both. */
nx_tensor *nx_gemm_shaped(nx_graph *g, nx_tensor *a, nx_tensor *b, nx_gemm_problem problem, nx_shape shape);

/* For operations: the node's job is c = product. */
void nx_gemm_plan(nx_plan *plan, nx_node *node, const nx_gemm_problem *problem, nx_tensor *a, nx_tensor *b,
                  nx_tensor *c);
void nx_gemm_bind(nx_plan *plan, nx_node *node);

#endif
