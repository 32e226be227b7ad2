/* nstx devices: every OpenCL device of every driver, best first, and the one that a run would take. */
#include "base/text.h"
#include "commands/cli.h"
#include "commands/json.h"
#include "device/device.h"
#include "machine/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_of(const nx_device_info *d)
{
    return d->type & CL_DEVICE_TYPE_GPU ? "GPU" : d->type & CL_DEVICE_TYPE_CPU ? "CPU" : "accelerator";
}

static void print_devices_json(const nx_device_info *list, size_t count, cl_device_id chosen)
{
    cJSON *all = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        const nx_device_info *d = &list[i];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToArray(all, one);
        cJSON_AddNumberToObject(one, "number", d->number);
        cJSON_AddStringToObject(one, "name", d->name);
        cJSON_AddStringToObject(one, "platform", d->platform);
        cJSON_AddStringToObject(one, "driver", d->driver);
        cJSON_AddStringToObject(one, "version", d->version);
        cJSON_AddStringToObject(one, "type", type_of(d));
        cJSON_AddNumberToObject(one, "score", d->score);
        cJSON_AddNumberToObject(one, "units", d->units);
        cJSON_AddNumberToObject(one, "memory", (double)d->memory);
        cJSON_AddNumberToObject(one, "max_alloc", (double)d->max_alloc);
        cJSON_AddBoolToObject(one, "chosen", d->id == chosen);
    }
    print_json(all);
    cJSON_Delete(all);
}

static int command_devices(int argc, char **argv)
{
    bool as_json = argc == 2 && !strcmp(argv[1], "--json");
    if (argc > 1 + as_json) return usage_error("devices", "devices takes nothing but --json, not %s", argv[argc - 1]);
    nx_device_info *list, chosen = {0};
    size_t count;
    nx_error err;
    if (!device_list(&list, &count, &err)) return fail_with(&err, EXIT_FAILED);
    bool any = device_choose(&chosen, (nx_device_options){0}, &err);
    if (as_json) {
        print_devices_json(list, count, any ? chosen.id : NULL);
        free(list);
        return any ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
    }
    printf("  %3s  %5s  %-11s  %5s  %9s  %12s  %s\n", "#", "score", "type", "units", "memory", "one buffer", "device");
    for (size_t i = 0; i < count; i++) {
        const nx_device_info *d = &list[i];
        char memory[16], most[16], number[16];
        snprintf(number, sizeof number, "#%u", d->number);
        printf("%c %3s  %5d  %-11s  %5u  %9s  %12s  %s (%s, driver %s)\n", any && chosen.id == d->id ? '*' : ' ',
               number, d->score, type_of(d), d->units, nx_bytes_text(memory, (double)d->memory),
               nx_bytes_text(most, (double)d->max_alloc), d->name, d->platform, d->driver);
    }
    free(list);
    return any ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}

const command devices_command = {
    .name = "devices",
    .run = command_devices,
    .usage = "devices [--json]",
    .does = "every OpenCL device with its number and score",
};
