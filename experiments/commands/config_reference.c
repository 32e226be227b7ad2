/* nstx config: the reference of all keys, which is notes/config.md too. */
#include "commands/cli.h"

#include <stdio.h>

static int command_config(int argc, char **argv)
{
    (void)argc, (void)argv;
    config_reference(stdout);
    return EXIT_DONE;
}

const command config_command = {
    .name = "config",
    .run = command_config,
    .usage = "config",
    .does = "every key of a config, with type, default, range and meaning",
};
