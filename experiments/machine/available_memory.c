/* What is left of a device's memory.
 *
 * A group is limited by each of its ancestors too. In a container the path of the group is often that outside, while
 * the mounted hierarchy begins at the group itself: folders of the path that are not there are passed over, and the
 * root is always looked at. */
#include "machine/available_memory.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const memory_files system_memory = {"/proc/meminfo", "/proc/self/cgroup", "/sys/fs/cgroup"};

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The number behind the word that begins a line, or, for no word, that begins the file; UINT64_MAX where there is none.
 */
static uint64_t number_in(const char *path, const char *word)
{
    char line[256];
    uint64_t number = UINT64_MAX, read;
    size_t length = strlen(word);
    FILE *file = fopen(path, "r");
    while (file && number == UINT64_MAX && fgets(line, sizeof line, file))
        if (!strncmp(line, word, length) && sscanf(line + length, "%" SCNu64, &read) == 1) number = read;
    if (file) fclose(file);
    return number;
}

static uint64_t left_of_system(const char *meminfo)
{
    uint64_t kilobytes = number_in(meminfo, "MemAvailable: ");
    return kilobytes == UINT64_MAX ? kilobytes : kilobytes * 1024;
}

/* ---- control groups ---- */

/* Where a version of them says what, in a hierarchy mounted at `below`. */
typedef struct version {
    const char *controller; /* in the process's list; empty: the one hierarchy of version 2 */
    const char *below, *limit, *used, *droppable;
} version;

static const version versions[] = {
    {"", "", "memory.max", "memory.current", "inactive_file "},
    {"memory", "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "},
};

typedef struct room {
    uint64_t allowed, left; /* bytes; UINT64_MAX: no limit */
} room;

static uint64_t number_of(const char *folder, const char *name, const char *word)
{
    char *path = nx_format("%s/%s", folder, name);
    uint64_t number = number_in(path, word);
    free(path);
    return number;
}

static void tighten(room *r, const char *folder, const version *v)
{
    uint64_t limit = number_of(folder, v->limit, ""), used = number_of(folder, v->used, ""),
             droppable = number_of(folder, "memory.stat", v->droppable);
    if (limit == UINT64_MAX) return; /* "max", or no such file */
    if (used == UINT64_MAX) used = 0;
    if (droppable != UINT64_MAX) used -= least(droppable, used);
    r->allowed = least(r->allowed, limit);
    r->left = least(r->left, limit - least(used, limit));
}

/* The group at path, which begins with a slash, and its ancestors up to the root. */
static void tighten_all(room *r, const char *groups, const char *path, const version *v)
{
    char *part = nx_copy_text(strstr(path, "..") ? "" : path); /* a group beside that of the namespace */
    for (char *end = part + strlen(part); end; end = strrchr(part, '/')) {
        *end = 0;
        char *folder = nx_format("%s%s%s", groups, v->below, part);
        tighten(r, folder, v);
        free(folder);
    }
    free(part);
}

/* True if name is one of the words, which commas separate; the empty name is that of no words at all. */
static bool listed(const char *words, const char *name)
{
    size_t length = strlen(name);
    for (;; words++) {
        size_t word = strcspn(words, ",");
        if (word == length && !strncmp(words, name, length)) return true;
        words += word;
        if (!*words) return false;
    }
}

static room room_of_groups(const memory_files *files)
{
    room r = {UINT64_MAX, UINT64_MAX};
    char line[4096];
    FILE *file = fopen(files->cgroup, "r");
    while (file && fgets(line, sizeof line, file)) { /* "4:memory:/path" */
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) continue;
        *path++ = 0;
        for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
            if (listed(controllers + 1, versions[i].controller)) tighten_all(&r, files->groups, path, &versions[i]);
    }
    if (file) fclose(file);
    return r;
}

/* ---- what a device has ---- */

uint64_t allowed_memory(const nx_device_info *info, const memory_files *files)
{
    return info->type & CL_DEVICE_TYPE_CPU ? least(info->memory, room_of_groups(files).allowed) : info->memory;
}

uint64_t available_memory(const nx_device_info *info, const memory_files *files)
{
    if (!(info->type & CL_DEVICE_TYPE_CPU)) return info->memory;
    return least(info->memory, least(left_of_system(files->meminfo), room_of_groups(files).left));
}
