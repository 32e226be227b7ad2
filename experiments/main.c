/* nstx: the program. One table of commands. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "commands.h"
#include "run/config.h"
#include "run/program_cache.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int command_help(int argc, char **argv);
static int command_config(int argc, char **argv);

const command commands[] = {
    {"run", command_run, .usage = "run CONFIG [-s section.key=value]... [-o RUN.h5] [--resume] [--quiet] [--json]",
     .does = "runs a config; with a [sweep], each of its points and then a comparison"},
    {"sweep", command_sweep, .usage = "sweep CONFIG [-j N] [--slurm] [-s section.key=value]... [-o RUN.h5]",
     .does = "the points of a [sweep] side by side, finished ones skipped"},
    {"plan", command_plan, .usage = "plan CONFIG [--time] [-s section.key=value]... [--json]",
     .does = "shapes, parameters, bytes, the largest size that fits, the time it takes"},
    {"stylize", command_stylize, .usage = "stylize MODEL IMAGE... -o OUT [OPTION]...",
     .does = "a trained generator on pictures, folders or frames, any size", .options = stylize_options},
    {"dataset", command_dataset, .usage = "dataset pack FOLDER OUT.h5 [--size S] | dataset info FILE",
     .does = "packs a folder of pictures into one file that reads faster"},
    {"weights", command_weights, .usage = "weights info|verify|normalize|export|import ...",
     .does = "looks into, checks, normalises and converts files of weights", .options = weights_options},
    {"watch", command_watch, .usage = "watch RUN.h5",
     .does = "follows a run: step, time left, the curves of its losses"},
    {"report", command_report, .usage = "report RUN.h5... [-o REPORT.html]",
     .does = "runs side by side as one page for a browser: curves, pictures, configs"},
    {"figure", command_figure, .usage = "figure [PAPER[/NAME]...|all] [--scale ci|laptop|paper] [OPTION]...",
     .does = "reproduces figures and tables of the papers: picture, claims, verdicts", .options = figure_options},
    {"sample", command_sample, .usage = "sample MODEL [-n N] [--size WxH] -o OUT [OPTION]...",
     .does = "samples of a texture generator", .options = sample_options},
    {"check", command_check, .usage = "check FILE",
     .does = "golden inputs of a texture network against its golden output"},
    {"devices", command_devices, .usage = "devices [--json]", .does = "every OpenCL device with its score"},
    {"doctor", command_doctor, .usage = "doctor [DEVICE]",
     .does = "drivers found and missing, limits, a test of every kernel, the speed"},
    {"tune", command_tune, .usage = "tune [CONFIG] [-s section.key=value]... [--shapes FILE] [--clear]",
     .does = "measures which algorithms are fastest on this device, for runs to use", .options = tune_options},
    {"bench", command_bench, .usage = "bench [TABLE|ROW]... [--seconds S] [--profile] [--json]",
     .does = "how fast operations, steps and inference are, and what the device can do at most"},
    {"info", command_info, .usage = "info FILE [--json]", .does = "what a run, model, weight or picture file holds"},
    {"config", command_config, .usage = "config",
     .does = "every key of a config, with type, default, range and meaning"},
    {"explain", command_explain, .usage = "explain KEY...", .does = "what a key or a section of a config means"},
    {"completion", command_completion, .usage = "completion bash|zsh",
     .does = "a script with which the shell completes nstx"},
    {"man", command_man, .usage = "man", .does = "the manual page, as nroff"},
    {"help", command_help, .usage = "help", .does = "this list"},
};
enum { COMMANDS = sizeof commands / sizeof *commands, BESIDE = 40 };
const size_t command_count = COMMANDS;

const char *command_line = "";

/* What the library says, which knows no keys and no commands, in the program's words. */
static const struct {
    const char *said, *meant;
} words[] = {
    {"the device is out of memory", "the device is out of memory: lower [data] size or batch; `nstx plan` tells"},
    {": tf32 needs NVIDIA's tensor cores", ": precision = tf32 needs NVIDIA's tensor cores"},
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

static void say_death(const char *message, void *user) { (void)user, say_line(message); }

static const command *command_named(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name)) return &commands[i];
    return NULL;
}

static void say_wrong(const char *format, va_list args)
{
    fputs("nstx: ", stderr);
    vfprintf(stderr, format, args);
}

int usage_error(const char *name, const char *format, ...)
{
    const command *c = command_named(name);
    va_list args;
    NX_CHECK(c, "there is no command %s", name);
    va_start(args, format);
    say_wrong(format, args);
    va_end(args);
    fprintf(stderr, "; usage: nstx %s", c->usage);
    if (c->options) fprintf(stderr, " (nstx %s --help lists them)", name);
    fputc('\n', stderr);
    return EXIT_REQUEST;
}

int usage_error_of(const char *usage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_wrong(format, args);
    va_end(args);
    fprintf(stderr, "; usage: nstx %s\n", usage);
    return EXIT_REQUEST;
}

static void print_commands(FILE *out)
{
    fprintf(out, "nstx %s: neural style and texture papers on any OpenCL device\n\n", nx_version);
    for (int i = 0; i < COMMANDS; i++) { /* what it does: beside a short usage, below a long one */
        int used = fprintf(out, "  nstx %s", commands[i].usage);
        if (used >= BESIDE) used = 0, fputc('\n', out);
        fprintf(out, "%*s%s\n", BESIDE - used, "", commands[i].does);
    }
    fprintf(out, "\nNSTX_DEVICE chooses a device by a part of its name. Configs are in configs/.\n");
}

static void print_help(const command *c)
{
    printf("nstx %s\n    %s\n", c->usage, c->does);
    if (c->options) printf("\n%s", c->options);
}

static int command_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    print_commands(stdout);
    return EXIT_DONE;
}

static int command_config(int argc, char **argv)
{
    (void)argc, (void)argv;
    config_reference(stdout);
    return EXIT_DONE;
}

static const char *command_name(size_t i, const void *context) { return (void)context, commands[i].name; }

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_REQUEST;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) return command_help(argc, argv);
    if (!strcmp(argv[1], "--version")) {
        printf("nstx %s (%s)\n", nx_version, nx_revision);
        return EXIT_DONE;
    }
    char *line = nx_copy_text("nstx");
    for (int i = 1; i < argc; i++) {
        char *longer = nx_format("%s %s", line, argv[i]);
        free(line);
        line = longer;
    }
    command_line = line;
    nx_error_hook_set(say_death, NULL);
    program_cache_use();
    const command *c = command_named(argv[1]);
    int code = EXIT_REQUEST;
    if (!c) {
        const char *near = nx_nearest(argv[1], COMMANDS, command_name, NULL);
        fprintf(stderr, "nstx: no command \"%s\"%s%s; `nstx help` lists them\n", argv[1], near ? ": did you mean " : "",
                near ? near : "");
    } else if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"))) {
        print_help(c);
        code = EXIT_DONE;
    } else {
        code = c->run(argc - 1, argv + 1);
    }
    free(line);
    return code;
}
