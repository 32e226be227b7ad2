/* What the tests of the command line share: a folder with tiny pictures and a tiny config, nstx run there as a user
 * would run it, and run files compared by content.
 *
 *     nstx(0, "run tiny.ini -o a.h5 -s experiment.seed=%d", 2);      exit code expected, arguments
 *     assert_said(said_out, "run        a.h5");
 *     refused("[data] has no key contnt", "run tiny.ini -s data.contnt=x");
 */
#ifndef NSTX_TESTS_CLI_H
#define NSTX_TESTS_CLI_H

#include "../io/icc.h"
#include "../io/scratch.h"

#include "base/rng.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "io/profile.h"
#include "io/tensors.h"

#include <fcntl.h>
#include <math.h>
#include <sys/wait.h>
#include <time.h>
#include <xxhash.h>

#define TINY                                                                                                           \
    "[descriptor]\nweights = random\nwidth = 0.0625\ncontent_layers = relu2_1\nstyle_layers = relu1_1 relu2_1\n"       \
    "[generator]\nchannels = 4\nblocks = 1\n"                                                                          \
    "[data]\ncontent = photos\nvalidation_count = 2\nstyle = style.png\nstyle_size = 32\nsize = 32\nbatch = 2\n"

static char said_out[1 << 16], said_err[1 << 16]; /* by the last nstx */
static char work[80];                             /* the folder in which it runs */

/* ---- files of the folder ---- */

/* The path of name in the folder; good for the next sixteen calls. */
static inline const char *at(const char *name)
{
    char below[160];
    snprintf(below, sizeof below, "work/%s", name);
    return scratch(below);
}

static inline void write_text(const char *name, const char *text) { scratch_write(at(name), text, strlen(text)); }

static inline void write_picture(const char *name, int height, int width, int seed)
{
    nx_error err = {0};
    nx_rng rng = nx_rng_new((uint64_t)seed, 0);
    nx_image image = nx_image_new(height, width);
    for (int i = 0; i < 3 * height * width; i++) image.rgb[i] = (float)nx_rng_below(&rng, 256);
    if (!nx_image_save_png(&image, at(name), &err)) fail_msg("%s", err.text);
    nx_image_free(&image);
}

/* Black, with a colour profile of that name, which is longer than a segment of JPEG. */
static inline void write_profiled(const char *name, nx_image_format format, const char *profile_name)
{
    nx_error err = {0};
    nx_image image = nx_image_new(40, 48);
    nx_profile p = make_named_profile(100000, profile_name);
    nx_image_options as = {.format = format, .quality = 90, .profile = &p};
    if (!nx_image_save(&image, at(name), &as, &err)) fail_msg("%s", err.text);
    nx_profile_free(&p);
    nx_image_free(&image);
}

/* The picture has the colour profile that the other one has; NULL: none. */
static inline void assert_profile(const char *name, const char *other)
{
    nx_error err = {0};
    nx_profile p = {0}, q = {0};
    if (!nx_profile_load(&p, at(name), &err) || (other && !nx_profile_load(&q, at(other), &err)))
        fail_msg("%s", err.text);
    assert_int_equal(p.bytes, q.bytes);
    assert_true(!other || q.bytes > 0);
    if (p.bytes) assert_memory_equal(p.data, q.data, p.bytes);
    nx_profile_free(&p);
    nx_profile_free(&q);
}

/* The first part of a file as another one. */
static inline void write_truncated(const char *name, const char *whole, size_t less)
{
    char *data;
    size_t bytes;
    nx_error err = {0};
    if (!nx_file_read(at(whole), &data, &bytes, &err)) fail_msg("%s", err.text);
    assert_true(bytes > less);
    scratch_write(at(name), data, bytes - less);
    free(data);
}

/* What a shell command prints, in the folder; owned by the caller. */
static inline char *shell(const char *command)
{
    char *line = nx_format("cd '%s' && %s", work, command), *text = NULL;
    size_t capacity = 0;
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    if (getdelim(&text, &capacity, 0, pipe) < 0) {
        free(text);
        text = nx_format("%s", "");
    }
    assert_int_equal(pclose(pipe), 0);
    free(line);
    return text;
}

/* Every name in the folder, and every file's checksum. */
static inline char *snapshot(void) { return shell("find . | sort; find . -type f -exec cksum {} + | sort"); }

static inline int cli_open(void **state)
{
    if (scratch_open(state)) return -1;
    snprintf(work, sizeof work, "%s/work", scratch_folder);
    if (mkdir(work, 0777) || mkdir(at("photos"), 0777)) return -1;
    write_picture("style.png", 40, 30, 99);
    write_picture("photos/odd.png", 33, 47, 0);
    for (int i = 1; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof name, "photos/%d.png", i);
        write_picture(name, 36 + i, 50 - i, i);
    }
    write_text("tiny.ini", TINY "[experiment]\nsteps = 6\n"
                                "[log]\nevery = 1\nimages = 3\nvalidation = 3\ncheckpoint = 2\n");
    return 0;
}

/* ---- running nstx ---- */

/* What that nstx wrote so far to "out" or "err"; each has files of its own, beside the folder. */
static inline void read_said(const char *stream, pid_t child, char *into)
{
    char *path = nx_format("%s/%s.%ld", scratch_folder, stream, (long)child);
    FILE *file = fopen(path, "r");
    into[file ? fread(into, 1, (1 << 16) - 1, file) : 0] = 0;
    if (file) fclose(file);
    free(path);
}

static void (*before_exec)(void); /* called in the child, where a test wants more */

static inline void send_to_file(int stream, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.%ld", scratch_folder, name, (long)getpid());
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, stream) < 0) _exit(126);
    close(file);
}

/* Starts nstx; arguments are separated by blanks. */
static inline pid_t start_text(const char *arguments)
{
    const char *binary = getenv("NSTX_BINARY");
    if (!binary) fail_msg("NSTX_BINARY, the program to test, is not set: run the tests with ctest");
    char *words = nx_copy_text(arguments), *argv[64] = {"nstx"};
    int argc = 1;
    for (char *word = strtok(words, " "); word && argc < 63; word = strtok(NULL, " ")) argv[argc++] = word;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        send_to_file(STDOUT_FILENO, "out");
        send_to_file(STDERR_FILENO, "err");
        if (chdir(work)) _exit(126);
        if (before_exec) before_exec();
        execv(binary, argv);
        _exit(127);
    }
    free(words);
    return child;
}

static inline char *format_text(const char *format, va_list args)
{
    char *text = nx_alloc(1024);
    vsnprintf(text, 1024, format, args);
    return text;
}

__attribute__((format(printf, 1, 2))) static inline pid_t start(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    pid_t child = start_text(text);
    free(text);
    return child;
}

/* Waits; gives the exit code, or minus the signal that ended it. */
static inline int finish(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    read_said("out", child, said_out);
    read_said("err", child, said_err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Runs nstx and expects an exit code. */
__attribute__((format(printf, 2, 3))) static inline void nstx(int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    int got = finish(start_text(text));
    if (got != code) fail_msg("nstx %s: exit code %d, wanted %d:\n%s", text, got, code, said_err);
    free(text);
}

static inline void assert_said(const char *said, const char *part)
{
    if (!strstr(said, part)) fail_msg("\"%s\" is not said in:\n%s", part, said);
}

/* ---- time ---- */

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void sleep_for(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    nanosleep(&time, NULL);
}

/* False once the child has ended; it is finish() that takes its end. */
static inline bool running(pid_t child)
{
    siginfo_t ended = {0};
    assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
    return !ended.si_pid;
}

/* What a test waits for comes or nstx ends, however long either takes; ctest has the limit. */
#define WAIT_UNTIL(child, condition)                                                                                   \
    for (bool on = true; !(condition) && on; on = running(child)) sleep_for(0.002)

/* Whether nstx has said this on "out" or "err" so far. */
static inline bool has_said(const char *stream, pid_t child, const char *part)
{
    char *said = strcmp(stream, "err") ? said_out : said_err;
    read_said(stream, child, said);
    return strstr(said, part);
}

/* Until nstx has said this on standard error. */
static inline void wait_for(pid_t child, const char *part)
{
    WAIT_UNTIL(child, has_said("err", child, part));
    assert_said(said_err, part);
}

static inline void remove_run(const char *name)
{
    char *command = nx_format("rm -f %s.h5 %s.png %s.model.h5", name, name, name);
    free(shell(command));
    free(command);
}

/* Standard error is the device, where it was chosen already, and then one line of the program. */
static inline void assert_one_line(const char *part)
{
    const char *line = said_err;
    if (!strncmp(line, "device: ", 8)) line = strchr(line, '\n') + 1;
    if (strncmp(line, "nstx: ", 6) || strchr(line, '\n') != line + strlen(line) - 1)
        fail_msg("wanted one line that begins with \"nstx: \", got:\n%s", said_err);
    assert_said(line, part);
}

/* The request is answered with one line that has this part, code 2, nothing printed and no file touched. */
__attribute__((format(printf, 2, 3))) static inline void refused(const char *part, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args), *before = snapshot();
    va_end(args);
    nstx(2, "%s", text);
    assert_one_line(part);
    assert_string_equal(said_out, "");
    char *after = snapshot();
    assert_string_equal(before, after);
    free(text);
    free(before);
    free(after);
}

/* ---- run files ---- */

static inline nx_h5 *open_h5(const char *name)
{
    nx_h5 *file;
    nx_error err = {0};
    if (!nx_h5_open(&file, at(name), false, &err)) fail_msg("%s", err.text);
    return file;
}

static inline void close_h5(nx_h5 *file) { assert_true(nx_h5_close(file, NULL)); }

/* An attribute as text; owned by the caller. */
static inline char *text_attribute(const nx_h5 *file, const char *path, const char *name)
{
    char *text;
    nx_error err = {0};
    if (!nx_h5_get_string(file, path, name, &text, &err)) fail_msg("%s", err.text);
    return text;
}

static inline void assert_attribute(const nx_h5 *file, const char *path, const char *name, const char *wanted)
{
    char *text = text_attribute(file, path, name);
    assert_string_equal(text, wanted);
    free(text);
}

static inline void assert_status(const char *run, const char *wanted)
{
    nx_h5 *file = open_h5(run);
    assert_attribute(file, "/", "status", wanted);
    close_h5(file);
}

static inline int64_t int_attribute(const nx_h5 *file, const char *path, const char *name)
{
    int64_t value;
    nx_error err = {0};
    if (!nx_h5_get_int(file, path, name, &value, &err)) fail_msg("%s", err.text);
    return value;
}

/* The step of a run's checkpoint; 0: it has none. */
static inline uint64_t step_kept(const char *run)
{
    uint64_t *step, value;
    size_t n;
    nx_error err = {0};
    nx_h5 *file = open_h5(run);
    if (!nx_h5_exists(file, "/checkpoint")) return close_h5(file), 0;
    if (!nx_h5_read_uint64(file, "/checkpoint/counters/step", &step, &n, &err)) fail_msg("%s", err.text);
    value = *step;
    free(step);
    close_h5(file);
    return value;
}

static inline double *values_of(const nx_h5 *file, const char *metric, size_t *count)
{
    double *values;
    char *path = nx_format("/metrics/%s/value", metric);
    nx_error err = {0};
    if (!nx_h5_read_double(file, path, &values, count, &err)) fail_msg("%s", err.text);
    free(path);
    return values;
}

static inline void digest_dataset(FILE *out, const nx_h5 *file, const char *path, bool floats)
{
    int rank, shape[NX_H5_RANK_MAX];
    size_t count = 1, width = 1;
    void *data;
    nx_error err = {0};
    bool fine = nx_h5_shape(file, path, &rank, shape, &err);
    for (int i = 0; fine && i < rank; i++) count *= (size_t)shape[i];
    if (!fine)
        ;
    else if (floats && nx_ends_with(path, "/value"))
        width = 8, fine = nx_h5_read_double(file, path, (double **)&data, &count, &err);
    else if (floats)
        width = 4, fine = nx_h5_read_float(file, path, (float **)&data, &rank, shape, &err);
    else if (rank == 1 && strstr(path, "/counters/"))
        width = 8, fine = nx_h5_read_uint64(file, path, (uint64_t **)&data, &count, &err);
    else if (rank == 1)
        width = 8, fine = nx_h5_read_int64(file, path, (int64_t **)&data, &count, &err);
    else
        fine = nx_h5_read_uint8(file, path, (uint8_t **)&data, &rank, shape, &err);
    if (!fine) fail_msg("%s", err.text);
    fprintf(out, "%s %zu %016llx\n", path, count, (unsigned long long)XXH3_64bits(data, count * width));
    free(data);
}

static inline void digest_below(FILE *out, const nx_h5 *file, const char *path)
{
    nx_h5_kind kind = nx_h5_kind_of(file, path);
    double weight;
    if (kind == NX_H5_FLOATS || kind == NX_H5_INTEGERS) {
        if (!nx_ends_with(path, "/time")) digest_dataset(out, file, path, kind == NX_H5_FLOATS);
        return;
    }
    if (kind != NX_H5_GROUP) return;
    if (nx_h5_get_double(file, path, "weight", &weight, NULL)) fprintf(out, "%s weight %a\n", path, weight);
    nx_h5_names inside;
    assert_true(nx_h5_children(file, path, &inside, NULL));
    for (size_t i = 0; i < inside.count; i++) {
        char *below = nx_format("%s/%s", path, inside.names[i]);
        digest_below(out, file, below);
        free(below);
    }
    nx_h5_names_free(&inside);
}

/* Every bit of a run's metrics but their times, of its pictures and its checkpoint, or of a model, a dataset a line;
 * owned by the caller. */
static inline char *digest(const char *name)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    nx_h5 *file = open_h5(name);
    digest_below(out, file, "/metrics");
    digest_below(out, file, "/images");
    digest_below(out, file, "/checkpoint");
    digest_below(out, file, "/model");
    close_h5(file);
    fclose(out);
    return text;
}

static inline void assert_same_run(const char *a, const char *b)
{
    char *one = digest(a), *two = digest(b);
    assert_string_equal(one, two);
    free(one);
    free(two);
}

#endif
