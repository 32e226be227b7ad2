/* The exit codes of nstx, which scripts rely on. */
#ifndef RUN_EXIT_CODE_H
#define RUN_EXIT_CODE_H

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,       /* while running */
    EXIT_REQUEST = 2,      /* what was asked for was wrong: nothing was begun */
    EXIT_INTERRUPTED = 130 /* with a checkpoint written */
};

#endif
