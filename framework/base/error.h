/* Two idioms for things that go wrong, never mixed.
 *
 * What a user wrote (a config, an image, a weight file) is answered: the function takes an nx_error, fills it with one
 * line that says what is wrong and what would be right, and returns false. A bug or a device failure dies, with file
 * and line: NX_CHECK and nx_die. A program that is to outlive such a death sets a hook, and leaves through it.
 *
 *     if (width < crop)
 *         return nx_fail(err, "%s: %d pixels wide, smaller than the crop of %d", path, width, crop);
 *     NX_CHECK(crop > 0, "a crop of %d pixels", crop);
 */
#ifndef NX_BASE_ERROR_H
#define NX_BASE_ERROR_H

#include <stdbool.h>

typedef struct nx_error {
    char text[1024]; /* one line, no newline; empty while nothing failed */
} nx_error;

/* Writes the message into err (which may be NULL) and returns false, so that `return nx_fail(...)` reads well. What
 * names in it would do to a terminal is taken out (nx_text_printable). */
bool nx_fail(nx_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the message that err already holds and returns false. */
bool nx_fail_in(nx_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Who hears of a death, instead of standard error. The hook is called where it happened, in the same thread, with
 * "file:line: what and why", which stays good until the next death in that thread. It may leave by longjmp, or in C++
 * by throwing, to where the program goes on: then what lives on the device and the device itself are freed as ever, and
 * nothing else is done with them (notes/library.md has the rest). If it returns, the process exits with 1. For the
 * whole process, to be set before other threads use the library; NULL: standard error again. */
void nx_error_hook_set(void (*hook)(const char *message, void *user), void *user);

/* Tells the hook, or standard error, "file:line: message", and exits with 1. */
void nx_die_at(const char *file, int line, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));

#define nx_die(...) nx_die_at(__FILE__, __LINE__, __VA_ARGS__)
#define NX_CHECK(condition, ...)                                                                                       \
    do {                                                                                                               \
        if (!(condition)) nx_die(__VA_ARGS__);                                                                         \
    } while (0)

#endif
