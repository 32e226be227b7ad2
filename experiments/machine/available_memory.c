/* What is left of a device's memory. */
#include "machine/available_memory.h"

#include <inttypes.h>
#include <stdio.h>

/* Bytes; UINT64_MAX where the file does not say. */
static uint64_t available(const char *meminfo)
{
    char line[128];
    uint64_t kilobytes, bytes = UINT64_MAX;
    FILE *file = fopen(meminfo, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kilobytes) == 1) bytes = kilobytes * 1024;
    if (file) fclose(file);
    return bytes;
}

uint64_t available_memory(const nx_device_info *info, const char *meminfo)
{
    uint64_t left = info->type & CL_DEVICE_TYPE_CPU ? available(meminfo) : UINT64_MAX;
    return left < info->memory ? left : info->memory;
}
