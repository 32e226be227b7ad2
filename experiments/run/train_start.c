/* What training begins from: [experiment] start. */
#include "run/train.h"

#include <stdlib.h>
#include <string.h>

static const char *kind_of(const model *m, const config *of)
{
    return m->classes                            ? "a classifier"
           : of->experiment.task == TASK_TEXTURE ? "a generator of textures from noise alone"
                                                 : "a generator of stylizations";
}

/* To the digits that safetensors keep of it, a float's. */
static bool same_pixels(const model_pixels *a, const model_pixels *b)
{
    float scale = (float)a->scale, other = (float)b->scale;
    return !strcmp(a->order, b->order) && !(scale < other) && !(scale > other);
}

/* The model is one of what is trained here: its kind, then each key of the section. */
static bool suits(const model *m, const config *of, const trainer *t, const model *like, const char *section,
                  nx_error *err)
{
    const config *c = t->task.c;
    if (of->experiment.task != c->experiment.task)
        return nx_fail(err, "%s: %s, and %s is trained here: [experiment] start takes a model of the same kind",
                       m->file, kind_of(m, of), kind_of(like, c));
    const char *key = config_differs(of, c, section);
    if (key) {
        char *theirs = config_get(of, section, key), *ours = config_get(c, section, key);
        nx_fail(err,
                "%s was trained with [%s] %s = %s, and here it is %s: training begins from a model of the same network",
                m->file, section, key, theirs, ours);
        free(theirs);
        free(ours);
        return false;
    }
    if (like->classes && (!m->classes || strcmp(m->classes, like->classes)))
        return nx_fail(err, "%s tells other classes apart than those of [data] content", m->file);
    return (same_pixels(&m->input, &like->input) && (like->classes || same_pixels(&m->output, &like->output))) ||
           nx_fail(err, "%s: its pixels are not scaled as those that nstx trains with", m->file);
}

bool train_open_start(trainer *t, const char *section, const model *like, nx_error *err)
{
    const char *path = t->task.c->experiment.start;
    config *of = NULL;
    if (!*path) return true;
    bool fine = model_open(&t->start, path, err) && config_parse(&of, path, t->start->options, ".", NULL, 0, err) &&
                suits(t->start, of, t, like, section, err);
    config_free(of);
    return fine;
}
