/* What the task answers comes through a pipe, since a process that embeds this library may collect its children itself.
 * A pipe that ends without an answer is a child that died. */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds that a child may take by the clock: it may have to wait for a disk or other programs, but not forever. */
#define CLOCK 600.

typedef struct answer {
    bool fine;
    nx_error err;
} answer;

/* ---- the child ---- */

static void limit(int what, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(what, &now) || now.rlim_max < most) return;
    setrlimit(what, &(struct rlimit){most, most});
}

/* So many seconds of the processor from the beginning; SIGXCPU ends the process after them. */
static void allow_in_all(rlim_t seconds)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_CPU, &now)) return;
    now.rlim_cur = seconds < now.rlim_max ? seconds : now.rlim_max;
    setrlimit(RLIMIT_CPU, &now);
}

void nx_child_allow(unsigned seconds)
{
    struct rlimit now;
    if (!getrlimit(RLIMIT_CPU, &now)) allow_in_all(now.rlim_cur + seconds);
}

/* The address space of this process, in bytes. */
static size_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%lu", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Before all other handlers of the process's end, which are the parent's business. */
static void leave(void) { _exit(1); }

static void confine(int pipe, const nx_child_limits *limits)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGTRAP, SIGSYS},
                     parents[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE, SIGXFSZ};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) signal(parents[i], SIG_IGN);
    nx_error_hook_set(NULL, NULL); /* a host's would leave the child alive */
    atexit(leave);
    int nothing = open("/dev/null", O_RDWR);
    for (int i = 0; nothing >= 0 && i < 3; i++)
        if (i != pipe) dup2(nothing, i); /* which it is where the parent has closed its own */
    size_t has = address_space();
    if (has) limit(RLIMIT_AS, has + limits->bytes);
    allow_in_all(limits->seconds);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
#ifdef M_PERTURB /* memory that was not written is not zero by chance: what reads it fails here, not in the parent */
    mallopt(M_PERTURB, 0x55);
#endif
}

static _Noreturn void live(int pipe, bool (*task)(const void *context, nx_error *err), const void *context,
                           const nx_child_limits *limits)
{
    answer a = {0};
    confine(pipe, limits);
    a.fine = task(context, &a.err);
    _exit(write(pipe, &a, sizeof a) == sizeof a ? 0 : 1);
}

/* ---- the parent ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* True if the whole answer came before the end or the deadline. */
static bool hear(int pipe, answer *a, double deadline)
{
    size_t used = 0;
    for (double left; used < sizeof *a && (left = deadline - now()) > 0;) {
        struct pollfd wait = {.fd = pipe, .events = POLLIN};
        if (poll(&wait, 1, (int)(left * 1000) + 1) <= 0) continue;
        ssize_t got = read(pipe, (char *)a + used, sizeof *a - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        used += (size_t)got;
    }
    return used == sizeof *a;
}

nx_child_end nx_child_run(bool (*task)(const void *context, nx_error *err), const void *context,
                          const nx_child_limits *limits, nx_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return NX_CHILD_NONE;
    pid_t child = fork();
    if (!child) live(ends[1], task, context, limits);
    int why = errno;
    close(ends[1]);
    answer a;
    double deadline = now() + CLOCK;
    bool heard = child > 0 && hear(ends[0], &a, deadline), late = now() >= deadline;
    close(ends[0]);
    if (child < 0) return errno = why, NX_CHILD_NONE;
    int status = 0;
    if (late) kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (!heard)
        return late || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
                   ? NX_CHILD_ENDLESS
                   : NX_CHILD_DIED;
    if (a.fine) return NX_CHILD_FINE;
    nx_fail(err, "%s", a.err.text);
    return NX_CHILD_REFUSED;
}
