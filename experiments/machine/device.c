/* The environment into a device's options. */
#include "machine/device.h"

#include <stdlib.h>

static nx_device_options completed(nx_device_options o)
{
    if (!o.name || !*o.name) o.name = getenv("NSTX_DEVICE");
    if (!o.sources) o.sources = getenv("NSTX_CL");
    o.poison = o.poison || getenv("NSTX_POISON");
    return o;
}

bool device_choose(nx_device_info *out, nx_device_options options, nx_error *err)
{
    options = completed(options);
    return nx_device_choose(out, &options, err);
}

bool device_open(nx_device **out, nx_device_options options, nx_error *err)
{
    options = completed(options);
    return nx_device_open(out, &options, err);
}
