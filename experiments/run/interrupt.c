/* Signals are blocked everywhere and taken by a thread of their own. A handler would not do: the compilers inside
 * OpenCL drivers put theirs in its place for a while, delete their files on a signal, and the kernel that was being
 * built fails. */
#include "run/interrupt.h"

#include "base/error.h"
#include "run/exit_code.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_bool wanted;
static sigset_t watched;

static void *watch(void *unused)
{
    static const char message[] = "\ninterrupted: stopping in good order; once more stops at once\n";
    int number;
    while (sigwait(&watched, &number)) continue;
    wanted = true;
    /* Nothing can be done about a message that is not written. */
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
    while (sigwait(&watched, &number)) continue;
    _exit(EXIT_INTERRUPTED);
    return unused;
}

void interrupt_watch(void)
{
    pthread_t thread;
    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &watched, NULL); /* threads that come later inherit it */
    int failure = pthread_create(&thread, NULL, watch, NULL);
    NX_CHECK(!failure, "cannot start a thread: %s", strerror(failure));
    pthread_detach(thread);
}

bool interrupt_wanted(void) { return wanted; }
