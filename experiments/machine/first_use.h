/* The first time that a device is used with a driver and a program, the short form of the self-test says whether its
 * numbers can be trusted. A pass is remembered in a file of the cache folder, devices/HASH; a failure is not, so that
 * it is tried again when something was mended.
 *
 *     first_use_prepare(NULL);                                  at the start, before OpenCL is touched
 *     if (!first_use(&info, &options, &err)) return false;      before the device is opened for a run
 *
 * The test is made by other processes, so that a driver that crashes is answered like one that computes wrong; by two,
 * who divide the cases among them, where there are two cores. They are forked by first_use_prepare, since drivers do
 * not survive a fork, and wait; where a device is known, or nothing asks, they end unused. Forking, waiting and ending
 * take about a millisecond each.
 *
 * NSTX_SELFTEST=off in the environment leaves the test out, for those who know their device is wrong and want it
 * anyway.
 */
#ifndef MACHINE_FIRST_USE_H
#define MACHINE_FIRST_USE_H

#include "device/device.h"
#include "machine/selftest.h"

#include <sys/types.h>

/* Forks the processes that will make the test; gives the first one's number, or -1 where NSTX_SELFTEST=off and none is
 * needed. For programs that have not touched OpenCL, nor started a thread. Without it a test is made in this process. A
 * test that is waited for is given up, with an error, once interrupted() is true; NULL: never. */
pid_t first_use_prepare(bool (*interrupted)(void));

/* Nothing at all where the device is known. Else it is opened as options say, tested and closed, and one line says so.
 * A device that fails, or whose driver crashes, is refused. */
bool first_use(const nx_device_info *info, const nx_device_options *options, nx_error *err);

/* What a test of so many seconds means: remembers a pass and says so; false, with one line, for a failure. */
bool first_use_judge(const nx_device_info *info, const selftest_result *r, double seconds, nx_error *err);

/* True if a pass of this device, driver, kind of kernels and program is remembered. */
bool first_use_known(const nx_device_info *info);

#endif
