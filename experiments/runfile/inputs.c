/* Hashes of lists of files. */
#include "runfile/inputs.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/tensors.h"
#include "runfile/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

enum { PART = 4096 }; /* bytes of a file, at its beginning and its end, that enter the hash */

static bool add_file(XXH3_state_t *state, const char *name, const char *path)
{
    char part[PART];
    struct stat info;
    FILE *file = stat(path, &info) ? NULL : fopen(path, "rb");
    if (!file) return false;
    int64_t bytes = (int64_t)info.st_size;
    XXH3_128bits_update(state, name, strlen(name) + 1);
    XXH3_128bits_update(state, &bytes, sizeof bytes);
    XXH3_128bits_update(state, part, fread(part, 1, PART, file));
    if (bytes > PART && !fseeko(file, -PART, SEEK_END)) XXH3_128bits_update(state, part, fread(part, 1, PART, file));
    fclose(file);
    return true;
}

/* A folder counts by the names below it, a file by none: a picture may be called something else. */
static bool add_path(XXH3_state_t *state, const char *path, size_t first)
{
    nx_file_list files;
    if (!nx_folder_exists(path)) return add_file(state, "", path);
    if (!nx_files_images(&files, path, NULL)) return false;
    nx_files_first(&files, first);
    bool fine = true;
    for (size_t i = 0; fine && i < files.count; i++)
        fine = add_file(state, files.paths[i] + strlen(path), files.paths[i]);
    nx_file_list_free(&files);
    return fine;
}

bool inputs_hash(const config_paths *paths, char out[33])
{
    XXH3_state_t *state = XXH3_createState();
    NX_CHECK(state, "no memory for a hash");
    XXH3_128bits_reset(state);
    bool fine = true;
    for (int i = 0; fine && i < paths->count; i++) fine = add_path(state, paths->items[i], paths->first);
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    XXH3_freeState(state);
    return fine;
}

static bool is_the_same(const void *context, const config_paths *paths)
{
    const nx_h5 *file = context;
    char *key = nx_format("%s.%s", paths->section, paths->key), *kept = NULL, hash[33];
    bool same = nx_h5_exists(file, RUNFILE_INPUTS) && nx_h5_has_attribute(file, RUNFILE_INPUTS, key) &&
                nx_h5_get_string(file, RUNFILE_INPUTS, key, &kept, NULL) && inputs_hash(paths, hash) &&
                !strcmp(hash, kept);
    free(kept);
    free(key);
    return same;
}

/* Weights that a word stands for may be others by now. */
static bool named_weights_are_the_same(const config *c, const nx_h5 *file, const char *name, nx_error *err)
{
    char *path = NULL, *kept = NULL, hash[33];
    if (!config_weights_have_name(c)) return true;
    bool fine = config_weights(c, &path, err) && nx_file_hash(path, hash, err) &&
                nx_h5_get_string(file, "/descriptor", "weights_xxh3", &kept, err);
    if (fine && strcmp(kept, hash))
        fine = nx_fail(err, "%s: the run began with another descriptor than %s: [descriptor] weights = FILE names it",
                       name, path);
    free(kept);
    free(path);
    return fine;
}

bool inputs_continue(const config *c, const nx_h5 *file, const char *name, nx_error *err)
{
    char *stored;
    if (!nx_h5_read_text(file, RUNFILE_CONFIG, &stored, err)) return false;
    bool fine =
        config_continues(c, name, stored, is_the_same, file, err) && named_weights_are_the_same(c, file, name, err);
    free(stored);
    return fine;
}
