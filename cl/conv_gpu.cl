/* Matrix products on GPUs in tiles of local memory; and convolution as such a product, whose left operand is gathered
 * from the picture (implicit GEMM).
 *
 * The same gather as in conv.cl: for output pixel o and kernel tap k the input pixel is (o * up + k - pad) / down where
 * that is whole. With down > 1 (transposed convolution) the output pixels are sorted by their remainders, "phases":
 * those of one phase see the same taps, so none is tried in vain. A phase's taps are those from (pad - phase) mod down,
 * every down-th.
 *
 *     x [n][h][w][c], y [n][oh][ow][k], bias [k], u [phase][ky][kx][c][k]: with one phase that is HWIO as it is
 *
 * conv: y (PIXELS x CHANNELS of a group) = A (pixels x DEPTH, gathered) times u (DEPTH x channels), in steps of DEPTH.
 * conv_weights: dw (PIXELS numbers of [ky][kx][c] x CHANNELS) = x (gathered) times dy, summed over a split's pixels.
 * product: c (PIXELS rows x CHANNELS columns) = op(a) op(b), summed over a split of the depth.
 * Groups count through the tiles of a product, along a line of tiles first (the first axis), and through what lies beside
 * or behind it (the second). A group is ITEMS work-items in a row. Tiles lie in local memory as [DEPTH][PIXELS] and [DEPTH][CHANNELS]; what the
 * next step needs is fetched into registers while the step is computed.
 *
 * FP32: a work-item owns ROWS x COLUMNS sums as squares of 4 x 4, one in each half of the tile where 8 go that way: so
 * the reads of neighbours are broadcasts, or lie in different banks.
 * TF32, BF16 (NVIDIA's tensor cores, compute capability 8.0): 32 work-items own 32 x 32 sums as 2 x 4 fragments of
 * mma.m16n8k8 or, with BF16, mma.m16n8k16, of which a word holds two neighbours of the depth. With g = lane / 4 and
 * t = lane % 4 a lane holds, of words (PTX ISA 9.7.14.5, "Matrix Fragments"):
 *     A 16 x 8 (pixel, depth):    a0 [g][t], a1 [g + 8][t], a2 [g][t + 4], a3 [g + 8][t + 4]
 *     B 8 x 8 (depth, channel):   b0 [t][g], b1 [t + 4][g]
 *     C 16 x 8 (pixel, channel):  c0 [g][2 t], c1 [g][2 t + 1], c2 [g + 8][2 t], c3 [g + 8][2 t + 1]
 * Operands are rounded to tf32 (10 bits of mantissa) or bfloat16 (7) on their way into local memory; sums are float32.
 *
 * Defines: PIXELS, CHANNELS, ROWS, COLUMNS (4 or 8), DEPTH, GAP (words between the rows of a tile in local memory: 4,
 * or 8 of fragments, which are read [t][g], so that rows must lie 8 banks apart), WIDTH (4: c and k, or the lines of a,
 * b and c, are multiples of four, so that four floats are fetched at a time; else 1), ZOOM (x is read enlarged so many
 * times, to the nearest), TF32 or BF16, BIAS, ACTIVATION (0 none, 1 ReLU, 2 LeakyReLU, 3 tanh); of product: TRANSPOSE_A,
 * TRANSPOSE_B.
 */
#ifndef ZOOM /* of products */
#define ZOOM 1
#endif
#define ITEMS ((PIXELS / ROWS) * (CHANNELS / COLUMNS))

#if WIDTH == 4
typedef float4 piece;
#define STORE(v, p, n) (*(__global float4 *)(p) = (v))
#else
typedef float piece;
#define STORE(v, p, n) store_lanes(v, p, n)
#endif
#define LOAD(p) (*(__global const piece *)(p))
#define FOUR(p) (*(__local float4 *)(p)) /* aligned, which vload4 would not promise */

/* ---- the instructions of tensor cores ---- */

#if defined(TF32) || defined(BF16)
#define FRAGMENTS
#ifndef __NV_CL_C_VERSION /* NVIDIA's compiler has `asm` as a keyword, others that make PTX only this */
#define asm __asm__
#endif
#ifdef TF32
#define MMA "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
#else
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
#endif

static inline uint to_tf32(float v)
{
    uint bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(v));
    return bits;
}

/* The first in the lower half. To the nearest, halfway to the even one; NaN stays NaN. */
static inline uint to_bf16(float first, float second)
{
    uint bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
    return bits;
}

/* c += a b, of a lane's registers. */
static inline void mma(float *c, const uint *a, const uint *b)
{
    asm(MMA " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

/* ---- tiles in local memory ---- */

/* Words, of TERMS numbers of the depth, and how a number becomes one, or the first or second of one. */
#ifdef FRAGMENTS
typedef union word {
    uint bits;
    ushort each[2];
} word;
#else
typedef float word;
#endif
#ifdef BF16
#define TERMS 2
#define PUT(to, v, second) ((to).each[second] = to_bf16(v, 0))
#elif defined(TF32)
#define TERMS 1
#define PUT(to, v, second) ((to).bits = to_tf32(v))
#else
#define TERMS 1
#define PUT(to, v, second) ((to) = (v))
#endif

#define LOCAL_TILES                                                                                                    \
    __local word a[DEPTH / TERMS][PIXELS + GAP] __attribute__((aligned(16)));                                          \
    __local word b[DEPTH / TERMS][CHANNELS + GAP] __attribute__((aligned(16)))

/* Where the tile of this group begins in a product of so many columns. */
#define TILES_ACROSS(columns) (((columns) + CHANNELS - 1) / CHANNELS)
#define FIRST_COLUMN(columns) ((int)get_group_id(0) % TILES_ACROSS(columns) * CHANNELS)
#define FIRST_ROW(columns)    ((int)get_group_id(0) / TILES_ACROSS(columns) * PIXELS)

/* The pieces of one step that a work-item fetches. */
#define PIECES_A (PIXELS * DEPTH / WIDTH / ITEMS)
#define PIECES_B (CHANNELS * DEPTH / WIDTH / ITEMS)

/* Where piece i of a tile's side of `size` begins, in the depth and across it; along: pieces lie along the depth. */
static inline int2 spot(int i, int size, int along)
{
    int q = get_local_id(0) + i * ITEMS, run = (along ? DEPTH : size) / WIDTH;
    return along ? (int2)(q % run * WIDTH, q / run) : (int2)(q / run, q % run * WIDTH);
}

/* Piece i of a matrix of `count` across and lines of `line` numbers, which lie along the depth or across it: from
 * number d of the depth, of which there are `end`, and `first` across. */
static inline piece fetched(int i, int size, int along, __global const float *from, int d, int end, int first,
                            int count, int line)
{
    int2 at = spot(i, size, along) + (int2)(d, first);
    if (at.x >= end || at.y >= count) return (piece)(0);
    return LOAD(from + (along ? (size_t)at.y * line + at.x : (size_t)at.x * line + at.y));
}

/* Puts piece i to its place in local memory. */
static inline void keep(__local word *to, int i, int size, int along, piece v)
{
    int2 at = spot(i, size, along);
    int line = size + GAP, step = along ? line : 1, second = at.x % TERMS;
    to += at.x / TERMS * line + at.y;
#if WIDTH == 1
    PUT(*to, v, second);
#else
#ifdef BF16
    if (along) {
        to[0].bits = to_bf16(v.x, v.y), to[step].bits = to_bf16(v.z, v.w);
        return;
    }
#endif
    PUT(to[0], v.x, second), PUT(to[step], v.y, second), PUT(to[2 * step], v.z, second), PUT(to[3 * step], v.w, second);
#endif
}

#define EACH_PIECE(i, pieces) UNROLL for (int i = 0; i < (pieces); i++)
#define FETCH_B(from, d, end, first, count)                                                                            \
    EACH_PIECE(i_, PIECES_B) next_b[i_] = fetched(i_, CHANNELS, 0, from, d, end, first, count, count)
#define KEEP(along_a, along_b)                                                                                         \
    EACH_PIECE(i_, PIECES_A) keep(&a[0][0], i_, PIXELS, along_a, next_a[i_]);                                          \
    EACH_PIECE(i_, PIECES_B) keep(&b[0][0], i_, CHANNELS, along_b, next_b[i_])

/* ---- the sums of a work-item ---- */

#ifdef FRAGMENTS
#define WARPS_ACROSS (CHANNELS / 32)
typedef float sums[2][4][4]; /* [pixels / 16][channels / 8][c0 .. c3] */
#define EACH_SUM(i, j) UNROLL for (int i = 0; i < 2; i++) UNROLL for (int j = 0; j < 4; j++)
#define CLEAR(acc) EACH_SUM(i, j) UNROLL for (int v = 0; v < 4; v++) acc[i][j][v] = 0
#else
#define ACROSS (CHANNELS / COLUMNS) /* work-items side by side */
typedef float4 sums[ROWS][COLUMNS / 4];
#define EACH_SUM(i, j) UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS / 4; j++)
#define CLEAR(acc) EACH_SUM(i, j) acc[i][j] = 0
#endif

/* acc += a' b, one step. */
static inline void multiply(__local word (*a)[PIXELS + GAP], __local word (*b)[CHANNELS + GAP], sums acc)
{
    int lid = get_local_id(0);
#ifdef FRAGMENTS
    int lane = lid % 32, g = lane / 4, t = lane % 4;
    int row = lid / 32 / WARPS_ACROSS * 32 + g, column = lid / 32 % WARPS_ACROSS * 32 + g;
    UNROLL for (int first = 0; first < DEPTH / TERMS; first += 8)
    {
        int d = first + t;
        uint p[2][4], q[4][2];
        UNROLL for (int i = 0; i < 2; i++)
        {
            p[i][0] = a[d][row + 16 * i].bits, p[i][1] = a[d][row + 16 * i + 8].bits;
            p[i][2] = a[d + 4][row + 16 * i].bits, p[i][3] = a[d + 4][row + 16 * i + 8].bits;
        }
        UNROLL for (int j = 0; j < 4; j++)
            q[j][0] = b[d][column + 8 * j].bits, q[j][1] = b[d + 4][column + 8 * j].bits;
        EACH_SUM(i, j) mma(acc[i][j], p[i], q[j]);
    }
#else
    int row = lid / ACROSS * 4, column = lid % ACROSS * 4;
    for (int d = 0; d < DEPTH; d++) {
        float p[ROWS];
        float4 q[COLUMNS / 4];
        UNROLL for (int i = 0; i < ROWS / 4; i++) vstore4(FOUR(&a[d][row + i * (PIXELS * 4 / ROWS)]), i, p);
        UNROLL for (int j = 0; j < COLUMNS / 4; j++) q[j] = FOUR(&b[d][column + j * (CHANNELS * 4 / COLUMNS)]);
        EACH_SUM(i, j) acc[i][j] = fma((float4)(p[i]), q[j], acc[i][j]);
    }
#endif
}

/* Where sum (i, j) lies in the group's tile, and how many neighbouring channels it holds. */
#ifdef FRAGMENTS
#define LANE (get_local_id(0) % 32)
#define SUM_ROW(i, half) (get_local_id(0) / 32 / WARPS_ACROSS * 32 + 16 * (i) + 8 * (half) + LANE / 4)
#define SUM_COLUMN(j) (get_local_id(0) / 32 % WARPS_ACROSS * 32 + 8 * (j) + 2 * (LANE % 4))
#define HALVES 2
#define HELD 2
#define SUM(acc, i, half, j) ((float4)(acc[i][j][2 * (half)], acc[i][j][2 * (half) + 1], 0, 0))
#undef STORE
#define STORE(v, p, n) store_lanes(v, p, n)
#else
#define SUM_ROW(i, half) (get_local_id(0) / ACROSS * 4 + (i) / 4 * (PIXELS * 4 / ROWS) + (i) % 4)
#define SUM_COLUMN(j) (get_local_id(0) % ACROSS * 4 + (j) * (CHANNELS * 4 / COLUMNS))
#define HALVES 1
#define HELD 4
#define SUM(acc, i, half, j) (acc[i][j])
#endif

/* ---- convolution ---- */

/* The taps of a phase along one axis: the first, and how many. */
static inline int first_tap(int phase, int pad, int down) { return ((pad - phase) % down + down) % down; }
static inline int tap_count(int phase, int pad, int down, int size)
{
    return max((size - first_tap(phase, pad, down) + down - 1) / down, 0);
}

/* The taps of all phases before this one: where its weights begin. */
static inline int taps_before(int phase, int pad_y, int pad_x, int down, int kh, int kw)
{
    int taps = 0;
    for (int q = 0; q < phase; q++) taps += tap_count(q / down, pad_y, down, kh) * tap_count(q % down, pad_x, down, kw);
    return taps;
}

/* Ids: groups of (tiles of a phase, phase). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void conv(__global const float *restrict x, __global const float *restrict u, __global const float *restrict bias,
          __global float *restrict y, int n, int h, int w, int c, int oh, int ow, int k, int kh, int kw, int up,
          int down, int pad_y, int pad_x, int mode, float slope)
{
    LOCAL_TILES;
    int lid = get_local_id(0), channel = FIRST_COLUMN(k), tile = FIRST_ROW(k);
    int phase = get_group_id(1);
    int phase_y = phase / down, phase_x = phase % down;
    int rows = (oh - phase_y + down - 1) / down, columns = (ow - phase_x + down - 1) / down; /* of this phase */
    int pixels = max(rows, 0) * max(columns, 0) * n;
    int first_y = first_tap(phase_y, pad_y, down), first_x = first_tap(phase_x, pad_x, down);
    int taps_x = tap_count(phase_x, pad_x, down, kw), depth = tap_count(phase_y, pad_y, down, kh) * taps_x * c;
    u += (size_t)taps_before(phase, pad_y, pad_x, down, kh, kw) * c * k;
    if (tile >= pixels) depth = 0; /* of a smaller phase */

    /* A: this work-item's place in the depth, and its pixels. */
    int place = lid % (DEPTH / WIDTH) * WIDTH, tap_y = 0, tap_x = 0, number = place;
    int row[PIECES_A], column[PIECES_A];
    __global const float *image[PIECES_A];
    UNROLL for (int i = 0; i < PIECES_A; i++)
    {
        int p = tile + lid / (DEPTH / WIDTH) + i * (ITEMS / (DEPTH / WIDTH)), q = p < pixels ? p : 0;
        int area = max(rows * columns, 1), width = max(columns, 1);
        image[i] = p < pixels ? x + (size_t)(q / area) * h * w * c : 0;
        row[i] = ((q % area / width * down + phase_y) * up + first_y - pad_y) / down;
        column[i] = ((q % width * down + phase_x) * up + first_x - pad_x) / down;
    }

    sums acc;
    CLEAR(acc);
    piece next_a[PIECES_A], next_b[PIECES_B];
    for (int d = 0; d < depth + DEPTH; d += DEPTH) { /* fetches step d, computes the one before */
        if (d < depth) {
            for (; taps_x && number >= c; number -= c)
                if (++tap_x == taps_x) tap_x = 0, tap_y++;
            UNROLL for (int i = 0; i < PIECES_A; i++)
            {
                int iy = pad_index(row[i] + tap_y, h * ZOOM, mode), ix = pad_index(column[i] + tap_x, w * ZOOM, mode);
                bool there = image[i] && d + place < depth && iy >= 0 && ix >= 0;
                next_a[i] = there ? LOAD(image[i] + ((size_t)(iy / ZOOM) * w + ix / ZOOM) * c + number) : (piece)(0);
            }
            number += DEPTH;
            FETCH_B(u, d, depth, channel, k);
        }
        if (d) multiply(a, b, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
        KEEP(1, 0);
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    EACH_SUM(i, j)
    UNROLL for (int half_ = 0; half_ < HALVES; half_++)
    {
        int p = tile + SUM_ROW(i, half_), o = channel + SUM_COLUMN(j);
        if (p >= pixels || o >= k) continue;
        float4 v = SUM(acc, i, half_, j);
#ifdef BIAS
        v += load_lanes(bias + o, k - o);
#endif
#ifdef ACTIVATION
        v = activate(v, slope);
#endif
        int oy = p / columns % rows * down + phase_y, ox = p % columns * down + phase_x;
        STORE(v, y + (((size_t)(p / (rows * columns)) * oh + oy) * ow + ox) * k + o,
              min(k - o, HELD));
    }
}

/* w [taps][ci][co] -> u: ci = k, co = c, the kernel turned and sorted by phases. Ids: (k, c, tap). */
__kernel void conv_pack(__global const float *restrict w, __global float *restrict u, int c, int k, int kh, int kw,
                        int down, int pad_y, int pad_x)
{
    int o = get_global_id(0), i = get_global_id(1), tap = get_global_id(2), ky = tap / kw, kx = tap % kw;
    int phase_y = ((pad_y - ky) % down + down) % down, phase_x = ((pad_x - kx) % down + down) % down;
    int place = taps_before(phase_y * down + phase_x, pad_y, pad_x, down, kh, kw) +
                ky / down * tap_count(phase_x, pad_x, down, kw) + kx / down;
    u[((size_t)place * c + i) * k + o] = w[((size_t)(kh * kw - 1 - tap) * k + o) * c + i];
}

/* ---- the gradient by the weights ---- */

/* part [splits][kh * kw * c][k], part_size floats a split. Ids: groups of (tiles, splits). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void conv_weights(__global const float *restrict x, __global const float *restrict dy, __global float *restrict part,
                  int n, int h, int w, int c, int oh, int ow, int k, int kh, int kw, int stride, int pad_y, int pad_x,
                  int mode, int split_pixels, int part_size)
{
    LOCAL_TILES;
    int lid = get_local_id(0), channel = FIRST_COLUMN(k), tile = FIRST_ROW(k);
    int split = get_group_id(1), numbers = kh * kw * c;
    int begin = split * split_pixels, end = min(begin + split_pixels, n * oh * ow);

    /* A: this work-item's place in the kernel. */
    int number = tile + lid % (PIXELS / WIDTH) * WIDTH, tap = number / c;
    int left = tap % kw - pad_x, top = tap / kw - pad_y;

    sums acc;
    CLEAR(acc);
    piece next_a[PIECES_A], next_b[PIECES_B];
    for (int d = begin; d < end + DEPTH; d += DEPTH) { /* fetches step d, computes the one before */
        if (d < end) {
            UNROLL for (int i = 0; i < PIECES_A; i++)
            {
                int p = d + lid / (PIXELS / WIDTH) + i * (ITEMS / (PIXELS / WIDTH));
                int iy = pad_index(p / ow % oh * stride + top, h * ZOOM, mode);
                int ix = pad_index(p % ow * stride + left, w * ZOOM, mode);
                bool there = p < end && number < numbers && iy >= 0 && ix >= 0;
                size_t place = ((size_t)(p / (ow * oh)) * h + iy / ZOOM) * w + ix / ZOOM;
                next_a[i] = there ? LOAD(x + place * c + number % c) : (piece)(0);
            }
            FETCH_B(dy, d, end, channel, k);
        }
        if (d > begin) multiply(a, b, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
        KEEP(0, 0);
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    EACH_SUM(i, j)
    UNROLL for (int half_ = 0; half_ < HALVES; half_++)
    {
        int m = tile + SUM_ROW(i, half_), o = channel + SUM_COLUMN(j);
        if (m < numbers && o < k)
            STORE(SUM(acc, i, half_, j), part + (size_t)split * part_size + (size_t)m * k + o, min(k - o, HELD));
    }
}

/* ---- products ---- */

#ifdef TRANSPOSE_A
#define ALONG_A 0
#else
#define ALONG_A 1
#endif
#ifdef TRANSPOSE_B
#define ALONG_B 1
#else
#define ALONG_B 0
#endif

/* c [products][splits][m][n] = alpha op(a) op(b) (+ c), each split over `depth` terms of k. a [products][m][k], with
 * TRANSPOSE_A [products][k][m]; b [products][k][n], with TRANSPOSE_B [products][n][k]. upper: c is symmetric, and what
 * lies below its diagonal is left out in whole tiles. Ids: groups of (tiles, products x splits). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void product(__global const float *restrict first, __global const float *restrict second, __global float *restrict c,
             int m, int n, int k, int splits, int depth, int upper, float alpha, int add)
{
    LOCAL_TILES;
    int column = FIRST_COLUMN(n), row = FIRST_ROW(n);
    int begin = get_group_id(1) % splits * depth, end = min(begin + depth, k);
    bool below = upper && column + CHANNELS <= row; /* no early return: not all compilers take one before barriers */
    int stop = below ? begin : end + DEPTH;
    first += (size_t)(get_group_id(1) / splits) * m * k;
    second += (size_t)(get_group_id(1) / splits) * k * n;
    c += get_group_id(1) * (size_t)m * n;

    sums acc;
    CLEAR(acc);
    piece next_a[PIECES_A], next_b[PIECES_B];
    for (int d = begin; d < stop; d += DEPTH) { /* fetches step d, computes the one before */
        if (d < end) {
            EACH_PIECE(i, PIECES_A) next_a[i] = fetched(i, PIXELS, ALONG_A, first, d, end, row, m, ALONG_A ? k : m);
            EACH_PIECE(i, PIECES_B)
            next_b[i] = fetched(i, CHANNELS, ALONG_B, second, d, end, column, n, ALONG_B ? k : n);
        }
        if (d > begin) multiply(a, b, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
        KEEP(ALONG_A, ALONG_B);
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    EACH_SUM(i, j)
    UNROLL for (int half_ = 0; half_ < HALVES; half_++)
    {
        int i_ = row + SUM_ROW(i, half_), j_ = column + SUM_COLUMN(j);
        if (below || i_ >= m || j_ >= n) continue;
        __global float *to = c + (size_t)i_ * n + j_;
        float4 v = alpha * SUM(acc, i, half_, j);
        if (add) v += load_lanes(to, n - j_);
        STORE(v, to, min(n - j_, HELD));
    }
}
