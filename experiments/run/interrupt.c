/* Signals are blocked everywhere and taken by a thread of their own. A handler would not do: the compilers inside
 * OpenCL drivers put theirs in its place for a while, delete their files on a signal, and the kernel that was being
 * built fails.
 *
 * A signal that a write raises goes to the thread that wrote, which no other thread can take it from: it stays pending
 * there, the write fails, and looking for it is enough. */
#include "run/interrupt.h"

#include "base/clock.h"
#include "base/error.h"
#include "run/exit_code.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define AS_ONE   1.0 /* seconds in which several signals are one: a terminal or a batch system sends some at once */
#define PATIENCE 2.0 /* seconds for the good order, where nothing is at stake */

static atomic_bool wanted;
static sigset_t asking;

static struct {
    pthread_mutex_t lock;
    void (*leave)(void *context); /* NULL: something is at stake */
    void *context;
} freedom = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct {
    int number;
    const char *text;
} faults[] = {{SIGPIPE, "no one reads any more what it prints (SIGPIPE)"},
              {SIGXFSZ, "a file may grow no further (SIGXFSZ, see ulimit -f)"}};
enum { FAULTS = sizeof faults / sizeof *faults };

/* Does not come back where nothing is at stake. The lock stays taken: who begins to keep something is too late. */
static void leave_if_free(void)
{
    pthread_mutex_lock(&freedom.lock);
    if (freedom.leave) {
        freedom.leave(freedom.context);
        _exit(EXIT_INTERRUPTED);
    }
    pthread_mutex_unlock(&freedom.lock);
}

/* True if one more signal than `first` came, before that moment; 0: however late. */
static bool asked_again(double first, double until)
{
    const struct timespec glance = {.tv_nsec = 100000000};
    while (!until || nx_now() < until)
        if (sigtimedwait(&asking, NULL, &glance) > 0 && nx_now() - first >= AS_ONE) return true;
    return false;
}

static void *watch(void *unused)
{
    static const char message[] = "\ninterrupted: stopping in good order; once more stops at once\n";
    int number;
    while (sigwait(&asking, &number)) continue;
    double first = nx_now();
    wanted = true;
    /* Nothing can be done about a message that is not written. */
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
    bool again = asked_again(first, first + PATIENCE);
    leave_if_free();
    if (!again) asked_again(first, 0);
    _exit(EXIT_INTERRUPTED);
    return unused;
}

void interrupt_spare_writes(void)
{
    sigset_t size;
    sigemptyset(&size);
    sigaddset(&size, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &size, NULL);
}

void interrupt_watch(void)
{
    static const int users[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    struct sigaction hangup;
    pthread_t thread;
    sigemptyset(&asking);
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) sigaddset(&asking, users[i]);
    if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler == SIG_IGN) sigdelset(&asking, SIGHUP);
    sigset_t blocked = asking;
    for (int i = 0; i < FAULTS; i++) sigaddset(&blocked, faults[i].number);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL); /* threads that come later inherit it */
    int failure = pthread_create(&thread, NULL, watch, NULL);
    NX_CHECK(!failure, "cannot start a thread: %s", strerror(failure));
    pthread_detach(thread);
}

const char *interrupt_fault(void)
{
    sigset_t pending;
    if (wanted || sigpending(&pending)) return NULL;
    for (int i = 0; i < FAULTS; i++)
        if (sigismember(&pending, faults[i].number) == 1) return faults[i].text;
    return NULL;
}

bool interrupt_wanted(void) { return wanted || interrupt_fault(); }

bool interrupt_goes_on(nx_error *err)
{
    const char *fault = interrupt_fault();
    return !interrupt_wanted() || nx_fail(err, "%s", fault ? fault : "interrupted");
}

void interrupt_let_go(void (*leave)(void *context), void *context)
{
    pthread_mutex_lock(&freedom.lock);
    freedom.leave = leave, freedom.context = context;
    pthread_mutex_unlock(&freedom.lock);
}

void interrupt_hold(void) { interrupt_let_go(NULL, NULL); }

int interrupt_code(int failure)
{
    if (!interrupt_wanted()) return failure;
    return interrupt_fault() ? EXIT_FAILED : EXIT_INTERRUPTED;
}
