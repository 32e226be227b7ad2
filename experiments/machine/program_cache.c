/* The cache of programs. Whatever fails here costs a compilation, no more, and is not worth a word. */
#include "machine/program_cache.h"

#include "base/memory.h"
#include "base/text.h"
#include "device/program.h"
#include "io/files.h"
#include "machine/kernel_cache.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { LINE = 17 }; /* the checksum and its newline */

static void checksum(char line[LINE + 1], const void *data, size_t bytes)
{
    char *text = nx_format("%016llx\n", (unsigned long long)XXH3_64bits(data, bytes));
    memcpy(line, text, LINE + 1);
    free(text);
}

static char *path_of(const char *key)
{
    char *folder = kernel_cache_folder(), *path = folder ? nx_format("%s/programs/%s", folder, key) : NULL;
    free(folder);
    return path;
}

static void *load(const char *key, size_t *bytes)
{
    char *path = path_of(key), *data = NULL, line[LINE + 1];
    bool sound = path && nx_file_exists(path) && nx_file_read(path, &data, bytes, NULL) && *bytes > LINE;
    if (sound) {
        *bytes -= LINE;
        checksum(line, data + LINE, *bytes);
        sound = !memcmp(line, data, LINE);
    }
    if (sound) {
        memmove(data, data + LINE, *bytes);
    } else {
        free(data);
        data = NULL;
    }
    free(path);
    return data;
}

static void store(const char *key, const void *binary, size_t bytes)
{
    char *path = path_of(key), *folder = path ? nx_path_folder(path) : NULL;
    if (path && kernel_cache_make(folder)) {
        char *data = nx_alloc(LINE + 1 + bytes);
        checksum(data, binary, bytes);
        memcpy(data + LINE, binary, bytes);
        nx_file_write(path, data, LINE + bytes, NULL);
        free(data);
    }
    free(folder);
    free(path);
}

static bool used;

bool program_cache_writable(void)
{
    char *folder = kernel_cache_folder();
    bool writable = used && folder && kernel_cache_make(folder) && nx_folder_may_write(folder);
    free(folder);
    return writable;
}

void program_cache_use(void)
{
    const char *wish = getenv("NSTX_PROGRAMS");
    if (wish && !strcmp(wish, "off")) return;
    used = true;
    nx_programs_keep(&(nx_program_cache){load, store});
    /* For a program's binary PoCL compiles its kernels for groups of any size; without this it would compile them once
     * more for the size of each launch. */
    setenv("POCL_WORK_GROUP_SPECIALIZATION", "0", false);
}
