/* The check of an operator case on a device: forward against its reference in double, backward against differences of
 * it, each twice for the same bits. Of a device that was opened for another precision than float32 convolutions are
 * allowed what their operands' roundings may make: of tf32 2^-11 each, of bfloat16 2^-8, on CPUs times what Winograd's
 * transforms make of them.
 *
 *     op_finding f = op_check_forward(device, op_case_at(0), &(op_strictness){0});
 *     if (!f.good) printf("%s %s%s\n", op_case_at(0)->name, f.wrong, f.where);
 */
#ifndef BENCH_OP_CHECK_H
#define BENCH_OP_CHECK_H

#include "graph/plan.h"
#include "op_case.h"

typedef struct op_strictness {
    bool in_place; /* inputs and the gradient that enters are values of nodes, which operations may work on in place */
    double slack;  /* what the case's tolerances are multiplied by; 0: 1 */
    unsigned no_gradient; /* bit i: by input i neither, as in a case */

    /* Called with what comes next, "compiling" and so on, each of which may take a while. NULL: nobody. */
    void (*next)(void *context, const op_case *c, const char *what);
    void *context;
} op_strictness;

typedef struct op_finding {
    bool good;
    double error;    /* the largest, relative to the largest magnitude */
    double allowed;  /* what it may be */
    char wrong[80];  /* "is off by 0.01", "has a wrong gradient by input 1, off by 0.01" */
    char where[160]; /* " (allowed 2e-06) at [0][1][2][3]: 1.01, should be 1" */
} op_finding;

op_finding op_check_forward(nx_device *device, const op_case *c, const op_strictness *strictness);

/* With r fixed noise, the device's gradients of sum(y r): of single elements, and of all of them along a direction.
 * For cases that have gradients. */
op_finding op_check_gradient(nx_device *device, const op_case *c, const op_strictness *strictness);

/* Whether a case has a gradient by an input that is not one of no_gradient. */
static inline bool op_has_gradient(const op_case *c, unsigned no_gradient)
{
    return ~(c->no_gradient | no_gradient) & ((1u << op_inputs(c)) - 1);
}

/* The largest difference of got from want, relative to the largest magnitude of want; infinity where got is no number.
 * place: where that is; may be NULL. */
double op_difference(const float *got, const double *want, size_t count, size_t *place);

/* The plan of a graph that must have one, ready to run. */
nx_plan *op_plan(nx_device *device, nx_graph *g);

/* Adds the programs that a case launches, forward and, but by the inputs of no_gradient, backward; no device is
 * touched.
 */
void op_case_programs(const nx_device_info *info, const op_case *c, unsigned no_gradient, nx_program_list *out);

/* And those of a graph. */
void op_graph_programs(nx_graph *g, nx_program_list *out);

#endif
