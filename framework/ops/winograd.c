/* What both families have of Winograd's algorithm. */
#include "ops/winograd.h"

#include "base/blocks.h"

#include <stdio.h>

nx_winograd_form nx_winograd_form_of(const nx_question *q)
{
    if (q->work == NX_WORK_TRANSPOSED)
        return (nx_winograd_form){.tile = 5, .side = 2, .in = 1, .step = 1, .out = q->stride};
    if (q->stride > 1) return (nx_winograd_form){.tile = 5, .side = 2, .in = q->stride, .step = q->stride, .out = 1};
    return (nx_winograd_form){.tile = NX_WINOGRAD_TILE, .side = 3, .in = (q->kh + 2) / 3, .step = 1, .out = 1};
}

nx_winograd_form nx_winograd_form_of_job(const nx_job *job)
{
    nx_winograd_form f = nx_winograd_form_of(&job->q);
    if (job->choice.algorithm == &nx_conv_winograd_6x6) f.tile = 6;
    return f;
}

size_t nx_winograd_tiles(const nx_question *q, nx_winograd_form form)
{
    size_t side = (size_t)(form.tile * form.out);
    return (size_t)q->y.n * nx_blocks((size_t)q->y.h, side) * nx_blocks((size_t)q->y.w, side);
}

bool nx_winograd_can(const nx_device_info *info, const nx_question *q, int channels)
{
    return q->kh == 3 && q->kw == 3 && q->stride == 1 && q->x.c >= channels && q->y.c >= channels &&
           nx_winograd_tiles(q, nx_winograd_form_of(q)) >= NX_WINOGRAD_LEAST &&
           (info->family == NX_FAMILY_CPU || info->precision == NX_FP32);
}

bool nx_winograd_patch(const nx_plan *plan, const nx_job *job)
{
    return nx_winograd_form_of(&job->q).in > 1 && job->q.x.c < nx_plan_lanes(plan);
}

/* Sums of a register tile, of 32 or 16 registers; of one vector no more tiles than a block has of two. */
size_t nx_winograd_rows(const nx_plan *plan, size_t vectors)
{
    size_t rows = (nx_plan_lanes(plan) == 16 ? 24 : 12) / vectors;
    return rows < 12 ? rows : 12;
}

nx_step *nx_winograd_launch(nx_plan *plan, nx_node *node, int slot, const char *kernel, nx_range range,
                            const nx_arg *args)
{
    return nx_winograd_launch_panels(plan, node, slot, NX_WINOGRAD_VECTORS, kernel, range, args);
}

nx_step *nx_winograd_launch_panels(nx_plan *plan, nx_node *node, int slot, size_t vectors, const char *kernel,
                                   nx_range range, const nx_arg *args)
{
    const nx_job *job = node->decided;
    nx_winograd_form f = nx_winograd_form_of_job(job);
    char defines[128];
    int n = snprintf(defines, sizeof defines,
                     "-DTILE=%d -DSIDE=%d -DIN=%d -DSTEP=%d -DOUT=%d -DROWS=%zu -DVECTORS=%zu%s", f.tile, f.side, f.in,
                     f.step, f.out, nx_winograd_rows(plan, vectors), vectors, nx_plan_pair(plan) == 2 ? " -DBF16" : "");
    if (nx_winograd_patch(plan, job)) snprintf(defines + n, sizeof defines - (size_t)n, " -DPATCH=%d", job->q.x.c);
    if (slot < 0) return nx_plan_launch(plan, node, "winograd", kernel, defines, range, args);
    return nx_plan_launch_derived(plan, node, slot, "winograd", kernel, defines, range, args);
}
