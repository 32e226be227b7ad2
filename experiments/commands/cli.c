/* The frame of all commands. */
#include "commands/cli.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "machine/program_cache.h"
#include "run/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const command *const *all;
static size_t all_count;
static char *line, *again;

const command *const *cli_commands(size_t *count) { return *count = all_count, all; }
const char *cli_line(void) { return line ? line : ""; }
const char *cli_again(void) { return again ? again : ""; }

static const command *command_named(const char *name)
{
    for (size_t i = 0; i < all_count; i++)
        if (!strcmp(all[i]->name, name)) return all[i];
    return NULL;
}

static const char *command_name(size_t i, const void *context) { return (void)context, all[i]->name; }

/* ---- failures ---- */

/* What the library says, which knows no keys and no commands, in the program's words. */
static const struct {
    const char *said, *meant;
} words[] = {
    {"the device is out of memory", "the device is out of memory: lower [data] size or batch; `nstx plan` tells"},
    {": tf32 needs NVIDIA's tensor cores", ": precision = tf32 needs NVIDIA's tensor cores"},
    {": bf16 needs a processor", ": precision = bf16 needs a processor"},
    {": bf16 needs NVIDIA's tensor cores", ": precision = bf16 needs NVIDIA's tensor cores"},
    {"no mma.sync in inline PTX", "no mma.sync in inline PTX; take precision = fp32"},
    {": no packed dataset", ": no packed dataset: `nstx dataset pack FOLDER OUT.h5` makes one"},
    {": choose a smaller size", ": choose a smaller --size"},
};

static void say_line(const char *text)
{
    nx_progress("%s", "");
    fputs("nstx: ", stderr);
    while (*text) {
        const char *next = text + strlen(text);
        size_t found = 0;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            const char *place = strstr(text, words[i].said);
            if (place && place < next) next = place, found = i;
        }
        fprintf(stderr, "%.*s", (int)(next - text), text);
        if (!*next) break;
        fputs(words[found].meant, stderr);
        text = next + strlen(words[found].said);
    }
    fputc('\n', stderr);
}

int fail_with(const nx_error *err, int code)
{
    say_line(err->text);
    return code;
}

void say_interrupted(void *unused)
{
    (void)unused;
    say_line("interrupted");
}

static void say_death(const char *message, void *user) { (void)user, say_line(message); }

static int say_wrong(const char *usage, bool more, const char *format, va_list args)
{
    fputs("nstx: ", stderr);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; usage: nstx %s", usage);
    if (more) fprintf(stderr, " (nstx %.*s --help lists them)", (int)strcspn(usage, " "), usage);
    fputc('\n', stderr);
    return EXIT_REQUEST;
}

int usage_error(const char *name, const char *format, ...)
{
    const command *c = command_named(name);
    va_list args;
    NX_CHECK(c, "there is no command %s", name);
    va_start(args, format);
    int code = say_wrong(c->usage, c->options, format, args);
    va_end(args);
    return code;
}

int usage_error_of(const char *usage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = say_wrong(usage, false, format, args);
    va_end(args);
    return code;
}

/* ---- requests of a config ---- */

void config_request_set(config_request *r, const char *setting)
{
    NX_GROW(r->settings, r->count);
    r->settings[r->count++] = setting;
}

void config_request_free(config_request *r)
{
    free(r->settings);
    *r = (config_request){0};
}

bool config_request_name(config_request *r, int argc, char **argv)
{
    if (optind + 1 != argc)
        return usage_error(argv[0], optind == argc ? "no config is named" : "one config at a time, not also %s",
                           argv[argc - 1]),
               false;
    r->config = argv[optind];
    return true;
}

bool config_request_open(const config_request *r, const char *out, config **c, sweep_points *p, nx_error *err)
{
    *c = NULL;
    *p = (sweep_points){0};
    return config_load(c, r->config, r->settings, r->count, err) && sweep_points_new(p, *c, out, err);
}

/* ---- the program ---- */

/* Appends a word and frees what it was appended to. */
static char *append(char *text, const char *word)
{
    char *longer = nx_format("%s %s", text, word);
    free(text);
    return longer;
}

static void remember_line(int argc, char **argv)
{
    line = nx_copy_text("nstx");
    again = nx_copy_text("nstx");
    for (int i = 1; i < argc; i++) {
        char *word = nx_text_shell(argv[i]);
        line = append(line, argv[i]);
        if (strcmp(argv[i], "--overwrite")) again = append(again, word);
        free(word);
    }
}

void cli_print_commands(FILE *out)
{
    enum { BESIDE = 40 };
    fprintf(out, "nstx %s: neural style and texture papers on any OpenCL device\n\n", nx_version);
    for (size_t i = 0; i < all_count; i++) { /* what it does: beside a short usage, below a long one */
        int used = fprintf(out, "  nstx %s", all[i]->usage);
        if (used >= BESIDE) used = 0, fputc('\n', out);
        fprintf(out, "%*s%s\n", BESIDE - used, "", all[i]->does);
    }
    fprintf(out, "\nNSTX_DEVICE chooses a device by a part of its name or, as #2, by its number in `nstx devices`. "
                 "Configs are in configs/.\n");
}

static void print_help(const command *c)
{
    printf("nstx %s\n    %s\n", c->usage, c->does);
    if (c->options) printf("\n%s", c->options);
}

static bool is_help(const char *word) { return !strcmp(word, "--help") || !strcmp(word, "-h"); }

/* What a program starts with closed, its first files would become, and messages go into them: nothing takes their
 * place. */
static void open_streams(void)
{
    int file;
    do file = open("/dev/null", O_RDWR);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0) close(file);
}

int cli_main(const command *const *commands, size_t count, int argc, char **argv)
{
    open_streams();
    interrupt_spare_writes();
    all = commands;
    all_count = count;
    if (argc < 2) return cli_print_commands(stderr), EXIT_REQUEST;
    if (is_help(argv[1])) return cli_print_commands(stdout), EXIT_DONE;
    if (!strcmp(argv[1], "--version")) return printf("nstx %s (%s)\n", nx_version, nx_revision), EXIT_DONE;
    const command *c = command_named(argv[1]);
    if (!c) {
        const char *near = nx_nearest(argv[1], count, command_name, NULL);
        fprintf(stderr, "nstx: no command \"%s\"%s%s; `nstx help` lists them\n", argv[1], near ? ": did you mean " : "",
                near ? near : "");
        return EXIT_REQUEST;
    }
    /* Behind a word of the command's own too, as in nstx weights get --help. */
    if (argc > 2 && (is_help(argv[2]) || !strcmp(argv[argc - 1], "--help"))) return print_help(c), EXIT_DONE;
    remember_line(argc, argv);
    nx_error_hook_set(say_death, NULL);
    program_cache_use();
    int code = c->run(argc - 1, argv + 1);
    if ((fflush(stdout) || ferror(stdout)) && code == EXIT_DONE) {
        fprintf(stderr, "nstx: standard output: cannot write: %s\n", strerror(errno));
        code = EXIT_FAILED;
    }
    free(line);
    free(again);
    line = again = NULL;
    return code;
}
