/* [device] of a config, as the library takes it: in one place, so that whoever opens the device of a config opens the
 * same one.
 *
 *     nx_device_options options = device_options(c);
 *     if (!nx_device_open(&device, &options, &err)) ...
 */
#ifndef MACHINE_DEVICE_OPTIONS_H
#define MACHINE_DEVICE_OPTIONS_H

#include "config/config.h"
#include "device/device.h"

/* The name is the config's, which must live as long; nothing is to be freed. */
nx_device_options device_options(const config *c);

/* Whether both mean the same device, used alike. */
bool device_options_same(const config *a, const config *b);

#endif
