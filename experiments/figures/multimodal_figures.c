/* Wang, Oxholm, Zhang, Wang: Multimodal transfer: a hierarchical deep convolutional neural network for fast artistic
 * style transfer. CVPR 2017. */
#include "figures/figure.h"

#include "base/memory.h"
#include "base/text.h"
#include "figures/trained_generator.h"
#include "networks/mtnet.h"
#include "run/task.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what several figures do ---- */

/* What a training's descriptor says of how far a picture is from the coarsest and from the finest style picture. */
typedef struct scales {
    double coarse, fine;
} scales;

/* The picture made a quarter against the style at a quarter, and the whole against the whole. judge: an MT-Net's, whose
 * style pictures they are. */
static bool measure_scales(trained *judge, const nx_image *picture, scales *out, nx_error *err)
{
    trained_loss l;
    nx_image quarter = nx_image_resize(picture, picture->height / 4, picture->width / 4, NX_BICUBIC);
    trained_against(judge, 0);
    bool fine = trained_losses(judge, &quarter, NULL, &l, err);
    nx_image_free(&quarter);
    if (!fine) return false;
    out->coarse = l.style;
    trained_against(judge, MTNET_SUBNETS - 1);
    if (!trained_losses(judge, picture, NULL, &l, err)) return false;
    out->fine = l.style;
    return true;
}

/* Picture k, counted from the last, that no training saw: its middle as a square. */
static bool test_picture(const sweep_point *p, size_t k, int size, nx_image *out, nx_error *err)
{
    nx_image whole;
    if (!trained_content(p, k, 2 * size, &whole, err)) return false;
    int side = whole.height < whole.width ? whole.height : whole.width;
    nx_image middle = nx_image_crop(&whole, (whole.height - side) / 2, (whole.width - side) / 2, side, side);
    *out = nx_image_resize(&middle, size, size, NX_BICUBIC);
    nx_image_free(&middle);
    nx_image_free(&whole);
    return true;
}

/* Twice the enhance subnet's side in training, as in the paper: the first subnet sees things as large as there. */
static int test_size(const sweep_point *p) { return 2 * p->config->data.size / p->config->generator.refine; }

/* A column of the grid: the picture, and a part of it below. */
static void show_with_detail(figure_work *w, int column, const char *title, const nx_image *image)
{
    int part = (image->height < image->width ? image->height : image->width) * 3 / 8;
    nx_image detail = nx_image_crop(image, image->height / 3, image->width / 3, part, part);
    page_column(figure_page(w), column, title);
    page_picture(figure_page(w), 0, column, image, NULL);
    page_picture(figure_page(w), 1, column, &detail, NULL);
    nx_image_free(&detail);
}

enum { PICTURES = 3 };

/* What a network makes of held-out pictures of twice the crops' size, measured by judge: the mean. The first of them is
 * shown, with a detail below. */
static bool measure_network(figure_work *w, int column, const char *name, const sweep_point *p, trained *judge,
                            scales *out, nx_error *err)
{
    trained *t = NULL;
    bool fine = trained_open(&t, p, NULL, err);
    *out = (scales){0};
    for (size_t k = 0; fine && k < PICTURES; k++) {
        nx_image content, made;
        scales s = {0};
        fine = test_picture(p, k, test_size(p), &content, err);
        if (!fine) break;
        fine = trained_apply(t, &content, (generator_options){.noise_scale = GENERATOR_NOISE_AS_TRAINED}, &made, err);
        nx_image_free(&content);
        if (!fine) break;
        fine = measure_scales(judge, &made, &s, err);
        out->coarse += s.coarse / PICTURES, out->fine += s.fine / PICTURES;
        if (!k) show_with_detail(w, column, name, &made);
        nx_image_free(&made);
    }
    trained_free(t);
    return fine;
}

/* The content of measure_network's first picture, in the same rows. */
static bool show_content(figure_work *w, int column, const sweep_point *p, nx_error *err)
{
    nx_image content;
    if (!test_picture(p, 0, test_size(p), &content, err)) return false;
    page_row(figure_page(w), 0, "whole"), page_row(figure_page(w), 1, "detail");
    show_with_detail(w, column, "content", &content);
    nx_image_free(&content);
    return true;
}

/* ---- Table 1 ---- */

typedef struct row {
    const char *name;
    double seconds;
    uint64_t bytes;
} row;

enum { TABLE_SIZE = 1024 };
enum { MT, JOHNSON, DEEP, JOHNSON_TRANSPOSED, DEEP_TRANSPOSED, NETWORKS };

/* Memory at the paper's size; time at `size`: one after another, so many times round, so that whatever else the machine
 * does meets all of them, and the shortest of each counts. */
static bool measure_table(const sweep_points *p, int size, int rounds, row *rows, nx_error *err)
{
    trained *t[NETWORKS] = {0};
    nx_image content;
    bool fine = test_picture(&p->point[0], 0, size, &content, err);
    if (!fine) return false;
    for (int i = 0; fine && i < NETWORKS; i++)
        fine = trained_open(&t[i], &p->point[i], NULL, err) &&
               trained_bytes(t[i], TABLE_SIZE, TABLE_SIZE, &rows[i].bytes, err);
    for (int n = 0; n <= rounds; n++)
        for (int i = 0; fine && i < NETWORKS; i++) {
            nx_image made;
            fine = trained_apply(t[i], &content, (generator_options){.noise_scale = GENERATOR_NOISE_AS_TRAINED}, &made,
                                 err);
            if (!fine) break;
            if (n) rows[i].seconds = fmin(rows[i].seconds, trained_facts(t[i]).seconds); /* the first compiles */
            nx_image_free(&made);
        }
    for (int i = 0; i < NETWORKS; i++) trained_free(t[i]);
    nx_image_free(&content);
    return fine;
}

/* The bytes of a training of the paper's size, as its plan has them: nothing is run. */
static bool training_bytes(const config *c, const char *const *overrides, size_t count, double *out, nx_error *err)
{
    config *changed;
    task *t;
    uint64_t bytes[NX_MEMORY_KINDS];
    char *text = config_text(c, NULL);
    bool fine = config_parse(&changed, c->name, text, ".", overrides, count, err);
    free(text);
    if (!fine) return false;
    fine = task_new(&t, changed, err);
    if (fine) {
        fine = task_fits(t, err);
        if (fine) task_bytes(t, bytes);
        task_free(t);
    }
    *out = 0;
    for (int k = 0; fine && k < NX_MEMORY_KINDS; k++) *out += (double)bytes[k];
    config_free(changed);
    return fine;
}

static void compare_training(figure_work *w, const config *c)
{
    enum { CHANGES = 9 };
#define PAPERS_OWN                                                                                                     \
    "data.style_size=1024", "generator.channels=32", "descriptor.weights=random", "descriptor.width=1",                \
        "descriptor.content_layers=relu4_2", "descriptor.style_layers=relu1_1,relu2_1,relu3_1,relu4_1"
    static const char *const sizes[2][CHANGES] = {
        {PAPERS_OWN, "data.size=512", "data.resize=512", "generator.refine=1"},
        {PAPERS_OWN, "data.size=1024", "data.resize=1024", "generator.refine=2"}};
#undef PAPERS_OWN
    static const char claim[] = "training with the refine subnet at 512 saves memory against 1024", paper[] = "greatly";
    double bytes[2];
    char a[16], b[16];
    nx_error err;
    if (!training_bytes(c, sizes[0], CHANGES, &bytes[0], &err) ||
        !training_bytes(c, sizes[1], CHANGES, &bytes[1], &err)) {
        figure_claim(w, OPEN, claim, paper, "cannot be planned here: %s", err.text);
        return;
    }
    figure_claim(w, verdict_of(bytes[0] <= .6 * bytes[1]), claim, paper, "%.2f: %s of %s (at most 0.6)",
                 bytes[0] / bytes[1], nx_bytes_text(a, bytes[0]), nx_bytes_text(b, bytes[1]));
}

/* Of MT-Net over Johnson's network, and of the deep one over MT-Net. */
typedef struct ratios {
    double time, memory, deep;
} ratios;

static ratios ratios_of(const row *rows, int johnson, int deep)
{
    return (ratios){.time = rows[MT].seconds / rows[johnson].seconds,
                    .memory = (double)rows[MT].bytes / (double)rows[johnson].bytes,
                    .deep = rows[deep].seconds / rows[MT].seconds};
}

static bool table1(figure_work *w, nx_error *err)
{
    int size = figure_scale(w) == SCALE_CI ? TABLE_SIZE / 2 : TABLE_SIZE,
        rounds = figure_scale(w) == SCALE_PAPER ? 100 : 5;
    row rows[NETWORKS] = {{"MT-Net", INFINITY, 0},
                          {"Johnson, resize", INFINITY, 0},
                          {"deep, resize", INFINITY, 0},
                          {"Johnson, transposed", INFINITY, 0},
                          {"deep, transposed", INFINITY, 0}};
    const sweep_points *p = figure_run(w, "table1", NULL, err);
    if (!p || !measure_table(p, size, rounds, rows, err)) return false;
    char *seconds = nx_format("seconds a picture of %d pixels", size);
    int chart = page_chart(figure_page(w), (page_axes){.x = "memory at 1024 pixels, MB", .y = seconds});
    for (int i = 0; i < NETWORKS; i++) {
        double megabytes = (double)rows[i].bytes / 1e6;
        page_marks(figure_page(w), chart, rows[i].name, &megabytes, &rows[i].seconds, 1);
    }
    free(seconds);
    ratios r = ratios_of(rows, JOHNSON, DEEP), t = ratios_of(rows, JOHNSON_TRANSPOSED, DEEP_TRANSPOSED);
    figure_claim(w, verdict_of(r.time <= 1.6), "time of MT-Net over Johnson's network", "0.54 s / 0.42 s = 1.29",
                 "%.4f s / %.4f s = %.2f at %d pixels (at most 1.6)", rows[MT].seconds, rows[JOHNSON].seconds, r.time,
                 size);
    figure_claim(w, verdict_of(r.memory <= 1.6), "its memory over that of Johnson's network", "3100 / 2400 MB = 1.29",
                 "%.0f / %.0f MB = %.2f (at most 1.6)", (double)rows[MT].bytes / 1e6, (double)rows[JOHNSON].bytes / 1e6,
                 r.memory);
    figure_claim(w, verdict_of(r.deep > 1), "the deep single network is slower than MT-Net", "0.63 s / 0.54 s = 1.17",
                 "%.4f s / %.4f s = %.2f; memory %.0f MB (paper 6700)", rows[DEEP].seconds, rows[MT].seconds, r.deep,
                 (double)rows[DEEP].bytes / 1e6);
    figure_claim(w, verdict_of(t.time <= 1.6 && t.memory <= 1.6 && t.deep > 1),
                 "the three with transposed convolutions in the two others", "-",
                 "time %.2f, memory %.2f (at most 1.6 each), deep over MT-Net %.2f (above 1)", t.time, t.memory,
                 t.deep);
    compare_training(w, p->point[MT].config);
    return true;
}

/* ---- Fig. 3 ---- */

/* What changed from one picture to the next, as large as the next: the absolute difference, and its mean. */
static double difference(const nx_image *before, const nx_image *after, nx_image *out)
{
    nx_image same = nx_image_resize(before, after->height, after->width, NX_BILINEAR);
    size_t count = (size_t)after->height * (size_t)after->width * 3;
    double sum = 0;
    *out = nx_image_new(after->height, after->width);
    for (size_t i = 0; i < count; i++) {
        out->rgb[i] = fabsf(after->rgb[i] - same.rgb[i]);
        sum += (double)out->rgb[i];
    }
    nx_image_free(&same);
    return sum / (double)count;
}

static bool subnets(figure_work *w, nx_error *err)
{
    static const char *const names[] = {"content0", "stage1_output0", "stage2_output0", "output0"},
                             *const titles[] = {"content", "y1, style subnet", "y2, enhance subnet",
                                                "y3, refine subnet"},
                             *const changes[] = {"y1 - content", "y2 - y1", "y3 - y2"};
    const sweep_points *p = figure_run(w, "fig3", NULL, err);
    nx_image picture[MTNET_SUBNETS + 1] = {0};
    double change[MTNET_SUBNETS];
    if (!p || !figure_show(w, 0, 0, p->point[0].config->data.style, p->point[0].config->data.size, NULL, err))
        return false;
    page_column(figure_page(w), 0, "style");
    bool fine = true;
    for (int k = 0; fine && k <= MTNET_SUBNETS; k++) {
        fine = figure_image(p->point[0].path, names[k], &picture[k], err);
        if (!fine) break;
        char *caption = nx_format("%d pixels", picture[k].width);
        page_column(figure_page(w), k + 1, titles[k]);
        page_picture(figure_page(w), 0, k + 1, &picture[k], caption);
        free(caption);
        if (!k) continue;
        nx_image changed;
        change[k - 1] = difference(&picture[k - 1], &picture[k], &changed);
        caption = nx_format("%s: %.1f", changes[k - 1], change[k - 1]);
        page_picture(figure_page(w), 1, k + 1, &changed, caption);
        free(caption);
        nx_image_free(&changed);
    }
    for (int k = 0; k <= MTNET_SUBNETS; k++) nx_image_free(&picture[k]);
    if (!fine) return false;
    figure_claim(w, verdict_trained(w, change[0] > change[1] && change[1] > change[2]),
                 "each subnet changes less than the one before: mean absolute difference", "by eye",
                 "%.1f, %.1f, %.1f grey levels", change[0], change[1], change[2]);
    return true;
}

/* ---- Fig. 5 ---- */

static bool single_networks(figure_work *w, nx_error *err)
{
    enum { SUBNET, INSTANCE, BATCH, COUNT };
    static const char *const titles[COUNT] = {"style subnet", "Ulyanov et al.", "Johnson et al."};
    const sweep_points *p = figure_run(w, "fig5", NULL, err);
    double style[COUNT], content[COUNT];
    if (!p || !figure_show(w, 0, 0, p->point[0].config->data.style, p->point[0].config->data.size, NULL, err) ||
        !figure_picture(w, 0, 1, p->point[0].path, "content0", NULL, err))
        return false;
    page_column(figure_page(w), 0, "style"), page_column(figure_page(w), 1, "content");
    int chart = page_chart(figure_page(w), (page_axes){.x = "step", .y = "loss in training", .log_y = true});
    for (int i = 0; i < COUNT; i++) {
        const char *run = p->point[i].path;
        if (!figure_metric(run, "validation/style", &style[i], err) ||
            !figure_metric(run, "validation/content", &content[i], err))
            return false;
        char *caption = nx_format("E %.3g  D %.3g", style[i], content[i]);
        page_column(figure_page(w), i + 2, titles[i]);
        bool fine = figure_picture(w, 0, i + 2, run, "output0", caption, err);
        free(caption);
        if (!fine || !figure_curve(w, chart, titles[i], run, "total", false, err)) return false;
    }
    figure_claim(w, verdict_trained(w, style[SUBNET] < style[INSTANCE]),
                 "the style subnet alone comes closer to the style than Ulyanov's network", "by eye",
                 "style loss %.3g against %.3g (content %.3g against %.3g)", style[SUBNET], style[INSTANCE],
                 content[SUBNET], content[INSTANCE]);
    figure_claim(w, verdict_trained(w, style[SUBNET] < style[BATCH]),
                 "and than Johnson's, with batch normalization of single pictures", "by eye",
                 "style loss %.3g against %.3g (content %.3g against %.3g)", style[SUBNET], style[BATCH],
                 content[SUBNET], content[BATCH]);
    return true;
}

/* ---- Fig. 6 ---- */

/* The same training with the refine subnet at the size of the test, where the paper saves the memory. */
static const sweep_point *full_size(figure_work *w, const sweep_point *mt, nx_error *err)
{
    char *changes = nx_format("generator.refine=2 data.size=%d data.resize=%d", test_size(mt), test_size(mt));
    const sweep_points *p = figure_run(w, "fig3", changes, err);
    free(changes);
    return p ? &p->point[0] : NULL;
}

static bool one_scale(figure_work *w, nx_error *err)
{
    enum { SMALL, LARGE, MTNET, FULL, COUNT };
    const sweep_points *mt = figure_run(w, "fig3", NULL, err), *single = mt ? figure_run(w, "fig6", NULL, err) : NULL;
    const sweep_point *full = single ? full_size(w, &mt->point[0], err) : NULL;
    trained *judge = NULL;
    if (!full || !trained_open(&judge, &mt->point[0], NULL, err)) return false;
    const sweep_point *p[COUNT] = {&single->point[0], &single->point[1], &mt->point[0], full};
    char *titles[COUNT] = {nx_format("style of %d alone", config_style_size(p[SMALL]->config)),
                           nx_format("style of %d alone", config_style_size(p[LARGE]->config)), nx_format("MT-Net"),
                           nx_format("trained at %d", full->config->data.size)};
    scales s[COUNT];
    double sum[COUNT];
    page_column(figure_page(w), 0, "style");
    bool done = figure_show(w, 0, 0, mt->point[0].config->data.style, test_size(p[MTNET]), NULL, err) &&
                show_content(w, 1, p[MTNET], err);
    for (int i = 0; i < COUNT; i++) {
        done = done && measure_network(w, 2 + i, titles[i], p[i], judge, &s[i], err);
        sum[i] = done ? s[i].fine + s[i].coarse : 0;
        free(titles[i]);
    }
    trained_free(judge);
    if (!done) return false;
    figure_claim(w, verdict_trained(w, s[MTNET].fine < s[SMALL].fine),
                 "MT-Net is closer to the large style than a network of the small one", "by eye",
                 "style loss %.3g against %.3g", s[MTNET].fine, s[SMALL].fine);
    figure_claim(w, verdict_trained(w, s[MTNET].coarse < s[LARGE].coarse),
                 "and closer to the small style than a network of the large one", "by eye",
                 "style loss %.3g against %.3g", s[MTNET].coarse, s[LARGE].coarse);
    figure_claim(w, verdict_trained(w, sum[MTNET] < sum[SMALL] && sum[MTNET] < sum[LARGE]),
                 "and the best of the three on the sum", "by eye", "%.3g against %.3g and %.3g", sum[MTNET], sum[SMALL],
                 sum[LARGE]);
    bool holds = s[FULL].fine < s[SMALL].fine && s[FULL].coarse < s[LARGE].coarse && sum[FULL] < sum[SMALL] &&
                 sum[FULL] < sum[LARGE];
    figure_claim(w, verdict_trained(w, holds), "all three with the refine subnet trained at the size of the test", "-",
                 "large %.3g, small %.3g, sum %.3g", s[FULL].fine, s[FULL].coarse, sum[FULL]);
    return true;
}

/* ---- Fig. 7 ---- */

static bool two_styles(figure_work *w, nx_error *err)
{
    enum { BOTH, COARSE, FINE, COUNT };
    static const char *const titles[COUNT] = {"a then b", "a alone", "b alone"};
    const sweep_points *p = figure_run(w, "fig7", NULL, err);
    trained *judge = NULL; /* of the network of both: its style pictures are a, b, b */
    scales s[COUNT];
    if (!p || !trained_open(&judge, &p->point[BOTH], NULL, err)) return false;
    const config *c = p->point[BOTH].config;
    page_column(figure_page(w), 0, "styles");
    bool done = figure_show(w, 0, 0, c->data.style, test_size(&p->point[BOTH]), "a", err) &&
                figure_show(w, 1, 0, c->data.fine_style, test_size(&p->point[BOTH]), "b", err) &&
                show_content(w, 1, &p->point[BOTH], err);
    static const int order[COUNT] = {COARSE, FINE, BOTH}; /* as in the paper: d, e, f */
    for (int i = 0; done && i < COUNT; i++)
        done = measure_network(w, 2 + i, titles[order[i]], &p->point[order[i]], judge, &s[order[i]], err);
    trained_free(judge);
    if (!done) return false;
    figure_claim(w, verdict_trained(w, s[BOTH].coarse < s[FINE].coarse),
                 "at the small size it is closer to a than a network of b alone", "by eye",
                 "style loss %.3g against %.3g", s[BOTH].coarse, s[FINE].coarse);
    figure_claim(w, verdict_trained(w, s[BOTH].fine < s[COARSE].fine),
                 "at the large size it is closer to b than a network of a alone", "by eye",
                 "style loss %.3g against %.3g", s[BOTH].fine, s[COARSE].fine);
    return true;
}

/* ---- lambda ---- */

/* The final validation loss with the paper's lambda, whatever the run was trained with: its terms have that weight. */
static bool common_loss(const sweep_point *p, double *out, nx_error *err)
{
    static const char *const prefixes[MTNET_SUBNETS] = {"validation/style_subnet/", "validation/enhance_subnet/",
                                                        "validation/refine_subnet/"};
    static const double lambda[MTNET_SUBNETS] = {1, .5, .25};
    nx_h5 *file;
    nx_h5_names names;
    if (!nx_h5_open(&file, p->path, false, err)) return false;
    bool fine = series_names(file, &names, err);
    *out = 0;
    for (size_t i = 0; fine && i < names.count; i++)
        for (int k = 0; fine && k < MTNET_SUBNETS; k++) {
            series s;
            if (strncmp(names.names[i], prefixes[k], strlen(prefixes[k]))) continue;
            fine = series_read(&s, file, names.names[i], err);
            if (!fine) break;
            double own = config_layer_weight(&p->config->loss.stage_weights, k, MTNET_SUBNETS);
            *out += s.value[s.rows - 1] * s.weight / own * lambda[k];
            series_free(&s);
        }
    if (fine) nx_h5_names_free(&names);
    nx_h5_close(file, NULL);
    return fine;
}

static bool lambdas(figure_work *w, nx_error *err)
{
    static const char *const titles[] = {"halved: 1, 0.25, 0.125", "1, 0.5, 0.25", "doubled: 1, 1, 0.5"};
    enum { COUNT = sizeof titles / sizeof *titles };
    const sweep_points *p = figure_run(w, "lambda", NULL, err);
    double loss[COUNT], low = INFINITY, high = 0;
    if (!p || !figure_picture(w, 0, 0, p->point[0].path, "content0", NULL, err)) return false;
    page_column(figure_page(w), 0, "content");
    for (int i = 0; i < COUNT; i++) {
        if (!common_loss(&p->point[i], &loss[i], err)) return false;
        low = fmin(low, loss[i]), high = fmax(high, loss[i]);
        char *caption = nx_format("loss %.4g", loss[i]);
        page_column(figure_page(w), i + 1, titles[i]);
        bool fine = figure_picture(w, 0, i + 1, p->point[i].path, "output0", caption, err);
        free(caption);
        if (!fine) return false;
    }
    figure_claim(w, verdict_trained(w, high <= 1.15 * low),
                 "lambda hardly matters: validation loss at 1, 0.5, 0.25 after training with half and twice", "robust",
                 "%.4g, %.4g, %.4g: within %.1f %% (at most 15 %%)", loss[0], loss[1], loss[2], 100 * (high / low - 1));
    return true;
}

static const figure figures[] = {
    {"table1", "time and memory of MT-Net, Johnson's network and a deep single one", .make = table1},
    {"fig3", "what each subnet adds", .make = subnets, .wants_vgg = true},
    {"fig5", "the style subnet against other single networks", .make = single_networks, .wants_vgg = true},
    {"fig6", "three scales against one", .make = one_scale, .wants_vgg = true},
    {"fig7", "two styles in one network", .make = two_styles, .wants_vgg = true},
    {"lambda", "the weights of the three losses", .make = lambdas, .wants_vgg = true},
    {0},
};

const figure_paper multimodal_figures = {
    .name = "multimodal",
    .citation = "Wang, Oxholm, Zhang, Wang: Multimodal transfer. CVPR 2017",
    .figures = figures,
};
