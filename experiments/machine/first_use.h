/* The first time that a kernel is used on a device, with a driver and a version of this program, the short form of the
 * self-test says whether its numbers can be trusted: the fewest rows of bench/cases/ that launch it. What has passed is
 * remembered in a file of the cache folder, devices/HASH, by the names of programs; a failure is not, so that it is
 * tried again when something was mended.
 *
 *     first_use_prepare(NULL);                                             at the start, before OpenCL is touched
 *     if (!first_use(&info, &options, &programs, &err)) return false;      before the device is opened for a run
 *     first_use_over();                                                    before the run's long part
 *
 * programs is what is known to come; what comes beside is tested as it is announced.
 *
 * The test is made by other processes, so that a driver that crashes is answered like one that computes wrong; by two,
 * who divide the work among them, where there are two cores. They first compile all of it into the cache of programs,
 * where this process finds it, then test. They are forked by first_use_prepare, since drivers do not survive a fork,
 * and wait; where all is known, or nothing asks, they end unused. Forking, waiting and ending take about a millisecond
 * each.
 *
 * What is announced fails as a device does: the program dies, with one line that says what is wrong. An interrupt
 * leaves it untested: who is interrupted trusts no number any more. After first_use_over there is no other process, and
 * a test is not cut off.
 *
 * NSTX_SELFTEST=off in the environment leaves the test out, for those who know their device is wrong and want it
 * anyway.
 */
#ifndef MACHINE_FIRST_USE_H
#define MACHINE_FIRST_USE_H

#include "device/program.h"
#include "machine/selftest.h"

#include <sys/types.h>

/* Forks the processes that will make the test; gives the first one's number, or -1 where NSTX_SELFTEST=off and none is
 * needed. For programs that have not touched OpenCL, nor started a thread. Without it a test is made in this process. A
 * test that is waited for is given up, with an error, once interrupted() is true; NULL: never. */
pid_t first_use_prepare(bool (*interrupted)(void));

/* Nothing at all where the programs are known. Else it is opened as options say, tested and closed, and one line says
 * so. A device that fails, or whose driver crashes, is refused. From here on programs are tested as they are announced
 * (nx_programs_watch); programs: what is known by now, so that it is compiled and tested in one go. */
bool first_use(const nx_device_info *info, const nx_device_options *options, const nx_program_list *programs,
               nx_error *err);

/* Ends the processes that test. */
void first_use_over(void);

/* What a test of programs that took so many seconds means: remembers a pass and says so; false, with one line, for a
 * failure. */
bool first_use_judge(const nx_device_info *info, const nx_program_list *programs, const selftest_result *r,
                     double seconds, nx_error *err);

/* How many programs have passed on this device, with this driver, kind of kernels and version. */
size_t first_use_known(const nx_device_info *info);

#endif
