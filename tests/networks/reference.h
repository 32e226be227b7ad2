/* A table of reference numbers from tests/reference: lines `name value`, comments after #.
 *
 * It remembers what was compared, so that a number that no test looks at is found.
 *
 *     reference *r = reference_open("stylenet.txt");
 *     good &= reference_check(r, "in.train.y.mean", got, 0, 1e-4);
 *     assert_int_equal(reference_unused(r, "in.train."), 0);
 */
#ifndef NX_TESTS_NETWORKS_REFERENCE_H
#define NX_TESTS_NETWORKS_REFERENCE_H

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reference_line {
    char name[96];
    double value;
    bool used;
} reference_line;

typedef struct reference {
    reference_line *lines;
    size_t count;
    bool quiet;   /* differences are not printed */
    double worst; /* the largest one so far, relative as asked */
    char worst_name[96];
} reference;

static inline reference *reference_open(const char *name)
{
    char path[1024], text[512];
    snprintf(path, sizeof path, "%s/tests/reference/%s", NSTX_SOURCE, name);
    FILE *file = fopen(path, "r");
    NX_CHECK(file, "%s: cannot be read", path);
    reference *r = nx_alloc(sizeof *r);
    while (fgets(text, sizeof text, file)) {
        reference_line line = {.used = false};
        if (*text == '#') continue;
        NX_CHECK(sscanf(text, "%95s %lf", line.name, &line.value) == 2, "%s: \"%s\"", path, text);
        NX_GROW(r->lines, r->count);
        r->lines[r->count++] = line;
    }
    fclose(file);
    return r;
}

static inline void reference_free(reference *r)
{
    if (!r) return;
    free(r->lines);
    free(r);
}

static inline bool reference_has(const reference *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (!strcmp(r->lines[i].name, name)) return true;
    return false;
}

static inline double reference_value(reference *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (!strcmp(r->lines[i].name, name)) return r->lines[i].used = true, r->lines[i].value;
    nx_die("the reference has no line %s", name);
}

/* True if got is the line's value within tolerance times scale (0: the value's own magnitude); else prints both. */
static inline bool reference_check(reference *r, const char *name, double got, double scale, double tolerance)
{
    double want = reference_value(r, name), off = fabs(got - want) / (scale > 0 ? scale : fabs(want));
    if (!(off <= r->worst)) {
        r->worst = off;
        snprintf(r->worst_name, sizeof r->worst_name, "%s", name);
    }
    if (!(off <= tolerance) && !r->quiet)
        fprintf(stderr, "%s: %.9g, should be %.9g: off by %.2g, allowed %.2g\n", name, got, want, off, tolerance);
    return off <= tolerance;
}

/* How many lines that begin with prefix nobody asked for; prints them. */
static inline size_t reference_unused(const reference *r, const char *prefix)
{
    size_t unused = 0;
    for (size_t i = 0; i < r->count; i++)
        if (!strncmp(r->lines[i].name, prefix, strlen(prefix)) && !r->lines[i].used) {
            fprintf(stderr, "%s: never compared\n", r->lines[i].name);
            unused++;
        }
    return unused;
}

#endif
