/* The flag is global because a signal has nowhere else to leave its mark. */
#include "run/interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t wanted;

static void on_signal(int number)
{
    static const char message[] = "\ninterrupted: writing the checkpoint; once more stops at once\n";
    (void)number;
    if (wanted) _exit(INTERRUPT_EXIT);
    wanted = 1;
    /* Nothing can be done about a message that is not written. */
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
}

void interrupt_watch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART; /* files being read or written do not notice */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_wanted(void) { return wanted; }
