/* The algorithms of matrix products that others are made of, and what they share: not a header for users of operations.
 *
 * A product's job has two slots of scratch from `slot` on: panels of b, computed once where b never changes, and the
 * parts of a sum that is cut. A choice of one split is never cut.
 */
#ifndef NX_OPS_PRODUCT_H
#define NX_OPS_PRODUCT_H

#include "ops/algorithm.h"

extern const nx_algorithm nx_product_tiles, nx_product_clblast;

enum { NX_PRODUCT_PANELS = 0, NX_PRODUCT_PARTS = 1 }; /* from the job's slot on */

/* c = alpha times the sum of the parts [batch][parts][m][n], in order (+ c). upper: of symmetric ones of which only
 * what lies on and above the diagonal is there. */
void nx_product_reduce(nx_plan *plan, nx_node *node, const nx_job *job, int parts, bool upper);

int nx_product_images(const nx_gemm_problem *p);   /* of a batch */
float nx_product_alpha(const nx_gemm_problem *p);  /* the factor */
double nx_product_flops(const nx_gemm_problem *p); /* of what is needed: half, where it is symmetric */
double nx_product_bytes(const nx_gemm_problem *p); /* of a, b and c */

#endif
