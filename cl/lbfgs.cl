/* L-BFGS: the history is rows of `stride` floats, s_0 y_0 s_1 y_1 ..; every buffer is zero from count to stride. */

/* g = scale * gradient, whose buffer may hold anything beyond count. Flat. */
KERNEL void take(__global const float *gradient, __global float *g, ulong count, float scale)
{
    FLAT_FOR(i)
    {
        int left = i < count ? (int)min((ulong)LANES, count - i) : 0;
        vstore_lanes(left ? scale * load_lanes(gradient + i, left) : (vec)(0.f), 0, g + i);
    }
}

/* y = a - b. Flat. */
KERNEL void subtract(__global const float *a, __global const float *b, __global float *y)
{
    FLAT_FOR(i) vstore_lanes(vload_lanes(0, a + i) - vload_lanes(0, b + i), 0, y + i);
}

KERNEL void copy(__global const float *x, __global float *y)
{
    FLAT_FOR(i) vstore_lanes(vload_lanes(0, x + i), 0, y + i);
}

/* x = start + t d, and s = x - start as rounding left it. Flat. */
KERNEL void move(__global const float *start, __global const float *d, __global float *x, __global float *s, float t)
{
    FLAT_FOR(i)
    {
        vec from = vload_lanes(0, start + i), to = from + t * vload_lanes(0, d + i);
        vstore_lanes(to, 0, x + i);
        vstore_lanes(to - from, 0, s + i);
    }
}

/* From parts[first] on, [3 row + k][segment]: what a row's segment contributes to its products with s, y and g (k = 0,
 * 1, 2). One group a segment and row; rows turn fastest, so that the segments of s, y and g stay in the cache. */
KERNEL void dots(__global const float *rows, __global const float *s, __global const float *y,
                 __global const float *g, __global float *parts, ulong stride, ulong length, int count,
                 int segments, int first)
{
    __local float buffer[3][GROUP];
    size_t segment = get_group_id(0) / count, row = get_group_id(0) % count;
    size_t start = segment * length, stop = min((ulong)(start + length), stride);
    rows += row * stride;
    vec a = (vec)(0.f), b = a, c = a, a2 = a, b2 = a, c2 = a;
    size_t i = start + get_local_id(0) * LANES;
    for (; i + GROUP * LANES < stop; i += 2 * GROUP * LANES) {
        size_t j = i + GROUP * LANES;
        vec v = vload_lanes(0, rows + i), w = vload_lanes(0, rows + j);
        a += v * vload_lanes(0, s + i);
        b += v * vload_lanes(0, y + i);
        c += v * vload_lanes(0, g + i);
        a2 += w * vload_lanes(0, s + j);
        b2 += w * vload_lanes(0, y + j);
        c2 += w * vload_lanes(0, g + j);
    }
    if (i < stop) {
        vec v = vload_lanes(0, rows + i);
        a += v * vload_lanes(0, s + i);
        b += v * vload_lanes(0, y + i);
        c += v * vload_lanes(0, g + i);
    }
    float with_s = group_sum(sum_lanes(a + a2), buffer[0]), with_y = group_sum(sum_lanes(b + b2), buffer[1]),
          with_g = group_sum(sum_lanes(c + c2), buffer[2]);
    if (get_local_id(0) == 0) {
        parts += first + 3 * row * segments + segment;
        parts[0] = with_s;
        parts[segments] = with_y;
        parts[2 * segments] = with_g;
    }
}

/* d = factor * base + the sum of factors[row] * row over `count` rows, a multiple of four. */
#ifdef CPU_FAMILY
#define SPAN 2048 /* floats of one work-item: they stay in the first cache while the rows pass by */
#else
#define SPAN LANES
#endif
KERNEL void combine(__global const float *rows, __global const float *factors, __global const float *base,
                    __global float *d, ulong stride, int count, float factor)
{
    size_t start = get_global_id(0) * SPAN, stop = min((ulong)(start + SPAN), stride);
    for (size_t i = start; i < stop; i += LANES) vstore_lanes(factor * vload_lanes(0, base + i), 0, d + i);
    for (int row = 0; row < count; row += 4) {
        float4 f = vload4(0, factors + row);
        __global const float *r = rows + row * stride;
        for (size_t i = start; i < stop; i += LANES) {
            vec sum = vload_lanes(0, d + i);
            sum += f.x * vload_lanes(0, r + i) + f.y * vload_lanes(0, r + stride + i);
            sum += f.z * vload_lanes(0, r + 2 * stride + i) + f.w * vload_lanes(0, r + 3 * stride + i);
            vstore_lanes(sum, 0, d + i);
        }
    }
}
