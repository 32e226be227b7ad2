/* Points: the labels come from the config, the file names from the labels. */
#include "config/sweep_points.h"

#include "config/rows.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_MOST = 180 }; /* bytes of a label in a file name; file systems end at 255 */

static int stem_length(const char *path) { return (int)strlen(path) - (nx_ends_with(path, ".h5") ? 3 : 0); }

char *path_beside(const char *path, const char *ending) { return nx_format("%.*s%s", stem_length(path), path, ending); }

static char *whole_path(const config *c, const char *out)
{
    if (out) return config_home_path(out);
    if (*c->log.file) return config_home_path(c->log.file);
    char *stem = nx_path_stem(c->name), *path = nx_format("%s.h5", stem);
    free(stem);
    return path;
}

static char *point_path(const char *path, const sweep_point *p)
{
    if (!*p->label) return nx_copy_text(path);
    char hash[33] = "", *name;
    bool cut = strlen(p->label) > LABEL_MOST;
    if (cut) config_hash(p->config, hash);
    int stem = stem_length(path);
    name = nx_format("%.*s-%.*s%s%.8s.h5", stem, path, LABEL_MOST, p->label, cut ? "-" : "", hash);
    for (char *s = name + stem; *s; s++)
        if (*s == ' ' || *s == '/') *s = '-';
    return name;
}

/* The label without its word of the seed. */
static char *group_of(const config *c, const char *label)
{
    bool swept = false;
    for (int a = 0; a < c->axes; a++)
        swept = swept || (!strcmp(c->axis[a].section, "experiment") && !strcmp(c->axis[a].key, "seed"));
    char *group = nx_copy_text(label);
    for (char *word = group; swept && *word; word += strcspn(word, " "), word += *word == ' ') {
        if (strncmp(word, "seed=", 5) && strncmp(word, "experiment.seed=", 16)) continue;
        char *rest = word + strcspn(word, " ");
        rest += *rest == ' ';
        memmove(word, rest, strlen(rest) + 1);
        break;
    }
    size_t end = strlen(group);
    if (end && group[end - 1] == ' ') group[end - 1] = 0;
    return group;
}

/* A run file is not called as pictures, texts or weights are. */
static bool check_name(const char *path, nx_error *err)
{
    static const char *const others[] = {".png",  ".jpg", ".jpeg", ".bmp", ".webp", ".ini",         ".md",  ".csv",
                                         ".html", ".log", ".txt",  ".pth", ".onnx", ".safetensors", ".npz", ".t7"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (nx_ends_with(path, others[i]))
            return nx_fail(err,
                           "%s: a run file is HDF5: call it %.*s.h5 (its pictures are in it, and beside it as .png)",
                           path, (int)(strlen(path) - strlen(others[i])), path);
    return true;
}

bool sweep_points_new(sweep_points *p, const config *c, const char *out, nx_error *err)
{
    size_t count = config_points(c);
    *p = (sweep_points){.point = nx_alloc(count * sizeof *p->point), .path = whole_path(c, out)};
    bool ok = check_name(p->path, err);
    while (ok && p->count < count) {
        sweep_point *q = &p->point[p->count];
        if (!(ok = config_point(&q->config, &q->label, c, p->count, err))) break;
        q->overrides = config_point_overrides(c, p->count++);
        q->group = group_of(c, q->label);
        q->path = point_path(p->path, q);
        for (const sweep_point *other = p->point; ok && other < q; other++)
            if (!strcmp(other->path, q->path))
                ok = nx_fail(err, "%s: [sweep] has two points \"%s\", which would both be written to %s", c->name,
                             q->label, q->path);
    }
    if (!ok) sweep_points_free(p);
    return ok;
}

void sweep_points_free(sweep_points *p)
{
    for (size_t i = 0; i < p->count; i++) {
        sweep_point *q = &p->point[i];
        config_free(q->config);
        config_list_free(&q->overrides);
        free(q->label);
        free(q->group);
        free(q->path);
    }
    free(p->point);
    free(p->path);
    *p = (sweep_points){0};
}
