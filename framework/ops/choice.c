/* The rule, the candidates, and the texts. */
#include "ops/choice.h"

#include "ops/algorithm.h"

#include <stdio.h>
#include <string.h>

/* ---- the candidates ---- */

static bool can(const nx_device_info *info, const nx_question *q, const nx_algorithm *a)
{
    return a->family == info->family && a->works & 1u << q->work && (!a->can || a->can(info, q));
}

static bool pays(const nx_question *q, const nx_algorithm *a)
{
    return a->pays == 0 || (q->x.c >= a->pays && q->y.c >= a->pays);
}

static size_t add(const nx_device_info *info, const nx_question *q, const nx_algorithm *a, nx_choice *out)
{
    *out = (nx_choice){.algorithm = a};
    return 1 + (a->variants ? a->variants(info, q, *out, out + 1) : 0);
}

size_t nx_choice_candidates(const nx_device_info *info, const nx_question *q, nx_choice *out)
{
    const nx_algorithm *rule = NULL;
    size_t n = 0;
    for (size_t i = 0; i < nx_algorithm_count && !rule; i++)
        if (can(info, q, nx_algorithms[i]) && pays(q, nx_algorithms[i])) rule = nx_algorithms[i];
    if (rule) n = add(info, q, rule, out);
    for (size_t i = 0; i < nx_algorithm_count; i++)
        if (nx_algorithms[i] != rule && can(info, q, nx_algorithms[i])) n += add(info, q, nx_algorithms[i], out + n);
    return n;
}

/* The candidate that has this text; false if none has. */
static bool find(const nx_device_info *info, const nx_question *q, const char *answer, nx_choice *out)
{
    nx_choice all[NX_CHOICES];
    char text[NX_WISDOM_TEXT];
    for (size_t i = 0, n = nx_choice_candidates(info, q, all); i < n; i++) {
        nx_choice_text(text, &all[i]);
        *out = all[i];
        if (!strcmp(text, answer)) return true;
    }
    return false;
}

nx_choice nx_choose(const nx_device_info *info, const nx_question *q)
{
    nx_choice all[NX_CHOICES], chosen;
    char text[NX_WISDOM_TEXT];
    size_t count = nx_choice_candidates(info, q, all);
    nx_question_text(text, q);
    NX_CHECK(count, "no algorithm for \"%s\"", text);
    if (count == 1) return all[0];
    const char *answer = nx_wisdom_find(text);
    if (!answer) return all[0];
    NX_CHECK(find(info, q, answer, &chosen), "wisdom: \"%s\" is no answer to \"%s\"", answer, text);
    return chosen;
}

bool nx_choice_known(const nx_device_info *info, const char *question, const char *answer)
{
    nx_question q;
    nx_choice choice;
    return nx_question_read(&q, question) && find(info, &q, answer, &choice);
}

/* ---- texts ---- */

static const char *const works[NX_WORKS] = {"conv", "transposed", "weights", "product"};

void nx_question_text(char out[NX_WISDOM_TEXT], const nx_question *q)
{
    const nx_gemm_problem *p = &q->product;
    if (q->work == NX_WORK_PRODUCT) {
        snprintf(out, NX_WISDOM_TEXT, "product %c%c, %dx%dx%d, batch %d%s", p->transpose_a ? 't' : 'n',
                 p->transpose_b ? 't' : 'n', p->m, p->n, p->k, p->batch ? p->batch : 1,
                 p->symmetric ? ", symmetric" : "");
        return;
    }
    int n = snprintf(out, NX_WISDOM_TEXT, "%s %dx%d, %dx%dx%dx%d to %dx%dx%dx%d, zoom %d", works[q->work], q->kh, q->kw,
                     q->x.n, q->x.h, q->x.w, q->x.c, q->y.n, q->y.h, q->y.w, q->y.c, q->zoom);
    if (q->stride > 1) snprintf(out + n, NX_WISDOM_TEXT - (size_t)n, ", stride %d", q->stride);
}

static bool few(double numbers) { return numbers <= NX_QUESTION_MOST; }
static double count_of(nx_shape s) { return (double)s.n * s.h * s.w * s.c; }

static bool small(const nx_question *q)
{
    const nx_gemm_problem *p = &q->product;
    double batch = p->batch, m = p->m, n = p->n, k = p->k;
    if (q->work == NX_WORK_PRODUCT) return few(batch * m * k) && few(batch * k * n) && few(batch * m * n);
    return few(count_of(q->x)) && few(count_of(q->y)) && few((double)q->kh * q->kw * q->x.c * q->y.c);
}

/* A question is one that gives the text back. */
bool nx_question_read(nx_question *q, const char *text)
{
    char work[16] = "", again[NX_WISDOM_TEXT], a = 0, b = 0;
    *q = (nx_question){.stride = 1};
    nx_gemm_problem *p = &q->product;
    sscanf(text, "%15s", work);
    while (q->work < NX_WORKS && strcmp(work, works[q->work])) q->work++;
    if (q->work == NX_WORKS) return false;
    if (q->work == NX_WORK_PRODUCT) {
        sscanf(text, "product %c%c, %dx%dx%d, batch %d", &a, &b, &p->m, &p->n, &p->k, &p->batch);
        p->transpose_a = a == 't', p->transpose_b = b == 't';
        p->symmetric = strstr(text, ", symmetric");
    } else {
        sscanf(text, "%*s %dx%d, %dx%dx%dx%d to %dx%dx%dx%d, zoom %d, stride %d", &q->kh, &q->kw, &q->x.n, &q->x.h,
               &q->x.w, &q->x.c, &q->y.n, &q->y.h, &q->y.w, &q->y.c, &q->zoom, &q->stride);
    }
    const int conv[] = {q->x.n, q->x.h, q->x.w, q->x.c, q->y.n,  q->y.h,
                        q->y.w, q->y.c, q->kh,  q->kw,  q->zoom, q->stride};
    const int product[] = {p->m, p->n, p->k, p->batch};
    const int *numbers = q->work == NX_WORK_PRODUCT ? product : conv;
    size_t count = q->work == NX_WORK_PRODUCT ? sizeof product / sizeof *product : sizeof conv / sizeof *conv;
    for (size_t i = 0; i < count; i++)
        if (numbers[i] <= 0 || numbers[i] > NX_QUESTION_MOST) return false;
    if (p->symmetric && p->m != p->n) return false;
    nx_question_text(again, q);
    return !strcmp(again, text) && small(q);
}

void nx_choice_text(char out[NX_WISDOM_TEXT], const nx_choice *choice)
{
    int n = snprintf(out, NX_WISDOM_TEXT, "%s", choice->algorithm->name);
    if (choice->block) n += snprintf(out + n, NX_WISDOM_TEXT - (size_t)n, " %d", choice->block);
    if (choice->tile)
        n += snprintf(out + n, NX_WISDOM_TEXT - (size_t)n, " %dx%d", choice->tile->pixels, choice->tile->channels);
    if (choice->splits)
        snprintf(out + n, NX_WISDOM_TEXT - (size_t)n, ", %d split%s", choice->splits, choice->splits > 1 ? "s" : "");
}
