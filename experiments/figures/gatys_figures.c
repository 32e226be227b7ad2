/* Gatys, Ecker, Bethge: Image style transfer using convolutional neural networks. CVPR 2016. */
#include "figures/figure.h"

#include "base/memory.h"
#include "base/text.h"
#include "machine/measure.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what several figures do ---- */

/* A picture of the config, content or style, as large as what the run made. */
static bool source_of(const char *path, const nx_image *made, nx_image *out, nx_error *err)
{
    nx_image whole;
    if (!nx_image_load(&whole, path, err)) return false;
    *out = nx_image_resize(&whole, made->height, made->width, NX_BICUBIC);
    nx_image_free(&whole);
    return true;
}

static const char *content_of(const sweep_point *p) { return p->config->data.content.items[0]; }
static const char *style_of(const sweep_point *p) { return p->config->data.style; }

/* The picture that a run made and the one at `path`, as large. */
static bool made_and_source(const sweep_point *p, const char *path, nx_image *made, nx_image *source, nx_error *err)
{
    if (!figure_image(p->path, "picture", made, err)) return false;
    if (source_of(path, made, source, err)) return true;
    nx_image_free(made);
    return false;
}

/* The config's own pictures beside what the runs make of them. */
static bool show_content(figure_work *w, int row, int column, const sweep_point *p, nx_error *err)
{
    return figure_show(w, row, column, content_of(p), p->config->data.size, "content", err);
}

/* Three quarters of its size: a portrait is then no higher than a landscape beside it. */
static bool show_style(figure_work *w, int row, int column, const sweep_point *p, nx_error *err)
{
    return figure_show(w, row, column, style_of(p), config_style_size(p->config) * 3 / 4, "style", err);
}

/* What is left of both losses: content as its layer's mean square, style as the sum over layers. */
typedef struct losses {
    double content, style;
} losses;

static bool losses_of(const sweep_point *p, losses *out, nx_error *err)
{
    char *content = nx_format("content/%s", p->config->descriptor.content_layers.items[0]);
    bool fine =
        figure_metric(p->path, content, &out->content, err) && figure_metric(p->path, "style", &out->style, err);
    out->style /= p->config->loss.style_weight;
    free(content);
    return fine;
}

/* A picture with its losses below: D of the content, E of the style, as in the text. */
static bool show_made(figure_work *w, int row, int column, const sweep_point *p, losses l, nx_error *err)
{
    char *caption = nx_format("D %.2g  E %.2g", l.content, l.style);
    bool fine = figure_picture(w, row, column, p->path, "picture", caption, err);
    free(caption);
    return fine;
}

/* ---- Fig. 1 ---- */

/* layer: "relu4_2" as the paper has it, "conv4_2". */
static char *paper_layer(const char *layer) { return nx_format("conv%s", layer + strlen("relu")); }

static bool reconstruct_content(figure_work *w, nx_error *err)
{
    enum { MOST = 8 };
    const sweep_points *p = figure_run(w, "fig1_content", NULL, err);
    if (!p) return false;
    double off[MOST];
    bool rises = true;
    size_t n = p->count < MOST ? p->count : MOST;
    page_row(figure_page(w), 0, "content");
    for (size_t i = 0; i < n; i++) {
        nx_image made, source;
        if (!made_and_source(&p->point[i], content_of(&p->point[i]), &made, &source, err)) return false;
        off[i] = image_distance(&made, &source);
        rises = rises && (!i || off[i] > off[i - 1]);
        char *caption = nx_format("off by %.1f", off[i]),
             *column = paper_layer(p->point[i].config->descriptor.content_layers.items[0]);
        page_column(figure_page(w), (int)i + 1, column);
        page_picture(figure_page(w), 0, (int)i + 1, &made, caption);
        if (!i) page_picture(figure_page(w), 0, 0, &source, "content");
        nx_image_free(&made), nx_image_free(&source);
        free(caption), free(column);
    }
    figure_claim(w, verdict_of(rises), "deeper layers keep fewer pixels: distance to the photograph grows", "by eye",
                 "%.1f to %.1f grey levels, %s", off[0], off[n - 1], rises ? "each larger" : "not each larger");
    return true;
}

static bool reconstruct_style(figure_work *w, nx_error *err)
{
    const sweep_points *p = figure_run(w, "fig1_style", NULL, err);
    if (!p) return false;
    double closest = INFINITY, most_left = 0;
    page_row(figure_page(w), 1, "style");
    for (size_t i = 0; i < p->count; i++) {
        nx_image made, source;
        double first, last;
        if (!figure_first(p->point[i].path, "style", &first, err) ||
            !figure_metric(p->point[i].path, "style", &last, err) ||
            !made_and_source(&p->point[i], style_of(&p->point[i]), &made, &source, err))
            return false;
        closest = fmin(closest, image_distance(&made, &source) / image_contrast(&source));
        most_left = fmax(most_left, last / first);
        const config_list *layers = &p->point[i].config->descriptor.style_layers;
        char *deepest = paper_layer(layers->items[layers->count - 1]),
             *caption = nx_format("%s%s", layers->count > 1 ? "up to " : "", deepest);
        page_picture(figure_page(w), 1, (int)i + 1, &made, caption);
        if (!i) page_picture(figure_page(w), 1, 0, &source, "style");
        nx_image_free(&made), nx_image_free(&source);
        free(caption), free(deepest);
    }
    figure_claim(w, verdict_of(closest >= .5), "style reconstructions lose the arrangement", "by eye",
                 "at least %.2f of the painting's contrast away from it (at least 0.5)", closest);
    figure_claim(w, verdict_of(most_left <= .01), "they match the Gram matrices", "-",
                 "%.2g of the loss left at most (at most 0.01)", most_left);
    return true;
}

static bool reconstructions(figure_work *w, nx_error *err)
{
    return reconstruct_content(w, err) && reconstruct_style(w, err);
}

/* ---- Fig. 3 ---- */

static bool styles(figure_work *w, nx_error *err)
{
    const sweep_points *both = figure_run(w, "fig3", NULL, err),
                       *pure = both ? figure_run(w, "fig3", "loss.content_weight=0", err) : NULL,
                       *start = pure ? figure_run(w, "fig3",
                                                  "loss.content_weight=0 data.init=content experiment.steps=0", err)
                                     : NULL;
    if (!start) return false;
    double most_style = 0, most_content = 0;
    page_row(figure_page(w), 0, "style"), page_row(figure_page(w), 1, "result"),
        page_row(figure_page(w), 2, "style only");
    if (!show_content(w, 1, 0, &both->point[0], err)) return false;
    for (size_t i = 0; i < both->count; i++) {
        const sweep_point *p = &both->point[i];
        losses l, without, before;
        if (!losses_of(p, &l, err) || !losses_of(&pure->point[i], &without, err) ||
            !losses_of(&start->point[i], &before, err) || !show_style(w, 0, (int)i + 1, p, err) ||
            !show_made(w, 1, (int)i + 1, p, l, err) || !show_made(w, 2, (int)i + 1, &pure->point[i], without, err))
            return false;
        most_style = fmax(most_style, l.style / before.style);
        most_content = fmax(most_content, l.content / without.content);
    }
    figure_claim(w, verdict_trained(w, most_style <= .05),
                 "the style is taken over: its loss against that of the content", "by eye",
                 "%.3g at most (at most 0.05)", most_style);
    figure_claim(w, verdict_trained(w, most_content <= .5), "the content is kept: its loss against that of style alone",
                 "by eye", "%.3g at most (at most 0.5)", most_content);
    return true;
}

/* ---- Fig. 4 ---- */

static bool ratios(figure_work *w, nx_error *err)
{
    enum { MOST = 16 };
    const sweep_points *p = figure_run(w, "fig4", NULL, err);
    if (!p) return false;
    losses l[MOST];
    double content[MOST], style[MOST];
    bool falls = true, rises = true;
    size_t n = p->count < MOST ? p->count : MOST;
    page_row(figure_page(w), 0, "result");
    for (size_t i = 0; i < n; i++) {
        char *ratio = nx_format("alpha / beta = %.0e", p->point[i].config->loss.content_weight);
        page_column(figure_page(w), (int)i, ratio);
        free(ratio);
        if (!losses_of(&p->point[i], &l[i], err) || !show_made(w, 0, (int)i, &p->point[i], l[i], err)) return false;
        content[i] = l[i].content, style[i] = l[i].style;
        falls = falls && (!i || content[i] < content[i - 1]);
        rises = rises && (!i || style[i] > style[i - 1]);
    }
    if (!show_content(w, 1, 0, &p->point[0], err) || !show_style(w, 1, 1, &p->point[0], err)) return false;
    int chart = page_chart(figure_page(w),
                           (page_axes){.x = "style loss E", .y = "content loss D", .log_x = true, .log_y = true});
    page_curve(figure_page(w), chart, "along the ratios", style, content, n);
    figure_claim(w, verdict_trained(w, falls), "content loss falls at each step of the ratio", "by eye",
                 "%.3g to %.3g, %s", content[0], content[n - 1], falls ? "at each" : "not at each");
    figure_claim(w, verdict_trained(w, rises), "style loss rises at each step of the ratio", "by eye",
                 "%.3g to %.3g, %s", style[0], style[n - 1], rises ? "at each" : "not at each");
    return true;
}

/* ---- Fig. 5 ---- */

static bool content_layers(figure_work *w, nx_error *err)
{
    const sweep_points *p = figure_run(w, "fig5", NULL, err);
    if (!p) return false;
    double edges[2];
    losses l[2];
    for (int i = 0; i < 2; i++) {
        nx_image made, source;
        char *column = paper_layer(p->point[i].config->descriptor.content_layers.items[0]);
        page_column(figure_page(w), i + 1, column);
        free(column);
        if (!losses_of(&p->point[i], &l[i], err) ||
            !made_and_source(&p->point[i], content_of(&p->point[i]), &made, &source, err))
            return false;
        edges[i] = image_edges(&made, &source);
        char *caption = nx_format("edges %.2f  E %.2g", edges[i], l[i].style);
        page_picture(figure_page(w), 0, i + 1, &made, caption);
        if (!i) page_picture(figure_page(w), 0, 0, &source, "content");
        nx_image_free(&made), nx_image_free(&source);
        free(caption);
    }
    if (!show_style(w, 0, 3, &p->point[0], err)) return false;
    figure_claim(w, verdict_trained(w, edges[0] > edges[1]), "conv2_2 keeps more of the drawing: correlation of edges",
                 "by eye", "%.3f against %.3f", edges[0], edges[1]);
    figure_claim(w, verdict_trained(w, l[0].style > l[1].style), "conv4_2 takes on more of the style: its loss",
                 "by eye", "%.3g against %.3g", l[1].style, l[0].style);
    return true;
}

/* ---- Fig. 6 ---- */

/* Whether two runs made the same bytes. */
static bool same_picture(const char *a, const char *b, bool *same, nx_error *err)
{
    nx_image one, two;
    if (!figure_image(a, "picture", &one, err)) return false;
    bool fine = figure_image(b, "picture", &two, err);
    if (fine) {
        size_t bytes = (size_t)one.height * (size_t)one.width * 3 * sizeof *one.rgb;
        *same = one.height == two.height && one.width == two.width && !memcmp(one.rgb, two.rgb, bytes);
        nx_image_free(&two);
    }
    nx_image_free(&one);
    return fine;
}

/* The least distance between pictures that began with different noise. */
static bool noise_distance(const sweep_points *p, size_t first, double *least, nx_error *err)
{
    bool fine = true;
    *least = INFINITY;
    for (size_t i = first; fine && i < p->count; i++)
        for (size_t k = first; fine && k < i; k++) {
            nx_image a, b = {0};
            if (!figure_image(p->point[i].path, "picture", &a, err)) return false;
            fine = figure_image(p->point[k].path, "picture", &b, err);
            if (fine) *least = fmin(*least, image_distance(&a, &b));
            nx_image_free(&a);
            nx_image_free(&b);
        }
    return fine;
}

static bool initialisations(figure_work *w, nx_error *err)
{
    enum { INITS = 2 }; /* content and style, before the noises; no random number plays a part in them */
    static const char *const again[INITS] = {"data.init=content experiment.seed=9",
                                             "data.init=style experiment.seed=9"};
    const sweep_points *p = figure_run(w, "fig6", NULL, err);
    if (!p) return false;
    double low = INFINITY, high = 0, sum = 0, least;
    for (size_t i = 0; i < p->count; i++) {
        double total;
        const config *c = p->point[i].config;
        if (!figure_metric(p->point[i].path, "total", &total, err)) return false;
        low = fmin(low, total), high = fmax(high, total), sum += total / (double)p->count;
        char *column =
                 i < INITS ? nx_format("from the %s", c->data.init) : nx_format("from noise %d", c->experiment.seed),
             *caption = nx_format("loss %.4g", total);
        page_column(figure_page(w), (int)i, column);
        bool fine = figure_picture(w, 0, (int)i, p->point[i].path, "picture", caption, err);
        free(column), free(caption);
        if (!fine) return false;
    }
    bool same = true;
    for (int i = 0; i < INITS; i++) {
        bool one;
        const sweep_points *q = figure_run(w, "fig6", again[i], err);
        if (!q || !same_picture(p->point[i].path, q->point[0].path, &one, err)) return false;
        same = same && one;
    }
    if (!noise_distance(p, INITS, &least, err)) return false;
    double spread = fmax(high - sum, sum - low) / sum;
    figure_claim(w, verdict_trained(w, spread <= .1), "where it starts hardly matters: final losses around their mean",
                 "no strong effect", "within %.1f %% (at most 10 %%)", 100 * spread);
    figure_claim(w, verdict_of(least > 0), "each noise gives another picture", "an arbitrary number",
                 "at least %.1f grey levels apart", least);
    figure_claim(w, verdict_of(same), "from content or style the result is always the same", "deterministic",
                 "%s, bit by bit, with another seed", same ? "the same" : "different");
    return true;
}

/* ---- Fig. 7 ---- */

static bool photographs(figure_work *w, nx_error *err)
{
    const sweep_points *p = figure_run(w, "fig7", NULL, err);
    losses l[2];
    if (!p) return false;
    if (!show_content(w, 0, 0, &p->point[0], err) || !show_style(w, 0, 1, &p->point[0], err)) return false;
    for (int i = 0; i < 2; i++) {
        char *column = nx_format("alpha / beta = %.0e", p->point[i].config->loss.content_weight);
        page_column(figure_page(w), i + 2, column);
        free(column);
        if (!losses_of(&p->point[i], &l[i], err) || !show_made(w, 0, i + 2, &p->point[i], l[i], err)) return false;
    }
    figure_claim(w, verdict_trained(w, l[0].content < l[1].content),
                 "ten times the ratio keeps more of the photograph: content loss", "photorealistic",
                 "%.3g against %.3g", l[0].content, l[1].content);
    return true;
}

/* ---- what it costs ---- */

/* Seconds between the rows of a run, the shortest: the others waited for something else. */
static bool step_seconds(const char *run, double *seconds, nx_error *err)
{
    series s;
    if (!series_read_from(&s, run, "total", err)) return false;
    *seconds = INFINITY;
    for (size_t i = 1; i < s.rows; i++)
        *seconds = fmin(*seconds, (s.time[i] - s.time[i - 1]) / (double)(s.step[i] - s.step[i - 1]));
    series_free(&s);
    return true;
}

static bool cost(figure_work *w, nx_error *err)
{
    enum { MOST = 16 };
    double pixels[MOST], seconds[MOST];
    const sweep_points *p = figure_run(w, "cost", NULL, err);
    if (!p) return false;
    size_t n = p->count < MOST ? p->count : MOST;
    for (size_t i = 0; i < n; i++) {
        nx_image image;
        if (!figure_image(p->point[i].path, "picture", &image, err)) return false;
        pixels[i] = (double)image.height * image.width;
        nx_image_free(&image);
        if (!step_seconds(p->point[i].path, &seconds[i], err)) return false;
    }
    int chart = page_chart(figure_page(w),
                           (page_axes){.x = "pixels", .y = "seconds an evaluation", .log_x = true, .log_y = true});
    page_curve(figure_page(w), chart, "measured", pixels, seconds, n);
    double power = measure_power(pixels, seconds, n);
    figure_claim(w, verdict_of(fabs(power - 1) <= .1), "time grows with the number of pixels: power of it", "linear",
                 "%.2f (0.9 to 1.1); 2000 evaluations at %.0f pixels: %.1f min", power, pixels[n - 1],
                 2000 * seconds[n - 1] / 60);
    return true;
}

static const figure figures[] = {
    {"fig1", "reconstructions of content and of style, layer by layer", .make = reconstructions},
    {"fig3", "one photograph in five styles", .make = styles, .wants_vgg = true},
    {"fig4", "the ratio of content to style", .make = ratios, .wants_vgg = true},
    {"fig5", "content of a low and of a high layer", .make = content_layers, .wants_vgg = true},
    {"fig6", "where the picture starts", .make = initialisations, .wants_vgg = true},
    {"fig7", "the style of a photograph", .make = photographs, .wants_vgg = true},
    {"cost", "seconds against pixels", .make = cost},
    {0},
};

const figure_paper gatys_figures = {
    .name = "gatys",
    .citation = "Gatys, Ecker, Bethge: Image style transfer using convolutional neural networks. CVPR 2016",
    .figures = figures,
};
