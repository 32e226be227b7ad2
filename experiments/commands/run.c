/* nstx run: a config, its points one after another, and the table that compares them. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/cli.h"
#include "commands/json.h"
#include "io/files.h"
#include "run/interrupt.h"
#include "run/run_config.h"
#include "sweeps/comparison.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one point ---- */

static void print_single(const sweep_point *p, const run_outcome *o)
{
    char planned[16], measured[16], *picture = path_beside(p->path, ".png"), *folder = runfile_pictures_folder(p->path);
    printf("run        %s\n", p->path);
    if (nx_file_exists(picture)) printf("pictures   %s\n", picture);
    if (p->config->log.pictures == LOG_PICTURES_FOLDER && nx_folder_exists(folder)) printf("on the way %s\n", folder);
    if (isnan(o->validation) && !isnan(o->style))
        printf("loss       %.6g (style %.5g, content %.5g)\n", o->loss, o->style, o->content);
    else
        printf("training   %.6g\n", o->loss);
    if (!isnan(o->validation) && isnan(o->style))
        printf("validation %.6g\n", o->validation);
    else if (!isnan(o->validation))
        printf("validation %.6g (style %.5g, content %.5g)\n", o->validation, o->style, o->content);
    if (!isnan(o->top1)) printf("top-1      %.2f %%\n", 100 * o->top1);
    if (!isnan(o->top5)) printf("top-5      %.2f %%\n", 100 * o->top5);
    if (!isnan(o->diversity.neighbour)) /* of two samples or more */
        printf("samples    nearest neighbour %.4g, contrast %.4g (grey levels)\n", o->diversity.neighbour,
               o->diversity.contrast);
    if (!o->reused)
        printf("seconds    %.1f\nmemory     planned %s, measured %s\n", o->result.seconds,
               nx_bytes_text(planned, (double)o->result.planned_bytes),
               nx_bytes_text(measured, (double)o->result.measured_bytes));
    free(picture);
    free(folder);
}

/* The same for programs; what is not a number, as the validation of a run without one, is null. */
static cJSON *outcome_json(const sweep_point *one, const run_outcome *o)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "run", one->path);
    cJSON_AddStringToObject(json, "point", one->label);
    cJSON_AddNumberToObject(json, "training", o->loss);
    cJSON_AddNumberToObject(json, "validation", o->validation);
    if (!isnan(o->top1)) cJSON_AddNumberToObject(json, "top1", o->top1);
    if (!isnan(o->top5)) cJSON_AddNumberToObject(json, "top5", o->top5);
    cJSON_AddNumberToObject(json, "style", o->style);
    cJSON_AddNumberToObject(json, "content", o->content);
    if (o->reused) return json;
    cJSON_AddNumberToObject(json, "seconds", o->result.seconds);
    cJSON_AddNumberToObject(json, "planned_bytes", (double)o->result.planned_bytes);
    cJSON_AddNumberToObject(json, "measured_bytes", (double)o->result.measured_bytes);
    return json;
}

/* What lies in the way of the last of many points is known before the first is run. */
static bool may_write_all(const sweep_points *p, const config *c, const run_request *request, nx_error *err)
{
    bool may = p->count == 1 || comparison_may_write(c, p->path, err);
    for (size_t i = 0; may && i < p->count; i++) may = run_config_may_write(&p->point[i], request, err);
    return may;
}

/* All points in turn; one that failed leaves the others theirs. Gives the exit code. */
static int run_points(const sweep_points *p, const config *c, bool resume, bool overwrite, bool json)
{
    nx_error err;
    run_outcome last;
    int code = EXIT_DONE;
    char *again = nx_format("%s%s", cli_again(), resume ? "" : " --resume");
    run_request request = {.command = cli_line(), .again = again, .resume = resume, .overwrite = overwrite};
    if (!may_write_all(p, c, &request, &err)) return free(again), fail_with(&err, EXIT_REQUEST);
    comparison *table = comparison_new();
    cJSON *results = cJSON_CreateArray();
    for (size_t i = 0, end = 0; i < p->count && (!end || (end == EXIT_FAILED && !interrupt_wanted())); i++) {
        const sweep_point *one = &p->point[i];
        if (*one->label) nx_info("point %zu of %zu: %s", i + 1, p->count, one->label);
        end = (size_t)run_config(one, &request, &last, &err);
        if (end) {
            code = fail_with(&err, (int)end);
            continue;
        }
        cJSON_AddItemToArray(results, outcome_json(one, &last));
        if (p->count == 1 && !json) print_single(one, &last);
        if (p->count > 1 && !comparison_add(table, one, &err)) code = fail_with(&err, EXIT_FAILED);
    }
    if (comparison_count(table)) {
        if (!json) comparison_print(table, stdout);
        if (!comparison_save(table, p->path, &err) ||
            (c->log.images &&
             !comparison_picture(table, c->experiment.task == TASK_TRAIN, p->path, json ? NULL : stdout, &err)))
            code = fail_with(&err, EXIT_FAILED);
    }
    if (json) print_json(results);
    if (!code && fflush(stdout) && errno == EPIPE)
        code = fail_with((nx_fail(&err, "standard output: no one reads the results"), &err), EXIT_FAILED);
    cJSON_Delete(results);
    comparison_free(table);
    free(again);
    return code;
}

static int command_run(int argc, char **argv)
{
    static const struct option longs[] = {{"resume", no_argument, NULL, 'r'},
                                          {"overwrite", no_argument, NULL, 'w'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
    config_request r = {0};
    const char *out = NULL;
    bool resume = false, overwrite = false, json = false;
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "s:o:", longs, NULL)) != -1;) {
        if (o == 's')
            config_request_set(&r, optarg);
        else if (o == 'o')
            out = optarg;
        else if (o == 'r')
            resume = true;
        else if (o == 'w')
            overwrite = true;
        else if (o == 'q')
            nx_log_set(NX_LOG_WARN);
        else if (o == 'j')
            json = true;
        else
            return config_request_free(&r), usage_error("run", "unknown or incomplete option %s", argv[optind - 1]);
    }
    if (resume && overwrite)
        return config_request_free(&r), usage_error("run", "--resume goes on with a run, --overwrite replaces it");
    if (!config_request_name(&r, argc, argv)) return config_request_free(&r), EXIT_REQUEST;
    config *c;
    sweep_points p;
    nx_error err;
    run_config_prepare();
    int code = config_request_open(&r, out, &c, &p, &err) ? run_points(&p, c, resume, overwrite, json)
                                                          : fail_with(&err, EXIT_REQUEST);
    sweep_points_free(&p);
    config_free(c);
    config_request_free(&r);
    return code;
}

const command run_command = {
    .name = "run",
    .run = command_run,
    .usage = "run CONFIG [-s section.key=value]... [-o RUN.h5] [--resume|--overwrite] [--quiet] [--json]",
    .does = "runs a config; with a [sweep], each of its points and then a comparison",
};
