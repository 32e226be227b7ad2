/* Ctrl-C and termination: the first signal asks the run to write its checkpoint and stop, the second stops it at once.
 * Both end with exit code 130.
 *
 *     interrupt_watch();
 *     while (step < steps && !interrupt_wanted()) ...
 */
#ifndef RUN_INTERRUPT_H
#define RUN_INTERRUPT_H

#include <stdbool.h>

void interrupt_watch(void);  /* from here on SIGINT and SIGTERM are ours; before other threads are made, once */
bool interrupt_wanted(void); /* true after the first of them */

#endif
