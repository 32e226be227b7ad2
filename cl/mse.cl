/* Gradients of the mean of squared differences; its forward sum is in sum.cl. dy is a scalar. */

/* dx[row] = factor dy (x[row] - target); flat in each row of `count` floats. */
KERNEL void mse_gradient(__global const float *x, __global const float *target, __global const float *dy,
                         __global float *dx, ulong count, float factor)
{
    size_t row = get_global_id(1) * count;
    factor *= dy[0];
    FLAT_FOR(i)
    {
        if (i >= count) break;
        int left = min((ulong)LANES, count - i);
        store_lanes(factor * (load_lanes(x + row + i, left) - load_lanes(target + i, left)), dx + row + i, left);
    }
}

/* dtarget = factor dy * the sum of x[row] - target over all rows; flat. */
KERNEL void mse_target_gradient(__global const float *x, __global const float *target, __global const float *dy,
                                __global float *dtarget, ulong count, int rows, float factor)
{
    factor *= dy[0];
    FLAT_FOR(i)
    {
        if (i >= count) break;
        int left = min((ulong)LANES, count - i);
        vec t = load_lanes(target + i, left), sum = (vec)(0.f);
        for (int row = 0; row < rows; row++) sum += load_lanes(x + row * count + i, left) - t;
        store_lanes(factor * sum, dtarget + i, left);
    }
}
