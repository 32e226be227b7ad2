/* Winograd convolution: the division of the work. */
#include "ops/winograd.h"

#include "ops/choice.h"

enum { KERNEL = 0, SCRATCH = 1, STATISTICS = 2 }; /* scratch slots */
enum { FREQUENCIES = 36, TILE = 4, SHARED_CACHE = 16 << 20 };
enum { DEPTH = 128 }; /* as in cl/winograd.cl */
enum { MANY = 64 };   /* blocks of an image: that its last one is not full costs little */

typedef struct division { /* the arguments of cl/winograd.cl */
    bool large;           /* winograd_large: u is too large to be kept */
    int block;            /* tiles done at a time by one work-item, whole register tiles */
    int panels, groups;   /* panels of output channels of a work-item; how many such groups */
    int apart;            /* equal parts of the images, none of which shares a work-item with another */
    int runs;             /* work-items that share the blocks of one group */
    int v_step, m_step;   /* floats between tiles */
    size_t slice;         /* floats of a work-item's scratch */
} division;

static size_t blocks_of(size_t n, size_t size) { return (n + size - 1) / size; }
static size_t panel_of(const nx_plan *plan) { return 2 * (size_t)nx_plan_lanes(plan); }

static size_t kernel_bytes(const nx_plan *plan, const nx_winograd *it)
{
    size_t k = blocks_of((size_t)it->y.c, panel_of(plan)) * panel_of(plan);
    return FREQUENCIES * k * (size_t)it->x.c * sizeof(float);
}

static size_t tiles_of(const nx_winograd *it)
{
    return (size_t)it->y.n * blocks_of((size_t)it->y.h, TILE) * blocks_of((size_t)it->y.w, TILE);
}

static nx_choice choose(const nx_device_info *info, const nx_winograd *it)
{
    nx_question q = {.work = it->weights ? NX_WORK_WEIGHTS : NX_WORK_CONV,
                     .x = it->x,
                     .y = it->y,
                     .kh = 3,
                     .kw = 3,
                     .stride = 1,
                     .zoom = it->zoom ? it->zoom : 1};
    return nx_choose(info, &q);
}

/* A block's v and m should fit a core's own cache: one register tile is best as long as u, which every block reads
 * whole, stays in the cache that the cores share. A larger u would stream from memory. Instead each core makes its own
 * part of it from the kernel, a piece at a time, for so many tiles that this costs some percent. */
static division divide(const nx_plan *plan, const nx_winograd *it)
{
    size_t lanes = (size_t)nx_plan_lanes(plan), units = nx_plan_info(plan)->units, tiles = tiles_of(it);
    size_t all = blocks_of((size_t)it->y.c, panel_of(plan)), rows = lanes == 16 ? 12 : 6; /* ROWS of the kernel */
    bool large = kernel_bytes(plan, it) > SHARED_CACHE;
    size_t wanted = (size_t)choose(nx_plan_info(plan), it).block, block = (wanted ? wanted : large ? 8 : 1) * rows;
    if (block > tiles) block = blocks_of(tiles, rows) * rows;
    size_t apart = large || tiles / (size_t)it->y.n < MANY * block ? 1 : (size_t)it->y.n;
    size_t blocks = apart * blocks_of(tiles / apart, block), groups = large ? units : blocks_of(2 * units, blocks);
    size_t panels = blocks_of(all, groups < all ? groups : all);
    size_t runs = blocks < 4 * units ? blocks : blocks_of(4 * units, apart) * apart;
    /* a vector more than is needed: steps of powers of two would share few places of the cache */
    size_t v_step = (blocks_of((size_t)it->x.c, lanes) + 1) * lanes;
    size_t m_step = (large ? 1 : panels) * panel_of(plan) + lanes;
    return (division){.large = large,
                      .block = (int)block,
                      .panels = (int)panels,
                      .groups = (int)blocks_of(all, panels),
                      .apart = (int)apart,
                      .runs = (int)runs,
                      .v_step = (int)v_step,
                      .m_step = (int)m_step,
                      .slice = FREQUENCIES *
                               (block * (v_step + m_step) + 2 * lanes + (large ? DEPTH * panel_of(plan) + lanes : 0))};
}

bool nx_winograd_suits(const nx_device_info *info, const nx_winograd *it)
{
    return info->family == NX_FAMILY_CPU && choose(info, it).winograd;
}

void nx_winograd_plan(nx_plan *plan, nx_node *node, const nx_winograd *it)
{
    division d = divide(plan, it);
    nx_tensor *w = node->in[1];
    node->scratch[STATISTICS] = NULL;
    if (!d.large)
        nx_plan_derived(plan, node, KERNEL, w, it->rotated ? "winograd_rotated" : "winograd", kernel_bytes(plan, it));
    else if (it->rotated)
        nx_plan_derived(plan, node, KERNEL, w, "winograd_turned", w->bytes);
    nx_plan_scratch(plan, node, SCRATCH, (size_t)(d.runs * d.groups) * d.slice * sizeof(float));
}

nx_tensor *nx_winograd_statistics(nx_plan *plan, nx_node *node, const nx_winograd *it, int groups, int *segments)
{
    division d = divide(plan, it);
    if (d.large || d.apart % groups) return NULL;
    *segments = d.runs / groups;
    if (!node->scratch[STATISTICS])
        nx_plan_scratch(plan, node, STATISTICS, (size_t)d.runs * 3 * (size_t)it->y.c * sizeof(float));
    return node->scratch[STATISTICS];
}

nx_step *nx_winograd_bind(nx_plan *plan, nx_node *node, const nx_winograd *it)
{
    division d = divide(plan, it);
    nx_shape x = it->x, y = it->y;
    nx_tensor *w = node->in[1], *u = node->scratch[KERNEL], *b = node->n_in > 2 ? node->in[2] : w; /* unused, without */
    if (u && nx_plan_derives(plan, node, KERNEL)) {
        if (d.large)
            nx_plan_launch_derived(plan, node, KERNEL, "winograd", "winograd_turn", NULL,
                                   (nx_range){2, {(size_t)x.c, 9}, {1, 1}},
                                   NX_ARGS({"w", .t = w}, {"kernel_", .t = u}, {"k", .i = y.c}));
        else
            nx_plan_launch_derived(
                plan, node, KERNEL, "winograd", "winograd_weights", NULL,
                (nx_range){2, {blocks_of((size_t)y.c, panel_of(plan)), (size_t)x.c}, {1, 1}},
                NX_ARGS({"w", .t = w}, {"u", .t = u}, {"c", .i = x.c}, {"k", .i = y.c}, {"rotated", .i = it->rotated}));
    }
    nx_range range = {2, {(size_t)d.runs, (size_t)d.groups}, {1, 1}};
    nx_tensor *parts = node->scratch[STATISTICS];
    if (d.large)
        return nx_plan_launch(
            plan, node, "winograd", "winograd_large", NULL, range,
            NX_ARGS({"x", .t = node->in[0]}, {"kernel_", .t = u ? u : w}, {"bias", .t = b}, {"y", .t = node->out[0]},
                    {"scratch", .t = node->scratch[SCRATCH]}, {"n", .i = x.n}, {"h", .i = x.h}, {"w", .i = x.w},
                    {"c", .i = x.c}, {"oh", .i = y.h}, {"ow", .i = y.w}, {"k", .i = y.c}, {"pad", .i = it->pad},
                    {"zoom", .i = it->zoom}, {"mode", .i = it->padding}, {"has_bias", .i = node->n_in > 2},
                    {"activation", .i = it->activation}, {"slope", .f = it->slope}, {"block", .i = d.block},
                    {"panels", .i = d.panels}, {"v_step", .i = d.v_step}, {"m_step", .i = d.m_step}));
    return nx_plan_launch(
        plan, node, "winograd", "winograd", NULL, range,
        NX_ARGS({"x", .t = node->in[0]}, {"u", .t = u ? u : w}, {"bias", .t = b}, {"y", .t = node->out[0]},
                {"scratch", .t = node->scratch[SCRATCH]}, {"n", .i = x.n}, {"h", .i = x.h}, {"w", .i = x.w},
                {"c", .i = x.c}, {"oh", .i = y.h}, {"ow", .i = y.w}, {"k", .i = y.c}, {"pad", .i = it->pad},
                {"zoom", .i = it->zoom}, {"mode", .i = it->padding}, {"has_bias", .i = node->n_in > 2},
                {"activation", .i = it->activation}, {"slope", .f = it->slope}, {"block", .i = d.block},
                {"panels", .i = d.panels}, {"v_step", .i = d.v_step}, {"m_step", .i = d.m_step},
                {"apart", .i = d.apart}, {"parts", .t = parts ? parts : b}, {"statistics", .i = parts != NULL}));
}

/* ---- the gradient by the weights ---- */

enum { PARTS = 0 }; /* instead of the kernel */

typedef struct gradient_division { /* the arguments of winograd_gradient */
    int block;                     /* tiles done at a time by one work-item */
    int deep, wide;                /* input and output channels of a work-item */
    int v_step, m_step;            /* floats between tiles */
    size_t groups_c, groups_k, runs;
} gradient_division;

static size_t rounded(size_t n, size_t size) { return blocks_of(n, size) * size; }

/* What a work-item adds to, and its block of v and m, should fit a core's own cache. */
static gradient_division divide_gradient(const nx_plan *plan, const nx_winograd *it)
{
    size_t lanes = (size_t)nx_plan_lanes(plan), panel = panel_of(plan), tiles = tiles_of(it);
    size_t c = rounded((size_t)it->x.c, lanes), k = rounded((size_t)it->y.c, panel);
    size_t deep = c < 4 * lanes ? c : 4 * lanes, wide = k < 4 * lanes ? k : 4 * lanes, block = tiles < 24 ? tiles : 24;
    size_t groups_c = blocks_of(c, deep), groups_k = blocks_of(k, wide), blocks = blocks_of(tiles, block);
    size_t runs = blocks_of(4 * nx_plan_info(plan)->units, groups_c * groups_k);
    return (gradient_division){.block = (int)block,
                               .deep = (int)deep,
                               .wide = (int)wide,
                               .v_step = (int)(deep + lanes),
                               .m_step = (int)(wide + lanes),
                               .groups_c = groups_c,
                               .groups_k = groups_k,
                               .runs = runs < blocks ? runs : blocks};
}

void nx_winograd_plan_gradient(nx_plan *plan, nx_node *node, const nx_winograd *it)
{
    gradient_division d = divide_gradient(plan, it);
    size_t slice = (size_t)FREQUENCIES * (size_t)(d.block * (d.v_step + d.m_step));
    nx_plan_scratch(plan, node, PARTS,
                    d.runs * d.groups_c * d.groups_k * FREQUENCIES * (size_t)(d.deep * d.wide) * sizeof(float));
    nx_plan_scratch(plan, node, SCRATCH, d.runs * d.groups_c * d.groups_k * slice * sizeof(float));
}

void nx_winograd_bind_gradient(nx_plan *plan, nx_node *node, const nx_winograd *it)
{
    gradient_division d = divide_gradient(plan, it);
    nx_shape x = it->x, y = it->y;
    nx_tensor *part = node->scratch[PARTS];
    nx_range sum = {2, {blocks_of((size_t)y.c, (size_t)nx_plan_lanes(plan)), (size_t)x.c}, {1, 1}};
    nx_range range = {3, {d.groups_c, d.groups_k, d.runs}, {1, 1, 1}};
    nx_step *step = nx_plan_launch(
        plan, node, "winograd", "winograd_gradient", NULL, range,
        NX_ARGS({"x", .t = node->in[0]}, {"dy", .t = node->in[1]}, {"part", .t = part},
                {"scratch", .t = node->scratch[SCRATCH]}, {"n", .i = x.n}, {"h", .i = x.h}, {"w", .i = x.w},
                {"c", .i = x.c}, {"oh", .i = y.h}, {"ow", .i = y.w}, {"k", .i = y.c}, {"pad", .i = it->pad},
                {"zoom", .i = it->zoom}, {"mode", .i = it->padding}, {"block", .i = d.block}, {"deep", .i = d.deep},
                {"wide", .i = d.wide}, {"v_step", .i = d.v_step}, {"m_step", .i = d.m_step}));
    step->flops = 2.0 * y.n * y.h * y.w * (double)nx_shape_count(node->out[0]->shape);
    nx_plan_launch(plan, node, "winograd", "winograd_gradient_sum", NULL, sum,
                   NX_ARGS({"part", .t = part}, {"dw", .t = node->out[0]}, {"runs", .i = d.runs}, {"c", .i = x.c},
                           {"k", .i = y.c}, {"deep", .i = d.deep}, {"wide", .i = d.wide}));
}
