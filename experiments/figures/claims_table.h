/* Tables of claims in Markdown: one lies beside each figure's page, and all scales and seeds of many figures can be
 * laid side by side.
 *
 *     if (!claims_table_save("figures/gatys-fig4-ci.md", "gatys/fig4", judged, claims, count, err)) return false;
 *     claims_tables tables = {0};
 *     claims_tables_add(&tables, "figures", "gatys", "fig4");      what is kept of it, of whichever scales and seeds
 *     claims_tables_print(stdout, &tables);
 *     claims_tables_free(&tables);
 */
#ifndef FIGURES_CLAIMS_TABLE_H
#define FIGURES_CLAIMS_TABLE_H

#include "figures/figure_work.h"

#include <stdio.h>

/* "holds", "does not hold", "open". */
const char *verdict_text(verdict v);

/* FOLDER/PAPER-NAME-SCALE.md or .png, FOLDER/PAPER-NAME-SCALE-seed2.md of another seed than the first; owned by the
 * caller. */
char *figure_page_path(const char *folder, const char *paper, const char *name, config_scale scale, int seed,
                       const char *ending);

/* Writes all or nothing. judged: figure_judged_text, which may be NULL. */
bool claims_table_save(const char *path, const char *title, const char *judged, const figure_claim_text *claims,
                       size_t count, nx_error *err);

/* ---- side by side ---- */

enum { CLAIM_SCALES = SCALE_CI + 1 };

typedef struct claims_cell { /* of one scale */
    char **ours;             /* of each seed, in their order */
    size_t seeds, verdicts[OPEN + 1];
} claims_cell;

typedef struct claims_row {
    char *figure, *claim, *paper;
    claims_cell cell[CLAIM_SCALES];
} claims_row;

typedef struct claims_figure {
    char *figure, *judged[CLAIM_SCALES]; /* of the first seed; NULL: a scale's page says nothing of it */
} claims_figure;

typedef struct claims_tables {
    claims_row *rows; /* in the order in which they were added */
    size_t count;
    claims_figure *figures; /* those of which a page says how far its runs had come */
    size_t figure_count;
} claims_tables;

/* A scale at which the figure was not made adds nothing; seeds count from 1 to the last before the first without a
 * page. */
void claims_tables_add(claims_tables *t, const char *folder, const char *paper, const char *name);

/* A row a claim: what the paper has and what came out at each scale, with each seed; then how many hold, which of
 * several seeds all do, how many do not, and how many are open; then a row a figure: how far its runs had come. */
void claims_tables_print(FILE *out, const claims_tables *t);
void claims_tables_free(claims_tables *t); /* leaves *t empty */

#endif
