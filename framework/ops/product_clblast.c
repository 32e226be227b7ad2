/* Matrix products on GPUs by CLBlast, which copies operands into whole tiles of its own first: in scratch that is
 * planned, or for a batch in memory that it allocates by itself, which no plan knows of. So it is taken only where it
 * was measured to be the fastest. */
#include "base/memory.h"
#include "ops/product.h"

static nx_gemm_cut cut_of(const nx_plan *plan, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    if (job->choice.splits == 1 && nx_product_images(p) > 1) return (nx_gemm_cut){.splits = 1, .depth = p->k};
    return nx_gemm_cut_library(nx_plan_info(plan), p);
}

static void plan_product(nx_plan *plan, nx_node *node, const nx_job *job)
{
    size_t bytes = cut_of(plan, job).scratch_bytes;
    if (bytes) nx_plan_scratch(plan, node, job->slot + NX_PRODUCT_PARTS, bytes);
}

static void call(nx_plan *plan, nx_node *node, const nx_gemm_call *c, double flops)
{
    nx_step *step = nx_plan_routine(plan, node, "clblast_gemm", nx_gemm_routine, nx_copy(c, sizeof *c));
    step->flops = flops;
}

static void bind(nx_plan *plan, nx_node *node, const nx_job *job)
{
    const nx_gemm_problem *p = &job->q.product;
    nx_gemm_cut cut = cut_of(plan, job);
    nx_gemm_call c = {*p, cut, job->a->buffer, job->b->buffer, job->c->buffer, NULL, -1, false};
    if (cut.scratch_bytes) c.scratch = node->scratch[job->slot + NX_PRODUCT_PARTS]->buffer;
    double flops = 2.0 * p->m * p->n;
    if (cut.splits == 1) {
        call(plan, node, &c, flops * p->k * nx_product_images(p));
        return;
    }
    int rest = p->k - cut.splits * cut.depth;
    for (c.part = 0; c.part < nx_product_images(p); c.part++) {
        c.rest = false;
        call(plan, node, &c, flops * cut.splits * cut.depth);
        c.rest = true;
        if (rest) call(plan, node, &c, flops * rest);
    }
    nx_product_reduce(plan, node, job, cut.splits + (rest > 0), false);
}

const nx_algorithm nx_product_clblast = {.name = "clblast",
                                         .family = NX_FAMILY_GPU,
                                         .works = 1u << NX_WORK_PRODUCT,
                                         .pays = NX_NEVER,
                                         .plan = plan_product,
                                         .bind = bind};
