/* Rows of an objective. */
#include "run/rows.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

void rows_log(runfile *file, const objective *o, const objective_values *v, const char *prefix, task_row row)
{
    char name[96];
    const struct {
        const char *name;
        double value;
    } sums[] = {
        {"total", (double)v->total}, {"content", v->sum[OBJECTIVE_CONTENT]}, {"style", v->sum[OBJECTIVE_STYLE]}};
    size_t n = objective_has(o, OBJECTIVE_CONTENT, OBJECTIVE_STYLE) ? 3 : 1;
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, sums[i].name);
        runfile_metric(file, name, 1, (int64_t)row.step, row.seconds, sums[i].value);
    }
    for (int i = 0; i < o->count; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, o->term[i].name);
        runfile_metric(file, name, o->term[i].weight, (int64_t)row.step, row.seconds, (double)v->term[i]);
    }
}

bool rows_finite(const objective *o, const objective_values *v, const char *prefix, uint64_t step, nx_error *err)
{
    unsigned long long number = step;
    for (int i = 0; i < o->count; i++)
        if (!isfinite(v->term[i]) && v->unit[i] < FLT_MIN)
            return nx_fail(err,
                           "step %llu: %s%s: its target gives nothing there (a picture of one colour?), and [loss] "
                           "convention = relative divides by what it gives: another picture, layer or convention",
                           number, prefix, o->term[i].name);
        else if (!isfinite(v->term[i]))
            return nx_fail(err, "step %llu: %s%s is %f: lower [optimizer] learning_rate", number, prefix,
                           o->term[i].name, (double)v->term[i]);
    return isfinite(v->total) ||
           nx_fail(err, "step %llu: the %stotal loss is %f, its terms are finite: lower the weights in [loss]", number,
                   prefix, (double)v->total);
}
