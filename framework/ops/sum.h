/* Sums over whole tensors, for operations that give a scalar (mse, total variation, entropy): not an operation itself.
 *
 * Two stages in a fixed order: a group sums a segment into one partial sum, then one group adds the partial sums.
 *
 *     nx_sum_split split = nx_sum_split_of(plan, count);                           in plan() and in bind()
 *     nx_plan_scratch(plan, node, 0, split.segments * sizeof(float));              in plan()
 *     nx_plan_launch(... nx_range_groups(plan, split.segments) ...);               in bind(): cl/sum.cl or one's own
 *     nx_sum_parts(plan, node, node->scratch[0], y, split.segments, 1, factor);
 */
#ifndef NX_OPS_SUM_H
#define NX_OPS_SUM_H

#include "graph/plan.h"

typedef struct nx_sum_split {
    size_t segments, length; /* floats in a segment; the last may have fewer */
} nx_sum_split;

nx_sum_split nx_sum_split_of(const nx_plan *plan, size_t count);

/* Appends: y[i] = factor * the sum of parts[i * count] to parts[(i + 1) * count - 1], for every i < sums. */
void nx_sum_parts(nx_plan *plan, nx_node *node, nx_tensor *parts, nx_tensor *y, size_t count, size_t sums,
                  double factor);

/* The range of flat kernels with a second dimension: as nx_range_flat for each of `rows` rows of count floats. */
nx_range nx_range_flat_rows(const nx_plan *plan, size_t count, size_t rows);

#endif
