/* Signals that ask a run to end: it writes its checkpoint and stops in good order. A user's (Ctrl-C, SIGTERM, SIGHUP of
 * a terminal that closes, SIGUSR1 and SIGUSR2 of a batch system) end it with exit code 130, and a second one, more than
 * a second after the first, stops it at once. A pipe that no one reads any more (SIGPIPE) and a file that may grow no
 * further (SIGXFSZ) are failures, and end it with 1.
 *
 *     interrupt_watch();
 *     interrupt_let_go(say_goodbye, file);
 *     set_up();                                                   compiles, and nobody can ask how far it is
 *     interrupt_hold();
 *     while (step < steps && !interrupt_wanted()) ...
 */
#ifndef RUN_INTERRUPT_H
#define RUN_INTERRUPT_H

#include "base/error.h"

#include <stdbool.h>

/* A file that may grow no further (ulimit -f) is a write that fails from here on, in every command, and not the death
 * of the process. Before other threads are made. */
void interrupt_spare_writes(void);

/* From here on the signals are ours; before other threads are made, once. SIGHUP is left alone where the program was
 * started to ignore it (nohup). */
void interrupt_watch(void);

bool interrupt_wanted(void);           /* true after the first of them */
bool interrupt_goes_on(nx_error *err); /* false, with an error that says why, after the first of them */

/* What went wrong, where that is why; NULL: the user asked. */
const char *interrupt_fault(void);

/* From here on nothing is at stake: an interrupt that the program does not answer within two seconds ends it all the
 * same, with code 130, after a call of leave by a thread that is not the caller's. */
void interrupt_let_go(void (*leave)(void *context), void *context);

/* From here on there is something to keep: an interrupt waits for its answer, unless it is a second one. */
void interrupt_hold(void);

/* The exit code of what failed: that of an interruption, if there was one, else the given one. */
int interrupt_code(int failure);

#endif
