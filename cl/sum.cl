/* Sums over tensors. One group sums one segment of `length` floats (a multiple of LANES) into parts[group];
 * accumulators are emptied into a total every BLOCK steps, which keeps rounding errors small. */
#define STEP (GROUP * LANES)
#define BLOCK 64

/* total: the sum of TERM(i, floats left) over the item's vectors between start and stop. */
#define SUM_SEGMENT(TERM)                                                                                              \
    vec total = (vec)(0.f);                                                                                            \
    for (size_t i = start + get_local_id(0) * LANES; i < stop;) {                                                      \
        vec s0 = (vec)(0.f), s1 = s0, s2 = s0, s3 = s0;                                                                \
        for (int k = 0; k < BLOCK && i + 3 * STEP + LANES <= stop; k++, i += 4 * STEP) {                               \
            s0 += TERM(i, LANES);                                                                                      \
            s1 += TERM(i + STEP, LANES);                                                                               \
            s2 += TERM(i + 2 * STEP, LANES);                                                                           \
            s3 += TERM(i + 3 * STEP, LANES);                                                                           \
        }                                                                                                              \
        for (; i < stop && i + 3 * STEP + LANES > stop; i += STEP) s0 += TERM(i, (int)(stop - i));                     \
        total += (s0 + s1) + (s2 + s3);                                                                                \
    }

#define MAGNITUDE(i, n) fabs(load_lanes(x + (i), n))
KERNEL void sum_magnitudes(__global const float *x, __global float *parts, ulong count, ulong length)
{
    __local float buffer[GROUP];
    size_t start = get_group_id(0) * length, stop = min((ulong)start + length, count);
    SUM_SEGMENT(MAGNITUDE)
    float sum = group_sum(sum_lanes(total), buffer);
    if (get_local_id(0) == 0) parts[get_group_id(0)] = sum;
}

static inline vec square(vec v) { return v * v; }

#define SQUARE_OF(i, n) square(load_lanes(x + (i), n))
KERNEL void sum_squares(__global const float *x, __global float *parts, ulong count, ulong length)
{
    __local float buffer[GROUP];
    size_t start = get_group_id(0) * length, stop = min((ulong)start + length, count);
    SUM_SEGMENT(SQUARE_OF)
    float sum = group_sum(sum_lanes(total), buffer);
    if (get_local_id(0) == 0) parts[get_group_id(0)] = sum;
}

/* parts[row][segment]: squared differences of two rows of `count` floats. pairs == 0: row r of x with row r of y, or
 * with the one row of y if shared. pairs > 0: of that many rows of x the pairs (0,1), (0,2) .. (1,2) .. in turn. */
static inline vec square_difference(__global const float *a, __global const float *b, int n)
{
    return square(load_lanes(a, n) - load_lanes(b, n));
}

#define SQUARE(i, n) square_difference(x + (i), y + (i), n)
KERNEL void sum_squared_differences(__global const float *x, __global const float *y, __global float *parts,
                                    ulong count, ulong length, int segments, int shared, int pairs)
{
    __local float buffer[GROUP];
    size_t row = get_group_id(0) / segments, other = shared ? 0 : row;
    if (pairs) {
        other = row;
        for (row = 0; other >= pairs - 1 - row; row++) other -= pairs - 1 - row;
        other += row + 1;
    }
    x += row * count;
    y += other * count;
    size_t start = get_group_id(0) % segments * length, stop = min((ulong)start + length, count);
    SUM_SEGMENT(SQUARE)
    float sum = group_sum(sum_lanes(total), buffer);
    if (get_local_id(0) == 0) parts[get_group_id(0)] = sum;
}

/* y[group] = factor * the sum of `count` parts. */
KERNEL void sum_parts(__global const float *parts, __global float *y, int count, float factor)
{
    __local float buffer[GROUP];
    parts += get_group_id(0) * (size_t)count;
    float total = 0.f;
    for (int i = get_local_id(0); i < count;) {
        float sum = 0.f;
        for (int k = 0; k < BLOCK && i < count; k++, i += GROUP) sum += parts[i];
        total += sum;
    }
    total = group_sum(total, buffer);
    if (get_local_id(0) == 0) y[get_group_id(0)] = factor * total;
}
