/* The first use of a device. Programs that start at once wait for the first one's test: a lock, held until it ends.
 *
 * The processes that make the test, who divide the cases among them, are asked and answer through a pair of sockets.
 * They end when their end of them closes, which is when they are not needed any more, or when the program has died. */
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
#include <sys/mman.h>
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
    return nx_format("device %s\nplatform %s\ndriver %s\nkernels %s\nprecision %s\nnstx %s %s\n", d->name, d->platform,
                     d->driver, d->family == NX_FAMILY_CPU ? "CPU" : "GPU", nx_precision_name(d->precision), nx_version,
                     nx_revision);
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

static void examine(const nx_device_options *options, _Atomic int *next, selftest_watch *watch, answer *a)
{
    nx_device *device;
    *a = (answer){.opened = device_open(&device, *options, &a->err)};
    if (!a->opened) return;
    a->result = selftest(device, SELFTEST_BRIEF, next, watch);
    nx_device_free(device);
}

/* Adds the findings of another share. */
static void add_result(selftest_result *sum, const selftest_result *share)
{
    char *both = nx_format("%s%s%s", sum->failures, sum->failed && share->failed ? "; " : "", share->failures);
    sum->cases += share->cases;
    sum->failed += share->failed;
    snprintf(sum->failures, sizeof sum->failures, "%.*s", (int)sizeof sum->failures - 1, both);
    free(both);
}

/* ---- by processes of its own ---- */

typedef struct question {
    char name[256], kernels[16]; /* of the device's options; empty: none */
    nx_precision precision;
} question;

/* Two, since most of a test is the driver's compiler, which works on one core. */
enum { TESTERS = 2 };
static struct tester {
    pid_t process;
    int socket;
} testers[TESTERS];
static int n_testers;          /* 0: there are none */
static _Atomic int *next_case; /* shared by them; NULL: not yet */

enum { GLANCE = 50 }; /* milliseconds between two looks at an interrupt */

static bool (*wanted)(void); /* by whoever prepared the test */

static bool is_interrupted(void) { return wanted && wanted(); }

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
        nx_device_options plain = {.name = q.name, .kernels = *q.kernels ? q.kernels : NULL, .precision = q.precision};
        examine(&plain, next_case, &watch, &a);
        send_all(socket, &a, sizeof a);
    }
    _exit(0); /* some drivers crash in what they do at exit */
}

/* Lets a process go; gives its status. */
static int dismiss(const struct tester *t)
{
    int status = 0;
    close(t->socket);
    while (waitpid(t->process, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

static void dismiss_all(void)
{
    while (n_testers) dismiss(&testers[--n_testers]);
}

static struct tester hire(void)
{
    int ends[2];
    NX_CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair: %s", strerror(errno));
    struct tester t = {fork(), ends[0]};
    NX_CHECK(t.process >= 0, "fork: %s", strerror(errno));
    if (!t.process) {
        close(ends[0]);
        for (int i = 0; i < n_testers; i++) close(testers[i].socket);
        serve(ends[1]);
    }
    close(ends[1]);
    return t;
}

pid_t first_use_prepare(bool (*interrupted)(void))
{
    wanted = interrupted;
    kernel_cache_prepare();
    if (is_off()) return -1;
    dismiss_all();
    if (!next_case) {
        void *shared = mmap(NULL, sizeof *next_case, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        NX_CHECK(shared != MAP_FAILED, "mmap: %s", strerror(errno));
        next_case = shared;
    }
    *next_case = 0;
    fflush(NULL);
    for (int count = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? TESTERS : 1; n_testers < count; n_testers++)
        testers[n_testers] = hire();
    return testers[0].process;
}

/* Takes the first process that answers or ends off the list; false if an interrupt came first. */
static bool wait_for_one(struct tester *out)
{
    struct pollfd ends[TESTERS];
    for (int i = 0; i < n_testers; i++) ends[i] = (struct pollfd){.fd = testers[i].socket, .events = POLLIN};
    while (!is_interrupted()) {
        if (poll(ends, (nfds_t)n_testers, GLANCE) <= 0) continue;
        int i = 0;
        while (!ends[i].revents) i++;
        *out = testers[i];
        testers[i] = testers[--n_testers];
        return true;
    }
    return false;
}

/* What one process found; false, with an error, if it died of that. */
static bool take_answer(const nx_device_info *info, answer *a, nx_error *err)
{
    struct tester t;
    if (!wait_for_one(&t)) return nx_fail(err, "%s: interrupted in its self-test", info->name);
    bool answered = receive_all(t.socket, a, sizeof *a);
    int status = dismiss(&t);
    if (answered) return true;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return nx_fail(err, "%s: its self-test made no step in %d seconds: " ANYWAY, info->name, PATIENCE);
    if (WIFSIGNALED(status))
        return nx_fail(err, "%s: its driver crashed in the self-test (%s): " ANYWAY, info->name,
                       strsignal(WTERMSIG(status)));
    return nx_fail(err, "%s: its self-test ended without an answer (exit code %d): " ANYWAY, info->name,
                   WEXITSTATUS(status));
}

/* Has the processes make the test, side by side. */
static bool ask(const nx_device_info *info, const nx_device_options *options, answer *sum, nx_error *err)
{
    question q = {.precision = options->precision};
    snprintf(q.name, sizeof q.name, "%s", options->name ? options->name : "");
    snprintf(q.kernels, sizeof q.kernels, "%s", options->kernels ? options->kernels : "");
    for (int i = 0; i < n_testers; i++) /* one that is dead is told of when its answer is missing */
        send_all(testers[i].socket, &q, sizeof q);
    bool ok = true;
    *sum = (answer){.opened = true};
    while (ok && sum->opened && n_testers) {
        answer a;
        ok = take_answer(info, &a, err);
        if (ok && a.opened)
            add_result(&sum->result, &a.result);
        else if (ok)
            *sum = a;
    }
    for (int i = 0; i < n_testers; i++) kill(testers[i].process, SIGKILL); /* nobody asks them any more */
    return ok;
}

/* ---- the first use ---- */

static bool test(const nx_device_info *info, const nx_device_options *options, nx_error *err)
{
    answer a;
    double begun = nx_now();
    if (!n_testers)
        examine(
            &(nx_device_options){.name = options->name, .kernels = options->kernels, .precision = options->precision},
            NULL, NULL, &a);
    else if (!ask(info, options, &a, err))
        return false;
    if (a.opened) return first_use_judge(info, &a.result, nx_now() - begun, err);
    *err = a.err;
    return false;
}

bool first_use(const nx_device_info *info, const nx_device_options *options, nx_error *err)
{
    if (is_off() || first_use_known(info)) {
        dismiss_all();
        return true;
    }
    char *path = path_of(info), *folder = path ? nx_path_folder(path) : NULL;
    int lock = folder && kernel_cache_make(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && !is_interrupted())
        poll(NULL, 0, GLANCE);
    bool ok = first_use_known(info) || test(info, options, err);
    if (lock >= 0) close(lock);
    dismiss_all();
    free(folder);
    free(path);
    return ok;
}
