/* Sums by channel of x, or with DOT of x b. The tensors are read as `pixels` of `period` floats, a multiple of both the
 * channels and LANES; partial[segment][period].
 *
 * channel_sum_segments: one item sums one segment of pixels, for every (GPU family: for one) vector of the period; in
 * blocks of 32 pixels with four accumulators each.
 * channel_sum_total: one group gives one channel. */
#ifdef DOT
#define TERM(i)   (vload_lanes(0, x + (i)) * vload_lanes(0, b + (i)))
#define NUMBER(i) (x[i] * b[i])
#else
#define TERM(i)   vload_lanes(0, x + (i))
#define NUMBER(i) x[i]
#endif
#define BLOCK 32

__kernel void channel_sum_segments(__global const float *x, __global const float *b, __global float *partial,
                                   int period, int segment, int pixels)
{
    int first = get_global_id(1) * segment, last = min(first + segment, pixels);
    int step = get_global_size(0) * LANES;
    __global float *row = partial + (size_t)get_global_id(1) * period;
    for (int p = first; p < last; p += BLOCK) {
        int end = min(p + BLOCK, last);
        for (int c = get_global_id(0) * LANES; c < period; c += step) {
            vec s0 = 0.f, s1 = 0.f, s2 = 0.f, s3 = 0.f;
            int q = p;
            for (; q + 4 <= end; q += 4) {
                size_t i = (size_t)q * period + c;
                s0 += TERM(i);
                s1 += TERM(i + period);
                s2 += TERM(i + 2 * (size_t)period);
                s3 += TERM(i + 3 * (size_t)period);
            }
            for (; q < end; q++) s0 += TERM((size_t)q * period + c);
            vec before = p == first ? (vec)(0.f) : vload_lanes(0, row + c);
            vstore_lanes(before + ((s0 + s1) + (s2 + s3)), 0, row + c);
        }
    }
}

KERNEL void channel_sum_total(__global const float *x, __global const float *b, __global const float *partial,
                              __global float *y, int period, int segments, int channels, ulong count)
{
    __local float buffer[GROUP];
    int channel = get_group_id(0);
    size_t done = count / period * period;
    float sum = 0.f;
    for (int s = get_local_id(0); s < segments; s += GROUP) {
        float part = 0.f;
        for (int c = channel; c < period; c += channels) part += partial[(size_t)s * period + c];
        sum += part;
    }
    for (size_t i = done + channel + get_local_id(0) * channels; i < count; i += GROUP * channels) sum += NUMBER(i);
    sum = group_sum(sum, buffer);
    if (get_local_id(0) == 0) y[channel] = sum;
}
