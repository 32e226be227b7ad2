/* Colour for words on a terminal, and what a file brings onto it. NO_COLOR (any value but an empty one), TERM=dumb, a
 * file or a pipe: no colour.
 *
 *     printf("%swrong%s\n", terminal_style(stdout, TERMINAL_BAD), terminal_style(stdout, TERMINAL_END));
 */
#ifndef COMMANDS_TERMINAL_H
#define COMMANDS_TERMINAL_H

#include <stdio.h>

#define TERMINAL_BOLD "\033[1m"
#define TERMINAL_GOOD "\033[32m"
#define TERMINAL_NOTE "\033[33m"
#define TERMINAL_BAD  "\033[31m"
#define TERMINAL_END  "\033[0m"

/* The code, or "" where out takes no colour. */
const char *terminal_style(FILE *out, const char *code);

/* printf of a part of a line with names or values that a file brought: what a terminal would obey in them is taken out
 * (nx_text_printable), newlines too. */
void terminal_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A text of several lines that a file brought, each as terminal_print prints it. */
void terminal_lines(const char *text);

#endif
