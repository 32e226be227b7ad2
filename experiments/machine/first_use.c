/* The first use of kernels. Programs that start at once wait for the first one's test: a lock, held until it ends.
 *
 * The processes that make the test, who divide the work among them, are asked and answer through a pair of sockets.
 * They end when their end of them closes, which is when they are not needed any more, and die with the program. */
#include "machine/first_use.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "io/files.h"
#include "machine/device.h"
#include "machine/kernel_cache.h"
#include "machine/program_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

/* ---- what is known ---- */

/* What it is known of, which is also what the file begins with; owned by the caller. */
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

/* Programs that have passed, of the device that was asked for last: what its file said when it was read, and what this
 * process has seen since. */
static struct {
    char *path, *of; /* the file, or NULL, and what it begins with */
    nx_program_list programs;
} passed;

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static void add_lines(nx_program_list *list, char *text)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        nx_program_list_add(list, line);
}

/* Names in lines behind a head; owned by the caller. */
static char *lines_of(const char *head, const nx_program_list *list)
{
    size_t bytes = strlen(head) + 1;
    for (size_t i = 0; i < list->count; i++) bytes += strlen(list->names[i]) + 1;
    char *text = nx_alloc(bytes), *end = stpcpy(text, head);
    for (size_t i = 0; i < list->count; i++) end = stpcpy(stpcpy(end, list->names[i]), "\n");
    return text;
}

/* Makes `passed` that of a device; false: it is already. */
static bool turn_to(const nx_device_info *info)
{
    char *path = path_of(info), *of = description(info);
    bool other = !same_text(passed.path, path) || !same_text(passed.of, of);
    if (other) nx_program_list_free(&passed.programs);
    free(passed.path);
    free(passed.of);
    passed.path = path;
    passed.of = of;
    return other;
}

static void read_file(void)
{
    char *text = NULL;
    size_t bytes, head = strlen(passed.of);
    if (passed.path && nx_file_exists(passed.path) && nx_file_read(passed.path, &text, &bytes, NULL) &&
        !strncmp(text, passed.of, head))
        add_lines(&passed.programs, text + head);
    free(text);
}

/* Another process may have added to the file. */
static void recall(const nx_device_info *info)
{
    turn_to(info);
    read_file();
}

static void remember(const nx_device_info *info, const nx_program_list *programs)
{
    recall(info);
    for (size_t i = 0; i < programs->count; i++) nx_program_list_add(&passed.programs, programs->names[i]);
    char *folder = passed.path ? nx_path_folder(passed.path) : NULL, *text = lines_of(passed.of, &passed.programs);
    /* A cache that cannot be written costs the test of every run, no more. */
    if (folder && kernel_cache_make(folder)) nx_file_write(passed.path, text, strlen(text), NULL);
    free(text);
    free(folder);
}

/* Those of a list that have not passed. */
static nx_program_list unknown_of(const nx_program_list *programs)
{
    nx_program_list unknown = {0};
    for (size_t i = 0; i < programs->count; i++)
        if (!nx_program_listed(&passed.programs, programs->names[i])) nx_program_list_add(&unknown, programs->names[i]);
    return unknown;
}

size_t first_use_known(const nx_device_info *info)
{
    recall(info);
    return passed.programs.count;
}

bool first_use_judge(const nx_device_info *info, const nx_program_list *programs, const selftest_result *r,
                     double seconds, nx_error *err)
{
    if (r->failed) {
        char *which = selftest_failures(r);
        nx_fail(err, "%s fails its self-test, %d of %d: %s; " ANYWAY, info->name, r->failed, r->cases, which);
        free(which);
        return false;
    }
    remember(info, programs);
    nx_info("first use of %zu kernels on %s: self-test passed (%.1f s)", programs->count, info->name, seconds);
    return true;
}

/* ---- the test ---- */

typedef struct answer {
    bool opened;
    nx_error err; /* of a device that could not be opened */
    selftest_result result;
} answer;

/* What is asked. */
typedef struct question {
    char name[256], kernels[16]; /* of the device's options; empty: none */
    nx_precision precision;
    bool fresh;   /* nothing has passed yet on this device */
    bool kept;    /* what one process builds, others find */
    size_t bytes; /* of the names of programs, in lines, which follow */
} question;

static nx_device_options plain_options(const question *q)
{
    return (nx_device_options){.name = q->name, .kernels = *q->kernels ? q->kernels : NULL, .precision = q->precision};
}

static void examine(nx_device *device, const question *q, const nx_program_list *programs, selftest_share *share,
                    selftest_watch *watch, selftest_result *r)
{
    selftest_rows rows = selftest_covering(&device->info, programs, q->fresh);
    if (share && !q->kept) nx_program_list_free(&rows.programs);
    *r = selftest(device, &rows, share, watch);
    selftest_rows_free(&rows);
}

/* ---- by processes of its own ---- */

/* Two, since most of a test is the driver's compiler, which works on one core. */
enum { TESTERS = 2 };
static struct tester {
    pid_t process;
    int socket;
} testers[TESTERS];
static int n_testers;         /* 0: there are none */
static selftest_share *share; /* of theirs; NULL: not yet */

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

/* False: nobody asks any more. */
static bool receive_question(int socket, question *q, nx_program_list *programs)
{
    if (!receive_all(socket, q, sizeof *q)) return false;
    char *text = nx_alloc(q->bytes + 1);
    bool there = receive_all(socket, text, q->bytes);
    if (there) add_lines(programs, text);
    free(text);
    return there;
}

/* The child: waits for questions and answers them, on a device that the first one opens. An interrupt is the parent's
 * to take. */
static _Noreturn void serve(int socket)
{
    static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    question q;
    nx_program_list programs = {0};
    nx_device *device = NULL;
    sigset_t interrupts;
    sigemptyset(&interrupts);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sigaddset(&interrupts, all[i]);
    sigprocmask(SIG_BLOCK, &interrupts, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* where it dies in the middle of a test, whose lock it held */
    while (receive_question(socket, &q, &programs)) {
        answer a = {.opened = true};
        selftest_watch watch = {.patience = PATIENCE};
        alarm(PATIENCE);
        if (!device) a.opened = device_open(&device, plain_options(&q), &a.err);
        if (a.opened) examine(device, &q, &programs, share, &watch, &a.result);
        alarm(0);
        send_all(socket, &a, sizeof a);
        nx_program_list_free(&programs);
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

void first_use_over(void)
{
    while (n_testers) dismiss(&testers[--n_testers]);
}

/* Does not wait for what they are at. */
static void stop_all(void)
{
    for (int i = 0; i < n_testers; i++) kill(testers[i].process, SIGKILL);
    first_use_over();
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
    first_use_over();
    if (!share) {
        void *shared = mmap(NULL, sizeof *share, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        NX_CHECK(shared != MAP_FAILED, "mmap: %s", strerror(errno));
        share = shared;
    }
    fflush(NULL);
    for (int count = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? TESTERS : 1; n_testers < count; n_testers++)
        testers[n_testers] = hire();
    return testers[0].process;
}

/* The first process that answers or ends, of those whose answers are missing; NULL if an interrupt came first. */
static const struct tester *wait_for_one(const bool *missing)
{
    struct pollfd ends[TESTERS];
    for (int i = 0; i < n_testers; i++)
        ends[i] = (struct pollfd){.fd = missing[i] ? testers[i].socket : -1, .events = POLLIN};
    while (!is_interrupted()) {
        if (poll(ends, (nfds_t)n_testers, GLANCE) <= 0) continue;
        int i = 0;
        while (!ends[i].revents) i++;
        return &testers[i];
    }
    return NULL;
}

/* Of one that ended without an answer. */
static bool fail_of_end(const nx_device_info *info, int status, nx_error *err)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return nx_fail(err, "%s: its self-test made no step in %d seconds: " ANYWAY, info->name, PATIENCE);
    if (WIFSIGNALED(status))
        return nx_fail(err, "%s: its driver crashed in the self-test (%s): " ANYWAY, info->name,
                       strsignal(WTERMSIG(status)));
    return nx_fail(err, "%s: its self-test ended without an answer (exit code %d): " ANYWAY, info->name,
                   WEXITSTATUS(status));
}

/* What one process found; false, with an error, if it died of that. */
static bool take_answer(const nx_device_info *info, bool *missing, answer *a, nx_error *err)
{
    const struct tester *t = wait_for_one(missing);
    if (!t) return nx_fail(err, "%s: interrupted in its self-test", info->name);
    missing[t - testers] = false;
    if (receive_all(t->socket, a, sizeof *a)) return true;
    struct tester dead = *t;
    testers[t - testers] = testers[--n_testers];
    return fail_of_end(info, dismiss(&dead), err);
}

/* Has the processes make the test, side by side. */
static bool ask(const nx_device_info *info, const question *q, const char *names, answer *sum, nx_error *err)
{
    bool ok = true, missing[TESTERS] = {false};
    *share = (selftest_share){0};
    for (int i = 0; i < n_testers; i++) { /* one that is dead is told of when its answer is missing */
        send_all(testers[i].socket, q, sizeof *q);
        send_all(testers[i].socket, names, q->bytes);
        missing[i] = true;
    }
    *sum = (answer){.opened = true};
    for (int left = n_testers; ok && sum->opened && left; left--) {
        answer a;
        ok = take_answer(info, missing, &a, err);
        if (ok && a.opened)
            selftest_add(&sum->result, &a.result);
        else if (ok)
            *sum = a;
    }
    if (!ok || !sum->opened || sum->result.failed) stop_all(); /* nobody asks them any more */
    return ok;
}

/* ---- the first use ---- */

/* What is being used, as first_use was told. */
static struct {
    nx_device_info info;
    question q;
} used;

static void announced(const nx_program_list *coming);

/* By this process. */
static void examine_here(const nx_program_list *programs, answer *a)
{
    nx_device *device;
    nx_programs_watch(NULL);
    *a = (answer){.opened = device_open(&device, plain_options(&used.q), &a->err)};
    if (a->opened) {
        examine(device, &used.q, programs, NULL, NULL, &a->result);
        nx_device_free(device);
    }
    nx_programs_watch(announced);
}

static bool test(const nx_program_list *programs, nx_error *err)
{
    answer a;
    double begun = nx_now();
    char *names = lines_of("", programs);
    used.q.fresh = !passed.programs.count;
    used.q.kept = program_cache_writable();
    used.q.bytes = strlen(names);
    bool ok = true;
    if (n_testers)
        ok = ask(&used.info, &used.q, names, &a, err);
    else
        examine_here(programs, &a);
    free(names);
    if (!ok) return false;
    if (a.opened) return first_use_judge(&used.info, programs, &a.result, nx_now() - begun, err);
    *err = a.err;
    return false;
}

/* Under a lock, which programs that start at once wait for. */
static bool test_unknown(const nx_program_list *programs, nx_error *err)
{
    char *path = path_of(&used.info), *folder = path ? nx_path_folder(path) : NULL;
    int lock = folder && kernel_cache_make(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && !is_interrupted())
        poll(NULL, 0, GLANCE);
    recall(&used.info);
    nx_program_list unknown = unknown_of(programs);
    bool ok = !unknown.count || test(&unknown, err);
    nx_program_list_free(&unknown);
    if (lock >= 0) close(lock);
    free(folder);
    free(path);
    return ok;
}

/* As far as this process knows: the file is read once, and again where something is to be tested. */
static bool all_known(const nx_program_list *programs)
{
    if (turn_to(&used.info)) read_file();
    nx_program_list unknown = unknown_of(programs);
    bool known = !unknown.count;
    nx_program_list_free(&unknown);
    return known;
}

static void announced(const nx_program_list *coming)
{
    nx_error err;
    bool aside = n_testers;
    if (all_known(coming) || test_unknown(coming, &err) || (aside && is_interrupted())) return;
    nx_die("%s", err.text);
}

bool first_use(const nx_device_info *info, const nx_device_options *options, const nx_program_list *programs,
               nx_error *err)
{
    nx_programs_watch(NULL);
    if (is_off()) return true;
    used.info = *info;
    used.q = (question){.precision = options->precision};
    snprintf(used.q.name, sizeof used.q.name, "%s", options->name ? options->name : "");
    snprintf(used.q.kernels, sizeof used.q.kernels, "%s", options->kernels ? options->kernels : "");
    if (!all_known(programs) && !test_unknown(programs, err)) return false;
    nx_programs_watch(announced);
    return true;
}
