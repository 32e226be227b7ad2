/* The pictures of a training: content and validation. */
#include "run/train.h"

#include "base/memory.h"
#include "base/rng.h"
#include "io/packed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int train_validation_count(const trainer *t) { return t->content.count ? (int)t->validation.count : t->samples; }

int train_validation_batch(const trainer *t)
{
    int batch = t->task.c->data.batch, count = train_validation_count(t);
    while (count % batch) batch--;
    return batch;
}

bool train_check_crops(const config *c, int usual, nx_error *err)
{
    return c->data.size > 0 || nx_fail(err, "[data] size = 0: training needs crops of one size, such as %d", usual);
}

bool train_pictures_at(nx_file_list *out, const config *c, const config_list *paths, int i, nx_error *err)
{
    if (!nx_packed_images(out, paths->items[i], err)) return false;
    if (paths == &c->data.content) nx_files_first(out, (size_t)c->data.content_count);
    return true;
}

bool train_read_pictures(trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    if (!config_need(c, "data", "content", err)) return false;
    nx_file_list *lists[] = {&t->content, &t->validation};
    const config_list *paths[] = {&c->data.content, &c->data.validation};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < paths[k]->count; i++) {
            nx_file_list found;
            if (!train_pictures_at(&found, c, paths[k], i, err)) return false;
            lists[k]->paths = nx_realloc(lists[k]->paths, (lists[k]->count + found.count) * sizeof(char *));
            memcpy(lists[k]->paths + lists[k]->count, found.paths, found.count * sizeof(char *));
            lists[k]->count += found.count;
            free(found.paths);
        }
    size_t wanted = (size_t)c->data.validation_count;
    if (c->data.validation.count) {
        for (; wanted && t->validation.count > wanted; t->validation.count--)
            free(t->validation.paths[t->validation.count - 1]);
        return true;
    }
    if (wanted >= t->content.count)
        return nx_fail(err, "[data] validation_count = %zu leaves nothing to train on: content has %zu pictures",
                       wanted, t->content.count);
    t->content.count -= wanted;
    t->validation.count = wanted;
    t->validation.paths = nx_copy(t->content.paths + t->content.count, wanted * sizeof(char *));
    return true;
}

/* Which pictures training can do without: those that a folder brings; what is named itself is wanted. */
static bool *optional_of(const config *c, const nx_file_list *pictures)
{
    bool *out = nx_alloc((pictures->count + 1) * sizeof *out);
    for (size_t i = 0; i < pictures->count && c->data.bad_pictures == BAD_PICTURES_SKIP; i++) {
        char *dataset = NULL, *path = pictures->paths[i];
        size_t index;
        out[i] = config_list_find(&c->data.content, path) < 0 && config_list_find(&c->data.validation, path) < 0 &&
                 !nx_packed_name(path, &dataset, &index);
        free(dataset);
    }
    return out;
}

static bool open_loader(const trainer *t, nx_loader **out, const nx_file_list *pictures, nx_loader_options options,
                        nx_error *err)
{
    bool *optional = optional_of(t->task.c, pictures);
    options.paths = pictures->paths;
    options.count = pictures->count;
    options.optional = optional;
    bool ok = nx_loader_new(out, &options, err);
    free(optional);
    return ok;
}

bool train_open_pictures(trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    nx_loader_options options = {.crop = c->data.size,
                                 .batch = c->data.batch,
                                 .seed = (uint64_t)c->experiment.seed,
                                 .resize_short = c->data.resize,
                                 .labels = t->labels,
                                 .flip = c->data.flip};
    if (!open_loader(t, &t->loader, &t->content, options, err)) return false;
    if (!t->validation.count) return true;
    options.batch = train_validation_batch(t);
    options.center = true;
    options.labels = t->held_labels;
    return open_loader(t, &t->held_out, &t->validation, options, err);
}

/* Each picture's contrast is multiplied by a number of its own, around its mean colour. */
void train_change_contrast(const trainer *t, uint64_t step, float *pixels)
{
    if (!(t->task.c->data.contrast > 0)) return;
    size_t size = (size_t)t->task.c->data.size * (size_t)t->task.c->data.size;
    nx_rng rng = nx_rng_new((uint64_t)t->task.c->experiment.seed, nx_stream("contrast"));
    rng.index = step * (uint64_t)t->task.c->data.batch;
    for (int n = 0; n < t->task.c->data.batch; n++, pixels += 3 * size) {
        float factor = 1 - (float)t->task.c->data.contrast * nx_rng_uniform(&rng);
        for (int k = 0; k < 3; k++) {
            double mean = 0;
            for (size_t i = 0; i < size; i++) mean += (double)pixels[3 * i + k] / (double)size;
            for (size_t i = 0; i < size; i++)
                pixels[3 * i + k] = (float)mean + (pixels[3 * i + k] - (float)mean) * factor;
        }
    }
}

size_t train_bad_pictures(const trainer *t)
{
    return nx_loader_bad(t->loader) + (t->held_out ? nx_loader_bad(t->held_out) : 0);
}

void train_print_pictures(const trainer *t)
{
    const config *c = t->task.c;
    size_t bad = t->loader ? train_bad_pictures(t) : 0;
    if (t->content.count)
        printf("content   %d x %d x %d x %d from %zu pictures, validation on %zu\n", c->data.batch, c->data.size,
               c->data.size, 3, t->content.count, t->validation.count);
    if (bad) printf("          %zu of them are broken or too small and will be left out\n", bad);
}
