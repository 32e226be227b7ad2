/* C = alpha op(A) op(B) (+ C), row-major, for CPUs; and the sum of split products, for all.
 *
 * The tile kernel: one work-item is a register tile, ROWS rows of C by two vectors (PANEL columns); k runs inside, so
 * that each element of A is broadcast once for two multiply-adds of whole vectors. 12 x 32 fills the registers of
 * AVX-512, 6 x 16 those of AVX2. The last tile of rows is moved back to end at row m and stores only what is its own.
 *
 * A: [batch][m][k], with TRANSPOSE_A [batch][k][m]. B: with PACKED panels [batch][n / PANEL][k][PANEL], zero-padded,
 * made by gemm_pack; otherwise [batch][k][n], n a multiple of PANEL. C: [batch][m][n], or parts [batch][splits][m][n],
 * each over `depth` terms of k, added up by gemm_reduce.
 *
 * Defines: of gemm_pack DEEP, the rows that a work-item packs; of gemm_tile ROWS (at most m), TRANSPOSE_A, PACKED; of
 * gemm_symmetric CHUNK and ROWS, which divide PANEL. */
#define PANEL (2 * LANES)
/* What is seldom: to compile its code for each of 24 vectors takes a second. */
#define ONE_BY_ONE _Pragma("clang loop unroll(disable)")
#define SHORT 128 /* terms of a row that the next one is asked for while it lasts */
#define RUN 1024 /* terms in a row in one accumulator: keeps rounding errors small */

#ifdef DEEP

/* Work-item: (vector of panels, block of DEEP k, batch). If transposed, row j of the source is column j of op(B); a
 * block is read row by row then, in whole vectors, and turned in private memory. */
__kernel void gemm_pack(__global const float *b, __global float *packed, int n, int k, int transposed)
{
    int column = get_global_id(0) * LANES, k0 = get_global_id(1) * DEEP, panels = (n + PANEL - 1) / PANEL;
    int left = n - column, deep = min(DEEP, k - k0);
    if (column >= panels * PANEL) return;
    b += get_global_id(2) * (size_t)n * k;
    packed += ((get_global_id(2) * panels + column / PANEL) * k + k0) * PANEL + column % PANEL;
    if (!transposed) {
        b += (size_t)k0 * n + column;
        for (int d = 0; d < deep; d++, b += n)
            vstore_lanes(left > 0 ? load_lanes(b, left) : (vec)(0.f), 0, packed + (size_t)d * PANEL);
        return;
    }
    b += (size_t)column * k + k0;
    float block[LANES * DEEP];
    for (int j = 0; j < LANES; j++, b += k)
        for (int d = 0; d < DEEP; d += LANES)
            vstore_lanes(j < left && d < deep ? load_lanes(b + d, deep - d) : (vec)(0.f), 0, block + j * DEEP + d);
    for (int d = 0; d < deep; d++) {
        float turned[LANES];
        _Pragma("unroll") for (int j = 0; j < LANES; j++) turned[j] = block[j * DEEP + d];
        vstore_lanes(vload_lanes(0, turned), 0, packed + (size_t)d * PANEL);
    }
}

#endif
#ifdef ROWS

/* A register tile of sums over so many terms; x is at the first of its rows, y at its columns. */
static inline void multiply(vec (*sum)[2], __global const float *x, size_t row_step, size_t k_step,
                            __global const float *y, int y_step, int terms)
{
    UNROLL for (int r = 0; r < ROWS; r++) sum[r][0] = sum[r][1] = (vec)(0.f);
    for (; terms > 0; terms--, x += k_step, y += y_step) {
        vec y0 = vload_lanes(0, y), y1 = vload_lanes(1, y);
        UNROLL for (int r = 0; r < ROWS; r++)
        {
            vec s = (vec)(x[r * row_step]);
            sum[r][0] = fma(s, y0, sum[r][0]);
            sum[r][1] = fma(s, y1, sum[r][1]);
        }
    }
}

#ifndef CHUNK

/* Work-item: (tile of rows, panel, batch x splits), or (panel, tile of rows, ...) where a part of B stays in the cache:
 * then it is A that is read only once. */
__kernel void gemm_tile(__global const float *restrict a, __global const float *restrict b, __global float *restrict c,
                        int m, int n, int k, int splits, int depth, int panels_first, int upper, float alpha,
                        int add)
{
    int own = get_global_id(panels_first) * ROWS, row = min(own, m - ROWS);
    int column = get_global_id(!panels_first) * PANEL;
    if (upper && column + PANEL <= own) return; /* below the diagonal: gemm_reduce mirrors it */
    size_t image = get_global_id(2) / splits;
    int start = get_global_id(2) % splits * depth, stop = min(start + depth, k);
    a += image * m * k;
    c += get_global_id(2) * (size_t)m * n + (size_t)row * n + column;
#ifdef PACKED
    b += (image * ((n + PANEL - 1) / PANEL) * PANEL + column) * k;
    const int b_step = PANEL;
#else
    b += image * n * k + column;
    const int b_step = n;
#endif
#ifdef TRANSPOSE_A
    a += row;
    const size_t row_step = 1, k_step = m;
#else
    a += (size_t)row * k;
    const size_t row_step = k, k_step = 1;
#endif
#ifndef TRANSPOSE_A
    if (k <= SHORT) prefetch_read(a + ROWS * row_step, ROWS * row_step); /* the next tile of rows */
#endif
    UNROLL for (int r = 0; r < ROWS; r++) prefetch_store(c + (size_t)r * n, PANEL);
    vec sum[ROWS][2];
    for (int k0 = start; k0 < stop; k0 += RUN) {
        multiply(sum, a + k0 * k_step, row_step, k_step, b + (size_t)k0 * b_step, b_step, min(RUN, stop - k0));
        if (row == own && column + PANEL <= n && k0 == start && !add) {
            UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int h = 0; h < 2; h++)
                vstore_lanes(alpha * sum[r][h], h, c + (size_t)r * n);
            continue;
        }
        vec kept[ROWS][2];
        UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int h = 0; h < 2; h++) kept[r][h] = alpha * sum[r][h];
        ONE_BY_ONE for (int i = 2 * max(0, own - row); i < 2 * ROWS; i++)
        {
            __global float *out = c + (size_t)(i / 2) * n + i % 2 * LANES;
            int left = n - column - i % 2 * LANES;
            if (left <= 0) continue;
            vec v = kept[i / 2][i % 2];
            if (add || k0 > start) v += load_lanes(out, left);
            store_lanes(v, out, left);
        }
    }
}

#else

/* Parts of A^T A on and above the diagonal, A [batch][k][n]. A work-item takes a split of k and every `groups`-th panel,
 * CHUNK rows of A at a time: copied in panels [n / PANEL][CHUNK][PANEL] to scratch, zero beyond n, where a tile's
 * operands are two runs that lie in a core's first cache, however wide a row of A is. Ids: (group, batch x splits). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_symmetric(__global const float *restrict a, __global float *restrict parts, __global float *restrict scratch,
                    int n, int k, int splits, int depth)
{
    int group = get_global_id(0), groups = get_global_size(0), panels = (n + PANEL - 1) / PANEL;
    int start = get_global_id(1) % splits * depth, stop = min(start + depth, k);
    a += get_global_id(1) / splits * (size_t)n * k;
    parts += get_global_id(1) * (size_t)n * n;
    scratch += (get_global_id(1) * groups + group) * (size_t)panels * CHUNK * PANEL;
    for (int k0 = start; k0 < stop; k0 += CHUNK) {
        int terms = min(CHUNK, stop - k0);
        for (int t = 0; t < terms; t++)
            for (int i = 0; i < panels * PANEL; i += LANES)
                vstore_lanes(i < n ? load_lanes(a + (size_t)(k0 + t) * n + i, n - i) : (vec)(0), 0,
                             scratch + (i / PANEL * CHUNK + t) * PANEL + i % PANEL);
        for (int panel = group; panel < panels; panel += groups)
            for (int row = 0; row < min(n, (panel + 1) * PANEL); row += ROWS) {
                vec sum[ROWS][2];
                multiply(sum, scratch + row / PANEL * CHUNK * PANEL + row % PANEL, 1, PANEL,
                         scratch + panel * CHUNK * PANEL, PANEL, terms);
                __global float *out = parts + (size_t)row * n + panel * PANEL;
                UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int h = 0; h < 2; h++)
                {
                    int left = n - panel * PANEL - h * LANES;
                    if (row + r >= n || left <= 0) continue;
                    vec v = sum[r][h];
                    if (k0 > start) v += load_lanes(out + (size_t)r * n + h * LANES, left);
                    store_lanes(v, out + (size_t)r * n + h * LANES, left);
                }
            }
    }
}

#endif
#endif

/* Work-item: (vector of columns, LANES rows, batch). c = alpha * the sum of its parts in order (+ c). upper: only parts
 * on and above the diagonal are there. */
__kernel void gemm_reduce(__global const float *parts, __global float *c, int m, int n, int splits, int upper,
                          float alpha, int add)
{
    int column = get_global_id(0) * LANES, first = get_global_id(1) * LANES, left = n - column;
    size_t image = get_global_id(2), size = (size_t)m * n;
    if (left <= 0 || (upper && column < first)) return;
    parts += image * splits * size;
    c += image * size;
    for (int row = first; row < min(first + LANES, m); row++) {
        size_t here = (size_t)row * n + column;
        vec sum = (vec)(0.f);
        for (int s = 0; s < splits; s++) sum += load_lanes(parts + s * size + here, left);
        sum *= alpha;
        if (!upper) {
            store_lanes(add ? sum + load_lanes(c + here, left) : sum, c + here, left);
            continue;
        }
        float values[LANES];
        vstore_lanes(sum, 0, values);
        for (int j = max(0, row - column); j < min(LANES, left); j++) {
            float v = add ? values[j] + c[here + j] : values[j];
            c[(size_t)(column + j) * n + row] = v;
            c[here + j] = v;
        }
    }
}
