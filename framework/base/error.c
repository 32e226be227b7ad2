/* Errors: one line for the user, or the end of the process. */
#include "base/error.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool nx_fail(nx_error *err, const char *format, ...)
{
    if (!err) return false;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    nx_text_printable(err->text);
    return false;
}

bool nx_fail_in(nx_error *err, const char *format, ...)
{
    if (!err) return false;
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t room = used >= 0 && used < (int)sizeof err->text ? sizeof err->text - (size_t)used : 0;
    if (room) snprintf(err->text + used, room, ": %s", inner);
    nx_text_printable(err->text);
    return false;
}

void nx_die_at(const char *file, int line, const char *format, ...)
{
    char message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fprintf(stderr, "nstx: %s:%d: %s\n", file, line, message);
    exit(1);
}
