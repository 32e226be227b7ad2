/* Jobs as child processes. Each is a process group of its own, so that Ctrl-C reaches it once, from here; it writes its
 * messages into its log and is asked to stop when this process dies. */
#include "sweeps/jobs.h"

#include "base/clock.h"
#include "base/log.h"
#include "machine/kernel_cache.h"
#include "run/exit_code.h"
#include "run/interrupt.h"
#include "runfile/own.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
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

/* Between fork and exec only what is safe after a fork of a program with threads. */
static _Noreturn void become(char *const *arguments, int log, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int nothing = open("/dev/null", O_RDONLY);
    if (getppid() == parent && dup2(nothing, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0)
        execve("/proc/self/exe", arguments, environ);
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

static void start(job *j)
{
    int log = open_log(j->log);
    pid_t parent = getpid();
    j->process = log < 0 ? -1 : fork();
    if (!j->process) become(j->arguments, log, parent);
    if (log >= 0 && j->process < 0) nx_warn("%s: cannot be started: %s", j->log, strerror(errno));
    if (log >= 0) close(log);
    j->state = j->process < 0 ? JOB_FAILED : JOB_RUNNING;
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
    }
    for (size_t i = 0; i < all->count && running < all->most && !all->interrupted; i++) {
        if (all->job[i].state != JOB_WAITING) continue;
        start(&all->job[i]);
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
