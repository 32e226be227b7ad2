/* Matrix products on GPUs, for ops/gemm and ops/conv_gpu: not a header for users of operations.
 *
 * By the tiles of cl/conv_gpu.cl, with transposed operands as they lie. A long sum is cut in splits whose parts are
 * added in a fixed order; of a symmetric product only the tiles on and above the diagonal are computed. Or by CLBlast,
 * which copies operands into whole tiles of its own first: in scratch that is planned, or for a batch in memory that it
 * allocates by itself.
 *
 *     nx_gemm_gpu_plan(plan, node, slot, &problem, &choice);             in plan()
 *     nx_gemm_gpu_bind(plan, node, slot, &problem, &choice, a, b, c);    in bind()
 *
 * The slot is for scratch. A choice of one split is never cut.
 */
#ifndef NX_OPS_GEMM_GPU_H
#define NX_OPS_GEMM_GPU_H

#include "ops/choice.h"
#include "ops/gemm.h"

void nx_gemm_gpu_plan(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *problem, const nx_choice *choice);
void nx_gemm_gpu_bind(nx_plan *plan, nx_node *node, int slot, const nx_gemm_problem *problem, const nx_choice *choice,
                      nx_tensor *a, nx_tensor *b, nx_tensor *c);

#endif
