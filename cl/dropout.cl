/* y = x growth where the noise is at least the rate, else 0. Flat; y may be x. */
KERNEL void dropout(__global const float *x, __global const float *noise, __global float *y, float rate, float growth)
{
    FLAT_FOR(i)
    {
        vec stays = select((vec)(0.f), (vec)(growth), vload_lanes(0, noise + i) >= (vec)(rate));
        vstore_lanes(stays * vload_lanes(0, x + i), 0, y + i);
    }
}
