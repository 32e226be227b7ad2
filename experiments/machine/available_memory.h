/* How much of a device's memory is left for somebody who was not told how much to take.
 *
 *     uint64_t bytes = available_memory(&device->info, AVAILABLE_MEMINFO) / 4 * 3;
 *
 * Not here: what a user allows (--memory), and training, whose plan is held against the device's whole memory.
 */
#ifndef MACHINE_AVAILABLE_MEMORY_H
#define MACHINE_AVAILABLE_MEMORY_H

#include "device/device.h"

#define AVAILABLE_MEMINFO "/proc/meminfo"

/* Bytes. A processor's memory is everybody's: what the system has left of it (MemAvailable of the file `meminfo`, as
 * Linux writes it) where that is less than what the driver names. Of other devices, and where no such file is, all that
 * the driver names. */
uint64_t available_memory(const nx_device_info *info, const char *meminfo);

#endif
