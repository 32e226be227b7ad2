/* The words of [device] for the library. */
#include "machine/device_options.h"

#include <string.h>

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
