/* The cases that users' devices are tested with. Their tolerances are those of the tests on the project's own devices;
 * others sum in other orders and have other functions, within what OpenCL allows, and are given five times as much. */
#include "machine/selftest.h"

#include "base/log.h"
#include "op_check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLACK 5

static void tell(void *context, const op_case *c, const char *what)
{
    selftest_watch *watch = context;
    nx_progress("%s: %s", c->name, what);
    if (!watch) return;
    snprintf(watch->step, sizeof watch->step, "%s: %s", c->name, what);
    alarm((unsigned)watch->patience);
}

static void fail(selftest_result *r, const op_case *c, const op_finding *f)
{
    size_t used = strlen(r->failures);
    r->failed++;
    snprintf(r->failures + used, sizeof r->failures - used, "%s%s %s", used ? "; " : "", c->name, f->wrong);
}

/* closest: how close any case came so far. */
static void check(nx_device *device, const op_case *c, const op_strictness *strictness, selftest_result *r,
                  double *closest)
{
    op_finding f = op_check_forward(device, c, strictness);
    r->cases++;
    if (!c->check && f.error > *closest * f.allowed) {
        *closest = f.error / f.allowed;
        r->error = f.error;
        snprintf(r->worst, sizeof r->worst, "%s", c->name);
    }
    if (f.good && op_has_gradient(c)) f = op_check_gradient(device, c, strictness);
    if (!f.good) fail(r, c, &f);
}

selftest_result selftest(nx_device *device, selftest_extent extent, _Atomic int *next, selftest_watch *watch)
{
    selftest_result r = {.worst = ""};
    op_strictness strictness = {.slack = SLACK, .next = tell, .context = watch};
    double closest = 0;
    _Atomic int own = 0;
    if (!next) next = &own;
    int met = 0, mine = (*next)++;
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        if (!c->first_use && (extent == SELFTEST_BRIEF || !c->doctor)) continue;
        if (met++ != mine) continue;
        check(device, c, &strictness, &r, &closest);
        mine = (*next)++;
    }
    nx_progress("%s", "");
    if (watch) *watch->step = 0;
    return r;
}
