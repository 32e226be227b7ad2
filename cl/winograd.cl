/* Convolution by Winograd's F(4 x 4, 3 x 3) or F(6 x 6, 3 x 3) (Lavin and Gray, 2015), and what can be cut into the
 * former.
 *
 * The output is cut into tiles of 4 x 4 pixels. A tile's 6 x 6 inputs d become V = B' d B, 36 numbers ("frequencies")
 * for each input channel; M = V U, a matrix product over the input channels for each frequency, U = G g G' of the
 * kernel g; the tile is A' M A. That takes 36 multiplications where the sum itself takes 144. With the points 0, +-a,
 * +-b and infinity, a = sqrt(1/2) and b = sqrt(2), whose rounding errors are less than half of those of the integers:
 *
 *     B' = 1   0  -5/2   0   1   0      G =   1      0     0      A' = 1   1    1    1    1   0
 *          0 -2a   -2    a   1   0          -2/3 -2a/3  -1/3           0   a   -a    b   -b   0
 *          0  2a   -2   -a   1   0          -2/3  2a/3  -1/3           0  1/2  1/2   2    2   0
 *          0 -b/2 -1/2   b   1   0           1/6   b/6   1/3           0  a/2 -a/2  2b  -2b   1
 *          0  b/2 -1/2  -b   1   0           1/6  -b/6   1/3
 *          0   1    0  -5/2  0   1            0     0     1
 *
 * F(6 x 6, 3 x 3), on CPUs, has 64 frequencies: 1.78 multiplications a pixel instead of 2.25, and some four times the
 * rounding error, most of it at a tile's corners. With the points 0, +-1, +-2, +-1/2 and infinity, of which no others
 * have errors that are much smaller:
 *
 *     B' = 1   0   -21/4    0    21/4    0   -1  0    G =    1      0      0      A' = 1  1  1   1   1    1     1   0
 *          0   1     1   -17/4  -17/4    1    1  0         -2/9   -2/9   -2/9          0  1 -1   2  -2   1/2  -1/2  0
 *          0  -1     1    17/4  -17/4   -1    1  0         -2/9    2/9   -2/9          0  1  1   4   4   1/4   1/4  0
 *          0  1/2   1/4   -5/2   -5/4    2    1  0         1/90    1/45   2/45         0  1 -1   8  -8   1/8  -1/8  0
 *          0 -1/2   1/4    5/2   -5/4   -2    1  0         1/90   -1/45   2/45         0  1  1  16  16  1/16  1/16  0
 *          0   2     4    -5/2    -5    1/2   1  0        32/45   16/45   8/45         0  1 -1  32 -32  1/32 -1/32  1
 *          0  -2     4     5/2    -5   -1/2   1  0        32/45  -16/45   8/45
 *          0  -1     0    21/4     0  -21/4   0  1           0      0      1
 *
 * Other kernels, on CPUs (Huang and others, 2020, cut so too). Larger ones, up to 9 x 9, are IN x IN pieces of 3 x 3: the
 * products sum over the channels of all pieces, each of which sees x three pixels further on. In steps of two pixels a
 * 3 x 3 kernel is four pieces of 2 x 2 taps, some zero, one for each phase of x: F(5 x 5, 2 x 2), which has the same
 * points and the same B', and of G and A'
 *
 *     G =   1      0      A' = 1   1    1    1    1   0
 *         -2/3 -2a/3           0   a   -a    b   -b   0
 *         -2/3  2a/3           0  1/2  1/2   2    2   0
 *          1/6   b/6           0  a/2 -a/2  2b  -2b   0
 *          1/6  -b/6           0  1/4  1/4   4    4   1
 *           0      1
 *
 * Transposed, x is read once and y has the phases: the products have OUT x OUT times the columns, each phase's in whole
 * vectors. In both directions that takes 144 multiplications where the sum itself takes 225.
 *
 * Layouts, where frequencies are 36. x [n][h][w][c], y [n][oh][ow][k], bias [k]; u [36][k / COLUMNS][c / PAIR][COLUMNS], COLUMNS = VECTORS *
 * LANES, zero beyond k (c and k are those of all pieces and phases); in scratch, one slice for each work-item: v [36][block][v_step], then m [36][block][m_step],
 * each of the 36 with one vector more: a tile's 36 numbers would meet in few places of the cache. Tiles of all images
 * are counted through, row by row.
 *
 * The operands of products, u and v, are words: floats or, with BF16, pairs of bfloat16, of two input channels beside
 * each other, the last with zero where their number is odd. Everything else is float.
 *
 * Where a normalization follows, a work-item also leaves statistics of all that it stored, as cl/norm.cl takes them:
 * parts [run][3][k], the mean, the sum of squared deviations from it, and the count.
 *
 * The gradient by the kernel is the adjoint: D = A dy A', dU = the sum of V' D over all tiles, dg = G' dU G. A
 * work-item's share of dU is a slice of part, [36][wide / COLUMNS][deep][COLUMNS]. Its operands are V and D; a pair is
 * of two tiles.
 *
 * Defines: TILE and SIDE, 4 and 3, 6 and 3 or 5 and 2; IN, pieces along a side of the kernel, STEP, pixels of x between
 * its taps, OUT, phases along a side of y, all 1 but of those that are cut; of CPUs: ROWS, the tiles of a register tile,
 * and VECTORS, its columns, 1 to 4, of the gradient 2; perhaps BF16, and PATCH, the channels of x where several pieces of
 * them fill a vector.
 */
#define EDGE (TILE + SIDE - 1) /* inputs along a side of a tile */
#define FREQUENCIES (EDGE * EDGE)
#define COLUMNS (VECTORS * LANES)
#define A 0.70710678118654752f
#define B 1.41421356237309505f
#define AHEAD 4 /* words whose kernel is asked for before it is transformed */
#define FAR 24  /* words of u that are asked for before they are used */
#define PIECE (TILE == 6 ? 64 : 1 << 30) /* words of a sum that is added to the one before, for less rounding */

/* GPUs keep an array in registers only where every loop that counts through it is unrolled; on CPUs it is in the first
 * cache anyway, and the code is shorter. */
#ifdef GPU_FAMILY
#define UNROLL_GPU UNROLL
#else
#define UNROLL_GPU
#endif
#define VECTOR(p) (*(__global vec *)(p)) /* u, v, m and part are aligned: PoCL splits a vstore in three */

/* Of one column: B' d, A' m, G g. */
#if TILE == 6

static inline void input_1d(const vec *d, vec *v)
{
    vec even_1 = fma((vec)(-4.25f), d[4], d[2] + d[6]), odd_1 = fma((vec)(-4.25f), d[3], d[1] + d[5]);
    vec even_2 = fma((vec)(-1.25f), d[4], fma((vec)(.25f), d[2], d[6]));
    vec odd_2 = fma((vec)(-1.25f), d[3], fma((vec)(.25f), d[1], d[5]));
    vec even_h = fma((vec)(-5.f), d[4], fma((vec)(4.f), d[2], d[6]));
    vec odd_h = fma((vec)(-5.f), d[3], fma((vec)(4.f), d[1], d[5]));
    v[0] = fma((vec)(5.25f), d[4] - d[2], d[0] - d[6]);
    v[1] = even_1 + odd_1;
    v[2] = even_1 - odd_1;
    v[3] = fma((vec)(2.f), odd_2, even_2);
    v[4] = fma((vec)(-2.f), odd_2, even_2);
    v[5] = fma((vec)(.5f), odd_h, even_h);
    v[6] = fma((vec)(-.5f), odd_h, even_h);
    v[7] = fma((vec)(5.25f), d[3] - d[5], d[7] - d[1]);
}

static inline void output_1d(const vec *m, vec *y)
{
    vec even_1 = m[1] + m[2], odd_1 = m[1] - m[2], even_2 = m[3] + m[4], odd_2 = m[3] - m[4];
    vec even_h = m[5] + m[6], odd_h = m[5] - m[6];
    y[0] = m[0] + even_1 + even_2 + even_h;
    y[1] = fma((vec)(2.f), odd_2, fma((vec)(.5f), odd_h, odd_1));
    y[2] = fma((vec)(4.f), even_2, fma((vec)(.25f), even_h, even_1));
    y[3] = fma((vec)(8.f), odd_2, fma((vec)(.125f), odd_h, odd_1));
    y[4] = fma((vec)(16.f), even_2, fma((vec)(.0625f), even_h, even_1));
    y[5] = fma((vec)(32.f), odd_2, fma((vec)(.03125f), odd_h, odd_1 + m[7]));
}

static inline void kernel_1d(const vec *g, vec *u)
{
    vec even_1 = (-2.f / 9) * (g[0] + g[2]), odd_1 = (-2.f / 9) * g[1];
    vec even_2 = (1.f / 90) * fma((vec)(4.f), g[2], g[0]), odd_2 = (1.f / 45) * g[1];
    vec even_h = (32.f / 45) * fma((vec)(.25f), g[2], g[0]), odd_h = (16.f / 45) * g[1];
    u[0] = g[0];
    u[1] = even_1 + odd_1;
    u[2] = even_1 - odd_1;
    u[3] = even_2 + odd_2;
    u[4] = even_2 - odd_2;
    u[5] = even_h + odd_h;
    u[6] = even_h - odd_h;
    u[7] = g[2];
}

#else

static inline void input_1d(const vec *d, vec *v)
{
    vec even_a = fma((vec)(-2.f), d[2], d[4]), odd_a = fma((vec)(-2.f), d[1], d[3]);
    vec even_b = fma((vec)(-.5f), d[2], d[4]), odd_b = fma((vec)(-.5f), d[1], d[3]);
    v[0] = fma((vec)(-2.5f), d[2], d[0] + d[4]);
    v[1] = fma((vec)(A), odd_a, even_a);
    v[2] = fma((vec)(-A), odd_a, even_a);
    v[3] = fma((vec)(B), odd_b, even_b);
    v[4] = fma((vec)(-B), odd_b, even_b);
    v[5] = fma((vec)(-2.5f), d[3], d[1] + d[5]);
}

static inline void output_1d(const vec *m, vec *y)
{
    vec even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = fma((vec)(A), odd_a, B * odd_b);
    y[2] = fma((vec)(.5f), even_a, 2.f * even_b);
#if TILE == 4
    y[3] = fma((vec)(.5f * A), odd_a, fma((vec)(2 * B), odd_b, m[5]));
#else
    y[3] = fma((vec)(.5f * A), odd_a, (2 * B) * odd_b);
    y[4] = fma((vec)(.25f), even_a, fma((vec)(4.f), even_b, m[5]));
#endif
}

static inline void kernel_1d(const vec *g, vec *u)
{
#if SIDE == 3
    vec even_a = (-1.f / 3) * fma((vec)(2.f), g[0], g[2]), even_b = (1.f / 6) * fma((vec)(2.f), g[2], g[0]);
#else
    vec even_a = (-2.f / 3) * g[0], even_b = (1.f / 6) * g[0];
#endif
    vec odd_a = (-2.f / 3 * A) * g[1], odd_b = (B / 6) * g[1];
    u[0] = g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[SIDE - 1];
}

#endif

/* `count` rows or columns of x, enlarged `zoom` times to the nearest, that a tile reads, STEP apart from the first,
 * and `step` apart in x; below zero where all is zero, as for those beyond the last that a pixel of y reads. */
static inline void places_of(int *place, int count, int first, int last, int size, int zoom, int mode, int step)
{
    UNROLL for (int i = 0; i < count; i++)
    {
        int at = first + i * STEP, p = at > last ? -1 : pad_index(at, size * zoom, mode);
        place[i] = p < 0 ? -1 : zoom == 1 ? p * step : p / zoom * step;
    }
}

/* A vector of an operand: channel i and those after it, of the tile whose words begin at p. By channels a word is a pair
 * of those; by tiles, the other half of it is another tile's, the even one's the lower, which is stored first. */
#define BY_CHANNELS -1
static inline void store_operand(vec v, __global float *p, int i, int tile)
{
#ifdef BF16
    if (tile == BY_CHANNELS)
        ((__global halves *)p)[i / LANES] = upper_halves(to_bfloat16(v));
    else if (tile % PAIR == 0)
        *(__global uvec *)(p + i) = to_bfloat16(v) >> 16;
    else
        *(__global uvec *)(p + i) |= to_bfloat16(v) & 0xffff0000;
#else
    VECTOR(p + i) = v;
#endif
}

/* v, at every `step` words, of `left` channels of one tile. */
static inline void input_tile(__global const float *restrict x, __global float *restrict v, const int *row,
                              const int *column, int c, int left, int step, int tile)
{
    for (int i = 0; i < left; i += LANES) {
        vec half_done[FREQUENCIES];
        UNROLL_GPU for (int p = 0; p < EDGE; p++)
        {
            vec d[EDGE], t[EDGE];
            UNROLL for (int q = 0; q < EDGE; q++)
            {
                size_t place = (size_t)(row[q] + column[p]) * c + i;
                d[q] = (row[q] | column[p]) < 0 ? (vec)(0) : load_lanes(x + place, left - i);
            }
            input_1d(d, t);
            UNROLL for (int q = 0; q < EDGE; q++) half_done[q * EDGE + p] = t[q];
        }
        UNROLL_GPU for (int q = 0; q < EDGE; q++)
        {
            vec t[EDGE];
            input_1d(half_done + q * EDGE, t);
            UNROLL for (int p = 0; p < EDGE; p++) store_operand(t[p], v + (size_t)(q * EDGE + p) * step, i, tile);
        }
    }
}

#ifdef CPU_FAMILY

static inline void multiply_words(vec (*acc)[VECTORS], __global const float *restrict v,
                                  __global const float *restrict u, int words, int v_step, bool far)
{
    for (int i = 0; i < words; i++) {
        if (far) prefetch_read(u + (i + FAR) * COLUMNS, COLUMNS);
        vec word[VECTORS];
        UNROLL for (int j = 0; j < VECTORS; j++) word[j] = vload_lanes(i * VECTORS + j, u);
        UNROLL for (int r = 0; r < ROWS; r++)
        {
            vec s = (vec)(v[r * v_step + i]);
            UNROLL for (int j = 0; j < VECTORS; j++) acc[r][j] = multiply_add(s, word[j], acc[r][j]);
        }
    }
}

/* A register tile of m (+)= v u for one frequency: ROWS tiles by COLUMNS channels, over so many words. ahead: the words
 * of the next tiles are asked for meanwhile; else those of u, of which 64 frequencies are more than a core's cache. */
static inline void multiply(__global const float *restrict v, __global const float *restrict u,
                            __global float *restrict m, int words, int v_step, int m_step, bool add, bool ahead)
{
    vec acc[ROWS][VECTORS];
    UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int j = 0; j < VECTORS; j++)
        acc[r][j] = 0;
    if (!ahead) multiply_words(acc, v, u, words, v_step, TILE == 6);
    for (int i = 0; ahead && i < words; i += LANES) {
        UNROLL for (int r = 0; r < ROWS; r++) prefetch_read(v + (ROWS + r) * v_step + i, LANES);
        multiply_words(acc, v + i, u + i * COLUMNS, min(words - i, LANES), v_step, false);
    }
    UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int j = 0; j < VECTORS; j++)
        VECTOR(m + r * m_step + j * LANES) = add ? acc[r][j] + VECTOR(m + r * m_step + j * LANES) : acc[r][j];
}

#endif

/* But tanh (3), whose code, sixteen times in a tile, would be most of a kernel. */
static inline vec activate(vec v, int activation, float slope)
{
    switch (activation) {
    case 1: return fmax(v, (vec)(0));
    case 2: return select(v * slope, v, v > (vec)(0));
    default: return v;
    }
}

/* One vector of channels of a tile, n of them there: rows x columns pixels of y, OUT apart. */
static inline void output_tile(__global const float *restrict m, int step, vec bias, __global float *restrict y,
                               int rows, int columns, int width, int k, int n, int activation, float slope)
{
    vec half_done[EDGE * TILE];
    UNROLL_GPU for (int p = 0; p < EDGE; p++)
    {
        vec d[EDGE], t[TILE];
        UNROLL for (int q = 0; q < EDGE; q++) d[q] = vload_lanes(0, m + (size_t)(q * EDGE + p) * step);
        output_1d(d, t);
        UNROLL for (int q = 0; q < TILE; q++) half_done[q * EDGE + p] = t[q];
    }
    UNROLL_GPU for (int q = 0; q < TILE; q++)
    {
        if (q >= rows) continue;
        vec t[TILE];
        output_1d(half_done + q * EDGE, t);
        UNROLL for (int p = 0; p < TILE; p++)
            if (p < columns)
                store_lanes(activate(t[p] + bias, activation, slope), y + (size_t)(q * width + p) * OUT * k, n);
    }
    if (activation == 3)
        for (int q = 0; q < rows; q++)
            for (int p = 0; p < columns; p++) {
                __global float *at = y + (size_t)(q * width + p) * OUT * k;
                store_lanes(tanh(load_lanes(at, n)), at, n);
            }
}

#ifdef CPU_FAMILY

/* Sizes that the kernels share: see framework/ops/conv_winograd.c. The kernel has size x size taps; tiles cover
 * tall x wide pixels, of each phase of y. */
typedef struct picture {
    int n, h, w, c, oh, ow, k, pad, zoom, mode, size, tall, wide, across, down;
} picture;

/* The first tap of a piece. */
static inline int tap_of(int piece) { return piece * (STEP == 1 ? SIDE : 1); }

#ifdef PATCH
#define PATCH_CHANNELS ((IN * IN * PATCH + LANES - 1) / LANES * LANES)
#define PATCH_FLOATS (FREQUENCIES * PATCH_CHANNELS)

/* What a tile reads for all pieces, where a pixel has fewer channels than there are lanes: beside each other, so that a
 * vector is full. patch [36][PATCH_CHANNELS], zero beyond those that are written. */
static inline void gather_patch(__global const float *restrict image, __global float *restrict patch, const int *row,
                                const int *column)
{
    for (int q = 0; q < EDGE; q++)
        for (int i = 0; i < IN; i++)
            for (int p = 0; p < EDGE; p++)
                for (int j = 0; j < IN; j++) {
                    int y = row[q + tap_of(i)], x = column[p + tap_of(j)];
                    __global float *to = patch + (q * EDGE + p) * PATCH_CHANNELS + (i * IN + j) * PATCH;
                    for (int l = 0; l < PATCH; l++) to[l] = (y | x) < 0 ? 0.f : image[(size_t)(y + x) * PATCH + l];
                }
}
#else
#define PATCH_FLOATS 0
#endif

/* v of `count` tiles from the first. */
static inline void input_block(__global const float *restrict x, __global float *restrict v,
                               __global float *restrict patch, const picture *s, int first, int count, int v_step,
                               int step)
{
    int last_row = (s->tall - 1) * STEP + s->size - 1 - s->pad, last_column = last_row + (s->wide - s->tall) * STEP;
    for (int t = 0; t < count; t++) {
        int tile = first + t;
        int top = tile / s->across % s->down * TILE * STEP - s->pad, left = tile % s->across * TILE * STEP - s->pad;
        __global const float *image = x + (size_t)(tile / s->across / s->down) * s->h * s->w * s->c;
#ifdef PATCH
        int row[TILE + IN * SIDE - 1], column[TILE + IN * SIDE - 1], line[EDGE], own[EDGE];
        places_of(row, TILE + IN * SIDE - 1, top, last_row, s->h, 1, s->mode, s->w);
        places_of(column, TILE + IN * SIDE - 1, left, last_column, s->w, 1, s->mode, 1);
        gather_patch(image, patch, row, column);
        for (int i = 0; i < EDGE; i++) line[i] = i * EDGE, own[i] = i;
        input_tile(patch, v + (size_t)t * v_step, line, own, PATCH_CHANNELS, PATCH_CHANNELS, step, BY_CHANNELS);
#else
        for (int i = 0; i < IN; i++)
            for (int j = 0; j < IN; j++) {
                int row[EDGE], column[EDGE];
                places_of(row, EDGE, top + tap_of(i), last_row, s->h, s->zoom, s->mode, s->w);
                places_of(column, EDGE, left + tap_of(j), last_column, s->w, s->zoom, s->mode, 1);
                for (int q = 0; q < EDGE && j == 0; q++) /* what the next tile has more */
                    prefetch_read(image + (size_t)(row[q] + column[EDGE - 1] + 1) * s->c, TILE * STEP / s->zoom * s->c);
                input_tile(image, v + (size_t)t * v_step + (i * IN + j) * s->c / PAIR, row, column, s->c, s->c, step,
                           BY_CHANNELS);
            }
#endif
    }
}

/* y of `count` tiles from the first, of the columns o to end; m begins at column o. Columns are the channels, where OUT
 * is 1, or of each phase of y the channels in whole vectors. */
static inline void output_block(__global const float *restrict m, __global const float *restrict bias,
                                __global float *restrict y, const picture *s, int first, int count, int o, int end,
                                int m_step, int step, int has_bias, int activation, float slope)
{
    int channels = (s->k + LANES - 1) / LANES * LANES;
    for (int t = 0; t < count; t++) {
        int tile = first + t, ox = tile % s->across * TILE, oy = tile / s->across % s->down * TILE;
        __global float *image = y + (size_t)(tile / s->across / s->down) * s->oh * s->ow * s->k;
        for (int q = 0; q < (OUT == 1 ? TILE : 0); q++)
            for (int p = 0; p < TILE; p++)
                prefetch_store(image + (size_t)((oy + q) * s->ow + ox + p + TILE) * s->k + o, end - o);
        for (int i = o; i < end; i += LANES) {
            int phase = OUT == 1 ? 0 : i / channels, at = i - phase * channels;
            int above = oy * OUT + phase / OUT, left = ox * OUT + phase % OUT;
            __global float *out = image + (size_t)(above * s->ow + left) * s->k + at;
            for (int q = 0; q < (OUT == 1 ? 0 : TILE); q++)
                for (int p = 0; p < TILE; p++)
                    prefetch_store(out + (size_t)(q * s->ow + p + TILE) * OUT * s->k, LANES);
            output_tile(m + (size_t)t * m_step + i - o, step, has_bias ? load_lanes(bias + at, s->k - at) : (vec)(0),
                        out, min(TILE, (s->oh - above + OUT - 1) / OUT), min(TILE, (s->ow - left + OUT - 1) / OUT),
                        s->ow, s->k, s->k - at, activation, slope);
        }
    }
}

#define SPAN (TILE * OUT) /* pixels of y along a tile's side, in all phases */

/* Adds `count` tiles of y from the first, just stored and still in the core's cache, to a part that holds `seen` pixels
 * so far; gives how many it holds then. All deviations are from the mean so far, or from a pixel, so that nothing
 * cancels. A last vector that is not full is read from where it is: some channels twice, of which nothing is stored. */
static inline int statistics_block(__global const float *restrict y, __global float *restrict part, const picture *s,
                                   int first, int count, int o, int end, int seen)
{
    int pixels = seen;
    for (int i = o; i < end; i += LANES) {
        int at = max(o, min(i, s->k - LANES)), n = s->k - at, ox = first % s->across * SPAN, line = first / s->across;
        __global const float *row = y + (size_t)(line / s->down * s->oh + line % s->down * SPAN) * s->ow * s->k + at;
        vec mean = load_lanes(seen ? part + at : row + (size_t)ox * s->k, n), sum[4], squares[4];
        UNROLL for (int p = 0; p < 4; p++) sum[p] = squares[p] = (vec)(0);
        pixels = seen;
        for (int t = 0; t < count; t++) {
            int rows = min(SPAN, s->oh - line % s->down * SPAN), columns = min(SPAN, s->ow - ox);
            pixels += rows * columns;
            for (int q = 0; q < rows; q++)
                UNROLL for (int p = 0; p < SPAN; p++)
                    if (p < columns) {
                        vec d = load_lanes(row + (size_t)(q * s->ow + ox + p) * s->k, n) - mean;
                        sum[p % 4] += d;
                        squares[p % 4] = fma(d, d, squares[p % 4]);
                    }
            ox += SPAN;
            if (ox < s->ow) continue;
            ox = 0;
            line++;
            row = y + (size_t)(line / s->down * s->oh + line % s->down * SPAN) * s->ow * s->k + at;
        }
        vec all = (sum[0] + sum[1]) + (sum[2] + sum[3]), shift = all / (float)pixels;
        vec deviation = fma(-all, shift, (squares[0] + squares[1]) + (squares[2] + squares[3]));
        if (seen) deviation += load_lanes(part + s->k + at, n);
        store_statistics(part + at, s->k, i - at, min(LANES, n), mean + shift, deviation, pixels);
    }
    return pixels;
}

#define PICTURE(size)                                                                                                  \
    (picture) { n, h, w, c, oh, ow, k, pad, zoom, mode, size, TALL, WIDE, (WIDE + TILE - 1) / TILE,                    \
                (TALL + TILE - 1) / TILE }
#define TALL ((oh + OUT - 1) / OUT)
#define WIDE ((ow + OUT - 1) / OUT)
#define WORDS(c) (((c) + PAIR - 1) / PAIR)

/* The whole convolution, in blocks of tiles whose v and m, of panels `together`, stay in a core's cache. A work-item
 * takes a run of the blocks and a group of `panels` times COLUMNS output channels; with several groups v is made once
 * in each. Its tiles are of one of `apart` equal parts of the images; with statistics it leaves those of all that it
 * stores in parts. Ids: (run, group). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd(__global const float *restrict x, __global const float *restrict u, __global const float *restrict bias,
              __global float *restrict y, __global float *restrict scratch, int n, int h, int w, int c, int oh, int ow,
              int k, int pad, int zoom, int mode, int has_bias, int activation, float slope, int block, int panels,
              int together, int v_step, int m_step, int size, int apart, __global float *restrict parts,
              int statistics)
{
    picture s = PICTURE(size);
    int tiles = n / apart * s.down * s.across, blocks = (tiles + block - 1) / block, id = get_global_id(0);
    int runs = get_global_size(0) / apart, run = id % runs, start = id / runs * tiles, seen = 0; /* pixels stored */
    int columns = OUT == 1 ? k : OUT * OUT * ((k + LANES - 1) / LANES * LANES), words = WORDS(IN * IN * c);
    int all = (columns + COLUMNS - 1) / COLUMNS;
    int first_panel = get_global_id(1) * panels, last_panel = min(first_panel + panels, all);
    int v_plane = block * v_step + LANES, m_plane = block * m_step + LANES;
    size_t slice = (size_t)FREQUENCIES * (v_plane + m_plane) + PATCH_FLOATS;
    __global float *v = scratch + (get_global_id(1) * get_global_size(0) + id) * slice;
    __global float *m = v + (size_t)FREQUENCIES * v_plane, *patch = m + (size_t)FREQUENCIES * m_plane;
    for (int i = 0; i < PATCH_FLOATS; i++) patch[i] = 0;
    for (int b = run * blocks / runs; b < (run + 1) * blocks / runs; b++) {
        int first = start + b * block, count = min(block, tiles - b * block);
        input_block(x, v, patch, &s, first, count, v_step, v_plane);
        for (int p0 = first_panel; p0 < last_panel; p0 += together) {
            int end = min(p0 + together, last_panel);
            for (int f = 0; f < FREQUENCIES; f++)
                for (int p = p0; p < end; p++)
                    for (int t = 0; t < count; t += ROWS)
                        for (int i = 0; i < words; i += PIECE)
                            multiply(v + (size_t)f * v_plane + t * v_step + i,
                                     u + ((size_t)(f * all + p) * words + i) * COLUMNS,
                                     m + (size_t)f * m_plane + t * m_step + (p - p0) * COLUMNS, min(PIECE, words - i),
                                     v_step, m_step, i > 0, false);
            output_block(m, bias, y, &s, first, count, p0 * COLUMNS, min(end * COLUMNS, columns), m_step, m_plane,
                         has_bias, activation, slope);
        }
        if (statistics)
            seen = statistics_block(y, parts + (size_t)id * 3 * k, &s, first, count,
                                    OUT == 1 ? first_panel * COLUMNS : 0,
                                    OUT == 1 ? min(last_panel * COLUMNS, k) : k, seen);
    }
}

/* u, at every `step` words, of one word of input channels and a vector of output channels, from their taps. */
static inline void kernel_tile(const vec g[PAIR][SIDE * SIDE], __global float *restrict u, size_t step)
{
    vec half_done[PAIR][EDGE * SIDE];
    UNROLL for (int i = 0; i < PAIR; i++) UNROLL for (int p = 0; p < SIDE; p++)
    {
        vec d[SIDE], t[EDGE];
        UNROLL for (int q = 0; q < SIDE; q++) d[q] = g[i][q * SIDE + p];
        kernel_1d(d, t);
        UNROLL for (int q = 0; q < EDGE; q++) half_done[i][q * SIDE + p] = t[q];
    }
    UNROLL for (int q = 0; q < EDGE; q++)
    {
        vec t[PAIR][EDGE];
        UNROLL for (int i = 0; i < PAIR; i++) kernel_1d(half_done[i] + q * SIDE, t[i]);
        UNROLL for (int p = 0; p < EDGE; p++) UNROLL for (int i = 0; i < PAIR; i++)
            store_operand(t[i][p], u + (q * EDGE + p) * step, 0, i);
    }
}

/* The same where u would not fit the cache that the cores share, in two launches for each strip of tiles: v of the whole
 * strip, which does fit it, then products and outputs, for which the kernel is transformed as it is used: w [9][c][k] or,
 * turned, [k / width][c][9][width], whose numbers are `tap`, `channel` and `group` apart. In scratch: v [36][block]
 * [v_step], then of each work-item m [36][its tiles][m_step] and u [36][together][words of c][COLUMNS]. Ids: (run of
 * tiles). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_large_input(__global const float *restrict x, __global float *restrict scratch, int n, int h, int w,
                          int c, int oh, int ow, int k, int pad, int zoom, int mode, int first, int count, int block,
                          int v_step)
{
    picture s = PICTURE(SIDE);
    int run = get_global_id(0), runs = get_global_size(0), begin = run * count / runs, end = (run + 1) * count / runs;
    input_block(x, scratch + (size_t)begin * v_step, scratch, &s, first + begin, end - begin, v_step,
                block * v_step + LANES);
}

/* A work-item takes a group of panels, `together` at a time, for which each v is read once from the cache that the cores
 * share, and a run of the strip's register tiles. Ids: (group, run). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_large(__global const float *restrict kernels, __global const float *restrict bias,
                    __global float *restrict y, __global float *restrict scratch, int n, int h, int w, int c, int oh,
                    int ow, int k, int pad, int zoom, int mode, int has_bias, int activation, float slope, int first,
                    int count, int block, int panels, int together, int v_step, int m_step, int tap, int channel,
                    int group)
{
    picture s = PICTURE(SIDE);
    int all = (k + COLUMNS - 1) / COLUMNS, words = WORDS(c), run = get_global_id(1), runs = get_global_size(1);
    int first_panel = get_global_id(0) * panels, last_panel = min(first_panel + panels, all);
    int tiles = (count + ROWS - 1) / ROWS, most = (block / ROWS + runs - 1) / runs * ROWS; /* of a run */
    int begin = run * tiles / runs * ROWS, end = min((run + 1) * tiles / runs * ROWS, count);
    int v_plane = block * v_step + LANES, m_plane = most * m_step + LANES, u_panel = words * COLUMNS;
    int u_plane = together * u_panel + LANES;
    if (begin >= end) return; /* of a last strip that is not full */
    __global float *v = scratch, *m = v + (size_t)FREQUENCIES * v_plane;
    m += (get_global_id(0) * runs + run) * (size_t)FREQUENCIES * (m_plane + u_plane);
    __global float *u = m + (size_t)FREQUENCIES * m_plane;
    for (int p0 = first_panel; p0 < last_panel; p0 += together) {
        int columns = min(together, last_panel - p0) * COLUMNS;
        __global const float *from = kernels + (size_t)(p0 / together) * group;
        for (int i = 0; i < words; i++) {
            for (int j = 0; j < SIDE * SIDE * PAIR; j++) /* of w, each is in a page of its own */
                prefetch_read(from + (size_t)(j / PAIR) * tap + (size_t)((i + AHEAD) * PAIR + j % PAIR) * channel,
                              columns);
            for (int o = 0; o < columns; o += LANES) {
                int left = k - p0 * COLUMNS - o;
                vec g[PAIR][SIDE * SIDE];
                UNROLL for (int j = 0; j < PAIR; j++) UNROLL for (int q = 0; q < SIDE * SIDE; q++)
                {
                    int at = i * PAIR + j;
                    g[j][q] = left <= 0 || at >= c
                                  ? (vec)(0)
                                  : load_lanes(from + (size_t)q * tap + (size_t)at * channel + o, left);
                }
                kernel_tile(g, u + o / COLUMNS * u_panel + i * COLUMNS + o % COLUMNS, u_plane);
            }
        }
        for (int f = 0; f < FREQUENCIES; f++)
            for (int t = begin; t < end; t += ROWS)
                for (int o = 0; o < columns; o += COLUMNS)
                    for (int i = 0; i < words; i += PIECE)
                        multiply(v + (size_t)f * v_plane + t * v_step + i,
                                 u + (size_t)f * u_plane + o / COLUMNS * u_panel + i * COLUMNS,
                                 m + (size_t)f * m_plane + (t - begin) * m_step + o, min(PIECE, words - i), v_step,
                                 m_step, i > 0, o == 0);
        output_block(m, bias, y, &s, first + begin, end - begin, p0 * COLUMNS, min(p0 * COLUMNS + columns, k), m_step,
                     m_plane, has_bias, activation, slope);
    }
}

/* w [3][3][k][c] -> turned [k / width][c][9][width], by 180 degrees; what is beyond k is not written. Ids: (c, tap). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_turn(__global const float *restrict w, __global float *restrict turned, int k, int width)
{
    int c = get_global_size(0), i = get_global_id(0), tap = get_global_id(1);
    for (int o = 0; o < k; o++)
        turned[(((size_t)(o / width) * c + i) * 9 + tap) * width + o % width] = w[((size_t)(8 - tap) * k + o) * c + i];
}

/* w [size][size][ci][co] -> u for input channels c and output channels k; rotated: ci = k, co = c and the kernel turned.
 * base: of phases, the tap of the first that is first of a tile's. Ids: (panel, word). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_weights(__global const float *restrict w, __global float *restrict u, int c, int k, int rotated, int size,
                      int base)
{
    int panel = get_global_id(0), word = get_global_id(1), panels = get_global_size(0);
    int channels = (k + LANES - 1) / LANES * LANES;
    for (int j = 0; j < VECTORS; j++) {
        int column = panel * COLUMNS + j * LANES, phase = OUT == 1 ? 0 : column / channels;
        int first = column - phase * channels, n = phase < OUT * OUT ? k - first : 0;
        vec g[PAIR][SIDE * SIDE];
        for (int pair = 0; pair < PAIR; pair++) {
            int piece = (word * PAIR + pair) / c, i = (word * PAIR + pair) % c;
            for (int tap = 0; tap < SIDE * SIDE; tap++) {
                int y = OUT == 1 ? tap_of(piece / IN) + tap / SIDE * STEP : base + tap / SIDE * OUT - phase / OUT;
                int x = OUT == 1 ? tap_of(piece % IN) + tap % SIDE * STEP : base + tap % SIDE * OUT - phase % OUT;
                int at = y * size + x;
                __global const float *from = w + (size_t)(rotated ? size * size - 1 - at : at) * c * k;
                g[pair][tap] = 0;
                if (n <= 0 || piece >= IN * IN || y < 0 || y >= size || x < 0 || x >= size) continue;
                if (!rotated) {
                    g[pair][tap] = load_lanes(from + (size_t)i * k + first, n);
                } else {
                    float part[LANES];
                    for (int l = 0; l < LANES; l++) part[l] = l < n ? from[(size_t)(first + l) * c + i] : 0.f;
                    g[pair][tap] = vload_lanes(0, part);
                }
            }
        }
        kernel_tile(g, u + ((size_t)panel * WORDS(IN * IN * c) + word) * COLUMNS + j * LANES,
                    (size_t)panels * WORDS(IN * IN * c) * COLUMNS);
    }
}

#endif

/* A d of one column. */
static inline void output_adjoint_1d(const vec *d, vec *m)
{
    vec even_a = fma((vec)(.5f), d[2], d[0]), odd_a = fma((vec)(.5f), d[3], d[1]);
    vec even_b = fma((vec)(2.f), d[2], d[0]), odd_b = fma((vec)(2.f), d[3], d[1]);
    m[0] = d[0];
    m[1] = fma((vec)(A), odd_a, even_a);
    m[2] = fma((vec)(-A), odd_a, even_a);
    m[3] = fma((vec)(B), odd_b, even_b);
    m[4] = fma((vec)(-B), odd_b, even_b);
    m[5] = d[3];
}

/* G' u of one column. */
static inline void kernel_adjoint_1d(const vec *u, vec *g)
{
    vec even_a = u[1] + u[2], odd_a = u[1] - u[2], even_b = u[3] + u[4], odd_b = u[3] - u[4];
    g[0] = fma((vec)(-2.f / 3), even_a, fma((vec)(1.f / 6), even_b, u[0]));
    g[1] = fma((vec)(-2.f / 3 * A), odd_a, (B / 6) * odd_b);
    g[2] = fma((vec)(1.f / 3), even_b - even_a, u[5]);
}

/* D, at every `step` words, of `left` channels of one tile, of which rows x columns pixels are there. */
static inline void output_adjoint_tile(__global const float *restrict dy, __global float *restrict m, int rows,
                                       int columns, int width, int k, int left, int step, int tile)
{
    for (int i = 0; i < left; i += LANES) {
        vec half_done[24];
        UNROLL_GPU for (int p = 0; p < 4; p++)
        {
            vec d[4], t[6];
            UNROLL for (int q = 0; q < 4; q++)
                d[q] = q < rows && p < columns ? load_lanes(dy + (size_t)(q * width + p) * k + i, left - i) : (vec)(0);
            output_adjoint_1d(d, t);
            UNROLL for (int q = 0; q < 6; q++) half_done[q * 4 + p] = t[q];
        }
        UNROLL_GPU for (int q = 0; q < 6; q++)
        {
            vec t[6];
            output_adjoint_1d(half_done + q * 4, t);
            UNROLL for (int p = 0; p < 6; p++) store_operand(t[p], m + (size_t)(q * 6 + p) * step, i, tile);
        }
    }
}

#ifdef CPU_FAMILY

#define DEEP (LANES / 2) /* input channels of a register tile */

/* A register tile of du (+)= v' m for one frequency, over so many words of tiles: DEEP by COLUMNS channels. */
static inline void multiply_adjoint(__global const float *restrict v, __global const float *restrict m,
                                    __global float *restrict du, int words, int v_step, int m_step, bool add)
{
    vec acc[DEEP][2];
    UNROLL for (int r = 0; r < DEEP; r++) acc[r][0] = acc[r][1] = 0;
    for (int t = 0; t < words; t++, v += v_step, m += m_step) {
        vec m0 = vload_lanes(0, m), m1 = vload_lanes(1, m);
        UNROLL for (int r = 0; r < DEEP; r++)
        {
            vec s = (vec)(v[r]);
            acc[r][0] = multiply_add(s, m0, acc[r][0]);
            acc[r][1] = multiply_add(s, m1, acc[r][1]);
        }
    }
    UNROLL for (int r = 0; r < DEEP; r++) UNROLL for (int i = 0; i < 2; i++)
    {
        if (add) acc[r][i] += VECTOR(du + r * COLUMNS + i * LANES);
        VECTOR(du + r * COLUMNS + i * LANES) = acc[r][i];
    }
}

/* One slice of part: a work-item takes a run of the blocks of tiles, `deep` input channels and `wide` output channels.
 * Ids: (group of input channels, group of output channels, run). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_gradient(__global const float *restrict x, __global const float *restrict dy,
                       __global float *restrict part, __global float *restrict scratch, int n, int h, int w, int c,
                       int oh, int ow, int k, int pad, int zoom, int mode, int block, int deep, int wide,
                       int v_step, int m_step)
{
    int across = (ow + TILE - 1) / TILE, down = (oh + TILE - 1) / TILE;
    int tiles = n * down * across, blocks = (tiles + block - 1) / block;
    int run = get_global_id(2), runs = get_global_size(2), c0 = get_global_id(0) * deep, k0 = get_global_id(1) * wide;
    int own_c = min(deep, c - c0), own_k = min(wide, k - k0), start = run * blocks / runs;
    size_t item = (run * get_global_size(1) + get_global_id(1)) * get_global_size(0) + get_global_id(0);
    int v_plane = WORDS(block) * v_step, m_plane = WORDS(block) * m_step;
    __global float *v = scratch + item * FREQUENCIES * (v_plane + m_plane);
    __global float *m = v + (size_t)FREQUENCIES * v_plane;
    part += item * FREQUENCIES * deep * wide;
    for (int b = start; b < (run + 1) * blocks / runs; b++) {
        int first = b * block, count = min(block, tiles - first);
        for (int t = 0; t < count; t++) {
            int tile = first + t, image = tile / across / down;
            int ox = tile % across * TILE, oy = tile / across % down * TILE;
            int row[6], column[6];
            places_of(row, 6, oy - pad, oh + 1 - pad, h, zoom, mode, w);
            places_of(column, 6, ox - pad, ow + 1 - pad, w, zoom, mode, 1);
            input_tile(x + (size_t)image * h * w * c + c0, v + (size_t)(t / PAIR) * v_step, row, column, c, own_c,
                       v_plane, t);
            output_adjoint_tile(dy + (((size_t)image * oh + oy) * ow + ox) * k + k0, m + (size_t)(t / PAIR) * m_step,
                                oh - oy, ow - ox, ow, k, own_k, m_plane, t);
        }
        for (int f = 0; f < FREQUENCIES; f++)
            for (int j = 0; j < own_k; j += COLUMNS)
                for (int i = 0; i < own_c; i += DEEP)
                    multiply_adjoint(v + (size_t)f * v_plane + i, m + (size_t)f * m_plane + j,
                                     part + ((size_t)f * wide + j) * deep + i * COLUMNS, WORDS(count), v_step, m_step,
                                     b > start);
    }
}

/* dw [3][3][c][k] from the slices of its group of channels, in order. Ids: (vector of k, c). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_gradient_sum(__global const float *restrict part, __global float *restrict dw, int runs, int c, int k,
                           int deep, int wide)
{
    int o = get_global_id(0) * LANES, i = get_global_id(1), groups_c = (c + deep - 1) / deep;
    size_t size = (size_t)FREQUENCIES * deep * wide;            /* of a slice */
    size_t next = size * groups_c * ((k + wide - 1) / wide); /* of a run */
    part += (o / wide * groups_c + i / deep) * size;
    part += ((size_t)(o % wide / COLUMNS) * deep + i % deep) * COLUMNS + o % COLUMNS;
    vec half_done[18];
    for (int p = 0; p < 6; p++) {
        vec u[6], g[3];
        for (int q = 0; q < 6; q++) {
            u[q] = 0;
            for (int run = 0; run < runs; run++)
                u[q] += vload_lanes(0, part + run * next + (size_t)(q * 6 + p) * deep * wide);
        }
        kernel_adjoint_1d(u, g);
        UNROLL for (int q = 0; q < 3; q++) half_done[q * 6 + p] = g[q];
    }
    for (int q = 0; q < 3; q++) {
        vec g[3];
        kernel_adjoint_1d(half_done + q * 6, g);
        for (int p = 0; p < 3; p++) store_lanes(g[p], dw + ((size_t)(q * 3 + p) * c + i) * k + o, k - o);
    }
}

#else

/* On GPUs in three launches for each strip of tiles: the transform of the input, 36 matrix products (conv_gpu.cl), the
 * transform of the output. u [36][c][k], v [36][count][c], m [36][count][k]; c and k are rounded up to whole vectors
 * here, which are zero beyond the channels. A work-item transforms a vector of channels of one tile. */

/* Ids: (vector of c, tile of the strip). */
__kernel void winograd_strip_input(__global const float *restrict x, __global float *restrict v, int h, int w,
                                   int channels, int oh, int ow, int pad, int zoom, int mode, int first,
                                   int count)
{
    int i = get_global_id(0) * LANES, tile = first + get_global_id(1), c = get_global_size(0) * LANES;
    int across = (ow + TILE - 1) / TILE, down = (oh + TILE - 1) / TILE, image = tile / (across * down);
    int row[6], column[6];
    places_of(row, 6, tile / across % down * TILE - pad, oh + 1 - pad, h, zoom, mode, w);
    places_of(column, 6, tile % across * TILE - pad, ow + 1 - pad, w, zoom, mode, 1);
    input_tile(x + (size_t)image * h * w * channels + i, v + (size_t)get_global_id(1) * c + i, row, column, channels,
               min(channels - i, LANES), count * c, BY_CHANNELS);
}

/* Ids: (vector of k, tile of the strip). */
__kernel void winograd_strip_output(__global const float *restrict m, __global const float *restrict bias,
                                    __global float *restrict y, int oh, int ow, int channels, int has_bias,
                                    int activation, float slope, int first, int count)
{
    int o = get_global_id(0) * LANES, tile = first + get_global_id(1), k = get_global_size(0) * LANES;
    int across = (ow + TILE - 1) / TILE, down = (oh + TILE - 1) / TILE, image = tile / (across * down);
    int top = tile / across % down * TILE, left = tile % across * TILE, n = channels - o;
    vec b = has_bias ? load_lanes(bias + o, n) : (vec)(0);
    output_tile(m + (size_t)get_global_id(1) * k + o, count * k, b,
                y + (((size_t)image * oh + top) * ow + left) * channels + o, min(oh - top, TILE), min(ow - left, TILE),
                ow, channels, n, activation, slope);
}

/* w [3][3][ci][co] -> u; rotated: ci = k, co = c and the kernel turned. Ids: (k, c) of u. */
__kernel void winograd_strip_weights(__global const float *restrict w, __global float *restrict u, int c, int k,
                                     int rotated)
{
    int o = get_global_id(0), i = get_global_id(1), step = get_global_size(0) * get_global_size(1);
    vec half_done[18];
    UNROLL for (int x = 0; x < 3; x++)
    {
        vec g[3], t[6];
        UNROLL for (int y = 0; y < 3; y++)
        {
            int tap = y * 3 + x;
            size_t place = rotated ? ((size_t)(8 - tap) * k + o) * c + i : ((size_t)tap * c + i) * k + o;
            g[y] = (vec)(o < k && i < c ? w[place] : 0.f);
        }
        kernel_1d(g, t);
        UNROLL for (int q = 0; q < 6; q++) half_done[q * 3 + x] = t[q];
    }
    UNROLL for (int q = 0; q < 6; q++)
    {
        vec t[6];
        kernel_1d(half_done + q * 3, t);
        UNROLL for (int p = 0; p < 6; p++) u[(size_t)(q * 6 + p) * step + i * get_global_size(0) + o] = t[p].s0;
    }
}

/* The adjoint of the output's transform: dy -> m [36][count][k]. Ids: (vector of k, tile of the strip). */
__kernel void winograd_strip_output_adjoint(__global const float *restrict dy, __global float *restrict m, int oh,
                                            int ow, int channels, int first, int count)
{
    int o = get_global_id(0) * LANES, tile = first + get_global_id(1), k = get_global_size(0) * LANES;
    int across = (ow + TILE - 1) / TILE, down = (oh + TILE - 1) / TILE, image = tile / (across * down);
    int top = tile / across % down * TILE, left = tile % across * TILE;
    output_adjoint_tile(dy + (((size_t)image * oh + top) * ow + left) * channels + o,
                        m + (size_t)get_global_id(1) * k + o, oh - top, ow - left, ow, channels,
                        min(channels - o, LANES), count * k, BY_CHANNELS);
}

/* The adjoint of the weights' transform: u [36][c][k], c and k rounded up -> dw [3][3][c][k]. Ids: (vector of k, c). */
__kernel void winograd_strip_weights_adjoint(__global const float *restrict u, __global float *restrict dw, int c,
                                             int k)
{
    int o = get_global_id(0) * LANES, i = get_global_id(1), line = get_global_size(0) * LANES;
    size_t step = (size_t)line * ((c + LANES - 1) / LANES * LANES);
    vec half_done[18];
    UNROLL for (int p = 0; p < 6; p++)
    {
        vec t[6], g[3];
        UNROLL for (int q = 0; q < 6; q++) t[q] = VECTOR(u + (q * 6 + p) * step + (size_t)i * line + o);
        kernel_adjoint_1d(t, g);
        UNROLL for (int q = 0; q < 3; q++) half_done[q * 6 + p] = g[q];
    }
    UNROLL for (int q = 0; q < 3; q++)
    {
        vec g[3];
        kernel_adjoint_1d(half_done + q * 6, g);
        UNROLL for (int p = 0; p < 3; p++) store_lanes(g[p], dw + ((size_t)(q * 3 + p) * c + i) * k + o, k - o);
    }
}
#endif
