/* What a training reads: content, validation and style pictures, and what a config can get wrong about them. */
#include "run/train.h"

#include "base/memory.h"
#include "io/packed.h"

#include <stdlib.h>
#include <string.h>

int train_validation_count(const trainer *t)
{
    return t->texture ? t->task.c->data.validation_count : (int)t->validation.count;
}

int train_validation_batch(const trainer *t)
{
    int batch = t->task.c->data.batch, count = train_validation_count(t);
    while (count % batch) batch--;
    return batch;
}

static bool read_content(trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    if (t->texture) return true;
    if (!config_need(c, "data", "content", err)) return false;
    nx_file_list *lists[] = {&t->content, &t->validation};
    const config_list *paths[] = {&c->data.content, &c->data.validation};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < paths[k]->count; i++) {
            nx_file_list found;
            if (!nx_packed_images(&found, paths[k]->items[i], err)) return false;
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

static bool open_loaders(trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    if (t->texture) return true;
    nx_loader_options options = {.crop = c->data.size,
                                 .batch = c->data.batch,
                                 .seed = (uint64_t)c->experiment.seed,
                                 .resize_short = c->data.resize};
    if (!open_loader(t, &t->loader, &t->content, options, err)) return false;
    if (!t->validation.count) return true;
    options.batch = train_validation_batch(t);
    options.center = true;
    return open_loader(t, &t->held_out, &t->validation, options, err);
}

static bool check(const trainer *t, nx_error *err)
{
    const config *c = t->task.c;
    if (c->data.size < 1) return nx_fail(err, "[data] size = 0: training needs crops of one size, such as 256");
    const generator_network *network = generator_network_of(c);
    int multiple = network->multiple(c);
    if (network->one_size && c->data.size != multiple)
        return nx_fail(err,
                       "[data] size = %d: this generator makes pictures of %d alone: size = %d, or another "
                       "[generator] scales",
                       c->data.size, multiple, multiple);
    if (c->data.size % multiple)
        return nx_fail(err, "[data] size = %d: the generator takes multiples of %d, such as %d", c->data.size, multiple,
                       c->data.size / multiple * multiple + multiple);
    if (train_asks_for_balance(c) &&
        (t->texture || !c->descriptor.content_layers.count || !c->descriptor.style_layers.count ||
         !(c->loss.content_weight > 0 && c->loss.style_weight > 0)))
        return nx_fail(err, "[loss] stage_style_ratios weighs style against content: it needs both");
    return !(c->loss.diversity > 0) || c->data.batch > 1 ||
           nx_fail(err, "[loss] diversity compares outputs of one batch: it needs [data] batch of 2 or more");
}

/* What the generator makes has pixels enough for the descriptor; of several pictures the first is the smallest. */
static bool check_size(trainer *t, nx_error *err)
{
    side s = {0};
    nx_params *params = nx_params_new();
    nx_error reason;
    bool ok = train_record(t, &s, params, t->task.c->data.size, 1, true, &reason) ||
              nx_fail(err, "[data] size = %d: %s", t->task.c->data.size, reason.text);
    train_free_side(&s);
    nx_params_free(params);
    return ok;
}

bool train_open_inputs(task *base, nx_error *err)
{
    trainer *t = (trainer *)base;
    const config *c = t->task.c;
    perceptual_style styles[PERCEPTUAL_STYLES];
    t->texture = c->experiment.task == TASK_TEXTURE;
    t->params = nx_params_new();
    for (int k = 0; k < PAPER_STAGES; k++) t->balance[k] = 1;
    return check(t, err) && config_need(c, "data", "style", err) && read_content(t, err) &&
           perceptual_new(&t->task.perceptual, c, &t->task.info, styles, t->task.paper->styles(c, styles), err) &&
           check_size(t, err) && open_loaders(t, err);
}
