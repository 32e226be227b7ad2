/* What a run file is in memory: lists, each the image of a part of the file. For the files of this room that make it
 * (runfile.c), write it (saving.c) and read it back (resuming.c). */
#ifndef RUNFILE_STATE_H
#define RUNFILE_STATE_H

#include "runfile/lock.h"
#include "runfile/reader.h"
#include "runfile/runfile.h"

#define RUNFILE_DEBUG "/debug"
#define RUNFILE_ROWS  "checkpoint_rows" /* attribute: rows that were there when the checkpoint was taken */

typedef struct run_metric {
    char *name;
    double weight;
    size_t rows, kept; /* kept: those that belong to the checkpoint */
    int64_t *step;
    double *time, *value;
} run_metric;

typedef struct run_pictures {
    char *name;
    int height, width;
    size_t count, kept;
    int64_t *step;
    uint8_t *rgb;
} run_pictures;

typedef struct run_attribute {
    char *path, *name;
    enum { IS_TEXT, IS_INT, IS_REAL } kind;
    char *text;
    int64_t integer;
    double real;
} run_attribute;

struct runfile {
    char *path, *config;
    run_lock *lock;
    double began;             /* nx_now() at second 0 of the run */
    double saved, save_costs; /* when the last save ended, and how long it took */
    bool there;               /* what lies at path is of this run, not of one before */
    bool kept;                /* with a checkpoint, of this step */
    uint64_t kept_step;
    size_t metrics, series, attributes;
    run_metric *metric;
    run_pictures *pictures;
    run_attribute *attribute;
    checkpoint *arrays;        /* /debug and the like, by full path */
    checkpoint *newest;        /* NULL while there is none */
    double newest_seconds;     /* when it was taken */
    const nx_profile *profile; /* of pictures in files; NULL: none */
    nx_image waiting;          /* for the first save: the picture beside the file; no pixels: none */
};

size_t run_picture_bytes(const run_pictures *p); /* of one */

/* What is in memory is on disk as well. */
void runfile_note_kept(runfile *run);

/* Writes the picture beside the run file. */
bool runfile_write_picture(const runfile *run, const nx_image *image, nx_error *err);

#endif
