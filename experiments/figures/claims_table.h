/* Tables of claims in Markdown: one lies beside each figure's page, and all scales of many figures can be laid side by
 * side.
 *
 *     if (!claims_table_save("figures/gatys-fig4-ci.md", "gatys/fig4", claims, count, err)) return false;
 *     claims_tables tables = {0};
 *     claims_tables_add(&tables, "figures", "gatys", "fig4");      what is kept of it, at whichever scales it was made
 *     claims_tables_print(stdout, &tables);
 *     claims_tables_free(&tables);
 */
#ifndef FIGURES_CLAIMS_TABLE_H
#define FIGURES_CLAIMS_TABLE_H

#include "figures/figure_work.h"

#include <stdio.h>

/* "holds", "does not hold", "open". */
const char *verdict_text(verdict v);

/* FOLDER/PAPER-NAME-SCALE.md or .png; owned by the caller. */
char *figure_page_path(const char *folder, const char *paper, const char *name, config_scale scale, const char *ending);

/* Writes all or nothing. */
bool claims_table_save(const char *path, const char *title, const figure_claim_text *claims, size_t count,
                       nx_error *err);

/* ---- side by side ---- */

enum { CLAIM_SCALES = SCALE_CI + 1 };

typedef struct claims_row {
    char *figure, *claim, *paper;
    char *ours[CLAIM_SCALES], *verdict[CLAIM_SCALES]; /* NULL: not made at this scale */
} claims_row;

typedef struct claims_tables {
    claims_row *rows; /* in the order in which they were added */
    size_t count;
} claims_tables;

/* A scale at which the figure was not made adds nothing. */
void claims_tables_add(claims_tables *t, const char *folder, const char *paper, const char *name);

/* A row a claim: what the paper has and what came out at each scale; then how many hold, do not, and are open. */
void claims_tables_print(FILE *out, const claims_tables *t);
void claims_tables_free(claims_tables *t); /* leaves *t empty */

#endif
