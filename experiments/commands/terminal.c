/* Whether a stream takes colour. */
#include "commands/terminal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *terminal_style(FILE *out, const char *code)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool plain = (refused && *refused) || (terminal && !strcmp(terminal, "dumb")) || !isatty(fileno(out));
    return plain ? "" : code;
}
