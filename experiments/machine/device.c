/* The environment and the words of [device] into a device's options. */
#include "machine/device.h"

#include "machine/kernel_cache.h"

#include <stdlib.h>
#include <string.h>

static nx_device_options completed(nx_device_options o)
{
    if (!o.name || !*o.name) o.name = getenv("NSTX_DEVICE");
    if (!o.sources) o.sources = getenv("NSTX_CL");
    o.poison = o.poison || getenv("NSTX_POISON");
    return o;
}

bool device_list(nx_device_info **out, size_t *count, nx_error *err)
{
    kernel_cache_prepare();
    return nx_device_list(out, count, err);
}

bool device_choose(nx_device_info *out, nx_device_options options, nx_error *err)
{
    kernel_cache_prepare();
    options = completed(options);
    return nx_device_choose(out, &options, err);
}

bool device_open(nx_device **out, nx_device_options options, nx_error *err)
{
    kernel_cache_prepare();
    options = completed(options);
    return nx_device_open(out, &options, err);
}

nx_device_options device_options(const config *c)
{
    static const char *const kernels[] = {[KERNELS_AUTO] = "auto", [KERNELS_CPU] = "cpu", [KERNELS_GPU] = "gpu"};
    return (nx_device_options){.name = c->device.name,
                               .kernels = kernels[c->device.kernels],
                               .profile = c->device.profile,
                               .tf32 = c->device.precision == PRECISION_TF32};
}

bool device_options_same(const config *a, const config *b)
{
    return !strcmp(a->device.name, b->device.name) && a->device.kernels == b->device.kernels &&
           a->device.precision == b->device.precision;
}
