/* Whether a stream takes colour; the filter of what is printed. */
#include "commands/terminal.h"

#include "base/error.h"
#include "base/text.h"

#include <stdarg.h>
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

void terminal_print(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) nx_die("out of memory");
    fputs(nx_text_printable(text), stdout);
    free(text);
}

void terminal_lines(const char *text)
{
    for (const char *end; *text; text = end) {
        size_t length = strcspn(text, "\n");
        char *line = nx_format("%.*s", (int)length, text);
        terminal_print("%s", line);
        free(line);
        end = text + length;
        if (*end) putchar('\n'), end++;
    }
}
