/* Batches of square crops of pictures, decoded ahead by a thread of its own.
 *
 * Batch k is a function of (files, options, k) alone: a run that stops and resumes at k sees the same pictures,
 * whatever was asked for before. Pictures come in a fresh order each epoch; a batch may span two epochs. A bad picture
 * that a run can do without (optional) is left out: the next good one of the epoch's order stands in its place.
 *
 *     nx_loader *loader;
 *     nx_loader_options options = {.paths = list.paths, .count = list.count, .crop = 256, .batch = 4, .seed = 1};
 *     if (!nx_loader_new(&loader, &options, err)) return false;
 *     for (uint64_t k = 0; k < steps; k++) nx_loader_batch(loader, k, pixels, err);
 *     nx_loader_free(loader);
 *
 * For classification each picture has a number with it (labels), such as that of its class (io/classes).
 */
#ifndef NX_IO_LOADER_H
#define NX_IO_LOADER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct nx_loader_options {
    char *const *paths; /* of files, or "FILE#7" of a packed dataset (io/packed.h); copied */
    size_t count;
    const int *labels; /* [count] what nx_loader_labels gives; NULL: 0 each; copied */
    const bool
        *optional; /* [count] those that are left out where they are bad; NULL: none, each has to be good; copied */
    int crop;      /* pixels a side */
    int batch;     /* pictures */
    uint64_t seed;
    int resize_short;   /* scale the shorter side to this first (bicubic); 0: crops of the picture as it is */
    bool flip;          /* every other crop, by chance, is mirrored left to right; not with center */
    bool center;        /* the centre crop, in the order of paths, seed unused: for validation */
    size_t cache_bytes; /* decoded pictures kept in memory; 0: 512 MB */
} nx_loader_options;

typedef struct nx_loader nx_loader;

/* Looks at both ends of every file, so that a bad one is named now and not in the night: unreadable, cut short, or
 * smaller than the crop. One that is optional is left out, unless all are bad. The thread and the memory of a batch
 * come with the first one asked for. */
bool nx_loader_new(nx_loader **out, const nx_loader_options *options, nx_error *err);
void nx_loader_free(nx_loader *loader);

/* Fills out, [batch][crop][crop][3] floats from 0 to 255, with batch k and lets the thread begin on k + 1. Any k is
 * fine; k + 1 after k is quick. An error is a file that cannot be decoded and is not optional, or that none can. Bad
 * pictures that were left out are told as warnings: the first few by name, more of them as a count. One thread at a
 * time. */
bool nx_loader_batch(nx_loader *loader, uint64_t k, float *out, nx_error *err);

/* The labels of the newest batch that was given out, [batch]; before the first one none. */
void nx_loader_labels(const nx_loader *loader, float *out);

/* How many were left out: by nx_loader_new, and since then on the way to the newest batch. */
size_t nx_loader_bad(const nx_loader *loader);

#endif
