/* A path names pictures if what is left of it behind the folder of data is a part of a set. */
#include "config/made.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/installed.h"
#include "io/files.h"
#include "pictures.h"

#include <stdlib.h>
#include <string.h>

static bool (*interrupted)(void);

void made_interruptible(bool (*wanted)(void)) { interrupted = wanted; }

/* ---- the two folders; owned by the caller, NULL: there is none ---- */

static char *own_folder(void)
{
    char *folder = installed_path("data", NULL), *whole = folder ? realpath(folder, NULL) : NULL;
    free(folder);
    return whole;
}

static char *cache_folder(void) { return nx_user_path("XDG_CACHE_HOME", ".cache", "nstx/data"); }

static bool same_folder(const char *a, const char *b)
{
    char *x = realpath(a, NULL), *y = realpath(b, NULL);
    bool same = !strcmp(a, b) || (x && y && !strcmp(x, y));
    free(x);
    free(y);
    return same;
}

/* The part that the path names in the folder, owned by the caller; NULL: it does not lead there. */
static char *part_in(const char *folder, const char *path)
{
    char *plain = nx_copy_text(path), *found = NULL;
    for (size_t end = strlen(plain); end > 1 && plain[end - 1] == '/';) plain[--end] = 0;
    for (char *part = plain; folder && !found && part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        if (!pictures_in(part)) continue;
        char *up = part == plain ? nx_copy_text(".") : nx_format("%.*s", (int)(part - plain), plain);
        if (strlen(up) > 1 && part > plain) up[strlen(up) - 1] = 0;
        if (same_folder(up, folder)) found = nx_copy_text(part);
        free(up);
    }
    free(plain);
    return found;
}

/* ---- paths ---- */

static bool may_render(const char *folder, const char *part)
{
    char *set = nx_format("%s/%.*s", folder, (int)strcspn(part, "/"), part);
    bool may = nx_folder_may_write(set);
    free(set);
    return may;
}

char *made_path(const char *path, bool *folder)
{
    char *own = own_folder(), *cache = cache_folder(), *part = part_in(own, path), *out = NULL;
    if (!part) part = part_in(cache, path); /* as effective texts have it */
    if (own && part) {
        bool here = !cache || may_render(own, part) || !pictures_missing(own, part);
        out = nx_format("%s/%s", here ? own : cache, part);
        *folder = !pictures_is_file(part);
    }
    free(part);
    free(cache);
    free(own);
    return out;
}

/* Any other path is fine as it is. */
static bool make(const char *path, size_t first, nx_error *err)
{
    char *folders[] = {own_folder(), cache_folder()};
    bool fine = true;
    for (int i = 0; i < 2; i++) {
        char *part = part_in(folders[i], path);
        pictures_want want = {.folder = folders[i], .part = part, .first = (int)first, .stop = interrupted};
        fine = fine && (!part || pictures_make(&want, err));
        free(part);
        free(folders[i]);
    }
    return fine;
}

bool made_of_config(const config *c, nx_error *err)
{
    config_paths p;
    for (size_t i = 0; config_paths_at(c, i, &p); i++)
        for (int k = 0; k < p.count; k++)
            if (!make(p.items[k], p.first, err)) return false;
    return true;
}

bool made_open(const char *path, size_t first, char **out, nx_error *err)
{
    bool folder;
    char *made = made_path(path, &folder);
    *out = made ? made : nx_copy_text(path);
    if (!made || make(made, first, err)) return true;
    free(made);
    *out = NULL;
    return false;
}
