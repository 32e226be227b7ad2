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

/* A picture that is to become the file at path. */
typedef struct run_waiting {
    char *path;
    nx_image image;
} run_waiting;

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
    char *folder;              /* of pictures; NULL: they are not wanted as files */
    bool taken_up, prepared;   /* what is in the folder is of this run; it was seen to */
    size_t waiting;            /* pictures for the first save */
    run_waiting *wait;
};

size_t run_picture_bytes(const run_pictures *p); /* of one */

/* What is in memory is on disk as well. */
void runfile_note_kept(runfile *run);

/* A picture of the log, in memory. */
void runfile_add_image(runfile *run, const char *name, int64_t step, int height, int width, const uint8_t *rgb);

/* Writes the pictures that waited for the run's first save. */
bool runfile_write_waiting(runfile *run, nx_error *err);
void runfile_forget_waiting(runfile *run);

#endif
