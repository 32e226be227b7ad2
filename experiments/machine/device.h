/* The device of a command: as the library opens it, with what the program's environment says where options do not.
 *
 *     nx_device *device;
 *     if (!device_open(&device, (nx_device_options){.profile = true}, &err)) return fail_with(&err, EXIT_REQUEST);
 *
 * Whoever opens the device of a config takes device_options(c), so that all of them open the same one. NSTX_DEVICE is a
 * part of the name or a number (device/device.h), NSTX_CL a folder of kernels that replace the embedded ones,
 * NSTX_POISON that an arena starts as NaN, as in all tests. PoCL has a cache that it can write by then
 * (machine/kernel_cache.h).
 */
#ifndef MACHINE_DEVICE_H
#define MACHINE_DEVICE_H

#include "config/config.h"
#include "device/device.h"

bool device_list(nx_device_info **out, size_t *count, nx_error *err);              /* as nx_device_list */
bool device_choose(nx_device_info *out, nx_device_options options, nx_error *err); /* as nx_device_choose */
bool device_open(nx_device **out, nx_device_options options, nx_error *err);       /* as nx_device_open */

/* [device] of a config as the library takes it. The name is the config's, which must live as long; nothing is to be
 * freed. */
nx_device_options device_options(const config *c);

/* Whether both mean the same device, used alike. */
bool device_options_same(const config *a, const config *b);

#endif
