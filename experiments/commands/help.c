/* nstx help: the list of commands. */
#include "commands/cli.h"

#include <stdio.h>

static int command_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    cli_print_commands(stdout);
    return EXIT_DONE;
}

const command help_command = {
    .name = "help",
    .run = command_help,
    .usage = "help",
    .does = "this list",
};
