/* A page of a figure: pictures in a grid with labels, charts below them, written as one PNG.
 *
 *     page *p = page_new("Gatys et al., Fig. 4");
 *     page_row(p, 0, "alpha / beta");  page_column(p, 0, "1e-4");
 *     page_picture(p, 0, 0, &image, NULL);
 *     int chart = page_chart(p, (page_axes){.x = "step", .y = "loss", .log_y = true});
 *     page_curve(p, chart, "instance", steps, losses, count);
 *     fine = page_save(p, "fig4.png", &err);
 *     page_free(p);
 *
 * Everything handed over is copied.
 */
#ifndef FIGURES_PAGE_H
#define FIGURES_PAGE_H

#include "io/image.h"

#include <stddef.h>

typedef struct page page;

page *page_new(const char *title);
void page_free(page *p);

/* ---- the grid; rows and columns count from 0 and need not be filled ---- */

void page_row(page *p, int row, const char *label); /* a label replaces the one before */
void page_column(page *p, int column, const char *label);
void page_picture(page *p, int row, int column, const nx_image *image,
                  const char *caption); /* caption: below; or NULL */

/* ---- charts ---- */

typedef struct page_axes {
    const char *title, *x, *y; /* title may be NULL */
    bool log_x, log_y;         /* values that are not positive are left out then */
} page_axes;

int page_chart(page *p, page_axes axes); /* its number */

/* A line through points; few points get marks. NaN breaks the line. label NULL: not in the legend. */
void page_curve(page *p, int chart, const char *label, const double *x, const double *y, size_t count);

/* Marks alone. */
void page_marks(page *p, int chart, const char *label, const double *x, const double *y, size_t count);

/* A box at x over `count` values: least, quartiles, mean and most. Boxes of one label have one colour. */
void page_box(page *p, int chart, const char *label, double x, const double *values, size_t count);

/* A horizontal line. */
void page_level(page *p, int chart, const char *label, double y);

/* Writes all or nothing. */
bool page_save(const page *p, const char *path, nx_error *err);

#endif
