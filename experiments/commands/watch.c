/* nstx watch: follows a run by reading its file again each time it is replaced, which is whole at any moment. On a
 * terminal a few lines that replace themselves; to a pipe a line for each save.
 *
 * A run that is killed leaves the status "running" behind. Its lock tells: the system lets go of it with the process.
 */
#include "base/memory.h"
#include "base/text.h"
#include "commands/cli.h"
#include "commands/terminal.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/ini.h"
#include "run/interrupt.h"
#include "run/progress.h"
#include "runfile/lock.h"
#include "runfile/reader.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CELLS = 48, QUIET = 6 }; /* of a curve; looks without news before the lock is asked */
#define LOOK_EVERY 0.5          /* seconds */
#define SPEED_OVER 30.0         /* the newest seconds that the speed is measured over */

typedef struct view { /* of a run at one moment */
    char *status;
    int64_t steps, kept;      /* kept: the step of its checkpoint, 0 without one */
    series total, validation; /* empty where there are none yet */
} view;

static void view_free(view *v)
{
    free(v->status);
    series_free(&v->total);
    series_free(&v->validation);
    *v = (view){0};
}

static bool read_steps(int64_t *steps, const nx_h5 *file, const char *path, nx_error *err)
{
    char *text;
    nx_ini ini;
    if (!nx_h5_read_text(file, "/config", &text, err)) return false;
    bool fine = nx_ini_parse(&ini, path, text, err);
    free(text);
    if (!fine) return false;
    for (size_t i = 0; i < ini.count; i++)
        if (!strcmp(ini.entries[i].section, "experiment") && !strcmp(ini.entries[i].key, "steps"))
            *steps = strtoll(ini.entries[i].value, NULL, 10);
    nx_ini_free(&ini);
    return true;
}

static bool look(view *v, const char *path, nx_error *err)
{
    nx_h5 *file;
    *v = (view){0};
    if (!nx_h5_open(&file, path, false, err)) return false;
    bool run = nx_h5_exists(file, "/config") && nx_h5_exists(file, "/metrics");
    bool fine = run ? nx_h5_get_string(file, "/", "status", &v->status, err) && read_steps(&v->steps, file, path, err)
                    : nx_fail(err, "%s: not a run file: `nstx info %s` says what it is", path, path);
    if (fine) {
        series_read(&v->total, file, "total", NULL); /* a young run has none */
        series_read(&v->validation, file, "validation/total", NULL);
        uint64_t kept;
        if (read_kept_step(file, &kept) && kept <= INT64_MAX) v->kept = (int64_t)kept;
    }
    nx_h5_close(file, NULL);
    if (v->status) nx_text_printable(v->status);
    if (!fine) view_free(v);
    return fine;
}

/* ---- what is shown ---- */

/* The curve in eight heights, each cell a mean; of the logarithms where all values are positive. In out, returned. */
static char *sparkline(char out[3 * CELLS + 1], const series *s)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double cell[CELLS], low = INFINITY, high = -INFINITY;
    bool logarithmic = true;
    for (size_t i = 0; i < s->rows; i++) logarithmic = logarithmic && (s->value[i] > 0 || isnan(s->value[i]));
    size_t cells = s->rows < CELLS ? s->rows : CELLS;
    for (size_t c = 0; c < cells; c++) {
        size_t from = c * s->rows / cells, end = (c + 1) * s->rows / cells, count = 0;
        double mean = 0;
        for (size_t i = from; i < end; i++) count += isfinite(s->value[i]);
        for (size_t i = from; i < end; i++)
            if (isfinite(s->value[i])) mean += (logarithmic ? log(s->value[i]) : s->value[i]) / (double)count;
        cell[c] = count ? mean / 2 : NAN; /* a half: the distance of any two is a number */
        if (cell[c] < low) low = cell[c];
        if (cell[c] > high) high = cell[c];
    }
    *out = 0;
    for (size_t c = 0; c < cells; c++) {
        double height = high > low ? (cell[c] - low) / (high - low) : 0;
        strcat(out, isnan(cell[c]) ? "x" : bars[(int)(height * 7 + 0.5)]);
    }
    return out;
}

/* How many steps are done: all, or what the newest row of either or the checkpoint says. */
static int64_t step_of(const view *v)
{
    int64_t total = v->total.rows ? v->total.step[v->total.rows - 1] : 0;
    int64_t validation = v->validation.rows ? v->validation.step[v->validation.rows - 1] : 0;
    int64_t row = total > validation ? total : validation;
    return !strcmp(v->status, "finished") ? v->steps : row > v->kept ? row : v->kept;
}

/* Steps per second over the newest part of the run; 0 while unknown. */
static double speed_of(const series *s)
{
    if (s->rows < 2) return 0;
    size_t last = s->rows - 1, from = last - 1;
    while (from > 0 && s->time[last] - s->time[from] < SPEED_OVER) from--;
    double seconds = s->time[last] - s->time[from];
    return seconds > 0 ? ((double)s->step[last] - (double)s->step[from]) / seconds : 0;
}

static void show_series(const char *name, const series *s)
{
    char curve[3 * CELLS + 1];
    if (s->rows) printf("%-10s  %-10.5g  %s\n", name, s->value[s->rows - 1], sparkline(curve, s));
}

/* Draws over what the last call drew; gives how many lines there are now. */
static int show_terminal(const view *v, const char *path, double age, int before)
{
    char text[160];
    const series *t = &v->total;
    if (before) printf("\033[%dA\033[J", before);
    const char *ink = !strcmp(v->status, "finished")  ? TERMINAL_GOOD
                      : !strcmp(v->status, "running") ? TERMINAL_BOLD
                                                      : TERMINAL_BAD;
    printf("%s  %s%s%s, saved %.0f s ago\n", path, terminal_style(stdout, ink), v->status,
           terminal_style(stdout, TERMINAL_END), age > 0 ? age : 0); /* the clock may have been put back */
    if (!t->rows) return fflush(stdout), 1;
    printf("%s\n", progress_text(text, sizeof text, step_of(v), v->steps, t->value[t->rows - 1],
                                 strcmp(v->status, "running") ? 0 : speed_of(t)));
    show_series("total", t);
    show_series("validation", &v->validation);
    fflush(stdout);
    return 3 + (v->validation.rows > 0);
}

static void show_line(const view *v)
{
    char text[160], curve[3 * CELLS + 1];
    const series *t = &v->total, *h = &v->validation;
    if (!t->rows) return;
    printf("%s", progress_text(text, sizeof text, step_of(v), v->steps, t->value[t->rows - 1],
                               strcmp(v->status, "running") ? 0 : speed_of(t)));
    printf("  total %s", sparkline(curve, t));
    if (h->rows) printf("  validation %.4g %s", h->value[h->rows - 1], sparkline(curve, h));
    putchar('\n');
    fflush(stdout);
}

/* ---- following ---- */

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The last words, and the exit code. */
static int ended(const view *v, const char *path)
{
    long long step = step_of(v);
    if (!strcmp(v->status, "finished")) return printf("finished at step %lld\n", step), EXIT_DONE;
    if (!strcmp(v->status, "interrupted"))
        return printf("interrupted at step %lld; --resume continues it\n", step), EXIT_INTERRUPTED;
    if (strcmp(v->status, "running")) return printf("%s at step %lld\n", v->status, step), EXIT_FAILED;
    nx_error err;
    nx_fail(&err, "%s: nothing writes this run any more, it was killed after step %lld; --resume continues it", path,
            step);
    return fail_with(&err, EXIT_FAILED);
}

static int command_watch(int argc, char **argv)
{
    if (argc != 2) return usage_error("watch", argc < 2 ? "no run is named" : "one run at a time");
    const char *path = argv[1];
    nx_error err;
    if (!nx_file_exists(path) && !run_lock_is_held(path)) {
        nx_fail(&err, "%s: there is no such run", path);
        return fail_with(&err, EXIT_REQUEST);
    }
    bool terminal = isatty(STDOUT_FILENO), known = false;
    int drawn = 0, quiet = 0;
    view v = {0};
    struct stat seen = {0}, now;
    for (;;) {
        bool there = !stat(path, &now), fresh = there && (!known || !same(&seen, &now));
        if (fresh) {
            view next;
            if (!look(&next, path, &err)) return view_free(&v), fail_with(&err, EXIT_REQUEST);
            view_free(&v);
            v = next, seen = now, known = true, quiet = 0;
            if (!terminal) show_line(&v);
        } else {
            quiet++;
        }
        if (terminal && known) drawn = show_terminal(&v, path, difftime(time(NULL), seen.st_mtime), drawn);
        bool running = known && !strcmp(v.status, "running");
        if ((known && !running) || (quiet >= QUIET && quiet % QUIET == 0))
            if (!run_lock_is_held(path)) break; /* a file of before, while a run begins anew, is not the end */
        nanosleep(&(struct timespec){0, (long)(LOOK_EVERY * 1e9)}, NULL);
    }
    if (!known) {
        nx_fail(&err, "%s: the run ended before it was saved", path);
        return fail_with(&err, EXIT_FAILED);
    }
    int code = ended(&v, path);
    view_free(&v);
    return code;
}

const command watch_command = {
    .name = "watch",
    .run = command_watch,
    .usage = "watch RUN.h5",
    .does = "follows a run: step, time left, the curves of its losses",
};
