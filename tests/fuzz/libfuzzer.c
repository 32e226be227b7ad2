/* libFuzzer's door: --reader=NAME says which reader gets its files. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fuzz_reader *reader;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char option[] = "--reader=";
    for (int i = 1; i < *argc; i++)
        if (!strncmp((*argv)[i], option, strlen(option))) reader = fuzz_find((*argv)[i] + strlen(option));
    if (!reader) {
        fprintf(stderr, "fuzz: --reader=NAME is missing; readers:");
        for (size_t i = 0; i < fuzz_reader_count; i++) fprintf(stderr, " %s", fuzz_readers[i].name);
        fprintf(stderr, "\n");
        exit(2);
    }
    fuzz_folder();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes <= FUZZ_BYTES_MAX) fuzz_one(reader, data, bytes);
    return 0;
}
