/* Text that goes to a terminal, and sizes that are multiplied. */
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void printable_text_stays(void **state)
{
    (void)state;
    static const char *const names[] = {"", "plain.png", "Größe 写真 🎨.jpg", "\xF4\x8F\xBF\xBF", "a\xC2\xA0z"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = nx_copy_text(names[i]);
        assert_string_equal(nx_text_printable(text), names[i]);
        free(text);
    }
}

static void what_a_terminal_obeys_goes(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"a\033[31mb", "a?[31mb"},      /* an escape sequence */
        {"a\nb\tc\rd\x7F", "a?b?c?d?"}, /* controls */
        {"a\xC2\x9B"
         "31m",
         "a??31m"},                          /* the same as one character */
        {"a\xE2\x80\xAEgnp.b", "a???gnp.b"}, /* backwards from here */
        {"a\xE2\x80\xA8z", "a???z"},         /* a line's end */
        {"a\xFFz\xC3", "a?z?"},              /* no UTF-8, cut off */
        {"a\xC0\x9Bz", "a??z"},              /* overlong */
        {"a\xED\xA0\x80z", "a???z"},         /* a surrogate */
        {"a\xF5\x80\x80\x80z", "a????z"},    /* beyond the last */
        {"\xE2\x80", "??"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = nx_copy_text(names[i][0]);
        assert_string_equal(nx_text_printable(text), names[i][1]);
        free(text);
    }
    nx_error err;
    nx_fail(&err, "%s: no such file", "a\033]0;b\a\nc");
    assert_string_equal(err.text, "a?]0;b??c: no such file");
    nx_fail_in(&err, "%s", "d\x1B");
    assert_string_equal(err.text, "d?: a?]0;b??c: no such file");
}

static void what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"", ""},
        {"Gr\xC3\xB6\xC3\x9F"
         "e\n\033",
         "Gr\xC3\xB6\xC3\x9F"
         "e\n\033"},
        {"a\xFFz\xC3", "a\xEF\xBF\xBDz\xEF\xBF\xBD"},
        {"\xE2\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *text = nx_text_utf8(texts[i][0]);
        assert_string_equal(text, texts[i][1]);
        free(text);
    }
}

static void products_end_too_large(void **state)
{
    (void)state;
    assert_true(nx_times(6, 7) == 42);
    assert_true(nx_times(0, SIZE_MAX) == 0);
    assert_true(nx_times((size_t)1 << 32, (size_t)1 << 31) == (size_t)1 << 63);
    assert_true(nx_times((size_t)1 << 32, (size_t)1 << 32) == SIZE_MAX);
    assert_true(nx_times(nx_times((size_t)1 << 40, (size_t)1 << 40), 3) == SIZE_MAX);
    assert_null(nx_try_alloc(SIZE_MAX));
    void *some = nx_try_alloc(0);
    assert_non_null(some);
    free(some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_text_stays),
        cmocka_unit_test(what_a_terminal_obeys_goes),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(products_end_too_large),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
