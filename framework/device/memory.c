/* Device memory: a list of what is allocated, and counters. */
#include "device/memory.h"

#include "base/memory.h"
#include "base/text.h"
#include "device/status.h"

#include <math.h>
#include <stdlib.h>

typedef struct nx_allocation {
    cl_mem buffer;
    size_t bytes;
    nx_memory_kind kind;
} nx_allocation;

size_t nx_align(size_t bytes) { return bytes ? (bytes + NX_ALIGN - 1) / NX_ALIGN * NX_ALIGN : NX_ALIGN; }

uint64_t nx_memory_total(const nx_device *device)
{
    uint64_t total = 0;
    for (int k = 0; k < NX_MEMORY_KINDS; k++) total += device->bytes[k];
    return total;
}

cl_mem nx_buffer_new(nx_device *device, size_t bytes, nx_memory_kind kind)
{
    bytes = nx_align(bytes);
    char size[16];
    cl_int status;
    cl_mem buffer = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &status);
    NX_CHECK(status == CL_SUCCESS, "%s of %s memory on %s: %s", nx_bytes_text(size, (double)bytes),
             nx_memory_kind_name(kind), device->info.name, nx_status_text(status));
    NX_GROW(device->allocations, device->n_allocations);
    device->allocations[device->n_allocations++] = (nx_allocation){buffer, bytes, kind};
    device->bytes[kind] += bytes;
    if (device->bytes[kind] > device->peak_bytes[kind]) device->peak_bytes[kind] = device->bytes[kind];
    uint64_t total = nx_memory_total(device);
    if (total > device->peak_total) device->peak_total = total;
    const cl_float start = kind == NX_MEMORY_ARENA ? NAN : 0;
    if (kind != NX_MEMORY_ARENA || device->poison)
        NX_CL(clEnqueueFillBuffer(device->queue, buffer, &start, sizeof start, 0, bytes, 0, NULL, NULL));
    return buffer;
}

void nx_buffer_free(nx_device *device, cl_mem buffer)
{
    if (!buffer) return;
    for (size_t i = 0; i < device->n_allocations; i++)
        if (device->allocations[i].buffer == buffer) {
            nx_device_drain(device);
            device->bytes[device->allocations[i].kind] -= device->allocations[i].bytes;
            device->allocations[i] = device->allocations[--device->n_allocations];
            clReleaseMemObject(buffer);
            return;
        }
    nx_die("a buffer was freed twice, or is not this device's");
}

cl_mem nx_buffer_part(cl_mem buffer, size_t offset, size_t bytes)
{
    cl_buffer_region region = {offset, nx_align(bytes)};
    cl_int status;
    cl_mem part = clCreateSubBuffer(buffer, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &status);
    NX_CL(status);
    return part;
}

void nx_buffer_part_free(cl_mem part)
{
    if (part) clReleaseMemObject(part);
}

cl_mem nx_buffer_whole(cl_mem buffer, size_t *offset)
{
    cl_mem whole = NULL;
    *offset = 0;
    if (!buffer) return NULL;
    NX_CL(clGetMemObjectInfo(buffer, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof whole, &whole, NULL));
    NX_CL(clGetMemObjectInfo(buffer, CL_MEM_OFFSET, sizeof *offset, offset, NULL));
    return whole ? whole : buffer;
}

void nx_buffer_write(nx_device *device, cl_mem buffer, const void *data, size_t bytes)
{
    NX_CL(clEnqueueWriteBuffer(device->queue, buffer, CL_TRUE, 0, bytes, data, 0, NULL, NULL));
}

void nx_buffer_read(nx_device *device, cl_mem buffer, void *out, size_t bytes)
{
    NX_CL(clEnqueueReadBuffer(device->queue, buffer, CL_TRUE, 0, bytes, out, 0, NULL, NULL));
}

void nx_memory_release_all(nx_device *device)
{
    for (size_t i = 0; i < device->n_allocations; i++) clReleaseMemObject(device->allocations[i].buffer);
    free(device->allocations);
    device->allocations = NULL;
    device->n_allocations = 0;
}
