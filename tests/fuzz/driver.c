/* The driver without libFuzzer: each reader in a process of its own, file after file, each a few changes away from a
 * valid one. Which changes is a function of the reader and the number of the file alone, so that a failure comes again.
 * A process that does not come to its end leaves the file that ended it. */
#include "fuzz.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "io/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUNDS = 3000,    /* files of a reader whose share is 100 */
    SECONDS = 30,     /* of the processor, for one file */
    PATIENCE = 600,   /* seconds for one file, of a machine with much else to do */
    MEMORY = 1 << 30, /* bytes beside what the process begins with */
    SCRATCH = 2 * FUZZ_BYTES_MAX
};

/* ---- changes ---- */

typedef struct draft {
    uint8_t data[SCRATCH];
    size_t bytes;
} draft;

/* Where in the draft count bytes lie. */
static size_t place(nx_rng *rng, const draft *d, size_t count)
{
    return d->bytes > count ? nx_rng_below(rng, (uint32_t)(d->bytes - count + 1)) : 0;
}

static void flip_bit(draft *d, nx_rng *rng, const fuzz_seeds *seeds)
{
    (void)seeds;
    if (d->bytes) d->data[place(rng, d, 1)] ^= (uint8_t)(1 << nx_rng_below(rng, 8));
}

static void set_byte(draft *d, nx_rng *rng, const fuzz_seeds *seeds)
{
    static const uint8_t values[] = {0,   1,   2,   3,   4,   8,   16,  32,  64,  127,
                                     128, 254, 255, '0', '9', '-', '"', '[', ' ', '\n'};
    (void)seeds;
    if (d->bytes) d->data[place(rng, d, 1)] = values[nx_rng_below(rng, sizeof values)];
}

/* A number of 2, 4 or 8 bytes in either order, of those that overflow. */
static void set_number(draft *d, nx_rng *rng, const fuzz_seeds *seeds)
{
    static const uint64_t values[] = {0,          1,          0x7F,       0xFF,         0x7FFF,       0xFFFF,
                                      0x10000,    0x3FFFFFFF, 0x40000000, 0x7FFFFFFF,   0x80000000,   0xFFFFFFFF,
                                      1ull << 32, 1ull << 61, 1ull << 62, INT64_MAX,    1ull << 63,   UINT64_MAX,
                                      10,         100,        1000,       (uint64_t)-2, (uint64_t)-8, 0x7FF8ull << 48};
    (void)seeds;
    uint64_t value = values[nx_rng_below(rng, sizeof values / sizeof *values)];
    size_t width = (size_t)2 << nx_rng_below(rng, 3), at = place(rng, d, width);
    bool big = nx_rng_below(rng, 2);
    if (d->bytes < width) return;
    for (size_t i = 0; i < width; i++) d->data[at + (big ? width - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

/* Opens or closes a gap, so that what follows is `to` bytes behind at instead of `from`. */
static void move_rest(draft *d, size_t at, size_t from, size_t to)
{
    if (d->bytes - from + to > SCRATCH) return;
    memmove(d->data + at + to, d->data + at + from, d->bytes - at - from);
    d->bytes = d->bytes - from + to;
}

static void remove_part(draft *d, nx_rng *rng, const fuzz_seeds *seeds)
{
    (void)seeds;
    size_t count = 1 + nx_rng_below(rng, 16);
    if (d->bytes > count) move_rest(d, place(rng, d, count), count, 0);
}

/* Puts in a part of any seed. */
static void insert_part(draft *d, nx_rng *rng, const fuzz_seeds *seeds)
{
    const fuzz_file *from = &seeds->files[nx_rng_below(rng, (uint32_t)seeds->count)];
    size_t count = 1 + nx_rng_below(rng, 64), at = place(rng, d, 0), before = d->bytes;
    if (from->bytes <= count) return;
    size_t source = nx_rng_below(rng, (uint32_t)(from->bytes - count));
    move_rest(d, at, 0, count);
    if (d->bytes != before) memcpy(d->data + at, from->data + source, count);
}

static void copy_part(draft *d, nx_rng *rng, const fuzz_seeds *seeds)
{
    (void)seeds;
    size_t count = 1 + nx_rng_below(rng, 32);
    if (d->bytes > count) memmove(d->data + place(rng, d, count), d->data + place(rng, d, count), count);
}

static void cut_off(draft *d, nx_rng *rng, const fuzz_seeds *seeds)
{
    (void)seeds;
    d->bytes = place(rng, d, 0);
}

static void (*const changes[])(draft *d, nx_rng *rng, const fuzz_seeds *seeds) = {
    flip_bit, set_byte, set_byte, set_number, set_number, set_number, remove_part, insert_part, copy_part, cut_off,
};
enum { CHANGES = sizeof changes / sizeof *changes };

/* File number k of a reader: first the seeds as they are. */
static void make(draft *d, const fuzz_reader *reader, const fuzz_seeds *seeds, uint64_t k)
{
    const fuzz_file *seed = &seeds->files[k % seeds->count];
    nx_rng rng = nx_rng_new(k, nx_stream(reader->name));
    memcpy(d->data, seed->data, seed->bytes);
    d->bytes = seed->bytes;
    if (k < seeds->count) return;
    for (uint32_t n = 1 + nx_rng_below(&rng, 3); n; n--) changes[nx_rng_below(&rng, CHANGES)](d, &rng, seeds);
    if (d->bytes > FUZZ_BYTES_MAX) d->bytes = FUZZ_BYTES_MAX;
}

/* ---- one reader ---- */

/* Memory without bound ends the process as a crash does. Sanitizers need all of the address space. */
static void bound_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%lu", &pages) == 1) {
        rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY;
        setrlimit(RLIMIT_AS, &(struct rlimit){most, most});
    }
    if (file) fclose(file);
#endif
}

/* Ends the process by SIGPROF after so much work, by SIGALRM after so long a wait; 0: no end. What a reader's child
 * does has a limit of its own, and takes as long as other programs leave it. */
static void allow(int work, unsigned wait)
{
    setitimer(ITIMER_PROF, &(struct itimerval){.it_value = {.tv_sec = work}}, NULL);
    alarm(wait);
}

/* Files from number `from` on, until there were `rounds` or the time is over; gives how many. */
static uint64_t read_many(const fuzz_reader *reader, const fuzz_seeds *seeds, uint64_t from, uint64_t rounds,
                          double until)
{
    static draft d;
    uint64_t k = from;
    for (; rounds ? k < from + rounds : nx_now() < until; k++) {
        make(&d, reader, seeds, k);
        allow(SECONDS, PATIENCE);
        fuzz_one(reader, d.data, d.bytes);
        allow(0, 0);
    }
    return k - from;
}

/* True if a process of its own gets through: rounds files, or those of so many minutes. */
static bool survives(const fuzz_reader *reader, uint64_t rounds, double minutes)
{
    fuzz_seeds seeds = {0};
    char *path = fuzz_path(reader);
    int status = 0;
    double begun = nx_now();
    int ends[2];
    reader->seed(&seeds);
    if (pipe(ends)) return perror("fuzz"), false;
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        bound_memory();
        uint64_t done = read_many(reader, &seeds, 0, rounds, begun + 60 * minutes);
        _exit(write(ends[1], &done, sizeof done) == sizeof done ? 0 : 1);
    }
    close(ends[1]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    uint64_t done = 0;
    bool ok =
        child > 0 && read(ends[0], &done, sizeof done) == sizeof done && WIFEXITED(status) && !WEXITSTATUS(status);
    close(ends[0]);
    if (ok) {
        printf("%-12s %4zu seeds, %7llu files, %.1f s\n", reader->name, seeds.count, (unsigned long long)done,
               nx_now() - begun);
    } else {
        char *kept = nx_format("%s-crash%s", reader->name, reader->ending), *data;
        size_t bytes;
        nx_error err;
        bool saved = nx_file_read(path, &data, &bytes, &err);
        if (saved) saved = nx_file_write(kept, data, bytes, &err), free(data);
        printf("%-12s did not survive (%s %d)%s%s\n", reader->name, WIFSIGNALED(status) ? "signal" : "exit code",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), saved ? "; the file is kept: " : "",
               saved ? kept : "");
        free(kept);
    }
    fuzz_seeds_free(&seeds);
    free(path);
    return ok;
}

/* ---- the command line ---- */

static bool read_file(const char *path, const fuzz_reader *reader)
{
    char *data;
    size_t bytes;
    nx_error err;
    if (!nx_file_read(path, &data, &bytes, &err)) return fprintf(stderr, "fuzz: %s\n", err.text), false;
    fuzz_one(reader, (const uint8_t *)data, bytes);
    free(data);
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: fuzz [--rounds N | --minutes M | --seeds FOLDER | --read FILE] [READER]...\nreaders:");
    for (size_t i = 0; i < fuzz_reader_count; i++) fprintf(stderr, " %s", fuzz_readers[i].name);
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv)
{
    bool wanted[64] = {false}, all = true, ok = true;
    uint64_t rounds = ROUNDS;
    double minutes = 0;
    const char *seeds = NULL, *file = NULL;
    for (int i = 1; i < argc; i++) {
        const fuzz_reader *reader = fuzz_find(argv[i]);
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (reader)
            wanted[reader - fuzz_readers] = true, all = false;
        else if (!*value)
            return usage();
        else if (!strcmp(argv[i], "--rounds"))
            rounds = strtoull(value, NULL, 10), i++;
        else if (!strcmp(argv[i], "--minutes"))
            rounds = 0, minutes = strtod(value, NULL), i++;
        else if (!strcmp(argv[i], "--seeds"))
            seeds = value, i++;
        else if (!strcmp(argv[i], "--read"))
            file = value, i++;
        else
            return usage();
    }
    for (size_t i = 0; i < fuzz_reader_count; i++) {
        const fuzz_reader *reader = &fuzz_readers[i];
        uint64_t share = rounds * (uint64_t)reader->share / 100;
        if (!all && !wanted[i]) continue;
        ok = (seeds  ? fuzz_write_seeds(reader, seeds)
              : file ? read_file(file, reader)
                     : survives(reader, share, minutes)) &&
             ok;
    }
    return ok ? 0 : 1;
}
