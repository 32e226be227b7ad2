/* The table of sets, and how the missing ones of a part are made: under the set's lock, by a thread a core, which take
 * them in turn. */
#include "pictures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "gallery.h"
#include "io/files.h"
#include "motif.h"
#include "painting.h"
#include "photo.h"
#include "texture.h"

enum { SEED = 1, NAME_BYTES = 64 };

typedef struct set {
    picture_set shown;
    int version; /* raise it when the pictures change */
    picture (*draw)(const picture_set *s, int number);
    const char *(*title)(int number);       /* of a picture; NULL: its number */
    int classes;                            /* 0: none; else pictures belong to them in turn */
    const char *(*class_title)(int number); /* of a class */
} set;

static picture draw_photo(const picture_set *s, int number) { return photo_take(SEED, number, s->width, s->height); }
static picture draw_style(const picture_set *s, int number) { return (void)s, paintings[number].paint(SEED); }
static picture draw_texture(const picture_set *s, int number) { return (void)s, texture_make(number, SEED); }
static picture draw_painting(const picture_set *s, int number) { return gallery_paint(SEED, number, s->width); }
static picture draw_motif(const picture_set *s, int number)
{
    nx_rng rng = nx_rng_new(SEED, nx_stream("motif") + (uint64_t)number);
    return motif_draw(number % MOTIFS, &rng, s->width, s->height);
}

static const char *style_title(int number) { return paintings[number].name; }

static const set sets[] = {
    {{"photos", "photograph-like scenes", 300, 320, 256}, .version = 1, .draw = draw_photo},
    {{"styles", "six manners of painting", PAINTINGS, 512, 512},
     .version = 1,
     .draw = draw_style,
     .title = style_title},
    {{"textures", "textures that tile", TEXTURES, 256, 256}, .version = 1, .draw = draw_texture, .title = texture_name},
    {{"motifs", "places, things and surfaces in classes", 3000, 96, 96},
     .version = 1,
     .draw = draw_motif,
     .classes = MOTIFS,
     .class_title = motif_name},
    {{"paintings", "any subject in any manner", 200, 256, 256}, .version = 1, .draw = draw_painting},
};
enum { SETS = sizeof sets / sizeof *sets };

const picture_set *picture_set_at(size_t i) { return i < SETS ? &sets[i].shown : NULL; }

/* ---- parts ---- */

/* The file of a picture below the folder of its set. */
static void name_of(const set *s, int number, char out[NAME_BYTES])
{
    if (s->title)
        snprintf(out, NAME_BYTES, "%s.png", s->title(number));
    else if (s->classes)
        snprintf(out, NAME_BYTES, "%s/%04d.png", s->class_title(number % s->classes), number / s->classes);
    else
        snprintf(out, NAME_BYTES, "%04d.png", number);
}

/* The set of a part, and what the names of its pictures begin with; NULL: there is no such set. */
static const set *set_of(const char *part, const char **below)
{
    size_t length = strcspn(part, "/");
    for (int i = 0; i < SETS; i++)
        if (strlen(sets[i].shown.name) == length && !strncmp(sets[i].shown.name, part, length))
            return *below = part + length + (part[length] == '/'), &sets[i];
    return NULL;
}

/* Whether a picture of this name is that of the part, or lies in its folder. */
static bool belongs(const char *name, const char *below)
{
    size_t length = strlen(below);
    return !length || (!strncmp(name, below, length) && (!name[length] || name[length] == '/'));
}

int pictures_in(const char *part)
{
    const char *below;
    const set *s = set_of(part, &below);
    char name[NAME_BYTES];
    int count = 0;
    for (int i = 0; s && i < s->shown.count; i++) name_of(s, i, name), count += belongs(name, below);
    return count;
}

bool pictures_is_file(const char *part) { return nx_is_image_name(part) && pictures_in(part) == 1; }

/* ---- what is there ---- */

/* What the stamp says: nothing else is of use to who reads it. */
static char *stamp_text(const set *s) { return nx_format("%s version %d\n", s->shown.name, s->version); }

static bool has_stamp(const set *s, int file)
{
    char found[NAME_BYTES] = "", *wanted = stamp_text(s);
    bool same = file >= 0 && pread(file, found, sizeof found - 1, 0) > 0 && !strcmp(found, wanted);
    free(wanted);
    return same;
}

/* Whether it is among the first so many of the set or of its class; 0: of all. Titles have no order. */
static bool is_wanted(const set *s, int number, int first)
{
    return !first || s->title || number / (s->classes ? s->classes : 1) < first;
}

/* The numbers of the part's pictures that are not there, in *out, which the caller owns. */
static int find_missing(const char *folder, const set *s, const char *below, int first, bool stamped, int **out)
{
    char name[NAME_BYTES];
    int count = 0;
    *out = nx_alloc((size_t)s->shown.count * sizeof **out);
    for (int i = 0; i < s->shown.count; i++) {
        name_of(s, i, name);
        if (!belongs(name, below) || !is_wanted(s, i, first)) continue;
        char *path = nx_format("%s/%s", folder, name);
        if (!stamped || !nx_file_exists(path)) (*out)[count++] = i;
        free(path);
    }
    return count;
}

static int count_missing(const char *folder, const set *s, const char *below, int first)
{
    char *home = nx_format("%s/%s", folder, s->shown.name), *path = nx_format("%s/stamp", home);
    int *numbers, stamp = open(path, O_RDONLY | O_CLOEXEC);
    int count = find_missing(home, s, below, first, has_stamp(s, stamp), &numbers);
    if (stamp >= 0) close(stamp);
    free(numbers);
    free(path);
    free(home);
    return count;
}

int pictures_missing(const char *folder, const char *part)
{
    const char *below;
    const set *s = set_of(part, &below);
    return s ? count_missing(folder, s, below, 0) : 0;
}

/* ---- work ---- */

typedef struct work {
    const set *s;
    const char *folder; /* of the set */
    bool (*stop)(void);
    const int *numbers; /* [count] */
    int count;
    atomic_int next;
    pthread_mutex_t lock; /* guards what follows, and the progress line */
    int done;
    bool failed;
    nx_error err; /* of the picture that failed first */
} work;

static bool render(const work *w, int number, nx_error *err)
{
    char name[NAME_BYTES];
    name_of(w->s, number, name);
    char *path = nx_format("%s/%s", w->folder, name), *folder = nx_path_folder(path);
    picture p = w->s->draw(&w->s->shown, number);
    bool ok = nx_folder_make(folder, err) && picture_write(&p, path, err);
    picture_free(&p);
    free(folder);
    free(path);
    return ok;
}

static void *labour(void *context)
{
    work *w = context;
    for (int i; !(w->stop && w->stop()) && (i = atomic_fetch_add(&w->next, 1)) < w->count;) {
        nx_error err = {0};
        bool ok = render(w, w->numbers[i], &err);
        pthread_mutex_lock(&w->lock);
        w->done += ok;
        if (!ok && !w->failed) w->failed = true, w->err = err, atomic_store(&w->next, w->count);
        nx_progress("rendering %s: %d of %d", w->folder, w->done, w->count);
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

static int cores(void)
{
    cpu_set_t all;
    int count = sched_getaffinity(0, sizeof all, &all) ? 1 : CPU_COUNT(&all);
    return count > 0 ? count : 1;
}

static bool labour_all(work *w, nx_error *err)
{
    enum { MOST = 64 };
    pthread_t threads[MOST];
    int count = cores();
    if (count > w->count) count = w->count;
    if (count > MOST) count = MOST;
    nx_info("rendering %d picture%s of %s", w->count, w->count > 1 ? "s" : "", w->folder);
    for (int i = 0; i < count; i++)
        NX_CHECK(pthread_create(&threads[i], NULL, labour, w) == 0, "cannot start a thread");
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    nx_progress("%s", "");
    if (w->failed) *err = w->err;
    return !w->failed && (w->done == w->count ||
                          nx_fail(err, "interrupted with %d of %d pictures of %s rendered; the rest follows next time",
                                  w->done, w->count, w->folder));
}

/* ---- the folder ---- */

/* Drafts of who ended in the middle; under the lock, for no one else writes there. */
static void remove_drafts_in(const char *folder)
{
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (!strstr(entry->d_name, ".png.tmp.")) continue;
        char *path = nx_format("%s/%s", folder, entry->d_name);
        unlink(path);
        free(path);
    }
    if (list) closedir(list);
}

static void remove_drafts(const char *folder, const set *s)
{
    remove_drafts_in(folder);
    for (int i = 0; i < s->classes; i++) {
        char *path = nx_format("%s/%s", folder, s->class_title(i));
        remove_drafts_in(path);
        free(path);
    }
}

/* Pictures of another version go, and the stamp is written: it never says of one that it is what it is not. */
static bool begin_version(const char *folder, const set *s, int stamp, nx_error *err)
{
    char name[NAME_BYTES], *text = stamp_text(s);
    ssize_t bytes = (ssize_t)strlen(text);
    for (int i = 0; i < s->shown.count; i++) {
        name_of(s, i, name);
        char *path = nx_format("%s/%s", folder, name);
        unlink(path);
        free(path);
    }
    bool ok = (!ftruncate(stamp, 0) && pwrite(stamp, text, (size_t)bytes, 0) == bytes) ||
              nx_fail(err, "%s/stamp: cannot be written: %s", folder, strerror(errno));
    free(text);
    return ok;
}

/* Waits for who else renders the set. File systems without locks go without. */
static bool take_lock(const char *folder, int stamp, bool (*stop)(void), nx_error *err)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    bool said = false;
    while (flock(stamp, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        if (!said) nx_info("%s: another nstx renders pictures there: waiting for it", folder);
        said = true;
        if (stop && stop()) return nx_fail(err, "interrupted while another nstx renders the pictures of %s", folder);
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool make_in(const char *folder, const set *s, const char *below, const pictures_want *w, nx_error *err)
{
    char *path = nx_format("%s/stamp", folder);
    int stamp = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666), *numbers = NULL;
    bool ok = stamp >= 0 || nx_fail(err, "%s: its pictures are to be rendered there, and it cannot be written: %s",
                                    folder, strerror(errno));
    ok = ok && take_lock(folder, stamp, w->stop, err) && (has_stamp(s, stamp) || begin_version(folder, s, stamp, err));
    if (ok) {
        remove_drafts(folder, s);
        work all = {.s = s, .folder = folder, .stop = w->stop, .lock = PTHREAD_MUTEX_INITIALIZER};
        all.count = find_missing(folder, s, below, w->first, true, &numbers), all.numbers = numbers;
        ok = !all.count || labour_all(&all, err);
    }
    free(numbers);
    if (stamp >= 0) close(stamp);
    free(path);
    return ok;
}

bool pictures_make(const pictures_want *w, nx_error *err)
{
    const char *below;
    const set *s = set_of(w->part, &below);
    NX_CHECK(s, "there are no pictures called %s", w->part);
    if (!count_missing(w->folder, s, below, w->first)) return true;
    char *folder = nx_format("%s/%s", w->folder, s->shown.name);
    bool ok = nx_folder_make(folder, err) && make_in(folder, s, below, w, err);
    free(folder);
    return ok;
}
