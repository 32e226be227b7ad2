/* Sums. Flat: a, b, y hold the same number of floats; y may be a. */
KERNEL void add(__global const float *a, __global const float *b, __global float *y)
{
    FLAT_FOR(i) vstore_lanes(vload_lanes(0, a + i) + vload_lanes(0, b + i), 0, y + i);
}
