/* A numeric test of every kernel on the device at hand: each operation forward against a sum in double on the host, its
 * gradients against differences of that sum, both twice for the same bits. Seconds, no files.
 *
 * For users' machines (`nstx doctor`); tests/ops is the thorough one.
 *
 *     selftest_result r = selftest(device, SELFTEST_ALL);
 *     printf("%d of %d failed, largest error %g in %s", r.failed, r.cases, r.error, r.worst);
 */
#ifndef MACHINE_SELFTEST_H
#define MACHINE_SELFTEST_H

#include "device/device.h"

typedef struct selftest_result {
    int cases, failed;
    double error; /* the largest, relative to the largest magnitude of a result */
    const char *worst;
    char failures[512]; /* "conv 3x3: off by 0.1; pool: differs between two runs" */
} selftest_result;

/* BRIEF: the operations that no run goes without, one case each. */
typedef enum selftest_extent { SELFTEST_BRIEF, SELFTEST_ALL } selftest_extent;

selftest_result selftest(nx_device *device, selftest_extent extent);

/* The speed of the device, best of several after a warm-up: a product and a convolution in GFLOP/s (of the plain sums),
 * an addition in GB/s. */
typedef struct selftest_speed {
    double product, convolution, addition;
} selftest_speed;

selftest_speed selftest_measure(nx_device *device);

#endif
