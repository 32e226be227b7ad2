/* The plan: order, lifetimes, places, launches.
 *
 * Order: what is computed once comes first, then the nodes of a step as recorded. Places: buffers sorted by size, the
 * largest first, each at the lowest free offset of the first chunk where it fits between those that are alive with it
 * (the greedy-by-size heuristic). */
#include "graph/plan.h"

#include "base/blocks.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/memory.h"
#include "device/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct derived {
    nx_tensor *source, *tensor;
    const char *tag;
    const nx_node *owner; /* fills it */
} derived;

typedef struct upload { /* the host's side of an input: two copies, so that one may wait while the next is filled */
    const nx_tensor *tensor;
    void *copy[2];
    cl_event event[2];
    int turn;

    /* Of an input that is written ahead: the queue of uploads fills `next`, and a run begins with a copy from there.
     * Either waits for the other's last: an upload for `taken`, a copy for event[turn]. */
    cl_mem next;
    cl_event taken;
    bool fresh; /* next holds, or will hold, what no run has taken */
} upload;

typedef struct step_list {
    nx_step *items;
    size_t count;
} step_list;

struct nx_plan {
    nx_graph *g;
    nx_device *device;
    nx_node **order;
    size_t n_fixed; /* nodes that run once: order[0 .. n_fixed-1] */
    derived *derived;
    size_t n_derived;
    size_t *chunk_bytes;
    cl_mem *chunks;
    size_t n_chunks;
    step_list once, step;
    bool warm; /* `once` has run */
    nx_program_list announced;
    nx_program_list *listed; /* where bind() puts the names of programs, instead of building them; NULL: it builds */
    upload *uploads;
    size_t n_uploads;
    cl_event *events;
    nx_plan_line *profile;
    size_t n_profile;
};

/* Has a second buffer: an allocation of its own, for no two queues may use parts of one buffer at the same time. */
static bool staged(const nx_plan *plan, const nx_tensor *t) { return t->ahead && !plan->g->info.unified; }

static bool placed(const nx_tensor *t) { return t->role != NX_ROLE_PARAM && t->root == t && t->first >= 0; }

/* ---- order ---- */

/* Bytes of the values that nobody reads after this node. */
static size_t ended_bytes(const nx_node *node, nx_node *const *last_reader)
{
    size_t bytes = 0;
    for (int k = 0; k < node->n_in; k++) {
        const nx_tensor *t = node->in[k];
        bool again = false;
        for (int j = 0; j < k; j++) again |= node->in[j] == t;
        if (!again && t->role == NX_ROLE_VALUE && !t->kept && !t->fixed && last_reader[t->id] == node)
            bytes += t->bytes;
    }
    return bytes;
}

/* Moves each node that makes little of much (a Gram matrix of features, a loss) to just after the last that makes one
 * of its inputs, never over an update of parameters, which is a node without outputs. The gradient has its like in
 * graph/gradient.c, where a node that makes much of little is put off. */
static void bring_forward(nx_plan *plan)
{
    nx_graph *g = plan->g;
    nx_node **last_reader = nx_alloc((g->n_tensors + 1) * sizeof(nx_node *));
    for (size_t i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < plan->order[i]->n_in; k++) last_reader[plan->order[i]->in[k]->id] = plan->order[i];
    size_t least = plan->n_fixed;
    for (size_t i = plan->n_fixed; i < g->n_nodes; i++) {
        nx_node *node = plan->order[i];
        size_t place = least, made = 0;
        if (!node->n_out) least = i + 1;
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k]->producer && (size_t)node->in[k]->producer->index >= place)
                place = (size_t)node->in[k]->producer->index + 1;
        for (int k = 0; k < node->n_out; k++) made += node->out[k]->bytes;
        if (!node->n_out || place == i || made >= ended_bytes(node, last_reader)) continue;
        memmove(&plan->order[place + 1], &plan->order[place], (i - place) * sizeof *plan->order);
        plan->order[place] = node;
        for (size_t k = place; k <= i; k++) plan->order[k]->index = (int)k;
    }
    free(last_reader);
}

static void order_nodes(nx_plan *plan)
{
    nx_graph *g = plan->g;
    plan->order = nx_alloc(g->n_nodes * sizeof(nx_node *));
    size_t n = 0;
    for (int fixed = 1; fixed >= 0; fixed--) {
        for (size_t i = 0; i < g->n_nodes; i++)
            if (g->nodes[i]->fixed == fixed) plan->order[n++] = g->nodes[i];
        if (fixed) plan->n_fixed = n;
    }
    for (size_t i = 0; i < n; i++) plan->order[i]->index = (int)i;
    bring_forward(plan);
}

/* ---- lifetimes ---- */

static void touch(nx_plan *plan, nx_tensor *t, int index)
{
    if (t->first < 0 || index < t->first) t->first = index;
    if (index > t->last) t->last = index;
    /* what is computed once and read by a step is read by every step */
    if (t->fixed && index >= (int)plan->n_fixed) t->last = (int)plan->g->n_nodes;
}

static void find_lifetimes(nx_plan *plan)
{
    nx_graph *g = plan->g;
    for (size_t i = 0; i < g->n_tensors; i++) g->tensors[i]->first = g->tensors[i]->last = -1;
    for (size_t i = 0; i < g->n_nodes; i++) {
        nx_node *node = plan->order[i];
        for (int k = 0; k < node->n_in; k++) touch(plan, node->in[k], (int)i);
        for (int k = 0; k < node->n_out; k++) touch(plan, node->out[k], (int)i);
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        nx_tensor *t = g->tensors[i];
        if (t->role == NX_ROLE_INPUT || t->role == NX_ROLE_CONSTANT) t->first = 0;
        if (t->role == NX_ROLE_INPUT || t->role == NX_ROLE_CONSTANT || t->kept) t->last = (int)g->n_nodes;
    }
}

/* Lets the output of an in-place operation take over its input's buffer where nothing reads that any more. */
static void share_in_place(nx_plan *plan)
{
    for (size_t i = 0; i < plan->g->n_nodes; i++) {
        nx_node *node = plan->order[i];
        if (!node->op->in_place) continue;
        nx_tensor *in = node->in[node->op->in_place - 1], *out = node->out[0];
        int uses = 0;
        for (int k = 0; k < node->n_in; k++) uses += node->in[k]->root == in->root;
        if (in->role != NX_ROLE_VALUE || uses != 1 || in->root->last != (int)i || in->bytes != out->bytes ||
            in->fixed != out->fixed)
            continue;
        out->root = in->root;
        if (out->last > in->root->last) in->root->last = out->last;
    }
}

/* ---- places ---- */

static int by_size(const void *a, const void *b)
{
    const nx_tensor *x = *(nx_tensor *const *)a, *y = *(nx_tensor *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

static bool alive_together(const nx_tensor *a, const nx_tensor *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset in chunk at which t overlaps none of done[0 .. n-1] that is alive with it. */
static size_t lowest_offset(nx_tensor *const *done, size_t n, const nx_tensor *t, int chunk)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < n; i++)
            if (done[i]->chunk == chunk && alive_together(done[i], t) && offset < done[i]->offset + done[i]->bytes &&
                done[i]->offset < offset + t->bytes) {
                offset = done[i]->offset + done[i]->bytes;
                moved = true;
            }
    }
    return offset;
}

static bool place(nx_plan *plan, nx_error *err)
{
    nx_graph *g = plan->g;
    nx_tensor **list = nx_alloc(g->n_tensors * sizeof(nx_tensor *));
    size_t n = 0, limit = (size_t)g->info.max_alloc / NX_ALIGN * NX_ALIGN;
    bool fits = true;
    for (size_t i = 0; i < g->n_tensors; i++)
        if (placed(g->tensors[i])) list[n++] = g->tensors[i];
    qsort(list, n, sizeof *list, by_size);
    if (n && list[0]->bytes > limit) {
        char need[16], most[16];
        fits = nx_fail(err, "%s: one buffer of %s is needed, and the device allows at most %s", g->info.name,
                       nx_bytes_text(need, (double)list[0]->bytes), nx_bytes_text(most, (double)limit));
    }
    for (size_t i = 0; fits && i < n; i++) {
        nx_tensor *t = list[i];
        for (t->chunk = 0;; t->chunk++) {
            if (t->chunk == (int)plan->n_chunks) {
                NX_GROW(plan->chunk_bytes, plan->n_chunks);
                plan->chunk_bytes[plan->n_chunks++] = 0;
            }
            t->offset = lowest_offset(list, i, t, t->chunk);
            if (t->offset + t->bytes <= limit) break;
        }
        size_t *bytes = &plan->chunk_bytes[t->chunk];
        if (t->offset + t->bytes > *bytes) *bytes = t->offset + t->bytes;
    }
    free(list);
    return fits;
}

bool nx_plan_new(nx_plan **out, nx_graph *g, nx_error *err)
{
    nx_plan *plan = nx_alloc(sizeof *plan);
    plan->g = g;
    nx_graph_find_fixed(g);
    order_nodes(plan);
    find_lifetimes(plan);
    for (size_t i = 0; i < g->n_nodes; i++)
        if (plan->order[i]->op->plan) plan->order[i]->op->plan(plan, plan->order[i]);
    share_in_place(plan);
    if (!place(plan, err)) {
        nx_plan_free(plan);
        return false;
    }
    *out = plan;
    return true;
}

static uint64_t staged_bytes(const nx_plan *plan)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < plan->g->n_tensors; i++)
        if (staged(plan, plan->g->tensors[i])) bytes += plan->g->tensors[i]->bytes;
    return bytes;
}

uint64_t nx_plan_bytes(const nx_plan *plan)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < plan->n_chunks; i++) bytes += plan->chunk_bytes[i];
    return bytes + staged_bytes(plan);
}

uint64_t nx_plan_sum(const nx_plan *plan)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < plan->g->n_tensors; i++)
        if (plan->g->tensors[i]->role != NX_ROLE_PARAM) bytes += plan->g->tensors[i]->bytes;
    return bytes + staged_bytes(plan);
}

const nx_device_info *nx_plan_info(const nx_plan *plan) { return &plan->g->info; }

/* ---- scratch and derived tensors ---- */

static nx_tensor *internal_tensor(nx_plan *plan, size_t bytes, int first, int last)
{
    nx_graph *g = plan->g;
    nx_tensor *t = nx_alloc(sizeof *t);
    *t =
        (nx_tensor){.shape = NX_VECTOR((int)(bytes / sizeof(float))), .id = g->n_tensors, .first = first, .last = last};
    t->bytes = nx_align(bytes);
    t->root = t;
    NX_GROW(g->tensors, g->n_tensors);
    return g->tensors[g->n_tensors++] = t;
}

/* One node longer than needed: so no operation in place, which looks for the last reader, ever overwrites a buffer that
 * has two names. */
void nx_plan_alias(nx_plan *plan, nx_node *node)
{
    (void)plan;
    nx_tensor *root = node->in[0]->root, *out = node->out[0];
    out->root = root;
    if (root->last <= out->last) root->last = out->last + 1;
}

static int readers_of(const nx_plan *plan, const nx_tensor *t)
{
    int readers = 0;
    for (size_t i = 0; i < plan->g->n_nodes; i++)
        for (int k = 0; k < plan->order[i]->n_in; k++) readers += plan->order[i]->in[k] == t;
    return readers;
}

bool nx_plan_place(nx_plan *plan, const nx_node *node, nx_tensor *t, nx_place place)
{
    nx_node *maker = t->producer;
    if (!maker || maker->out[0] != t || !maker->op->place || maker->fixed != node->fixed || t->kept || t->root != t ||
        readers_of(plan, t) != 1 || !maker->op->place(plan, maker, &place))
        return false;
    t->first = t->last = -1;
    touch(plan, place.tensor, maker->index);
    return true;
}

void nx_plan_nothing(nx_plan *plan, nx_node *node) { (void)plan, (void)node; }

const void *nx_plan_keep(nx_plan *plan, nx_node *node, const void *decided, size_t size)
{
    (void)plan;
    free(node->decided); /* of an earlier plan of the graph */
    return node->decided = nx_copy(decided, size);
}

nx_tensor *nx_plan_scratch(nx_plan *plan, nx_node *node, int slot, size_t bytes)
{
    return node->scratch[slot] = internal_tensor(plan, bytes, node->index, node->index);
}

nx_tensor *nx_plan_derived(nx_plan *plan, nx_node *node, int slot, nx_tensor *source, const char *tag, size_t bytes)
{
    for (size_t i = 0; i < plan->n_derived; i++) {
        derived *d = &plan->derived[i];
        if (d->source == source && !strcmp(d->tag, tag)) {
            touch(plan, d->tensor, node->index);
            return node->scratch[slot] = d->tensor;
        }
    }
    nx_tensor *t = internal_tensor(plan, bytes, -1, -1);
    t->fixed = source->fixed;
    touch(plan, t, node->index);
    if (t->fixed) t->first = 0; /* filled before the first step, whenever its node runs */
    NX_GROW(plan->derived, plan->n_derived);
    plan->derived[plan->n_derived++] = (derived){source, t, tag, node};
    return node->scratch[slot] = t;
}

static const derived *find_derived(const nx_plan *plan, const nx_node *node, int slot)
{
    for (size_t i = 0; i < plan->n_derived; i++)
        if (plan->derived[i].tensor == node->scratch[slot]) return &plan->derived[i];
    nx_die("%s: nothing derived in slot %d", node->op->name, slot);
}

bool nx_plan_derives(const nx_plan *plan, const nx_node *node, int slot)
{
    return find_derived(plan, node, slot)->owner == node;
}

/* ---- launches ---- */

_Static_assert(NX_ALIGN % (NX_FLAT * sizeof(float)) == 0,
               "flat kernels may run over the end of a tensor to its alignment");

int nx_plan_lanes(const nx_plan *plan) { return nx_device_lanes(&plan->g->info); }

nx_range nx_range_groups(const nx_plan *plan, size_t groups)
{
    size_t local = (size_t)nx_device_group(&plan->g->info);
    return (nx_range){.dims = 1, .global = {groups * local, 1, 1}, .local = {local, 1, 1}};
}

nx_range nx_range_flat(const nx_plan *plan, size_t count) { return nx_range_groups(plan, nx_blocks(count, NX_FLAT)); }

nx_range nx_range_lanes(const nx_plan *plan, int c, size_t y, size_t z)
{
    size_t local = plan->g->info.family == NX_FAMILY_GPU ? 0 : 1;
    return (nx_range){
        .dims = 3, .global = {nx_blocks((size_t)c, (size_t)nx_plan_lanes(plan)), y, z}, .local = {local, local, local}};
}

static step_list *list_of(nx_plan *plan, bool fixed) { return fixed ? &plan->once : &plan->step; }

static nx_step *append(step_list *list, nx_launch launch)
{
    NX_GROW(list->items, list->count);
    list->items[list->count] = (nx_step){.launch = launch};
    return &list->items[list->count++];
}

/* What clSetKernelArg takes. A value that the parameter has no room for, or of another kind, is a bug. */
typedef union value {
    cl_mem memory;
    cl_int i;
    cl_uint u;
    cl_ulong q;
    cl_float f;
} value;

static size_t value_of(value *out, const nx_arg *arg, nx_parameter_type type)
{
    bool buffer = arg->t || arg->m, whole = arg->i != 0, real = arg->f != 0;
    switch (type) {
    case NX_PARAMETER_BUFFER:
        out->memory = arg->t ? arg->t->buffer : arg->m;
        return buffer && !whole && !real ? sizeof out->memory : 0;
    case NX_PARAMETER_INT:
        out->i = (cl_int)arg->i;
        return !buffer && !real && out->i == arg->i ? sizeof out->i : 0;
    case NX_PARAMETER_UINT:
        out->u = (cl_uint)arg->i;
        return !buffer && !real && out->u == arg->i ? sizeof out->u : 0;
    case NX_PARAMETER_ULONG:
        out->q = (cl_ulong)arg->i;
        return !buffer && !real ? sizeof out->q : 0;
    default:
        out->f = (cl_float)arg->f;
        return !buffer && !whole ? sizeof out->f : 0;
    }
}

static void set_arguments(cl_kernel kernel, const char *file, const char *name, const nx_arg *args)
{
    nx_parameter declared[NX_MAX_PARAMETERS];
    size_t count = nx_kernel_parameters(file, name, declared), given = 0;
    while (args[given].name) given++;
    for (size_t i = 0; i < count; i++) {
        const nx_arg *arg = args;
        value v;
        while (arg->name && strcmp(arg->name, declared[i].name)) arg++;
        NX_CHECK(arg->name, "kernel %s of %s.cl: no argument for %s", name, file, declared[i].name);
        size_t bytes = value_of(&v, arg, declared[i].type);
        NX_CHECK(bytes, "kernel %s of %s.cl: %s cannot be %lld, %g, or a buffer", name, file, arg->name,
                 (long long)arg->i, arg->f);
        cl_int status = clSetKernelArg(kernel, (cl_uint)i, bytes, &v);
        NX_CHECK(status == CL_SUCCESS, "kernel %s of %s.cl: argument %s: %s", name, file, arg->name,
                 nx_status_text(status));
    }
    NX_CHECK(given == count, "kernel %s of %s.cl has %zu parameters, and not %zu", name, file, count, given);
}

static size_t groups_along(const nx_range *range, cl_uint axis)
{
    return range->local[axis] ? nx_blocks(range->global[axis], range->local[axis]) : range->global[axis];
}

/* CPUs take any number of groups. */
static bool fits_along(const nx_device_info *info, const nx_range *range, cl_uint axis)
{
    bool any = info->family == NX_FAMILY_CPU || axis == 0 || (range->apart && axis == range->dims - 1);
    return any || groups_along(range, axis) <= NX_MOST_GROUPS;
}

bool nx_range_fits(const nx_device_info *info, const nx_range *range)
{
    bool fits = true;
    for (cl_uint axis = 0; axis < range->dims; axis++) fits &= fits_along(info, range, axis);
    return fits;
}

static void list_program(nx_plan *plan, const char *file, const char *kernel, const char *defines)
{
    char *name = nx_program_name(file, kernel, defines);
    nx_program_list_add(plan->listed, name);
    free(name);
}

/* Several launches, with kernels of their own, where the last axis is too long for one. */
static nx_step *launch(nx_plan *plan, const nx_node *node, bool fixed, const char *file, const char *kernel,
                       const char *defines, nx_range range, const nx_arg *args)
{
    cl_uint last = range.dims - 1;
    nx_launch l = {.name = kernel, .dims = range.dims};
    nx_step *step = NULL;
    for (cl_uint d = 0; d < range.dims; d++) {
        NX_CHECK(range.global[d], "%s of %s: an empty launch", kernel, node->op->name);
        NX_CHECK(fits_along(&plan->g->info, &range, d),
                 "%s of %s: %zu groups along axis %u, and a GPU takes %d: its long axis must come first", kernel,
                 node->op->name, groups_along(&range, d), d, NX_MOST_GROUPS);
        l.global[d] = range.global[d];
        l.local[d] = range.local[d];
    }
    if (plan->listed) return list_program(plan, file, kernel, defines), append(list_of(plan, fixed), l);
    bool whole = plan->g->info.family == NX_FAMILY_CPU || !range.apart;
    size_t most = whole ? range.global[last] : NX_MOST_GROUPS * (range.local[last] ? range.local[last] : 1);
    for (; l.offset[last] < range.global[last]; l.offset[last] += most) {
        size_t left = range.global[last] - l.offset[last];
        l.global[last] = left < most ? left : most;
        l.kernel = nx_kernel_new(plan->device, file, kernel, defines);
        set_arguments(l.kernel, file, kernel, args);
        step = append(list_of(plan, fixed), l);
    }
    return step;
}

nx_step *nx_plan_launch(nx_plan *plan, nx_node *node, const char *file, const char *kernel, const char *defines,
                        nx_range range, const nx_arg *args)
{
    return launch(plan, node, node->fixed, file, kernel, defines, range, args);
}

nx_step *nx_plan_launch_derived(nx_plan *plan, nx_node *node, int slot, const char *file, const char *kernel,
                                const char *defines, nx_range range, const nx_arg *args)
{
    return launch(plan, node, find_derived(plan, node, slot)->tensor->fixed, file, kernel, defines, range, args);
}

nx_step *nx_plan_routine(nx_plan *plan, nx_node *node, const char *name,
                         void (*routine)(nx_device *device, void *context, cl_event *event), void *context)
{
    return append(list_of(plan, node->fixed), (nx_launch){.name = name, .routine = routine, .context = context});
}

/* ---- life ---- */

static upload *find_upload(nx_plan *plan, const nx_tensor *input)
{
    size_t bytes = nx_shape_count(input->shape) * sizeof(float), i = 0;
    while (i < plan->n_uploads && plan->uploads[i].tensor != input) i++;
    if (i == plan->n_uploads) {
        NX_GROW(plan->uploads, plan->n_uploads);
        plan->uploads[plan->n_uploads++] = (upload){.tensor = input, .copy = {nx_alloc(bytes), nx_alloc(bytes)}};
    }
    return &plan->uploads[i];
}

static void free_list(step_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].launch.kernel) clReleaseKernel(list->items[i].launch.kernel);
        free(list->items[i].launch.context);
    }
    free(list->items);
    *list = (step_list){0};
}

/* bind() needs no buffers to say what it launches. */
void nx_plan_programs(nx_plan *plan, nx_program_list *out)
{
    NX_CHECK(!plan->device, "the programs of a plan that is realized");
    plan->listed = out;
    for (size_t i = 0; i < plan->g->n_nodes; i++) plan->order[i]->op->bind(plan, plan->order[i]);
    plan->listed = NULL;
    free_list(&plan->once);
    free_list(&plan->step);
}

void nx_plan_realize(nx_plan *plan, nx_device *device)
{
    nx_graph *g = plan->g;
    if (nx_programs_watched()) { /* who may leave from there */
        nx_plan_programs(plan, &plan->announced);
        nx_programs_announce(&plan->announced);
    }
    plan->device = device;
    plan->chunks = nx_alloc((plan->n_chunks + 1) * sizeof(cl_mem));
    for (size_t i = 0; i < plan->n_chunks; i++)
        plan->chunks[i] = nx_buffer_new(device, plan->chunk_bytes[i], NX_MEMORY_ARENA);
    for (size_t i = 0; i < g->n_tensors; i++) {
        nx_tensor *t = g->tensors[i];
        if (t->role == NX_ROLE_PARAM) {
            NX_CHECK(t->param->buffer, "parameter %s is not on the device yet", t->name);
            t->buffer = t->param->buffer;
        } else if (placed(t)) {
            t->buffer = nx_buffer_part(plan->chunks[t->chunk], t->offset, t->bytes);
        }
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        nx_tensor *t = g->tensors[i];
        t->buffer = t->root->buffer;
        if (!t->constant) continue;
        if (t->buffer) nx_buffer_write(device, t->buffer, t->constant, nx_shape_count(t->shape) * sizeof(float));
        free(t->constant);
        t->constant = NULL;
    }
    for (size_t i = 0; i < g->n_nodes; i++) {
        nx_progress("preparing kernels %zu/%zu", i + 1, g->n_nodes);
        plan->order[i]->op->bind(plan, plan->order[i]);
    }
    nx_progress("%s", "");
    for (size_t i = 0; i < g->n_tensors; i++) {
        if (!staged(plan, g->tensors[i])) continue;
        upload *u = find_upload(plan, g->tensors[i]);
        u->next = nx_buffer_new(device, u->tensor->bytes, NX_MEMORY_ARENA);
        NX_CL(clEnqueueMarkerWithWaitList(device->queue, 0, NULL, &u->taken)); /* first what a new buffer begins with */
        NX_CL(clFlush(device->queue));
    }
    if (device->profile) plan->events = nx_alloc((plan->step.count + 1) * sizeof(cl_event));
}

void nx_plan_free(nx_plan *plan)
{
    if (!plan) return;
    if (plan->device) nx_device_drain(plan->device);
    free_list(&plan->once);
    free_list(&plan->step);
    nx_program_list_free(&plan->announced);
    for (size_t i = 0; i < plan->n_uploads; i++) {
        upload *u = &plan->uploads[i];
        for (int k = 0; k < 2; k++) {
            free(u->copy[k]);
            if (u->event[k]) clReleaseEvent(u->event[k]);
        }
        if (u->taken) clReleaseEvent(u->taken);
        nx_buffer_free(plan->device, u->next);
    }
    if (plan->device)
        for (size_t i = 0; i < plan->g->n_tensors; i++)
            if (placed(plan->g->tensors[i])) nx_buffer_part_free(plan->g->tensors[i]->buffer);
    for (size_t i = 0; plan->chunks && i < plan->n_chunks; i++) nx_buffer_free(plan->device, plan->chunks[i]);
    free(plan->uploads);
    free(plan->chunks);
    free(plan->chunk_bytes);
    free(plan->derived);
    free(plan->order);
    free(plan->events);
    free(plan->profile);
    free(plan);
}

/* ---- running ---- */

void nx_plan_write(nx_plan *plan, nx_tensor *input, const float *values)
{
    if (!input->buffer) return; /* nothing reads it */
    upload *u = find_upload(plan, input);
    size_t bytes = nx_shape_count(input->shape) * sizeof(float);
    cl_command_queue queue = u->next ? plan->device->uploads : plan->device->queue;
    int k = u->turn = !u->turn;
    if (u->event[k]) {
        NX_CL(clWaitForEvents(1, &u->event[k]));
        NX_CL(clReleaseEvent(u->event[k]));
    }
    memcpy(u->copy[k], values, bytes);
    NX_CL(clEnqueueWriteBuffer(queue, u->next ? u->next : input->buffer, CL_FALSE, 0, bytes, u->copy[k],
                               u->next ? 1 : 0, u->next ? &u->taken : NULL, &u->event[k]));
    u->fresh = u->next;
    if (u->fresh) NX_CL(clFlush(queue)); /* a run waits for it in another queue */
}

/* Takes what was uploaded since the last run. */
static void take(nx_plan *plan, upload *u)
{
    if (!u->fresh) return;
    size_t bytes = nx_shape_count(u->tensor->shape) * sizeof(float);
    NX_CL(clReleaseEvent(u->taken));
    NX_CL(clEnqueueCopyBuffer(plan->device->queue, u->next, u->tensor->buffer, 0, 0, bytes, 1, &u->event[u->turn],
                              &u->taken));
    u->fresh = false;
}

static void add_seconds(nx_step *step, cl_event event)
{
    cl_ulong start = 0, end = 0;
    NX_CL(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL));
    NX_CL(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL));
    step->seconds += 1e-9 * (double)(end - start);
    step->calls++;
}

void nx_plan_run(nx_plan *plan)
{
    nx_device *device = plan->device;
    if (!plan->warm)
        for (size_t i = 0; i < plan->once.count; i++) nx_launch_run(device, &plan->once.items[i].launch, NULL);
    bool profile = device->profile && plan->warm; /* the first run compiles */
    plan->warm = true;
    for (size_t i = 0; i < plan->n_uploads; i++) take(plan, &plan->uploads[i]);
    for (size_t i = 0; i < plan->step.count; i++)
        nx_launch_run(device, &plan->step.items[i].launch, profile ? &plan->events[i] : NULL);
    NX_CL(clFlush(device->queue));
    if (!profile) return;
    nx_device_finish(device);
    for (size_t i = 0; i < plan->step.count; i++) {
        add_seconds(&plan->step.items[i], plan->events[i]);
        NX_CL(clReleaseEvent(plan->events[i]));
    }
}

void nx_plan_read(nx_plan *plan, const nx_tensor *kept, float *out)
{
    NX_CHECK(kept->kept && kept->buffer, "only kept tensors can be read");
    nx_buffer_read(plan->device, kept->buffer, out, nx_shape_count(kept->shape) * sizeof(float));
}

const nx_plan_line *nx_plan_profile(nx_plan *plan, size_t *count)
{
    free(plan->profile);
    plan->profile = NULL;
    plan->n_profile = 0;
    for (size_t i = 0; i < plan->step.count; i++) {
        const nx_step *s = &plan->step.items[i];
        size_t k = 0;
        while (k < plan->n_profile && strcmp(plan->profile[k].name, s->launch.name)) k++;
        if (k == plan->n_profile) {
            NX_GROW(plan->profile, plan->n_profile);
            plan->profile[plan->n_profile++] = (nx_plan_line){.name = s->launch.name};
        }
        nx_plan_line *line = &plan->profile[k];
        line->calls += s->calls;
        line->seconds += s->seconds;
        line->flops += s->flops * (double)s->calls;
        line->bytes += s->bytes * (double)s->calls;
    }
    *count = plan->n_profile;
    return plan->profile;
}
