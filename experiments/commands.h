/* The commands of nstx. Each takes its own arguments (argv[0] is the command's name) and gives the exit code: 0 done,
 * 1 failed while running, 2 the request was wrong, 130 interrupted with a checkpoint written. */
#ifndef EXPERIMENTS_COMMANDS_H
#define EXPERIMENTS_COMMANDS_H

#include "run/config.h"

#include <stdint.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_REQUEST = 2 };

int command_run(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_sweep(int argc, char **argv);
int command_stylize(int argc, char **argv);
int command_dataset(int argc, char **argv);
int command_weights(int argc, char **argv);
int command_figure(int argc, char **argv);
int command_sample(int argc, char **argv);
int command_check(int argc, char **argv);
int command_devices(int argc, char **argv);
int command_info(int argc, char **argv);
int command_report(int argc, char **argv);
int command_watch(int argc, char **argv);
int command_tune(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_completion(int argc, char **argv);
int command_man(int argc, char **argv);

/* The table of commands, main's: what help, completion, the manual page and usage_error are made of. */
typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *does; /* usage: the words after "nstx " */
    const char *options;      /* a line each, of a command that has more than its usage shows; NULL: it has not */
} command;
extern const command commands[];
extern const size_t command_count;
extern const char stylize_options[], sample_options[], figure_options[], weights_options[], tune_options[];

/* What one run takes of the device. */
typedef struct run_needs {
    uint64_t bytes, memory; /* planned, and what the device has */
    bool cpu;               /* the device is the processor itself: one run uses all of its cores */
} run_needs;

/* Reads the inputs of a run and plans its memory without touching the device. An error is the user's. */
bool run_check(const config *c, run_needs *needs, nx_error *err);

/* What `nstx info` says of a packed dataset, on standard output. */
bool print_dataset(const char *path, nx_error *err);

/* The same of a file of weights. */
bool print_weights(const char *path, nx_error *err);

/* The command line as one string, for the run file. */
extern const char *command_line;

/* Prints the one line of an error, "nstx: ...", and gives the code. */
int fail_with(const nx_error *err, int code);

/* An error of the request, one line that ends with the usage of the command of that name. */
int usage_error(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with a usage that is not the whole command's: the words after "nstx ". */
int usage_error_of(const char *usage, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
