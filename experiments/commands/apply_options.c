/* Options by their letters. */
#include "commands/apply_options.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool option_number(const char *text, double least, double most, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && *out >= least && *out <= most;
}

static bool whole_number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    if (!*text || text[strspn(text, "0123456789")]) return false;
    *out = strtoull(text, &end, 10);
    return strlen(text) < 20 && *out <= most;
}

bool option_count(const char *text, int most, int *out)
{
    uint64_t number;
    if (!whole_number(text, (uint64_t)most, &number) || !number) return false;
    *out = (int)number;
    return true;
}

bool option_size(const char *text, int *width, int *height)
{
    const char *x = strchr(text, 'x');
    char *first = nx_format("%.*s", (int)strcspn(text, "x"), text);
    bool fine = x && option_count(first, NX_IMAGE_SIDE_MAX, width) && option_count(x + 1, NX_IMAGE_SIDE_MAX, height);
    free(first);
    return fine;
}

/* "2G", "512M", "1.5g": decimal units. */
static bool byte_count(const char *text, uint64_t *out)
{
    static const struct {
        const char *ending;
        double factor;
    } units[] = {{"", 1}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}};
    char *end;
    double value = strtod(text, &end);
    for (size_t i = 0; end != text && i < sizeof units / sizeof *units; i++)
        if (!strcasecmp(end, units[i].ending) && value * units[i].factor >= 1 && value * units[i].factor < 1e18)
            return *out = (uint64_t)(value * units[i].factor), true;
    return false;
}

bool apply_option(int letter, const char *value, generator_options *o, outputs *t, nx_error *err)
{
    uint64_t number;
    switch (letter) {
    case 'o':
        t->out = value;
        return true;
    case 'S':
        return whole_number(value, UINT64_MAX, &o->seed) || nx_fail(err, "--seed takes a whole number, not %s", value);
    case 'N':
        return option_number(value, 0, 1000, &o->noise_scale) ||
               nx_fail(err, "--noise-scale takes a number from 0 to 1000, not %s", value);
    case 'T':
        if (!whole_number(value, NX_IMAGE_SIDE_MAX, &number) || !number)
            return nx_fail(err, "--tile takes pixels a side, such as 1024, not %s", value);
        o->tile = (int)number;
        return true;
    case 'M':
        return byte_count(value, &o->memory) || nx_fail(err, "--memory takes bytes, such as 2G, not %s", value);
    case 'P':
        return nx_precision_named(value, &o->precision) ||
               nx_fail(err, "--precision takes fp32, tf32 or bf16, not %s", value);
    case 'F':
        t->format = value;
        return true;
    default:
        if (!whole_number(value, 100, &number) || !number)
            return nx_fail(err, "--quality takes a whole number from 1 to 100, not %s", value);
        t->quality = (int)number;
        return true;
    }
}
