/* Convolution by Winograd's algorithm on CPUs, and its gradient by the weights: the division of the work.
 *
 * Some 2.5 times as fast as the sum itself at 64 channels and more. Where a normalization follows, the statistics of
 * what is stored are left for it. */
#include "base/blocks.h"
#include "ops/winograd.h"

enum { KERNEL = 0, SCRATCH = 1, STATISTICS = 2 }; /* scratch slots */
enum { MANY = 64 };     /* blocks of an image, of one register tile: that its last is not full costs little */
enum { CHANNELS = 16 }; /* with fewer half of the lanes are idle */
enum { WIDE = 4 };      /* vectors of the widest panel */

typedef struct division { /* the arguments of cl/winograd.cl */
    bool large;           /* winograd_large: u is too large to be kept */
    size_t vectors;       /* of a panel of output channels */
    int block;            /* tiles done at a time by one work-item, or of a strip, whole register tiles */
    int panels, groups;   /* panels of output channels of a work-item; how many such groups */
    int together;         /* panels whose m is kept at a time; of winograd_large u, too */
    int width;            /* of winograd_large: output channels of so many panels */
    int apart;            /* equal parts of the images, none of which shares a work-item with another */
    int runs;             /* work-items that share the blocks, or the strip, of one group */
    int v_step, m_step;   /* words of v between tiles, floats of m */
    size_t shared, slice; /* floats of scratch that all work-items read, and of each one's own */
} division;

static size_t panel_of(const nx_device_info *info, size_t vectors) { return vectors * (size_t)nx_device_lanes(info); }

/* 24 multiply-adds take 10 loads in a register tile of 6 tiles by four vectors, 14 in one of 12 by two; and a block of
 * two dozen tiles reads u half as often. Measured where a core has 2 MB (Intel's since Sapphire Rapids): a sixth to a
 * fifth of a layer; elsewhere nothing. */
static bool roomy(const nx_device_info *info)
{
    return nx_device_lanes(info) == 16 && nx_device_core_cache(info) >= (size_t)2 << 20;
}

/* Those of a panel of which k channels leave the fewest idle: 40 are three vectors of 16, where two panels of two have
 * 64 columns. */
static size_t vectors_of(const nx_device_info *info, size_t k)
{
    static const size_t others[] = {3, 1};
    size_t best = roomy(info) && k % panel_of(info, WIDE) == 0 ? WIDE : NX_WINOGRAD_VECTORS;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (nx_round_up(k, panel_of(info, others[i])) < nx_round_up(k, panel_of(info, best))) best = others[i];
    return best;
}

/* Of operands' words that so many input channels, or tiles, take. */
static size_t words(const nx_plan *plan, int count) { return nx_blocks((size_t)count, nx_plan_pair(plan)); }

/* Columns and depth of the products: the channels of all phases of y and of all pieces of x. */
static size_t columns_of(const nx_device_info *info, const nx_question *q)
{
    size_t out = (size_t)nx_winograd_form_of(q).out, k = (size_t)q->y.c;
    return out == 1 ? k : out * out * nx_round_up(k, (size_t)nx_device_lanes(info));
}

static int depth_of(const nx_question *q)
{
    int in = nx_winograd_form_of(q).in;
    return in * in * q->x.c;
}

static size_t frequencies(nx_winograd_form f) { return (size_t)(f.tile + f.side - 1) * (size_t)(f.tile + f.side - 1); }

/* Of u, its panels whole. */
static size_t kernel_bytes(const nx_device_info *info, const nx_question *q, nx_winograd_form f)
{
    size_t k = columns_of(info, q);
    return frequencies(f) * nx_round_up(k, panel_of(info, vectors_of(info, k))) *
           nx_blocks((size_t)depth_of(q), nx_pair_of(info)) * sizeof(float);
}

/* Transformed weights that would leave no room for pictures in the cache that cores share. */
static bool is_large(const nx_device_info *info, const nx_question *q, nx_winograd_form f)
{
    return kernel_bytes(info, q, f) > nx_device_cache(info) / 2;
}

/* A block's v and m should fit a core's own cache: one register tile is best as long as u, which every block reads
 * whole, stays in the cache that the cores share. */
static void divide_blocks(const nx_plan *plan, const nx_job *job, size_t all, division *d)
{
    const nx_device_info *info = nx_plan_info(plan);
    nx_winograd_form f = nx_winograd_form_of_job(job);
    size_t lanes = (size_t)nx_plan_lanes(plan), tiles = nx_winograd_tiles(&job->q, f), n = (size_t)job->q.y.n;
    size_t rows = nx_winograd_rows(plan, d->vectors), two = nx_winograd_rows(plan, NX_WINOGRAD_VECTORS);
    size_t wanted = (size_t)job->choice.block, least = d->vectors == WIDE ? two : rows;
    size_t block = wanted ? wanted * rows : nx_round_up(roomy(info) && f.tile < 6 ? 2 * two : least, rows);
    if (block > tiles) block = nx_round_up(tiles, rows);
    size_t apart = tiles / n < MANY * least ? 1 : n, blocks = apart * nx_blocks(tiles / apart, block);
    size_t groups = nx_blocks(2 * info->units, blocks), panels = nx_blocks(all, groups < all ? groups : all);
    /* With lanes of 16 64 frequencies of all panels leave a core's cache no room (4 % at 256 channels); with lanes of
     * 8, whose register tiles are half as high, u is better read as it lies (8 % at 128 channels). */
    size_t together = f.tile == 6 && lanes == 16 && panels > 2 ? 2 : panels;
    size_t patch = nx_winograd_patch(plan, job) ? nx_round_up((size_t)depth_of(&job->q), lanes) : 0;
    d->block = (int)block;
    d->panels = (int)panels;
    d->together = (int)together;
    d->apart = (int)apart;
    d->runs = (int)(blocks < 4 * info->units ? blocks : nx_round_up(4 * info->units, apart));
    d->m_step = (int)(together * panel_of(info, d->vectors) + lanes);
    d->slice = frequencies(f) * (patch + block * (size_t)(d->v_step + d->m_step) + 2 * lanes);
}

/* A larger u would stream from memory. Instead v of a strip of tiles stays in the cache that the cores share, as few
 * strips as leave room there, and each core makes its own part of u from the kernel, some panels at a time. Cores have
 * panels of their own or, where that leaves fewer of them idle, share some, each with a run of the tiles. */
static void divide_strips(const nx_plan *plan, const nx_job *job, size_t all, division *d)
{
    enum { TRANSFORM = 4 }; /* register tiles that take as long as making u for them */
    const nx_device_info *info = nx_plan_info(plan);
    nx_winograd_form f = nx_winograd_form_of_job(job);
    size_t lanes = (size_t)nx_plan_lanes(plan), units = info->units, rows = nx_winograd_rows(plan, d->vectors);
    size_t v_tile = frequencies(f) * (size_t)d->v_step, tiles = nx_winograd_tiles(&job->q, f);
    size_t fits = 2 * nx_device_cache(info) / 3 / (v_tile * sizeof(float));
    size_t high = nx_blocks(nx_blocks(tiles, nx_blocks(tiles, fits ? fits : 1)), rows); /* register tiles */
    size_t most = d->vectors == WIDE ? 1 : 2, together = all < most ? all : most, least = SIZE_MAX;
    size_t width = together * panel_of(info, d->vectors), times = nx_blocks(all, together);
    for (size_t runs = 1; runs <= units && runs <= high; runs++) {
        size_t groups = units / runs < times ? units / runs : times, each = nx_blocks(times, groups);
        size_t takes = each * (nx_blocks(high, runs) + TRANSFORM);
        if (takes >= least) continue;
        least = takes;
        d->panels = (int)(each * together);
        d->runs = (int)runs;
    }
    d->block = (int)(high * rows);
    d->together = (int)together;
    d->width = (int)width;
    d->apart = 1;
    d->m_step = (int)(width + lanes);
    d->shared = high * rows * v_tile + frequencies(f) * lanes;
    d->slice = frequencies(f) * (nx_blocks(high, (size_t)d->runs) * rows * (size_t)d->m_step +
                                 width * words(plan, depth_of(&job->q)) + 2 * lanes);
}

static division divide(const nx_plan *plan, const nx_job *job)
{
    const nx_device_info *info = nx_plan_info(plan);
    size_t lanes = (size_t)nx_plan_lanes(plan), k = columns_of(info, &job->q), vectors = vectors_of(info, k);
    bool large = is_large(info, &job->q, nx_winograd_form_of_job(job));
    if (large && vectors < WIDE) vectors = NX_WINOGRAD_VECTORS;
    division d = {.large = large, .vectors = vectors};
    /* a vector more than is needed: steps of powers of two would share few places of the cache */
    d.v_step = (int)((nx_blocks(words(plan, depth_of(&job->q)), lanes) + 1) * lanes);
    size_t all = nx_blocks(k, panel_of(info, vectors));
    (large ? divide_strips : divide_blocks)(plan, job, all, &d);
    d.groups = (int)nx_blocks(all, (size_t)d.panels);
    return d;
}

/* Output o and tap k read pixel (o + k - pad) / down of x, of which the first is so many before the first of y. */
static int before_of(const nx_gather *t) { return t->pad_y / t->down - (t->pad_y % t->down < 0); }

/* Of phases, the tap that the first pixel of the first reads first. */
static int base_of(const nx_gather *t) { return t->pad_y - before_of(t) * t->down; }

static void plan_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    static const char *const tags[2][2] = {{"winograd", "winograd_rotated"}, {"winograd_6x6", "winograd_6x6_rotated"}};
    static const char *const phases[] = {"winograd_phases", "winograd_phases_odd"};
    division d = divide(plan, job);
    nx_winograd_form f = nx_winograd_form_of_job(job);
    nx_tensor *w = job->b;
    bool rotated = job->gather.rotated;
    node->scratch[STATISTICS] = NULL;
    if (!d.large)
        nx_plan_derived(plan, node, KERNEL, w,
                        f.out > 1    ? phases[base_of(&job->gather)]
                        : f.step > 1 ? "winograd_steps"
                                     : tags[f.tile == 6][rotated],
                        kernel_bytes(nx_plan_info(plan), &job->q, f));
    else if (rotated)
        nx_plan_derived(plan, node, KERNEL, w, "winograd_turned",
                        nx_round_up((size_t)job->q.y.c, (size_t)d.width) * (size_t)job->q.x.c * 9 * sizeof(float));
    nx_plan_scratch(plan, node, SCRATCH, (d.shared + (size_t)(d.runs * d.groups) * d.slice) * sizeof(float));
}

static nx_tensor *statistics(nx_plan *plan, nx_node *node, const nx_job *job, int groups, int *segments)
{
    division d = divide(plan, job);
    bool parted = nx_winograd_form_of(&job->q).out > 1 && d.groups > 1; /* a work-item has some phases of a pixel */
    if (d.large || d.apart % groups || parted) return NULL;
    *segments = d.runs / groups;
    if (!node->scratch[STATISTICS])
        nx_plan_scratch(plan, node, STATISTICS, (size_t)d.runs * 3 * (size_t)job->q.y.c * sizeof(float));
    return node->scratch[STATISTICS];
}

/* w or u is what the kernels read. */
static void derive(nx_plan *plan, nx_node *node, const nx_job *job, const division *d)
{
    const nx_device_info *info = nx_plan_info(plan);
    nx_shape x = job->q.x, y = job->q.y;
    nx_tensor *w = job->b, *u = node->scratch[KERNEL];
    if (d->large)
        nx_winograd_launch_panels(
            plan, node, KERNEL, d->vectors, "winograd_turn",
            (nx_range){.dims = 2, .global = {(size_t)x.c, 9}, .local = {1, 1}},
            NX_ARGS({"w", .t = w}, {"turned", .t = u}, {"k", .i = y.c}, {"width", .i = d->width}));
    else
        nx_winograd_launch_panels(
            plan, node, KERNEL, d->vectors, "winograd_weights",
            (nx_range){.dims = 2,
                       .global = {nx_blocks(columns_of(info, &job->q), panel_of(info, d->vectors)),
                                  words(plan, depth_of(&job->q))},
                       .local = {1, 1}},
            NX_ARGS({"w", .t = w}, {"u", .t = u}, {"c", .i = x.c}, {"k", .i = y.c},
                    {"rotated", .i = job->gather.rotated}, {"size", .i = job->q.kh},
                    {"base", .i = base_of(&job->gather)}));
}

/* clang-format off */
#define READING \
    {"scratch", .t = node->scratch[SCRATCH]}, {"n", .i = q->x.n}, NX_SIZES(q), {"pad", .i = before_of(t)}, \
    {"zoom", .i = q->zoom}, {"mode", .i = t->padding}, {"block", .i = d.block}, {"v_step", .i = d.v_step}
#define WRITING \
    {"bias", .t = bias}, {"y", .t = job->c}, {"has_bias", .i = job->bias != NULL}, {"activation", .i = t->activation}, \
    {"slope", .f = t->slope}, {"panels", .i = d.panels}, {"together", .i = d.together}, {"m_step", .i = d.m_step}
/* clang-format on */

static void bind_large(nx_plan *plan, nx_node *node, const nx_job *job, division d)
{
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    nx_tensor *u = node->scratch[KERNEL], *bias = job->bias ? job->bias : job->b; /* unused, without */
    nx_range range = {.dims = 2, .global = {(size_t)d.groups, (size_t)d.runs}, .local = {1, 1}};
    int tiles = (int)nx_winograd_tiles(q, nx_winograd_form_of_job(job)), rows = (int)nx_winograd_rows(plan, d.vectors);
    for (int first = 0; first < tiles; first += d.block) {
        int count = tiles - first < d.block ? tiles - first : d.block;
        nx_range runs = {.dims = 1, .global = {nx_blocks((size_t)count, (size_t)rows)}, .local = {1}};
        double part = (double)count / tiles;
        nx_step *step = nx_winograd_launch_panels(
            plan, node, -1, d.vectors, "winograd_large_input", runs,
            NX_ARGS(READING, {"x", .t = job->a}, {"first", .i = first}, {"count", .i = count}));
        step->bytes = part * (double)job->a->bytes;
        step = nx_winograd_launch_panels(
            plan, node, -1, d.vectors, "winograd_large", range,
            NX_ARGS(READING, WRITING, {"kernels", .t = u ? u : job->b}, {"first", .i = first}, {"count", .i = count},
                    {"tap", .i = u ? d.width : q->x.c * q->y.c}, {"channel", .i = u ? 9 * d.width : q->y.c},
                    {"group", .i = u ? q->x.c * 9 * d.width : d.width}));
        step->flops = part * nx_conv_flops(job);
        step->bytes = (double)job->b->bytes + part * (double)job->c->bytes;
    }
}

static void bind_conv(nx_plan *plan, nx_node *node, const nx_job *job)
{
    division d = divide(plan, job);
    const nx_question *q = &job->q;
    const nx_gather *t = &job->gather;
    nx_tensor *u = node->scratch[KERNEL], *bias = job->bias ? job->bias : job->b; /* unused, without */
    nx_tensor *parts = node->scratch[STATISTICS];
    int size = nx_winograd_form_of(q).out > 1 ? nx_winograd_form_of(q).side : q->kh; /* of what tiles read */
    if (u && nx_plan_derives(plan, node, KERNEL)) derive(plan, node, job, &d);
    if (d.large) {
        bind_large(plan, node, job, d);
        return;
    }
    nx_range range = {.dims = 2, .global = {(size_t)d.runs, (size_t)d.groups}, .local = {1, 1}};
    nx_step *step = nx_winograd_launch_panels(
        plan, node, -1, d.vectors, "winograd", range,
        NX_ARGS(READING, WRITING, {"x", .t = job->a}, {"u", .t = u}, {"apart", .i = d.apart}, {"size", .i = size},
                {"parts", .t = parts ? parts : bias}, {"statistics", .i = parts != NULL}));
    step->flops = nx_conv_flops(job);
    step->bytes = (double)(job->a->bytes + job->b->bytes + job->c->bytes);
}

/* Other than 3 x 3 in steps of one pixel: kernels that are larger, cut into pieces; steps of two pixels, which are four
 * convolutions of 2 x 2 taps, one for each phase of x or, transposed, of y. Where that multiplies clearly less than the
 * sum does, idle lanes counted, and each vector of x has channels of one piece, or all pieces fit in beside each
 * other. Not enlarged, for there is no gradient by the weights then. */
static bool can_pieces(const nx_device_info *info, const nx_question *q)
{
    enum { MOST = 9 }; /* taps along a side */
    size_t lanes = (size_t)nx_device_lanes(info), side = (size_t)q->kh;
    nx_winograd_form f = nx_winograd_form_of(q);
    if (q->zoom > 1 || q->kh != q->kw || (q->stride == 1 ? side > MOST : side != 3 || q->stride != 2)) return false;
    if (f.in > 1 && (size_t)q->x.c % lanes && ((size_t)q->x.c > lanes || q->stride > 1)) return false;
    if ((f.in == 1 && q->x.c < CHANNELS) || q->y.c < CHANNELS) return false;
    if (nx_winograd_tiles(q, f) < NX_WINOGRAD_LEAST || is_large(info, q, f)) return false;
    size_t k = columns_of(info, q), columns = nx_round_up(k, panel_of(info, vectors_of(info, k)));
    size_t multiplied = frequencies(f) * columns * (size_t)(f.in * f.in);
    return 4 * multiplied < 3 * side * side * (size_t)q->y.c * (size_t)(f.tile * f.tile);
}

static bool can_conv(const nx_device_info *info, const nx_question *q)
{
    return nx_winograd_can(info, q, CHANNELS) || can_pieces(info, q);
}

/* Its transforms would leave one digit of bfloat16's two. */
static bool can_6x6(const nx_device_info *info, const nx_question *q)
{
    return nx_winograd_can(info, q, CHANNELS) && info->precision == NX_FP32;
}

static size_t variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out)
{
    static const int blocks[] = {1, 2, 4, 8};
    size_t count = is_large(info, q, nx_winograd_form_of(q)) ? 0 : sizeof blocks / sizeof *blocks;
    for (size_t i = 0; i < count; i++) {
        out[i] = plain;
        out[i].block = blocks[i];
    }
    return count;
}

const nx_algorithm nx_conv_winograd = {.name = "winograd",
                                       .family = NX_FAMILY_CPU,
                                       .works = 1u << NX_WORK_CONV | 1u << NX_WORK_TRANSPOSED,
                                       .enlarged = true,
                                       .can = can_conv,
                                       .variants = variants,
                                       .plan = plan_conv,
                                       .bind = bind_conv,
                                       .statistics = statistics};

const nx_algorithm nx_conv_winograd_6x6 = {.name = "winograd 6x6",
                                           .family = NX_FAMILY_CPU,
                                           .works = 1u << NX_WORK_CONV,
                                           .pays = NX_NEVER,
                                           .enlarged = true,
                                           .can = can_6x6,
                                           .plan = plan_conv,
                                           .bind = bind_conv,
                                           .statistics = statistics};

/* ---- the gradient by the weights ---- */

enum { PARTS = 0 }; /* instead of the kernel */
enum { FREQUENCIES = NX_WINOGRAD_FREQUENCIES };

typedef struct gradient_division { /* the arguments of winograd_gradient */
    int block;                     /* tiles done at a time by one work-item */
    int deep, wide;                /* input and output channels of a work-item */
    int v_step, m_step;            /* words between pairs of tiles */
    size_t groups_c, groups_k, runs;
} gradient_division;

/* What a work-item adds to, and its block of v and m, come and go with a core's own cache; but each block of channels
 * of one side transforms all of the other's again. 64 by 64 channels are best with lanes of 8, too, where they are more
 * than that cache: 32 by 32 take 1.4 times as long. */
static gradient_division divide_gradient(const nx_plan *plan, const nx_job *job)
{
    enum { CHANNELS_EACH = 64, BLOCK = 24 };
    size_t lanes = (size_t)nx_plan_lanes(plan), panel = panel_of(nx_plan_info(plan), NX_WINOGRAD_VECTORS);
    size_t tiles = nx_winograd_tiles(&job->q, nx_winograd_form_of(&job->q));
    size_t c = nx_round_up((size_t)job->q.x.c, lanes), k = nx_round_up((size_t)job->q.y.c, panel);
    size_t deep = c < CHANNELS_EACH ? c : CHANNELS_EACH, wide = k < CHANNELS_EACH ? k : CHANNELS_EACH;
    size_t block = tiles < BLOCK ? tiles : BLOCK;
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
        plan, node, -1, "winograd_gradient", range,
        NX_ARGS({"x", .t = job->a}, {"dy", .t = job->b}, {"part", .t = part}, {"scratch", .t = node->scratch[SCRATCH]},
                {"n", .i = q->x.n}, NX_SIZES(q), {"pad", .i = job->gather.pad_y}, {"zoom", .i = q->zoom},
                {"mode", .i = job->gather.padding}, {"block", .i = d.block}, {"deep", .i = d.deep},
                {"wide", .i = d.wide}, {"v_step", .i = d.v_step}, {"m_step", .i = d.m_step}));
    step->flops = nx_conv_flops(job);
    nx_winograd_launch(plan, node, -1, "winograd_gradient_sum", sum,
                       NX_ARGS({"part", .t = part}, {"dw", .t = job->c}, {"runs", .i = d.runs}, {"c", .i = q->x.c},
                               {"k", .i = q->y.c}, {"deep", .i = d.deep}, {"wide", .i = d.wide}));
}

static bool can_weights(const nx_device_info *info, const nx_question *q) { return nx_winograd_can(info, q, CHANNELS); }

const nx_algorithm nx_weights_winograd = {.name = "winograd",
                                          .family = NX_FAMILY_CPU,
                                          .works = 1u << NX_WORK_WEIGHTS,
                                          .can = can_weights,
                                          .plan = plan_weights,
                                          .bind = bind_weights};
