/* The cases that users' devices are tested with. Their tolerances are those of the tests on the project's own devices;
 * others sum in other orders and have other functions, within what OpenCL allows, and are given five times as much. */
#include "machine/selftest.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "op_case.h"
#include "op_check.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLACK 5

/* ---- which rows ---- */

static void take(selftest_rows *s, selftest_row row)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].c == row.c) {
            s->items[i].no_gradient &= row.no_gradient;
            return;
        }
    NX_GROW(s->items, s->count);
    s->items[s->count++] = row;
}

static int longer_first(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    size_t long_x = nx_program_length(*x), long_y = nx_program_length(*y);
    return long_x != long_y ? (long_x < long_y) - (long_x > long_y) : strcmp(*x, *y);
}

static void sort_programs(nx_program_list *list) { qsort(list->names, list->count, sizeof *list->names, longer_first); }

selftest_rows selftest_thorough(const nx_device_info *info)
{
    selftest_rows s = {0};
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        if (!c->doctor && !c->first_use) continue;
        take(&s, (selftest_row){c, 0});
        op_case_programs(info, c, 0, &s.programs);
    }
    sort_programs(&s.programs);
    return s;
}

/* A row, and what it launches. */
typedef struct candidate {
    selftest_row row;
    nx_program_list launches;
    size_t numbers; /* of its inputs and its output */
} candidate;

static size_t numbers_of(const op_case *c)
{
    size_t sum = nx_shape_count(c->out);
    for (int i = 0; i < op_inputs(c); i++) sum += nx_shape_count(c->in[i]);
    return sum;
}

/* Each row forward alone, with the gradient by its first input alone, and with all. */
static candidate *find_candidates(const nx_device_info *info, size_t *count)
{
    static const unsigned no_gradient[] = {NO_GRADIENT, NO_GRADIENT << 1, 0};
    candidate *all = NULL;
    *count = 0;
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *row = op_case_at(i);
        for (int k = 0; k < 3 && !row->timed; k++) {
            if (k && (!op_has_gradient(row, no_gradient[k]) || op_inputs(row) < k)) continue;
            NX_GROW(all, *count);
            candidate *c = &all[(*count)++];
            *c = (candidate){.row = {row, no_gradient[k]}, .numbers = numbers_of(row)};
            op_case_programs(info, row, no_gradient[k], &c->launches);
        }
    }
    return all;
}

static bool same_kernel(const char *a, const char *b)
{
    size_t length = strcspn(a, " ");
    return length == strcspn(b, " ") && !strncmp(a, b, length);
}

static bool launches(const candidate *c, const char *program, bool exactly)
{
    if (exactly) return nx_program_listed(&c->launches, program);
    for (size_t i = 0; i < c->launches.count; i++)
        if (same_kernel(c->launches.names[i], program)) return true;
    return false;
}

static size_t beside(const candidate *c, const nx_program_list *known)
{
    size_t count = 0;
    for (size_t i = 0; i < c->launches.count; i++) count += !nx_program_listed(known, c->launches.names[i]);
    return count;
}

/* The first is better: it launches so much less beside; or is one of the doctor's, which were chosen for what they
 * show; or is smaller. */
static bool is_better(const candidate *a, size_t beside_a, const candidate *b, size_t beside_b)
{
    if (beside_a != beside_b) return beside_a < beside_b;
    if (a->row.c->doctor != b->row.c->doctor) return a->row.c->doctor;
    return a->numbers < b->numbers;
}

/* The candidate for a program; NULL: there is none. */
static const candidate *best_for(const char *program, bool exactly, const candidate *all, size_t count,
                                 const nx_program_list *known)
{
    const candidate *best = NULL;
    size_t least = 0;
    for (size_t i = 0; i < count; i++) {
        if (!launches(&all[i], program, exactly)) continue;
        size_t more = beside(&all[i], known);
        if (best && !is_better(&all[i], more, best, least)) continue;
        best = &all[i];
        least = more;
    }
    return best;
}

static void take_candidate(selftest_rows *s, const candidate *c, nx_program_list *reached)
{
    take(s, c->row);
    for (size_t i = 0; i < c->launches.count; i++) {
        nx_program_list_add(&s->programs, c->launches.names[i]);
        nx_program_list_add(reached, c->launches.names[i]);
    }
}

selftest_rows selftest_covering(const nx_device_info *info, const nx_program_list *programs, bool fresh)
{
    selftest_rows s = {0};
    nx_program_list reached = {0};
    size_t count;
    candidate *all = find_candidates(info, &count);
    for (size_t i = 0; i < programs->count; i++) nx_program_list_add(&s.programs, programs->names[i]);
    for (size_t i = 0; fresh && i < count; i++)
        if (all[i].row.c->first_use) take_candidate(&s, &all[i], &reached);
    for (size_t i = 0; i < programs->count; i++) {
        const char *program = programs->names[i];
        if (nx_program_listed(&reached, program)) continue;
        const candidate *c = best_for(program, true, all, count, &s.programs);
        if (!c) c = best_for(program, false, all, count, &s.programs);
        if (c) take_candidate(&s, c, &reached);
    }
    nx_program_list_free(&reached);
    sort_programs(&s.programs);
    for (size_t i = 0; i < count; i++) nx_program_list_free(&all[i].launches);
    free(all);
    return s;
}

void selftest_rows_free(selftest_rows *s)
{
    nx_program_list_free(&s->programs);
    free(s->items);
    *s = (selftest_rows){0};
}

/* ---- the test ---- */

static void tell_step(selftest_watch *watch, const char *subject, const char *what)
{
    nx_progress("%s: %s", subject, what);
    if (!watch) return;
    snprintf(watch->step, sizeof watch->step, "%s: %s", subject, what);
    alarm((unsigned)watch->patience);
}

static void tell(void *context, const op_case *c, const char *what) { tell_step(context, c->name, what); }

static int told(const selftest_result *r) { return r->failed < SELFTEST_TOLD ? r->failed : SELFTEST_TOLD; }

/* In the order of rows, the last of which give way where there is no room. */
static void tell_failure(selftest_result *r, const selftest_failure *f)
{
    int place = told(r);
    while (place && r->failures[place - 1].row > f->row) place--;
    if (place == SELFTEST_TOLD) return;
    memmove(&r->failures[place + 1], &r->failures[place], (size_t)(SELFTEST_TOLD - 1 - place) * sizeof *f);
    r->failures[place] = *f;
}

static void fail(selftest_result *r, size_t row, const op_case *c, const op_finding *f)
{
    selftest_failure one = {.row = row};
    snprintf(one.text, sizeof one.text, "%s %s", c->name, f->wrong);
    tell_failure(r, &one);
    r->failed++;
}

static void check(nx_device *device, const selftest_rows *rows, size_t row, selftest_watch *watch, selftest_result *r)
{
    const op_case *c = rows->items[row].c;
    unsigned no_gradient = rows->items[row].no_gradient;
    const op_strictness s = {.slack = SLACK, .no_gradient = no_gradient, .next = tell, .context = watch};
    op_finding f = op_check_forward(device, c, &s);
    r->cases++;
    if (!c->check && f.error > r->closest * f.allowed) {
        r->closest = f.error / f.allowed;
        r->error = f.error;
        snprintf(r->worst, sizeof r->worst, "%s", c->name);
    }
    if (f.good && op_has_gradient(c, no_gradient)) f = op_check_gradient(device, c, &s);
    if (!f.good) fail(r, row, c, &f);
}

/* What is built twice at once may break the driver's cache (machine/kernel_cache.h). */
static void wait_for_builds(const selftest_share *share, size_t builds)
{
    while (share->built < builds) poll(NULL, 0, 1);
}

selftest_result selftest(nx_device *device, const selftest_rows *rows, selftest_share *share, selftest_watch *watch)
{
    selftest_result r = {.worst = ""};
    selftest_share own = {0};
    if (!share) share = &own;
    size_t builds = rows->programs.count, i = share->next++;
    for (; i < builds; i = share->next++) {
        tell_step(watch, rows->programs.names[i], "compiling");
        nx_program_build(device, rows->programs.names[i]);
        share->built++;
    }
    wait_for_builds(share, builds);
    for (; i < builds + rows->count; i = share->next++) check(device, rows, i - builds, watch, &r);
    nx_progress("%s", "");
    if (watch) *watch->step = 0;
    return r;
}

void selftest_add(selftest_result *sum, const selftest_result *part)
{
    for (int i = 0; i < told(part); i++) {
        tell_failure(sum, &part->failures[i]);
        sum->failed++;
    }
    sum->cases += part->cases;
    sum->failed += part->failed - told(part);
    if (part->closest <= sum->closest) return;
    sum->closest = part->closest;
    sum->error = part->error;
    memcpy(sum->worst, part->worst, sizeof sum->worst);
}

char *selftest_failures(const selftest_result *r)
{
    char *text = nx_copy_text("");
    for (int i = 0; i < told(r); i++) {
        char *longer = nx_format("%s%s%s", text, i ? "; " : "", r->failures[i].text);
        free(text);
        text = longer;
    }
    if (r->failed <= SELFTEST_TOLD) return text;
    char *more = nx_format("%s; and %d more", text, r->failed - SELFTEST_TOLD);
    free(text);
    return more;
}
