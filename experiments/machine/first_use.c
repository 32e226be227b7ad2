/* The first use of a device. Programs that start at once wait for the first one's test: a lock, held until it ends.
 *
 * The process that makes the test is asked and answers through a pair of sockets. It ends when its end of them closes,
 * which is when it is not needed any more, or when the program has died. */
#include "machine/first_use.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "io/files.h"
#include "machine/device.h"
#include "machine/kernel_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#define OFF    "NSTX_SELFTEST=off"
#define ANYWAY "see `nstx doctor`, or run on it all the same with " OFF

enum { PATIENCE = 600 }; /* seconds for a step of the test: some compilers take a minute for a kernel */

static bool is_off(void)
{
    const char *wish = getenv("NSTX_SELFTEST");
    return wish && !strcmp(wish, "off");
}

/* What was tested, which is also what the file holds; owned by the caller. */
static char *description(const nx_device_info *d)
{
    return nx_format("device %s\nplatform %s\ndriver %s\nkernels %s\nnstx %s %s\n", d->name, d->platform, d->driver,
                     d->family == NX_FAMILY_CPU ? "CPU" : "GPU", nx_version, nx_revision);
}

/* The file that remembers a device, or NULL where there is no cache folder; owned by the caller. */
static char *path_of(const nx_device_info *d)
{
    char *folder = kernel_cache_folder(), *text = description(d), *path = NULL;
    if (folder) path = nx_format("%s/devices/%016llx", folder, (unsigned long long)XXH3_64bits(text, strlen(text)));
    free(text);
    free(folder);
    return path;
}

bool first_use_known(const nx_device_info *info)
{
    char *path = path_of(info);
    bool known = path && nx_file_exists(path);
    free(path);
    return known;
}

bool first_use_judge(const nx_device_info *info, const selftest_result *r, double seconds, nx_error *err)
{
    if (r->failed)
        return nx_fail(err, "%s fails its self-test, %d of %d: %s; " ANYWAY, info->name, r->failed, r->cases,
                       r->failures);
    char *path = path_of(info), *folder = path ? nx_path_folder(path) : NULL, *text = description(info);
    /* A cache that cannot be written costs the test of every run, no more. */
    if (path && kernel_cache_make(folder)) nx_file_write(path, text, strlen(text), NULL);
    nx_info("first use of %s: self-test passed (%.1f s)", info->name, seconds);
    free(text);
    free(folder);
    free(path);
    return true;
}

/* ---- the test ---- */

typedef struct answer {
    bool opened;
    nx_error err; /* of a device that could not be opened */
    selftest_result result;
} answer;

static void examine(const char *name, const char *kernels, selftest_watch *watch, answer *a)
{
    nx_device *device;
    nx_device_options plain = {.name = name, .kernels = kernels};
    *a = (answer){.opened = device_open(&device, plain, &a->err)};
    if (!a->opened) return;
    a->result = selftest(device, SELFTEST_BRIEF, watch);
    nx_device_free(device);
}

/* ---- by a process of its own ---- */

typedef struct question {
    char name[256], kernels[16]; /* of the device's options; empty: none */
} question;

static struct {
    pid_t process; /* 0: there is none */
    int socket;
} tester;

enum { GLANCE = 50 }; /* milliseconds between two looks at an interrupt */

static bool (*interrupted)(void);

void first_use_interruptible(bool (*wanted)(void)) { interrupted = wanted; }

static bool is_interrupted(void) { return interrupted && interrupted(); }

static bool send_all(int socket, const void *data, size_t bytes)
{
    return send(socket, data, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

static bool receive_all(int socket, void *data, size_t bytes)
{
    ssize_t got;
    while ((got = recv(socket, data, bytes, MSG_WAITALL)) < 0 && errno == EINTR) continue;
    return got == (ssize_t)bytes;
}

/* The child: waits for a question, answers it and ends. An interrupt is the parent's to take. */
static _Noreturn void serve(int socket)
{
    question q;
    sigset_t interrupts;
    sigemptyset(&interrupts);
    static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sigaddset(&interrupts, all[i]);
    sigprocmask(SIG_BLOCK, &interrupts, NULL);
    if (receive_all(socket, &q, sizeof q)) {
        answer a;
        selftest_watch watch = {.patience = PATIENCE};
        alarm(PATIENCE);
        examine(q.name, *q.kernels ? q.kernels : NULL, &watch, &a);
        send_all(socket, &a, sizeof a);
    }
    _exit(0); /* some drivers crash in what they do at exit */
}

/* Lets the process go; gives its status. */
static int dismiss(void)
{
    int status = 0;
    close(tester.socket);
    while (waitpid(tester.process, &status, 0) < 0 && errno == EINTR) continue;
    tester.process = 0;
    return status;
}

pid_t first_use_prepare(void)
{
    int ends[2];
    kernel_cache_prepare();
    if (is_off()) return -1;
    if (tester.process) dismiss();
    fflush(NULL);
    NX_CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair: %s", strerror(errno));
    tester.process = fork();
    NX_CHECK(tester.process >= 0, "fork: %s", strerror(errno));
    if (!tester.process) {
        close(ends[0]);
        serve(ends[1]);
    }
    close(ends[1]);
    tester.socket = ends[0];
    return tester.process;
}

/* Until the process answers or ends; false, and the process is gone, if an interrupt came first. */
static bool wait_for_answer(void)
{
    struct pollfd answer = {.fd = tester.socket, .events = POLLIN};
    while (!is_interrupted())
        if (poll(&answer, 1, GLANCE) > 0) return true;
    kill(tester.process, SIGKILL);
    return false;
}

/* Has the process make the test; false, with an error, if it died of that. */
static bool ask(const nx_device_info *info, const nx_device_options *options, answer *a, nx_error *err)
{
    question q = {0};
    snprintf(q.name, sizeof q.name, "%s", options->name ? options->name : "");
    snprintf(q.kernels, sizeof q.kernels, "%s", options->kernels ? options->kernels : "");
    bool sent = send_all(tester.socket, &q, sizeof q), waited = !sent || wait_for_answer();
    bool answered = sent && waited && receive_all(tester.socket, a, sizeof *a);
    int status = dismiss();
    if (answered) return true;
    if (!waited) return nx_fail(err, "%s: interrupted in its self-test", info->name);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return nx_fail(err, "%s: its self-test made no step in %d seconds: " ANYWAY, info->name, PATIENCE);
    if (WIFSIGNALED(status))
        return nx_fail(err, "%s: its driver crashed in the self-test (%s): " ANYWAY, info->name,
                       strsignal(WTERMSIG(status)));
    return nx_fail(err, "%s: its self-test ended without an answer (exit code %d): " ANYWAY, info->name,
                   WEXITSTATUS(status));
}

/* ---- the first use ---- */

static bool test(const nx_device_info *info, const nx_device_options *options, nx_error *err)
{
    answer a;
    double begun = nx_now();
    if (!tester.process)
        examine(options->name, options->kernels, NULL, &a);
    else if (!ask(info, options, &a, err))
        return false;
    if (a.opened) return first_use_judge(info, &a.result, nx_now() - begun, err);
    *err = a.err;
    return false;
}

bool first_use(const nx_device_info *info, const nx_device_options *options, nx_error *err)
{
    if (is_off() || first_use_known(info)) {
        if (tester.process) dismiss();
        return true;
    }
    char *path = path_of(info), *folder = path ? nx_path_folder(path) : NULL;
    int lock = folder && kernel_cache_make(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && !is_interrupted())
        poll(NULL, 0, GLANCE);
    bool ok = first_use_known(info) || test(info, options, err);
    if (lock >= 0) close(lock);
    if (tester.process) dismiss();
    free(folder);
    free(path);
    return ok;
}
