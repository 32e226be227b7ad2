/* Convolution as a gather: direct register tiles on CPUs. GPUs have conv_gpu.cl.
 *
 * One kernel serves convolution and transposed convolution. For output pixel o and kernel tap k the input pixel is
 * (o * up + k - pad) / down where that is whole, and nothing where it is not:
 *     convolution              up = stride, down = 1
 *     transposed convolution   up = 1, down = stride, pad = k - 1 - pad, turned by 180 degrees, ci and co swapped
 *
 * x [n][h][w][c], y [n][oh][ow][k] (k output channels), bias [k].
 * CPU: u is the packed kernel [k / COLUMNS][kh][kw * c / run][run / PAIR][COLUMNS], zero beyond k and run, COLUMNS =
 * VECTORS * LANES; a run is all numbers of a row of taps or those of one tap, in words of PAIR operands.
 * CPU, few output channels: lanes are input channels, u is [kh][kw][c / LANES][k][LANES], zero beyond c.
 * Defines: ROWS (output pixels of a CPU tile), VECTORS (vectors of output channels of a CPU tile: 1 to 3, of
 * conv_weights 1 or 2), HALF (of conv, perhaps: the one vector is of so many lanes), NARROW (CPU: the few output
 * channels, instead of VECTORS), LINE (operands of a line of conv), perhaps BF16, BIAS, ACTIVATION (0 none, 1 ReLU,
 * 2 LeakyReLU, 3 tanh); of conv_weights_sum none.
 */
#ifdef CPU_FAMILY

/* Mostly `down` is one, and a division takes as long as ten products. divides: i / down is whole. */
static inline bool divides(int down, int i) { return down == 1 || i % down == 0; }
static inline int quotient(int i, int down) { return down == 1 ? i : i / down; }

#ifdef NARROW

/* A work-item of conv_narrow: `share` tiles of one output row, each of ROWS pixels, `down` apart. Ids: (tiles / share *
 * down, 0, image row). The sums of ROWS * NARROW accumulators over their lanes end a tile. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_narrow(__global const float *restrict x, __global const float *restrict u,
                 __global const float *restrict bias, __global float *restrict y, int h, int w, int c, int oh, int ow,
                 int k, int kh, int kw, int up, int down, int pad_y, int pad_x, int mode, float slope, int share)
{
    int phase = divides(down, get_global_id(0)) ? 0 : get_global_id(0) % down;
    int image = get_global_id(2) / oh, oy = get_global_id(2) % oh;
    int pixels = quotient(ow - phase + down - 1, down); /* of this phase in the row */
    int tile = quotient(get_global_id(0), down) * share, end = min(tile + share, (pixels + ROWS - 1) / ROWS);
    int step = down == 1 ? up : 1, vectors = (c + LANES - 1) / LANES;
    for (; tile < end; tile++) {
        int first = max(min(tile * ROWS, pixels - ROWS), 0), rows = min(ROWS, pixels - first), ox = phase + first * down;
        vec acc[ROWS][NARROW];
        UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int v = 0; v < NARROW; v++) acc[r][v] = 0;

        for (int ky = 0; ky < kh; ky++) {
            int ty = oy * up + ky - pad_y;
            if (!divides(down, ty)) continue;
            int iy = pad_index(quotient(ty, down), h, mode);
            if (iy < 0) continue;
            __global const float *row = x + ((size_t)image * h + iy) * w * c;
            for (int kx = 0; kx < kw; kx++) {
                int tx = ox * up - pad_x + kx, ix = quotient(tx, down);
                if (!divides(down, tx)) continue;
                __global const vec *t = (__global const vec *)u + (size_t)(ky * kw + kx) * vectors * NARROW;
                bool inside = ix >= 0 && ix + (ROWS - 1) * step < w && rows == ROWS;
                int whole = inside ? c / LANES : 0; /* vectors that need no care */
                __global const float *p = row + ix * c;
                for (int i = 0; i < whole; i++) {
                    vec weight[NARROW];
                    UNROLL for (int v = 0; v < NARROW; v++) weight[v] = t[i * NARROW + v];
                    UNROLL for (int r = 0; r < ROWS; r++)
                    {
                        vec s = vload_lanes(i, p + r * step * c);
                        UNROLL for (int v = 0; v < NARROW; v++) acc[r][v] = fma(s, weight[v], acc[r][v]);
                    }
                }
                for (int i = whole; i < vectors; i++)
                    UNROLL for (int r = 0; r < ROWS; r++)
                    {
                        int column = pad_index(ix + min(r, rows - 1) * step, w, mode);
                        if (column < 0) continue;
                        vec s = load_lanes(row + column * c + i * LANES, c - i * LANES);
                        UNROLL for (int v = 0; v < NARROW; v++) acc[r][v] = fma(s, t[i * NARROW + v], acc[r][v]);
                    }
            }
        }

        float sum[(ROWS * NARROW + LANES - 1) / LANES * LANES];
        UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int v = 0; v < NARROW; v++)
        {
            sum[r * NARROW + v] = sum_lanes(acc[r][v]);
#ifdef BIAS
            sum[r * NARROW + v] += bias[v];
#endif
        }
        for (int i = 0; i < ROWS * NARROW; i += LANES)
            vstore_lanes(activate(vload_lanes(0, sum + i), slope), 0, sum + i);
        __global float *out = y + (((size_t)image * oh + oy) * ow + ox) * NARROW;
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < NARROW; v++) out[(size_t)r * down * NARROW + v] = sum[r * NARROW + v];
    }
}

/* w [kh][kw][ci][co] -> u as conv_narrow wants it; rotated as in conv_pack. Ids: (vector of c, tap). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_narrow_pack(__global const float *restrict w, __global float *restrict u, int taps, int c, int k, int rotated)
{
    int first = get_global_id(0) * LANES, tap = get_global_id(1);
    __global float *to = u + ((size_t)tap * get_global_size(0) + get_global_id(0)) * k * LANES;
    __global const float *from = w + (size_t)(rotated ? taps - 1 - tap : tap) * c * k;
    for (int o = 0; o < k; o++)
        for (int l = 0; l < LANES; l++) {
            int i = first + l;
            to[o * LANES + l] = i >= c ? 0.f : rotated ? from[(size_t)o * c + i] : from[(size_t)i * k + o];
        }
}

/* Gradient by the kernel where it has few output channels; layouts and splits as in conv_weights. A work-item: ROWS
 * taps of one row ky, a vector of input channels. Ids: (kw / ROWS, vector, split * kh + ky). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_narrow_weights(__global const float *restrict x, __global const float *restrict dy,
                         __global float *restrict part, int n, int h, int w, int c, int oh, int ow, int k, int kh,
                         int kw, int stride, int pad_y, int pad_x, int mode, int split_rows, int part_size)
{
    int channel = get_global_id(1) * LANES, ky = get_global_id(2) % kh, split = get_global_id(2) / kh;
    int wanted = get_global_id(0) * ROWS, first = min(wanted, kw - ROWS);
    vec acc[ROWS][NARROW];
    UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int v = 0; v < NARROW; v++) acc[r][v] = 0;
    for (int line = split * split_rows; line < min((split + 1) * split_rows, n * oh); line++) {
        int image = line / oh, iy = pad_index(line % oh * stride + ky - pad_y, h, mode);
        if (iy < 0) continue;
        __global const float *row = x + ((size_t)image * h + iy) * w * c + channel;
        __global const float *d = dy + (size_t)line * ow * NARROW;
        for (int ox = 0; ox < ow;) {
            /* pixels whose taps are all inside, in one tight loop */
            int left = ox * stride - pad_x + first;
            int run = channel + LANES > c || left < 0 ? 0 : (w - ROWS - left + stride) / stride;
            __global const float *p = row + left * c;
            for (int stop = min(ox + run, ow); ox < stop; ox++, d += NARROW, p += stride * c)
                UNROLL for (int r = 0; r < ROWS; r++)
                {
                    vec s = vload_lanes(0, p + r * c);
                    UNROLL for (int v = 0; v < NARROW; v++) acc[r][v] = fma(s, (vec)(d[v]), acc[r][v]);
                }
            if (ox >= ow) break;
            left = ox * stride - pad_x + first;
            UNROLL for (int r = 0; r < ROWS; r++)
            {
                int ix = pad_index(left + r, w, mode);
                if (ix < 0) continue;
                vec s = load_lanes(row + ix * c, c - channel);
                UNROLL for (int v = 0; v < NARROW; v++) acc[r][v] = fma(s, (vec)(d[v]), acc[r][v]);
            }
            ox++;
            d += NARROW;
        }
    }
    __global float *out = part + (size_t)split * part_size + ((size_t)(ky * kw + first) * c + channel) * NARROW;
    UNROLL for (int r = 0; r < ROWS; r++)
    {
        if (first + r < wanted) continue; /* a neighbour's */
        UNROLL for (int v = 0; v < NARROW; v++)
        {
            float lane[LANES];
            vstore_lanes(acc[r][v], 0, lane);
            for (int l = 0; l < min(LANES, c - channel); l++) out[((size_t)r * c + l) * NARROW + v] = lane[l];
        }
    }
}

#elif defined(VECTORS)

/* A vector of the sums of conv. Where half a vector holds all channels, processors that take two steps for a whole one,
 * as Zen 4 does, need one. */
#ifdef HALF
#define COLUMNS HALF
typedef JOIN(float, HALF) sums;
static inline vec lanes_of(sums s)
{
    vec v = (vec)(0.f);
    v.lo = s;
    return v;
}
#else
#define COLUMNS (VECTORS * LANES)
typedef vec sums;
static inline vec lanes_of(sums s) { return s; }
#endif

/* n floats at x as operands at p; up to a vector more is stored. */
static inline void copy_operands(__global const float *x, operand *p, int n)
{
    for (int i = 0; i < n; i += LANES) store_operands(load_lanes(x + i, n - i), p + i);
}

/* A line: `channels` of those of a row of w pixels, from the c0-th of c on, of `span` pixels that begin `from`; those past
 * `needed` are zero, and so is what a last pair reads beyond. */
static inline void fill_line(operand *line, __global const float *row, int from, int span, int needed, int w, int c,
                             int c0, int channels, int mode)
{
    if (from >= 0 && from + span <= w && channels == c)
        copy_operands(row + from * c, line, span * c);
    else
        for (int j = 0; j < span; j++) {
            int column = j < needed ? pad_index(from + j, w, mode) : -1;
            if (column >= 0)
                copy_operands(row + column * c + c0, line + j * channels, channels);
            else
                for (int i = 0; i < channels; i++) line[j * channels + i] = 0;
        }
    for (int i = 0; i < PAIR; i++) line[span * channels + i] = 0;
}

/* The products of one run, for pixels `next` operands apart. */
#define MULTIPLY_RUN(space)                                                                                            \
    static inline void __attribute__((overloadable))                                                                   \
    multiply_run(sums (*acc)[VECTORS], const space operand *p, int next, __global const sums *t, int words)            \
    {                                                                                                                  \
        for (int i = 0; i < words; i++) {                                                                              \
            sums weight[VECTORS];                                                                                      \
            UNROLL for (int v = 0; v < VECTORS; v++) weight[v] = t[i * VECTORS + v];                                   \
            UNROLL for (int r = 0; r < ROWS; r++)                                                                      \
            {                                                                                                          \
                sums s = (sums)(*(const space loose_word *)(p + r * next + i * PAIR));                                 \
                UNROLL for (int v = 0; v < VECTORS; v++) acc[r][v] = multiply_add(s, weight[v], acc[r][v]);            \
            }                                                                                                          \
        }                                                                                                              \
    }
MULTIPLY_RUN(__global)
MULTIPLY_RUN(__private)

/* A work-item of conv: `share` tiles of one output row, each of ROWS pixels, `down` apart, by COLUMNS channels. Ids:
 * (tiles / share * down, block, image row), so that all blocks of a row find what they read in the cache.
 * For each row of taps the pixels that they read, `span` of them and padded, are a line of operands: x as it is, or a
 * copy. There a pixel's taps are one run of kw * c numbers, which is multiplied at once; `run` says whether u has it so,
 * or the taps one by one: the transposed convolution takes some of them, and of many channels a line holds a part.
 * With statistics a work-item leaves those of all that it stores: parts [image row][tiles / share * down][3][k]. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv(__global const float *restrict x, __global const float *restrict u, __global const float *restrict bias,
          __global float *restrict y, int h, int w, int c, int oh, int ow, int k, int kh, int kw, int up, int down,
          int pad_y, int pad_x, int mode, float slope, int run, int span, int part, int share,
          __global float *restrict parts, int statistics)
{
    int phase = divides(down, get_global_id(0)) ? 0 : get_global_id(0) % down;
    int image = get_global_id(2) / oh, oy = get_global_id(2) % oh;
    int pixels = quotient(ow - phase + down - 1, down); /* of this phase in the row */
    int start = quotient(get_global_id(0), down) * share, end = min(start + share, (pixels + ROWS - 1) / ROWS);
    int block = get_global_id(1), channel = block * COLUMNS, step = down == 1 ? up : 1;
    int words = (run + PAIR - 1) / PAIR, runs = kw * c / run;
    __global const sums *taps = (__global const sums *)u + (size_t)block * kh * runs * words * VECTORS;
    operand line[LINE + LANES];
    for (int tile = start; tile < end; tile++) {
        int first = max(min(tile * ROWS, pixels - ROWS), 0), rows = min(ROWS, pixels - first), ox = phase + first * down;
        int needed = span - (ROWS - rows) * step, left = ox * up - pad_x;
        int from = left > 0 ? quotient(left + down - 1, down) : quotient(left, down); /* of the row that is read */
        __global float *out = y + (((size_t)image * oh + oy) * ow + ox) * k + channel;
        UNROLL for (int r = 0; r < ROWS; r++) prefetch_store(out + (size_t)r * down * k, COLUMNS);
        sums acc[ROWS][VECTORS];
        UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int v = 0; v < VECTORS; v++) acc[r][v] = 0;

        for (int ky = 0; ky < kh; ky++) {
            int ty = oy * up + ky - pad_y;
            if (!divides(down, ty)) continue;
            int iy = pad_index(quotient(ty, down), h, mode);
            if (iy < 0) continue;
            __global const float *row = x + ((size_t)image * h + iy) * w * c;
            prefetch_read(row + (from + ROWS * step) * c, ROWS * step * c); /* the next tile's */
            for (int c0 = 0; c0 < c; c0 += part) {
                int channels = min(part, c - c0);
                bool as_it_is = PAIR == 1 && from >= 0 && from + span <= w && channels == c;
                if (!as_it_is) fill_line(line, row, from, span, needed, w, c, c0, channels, mode);
                int next = step * channels, terms = run == c ? (channels + PAIR - 1) / PAIR : words;
                for (int i = 0; i < runs; i++) {
                    int tx = left + i;
                    if (!divides(down, tx)) continue;
                    __global const sums *t = taps + ((size_t)(ky * runs + i) * words + c0 / PAIR) * VECTORS;
                    if (as_it_is)
                        multiply_run(acc, (__global const operand *)row + quotient(tx, down) * c, next, t, terms);
                    else
                        multiply_run(acc, line + (quotient(tx, down) - from) * channels, next, t, terms);
                }
            }
        }

        UNROLL for (int v = 0; v < VECTORS; v++)
        {
            int n = k - channel - v * LANES;
            if (n <= 0) break;
#ifdef BIAS
            vec b = load_lanes(bias + channel + v * LANES, n);
#else
            vec b = 0;
#endif
            UNROLL for (int r = 0; r < ROWS; r++)
                if (r < rows)
                    store_lanes(activate(lanes_of(acc[r][v]) + b, slope), out + (size_t)r * down * k + v * LANES, n);
        }
    }
    if (statistics)
        leave_statistics(y + ((size_t)get_global_id(2) * ow + phase + start * ROWS * down) * k + channel,
                         max(min(end * ROWS, pixels) - start * ROWS, 0), down * k,
                         parts + (get_global_id(2) * get_global_size(0) + get_global_id(0)) * 3 * k + channel, k,
                         min(k - channel, COLUMNS));
}

/* w [kh][kw][ci][co] -> u as conv wants it, for input channels c and output channels k; rotated: ci = k, co = c and the
 * kernel turned. Ids: (block, run). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_pack(__global const float *restrict w, __global float *restrict u, int taps, int c, int k, int rotated,
               int run)
{
    int block = get_global_id(0), first = get_global_id(1) * (run / c), words = (run + PAIR - 1) / PAIR;
    __global operand *to = (__global operand *)u + ((size_t)block * get_global_size(1) + get_global_id(1)) * words *
                           COLUMNS * PAIR;
    for (int j = 0; j < words * PAIR; j++) {
        int tap = first + j / c, i = j % c;
        __global const float *from = w + (size_t)(rotated ? taps - 1 - tap : tap) * c * k;
        for (int v = 0; v < COLUMNS; v++) {
            int o = block * COLUMNS + v;
            float value = o >= k || j >= run ? 0.f : rotated ? from[(size_t)o * c + i] : from[(size_t)i * k + o];
            to[(j / PAIR * COLUMNS + v) * PAIR + j % PAIR] = operand_of(value);
        }
    }
}

/* Gradient by the kernel. x [n][h][w][c], dy [n][oh][ow][k], part [splits][kh][kw * c][k].
 * A work-item: one row ky of taps, COLUMNS output channels, the rows of one split. It adds to part what `span` pixels
 * give, ROWS of the kw * c numbers at a time (or all), since what those pixels read stays in a core's first cache.
 * Ids: (block, split * kh + ky). Splits have few rows, so that what their items share stays cached. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_weights(__global const float *restrict x, __global const float *restrict dy, __global float *restrict part,
                  int n, int h, int w, int c, int oh, int ow, int k, int kh, int kw, int stride, int pad_y, int pad_x,
                  int mode, int split_rows, int part_size, int span)
{
    int numbers = kw * c, ky = get_global_id(1) % kh, split = get_global_id(1) / kh;
    int channel = get_global_id(0) * COLUMNS;
    int second = k - channel > LANES; /* the second vector holds channels */
    /* pixels whose vectors end in the row: what lies beyond k is another pixel's, and not stored */
    int whole = ow * k - channel < COLUMNS ? 0 : (ow * k - channel - COLUMNS) / k + 1;
    __global float *out = part + (size_t)split * part_size + (size_t)ky * numbers * k + channel;
    for (int i = 0; i < numbers; i++) {
        store_lanes((vec)(0), out + (size_t)i * k, k - channel);
        if (second) store_lanes((vec)(0), out + (size_t)i * k + LANES, k - channel - LANES);
    }
    for (int line = split * split_rows; line < min((split + 1) * split_rows, n * oh); line++) {
        int image = line / oh, iy = pad_index(line % oh * stride + ky - pad_y, h, mode);
        if (iy < 0) continue;
        __global const float *row = x + ((size_t)image * h + iy) * w * c;
        for (int start = 0; start < ow; start += span)
            for (int wanted = 0; wanted < numbers; wanted += ROWS) {
                int first = min(wanted, numbers - ROWS), end = min(start + span, ow);
                __global const float *d = dy + ((size_t)line * ow + start) * k + channel;
                vec acc[ROWS][VECTORS];
                UNROLL for (int r = 0; r < ROWS; r++)
                {
                    __global const float *sum = out + (size_t)(first + r) * k;
                    acc[r][0] = load_lanes(sum, k - channel);
#if VECTORS == 2
                    acc[r][1] = second ? load_lanes(sum + LANES, k - channel - LANES) : (vec)(0);
#endif
                }
                for (int ox = start; ox < end;) {
                    /* pixels whose taps are all inside, in one tight loop */
                    int left = ox * stride - pad_x;
                    int run = left < 0 ? 0 : (w - kw - left + stride) / stride;
                    __global const float *p = row + left * c + first;
                    for (int stop = min(min(ox + run, whole), end); ox < stop; ox++, d += k, p += stride * c) {
                        vec g[VECTORS];
                        UNROLL for (int v = 0; v < VECTORS; v++) g[v] = vload_lanes(v, d);
                        UNROLL for (int r = 0; r < ROWS; r++)
                        {
                            vec s = (vec)(p[r]);
                            UNROLL for (int v = 0; v < VECTORS; v++) acc[r][v] = fma(s, g[v], acc[r][v]);
                        }
                    }
                    if (ox >= end) break;
                    left = ox * stride - pad_x;
                    vec g[VECTORS];
                    g[0] = load_lanes(d, k - channel);
#if VECTORS == 2
                    g[1] = second ? load_lanes(d + LANES, k - channel - LANES) : (vec)(0);
#endif
                    int i = first % c, ix = pad_index(left + first / c, w, mode);
                    left += first / c;
                    UNROLL for (int r = 0; r < ROWS; r++)
                    {
                        vec s = (vec)(ix < 0 ? 0.f : row[ix * c + i]);
                        UNROLL for (int v = 0; v < VECTORS; v++) acc[r][v] = fma(s, g[v], acc[r][v]);
                        if (++i < c) continue;
                        i = 0;
                        ix = pad_index(++left, w, mode);
                    }
                    ox++;
                    d += k;
                }
                UNROLL for (int r = 0; r < ROWS; r++)
                {
                    __global float *sum = out + (size_t)(first + r) * k;
                    if (first + r < wanted) continue; /* that of the tile before */
                    store_lanes(acc[r][0], sum, k - channel);
#if VECTORS == 2
                    if (second) store_lanes(acc[r][1], sum + LANES, k - channel - LANES);
#endif
                }
            }
    }
}

#endif
#endif

/* dw = sum over splits of part, in order. part_size is a multiple of 256. Flat over dw. */
KERNEL void conv_weights_sum(__global const float *part, __global float *dw, int splits, int part_size)
{
    FLAT_FOR(i)
    {
        vec sum = 0;
        for (int s = 0; s < splits; s++) sum += vload_lanes(0, part + (size_t)s * part_size + i);
        vstore_lanes(sum, 0, dw + i);
    }
}
