/* Pages: everything is kept in units of the final picture's pixels, laid out once when it is saved, drawn by cairo. */
#include "figures/page.h"

#include "base/memory.h"
#include "base/quantile.h"
#include "base/text.h"

#include <cairo/cairo.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARGIN = 16, GAP = 8, LINE = 18, CHART_WIDTH = 560, CHART_HEIGHT = 380, CELL_LEAST = 128, CELL_MOST = 288 };
enum { FEW = 40 }; /* points of a curve that get marks */

/* Okabe and Ito's colours, which the colour-blind tell apart; without the yellow. */
static const double colors[][3] = {{0, .45, .70},   {.84, .37, 0}, {0, .62, .45}, {.80, .47, .65},
                                   {.34, .71, .91}, {.90, .62, 0}, {.3, .3, .3}};
enum { COLORS = sizeof colors / sizeof *colors };

typedef struct cell {
    int row, column;
    nx_image image;
    char *caption;
} cell;

typedef struct label {
    bool of_row;
    int index;
    char *text;
} label;

typedef enum shape { CURVE, MARKS, BOX, LEVEL } shape;

typedef struct series {
    shape shape;
    char *label;
    double *x, *y; /* box: x[0]; level: y[0] */
    size_t count;
} series;

typedef struct chart {
    char *title, *x, *y;
    bool log_x, log_y;
    series *series;
    size_t count;
} chart;

struct page {
    char *title;
    cell *cell;
    size_t cells;
    label *label;
    size_t labels;
    chart *chart;
    size_t charts;
};

static char *copy(const char *text) { return text ? nx_copy_text(text) : NULL; }

page *page_new(const char *title)
{
    page *p = nx_alloc(sizeof *p);
    p->title = nx_copy_text(title);
    return p;
}

void page_free(page *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->cells; i++) nx_image_free(&p->cell[i].image), free(p->cell[i].caption);
    for (size_t i = 0; i < p->labels; i++) free(p->label[i].text);
    for (size_t i = 0; i < p->charts; i++) {
        chart *c = &p->chart[i];
        for (size_t k = 0; k < c->count; k++) free(c->series[k].label), free(c->series[k].x), free(c->series[k].y);
        free(c->series), free(c->title), free(c->x), free(c->y);
    }
    free(p->cell), free(p->label), free(p->chart), free(p->title);
    free(p);
}

static void set_label(page *p, bool of_row, int index, const char *text)
{
    for (size_t i = 0; i < p->labels; i++)
        if (p->label[i].of_row == of_row && p->label[i].index == index) {
            free(p->label[i].text);
            p->label[i].text = nx_copy_text(text);
            return;
        }
    NX_GROW(p->label, p->labels);
    p->label[p->labels++] = (label){of_row, index, nx_copy_text(text)};
}

void page_row(page *p, int row, const char *text) { set_label(p, true, row, text); }
void page_column(page *p, int column, const char *text) { set_label(p, false, column, text); }

void page_picture(page *p, int row, int column, const nx_image *image, const char *caption)
{
    NX_GROW(p->cell, p->cells);
    p->cell[p->cells++] = (cell){row, column, nx_image_crop(image, 0, 0, image->height, image->width), copy(caption)};
}

int page_chart(page *p, page_axes axes)
{
    NX_GROW(p->chart, p->charts);
    p->chart[p->charts] =
        (chart){.title = copy(axes.title), .x = copy(axes.x), .y = copy(axes.y), axes.log_x, axes.log_y};
    return (int)p->charts++;
}

static double *numbers(const double *values, size_t count)
{
    double *out = nx_alloc((count + 1) * sizeof *out);
    if (count) memcpy(out, values, count * sizeof *out);
    return out;
}

static void add_series(page *p, int number, series s)
{
    chart *c = &p->chart[number];
    NX_GROW(c->series, c->count);
    c->series[c->count++] = s;
}

void page_curve(page *p, int chart, const char *text, const double *x, const double *y, size_t count)
{
    add_series(p, chart, (series){CURVE, copy(text), numbers(x, count), numbers(y, count), count});
}

void page_marks(page *p, int chart, const char *text, const double *x, const double *y, size_t count)
{
    add_series(p, chart, (series){MARKS, copy(text), numbers(x, count), numbers(y, count), count});
}

void page_box(page *p, int chart, const char *text, double x, const double *values, size_t count)
{
    double *sorted = numbers(values, count);
    nx_sort(sorted, count);
    add_series(p, chart, (series){BOX, copy(text), numbers(&x, 1), sorted, count});
}

void page_level(page *p, int chart, const char *text, double y)
{
    add_series(p, chart, (series){LEVEL, copy(text), NULL, numbers(&y, 1), 1});
}

/* ---- drawing words ---- */

typedef enum anchor { LEFT, CENTER, RIGHT } anchor;

static double text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(cr, text, &e);
    return e.x_advance;
}

static void draw_text(cairo_t *cr, double x, double y, anchor a, const char *text)
{
    double width = text_width(cr, text);
    cairo_move_to(cr, a == LEFT ? x : a == CENTER ? x - width / 2 : x - width, y);
    cairo_show_text(cr, text);
}

static void set_font(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
    cairo_set_source_rgb(cr, .1, .1, .1);
}

/* ---- the grid ---- */

typedef struct layout {
    int rows, columns, cell_width, cell_height, row_label, caption; /* in pixels, but for the first two */
    int *row_top;                                                   /* [rows + 1] */
    int width, height, grid_top, charts_top, charts_across;
} layout;

/* What makes a picture as large as its cell. */
static double scale_into(const layout *l, const nx_image *image)
{
    return fmin((double)l->cell_width / image->width, (double)l->cell_height / image->height);
}

static void measure_grid(const page *p, cairo_t *cr, layout *l)
{
    int wide = 0, high = 0;
    bool columns = false;
    for (size_t i = 0; i < p->cells; i++) {
        const cell *c = &p->cell[i];
        if (c->row >= l->rows) l->rows = c->row + 1;
        if (c->column >= l->columns) l->columns = c->column + 1;
        if (c->image.width > wide) wide = c->image.width;
        if (c->image.height > high) high = c->image.height;
        if (c->caption) l->caption = LINE;
    }
    for (size_t i = 0; i < p->labels; i++) {
        double width = text_width(cr, p->label[i].text) + 2 * GAP;
        if (p->label[i].of_row && width > l->row_label) l->row_label = (int)width;
        if (p->label[i].of_row && p->label[i].index >= l->rows) l->rows = p->label[i].index + 1;
        columns = columns || !p->label[i].of_row;
    }
    int longer = wide > high ? wide : high, most = longer < CELL_LEAST  ? CELL_LEAST
                                                   : longer > CELL_MOST ? CELL_MOST
                                                                        : longer;
    l->cell_width = longer ? wide * most / longer : 0;
    l->cell_height = longer ? high * most / longer : 0;
    l->grid_top = MARGIN + 2 * LINE + (columns ? LINE : 0);
    l->row_top = nx_alloc((size_t)(l->rows + 1) * sizeof *l->row_top);
    l->row_top[0] = l->grid_top;
    for (int row = 0; row < l->rows; row++) { /* as high as its highest picture */
        double height = 0;
        for (size_t i = 0; i < p->cells; i++)
            if (p->cell[i].row == row)
                height = fmax(height, p->cell[i].image.height * scale_into(l, &p->cell[i].image));
        l->row_top[row + 1] = l->row_top[row] + (int)ceil(height) + l->caption + GAP;
    }
}

static void measure(const page *p, cairo_t *cr, layout *l)
{
    *l = (layout){0};
    set_font(cr, 13, false);
    measure_grid(p, cr, l);
    int grid = l->row_label + l->columns * (l->cell_width + GAP);
    l->charts_across = p->charts > 1 ? 2 : (int)p->charts;
    int charts = l->charts_across * (CHART_WIDTH + GAP);
    set_font(cr, 16, true);
    int title = (int)text_width(cr, p->title);
    l->width = 2 * MARGIN + (grid > charts ? (grid > title ? grid : title) : charts > title ? charts : title);
    l->charts_top = l->row_top[l->rows];
    int lines = l->charts_across ? ((int)p->charts + l->charts_across - 1) / l->charts_across : 0;
    l->height = l->charts_top + lines * (CHART_HEIGHT + GAP) + MARGIN;
}

static void draw_image(cairo_t *cr, const nx_image *image, double left, double top, double width, double height)
{
    double scale = fmin(width / image->width, height / image->height);
    int w = (int)lround(image->width * scale), h = (int)lround(image->height * scale);
    nx_image shown = scale < 1 ? nx_image_resize(image, h < 1 ? 1 : h, w < 1 ? 1 : w, NX_BICUBIC)
                               : nx_image_crop(image, 0, 0, image->height, image->width);
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, shown.width, shown.height);
    unsigned char *data = cairo_image_surface_get_data(s);
    int stride = cairo_image_surface_get_stride(s);
    for (int y = 0; y < shown.height; y++)
        for (int x = 0; x < shown.width; x++) {
            const float *rgb = &shown.rgb[((size_t)y * (size_t)shown.width + (size_t)x) * 3];
            uint32_t pixel = 0;
            for (int k = 0; k < 3; k++) pixel = pixel << 8 | (uint32_t)lroundf(fminf(fmaxf(rgb[k], 0), 255));
            memcpy(data + (size_t)y * (size_t)stride + (size_t)x * 4, &pixel, 4);
        }
    cairo_surface_mark_dirty(s);
    cairo_save(cr);
    cairo_translate(cr, left + (width - w) / 2, top);
    if (scale > 1) cairo_scale(cr, scale, scale);
    cairo_set_source_surface(cr, s, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_paint(cr);
    cairo_restore(cr);
    cairo_surface_destroy(s);
    nx_image_free(&shown);
}

static double cell_left(const layout *l, int column)
{
    return MARGIN + l->row_label + column * (double)(l->cell_width + GAP);
}

/* The bottom of the pictures of a row; captions are below. */
static double cell_bottom(const layout *l, int row) { return l->row_top[row + 1] - l->caption - GAP; }

static void draw_grid(const page *p, cairo_t *cr, const layout *l)
{
    for (size_t i = 0; i < p->cells; i++) {
        const cell *c = &p->cell[i];
        double left = cell_left(l, c->column);
        draw_image(cr, &c->image, left, l->row_top[c->row], l->cell_width, l->cell_height);
        set_font(cr, 11, false);
        if (c->caption) draw_text(cr, left + l->cell_width / 2., cell_bottom(l, c->row) + 13, CENTER, c->caption);
    }
    set_font(cr, 13, false);
    for (size_t i = 0; i < p->labels; i++) {
        const label *t = &p->label[i];
        if (t->of_row)
            draw_text(cr, MARGIN + l->row_label - GAP, (l->row_top[t->index] + cell_bottom(l, t->index)) / 2 + 4, RIGHT,
                      t->text);
        else
            draw_text(cr, cell_left(l, t->index) + l->cell_width / 2., l->grid_top - 6, CENTER, t->text);
    }
}

/* ---- charts ---- */

typedef struct range {
    double low, high;
    bool log;
} range;

static bool shows(const range *r, double v) { return isfinite(v) && (!r->log || v > 0); }

static void include(range *r, double v)
{
    if (!shows(r, v)) return;
    if (isnan(r->low) || v < r->low) r->low = v;
    if (isnan(r->high) || v > r->high) r->high = v;
}

/* Some room around; never empty. */
static void widen(range *r)
{
    if (isnan(r->low)) r->low = r->log ? 1 : 0, r->high = r->log ? 10 : 1;
    if (r->log) {
        double factor = pow(r->high / r->low, .04);
        if (factor < 1.05) factor = 1.05;
        r->low /= factor, r->high *= factor;
    } else {
        double room = (r->high - r->low) * .04;
        if (!(room > 0)) room = fabs(r->low) * .05 + 1e-12;
        r->low -= r->low >= 0 && r->low - room < 0 && r->low < r->high * .3 ? r->low : room;
        r->high += room;
    }
}

static double place(const range *r, double v, double from, double to)
{
    double t = r->log ? log(v / r->low) / log(r->high / r->low) : (v - r->low) / (r->high - r->low);
    return from + t * (to - from);
}

/* The ticks: 1, 2, 5 times powers of ten, at most about eight. Gives their number. */
static int ticks(const range *r, double out[64])
{
    static const double steps[] = {1, 2, 5, 10};
    int count = 0;
    if (r->log) {
        double decades = log10(r->high / r->low);
        int parts = decades < 1.2 ? 3 : decades < 3 ? 2 : 1, stride = decades > 9 ? (int)ceil(decades / 8) : 1;
        static const double some[3][3] = {{1}, {1, 3}, {1, 2, 5}};
        for (int e = (int)floor(log10(r->low)); e <= (int)ceil(log10(r->high)); e += stride)
            for (int k = 0; k < parts && count < 64; k++) {
                double v = some[parts - 1][k] * pow(10, e);
                if (v >= r->low && v <= r->high) out[count++] = v;
            }
        if (count > 1) return count;
        count = 0;
    }
    double rough = (r->high - r->low) / 6, power = pow(10, floor(log10(rough))), step = 10 * power;
    for (int k = 3; k >= 0; k--)
        if (steps[k] * power >= rough) step = steps[k] * power;
    for (double v = ceil(r->low / step) * step; v <= r->high * (1 + 1e-12) && count < 64; v += step)
        out[count++] = fabs(v) < step * 1e-9 ? 0 : v;
    return count;
}

typedef struct frame {
    range x, y;
    double left, right, top, bottom;
} frame;

static double at_x(const frame *f, double v) { return place(&f->x, v, f->left, f->right); }
static double at_y(const frame *f, double v) { return place(&f->y, v, f->bottom, f->top); }

static void draw_axes(cairo_t *cr, const chart *c, const frame *f)
{
    double tick[64];
    char text[32];
    set_font(cr, 11, false);
    cairo_set_line_width(cr, 1);
    for (int vertical = 0; vertical < 2; vertical++) {
        const range *r = vertical ? &f->y : &f->x;
        int count = ticks(r, tick);
        for (int i = 0; i < count; i++) {
            double at = floor(vertical ? at_y(f, tick[i]) : at_x(f, tick[i])) + .5;
            cairo_set_source_rgb(cr, .88, .88, .88);
            cairo_move_to(cr, vertical ? f->left : at, vertical ? at : f->top);
            cairo_line_to(cr, vertical ? f->right : at, vertical ? at : f->bottom);
            cairo_stroke(cr);
            snprintf(text, sizeof text, "%.5g", tick[i]);
            cairo_set_source_rgb(cr, .25, .25, .25);
            if (vertical)
                draw_text(cr, f->left - 6, at + 4, RIGHT, text);
            else
                draw_text(cr, at, f->bottom + 15, CENTER, text);
        }
    }
    cairo_set_source_rgb(cr, .25, .25, .25);
    cairo_rectangle(cr, f->left + .5, f->top + .5, f->right - f->left, f->bottom - f->top);
    cairo_stroke(cr);
    set_font(cr, 12, false);
    if (c->x) draw_text(cr, (f->left + f->right) / 2, f->bottom + 34, CENTER, c->x);
    if (c->y) {
        cairo_save(cr);
        cairo_translate(cr, f->left - 56, (f->top + f->bottom) / 2);
        cairo_rotate(cr, -acos(0));
        draw_text(cr, 0, 0, CENTER, c->y);
        cairo_restore(cr);
    }
    set_font(cr, 13, true);
    if (c->title) draw_text(cr, (f->left + f->right) / 2, f->top - 8, CENTER, c->title);
}

static void draw_points(cairo_t *cr, const series *s, const frame *f)
{
    bool pen = false;
    for (size_t i = 0; s->shape == CURVE && i < s->count; i++) {
        bool there = shows(&f->x, s->x[i]) && shows(&f->y, s->y[i]);
        if (there && pen) cairo_line_to(cr, at_x(f, s->x[i]), at_y(f, s->y[i]));
        if (there && !pen) cairo_move_to(cr, at_x(f, s->x[i]), at_y(f, s->y[i]));
        pen = there;
    }
    cairo_stroke(cr);
    for (size_t i = 0; (s->shape == MARKS || s->count <= FEW) && i < s->count; i++) {
        if (!shows(&f->x, s->x[i]) || !shows(&f->y, s->y[i])) continue;
        cairo_arc(cr, at_x(f, s->x[i]), at_y(f, s->y[i]), 3, 0, 4 * acos(0));
        cairo_fill(cr);
    }
}

static void draw_box(cairo_t *cr, const series *s, const frame *f)
{
    double x = at_x(f, s->x[0]), mean = 0, five[5];
    for (size_t i = 0; i < s->count; i++) mean += s->y[i] / (double)s->count;
    for (int i = 0; i < 5; i++) five[i] = at_y(f, nx_quantile(s->y, s->count, i * .25));
    for (int i = 0; i < 5; i += 4) {
        cairo_move_to(cr, x - 5, five[i]), cairo_line_to(cr, x + 5, five[i]);
        cairo_move_to(cr, x, five[i]), cairo_line_to(cr, x, five[i ? 3 : 1]);
    }
    cairo_rectangle(cr, x - 7, five[3], 14, five[1] - five[3]);
    cairo_move_to(cr, x - 7, five[2]), cairo_line_to(cr, x + 7, five[2]);
    cairo_stroke(cr);
    cairo_arc(cr, x, at_y(f, mean), 2.5, 0, 4 * acos(0));
    cairo_fill(cr);
}

static int color_of(const chart *c, size_t i)
{
    int color = 0;
    for (size_t k = 0; k < i; k++) {
        const char *a = c->series[k].label, *b = c->series[i].label;
        if (a && b && !strcmp(a, b)) return color_of(c, k);
        bool fresh = true;
        for (size_t j = 0; j < k && a; j++) fresh = fresh && !(c->series[j].label && !strcmp(c->series[j].label, a));
        color += fresh;
    }
    return color % COLORS;
}

/* True for the first series of its label. */
static bool in_legend(const chart *c, size_t i)
{
    bool told = !c->series[i].label;
    for (size_t k = 0; k < i && !told; k++)
        told = c->series[k].label && !strcmp(c->series[k].label, c->series[i].label);
    return !told;
}

/* How many points lie in a rectangle. */
static size_t covered(const chart *c, const frame *f, double left, double top, double width, double height)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->series[i].count && c->series[i].shape != LEVEL; k++) {
            const series *s = &c->series[i];
            double x = at_x(f, s->x[s->shape == BOX ? 0 : k]), y = at_y(f, s->y[k]);
            count += x > left && x < left + width && y > top && y < top + height;
        }
    return count;
}

/* In the corner where it hides least. */
static void draw_legend(cairo_t *cr, const chart *c, const frame *f)
{
    enum { ROW = 16 };
    set_font(cr, 11, false);
    double width = 0, height = 8, left = 0, top = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!in_legend(c, i)) continue;
        width = fmax(width, text_width(cr, c->series[i].label) + 36);
        height += ROW;
    }
    size_t least = SIZE_MAX;
    for (int corner = 0; corner < 4; corner++) {
        double x = corner & 1 ? f->left : f->right - width, y = corner & 2 ? f->bottom - height : f->top;
        size_t hidden = covered(c, f, x, y, width, height);
        if (hidden < least) least = hidden, left = x, top = y;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (!in_legend(c, i)) continue;
        const double *rgb = colors[color_of(c, i)];
        cairo_set_source_rgba(cr, 1, 1, 1, .8);
        cairo_rectangle(cr, left + 1, top + 4, width - 2, ROW);
        cairo_fill(cr);
        cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
        cairo_rectangle(cr, left + 6, top + 10, 18, 3);
        cairo_fill(cr);
        cairo_set_source_rgb(cr, .1, .1, .1);
        draw_text(cr, left + 28, top + ROW, LEFT, c->series[i].label);
        top += ROW;
    }
}

static void draw_chart(cairo_t *cr, const chart *c, double left, double top)
{
    frame f = {{NAN, NAN, c->log_x},   {NAN, NAN, c->log_y}, left + 76, left + CHART_WIDTH - 12, top + 26,
               top + CHART_HEIGHT - 46};
    for (size_t i = 0; i < c->count; i++) {
        const series *s = &c->series[i];
        for (size_t k = 0; k < s->count; k++) {
            include(&f.y, s->y[k]);
            if (s->shape != LEVEL) include(&f.x, s->x[s->shape == BOX ? 0 : k]);
        }
    }
    widen(&f.x);
    widen(&f.y);
    draw_axes(cr, c, &f);
    for (size_t i = 0; i < c->count; i++) {
        const series *s = &c->series[i];
        const double *rgb = colors[color_of(c, i)];
        cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
        cairo_set_line_width(cr, 1.8);
        if (s->shape == CURVE || s->shape == MARKS) draw_points(cr, s, &f);
        if (s->shape == BOX && s->count) draw_box(cr, s, &f);
        if (s->shape == LEVEL && shows(&f.y, s->y[0])) {
            cairo_set_dash(cr, (double[]){6, 4}, 2, 0);
            cairo_move_to(cr, f.left, at_y(&f, s->y[0])), cairo_line_to(cr, f.right, at_y(&f, s->y[0]));
            cairo_stroke(cr);
            cairo_set_dash(cr, NULL, 0, 0);
        }
    }
    draw_legend(cr, c, &f);
}

/* ---- the whole ---- */

static nx_image image_of(cairo_surface_t *s)
{
    nx_image image = nx_image_new(cairo_image_surface_get_height(s), cairo_image_surface_get_width(s));
    cairo_surface_flush(s);
    const unsigned char *data = cairo_image_surface_get_data(s);
    size_t stride = (size_t)cairo_image_surface_get_stride(s), width = (size_t)image.width;
    for (size_t y = 0; y < (size_t)image.height; y++)
        for (size_t x = 0; x < width; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + x * 4, 4);
            for (int k = 0; k < 3; k++)
                image.rgb[(y * width + x) * 3 + (size_t)k] = (float)(pixel >> (16 - 8 * k) & 255);
        }
    return image;
}

bool page_save(const page *p, const char *path, nx_error *err)
{
    layout l;
    cairo_surface_t *probe = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cr = cairo_create(probe);
    measure(p, cr, &l);
    cairo_destroy(cr);
    cairo_surface_destroy(probe);
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, l.width, l.height);
    if (cairo_surface_status(s)) {
        free(l.row_top);
        return nx_fail(err, "%s: a page of %d x %d pixels: %s", path, l.width, l.height,
                       cairo_status_to_string(cairo_surface_status(s)));
    }
    cr = cairo_create(s);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    set_font(cr, 16, true);
    draw_text(cr, MARGIN, MARGIN + LINE, LEFT, p->title);
    draw_grid(p, cr, &l);
    for (size_t i = 0; i < p->charts; i++)
        draw_chart(cr, &p->chart[i], MARGIN + (double)(i % (size_t)l.charts_across) * (CHART_WIDTH + GAP),
                   l.charts_top + (double)(i / (size_t)l.charts_across) * (CHART_HEIGHT + GAP));
    cairo_destroy(cr);
    nx_image image = image_of(s);
    cairo_surface_destroy(s);
    bool fine = nx_image_save_png(&image, path, err);
    nx_image_free(&image);
    free(l.row_top);
    return fine;
}
