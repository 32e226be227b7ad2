/* A generator and, beside it, a graph of the losses alone, kept for pictures of one size. */
#include "figures/trained_generator.h"

#include "base/memory.h"
#include "io/packed.h"
#include "machine/device.h"
#include "run/objective.h"
#include "run/paper.h"
#include "run/train.h"

#include <stdlib.h>

struct trained {
    const config *c;
    nx_device *device;
    generator *g;
    perceptual_loss *perceptual;
    nx_graph *graph;
    nx_plan *plan;
    nx_tensor *picture, *content;
    objective objective;
    nx_shape shape; /* of the pictures that the graph takes */
    int style;      /* that they are held against */
};

bool trained_open(trained **out, const sweep_point *p, const char *model, nx_error *err)
{
    trained *t = nx_alloc(sizeof *t);
    nx_device_options options = device_options(p->config);
    options.profile = false;
    char *path = model ? nx_copy_text(model) : path_beside(p->path, ".model.h5");
    *t = (trained){.c = p->config};
    bool fine = device_open(&t->device, options, err) && generator_open(&t->g, path, &t->device->info, err);
    free(path);
    if (!fine) trained_free(t);
    *out = fine ? t : NULL;
    return fine;
}

static void forget_graph(trained *t)
{
    nx_plan_free(t->plan);
    nx_graph_free(t->graph);
    t->plan = NULL;
    t->graph = NULL;
    t->content = NULL;
    t->objective = (objective){0};
}

void trained_free(trained *t)
{
    if (!t) return;
    forget_graph(t);
    perceptual_free(t->perceptual);
    generator_free(t->g);
    nx_device_free(t->device);
    free(t);
}

generator_facts trained_facts(const trained *t) { return generator_ask(t->g); }

bool trained_bytes(trained *t, int height, int width, uint64_t *bytes, nx_error *err)
{
    generator_options o = {.noise_scale = GENERATOR_NOISE_AS_TRAINED};
    return generator_plan(t->g, height, width, &o, bytes, err);
}

bool trained_apply(trained *t, const nx_image *content, generator_options o, nx_image *out, nx_error *err)
{
    return generator_apply(t->g, t->device, content, &o, out, err);
}

bool trained_sample(trained *t, int height, int width, generator_options o, nx_image *out, nx_error *err)
{
    return generator_sample(t->g, t->device, height, width, &o, out, err);
}

/* ---- losses ---- */

static bool open_losses(trained *t, nx_error *err)
{
    perceptual_style styles[PERCEPTUAL_STYLES];
    return t->perceptual ||
           (perceptual_new(&t->perceptual, t->c, &t->device->info, styles, paper_of(t->c)->styles(t->c, styles), err) &&
            perceptual_prepare(t->perceptual, t->device, err));
}

static bool record(trained *t, nx_shape shape, bool content, nx_error *err)
{
    forget_graph(t);
    t->shape = shape;
    t->graph = nx_graph_new(&t->device->info);
    t->picture = nx_input(t->graph, shape, "picture");
    if (content) t->content = nx_input(t->graph, shape, "content");
    picture_loss j = {.output = descriptor_center(t->perceptual->descriptor, t->graph, t->picture),
                      .content = t->content,
                      .style = t->style,
                      .weight = 1,
                      .prefix = ""};
    if (!perceptual_record(t->perceptual, t->graph, &j, &t->objective, err)) return false;
    objective_total(&t->objective, t->graph);
    if (!nx_plan_new(&t->plan, t->graph, err)) return false;
    nx_plan_realize(t->plan, t->device);
    return true;
}

void trained_against(trained *t, int style)
{
    if (style != t->style) forget_graph(t);
    t->style = style;
}

bool trained_losses(trained *t, const nx_image *picture, const nx_image *content, trained_loss *out, nx_error *err)
{
    nx_shape shape = {1, picture->height, picture->width, 3};
    objective_values v;
    if (!open_losses(t, err)) return false;
    if ((!t->plan || !nx_shape_equal(shape, t->shape) || !content != !t->content) && !record(t, shape, content, err)) {
        forget_graph(t);
        return false;
    }
    nx_plan_write(t->plan, t->picture, picture->rgb);
    if (content) nx_plan_write(t->plan, t->content, content->rgb);
    nx_plan_run(t->plan);
    objective_read(&t->objective, t->plan, &v);
    *out =
        (trained_loss){.total = (double)v.total, .content = v.sum[OBJECTIVE_CONTENT], .style = v.sum[OBJECTIVE_STYLE]};
    for (int i = 0; i < t->objective.count; i++)
        if (t->objective.term[i].kind == OBJECTIVE_STYLE && out->layers < 16)
            out->layer[out->layers++] = (double)v.term[i];
    return true;
}

/* ---- pictures ---- */

static bool load_fitted(const char *path, int side, nx_image *out, nx_error *err)
{
    nx_image whole;
    if (!nx_image_load(&whole, path, err)) return false;
    *out = nx_image_fit(&whole, side);
    nx_image_free(&whole);
    return true;
}

static bool load_packed(const char *path, size_t i, int side, nx_image *out, nx_error *err)
{
    nx_packed *data;
    if (!nx_packed_open(&data, path, err)) return false;
    int size = nx_packed_size(data);
    size_t numbers = (size_t)size * (size_t)size * 3;
    uint8_t *pixels = nx_alloc(numbers);
    nx_image whole = nx_image_new(size, size);
    bool fine = nx_packed_read(data, i, pixels, err);
    for (size_t k = 0; k < numbers; k++) whole.rgb[k] = pixels[k];
    if (fine) *out = nx_image_fit(&whole, side);
    nx_image_free(&whole);
    nx_packed_free(data);
    free(pixels);
    return fine;
}

bool trained_content(const sweep_point *p, size_t k, int side, nx_image *out, nx_error *err)
{
    const config *c = p->config;
    const config_list *paths = c->data.validation.count ? &c->data.validation : &c->data.content;
    nx_file_list found;
    if (!train_pictures_at(&found, c, paths, paths->count - 1, err)) return false;
    const char *name = found.paths[found.count - 1 - k % found.count];
    char *file;
    size_t i;
    bool packed = nx_packed_name(name, &file, &i);
    bool fine = packed ? load_packed(file, i, side, out, err) : load_fitted(name, side, out, err);
    if (packed) free(file);
    nx_file_list_free(&found);
    return fine;
}

bool trained_style(const sweep_point *p, nx_image *out, nx_error *err)
{
    int size = config_style_size(p->config);
    return load_fitted(p->config->data.style, size ? size : 256, out, err);
}
