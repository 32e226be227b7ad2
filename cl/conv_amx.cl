/* Convolution as a gather (cl/conv.cl) by AMX, the matrix unit of Intel's Xeons: products of bfloat16, sums of float32.
 * A tile is 16 rows of 64 bytes. An instruction adds to 16 pixels by 16 output channels the products over 32 operands
 * of each pixel; a register tile is two by two of those, four of the eight tiles that there are.
 *
 * x [n][h][w][c], y [n][oh][ow][k] (k output channels), bias [k]. u is the packed kernel [k / COLUMNS][kh][chunks]
 * [VECTORS][16][16][2], bfloat16, COLUMNS = VECTORS * 16: a chunk is 32 operands of the kw * c of a row of taps, in
 * pairs; zero beyond those and k.
 *
 * The rows of x that a strip of rows of y reads are copied to lines of bfloat16 in scratch that stay in the core's
 * cache: padded and enlarged, [pixel of x][c], of which the kw taps of a pixel of y are one run; or, GATHERED, where 32
 * do not divide c and rows of a tile would lie across the lines of the cache, [pixel of y][chunks * 32], those runs
 * beside each other.
 * Defines: VECTORS (1 or 2), perhaps GATHERED; ACTIVATION (0 none, 1 ReLU, 2 LeakyReLU, 3 tanh).
 */
#ifdef CPU_FAMILY

/* ---- the instructions of AMX ---- */
/* In bytes, since compilers that do not know the processor by name refuse theirs. Tiles are named by their number, 0 to
 * 7, their rows in memory are `step` bytes apart. */
#define TILES /* what they are declared by, were they variables */
typedef struct tile_shapes { /* what ldtilecfg reads: 16 rows of 64 bytes of each */
    uchar palette, start, reserved[14];
    ushort bytes[16];
    uchar rows[16];
} tile_shapes;
static inline void begin_tiles(void)
{
    tile_shapes s;
    s.palette = 1, s.start = 0;
    for (int i = 0; i < 14; i++) s.reserved[i] = 0;
    for (int i = 0; i < 16; i++) s.bytes[i] = i < 8 ? 64 : 0, s.rows[i] = i < 8 ? 16 : 0;
    __asm__ volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0x00" : : "a"(&s) : "memory"); /* ldtilecfg [rax] */
}
#define END_TILES __asm__ volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0") /* tilerelease */
#define ZERO(tile) __asm__ volatile(".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0 | (" #tile " << 3)")
#define LOAD(tile, p, step) /* tileloadd tile, [rax + rcx] */                                                          \
    __asm__ volatile(".byte 0xc4, 0xe2, 0x7b, 0x4b, 0x04 | (" #tile " << 3), 0x08"                                     \
                     : : "a"(p), "c"((size_t)(step)) : "memory")
#define STORE(tile, p, step) /* tilestored [rax + rcx], tile */                                                        \
    __asm__ volatile(".byte 0xc4, 0xe2, 0x7a, 0x4b, 0x04 | (" #tile " << 3), 0x08"                                     \
                     : : "a"(p), "c"((size_t)(step)) : "memory")
#define MULTIPLY(sum, a, b) /* tdpbf16ps sum, a, b */                                                                  \
    __asm__ volatile(".byte 0xc4, 0xe2, 0x02 | ((~" #b " & 15) << 3), 0x5c, 0xc0 | (" #sum " << 3) | " #a)

/* ---- lines ---- */

#define COLUMNS (VECTORS * 16)
#define TERMS 32 /* operands of a chunk */

/* i / down, rounded up. */
static inline int up_quotient(int i, int down) { return i > 0 ? (i + down - 1) / down : i / down; }

/* Where a pixel of x enlarged, or what pads it, is in x; below zero where it is zero. */
static inline int place_of(int i, int n, int zoom, int mode)
{
    int p = pad_index(i, n * zoom, mode);
    return p < 0 || zoom == 1 ? p : p / zoom;
}

static inline void store_halves(vec v, __global ushort *p) { *(__global halves *)p = upper_halves(to_bfloat16(v)); }

/* n floats, of which `there` may be read, as operands; what is beyond n in the last of `chunks` chunks is zero. */
static inline void copy_run(__global const float *x, __global ushort *to, int n, int there, int chunks)
{
    const ivec lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int i = 0; i < chunks * TERMS; i += LANES) {
        vec v = (vec)(0);
        if (i + LANES <= n)
            v = vload_lanes(0, x + i);
        else if (i < n && i + LANES <= there)
            v = select(v, vload_lanes(0, x + i), lane < (ivec)(n - i));
        else if (i < n)
            v = load_lanes(x + i, n - i);
        store_halves(v, to + i);
    }
}

/* A line of a row of w pixels of x: of `needed` pixels from the from-th of it, enlarged; GATHERED, of ow pixels of y.
 */
static inline void fill_line(__global const float *restrict row, __global ushort *restrict line, int w, int c, int ow,
                             int kw, int up, int pad_x, int from, int needed, int zoom, int mode, int chunks)
{
#ifdef GATHERED
    for (int ox = 0; ox < ow; ox++) {
        __global ushort *to = line + (size_t)ox * chunks * TERMS;
        int left = ox * up - pad_x;
        if (left >= 0 && left + kw <= w && zoom == 1) {
            copy_run(row + left * c, to, kw * c, (w - left) * c, chunks);
            continue;
        }
        for (int i = 0; i < chunks * TERMS; i++) to[i] = 0;
        for (int kx = 0; kx < kw; kx++) {
            int column = place_of(left + kx, w, zoom, mode);
            for (int i = 0; i < c && column >= 0; i++) to[kx * c + i] = half_of(row[column * c + i]);
        }
    }
#else
    for (int j = 0; j < needed;) {
        int column = place_of(from + j, w, zoom, mode);
        int pixels = zoom == 1 && column >= 0 && column == from + j ? min(needed - j, w - column) : 1;
        __global ushort *to = line + (size_t)j * c;
        for (int i = 0; i < pixels * c; i += LANES)
            store_halves(column < 0 ? (vec)(0) : vload_lanes(0, row + (size_t)column * c + i), to + i);
        j += pixels;
    }
#endif
}

/* ---- the sum ---- */

/* Where the 16 pixels of a row's i-th tile begin: the last ends with the row. */
static inline int tile_start(int i, int pixels) { return max(min(i * 16, pixels - 16), 0); }

/* What a register tile needs to know to find the runs of its pixels. */
typedef struct gather {
    int h, mode, zoom, kh, kw, up, down, pad_y, pad_x;
    int chunks, runs; /* of a row of taps */
    int lines, from;  /* how many, of which row r has the r-th, counted round; the first pixel of each */
    int pixel, next;  /* operands of a pixel, and from one that a tile reads to the next */
    size_t line;      /* operands */
} gather;

/* Of a row of x enlarged; those above the first are of the padding. */
static inline size_t line_of(const gather *g, int row)
{
    int i = row % g->lines;
    return i < 0 ? i + g->lines : i;
}

/* out [32 or 16][COLUMNS]: the sums of 16 pixels from ox on, `down` apart, and of 16 more, `second` of those further on
 * unless that is 0; of 16 channels or, wide, 32. */
static inline void sum_tile(const gather *g, __global const ushort *lines, __global const ushort *u, int oy, int ox,
                            int second, bool wide, float *out)
{
    TILES;
    bool two = second != 0;
    size_t next = (size_t)g->next * 2, ahead = (size_t)second * g->next;
    ZERO(0);
    ZERO(1);
    ZERO(2);
    ZERO(3);
    for (int ky = 0; ky < g->kh; ky++) {
        int ty = oy * g->up + ky - g->pad_y;
        if (ty % g->down || place_of(ty / g->down, g->h, g->zoom, g->mode) < 0) continue;
        __global const ushort *line = lines + line_of(g, ty / g->down) * g->line;
        int chunks = g->chunks / g->runs;
        for (int i = 0; i < g->runs; i++) {
#ifdef GATHERED
            __global const ushort *a = line + (size_t)ox * g->pixel;
#else
            int tx = ox * g->up + i - g->pad_x;
            if (tx % g->down) continue;
            __global const ushort *a = line + (size_t)(tx / g->down - g->from) * g->pixel;
#endif
            __global const ushort *b = u + (size_t)(ky * g->chunks + i * chunks) * TERMS * COLUMNS;
            for (int j = 0; j < chunks; j++, a += TERMS, b += TERMS * COLUMNS) {
                LOAD(4, a, next);
                LOAD(6, b, 64);
                if (two) LOAD(5, a + ahead, next);
                if (wide) LOAD(7, b + TERMS * 16, 64);
                MULTIPLY(0, 4, 6);
                if (two) MULTIPLY(2, 5, 6);
                if (wide) MULTIPLY(1, 4, 7);
                if (wide && two) MULTIPLY(3, 5, 7);
            }
        }
    }
    STORE(0, out, COLUMNS * 4);
    if (two) STORE(2, out + 16 * COLUMNS, COLUMNS * 4);
#if VECTORS == 2
    if (wide) STORE(1, out + 16, COLUMNS * 4);
    if (wide && two) STORE(3, out + 16 * COLUMNS + 16, COLUMNS * 4);
#endif
}

/* A work-item takes a run of the strips of all images, of `rows` rows of y each, and a group of `panels` times COLUMNS
 * output channels. With statistics it leaves those of each strip: parts [strip][3][k]. Ids: (run, group). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_amx(__global const float *restrict x, __global const float *restrict u, __global const float *restrict bias,
              __global float *restrict y, __global float *restrict scratch, int n, int h, int w, int c, int oh, int ow,
              int k, int kh, int kw, int up, int down, int pad_y, int pad_x, int zoom, int mode, int has_bias,
              float slope, int rows, int lines, int span, int chunks, int panels, __global float *restrict parts,
              int statistics)
{
    int strips = (oh + rows - 1) / rows, run = get_global_id(0), runs = get_global_size(0);
    int first_panel = get_global_id(1) * panels, last_panel = min(first_panel + panels, (k + COLUMNS - 1) / COLUMNS);
    gather g = {h, mode, zoom, kh, kw, up, down, pad_y, pad_x, chunks, down == 1 ? 1 : kw, lines,
                up_quotient(-pad_x, down)};
#ifdef GATHERED
    g.pixel = g.next = chunks * TERMS;
#else
    g.pixel = c;
    g.next = (down == 1 ? up : 1) * c;
#endif
    g.line = (size_t)span * g.pixel;
    int needed = ((ow - 1) * up + kw - 1 - pad_x) / down - g.from + 1; /* of the pixels of x; tiles may read on */
    __global ushort *copy = (__global ushort *)scratch + (get_global_id(1) * runs + run) * lines * g.line;
    int share = (c * w * down + ow - 1) / ow; /* floats of x for a pixel of y along a row */
    int filled = 0; /* rows of the image that the lines have had */
    begin_tiles();
    for (int strip = run * (n * strips) / runs; strip < (run + 1) * (n * strips) / runs; strip++) {
        int image = strip / strips, first = strip % strips * rows, end = min(first + rows, oh);
        int top = up_quotient(first * up - pad_y, down), last = ((end - 1) * up + kh - 1 - pad_y) / down;
        if (first == 0 || strip == run * (n * strips) / runs || filled < top) filled = top;
        for (; filled <= last; filled++) {
            int row = place_of(filled, h, zoom, mode);
            if (row >= 0)
                fill_line(x + ((size_t)image * h + row) * w * c, copy + line_of(&g, filled) * g.line, w, c, ow, kw, up,
                          pad_x, g.from, needed, zoom, mode, chunks);
        }
        for (int panel = first_panel; panel < last_panel; panel++) {
            int channel = panel * COLUMNS, left = k - channel;
            __global const ushort *kernel_ = (__global const ushort *)u + (size_t)panel * kh * chunks * TERMS * COLUMNS;
            for (int oy = first; oy < end; oy++)
                for (int phase = 0; phase < down; phase++) {
                    /* a row that the next strip will read */
                    int coming_row = (filled + (oy - first) * up / down) / zoom;
                    __global const float *coming = x + ((size_t)image * h + coming_row) * w * c;
                    int pixels = (ow - phase + down - 1) / down;
                    for (int i = 0; i < (pixels + 15) / 16; i += 2) {
                        float sums[2 * 16 * COLUMNS] __attribute__((aligned(64)));
                        int start[2] = {tile_start(i, pixels), tile_start(i + 1, pixels)};
                        bool two = (i + 1) * 16 < pixels;
                        __global float *out = y + (((size_t)image * oh + oy) * ow + phase) * k + channel;
                        for (int r = 0; r < 32; r++) prefetch_store(out + (size_t)(i * 16 + r) * down * k, COLUMNS);
                        if (panel == first_panel) prefetch_read(coming + (size_t)i * 16 * share, 32 * share);
                        sum_tile(&g, copy, kernel_, oy, phase + start[0] * down, two ? start[1] - start[0] : 0,
                                 left > 16, sums);
                        for (int t = 0; t <= two; t++)
                            for (int r = 0; r < min(pixels, 16); r++)
                                for (int v = 0; v < min(left, COLUMNS); v += LANES) {
                                    vec s = vload_lanes(0, sums + (t * 16 + r) * COLUMNS + v);
                                    if (has_bias) s += load_lanes(bias + channel + v, left - v);
                                    store_lanes(activate(s, slope), out + (size_t)(start[t] + r) * down * k + v,
                                                left - v);
                                }
                    }
                }
            if (statistics)
                leave_statistics(y + ((size_t)image * oh + first) * ow * k + channel, (end - first) * ow, k,
                                 parts + (size_t)strip * 3 * k + channel, k, min(left, COLUMNS));
        }
    }
    END_TILES;
}

/* w [kh][kw][ci][co] -> u for input channels c and output channels k; rotated: ci = k, co = c and the kernel turned.
 * Ids: (panel, chunk of all rows of taps). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_amx_pack(__global const float *restrict w, __global float *restrict u, int kh, int kw, int c, int k,
                   int rotated)
{
    int panel = get_global_id(0), chunks = get_global_size(1) / kh, ky = get_global_id(1) / chunks;
    __global ushort *to =
        (__global ushort *)u + ((size_t)panel * get_global_size(1) + get_global_id(1)) * TERMS * COLUMNS;
    for (int j = 0; j < TERMS; j++) {
        int at = get_global_id(1) % chunks * TERMS + j, tap = ky * kw + at / c, i = at % c;
        __global const float *from = w + (size_t)(rotated ? kh * kw - 1 - tap : tap) * c * k;
        for (int v = 0; v < COLUMNS; v++) {
            int o = panel * COLUMNS + v;
            float value = o >= k || at >= kw * c ? 0.f : rotated ? from[(size_t)o * c + i] : from[(size_t)i * k + o];
            to[(v / 16 * TERMS + j / 2 * 2) * 16 + v % 16 * 2 + j % 2] = half_of(value);
        }
    }
}

#endif
