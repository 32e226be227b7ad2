/* libFuzzer's door: --reader=NAME says which reader gets its files, --seeds=FOLDER writes valid ones beforehand. */
#include "fuzz.h"

#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fuzz_reader *reader;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
const char *__lsan_default_suppressions(void);

/* libhdf5 forgets some of its own memory where a file is damaged. */
const char *__lsan_default_suppressions(void) { return "leak:libhdf5\n"; }

/* The value of the option in the command line; NULL if it is not there. */
static const char *value_of(const char *option, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], option, strlen(option))) return argv[i] + strlen(option);
    return NULL;
}

/* A crash in a child process is what it is for: no file is to be kept of it. */
static void in_child(void) { __sanitizer_set_death_callback(NULL); }

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = value_of("--reader=", *argc, *argv), *seeds = value_of("--seeds=", *argc, *argv);
    reader = name ? fuzz_find(name) : NULL;
    if (!reader) {
        fprintf(stderr, "fuzz: --reader=NAME is missing; readers:");
        for (size_t i = 0; i < fuzz_reader_count; i++) fprintf(stderr, " %s", fuzz_readers[i].name);
        fprintf(stderr, "\n");
        exit(2);
    }
    if (seeds && !fuzz_write_seeds(reader, seeds)) exit(1);
    fuzz_folder();
    pthread_atfork(NULL, NULL, in_child);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes <= FUZZ_BYTES_MAX) fuzz_one(reader, data, bytes);
    return 0;
}
