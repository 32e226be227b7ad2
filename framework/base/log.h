/* Messages for people, on standard error; results go to standard output and are not this file's business. A message is
 * one line, and what names in it would do to a terminal is taken out (nx_text_printable). */
#ifndef NX_BASE_LOG_H
#define NX_BASE_LOG_H

typedef enum nx_log_level { NX_LOG_QUIET, NX_LOG_WARN, NX_LOG_INFO } nx_log_level;

/* The default is NX_LOG_INFO. */
void nx_log_set(nx_log_level level);

void nx_warn(const char *format, ...) __attribute__((format(printf, 1, 2))); /* "warning: ..." */
void nx_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line that replaces itself, on a terminal only; nothing elsewhere. nx_progress("") wipes it. Any message above
 * wipes it first. */
void nx_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
