/* What the test programs share: one device, and the check of one operator case.
 *
 *     nx_device *device = test_device();       the same in every call
 *     test_forward(device, op_case_at(0));     prints where device and reference differ, and gives false
 *     test_device_close();
 *
 * The environment: NSTX_TEST_KERNELS is the kernel family, cpu (the default) or gpu; NSTX_DEVICE chooses the device,
 * NSTX_CL is a folder of kernels that replace the embedded ones, with NSTX_POISON an arena starts as NaN.
 */
#ifndef NX_TESTS_HARNESS_H
#define NX_TESTS_HARNESS_H

#include "device/device.h"
#include "op_case.h"

/* What the environment says; kernels NULL: by the device's type. For tests that open a device of their own. Those of
 * GPUs, of which a processor takes minutes to make good code, PoCL compiles without optimising, until a device is asked
 * for whose kernels are others: they are here to be right, not to be fast. */
nx_device_options test_options(const char *kernels);

/* Opened in the first call; without a device the program ends with the reason. */
nx_device *test_device(void);
void test_device_close(void);

/* The checks of bench/op_check, where operations may work in place. */
bool test_forward(nx_device *device, const op_case *c);
bool test_gradient(nx_device *device, const op_case *c);

/* For tests of their own: plans and runs g, whose `count` inputs `in` get `values`, and gives the values of y. Owned by
 * the caller. */
float *test_run(nx_device *device, nx_graph *g, nx_tensor *const *in, float *const *values, int count, nx_tensor *y);

/* True if got is want within tolerance times the largest magnitude of want; otherwise prints what, the largest
 * difference and its index. */
bool test_close(const char *what, const float *got, const double *want, nx_shape shape, double tolerance);

#endif
