/* Pictures of a run as files: the newest beside it, and those of the way in a folder. What an earlier run left there
 * stays until the file of this one takes its place. */
#include "base/memory.h"
#include "base/text.h"
#include "config/sweep_points.h"
#include "io/files.h"
#include "runfile/own.h"
#include "runfile/state.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGIN "step_"

char *runfile_pictures_folder(const char *path) { return path_beside(path, "-pictures"); }

bool runfile_is_picture_name(const char *name) { return !strncmp(name, BEGIN, strlen(BEGIN)) && strstr(name, ".png"); }

void runfile_profile(runfile *run, const nx_profile *profile) { run->profile = profile; }

/* ---- what is in the folder ---- */

static nx_file_list pictures_in(const char *folder)
{
    nx_file_list out = {0};
    DIR *list = opendir(folder);
    for (struct dirent *e; list && (e = readdir(list));) {
        if (!runfile_is_picture_name(e->d_name) || !nx_ends_with(e->d_name, ".png")) continue;
        NX_GROW(out.paths, out.count);
        out.paths[out.count++] = nx_format("%s/%s", folder, e->d_name);
    }
    if (list) closedir(list);
    return out;
}

static bool is_read(const config *c, const char *folder, nx_error *err)
{
    config_paths p;
    for (size_t i = 0; config_paths_at(c, i, &p); i++)
        for (int k = 0; k < p.count; k++)
            if (same_file(folder, p.items[k]))
                return nx_fail(err,
                               "%s: it is read, as [%s] %s, and [log] pictures would go there: name another file "
                               "with -o",
                               folder, p.section, p.key),
                       true;
    return false;
}

bool runfile_may_write_pictures(const char *path, const config *c, nx_error *err)
{
    if (c->log.pictures != LOG_PICTURES_FOLDER) return true;
    char *folder = runfile_pictures_folder(path);
    nx_file_list there = pictures_in(folder);
    bool may = !nx_file_exists(folder) || nx_fail(err, "%s: a file, where [log] pictures makes a folder", folder);
    may = may && !is_read(c, folder, err);
    for (size_t i = 0; may && i < there.count; i++) may = may_write_of(c, there.paths[i], err);
    nx_file_list_free(&there);
    free(folder);
    return may;
}

/* ---- writing ---- */

static bool save(const runfile *run, const char *path, const nx_image *image, nx_error *err)
{
    return nx_image_save(image, path, &(nx_image_options){.profile = run->profile}, err);
}

/* Of step 500: step_000500.png of the usual name. Owned by the caller. */
static char *path_of(const runfile *run, const char *name, int64_t step)
{
    bool usual = !strcmp(name, "picture");
    return nx_format("%s/" BEGIN "%06lld%s%s.png", run->folder, (long long)step, usual ? "" : "_", usual ? "" : name);
}

static nx_image image_of(int height, int width, const uint8_t *rgb)
{
    nx_image image = nx_image_new(height, width);
    for (size_t i = 0, n = (size_t)height * (size_t)width * 3; i < n; i++) image.rgb[i] = rgb[i];
    return image;
}

/* What an earlier run left. */
static void clear(const runfile *run)
{
    nx_file_list there = pictures_in(run->folder);
    for (size_t i = 0; i < there.count; i++)
        if (may_write(there.paths[i], NULL)) unlink(there.paths[i]);
    nx_file_list_free(&there);
}

/* Pictures of the log that are no files: the run was taken up, and did not write them before. */
static bool fill(const runfile *run, nx_error *err)
{
    bool fine = true;
    for (size_t s = 0; s < run->series; s++) {
        const run_pictures *p = &run->pictures[s];
        for (size_t i = 0; fine && i < p->count; i++) {
            char *path = path_of(run, p->name, p->step[i]);
            nx_image image = image_of(p->height, p->width, p->rgb + i * run_picture_bytes(p));
            fine = nx_file_exists(path) || save(run, path, &image, err);
            nx_image_free(&image);
            free(path);
        }
    }
    return fine;
}

static bool write_file(runfile *run, const char *path, const nx_image *image, nx_error *err)
{
    bool first = run->folder && !run->prepared;
    run->prepared = true;
    if (first && !run->taken_up) clear(run);
    return (!first || (nx_folder_make(run->folder, err) && (!run->taken_up || fill(run, err)))) &&
           save(run, path, image, err);
}

/* Takes both over. */
static bool put_file(runfile *run, char *path, nx_image image, nx_error *err)
{
    if (run->there || !nx_file_exists(run->path)) {
        bool fine = write_file(run, path, &image, err);
        nx_image_free(&image);
        free(path);
        return fine;
    }
    size_t at = 0;
    while (at < run->waiting && strcmp(run->wait[at].path, path)) at++;
    if (at == run->waiting) {
        NX_GROW(run->wait, run->waiting);
        run->waiting++;
    } else { /* a later one of that name */
        nx_image_free(&run->wait[at].image);
        free(run->wait[at].path);
    }
    run->wait[at] = (run_waiting){path, image};
    return true;
}

bool runfile_picture(runfile *run, const nx_image *image, nx_error *err)
{
    nx_image copy = nx_image_crop(image, 0, 0, image->height, image->width);
    return put_file(run, path_beside(run->path, ".png"), copy, err);
}

bool runfile_image(runfile *run, const char *name, int64_t step, int height, int width, const uint8_t *rgb,
                   nx_error *err)
{
    runfile_add_image(run, name, step, height, width, rgb);
    if (!run->folder) return true;
    return put_file(run, path_of(run, name, step), image_of(height, width, rgb), err);
}

bool runfile_write_waiting(runfile *run, nx_error *err)
{
    bool fine = true;
    for (size_t i = 0; fine && i < run->waiting; i++)
        fine = write_file(run, run->wait[i].path, &run->wait[i].image, err);
    runfile_forget_waiting(run);
    return fine;
}

void runfile_forget_waiting(runfile *run)
{
    for (size_t i = 0; i < run->waiting; i++) {
        free(run->wait[i].path);
        nx_image_free(&run->wait[i].image);
    }
    free(run->wait);
    run->wait = NULL, run->waiting = 0;
}
