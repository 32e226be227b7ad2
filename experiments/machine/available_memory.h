/* How much memory of a device there is for this process, and how much of it is left for somebody who was not told how
 * much to take.
 *
 *     uint64_t bytes = available_memory(&device->info, &system_memory) / 4 * 3;
 *
 * Not here: what a user allows (--memory). Training is held against allowed_memory, which is the same at any time.
 */
#ifndef MACHINE_AVAILABLE_MEMORY_H
#define MACHINE_AVAILABLE_MEMORY_H

#include "device/device.h"

/* Where Linux tells of memory. Tests have files of their own. */
typedef struct memory_files {
    const char *meminfo; /* what the system has left: MemAvailable */
    const char *cgroup;  /* the control groups of the process, of either version */
    const char *groups;  /* where their hierarchies are mounted */
} memory_files;

extern const memory_files system_memory; /* /proc/meminfo, /proc/self/cgroup, /sys/fs/cgroup */

/* Bytes that the device has for this process: all that the driver names, and of a processor's memory not more than the
 * control groups of the process, as of a container or a job, allow together. */
uint64_t allowed_memory(const nx_device_info *info, const memory_files *files);

/* Bytes that are left of them. A processor's memory is everybody's: what the system has left of it, and what each of
 * the groups has, where files that the kernel would drop count as left. Where a file does not say, and of other
 * devices, all that the driver names. */
uint64_t available_memory(const nx_device_info *info, const memory_files *files);

#endif
