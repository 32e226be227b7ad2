/* The work of real runs: what a step of each paper and its inference cost. bench/peers has the same ones in other
 * frameworks, by the same names, so that ratios can be taken.
 *
 *     for (size_t i = 0; i < workload_count; i++) {
 *         workload *w = workload_new(&workloads[i], device);
 *         workload_result r = workload_measure(w, 5);
 *         workload_free(w);
 *     }
 *
 * Weights are random and inputs zero or noise: neither changes the work. */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "machine/measure.h"

typedef struct workload workload;

typedef struct workload_row {
    const char *name, *table; /* table: "steps", "inference" or "growth" */
    void (*record)(workload *w);
    int size, batch;
    const char *network; /* of [generator]; NULL: none */
    int channels;        /* of its first layer */
    int history;         /* pairs of L-BFGS: an update is timed instead of a plan; 0: none */
    const char *beside;  /* the row whose time this one is a part of, or NULL */
    const char *axis;    /* growth: the name of a growth_axis */
    int n;               /* growth: how much there is of what grows */
    int styles;          /* of a picture, each of a part of it that a mask says; 0: one, of all of it */
} workload_row;

extern const workload_row workloads[];
extern const size_t workload_count;

/* What the rows of a table "growth" grow in, and which power of it the method asks for, at most: what does not grow
 * keeps a measured power below it. */
typedef struct growth_axis {
    const char *name, *of; /* a word for rows; in words */
    double time, memory;
    const char *why;
} growth_axis;

extern const growth_axis growth_axes[];
extern const size_t growth_axis_count;

typedef struct workload_result {
    measured m;
    uint64_t memory; /* of the device, all kinds, as long as the workload lasts */
} workload_result;

/* Allocates and binds everything. */
workload *workload_new(const workload_row *row, nx_device *device);
workload_result workload_measure(workload *w, double seconds);
nx_plan *workload_plan(workload *w);
void workload_free(workload *w);

#endif
