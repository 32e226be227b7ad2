/* The operations of the case table (tests/cases.h) at the sizes of real use: its rows marked `timed`. What is tested
 * small is timed large, from one table. (Implemented in bench/ops.c.)
 *
 *     for (size_t i = 0; i < bench_op_count(); i++) nx_keep(bench_op_record(g, i, inputs, &count));
 */
#ifndef BENCH_OPS_H
#define BENCH_OPS_H

#include "graph/graph.h"

enum { BENCH_OP_INPUTS = 8 };

size_t bench_op_count(void);
const char *bench_op_name(size_t i); /* "conv/3x3, 64 to 64"; good until the next call */

/* Records it on fresh inputs, which are stored in inputs[0 .. *count - 1]. */
nx_tensor *bench_op_record(nx_graph *g, size_t i, nx_tensor **inputs, int *count);

#endif
