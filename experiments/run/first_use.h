/* The first time that a device is used with a driver and a program, the short form of the self-test says whether its
 * numbers can be trusted. A pass is remembered in a file of the cache folder, devices/HASH; a failure is not, so that
 * it is tried again when something was mended.
 *
 *     if (!first_use(&info, &options, &err)) return false;      before the device is opened for a run
 *
 * NSTX_SELFTEST=off in the environment leaves the test out, for those who know their device is wrong and want it
 * anyway.
 */
#ifndef RUN_FIRST_USE_H
#define RUN_FIRST_USE_H

#include "device/device.h"
#include "run/selftest.h"

/* Nothing at all where the device is known. Else opens it as options say, tests it, closes it, and says so in one line.
 * A device that fails is refused. */
bool first_use(const nx_device_info *info, const nx_device_options *options, nx_error *err);

/* What a test of so many seconds means: remembers a pass and says so; false, with one line, for a failure. */
bool first_use_judge(const nx_device_info *info, const selftest_result *r, double seconds, nx_error *err);

/* True if a pass of this device, driver, kind of kernels and program is remembered. */
bool first_use_known(const nx_device_info *info);

#endif
