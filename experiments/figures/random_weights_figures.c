/* He, Wang, Hopcroft: A powerful generative model using random weights for the deep image representation. NIPS 2016.
 *
 * ranVGG is compared with a trained VGG-19, the user's or the narrow one that comes with nstx: of the same width, at
 * the layers that it reaches. */
#include "figures/figure.h"

#include "base/memory.h"
#include "base/quantile.h"
#include "base/text.h"
#include "networks/descriptor_files.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the trained network ---- */

static const char *trained_weights(const figure_work *w) { return figure_weights(w) ? figure_weights(w) : "own"; }

static bool trained_vgg(const figure_work *w, descriptor_file *out, nx_error *err)
{
    char *path = config_weights_path(trained_weights(w), err);
    bool fine = path && descriptor_file_look(out, path, err);
    free(path);
    return fine;
}

/* Whether the comparison can be made at a layer. */
static bool reaches(const descriptor_file *vgg, const char *layer)
{
    return descriptor_find(vgg->network, layer) <= descriptor_find(vgg->network, vgg->deepest);
}

/* Runs of a config on the trained weights, with Gatys' loss. A file that the user names with -s needs no word here. */
static const sweep_points *trained_runs(figure_work *w, const char *name, const char *changes, nx_error *err)
{
    char *all = nx_format("%s experiment.paper=gatys%s", changes, figure_weights(w) ? "" : " descriptor.weights=own");
    const sweep_points *p = figure_run(w, name, all, err);
    free(all);
    return p;
}

/* Runs of a config with one content layer: on random weights as wide as the trained ones, or on those. */
static const sweep_points *runs_at(figure_work *w, const char *name, const char *layer, const descriptor_file *vgg,
                                   bool random, const char *more, nx_error *err)
{
    char *changes = random ? nx_format("descriptor.content_layers=%s descriptor.weights=random descriptor.width=%g%s",
                                       layer, (double)vgg->width, more)
                           : nx_format("descriptor.content_layers=%s", layer);
    const sweep_points *p = random ? figure_run(w, name, changes, err) : trained_runs(w, name, changes, err);
    free(changes);
    return p;
}

/* ---- what a run made ---- */

/* "relu3_1" is the paper's conv3_1, whose features are rectified too. */
static char *paper_layer(const char *layer)
{
    if (!strncmp(layer, "relu", 4)) return nx_format("conv%s", layer + 4);
    return nx_copy_text(!strcmp(layer, "fc6") ? "fc1" : !strcmp(layer, "fc7") ? "fc2" : layer);
}

/* A picture made from another one's features. */
typedef struct inverted {
    nx_image made, source;
    double off, left; /* root mean square of the differences, in grey levels; loss over the loss at the start, noise */
} inverted;

static void inverted_free(inverted *v)
{
    nx_image_free(&v->made);
    nx_image_free(&v->source);
}

static bool read_source(const char *path, const nx_image *made, nx_image *out, nx_error *err)
{
    nx_image whole;
    if (!nx_image_load(&whole, path, err)) return false;
    *out = nx_image_resize(&whole, made->height, made->width, NX_BICUBIC);
    nx_image_free(&whole);
    return true;
}

static bool inverted_read(const sweep_point *p, inverted *out, nx_error *err)
{
    double first, last;
    const config *c = p->config;
    char *metric = nx_format("content/%s", c->descriptor.content_layers.items[0]);
    *out = (inverted){0};
    bool fine = figure_first(p->path, metric, &first, err) && figure_metric(p->path, metric, &last, err) &&
                figure_image(p->path, "picture", &out->made, err) &&
                read_source(c->data.content.items[0], &out->made, &out->source, err);
    free(metric);
    if (!fine) {
        inverted_free(out);
        return false;
    }
    out->off = image_distance(&out->made, &out->source);
    out->left = last / first;
    return true;
}

/* Below its distance; the source in column 0. Gives the numbers. */
static bool show_inverted(figure_work *w, int row, int column, const sweep_point *p, double *off, double *left,
                          nx_error *err)
{
    inverted v;
    if (!inverted_read(p, &v, err)) return false;
    char *caption = nx_format("off by %.1f", v.off);
    page_picture(figure_page(w), row, 0, &v.source, NULL);
    page_picture(figure_page(w), row, column, &v.made, caption);
    free(caption);
    *off = v.off;
    *left = v.left;
    inverted_free(&v);
    return true;
}

/* Pearson's correlation of the two pictures at an eighth of their size: whether the rough contours are there. */
static double likeness(const nx_image *a, const nx_image *b)
{
    int height = a->height / 8 > 2 ? a->height / 8 : 2, width = a->width / 8 > 2 ? a->width / 8 : 2;
    nx_image x = nx_image_resize(a, height, width, NX_BICUBIC), y = nx_image_resize(b, height, width, NX_BICUBIC);
    size_t count = (size_t)height * (size_t)width * 3;
    double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < count; i++) mx += x.rgb[i] / (double)count, my += y.rgb[i] / (double)count;
    for (size_t i = 0; i < count; i++) {
        xy += (x.rgb[i] - mx) * (y.rgb[i] - my);
        xx += (x.rgb[i] - mx) * (x.rgb[i] - mx);
        yy += (y.rgb[i] - my) * (y.rgb[i] - my);
    }
    nx_image_free(&x);
    nx_image_free(&y);
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* ---- Fig. 2 ---- */

/* relu3_2 goes to row 2, column 2; pool3 to row 2, column 5; fc6 and fc7 to row 5. */
static void place_of(const char *layer, int *row, int *column)
{
    bool pool = !strncmp(layer, "pool", 4), linear = !strncmp(layer, "fc", 2);
    *row = linear ? 5 : layer[4] - '1';
    *column = pool ? 5 : linear ? layer[2] - '5' : layer[6] - '0';
}

static bool every_layer(figure_work *w, nx_error *err)
{
    static const char *const runs[] = {"descriptor.weights=random",
                                       "descriptor.weights=random descriptor.content_layers=fc6",
                                       "descriptor.weights=random descriptor.content_layers=fc7"};
    static const char *const rows[] = {"block 1", "block 2", "block 3", "block 4", "block 5", "connected"};
    static const char *const columns[] = {"picture", "conv 1", "conv 2", "conv 3", "conv 4", "pool"};
    double pool[5] = {0}, rough = 1, contour = 1;
    int layers = 0, nearer = 0;
    for (int i = 0; i < 6; i++) {
        page_row(figure_page(w), i, rows[i]);
        page_column(figure_page(w), i, columns[i]);
    }
    for (int k = 0; k < 3; k++) {
        const sweep_points *p = figure_run(w, "fig2", runs[k], err);
        if (!p) return false;
        for (size_t i = 0; i < p->count; i++) {
            const char *layer = p->point[i].config->descriptor.content_layers.items[0];
            inverted v;
            int row, column;
            place_of(layer, &row, &column);
            if (!inverted_read(&p->point[i], &v, err)) return false;
            char *name = paper_layer(layer), *caption = nx_format("%s: off by %.1f", name, v.off);
            page_picture(figure_page(w), row, column, &v.made, caption);
            if (!k && !i) page_picture(figure_page(w), 0, 0, &v.source, NULL);
            if (column == 5) pool[row] = v.off;
            if (row < 5) layers++, nearer += v.off < image_contrast(&v.source);
            double *least = row < 5 ? &rough : &contour;
            *least = fmin(*least, likeness(&v.made, &v.source));
            inverted_free(&v);
            free(caption);
            free(name);
        }
    }
    bool rises = pool[0] < pool[1] && pool[1] < pool[2] && pool[2] < pool[3] && pool[3] < pool[4];
    figure_claim(w, verdict_of(rises), "distances grow from pool1 to pool5", "by eye", "%.1f, %.1f, %.1f, %.1f, %.1f",
                 pool[0], pool[1], pool[2], pool[3], pool[4]);
    figure_claim(w, verdict_of(nearer == layers), "every convolution and pool keeps accurate information", "by eye",
                 "%d of %d nearer to the picture than its mean colour is", nearer, layers);
    figure_claim(w, verdict_of(rough >= .5), "it is recognised from each of them", "by eye",
                 "correlation at an eighth of the size at least %.2f (0.5)", rough);
    figure_claim(w, verdict_of(contour >= .5), "fc1 and fc2 keep rough contours", "by eye",
                 "the same correlation at least %.2f (0.5)", contour);
    return true;
}

/* ---- Fig. 3 and 4 ---- */

enum { MOST_LAYERS = 10, NETS = 2 };

static const char *const nets[NETS] = {"ranVGG", "VGG"};

/* Which of the layers the trained network has. */
static int layers_within(const descriptor_file *vgg, const char *const *all, const char **out)
{
    int count = 0;
    for (int i = 0; i < MOST_LAYERS && all[i]; i++)
        if (reaches(vgg, all[i])) out[count++] = all[i];
    return count;
}

/* One count of comparisons and in how many of them ranVGG is nearer. */
typedef struct contest {
    int all, features, pixels;
} contest;

static void claim_contest(figure_work *w, contest c)
{
    figure_claim(w, verdict_of(c.pixels == c.all), "ranVGG gives the picture back better than VGG", "by eye",
                 "nearer in pixels in %d of %d pairs", c.pixels, c.all);
    figure_claim(w, verdict_of(c.features == c.all), "its features are met more closely", "by eye",
                 "less of the loss is left in %d of %d pairs", c.features, c.all);
}

/* The points of a config, one content each, at some layers: rows of ranVGG and, below each, of VGG. */
static bool compare(figure_work *w, const char *config, const char *const *all, nx_error *err)
{
    descriptor_file vgg;
    const char *layers[MOST_LAYERS];
    double off[NETS], left[NETS];
    if (!trained_vgg(w, &vgg, err)) return false;
    int count = layers_within(&vgg, all, layers);
    contest c = {0};
    page_column(figure_page(w), 0, "picture");
    for (int l = 0; l < count; l++) {
        const sweep_points *p[NETS] = {0};
        for (int net = 0; net < NETS; net++)
            if (!(p[net] = runs_at(w, config, layers[l], &vgg, !net, "", err))) return false;
        char *name = paper_layer(layers[l]);
        page_column(figure_page(w), l + 1, name);
        free(name);
        for (size_t i = 0; i < p[0]->count; i++) {
            for (int net = 0; net < NETS; net++) {
                int row = NETS * (int)i + net;
                if (!l) page_row(figure_page(w), row, nets[net]);
                if (!show_inverted(w, row, l + 1, &p[net]->point[i], &off[net], &left[net], err)) return false;
            }
            c.all++;
            c.pixels += off[0] < off[1];
            c.features += left[0] < left[1];
        }
    }
    claim_contest(w, c);
    return true;
}

static bool one_picture(figure_work *w, nx_error *err)
{
    static const char *const layers[MOST_LAYERS] = {"relu1_2", "pool1",   "relu2_2", "pool2",   "relu3_1",
                                                    "pool3",   "relu4_1", "pool4",   "relu5_1", "pool5"};
    return compare(w, "fig3", layers, err);
}

static const char *const pools[MOST_LAYERS] = {"pool1", "pool2", "pool3", "pool4", "pool5"};

static bool three_pictures(figure_work *w, nx_error *err) { return compare(w, "fig4", pools, err); }

/* ---- Fig. 5 ---- */

/* The loss over its start, drawn; the first step at which it is at most `goal`, INFINITY where it never is. */
static bool convergence(figure_work *w, int chart, const char *label, const sweep_point *p, double goal, double *step,
                        nx_error *err)
{
    series s;
    char *metric = nx_format("content/%s", p->config->descriptor.content_layers.items[0]);
    bool fine = series_read_from(&s, p->path, metric, err);
    free(metric);
    if (!fine) return false;
    double *x = nx_alloc(s.rows * sizeof *x), *y = nx_alloc(s.rows * sizeof *y);
    *step = INFINITY;
    for (size_t i = 0; i < s.rows; i++) {
        x[i] = (double)s.step[i];
        y[i] = s.value[i] / s.value[0];
        if (y[i] <= goal && isinf(*step)) *step = x[i];
    }
    page_curve(figure_page(w), chart, label, x, y, s.rows);
    free(x);
    free(y);
    series_free(&s);
    return true;
}

static bool speed(figure_work *w, nx_error *err)
{
    static const char *const deepest[MOST_LAYERS] = {"relu2_2", "relu3_1", "relu4_1", "relu5_1"};
    static const int64_t shown[] = {10, 20, 50, 100};
    enum { SHOWN = sizeof shown / sizeof *shown, GOAL_STEPS = 100 };
    const double goal = 1e-3;
    descriptor_file vgg;
    const char *layers[MOST_LAYERS];
    if (!trained_vgg(w, &vgg, err)) return false;
    int count = layers_within(&vgg, deepest, layers);
    if (!count) return nx_fail(err, "%s ends before conv2_2: nothing to compare", trained_weights(w));
    const char *layer = layers[count - 1];
    char *name = paper_layer(layer), *title = nx_format("reconstruction from %s", name);
    int chart =
        page_chart(figure_page(w), (page_axes){.title = title, .x = "step", .y = "loss / at first", .log_y = true});
    double slowest = 0, ratio = 0;
    const sweep_points *p[NETS] = {0};
    bool fine = true;
    for (int net = 0; fine && net < NETS; net++)
        fine = (p[net] = runs_at(w, "fig5", layer, &vgg, !net, "", err)) != NULL;
    int columns = 1;
    page_column(figure_page(w), 0, "picture");
    for (int k = 0; fine && k < SHOWN && shown[k] < p[0]->point[0].config->experiment.steps; k++) {
        char *column = nx_format("step %d", (int)shown[k]);
        page_column(figure_page(w), columns++, column);
        free(column);
    }
    page_column(figure_page(w), columns, "last");
    for (size_t i = 0; fine && i < p[0]->count; i++) {
        double step[NETS];
        for (int net = 0; fine && net < NETS; net++) {
            const sweep_point *q = &p[net]->point[i];
            int row = NETS * (int)i + net;
            double off, left;
            char *label = nx_format("%s, picture %zu", nets[net], i + 1);
            page_row(figure_page(w), row, nets[net]);
            fine = convergence(w, chart, label, q, goal, &step[net], err) &&
                   show_inverted(w, row, columns, q, &off, &left, err);
            free(label);
            for (int k = 0; fine && k + 1 < columns; k++) {
                nx_image image;
                if (!(fine = figure_image_at(q->path, "picture", shown[k], &image, err))) break;
                page_picture(figure_page(w), row, k + 1, &image, NULL);
                nx_image_free(&image);
            }
        }
        if (!fine) break;
        slowest = fmax(slowest, step[0]);
        ratio = fmax(ratio, isinf(step[0]) ? INFINITY : isinf(step[1]) ? 0 : step[0] / step[1]);
    }
    free(title);
    free(name);
    if (!fine) return false;
    char *after = isinf(slowest) ? nx_copy_text("all steps leave more than a thousandth of the loss")
                                 : nx_format("a thousandth of the loss is left after %.0f", slowest);
    char *part = isinf(ratio) ? nx_copy_text("it does not get there") : nx_format("%.2f of VGG's steps", ratio);
    figure_claim(w, verdict_of(slowest <= GOAL_STEPS), "ranVGG converges within 100 steps", "100 steps", "%s", after);
    figure_claim(w, verdict_of(ratio <= .5), "much quicker than VGG, which 2000 steps do not help",
                 "100 against over 2000 steps", "%s (at most 0.5)", part);
    free(after), free(part);
    return true;
}

/* ---- Fig. 6 ---- */

/* Between the quartiles; sorts. */
static double spread(double *values, size_t count)
{
    nx_sort(values, count);
    return nx_quantile(values, count, .75) - nx_quantile(values, count, .25);
}

static bool variations(figure_work *w, nx_error *err)
{
    enum { PLAIN, STACKED, VGG, KINDS, SEEDS = 32 };
    static const char *const names[] = {"random", "stacked", "VGG"}, *const all[MOST_LAYERS] = {
                                                                         "pool1", "pool2", "relu3_1", "pool3", "pool4"};
    const char *layers[MOST_LAYERS];
    descriptor_file vgg;
    if (!trained_vgg(w, &vgg, err)) return false;
    int count = layers_within(&vgg, all, layers);
    int chart = page_chart(
        figure_page(w),
        (page_axes){.title = "ten draws", .x = "layer: 1 pool1, 2 pool2, 3 conv3_1 ...", .y = "off by, grey levels"});
    double spreads[KINDS] = {0}, means[KINDS] = {0};
    page_column(figure_page(w), 0, "picture");
    for (int l = 0; l < count; l++) {
        char *name = paper_layer(layers[l]);
        page_column(figure_page(w), l + 1, name);
        free(name);
        for (int net = 0; net < KINDS; net++) {
            double off[SEEDS], left;
            const sweep_points *p =
                runs_at(w, "fig6", layers[l], &vgg, net != VGG, net == PLAIN ? " descriptor.stacked=0" : "", err);
            if (!p) return false;
            size_t n = p->count < SEEDS ? p->count : SEEDS;
            for (size_t i = 0; i < n; i++) {
                inverted v;
                if (!inverted_read(&p->point[i], &v, err)) return false;
                off[i] = v.off;
                inverted_free(&v);
            }
            if (!show_inverted(w, net, l + 1, &p->point[0], &off[0], &left, err)) return false;
            if (!l) page_row(figure_page(w), net, names[net]);
            page_box(figure_page(w), chart, names[net], l + 1 + .25 * (net - 1), off, n);
            for (size_t i = 0; i < n; i++) means[net] += off[i] / (double)n / count;
            spreads[net] += spread(off, n) / count;
        }
    }
    figure_claim(w, verdict_of(spreads[STACKED] < spreads[PLAIN]), "stacked weights vary less than purely random ones",
                 "by eye", "between quartiles %.3g against %.3g, mean over layers", spreads[STACKED], spreads[PLAIN]);
    figure_claim(w, verdict_of(means[STACKED] < means[PLAIN]), "and are nearer", "by eye",
                 "off by %.3g against %.3g, mean over layers", means[STACKED], means[PLAIN]);
    figure_claim(w, verdict_of(means[PLAIN] < means[VGG] && means[STACKED] < means[VGG]), "both are nearer than VGG",
                 "by eye", "VGG is off by %.3g", means[VGG]);
    return true;
}

/* ---- Fig. 7 ---- */

static bool distances(figure_work *w, nx_error *err)
{
    enum { POOLS = 5, MOST = 8 };
    double off[MOST][POOLS], left, x[POOLS], mean[POOLS] = {0};
    size_t pictures = 0;
    for (int l = 0; l < POOLS; l++) {
        char *changes = nx_format("descriptor.content_layers=%s descriptor.weights=random", pools[l]);
        const sweep_points *p = figure_run(w, "fig4", changes, err);
        free(changes);
        if (!p) return false;
        x[l] = l + 1;
        page_column(figure_page(w), l + 1, pools[l]);
        pictures = p->count < MOST ? p->count : MOST;
        for (size_t i = 0; i < pictures; i++) {
            if (!show_inverted(w, (int)i, l + 1, &p->point[i], &off[i][l], &left, err)) return false;
            mean[l] += off[i][l] / (double)pictures;
        }
    }
    page_column(figure_page(w), 0, "picture");
    int chart = page_chart(figure_page(w), (page_axes){.x = "pool", .y = "off by, grey levels"});
    for (size_t i = 0; i < pictures; i++) {
        char *label = nx_format("picture %zu", i + 1);
        page_curve(figure_page(w), chart, label, x, off[i], POOLS);
        free(label);
    }
    bool rises = true;
    for (int l = 1; l < POOLS; l++) rises = rises && mean[l] >= mean[l - 1];
    figure_claim(w, verdict_of(rises), "mean distances do not fall with depth", "by eye",
                 "%.1f, %.1f, %.1f, %.1f, %.1f from pool1 to pool5", mean[0], mean[1], mean[2], mean[3], mean[4]);
    return true;
}

/* ---- Fig. 8 ---- */

/* What is left of a texture's losses over what the noise had: the mean over all layers, also those without a weight, or
 * the deepest. */
static bool style_left(const sweep_point *p, bool deepest, double *out, nx_error *err)
{
    const config_list *layers = &p->config->descriptor.style_layers;
    *out = 0;
    for (int i = deepest ? layers->count - 1 : 0; i < layers->count; i++) {
        double first, last;
        char *metric = nx_format("style/%s", layers->items[i]);
        bool fine = figure_first(p->path, metric, &first, err) && figure_metric(p->path, metric, &last, err);
        free(metric);
        if (!fine) return false;
        *out += last / first / (deepest ? 1 : layers->count);
    }
    return true;
}

static bool show_texture(figure_work *w, int row, int column, const sweep_point *p, const char *caption, nx_error *err)
{
    return figure_picture(w, row, column, p->path, "picture", caption, err);
}

/* The style picture as large as what was made of it. */
static bool show_style(figure_work *w, int row, int column, const sweep_point *p, nx_error *err)
{
    nx_image made, style;
    if (!figure_image(p->path, "picture", &made, err)) return false;
    bool fine = read_source(p->config->data.style, &made, &style, err);
    nx_image_free(&made);
    if (!fine) return false;
    page_picture(figure_page(w), row, column, &style, NULL);
    nx_image_free(&style);
    return true;
}

typedef const char *path_of_point(const sweep_point *p);

/* The first point with the same picture. */
static size_t first_of(const sweep_points *p, size_t i, path_of_point *path_of)
{
    size_t k = 0;
    while (strcmp(path_of(&p->point[k]), path_of(&p->point[i]))) k++;
    return k;
}

/* Its picture's number among the different ones, in their order. */
static int number_of(const sweep_points *p, size_t i, path_of_point *path_of)
{
    int number = 0;
    for (size_t k = 0; k < first_of(p, i, path_of); k++) number += first_of(p, k, path_of) == k;
    return number;
}

static const char *style_of(const sweep_point *p) { return p->config->data.style; }
static const char *content_of(const sweep_point *p) { return p->config->data.content.items[0]; }

static int weighted_layers(const config *c)
{
    int count = 0, layers = c->descriptor.style_layers.count;
    for (int i = 0; i < layers; i++) count += config_layer_weight(&c->loss.style_layer_weights, i, layers) > 0;
    return count;
}

static bool textures(figure_work *w, nx_error *err)
{
    enum { ROWS = 4, MOST = 8 };
    static const char *const rows[] = {"conv1_1", "+ conv2_1", "+ conv3_1", "+ conv4_1", "source", "VGG"};
    const sweep_points *p = figure_run(w, "fig8", "descriptor.weights=random", err);
    double left[ROWS][MOST] = {0}, mean[ROWS] = {0};
    descriptor_file vgg;
    int columns = 0, falls = 0;
    if (!p || !trained_vgg(w, &vgg, err)) return false;
    for (int i = 0; i < 5; i++) page_row(figure_page(w), i, rows[i]);
    for (size_t i = 0; i < p->count; i++) {
        const sweep_point *q = &p->point[i];
        int row = weighted_layers(q->config) - 1, column = number_of(p, i, style_of);
        if (row < 0 || row >= ROWS || column >= MOST) return nx_fail(err, "fig8 has at most 4 layers and 8 textures");
        if (!style_left(q, false, &left[row][column], err)) return false;
        char *caption = nx_format("%.2g of E left", left[row][column]);
        bool fine = show_texture(w, row, column, q, caption, err) && (row || show_style(w, ROWS, column, q, err));
        free(caption);
        if (!fine) return false;
        if (column >= columns) columns = column + 1;
    }
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < columns; column++) mean[row] += left[row][column] / columns;
    for (int row = 1; row < ROWS; row++) falls += mean[row] < mean[row - 1];
    figure_claim(w, verdict_of(falls == 3), "each layer more brings the texture nearer at all four layers", "by eye",
                 "%.2g, %.2g, %.2g, %.2g of E left, falls in %d of 3", mean[0], mean[1], mean[2], mean[3], falls);
    if (!reaches(&vgg, "relu4_1")) return true;
    if (!(p = trained_runs(w, "fig8", "loss.convention=relative loss.style_layer_weights=mean", err))) return false;
    page_row(figure_page(w), ROWS + 1, rows[ROWS + 1]);
    for (size_t i = 0; i < p->count; i++)
        if (!show_texture(w, ROWS + 1, (int)i, &p->point[i], NULL, err)) return false;
    return true;
}

/* ---- Fig. 9 and 10 ---- */

/* What is left of a transfer's content and style losses over what the noise had. */
static bool transfer_left(const sweep_point *p, double *content, double *style, nx_error *err)
{
    double first[2], last[2];
    if (!figure_first(p->path, "content", &first[0], err) || !figure_metric(p->path, "content", &last[0], err) ||
        !figure_first(p->path, "style", &first[1], err) || !figure_metric(p->path, "style", &last[1], err))
        return false;
    *content = fmax(*content, last[0] / first[0]);
    *style = fmax(*style, last[1] / first[1]);
    return true;
}

/* Rows of transfers from `top` on, one a content, with the styles above and the contents in column 0. Gives the most
 * that is left of each loss. */
static bool show_transfers(figure_work *w, const sweep_points *p, int top, const char *label, double *content,
                           double *style, nx_error *err)
{
    *content = *style = 0;
    for (size_t i = 0; p && i < p->count; i++) {
        const sweep_point *q = &p->point[i];
        int row = top + number_of(p, i, content_of), column = number_of(p, i, style_of) + 1;
        nx_image made, photo;
        if (column == 1) page_row(figure_page(w), row, label);
        if (!transfer_left(q, content, style, err) || !figure_image(q->path, "picture", &made, err)) return false;
        page_picture(figure_page(w), row, column, &made, NULL);
        bool fine = read_source(content_of(q), &made, &photo, err);
        nx_image_free(&made);
        if (!fine) return false;
        if (column == 1) page_picture(figure_page(w), row, 0, &photo, NULL);
        nx_image_free(&photo);
        if (row == 1 && !show_style(w, 0, column, q, err)) return false;
    }
    return p != NULL;
}

static bool five_styles(figure_work *w, nx_error *err)
{
    static const char transfer[] = "loss.convention=relative loss.content_weight=1 descriptor.content_layers=relu4_2";
    double content[3], style[3];
    descriptor_file vgg;
    page_row(figure_page(w), 0, "style");
    if (!trained_vgg(w, &vgg, err) ||
        !show_transfers(w, figure_run(w, "fig9", "descriptor.weights=random", err), 1, "100 : 1", &content[0],
                        &style[0], err) ||
        !show_transfers(w, figure_run(w, "fig9", "descriptor.weights=random loss.content_weight=1", err), 2, "1 : 1",
                        &content[1], &style[1], err))
        return false;
    if (reaches(&vgg, "relu5_1") &&
        !show_transfers(w, trained_runs(w, "fig9", transfer, err), 3, "VGG", &content[2], &style[2], err))
        return false;
    static const char *const ratios[] = {"100 : 1 keeps the content and meets the style", "1 : 1 does"};
    for (int i = 0; i < 2; i++)
        figure_claim(w, verdict_of(content[i] <= .2 && style[i] <= .2), ratios[i], i ? "-" : "by eye",
                     "of their losses at most %.2g and %.2g are left (at most 0.2)", content[i], style[i]);
    return true;
}

static bool landscapes(figure_work *w, nx_error *err)
{
    double content, style;
    page_row(figure_page(w), 0, "style");
    if (!show_transfers(w, figure_run(w, "fig10", "descriptor.weights=random loss.content_weight=1", err), 1, "1 : 1",
                        &content, &style, err))
        return false;
    figure_claim(w, verdict_of(content <= .2 && style <= .2), "landscapes keep their content and meet the style",
                 "by eye", "of their losses at most %.2g and %.2g are left (at most 0.2)", content, style);
    return true;
}

/* ---- the contrary result ---- */

/* Noise is what an optimiser leaves whose tolerance is absolute, as the config has it: without weights the gradient is
 * within it from the start. The last form is without one. */
static bool contrary(figure_work *w, nx_error *err)
{
    enum { WEIGHTED, PRINTED, UNWEIGHTED, NO_TOLERANCE, FORMS };
    static const struct {
        const char *name, *changes;
    } forms[FORMS] = {
        [WEIGHTED] = {"weighted", "loss.balance=mean"},
        [PRINTED] = {"as printed", "loss.balance=literal"},
        [UNWEIGHTED] = {"unweighted", "loss.balance=none descriptor.rescale=false"},
        [NO_TOLERANCE] = {"no tolerance", "loss.balance=none descriptor.rescale=false optimizer.tolerance=0"}};
    double left[FORMS], tolerance = 0;
    page_column(figure_page(w), 0, "source");
    for (int i = 0; i < FORMS; i++) {
        char *changes = nx_format("descriptor.weights=random %s", forms[i].changes);
        const sweep_points *p = figure_run(w, "contrary", changes, err);
        free(changes);
        if (!p || !style_left(&p->point[0], true, &left[i], err)) return false;
        char *caption = nx_format("%.2g left", left[i]);
        bool fine =
            show_texture(w, 0, i + 1, &p->point[0], caption, err) && (i || show_style(w, 0, 0, &p->point[0], err));
        free(caption);
        if (!fine) return false;
        page_column(figure_page(w), i + 1, forms[i].name);
        if (i == UNWEIGHTED) tolerance = p->point[0].config->optimizer.tolerance;
    }
    figure_claim(w, verdict_of(left[UNWEIGHTED] >= .5), "without weights of the layers random weights fail",
                 "noise (Gatys et al.)",
                 "%.2g of the deepest layer's loss is left (at least 0.5) where a gradient within %.2g ends a run",
                 left[UNWEIGHTED], tolerance);
    figure_claim(w, verdict_of(left[WEIGHTED] < .5), "with them they do not", "textures",
                 "%.2g of it is left, %.2g with the weights as printed (below 0.5)", left[WEIGHTED], left[PRINTED]);
    figure_claim(w, verdict_of(left[NO_TOLERANCE] >= .5), "without weights and without a tolerance they fail, too", "-",
                 "%.2g of it is left (at least 0.5)", left[NO_TOLERANCE]);
    return true;
}

static const figure figures[] = {
    {"fig2", "one picture from every layer of ranVGG", .make = every_layer},
    {"fig3", "from layers of ranVGG and of the trained VGG", .make = one_picture, .wants_vgg = true},
    {"fig4", "three pictures from pools of ranVGG and of the trained VGG", .make = three_pictures, .wants_vgg = true},
    {"fig5", "how fast a deep layer is inverted", .make = speed, .wants_vgg = true},
    {"fig6", "draws of random and of stacked weights", .make = variations},
    {"fig7", "distances over depth on ranVGG", .make = distances},
    {"fig8", "textures from one to four layers", .make = textures},
    {"fig9", "one photograph in five styles", .make = five_styles},
    {"fig10", "landscapes in the styles of paintings", .make = landscapes},
    {"contrary", "why random weights failed before", .make = contrary},
    {0},
};

const figure_paper random_weights_figures = {
    .name = "random_weights",
    .citation = "He, Wang, Hopcroft: A powerful generative model using random weights. NIPS 2016",
    .figures = figures,
};
