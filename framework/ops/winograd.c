/* What both families have of Winograd's algorithm. */
#include "ops/winograd.h"

#include "base/blocks.h"

#include <stdio.h>

enum { FEW_TILES = 8 };

size_t nx_winograd_tiles(const nx_question *q)
{
    return (size_t)q->y.n * nx_blocks((size_t)q->y.h, NX_WINOGRAD_TILE) * nx_blocks((size_t)q->y.w, NX_WINOGRAD_TILE);
}

bool nx_winograd_can(const nx_device_info *info, const nx_question *q, int channels)
{
    return q->kh == 3 && q->kw == 3 && q->stride == 1 && q->x.c >= channels && q->y.c >= channels &&
           nx_winograd_tiles(q) >= FEW_TILES && info->precision != NX_TF32;
}

/* Sums of a register tile, of 32 or 16 registers; of one vector no more tiles than a block has of two. */
size_t nx_winograd_rows(const nx_plan *plan, size_t vectors)
{
    size_t rows = (nx_plan_lanes(plan) == 16 ? 24 : 12) / vectors;
    return rows < 12 ? rows : 12;
}

nx_step *nx_winograd_launch(nx_plan *plan, nx_node *node, int slot, size_t vectors, const char *kernel, nx_range range,
                            const nx_arg *args)
{
    char defines[112];
    snprintf(defines, sizeof defines, "-DFREQUENCIES=%d -DTILE=%d -DROWS=%zu -DVECTORS=%zu -DDEPTH=%d%s",
             NX_WINOGRAD_FREQUENCIES, NX_WINOGRAD_TILE, nx_winograd_rows(plan, vectors), vectors, NX_WINOGRAD_DEPTH,
             nx_plan_pair(plan) == 2 ? " -DBF16" : "");
    if (slot < 0) return nx_plan_launch(plan, node, "winograd", kernel, defines, range, args);
    return nx_plan_launch_derived(plan, node, slot, "winograd", kernel, defines, range, args);
}
