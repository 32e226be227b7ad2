/* The gradient of the mean of squares; its forward sum is in sum.cl. dx = factor dy x, flat; dy is a scalar. */
KERNEL void mean_square_gradient(__global const float *x, __global const float *dy, __global float *dx, float factor)
{
    factor *= dy[0];
    FLAT_FOR(i) vstore_lanes(factor * vload_lanes(0, x + i), 0, dx + i);
}
