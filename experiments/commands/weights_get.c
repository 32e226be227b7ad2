/* What has come of a file lies beside its name, as NAME.part, and is locked by who fetches it. */
#include "commands/weights_get.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/checksum.h"
#include "commands/cli.h"
#include "commands/fetch.h"
#include "commands/terminal.h"
#include "config/known_weights.h"
#include "io/files.h"
#include "run/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct target {
    const known_weights *k;
    char *path, *part;
    int file; /* the part, held; -1: it is not */
} target;

static bool target_new(target *t, const known_weights *k, nx_error *err)
{
    *t = (target){.k = k, .path = known_path(k), .file = -1};
    if (!t->path) return nx_fail(err, "no place for weights: set XDG_DATA_HOME or HOME");
    t->part = nx_format("%s.part", t->path);
    return true;
}

static void target_free(target *t)
{
    if (t->file >= 0) close(t->file);
    free(t->part);
    free(t->path);
}

/* ---- the list ---- */

static const char *state_of(const target *t, char room[40])
{
    char bytes[16];
    struct stat part;
    if (nx_file_exists(t->path)) return "here";
    if (stat(t->part, &part)) return "not here";
    snprintf(room, 40, "%s here", nx_bytes_text(bytes, (double)part.st_size));
    return room;
}

static void print_line(const char *indent, const char *text)
{
    terminal_print("%s%s", indent, text);
    putchar('\n');
}

static bool print_known(const known_weights *k, nx_error *err)
{
    static const char *const preprocessing[] = {[PREPROCESSING_FILE] = "what it says itself",
                                                [PREPROCESSING_CAFFE] = "caffe",
                                                [PREPROCESSING_TORCHVISION] = "torchvision"};
    target t;
    char size[16], room[40];
    if (!target_new(&t, k, err)) return false;
    char *head = nx_format("%-18s %8s  %-12s  %s", k->name, nx_bytes_text(size, (double)k->bytes), state_of(&t, room),
                           k->what),
         *more = nx_format("%s %s; preprocessing: %s; %s", checksum_name(checksum_kind_of(k->hash)), k->hash,
                           preprocessing[k->preprocessing], k->licence);
    print_line("", head);
    print_line("    ", k->url);
    print_line("    ", more);
    free(head);
    free(more);
    target_free(&t);
    return true;
}

int weights_list(void)
{
    nx_error err;
    known_list list;
    if (!known_list_load(&list, &err)) return fail_with(&err, EXIT_REQUEST);
    char *folder = known_folder();
    bool fine = true;
    for (size_t i = 0; fine && i < list.count; i++) fine = print_known(&list.items[i], &err);
    if (fine) print_line("they are kept in ", folder);
    free(folder);
    known_list_free(&list);
    return fine ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}

/* ---- the file ---- */

static bool is_right(const target *t, int file, nx_error *err)
{
    const known_weights *k = t->k;
    struct stat info;
    char hash[CHECKSUM];
    checksum_kind kind = checksum_kind_of(k->hash);
    if (fstat(file, &info)) return nx_fail(err, "cannot read: %s", strerror(errno));
    if (info.st_size != k->bytes)
        return nx_fail(err, "another file: it has %lld bytes, and %lld are expected", (long long)info.st_size,
                       (long long)k->bytes);
    nx_progress("%s  checking", k->name);
    bool fine = checksum_of(file, kind, hash, err);
    nx_progress("%s", "");
    return fine && (!strcmp(hash, k->hash) ||
                    nx_fail(err, "another file: its %s is %s, and %s is expected", checksum_name(kind), hash, k->hash));
}

static int say_done(const target *t)
{
    char size[16];
    char *more = nx_format("%s, %s as expected; %s; in a config: [descriptor] weights = %s",
                           nx_bytes_text(size, (double)t->k->bytes), checksum_name(checksum_kind_of(t->k->hash)),
                           t->k->licence, t->k->name);
    print_line("", t->path);
    print_line("    ", more);
    free(more);
    return EXIT_DONE;
}

/* A file of that name that is there: the user's, whatever it is. */
static int check_there(const target *t)
{
    nx_error why, err;
    int file = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool fine = file >= 0 ? is_right(t, file, &why) : nx_fail(&why, "cannot open: %s", strerror(errno));
    if (file >= 0) close(file);
    if (fine) return say_done(t);
    nx_fail(&err, "%s: %s: once it is out of the way, `nstx weights get %s` fetches it anew", t->path, why.text,
            t->k->name);
    return fail_with(&err, EXIT_FAILED);
}

/* Opens the part and holds it. One that lost its name while it was being opened is whole by now, or gone. */
static bool take_part(target *t, nx_error *err)
{
    struct stat held, named;
    for (;;) {
        t->file = open(t->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (t->file < 0) return nx_fail(err, "%s: cannot write there: %s", t->part, strerror(errno));
        if (fstat(t->file, &held) || !S_ISREG(held.st_mode))
            return nx_fail(err, "%s: no plain file, where one is to be written", t->part);
        if (flock(t->file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) /* some file systems have no locks */
            return nx_fail(err, "%s: another nstx is fetching it", t->path);
        if (!lstat(t->part, &named) && held.st_ino == named.st_ino && held.st_dev == named.st_dev) return true;
        close(t->file);
    }
}

/* Says how it goes on, and keeps nothing where nothing came. */
static int say_broken(const target *t, const fetch_request *r, fetch_end end, const nx_error *why)
{
    nx_error err;
    char here[16], all[16];
    const char *text = end == FETCH_STOPPED ? "interrupted" : why->text;
    if (r->have) {
        nx_fail(&err, "%s: %s; %s of %s are here, and `%s` goes on from there", t->k->name, text,
                nx_bytes_text(here, (double)r->have), nx_bytes_text(all, (double)r->bytes), cli_again());
    } else {
        unlink(t->part);
        nx_fail(&err, "%s: %s", t->k->name, text);
    }
    return fail_with(&err, end == FETCH_STOPPED ? EXIT_INTERRUPTED : EXIT_FAILED);
}

/* Fetches what is missing of the part that is held, which becomes the file if it is the right one. */
static int complete(target *t, const char *url)
{
    nx_error err, why;
    struct stat part;
    char missing[16];
    const known_weights *k = t->k;
    if (fstat(t->file, &part)) return nx_fail(&err, "%s: %s", t->part, strerror(errno)), fail_with(&err, EXIT_FAILED);
    fetch_request r = {.url = url, .file = t->file, .have = part.st_size, .bytes = k->bytes, .title = k->name};
    if (r.have < r.bytes) {
        interrupt_watch();
        nx_info("%s: fetching %s%s from %s", k->name, nx_bytes_text(missing, (double)(r.bytes - r.have)),
                r.have ? " that are missing" : "", url);
        fetch_end end = fetch(&r, &why);
        if (end != FETCH_DONE) return say_broken(t, &r, end, &why);
    }
    if (!is_right(t, t->file, &why)) {
        unlink(t->part);
        nx_fail(&err, "%s: %s; what came is removed", url, why.text);
        return fail_with(&err, EXIT_FAILED);
    }
    if (!nx_file_publish(t->part, t->path, &err)) return fail_with(&err, EXIT_FAILED);
    return say_done(t);
}

static int get(target *t, const char *url)
{
    nx_error err;
    if (nx_file_exists(t->path)) return check_there(t);
    char *folder = known_folder();
    bool fine = fetch_may(url, &err) && nx_folder_make(folder, &err) && take_part(t, &err);
    free(folder);
    if (!fine) return fail_with(&err, EXIT_REQUEST);
    if (!nx_file_exists(t->path)) return complete(t, url);
    unlink(t->part); /* another one finished it in the meantime */
    return check_there(t);
}

static const char *name_at(size_t i, const void *list) { return ((const known_list *)list)->items[i].name; }

int weights_get(const char *name, const char *from)
{
    nx_error err;
    known_list list;
    target t = {.file = -1};
    if (!known_list_load(&list, &err)) return fail_with(&err, EXIT_REQUEST);
    const known_weights *k = known_list_find(&list, name);
    int code = EXIT_REQUEST;
    if (!k) {
        const char *near = nx_nearest(name, list.count, name_at, &list);
        nx_fail(&err, "no weights are called %s%s%s; `nstx weights get` lists them", name,
                near ? ": did you mean " : "", near ? near : "");
        fail_with(&err, code);
    } else if (!target_new(&t, k, &err)) {
        fail_with(&err, code);
    } else {
        size_t length = from ? strlen(from) : 0;
        while (length && from[length - 1] == '/') length--;
        char *file = known_file_name(k->url),
             *url = from ? nx_format("%.*s/%s", (int)length, from, file) : nx_copy_text(k->url);
        code = get(&t, url);
        free(url);
        free(file);
    }
    target_free(&t);
    known_list_free(&list);
    return code;
}
