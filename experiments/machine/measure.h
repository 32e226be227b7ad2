/* Timing: of a plan, and of what the device can do at most.
 *
 *     measure_roof roof = measure_peaks(device);
 *     measured m = measure_plan(plan, device, 2);
 *     printf("%g ms, %g of the peak", 1e3 * m.times.seconds, m.flops / m.times.seconds / roof.flops);
 *
 * Warm-up, compilation and what a plan computes once come before the clock starts. The device must have been opened
 * with profile, which costs nothing where it is not used: steps are timed without it, and then a few with it. */
#ifndef MACHINE_MEASURE_H
#define MACHINE_MEASURE_H

#include "graph/plan.h"

typedef struct measure_times {
    double seconds, spread; /* the median, and the distance of the quartiles over it */
    int runs;
} measure_times;

/* Calls run(context) for so many seconds, at least 3 times; prepare (NULL: nothing) before each, off the clock. */
measure_times measure_calls(void (*run)(void *context), void (*prepare)(void *context), void *context, double seconds);

typedef struct measured {
    measure_times times;
    double flops, bytes; /* of one run, as its kernels count them: a convolution's are those of the plain sum */
    double outside;      /* the share of a run in which no kernel runs */
} measured;

measured measure_plan(nx_plan *plan, nx_device *device, double seconds);

/* Records an operator case (bench/op_case.h) in g, on inputs of noise, ready to run. */
struct op_case;
nx_plan *measure_record(nx_graph *g, const struct op_case *c, nx_device *device);

/* a of value ~ n^a: the slope of the straight line through the logarithms, by least squares. */
double measure_power(const double *n, const double *value, size_t count);

/* The best of many short stretches in two seconds: multiply-adds in registers, and c = a + b on arrays larger than any
 * cache. */
typedef struct measure_roof {
    double flops, bytes; /* a second */
} measure_roof;

measure_roof measure_peaks(nx_device *device);

#endif
