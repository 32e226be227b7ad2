/* A table is kept as it is read by people: what is put side by side is read back from its rows. */
#include "figures/claims_table.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "runfile/own.h"

#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {[FAILS] = "does not hold", [HOLDS] = "holds", [OPEN] = "open"};
static const char judged_after[] = "Judged after ";
static const config_scale order[] = {SCALE_CI, SCALE_LAPTOP, SCALE_PAPER};

enum { VERDICTS = sizeof verdicts / sizeof *verdicts, CELLS = 4 };

const char *verdict_text(verdict v) { return verdicts[v]; }

char *figure_page_path(const char *folder, const char *paper, const char *name, config_scale scale, int seed,
                       const char *ending)
{
    char *place = figure_place(scale, seed), *path = nx_format("%s/%s-%s-%s.%s", folder, paper, name, place, ending);
    free(place);
    return path;
}

bool claims_table_save(const char *path, const char *title, const char *judged, const figure_claim_text *c,
                       size_t count, nx_error *err)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    NX_CHECK(out, "no memory for a table");
    fprintf(out, OWN_MARKDOWN "# %s\n\n", title);
    if (judged) fprintf(out, "%s%s.\n\n", judged_after, judged);
    fprintf(out, "| claim | paper | ours | verdict |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s |\n", c[i].claim, c[i].paper, c[i].ours, verdicts[c[i].verdict]);
    NX_CHECK(!fclose(out), "no memory for a table");
    bool fine = nx_file_write(path, text, bytes, err);
    free(text);
    return fine;
}

/* ---- side by side ---- */

static claims_row *row_of(claims_tables *t, const char *figure, const char *claim, const char *paper)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->rows[i].figure, figure) && !strcmp(t->rows[i].claim, claim)) return &t->rows[i];
    NX_GROW(t->rows, t->count);
    t->rows[t->count] = (claims_row){nx_copy_text(figure), nx_copy_text(claim), nx_copy_text(paper), {{0}}};
    return &t->rows[t->count++];
}

/* Takes "| a | b | c | d |" apart, in place; false if it is no row of claims. */
static bool split(char *line, char *cell[CELLS], verdict *v)
{
    if (strncmp(line, "| ", 2)) return false;
    line += 2;
    for (int k = 0; k < CELLS; k++) {
        char *end = strstr(line, " |");
        if (!end) return false;
        *end = 0;
        cell[k] = line;
        line = end + 2 + (end[2] == ' ');
    }
    for (int i = 0; i < VERDICTS; i++) {
        if (strcmp(cell[CELLS - 1], verdicts[i])) continue;
        *v = (verdict)i;
        return !*line;
    }
    return false;
}

/* What a page's line says of how far its runs had come. */
static void add_judged(claims_tables *t, const char *line, const char *figure, config_scale scale)
{
    size_t i = 0, length = strlen(line);
    while (i < t->figure_count && strcmp(t->figures[i].figure, figure)) i++;
    if (i == t->figure_count) {
        NX_GROW(t->figures, t->figure_count);
        t->figures[t->figure_count++] = (claims_figure){nx_copy_text(figure), {NULL}};
    }
    if (!t->figures[i].judged[scale])
        t->figures[i].judged[scale] = nx_format("%.*s", (int)(length - (length && line[length - 1] == '.')), line);
}

/* False where there is no such page. */
static bool add_page(claims_tables *t, const char *path, const char *figure, config_scale scale)
{
    char *text, *next = NULL, *cell[CELLS];
    size_t bytes;
    verdict v;
    if (!nx_file_read(path, &text, &bytes, NULL)) return false;
    for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
        if (!strncmp(line, judged_after, strlen(judged_after)))
            add_judged(t, line + strlen(judged_after), figure, scale);
        if (!split(line, cell, &v)) continue;
        claims_cell *c = &row_of(t, figure, cell[0], cell[1])->cell[scale];
        NX_GROW(c->ours, c->seeds);
        c->ours[c->seeds++] = nx_copy_text(cell[2]);
        c->verdicts[v]++;
    }
    free(text);
    return true;
}

void claims_tables_add(claims_tables *t, const char *folder, const char *paper, const char *name)
{
    char *figure = nx_format("%s/%s", paper, name);
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        bool there = true;
        for (int seed = 1; there; seed++) {
            char *path = figure_page_path(folder, paper, name, order[k], seed, "md");
            there = add_page(t, path, figure, order[k]);
            free(path);
        }
    }
    free(figure);
}

/* The letters of what all end in, such as " (at most 0.85)". */
static size_t common_end(const claims_cell *c)
{
    const char *end = c->seeds ? strstr(c->ours[0], " (") : NULL;
    size_t length = end ? strlen(end) : 0;
    for (size_t i = 1; length && i < c->seeds; i++) {
        size_t own = strlen(c->ours[i]);
        if (own < length || strcmp(c->ours[i] + own - length, end)) length = 0;
    }
    return length;
}

/* What all say, or all end in, is said once. */
static void print_cell(FILE *out, const claims_cell *c)
{
    size_t told = c->seeds ? 1 : 0, length = common_end(c);
    for (size_t i = 1; i < c->seeds; i++)
        if (strcmp(c->ours[i], c->ours[0])) told = c->seeds;
    for (size_t i = 0; i < told; i++) {
        size_t own = strlen(c->ours[i]) - (i + 1 < told ? length : 0);
        fprintf(out, " %.*s%s", (int)own, c->ours[i], i + 1 < told ? ";" : ":");
    }
    if (c->seeds > 1 && c->verdicts[OPEN] < c->seeds)
        fprintf(out, " holds with %zu of %zu seeds", c->verdicts[HOLDS], c->seeds);
    else if (c->seeds)
        fprintf(out, " %s", verdicts[c->verdicts[OPEN] ? OPEN : c->verdicts[HOLDS] ? HOLDS : FAILS]);
    fprintf(out, " |");
}

static void print_sum(FILE *out, const claims_tables *t, config_scale scale)
{
    size_t count[OPEN + 1] = {0}, some = 0, all = 0;
    for (size_t i = 0; i < t->count; i++) {
        const claims_cell *c = &t->rows[i].cell[scale];
        if (!c->seeds) continue;
        all++;
        count[c->verdicts[HOLDS] == c->seeds ? HOLDS : c->verdicts[FAILS] ? FAILS : OPEN]++;
        some += c->verdicts[HOLDS] && c->verdicts[FAILS];
    }
    if (!all) return;
    fprintf(out, "At %s scale %zu of %zu claims hold, %zu do not, %zu are open", figure_scale_name(scale), count[HOLDS],
            all, count[FAILS], count[OPEN]);
    if (some) fprintf(out, "; of those that do not, %zu hold with some of the seeds", some);
    fprintf(out, ".\n");
}

/* The columns of the scales, behind others. */
static void print_scales(FILE *out, size_t others)
{
    for (size_t k = 0; k < CLAIM_SCALES; k++) fprintf(out, " %s scale |", figure_scale_name(order[k]));
    fprintf(out, "\n|");
    for (size_t k = 0; k < others + CLAIM_SCALES; k++) fprintf(out, " --- |");
    fprintf(out, "\n");
}

static void print_judged(FILE *out, const claims_tables *t)
{
    static const char told[] = "; " FIGURE_TREND;
    if (!t->figure_count) return;
    fprintf(out,
            "\nOf the first seed: after how many steps, and, behind the colon, " FIGURE_TREND ".\n\n| judged after |");
    print_scales(out, 1);
    for (size_t i = 0; i < t->figure_count; i++) {
        fprintf(out, "| %s |", t->figures[i].figure);
        for (size_t k = 0; k < CLAIM_SCALES; k++) {
            const char *judged = t->figures[i].judged[order[k]], *trend = judged ? strstr(judged, told) : NULL;
            if (trend)
                fprintf(out, " %.*s%s |", (int)(trend - judged), judged, trend + strlen(told));
            else
                fprintf(out, "%s%s |", judged ? " " : "", judged ? judged : "");
        }
        fprintf(out, "\n");
    }
}

void claims_tables_print(FILE *out, const claims_tables *t)
{
    fprintf(out, "| figure | claim | paper |");
    print_scales(out, 3);
    for (size_t i = 0; i < t->count; i++) {
        const claims_row *r = &t->rows[i];
        fprintf(out, "| %s | %s | %s |", r->figure, r->claim, r->paper);
        for (size_t k = 0; k < CLAIM_SCALES; k++) print_cell(out, &r->cell[order[k]]);
        fprintf(out, "\n");
    }
    fprintf(out, "\n");
    for (size_t k = 0; k < CLAIM_SCALES; k++) print_sum(out, t, order[k]);
    print_judged(out, t);
}

void claims_tables_free(claims_tables *t)
{
    for (size_t i = 0; i < t->count; i++) {
        claims_row *r = &t->rows[i];
        free(r->figure), free(r->claim), free(r->paper);
        for (int k = 0; k < CLAIM_SCALES; k++) {
            for (size_t j = 0; j < r->cell[k].seeds; j++) free(r->cell[k].ours[j]);
            free(r->cell[k].ours);
        }
    }
    for (size_t i = 0; i < t->figure_count; i++) {
        free(t->figures[i].figure);
        for (int k = 0; k < CLAIM_SCALES; k++) free(t->figures[i].judged[k]);
    }
    free(t->rows), free(t->figures);
    *t = (claims_tables){0};
}
