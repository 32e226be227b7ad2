/* The table of algorithms, and what operations do with it. */
#include "ops/algorithm.h"

/* The rule takes the first row of its family and work that can and pays; tune and the tests try every one that can. */
#define ALGORITHMS(ROW)                                                                                                \
    ROW(nx_conv_amx)                                                                                                   \
    ROW(nx_conv_winograd)                                                                                              \
    ROW(nx_conv_winograd_6x6)                                                                                          \
    ROW(nx_conv_direct)                                                                                                \
    ROW(nx_weights_winograd)                                                                                           \
    ROW(nx_weights_direct)                                                                                             \
    ROW(nx_product_symmetric)                                                                                          \
    ROW(nx_product_packed)                                                                                             \
    ROW(nx_conv_winograd_gpu)                                                                                          \
    ROW(nx_conv_tiles)                                                                                                 \
    ROW(nx_conv_mma)                                                                                                   \
    ROW(nx_conv_winograd_clblast)                                                                                      \
    ROW(nx_weights_tiles)                                                                                              \
    ROW(nx_weights_mma)                                                                                                \
    ROW(nx_weights_winograd_gpu)                                                                                       \
    ROW(nx_product_tiles)                                                                                              \
    ROW(nx_product_clblast)

#define DECLARE(name) extern const nx_algorithm name;
#define ENTRY(name)   &name,
ALGORITHMS(DECLARE)
const nx_algorithm *const nx_algorithms[] = {ALGORITHMS(ENTRY)};
const size_t nx_algorithm_count = sizeof nx_algorithms / sizeof *nx_algorithms;

void nx_job_plan(nx_plan *plan, nx_node *node, nx_job job)
{
    job.choice = nx_choose(nx_plan_info(plan), &job.q);
    const nx_job *kept = nx_plan_keep(plan, node, &job, sizeof job);
    if (job.choice.algorithm->plan) job.choice.algorithm->plan(plan, node, kept);
}

void nx_job_bind(nx_plan *plan, nx_node *node)
{
    const nx_job *job = node->decided;
    job->choice.algorithm->bind(plan, node, job);
}

size_t nx_pair_of(const nx_device_info *info) { return info->precision == NX_BF16 ? 2 : 1; }

size_t nx_plan_pair(const nx_plan *plan) { return nx_pair_of(nx_plan_info(plan)); }

double nx_conv_flops(const nx_job *job)
{
    bool weights = job->q.work == NX_WORK_WEIGHTS;
    nx_shape small = job->gather.rotated ? job->q.x : job->q.y; /* the side of the convolution's output */
    return 2.0 * small.n * small.h * small.w * (double)nx_shape_count(weights ? job->c->shape : job->b->shape);
}
