/* nstx run and nstx plan: a config, its points one after another, and the table that compares them. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands.h"
#include "graph/recompute.h"
#include "io/files.h"
#include "run/comparison.h"
#include "run/duration.h"
#include "run/point_run.h"
#include "run/show_json.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *config, *out;
    const char **overrides;
    size_t n_overrides;
    bool resume, json, time;
} request;

/* False after a message. */
static bool parse(request *r, int argc, char **argv, bool run)
{
    static const struct option longs[] = {{"resume", no_argument, NULL, 'r'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}},
                               of_plan[] = {{"time", no_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    *r = (request){.overrides = nx_alloc((size_t)(argc + 1) * sizeof *r->overrides)};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, run ? "s:o:" : "s:", run ? longs : of_plan, NULL)) != -1;) {
        if (o == 's')
            r->overrides[r->n_overrides++] = optarg;
        else if (o == 'o')
            r->out = optarg;
        else if (o == 'r')
            r->resume = true;
        else if (o == 'q')
            nx_log_set(NX_LOG_WARN);
        else if (o == 'j')
            r->json = true;
        else if (o == 't')
            r->time = true;
        else
            return usage_error(argv[0], "unknown or incomplete option %s", argv[optind - 1]), false;
    }
    if (optind + 1 != argc)
        return usage_error(argv[0], optind == argc ? "no config is named" : "one config at a time, not also %s",
                           argv[argc - 1]),
               false;
    r->config = argv[optind];
    return true;
}

/* ---- one point ---- */

static void print_single(const point *p, const point_outcome *o)
{
    const task_result *v = &o->result;
    char planned[16], measured[16], *picture = points_beside(p->path, ".png");
    printf("run        %s\n", p->path);
    if (nx_file_exists(picture)) printf("pictures   %s\n", picture);
    if (isnan(v->validation) && !isnan(v->style))
        printf("loss       %.6g (style %.5g, content %.5g)\n", v->loss, v->style, v->content);
    else
        printf("training   %.6g\nvalidation %.6g (style %.5g, content %.5g)\n", v->loss, v->validation, v->style,
               v->content);
    if (!isnan(v->variety.contrast))
        printf("samples    nearest neighbour %.4g, contrast %.4g (grey levels)\n", v->variety.neighbour,
               v->variety.contrast);
    if (!o->reused)
        printf("seconds    %.1f\nmemory     planned %s, measured %s\n", v->seconds,
               nx_bytes_text(planned, (double)v->planned_bytes), nx_bytes_text(measured, (double)v->measured_bytes));
    free(picture);
}

/* The same for programs; what is not a number, as the validation of a run without one, is null. */
static cJSON *outcome_json(const point *one, const point_outcome *o)
{
    const task_result *v = &o->result;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "run", one->path);
    cJSON_AddStringToObject(json, "point", one->label);
    cJSON_AddNumberToObject(json, "training", v->loss);
    cJSON_AddNumberToObject(json, "validation", v->validation);
    cJSON_AddNumberToObject(json, "style", v->style);
    cJSON_AddNumberToObject(json, "content", v->content);
    if (o->reused) return json;
    cJSON_AddNumberToObject(json, "seconds", v->seconds);
    cJSON_AddNumberToObject(json, "planned_bytes", (double)v->planned_bytes);
    cJSON_AddNumberToObject(json, "measured_bytes", (double)v->measured_bytes);
    return json;
}

int command_run(int argc, char **argv)
{
    request r;
    nx_error err;
    config *c;
    if (!parse(&r, argc, argv, true)) return free(r.overrides), EXIT_REQUEST;
    if (!config_load(&c, r.config, r.overrides, r.n_overrides, &err)) {
        free(r.overrides);
        return fail_with(&err, EXIT_REQUEST);
    }
    point_run_prepare();
    points p;
    point_outcome last;
    char *again = nx_format("nstx run %s --resume", r.config);
    comparison *table = comparison_new();
    cJSON *results = cJSON_CreateArray();
    int code = points_new(&p, c, r.out, &err) ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
    /* A point that failed leaves the others their turn. */
    for (size_t i = 0, end = 0; i < p.count && (!end || end == EXIT_FAILED); i++) {
        const point *one = &p.point[i];
        if (*one->label) nx_info("point %zu of %zu: %s", i + 1, p.count, one->label);
        end = (size_t)point_run(one, r.resume, again, &last);
        if (end) {
            code = (int)end;
            continue;
        }
        cJSON_AddItemToArray(results, outcome_json(one, &last));
        if (p.count == 1 && !r.json) print_single(one, &last);
        if (p.count > 1 && !comparison_add(table, one, &err)) code = fail_with(&err, EXIT_FAILED);
    }
    if (comparison_count(table)) {
        if (!r.json) comparison_print(table, stdout);
        if (!comparison_save(table, p.path, &err) ||
            (c->log.images &&
             !comparison_picture(table, c->experiment.task == TASK_TRAIN, p.path, r.json ? NULL : stdout, &err)))
            code = fail_with(&err, EXIT_FAILED);
    }
    if (r.json) show_json(results);
    cJSON_Delete(results);
    comparison_free(table);
    points_free(&p);
    free(again);
    free(r.overrides);
    config_free(c);
    return code;
}

bool run_check(const config *c, run_needs *needs, nx_error *err)
{
    task *t;
    uint64_t bytes[NX_MEMORY_KINDS];
    *needs = (run_needs){0};
    if (!task_new(&t, c, err)) return false;
    bool ok = task_fits(t, err);
    if (ok) task_bytes(t, bytes);
    for (int k = 0; ok && k < NX_MEMORY_KINDS; k++) needs->bytes += bytes[k];
    needs->memory = t->info.memory;
    needs->cpu = t->info.type == CL_DEVICE_TYPE_CPU;
    task_free(t);
    return ok;
}

static cJSON *plan_json(task *t, const char *label, const duration *d)
{
    const nx_device_info *device = &t->info;
    uint64_t bytes[NX_MEMORY_KINDS], total = 0;
    cJSON *json = cJSON_CreateObject();
    task_bytes(t, bytes);
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
    cJSON_AddNumberToObject(json, "seconds_per_step", d->step > 0 ? d->step : NAN);
    cJSON_AddNumberToObject(json, "seconds", d->step > 0 ? d->total : NAN);
    cJSON_AddStringToObject(json, "seconds_from", d->run ? d->run : d->step > 0 ? "measured" : "");
    return json;
}

static void print_plan(task *t, const char *label, const duration *d)
{
    char disk[16], time[256];
    printf("%s%s%sdevice    %s\n", *label ? "point     " : "", label, *label ? "\n" : "", t->info.name);
    task_print_plan(t);
    printf("\nrun file  about %s\n", nx_bytes_text(disk, (double)task_disk_bytes(t)));
    printf("time      %s\n", d->step > 0 ? duration_text(time, d) : "not known before a step: add --time");
}

/* Plans a point; with measure, its steps are timed where no run file tells of them. */
static bool plan_point(const point *p, bool measure, cJSON *plans, nx_error *err)
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

int command_plan(int argc, char **argv)
{
    request r;
    nx_error err;
    config *c;
    points p;
    if (!parse(&r, argc, argv, false)) return free(r.overrides), EXIT_REQUEST;
    bool ok = config_load(&c, r.config, r.overrides, r.n_overrides, &err);
    free(r.overrides);
    if (!ok) return fail_with(&err, EXIT_REQUEST);
    if (r.time) point_run_prepare();
    cJSON *plans = r.json ? cJSON_CreateArray() : NULL;
    ok = points_new(&p, c, NULL, &err);
    for (size_t i = 0; ok && i < p.count; i++) ok = plan_point(&p.point[i], r.time, plans, &err);
    if (ok && r.json) show_json(plans);
    cJSON_Delete(plans);
    points_free(&p);
    config_free(c);
    return ok ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}
