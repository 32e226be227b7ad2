/* What every command of nstx shares: the table they are listed in, requests of configs with their -s, how a command
 * fails.
 *
 *     static int command_check(int argc, char **argv)
 *     {
 *         nx_error err;
 *         if (argc != 2) return usage_error("check", "one file is named, not %d", argc - 1);
 *         return check(argv[1], &err) ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
 *     }
 *
 *     const command check_command = {.name = "check", .run = command_check, .usage = "check FILE", .does = "..."};
 *
 * A command is a file of this folder, which ends with such an object, and a row in main.c.
 */
#ifndef COMMANDS_CLI_H
#define COMMANDS_CLI_H

#include "config/sweep_points.h"
#include "run/exit_code.h"

#include <stdio.h>

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives an exit code */
    const char *usage, *does;          /* usage: the words after "nstx " */
    const char *options;       /* a line each, of a command that has more than its usage shows; NULL: it has not */
    void (*print_words)(void); /* what it takes beside files, " ops steps", for completion; NULL: nothing */
} command;

/* The program: finds the command that the arguments name in the table, which is kept for help, completion, the manual
 * page and usage_error. */
int cli_main(const command *const *commands, size_t count, int argc, char **argv);
const command *const *cli_commands(size_t *count);

/* The command line as one string, for the run file. */
const char *cli_line(void);

/* The same as a shell takes it, each word quoted where it has to be, for messages that say how a run goes on: without
 * --overwrite. */
const char *cli_again(void);

/* `nstx help`, on out. */
void cli_print_commands(FILE *out);

/* ---- requests of a config: CONFIG [-s section.key=value]... ---- */

typedef struct config_request {
    const char *config;
    const char **settings; /* "section.key=value", in their order */
    size_t count;
} config_request;

void config_request_set(config_request *r, const char *setting); /* -s */
void config_request_free(config_request *r);                     /* the array alone */

/* Takes the words that are left after the options, from argv[optind] on: one config. False after a message. */
bool config_request_name(config_request *r, int argc, char **argv);

/* Loads it with its settings, and finds the points of its sweep; out: -o, or NULL. Both are to be freed, also after a
 * failure, by config_free and sweep_points_free. An error is the user's. */
bool config_request_open(const config_request *r, const char *out, config **c, sweep_points *p, nx_error *err);

/* ---- failures ---- */

/* Prints the one line of an error, "nstx: ...", and gives the code. */
int fail_with(const nx_error *err, int code);

/* Says that it was interrupted: for interrupt_let_go, where nothing is to be taken away. */
void say_interrupted(void *unused);

/* An error of the request, one line that ends with the usage of the command of that name. */
int usage_error(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with a usage that is not the whole command's: the words after "nstx ". */
int usage_error_of(const char *usage, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
