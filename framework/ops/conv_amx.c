/* Convolution on CPUs that have AMX, in bfloat16: the sum itself, in tiles (cl/conv_amx.cl). The unit multiplies so
 * much faster than Winograd's transforms add that the sum is the quicker of the two, and it has a fifth of their error.
 */
#include "base/blocks.h"
#include "ops/winograd.h"

#include <stdio.h>

enum { PACKED = 0, SCRATCH = 1, STATISTICS = 2 }; /* scratch slots */
enum { TILE = 16, TERMS = 32 };                   /* rows and columns of a tile; operands of a row */
enum { RUNS_UNIT = 4 };                           /* work-items of a core */

typedef struct division { /* the arguments of cl/conv_amx.cl */
    bool gathered;        /* a line has the taps of each pixel beside each other */
    size_t columns;       /* output channels of a panel */
    int rows, lines;      /* rows of y of a strip, rows of x that it reads at most */
    int span, chunks;     /* pixels of a line; of a row of taps */
    int strips;           /* of all images */
    int panels, groups;   /* of output channels: of a work-item; how many such groups */
    int runs;             /* work-items that share the strips of one group */
    size_t slice;         /* bytes of a work-item's lines */
} division;

static bool gathered(const nx_question *q) { return q->x.c % TERMS != 0; }

/* Lines should fit half of a core's cache, beside a panel of the kernel. Few strips read the kernel few times; every
 * core should have two. */
static division divide(const nx_plan *plan, const nx_job *job)
{
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    size_t units = nx_plan_info(plan)->units, up = (size_t)t->up, down = (size_t)t->down, kh = (size_t)q->kh;
    size_t chunks = nx_blocks((size_t)(q->kw * q->x.c), TERMS), columns = q->y.c > TILE ? 2 * TILE : TILE;
    /* the last tile of a row may read beyond it */
    size_t across = nx_blocks((size_t)q->y.w, down) + TILE;
    size_t span = gathered(q) ? across : (across - 1) * (down == 1 ? up : 1) + ((size_t)q->kw - 1) / down + 1;
    size_t line = span * (gathered(q) ? chunks * TERMS : (size_t)q->x.c) * sizeof(uint16_t);
    size_t lines = nx_device_core_cache(nx_plan_info(plan)) / 2 / line, height = (size_t)q->y.h;
    size_t rows = lines * down < kh ? 1 : (lines * down - kh) / up + 1;
    size_t most = nx_blocks(height * (size_t)q->y.n, 2 * units);
    if (rows > most) rows = most;
    if (rows > height) rows = height;
    rows = nx_blocks(height, nx_blocks(height, rows)); /* even ones */
    size_t strips = nx_blocks(height, rows) * (size_t)q->y.n, all = nx_blocks((size_t)q->y.c, columns);
    size_t groups = nx_blocks(2 * units, strips), panels = nx_blocks(all, groups < all ? groups : all);
    lines = ((rows - 1) * up + kh - 1) / down + 1;
    return (division){.gathered = gathered(q),
                      .columns = columns,
                      .rows = (int)rows,
                      .lines = (int)lines,
                      .span = (int)span,
                      .chunks = (int)chunks,
                      .strips = (int)strips,
                      .panels = (int)panels,
                      .groups = (int)nx_blocks(all, panels),
                      .runs = (int)(strips < RUNS_UNIT * units ? strips : RUNS_UNIT * units),
                      .slice = lines * line};
}

enum { DEFINES = 64 };
static void defines_of(char text[DEFINES], const division *d, nx_activation activation)
{
    snprintf(text, DEFINES, "-DVECTORS=%zu -DACTIVATION=%d%s", d->columns / TILE, (int)activation,
             d->gathered ? " -DGATHERED" : "");
}

static void plan_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    division d = divide(plan, job);
    nx_plan_derived(plan, node, PACKED, job->b, job->gather.rotated ? "conv_amx_rotated" : "conv_amx",
                    nx_round_up((size_t)job->q.y.c, d.columns) * (size_t)(job->q.kh * d.chunks) * TERMS *
                        sizeof(uint16_t));
    nx_plan_scratch(plan, node, SCRATCH, (size_t)(d.runs * d.groups) * d.slice);
    node->scratch[STATISTICS] = NULL;
}

static nx_tensor *statistics(nx_plan *plan, nx_node *node, const nx_job *job, int groups, int *segments)
{
    division d = divide(plan, job);
    *segments = d.strips / groups;
    if (!node->scratch[STATISTICS])
        nx_plan_scratch(plan, node, STATISTICS, (size_t)d.strips * 3 * (size_t)job->q.y.c * sizeof(float));
    return node->scratch[STATISTICS];
}

static void bind_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    division d = divide(plan, job);
    nx_tensor *u = node->scratch[PACKED], *bias = job->bias ? job->bias : job->b; /* unused, without */
    nx_tensor *parts = node->scratch[STATISTICS];
    char defines[DEFINES], packing[DEFINES];
    defines_of(defines, &d, t->activation);
    defines_of(packing, &d, NX_ACTIVATION_NONE);
    if (nx_plan_derives(plan, node, PACKED))
        nx_plan_launch_derived(plan, node, PACKED, "conv_amx", "conv_amx_pack", packing,
                               (nx_range){.dims = 2,
                                          .global = {nx_blocks((size_t)q->y.c, d.columns), (size_t)(q->kh * d.chunks)},
                                          .local = {1, 1}},
                               NX_ARGS({"w", .t = job->b}, {"u", .t = u}, {"kh", .i = q->kh}, {"kw", .i = q->kw},
                                       {"c", .i = q->x.c}, {"k", .i = q->y.c}, {"rotated", .i = t->rotated}));
    nx_range range = {.dims = 2, .global = {(size_t)d.runs, (size_t)d.groups}, .local = {1, 1}};
    nx_step *step = nx_plan_launch(
        plan, node, "conv_amx", "conv_amx", defines, range,
        NX_ARGS({"x", .t = job->a}, {"u", .t = u}, {"bias", .t = bias}, {"y", .t = job->c},
                {"scratch", .t = node->scratch[SCRATCH]}, {"n", .i = q->x.n}, NX_SIZES(q), {"kh", .i = q->kh},
                {"kw", .i = q->kw}, {"up", .i = t->up}, {"down", .i = t->down}, {"pad_y", .i = t->pad_y},
                {"pad_x", .i = t->pad_x}, {"zoom", .i = q->zoom}, {"mode", .i = t->padding},
                {"has_bias", .i = job->bias != NULL}, {"slope", .f = t->slope}, {"rows", .i = d.rows},
                {"lines", .i = d.lines}, {"span", .i = d.span}, {"chunks", .i = d.chunks}, {"panels", .i = d.panels},
                {"parts", .t = parts ? parts : bias}, {"statistics", .i = parts != NULL}));
    step->flops = nx_conv_flops(job);
    step->bytes = (double)(job->a->bytes + job->b->bytes + job->c->bytes);
}

/* The taps of a phase of a transposed convolution are no run. Enlarged only where there is a gradient by the weights.
 */
static bool can_conv(const nx_device_info *info, const nx_question *q)
{
    return info->amx && (q->work == NX_WORK_CONV || !gathered(q)) && (q->zoom == 1 || nx_winograd_can(info, q, TILE));
}

const nx_algorithm nx_conv_amx = {.name = "amx",
                                  .family = NX_FAMILY_CPU,
                                  .works = 1u << NX_WORK_CONV | 1u << NX_WORK_TRANSPOSED,
                                  .enlarged = true,
                                  .can = can_conv,
                                  .plan = plan_conv,
                                  .bind = bind_conv,
                                  .statistics = statistics};
