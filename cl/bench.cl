/* What a device can do at most: every other measurement is held against these two. */

#define CHAINS 12 /* sums that do not wait for each other: more than a core has in flight */

/* CHAINS vectors of multiply-adds in registers, `rounds` times. GROUP work-items a group. */
KERNEL void bench_multiply_add(__global float *out, int rounds, float factor, float term)
{
    vec a = (vec)(factor), b = (vec)(term);
    vec x0 = (vec)(get_global_id(0)), x1 = x0 + 1, x2 = x0 + 2, x3 = x0 + 3, x4 = x0 + 4, x5 = x0 + 5, x6 = x0 + 6,
        x7 = x0 + 7, x8 = x0 + 8, x9 = x0 + 9, x10 = x0 + 10, x11 = x0 + 11;
    for (int i = 0; i < rounds; i++) {
        x0 = fma(x0, a, b);
        x1 = fma(x1, a, b);
        x2 = fma(x2, a, b);
        x3 = fma(x3, a, b);
        x4 = fma(x4, a, b);
        x5 = fma(x5, a, b);
        x6 = fma(x6, a, b);
        x7 = fma(x7, a, b);
        x8 = fma(x8, a, b);
        x9 = fma(x9, a, b);
        x10 = fma(x10, a, b);
        x11 = fma(x11, a, b);
    }
    vec sum = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7)) + ((x8 + x9) + (x10 + x11));
    vstore_lanes(sum, get_global_id(0), out);
}

/* c = a + b: two streams in, one out. Flat. */
KERNEL void bench_stream(__global const float *a, __global const float *b, __global float *c)
{
    FLAT_FOR(i) vstore_lanes(vload_lanes(0, a + i) + vload_lanes(0, b + i), 0, c + i);
}
