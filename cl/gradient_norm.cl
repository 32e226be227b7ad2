/* dx = strength dy / (norm + 1e-8); flat, dx may be dy. */
KERNEL void gradient_norm(__global const float *dy, __global const float *norm, __global float *dx, float strength)
{
    float factor = strength / (norm[0] + 1e-8f);
    FLAT_FOR(i) vstore_lanes(factor * vload_lanes(0, dy + i), 0, dx + i);
}
