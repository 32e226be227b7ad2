/* nstx explain: keys of a config by name, "section.key" or "key", and whole sections. */
#include "base/memory.h"
#include "base/text.h"
#include "commands/cli.h"
#include "commands/terminal.h"

#include <stdlib.h>
#include <string.h>

/* The key as "[section] key", or only its name, is what was asked for. */
static bool asked(const config_key *k, const char *name)
{
    size_t length = strlen(k->section);
    bool whole = !strncmp(name, k->section, length) && name[length] == '.';
    return !strcmp(whole ? name + length + 1 : name, k->key);
}

static void print_key(const config_key *k, size_t i)
{
    printf("%s[%s] %s%s\n    %s\n    default  %s\n    values   ", terminal_style(stdout, TERMINAL_BOLD), k->section,
           k->key, terminal_style(stdout, TERMINAL_END), k->text, *k->initial ? k->initial : "(empty)");
    config_key_values(stdout, i);
    printf("\n    override -s %s.%s=%s\n", k->section, k->key, *k->initial ? k->initial : "...");
}

static bool print_section(const char *wanted)
{
    const char *name, *text;
    config_key k;
    for (size_t s = 0; (text = config_section_at(s, &name)); s++) {
        if (strcmp(wanted, name)) continue;
        printf("%s[%s]%s\n    %s\n", terminal_style(stdout, TERMINAL_BOLD), name, terminal_style(stdout, TERMINAL_END),
               text);
        for (size_t i = 0; config_key_at(i, &k); i++)
            if (!strcmp(k.section, name)) printf("    %-22s %s\n", k.key, k.text);
        return true;
    }
    return false;
}

/* Every name that explain knows: sections, keys, keys with their section. Owned by the caller. */
static char **all_names(size_t *count)
{
    char **names = NULL;
    const char *section;
    config_key k;
    *count = 0;
    for (size_t i = 0; config_section_at(i, &section); i++) {
        NX_GROW(names, *count);
        names[(*count)++] = nx_copy_text(section);
    }
    for (size_t i = 0; config_key_at(i, &k); i++)
        for (int whole = 0; whole < 2; whole++) {
            NX_GROW(names, *count);
            names[(*count)++] = whole ? nx_format("%s.%s", k.section, k.key) : nx_copy_text(k.key);
        }
    return names;
}

static const char *name_at(size_t i, const void *names) { return ((char *const *)names)[i]; }

static bool explain(const char *name, nx_error *err)
{
    bool found = print_section(name);
    config_key k;
    for (size_t i = 0; config_key_at(i, &k); i++) {
        if (!asked(&k, name)) continue;
        print_key(&k, i);
        found = true;
    }
    if (found) return true;
    size_t count;
    char **names = all_names(&count);
    const char *near = nx_nearest(name, count, name_at, names);
    nx_fail(err, "a config has no key or section %s%s%s: `nstx config` lists them", name, near ? ": did you mean " : "",
            near ? near : "");
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
    return false;
}

static void print_names(void)
{
    config_key k;
    for (size_t i = 0; config_key_at(i, &k); i++) printf(" %s.%s", k.section, k.key);
}

static int command_explain(int argc, char **argv)
{
    nx_error err;
    if (argc < 2) return usage_error("explain", "no key is named");
    for (int i = 1; i < argc; i++)
        if (!explain(argv[i], &err)) return fail_with(&err, EXIT_REQUEST);
    return EXIT_DONE;
}

const command explain_command = {
    .name = "explain",
    .run = command_explain,
    .usage = "explain KEY...",
    .does = "what a key or a section of a config means",
    .print_words = print_names,
};
