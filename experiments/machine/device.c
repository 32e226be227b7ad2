/* The environment and the words of [device] into a device's options. */
#include "machine/device.h"

#include "base/memory.h"
#include "base/text.h"
#include "machine/kernel_cache.h"

#include <stdlib.h>
#include <string.h>

/* ---- which are meant ---- */

static bool alike(const nx_device_info *a, const nx_device_info *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->platform, b->platform) && !strcmp(a->driver, b->driver);
}

/* Marks those of a list that one name means: one where it has a number, else all that are alike. */
static bool mark_one(bool *meant, const nx_device_info *list, size_t count, const char *part, nx_error *err)
{
    part += strspn(part, " ");
    const nx_device_info *first = *part ? nx_device_named(list, count, part, err) : list;
    for (size_t i = 0; first && i < count; i++)
        meant[i] = meant[i] || &list[i] == first || (!strchr(part, '#') && alike(&list[i], first));
    return first;
}

static bool mark(bool *meant, const nx_device_info *list, size_t count, const char *name, nx_error *err)
{
    char *parts = nx_copy_text(name), *rest = NULL, *part = strtok_r(parts, ",", &rest);
    bool fine = mark_one(meant, list, count, part ? part : name, err);
    while (fine && part && (part = strtok_r(NULL, ",", &rest))) fine = mark_one(meant, list, count, part, err);
    free(parts);
    return fine;
}

/* Of those that are meant, those that the user means too; where there is none, they stay. */
static void narrow(bool *meant, const nx_device_info *list, size_t count, const char *user)
{
    bool *both = nx_alloc(count * sizeof *both), any = false;
    if (mark(both, list, count, user, NULL))
        for (size_t i = 0; i < count; i++) any |= both[i] = both[i] && meant[i];
    if (any) memcpy(meant, both, count * sizeof *both);
    free(both);
}

bool device_matching(nx_device_info **out, size_t *count, const char *name, nx_error *err)
{
    const char *user = getenv(DEVICE_VARIABLE);
    nx_device_info *list;
    size_t all, kept = 0;
    if (!user) user = "";
    if (!device_list(&list, &all, err)) return false;
    bool *meant = nx_alloc(all * sizeof *meant), fine = mark(meant, list, all, *name ? name : user, err);
    if (fine && *name && *user) narrow(meant, list, all, user);
    for (size_t i = 0; fine && i < all; i++)
        if (meant[i]) list[kept++] = list[i];
    free(meant);
    if (!fine) return free(list), false;
    *out = list;
    *count = kept;
    return true;
}

/* ---- one of them ---- */

/* Options with the first that is meant, which is written to meant, and with the rest of the environment. */
static bool complete(nx_device_options *o, nx_device_info *meant, nx_error *err)
{
    nx_device_info *list;
    size_t count;
    if (!device_matching(&list, &count, o->name ? o->name : "", err)) return false;
    *meant = *list;
    free(list);
    o->listed = meant;
    if (!o->sources) o->sources = getenv("NSTX_CL");
    o->poison = o->poison || getenv("NSTX_POISON");
    return true;
}

bool device_list(nx_device_info **out, size_t *count, nx_error *err)
{
    kernel_cache_prepare();
    return nx_device_list(out, count, err);
}

bool device_choose(nx_device_info *out, nx_device_options options, nx_error *err)
{
    nx_device_info meant;
    return complete(&options, &meant, err) && nx_device_choose(out, &options, err);
}

bool device_open(nx_device **out, nx_device_options options, nx_error *err)
{
    nx_device_info meant;
    return complete(&options, &meant, err) && nx_device_open(out, &options, err);
}

nx_device_options device_options(const config *c)
{
    static const char *const kernels[] = {[KERNELS_AUTO] = "auto", [KERNELS_CPU] = "cpu", [KERNELS_GPU] = "gpu"};
    return (nx_device_options){.name = c->device.name,
                               .kernels = kernels[c->device.kernels],
                               .profile = c->device.profile,
                               .precision = (nx_precision)c->device.precision};
}

bool device_options_same(const config *a, const config *b)
{
    return !strcmp(a->device.name, b->device.name) && a->device.kernels == b->device.kernels &&
           a->device.precision == b->device.precision;
}
