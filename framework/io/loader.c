/* The loader. All decoding is done by its thread, one batch at a time: a request names k, the answer is the batch that
 * lies ready. After each answer the next k is requested, so that it is usually ready when asked for. The thread and its
 * batch come with the first request: a loader that was only made, to check its pictures, costs next to nothing.
 *
 * A bad picture keeps its place in the order, and the next good one stands in for it: whether it was found at the start
 * or when it was decoded, in this process or before a resumption, the batches are the same.
 *
 * Purity: picture number p = k * batch + i of the run belongs to epoch p / count; the order of an epoch and the crop of
 * a picture come from random streams that are functions of the epoch and of p. The cache holds pictures as they are
 * decoded, rounded to 8 bits whether they are kept or not, so what it holds never shows. */
#include "io/loader.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "io/image.h"
#include "io/packed.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_BYTES ((size_t)512 << 20)
#define NO_BATCH    UINT64_MAX

typedef struct picture {
    char *path;
    int height, width; /* after resize_short */
    uint8_t *rgb;      /* NULL: not in the cache */
    size_t pack;       /* 1 and on: of that packed dataset; 0: a file */
    size_t index;      /* in the dataset */
    int label;
    bool optional, bad;
} picture;

enum { NAMED = 5 }; /* bad pictures that are named; after these they are counted */

struct nx_loader {
    nx_loader_options options;
    picture *pictures;
    nx_packed **packs;
    size_t n_packs;

    /* The thread's own. */
    size_t cached; /* bytes */
    uint64_t epoch;
    uint32_t *order; /* of that epoch */
    float *ahead;    /* the batch it makes */
    float *labels;   /* its labels */
    size_t bad;
    nx_error named[NAMED]; /* the first bad ones */

    /* Shared, under the mutex. While wanted and ready differ, ahead is the thread's. */
    bool started;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t wanted, ready;
    bool stop, failed;
    nx_error error; /* of batch ready, if failed */

    /* The caller's. */
    size_t counted, told; /* bad pictures: up to the batch given out, and when they were last told of */
    float *given;         /* the labels of that batch */
};

/* ---- pictures ---- */

/* The size after the shorter side became resize_short. */
static void scaled_size(const nx_loader_options *options, int *height, int *width)
{
    if (!options->resize_short) return;
    double scale = (double)options->resize_short / (*height < *width ? *height : *width);
    *height = (int)lround(*height * scale), *width = (int)lround(*width * scale);
}

/* Finds the packed dataset of "FILE#7", opening it at its first picture. */
static bool find_pack(nx_loader *loader, picture *p, const char *file, nx_error *err)
{
    size_t k = loader->n_packs;
    while (k && strcmp(nx_packed_path(loader->packs[k - 1]), file)) k--;
    if (!k) {
        NX_GROW(loader->packs, loader->n_packs);
        if (!nx_packed_open(&loader->packs[loader->n_packs], file, err)) return false;
        k = ++loader->n_packs;
    }
    size_t count = nx_packed_count(loader->packs[k - 1]);
    if (p->index >= count) return nx_fail(err, "%s: there are %zu pictures in it, from #0 on", p->path, count);
    p->pack = k;
    return true;
}

static bool measure(nx_loader *loader, picture *p, int *height, int *width, nx_error *err)
{
    char *file;
    if (!nx_packed_name(p->path, &file, &p->index)) return nx_image_check(p->path, height, width, err);
    bool fine = find_pack(loader, p, file, err);
    if (fine) *height = *width = nx_packed_size(loader->packs[p->pack - 1]);
    free(file);
    return fine;
}

static bool check_picture(nx_loader *loader, picture *p, nx_error *err)
{
    const nx_loader_options *options = &loader->options;
    int height, width;
    if (!measure(loader, p, &height, &width, err)) return false;
    p->height = height, p->width = width;
    scaled_size(options, &p->height, &p->width);
    if (p->height < options->crop || p->width < options->crop)
        return nx_fail(err, "%s: %d x %d pixels, smaller than the crop of %d x %d", p->path, p->width, p->height,
                       options->crop, options->crop);
    if (p->height > NX_IMAGE_SIDE_MAX || p->width > NX_IMAGE_SIDE_MAX)
        return nx_fail(err, "%s: %d x %d pixels once its shorter side is %d: too large", p->path, p->width, p->height,
                       options->resize_short);
    return true;
}

static void leave_out(nx_loader *loader, picture *p, const nx_error *reason)
{
    p->bad = true;
    if (loader->bad < NAMED) loader->named[loader->bad] = *reason;
    loader->bad++;
}

/* A picture at its own size. */
static bool load(const nx_loader *loader, const picture *p, nx_image *image, nx_error *err)
{
    if (!p->pack) return nx_image_load(image, p->path, err);
    const nx_packed *pack = loader->packs[p->pack - 1];
    int side = nx_packed_size(pack);
    size_t count = (size_t)side * (size_t)side * 3;
    uint8_t *rgb = nx_alloc(count);
    bool fine = nx_packed_read(pack, p->index, rgb, err);
    if (fine) *image = nx_image_new(side, side);
    for (size_t i = 0; fine && i < count; i++) image->rgb[i] = rgb[i];
    free(rgb);
    return fine;
}

/* The decoded picture; *owned says whether the caller frees it. NULL on failure. */
static uint8_t *decode(nx_loader *loader, picture *p, bool *owned, nx_error *err)
{
    *owned = false;
    if (p->rgb) return p->rgb;
    nx_image image;
    if (!load(loader, p, &image, err)) return NULL;
    int height = image.height, width = image.width;
    scaled_size(&loader->options, &height, &width);
    if (height != p->height || width != p->width) {
        nx_image_free(&image);
        nx_fail(err, "%s: its size changed since the run began", p->path);
        return NULL;
    }
    if (height != image.height || width != image.width) {
        nx_image scaled = nx_image_resize(&image, height, width, NX_BICUBIC);
        nx_image_free(&image);
        image = scaled;
    }
    size_t count = (size_t)height * width * 3;
    uint8_t *rgb = nx_alloc(count);
    for (size_t i = 0; i < count; i++) {
        float v = image.rgb[i];
        rgb[i] = v >= 255 ? 255 : v > 0 ? (uint8_t)(v + 0.5f) : 0;
    }
    nx_image_free(&image);
    /* What is kept stays: in a shuffled order every picture is as likely to come next, and dropping gains nothing. */
    *owned = loader->cached + count > loader->options.cache_bytes;
    if (!*owned) p->rgb = rgb, loader->cached += count;
    return rgb;
}

/* ---- batches ---- */

static picture *pick(nx_loader *loader, uint64_t number)
{
    size_t count = loader->options.count;
    if (loader->options.center) return &loader->pictures[number % count];
    uint64_t epoch = number / count;
    if (epoch != loader->epoch) {
        nx_rng rng = nx_rng_new(loader->options.seed, nx_stream("loader.order") + epoch);
        for (size_t i = 0; i < count; i++) loader->order[i] = (uint32_t)i;
        for (size_t i = count; i > 1; i--) {
            size_t j = nx_rng_below(&rng, (uint32_t)i);
            uint32_t kept = loader->order[i - 1];
            loader->order[i - 1] = loader->order[j], loader->order[j] = kept;
        }
        loader->epoch = epoch;
    }
    return &loader->pictures[loader->order[number % count]];
}

/* Decodes picture `number` of the run, or the next one of its epoch, the first after the last, that is not bad. */
static uint8_t *decode_good(nx_loader *loader, uint64_t number, picture **p, bool *owned, nx_error *err)
{
    size_t count = loader->options.count;
    uint64_t first = number - number % count;
    for (size_t i = 0; i < count; i++) {
        nx_error reason;
        *p = pick(loader, first + (number + i) % count);
        if ((*p)->bad) continue;
        uint8_t *rgb = decode(loader, *p, owned, &reason);
        if (rgb) return rgb;
        if (!(*p)->optional) {
            nx_fail(err, "%s", reason.text);
            return NULL;
        }
        leave_out(loader, *p, &reason);
    }
    nx_fail(err, "none of the %zu pictures can be used: %s", count, loader->named[0].text);
    return NULL;
}

/* The random numbers of picture `number` of the run, `takes` of them from this stream. */
static nx_rng draws_of(const nx_loader *loader, const char *stream, uint64_t number, uint64_t takes)
{
    nx_rng rng = nx_rng_new(loader->options.seed, nx_stream(stream));
    rng.index = number * takes;
    return rng;
}

static void copy_row(float *to, const uint8_t *from, size_t pixels, bool mirrored)
{
    for (size_t x = 0; x < pixels; x++)
        for (size_t c = 0; c < 3; c++) to[3 * x + c] = from[3 * (mirrored ? pixels - 1 - x : x) + c];
}

static bool make_batch(nx_loader *loader, uint64_t k, nx_error *err)
{
    const nx_loader_options *o = &loader->options;
    size_t crop = (size_t)o->crop;
    for (int i = 0; i < o->batch; i++) {
        uint64_t number = k * (uint64_t)o->batch + (uint64_t)i;
        picture *p;
        bool owned;
        uint8_t *rgb = decode_good(loader, number, &p, &owned, err);
        if (!rgb) return false;
        int top = (p->height - o->crop) / 2, left = (p->width - o->crop) / 2;
        bool mirrored = false;
        loader->labels[i] = (float)p->label;
        if (!o->center) {
            nx_rng rng = draws_of(loader, "loader.crop", number, 2), coin = draws_of(loader, "loader.flip", number, 1);
            mirrored = o->flip && nx_rng_below(&coin, 2);
            top = (int)nx_rng_below(&rng, (uint32_t)(p->height - o->crop + 1));
            left = (int)nx_rng_below(&rng, (uint32_t)(p->width - o->crop + 1));
        }
        for (size_t y = 0; y < crop; y++)
            copy_row(loader->ahead + ((size_t)i * crop + y) * crop * 3, rgb + (((size_t)top + y) * p->width + left) * 3,
                     crop, mirrored);
        if (owned) free(rgb);
    }
    return true;
}

static void *run(void *argument)
{
    nx_loader *loader = argument;
    pthread_mutex_lock(&loader->mutex);
    for (;;) {
        while (!loader->stop && loader->wanted == loader->ready) pthread_cond_wait(&loader->changed, &loader->mutex);
        if (loader->stop) break;
        uint64_t k = loader->wanted;
        pthread_mutex_unlock(&loader->mutex);
        nx_error error = {0};
        bool fine = make_batch(loader, k, &error);
        pthread_mutex_lock(&loader->mutex);
        loader->ready = k, loader->failed = !fine, loader->error = error;
        pthread_cond_broadcast(&loader->changed);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

/* ---- the public side ---- */

static size_t batch_bytes(const nx_loader_options *o)
{
    return nx_times((size_t)o->batch, (size_t)o->crop * (size_t)o->crop * 3 * sizeof(float));
}

static bool check_options(const nx_loader_options *o, nx_error *err)
{
    if (!o->count) return nx_fail(err, "no pictures to load");
    if (o->count > UINT32_MAX) return nx_fail(err, "%zu pictures: more than a list can hold", o->count);
    if (o->crop < 1 || o->crop > NX_IMAGE_SIDE_MAX)
        return nx_fail(err, "a crop of %d pixels: from 1 to %d", o->crop, NX_IMAGE_SIDE_MAX);
    if (o->batch < 1) return nx_fail(err, "a batch of %d pictures: at least 1", o->batch);
    if (batch_bytes(o) > PTRDIFF_MAX)
        return nx_fail(err, "a batch of %d pictures of %d x %d pixels: more than any memory", o->batch, o->crop,
                       o->crop);
    if (o->resize_short && (o->resize_short < o->crop || o->resize_short > NX_IMAGE_SIDE_MAX))
        return nx_fail(err, "a shorter side of %d pixels: from the crop of %d to %d", o->resize_short, o->crop,
                       NX_IMAGE_SIDE_MAX);
    return true;
}

static void free_memory(nx_loader *loader)
{
    for (size_t i = 0; i < loader->options.count; i++) {
        free(loader->pictures[i].path);
        free(loader->pictures[i].rgb);
    }
    for (size_t i = 0; i < loader->n_packs; i++) nx_packed_free(loader->packs[i]);
    free(loader->packs);
    free(loader->pictures);
    free(loader->order);
    free(loader->ahead);
    free(loader->labels);
    free(loader->given);
    free(loader);
}

bool nx_loader_new(nx_loader **out, const nx_loader_options *options, nx_error *err)
{
    *out = NULL;
    if (!check_options(options, err)) return false;
    nx_loader *loader = nx_alloc(sizeof *loader);
    loader->options = *options;
    loader->options.paths = NULL; /* the caller's, as the next two are; the copies are in pictures */
    loader->options.optional = NULL;
    loader->options.labels = NULL;
    if (!options->cache_bytes) loader->options.cache_bytes = CACHE_BYTES;
    loader->pictures = nx_alloc(options->count * sizeof *loader->pictures);
    for (size_t i = 0; i < options->count; i++) {
        picture *p = &loader->pictures[i];
        nx_error reason;
        p->path = nx_copy_text(options->paths[i]);
        p->label = options->labels ? options->labels[i] : 0;
        p->optional = options->optional && options->optional[i];
        if (check_picture(loader, p, &reason)) continue;
        leave_out(loader, p, &reason);
        if (p->optional && loader->bad < options->count) continue;
        if (!p->optional)
            nx_fail(err, "%s", reason.text);
        else
            nx_fail(err, "none of the %zu pictures can be used: %s", options->count, loader->named[0].text);
        free_memory(loader);
        return false;
    }
    loader->counted = loader->bad;
    loader->order = nx_alloc(options->count * sizeof *loader->order);
    loader->epoch = NO_BATCH;
    *out = loader;
    return true;
}

static void start(nx_loader *loader, uint64_t k)
{
    size_t labels = (size_t)loader->options.batch * sizeof(float);
    loader->ahead = nx_alloc(batch_bytes(&loader->options));
    loader->labels = nx_alloc(labels);
    loader->given = nx_alloc(labels);
    loader->wanted = k, loader->ready = NO_BATCH;
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->changed, NULL);
    int failure = pthread_create(&loader->thread, NULL, run, loader);
    NX_CHECK(!failure, "cannot start a thread: %s", strerror(failure));
    loader->started = true;
}

static void stop(nx_loader *loader)
{
    pthread_mutex_lock(&loader->mutex);
    loader->stop = true;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    pthread_join(loader->thread, NULL);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->mutex);
}

void nx_loader_free(nx_loader *loader)
{
    if (!loader) return;
    if (loader->started) stop(loader);
    free_memory(loader);
}

/* Names the first bad pictures; after these it counts them, whenever there are twice as many as were told of. */
static void tell(nx_loader *loader)
{
    size_t bad = loader->counted;
    for (; loader->told < bad && loader->told < NAMED; loader->told++)
        nx_warn("%s; left out", loader->named[loader->told].text);
    if (bad == loader->told || (loader->told > NAMED && bad < 2 * loader->told)) return;
    nx_warn("%zu pictures of %zu are left out by now", bad, loader->options.count);
    loader->told = bad;
}

size_t nx_loader_bad(const nx_loader *loader) { return loader->counted; }

void nx_loader_labels(const nx_loader *loader, float *out)
{
    NX_CHECK(loader->given, "labels before a batch");
    memcpy(out, loader->given, (size_t)loader->options.batch * sizeof(float));
}

bool nx_loader_batch(nx_loader *loader, uint64_t k, float *out, nx_error *err)
{
    NX_CHECK(k < NO_BATCH / 2 / (uint64_t)loader->options.batch, "batch %llu", (unsigned long long)k);
    if (!loader->started) start(loader, k);
    pthread_mutex_lock(&loader->mutex);
    /* Another batch under way is finished first, then replaced. */
    while (loader->ready != k || loader->wanted != k) {
        if (loader->wanted == loader->ready) {
            loader->wanted = k;
            pthread_cond_broadcast(&loader->changed);
        }
        pthread_cond_wait(&loader->changed, &loader->mutex);
    }
    bool fine = !loader->failed || nx_fail(err, "%s", loader->error.text);
    if (fine) {
        memcpy(out, loader->ahead, batch_bytes(&loader->options));
        memcpy(loader->given, loader->labels, (size_t)loader->options.batch * sizeof(float));
    }
    loader->counted = loader->bad;
    tell(loader);
    loader->wanted = k + 1;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    return fine;
}
