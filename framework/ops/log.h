/* y = ln(x + epsilon), element by element: of losses, what makes equal parts of each count the same.
 *
 *     nx_tensor *y = nx_log(g, loss, 1e-3f);
 */
#ifndef NX_OPS_LOG_H
#define NX_OPS_LOG_H

#include "graph/graph.h"

/* x + epsilon > 0 everywhere. Differentiable. */
nx_tensor *nx_log(nx_graph *g, nx_tensor *x, float epsilon);

#endif
