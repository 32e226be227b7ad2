/* An algorithm is an object, one file and one table each, as FFTW's solvers are: what it can do, what may be varied,
 * and its launches. For the operations that have a choice, and for those who add to it: not a header for users of
 * operations.
 *
 *     const nx_algorithm nx_conv_mine = {.name = "mine", .family = NX_FAMILY_CPU, .works = 1u << NX_WORK_CONV,
 *                                        .pays = NX_NEVER, .can = can, .plan = plan, .bind = bind};
 *
 * in framework/ops/conv_mine.c, and its row in the list of algorithm.c: then `nstx tune` measures it, the tests hold it
 * against their references in every case that it can do, and the rule takes it where it stands before the others and
 * pays. What an operation does with all that is
 *
 *     nx_job_plan(plan, node, (nx_job){.q = question, .gather = gather, .a = x, .b = w, .c = y});    in plan()
 *     nx_job_bind(plan, node);                                                                        in bind()
 */
#ifndef NX_OPS_ALGORITHM_H
#define NX_OPS_ALGORITHM_H

#include "ops/activation.h"
#include "ops/choice.h"
#include "ops/pad.h"

#include <limits.h>

/* Convolutions in both directions, and their gradients: output o and tap k read pixel (o * up + k - pad) / down of x
 * where that is whole (cl/conv.cl). */
typedef struct nx_gather {
    int up, down, pad_y, pad_x;
    bool rotated; /* b is the kernel of a convolution from y's channels to x's: it is turned by 180 degrees */
    nx_padding padding;
    nx_activation activation;
    float slope; /* of LeakyReLU */
} nx_gather;

/* What there is to do, the same in plan() and in bind(): nx_job_plan keeps it on the node. */
typedef struct nx_job {
    nx_question q;
    nx_choice choice;
    nx_gather gather; /* unless it is a product */

    /* A convolution: x, the weights (HWIO) and the bias or NULL give y. A gradient by the weights: x and the gradient
     * by y give that by the weights. A product: op(a) op(b) gives c. */
    nx_tensor *a, *b, *bias, *c;
    int slot; /* the first of the node's scratch that is the job's: two of a product, all of the others */
} nx_job;

enum { NX_NEVER = INT_MAX };

struct nx_algorithm {
    const char *name; /* as wisdom has it */
    nx_family family;
    unsigned works; /* 1u << NX_WORK_CONV and so on */
    int pays;       /* channels in and out from which on the rule takes it; NX_NEVER: only where it was measured */
    bool enlarged;  /* reads x enlarged as it goes; for others what is to be enlarged is written first */

    bool (*can)(const nx_device_info *info, const nx_question *q); /* NULL: whatever its works ask */

    /* The choices beside `plain`, which leaves everything to the rule, into out; how many. NULL: none. */
    size_t (*variants)(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out);

    void (*plan)(nx_plan *plan, nx_node *node,
                 const nx_job *job); /* asks for scratch and derived tensors. May be NULL */
    void (*bind)(nx_plan *plan, nx_node *node, const nx_job *job); /* appends the launches, with their flops */

    /* After plan(): nx_conv_statistics. NULL: they are not to be had. */
    nx_tensor *(*statistics)(nx_plan *plan, nx_node *node, const nx_job *job, int groups, int *segments);
};

/* The table, in the order in which the rule goes through it. */
extern const nx_algorithm *const nx_algorithms[];
extern const size_t nx_algorithm_count;

/* An operation's plan(): chooses, keeps the job on the node and plans it. Its bind(). */
void nx_job_plan(nx_plan *plan, nx_node *node, nx_job job);
void nx_job_bind(nx_plan *plan, nx_node *node);

/* For launches: the sizes of x and y under the names that all kernels of convolutions have for them. */
/* clang-format off */
#define NX_SIZES(q) \
    {"h", .i = (q)->x.h}, {"w", .i = (q)->x.w}, {"c", .i = (q)->x.c}, \
    {"oh", .i = (q)->y.h}, {"ow", .i = (q)->y.w}, {"k", .i = (q)->y.c}
/* clang-format on */

/* Numbers in a word of the operands of convolutions on CPUs: PAIR of cl/prelude.cl. */
size_t nx_pair_of(const nx_device_info *info);
size_t nx_plan_pair(const nx_plan *plan);

double nx_conv_flops(const nx_job *job); /* of the sum itself, whatever the algorithm, and of its gradient */

#endif
