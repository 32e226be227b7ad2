/* A table is kept as it is read by people: what is put side by side is read back from its rows. */
#include "figures/claims_table.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "runfile/own.h"

#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {[FAILS] = "does not hold", [HOLDS] = "holds", [OPEN] = "open"};
static const config_scale order[] = {SCALE_CI, SCALE_LAPTOP, SCALE_PAPER};

enum { VERDICTS = sizeof verdicts / sizeof *verdicts, CELLS = 4 };

const char *verdict_text(verdict v) { return verdicts[v]; }

char *figure_page_path(const char *folder, const char *paper, const char *name, config_scale scale, const char *ending)
{
    return nx_format("%s/%s-%s-%s.%s", folder, paper, name, figure_scale_name(scale), ending);
}

bool claims_table_save(const char *path, const char *title, const figure_claim_text *c, size_t count, nx_error *err)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    NX_CHECK(out, "no memory for a table");
    fprintf(out, OWN_MARKDOWN "# %s\n\n| claim | paper | ours | verdict |\n| --- | --- | --- | --- |\n", title);
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
    t->rows[t->count] = (claims_row){nx_copy_text(figure), nx_copy_text(claim), nx_copy_text(paper), {0}, {0}};
    return &t->rows[t->count++];
}

/* Takes "| a | b | c | d |" apart, in place; false if it is no row of claims. */
static bool split(char *line, char *cell[CELLS])
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
    for (int v = 0; v < VERDICTS; v++)
        if (!strcmp(cell[CELLS - 1], verdicts[v])) return !*line;
    return false;
}

void claims_tables_add(claims_tables *t, const char *folder, const char *paper, const char *name)
{
    char *figure = nx_format("%s/%s", paper, name);
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        char *path = figure_page_path(folder, paper, name, order[k], "md"), *text = NULL, *next = NULL, *cell[CELLS];
        size_t bytes;
        bool there = nx_file_read(path, &text, &bytes, NULL);
        for (char *line = there ? strtok_r(text, "\n", &next) : NULL; line; line = strtok_r(NULL, "\n", &next)) {
            if (!split(line, cell)) continue;
            claims_row *row = row_of(t, figure, cell[0], cell[1]);
            free(row->ours[order[k]]), free(row->verdict[order[k]]);
            row->ours[order[k]] = nx_copy_text(cell[2]), row->verdict[order[k]] = nx_copy_text(cell[3]);
        }
        free(text);
        free(path);
    }
    free(figure);
}

static size_t count_of(const claims_tables *t, config_scale scale, verdict v)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        count += t->rows[i].verdict[scale] && !strcmp(t->rows[i].verdict[scale], verdicts[v]);
    return count;
}

void claims_tables_print(FILE *out, const claims_tables *t)
{
    fprintf(out, "| figure | claim | paper |");
    for (size_t k = 0; k < CLAIM_SCALES; k++) fprintf(out, " %s scale |", figure_scale_name(order[k]));
    fprintf(out, "\n| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < t->count; i++) {
        const claims_row *r = &t->rows[i];
        fprintf(out, "| %s | %s | %s |", r->figure, r->claim, r->paper);
        for (size_t k = 0; k < CLAIM_SCALES; k++) {
            config_scale s = order[k];
            if (r->verdict[s])
                fprintf(out, " %s: %s |", r->ours[s], r->verdict[s]);
            else
                fprintf(out, " |");
        }
        fprintf(out, "\n");
    }
    fprintf(out, "\n");
    for (size_t k = 0; k < CLAIM_SCALES; k++) {
        size_t holds = count_of(t, order[k], HOLDS), fails = count_of(t, order[k], FAILS),
               open = count_of(t, order[k], OPEN);
        if (holds + fails + open)
            fprintf(out, "At %s scale %zu of %zu claims hold, %zu do not, %zu are open.\n", figure_scale_name(order[k]),
                    holds, holds + fails + open, fails, open);
    }
}

void claims_tables_free(claims_tables *t)
{
    for (size_t i = 0; i < t->count; i++) {
        claims_row *r = &t->rows[i];
        free(r->figure), free(r->claim), free(r->paper);
        for (int k = 0; k < CLAIM_SCALES; k++) free(r->ours[k]), free(r->verdict[k]);
    }
    free(t->rows);
    *t = (claims_tables){0};
}
