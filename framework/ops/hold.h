/* y = x, which differentiation takes for a constant: a target that is computed from what is trained, and that training
 * shall not move.
 *
 *     nx_tensor *loss = nx_mse(g, y, nx_hold(g, x));        the gradient reaches y alone
 */
#ifndef NX_OPS_HOLD_H
#define NX_OPS_HOLD_H

#include "graph/graph.h"

nx_tensor *nx_hold(nx_graph *g, nx_tensor *x);

#endif
