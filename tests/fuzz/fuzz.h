/* Fuzzing: every reader of files against files that are made to hurt. A reader may refuse a file or take it; it may not
 * crash, hang, end the process, or take memory without bound.
 *
 * One table of readers, and two programs over it. fuzz, which the test suite runs for a few seconds, makes small valid
 * files of each kind and reads mutations of them, the same ones in every run. With clang and -DNSTX_FUZZ=ON fuzz is
 * libFuzzer's instead, which finds its own way through the code:
 *
 *     tests/run --fuzz 10                                    each reader for ten minutes
 *     build/fuzz [--rounds N] [READER]...                    so many files of each
 *     build/fuzz --seeds FOLDER READER                       writes the valid files
 *     build/fuzz --read FILE READER                          reads that one file
 *     build-fuzz/fuzz --reader=READER [--seeds=FOLDER] [OPTION]... [FOLDER]   libFuzzer's options
 *
 * A reader is added with a row in readers.c and its seeds in seeds.c.
 */
#ifndef NX_TESTS_FUZZ_H
#define NX_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_BYTES_MAX = 1 << 16 }; /* of a file */

typedef struct fuzz_file {
    uint8_t *data;
    size_t bytes;
} fuzz_file;

typedef struct fuzz_seeds {
    fuzz_file *files;
    size_t count;
} fuzz_seeds;

typedef struct fuzz_reader {
    const char *name, *ending;       /* ending: of the file's name */
    void (*seed)(fuzz_seeds *out);   /* appends valid files */
    void (*read)(const char *path);  /* reads everything there is by every call */
    void (*repair)(fuzz_file *file); /* makes checksums right, so that what they cover is reached; NULL: none */
    int share;                       /* of the rounds, in percent: of readers that start a process for each file less */
} fuzz_reader;

extern const fuzz_reader fuzz_readers[];
extern const size_t fuzz_reader_count;

/* NULL if there is none. */
const fuzz_reader *fuzz_find(const char *name);

/* A folder of this process's own, in memory where there is such a place; gone at the end of the process. */
const char *fuzz_folder(void);

/* Writes a file that looks new to whoever remembers files, repaired, and reads it. */
void fuzz_one(const fuzz_reader *reader, const uint8_t *data, size_t bytes);

/* The path that fuzz_one writes to. Owned by the caller. */
char *fuzz_path(const fuzz_reader *reader);

void fuzz_add(fuzz_seeds *out, const void *data, size_t bytes);
void fuzz_seeds_free(fuzz_seeds *seeds);

/* Writes the reader's seeds into the folder, which is made. */
bool fuzz_write_seeds(const fuzz_reader *reader, const char *into);

/* ---- seeds.c ---- */

void seed_ini(fuzz_seeds *out);
void seed_png(fuzz_seeds *out);
void seed_jpeg(fuzz_seeds *out);
void seed_webp(fuzz_seeds *out);
void seed_profile(fuzz_seeds *out);
void seed_hdf5(fuzz_seeds *out);
void seed_packed(fuzz_seeds *out);
void seed_npz(fuzz_seeds *out);
void seed_npy(fuzz_seeds *out);
void seed_pth(fuzz_seeds *out);
void seed_pth_old(fuzz_seeds *out);
void seed_pickle(fuzz_seeds *out); /* over storages "0" and "1" of so many bytes: */
enum { SEED_PICKLE_BYTES = 24 };
void seed_safetensors(fuzz_seeds *out);
void seed_onnx(fuzz_seeds *out);
void seed_t7(fuzz_seeds *out);
void seed_wisdom(fuzz_seeds *out);
void seed_text(fuzz_seeds *out);

/* ---- program.c ---- */

void read_config(const char *path);
void read_run(const char *path);
void read_model(const char *path);
void read_pyramid(const char *path);
void seed_config(fuzz_seeds *out);
void seed_run(fuzz_seeds *out);
void seed_model(fuzz_seeds *out);
void seed_model_safetensors(fuzz_seeds *out);
void seed_model_onnx(fuzz_seeds *out);
void seed_model_t7(fuzz_seeds *out);

#endif
