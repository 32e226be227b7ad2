/* nstx devices: every OpenCL device of every driver, best first, and the one that a run would take. */
#include "base/text.h"
#include "commands.h"
#include "device/device.h"

#include <stdio.h>
#include <stdlib.h>

int command_devices(int argc, char **argv)
{
    if (argc > 1) return usage_error("devices", "devices takes no argument, not %s", argv[1]);
    nx_device_info *list, chosen = {0};
    size_t count;
    nx_error err;
    if (!nx_device_list(&list, &count, &err)) return fail_with(&err, EXIT_FAILED);
    bool any = nx_device_choose(&chosen, &(nx_device_options){0}, &err);
    printf("  %5s  %-11s  %5s  %9s  %12s  %s\n", "score", "type", "units", "memory", "one buffer", "device");
    for (size_t i = 0; i < count; i++) {
        const nx_device_info *d = &list[i];
        char memory[16], most[16];
        const char *type = d->type & CL_DEVICE_TYPE_GPU ? "GPU" : d->type & CL_DEVICE_TYPE_CPU ? "CPU" : "accelerator";
        printf("%c %5d  %-11s  %5u  %9s  %12s  %s (%s, driver %s)\n", any && chosen.id == d->id ? '*' : ' ', d->score,
               type, d->units, nx_bytes_text(memory, (double)d->memory), nx_bytes_text(most, (double)d->max_alloc),
               d->name, d->platform, d->driver);
    }
    free(list);
    return any ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}
