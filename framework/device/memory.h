/* Device memory: the only caller of clCreateBuffer. Every byte is counted by kind, now and at its peak.
 *
 * A part of a buffer is an OpenCL sub-buffer, so that kernels take plain pointers. Offsets and sizes of parts are
 * multiples of NX_ALIGN, and so is every buffer: kernels may run over the end of a tensor up to that.
 */
#ifndef NX_DEVICE_MEMORY_H
#define NX_DEVICE_MEMORY_H

#include "device/device.h"

#define NX_ALIGN ((size_t)1024) /* bytes: a multiple of every known CL_DEVICE_MEM_BASE_ADDR_ALIGN */

size_t nx_align(size_t bytes); /* rounded up to NX_ALIGN, at least NX_ALIGN */

/* A buffer of nx_align(bytes): zeroed, but for an arena, whose tensors are all written before they are read (on
 * a device that was opened with poison it starts as NaN). Dies if the device has no room: plans are checked before. */
cl_mem nx_buffer_new(nx_device *device, size_t bytes, nx_memory_kind kind);
void nx_buffer_free(nx_device *device, cl_mem buffer); /* NULL is fine */

/* A view of `bytes` at `offset`, released with clReleaseMemObject (or nx_buffer_part_free) before its buffer. */
cl_mem nx_buffer_part(cl_mem buffer, size_t offset, size_t bytes);
void nx_buffer_part_free(cl_mem part);

/* The buffer that a part was cut from, and where in it the part begins; a buffer that is no part itself, and 0. NULL is
 * no part. */
cl_mem nx_buffer_whole(cl_mem buffer, size_t *offset);

/* Copies in queue order; both return when the host's memory may be reused. */
void nx_buffer_write(nx_device *device, cl_mem buffer, const void *data, size_t bytes);
void nx_buffer_read(nx_device *device, cl_mem buffer, void *out, size_t bytes);

uint64_t nx_memory_total(const nx_device *device); /* bytes allocated now */
void nx_memory_release_all(nx_device *device);     /* at the device's end */

#endif
