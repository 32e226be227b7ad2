/* The choice between a convolution's algorithms. */
#include "ops/conv_choice.h"

#include "graph/wisdom.h"

#include <stdio.h>
#include <string.h>

static const char winograd[] = "winograd", direct[] = "direct";

static void question_text(char *out, size_t size, const nx_conv_question *q)
{
    snprintf(out, size, "%s 3x3, %dx%dx%dx%d to %dx%dx%dx%d, zoom %d", q->weights ? "weights" : "conv", q->x.n, q->x.h,
             q->x.w, q->x.c, q->y.n, q->y.h, q->y.w, q->y.c, q->zoom);
}

static double count_of(const nx_shape *s) { return (double)s->n * s->h * s->w * s->c; }

bool nx_conv_question_read(nx_conv_question *q, const char *text)
{
    char what[16];
    int end = 0;
    *q = (nx_conv_question){0};
    int found = sscanf(text, "%15s 3x3, %dx%dx%dx%d to %dx%dx%dx%d, zoom %d%n", what, &q->x.n, &q->x.h, &q->x.w,
                       &q->x.c, &q->y.n, &q->y.h, &q->y.w, &q->y.c, &q->zoom, &end);
    q->weights = found > 0 && !strcmp(what, "weights");
    const int numbers[] = {q->x.n, q->x.h, q->x.w, q->x.c, q->y.n, q->y.h, q->y.w, q->y.c, q->zoom};
    bool ok = found == 10 && !text[end] && (q->weights || !strcmp(what, "conv"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) ok = ok && numbers[i] > 0 && numbers[i] <= 65536;
    return ok && count_of(&q->x) <= NX_CONV_QUESTION_MOST && count_of(&q->y) <= NX_CONV_QUESTION_MOST &&
           9. * q->x.c * q->y.c <= NX_CONV_QUESTION_MOST;
}

nx_conv_choice nx_conv_choose(const nx_conv_question *q, bool suits)
{
    char text[NX_WISDOM_TEXT];
    nx_conv_choice choice = {.winograd = suits};
    if (!suits) return choice;
    question_text(text, sizeof text, q);
    const char *answer = nx_wisdom_find(text);
    if (!answer) return choice;
    choice.winograd = strcmp(answer, direct) != 0;
    sscanf(answer, "winograd %d", &choice.block);
    return choice;
}

const char *nx_conv_candidate(const nx_device_info *info, const nx_conv_question *q, int i)
{
    static const char *const all[] = {winograd, direct, "winograd 1", "winograd 2", "winograd 4", "winograd 8"};
    int blocks = info->family == NX_FAMILY_CPU && !q->weights ? (int)(sizeof all / sizeof *all) : 2;
    return i < blocks ? all[i] : NULL;
}
