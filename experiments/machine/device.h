/* The device of a command: as the library opens it, with what the program's environment says where options do not.
 *
 *     nx_device *device;
 *     if (!device_open(&device, (nx_device_options){.profile = true}, &err)) return fail_with(&err, EXIT_REQUEST);
 *
 * Whoever opens the device of a config takes device_options(c), so that all of them open the same one. NSTX_DEVICE is a
 * part of the name or a number (device/device.h), NSTX_CL a folder of kernels that replace the embedded ones,
 * NSTX_POISON that an arena starts as NaN, as in all tests. PoCL has a cache that it can write by then
 * (machine/kernel_cache.h).
 *
 * A name may fit several devices: a part of it all that are alike (name, platform and driver), a list, "#1,#3", those
 * of each of its parts. Of several, the first in `nstx devices` is taken; `nstx sweep` takes all. Where a config has a
 * name too, NSTX_DEVICE chooses among those that it fits, and is overruled where it fits none of them.
 */
#ifndef MACHINE_DEVICE_H
#define MACHINE_DEVICE_H

#include "config/config.h"
#include "device/device.h"

/* The variable that names a device. */
#define DEVICE_VARIABLE "NSTX_DEVICE"

bool device_list(nx_device_info **out, size_t *count, nx_error *err);              /* as nx_device_list */
bool device_choose(nx_device_info *out, nx_device_options options, nx_error *err); /* as nx_device_choose */
bool device_open(nx_device **out, nx_device_options options, nx_error *err);       /* as nx_device_open */

/* Those that a name ("": any) and NSTX_DEVICE leave, one at least, in the order of device_list. *out is owned by the
 * caller (free). A name that fits none is an error that lists those there are. */
bool device_matching(nx_device_info **out, size_t *count, const char *name, nx_error *err);

/* [device] of a config as the library takes it. The name is the config's, which must live as long; nothing is to be
 * freed. */
nx_device_options device_options(const config *c);

/* Whether both mean the same device, used alike. */
bool device_options_same(const config *a, const config *b);

#endif
