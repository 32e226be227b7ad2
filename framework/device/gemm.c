/* How products are cut up, and the calls of CLBlast.
 *
 * A product with few tiles and a long sum (a Gram matrix: 64 x 64 from 65536 terms) is cut along k, so that every core
 * has work and the data of one part stays in its cache. */
#include "device/gemm.h"

#include "base/error.h"
#include "device/memory.h"
#include "device/status.h"

#include <clblast_c.h>

enum {
    PART = 512,        /* terms of k that are worth a part of their own */
    MOST_PARTS = 64,   /* of one product */
    TILES_UNIT = 256,  /* tiles wanted for each core: PoCL deals out few in uneven shares */
    FEW_TILES = 4,     /* tiles of rows for which packing B does not pay */
    LIBRARY_TILE = 128 /* no tile of CLBlast's is larger in any direction */
};

static int divide_up(int a, int b) { return (a + b - 1) / b; }
static size_t round_up(int a) { return (size_t)divide_up(a, LIBRARY_TILE) * LIBRARY_TILE; }
static int images(const nx_gemm_problem *p) { return p->batch ? p->batch : 1; }

/* Parts of k for about `wanted` tiles in all. */
static void split(nx_gemm_cut *cut, const nx_gemm_problem *p, size_t tiles, size_t wanted)
{
    int most = p->k / PART < MOST_PARTS ? p->k / PART : MOST_PARTS;
    size_t parts = wanted / tiles;
    cut->splits = parts < 1 || most < 2 ? 1 : parts > (size_t)most ? most : (int)parts;
    cut->depth = divide_up(p->k, cut->splits);
    cut->splits = divide_up(p->k, cut->depth);
}

nx_gemm_cut nx_gemm_cut_library(const nx_device_info *info, const nx_gemm_problem *p)
{
    nx_gemm_cut cut = {.splits = 1, .depth = p->k};
    size_t tiles = (size_t)divide_up(p->m, 64) * (size_t)divide_up(p->n, 64) * (size_t)images(p);
    split(&cut, p, tiles, 4 * (size_t)info->units);
    if (cut.splits > 1) {
        cut.depth = p->k / cut.splits; /* equal parts, and the rest */
        int parts = cut.splits + (p->k % cut.splits != 0);
        cut.scratch_bytes = (size_t)parts * (size_t)p->m * (size_t)p->n * sizeof(float) * (size_t)images(p);
    } else if (images(p) == 1) {
        size_t m = round_up(p->m), n = round_up(p->n), k = round_up(p->k);
        cut.scratch_bytes = (m * k + k * n + m * n) * sizeof(float);
    }
    return cut;
}

nx_gemm_cut nx_gemm_cut_packed(const nx_device_info *info, const nx_gemm_problem *p)
{
    int lanes = info->lanes >= 16 ? 16 : 8, panel = 2 * lanes, most_rows = lanes == 16 ? 12 : 6;
    nx_gemm_cut cut = {.rows = p->m < most_rows ? p->m : most_rows};
    size_t row_tiles = (size_t)divide_up(p->m, cut.rows), panels = (size_t)divide_up(p->n, panel);
    size_t batch = (size_t)images(p);
    /* A long sum over both operands as they lie needs no copy: every element of B is used a few times only. */
    bool lies_well = !p->transpose_b && p->n % panel == 0;
    cut.packed = !(lies_well && (p->transpose_a || row_tiles <= FEW_TILES));
    if (cut.packed) cut.packed_bytes = batch * panels * (size_t)panel * (size_t)p->k * sizeof(float);
    split(&cut, p, row_tiles * panels * batch, (size_t)TILES_UNIT * info->units);
    if (cut.splits > 1 || p->symmetric)
        cut.scratch_bytes = batch * (size_t)cut.splits * (size_t)p->m * (size_t)p->n * sizeof(float);
    return cut;
}

static void check(CLBlastStatusCode status, const nx_gemm_problem *p)
{
    NX_CHECK(status == CLBlastSuccess, "CLBlast, %d x %d x %d, batch %d: %s", p->m, p->n, p->k, images(p),
             nx_status_text((cl_int)status));
}

/* CLBlast's own temporary memory comes from the scratch where that suffices. */
static void whole_product(nx_device *device, const nx_gemm_call *call, cl_event *event)
{
    const nx_gemm_problem *p = &call->problem;
    CLBlastTranspose ta = p->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo;
    CLBlastTranspose tb = p->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo;
    size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k;
    size_t lda = p->transpose_a ? m : k, ldb = p->transpose_b ? k : n;
    float alpha = p->alpha != 0.f ? p->alpha : 1.f, beta = p->add ? 1.f : 0.f;
    if (images(p) > 1) {
        check(CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, ta, tb, m, n, k, alpha, call->a, 0, lda, m * k, call->b,
                                         0, ldb, n * k, beta, call->c, 0, n, m * n, (size_t)images(p), &device->queue,
                                         event),
              p);
        return;
    }
    size_t needed = 0;
    check(CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, ta, tb, m, n, k, 0, lda, 0, ldb, 0, n, &device->queue,
                                     &needed),
          p);
    NX_CHECK(needed <= nx_align(call->cut.scratch_bytes), "CLBlast wants %zu bytes, planned were %zu", needed,
             call->cut.scratch_bytes);
    check(CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, ta, tb, m, n, k, alpha, call->a, 0, lda, call->b, 0, ldb,
                                     beta, call->c, 0, n, &device->queue, event, needed ? call->scratch : NULL),
          p);
}

/* The parts of k of one image: the equal ones as a batch, the rest by itself. */
static void parts_of_product(nx_device *device, const nx_gemm_call *call, cl_event *event)
{
    const nx_gemm_problem *p = &call->problem;
    CLBlastTranspose ta = p->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo;
    CLBlastTranspose tb = p->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo;
    size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k, image = (size_t)call->part;
    size_t lda = p->transpose_a ? m : k, ldb = p->transpose_b ? k : n;
    size_t splits = (size_t)call->cut.splits, depth = (size_t)call->cut.depth, rest = k - splits * depth;
    size_t stride_a = p->transpose_a ? depth * m : depth, stride_b = p->transpose_b ? depth : depth * n;
    size_t a = image * m * k, b = image * n * k, c = image * (splits + (rest > 0)) * m * n;
    if (!call->rest)
        check(CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, ta, tb, m, n, depth, 1.f, call->a, a, lda, stride_a,
                                         call->b, b, ldb, stride_b, 0.f, call->scratch, c, n, m * n, splits,
                                         &device->queue, event),
              p);
    else
        check(CLBlastSgemm(CLBlastLayoutRowMajor, ta, tb, m, n, rest, 1.f, call->a, a + splits * stride_a, lda, call->b,
                           b + splits * stride_b, ldb, 0.f, call->scratch, c + splits * m * n, n, &device->queue,
                           event),
              p);
}

void nx_gemm_routine(nx_device *device, void *context, cl_event *event)
{
    const nx_gemm_call *call = context;
    if (call->part < 0)
        whole_product(device, call, event);
    else
        parts_of_product(device, call, event);
}
