/* The table of algorithms, and the texts. */
#include "ops/choice.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { CONV = 1 << NX_WORK_CONV, TRANSPOSED = 1 << NX_WORK_TRANSPOSED, WEIGHTS = 1 << NX_WORK_WEIGHTS };
enum { PRODUCT = 1 << NX_WORK_PRODUCT, NEVER = INT_MAX };

/* The rule takes the first row of its family and work that has the channels; tune tries every one that can. */
typedef struct algorithm {
    const char *name;
    nx_family family;
    unsigned works;
    bool winograd, library;
    int can, rule; /* input and output channels from which on it can be taken, and is by the rule */
} algorithm;

static const algorithm algorithms[] = {
    {"winograd", NX_FAMILY_CPU, CONV | WEIGHTS, true, false, 16, 16}, /* with fewer half of the lanes are idle */
    {"direct", NX_FAMILY_CPU, CONV | WEIGHTS, false, false, 0, 0},
    {"winograd", NX_FAMILY_GPU, CONV, true, false, 8, 32}, /* with fewer the transforms cost more than they save */
    {"direct", NX_FAMILY_GPU, CONV | TRANSPOSED | WEIGHTS, false, false, 0, 0},
    {"winograd clblast", NX_FAMILY_GPU, CONV, true, true, 8, NEVER},
    {"winograd", NX_FAMILY_GPU, WEIGHTS, true, false, 8, NEVER},
    {"tiles", NX_FAMILY_GPU, PRODUCT, false, false, 0, 0},
    {"clblast", NX_FAMILY_GPU, PRODUCT, false, true, 0, NEVER},
};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms, WINOGRAD_TILE = 4, FEW_TILES = 8, FREQUENCIES = 36 };

static const int blocks[] = {1, 2, 4, 8};                  /* of Winograd's on CPUs */
static const int unit_groups[] = {1, NX_SPLIT_GROUPS, 16}; /* of sums that are split on GPUs */
enum { BLOCKS = sizeof blocks / sizeof *blocks, UNIT_GROUPS = sizeof unit_groups / sizeof *unit_groups };

/* ---- the candidates ---- */

static size_t blocks_of(size_t n, size_t size) { return (n + size - 1) / size; }

static size_t winograd_tiles(const nx_question *q)
{
    return (size_t)q->y.n * blocks_of((size_t)q->y.h, WINOGRAD_TILE) * blocks_of((size_t)q->y.w, WINOGRAD_TILE);
}

static bool can(const nx_device_info *info, const nx_question *q, const algorithm *a)
{
    if (a->family != info->family || !(a->works & 1u << q->work)) return false;
    if (!a->winograd) /* CPUs write what is enlarged first, except for Winograd's, whose gradient then reads it as it
                         was */
        return a->family == NX_FAMILY_GPU || q->work == NX_WORK_CONV || q->zoom == 1;
    return q->kh == 3 && q->kw == 3 && q->stride == 1 && q->x.c >= a->can && q->y.c >= a->can &&
           winograd_tiles(q) >= FEW_TILES && !info->tf32;
}

/* What an algorithm of GPUs multiplies. */
static nx_sums sums_of(const nx_question *q, const algorithm *a)
{
    size_t c = (size_t)q->x.c, k = (size_t)q->y.c, pixels = (size_t)q->y.n * (size_t)q->y.h * (size_t)q->y.w;
    size_t down = q->work == NX_WORK_TRANSPOSED ? (size_t)q->stride : 1, taps = (size_t)(q->kh * q->kw);
    const nx_gemm_problem *p = &q->product;
    if (q->work == NX_WORK_PRODUCT)
        return (nx_sums){(size_t)p->m, (size_t)p->n, p->batch ? (size_t)p->batch : 1, (size_t)p->k};
    if (q->work == NX_WORK_WEIGHTS && a->winograd) return (nx_sums){c, k, FREQUENCIES, winograd_tiles(q)};
    if (q->work == NX_WORK_WEIGHTS) return (nx_sums){taps * c, k, 1, pixels};
    if (a->winograd) return (nx_sums){winograd_tiles(q), k, FREQUENCIES, 0};
    size_t phase = (size_t)q->y.n * blocks_of((size_t)q->y.h, down) * blocks_of((size_t)q->y.w, down);
    return (nx_sums){phase, k, down * down, 0};
}

/* Adds what the free numbers of an algorithm may be; without them, by the rule, it is there already. */
static size_t vary(const nx_device_info *info, const nx_question *q, const algorithm *a, nx_choice plain,
                   nx_choice *out, size_t n)
{
    if (info->family == NX_FAMILY_CPU) {
        for (int i = 0; a->winograd && q->work == NX_WORK_CONV && i < BLOCKS; i++) {
            out[n] = plain;
            out[n++].block = blocks[i];
        }
        return n;
    }
    nx_sums sums = sums_of(q, a);
    bool split = (q->work == NX_WORK_WEIGHTS && !a->winograd) || q->work == NX_WORK_PRODUCT;
    const nx_tile *usual = nx_tile_choose(info, &sums);
    int normal = split ? nx_tile_splits(info, usual, &sums, NX_SPLIT_GROUPS).count : 0;
    for (const nx_tile *t = nx_tiles; !a->library && t < nx_tiles + NX_TILES; t++) {
        if (t != usual && !nx_tile_suits(info, t, &sums)) continue;
        int last = 0;
        for (int g = 0; g < UNIT_GROUPS; g++) {
            int splits = split ? nx_tile_splits(info, t, &sums, unit_groups[g]).count : 0;
            if ((g && splits == last) || (t == usual && splits == normal)) continue;
            out[n] = plain;
            out[n].tile = t;
            last = out[n++].splits = splits;
        }
    }
    return n;
}

size_t nx_choice_candidates(const nx_device_info *info, const nx_question *q, nx_choice *out)
{
    const algorithm *possible[ALGORITHMS], *a;
    nx_device_info single = *info; /* products are never those of tensor cores */
    size_t count = 0, rule = ALGORITHMS, n = 0;
    single.tf32 = false;
    if (q->work == NX_WORK_PRODUCT) info = &single;
    for (a = algorithms; a < algorithms + ALGORITHMS; a++) {
        if (!can(info, q, a)) continue;
        bool pays = a->rule == 0 || (a->rule != NEVER && q->x.c >= a->rule && q->y.c >= a->rule);
        if (pays && rule == ALGORITHMS) rule = count;
        possible[count++] = a;
    }
    for (size_t i = 0; i < count; i++) { /* the rule's first */
        a = possible[i == 0 ? rule : i <= rule ? i - 1 : i];
        nx_choice plain = {.name = a->name, .winograd = a->winograd, .library = a->library};
        out[n++] = plain;
        n = vary(info, q, a, plain, out, n);
    }
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
    int n = snprintf(out, NX_WISDOM_TEXT, "%s", choice->name);
    if (choice->block) n += snprintf(out + n, NX_WISDOM_TEXT - (size_t)n, " %d", choice->block);
    if (choice->tile)
        n += snprintf(out + n, NX_WISDOM_TEXT - (size_t)n, " %dx%d", choice->tile->pixels, choice->tile->channels);
    if (choice->splits)
        snprintf(out + n, NX_WISDOM_TEXT - (size_t)n, ", %d split%s", choice->splits, choice->splits > 1 ? "s" : "");
}
