/* Differences of neighbours in rows of w * c floats: p + c is the right neighbour of p, p + w * c the one below.
 * absolute: sums of |d| instead of d^2. */
static inline vec cost(vec d, int absolute) { return absolute ? fabs(d) : d * d; }

/* The sum over the pairs of which place p .. p + n is the left or upper one. right: floats of a row with a right
 * neighbour. */
static inline vec pairs_at(__global const float *x, int p, int n, int right, int c, int below, int absolute)
{
    vec here = load_lanes(x + p, n), sum = (vec)(0.f);
    if (below) sum = cost(load_lanes(x + p + below, n) - here, absolute);
    if (p + n <= right) return sum + cost(load_lanes(x + p + c, n) - here, absolute);
    if (p < right) sum += cost(load_lanes(x + p + c, right - p) - load_lanes(x + p, right - p), absolute);
    return sum;
}

/* parts[image * h + row]: one group sums the pairs of one row, to the right and below. */
KERNEL void total_variation(__global const float *x, __global float *parts, int h, int w, int c, int absolute)
{
    __local float buffer[GROUP];
    int row = get_group_id(0) % h, width = w * c, right = width - c, below = row + 1 < h ? width : 0;
    x += get_group_id(0) * (size_t)width;
    vec s0 = (vec)(0.f), s1 = s0;
    int p = get_local_id(0) * LANES;
    for (; p + GROUP * LANES + LANES <= width; p += 2 * GROUP * LANES) {
        s0 += pairs_at(x, p, LANES, right, c, below, absolute);
        s1 += pairs_at(x, p + GROUP * LANES, LANES, right, c, below, absolute);
    }
    for (; p < width; p += GROUP * LANES) s0 += pairs_at(x, p, min(LANES, width - p), right, c, below, absolute);
    float sum = group_sum(sum_lanes(s0 + s1), buffer);
    if (get_local_id(0) == 0) parts[get_group_id(0)] = sum;
}

static inline vec slope(vec d, int absolute) { return absolute ? sign(d) : d; }

/* dx = factor dy * (slopes towards the left and upper neighbour - those of the right and lower one). Flat in a row. */
KERNEL void total_variation_gradient(__global const float *x, __global const float *dy, __global float *dx, int h,
                                     int w, int c, int absolute, float factor)
{
    int line = get_global_id(1), row = line % h, width = w * c;
    x += (size_t)line * width;
    dx += (size_t)line * width;
    factor *= dy[0];
    FLAT_FOR(i)
    {
        int p = i;
        if (p >= width) break;
        int n = min(LANES, width - p);
        vec here = load_lanes(x + p, n), sum = (vec)(0.f);
        if (row > 0) sum += slope(here - load_lanes(x + p - width, n), absolute);
        if (row + 1 < h) sum -= slope(load_lanes(x + p + width, n) - here, absolute);
        if (p >= c && p + n + c <= width) {
            sum += slope(here - load_lanes(x + p - c, n), absolute) - slope(load_lanes(x + p + c, n) - here, absolute);
        } else {
            float left[LANES], right[LANES]; /* the border's pixels are their own neighbours */
            for (int j = 0; j < LANES; j++) {
                int q = min(p + j, width - 1);
                left[j] = q >= c ? x[q - c] : x[q];
                right[j] = q + c < width ? x[q + c] : x[q];
            }
            sum += slope(here - vload_lanes(0, left), absolute) - slope(vload_lanes(0, right) - here, absolute);
        }
        store_lanes(factor * sum, dx + p, n);
    }
}
