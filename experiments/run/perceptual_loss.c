/* Perception: the config's descriptor and losses. */
#include "run/perceptual_loss.h"

#include "base/memory.h"
#include "base/rng.h"
#include "nn/loss.h"
#include "ops/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char **perceptual_layers(const config *c, size_t *count)
{
    const config_list *a = &c->descriptor.content_layers, *b = &c->descriptor.style_layers;
    const char **layers = nx_alloc((size_t)(a->count + b->count + 1) * sizeof *layers);
    *count = 0;
    for (int i = 0; i < a->count; i++) layers[(*count)++] = a->items[i];
    for (int i = 0; i < b->count; i++) layers[(*count)++] = b->items[i];
    return layers;
}

/* ---- inputs ---- */

bool perceptual_open_descriptor(descriptor **out, const config *c, const char *const *layers, size_t count,
                                nx_error *err)
{
    char *weights;
    if (!config_weights(c, &weights, err)) return false;
    descriptor_options options = {
        .network = descriptor_network_at((size_t)c->descriptor.network),
        .weights = weights,
        .preprocessing = config_weights_preprocessing(c->descriptor.weights, c->descriptor.preprocessing),
        .pooling = c->descriptor.pooling,
        .padding = c->descriptor.padding,
        .init = c->descriptor.init,
        .sigma = (float)c->descriptor.sigma,
        .width = (float)c->descriptor.width,
        .seed = (uint64_t)(c->descriptor.seed < 0 ? c->experiment.seed : c->descriptor.seed),
    };
    bool ok = descriptor_new(out, &options, layers, count, err);
    free(weights);
    return ok;
}

static bool open_descriptor(perceptual_loss *p, nx_error *err)
{
    size_t count;
    const char **layers = perceptual_layers(p->c, &count);
    bool ok = count ? perceptual_open_descriptor(&p->descriptor, p->c, layers, count, err)
                    : nx_fail(err, "[descriptor] has neither content_layers nor style_layers: nothing to compare");
    free(layers);
    return ok;
}

static bool read_style(perceptual_loss *p, const perceptual_style *s, nx_error *err)
{
    nx_image *image = &p->style[p->styles];
    if (!nx_image_load(image, s->path, err)) return false;
    p->styles++;
    int longer = image->height > image->width ? image->height : image->width,
        size = (s->size ? s->size : longer) / (s->part ? s->part : 1);
    if (size != longer) {
        nx_image fitted = nx_image_fit(image, size > 1 ? size : 1);
        nx_image_free(image);
        *image = fitted;
    }
    return true;
}

/* The style pictures have pixels enough; they are read before the descriptor, whose padding counts. */
static bool check_style(const perceptual_loss *p, int k, const perceptual_style *s, nx_error *err)
{
    const config_list *layers = &p->c->descriptor.style_layers;
    int least = descriptor_smallest_image(p->descriptor, (const char *const *)layers->items, (size_t)layers->count);
    const nx_image *image = &p->style[k];
    return (image->height >= least && image->width >= least) ||
           nx_fail(err, "%s: %d x %d pixels at [data] %s = %d; the style layers need at least %d a side", s->path,
                   image->width, image->height, s->coarse ? "coarse" : "style_size",
                   s->coarse ? s->coarse : config_style_size(p->c), least);
}

/* The masks of [data], made grey. */
static bool read_masks(perceptual_loss *p, nx_error *err)
{
    const config *c = p->c;
    int styles = *c->data.style ? 1 + c->data.more_styles.count : 0;
    if (c->data.masks.count && c->experiment.task != TASK_OPTIMIZE)
        return nx_fail(err, "[data] masks: they are for task = optimize; nstx stylize --mask has them for a generator");
    if (c->data.masks.count && c->data.masks.count != styles)
        return nx_fail(err, "[data] masks: %d masks for %d style pictures: each has one", c->data.masks.count, styles);
    for (int i = 0; i < c->data.masks.count; i++) {
        nx_image *m = &p->mask[i];
        float most = 0;
        if (!nx_image_load_mask(m, c->data.masks.items[i], err)) return false;
        p->masks++;
        for (size_t k = 0; k < (size_t)m->height * (size_t)m->width * 3; k += 3) most = fmaxf(most, m->rgb[k]);
        if (!(most > 0))
            return nx_fail(err, "%s: black all over: its style would be nowhere in the picture",
                           c->data.masks.items[i]);
    }
    return true;
}

/* Random weights are scaled on a picture of at most this many pixels on its longer side. */
enum { RESCALE_SIDE = 128 };

/* A picture to scale on: the first style's, or noise. Owned by the caller. */
static nx_image calibration(const perceptual_loss *p)
{
    size_t count;
    const char **layers = perceptual_layers(p->c, &count);
    int least = descriptor_smallest_image(p->descriptor, layers, count);
    const nx_image *style = &p->style[0];
    free(layers);
    if (p->styles && style->height >= least && style->width >= least) {
        int longer = style->height > style->width ? style->height : style->width;
        nx_image small = nx_image_fit(style, longer < RESCALE_SIDE ? longer : RESCALE_SIDE);
        if (small.height >= least && small.width >= least) return small;
        nx_image_free(&small);
        return nx_image_crop(style, 0, 0, least, least);
    }
    int side = least > RESCALE_SIDE ? least : RESCALE_SIDE;
    nx_image noise = nx_image_new(side, side);
    nx_rng rng = nx_rng_new((uint64_t)p->c->experiment.seed, nx_stream("calibration"));
    for (size_t i = 0; i < (size_t)side * (size_t)side * 3; i++) noise.rgb[i] = 255 * nx_rng_uniform(&rng);
    return noise;
}

bool perceptual_new(perceptual_loss **out, const config *c, const nx_device_info *info, const perceptual_style *styles,
                    int count, nx_error *err)
{
    NX_CHECK(count <= PERCEPTUAL_STYLES, "%d style pictures, at most %d", count, PERCEPTUAL_STYLES);
    perceptual_loss *p = nx_alloc(sizeof *p);
    *p = (perceptual_loss){.c = c, .info = *info};
    bool ok = true;
    for (int i = 0; ok && i < count; i++) ok = read_style(p, &styles[i], err);
    ok = ok && read_masks(p, err) && open_descriptor(p, err);
    for (int i = 0; ok && i < count; i++) ok = check_style(p, i, &styles[i], err);
    if (ok && p->descriptor->random && c->descriptor.rescale) p->calibration = calibration(p);
    if (ok)
        *out = p;
    else
        perceptual_free(p);
    return ok;
}

void perceptual_free(perceptual_loss *p)
{
    if (!p) return;
    for (int i = 0; i < p->styles; i++) nx_image_free(&p->style[i]);
    for (int i = 0; i < p->masks; i++) nx_image_free(&p->mask[i]);
    nx_image_free(&p->calibration);
    descriptor_free(p->descriptor);
    free(p);
}

bool perceptual_check_size(const perceptual_loss *p, int height, int width, nx_error *err)
{
    size_t count;
    const char **layers = perceptual_layers(p->c, &count);
    bool ok = descriptor_check_size(p->descriptor, height, width, layers, count, err);
    free(layers);
    return ok;
}

/* ---- recording ---- */

static nx_tensor *style_picture(const perceptual_loss *p, nx_graph *g, int style)
{
    const nx_image *image = &p->style[style];
    return nx_constant(g, (nx_shape){1, image->height, image->width, 3}, image->rgb);
}

/* The Gram matrices of a style picture. */
static bool record_style(perceptual_loss *p, nx_graph *g, nx_tensor *picture, nx_tensor **gram, nx_error *err)
{
    const config_list *layers = &p->c->descriptor.style_layers;
    if (!descriptor_record(p->descriptor, g, descriptor_center(p->descriptor, g, picture),
                           (const char *const *)layers->items, (size_t)layers->count, gram, err))
        return false;
    for (int i = 0; i < layers->count; i++) gram[i] = nx_gram_matrix(g, gram[i]);
    return true;
}

static double or_one(double factor) { return factor > 0 ? factor : 1; }

/* Features times the mask T as large as they are, so that their Gram matrix is that of the region (Gatys, Ecker,
 * Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, eq. 5 and 6).
 * There T is scaled for sum T^2 = 1; here for the number of pixels, by which the Gram matrix is divided. Without a mask
 * its size alone counts. */
static nx_tensor *guided(nx_graph *g, nx_tensor *features, const nx_image *mask)
{
    nx_shape shape = {1, features->shape.h, features->shape.w, 1};
    if (!mask) return nx_mask(g, features, nx_constant(g, shape, NULL));
    size_t pixels = nx_shape_count(shape);
    float *weights = nx_alloc(pixels * sizeof *weights);
    nx_image small = nx_image_resize(mask, shape.h, shape.w, NX_BILINEAR);
    double squares = 0;
    for (size_t i = 0; i < pixels; i++) {
        weights[i] = small.rgb[3 * i];
        squares += (double)weights[i] * (double)weights[i];
    }
    float scale = (float)sqrt((double)pixels / squares);
    for (size_t i = 0; i < pixels; i++) weights[i] *= scale;
    nx_tensor *out = nx_mask(g, features, nx_constant(g, shape, weights));
    nx_image_free(&small);
    free(weights);
    return out;
}

/* The terms of one style picture on features of the output. */
static bool record_style_terms(perceptual_loss *p, nx_graph *g, const picture_loss *j, int k, nx_tensor *picture,
                               nx_tensor *const *feature, objective *o, nx_error *err)
{
    int layers = p->c->descriptor.style_layers.count, styles = j->styles ? j->styles : 1;
    objective_factors factors = {.picture = j->weight,
                                 .style = or_one(j->style_weight) * or_one(j->style_ratio),
                                 .share = config_layer_weight(&p->c->loss.style_shares, k, styles),
                                 .balance = j->style_balance ? j->style_balance + k * layers : NULL};
    nx_tensor **gram = nx_alloc((size_t)(layers + 1) * sizeof *gram),
              **seen = nx_alloc((size_t)(layers + 1) * sizeof *seen);
    char prefix[64];
    if (k)
        snprintf(prefix, sizeof prefix, "%sstyle%d/", j->prefix, k + 1);
    else
        snprintf(prefix, sizeof prefix, "%s", j->prefix);
    for (int i = 0; i < layers; i++)
        seen[i] = p->masks ? guided(g, feature[i], j->dry ? NULL : &p->mask[k]) : feature[i];
    bool ok = !layers || record_style(p, g, picture, gram, err);
    if (ok) objective_style(o, g, p->c, prefix, &factors, seen, gram);
    free(seen);
    free(gram);
    return ok;
}

bool perceptual_record(perceptual_loss *p, nx_graph *g, const picture_loss *j, objective *o, nx_error *err)
{
    size_t count;
    const char **layers = perceptual_layers(p->c, &count);
    size_t contents = (size_t)p->c->descriptor.content_layers.count;
    nx_tensor **target = nx_alloc((count + 1) * sizeof *target), **feature = nx_alloc((count + 1) * sizeof *feature);
    objective_factors factors = {.picture = j->weight, .balance = j->content_balance};
    size_t first = j->content ? 0 : contents, end = j->style < 0 ? contents : count;
    bool ok =
        (!j->content || !contents ||
         descriptor_record(p->descriptor, g, j->centered ? j->content : descriptor_center(p->descriptor, g, j->content),
                           layers, contents, target, err)) &&
        (first == end ||
         descriptor_record(p->descriptor, g, j->output, layers + first, end - first, feature + first, err));
    if (ok && j->content) objective_content(o, g, p->c, j->prefix, &factors, feature, target);
    nx_tensor *rough = j->content; /* as rough as the picture may be: the content's, or else the first style's */
    for (int k = 0; ok && j->style >= 0 && k < (j->styles ? j->styles : 1); k++) {
        nx_tensor *style = style_picture(p, g, j->style + k);
        if (!rough) rough = style;
        ok = record_style_terms(p, g, j, k, style, feature + contents, o, err);
    }
    if (ok) objective_variation(o, g, p->c, j->prefix, &factors, j->output, objective_is_relative(p->c) ? rough : NULL);
    free(layers);
    free(target);
    free(feature);
    return ok;
}

/* ---- on the device ---- */

#define CHOICE "descriptor/stacked" /* [layers][set, scale] */

void perceptual_put_choice(const perceptual_loss *p, checkpoint *k)
{
    float values[DESCRIPTOR_LAYERS][2];
    if (!p->chosen || (p->c->descriptor.stacked == 1 && !p->c->descriptor.rescale)) return; /* no choice, no scale */
    for (int i = 0; i < p->chosen; i++) values[i][0] = (float)p->choice[i].set, values[i][1] = p->choice[i].scale;
    checkpoint_put_array(k, CHOICE, 2, (int[]){p->chosen, 2}, values[0]);
}

void perceptual_get_choice(perceptual_loss *p, const checkpoint *k)
{
    const checkpoint_array *a = checkpoint_find(k, CHOICE);
    size_t count;
    const char **layers = perceptual_layers(p->c, &count), *weighted[DESCRIPTOR_LAYERS];
    size_t n = descriptor_weighted(p->descriptor->network, layers, count, weighted);
    free(layers);
    if (!a || a->rank != 2 || a->dims[0] != (int)n || a->dims[1] != 2) return;
    p->chosen = (int)n;
    for (size_t i = 0; i < n; i++) p->choice[i] = (perceptual_choice){(int)a->values[2 * i], a->values[2 * i + 1]};
}

/* The layers that are scaled; how many. */
static size_t scaled_layers(const perceptual_loss *p, const char *out[DESCRIPTOR_LAYERS])
{
    size_t count;
    const char **layers = perceptual_layers(p->c, &count);
    size_t n = descriptor_convolutions(p->descriptor->network, layers, count, out);
    free(layers);
    return n;
}

bool perceptual_prepare(perceptual_loss *p, nx_device *device, nx_error *err)
{
    const nx_image *image = &p->calibration;
    const char *scaled[DESCRIPTOR_LAYERS];
    if (image->rgb && !p->chosen && /* a choice brings scales of its own */
        !descriptor_rescale(p->descriptor, device, image->rgb, (nx_shape){1, image->height, image->width, 3}, scaled,
                            scaled_layers(p, scaled), false, err))
        return false;
    nx_params_realize(p->descriptor->params, device);
    return true;
}

uint64_t perceptual_bytes_before(perceptual_loss *p)
{
    const nx_image *image = &p->calibration;
    const char *scaled[DESCRIPTOR_LAYERS];
    return !image->rgb
               ? 0
               : descriptor_rescale_bytes(p->descriptor, &p->info, (nx_shape){1, image->height, image->width, 3},
                                          scaled, scaled_layers(p, scaled));
}
