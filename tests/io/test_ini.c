/* INI files: what is taken, and every line that is refused with its number. */
#include "io/ini.h"

#include "scratch.h"

static void entries_come_in_order(void **state)
{
    (void)state;
    static const char text[] = "; first\n[train]\nsteps = 500 ; a comment\n  indented: yes\n\n# second\n[data]\r\n"
                               "colour = #ff0000\r\nempty =\npath = a;b = c\n[train]\nrate=1e-3";
    static const nx_ini_entry wanted[] = {
        {"train", "steps", "500", 3}, {"train", "indented", "yes", 4}, {"data", "colour", "#ff0000", 8},
        {"data", "empty", "", 9},     {"data", "path", "a;b = c", 10}, {"train", "rate", "1e-3", 12},
    };
    nx_ini ini;
    nx_error err;
    assert_true(nx_ini_parse(&ini, "text", text, &err));
    assert_int_equal(ini.count, 6);
    for (size_t i = 0; i < ini.count; i++) {
        assert_string_equal(ini.entries[i].section, wanted[i].section);
        assert_string_equal(ini.entries[i].key, wanted[i].key);
        assert_string_equal(ini.entries[i].value, wanted[i].value);
        assert_int_equal(ini.entries[i].line, wanted[i].line);
    }
    nx_ini_free(&ini);
}

static void wrong_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *message;
    } cases[] = {
        {"[a]\nx = 1\nnonsense\n", "cfg:3:", "'nonsense' is neither"},
        {"[a]\nx = 1\nmore\nx = 2\n", "cfg:3:", "neither"},
        {"[a]\nx = 1\nx = 2\nmore\n", "cfg:3:", "set twice, first in line 2"},
        {"[a]\nx = 1\n[b]\nx = 1\n[a]\nx = 3", "cfg:6:", "set twice, first in line 2"},
        {"x = 1\n", "cfg:1:", "before the first [section]"},
        {"[a]\n= 1\n", "cfg:2:", "without a key"},
        {"[a\nx = 1\n", "cfg:1:", "the ']' is missing"},
        {"[]\n", "cfg:1:", "without a name"},
        {"[a] x = 1\n", "cfg:1:", "text after the section name"},
        {"[a]\nx = one\n  two\n", "cfg:3:", "'two' is neither"},
        {"[a2345678901234567890123456789012345678901234567890]\n", "cfg:1:", "at most 49"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_ini ini;
        nx_error err = {0};
        if (nx_ini_parse(&ini, "cfg", cases[i].text, &err)) fail_msg("taken: %s", cases[i].text);
        assert_message(&err, cases[i].place, cases[i].message);
        assert_int_equal(ini.count, 0);
    }
}

/* Lines of any length mean what short ones mean; inih's buffer ends at 200. */
static void long_lines_are_whole(void **state)
{
    (void)state;
    static const char *const tails[] = {"", "  ", "  ; a comment", " \t;", ";no comment", " # neither", " = : [x]"},
                             *const seen[] = {"", "", "", "", ";no comment", " # neither", " = : [x]"};
    for (int length = 1; length <= 2000; length += length > 170 && length < 220 ? 1 : 57)
        for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
            char text[4096], value[2100];
            memset(value, 'v', (size_t)length);
            value[length / 2] = ' ';
            value[0] = value[length - 1] = 'w';
            value[length] = 0;
            snprintf(text, sizeof text, "[a]\n  x%s%s%s\ny : 2\n", length % 2 ? " = \t" : ":", value, tails[i]);
            strcat(value, seen[i]);
            nx_ini ini;
            nx_error err = {0};
            if (!nx_ini_parse(&ini, "cfg", text, &err)) fail_msg("%s", err.text);
            assert_int_equal(ini.count, 2);
            assert_string_equal(ini.entries[0].key, "x");
            assert_string_equal(ini.entries[0].value, value);
            assert_string_equal(ini.entries[1].value, "2");
            assert_int_equal(ini.entries[1].line, 3);
            nx_ini_free(&ini);
        }
    char none[600] = "[a]\n";
    memset(none + 4, 'k', 300);
    nx_ini long_one;
    nx_error wrong = {0};
    assert_false(nx_ini_parse(&long_one, "cfg", none, &wrong));
    assert_message(&wrong, "cfg:2:", "is neither");
    char text[1024] = "; ";
    memset(text + 2, 'c', 900);
    strcpy(text + 902, "\n[a]\nx = 1\n");
    nx_ini ini;
    nx_error err;
    assert_true(nx_ini_parse(&ini, "cfg", text, &err)); /* comments may be long */
    assert_int_equal(ini.entries[0].line, 3);
    nx_ini_free(&ini);
}

/* A hundred thousand keys are no more than a hundred thousand times the work. */
static void many_keys_are_quick(void **state)
{
    (void)state;
    enum { KEYS = 100000 };
    nx_ini ini;
    nx_error err = {0};
    char *text = nx_alloc(KEYS * 16 + 64), *at = text + sprintf(text, "[a]\n");
    for (int i = 0; i < KEYS; i++) at += sprintf(at, "k%d = 1\n", i);
    assert_true(nx_ini_parse(&ini, "cfg", text, &err));
    assert_int_equal(ini.count, KEYS);
    nx_ini_free(&ini);
    strcpy(at, "k99 = 2\nk7 = 2\nk7 = 3\n");
    assert_false(nx_ini_parse(&ini, "cfg", text, &err));
    assert_message(&err, "cfg:100002:", "k99 is set twice, first in line 101");
    free(text);
}

/* With the mark that some editors put before UTF-8; nothing at all; a wrong line by its number. */
static void whole_texts_are_taken(void **state)
{
    (void)state;
    nx_ini ini;
    nx_error err;
    assert_true(nx_ini_parse(&ini, "cfg", "\xEF\xBB\xBF[s]\nk = v", &err));
    assert_int_equal(ini.count, 1);
    assert_string_equal(ini.entries[0].value, "v");
    nx_ini_free(&ini);
    assert_false(nx_ini_parse(&ini, "cfg", "[s]\n\noops\n", &err));
    assert_message(&err, "cfg:3:", "oops");
    assert_true(nx_ini_parse(&ini, "cfg", "", &err));
    assert_int_equal(ini.count, 0);
    nx_ini_free(&ini);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_in_order), cmocka_unit_test(wrong_lines_are_named),
        cmocka_unit_test(long_lines_are_whole),  cmocka_unit_test(many_keys_are_quick),
        cmocka_unit_test(whole_texts_are_taken),
    };
    return cmocka_run_group_tests_name("ini", tests, scratch_open, scratch_close);
}
