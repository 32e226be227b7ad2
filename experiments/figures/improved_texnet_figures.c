/* Ulyanov, Vedaldi, Lempitsky: Improved texture networks: maximizing quality and diversity in feed-forward stylization
 * and texture synthesis. CVPR 2017.
 *
 * Figures 2, 3 and 4 look at the same four trainings of StyleNet, figures 5 and 7 at the same ones of TextureNet V2. */
#include "figures/figure.h"
#include "figures/trained_generator.h"

#include "base/memory.h"
#include "base/text.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const generator_options as_trained = {.seed = 1, .noise_scale = GENERATOR_NOISE_AS_TRAINED};

/* Pixels of the longer side of pictures that are stylized. */
static int stylized_side(const figure_work *w)
{
    static const int sides[] = {[SCALE_PAPER] = 512, [SCALE_LAPTOP] = 192, [SCALE_CI] = 128};
    return sides[figure_scale(w)];
}

/* ---- StyleNet with four normalizations ---- */

enum { NORMS = 4 };

/* In the order of the paper's panels; the config's sweep has the same. */
static const struct {
    config_norm norm;
    const char *label;
} norms[NORMS] = {{NORM_BATCH, "batch"},
                  {NORM_LRN_FIRST, "LRN at the input"},
                  {NORM_INSTANCE_FIRST, "instance at the input"},
                  {NORM_INSTANCE, "instance"}};
enum { BATCH, LRN_FIRST, INSTANCE_FIRST, INSTANCE };

/* The four runs, by their place in the table. */
static bool run_stylenets(figure_work *w, const sweep_point *nets[NORMS], nx_error *err)
{
    const sweep_points *p = figure_run(w, "stylenet", NULL, err);
    if (!p) return false;
    for (size_t k = 0; k < NORMS; k++) {
        nets[k] = NULL;
        for (size_t i = 0; i < p->count; i++)
            if (p->point[i].config->generator.norm == norms[k].norm) nets[k] = &p->point[i];
        if (!nets[k]) return nx_fail(err, "stylenet.ini: the sweep has no %s", norms[k].label);
    }
    return true;
}

/* Stylizes input and measures the result against content; onto the page where row is not negative. */
static bool stylize(figure_work *w, trained *t, const nx_image *input, const nx_image *content, int row, int column,
                    double *loss, nx_error *err)
{
    nx_image made;
    trained_loss losses = {0};
    if (!trained_apply(t, input, as_trained, &made, err)) return false;
    bool fine = trained_losses(t, &made, content, &losses, err);
    if (row >= 0) page_picture(figure_page(w), row, column, &made, NULL);
    nx_image_free(&made);
    *loss = losses.total;
    return fine;
}

/* Around the mean of each channel. */
static nx_image faded(const nx_image *image, double factor)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    nx_image out = nx_image_new(image->height, image->width);
    double mean[3] = {0};
    for (size_t i = 0; i < pixels * 3; i++) mean[i % 3] += image->rgb[i] / (double)pixels;
    for (size_t i = 0; i < pixels * 3; i++) out.rgb[i] = (float)(mean[i % 3] + factor * (image->rgb[i] - mean[i % 3]));
    return out;
}

/* Shows the style at the end of the first row. */
static bool show_style(figure_work *w, int column, const sweep_point *p, nx_error *err)
{
    nx_image style;
    if (!trained_style(p, &style, err)) return false;
    page_column(figure_page(w), column, "style");
    page_picture(figure_page(w), 0, column, &style, NULL);
    nx_image_free(&style);
    return true;
}

/* ---- Fig. 2 ---- */

enum { PHOTOS = 6, PHOTOS_SHOWN = 3, PHOTOS_FADED = 2 }; /* measured; of them on the page; and with less contrast */
static const double fading = 0.4;

/* Mean losses of a net over the photographs, with their contrast and with less. */
static bool measure_norm(figure_work *w, const sweep_point *p, int column, double *clear, double *dim, nx_error *err)
{
    trained *t;
    bool fine = trained_open(&t, p, NULL, err);
    *clear = *dim = 0;
    for (int k = 0; fine && k < PHOTOS; k++) {
        nx_image photo;
        double loss[2] = {0};
        if (!(fine = trained_content(p, (size_t)k, stylized_side(w), &photo, err))) break;
        nx_image pale = faded(&photo, fading);
        int row = k < PHOTOS_SHOWN ? k : -1, pale_row = k < PHOTOS_FADED ? PHOTOS_SHOWN + k : -1;
        if (column == 1 && row >= 0) page_picture(figure_page(w), row, 0, &photo, NULL);
        if (column == 1 && pale_row >= 0) page_picture(figure_page(w), pale_row, 0, &pale, NULL);
        fine = stylize(w, t, &photo, &photo, row, column, &loss[0], err) &&
               stylize(w, t, &pale, &photo, pale_row, column, &loss[1], err);
        *clear += loss[0] / PHOTOS;
        *dim += loss[1] / PHOTOS;
        nx_image_free(&photo);
        nx_image_free(&pale);
    }
    trained_free(t);
    return fine;
}

static bool normalizations(figure_work *w, nx_error *err)
{
    const sweep_point *nets[NORMS];
    double validation[NORMS], clear[NORMS], dim[NORMS], change[NORMS];
    if (!run_stylenets(w, nets, err)) return false;
    page_column(figure_page(w), 0, "content");
    for (int k = 0; k < PHOTOS_FADED; k++) page_row(figure_page(w), PHOTOS_SHOWN + k, "contrast x 0.4");
    for (int k = 0; k < NORMS; k++) {
        page_column(figure_page(w), 1 + k, norms[k].label);
        if (!figure_metric(nets[k]->path, "validation/total", &validation[k], err) ||
            !measure_norm(w, nets[k], 1 + k, &clear[k], &dim[k], err))
            return false;
        change[k] = fabs(dim[k] / clear[k] - 1);
    }
    if (!show_style(w, 1 + NORMS, nets[0], err)) return false;
    double ratio = validation[INSTANCE] / validation[BATCH], lrn = validation[LRN_FIRST] / validation[BATCH];
    figure_claim(w, verdict_trained(w, ratio <= .85), "validation loss, instance over batch", "about 0.5",
                 "%.3f (at most 0.85)", ratio);
    figure_claim(w, verdict_trained(w, fabs(lrn - 1) <= .1), "LRN at the input is like batch alone", "by eye",
                 "loss %.3f of batch's (0.9 to 1.1)", lrn);
    figure_claim(w, verdict_trained(w, dim[INSTANCE_FIRST] <= dim[BATCH]),
                 "less contrast: instance at the input below batch", "by eye", "%.4g against %.4g", dim[INSTANCE_FIRST],
                 dim[BATCH]);
    figure_claim(w, verdict_of(change[INSTANCE] <= .01 && change[INSTANCE_FIRST] <= .01),
                 "instance drops the input's contrast", "by design",
                 "loss changes by %.2f %%, at the input alone %.2f %% (at most 1 %%)", 100 * change[INSTANCE],
                 100 * change[INSTANCE_FIRST]);
    figure_claim(w, verdict_of(change[BATCH] > 5 * change[INSTANCE]), "batch does not", "by design",
                 "loss changes by %.1f %%", 100 * change[BATCH]);
    return true;
}

/* ---- Fig. 3 ---- */

/* Left: ln of the loss against the iteration, instance normalization below batch normalization. */
static bool learning_curves(figure_work *w, nx_error *err)
{
    static const int shown[] = {INSTANCE, BATCH};
    const sweep_point *nets[NORMS];
    double training[2], validation[2];
    if (!run_stylenets(w, nets, err)) return false;
    int chart = page_chart(figure_page(w), (page_axes){.title = "training", .x = "step", .y = "loss", .log_y = true});
    int other = page_chart(figure_page(w), (page_axes){.title = "validation", .x = "step", .y = "loss", .log_y = true});
    for (size_t i = 0; i < 2; i++) {
        const char *path = nets[shown[i]]->path, *label = norms[shown[i]].label;
        if (!figure_curve(w, chart, label, path, "total", false, err) ||
            !figure_curve(w, other, label, path, "validation/total", false, err) ||
            !figure_mean(path, "total", 5, &training[i], err) ||
            !figure_metric(path, "validation/total", &validation[i], err))
            return false;
    }
    double ratio = validation[0] / validation[1];
    figure_claim(w, verdict_trained(w, ratio <= .85), "validation loss, instance over batch", "about 0.5",
                 "%.3f (at most 0.85)", ratio);
    figure_claim(w, verdict_trained(w, training[0] <= .95 * training[1]), "training loss, instance over batch",
                 "below 1", "%.3f (at most 0.95)", training[0] / training[1]);
    return true;
}

enum { STARTS = 3 }; /* noise, and what two of the nets made */

typedef struct start {
    const char *label, *init; /* init: noise, or the file's name */
    int net;                  /* in the table of norms; -1: none */
    double first, last;       /* losses */
} start;

/* The net's stylization of the content, for the optimization to begin with. */
static bool save_start(const figure_work *w, const sweep_point *net, const nx_image *content, const char *name,
                       nx_error *err)
{
    trained *t;
    nx_image made = {0};
    char *path = figure_file(w, name);
    bool fine = trained_open(&t, net, NULL, err) && trained_apply(t, content, as_trained, &made, err) &&
                nx_image_save_png(&made, path, err);
    nx_image_free(&made);
    trained_free(t);
    free(path);
    return fine;
}

static bool finetune(figure_work *w, start *s, const char *content, int row, int chart, nx_error *err)
{
    char *init = s->net < 0 ? nx_copy_text(s->init) : figure_file(w, s->init);
    char *changes = nx_format("data.init=%s data.content=%s", init, content);
    const sweep_points *p = figure_run(w, "finetuning", changes, err);
    free(changes);
    bool fine = p && figure_first(p->point[0].path, "total", &s->first, err) &&
                figure_metric(p->point[0].path, "total", &s->last, err) &&
                figure_curve(w, chart, s->label, p->point[0].path, "total", false, err) &&
                figure_picture(w, row, 2, p->point[0].path, "picture", NULL, err);
    if (fine && s->net >= 0) {
        nx_image before;
        fine = nx_image_load(&before, init, err);
        if (fine) page_picture(figure_page(w), row, 1, &before, NULL);
        if (fine) nx_image_free(&before);
    }
    free(init);
    return fine;
}

/* Right: the same objective minimised from noise and from what the nets made. */
static bool finetuning(figure_work *w, nx_error *err)
{
    start starts[STARTS] = {{.label = "instance", .init = "finetuning-instance.png", .net = INSTANCE},
                            {.label = "batch", .init = "finetuning-batch.png", .net = BATCH},
                            {.label = "noise", .init = "noise", .net = -1}};
    const sweep_point *nets[NORMS];
    nx_image content;
    if (!run_stylenets(w, nets, err) || !trained_content(nets[0], 0, stylized_side(w), &content, err)) return false;
    char *path = figure_file(w, "finetuning-content.png");
    bool fine = nx_image_save_png(&content, path, err);
    page_column(figure_page(w), 0, "content, style");
    page_column(figure_page(w), 1, "the net's");
    page_column(figure_page(w), 2, "after optimization");
    page_picture(figure_page(w), 0, 0, &content, NULL);
    int chart = page_chart(figure_page(w), (page_axes){.x = "step", .y = "loss", .log_y = true});
    for (int i = 0; fine && i < STARTS; i++) {
        page_row(figure_page(w), i, starts[i].label);
        if (starts[i].net >= 0) fine = save_start(w, nets[starts[i].net], &content, starts[i].init, err);
        fine = fine && finetune(w, &starts[i], path, i, chart, err);
    }
    free(path);
    nx_image_free(&content);
    nx_image style;
    if (!fine || !trained_style(nets[0], &style, err)) return false;
    page_picture(figure_page(w), 1, 0, &style, NULL);
    nx_image_free(&style);
    const start *in = &starts[0], *bn = &starts[1], *noise = &starts[2];
    double high = fmax(in->last, fmax(bn->last, noise->last)), low = fmin(in->last, fmin(bn->last, noise->last));
    figure_claim(w, verdict_trained(w, noise->first > bn->first && bn->first > in->first),
                 "at the start noise above batch above instance", "16.2, 15.4, 14.9 (ln)", "%.4g, %.4g, %.4g",
                 noise->first, bn->first, in->first);
    figure_claim(w, verdict_trained(w, high <= 1.2 * low), "at the end all are alike", "about 13.5 (ln)",
                 "%.4g, %.4g, %.4g (within 20 %%)", noise->last, bn->last, in->last);
    figure_claim(w, verdict_trained(w, in->last / in->first > bn->last / bn->first),
                 "instance has less to gain than batch", "by eye", "to %.3f and %.3f of the start",
                 in->last / in->first, bn->last / bn->first);
    return true;
}

/* ---- Fig. 4 ---- */

enum { LARGE_PHOTOS = 5, LESS_LARGE = 3 }; /* the first ones at half the size of the others */

static bool large_column(figure_work *w, const sweep_point *p, int column, double loss[LARGE_PHOTOS], nx_error *err)
{
    static const int sides[] = {[SCALE_PAPER] = 512, [SCALE_LAPTOP] = 256, [SCALE_CI] = 128};
    trained *t;
    bool fine = trained_open(&t, p, NULL, err);
    for (int k = 0; fine && k < LARGE_PHOTOS; k++) {
        nx_image photo;
        char label[24];
        int side = sides[figure_scale(w)] * (k < LESS_LARGE ? 1 : 2);
        if (!(fine = trained_content(p, (size_t)k, side, &photo, err))) break;
        snprintf(label, sizeof label, "%d pixels", side);
        page_row(figure_page(w), k, label);
        if (column == 1) page_picture(figure_page(w), k, 0, &photo, NULL);
        fine = stylize(w, t, &photo, &photo, k, column, &loss[k], err);
        nx_image_free(&photo);
    }
    trained_free(t);
    return fine;
}

static bool larger_pictures(figure_work *w, nx_error *err)
{
    const sweep_point *nets[NORMS];
    double in[LARGE_PHOTOS], bn[LARGE_PHOTOS], worst = 0;
    page_column(figure_page(w), 0, "content");
    page_column(figure_page(w), 1, "instance");
    page_column(figure_page(w), 2, "batch");
    if (!run_stylenets(w, nets, err) || !large_column(w, nets[INSTANCE], 1, in, err) ||
        !large_column(w, nets[BATCH], 2, bn, err) || !show_style(w, 3, nets[0], err))
        return false;
    int below = 0;
    for (int k = 0; k < LARGE_PHOTOS; k++) {
        worst = fmax(worst, in[k] / bn[k]);
        below += in[k] <= bn[k];
    }
    figure_claim(w, verdict_trained(w, below == LARGE_PHOTOS), "instance below batch on every picture", "by eye",
                 "%d of %d, loss at most %.3f of batch's", below, LARGE_PHOTOS, worst);
    return true;
}

/* ---- Fig. 5 and 7: textures ---- */

enum { SAMPLES = 4 };

typedef struct texture_result {
    double loss; /* of style, mean of the last 50 steps */
    double neighbour, contrast, blotches;
} texture_result;

/* Standard deviation of the mean luminance of blocks, over all pictures: brightness that varies from place to place. */
static double blotches_of(const nx_image *images, int count)
{
    enum { BLOCK = 8 };
    double sum = 0, squares = 0, n = 0;
    for (int i = 0; i < count; i++)
        for (int top = 0; top + BLOCK <= images[i].height; top += BLOCK)
            for (int left = 0; left + BLOCK <= images[i].width; left += BLOCK) {
                double mean = 0;
                for (int y = top; y < top + BLOCK; y++)
                    for (int x = left; x < left + BLOCK; x++) {
                        const float *p = images[i].rgb + ((size_t)y * (size_t)images[i].width + (size_t)x) * 3;
                        mean += (.299 * p[0] + .587 * p[1] + .114 * p[2]) / (BLOCK * BLOCK);
                    }
                sum += mean, squares += mean * mean, n++;
            }
    return sqrt(squares / n - sum / n * (sum / n));
}

/* A row of samples, and their numbers. */
static bool texture_row(figure_work *w, int row, const char *label, const sweep_point *p, texture_result *out,
                        nx_error *err)
{
    nx_image samples[SAMPLES] = {0};
    bool fine = figure_mean(p->path, "style", 5, &out->loss, err) &&
                figure_metric(p->path, "samples/neighbour", &out->neighbour, err) &&
                figure_metric(p->path, "samples/contrast", &out->contrast, err);
    page_row(figure_page(w), row, label);
    for (int i = 0; fine && i < SAMPLES; i++) {
        char name[16];
        snprintf(name, sizeof name, "output%d", i);
        fine = figure_image(p->path, name, &samples[i], err);
        if (fine) page_picture(figure_page(w), row, 1 + i, &samples[i], NULL);
    }
    if (fine) out->blotches = blotches_of(samples, SAMPLES);
    for (int i = 0; i < SAMPLES; i++) nx_image_free(&samples[i]);
    return fine;
}

static bool show_texture(figure_work *w, const sweep_point *p, nx_error *err)
{
    nx_image style;
    if (!trained_style(p, &style, err)) return false;
    page_column(figure_page(w), 0, "texture");
    page_picture(figure_page(w), 0, 0, &style, NULL);
    nx_image_free(&style);
    return true;
}

/* V2 without the entropy term, with it, and with too much of it: the sweep's order. */
static const sweep_points *run_v2(figure_work *w, nx_error *err)
{
    const sweep_points *p = figure_run(w, "v2", NULL, err);
    if (p && p->count != 3) nx_fail(err, "v2.ini: the sweep has %zu points, and the figure three", p->count), p = NULL;
    return p;
}

static bool diversity(figure_work *w, nx_error *err)
{
    const sweep_points *p = run_v2(w, err), *other = p ? figure_run(w, "v1", NULL, err) : NULL;
    texture_result plain, diverse, v1;
    if (!other || !show_texture(w, &p->point[0], err) ||
        !texture_row(w, 0, "V2, no entropy term", &p->point[0], &plain, err) ||
        !texture_row(w, 1, "V1", &other->point[0], &v1, err) ||
        !texture_row(w, 2, "V2, entropy term", &p->point[1], &diverse, err))
        return false;
    figure_claim(w, verdict_of(plain.neighbour < .1 * plain.contrast), "V2 without the term repeats itself",
                 "nearly identical", "nearest neighbour at %.3f of the contrast (below 0.1)",
                 plain.neighbour / plain.contrast);
    figure_claim(w, verdict_of(diverse.neighbour >= 10 * plain.neighbour), "V2 with the term does not", "by eye",
                 "nearest neighbour %.1f times as far (at least 10)", diverse.neighbour / plain.neighbour);
    figure_claim(w, verdict_of(v1.neighbour >= .5 * v1.contrast), "V1 is diverse by itself", "by eye",
                 "nearest neighbour at %.3f of the contrast (at least 0.5)", v1.neighbour / v1.contrast);
    figure_claim(w, verdict_of(diverse.loss < v1.loss), "V2 with the term fits better than V1", "by eye",
                 "loss %.4g against %.4g", diverse.loss, v1.loss);
    return true;
}

static bool too_diverse(figure_work *w, nx_error *err)
{
    const sweep_points *p = run_v2(w, err);
    texture_result plain, diverse, excess;
    if (!p || !show_texture(w, &p->point[0], err) || !texture_row(w, 0, "no entropy term", &p->point[0], &plain, err) ||
        !texture_row(w, 1, "entropy term", &p->point[1], &diverse, err) ||
        !texture_row(w, 2, "too much of it", &p->point[2], &excess, err))
        return false;
    double contrast = excess.contrast / plain.contrast, blotches = excess.blotches / plain.blotches;
    figure_claim(w, verdict_of(contrast >= 1.3 || blotches >= 1.3), "too much of the term changes brightness",
                 "spots, by eye", "contrast times %.2f, brightness of blocks times %.2f (one at least 1.3)", contrast,
                 blotches);
    figure_claim(w, verdict_of(excess.loss > diverse.loss), "and the texture suffers", "by eye",
                 "loss %.4g against %.4g", excess.loss, diverse.loss);
    return true;
}

/* ---- Fig. 6 ---- */

enum { DRAWS = 8, DRAWS_SHOWN = 5, BLOCK = 8 };

typedef struct spot {
    int top, left;
    double contrast;
} spot;

static int by_contrast(const void *a, const void *b)
{
    double x = ((const spot *)a)->contrast, y = ((const spot *)b)->contrast;
    return (x > y) - (x < y);
}

/* The blocks of the picture, flattest first: sky, in a landscape. Owned by the caller. */
static spot *flat_spots(const nx_image *image, size_t *count)
{
    int across = image->width / BLOCK, down = image->height / BLOCK;
    spot *spots = nx_alloc((size_t)(across * down) * sizeof *spots);
    *count = 0;
    for (int y = 0; y < down; y++)
        for (int x = 0; x < across; x++) {
            nx_image block = nx_image_crop(image, y * BLOCK, x * BLOCK, BLOCK, BLOCK);
            spots[(*count)++] = (spot){y * BLOCK, x * BLOCK, image_contrast(&block)};
            nx_image_free(&block);
        }
    qsort(spots, *count, sizeof *spots, by_contrast);
    return spots;
}

/* Variance over the draws of noise, mean over the pixels of these blocks. */
static double variance_at(const nx_image *made, const spot *spots, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        for (int y = 0; y < BLOCK; y++)
            for (int x = 0; x < 3 * BLOCK; x++) {
                size_t at =
                    ((size_t)(spots[i].top + y) * (size_t)made[0].width + (size_t)spots[i].left) * 3 + (size_t)x;
                double mean = 0, squares = 0;
                for (int k = 0; k < DRAWS; k++) {
                    mean += (double)made[k].rgb[at] / DRAWS;
                    squares += (double)made[k].rgb[at] * (double)made[k].rgb[at] / DRAWS;
                }
                sum += squares - mean * mean;
            }
    return sum / ((double)count * BLOCK * BLOCK * 3);
}

static bool draw_row(figure_work *w, int row, const sweep_point *p, const nx_image *content, double *variance,
                     nx_error *err)
{
    trained *t;
    nx_image made[DRAWS] = {0};
    size_t count;
    bool fine = trained_open(&t, p, NULL, err);
    for (int k = 0; fine && k < DRAWS; k++) {
        generator_options o = as_trained;
        o.number = (uint64_t)k;
        fine = trained_apply(t, content, o, &made[k], err);
        if (fine && k < DRAWS_SHOWN) page_picture(figure_page(w), row, 1 + k, &made[k], NULL);
    }
    if (fine) {
        spot *spots = flat_spots(content, &count);
        *variance = variance_at(made, spots, (count + 3) / 4);
        free(spots);
    }
    for (int k = 0; k < DRAWS; k++) nx_image_free(&made[k]);
    trained_free(t);
    return fine;
}

static bool diverse_stylizations(figure_work *w, nx_error *err)
{
    const sweep_points *p = figure_run(w, "diverse", NULL, err);
    nx_image content;
    double variance[2];
    if (!p || !trained_content(&p->point[0], 0, stylized_side(w), &content, err)) return false;
    page_column(figure_page(w), 0, "content");
    page_picture(figure_page(w), 0, 0, &content, NULL);
    page_row(figure_page(w), 0, "no entropy term");
    page_row(figure_page(w), 1, "entropy term");
    bool fine = draw_row(w, 0, &p->point[0], &content, &variance[0], err) &&
                draw_row(w, 1, &p->point[1], &content, &variance[1], err);
    nx_image_free(&content);
    if (!fine) return false;
    figure_claim(w, verdict_trained(w, variance[1] >= 5 * variance[0]),
                 "the term makes flat regions differ with the noise", "by eye",
                 "variance %.3g against %.3g, %.1f times (at least 5)", variance[1], variance[0],
                 variance[1] / variance[0]);
    return true;
}

/* ---- section 5.2: textures ---- */

static bool texture_norms(figure_work *w, nx_error *err)
{
    const sweep_points *p = figure_run(w, "textures", NULL, err);
    texture_result instance, batch;
    if (!p || !show_texture(w, &p->point[0], err) || !texture_row(w, 0, "instance", &p->point[0], &instance, err) ||
        !texture_row(w, 1, "batch", &p->point[1], &batch, err))
        return false;
    int chart = page_chart(figure_page(w), (page_axes){.x = "step", .y = "loss", .log_y = true});
    if (!figure_curve(w, chart, "instance", p->point[0].path, "total", false, err) ||
        !figure_curve(w, chart, "batch", p->point[1].path, "total", false, err))
        return false;
    double ratio = instance.loss / batch.loss;
    figure_claim(w, verdict_trained(w, fabs(ratio - 1) <= .1), "loss of textures, instance over batch", "equally well",
                 "%.3f (0.9 to 1.1)", ratio);
    return true;
}

/* ---- classification ---- */

enum { SEEDS = 3, KINDS = 2 }; /* of normalization: in the order of the config's sweep */

/* Adds a run's share of right answers over steps, a part of the mean, to what the runs before it have. */
static bool add_curve(const char *run, double part, series *mean, nx_error *err)
{
    series s;
    if (!series_read_from(&s, run, "validation/top1", err)) return false;
    bool first = !mean->rows;
    for (size_t i = 0; i < s.rows; i++) s.value[i] *= part;
    for (size_t i = 0; i < s.rows && i < mean->rows; i++) mean->value[i] += s.value[i];
    if (first)
        *mean = s;
    else
        series_free(&s);
    return true;
}

/* The mean over the seeds as a curve, the confusion of the first, and what each came to. */
static bool draw_kind(figure_work *w, const sweep_points *p, int kind, int chart, double top1[SEEDS], size_t *seeds,
                      nx_error *err)
{
    static const config_classifier_norm kinds[KINDS] = {CLASSIFIER_NORM_BATCH, CLASSIFIER_NORM_INSTANCE};
    static const char *const labels[KINDS] = {"batch", "instance"};
    const char *run[SEEDS];
    series mean = {0};
    bool fine = true;
    *seeds = 0;
    for (size_t i = 0; i < p->count && *seeds < SEEDS; i++)
        if (p->point[i].config->classifier.norm == kinds[kind]) run[(*seeds)++] = p->point[i].path;
    if (!*seeds) return nx_fail(err, "classification.ini: the sweep has no %s", labels[kind]);
    page_column(figure_page(w), kind, labels[kind]);
    for (size_t i = 0; fine && i < *seeds; i++)
        fine = figure_metric(run[i], "validation/top1", &top1[i], err) &&
               add_curve(run[i], 1 / (double)*seeds, &mean, err);
    double *steps = nx_alloc((mean.rows + 1) * sizeof *steps);
    for (size_t i = 0; i < mean.rows; i++) steps[i] = (double)mean.step[i];
    if (fine) page_curve(figure_page(w), chart, labels[kind], steps, mean.value, mean.rows);
    free(steps);
    series_free(&mean);
    return fine && figure_picture(w, 0, kind, run[0], "confusion", "confusion", err);
}

static bool classifiers(figure_work *w, nx_error *err)
{
    const sweep_points *p = figure_run(w, "classification", NULL, err);
    if (!p) return false;
    double top1[KINDS][SEEDS], mean[KINDS] = {0};
    size_t seeds[KINDS], behind = 0;
    int chart = page_chart(figure_page(w), (page_axes){.x = "step", .y = "top-1 of what is held out"});
    for (int k = 0; k < KINDS; k++) {
        if (!draw_kind(w, p, k, chart, top1[k], &seeds[k], err)) return false;
        for (size_t i = 0; i < seeds[k]; i++) mean[k] += 100 * top1[k][i] / (double)seeds[k];
    }
    if (seeds[0] != seeds[1]) return nx_fail(err, "classification.ini: not as many seeds of either normalization");
    for (size_t i = 0; i < seeds[0]; i++) behind += top1[1][i] < top1[0][i];
    double cost = mean[0] - mean[1];
    figure_claim(w, verdict_of(cost >= 1 && cost <= 5), "top-1 that instance costs against batch", "2 to 3 %",
                 "%.1f %% against %.1f %%: %.1f (1 to 5)", mean[1], mean[0], cost);
    figure_claim(w, verdict_of(behind == seeds[0]), "instance is behind with every seed", "-", "%zu of %zu", behind,
                 seeds[0]);
    return true;
}

static const figure figures[] = {
    {"fig2", "four normalizations", .make = normalizations, .wants_vgg = true},
    {"fig3a", "learning curves of instance and batch normalization", .make = learning_curves, .wants_vgg = true},
    {"fig3b", "optimization from the nets' outputs", .make = finetuning, .wants_vgg = true},
    {"fig4", "stylization of larger pictures", .make = larger_pictures, .wants_vgg = true},
    {"fig5", "textures of V1, of V2, and of V2 with the entropy term", .make = diversity, .wants_vgg = true},
    {"fig6", "stylizations that differ", .make = diverse_stylizations, .wants_vgg = true},
    {"fig7", "too much of the entropy term", .make = too_diverse, .wants_vgg = true},
    {"textures", "textures with instance and batch normalization", .make = texture_norms, .wants_vgg = true},
    {"classification", "AlexNet with batch and with instance normalization", .make = classifiers},
    {0},
};

const figure_paper improved_texnet_figures = {
    .name = "improved_texnet",
    .citation = "Ulyanov, Vedaldi, Lempitsky: Improved texture networks. CVPR 2017",
    .figures = figures,
};
