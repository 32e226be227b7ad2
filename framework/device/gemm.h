/* General matrix products, C = alpha op(A) op(B) (+ C), row-major float32: the problem, how it is cut up for the
 * kernels of CPUs (cl/gemm.cl) and for CLBlast, and the calls of CLBlast.
 *
 * ops/product_packed and ops/product_clblast launch them from a plan; GPUs take tiles (ops/product_tiles), unless
 * CLBlast was measured to be faster (graph/wisdom). Nothing here allocates device memory, with one exception: CLBlast's
 * batched product takes no workspace and allocates for itself where sizes are no multiples of its tiles, which no plan
 * knows of.
 *
 *     nx_gemm_problem p = {.m = rows, .n = outputs, .k = inputs, .transpose_b = true};
 *     nx_gemm_cut cut = nx_gemm_cut_packed(&device->info, &p);
 *     size_t bytes = cut.scratch_bytes;
 */
#ifndef NX_DEVICE_GEMM_H
#define NX_DEVICE_GEMM_H

#include "device/device.h"

typedef struct nx_gemm_problem {
    int m, n, k;                   /* op(A) is m x k, op(B) k x n, C m x n */
    bool transpose_a, transpose_b; /* A is stored k x m; B is stored n x k */
    bool symmetric;                /* C is symmetric, as in A^T A: half of it may be computed and mirrored */
    bool add;                      /* to what C holds already */
    float alpha;                   /* 0: 1 */
    int batch;                     /* matrices of each kind, one after the other; 0: 1 */
} nx_gemm_problem;

/* How a product is cut up on a device. */
typedef struct nx_gemm_cut {
    int rows;    /* of C in a register tile, which is two vectors wide */
    bool packed; /* B is copied into panels first */
    int splits;  /* the sum over k is cut in so many parts, added up in a fixed order by another kernel; 1: whole */
    int depth;   /* terms of k in a part, the last may have fewer (with CLBlast: those left over are one more part) */
    size_t packed_bytes, scratch_bytes; /* 0: not needed */
} nx_gemm_cut;

nx_gemm_cut nx_gemm_cut_packed(const nx_device_info *info, const nx_gemm_problem *problem);  /* of CPUs */
nx_gemm_cut nx_gemm_cut_library(const nx_device_info *info, const nx_gemm_problem *problem); /* of CLBlast */

/* A call of CLBlast with its arguments: `routine` of a launch, with a nx_gemm_call as context (one block, freed by its
 * owner). part < 0: the whole product. Otherwise the product of image `part` alone, its parts of k into scratch as
 * [parts][m][n], without alpha. */
void nx_gemm_routine(nx_device *device, void *context, cl_event *event);
typedef struct nx_gemm_call {
    nx_gemm_problem problem;
    nx_gemm_cut cut;
    cl_mem a, b, c, scratch;
    int part;
    bool rest; /* only the terms of k that are left over */
} nx_gemm_call;

#endif
