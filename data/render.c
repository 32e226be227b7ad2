/* nstx-render OUTDIR [--photos N] [--seed S]: renders the project's own pictures at build time.
 *
 * Every picture is a job that depends on the seed alone; two threads take them in turn. The stamp, written last, names
 * what the folder holds: a folder whose stamp fits is left alone. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "painting.h"
#include "photo.h"
#include "texture.h"

#define VERSION 1 /* raise it when the pictures change */

enum { THREADS = 2, PHOTO_WIDTH = 320, PHOTO_HEIGHT = 256, MOST_PHOTOS = 9999 };

static const char usage[] = "usage: nstx-render OUTDIR [--photos N] [--seed S]";

typedef struct work {
    const char *folder;
    uint64_t seed;
    int photos, count; /* jobs: paintings, then textures, then photos */
    atomic_int next;
    pthread_mutex_t lock; /* guards what follows, and the progress line */
    int done;
    bool failed;
    nx_error err; /* of the job that failed first */
} work;

static bool run_job(const work *w, int job, nx_error *err)
{
    uint32_t seed = (uint32_t)w->seed;
    picture p;
    char *path;
    if (job < painting_count) {
        p = paintings[job].paint(seed);
        path = nx_format("%s/styles/%s.png", w->folder, paintings[job].name);
    } else if ((job -= painting_count) < texture_count) {
        p = texture_make(job, seed);
        path = nx_format("%s/textures/%s.png", w->folder, texture_name(job));
    } else {
        job -= texture_count;
        p = photo_take(w->seed, job, PHOTO_WIDTH, PHOTO_HEIGHT);
        path = nx_format("%s/photos/%04d.png", w->folder, job);
    }
    bool ok = picture_write(&p, path, err);
    free(path);
    picture_free(&p);
    return ok;
}

static void *labour(void *context)
{
    work *w = context;
    for (int job; (job = atomic_fetch_add(&w->next, 1)) < w->count;) {
        nx_error err = {0};
        bool ok = run_job(w, job, &err);
        pthread_mutex_lock(&w->lock);
        if (!ok && !w->failed) w->failed = true, w->err = err, atomic_store(&w->next, w->count);
        nx_progress("rendering pictures: %d of %d", ++w->done, w->count);
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

static bool make_folder(const char *path, nx_error *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return true;
    return nx_fail(err, "%s: the folder cannot be made: %s", path, strerror(errno));
}

/* True if the folder's stamp is exactly this text. */
static bool has_stamp(const char *path, const char *text)
{
    char found[128] = "";
    FILE *file = fopen(path, "r");
    if (!file) return false;
    size_t got = fread(found, 1, sizeof found - 1, file);
    fclose(file);
    return got == strlen(text) && strcmp(found, text) == 0;
}

static bool write_stamp(const char *path, const char *text, nx_error *err)
{
    char *aside = nx_format("%s.tmp.%d", path, (int)getpid());
    FILE *file = fopen(aside, "w");
    bool ok = file && fputs(text, file) >= 0;
    if (file) ok = fclose(file) == 0 && ok;
    ok = ok && rename(aside, path) == 0;
    if (!ok) nx_fail(err, "%s: cannot be written: %s", path, strerror(errno)), remove(aside);
    free(aside);
    return ok;
}

static bool render(work *w, nx_error *err)
{
    static const char *const folders[] = {"", "/styles", "/textures", "/photos"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = nx_format("%s%s", w->folder, folders[i]);
        bool ok = make_folder(path, err);
        free(path);
        if (!ok) return false;
    }
    char *stamp = nx_format("%s/stamp", w->folder);
    char *text =
        nx_format("nstx-render version %d seed %llu photos %d\n", VERSION, (unsigned long long)w->seed, w->photos);
    bool ok = true;
    if (!has_stamp(stamp, text)) {
        remove(stamp); /* what was complete is so no longer */
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            NX_CHECK(pthread_create(&threads[i], NULL, labour, w) == 0, "cannot start a thread");
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        nx_progress("%s", "");
        if (w->failed) *err = w->err;
        ok = !w->failed && write_stamp(stamp, text, err);
    }
    free(stamp);
    free(text);
    return ok;
}

/* A whole number from 0 to `highest`, and nothing after it. */
static bool read_number(const char *text, unsigned long long highest, unsigned long long *out)
{
    char *end;
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == 0 && *out <= highest;
}

static bool read_arguments(int argc, char **argv, work *w, nx_error *err)
{
    unsigned long long number;
    for (int i = 1; i < argc; i++) {
        bool photos = strcmp(argv[i], "--photos") == 0, seed = strcmp(argv[i], "--seed") == 0;
        if (photos || seed) {
            const char *option = argv[i], *text = ++i < argc ? argv[i] : "";
            if (!read_number(text, photos ? MOST_PHOTOS : UINT64_MAX, &number))
                return nx_fail(err, "%s '%s': a whole number%s is wanted; %s", option, text,
                               photos ? " from 0 to 9999" : "", usage);
            if (photos)
                w->photos = (int)number;
            else
                w->seed = number;
        } else if (argv[i][0] == '-') {
            return nx_fail(err, "%s: no such option; %s", argv[i], usage);
        } else if (w->folder) {
            return nx_fail(err, "%s: one folder is enough; %s", argv[i], usage);
        } else {
            w->folder = argv[i];
        }
    }
    return w->folder ? true : nx_fail(err, "no folder given; %s", usage);
}

int main(int argc, char **argv)
{
    work w = {.seed = 1, .photos = 300, .lock = PTHREAD_MUTEX_INITIALIZER};
    nx_error err = {0};
    if (!read_arguments(argc, argv, &w, &err)) {
        fprintf(stderr, "nstx-render: %s\n", err.text);
        return 2;
    }
    w.count = painting_count + texture_count + w.photos;
    if (!render(&w, &err)) {
        fprintf(stderr, "nstx-render: %s\n", err.text);
        return 1;
    }
    return 0;
}
