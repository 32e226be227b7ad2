/* nstx pictures: the sets of pictures that the program renders itself, and rendering them before they are wanted. */
#include "pictures.h"

#include "base/text.h"
#include "commands/cli.h"
#include "config/installed.h"
#include "config/made.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the part is or will be; owned by the caller. */
static char *place_of(const char *data, const char *part)
{
    bool folder;
    char *path = nx_format("%s/%s", data, part), *made = made_path(path, &folder);
    free(path);
    return made;
}

static void list_sets(const char *data)
{
    const picture_set *s;
    for (size_t i = 0; (s = picture_set_at(i)); i++) {
        char *place = place_of(data, s->name), *folder = nx_path_folder(place);
        printf("%-9s  %4d of %4d there  %3d x %3d  %s: %s\n", s->name, s->count - pictures_missing(folder, s->name),
               s->count, s->width, s->height, s->does, place);
        free(folder);
        free(place);
    }
}

static const char *set_name(size_t i, const void *context) { return (void)context, picture_set_at(i)->name; }

static bool known(const char *part, nx_error *err)
{
    size_t sets = 0;
    while (picture_set_at(sets)) sets++;
    if (pictures_in(part)) return true;
    const char *near = nx_nearest(part, sets, set_name, NULL);
    return nx_fail(err, "there are no pictures called %s%s%s; `nstx pictures` lists the sets", part,
                   near ? ": did you mean " : "", near ? near : "");
}

static bool render(const char *data, const char *part, size_t first, nx_error *err)
{
    char *path = place_of(data, part), *place;
    bool ok = made_open(path, first, &place, err);
    if (ok) printf("%s\n", place);
    if (ok) free(place);
    free(path);
    return ok;
}

static int command_pictures(int argc, char **argv)
{
    nx_error err;
    int code = EXIT_DONE;
    long first = 0;
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt(argc, argv, "n:")) != -1;) {
        char *end;
        if (o != 'n') return usage_error("pictures", "unknown or incomplete option %s", argv[optind - 1]);
        first = strtol(optarg, &end, 10);
        if (*end || first < 1 || first > INT_MAX) return usage_error("pictures", "-n %s: a number of pictures", optarg);
    }
    for (int i = optind; i < argc; i++)
        if (!known(argv[i], &err)) return fail_with(&err, EXIT_REQUEST);
    char *data = installed_path("data", &err);
    if (!data) return fail_with(&err, EXIT_REQUEST);
    if (optind == argc) list_sets(data);
    for (int i = optind; i < argc && !code; i++)
        if (!render(data, argv[i], (size_t)first, &err)) code = fail_with(&err, EXIT_FAILED);
    free(data);
    return code;
}

static void print_names(void)
{
    const picture_set *s;
    for (size_t i = 0; (s = picture_set_at(i)); i++) printf(" %s", s->name);
}

const command pictures_command = {
    .name = "pictures",
    .run = command_pictures,
    .usage = "pictures [-n N] [SET[/PICTURE]]...",
    .does = "renders the program's own pictures, which configs do when they need them, or lists their sets",
    .options = "  -n N                    of each set, or class, the first so many; all without it\n",
    .print_words = print_names,
};
