/* Pulls, and the line that they are told in. */
#include "run/pull.h"

#include "base/log.h"
#include "base/memory.h"
#include "ops/weighted_sum.h"
#include "runfile/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- recording ---- */

bool pull_matters(const config *c, bool content, bool style)
{
    bool rest = c->loss.tv_weight > 0 || c->loss.diversity > 0;
    return (content && c->loss.content_weight > 0) + (style && c->loss.style_weight > 0) + rest > 1;
}

void pull_record_kind(pull *out, nx_graph *g, const objective *o, pull_kind kind, nx_tensor *picture)
{
    static const pull_kind kinds[OBJECTIVE_KINDS] = {
        [OBJECTIVE_CONTENT] = PULL_CONTENT, [OBJECTIVE_STYLE] = PULL_STYLE, [OBJECTIVE_VARIATION] = PULL_REST,
        [OBJECTIVE_ENTROPY] = PULL_REST,    [OBJECTIVE_KERNEL] = PULL_REST, [OBJECTIVE_READOUT] = PULL_REST};
    nx_tensor *values[OBJECTIVE_TERMS];
    float weights[OBJECTIVE_TERMS];
    int count = 0;
    for (int i = 0; i < o->count; i++) {
        const objective_term *t = &o->term[i];
        if (kinds[t->kind] == kind && t->weight > 0) values[count] = t->value, weights[count++] = (float)t->weight;
    }
    if (count) nx_gradient(g, nx_weighted_sum(g, values, weights, count), &picture, 1, &out->gradient[kind]);
    if (out->gradient[kind]) nx_keep(out->gradient[kind]);
}

bool pull_record(pull *out, perceptual_loss *p, nx_graph *g, const picture_loss *j, int side, nx_error *err)
{
    picture_loss half = *j;
    objective o = {0};
    *out = (pull){0};
    if (side ? j->style < 0 : !j->content) return true;
    if (side)
        half.content = NULL;
    else
        half.style = -1;
    if (!perceptual_record(p, g, &half, &o, err)) return false;
    pull_record_kind(out, g, &o, side ? PULL_STYLE : PULL_CONTENT, j->output);
    if (!side || !j->content) pull_record_kind(out, g, &o, PULL_REST, j->output);
    return true;
}

bool pull_is_any(const pull *p)
{
    for (int k = 0; k < PULL_KINDS; k++)
        if (p->gradient[k]) return true;
    return false;
}

static double magnitude(nx_plan *plan, const nx_tensor *gradient)
{
    size_t count = nx_shape_count(gradient->shape);
    float *values = nx_alloc(count * sizeof *values);
    nx_plan_read(plan, gradient, values);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += fabs((double)values[i]);
    free(values);
    return sum;
}

void pull_read(const pull *p, nx_plan *plan, double factor, pulls *out)
{
    for (int k = 0; k < PULL_KINDS; k++) {
        if (!p->gradient[k]) continue;
        out->norm[k] += factor * magnitude(plan, p->gradient[k]);
        out->there[k] = true;
    }
}

/* ---- the line ---- */

#define HARDLY 100. /* so many times less than another hardly counts */
#define SEEN   10.  /* and so many times less does */

/* To one digit. */
static double about(double factor)
{
    double unit = pow(10, floor(log10(factor)));
    return round(factor / unit) * unit;
}

/* The key of a kind, and a word for it. */
typedef struct word {
    const char *what, *key;
} word;

static void advise(char *text, size_t size, word w, double own, double most)
{
    if (own > most / HARDLY)
        *text = 0;
    else if (own > 0)
        snprintf(text, size, "; the %s will hardly be seen: raise %s about %g times", w.what, w.key,
                 about(most / SEEN / own));
    else
        snprintf(text, size, "; the %s has no gradient there", w.what);
}

void pulls_log(const pulls *p, const config *c, runfile *file)
{
    static const char *const names[] = {"content", "style", "rest"};
    bool tv = c->loss.tv_weight > 0, entropy = c->loss.diversity > 0;
    const word words[] = {{"content", "loss.content_weight"},
                          {"style", "loss.style_weight"},
                          tv && entropy ? (word){"rest", "loss.tv_weight and loss.diversity"}
                          : tv          ? (word){"variation", "loss.tv_weight"}
                                        : (word){"diversity", "loss.diversity"}};
    char shares[PULL_KINDS][64] = {""}, advice[PULL_KINDS][160] = {""};
    double sum = 0, most = fmax(p->norm[PULL_CONTENT], p->norm[PULL_STYLE]), rest = p->norm[PULL_REST];
    const char *comma = "";
    for (int k = 0; k < PULL_KINDS; k++) sum += p->norm[k];
    if (!(sum > 0 && isfinite(sum))) return;
    for (int k = 0; k < PULL_KINDS; k++) {
        double percent = 100 * p->norm[k] / sum;
        if (!p->there[k]) continue;
        snprintf(shares[k], sizeof shares[k], percent < 9.95 ? "%s%s %.2g %%" : "%s%s %.0f %%", comma, words[k].what,
                 percent);
        advise(advice[k], sizeof advice[k], words[k], p->norm[k], most);
        runfile_set_real(file, RUNFILE_BALANCE, names[k], p->norm[k] / sum);
        comma = ", ";
    }
    /* Where the rest drowns both, it is to be lowered, and content and style still have to suit each other. Seen to
     * make a picture grey from 19 times on. */
    if (rest > SEEN * most)
        snprintf(advice[PULL_REST], sizeof advice[PULL_REST],
                 "; little else will be seen than the %s: lower %s about %g times", words[PULL_REST].what,
                 words[PULL_REST].key, about(most > 0 ? rest / most : SEEN));
    nx_info("balance: %s%s%s of the gradient %s%s%s%s", shares[0], shares[1], shares[2], p->where, advice[0], advice[1],
            advice[2]);
}
