/* Activations. Flat: all buffers hold the same number of floats; y may be x, dx may be dy. */

KERNEL void leaky_relu(__global const float *x, __global float *y, float slope)
{
    FLAT_FOR(i)
    {
        vec v = vload_lanes(0, x + i);
        vstore_lanes(v > 0.f ? v : slope * v, 0, y + i);
    }
}

KERNEL void leaky_relu_gradient(__global const float *y, __global const float *dy, __global float *dx, float slope)
{
    FLAT_FOR(i)
    {
        vec d = vload_lanes(0, dy + i);
        vstore_lanes(vload_lanes(0, y + i) > 0.f ? d : slope * d, 0, dx + i);
    }
}

KERNEL void hyperbolic_tangent(__global const float *x, __global float *y)
{
    FLAT_FOR(i) vstore_lanes(tanh(vload_lanes(0, x + i)), 0, y + i);
}

KERNEL void hyperbolic_tangent_gradient(__global const float *y, __global const float *dy, __global float *dx)
{
    FLAT_FOR(i)
    {
        vec t = vload_lanes(0, y + i);
        vstore_lanes(vload_lanes(0, dy + i) * (1.f - t * t), 0, dx + i);
    }
}
