/* nstx: the program. One table of commands. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "commands.h"
#include "run/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int command_help(int argc, char **argv);
static int command_config(int argc, char **argv);

const command commands[] = {
    {"run", command_run, "run CONFIG [-s section.key=value]... [-o RUN.h5] [--resume] [--quiet] [--json]",
     "runs a config; with a [sweep], each of its points and then a comparison"},
    {"sweep", command_sweep, "sweep CONFIG [-j N] [--slurm] [-s section.key=value]... [-o RUN.h5]",
     "the points of a [sweep] side by side, finished ones skipped"},
    {"plan", command_plan, "plan CONFIG [--time] [-s section.key=value]... [--json]",
     "shapes, parameters, bytes, the largest size that fits, the time it takes"},
    {"stylize", command_stylize, "stylize MODEL IMAGE... -o OUT [OPTION]...",
     "a trained generator on pictures, folders or frames, any size"},
    {"dataset", command_dataset, "dataset pack FOLDER OUT.h5 [--size S] | dataset info FILE",
     "packs a folder of pictures into one file that reads faster"},
    {"weights", command_weights, "weights info|verify|normalize|export|import ...",
     "looks into, checks, normalises and converts files of weights"},
    {"watch", command_watch, "watch RUN.h5", "follows a run: step, time left, the curves of its losses"},
    {"report", command_report, "report RUN.h5... [-o REPORT.html]",
     "runs side by side as one page for a browser: curves, pictures, configs"},
    {"figure", command_figure, "figure [PAPER[/NAME]...|all] [--scale ci|laptop|paper] [OPTION]...",
     "reproduces figures and tables of the papers: picture, claims, verdicts"},
    {"sample", command_sample, "sample MODEL [-n N] [--size WxH] -o OUT [OPTION]...", "samples of a texture generator"},
    {"check", command_check, "check FILE", "golden inputs of a texture network against its golden output"},
    {"devices", command_devices, "devices [--json]", "every OpenCL device with its score"},
    {"doctor", command_doctor, "doctor [DEVICE]",
     "drivers found and missing, limits, a test of every kernel, the speed"},
    {"tune", command_tune, "tune [CONFIG] [-s section.key=value]... [--shapes FILE] [--clear]",
     "measures which algorithms are fastest on this device, for runs to use"},
    {"bench", command_bench, "bench [TABLE|ROW]... [--seconds S] [--profile] [--json]",
     "how fast operations, steps and inference are, and what the device can do at most"},
    {"info", command_info, "info FILE [--json]", "what a run, model, weight or picture file holds"},
    {"config", command_config, "config", "every key of a config, with type, default, range and meaning"},
    {"explain", command_explain, "explain KEY...", "what a key or a section of a config means"},
    {"completion", command_completion, "completion bash|zsh", "a script with which the shell completes nstx"},
    {"man", command_man, "man", "the manual page, as nroff"},
    {"help", command_help, "help", "this list"},
};
enum { COMMANDS = sizeof commands / sizeof *commands, BESIDE = 40 };
const size_t command_count = COMMANDS;

const char *command_options(const char *name)
{
    return !strcmp(name, "stylize")  ? stylize_options
           : !strcmp(name, "sample") ? sample_options
           : !strcmp(name, "figure") ? figure_options
                                     : NULL;
}

const char *command_line = "";

int fail_with(const nx_error *err, int code)
{
    nx_progress("%s", "");
    fprintf(stderr, "nstx: %s\n", err->text);
    return code;
}

int usage_error(const char *usage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("nstx: ", stderr);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; usage: nstx %s\n", usage);
    va_end(args);
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
    int code = -1;
    for (int i = 0; i < COMMANDS && code < 0; i++) {
        if (strcmp(argv[1], commands[i].name)) continue;
        if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"))) {
            printf("nstx %s\n    %s\n", commands[i].usage, commands[i].does);
            if (command_options(argv[1])) printf("\n%s", command_options(argv[1]));
            code = EXIT_DONE;
        } else {
            code = commands[i].run(argc - 1, argv + 1);
        }
    }
    if (code < 0) {
        const char *near = nx_nearest(argv[1], COMMANDS, command_name, NULL);
        fprintf(stderr, "nstx: no command \"%s\"%s%s; `nstx help` lists them\n", argv[1], near ? ": did you mean " : "",
                near ? near : "");
        code = EXIT_REQUEST;
    }
    free(line);
    return code;
}
