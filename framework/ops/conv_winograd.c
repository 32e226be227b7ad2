/* Convolution by Winograd's algorithm on CPUs, and its gradient by the weights: the division of the work.
 *
 * Some 2.5 times as fast as the sum itself at 64 channels and more. Where a normalization follows, the statistics of
 * what is stored are left for it. */
#include "base/blocks.h"
#include "ops/winograd.h"

enum { KERNEL = 0, SCRATCH = 1, STATISTICS = 2 }; /* scratch slots */
enum { FREQUENCIES = NX_WINOGRAD_FREQUENCIES, DEPTH = NX_WINOGRAD_DEPTH };
enum { MANY = 64 };     /* blocks of an image: that its last one is not full costs little */
enum { CHANNELS = 16 }; /* with fewer half of the lanes are idle */

typedef struct division { /* the arguments of cl/winograd.cl */
    bool large;           /* winograd_large: u is too large to be kept */
    size_t vectors;       /* of a panel of output channels */
    int block;            /* tiles done at a time by one work-item, whole register tiles */
    int panels, groups;   /* panels of output channels of a work-item; how many such groups */
    int apart;            /* equal parts of the images, none of which shares a work-item with another */
    int runs;             /* work-items that share the blocks of one group */
    int v_step, m_step;   /* words of v between tiles, floats of m */
    size_t slice;         /* floats of a work-item's scratch */
} division;

static size_t panel_of(const nx_plan *plan, size_t vectors) { return vectors * (size_t)nx_plan_lanes(plan); }

/* Those of a panel of which k channels leave the fewest idle: 40 are three vectors of 16, where two panels of two have
 * 64 columns. */
static size_t vectors_of(const nx_plan *plan, size_t k)
{
    static const size_t others[] = {3, 1};
    size_t best = NX_WINOGRAD_VECTORS;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (nx_round_up(k, panel_of(plan, others[i])) < nx_round_up(k, panel_of(plan, best))) best = others[i];
    return best;
}

/* Of operands' words that so many input channels, or tiles, take. */
static size_t words(const nx_plan *plan, int count) { return nx_blocks((size_t)count, nx_plan_pair(plan)); }

static size_t kernel_bytes(const nx_plan *plan, const nx_job *job)
{
    size_t k = (size_t)job->q.y.c;
    k = nx_round_up(k, panel_of(plan, vectors_of(plan, k)));
    return FREQUENCIES * k * words(plan, job->q.x.c) * sizeof(float);
}

/* A block's v and m should fit a core's own cache: one register tile is best as long as u, which every block reads
 * whole, stays in the cache that the cores share. A larger u would stream from memory. Instead each core makes its own
 * part of it from the kernel, a piece at a time, for so many tiles that this costs some percent. */
static division divide(const nx_plan *plan, const nx_job *job)
{
    size_t lanes = (size_t)nx_plan_lanes(plan), units = nx_plan_info(plan)->units, tiles = nx_winograd_tiles(&job->q);
    bool large = kernel_bytes(plan, job) > nx_device_cache(nx_plan_info(plan)) / 2; /* the rest is the pictures' */
    size_t k = (size_t)job->q.y.c, vectors = large ? NX_WINOGRAD_VECTORS : vectors_of(plan, k);
    size_t panel = panel_of(plan, vectors), all = nx_blocks(k, panel), rows = nx_winograd_rows(plan, vectors);
    size_t wanted = (size_t)job->choice.block, block = (wanted ? wanted : large ? 8 : 1) * rows;
    if (block > tiles) block = nx_round_up(tiles, rows);
    size_t apart = large || tiles / (size_t)job->q.y.n < MANY * block ? 1 : (size_t)job->q.y.n;
    size_t blocks = apart * nx_blocks(tiles / apart, block), groups = large ? units : nx_blocks(2 * units, blocks);
    size_t panels = nx_blocks(all, groups < all ? groups : all);
    size_t runs = blocks < 4 * units ? blocks : nx_round_up(4 * units, apart);
    /* a vector more than is needed: steps of powers of two would share few places of the cache */
    size_t v_step = (nx_blocks(words(plan, job->q.x.c), lanes) + 1) * lanes;
    size_t m_step = (large ? 1 : panels) * panel + lanes;
    return (division){.large = large,
                      .vectors = vectors,
                      .block = (int)block,
                      .panels = (int)panels,
                      .groups = (int)nx_blocks(all, panels),
                      .apart = (int)apart,
                      .runs = (int)runs,
                      .v_step = (int)v_step,
                      .m_step = (int)m_step,
                      .slice =
                          FREQUENCIES * (block * (v_step + m_step) + 2 * lanes + (large ? DEPTH * panel + lanes : 0))};
}

static void plan_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    division d = divide(plan, job);
    nx_tensor *w = job->b;
    bool rotated = job->gather.rotated;
    node->scratch[STATISTICS] = NULL;
    if (!d.large)
        nx_plan_derived(plan, node, KERNEL, w, rotated ? "winograd_rotated" : "winograd", kernel_bytes(plan, job));
    else if (rotated)
        nx_plan_derived(plan, node, KERNEL, w, "winograd_turned", w->bytes);
    nx_plan_scratch(plan, node, SCRATCH, (size_t)(d.runs * d.groups) * d.slice * sizeof(float));
}

static nx_tensor *statistics(nx_plan *plan, nx_node *node, const nx_job *job, int groups, int *segments)
{
    division d = divide(plan, job);
    if (d.large || d.apart % groups) return NULL;
    *segments = d.runs / groups;
    if (!node->scratch[STATISTICS])
        nx_plan_scratch(plan, node, STATISTICS, (size_t)d.runs * 3 * (size_t)job->q.y.c * sizeof(float));
    return node->scratch[STATISTICS];
}

/* w or u is what the kernels read. */
static void derive(nx_plan *plan, nx_node *node, const nx_job *job, const division *d)
{
    nx_shape x = job->q.x, y = job->q.y;
    nx_tensor *w = job->b, *u = node->scratch[KERNEL];
    if (d->large)
        nx_winograd_launch(plan, node, KERNEL, d->vectors, "winograd_turn",
                           (nx_range){.dims = 2, .global = {(size_t)x.c, 9}, .local = {1, 1}},
                           NX_ARGS({"w", .t = w}, {"turned", .t = u}, {"k", .i = y.c}));
    else
        nx_winograd_launch(plan, node, KERNEL, d->vectors, "winograd_weights",
                           (nx_range){.dims = 2,
                                      .global = {nx_blocks((size_t)y.c, panel_of(plan, d->vectors)), words(plan, x.c)},
                                      .local = {1, 1}},
                           NX_ARGS({"w", .t = w}, {"u", .t = u}, {"c", .i = x.c}, {"k", .i = y.c},
                                   {"rotated", .i = job->gather.rotated}));
}

/* clang-format off */
#define EITHER \
    {"x", .t = job->a}, {"bias", .t = bias}, {"y", .t = job->c}, {"scratch", .t = node->scratch[SCRATCH]}, \
    {"n", .i = q->x.n}, NX_SIZES(q), {"pad", .i = t->pad_y}, {"zoom", .i = q->zoom}, {"mode", .i = t->padding}, \
    {"has_bias", .i = job->bias != NULL}, {"activation", .i = t->activation}, {"slope", .f = t->slope}, \
    {"block", .i = d.block}, {"panels", .i = d.panels}, {"v_step", .i = d.v_step}, {"m_step", .i = d.m_step}
/* clang-format on */

static void bind_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    division d = divide(plan, job);
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    nx_tensor *u = node->scratch[KERNEL], *bias = job->bias ? job->bias : job->b; /* unused, without */
    nx_tensor *parts = node->scratch[STATISTICS];
    if (u && nx_plan_derives(plan, node, KERNEL)) derive(plan, node, job, &d);
    nx_range range = {.dims = 2, .global = {(size_t)d.runs, (size_t)d.groups}, .local = {1, 1}};
    nx_step *step =
        d.large ? nx_winograd_launch(plan, node, -1, d.vectors, "winograd_large", range,
                                     NX_ARGS(EITHER, {"turned", .t = u ? u : job->b}))
                : nx_winograd_launch(plan, node, -1, d.vectors, "winograd", range,
                                     NX_ARGS(EITHER, {"u", .t = u}, {"apart", .i = d.apart},
                                             {"parts", .t = parts ? parts : bias}, {"statistics", .i = parts != NULL}));
    step->flops = nx_conv_flops(job);
    step->bytes = (double)(job->a->bytes + job->b->bytes + job->c->bytes);
}

static bool can(const nx_device_info *info, const nx_question *q) { return nx_winograd_can(info, q, CHANNELS); }

static size_t variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out)
{
    static const int blocks[] = {1, 2, 4, 8};
    size_t count = sizeof blocks / sizeof *blocks;
    (void)info, (void)q;
    for (size_t i = 0; i < count; i++) {
        out[i] = plain;
        out[i].block = blocks[i];
    }
    return count;
}

const nx_algorithm nx_conv_winograd = {.name = "winograd",
                                       .family = NX_FAMILY_CPU,
                                       .works = 1u << NX_WORK_CONV,
                                       .enlarged = true,
                                       .can = can,
                                       .variants = variants,
                                       .plan = plan_conv,
                                       .bind = bind_conv,
                                       .statistics = statistics};

/* ---- the gradient by the weights ---- */

enum { PARTS = 0 }; /* instead of the kernel */

typedef struct gradient_division { /* the arguments of winograd_gradient */
    int block;                     /* tiles done at a time by one work-item */
    int deep, wide;                /* input and output channels of a work-item */
    int v_step, m_step;            /* words between pairs of tiles */
    size_t groups_c, groups_k, runs;
} gradient_division;

/* What a work-item adds to, and its block of v and m, should fit a core's own cache. */
static gradient_division divide_gradient(const nx_plan *plan, const nx_job *job)
{
    size_t lanes = (size_t)nx_plan_lanes(plan), panel = panel_of(plan, NX_WINOGRAD_VECTORS);
    size_t tiles = nx_winograd_tiles(&job->q);
    size_t c = nx_round_up((size_t)job->q.x.c, lanes), k = nx_round_up((size_t)job->q.y.c, panel);
    size_t deep = c < 4 * lanes ? c : 4 * lanes, wide = k < 4 * lanes ? k : 4 * lanes, block = tiles < 24 ? tiles : 24;
    size_t groups_c = nx_blocks(c, deep), groups_k = nx_blocks(k, wide), blocks = nx_blocks(tiles, block);
    size_t runs = nx_blocks(4 * nx_plan_info(plan)->units, groups_c * groups_k);
    return (gradient_division){.block = (int)block,
                               .deep = (int)deep,
                               .wide = (int)wide,
                               .v_step = (int)(deep + lanes),
                               .m_step = (int)(wide + lanes),
                               .groups_c = groups_c,
                               .groups_k = groups_k,
                               .runs = runs < blocks ? runs : blocks};
}

static void plan_weights(nx_plan *plan, nx_node *node, const nx_job *job)
{
    gradient_division d = divide_gradient(plan, job);
    size_t slice = FREQUENCIES * words(plan, d.block) * (size_t)(d.v_step + d.m_step);
    nx_plan_scratch(plan, node, PARTS,
                    d.runs * d.groups_c * d.groups_k * FREQUENCIES * (size_t)(d.deep * d.wide) * sizeof(float));
    nx_plan_scratch(plan, node, SCRATCH, d.runs * d.groups_c * d.groups_k * slice * sizeof(float));
}

static void bind_weights(nx_plan *plan, nx_node *node, const nx_job *job)
{
    gradient_division d = divide_gradient(plan, job);
    const nx_question *q = &job->q;
    nx_tensor *part = node->scratch[PARTS];
    nx_range sum = {
        .dims = 2, .global = {nx_blocks((size_t)q->y.c, (size_t)nx_plan_lanes(plan)), (size_t)q->x.c}, .local = {1, 1}};
    nx_range range = {.dims = 3, .global = {d.groups_c, d.groups_k, d.runs}, .local = {1, 1, 1}};
    nx_step *step = nx_winograd_launch(
        plan, node, -1, NX_WINOGRAD_VECTORS, "winograd_gradient", range,
        NX_ARGS({"x", .t = job->a}, {"dy", .t = job->b}, {"part", .t = part}, {"scratch", .t = node->scratch[SCRATCH]},
                {"n", .i = q->x.n}, NX_SIZES(q), {"pad", .i = job->gather.pad_y}, {"zoom", .i = q->zoom},
                {"mode", .i = job->gather.padding}, {"block", .i = d.block}, {"deep", .i = d.deep},
                {"wide", .i = d.wide}, {"v_step", .i = d.v_step}, {"m_step", .i = d.m_step}));
    step->flops = nx_conv_flops(job);
    nx_winograd_launch(plan, node, -1, NX_WINOGRAD_VECTORS, "winograd_gradient_sum", sum,
                       NX_ARGS({"part", .t = part}, {"dw", .t = job->c}, {"runs", .i = d.runs}, {"c", .i = q->x.c},
                               {"k", .i = q->y.c}, {"deep", .i = d.deep}, {"wide", .i = d.wide}));
}

const nx_algorithm nx_weights_winograd = {.name = "winograd",
                                          .family = NX_FAMILY_CPU,
                                          .works = 1u << NX_WORK_WEIGHTS,
                                          .can = can,
                                          .plan = plan_weights,
                                          .bind = bind_weights};
