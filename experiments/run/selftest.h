/* A numeric test of every operation on the device at hand: the operator cases that are marked for it (bench/op_case.h),
 * forward and backward, all twice for the same bits. Seconds, once the kernels are compiled, and no files.
 *
 * For users' machines (`nstx doctor`); tests/test_ops.c, which runs all cases, is the thorough one.
 *
 *     selftest_result r = selftest(device, SELFTEST_ALL);
 *     printf("%d of %d failed, largest error %g in %s", r.failed, r.cases, r.error, r.worst);
 */
#ifndef RUN_SELFTEST_H
#define RUN_SELFTEST_H

#include "device/device.h"

typedef struct selftest_result {
    int cases, failed;
    double error; /* of the case that comes closest to what it is allowed, relative to its largest magnitude */
    char worst[96];
    char failures[512]; /* "conv/3x3, 3 to 16 is off by 0.1; scale/1/3 differs between two runs" */
} selftest_result;

/* BRIEF: the operations that no run goes without, one case each. */
typedef enum selftest_extent { SELFTEST_BRIEF, SELFTEST_ALL } selftest_extent;

selftest_result selftest(nx_device *device, selftest_extent extent);

#endif
