/* Jobs as child processes, each on one of the devices that it may run on. Each is a process group of its own, so that
 * Ctrl-C reaches it once, from here; it writes its messages into its log and is asked to stop when this process dies.
 */
#include "sweeps/jobs.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "machine/device.h"
#include "machine/kernel_cache.h"
#include "run/exit_code.h"
#include "run/interrupt.h"
#include "runfile/own.h"
#include "runfile/runfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool begin(jobs *all, nx_error *err)
{
    (void)all, (void)err;
    kernel_cache_share();
    return true;
}

/* ---- devices ---- */

static job_place *place_of(const jobs *all, const nx_device_info *device) { return &all->places[device->number - 1]; }

/* Where a job is to run: of its devices the one that fewest failed on, and fewest run on; NULL: it has its share. */
static const nx_device_info *free_device(const jobs *all, const job *j)
{
    const nx_device_info *best = NULL;
    int share = (all->most + (int)j->n_devices - 1) / (int)j->n_devices;
    for (size_t i = 0; i < j->n_devices; i++) {
        const job_place *p = place_of(all, &j->devices[i]), *least = best ? place_of(all, best) : NULL;
        if (&j->devices[i] == j->failed_on) continue;
        if (!best || p->failures < least->failures || (p->failures == least->failures && p->running < least->running))
            best = &j->devices[i];
    }
    return place_of(all, best)->running < share ? best : NULL;
}

/* The step that a job's run file could go on from; -1: none. */
static int64_t kept_of(const job *j)
{
    uint64_t step;
    return runfile_look(j->point->path, j->point->config, &step) == RUNFILE_BEGUN ? (int64_t)step : -1;
}

/* A failure that may be its device's, or turns out to be its own. */
static void blame(jobs *all, job *j)
{
    char last[512];
    if (j->n_devices < 2 || kept_of(j) != j->kept) return;
    if (j->failed_on) {
        place_of(all, j->failed_on)->failures--;
        return;
    }
    j->failed_on = j->on;
    j->state = JOB_WAITING;
    place_of(all, j->on)->failures++;
    nx_warn("%s failed on #%u %s: %s: it is tried once more on another device, and this one is left out unless it "
            "fails there too",
            jobs_name(j), j->on->number, j->on->name,
            *jobs_last_line(j, last, sizeof last) ? last : "it left no message");
    all->told = true;
}

/* ---- processes ---- */

/* The environment, with a device where a job has a choice; the words are not copied. Owned by the caller. */
static char **environment_of(const job *j, char device[32])
{
    size_t count = 0, used = 0;
    while (environ[count]) count++;
    char **out = nx_alloc((count + 2) * sizeof *out);
    for (size_t i = 0; i < count; i++)
        if (j->n_devices < 2 || strncmp(environ[i], DEVICE_VARIABLE "=", sizeof DEVICE_VARIABLE))
            out[used++] = environ[i];
    snprintf(device, 32, DEVICE_VARIABLE "=#%u", j->on->number);
    if (j->n_devices > 1) out[used++] = device;
    out[used] = NULL;
    return out;
}

/* Between fork and exec only what is safe after a fork of a program with threads. */
static _Noreturn void become(char *const *arguments, char *const *environment, int log, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int nothing = open("/dev/null", O_RDONLY);
    if (getppid() == parent && dup2(nothing, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0)
        execve("/proc/self/exe", arguments, environment);
    _exit(127);
}

/* Emptied, with the mark of our own texts in its first line; -1 where there is no place for it. */
static int open_log(const char *path)
{
    nx_error err;
    if (!may_write(path, &err)) return nx_warn("%s", err.text), -1;
    int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log < 0) nx_warn("%s: cannot be written: %s", path, strerror(errno));
    if (log >= 0) dprintf(log, OWN_LOG);
    return log;
}

static void start(jobs *all, job *j, const nx_device_info *device)
{
    int log = open_log(j->log);
    pid_t parent = getpid();
    char variable[32];
    j->on = device;
    char **environment = environment_of(j, variable);
    if (j->n_devices > 1) j->kept = kept_of(j);
    j->process = log < 0 ? -1 : fork();
    if (!j->process) become(j->arguments, environment, log, parent);
    free(environment);
    if (log >= 0 && j->process < 0) nx_warn("%s: cannot be started: %s", j->log, strerror(errno));
    if (log >= 0) close(log);
    j->state = j->process < 0 ? JOB_FAILED : JOB_RUNNING;
    place_of(all, device)->running += j->state == JOB_RUNNING;
    j->started = j->ended = nx_now();
}

static bool poll_children(jobs *all)
{
    int running = 0;
    for (size_t i = 0; i < all->count; i++) {
        job *j = &all->job[i];
        int status;
        if (j->state != JOB_RUNNING) continue;
        if (waitpid(j->process, &status, WNOHANG) == 0) {
            running++;
            continue;
        }
        bool stopped = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_INTERRUPTED;
        j->state = stopped ? JOB_STOPPED : jobs_judge(j);
        j->ended = nx_now();
        place_of(all, j->on)->running--;
        if (j->state == JOB_FAILED && !all->interrupted) blame(all, j);
    }
    for (size_t i = 0; i < all->count && running < all->most && !all->interrupted; i++) {
        const nx_device_info *device = all->job[i].state == JOB_WAITING ? free_device(all, &all->job[i]) : NULL;
        if (!device) continue;
        start(all, &all->job[i], device);
        running += all->job[i].state == JOB_RUNNING;
    }
    return running > 0;
}

static void interrupt(jobs *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->job[i].state == JOB_RUNNING) kill(all->job[i].process, SIGINT);
}

static void end(jobs *all) { (void)all; }

const jobs_way jobs_children = {begin, poll_children, interrupt, end, 0.1};
