/* A thin layer over libzip that adds the bounds. */
#include "io/zip.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

/* Deflate packs up to 1032 to 1, but numbers that someone computed are not that dull. */
#define PACKED_MAX 100
#define SLACK      ((uint64_t)64 << 20)

struct nx_zip {
    zip_t *zip;
    uint64_t packed, unpacked; /* what the entries that are still to come may take: each is read once */
};

bool nx_zip_is_file(const char *path)
{
    char start[4] = "";
    FILE *file = fopen(path, "rb");
    bool zip = file && fread(start, 1, 4, file) == 4 && !memcmp(start, "PK\3\4", 4);
    if (file) fclose(file);
    return zip;
}

bool nx_zip_open(nx_zip **out, const char *path, nx_error *err)
{
    int code;
    struct stat file;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    uint64_t bytes = stat(path, &file) ? 0 : (uint64_t)file.st_size;
    *out = NULL;
    if (!zip) {
        zip_error_t reason;
        zip_error_init_with_code(&reason, code);
        nx_fail(err, "%s: cannot read the zip: %s", path, zip_error_strerror(&reason));
        zip_error_fini(&reason);
        return false;
    }
    nx_zip *z = nx_alloc(sizeof *z);
    *z = (nx_zip){zip, bytes, SLACK + nx_times(bytes, PACKED_MAX)};
    *out = z;
    return true;
}

void nx_zip_close(nx_zip *zip)
{
    if (!zip) return;
    zip_discard(zip->zip);
    free(zip);
}

size_t nx_zip_count(const nx_zip *zip) { return (size_t)zip_get_num_entries(zip->zip, 0); }

const char *nx_zip_name(const nx_zip *zip, size_t i) { return zip_get_name(zip->zip, i, 0); }

bool nx_zip_find(const nx_zip *zip, const char *name, size_t *i)
{
    zip_int64_t found = zip_name_locate(zip->zip, name, 0);
    *i = (size_t)found;
    return found >= 0;
}

bool nx_zip_unpack(nx_zip *z, size_t i, char **data, size_t *bytes, nx_error *err)
{
    zip_stat_t info;
    const zip_uint64_t told = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    *data = NULL, *bytes = 0;
    if (zip_stat_index(z->zip, i, 0, &info)) return nx_fail(err, "%s", zip_strerror(z->zip));
    if ((info.valid & told) != told) return nx_fail(err, "entry %zu has no name or size", i);
    bool plausible = info.comp_size <= z->packed && info.size <= z->unpacked;
    char *block = NULL, more;
    if (plausible) {
        z->packed -= info.comp_size, z->unpacked -= info.size;
        block = nx_try_alloc(info.size + 1);
    }
    if (!block)
        return nx_fail(err, "'%s' would unpack from %llu to %llu bytes: %s", info.name,
                       (unsigned long long)info.comp_size, (unsigned long long)info.size,
                       plausible ? "too large for the memory" : "damaged?");
    zip_file_t *file = zip_fopen_index(z->zip, i, 0);
    zip_int64_t got = file ? zip_fread(file, block, info.size) : -1;
    bool ok = got == (zip_int64_t)info.size && !zip_fread(file, &more, 1); /* the end is where the sum is checked */
    if (!ok)
        nx_fail(err, "'%s' cannot be unpacked: %s", info.name, file ? zip_file_strerror(file) : zip_strerror(z->zip));
    if (file) zip_fclose(file);
    if (ok)
        *data = block, *bytes = info.size;
    else
        free(block);
    return ok;
}
