/* nstx run and nstx plan: a config, its points one after another, and the table that compares them. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands.h"
#include "io/files.h"
#include "io/image.h"
#include "run/interrupt.h"
#include "run/train.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char run_usage[] = "run CONFIG [-s section.key=value]... [-o RUN.h5] [--resume]";
static const char plan_usage[] = "plan CONFIG [-s section.key=value]...";

typedef struct request {
    const char *config, *out;
    const char **overrides;
    size_t n_overrides;
    bool resume;
} request;

/* False after a message. */
static bool parse(request *r, int argc, char **argv, const char *usage, bool run)
{
    static const struct option longs[] = {{"resume", no_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
    *r = (request){.overrides = nx_alloc((size_t)(argc + 1) * sizeof *r->overrides)};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, run ? "s:o:" : "s:", run ? longs : longs + 1, NULL)) != -1;) {
        if (o == 's')
            r->overrides[r->n_overrides++] = optarg;
        else if (o == 'o')
            r->out = optarg;
        else if (o == 'r')
            r->resume = true;
        else
            return usage_error(usage, "unknown or incomplete option %s", argv[optind - 1]), false;
    }
    if (optind + 1 != argc)
        return usage_error(usage, optind == argc ? "no config is named" : "one config at a time, not also %s",
                           argv[argc - 1]),
               false;
    r->config = argv[optind];
    return true;
}

/* ---- one point ---- */

typedef struct point {
    char *label, *path;
    trainer_end end;
    trainer_result result;
    bool reused;
} point;

/* The run file of a config: -o, [log] file, or the config's name with .h5 in the working folder. */
static char *run_path(const request *r, const config *c)
{
    if (r->out) return nx_copy_text(r->out);
    if (*c->log.file) return nx_copy_text(c->log.file);
    char *stem = nx_path_stem(r->config), *path = nx_format("%s.h5", stem);
    free(stem);
    return path;
}

/* RUN.h5 of the point "norm=batch seed=2" is RUN-norm=batch-seed=2.h5. */
static char *point_path(const char *path, const char *label)
{
    if (!*label) return nx_copy_text(path);
    int stem = (int)strlen(path) - (nx_ends_with(path, ".h5") ? 3 : 0);
    char *name = nx_format("%.*s-%s.h5", stem, path, label);
    for (char *s = name + stem; *s; s++)
        if (*s == ' ' || *s == '/') *s = '-';
    return name;
}

static bool read_result(const char *path, trainer_result *result, nx_error *err)
{
    *result = (trainer_result){.validation = NAN, .style = NAN, .content = NAN};
    if (!runfile_last(path, "total", &result->loss, err)) return false;
    nx_error none;
    runfile_last(path, "validation/total", &result->validation, &none);
    runfile_last(path, "validation/style", &result->style, &none);
    runfile_last(path, "validation/content", &result->content, &none);
    return true;
}

/* Runs the point; gives an exit code after a message. */
static int run_point(const request *r, const config *c, point *p)
{
    nx_error err;
    if (r->resume && runfile_is_finished(p->path, c)) {
        nx_info("%s is finished", p->path);
        p->reused = true;
        return read_result(p->path, &p->result, &err) ? EXIT_DONE : fail_with(&err, EXIT_FAILED);
    }
    trainer *t;
    if (!trainer_new(&t, c, &err)) return fail_with(&err, EXIT_REQUEST);
    const nx_device_info *device = trainer_device(t);
    nx_info("device: %s (%s, driver %s), %s kernels", device->name, device->platform, device->driver,
            device->family == NX_FAMILY_CPU ? "CPU" : "GPU");
    runfile_info info = {command_line, c, device};
    runfile *file = NULL;
    int code = EXIT_REQUEST;
    if (trainer_fits(t, &err) &&
        (r->resume ? runfile_resume(&file, p->path, &info, &err) : runfile_new(&file, p->path, &info, &err))) {
        p->end = trainer_run(t, file, p->path, &p->result, &err);
        code = p->end == TRAINER_FINISHED ? EXIT_DONE : p->end == TRAINER_INTERRUPTED ? INTERRUPT_EXIT : EXIT_FAILED;
    }
    if (code == EXIT_FAILED || code == EXIT_REQUEST) fail_with(&err, code);
    if (code == INTERRUPT_EXIT)
        fprintf(stderr, "nstx: interrupted at step %llu; `nstx run %s --resume` continues %s\n",
                (unsigned long long)p->result.step, r->config, p->path);
    runfile_free(file);
    trainer_free(t);
    return code;
}

/* ---- comparison ---- */

static void print_table(const point *points, size_t n)
{
    int width = 5;
    for (size_t i = 0; i < n; i++)
        if ((int)strlen(points[i].label) > width) width = (int)strlen(points[i].label);
    printf("%-*s  %12s  %12s  %12s  %12s  %8s  %8s\n", width, "point", "training", "validation", "style", "content",
           "of first", "seconds");
    for (size_t i = 0; i < n; i++) {
        const trainer_result *v = &points[i].result;
        printf("%-*s  %12.5g  %12.5g  %12.5g  %12.5g  %8.3f", width, points[i].label, v->loss, v->validation, v->style,
               v->content, v->validation / points[0].result.validation);
        if (points[i].reused)
            printf("  %8s\n", "before");
        else
            printf("  %8.1f\n", v->seconds);
    }
}

static char *picture_path(const char *run)
{
    int stem = (int)strlen(run) - (nx_ends_with(run, ".h5") ? 3 : 0);
    return nx_format("%.*s.png", stem, run);
}

/* The pictures of all points as one: the content of the first, then each point's outputs. A point's picture has two
 * halves, content above; all have the same size. */
static bool compare_pictures(const point *points, size_t n, const char *run, nx_error *err)
{
    nx_image all = {0};
    size_t row = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        char *path = picture_path(points[i].path);
        nx_image one;
        ok = nx_image_load(&one, path, err);
        free(path);
        if (!ok) break;
        size_t half = (size_t)one.height / 2, line = (size_t)one.width * 3;
        if (!i) all = nx_image_new((int)(half * (n + 1)), one.width);
        ok = one.width == all.width && half * (n + 1) == (size_t)all.height;
        if (ok && !i) memcpy(all.rgb, one.rgb, half * line * sizeof(float)), row = half;
        if (ok) memcpy(all.rgb + row * line, one.rgb + ((size_t)one.height - half) * line, half * line * sizeof(float));
        row += half;
        nx_image_free(&one);
        if (!ok) nx_fail(err, "%s: the pictures of the points differ in size", run);
    }
    char *path = picture_path(run);
    ok = ok && nx_image_save_png(&all, path, err);
    if (ok) printf("\npictures: %s: content, then one row for each point\n", path);
    free(path);
    nx_image_free(&all);
    return ok;
}

static void print_single(const point *p)
{
    const trainer_result *v = &p->result;
    char planned[16], measured[16], *picture = picture_path(p->path);
    printf("run        %s\n", p->path);
    if (nx_file_exists(picture)) printf("pictures   %s\n", picture);
    printf("training   %.6g\nvalidation %.6g (style %.5g, content %.5g)\n", v->loss, v->validation, v->style,
           v->content);
    if (!p->reused)
        printf("seconds    %.1f\nmemory     planned %s, measured %s\n", v->seconds,
               nx_bytes_text(planned, (double)v->planned_bytes), nx_bytes_text(measured, (double)v->measured_bytes));
    free(picture);
}

int command_run(int argc, char **argv)
{
    request r;
    nx_error err;
    config *c;
    if (!parse(&r, argc, argv, run_usage, true)) return free(r.overrides), EXIT_REQUEST;
    if (!config_load(&c, r.config, r.overrides, r.n_overrides, &err)) {
        free(r.overrides);
        return fail_with(&err, EXIT_REQUEST);
    }
    interrupt_watch();
    size_t n = config_points(c), done = 0;
    point *points = nx_alloc(n * sizeof *points);
    char *path = run_path(&r, c);
    int code = EXIT_DONE;
    for (size_t i = 0; i < n; i++) {
        config *one;
        point *p = &points[done];
        if (!config_point(&one, &p->label, c, i, &err)) {
            code = fail_with(&err, EXIT_REQUEST);
            break;
        }
        p->path = point_path(path, p->label);
        if (*p->label) nx_info("point %zu of %zu: %s", i + 1, n, p->label);
        int end = run_point(&r, one, p);
        config_free(one);
        if (end == EXIT_DONE) {
            done++;
            continue;
        }
        free(p->label);
        free(p->path);
        code = end;
        if (end != EXIT_FAILED) break; /* a point that failed leaves the others their turn */
    }
    if (done && n == 1) print_single(&points[0]);
    if (done && n > 1) {
        print_table(points, done);
        if (c->log.images && !compare_pictures(points, done, path, &err)) code = fail_with(&err, EXIT_FAILED);
    }
    for (size_t i = 0; i < done; i++) {
        free(points[i].label);
        free(points[i].path);
    }
    free(points);
    free(path);
    free(r.overrides);
    config_free(c);
    return code;
}

int command_plan(int argc, char **argv)
{
    request r;
    nx_error err;
    config *c, *one;
    char *label;
    trainer *t;
    if (!parse(&r, argc, argv, plan_usage, false)) return free(r.overrides), EXIT_REQUEST;
    bool ok = config_load(&c, r.config, r.overrides, r.n_overrides, &err);
    free(r.overrides);
    if (!ok) return fail_with(&err, EXIT_REQUEST);
    for (size_t i = 0; ok && i < config_points(c); i++) {
        if (!(ok = config_point(&one, &label, c, i, &err))) break;
        if ((ok = trainer_new(&t, one, &err))) {
            printf("%s%s%sdevice    %s\n", *label ? "point     " : "", label, *label ? "\n" : "",
                   trainer_device(t)->name);
            trainer_print_plan(t);
            trainer_free(t);
        }
        free(label);
        config_free(one);
    }
    config_free(c);
    return ok ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}
