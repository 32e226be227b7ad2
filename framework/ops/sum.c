/* Segments: enough of them to keep every core busy, long enough to be worth a launch. */
#include "ops/sum.h"

#include "base/blocks.h"

enum { CPU_LENGTH = 16384, GPU_LENGTH = 4096, CPU_SEGMENTS = 64, GPU_SEGMENTS = 1024, ALIGN = 64 };

nx_sum_split nx_sum_split_of(const nx_plan *plan, size_t count)
{
    bool gpu = nx_plan_info(plan)->family == NX_FAMILY_GPU;
    size_t least = gpu ? GPU_LENGTH : CPU_LENGTH, most = gpu ? GPU_SEGMENTS : CPU_SEGMENTS;
    size_t length = nx_blocks(count, most);
    if (length < least) length = least;
    length = nx_round_up(length, ALIGN);
    return (nx_sum_split){nx_blocks(count, length), length};
}

void nx_sum_parts(nx_plan *plan, nx_node *node, nx_tensor *parts, nx_tensor *y, size_t count, size_t sums,
                  double factor)
{
    nx_plan_launch(plan, node, "sum", "sum_parts", NULL, nx_range_groups(plan, sums),
                   NX_ARGS({"parts", .t = parts}, {"y", .t = y}, {"count", .i = count}, {"factor", .f = factor}));
}

nx_range nx_range_flat_rows(const nx_plan *plan, size_t count, size_t rows)
{
    nx_range range = nx_range_flat(plan, count);
    range.dims = 2;
    range.global[1] = rows;
    range.local[1] = 1;
    range.apart = true;
    return range;
}
