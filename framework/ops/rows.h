/* The range of kernels that walk pixels: not a header for users of operations.
 *
 * CPU family: one work-item for each row of each image, which walks its columns and channel vectors in memory order.
 * GPU family: one for each channel vector of each pixel, if there are no more columns than a launch takes. A kernel for
 * both reads
 *
 *     for (int x = get_global_id(1); x < width; x += get_global_size(1))
 *         for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) ...
 *
 * with get_global_id(2) = image * height + row.
 */
#ifndef NX_OPS_ROWS_H
#define NX_OPS_ROWS_H

#include "graph/plan.h"

static inline nx_range nx_range_rows(const nx_plan *plan, nx_shape s)
{
    size_t rows = (size_t)s.n * (size_t)s.h;
    bool cpu = nx_plan_info(plan)->family == NX_FAMILY_CPU;
    size_t columns = s.w < NX_MOST_GROUPS ? (size_t)s.w : NX_MOST_GROUPS;
    nx_range range = cpu ? nx_range_lanes(plan, 1, 1, rows) : nx_range_lanes(plan, s.c, columns, rows);
    range.apart = true;
    return range;
}

#endif
