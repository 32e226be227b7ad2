/* Cases of framework/ops/log; options: epsilon. */
#include "ops/log.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *log_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_log(g, in[0], *(const float *)c->options);
}

static void log_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->in[0]); i++) out[i] = log(in[0][i] + (double)*(const float *)c->options);
}

#define VALUES                                                                                                         \
    .range = {{VALUES_UNIFORM, 0.01f, 5}}, .options = &(const float) { 1e-3f }

static const op_case rows[] = {
    ROW(log, "odd", .in = {{2, 5, 7, 3}}, .out = {2, 5, 7, 3}, VALUES, .doctor = true),
    ROW(log, "scalar", .in = {{1, 1, 1, 1}}, .out = {1, 1, 1, 1}, VALUES),
};

OP_TABLE(log, rows);
