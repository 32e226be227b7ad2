/* A numeric test of every operation on the device at hand: the operator cases that are marked for it (bench/op_case.h),
 * forward and backward, all twice for the same bits. Seconds, once the kernels are compiled, and no files.
 *
 * For users' machines (`nstx doctor`); tests/test_ops.c, which runs all cases, is the thorough one.
 *
 *     selftest_result r = selftest(device, SELFTEST_ALL, NULL, NULL);
 *     printf("%d of %d failed, largest error %g in %s", r.failed, r.cases, r.error, r.worst);
 */
#ifndef MACHINE_SELFTEST_H
#define MACHINE_SELFTEST_H

#include "device/device.h"

typedef struct selftest_result {
    int cases, failed;
    double error; /* of the operation that comes closest to what it is allowed, relative to its largest magnitude */
    char worst[96];
    char failures[512]; /* "conv/3x3, 3 to 16 is off by 0.1; scale/1/3 differs between two runs" */
} selftest_result;

/* BRIEF: the operations that no run goes without, one case each. */
typedef enum selftest_extent { SELFTEST_BRIEF, SELFTEST_ALL } selftest_extent;

/* For a process of its own: what it is at, for one that watches it, and how long it may be at that. Kernels are
 * compiled one after another, which takes minutes in all with some drivers, but not for one case. */
typedef struct selftest_watch {
    int patience;   /* SIGALRM comes after so many seconds without a step */
    char step[160]; /* "conv/3x3, 3 to 16: compiling"; empty before and after */
} selftest_watch;

/* next: of processes that divide the cases among them, a number in memory that they share, 0 at first: each takes the
 * next case when it has done one. NULL: all of them. watch: NULL for none. */
selftest_result selftest(nx_device *device, selftest_extent extent, _Atomic int *next, selftest_watch *watch);

#endif
