/* The plan of a graph: the order, the place of every buffer, and the launches of a step.
 *
 *     nx_plan *plan;
 *     if (!nx_plan_new(&plan, g, &err)) return false;     places every buffer; no device needed
 *     uint64_t bytes = nx_plan_bytes(plan);               what it will take, exactly
 *     nx_plan_realize(plan, device);                      allocates, binds every kernel
 *     nx_plan_write(plan, x, values);
 *     nx_plan_run(plan);
 *     nx_plan_read(plan, loss, &value);
 *     nx_plan_free(plan);                                 before its graph
 *
 * Invariants. Every tensor is alive from the node that makes it to the last that reads it; inputs, kept tensors and
 * what is computed once are alive to the end. Two tensors that are alive at the same node never overlap, unless an
 * in-place operation made them one. No chunk is larger than the device's largest allocation. A run allocates nothing,
 * compiles nothing new after the first, and does not wait for the device.
 */
#ifndef NX_GRAPH_PLAN_H
#define NX_GRAPH_PLAN_H

#include "device/program.h"
#include "graph/graph.h"

typedef struct nx_plan_line { /* the profile of one kernel, summed over a plan's launches of that name */
    const char *name;
    uint64_t calls;
    double seconds, flops, bytes; /* seconds in all; flops and bytes in all */
} nx_plan_line;

/* Fails where one tensor is larger than the device's largest allocation. */
bool nx_plan_new(nx_plan **out, nx_graph *g, nx_error *err);
uint64_t nx_plan_bytes(const nx_plan *plan); /* of the arena: all chunks, and what is written ahead */
uint64_t nx_plan_sum(const nx_plan *plan);   /* of all tensors, as if none shared a place */

/* Adds the programs of its launches. Before it is realized; no device needed. */
void nx_plan_programs(nx_plan *plan, nx_program_list *out);

/* The stores of its parameters are realized before. Its programs are announced (nx_programs_watch). */
void nx_plan_realize(nx_plan *plan, nx_device *device);
void nx_plan_free(nx_plan *plan);

/* values is copied at once, and there for the next run; a run that is under way keeps its own. The upload waits for
 * that run, unless the input is written ahead (nx_ahead). */
void nx_plan_write(nx_plan *plan, nx_tensor *input, const float *values);
void nx_plan_run(nx_plan *plan);
void nx_plan_read(nx_plan *plan, const nx_tensor *kept, float *out); /* waits */

/* The profile so far (the device was opened with profile), by name. Owned by the plan. */
const nx_plan_line *nx_plan_profile(nx_plan *plan, size_t *count);

/* ---- for operations ---- */

const nx_device_info *nx_plan_info(const nx_plan *plan);

/* In plan(): what was decided there and bind() shall find, copied; node->decided. */
const void *nx_plan_keep(nx_plan *plan, nx_node *node, const void *decided, size_t size);

/* In plan(): a buffer that is alive while the node runs; also node->scratch[slot]. */
nx_tensor *nx_plan_scratch(nx_plan *plan, nx_node *node, int slot, size_t bytes);

/* An op's plan() and bind() where the output is the first input under another name: it lives in that buffer, whoever
 * else reads it, and nothing is launched. */
void nx_plan_alias(nx_plan *plan, nx_node *node);
void nx_plan_nothing(nx_plan *plan, nx_node *node);

/* In plan(): has what makes t write it there instead, where the node alone reads t, and what makes it can; t has no
 * buffer then. The place is the node's output, or where that is to be written itself. */
bool nx_plan_place(nx_plan *plan, const nx_node *node, nx_tensor *t, nx_place place);

/* In plan(): something computed from source alone (packed weights), named by a literal tag, shared by all nodes that
 * ask for the same; also node->scratch[slot]. Computed once if source never changes, otherwise in each step. In bind(),
 * the one node for which nx_plan_derives(plan, node, slot) is true appends the launches that fill it. */
nx_tensor *nx_plan_derived(nx_plan *plan, nx_node *node, int slot, nx_tensor *source, const char *tag, size_t bytes);
bool nx_plan_derives(const nx_plan *plan, const nx_node *node, int slot);

/* The range of a launch: dims, global and local sizes. A local size of 0 leaves the choice to the driver.
 *
 * NVIDIA's devices take any number of groups along the first axis, but few along the others: a long axis comes first.
 * Where it cannot, because neighbours in memory must be neighbours in the range, `apart` says that the last axis may be
 * cut in several launches: the kernel asks for nothing of that axis but get_global_id. */
enum { NX_MOST_GROUPS = 65535 };
typedef struct nx_range {
    cl_uint dims;
    size_t global[3], local[3];
    bool apart;
} nx_range;

/* Whether a device of this family takes so many groups in one launch, or in several where they are apart. */
bool nx_range_fits(const nx_device_info *info, const nx_range *range);

nx_range nx_range_flat(const nx_plan *plan, size_t count);               /* flat kernels: FLAT_FOR of the prelude */
nx_range nx_range_lanes(const nx_plan *plan, int c, size_t y, size_t z); /* (channel vectors, y, z), one item each */
nx_range nx_range_groups(const nx_plan *plan, size_t groups); /* groups of GROUP items: 1 on the CPU family */
int nx_plan_lanes(const nx_plan *plan);                       /* LANES of the prelude */

/* An argument of a kernel under the name that it has there: {"x", .t = x}, {"h", .i = x->shape.h}, {"slope", .f = s}.
 * Which of the values counts is up to the kernel's declaration. */
typedef struct nx_arg {
    const char *name;
    const nx_tensor *t; /* of a buffer: a tensor's, or m */
    cl_mem m;
    int64_t i; /* of int, uint and ulong */
    double f;  /* of float */
} nx_arg;
#define NX_ARGS(...)                                                                                                   \
    (const nx_arg[])                                                                                                   \
    {                                                                                                                  \
        __VA_ARGS__, { NULL }                                                                                          \
    }

typedef struct nx_step {
    nx_launch launch;
    double flops, bytes; /* work of one launch, for profiles */
    uint64_t calls;
    double seconds;
} nx_step;

/* In bind(): appends a launch of cl/FILE.cl's kernel. All its arguments are there, in any order. Returns the launch,
 * the last if there are several, for flops and bytes. */
nx_step *nx_plan_launch(nx_plan *plan, nx_node *node, const char *file, const char *kernel, const char *defines,
                        nx_range range, const nx_arg *args);
/* The same, in the list that the derived tensor in this slot belongs to (once, or each step). */
nx_step *nx_plan_launch_derived(nx_plan *plan, nx_node *node, int slot, const char *file, const char *kernel,
                                const char *defines, nx_range range, const nx_arg *args);
/* A library's call instead of a kernel; context is freed with the plan. */
nx_step *nx_plan_routine(nx_plan *plan, nx_node *node, const char *name,
                         void (*routine)(nx_device *device, void *context, cl_event *event), void *context);

#endif
