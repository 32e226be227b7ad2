/* nstx completion: scripts for bash and zsh, made of the table of commands and the table of keys.
 *
 * The options of a command are the words of its usage that begin with '-'; what else it takes are files, and the words
 * of its own. After -s come "section.key=", then the words of a choice. */
#include "commands/cli.h"

#include <string.h>

/* Calls print for every option in a usage. */
static void print_options(const char *usage_text)
{
    for (const char *at = usage_text; (at = strpbrk(at, "-")); at += strcspn(at, " ]|")) {
        bool starts = at == usage_text || strchr(" [|", at[-1]);
        if (starts) printf(" %.*s", (int)strcspn(at, " ]|"), at);
        if (!starts) at++;
    }
}

static void print_commands(void)
{
    size_t count;
    const command *const *commands = cli_commands(&count);
    for (size_t i = 0; i < count; i++) printf(" %s", commands[i]->name);
}

static void print_keys(const char *prefix, const char *ending)
{
    config_key k;
    for (size_t i = 0; config_key_at(i, &k); i++) printf(" %s%s.%s%s", prefix, k.section, k.key, ending);
}

/* A case of a shell's `case`, "section.key) words=...;;", for every choice. */
static void print_choices(void)
{
    config_key k;
    for (size_t i = 0; config_key_at(i, &k); i++) {
        if (!k.words) continue;
        printf("    %s.%s) answers='", k.section, k.key);
        for (size_t w = 0; k.words[w]; w++) printf(w ? " %s" : "%s", k.words[w]);
        printf("' ;;\n");
    }
}

static void print_cases(void)
{
    size_t count;
    const command *const *commands = cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        printf("    %s) answers='", commands[i]->name);
        print_options(commands[i]->usage);
        if (commands[i]->options) print_options(commands[i]->options);
        if (commands[i]->print_words) commands[i]->print_words();
        printf("' ;;\n");
    }
}

/* bash splits words at '=', so the value of "-s key=value" is a word of its own. */
static void print_bash(void)
{
    printf("# bash completion of nstx, made by `nstx completion bash`: source it, or put it into\n"
           "# ~/.local/share/bash-completion/completions/nstx\n"
           "_nstx()\n{\n    local answers= word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} key=\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '");
    print_commands();
    printf("' -- \"$word\"))\n        return\n    fi\n"
           "    [ \"$before\" = -s ] && answers='");
    print_keys("", "=");
    printf("' && compopt -o nospace 2>/dev/null\n"
           "    [ \"$word\" = = ] && word= key=$before\n"
           "    [ \"$before\" = = ] && key=${COMP_WORDS[COMP_CWORD - 2]}\n"
           "    if [ -n \"$key\" ]; then\n    case $key in\n");
    print_choices();
    printf("    esac\n    elif [ \"$before\" != -s ] && [ \"$before\" != -o ]; then\n"
           "    case ${COMP_WORDS[1]} in\n");
    print_cases();
    printf("    esac\n    fi\n"
           "    COMPREPLY=($(compgen -W \"$answers\" -- \"$word\"))\n"
           "    [ \"${#COMPREPLY[@]}\" -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "}\ncomplete -o filenames -F _nstx nstx ./nstx\n");
}

static void print_zsh(void)
{
    size_t count;
    const command *const *commands = cli_commands(&count);
    printf("#compdef nstx\n# zsh completion of nstx, made by `nstx completion zsh`: put it as _nstx into a folder of "
           "$fpath\n"
           "_nstx() {\n    local answers= word=${words[CURRENT]} before=${words[CURRENT-1]}\n"
           "    if (( CURRENT == 2 )); then\n        local -a all\n        all=(\n");
    for (size_t i = 0; i < count; i++) {
        printf("            '%s:", commands[i]->name);
        for (const char *s = commands[i]->does; *s; s++) /* quotes and colons mean something there */
            fputs(*s == '\'' ? "'\\''" : *s == ':' ? "\\:" : (char[]){*s, 0}, stdout);
        printf("'\n");
    }
    printf("        )\n        _describe command all\n        return\n    fi\n"
           "    if [[ $before == -s && $word == *=* ]]; then\n        local key=${word%%%%=*}\n"
           "        case $key in\n");
    print_choices();
    printf("        esac\n        [[ -n $answers ]] && compadd -P \"$key=\" -- ${=answers} || { compset -P '*='; "
           "_files; }\n"
           "        return\n    fi\n"
           "    if [[ $before == -s ]]; then\n        compadd -S '' --");
    print_keys("", "=");
    printf("\n        return\n    fi\n    local command=${words[2]}\n    case $command in\n");
    print_cases();
    printf("    esac\n    [[ $before != -o && -n $answers ]] && compadd -- ${=answers}\n    _files\n}\n"
           "if [[ ${funcstack[1]} == _nstx ]]; then _nstx \"$@\"; else compdef _nstx nstx ./nstx; fi\n");
}

static void print_shells(void) { printf(" bash zsh"); }

static int command_completion(int argc, char **argv)
{
    if (argc != 2) return usage_error("completion", "one shell is named");
    if (!strcmp(argv[1], "bash"))
        print_bash();
    else if (!strcmp(argv[1], "zsh"))
        print_zsh();
    else
        return usage_error("completion", "no completion for %s", argv[1]);
    return EXIT_DONE;
}

const command completion_command = {
    .name = "completion",
    .run = command_completion,
    .usage = "completion bash|zsh",
    .print_words = print_shells,
    .does = "a script with which the shell completes nstx",
};
