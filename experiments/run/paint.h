/* Colour for words on a terminal. NO_COLOR (any value but an empty one), TERM=dumb, a file or a pipe: none.
 *
 *     printf("%swrong%s\n", paint(stdout, PAINT_BAD), paint(stdout, PAINT_END));
 */
#ifndef RUN_PAINT_H
#define RUN_PAINT_H

#include <stdio.h>

#define PAINT_BOLD "\033[1m"
#define PAINT_GOOD "\033[32m"
#define PAINT_NOTE "\033[33m"
#define PAINT_BAD  "\033[31m"
#define PAINT_END  "\033[0m"

/* The code, or "" where out takes no colour. */
const char *paint(FILE *out, const char *code);

#endif
