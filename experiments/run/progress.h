/* How far a run is: one line with step, loss, steps per second and time left, that replaces itself on a terminal; a
 * plain line every so many steps to a pipe.
 *
 *     progress p = progress_begin(first, steps, every);
 *     for (step = first; step < steps; step++) { ...; progress_step(&p, step + 1, loss); }
 *     progress_end(&p);
 */
#ifndef RUN_PROGRESS_H
#define RUN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct progress {
    int64_t steps, every;
    bool terminal;
    int64_t marked;     /* the step at which the speed was last measured */
    double marked_time; /* and when */
    double speed;       /* steps per second, smoothed; 0 while unknown */
    double shown;       /* when the terminal's line was last written */
} progress;

/* first: steps done already; every: steps between plain lines. */
progress progress_begin(int64_t first, int64_t steps, int64_t every);

/* After each step; loss is the newest that is known. */
void progress_step(progress *p, int64_t step, double loss);

void progress_end(progress *p); /* wipes the terminal's line */

/* "step 120/2000  loss 1.234e+05  3.21 steps/s  9:46 left" in out, which is returned; speed 0: without the rest. */
char *progress_text(char *out, size_t room, int64_t step, int64_t steps, double loss, double speed);

#endif
