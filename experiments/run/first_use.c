/* The first use of a device. Programs that start at once wait for the first one's test: a lock, held until it ends. */
#include "run/first_use.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "io/files.h"
#include "run/kernel_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#define OFF "NSTX_SELFTEST=off"

/* What was tested, which is also what the file holds; owned by the caller. */
static char *description(const nx_device_info *d)
{
    return nx_format("device %s\nplatform %s\ndriver %s\nkernels %s\nnstx %s %s\n", d->name, d->platform, d->driver,
                     d->family == NX_FAMILY_CPU ? "CPU" : "GPU", nx_version, nx_revision);
}

/* The file that remembers a device, or NULL where there is no cache folder; owned by the caller. */
static char *path_of(const nx_device_info *d)
{
    char *folder = kernel_cache_folder(), *text = description(d), *path = NULL;
    if (folder) path = nx_format("%s/devices/%016llx", folder, (unsigned long long)XXH3_64bits(text, strlen(text)));
    free(text);
    free(folder);
    return path;
}

bool first_use_known(const nx_device_info *info)
{
    char *path = path_of(info);
    bool known = path && nx_file_exists(path);
    free(path);
    return known;
}

bool first_use_judge(const nx_device_info *info, const selftest_result *r, double seconds, nx_error *err)
{
    if (r->failed)
        return nx_fail(err,
                       "%s fails its self-test, %d of %d: %s; see `nstx doctor`, or run on it all the same with " OFF,
                       info->name, r->failed, r->cases, r->failures);
    char *path = path_of(info), *folder = path ? nx_path_folder(path) : NULL, *text = description(info);
    /* A cache that cannot be written costs the test of every run, no more. */
    if (path && nx_folder_make(folder, NULL)) nx_file_write(path, text, strlen(text), NULL);
    nx_info("first use of %s: self-test passed (%.1f s)", info->name, seconds);
    free(text);
    free(folder);
    free(path);
    return true;
}

static bool test(const nx_device_info *info, const nx_device_options *options, nx_error *err)
{
    nx_device *device;
    nx_device_options plain = {.name = options->name, .kernels = options->kernels};
    double begun = nx_now();
    if (!nx_device_open(&device, &plain, err)) return false;
    selftest_result r = selftest(device, SELFTEST_BRIEF);
    nx_device_free(device);
    return first_use_judge(info, &r, nx_now() - begun, err);
}

bool first_use(const nx_device_info *info, const nx_device_options *options, nx_error *err)
{
    const char *wish = getenv("NSTX_SELFTEST");
    if ((wish && !strcmp(wish, "off")) || first_use_known(info)) return true;
    char *path = path_of(info), *folder = path ? nx_path_folder(path) : NULL;
    int lock = folder && nx_folder_make(folder, NULL) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (lock >= 0) flock(lock, LOCK_EX);
    bool ok = first_use_known(info) || test(info, options, err);
    if (lock >= 0) close(lock);
    free(folder);
    free(path);
    return ok;
}
