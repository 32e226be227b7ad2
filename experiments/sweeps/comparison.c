/* Comparison: one table of columns, each a metric of the run file; print, Markdown and CSV are three ways through it.
 */
#include "sweeps/comparison.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "runfile/own.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RECENT = 50 }; /* rows of the training loss that are averaged */

enum { TRAINING, VALIDATION, TOP1, TOP5, STYLE, CONTENT, NEIGHBOUR, CONTRAST, RELATIVE, SECONDS, COLUMNS };

/* The first metric that the file has, its last value or the mean of its last rows. */
static const struct column {
    const char *title, *metrics[2];
    bool mean;
} columns[COLUMNS] = {
    [TRAINING] = {"training", {"total", NULL}, true},
    [VALIDATION] = {"validation", {"validation/total", NULL}, false},
    [TOP1] = {"top-1", {"validation/top1", NULL}, false},
    [TOP5] = {"top-5", {"validation/top5", NULL}, false},
    [STYLE] = {"style", {"validation/style", "style"}, false},
    [CONTENT] = {"content", {"validation/content", "content"}, false},
    [NEIGHBOUR] = {"neighbour", {"samples/neighbour", NULL}, false},
    [CONTRAST] = {"contrast", {"samples/contrast", NULL}, false},
    [RELATIVE] = {"of first", {NULL, NULL}, false},
    [SECONDS] = {"seconds", {NULL, NULL}, false},
};

typedef struct row {
    const sweep_point *point;
    double value[COLUMNS]; /* NaN: none */
} row;

struct comparison {
    size_t count;
    row *row;
};

comparison *comparison_new(void) { return nx_alloc(sizeof(comparison)); }

void comparison_free(comparison *t)
{
    if (!t) return;
    free(t->row);
    free(t);
}

size_t comparison_count(const comparison *t) { return t->count; }

static double read_column(const char *run, const struct column *c)
{
    series s;
    double value = NAN;
    for (int i = 0; i < 2 && c->metrics[i] && isnan(value); i++) {
        if (!series_read_from(&s, run, c->metrics[i], NULL)) continue;
        value = series_mean(&s, c->mean ? RECENT : 1);
        series_free(&s);
    }
    return value;
}

bool comparison_add(comparison *t, const sweep_point *p, nx_error *err)
{
    series total;
    row r = {.point = p};
    if (!series_read_from(&total, p->path, "total", err)) return false;
    for (int k = 0; k < COLUMNS; k++) r.value[k] = read_column(p->path, &columns[k]);
    r.value[SECONDS] = total.time[total.rows - 1];
    series_free(&total);
    const double *first = t->count ? t->row[0].value : r.value;
    int basis = isnan(r.value[VALIDATION]) || isnan(first[VALIDATION]) ? TRAINING : VALIDATION;
    r.value[RELATIVE] = r.value[basis] / first[basis];
    NX_GROW(t->row, t->count);
    t->row[t->count++] = r;
    return true;
}

/* ---- mean and deviation over seeds ---- */

typedef struct group {
    const char *name;
    size_t count;
    double mean[COLUMNS], deviation[COLUMNS]; /* NaN: none; of the sample, n - 1 */
} group;

static bool same_group(const row *a, const row *b) { return !strcmp(a->point->group, b->point->group); }

/* The groups in the order of their first points; NULL if every point stands alone. Owned by the caller. */
static group *groups_of(const comparison *t, size_t *count)
{
    group *groups = nx_alloc((t->count + 1) * sizeof *groups);
    *count = 0;
    for (size_t i = 0; i < t->count; i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++) known = known || same_group(&t->row[k], &t->row[i]);
        if (known) continue;
        group *g = &groups[(*count)++];
        *g = (group){.name = *t->row[i].point->group ? t->row[i].point->group : "all"};
        for (size_t k = i; k < t->count; k++) g->count += same_group(&t->row[i], &t->row[k]);
        for (int c = 0; c < COLUMNS; c++) {
            double sum = 0, squares = 0;
            for (size_t k = i; k < t->count; k++)
                if (same_group(&t->row[i], &t->row[k])) sum += t->row[k].value[c] / (double)g->count;
            for (size_t k = i; k < t->count; k++)
                if (same_group(&t->row[i], &t->row[k])) squares += pow(t->row[k].value[c] - sum, 2);
            g->mean[c] = sum;
            g->deviation[c] = g->count > 1 ? sqrt(squares / (double)(g->count - 1)) : NAN;
        }
    }
    if (*count < t->count) return groups;
    free(groups);
    *count = 0;
    return NULL;
}

/* ---- text ---- */

static bool used(const comparison *t, int column)
{
    for (size_t i = 0; i < t->count; i++)
        if (!isnan(t->row[i].value[column])) return true;
    return false;
}

static char *value_text(char out[32], int column, double value)
{
    if (isnan(value))
        snprintf(out, 32, "-");
    else
        snprintf(out, 32, column == SECONDS ? "%.1f" : column == RELATIVE ? "%.3f" : "%.5g", value);
    return out;
}

static char *spread_text(char out[64], int column, double mean, double deviation)
{
    char a[32];
    value_text(a, column, mean);
    if (isnan(deviation)) return strcpy(out, a);
    snprintf(out, 64, "%s +- %.2g", a, deviation);
    return out;
}

/* A table of text, row by row. */
typedef struct grid {
    size_t columns, cells;
    char **cell;
} grid;

static void add_cell(grid *g, const char *text)
{
    NX_GROW(g->cell, g->cells);
    g->cell[g->cells++] = nx_copy_text(text);
}

/* The first row is the heading; the first column is set to the left, the others to the right. */
static void draw_grid(grid *g, FILE *out, bool markdown)
{
    for (size_t i = 0; i < g->cells; i++) {
        int width = 0;
        size_t column = i % g->columns;
        for (size_t k = column; k < g->cells; k += g->columns)
            if ((int)strlen(g->cell[k]) > width) width = (int)strlen(g->cell[k]);
        if (markdown)
            fprintf(out, column ? " %s |" : "| %s |", g->cell[i]);
        else
            fprintf(out, column ? "  %*s" : "%-*s", width, g->cell[i]);
        if (column + 1 < g->columns) continue;
        fputc('\n', out);
        for (size_t k = 0; markdown && i + 1 == g->columns && k < g->columns; k++)
            fprintf(out, k ? " ---: |" : "| --- |");
        if (markdown && i + 1 == g->columns) fputc('\n', out);
    }
    for (size_t i = 0; i < g->cells; i++) free(g->cell[i]);
    free(g->cell);
    *g = (grid){0};
}

static void add_heading(grid *g, const comparison *t, const char *first, const char *second)
{
    add_cell(g, first);
    if (second) add_cell(g, second);
    for (int k = 0; k < COLUMNS; k++)
        if (used(t, k)) add_cell(g, columns[k].title);
    g->columns = g->cells;
}

static void draw(const comparison *t, FILE *out, bool markdown)
{
    char text[64];
    grid g = {0};
    add_heading(&g, t, "point", NULL);
    for (size_t i = 0; i < t->count; i++) {
        add_cell(&g, t->row[i].point->label);
        for (int k = 0; k < COLUMNS; k++)
            if (used(t, k)) add_cell(&g, value_text(text, k, t->row[i].value[k]));
    }
    draw_grid(&g, out, markdown);
    size_t count;
    group *groups = groups_of(t, &count);
    if (!groups) return;
    fprintf(out, "\n%s\n\n", markdown ? "Mean and deviation over seeds:" : "mean and deviation over seeds");
    add_heading(&g, t, "points", "seeds");
    for (size_t i = 0; i < count; i++) {
        add_cell(&g, groups[i].name);
        snprintf(text, sizeof text, "%zu", groups[i].count);
        add_cell(&g, text);
        for (int k = 0; k < COLUMNS; k++)
            if (used(t, k)) add_cell(&g, spread_text(text, k, groups[i].mean[k], groups[i].deviation[k]));
    }
    draw_grid(&g, out, markdown);
    free(groups);
}

void comparison_print(const comparison *t, FILE *out) { draw(t, out, false); }

/* ---- files ---- */

static void csv_text(FILE *out, const char *text)
{
    bool quote = strpbrk(text, ",\"\n") != NULL;
    if (quote) fputc('"', out);
    for (; *text; text++) fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    if (quote) fputc('"', out);
}

static void csv_values(FILE *out, const double *values)
{
    for (int k = 0; k < COLUMNS; k++) fprintf(out, isnan(values[k]) ? "," : ",%.9g", values[k]);
    fputc('\n', out);
}

static void draw_csv(const comparison *t, FILE *out)
{
    const config_list *keys = &t->row[0].point->overrides;
    fputs(OWN_CSV, out);
    for (int a = 0; a < keys->count; a++) fprintf(out, ",%.*s", (int)strcspn(keys->items[a], "="), keys->items[a]);
    for (int k = 0; k < COLUMNS; k++) fprintf(out, ",%s", columns[k].title);
    fputc('\n', out);
    for (size_t i = 0; i < t->count; i++) {
        const sweep_point *p = t->row[i].point;
        fputs("point,", out);
        csv_text(out, p->label);
        fputs(",1", out);
        for (int a = 0; a < p->overrides.count; a++) {
            fputc(',', out);
            csv_text(out, strchr(p->overrides.items[a], '=') + 1);
        }
        csv_values(out, t->row[i].value);
    }
    size_t count;
    group *groups = groups_of(t, &count);
    for (size_t g = 0; g < count; g++)
        for (int part = 0; part < 2; part++) {
            fputs(part ? "deviation," : "mean,", out);
            csv_text(out, groups[g].name);
            fprintf(out, ",%zu", groups[g].count);
            for (int a = 0; a < keys->count; a++) fputc(',', out);
            csv_values(out, part ? groups[g].deviation : groups[g].mean);
        }
    free(groups);
}

bool comparison_may_write(const config *c, const char *run, nx_error *err)
{
    static const char *const endings[] = {".md", ".csv", ".png"};
    for (int i = 0; i < 3; i++)
        if (!may_write_beside(c, run, endings[i], err)) return false;
    return true;
}

bool comparison_save(const comparison *t, const char *run, nx_error *err)
{
    static const char *const endings[] = {".md", ".csv"};
    bool ok = true;
    for (int i = 0; ok && t->count && i < 2; i++) {
        char *text = NULL, *path = path_beside(run, endings[i]);
        size_t bytes;
        FILE *out = open_memstream(&text, &bytes);
        NX_CHECK(out, "no memory for a table");
        if (!i) fputs(OWN_MARKDOWN, out);
        if (i)
            draw_csv(t, out);
        else
            draw(t, out, true);
        NX_CHECK(!fclose(out), "no memory for a table");
        ok = may_write(path, err) && nx_file_write(path, text, bytes, err);
        free(text);
        free(path);
    }
    return ok;
}

/* ---- the picture ---- */

/* Appends the output of a point's picture, the lower half where the upper one is content. False: another size. */
static bool stack(nx_image *all, const nx_image *one, bool content, size_t index, size_t count)
{
    size_t part = (size_t)one->height / (content ? 2 : 1), line = (size_t)one->width * 3, rows = count + content;
    if (!index) *all = nx_image_new((int)(part * rows), one->width);
    if (one->width != all->width || part * rows != (size_t)all->height) return false;
    if (!index && content) memcpy(all->rgb, one->rgb, part * line * sizeof(float));
    memcpy(all->rgb + part * line * (index + content), one->rgb + ((size_t)one->height - part) * line,
           part * line * sizeof(float));
    return true;
}

bool comparison_picture(const comparison *t, bool content, const char *run, FILE *out, nx_error *err)
{
    nx_image all = {0};
    bool ok = true, alike = t->count > 0;
    for (size_t i = 0; ok && alike && i < t->count; i++) {
        char *path = path_beside(t->row[i].point->path, ".png");
        nx_image one = {0};
        alike = nx_file_exists(path);
        ok = !alike || nx_image_load(&one, path, err);
        alike = alike && ok && stack(&all, &one, content, i, t->count);
        nx_image_free(&one);
        free(path);
    }
    char *path = path_beside(run, ".png");
    if (ok && !alike)
        nx_warn("no common picture: the points have none, or of several sizes");
    else if ((ok = ok && may_write(path, err) && nx_image_save_png(&all, path, err)) && out)
        fprintf(out, "\npictures: %s: %sone row for each point\n", path, content ? "content, then " : "");
    free(path);
    nx_image_free(&all);
    return ok;
}
