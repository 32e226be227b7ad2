/* Parameters. */
#include "graph/param.h"

#include "base/memory.h"
#include "device/memory.h"

#include <stdlib.h>
#include <string.h>

nx_params *nx_params_new(void) { return nx_alloc(sizeof(nx_params)); }

void nx_params_free(nx_params *params)
{
    if (!params) return;
    for (size_t i = 0; i < params->count; i++) {
        nx_param *p = params->items[i];
        nx_buffer_part_free(p->buffer);
        free(p->initial);
        free(p->name);
        free(p);
    }
    for (size_t i = 0; i < params->n_blocks; i++) nx_buffer_free(params->device, params->blocks[i]);
    free(params->blocks);
    free(params->items);
    free(params);
}

nx_param *nx_param_add(nx_params *params, const char *name, nx_shape shape, int rank)
{
    NX_CHECK(!nx_params_find(params, name), "two parameters are called %s", name);
    nx_param *p = nx_alloc(sizeof *p);
    *p = (nx_param){.name = nx_copy_text(name), .shape = shape, .rank = rank, .trained = true};
    if (!params->unfilled) p->initial = nx_alloc(nx_shape_count(shape) * sizeof(float));
    NX_GROW(params->items, params->count);
    return params->items[params->count++] = p;
}

nx_param *nx_params_find(const nx_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++)
        if (!strcmp(params->items[i]->name, name)) return params->items[i];
    return NULL;
}

size_t nx_params_numbers(const nx_params *params, bool trained_only)
{
    size_t numbers = 0;
    for (size_t i = 0; i < params->count; i++)
        if (params->items[i]->trained || !trained_only) numbers += nx_shape_count(params->items[i]->shape);
    return numbers;
}

static size_t bytes_of(const nx_param *p) { return nx_align(nx_shape_count(p->shape) * sizeof(float)); }

uint64_t nx_params_bytes(const nx_params *params)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < params->count; i++) bytes += bytes_of(params->items[i]);
    return bytes;
}

static void upload(nx_param *p, nx_device *device, cl_mem block, size_t offset)
{
    size_t bytes = nx_shape_count(p->shape) * sizeof(float);
    p->device = device;
    p->buffer = nx_buffer_part(block, offset, bytes);
    nx_buffer_write(device, p->buffer, p->initial, bytes);
    free(p->initial);
    p->initial = NULL;
}

void nx_params_realize(nx_params *params, nx_device *device)
{
    size_t first = 0;
    params->device = device;
    while (first < params->count && params->items[first]->buffer) first++;
    while (first < params->count) {
        size_t end = first, bytes = 0;
        do bytes += bytes_of(params->items[end++]);
        while (end < params->count && bytes + bytes_of(params->items[end]) <= device->info.max_alloc);
        cl_mem block = nx_buffer_new(device, bytes, params->kind);
        NX_GROW(params->blocks, params->n_blocks);
        params->blocks[params->n_blocks++] = block;
        for (size_t offset = 0; first < end; offset += bytes_of(params->items[first++]))
            upload(params->items[first], device, block, offset);
    }
}

int nx_param_dims(const nx_param *param, size_t dims[4])
{
    nx_shape s = param->shape;
    size_t oihw[4] = {(size_t)s.c, (size_t)s.w, (size_t)s.n, (size_t)s.h};
    memcpy(dims, oihw, sizeof oihw);
    return param->rank;
}

/* HWIO <-> OIHW; a vector and [in][out] <-> [out][in] are the case of a 1x1 kernel. A few output channels at a time, so
 * that a line of either side is used up while it is in the cache. */
static void permute(nx_shape s, const float *from, float *to, bool to_file)
{
    enum { BLOCK = 16 };
    size_t taps = (size_t)s.n * (size_t)s.h, in = (size_t)s.w, out = (size_t)s.c;
    for (size_t block = 0; block < out; block += BLOCK)
        for (size_t i = 0; i < in; i++)
            for (size_t t = 0; t < taps; t++)
                for (size_t o = block; o < out && o < block + BLOCK; o++) {
                    size_t device = (t * in + i) * out + o, file = (o * in + i) * taps + t;
                    if (to_file)
                        to[file] = from[device];
                    else
                        to[device] = from[file];
                }
}

void nx_param_export(const nx_param *param, float *out)
{
    size_t bytes = nx_shape_count(param->shape) * sizeof(float);
    float *values = param->initial;
    if (param->buffer) nx_buffer_read(param->device, param->buffer, values = nx_alloc(bytes), bytes);
    permute(param->shape, values, out, true);
    if (param->buffer) free(values);
}

void nx_param_import(nx_param *param, const float *values)
{
    size_t bytes = nx_shape_count(param->shape) * sizeof(float);
    if (!param->buffer && !param->initial) param->initial = nx_alloc(bytes);
    float *device_layout = param->buffer ? nx_alloc(bytes) : param->initial;
    permute(param->shape, values, device_layout, false);
    if (!param->buffer) return;
    nx_buffer_write(param->device, param->buffer, device_layout, bytes);
    free(device_layout);
}
