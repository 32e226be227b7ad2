/* The run file: the log of a run, its pictures and its newest checkpoint in one HDF5 file, readable while the run goes
 * on (notes/run-file.md has its layout, notes/decisions/003-run-file.md why it is kept this way).
 *
 * The log lives in memory. A save writes the whole file aside and renames it, so what lies under its name is always
 * complete: a process killed at any moment loses the steps since the last save, and --resume does them again.
 *
 *     runfile *run;
 *     if (!runfile_resume(&run, "run.h5", &info, &err)) return fail_with(&err, EXIT_FAILED);
 *     const checkpoint *c = runfile_checkpoint(run);                        NULL: from the start
 *     for (uint64_t step = 0; fine && step < steps; step++) {
 *         runfile_metric(run, "total", 1, step, runfile_seconds(run), loss);
 *         if (step % 100 == 0) fine = runfile_save(run, take_checkpoint(), &err);
 *         else if (runfile_due(run)) fine = runfile_save(run, NULL, &err);
 *     }
 *     fine = fine && runfile_finish(run, "finished", take_checkpoint(), &err);
 *     runfile_free(run);
 */
#ifndef RUNFILE_RUNFILE_H
#define RUNFILE_RUNFILE_H

#include "config/config.h"
#include "device/device.h"
#include "io/image.h"
#include "runfile/checkpoint.h"

typedef struct runfile_info {
    const char *command; /* the command line */
    const config *config;
    const nx_device_info *device;
} runfile_info;

typedef struct runfile runfile;

/* Begins a run at path, afresh; folders on the way are made. A run file that is there is replaced by the first save,
 * anything else that is there is refused. Only one program at a time: a second one is refused while PATH.lock is held.
 * Drafts that killed programs left behind are removed. */
bool runfile_new(runfile **out, const char *path, const runfile_info *info, nx_error *err);

/* Continues the run at path from its checkpoint: the log up to it and the checkpoint itself. Begins afresh if there is
 * no file or no checkpoint in it. Refused if the config differs (config_continues). */
bool runfile_resume(runfile **out, const char *path, const runfile_info *info, nx_error *err);

/* Without saving; gives the lock back. */
void runfile_free(runfile *run);

/* Where the process is about to end while another of its threads is at work with the run: takes the lock and the drafts
 * away that it would leave behind. */
void runfile_abandon(const runfile *run);

/* The newest checkpoint, owned by the run file and good until the next save; NULL if there is none. */
const checkpoint *runfile_checkpoint(const runfile *run);

/* True, with its step, if a checkpoint of this run is on disk: a save that failed leaves an older one there. */
bool runfile_kept(const runfile *run, uint64_t *step);

double runfile_seconds(const runfile *run); /* since the start, the time before a resumption included */

/* ---- the log, kept in memory until the next save ---- */

/* One row of /metrics/NAME; names may have slashes. weight is the same in every row. */
void runfile_metric(runfile *run, const char *name, double weight, int64_t step, double time, double value);

/* One picture of /images/NAME, rgb [height][width][3]; all of one name have one size. When the pictures of a name come
 * to take more than RUNFILE_IMAGE_BYTES, every second one goes, so that the oldest become the sparsest. With [log]
 * pictures = folder it becomes a file, too, which stays: step_000500.png of the name "picture", step_000500_NAME.png of
 * any other. False: it cannot be written. */
#define RUNFILE_IMAGE_BYTES ((size_t)64 << 20)
bool runfile_image(runfile *run, const char *name, int64_t step, int height, int width, const uint8_t *rgb,
                   nx_error *err);

/* How many of `times` pictures of so many bytes are left of one name. */
uint64_t runfile_images_kept(size_t bytes, uint64_t times);

/* The picture beside the run file, NAME.png for NAME.h5; a later one replaces it. As long as an earlier run's file lies
 * at path, that run's pictures stay beside it and in their folder, and copies of these wait for the first save. */
bool runfile_picture(runfile *run, const nx_image *image, nx_error *err);

/* The folder of [log] pictures of the run file at path: NAME-pictures for NAME.h5; owned by the caller. */
char *runfile_pictures_folder(const char *path);

/* What is in that folder under such names is nstx's own, and nothing that the config reads; a run that is not taken up
 * removes it. */
bool runfile_may_write_pictures(const char *path, const config *c, nx_error *err);

/* True if a file of that name in the folder is a picture or the beginning of one. */
bool runfile_is_picture_name(const char *name);

/* The colour profile of all these files, from now on; it stays the caller's. */
void runfile_profile(runfile *run, const nx_profile *profile);

/* An array at path, as /debug/gradient; a later one replaces it. */
void runfile_array(runfile *run, const char *path, int rank, const int *dims, const float *values);

/* An attribute of the group at path, which is made: "/memory", "/profile/KERNEL". A later one replaces it. */
void runfile_set_text(runfile *run, const char *path, const char *name, const char *value);
void runfile_set_int(runfile *run, const char *path, const char *name, int64_t value);
void runfile_set_real(runfile *run, const char *path, const char *name, double value);

/* ---- saving ---- */

/* True if the last save is half a minute ago, or longer where saving is slow: at most a twentieth of the time. */
bool runfile_due(const runfile *run);

/* Writes the file with a new checkpoint, which it takes over, or (NULL) the one it has. The rows logged so far belong
 * to the new checkpoint: a resumption begins after them. One with a number that is none is refused (checkpoint_finite):
 * the one before stays the newest. On failure one line says why, the file on disk is as before, and the run may go on.
 */
bool runfile_save(runfile *run, checkpoint *c, nx_error *err);

/* Saves with a status: "finished", "interrupted" or "failed"; "failed", and false, with a checkpoint that is refused. A
 * run that failed or was interrupted before it had anything to save does not replace the file of an earlier one. */
bool runfile_finish(runfile *run, const char *status, checkpoint *c, nx_error *err);

/* ---- looking at runs ---- */

/* What a run of this config would find at path. */
typedef enum runfile_found {
    RUNFILE_NOTHING,  /* no file, or a run of which nothing was kept */
    RUNFILE_FINISHED, /* this run, finished */
    RUNFILE_BEGUN,    /* this run, with a checkpoint to go on from */
    RUNFILE_OTHER     /* a run of another config, or no run */
} runfile_found;
runfile_found runfile_look(const char *path, const config *c, uint64_t *step); /* step: of that checkpoint */

/* True if a run of nstx may stand at path from now on: nothing is there, or a run file; else one line says what. */
bool runfile_may_stand(const char *path, nx_error *err);

/* True if the file at path is a finished run of this config. */
bool runfile_is_finished(const char *path, const config *c);

/* True if there is no file at path, or one of a config that c continues: what runfile_resume would not refuse. */
bool runfile_continues(const char *path, const config *c);

#endif
