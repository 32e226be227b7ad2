/* The mean of (x - x)^2 is 0 for finite x and NaN for anything else, and a sum of such means keeps the NaN: no
 * operation of its own is needed, and nothing can overflow. */
#include "run/finite_check.h"

#include "base/memory.h"
#include "ops/mse.h"
#include "ops/weighted_sum.h"

#include <stdlib.h>

typedef struct watched {
    const nx_param *param;
    nx_tensor *sign; /* 0 or NaN */
} watched;

struct finite_check {
    nx_graph *g;
    nx_plan *plan;
    size_t count;
    watched *item;
    nx_tensor *all; /* the sum of the signs */
};

static void watch(finite_check *w, nx_param *p)
{
    nx_tensor *x = nx_use(w->g, p);
    NX_GROW(w->item, w->count);
    w->item[w->count++] = (watched){p, nx_keep(nx_mse(w->g, x, x))};
}

static nx_tensor *sum(finite_check *w)
{
    nx_tensor **signs = nx_alloc(w->count * sizeof *signs);
    float *ones = nx_alloc(w->count * sizeof *ones);
    for (size_t i = 0; i < w->count; i++) signs[i] = w->item[i].sign, ones[i] = 1;
    nx_tensor *all = nx_keep(nx_weighted_total(w->g, signs, ones, w->count));
    free(signs);
    free(ones);
    return all;
}

bool finite_check_new(finite_check **out, const nx_device_info *info, const nx_params *const *stores, int count,
                      nx_error *err)
{
    finite_check *w = nx_alloc(sizeof *w);
    w->g = nx_graph_new(info);
    for (int k = 0; k < count; k++)
        for (size_t i = 0; stores[k] && i < stores[k]->count; i++) watch(w, stores[k]->items[i]);
    NX_CHECK(w->count, "a check of nothing");
    w->all = sum(w);
    bool ok = nx_plan_new(&w->plan, w->g, err);
    if (ok)
        *out = w;
    else
        finite_check_free(w);
    return ok;
}

void finite_check_free(finite_check *w)
{
    if (!w) return;
    nx_plan_free(w->plan);
    nx_graph_free(w->g);
    free(w->item);
    free(w);
}

uint64_t finite_check_bytes(const finite_check *w) { return nx_plan_bytes(w->plan); }

void finite_check_programs(finite_check *w, nx_program_list *out) { nx_plan_programs(w->plan, out); }

void finite_check_realize(finite_check *w, nx_device *device) { nx_plan_realize(w->plan, device); }

const char *finite_check_look(finite_check *w, size_t *count)
{
    const char *first = NULL;
    float sign;
    *count = 0;
    nx_plan_run(w->plan);
    nx_plan_read(w->plan, w->all, &sign);
    for (size_t i = 0; sign != 0 && i < w->count; i++) {
        float one;
        nx_plan_read(w->plan, w->item[i].sign, &one);
        if (one == 0) continue;
        if (!first) first = w->item[i].param->name;
        ++*count;
    }
    return first;
}
