/* Errors: one line for the user, or the end of the process, unless a hook leaves for somewhere else. */
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

static void (*hook)(const char *message, void *user);
static void *hook_user;

void nx_error_hook_set(void (*tell)(const char *message, void *user), void *user)
{
    hook = tell;
    hook_user = user;
}

void nx_die_at(const char *file, int line, const char *format, ...)
{
    static _Thread_local char message[1 << 15]; /* with a compiler's log; whoever leaves through the hook can keep it */
    int used = snprintf(message, sizeof message, "%s:%d: ", file, line);
    va_list args;
    va_start(args, format);
    vsnprintf(message + used, sizeof message - (size_t)used, format, args);
    va_end(args);
    if (hook)
        hook(message, hook_user);
    else
        fprintf(stderr, "%s\n", message);
    exit(1);
}
