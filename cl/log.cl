/* Natural logarithms. Flat; what a buffer holds past its numbers may give any value there. */

KERNEL void natural_log(__global const float *x, __global float *y, float epsilon)
{
    FLAT_FOR(i) vstore_lanes(log(vload_lanes(0, x + i) + epsilon), 0, y + i);
}

KERNEL void natural_log_gradient(__global const float *x, __global const float *dy, __global float *dx, float epsilon)
{
    FLAT_FOR(i) vstore_lanes(vload_lanes(0, dy + i) / (vload_lanes(0, x + i) + epsilon), 0, dx + i);
}
