/* nstx man: the manual page as nroff, made of the table of commands and the table of keys. */
#include "base/version.h"
#include "commands/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text of a page: a backslash is doubled, a hyphen is a minus that can be copied, a line's first dot is no request. */
static void print_text(const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
    }
}

static void print_item(const char *term, const char *text)
{
    fputs(".TP\n.B ", stdout);
    print_text(term);
    putchar('\n');
    print_text(text);
    putchar('\n');
}

static void print_keys(void)
{
    const char *name, *text;
    config_key k;
    for (size_t s = 0; (text = config_section_at(s, &name)); s++) {
        printf(".SS [%s]\n", name);
        print_text(text);
        putchar('\n');
        for (size_t i = 0; config_key_at(i, &k); i++) {
            if (strcmp(k.section, name)) continue;
            print_item(k.key, k.text);
            char *values = NULL;
            size_t bytes;
            FILE *out = open_memstream(&values, &bytes);
            config_key_values(out, i);
            fclose(out);
            printf(".br\n");
            print_text(values);
            if (*k.initial) {
                printf("; default ");
                print_text(k.initial);
            }
            putchar('\n');
            free(values);
        }
    }
}

static int command_man(int argc, char **argv)
{
    static const char *const sections[][3] = {
        {"EXIT STATUS", "0", "done"},
        {NULL, "1", "failed while running, or (doctor) something is wrong"},
        {NULL, "2", "the request was wrong; one line says what would be right"},
        {NULL, "130", "interrupted, checkpoint written"},
        {"ENVIRONMENT", "NSTX_DEVICE",
         "the device to use: a part of its name, or #2, the second of `nstx devices`; nstx sweep takes a list, #1,#3, "
         "too"},
        {NULL, "NSTX_PROGRAMS", "off: built programs are not kept in the cache folder, and not taken from there"},
        {NULL, "NSTX_SELFTEST", "off: a device is used even if its first, short self-test failed or was not made"},
        {NULL, "NSTX_WISDOM", "the file of what nstx tune measured; empty: none is used"},
        {NULL, "NSTX_KERNEL_CACHES", "a folder in which every process takes a cache of compiled kernels of its own"},
        {NULL, "XDG_DATA_HOME",
         "nstx/weights in it has what nstx weights get fetches; ~/.local/share, if it is not set"},
        {NULL, "https_proxy, no_proxy", "as for curl, for nstx weights get"},
        {NULL, "CURL_CA_BUNDLE, SSL_CERT_FILE", "the file of the certificates that nstx weights get trusts"},
        {NULL, "OCL_ICD_VENDORS", "the folder in which OpenCL drivers are looked for"},
        {NULL, "NO_COLOR", "no colour on a terminal, if it is set and not empty"},
        {"FILES", "RUN.h5", "the log of a run with its config, pictures and newest checkpoint, in HDF5"},
        {NULL, "RUN.model.h5", "the trained generator, which stylize takes"},
        {NULL, "RUN.png", "pictures of the last step"},
        {NULL, "~/.local/share/nstx/weights/weights.ini", "names for more files of weights (data/README.md)"},
    };
    size_t count;
    const command *const *commands = cli_commands(&count);
    if (argc > 1) return usage_error("man", "man takes no argument, not %s", argv[1]);
    printf(".TH NSTX 1 \"\" \"nstx %s\"\n.SH NAME\nnstx \\- neural style and texture papers on any OpenCL device\n"
           ".SH SYNOPSIS\n.B nstx\n.I COMMAND\n[ARGUMENT ...]\n.SH COMMANDS\n",
           nx_version);
    for (size_t i = 0; i < count; i++) {
        const char *options = commands[i]->options;
        print_item(commands[i]->usage, commands[i]->does);
        if (!options) continue;
        printf(".nf\n"); /* lines as they are */
        print_text(options);
        printf(".fi\n");
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (sections[i][0]) printf(".SH %s\n", sections[i][0]);
        print_item(sections[i][1], sections[i][2]);
    }
    printf(".SH CONFIG\nAn INI file of these sections; every key has a default.\n");
    print_keys();
    return EXIT_DONE;
}

const command man_command = {
    .name = "man",
    .run = command_man,
    .usage = "man",
    .does = "the manual page, as nroff",
};
