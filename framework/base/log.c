/* Log: level, message, and a progress line that never mixes with either. */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static nx_log_level current = NX_LOG_INFO;
static bool progress_shown;

static void wipe(void)
{
    if (progress_shown) fputs("\r\033[K", stderr);
    progress_shown = false;
}

static void message(nx_log_level level, const char *prefix, const char *format, va_list args)
{
    char *text;
    if (level > current || vasprintf(&text, format, args) < 0) return;
    wipe();
    fprintf(stderr, "%s%s\n", prefix, nx_text_printable(text));
    free(text);
}

void nx_log_set(nx_log_level level) { current = level; }

#define MESSAGE(level, prefix)                                                                                         \
    va_list args;                                                                                                      \
    va_start(args, format);                                                                                            \
    message(level, prefix, format, args);                                                                              \
    va_end(args)

void nx_warn(const char *format, ...) { MESSAGE(NX_LOG_WARN, "warning: "); }
void nx_info(const char *format, ...) { MESSAGE(NX_LOG_INFO, ""); }

void nx_progress(const char *format, ...)
{
    static int terminal = -1;
    if (terminal < 0) terminal = isatty(STDERR_FILENO);
    if (!terminal || current < NX_LOG_INFO) return;
    wipe();
    if (!*format) return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fflush(stderr);
    progress_shown = true;
}
