/* nstx plan: what a config takes, of memory, disk and time, before a kernel runs. */
#include "base/text.h"
#include "commands/cli.h"
#include "commands/json.h"
#include "graph/recompute.h"
#include "run/duration.h"
#include "run/interrupt.h"
#include "run/run_config.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static cJSON *plan_json(task *t, const char *label, const duration *d)
{
    const nx_device_info *device = &t->info;
    uint64_t bytes[NX_MEMORY_KINDS], total = 0, files;
    cJSON *json = cJSON_CreateObject();
    task_bytes(t, bytes);
    cJSON_AddStringToObject(json, "config", t->c->name);
    cJSON_AddStringToObject(json, "point", label);
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddNumberToObject(json, "device_bytes", (double)device->memory);
    cJSON *kinds = cJSON_AddObjectToObject(json, "bytes");
    for (int k = 0; k < NX_MEMORY_KINDS; k++) {
        cJSON_AddNumberToObject(kinds, nx_memory_kind_name(k), (double)bytes[k]);
        total += bytes[k];
    }
    cJSON_AddNumberToObject(json, "total_bytes", (double)total);
    cJSON_AddBoolToObject(json, "fits", total <= device->memory);
    cJSON *levels = cJSON_AddArrayToObject(json, "total_bytes_by_recompute");
    for (int level = 0; level <= NX_RECOMPUTE_MOST; level++)
        cJSON_AddItemToArray(levels, cJSON_CreateNumber((double)task_bytes_at(t, level)));
    cJSON_AddNumberToObject(json, "largest_size", task_largest_size(t));
    cJSON_AddNumberToObject(json, "disk_bytes", (double)task_disk_bytes(t));
    cJSON_AddNumberToObject(json, "pictures_bytes", (double)task_pictures_bytes(t, &files));
    cJSON_AddNumberToObject(json, "seconds_per_step", d->step > 0 ? d->step : NAN);
    cJSON_AddNumberToObject(json, "seconds", d->step > 0 ? d->total : NAN);
    cJSON_AddStringToObject(json, "seconds_from", d->run ? d->run : d->step > 0 ? "measured" : "");
    return json;
}

static void print_plan(task *t, const char *label, const duration *d)
{
    char disk[16], time[256];
    uint64_t files;
    printf("config    %s\n%s%s%sdevice    %s\n", t->c->name, *label ? "point     " : "", label, *label ? "\n" : "",
           t->info.name);
    task_print_plan(t);
    printf("\nrun file  about %s\n", nx_bytes_text(disk, (double)task_disk_bytes(t)));
    nx_bytes_text(disk, (double)task_pictures_bytes(t, &files));
    if (files) printf("pictures  about %s in %llu files\n", disk, (unsigned long long)files);
    printf("time      %s\n", d->step > 0 ? duration_text(time, d) : "not known before a step: add --time");
}

/* Plans a point; with measure, its steps are timed where no run file tells of them. */
static bool plan_point(const sweep_point *p, bool measure, cJSON *plans, nx_error *err)
{
    task *t;
    duration d = {0};
    if (measure && !duration_measure(&d, p->config, err)) return false;
    if (!task_new(&t, p->config, err)) return false;
    if (!measure && !duration_of_run(&d, p->path, p->config, &t->info)) d = (duration){0};
    if (plans)
        cJSON_AddItemToArray(plans, plan_json(t, p->label, &d));
    else
        print_plan(t, p->label, &d);
    task_free(t);
    return true;
}

static int command_plan(int argc, char **argv)
{
    static const struct option longs[] = {
        {"time", no_argument, NULL, 't'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    config_request r = {0};
    bool time = false, json = false;
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "s:", longs, NULL)) != -1;) {
        if (o == 's')
            config_request_set(&r, optarg);
        else if (o == 't')
            time = true;
        else if (o == 'j')
            json = true;
        else
            return config_request_free(&r), usage_error("plan", "unknown or incomplete option %s", argv[optind - 1]);
    }
    if (!config_request_name(&r, argc, argv)) return config_request_free(&r), EXIT_REQUEST;
    config *c;
    sweep_points p;
    nx_error err;
    if (time) run_config_prepare();
    cJSON *plans = json ? cJSON_CreateArray() : NULL;
    bool ok = config_request_open(&r, NULL, &c, &p, &err);
    for (size_t i = 0; ok && i < p.count; i++) ok = plan_point(&p.point[i], time, plans, &err);
    if (ok && json) print_json(plans);
    cJSON_Delete(plans);
    sweep_points_free(&p);
    config_free(c);
    config_request_free(&r);
    return ok ? EXIT_DONE : fail_with(&err, interrupt_code(EXIT_REQUEST));
}

const command plan_command = {
    .name = "plan",
    .run = command_plan,
    .usage = "plan CONFIG [--time] [-s section.key=value]... [--json]",
    .does = "shapes, parameters, bytes, the largest size that fits, the time it takes",
};
