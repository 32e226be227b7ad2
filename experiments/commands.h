/* The commands of nstx. Each takes its own arguments (argv[0] is the command's name) and gives the exit code: 0 done,
 * 1 failed while running, 2 the request was wrong, 130 interrupted with a checkpoint written. */
#ifndef EXPERIMENTS_COMMANDS_H
#define EXPERIMENTS_COMMANDS_H

#include "base/error.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_REQUEST = 2 };

int command_run(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_stylize(int argc, char **argv);
int command_devices(int argc, char **argv);
int command_info(int argc, char **argv);

/* The command line as one string, for the run file. */
extern const char *command_line;

/* Prints the one line of an error, "nstx: ...", and gives the code. */
int fail_with(const nx_error *err, int code);

/* Prints the usage of a command (the words after "nstx ") as an error of the request. */
int usage_error(const char *usage, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
