/* Figures of the papers: each runs its configs, or finds their finished runs, makes one page and says of each claim
 * what the paper has, what we have, and whether it holds. A paper's figures are one file, figures/PAPER.c, with a table
 * of these; its configs are configs/PAPER/NAME.ini with [scale.ci], [scale.laptop] and the paper's own sizes as such.
 *
 *     static bool ratio_sweep(figure_work *w, nx_error *err)
 *     {
 *         const sweep_points *p = figure_run(w, "fig4", NULL, err);
 *         for (size_t i = 0; p && i < p->count; i++) {
 *             if (!figure_picture(w, 0, (int)i, p->point[i].path, "output", p->point[i].label, err)) return false;
 *             ...
 *         }
 *         figure_claim(w, verdict_of(falls), "content falls as its weight grows", "by eye", "%.3g to %.3g", a, b);
 *         return p != NULL;
 *     }
 *
 *     static const figure figures[] = {{"fig4", "ratios of content to style", .make = ratio_sweep}, {0}};
 *     const figure_paper gatys_figures = {.name = "gatys", .citation = "Gatys et al. 2016", .figures = figures};
 *
 * A claim is measured and printed as it comes out; nothing here is tuned until it holds.
 */
#ifndef FIGURES_FIGURE_H
#define FIGURES_FIGURE_H

#include "figures/page.h"
#include "run/run_config.h"

typedef struct figure_work figure_work;

typedef struct figure {
    const char *name, *title; /* "fig4"; NULL ends the table */

    /* Fills the page and makes the claims. An error ends this figure alone. */
    bool (*make)(figure_work *w, nx_error *err);

    bool one_generator; /* it looks at one trained generator, which may be the user's: figure_model */

    /* The paper's scale, whose constants are those of a VGG-19, asks for one (-s descriptor.weights=FILE); the others
     * have the descriptor that comes with nstx. */
    bool wants_vgg;
} figure;

/* The figures of a paper, in the order of its pages. */
typedef struct figure_paper {
    const char *name, *citation;
    const figure *figures;
} figure_paper;

/* ---- what is being made ---- */

page *figure_page(figure_work *w);
config_scale figure_scale(const figure_work *w);

/* The trained weights that the user brought; NULL: none. */
const char *figure_weights(const figure_work *w);

/* The generator that the user brought (--model) to a figure of one_generator; NULL: none. */
const char *figure_model(const figure_work *w);

/* ---- runs ---- */

/* The finished runs of configs/PAPER/NAME.ini at the scale in hand, one a point of its sweep. changes: more settings,
 * "section.key=value section.key=value", which come before the user's own -s; a value has commas in place of blanks.
 * Runs of the same config and changes are shared by the figures of a paper, and kept for the next time. NULL after an
 * error or an interrupt. Owned by w. */
const sweep_points *figure_run(figure_work *w, const char *name, const char *changes, nx_error *err);

/* The same without running anything: what a run would be of. */
const sweep_points *figure_points(figure_work *w, const char *name, const char *changes, nx_error *err);

/* The newest value of a metric; its mean over the last `rows`. */
bool figure_metric(const char *run, const char *metric, double *value, nx_error *err);
bool figure_mean(const char *run, const char *metric, size_t rows, double *value, nx_error *err);

/* Its first value of `step` or later; the newest where there is none. */
bool figure_value_at(const char *run, const char *metric, int64_t step, double *value, nx_error *err);

/* The first value. */
bool figure_first(const char *run, const char *metric, double *value, nx_error *err);

/* The newest picture of /images/NAME; owned by the caller. */
bool figure_image(const char *run, const char *name, nx_image *out, nx_error *err);

/* The first one of `step` or later; the newest where there is none. */
bool figure_image_at(const char *run, const char *name, int64_t step, nx_image *out, nx_error *err);

/* Where a further file of this figure goes: FOLDER/PAPER/SCALE/NAME, of another seed than the first FOLDER/PAPER/
 * SCALE-seed2/NAME; owned by the caller. */
char *figure_file(const figure_work *w, const char *name);

/* ---- onto the page ---- */

/* That picture into the grid. caption may be NULL. */
bool figure_picture(figure_work *w, int row, int column, const char *run, const char *name, const char *caption,
                    nx_error *err);

/* A picture file into the grid, its longer side made `size`. */
bool figure_show(figure_work *w, int row, int column, const char *path, int size, const char *caption, nx_error *err);

/* A metric of a run over steps, or over seconds. */
bool figure_curve(figure_work *w, int chart, const char *label, const char *run, const char *metric, bool seconds,
                  nx_error *err);

/* ---- claims ---- */

typedef enum verdict { FAILS, HOLDS, OPEN } verdict; /* open: these weights cannot tell */

static inline verdict verdict_of(bool holds) { return holds ? HOLDS : FAILS; }

/* HOLDS or FAILS, but OPEN where a run of the figure had random weights. */
verdict verdict_trained(const figure_work *w, bool holds);

/* One line of the table: what is claimed, what the paper has, what we have. */
void figure_claim(figure_work *w, verdict v, const char *claim, const char *paper, const char *ours, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- measures that several figures take ---- */

/* Root mean square of the differences, in grey levels; the pictures are of one size. */
double image_distance(const nx_image *a, const nx_image *b);

/* Root mean square around the mean colour. */
double image_contrast(const nx_image *image);

/* Pearson's correlation of the two pictures' edges (Sobel, of their luminance): how much of the drawing is kept. */
double image_edges(const nx_image *a, const nx_image *b);

#endif
