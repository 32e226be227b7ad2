/* L-BFGS: the history is rows of `stride` numbers, s_0 y_0 s_1 y_1 ..; every buffer is zero from count to stride.
 *
 * Defines: HISTORY, 16 where a row's number is a bfloat16, the upper half of a float (all that is computed of it is a
 * float), or 32; SPAN, the floats of a work-item of `combine`. */
#if HISTORY == 16
typedef ushort number;

static inline vec load_row(__global const number *p)
{
    return JOIN(as_float, LANES)(JOIN(convert_uint, LANES)(*(__global const halves *)p) << 16);
}

static inline void store_row(vec v, __global number *p) { *(__global halves *)p = upper_halves(to_bfloat16(v)); }
#else
typedef float number;
static inline vec load_row(__global const number *p) { return vload_lanes(0, p); }
static inline void store_row(vec v, __global number *p) { vstore_lanes(v, 0, p); }
#endif

/* g = scale * gradient, whose buffer may hold anything beyond count. Flat. */
KERNEL void take(__global const float *gradient, __global float *g, ulong count, float scale)
{
    FLAT_FOR(i)
    {
        int left = i < count ? (int)min((ulong)LANES, count - i) : 0;
        vstore_lanes(left ? scale * load_lanes(gradient + i, left) : (vec)(0.f), 0, g + i);
    }
}

/* The row y = a - b. Flat. */
KERNEL void subtract(__global const float *a, __global const float *b, __global number *y)
{
    FLAT_FOR(i) store_row(vload_lanes(0, a + i) - vload_lanes(0, b + i), y + i);
}

KERNEL void copy(__global const float *x, __global float *y)
{
    FLAT_FOR(i) vstore_lanes(vload_lanes(0, x + i), 0, y + i);
}

/* x = start + t d, and the row s = x - start as rounding left it. Flat. */
KERNEL void move(__global const float *start, __global const float *d, __global float *x, __global number *s, float t)
{
    FLAT_FOR(i)
    {
        vec from = vload_lanes(0, start + i), to = from + t * vload_lanes(0, d + i);
        vstore_lanes(to, 0, x + i);
        store_row(to - from, s + i);
    }
}

/* From parts[first] on, [segment]: what a segment contributes to the product of a and b. One group a segment. */
KERNEL void dot_parts(__global const float *a, __global const float *b, __global float *parts, ulong stride,
                      ulong length, int first)
{
    __local float buffer[GROUP];
    size_t start = get_group_id(0) * length, stop = min((ulong)(start + length), stride);
    vec sum = (vec)(0.f);
    for (size_t i = start + get_local_id(0) * LANES; i < stop; i += GROUP * LANES)
        sum += vload_lanes(0, a + i) * vload_lanes(0, b + i);
    float part = group_sum(sum_lanes(sum), buffer);
    if (get_local_id(0) == 0) parts[first + get_group_id(0)] = part;
}

/* From parts[first] on, [3 row + k][segment]: what a row's segment contributes to its products with s, y and g (k = 0,
 * 1, 2). One group a segment and two of the `count` pairs of rows, four streams from memory at once; pairs turn
 * fastest, so that the segments of s, y and g stay in the cache. */
#define ADD_PRODUCTS(sum, row)                                                                                         \
    sum##_s += row * with_s;                                                                                           \
    sum##_y += row * with_y;                                                                                           \
    sum##_g += row * with_g
KERNEL void dots(__global const number *rows, __global const number *s, __global const number *y,
                 __global const float *g, __global float *parts, ulong stride, ulong length, int count, int segments,
                 int first)
{
    __local float buffer[GROUP];
    size_t groups = (count + 1) / 2, segment = get_group_id(0) / groups, pair = get_group_id(0) % groups * 2;
    size_t start = segment * length, stop = min((ulong)(start + length), stride);
    int kept = pair + 1 < count ? 12 : 6; /* the last pair may be alone: then it is read as if it were two */
    __global const number *p = rows + 2 * pair * stride, *q = kept == 12 ? p + 2 * stride : p;
    vec a_s = (vec)(0.f), a_y = a_s, a_g = a_s, b_s = a_s, b_y = a_s, b_g = a_s;
    vec c_s = a_s, c_y = a_s, c_g = a_s, d_s = a_s, d_y = a_s, d_g = a_s;
    for (size_t i = start + get_local_id(0) * LANES; i < stop; i += GROUP * LANES) {
        vec a = load_row(p + i), b = load_row(p + stride + i), c = load_row(q + i), d = load_row(q + stride + i);
        vec with_s = load_row(s + i), with_y = load_row(y + i), with_g = vload_lanes(0, g + i);
        ADD_PRODUCTS(a, a);
        ADD_PRODUCTS(b, b);
        ADD_PRODUCTS(c, c);
        ADD_PRODUCTS(d, d);
    }
    vec sums[12] = {a_s, a_y, a_g, b_s, b_y, b_g, c_s, c_y, c_g, d_s, d_y, d_g};
    parts += first + 6 * pair * segments + segment;
    _Pragma("unroll") for (int k = 0; k < 12; k++) /* all: an array stays in registers only if no loop counts through it */
    {
        float part = group_sum(sum_lanes(sums[k]), buffer);
        if (get_local_id(0) == 0 && k < kept) parts[k * segments] = part;
    }
}

/* d = factor * base + the sum of factors[row] * row over `count` rows, a multiple of four. From the end backwards:
 * there the rows are still in the cache from their products. */
KERNEL void combine(__global const number *rows, __global const float *factors, __global const float *base,
                    __global float *d, ulong stride, int count, float factor)
{
    size_t start = (get_global_size(0) - 1 - get_global_id(0)) * SPAN, stop = min((ulong)(start + SPAN), stride);
    for (size_t i = start; i < stop; i += LANES) vstore_lanes(factor * vload_lanes(0, base + i), 0, d + i);
    for (int row = 0; row < count; row += 4) {
        float4 f = vload4(0, factors + row);
        __global const number *r = rows + row * stride;
        for (size_t i = start; i < stop; i += LANES) {
            vec sum = vload_lanes(0, d + i);
            sum += f.x * load_row(r + i) + f.y * load_row(r + stride + i);
            sum += f.z * load_row(r + 2 * stride + i) + f.w * load_row(r + 3 * stride + i);
            vstore_lanes(sum, 0, d + i);
        }
    }
}

/* ---- bounds, lower <= x <= upper. Held is what stands at one that downhill leads out of. ---- */

/* released = g without what is held. Flat. */
KERNEL void release(__global const float *g, __global const float *x, __global const float *lower,
                    __global const float *upper, __global float *released)
{
    FLAT_FOR(i)
    {
        vec at = vload_lanes(0, x + i), slope = vload_lanes(0, g + i);
        ivec low = (at <= vload_lanes(0, lower + i)) & (slope > 0.f), high = (at >= vload_lanes(0, upper + i)) & (slope < 0.f);
        vstore_lanes(select(slope, (vec)(0.f), low | high), 0, released + i);
    }
}

/* The rows s and y without what is held, where released is not g. Flat. */
KERNEL void drop(__global const float *g, __global const float *released, __global number *s, __global number *y)
{
    FLAT_FOR(i)
    {
        ivec held = vload_lanes(0, g + i) != vload_lanes(0, released + i);
        store_row(select(load_row(s + i), (vec)(0.f), held), s + i);
        store_row(select(load_row(y + i), (vec)(0.f), held), y + i);
    }
}

/* And d. Flat. */
KERNEL void hold(__global const float *g, __global const float *released, __global float *d)
{
    FLAT_FOR(i)
    {
        ivec held = vload_lanes(0, g + i) != vload_lanes(0, released + i);
        vstore_lanes(select(vload_lanes(0, d + i), (vec)(0.f), held), 0, d + i);
    }
}

/* x into its bounds, and the row s = x - start once more. Flat. */
KERNEL void clip(__global const float *start, __global const float *lower, __global const float *upper,
                 __global float *x, __global number *s)
{
    FLAT_FOR(i)
    {
        vec to = clamp(vload_lanes(0, x + i), vload_lanes(0, lower + i), vload_lanes(0, upper + i));
        vstore_lanes(to, 0, x + i);
        store_row(to - vload_lanes(0, start + i), s + i);
    }
}

/* [segment]: what a segment contributes to the product of d and g, where x is not at a bound that d leads out of. One
 * group a segment. */
KERNEL void path_parts(__global const float *d, __global const float *g, __global const float *x,
                       __global const float *lower, __global const float *upper, __global float *parts, ulong width,
                       ulong length)
{
    __local float buffer[GROUP];
    size_t start = get_group_id(0) * length, stop = min((ulong)(start + length), width);
    vec sum = (vec)(0.f);
    for (size_t i = start + get_local_id(0) * LANES; i < stop; i += GROUP * LANES) {
        vec at = vload_lanes(0, x + i), along = vload_lanes(0, d + i);
        ivec low = (at <= vload_lanes(0, lower + i)) & (along < 0.f), high = (at >= vload_lanes(0, upper + i)) & (along > 0.f);
        sum += select(along, (vec)(0.f), low | high) * vload_lanes(0, g + i);
    }
    float part = group_sum(sum_lanes(sum), buffer);
    if (get_local_id(0) == 0) parts[get_group_id(0)] = part;
}
