/* Ulyanov, Lebedev, Vedaldi, Lempitsky: Texture networks: feed-forward synthesis of textures and stylized images. ICML
 * 2016.
 *
 * All but figure 5 look at the same networks, one a texture. */
#include "figures/figure.h"
#include "figures/trained_generator.h"

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "machine/device.h"
#include "networks/pyramid.h"
#include "ops/random.h"
#include "ops/scale.h"
#include "run/paper.h"
#include "run/task.h"
#include "runfile/model.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const generator_options as_trained = {.seed = 1, .noise_scale = GENERATOR_NOISE_AS_TRAINED};

/* The texture's name: of its file, without the ending. Owned by the caller. */
static char *texture_name(const sweep_point *p)
{
    const char *file = strrchr(p->config->data.style, '/');
    char *name = nx_copy_text(file ? file + 1 : p->config->data.style), *ending = strrchr(name, '.');
    if (ending) *ending = 0;
    return name;
}

/* Names the row and shows the texture itself in column 0. */
static bool begin_row(figure_work *w, int row, const sweep_point *p, nx_error *err)
{
    nx_image style;
    if (!trained_style(p, &style, err)) return false;
    char *name = texture_name(p);
    page_row(figure_page(w), row, name);
    page_column(figure_page(w), 0, "texture");
    page_picture(figure_page(w), row, 0, &style, NULL);
    nx_image_free(&style);
    free(name);
    return true;
}

/* Networks and optimizations of the same textures, in the same order. */
static bool run_both(figure_work *w, const sweep_points **nets, const sweep_points **optimized, nx_error *err)
{
    *nets = figure_run(w, "texture", NULL, err);
    *optimized = *nets ? figure_run(w, "optimization", NULL, err) : NULL;
    return *optimized && ((*nets)->count == (*optimized)->count ||
                          nx_fail(err, "texture.ini and optimization.ini have sweeps of different lengths"));
}

/* ---- Fig. 4 ---- */

enum { EVALUATIONS = 100 };

static bool against_optimization(figure_work *w, nx_error *err)
{
    const sweep_points *nets, *optimized;
    if (!run_both(w, &nets, &optimized, err)) return false;
    int below = 0;
    double worst = 0;
    page_column(figure_page(w), 1, "texture network");
    page_column(figure_page(w), 3, "optimization");
    for (size_t i = 0; i < nets->count; i++) {
        const char *net = nets->point[i].path, *gatys = optimized->point[i].path;
        double loss, reached, last;
        if (!begin_row(w, (int)i, &nets->point[i], err) || !figure_metric(net, "validation/style", &loss, err) ||
            !figure_value_at(gatys, "total", EVALUATIONS - 1, &reached, err) ||
            !figure_metric(gatys, "total", &last, err))
            return false;
        char samples[48], optimum[48];
        snprintf(samples, sizeof samples, "loss %.3g", loss);
        snprintf(optimum, sizeof optimum, "loss %.3g", last);
        if (!figure_picture(w, (int)i, 1, net, "output0", samples, err) ||
            !figure_picture(w, (int)i, 2, net, "output1", NULL, err) ||
            !figure_picture(w, (int)i, 3, gatys, "picture", optimum, err))
            return false;
        below += loss <= reached;
        worst = fmax(worst, loss / reached);
    }
    figure_claim(w, verdict_trained(w, below == (int)nets->count),
                 "samples fit as well as optimization after 100 evaluations", "comparable",
                 "%d of %zu, loss at most %.3g times", below, nets->count, worst);
    return true;
}

/* ---- Fig. 6 ---- */

typedef struct arrival { /* of an optimization at a loss */
    bool ever;           /* if not, the numbers are of its end */
    double updates, seconds;
} arrival;

/* Draws the loss over the seconds since the first evaluation, and finds when it came down to the network's. */
static bool optimization_curve(figure_work *w, int chart, const char *label, const char *run, double loss, arrival *out,
                               nx_error *err)
{
    series s;
    if (!series_read_from(&s, run, "total", err)) return false;
    double *seconds = nx_alloc(s.rows * sizeof *seconds);
    for (size_t i = 0; i < s.rows; i++) seconds[i] = s.time[i] - s.time[0];
    page_curve(figure_page(w), chart, label, seconds, s.value, s.rows);
    size_t i = 0;
    while (i + 1 < s.rows && s.value[i] > loss) i++;
    *out = (arrival){s.value[i] <= loss, (double)s.step[i], seconds[i]};
    free(seconds);
    series_free(&s);
    return true;
}

/* Seconds for one sample of the training's size, once everything is compiled. */
static bool sample_seconds(const sweep_point *p, double *seconds, nx_error *err)
{
    enum { TIMED = 5 };
    trained *t;
    int side = p->config->data.size;
    bool fine = trained_open(&t, p, NULL, err);
    *seconds = INFINITY;
    for (int i = 0; fine && i < TIMED; i++) {
        nx_image sample;
        if ((fine = trained_sample(t, side, side, as_trained, &sample, err))) nx_image_free(&sample);
        if (fine) *seconds = fmin(*seconds, trained_facts(t).seconds);
    }
    trained_free(t);
    return fine;
}

/* Bytes that one sample of 256 x 256 takes at five scales. */
static bool sample_bytes(const nx_device_info *info, uint64_t *bytes, nx_error *err)
{
    nx_plan *plan = NULL;
    nx_graph *g = nx_graph_new(info);
    nx_params *params = nx_params_new();
    nx_scope s = {.g = g, .params = params};
    nx_tensor *random = nx_input(g, NX_RANDOM_STATE, "random");
    nx_keep(pyramid_generate(&(pyramid_options){.scales = 5}, &s, (nx_shape){1, 256, 256, 3}, NULL, random, 1));
    bool fine = nx_plan_new(&plan, g, err);
    if (fine) *bytes = nx_plan_bytes(plan) + nx_params_bytes(params);
    nx_plan_free(plan);
    nx_graph_free(g);
    nx_params_free(params);
    return fine;
}

/* Bytes of an update and of a sample at the paper's size and the descriptor's full width: planned, nothing runs. */
static bool memory_at_256(const sweep_point *p, double *update, double *sample, nx_error *err)
{
    static const char *const full[] = {
        "descriptor.weights=random", "descriptor.width=1",
        "descriptor.rescale=false",  "descriptor.style_layers=relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        "loss.style_layer_weights=", "data.size=256",
        "data.style_size=256"};
    char *text = config_text(p->config, NULL);
    config *c = NULL;
    task *t = NULL;
    uint64_t kinds[NX_MEMORY_KINDS], bytes = 0;
    bool fine = config_parse(&c, p->config->name, text, ".", full, sizeof full / sizeof *full, err) &&
                task_new(&t, c, err) && sample_bytes(&t->info, &bytes, err);
    *update = 0;
    if (fine) task_bytes(t, kinds);
    for (int i = 0; fine && i < NX_MEMORY_KINDS; i++) *update += (double)kinds[i];
    *sample = (double)bytes;
    task_free(t);
    config_free(c);
    free(text);
    return fine;
}

static bool speed(figure_work *w, nx_error *err)
{
    const sweep_points *nets, *optimized;
    if (!run_both(w, &nets, &optimized, err)) return false;
    int chart = page_chart(figure_page(w), (page_axes){.x = "seconds", .y = "loss", .log_y = true});
    double least_updates = INFINITY, least_ratio = INFINITY, slowest = 0;
    bool all = true;
    for (size_t i = 0; i < nets->count; i++) {
        double loss, seconds;
        arrival a;
        char *name = texture_name(&nets->point[i]), *sampled = nx_format("%s, network", name);
        bool fine = figure_metric(nets->point[i].path, "validation/style", &loss, err) &&
                    sample_seconds(&nets->point[i], &seconds, err) &&
                    optimization_curve(w, chart, name, optimized->point[i].path, loss, &a, err);
        if (fine) page_level(figure_page(w), chart, sampled, loss);
        free(sampled);
        free(name);
        if (!fine) return false;
        all = all && a.ever;
        least_updates = fmin(least_updates, a.updates);
        least_ratio = fmin(least_ratio, a.seconds / seconds);
        slowest = fmax(slowest, seconds);
    }
    double update_bytes, sample_bytes;
    if (!memory_at_256(&optimized->point[0], &update_bytes, &sample_bytes, err)) return false;
    const char *more = all ? "" : "more than ";
    figure_claim(w, verdict_trained(w, least_updates >= 100), "updates of optimization until its loss is the network's",
                 "about 100 and more", "%s%.0f (at least 100)", more, least_updates);
    figure_claim(w, verdict_trained(w, least_ratio >= 100), "and its time over that of a sample", "500 (10 s, 20 ms)",
                 "%s%.0f, a sample %.0f ms (at least 100)", more, least_ratio, 1000 * slowest);
    figure_claim(w, verdict_of(update_bytes >= 4 * sample_bytes), "memory at 256 x 256, optimization over sample",
                 "6.5 (1100 MB, 170 MB)", "%.1f (%.0f MB, %.0f MB; at least 4)", update_bytes / sample_bytes,
                 update_bytes / 1e6, sample_bytes / 1e6);
    return true;
}

/* ---- Fig. 9 ---- */

enum { LONGER = 5, OVERTRAINED = 4 }; /* times the usual steps; samples shown */

/* The last texture of the sweep at a constant rate, as long as the others are trained and five times as long: one run.
 */
static bool overtraining(figure_work *w, nx_error *err)
{
    const sweep_points *usual = figure_points(w, "texture", NULL, err);
    if (!usual) return false;
    const sweep_point *last = &usual->point[usual->count - 1];
    int steps = last->config->experiment.steps;
    char *changes = nx_format("experiment.steps=%d log.images=%d optimizer.decay_every=0 data.style=%s", LONGER * steps,
                              steps, last->config->data.style);
    const sweep_points *p = figure_run(w, "texture", changes, err);
    free(changes);
    if (!p || !begin_row(w, 0, &p->point[0], err)) return false;
    const char *run = p->point[0].path;
    char *label[] = {nx_format("%d steps", steps), nx_format("%d steps", LONGER * steps)};
    double loss[2], neighbour[2];
    bool fine = true;
    for (int row = 0; row < 2; row++) {
        int at = row ? LONGER * steps : steps;
        page_row(figure_page(w), row, label[row]);
        for (int i = 0; fine && i < OVERTRAINED; i++) {
            char name[16];
            nx_image sample;
            snprintf(name, sizeof name, "output%d", i);
            fine = figure_image_at(run, name, at, &sample, err);
            if (!fine) break;
            page_picture(figure_page(w), row, 1 + i, &sample, NULL);
            nx_image_free(&sample);
        }
        fine = fine && figure_value_at(run, "validation/style", at, &loss[row], err) &&
               figure_value_at(run, "samples/neighbour", at, &neighbour[row], err);
        free(label[row]);
    }
    int chart = page_chart(figure_page(w), (page_axes){.x = "step", .y = "loss of samples", .log_y = true});
    int other = page_chart(figure_page(w), (page_axes){.x = "step", .y = "distance to the nearest sample"});
    if (!fine || !figure_curve(w, chart, NULL, run, "validation/style", false, err) ||
        !figure_curve(w, other, NULL, run, "samples/neighbour", false, err))
        return false;
    figure_claim(w, verdict_trained(w, loss[1] < loss[0] && neighbour[1] <= .7 * neighbour[0]),
                 "five times the steps: less loss, and samples alike", "similar samples",
                 "loss times %.2f, nearest sample at %.2f of the distance (at most 0.7)", loss[1] / loss[0],
                 neighbour[1] / neighbour[0]);
    return true;
}

/* ---- Fig. 10 ---- */

enum { SIZES = 3, SAMPLES_EACH = 4 };

/* Mean raw losses by layer over some samples of a size; the first one is shown. */
static bool sample_size(figure_work *w, trained *t, int height, int width, int row, int column, trained_loss *mean,
                        nx_error *err)
{
    char size[24];
    snprintf(size, sizeof size, "%d x %d", width, height);
    *mean = (trained_loss){0};
    for (int i = 0; i < SAMPLES_EACH; i++) {
        nx_image sample;
        trained_loss loss;
        generator_options o = as_trained;
        o.number = (uint64_t)i;
        if (!trained_sample(t, height, width, o, &sample, err)) return false;
        bool fine = trained_losses(t, &sample, NULL, &loss, err);
        if (!i) page_picture(figure_page(w), row, column, &sample, size);
        nx_image_free(&sample);
        if (!fine) return false;
        mean->layers = loss.layers;
        for (int k = 0; k < loss.layers; k++) mean->layer[k] += loss.layer[k] / SAMPLES_EACH;
    }
    return true;
}

static bool other_sizes(figure_work *w, nx_error *err)
{
    /* Of the training's side, in quarters. */
    static const int heights[SIZES] = {4, 4, 12}, widths[SIZES] = {4, 8, 16};
    const sweep_points *p = figure_run(w, "texture", NULL, err);
    double worst = 0;
    bool finite = true;
    for (size_t i = 0; p && i < p->count; i++) {
        trained *t;
        trained_loss loss[SIZES];
        int side = p->point[i].config->data.size;
        bool fine = begin_row(w, (int)i, &p->point[i], err) && trained_open(&t, &p->point[i], NULL, err);
        if (!fine) return false;
        for (int k = 0; fine && k < SIZES; k++)
            fine = sample_size(w, t, side * heights[k] / 4, side * widths[k] / 4, (int)i, 1 + k, &loss[k], err);
        trained_free(t);
        if (!fine) return false;
        for (int k = 1; k < SIZES; k++)
            for (int l = 0; l < loss[k].layers; l++) {
                finite = finite && isfinite(loss[k].layer[l]);
                worst = fmax(worst, loss[k].layer[l] / loss[0].layer[l]);
            }
    }
    if (!p) return false;
    page_column(figure_page(w), 1, "size of training");
    page_column(figure_page(w), 2, "larger");
    page_column(figure_page(w), 3, "and larger");
    figure_claim(w, verdict_trained(w, finite && worst <= 1.5), "other sizes fit as well", "by eye",
                 "style loss of a layer at most %.2f times (1.5)", worst);
    return true;
}

/* ---- Fig. 5 ---- */

enum { FACTORS = 5, CONTENTS = 4, CONTENTS_SHOWN = 3 };

static bool noise_scale(figure_work *w, nx_error *err)
{
    static const double factors[FACTORS] = {0, .5, 1, 2, 4};
    const sweep_points *p = figure_model(w) ? figure_points(w, "style", NULL, err) : figure_run(w, "style", NULL, err);
    trained *t;
    double distance[FACTORS] = {0};
    if (!p || !trained_open(&t, &p->point[0], figure_model(w), err)) return false;
    int side = figure_scale(w) == SCALE_CI ? 96 : 256;
    bool fine = true;
    page_column(figure_page(w), 0, "content");
    for (int i = 0; fine && i < CONTENTS; i++) {
        nx_image content;
        if (!(fine = trained_content(&p->point[0], (size_t)i, side, &content, err))) break;
        if (i < CONTENTS_SHOWN) page_picture(figure_page(w), i, 0, &content, NULL);
        for (int k = 0; fine && k < FACTORS; k++) {
            generator_options o = {.seed = 1, .number = (uint64_t)i, .noise_scale = factors[k]};
            nx_image made;
            char label[32];
            snprintf(label, sizeof label, "k = %g", factors[k]);
            page_column(figure_page(w), 1 + k, label);
            if (!(fine = trained_apply(t, &content, o, &made, err))) break;
            distance[k] += pow(image_distance(&made, &content), 2) / CONTENTS;
            if (i < CONTENTS_SHOWN) page_picture(figure_page(w), i, 1 + k, &made, NULL);
            nx_image_free(&made);
        }
        nx_image_free(&content);
    }
    trained_free(t);
    if (!fine) return false;
    bool rises = true;
    for (int k = 1; k < FACTORS; k++) rises = rises && distance[k] > distance[k - 1];
    int chart =
        page_chart(figure_page(w), (page_axes){.x = "k, factor on the noise", .y = "squared distance to the content"});
    page_curve(figure_page(w), chart, NULL, factors, distance, FACTORS);
    figure_claim(w, figure_model(w) ? verdict_of(rises) : verdict_trained(w, rises),
                 "more noise, farther from the content", "by eye", "%.0f, %.0f, %.0f, %.0f, %.0f (rising)", distance[0],
                 distance[1], distance[2], distance[3], distance[4]);
    return true;
}

/* ---- Fig. 12 ---- */

/* A texture's network of which each scale's noise can be silenced. */
typedef struct scales {
    int count, side;
    nx_device *device;
    nx_params *params;
    nx_graph *g;
    nx_plan *plan;
    nx_tensor *input[PYRAMID_MOST_SCALES], *output;
    model_pixels pixels;
} scales;

static void scales_free(scales *s)
{
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
    nx_params_free(s->params);
    nx_device_free(s->device);
}

static bool scales_open(scales *s, const char *path, int side, nx_error *err)
{
    model *m = NULL;
    config *c = NULL;
    *s = (scales){.side = side};
    bool fine = device_open(&s->device, (nx_device_options){0}, err) && model_open(&m, path, err) &&
                config_parse(&c, path, m->options, ".", NULL, 0, err);
    if (fine && (generator_network_of(c) != &pyramid_network || c->experiment.task != TASK_TEXTURE))
        fine =
            nx_fail(err, "%s: this is no pyramid that makes textures, the only one of which scales are silenced", path);
    if (fine) {
        pyramid_options options = {.scales = c->generator.scales, .pointwise_left_out = !c->generator.pointwise};
        s->count = options.scales;
        s->side = (side + (1 << s->count) - 1) >> s->count << s->count;
        s->pixels = m->output;
        s->params = nx_params_new();
        s->g = nx_graph_new(&s->device->info);
        nx_scope scope = {.g = s->g, .params = s->params};
        for (int i = 0; i < s->count; i++) {
            int small = s->side >> (s->count - 1 - i);
            s->input[i] = nx_input(s->g, (nx_shape){1, small, small, 3}, "noise");
        }
        nx_tensor *y = pyramid_record(&options, &scope, s->input);
        if (c->generator.output_scale != 1) y = nx_scale(s->g, y, (float)c->generator.output_scale);
        s->output = nx_keep(y);
        fine = model_params(m, s->params, err) && nx_plan_new(&s->plan, s->g, err);
    }
    if (fine) {
        nx_params_realize(s->params, s->device);
        nx_plan_realize(s->plan, s->device);
    }
    config_free(c);
    model_free(m);
    if (!fine) scales_free(s);
    return fine;
}

/* The picture with the noise of scales first .. last alone, the coarsest being 0. */
static nx_image scales_sample(scales *s, int first, int last)
{
    nx_image out = nx_image_new(s->side, s->side);
    size_t pixels = (size_t)s->side * (size_t)s->side;
    for (int i = 0; i < s->count; i++) {
        size_t numbers = nx_shape_count(s->input[i]->shape);
        float *noise = nx_alloc(numbers * sizeof *noise);
        nx_rng rng = nx_rng_new(1, (uint64_t)i);
        for (size_t k = 0; k < numbers; k++) {
            float value = nx_rng_uniform(&rng);
            noise[k] = i >= first && i <= last ? value : 0;
        }
        nx_plan_write(s->plan, s->input[i], noise);
        free(noise);
    }
    nx_plan_run(s->plan);
    nx_plan_read(s->plan, s->output, out.rgb);
    bool swap = s->pixels.order[0] == 'b';
    for (size_t i = 0; i < pixels; i++) {
        float *p = out.rgb + 3 * i, blue = p[0];
        if (swap) p[0] = p[2], p[2] = blue;
        for (int k = 0; k < 3; k++) p[k] = p[k] / (float)s->pixels.scale + (float)s->pixels.mean[k];
    }
    return out;
}

/* A row: everything, then each scale alone, then the four coarsest together; how much of the variance those explain. */
static bool scales_row(figure_work *w, int row, const char *path, int side, double *explained, nx_error *err)
{
    enum { COARSEST = 4 };
    scales s;
    if (!scales_open(&s, path, side, err)) return false;
    nx_image all = scales_sample(&s, 0, s.count);
    page_column(figure_page(w), 1, "all scales");
    page_picture(figure_page(w), row, 1, &all, NULL);
    for (int i = 0; i < s.count; i++) {
        nx_image one = scales_sample(&s, i, i);
        char *label = nx_format("1/%d alone", 1 << (s.count - 1 - i)),
             *distance = nx_format("differs by %.0f", image_distance(&one, &all));
        page_column(figure_page(w), 2 + i, label);
        page_picture(figure_page(w), row, 2 + i, &one, distance);
        free(label);
        free(distance);
        nx_image_free(&one);
    }
    nx_image coarse = scales_sample(&s, 0, COARSEST - 1);
    page_column(figure_page(w), 2 + s.count, "four coarsest");
    page_picture(figure_page(w), row, 2 + s.count, &coarse, NULL);
    *explained = 1 - pow(image_distance(&coarse, &all) / image_contrast(&all), 2);
    nx_image_free(&coarse);
    nx_image_free(&all);
    scales_free(&s);
    return true;
}

static bool one_scale(figure_work *w, nx_error *err)
{
    const sweep_points *p =
        figure_model(w) ? figure_points(w, "texture", NULL, err) : figure_run(w, "texture", NULL, err);
    int side = figure_scale(w) == SCALE_CI ? 64 : 256;
    double least = 1, explained = 0;
    for (size_t i = 0; p && i < (figure_model(w) ? 1 : p->count); i++) {
        char *path = figure_model(w) ? nx_copy_text(figure_model(w)) : path_beside(p->point[i].path, ".model.h5");
        bool fine = (figure_model(w) || begin_row(w, (int)i, &p->point[i], err)) &&
                    scales_row(w, (int)i, path, side, &explained, err);
        free(path);
        if (!fine) return false;
        least = fmin(least, explained);
    }
    if (!p) return false;
    figure_claim(w, figure_model(w) ? verdict_of(least >= .8) : verdict_trained(w, least >= .8),
                 "the four coarsest scales are enough (peppers)", "K = 4 is enough",
                 "they explain %.0f %% of the variance of pixels (at least 80 %%)", 100 * least);
    return true;
}

static const figure figures[] = {
    {"fig4", "textures against optimization", .make = against_optimization, .wants_vgg = true},
    {"fig5", "the scale of the noise balances style and content", .make = noise_scale, .wants_vgg = true,
     .one_generator = true},
    {"fig6", "loss against time, speed and memory", .make = speed, .wants_vgg = true},
    {"fig9", "a network that was trained for too long", .make = overtraining, .wants_vgg = true},
    {"fig10", "samples of other sizes", .make = other_sizes, .wants_vgg = true},
    {"fig12", "one scale at a time", .make = one_scale, .wants_vgg = true, .one_generator = true},
    {0},
};

const figure_paper texture_networks_figures = {
    .name = "texture_networks",
    .citation = "Ulyanov, Lebedev, Vedaldi, Lempitsky: Texture networks. ICML 2016",
    .figures = figures,
};
