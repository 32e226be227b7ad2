/* nstx sweep: the points of a config side by side. Points that are finished are left alone, all others are started with
 * --resume, so that the same command goes on with what failed or was interrupted. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/cli.h"
#include "config/made.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "machine/device.h"
#include "run/interrupt.h"
#include "run/run_config.h"
#include "runfile/inputs.h"
#include "runfile/own.h"
#include "runfile/runfile.h"
#include "sweeps/comparison.h"
#include "sweeps/jobs.h"

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const char sweep_options[] =
    "Points are spread over all devices that NSTX_DEVICE, or [device] name, fits: \"H200\" all of that name, a list\n"
    "those in it, \"#1,#3\"; each runs on one of them, and gives what it would give alone.\n"
    "  -j N                    points at a time, over all devices; without it as many as are worth while\n"
    "  --slurm                 as an array of Slurm, which has devices of its own to give\n";

typedef struct request {
    config_request config;
    const char *out;
    int most;
    bool slurm;
} request;

/* False after a message. */
static bool parse(request *r, int argc, char **argv)
{
    static const struct option longs[] = {{"slurm", no_argument, NULL, 'S'}, {NULL, 0, NULL, 0}};
    *r = (request){0};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "s:o:j:", longs, NULL)) != -1;) {
        char *end = "";
        if (o == 's')
            config_request_set(&r->config, optarg);
        else if (o == 'o')
            r->out = optarg;
        else if (o == 'j')
            r->most = (int)strtol(optarg, &end, 10);
        else if (o == 'S')
            r->slurm = true;
        else
            return usage_error("sweep", "unknown or incomplete option %s", argv[optind - 1]), false;
        if (o == 'j' && (*end || r->most < 1 || r->most > 4096))
            return usage_error("sweep", "-j %s: from 1 to 4096 points at a time", optarg), false;
    }
    return config_request_name(&r->config, argc, argv);
}

/* ---- before the start ---- */

static void add_word(char ***words, size_t *count, const char *word)
{
    *words = nx_realloc(*words, (*count + 2) * sizeof **words);
    (*words)[(*count)++] = nx_copy_text(word);
    (*words)[*count] = NULL;
}

static char **arguments_of(const request *r, const sweep_point *p)
{
    char **words = NULL;
    size_t n = 0;
    add_word(&words, &n, "nstx");
    add_word(&words, &n, "run");
    add_word(&words, &n, r->config.config);
    for (size_t i = 0; i < r->config.count; i++)
        add_word(&words, &n, "-s"), add_word(&words, &n, r->config.settings[i]);
    for (int i = 0; i < p->overrides.count; i++)
        add_word(&words, &n, "-s"), add_word(&words, &n, p->overrides.items[i]);
    add_word(&words, &n, "-o");
    add_word(&words, &n, p->path);
    add_word(&words, &n, "--resume");
    return words;
}

/* A run file that is there must be one that the point's config can go on with. */
static bool continues(const sweep_point *p, nx_error *err)
{
    nx_h5 *file;
    if (!nx_file_exists(p->path)) return true;
    if (!nx_h5_open(&file, p->path, false, err)) return false;
    bool ok = inputs_continue(p->config, file, p->path, err);
    nx_h5_close(file, NULL);
    return ok;
}

/* The devices of every job that is to run, and a place for each of them. */
static bool find_devices(jobs *all, nx_error *err)
{
    unsigned last = 0;
    for (size_t i = 0; i < all->count; i++) {
        job *j = &all->job[i];
        if (j->state == JOB_DONE) continue;
        if (!device_matching(&j->devices, &j->n_devices, j->point->config->device.name, err)) return false;
        for (size_t k = 0; k < j->n_devices; k++)
            if (j->devices[k].number > last) last = j->devices[k].number;
    }
    all->places = nx_alloc((last + 1) * sizeof *all->places);
    return true;
}

static int cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

/* Reads the inputs of every point that is to run, so that a mistake is known before anything starts, and finds how many
 * at a time are worth while: one for each core, as many as the devices have memory for, but one for each device. Where
 * the device is the processor itself, one run keeps most of it busy, and half as many are as fast. */
static bool check_points(jobs *all, int *fit, nx_error *err)
{
    run_needs most = {0};
    uint64_t devices = 1; /* of that point */
    for (size_t i = 0; i < all->count; i++) {
        run_needs one;
        if (all->job[i].state == JOB_DONE) continue;
        nx_progress("checking point %zu of %zu", i + 1, all->count);
        if (!may_write(all->job[i].log, err) ||
            !run_config_may_write(all->job[i].point, &(run_request){.resume = true}, err) ||
            !continues(all->job[i].point, err) || !run_config_check(all->job[i].point->config, &one, err))
            return false;
        if (one.bytes >= most.bytes) most = one, devices = all->job[i].n_devices;
    }
    nx_progress("%s", "");
    uint64_t room = most.bytes ? most.memory / most.bytes : 1, worth = (uint64_t)cores() / (most.cpu ? 2 : 1);
    if (!most.cpu) room *= devices; /* processors share the machine's memory */
    if (worth < devices) worth = devices;
    *fit = (int)(room < worth ? room : worth);
    if (*fit < 1) *fit = 1;
    return true;
}

/* ---- while they run ---- */

/* Where a job runs or ran, "" where it had no choice. */
static char *place_text(const job *j, char out[160])
{
    *out = 0;
    if (j->on && j->n_devices > 1) snprintf(out, 160, " on #%u %s", j->on->number, j->on->name);
    return out;
}

static size_t in_state(const jobs *all, job_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) count += all->job[i].state == state;
    return count;
}

/* Minutes left by the mean time of the points that ended, or nothing while none has. */
static char *time_left(const jobs *all, char out[48])
{
    double spent = 0, left = 0;
    int ended = 0, at_once = all->most ? all->most : 1;
    for (size_t i = 0; i < all->count; i++) {
        const job *j = &all->job[i];
        if (j->state == JOB_DONE && !j->before) spent += j->ended - j->started, ended++;
    }
    *out = 0;
    if (!ended) return out;
    for (size_t i = 0; i < all->count; i++) {
        const job *j = &all->job[i];
        double rest = spent / ended - (j->state == JOB_RUNNING ? nx_now() - j->started : 0);
        if ((j->state == JOB_RUNNING || j->state == JOB_WAITING) && rest > 0) left += rest;
    }
    left /= at_once;
    snprintf(out, 48, ", about %d:%02d left", (int)left / 60, (int)left % 60);
    return out;
}

/* The table of a terminal: a line for all, a line for each that runs. Owned by the caller. */
static char *table_text(const jobs *all, int *lines)
{
    enum { MOST = 30 };
    char *text = NULL, line[512], last[256], left[48];
    size_t bytes;
    struct winsize window;
    int width = !ioctl(STDERR_FILENO, TIOCGWINSZ, &window) && window.ws_col > 20 ? window.ws_col - 1 : 79;
    FILE *out = open_memstream(&text, &bytes);
    NX_CHECK(out, "no memory for a table");
    snprintf(line, sizeof line, "%zu of %zu done, %zu running, %zu failed%s", in_state(all, JOB_DONE), all->count,
             in_state(all, JOB_RUNNING), in_state(all, JOB_FAILED), time_left(all, left));
    fprintf(out, "%.*s\n", width, line);
    *lines = 1;
    for (size_t i = 0; i < all->count && *lines < MOST; i++) {
        const job *j = &all->job[i];
        if (j->state != JOB_RUNNING) continue;
        char place[8] = "";
        if (j->n_devices > 1) snprintf(place, sizeof place, "#%-3u", j->on->number);
        snprintf(line, sizeof line, "  %-32s  %s%s", jobs_name(j), place, jobs_last_line(j, last, sizeof last));
        fprintf(out, "%.*s\n", width, line);
        ++*lines;
    }
    NX_CHECK(!fclose(out), "no memory for a table");
    return text;
}

/* What the terminal shows. */
typedef struct screen {
    char *text;
    int lines;
} screen;

/* Replaces the table where it changed. */
static void show_table(const jobs *all, screen *s)
{
    int lines;
    char *text = table_text(all, &lines);
    if (s->text && !strcmp(s->text, text)) {
        free(text);
        return;
    }
    if (s->lines) fprintf(stderr, "\033[%dA\033[J", s->lines);
    fputs(text, stderr);
    free(s->text);
    *s = (screen){text, lines};
}

/* A line for each change since the jobs were as shown, to a pipe. */
static void show_changes(const jobs *all, job *shown)
{
    static const char *const words[] = {[JOB_RUNNING] = "runs",
                                        [JOB_DONE] = "is done",
                                        [JOB_FAILED] = "failed",
                                        [JOB_STOPPED] = "stopped with a checkpoint"};
    for (size_t i = 0; i < all->count; i++) {
        const job *j = &all->job[i];
        char after[48] = "", place[160];
        bool same = j->state == shown[i].state && j->on == shown[i].on;
        shown[i] = *j;
        if (same || j->state == JOB_WAITING) continue; /* again, which was told */
        if (j->state != JOB_RUNNING) snprintf(after, sizeof after, " after %.1f s", j->ended - j->started);
        nx_info("%zu of %zu: %s %s%s%s", i + 1, all->count, jobs_name(j), words[j->state], place_text(j, place), after);
    }
}

static void carry_out(jobs *all, const jobs_way *way)
{
    bool terminal = isatty(STDERR_FILENO);
    screen seen = {0};
    job *shown = nx_copy(all->job, all->count * sizeof *shown);
    for (bool more = true; more;) {
        more = way->poll(all);
        if (all->told) seen.lines = 0, all->told = false;
        if (terminal)
            show_table(all, &seen);
        else
            show_changes(all, shown);
        if (interrupt_wanted() && !all->interrupted) {
            all->interrupted = true;
            seen.lines = 0; /* the message of the interruption stays */
            way->interrupt(all);
        }
        struct timespec pause = {(time_t)way->pause, (long)((way->pause - (double)(time_t)way->pause) * 1e9)};
        if (more) nanosleep(&pause, NULL);
    }
    free(shown);
    free(seen.text);
}

/* ---- afterwards ---- */

static bool compare(const jobs *all, const config *c, nx_error *err)
{
    comparison *table = comparison_new();
    bool ok = true;
    for (size_t i = 0; ok && i < all->count; i++)
        if (all->job[i].state == JOB_DONE) ok = comparison_add(table, all->job[i].point, err);
    if (ok && comparison_count(table)) {
        char *text = path_beside(all->path, ".md"), *values = path_beside(all->path, ".csv");
        comparison_print(table, stdout);
        ok = comparison_save(table, all->path, err);
        if (ok) printf("\ntables: %s, %s\n", text, values);
        if (ok && c->log.images && all->count > 1 && comparison_count(table) == all->count)
            ok = comparison_picture(table, c->experiment.task == TASK_TRAIN, all->path, stdout, err);
        free(text);
        free(values);
    }
    comparison_free(table);
    return ok;
}

static int report(const jobs *all, const config *c)
{
    nx_error err;
    char last[512];
    int code = all->interrupted ? EXIT_INTERRUPTED : in_state(all, JOB_FAILED) ? EXIT_FAILED : EXIT_DONE;
    if (!compare(all, c, &err)) code = fail_with(&err, EXIT_FAILED);
    fflush(stdout);
    for (size_t i = 0; i < all->count; i++) {
        const job *j = &all->job[i];
        if (j->state == JOB_FAILED)
            fprintf(stderr, "nstx: %s failed: %s (%s has all of it)\n", jobs_name(j),
                    *jobs_last_line(j, last, sizeof last) ? last : "it left no message", j->log);
        else if (j->state == JOB_DONE)
            unlink(j->log);
    }
    if (code != EXIT_DONE)
        fprintf(stderr, "nstx: %zu of %zu points are done; the same command goes on with the others\n",
                in_state(all, JOB_DONE), all->count);
    return code;
}

/* Everything between the points and the exit code. */
static int sweep(const request *r, const config *c, const sweep_points *p)
{
    nx_error err;
    int fit = 1, code = EXIT_DONE;
    jobs all = {.count = p->count, .job = nx_alloc(p->count * sizeof *all.job), .most = r->most, .path = p->path};
    for (size_t i = 0; i < p->count; i++) {
        const sweep_point *one = &p->point[i];
        bool done = runfile_is_finished(one->path, one->config);
        all.job[i] = (job){.point = one,
                           .arguments = arguments_of(r, one),
                           .log = path_beside(one->path, ".log"),
                           .state = done ? JOB_DONE : JOB_WAITING,
                           .before = done};
    }
    size_t waiting = in_state(&all, JOB_WAITING);
    const jobs_way *way = r->slurm ? &jobs_slurm : &jobs_children;
    char *folder = nx_path_folder(p->path);
    if (!nx_folder_make(folder, &err) || !comparison_may_write(c, p->path, &err) || !find_devices(&all, &err) ||
        !check_points(&all, &fit, &err))
        code = fail_with(&err, interrupt_code(EXIT_REQUEST));
    free(folder);
    if (!r->slurm && !all.most) all.most = fit;
    if (all.most > (int)waiting && waiting) all.most = (int)waiting;
    if (!code && waiting < p->count) nx_info("%zu of %zu points are done already", p->count - waiting, p->count);
    if (!code && waiting) {
        if (!r->slurm) nx_info("%zu point%s, %d at a time", waiting, waiting > 1 ? "s" : "", all.most);
        if (way->begin(&all, &err)) {
            carry_out(&all, way);
            way->end(&all);
        } else {
            code = fail_with(&err, EXIT_FAILED);
        }
    }
    if (!code) code = report(&all, c);
    for (size_t i = 0; i < all.count; i++) {
        for (char **word = all.job[i].arguments; *word; word++) free(*word);
        free(all.job[i].arguments);
        free(all.job[i].log);
        free(all.job[i].devices);
    }
    free(all.places);
    free(all.job);
    return code;
}

static int command_sweep(int argc, char **argv)
{
    request r;
    nx_error err;
    config *c;
    sweep_points p;
    int code;
    if (!parse(&r, argc, argv)) return config_request_free(&r.config), EXIT_REQUEST;
    interrupt_watch();
    made_interruptible(interrupt_wanted);
    code = config_request_open(&r.config, r.out, &c, &p, &err) ? sweep(&r, c, &p) : fail_with(&err, EXIT_REQUEST);
    sweep_points_free(&p);
    config_free(c);
    config_request_free(&r.config);
    return code;
}

const command sweep_command = {
    .name = "sweep",
    .run = command_sweep,
    .usage = "sweep CONFIG [-j N] [--slurm] [-s section.key=value]... [-o RUN.h5]",
    .does = "the points of a [sweep] side by side, finished ones skipped",
    .options = sweep_options,
};
