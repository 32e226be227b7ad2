/* What the optimisation of a picture reads, and what a config can get wrong about it. */
#include "run/optimize.h"

#include "base/memory.h"
#include "config/made.h"

#include <math.h>
#include <string.h>

static int longer(int height, int width) { return height > width ? height : width; }

nx_image optimize_resized(const nx_image *image, int height, int width)
{
    if (image->height != height || image->width != width) return nx_image_resize(image, height, width, NX_BICUBIC);
    nx_image same = nx_image_new(height, width);
    memcpy(same.rgb, image->rgb, (size_t)height * (size_t)width * 3 * sizeof(float));
    return same;
}

static bool read_pictures(optimizer *t, nx_error *err)
{
    const config *c = t->task.c;
    int height, width;
    bool file = strcmp(c->data.init, "noise") && strcmp(c->data.init, "content") && strcmp(c->data.init, "style");
    if (c->data.content.count > 1)
        return nx_fail(err, "[data] content: one picture is optimized at a time, and %d are named",
                       c->data.content.count);
    if (c->data.content.count && !nx_image_load(&t->content, c->data.content.items[0], err)) return false;
    if (file && !nx_image_load(&t->init, c->data.init, err)) return false;
    if (!c->data.content.count && !*c->data.style)
        return nx_fail(err, "[data] has neither content nor style: nothing to compare the picture with");
    if (!c->data.content.count && !strcmp(c->data.init, "content"))
        return nx_fail(err, "[data] init = content, and there is no content");
    if (!*c->data.style && !strcmp(c->data.init, "style"))
        return nx_fail(err, "[data] init = style, and there is no style");
    if (!*c->data.style && c->data.more_styles.count)
        return nx_fail(err, "[data] more_styles: the first style picture goes into style");
    if (*c->data.style && !nx_image_size(c->data.style, &height, &width, err)) return false;
    t->profile = nx_profile_of(c->data.content.count ? c->data.content.items[0] : c->data.style);
    if (*c->data.style) t->own_style = longer(height, width);
    if (t->content.rgb) height = t->content.height, width = t->content.width;
    t->frame = (double)height / width;
    t->size = c->data.size;
    if (!t->size) t->size = !t->content.rgb && config_style_size(c) ? config_style_size(c) : longer(height, width);
    return true;
}

static bool check_stages(optimizer *t, nx_error *err)
{
    const config *c = t->task.c;
    uint64_t steps = (uint64_t)c->experiment.steps, coarse = optimize_first_step(t, c->data.coarse.count);
    if (c->data.coarse.mean) return nx_fail(err, "[data] coarse = mean: sizes were expected, such as 128 256");
    t->stages = c->data.coarse.count + 1;
    for (int k = 0; k < t->stages - 1; k++)
        if (optimize_size(t, k) >= optimize_size(t, k + 1))
            return nx_fail(err, "[data] coarse: sizes grow up to that of the picture, and %d comes before %d",
                           optimize_size(t, k), optimize_size(t, k + 1));
    return !steps || steps > coarse ||
           nx_fail(err,
                   "[experiment] steps = %d: the coarse sizes alone take %llu ([data] coarse_steps), the last one "
                   "needs some more",
                   c->experiment.steps, (unsigned long long)coarse);
}

/* The style pictures of every stage, as large beside the picture as in the last one. */
static bool open_losses(optimizer *t, nx_error *err)
{
    const config *c = t->task.c;
    perceptual_style styles[PERCEPTUAL_STYLES];
    int n = t->styles = *c->data.style ? 1 + c->data.more_styles.count : 0, shares = c->loss.style_shares.count;
    if (n * t->stages > PERCEPTUAL_STYLES)
        return nx_fail(err, "[data] %d style pictures at %d sizes are more than %d", n, t->stages, PERCEPTUAL_STYLES);
    if (shares && shares != n) return nx_fail(err, "[loss] style_shares: %d numbers for %d style pictures", shares, n);
    for (int k = 0; k < t->stages; k++)
        for (int i = 0; i < n; i++) {
            const char *path = i ? c->data.more_styles.items[i - 1] : c->data.style;
            int size = config_style_size(c), height, width;
            if (!size && !nx_image_size(path, &height, &width, err)) return false;
            if (!size) size = longer(height, width);
            size = (int)lround((double)size * optimize_size(t, k) / t->size);
            styles[k * n + i] = (perceptual_style){
                .path = path, .size = size > 1 ? size : 1, .coarse = k < t->stages - 1 ? optimize_size(t, k) : 0};
        }
    return perceptual_new(&t->task.perceptual, c, &t->task.info, styles, n * t->stages, err);
}

static bool judged(const optimizer *t, int size, nx_error *err)
{
    int height, width;
    optimize_shape(t, size, &height, &width);
    return perceptual_check_size(t->task.perceptual, height, width, err);
}

/* Every stage's picture has pixels enough for the descriptor; else the least size that does is named. */
static bool check_sizes(const optimizer *t, nx_error *err)
{
    nx_error reason;
    for (int k = 0; k < t->stages; k++) {
        int size = optimize_size(t, k), enough = size;
        if (judged(t, size, &reason)) continue;
        while (enough <= TASK_MOST_SIZE && !judged(t, enough, NULL)) enough++;
        const char *key = k < t->stages - 1 ? "coarse" : "size";
        if (enough > TASK_MOST_SIZE)
            return nx_fail(err, "[data] %s = %d: %s: choose shallower layers", key, size, reason.text);
        return nx_fail(err, "[data] %s = %d: %s: %s = %d would do", key, size, reason.text, key, enough);
    }
    return true;
}

static double *ones(int count)
{
    double *out = nx_alloc((size_t)(count + 1) * sizeof *out);
    for (int i = 0; i < count; i++) out[i] = 1;
    return out;
}

bool optimize_open_inputs(task *base, nx_error *err)
{
    optimizer *t = (optimizer *)base;
    const config *c = base->c;
    if (!made_of_config(c, err) || !read_pictures(t, err) || !check_stages(t, err) || !open_losses(t, err) ||
        !check_sizes(t, err))
        return false;
    t->content_balance = ones(c->descriptor.content_layers.count);
    t->style_balance = ones(t->styles * c->descriptor.style_layers.count);
    bool content = t->content.rgb && c->descriptor.content_layers.count,
         style = t->styles && c->descriptor.style_layers.count;
    return content || style ||
           nx_fail(err, "[descriptor] %s: nothing to compare the picture with",
                   t->content.rgb ? "content_layers is empty" : "style_layers is empty");
}
