/* What is being made of a figure: its runs, its page, its claims. */
#include "figures/figure.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/made.h"
#include "device/precision.h"
#include "figures/figure_work.h"
#include "io/files.h"
#include "run/interrupt.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define ROW(name) extern const figure_paper name##_figures;
PAPERS(ROW)
#undef ROW

#define ROW(name) &name##_figures,
static const figure_paper *const papers[] = {PAPERS(ROW)};
#undef ROW

const figure_paper *figure_paper_at(size_t i) { return i < sizeof papers / sizeof *papers ? papers[i] : NULL; }

struct figure_work {
    const figure_request *request;
    const char *paper;
    const figure *figure;
    page *page;
    sweep_points *runs[FIGURE_RUNS];
    bool finished[FIGURE_RUNS]; /* and not only looked at */
    size_t run_count;
    figure_claim_text claims[FIGURE_CLAIMS];
    size_t claim_count;
    bool interrupted;
    char *seed; /* as a setting; NULL: the config's */
};

static const char *const scale_names[] = {[SCALE_PAPER] = "paper", [SCALE_LAPTOP] = "laptop", [SCALE_CI] = "ci"};

const char *figure_request_setting(const figure_request *r, const char *key)
{
    for (size_t i = r->override_count, length = strlen(key); i-- > 0;)
        if (!strncmp(r->overrides[i], key, length) && r->overrides[i][length] == '=')
            return r->overrides[i] + length + 1;
    return NULL;
}

char *figure_request_scale(const figure_request *r)
{
    const char *precision = figure_request_setting(r, "device.precision");
    bool usual = !precision || !strcmp(precision, nx_precision_name(NX_FP32));
    char *seed = r->seed > 1 ? nx_format(", seed %d", r->seed) : nx_copy_text("");
    char *text = nx_format("%s scale%s%s%s", scale_names[r->scale], usual ? "" : ", ", usual ? "" : precision, seed);
    free(seed);
    return text;
}

char *figure_place(config_scale scale, int seed)
{
    return seed > 1 ? nx_format("%s-seed%d", scale_names[scale], seed) : nx_copy_text(scale_names[scale]);
}

figure_work *figure_work_new(const figure_request *request, const figure_paper *paper, const figure *f)
{
    figure_work *w = nx_alloc(sizeof *w);
    char *scale = figure_request_scale(request);
    char *title = nx_format("%s %s: %s (%s)", paper->name, f->name, f->title, scale);
    *w = (figure_work){.request = request, .paper = paper->name, .figure = f, .page = page_new(title)};
    if (request->seed > 1) w->seed = nx_format("experiment.seed=%d", request->seed);
    free(title), free(scale);
    return w;
}

void figure_work_free(figure_work *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->run_count; i++) {
        sweep_points_free(w->runs[i]);
        free(w->runs[i]);
    }
    for (size_t i = 0; i < w->claim_count; i++) free(w->claims[i].ours);
    page_free(w->page);
    free(w->seed);
    free(w);
}

page *figure_page(figure_work *w) { return w->page; }
config_scale figure_scale(const figure_work *w) { return w->request->scale; }
const char *figure_scale_name(config_scale scale) { return scale_names[scale]; }
bool figure_interrupted(const figure_work *w) { return w->interrupted; }

bool figure_has_seeds(const figure_work *w)
{
    for (size_t i = 0; i < w->run_count; i++)
        for (const sweep_point *p = w->runs[i]->point, *q = p; q < p + w->runs[i]->count; q++)
            if (q->config->experiment.seed != p->config->experiment.seed) return true;
    return false;
}

const char *figure_request_weights(const figure_request *r)
{
    const char *weights = figure_request_setting(r, "descriptor.weights");
    return weights && strcmp(weights, "random") ? weights : NULL;
}

const char *figure_weights(const figure_work *w) { return figure_request_weights(w->request); }
const char *figure_model(const figure_work *w) { return w->request->model; }

char *figure_file(const figure_work *w, const char *name)
{
    char *place = figure_place(w->request->scale, w->request->seed);
    char *file = nx_format("%s/%s/%s/%s", w->request->folder, w->paper, place, name);
    free(place);
    return file;
}

/* ---- runs ---- */

/* NAME-key=value-key=value.h5; of a path its stem. Long ones are cut and told apart by a hash. */
static char *run_name(const char *name, const char *changes)
{
    enum { MOST = 100 };
    char *out = nx_copy_text(name), *words = nx_copy_text(changes);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        char *value = strchr(word, '='), *stem = strchr(word, '/') ? nx_path_stem(value + 1) : nx_copy_text(value + 1);
        char *longer = nx_format("%s-%.*s=%s", out, (int)(value - strchr(word, '.') - 1), strchr(word, '.') + 1, stem);
        free(stem);
        free(out);
        out = longer;
    }
    bool cut = strlen(out) > MOST;
    char *file =
        cut ? nx_format("%.*s-%016llx.h5", MOST, out, (unsigned long long)XXH3_64bits(changes, strlen(changes)))
            : nx_format("%s.h5", out);
    free(out);
    free(words);
    return file;
}

/* The seed and the changes as a list, then the user's settings and sweeps of other keys, so that what a figure
 * compares stays what it is. */
static const char **overrides_of(const figure_work *w, char *changes, size_t *count)
{
    const figure_request *r = w->request;
    const char **out = nx_alloc((r->override_count + strlen(changes) + 3) * sizeof *out);
    static const char *const scale[] = {[SCALE_PAPER] = "experiment.scale=paper",
                                        [SCALE_LAPTOP] = "experiment.scale=laptop",
                                        [SCALE_CI] = "experiment.scale=ci"};
    *count = 0;
    out[(*count)++] = scale[r->scale];
    if (w->seed) out[(*count)++] = w->seed;
    for (char *word = strtok(changes, " "); word; word = strtok(NULL, " ")) out[(*count)++] = word;
    size_t own = *count;
    for (size_t i = 0; i < r->override_count; i++) {
        static const char swept[] = "sweep.";
        const char *key = r->overrides[i] + (strncmp(r->overrides[i], swept, strlen(swept)) ? 0 : strlen(swept));
        bool fixed = false;
        for (size_t k = 0; k < own; k++) fixed = fixed || !strncmp(out[k], key, strcspn(key, "=") + 1);
        if (!fixed) out[(*count)++] = r->overrides[i];
    }
    return out;
}

static bool find_points(figure_work *w, const char *name, const char *changes, sweep_points *out, nx_error *err)
{
    char *path = nx_format("%s/%s/%s.ini", w->request->configs, w->paper, name);
    char *file = run_name(name, changes), *run = figure_file(w, file), *words = nx_copy_text(changes);
    char *folder = nx_path_folder(run);
    size_t count;
    const char **overrides = overrides_of(w, words, &count);
    config *c = NULL;
    bool fine = nx_folder_make(folder, err) && config_load(&c, path, overrides, count, err) &&
                sweep_points_new(out, c, run, err);
    for (size_t i = 0; fine && i < out->count; i++)
        if (!(fine = made_of_config(out->point[i].config, err))) sweep_points_free(out);
    config_free(c);
    free(overrides);
    free(folder), free(words), free(run), free(file), free(path);
    return fine;
}

const sweep_points *figure_points(figure_work *w, const char *name, const char *changes, nx_error *err)
{
    NX_CHECK(w->run_count < FIGURE_RUNS, "more than %d calls of figure_run in one figure", FIGURE_RUNS);
    sweep_points *p = nx_alloc(sizeof *p);
    if (!find_points(w, name, changes ? changes : "", p, err)) {
        free(p);
        return NULL;
    }
    return w->runs[w->run_count++] = p;
}

const sweep_points *figure_run(figure_work *w, const char *name, const char *changes, nx_error *err)
{
    const sweep_points *p = figure_points(w, name, changes, err);
    for (size_t i = 0; p && i < p->count; i++) {
        run_outcome o;
        nx_info("%s %s: %s%s%s", w->paper, w->figure->name, name, *p->point[i].label ? ", " : "", p->point[i].label);
        /* A run of another config, from before the figure's settings changed, gives way. */
        bool continues = runfile_continues(p->point[i].path, p->point[i].config);
        run_request r = {
            .command = w->request->command, .again = w->request->again, .resume = continues, .overwrite = !continues};
        int code = run_config(&p->point[i], &r, &o, err);
        w->interrupted = w->interrupted || code == EXIT_INTERRUPTED;
        if (code) return nx_fail_in(err, "%s was not finished", p->point[i].path), NULL;
    }
    if (p) w->finished[w->run_count - 1] = true;
    return p;
}

/* ---- reading runs ---- */

bool figure_metric(const char *run, const char *metric, double *value, nx_error *err)
{
    return figure_mean(run, metric, 1, value, err);
}

bool figure_mean(const char *run, const char *metric, size_t rows, double *value, nx_error *err)
{
    series s;
    if (!series_read_from(&s, run, metric, err)) return false;
    *value = series_mean(&s, rows);
    series_free(&s);
    return true;
}

bool figure_value_at(const char *run, const char *metric, int64_t step, double *value, nx_error *err)
{
    series s;
    size_t row = 0;
    if (!series_read_from(&s, run, metric, err)) return false;
    while (row + 1 < s.rows && s.step[row] < step) row++;
    *value = s.value[row];
    series_free(&s);
    return true;
}

bool figure_first(const char *run, const char *metric, double *value, nx_error *err)
{
    return figure_value_at(run, metric, INT64_MIN, value, err);
}

bool figure_image_at(const char *run, const char *name, int64_t step, nx_image *out, nx_error *err)
{
    nx_h5 *file;
    picture_series p;
    if (!nx_h5_open(&file, run, false, err)) return false;
    bool fine = picture_series_read(&p, file, name, err);
    nx_h5_close(file, NULL);
    if (!fine) return false;
    size_t at = 0, numbers = (size_t)p.height * (size_t)p.width * 3;
    while (at + 1 < p.count && p.step[at] < step) at++;
    *out = nx_image_new(p.height, p.width);
    for (size_t i = 0; i < numbers; i++) out->rgb[i] = p.rgb[at * numbers + i];
    picture_series_free(&p);
    return true;
}

bool figure_image(const char *run, const char *name, nx_image *out, nx_error *err)
{
    return figure_image_at(run, name, INT64_MAX, out, err);
}

/* ---- onto the page ---- */

bool figure_picture(figure_work *w, int row, int column, const char *run, const char *name, const char *caption,
                    nx_error *err)
{
    nx_image image;
    if (!figure_image(run, name, &image, err)) return false;
    page_picture(w->page, row, column, &image, caption);
    nx_image_free(&image);
    return true;
}

bool figure_show(figure_work *w, int row, int column, const char *path, int size, const char *caption, nx_error *err)
{
    nx_image whole;
    if (!nx_image_load(&whole, path, err)) return false;
    nx_image small = nx_image_fit(&whole, size);
    page_picture(w->page, row, column, &small, caption);
    nx_image_free(&small);
    nx_image_free(&whole);
    return true;
}

bool figure_curve(figure_work *w, int chart, const char *label, const char *run, const char *metric, bool seconds,
                  nx_error *err)
{
    series s;
    if (!series_read_from(&s, run, metric, err)) return false;
    double *x = nx_alloc(s.rows * sizeof *x);
    for (size_t i = 0; i < s.rows; i++) x[i] = seconds ? s.time[i] : (double)s.step[i];
    page_curve(w->page, chart, label, x, s.value, s.rows);
    free(x);
    series_free(&s);
    return true;
}

/* ---- claims ---- */

static bool any_random(const sweep_points *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->point[i].config->descriptor.weights, "random")) return true;
    return false;
}

verdict verdict_trained(const figure_work *w, bool holds)
{
    for (size_t i = 0; i < w->run_count; i++)
        if (any_random(w->runs[i])) return OPEN;
    return verdict_of(holds);
}

void figure_claim(figure_work *w, verdict v, const char *claim, const char *paper, const char *ours, ...)
{
    NX_CHECK(w->claim_count < FIGURE_CLAIMS, "more than %d claims in one figure", FIGURE_CLAIMS);
    char text[256];
    va_list args;
    va_start(args, ours);
    vsnprintf(text, sizeof text, ours, args);
    va_end(args);
    w->claims[w->claim_count++] = (figure_claim_text){v, claim, paper, nx_copy_text(text)};
}

size_t figure_claims(const figure_work *w, const figure_claim_text **claims)
{
    *claims = w->claims;
    return w->claim_count;
}

/* ---- how far the runs had come ---- */

static void widen(figure_range *r, double value, bool first)
{
    if (first || value < r->least) r->least = value;
    if (first || value > r->most) r->most = value;
}

/* The mean of what was logged in the quarter of `steps` that ends with step `end`; of the last row before it where
 * there is none. Quarters, since losses of single crops go up and down by a third. */
static double mean_until(const series *s, int64_t end, int64_t steps)
{
    double sum = 0, last = s->value[0];
    size_t rows = 0;
    for (size_t i = 0; i < s->rows && s->step[i] <= end; i++) {
        last = s->value[i];
        if (s->step[i] > end - steps / 4) sum += last, rows++;
    }
    return rows ? sum / (double)rows : last;
}

/* The loss's change from the second quarter of a run to the last; false where it has no loss, or too few steps. */
static bool change_of(const sweep_point *p, double *change)
{
    static const char *const losses[] = {"total", "cross_entropy"};
    int64_t steps = p->config->experiment.steps;
    series s;
    bool found = false;
    for (size_t i = 0; !found && steps >= 20 && i < sizeof losses / sizeof *losses; i++)
        found = series_read_from(&s, p->path, losses[i], NULL);
    if (!found) return false;
    double second = mean_until(&s, steps / 2, steps);
    *change = (mean_until(&s, steps, steps) - second) / second;
    series_free(&s);
    return second > 0;
}

figure_judged figure_judge(const figure_work *w)
{
    figure_judged j = {0};
    for (size_t i = 0; i < w->run_count; i++)
        for (size_t k = 0; w->finished[i] && k < w->runs[i]->count; k++) {
            const sweep_point *p = &w->runs[i]->point[k];
            double change;
            if (!p->config->experiment.steps) continue;
            widen(&j.steps, p->config->experiment.steps, !j.runs);
            if (p->config->data.size) widen(&j.pixels, p->config->data.size, !j.pixels.most);
            j.runs++;
            if (change_of(p, &change)) widen(&j.change, change, !j.losses++);
        }
    return j;
}

/* A whole number; of what is smaller than one, or very large, its first digit. */
static char *number_text(double v)
{
    bool whole = fabs(v) >= 1 && fabs(v) < 1e5;
    return whole ? nx_format("%.0f", v) : nx_format("%.1g", v);
}

static char *range_text(figure_range r)
{
    char *least = number_text(r.least), *most = number_text(r.most);
    char *text = strcmp(least, most) ? nx_format("%s to %s", least, most) : nx_copy_text(least);
    free(least), free(most);
    return text;
}

char *figure_judged_text(const figure_judged *j)
{
    if (!j->runs) return NULL;
    char *steps = range_text(j->steps), *sides = range_text(j->pixels);
    char *pixels = j->pixels.most > 0 ? nx_format(" at %s pixels", sides) : nx_copy_text("");
    char *change = range_text((figure_range){100 * j->change.least, 100 * j->change.most});
    char *trend = j->losses ? nx_format("; " FIGURE_TREND ": %s %%", change) : NULL;
    char *text = nx_format("%s steps%s%s", steps, pixels, trend ? trend : "");
    free(trend), free(change), free(pixels), free(sides), free(steps);
    return text;
}

/* ---- measures ---- */

double image_distance(const nx_image *a, const nx_image *b)
{
    NX_CHECK(a->height == b->height && a->width == b->width, "a distance of pictures of %d x %d and %d x %d", a->height,
             a->width, b->height, b->width);
    size_t count = (size_t)a->height * (size_t)a->width * 3;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += pow(a->rgb[i] - b->rgb[i], 2);
    return sqrt(sum / (double)count);
}

double image_contrast(const nx_image *image)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    double mean[3] = {0}, sum = 0;
    for (size_t i = 0; i < pixels * 3; i++) mean[i % 3] += image->rgb[i] / (double)pixels;
    for (size_t i = 0; i < pixels * 3; i++) sum += pow(image->rgb[i] - mean[i % 3], 2);
    return sqrt(sum / (double)(pixels * 3));
}

/* The magnitude of Sobel's gradient of the luminance, inside the border: (height - 2) x (width - 2). */
static double *sobel(const nx_image *image)
{
    size_t h = (size_t)image->height, w = (size_t)image->width;
    double *gray = nx_alloc(h * w * sizeof *gray), *out = nx_alloc(h * w * sizeof *out);
    for (size_t i = 0; i < h * w; i++)
        gray[i] = .299 * image->rgb[i * 3] + .587 * image->rgb[i * 3 + 1] + .114 * image->rgb[i * 3 + 2];
    for (size_t y = 1; y + 1 < h; y++)
        for (size_t x = 1; x + 1 < w; x++) {
            const double *p = &gray[y * w + x];
            double dx = p[1 - (ptrdiff_t)w] + 2 * p[1] + p[1 + w] - p[-1 - (ptrdiff_t)w] - 2 * p[-1] - p[w - 1];
            double dy =
                p[w - 1] + 2 * p[w] + p[w + 1] - p[-1 - (ptrdiff_t)w] - 2 * p[-(ptrdiff_t)w] - p[1 - (ptrdiff_t)w];
            out[(y - 1) * (w - 2) + x - 1] = sqrt(dx * dx + dy * dy);
        }
    free(gray);
    return out;
}

double image_edges(const nx_image *a, const nx_image *b)
{
    NX_CHECK(a->height == b->height && a->width == b->width && a->height > 2 && a->width > 2,
             "edges of pictures of %d x %d and %d x %d", a->height, a->width, b->height, b->width);
    size_t count = (size_t)(a->height - 2) * (size_t)(a->width - 2);
    double *x = sobel(a), *y = sobel(b), mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < count; i++) mx += x[i] / (double)count, my += y[i] / (double)count;
    for (size_t i = 0; i < count; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
    }
    free(x);
    free(y);
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}
