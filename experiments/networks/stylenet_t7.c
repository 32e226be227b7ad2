/* The modules of a file of fast-neural-style, one after another: each is the one that StyleNet has there, or an error.
 */
#include "networks/stylenet_source.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONVOLUTION "nn.SpatialConvolution"
#define TRANSPOSED  "nn.SpatialFullConvolution"
#define NEAREST     "nn.SpatialUpSamplingNearest"
#define REFLECTION  "nn.SpatialReflectionPadding"
#define REPLICATION "nn.SpatialReplicationPadding"
#define INSTANCE    "nn.InstanceNormalization"
#define BATCH       "nn.SpatialBatchNormalization"

typedef struct walk {
    stylenet_source *s;
    bool batch;         /* normalization, all of it */
    bool framed;        /* the picture is padded once */
    const char *border; /* the module that pads before each convolution of stride 1; NULL: none */
    nx_error *err;
} walk;

/* The modules of a container, of which number `at` is the next. */
typedef struct modules {
    const struct modules *outer; /* NULL: the model's own */
    size_t place, at;            /* of the container in the outer one */
    const nx_t7 *list;
} modules;

/* "model.modules[11].modules[1]"; owned by the caller. */
static char *name_of(const modules *m, size_t at)
{
    char *outer = m->outer ? name_of(m->outer, m->place) : nx_copy_text("model");
    char *name = nx_format("%s.modules[%zu]", outer, at);
    free(outer);
    return name;
}

static const nx_t7 *next(const modules *m) { return nx_t7_at(m->list, m->at); }

static bool unlike(walk *w, const modules *m, const char *wanted)
{
    const nx_t7 *found = next(m);
    char *name = name_of(m, m->at);
    const char *class_name = found && found->class_name ? found->class_name : NULL;
    nx_fail(w->err, "%s: %.60s at %s, where %s is expected in a network of fast-neural-style", w->s->path,
            class_name ? class_name
            : found    ? "no module"
                       : "nothing",
            name, wanted);
    free(name);
    return false;
}

/* The next module, of this class. NULL with an error: it is another. */
static const nx_t7 *expect(walk *w, modules *m, const char *class_name)
{
    const nx_t7 *found = next(m);
    if (!nx_t7_is(found, class_name)) return unlike(w, m, class_name), NULL;
    m->at++;
    return found;
}

static bool ends(walk *w, const modules *m) { return !next(m) || unlike(w, m, "the end"); }

/* The modules of a container that was expected. */
static modules inside(const modules *outer, const nx_t7 *container)
{
    return (modules){.outer = outer, .place = outer->at - 1, .at = 1, .list = nx_t7_get(container, "modules")};
}

/* What a module is called that was just expected; owned by the caller. */
static char *last_name(const modules *m) { return name_of(m, m->at - 1); }

typedef struct number {
    const char *key;
    double value;
} number;

/* Whether the module that was just expected has these numbers; the last key is NULL. */
static bool has(walk *w, const modules *m, const nx_t7 *module, const number *numbers)
{
    for (; numbers->key; numbers++) {
        const nx_t7 *field = nx_t7_get(module, numbers->key);
        if (field && field->kind == NX_T7_NUMBER && fabs(field->number - numbers->value) <= 1e-9) continue;
        char *name = last_name(m), *found = field && field->kind == NX_T7_NUMBER
                                                ? nx_format("%s = %g", numbers->key, field->number)
                                                : nx_format("no %s", numbers->key);
        nx_fail(w->err, "%s: the %s at %s has %s, where it is %g in a network of fast-neural-style", w->s->path,
                module->class_name, name, found, numbers->value);
        free(found);
        free(name);
        return false;
    }
    return true;
}

#define NUMBERS(...)                                                                                                   \
    (const number[])                                                                                                   \
    {                                                                                                                  \
        __VA_ARGS__, { NULL, 0 }                                                                                       \
    }

/* Torch keeps a convolution's weight as out x in x size x size, or as out x (in size size). */
static void unfold(stylenet_given *g, size_t size)
{
    if (g->rank != 2 || g->shape[1] % (size * size)) return;
    g->shape[1] /= size * size;
    g->rank = 4, g->shape[2] = g->shape[3] = size;
}

/* A parameter of the module that was just expected; size: of a convolution's weight, or 0. */
static bool take(walk *w, const modules *m, const nx_t7 *module, const char *part, size_t size)
{
    const nx_t7 *tensor = nx_t7_get(module, part);
    const float *data = nx_t7_numbers(tensor);
    char *at = last_name(m), *name = nx_format("%s.%s", at, part);
    stylenet_given *g = data && tensor->rank <= NX_TENSOR_RANK_MAX ? stylenet_source_add(w->s, name) : NULL;
    if (!g)
        nx_fail(w->err, "%s: the %s at %s has no %s whose numbers follow one another", w->s->path, module->class_name,
                at, part);
    free(name);
    free(at);
    if (!g) return false;
    g->rank = tensor->rank, g->data = data;
    memcpy(g->shape, tensor->size, (size_t)tensor->rank * sizeof *g->shape);
    if (size) unfold(g, size);
    return true;
}

/* A module that pads by so many pixels on each side. */
static bool pads(walk *w, modules *m, const char *class_name, double pixels)
{
    const nx_t7 *p = expect(w, m, class_name);
    return p && has(w, m, p, NUMBERS({"pad_l", pixels}, {"pad_r", pixels}, {"pad_t", pixels}, {"pad_b", pixels}));
}

static bool convolve(walk *w, modules *m, int size, int stride, int pad)
{
    if (w->border && stride == 1) {
        if (!pads(w, m, w->border, pad)) return false;
        pad = 0;
    }
    const nx_t7 *c = expect(w, m, CONVOLUTION);
    return c &&
           has(w, m, c,
               NUMBERS({"kW", size}, {"kH", size}, {"dW", stride}, {"dH", stride}, {"padW", pad}, {"padH", pad})) &&
           take(w, m, c, "weight", (size_t)size) && take(w, m, c, "bias", 0);
}

static bool is_norm(const nx_t7 *module) { return nx_t7_is(module, INSTANCE) || nx_t7_is(module, BATCH); }

static bool normalize(walk *w, modules *m)
{
    const nx_t7 *n = expect(w, m, w->batch ? BATCH : INSTANCE);
    if (!n || !has(w, m, n, NUMBERS({"eps", 1e-5})) || !take(w, m, n, "weight", 0) || !take(w, m, n, "bias", 0))
        return false;
    return !w->batch || (take(w, m, n, "running_mean", 0) && take(w, m, n, "running_var", 0));
}

static bool rectified(walk *w, modules *m) { return normalize(w, m) && expect(w, m, "nn.ReLU"); }

/* What a block computes: two convolutions, without padding where the picture was padded for all of them. */
static bool branch(walk *w, modules *m)
{
    int pad = w->framed ? 0 : 1;
    return convolve(w, m, 3, 1, pad) && rectified(w, m) && convolve(w, m, 3, 1, pad) && normalize(w, m) && ends(w, m);
}

/* nn.Sequential { nn.ConcatTable { branch, its input }, nn.CAddTable } */
static bool block(walk *w, modules *m)
{
    const nx_t7 *whole = expect(w, m, "nn.Sequential");
    if (!whole) return false;
    modules parts = inside(m, whole);
    const nx_t7 *both = expect(w, &parts, "nn.ConcatTable");
    if (!both) return false;
    modules ways = inside(&parts, both);
    const nx_t7 *computed = expect(w, &ways, "nn.Sequential");
    if (!computed) return false;
    modules steps = inside(&ways, computed);
    if (!branch(w, &steps)) return false;
    const nx_t7 *kept = expect(w, &ways, w->framed ? "nn.ShaveImage" : "nn.Identity");
    return kept && (!w->framed || has(w, &ways, kept, NUMBERS({"size", 2}))) && ends(w, &ways) &&
           expect(w, &parts, "nn.CAddTable") && ends(w, &parts);
}

/* Both enlargements are of one kind, that of the first. */
static bool enlarge(walk *w, modules *m, bool first)
{
    config *c = w->s->c;
    if (first && nx_t7_is(next(m), NEAREST)) c->generator.upsample = UPSAMPLE_NEAREST;
    if (c->generator.upsample == UPSAMPLE_TRANSPOSED) {
        const nx_t7 *t = expect(w, m, TRANSPOSED);
        return t &&
               has(w, m, t,
                   NUMBERS({"kW", 3}, {"kH", 3}, {"dW", 2}, {"dH", 2}, {"padW", 1}, {"padH", 1}, {"adjW", 1},
                           {"adjH", 1})) &&
               take(w, m, t, "weight", 0) && take(w, m, t, "bias", 0) && rectified(w, m);
    }
    const nx_t7 *n = expect(w, m, NEAREST);
    if (!n || !has(w, m, n, NUMBERS({"scale_factor", 2}))) return false;
    if (first) c->generator.upsample_norm = is_norm(next(m));
    return (!c->generator.upsample_norm || rectified(w, m)) && convolve(w, m, 3, 1, 1) && rectified(w, m);
}

/* The last convolution, of any odd size, and what bounds it. */
static bool output(walk *w, modules *m)
{
    config *c = w->s->c;
    const nx_t7 *last = nx_t7_at(m->list, m->at + (w->border != NULL));
    const nx_t7 *size = nx_t7_is(last, CONVOLUTION) ? nx_t7_get(last, "kW") : NULL;
    bool odd = size && size->number >= 1 && size->number <= 31 && fmod(size->number, 2) > 0.5;
    c->generator.output_size = odd ? (int)size->number : 9;
    if (!convolve(w, m, c->generator.output_size, 1, c->generator.output_size / 2) || !expect(w, m, "nn.Tanh"))
        return false;
    const nx_t7 *factor = expect(w, m, "nn.MulConstant");
    if (!factor) return false;
    const nx_t7 *constant = nx_t7_get(factor, "constant_scalar");
    double scale = constant && constant->kind == NX_T7_NUMBER ? constant->number : 150;
    if (!(scale > 0 && scale <= 10000)) scale = 150;
    c->generator.output_scale = scale;
    if (!has(w, m, factor, NUMBERS({"constant_scalar", scale}))) return false;
    if (nx_t7_is(next(m), "nn.TotalVariation")) m->at++; /* of training */
    return ends(w, m);
}

enum { FIRST_SIZE = 9 }; /* of the first convolution */

/* What the first module says of -padding_type: one that pads by what the first convolution needs stands before every
 * one of stride 1, one that pads by anything else for all of the network. */
static void find_padding(walk *w, const modules *m)
{
    config *c = w->s->c;
    const nx_t7 *pixels = nx_t7_get(next(m), "pad_l");
    bool reflects = nx_t7_is(next(m), REFLECTION), replicates = nx_t7_is(next(m), REPLICATION);
    bool own = pixels && pixels->kind == NX_T7_NUMBER && fabs(pixels->number - FIRST_SIZE / 2) < 0.5;
    w->framed = reflects && !own;
    w->border = replicates ? REPLICATION : reflects && own ? REFLECTION : NULL;
    c->generator.padding = reflects ? PADDING_REFLECT : replicates ? PADDING_REPLICATE : PADDING_ZERO;
    c->generator.padding_place = w->framed   ? PADDING_PLACE_START
                                 : w->border ? PADDING_PLACE_UNSTRIDED
                                             : PADDING_PLACE_EACH;
}

static bool walk_model(walk *w, modules *m)
{
    config *c = w->s->c;
    modules first = *m;
    find_padding(w, m);
    m->at += w->framed;
    if (!convolve(w, m, FIRST_SIZE, 1, FIRST_SIZE / 2)) return false;
    w->batch = nx_t7_is(next(m), BATCH);
    c->generator.norm = w->batch ? NORM_BATCH : NORM_INSTANCE;
    if (!rectified(w, m)) return false;
    for (int i = 0; i < 2; i++)
        if (!convolve(w, m, 3, 2, 1) || !rectified(w, m)) return false;
    int blocks = 0;
    for (; nx_t7_is(next(m), "nn.Sequential"); blocks++)
        if (blocks == STYLENET_BLOCKS_MOST ? !unlike(w, m, "an enlargement") : !block(w, m)) return false;
    c->generator.blocks = blocks;
    return (!w->framed || pads(w, &first, REFLECTION, 8. * blocks)) && enlarge(w, m, true) && enlarge(w, m, false) &&
           output(w, m);
}

bool stylenet_source_t7(stylenet_source *s, const nx_t7 *root, nx_error *err)
{
    const nx_t7 *model = nx_t7_get(root, "model");
    const nx_t7 *options = model ? nx_t7_get(root, "opt") : NULL;
    const nx_t7 *pixels = nx_t7_get(options, "preprocessing"), *padding = nx_t7_get(options, "padding_type");
    if (!model) model = root;
    if (!nx_t7_is(model, "nn.Sequential"))
        return nx_fail(err, "%s: the model in it is no nn.Sequential, which those of fast-neural-style are", s->path);
    if (pixels && (pixels->kind != NX_T7_STRING || strcmp(pixels->text, "vgg")))
        return nx_fail(err, "%s: it was trained with -preprocessing %.20s, and only vgg is read", s->path,
                       pixels->kind == NX_T7_STRING ? pixels->text : "of another type");
    if (padding && padding->kind == NX_T7_STRING && !strcmp(padding->text, "none"))
        return nx_fail(err, "%s: it was trained with -padding_type none, which makes pictures smaller: it is not read",
                       s->path);
    s->descriptors = true;
    s->whose = "fast-neural-style's";
    s->c->generator.upsample = UPSAMPLE_TRANSPOSED;
    s->c->generator.input = INPUT_CENTERED;
    s->c->generator.output = OUTPUT_TANH;
    walk w = {.s = s, .err = err};
    return walk_model(&w, &(modules){.at = 1, .list = nx_t7_get(model, "modules")});
}
