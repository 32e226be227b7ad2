/* nstx: the program. Its commands, in the order in which `nstx help` lists them; each is a file of commands/. */
#include "commands/cli.h"

#define COMMANDS(X)                                                                                                    \
    X(run)                                                                                                             \
    X(sweep)                                                                                                           \
    X(plan)                                                                                                            \
    X(stylize)                                                                                                         \
    X(pictures)                                                                                                        \
    X(dataset)                                                                                                         \
    X(weights)                                                                                                         \
    X(watch)                                                                                                           \
    X(report)                                                                                                          \
    X(figure)                                                                                                          \
    X(sample)                                                                                                          \
    X(check)                                                                                                           \
    X(devices)                                                                                                         \
    X(doctor)                                                                                                          \
    X(tune)                                                                                                            \
    X(bench)                                                                                                           \
    X(info)                                                                                                            \
    X(config)                                                                                                          \
    X(explain)                                                                                                         \
    X(completion)                                                                                                      \
    X(man)                                                                                                             \
    X(help)

#define DECLARE(name) extern const command name##_command;
COMMANDS(DECLARE)

#define ROW(name) &name##_command,
static const command *const commands[] = {COMMANDS(ROW)};

int main(int argc, char **argv) { return cli_main(commands, sizeof commands / sizeof *commands, argc, argv); }
