/* Multiplication by a number. Flat: x and y hold the same number of floats; y may be x. */
KERNEL void scale(__global const float *x, __global float *y, float factor)
{
    FLAT_FOR(i) vstore_lanes(factor * vload_lanes(0, x + i), 0, y + i);
}
